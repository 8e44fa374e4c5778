"""What a routing engine is: a name, a statement of what it can do, and a solve from problem to trips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from planner.problems.standard import RoutingSettings
from planner.reports import Status
from planner.routing.round_problem import RoundProblem, Trip


@dataclass(frozen=True, slots=True)
class RoundSolution:
    """Decisions of one round.

    Attributes
    ----------
    trips
        Trips; together they visit every stop not in `left_out` exactly once.
    left_out
        Stops the available vehicles cannot serve (only where a type is limited).
    objective
        CNY of all trips.
    bound
        Proved lower bound on the CNY of serving the visited stops, whatever the number of vehicles; None: none known.
    status
        ``optimal`` only if `bound` proves it.
    engine
        Engine with its version.
    """

    trips: tuple[Trip, ...]
    left_out: tuple[int, ...]
    objective: float
    bound: float | None
    status: Status
    engine: str


class RoundEngine(Protocol):
    """One way of solving a round whose every stop can be served alone by some vehicle type."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        ...

    def refuses(self, problem: RoundProblem, settings: RoutingSettings) -> str:
        """Return why this engine cannot take the round, or an empty text if it can."""
        ...

    def solve(self, problem: RoundProblem, settings: RoutingSettings) -> RoundSolution:
        """Solve the round."""
        ...


def choose_engine(engines: tuple[RoundEngine, ...], problem: RoundProblem, settings: RoutingSettings) -> RoundEngine:
    """Return the first engine that takes the round.

    Raises
    ------
    ValueError
        If none does; the text names each engine's reason.
    """
    reasons = []
    for engine in engines:
        reason = engine.refuses(problem, settings)
        if not reason:
            return engine
        reasons.append(f"{engine.name}: {reason}")
    raise ValueError("; ".join(reasons))
