"""Quarterly returns read against a plan: indicators, index, late projects, savings, sampling list."""
