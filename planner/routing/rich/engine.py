"""What an engine of rich routing problems is: a name, what it refuses, and a solve from problem to decision.

Iterations decide a result (same problem, limits and seed: same decision); seconds are for people and only cut a run short.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.reports import SolveReport


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an engine cannot take a problem: a message key with its figures."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingLimits:
    """When a search ends.

    Attributes
    ----------
    iterations
        Search iterations; they decide the result.
    seconds
        Wall clock, for people; a run it cuts short is not repeatable, which its report says.
    seed
        Seed of every random choice.
    clock
        What `seconds` is read on.
    """

    iterations: int = 20_000
    seconds: float = math.inf
    seed: int = 1
    clock: Callable[[], float] = field(default=time.perf_counter, compare=False)


@dataclass(frozen=True, slots=True)
class RoutingAnswer:
    """What an engine found.

    Attributes
    ----------
    decision
        Vehicle days and stops left out; None: nothing found.
    report
        Status, CNY, bound (None: none known), engine, seed, limits.
    why_key, why_params
        Message key saying why this engine was chosen, with its figures; empty: it was asked for by name.
    """

    decision: RoutingDecision | None
    report: SolveReport
    why_key: str = ""
    why_params: Mapping[str, object] = field(default_factory=dict)


class RichEngine(Protocol):
    """One way of solving rich routing problems."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        ...

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Return every reason why this engine cannot take the problem; none: it can."""
        ...

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Solve the problem; `start` is today's decision to begin from."""
        ...
