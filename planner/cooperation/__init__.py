"""Cooperation of operators: separate networks today, shared modes village by village, merged stations."""
