"""What if, run, show: scenario files, runs and their folders, comparison, and everything a planner looks at.

The public names are loaded when first used, so that the command can check the installation before anything heavy is
imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
_HOMES = {
    "Comparison": "compare",
    "ResolvedScenario": "resolve",
    "RunContent": "content",
    "RunOutcome": "runner",
    "RunRequest": "runner",
    "compare_runs": "compare",
    "resolve_scenario": "resolve",
    "run_scenario": "runner",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module."""
    if name in _HOMES:
        return getattr(import_module(f"scenarios.{_HOMES[name]}"), name)
    msg = f"module 'scenarios' has no attribute {name!r}"
    raise AttributeError(msg)
