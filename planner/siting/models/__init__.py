"""Siting models over a `SitingProblem`: one model a file, named in `planner.siting.registry`."""
