"""Families of the cooperation benchmarks."""
