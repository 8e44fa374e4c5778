"""The independent checker: one family of rules a file, none of them sharing code with the engines."""
