"""Siting: one model a file."""
