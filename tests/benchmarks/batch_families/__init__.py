"""Families of batch benchmarks, one module each; see `bench` for what a family is."""
