"""Families of siting benchmarks, one module each; see `bench` for what a family is."""
