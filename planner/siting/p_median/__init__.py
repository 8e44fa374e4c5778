"""Exact p-median and uncapacitated fixed charge over sparse cost lists."""
