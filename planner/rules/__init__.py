"""Rules Q1–Q20 as checks over a plan and what is known about it: a rule without its inputs is *not checked*, never met."""
