"""Routing: one engine a file."""
