"""What if, run, show: scenario files, runs and their folders, comparison, and everything a planner looks at."""

from scenarios.compare import Comparison, compare_runs
from scenarios.content import RunContent
from scenarios.resolve import ResolvedScenario, resolve_scenario
from scenarios.runner import RunOutcome, RunRequest, run_scenario

__distribution__ = "xiangyou"
__all__ = [
    "Comparison",
    "ResolvedScenario",
    "RunContent",
    "RunOutcome",
    "RunRequest",
    "compare_runs",
    "resolve_scenario",
    "run_scenario",
]
