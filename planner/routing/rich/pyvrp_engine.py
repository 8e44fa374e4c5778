"""PyVRP as engine of rich routing problems: the quality engine for what it can express, and the list of what it cannot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.routing.rich.answers import answer_of, nothing_found
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.pyvrp_data import permit_times, pyvrp_problem, reach_km
from planner.routing.rich.pyvrp_search import search


class PyVrpEngine:
    """PyVRP's iterated local search."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"PyVRP {version('pyvrp')}"

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Return what PyVRP cannot express in this problem."""
        return tuple(Refusal(key) for key in _reasons(problem))

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Search; begin from `start` if given (kept if nothing better is found)."""
        if not problem.stops:
            return answer_of(problem, RoutingDecision(()), self.name, limits)
        native = pyvrp_problem(problem)
        first = None if start is None else native.solution(start)
        found = search(native.data, limits, start=first)
        if not found.best.is_feasible():
            return nothing_found(self.name, limits)
        return answer_of(problem, native.decision(found.best), self.name, limits, is_cut=found.is_cut)


def _reasons(problem: RoutingProblem) -> Iterator[str]:
    vehicles = [v for v in problem.vehicles if v.available != 0]
    if not vehicles:
        yield "routing_refused_no_vehicle"
    if any(v.break_rule is not None and math.isfinite(v.break_rule.after_min) for v in vehicles):
        yield "routing_refused_breaks"
    if has_incompatible_goods(problem):
        yield "routing_refused_goods"
    if any(math.isfinite(s.cold_max_min) for s in problem.stops) and not all(v.is_refrigerated for v in vehicles):
        yield "routing_refused_cold"
    if problem.chargers and any(v.battery is not None for v in vehicles):
        yield "routing_refused_charging"
    if any(v.trips_most > 1 and math.isfinite(reach_km(v)) for v in vehicles):
        yield "routing_refused_reload_range"
    if any(v.battery is not None and v.trips_most > 1 for v in vehicles):
        yield "routing_refused_charging"
    if problem.balance_min is not None:
        yield "routing_refused_balance"
    if _has_permits_of_their_own(problem):
        yield "routing_refused_permits"


def has_incompatible_goods(problem: RoutingProblem) -> bool:
    """Tell whether two stops have goods that may not share a trip."""
    carried = {g for s in problem.stops for g in s.goods}
    return any(a in carried and b in carried for a, b in problem.incompatible)


def _has_permits_of_their_own(problem: RoutingProblem) -> bool:
    zones = {s.zone for s in problem.stops if s.zone}
    return any(len({permit_times(v, zone) for v in problem.vehicles if v.available != 0} - {()}) > 1 for zone in zones)


def is_dense_too_large(problem: RoutingProblem, most_gb: float = 2.0) -> bool:
    """Tell whether PyVRP's whole-number arrays of the problem would need more than so many gigabytes."""
    count = len(problem.stops) + len(problem.depots)
    kinds = len({v.profile for v in problem.vehicles})
    return 2.0 * kinds * count * count * np.dtype(np.int64).itemsize > most_gb * 1e9
