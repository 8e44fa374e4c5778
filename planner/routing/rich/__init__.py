"""Rich rounds: timetables, costs, input checks, the exact engine, bounds and reasons of `planner.problems.routing`."""
