"""Robustness of a plan: what breaks first, which sites are right whatever comes, siting for many scenarios (docs/robustness.md)."""
