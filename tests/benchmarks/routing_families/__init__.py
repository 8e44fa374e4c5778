"""Families of routing benchmarks."""
