"""Exact engine for small rounds: enumerate the trips, choose among them by dynamic programming, prove the result.

Trips that look cheapest are checked for load order, shift and range only when a best choice uses them; the choice is
then repeated with their true cost. Until then each enters with a lower bound, so the last choice is optimal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geodata import __distribution__
from planner.problems.standard import RoutingSettings
from planner.routing.engine import RoundSolution
from planner.routing.exact_counts import limited_choice
from planner.routing.exact_partition import partition
from planner.routing.exact_tours import TripTable
from planner.routing.packing import pack
from planner.routing.round_problem import RoundProblem, Trip

#: Largest round the enumeration is built for, whatever the settings say (memory grows as 2ⁿ · n).
MOST_STOPS = 16
#: Repeated choices after which the search gives the best proved bound instead of the optimum.
RESOLVE_LIMIT = 400


class ExactEngine:
    """Route enumeration with a set-partitioning recursion."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"{__distribution__} route enumeration (numpy {np.__version__})"

    def refuses(self, problem: RoundProblem, settings: RoutingSettings) -> str:
        """Return why this engine cannot take the round."""
        most = min(settings.exact_stops, MOST_STOPS)
        return "" if len(problem.stops) <= most else f"{len(problem.stops)} stops are more than {most}"

    def solve(self, problem: RoundProblem, settings: RoutingSettings) -> RoundSolution:  # noqa: ARG002 - engine interface
        """Solve the round to proved optimality; limited vehicles may leave stops out."""
        table = TripTable.build(problem)
        trips, bound = _unlimited(table)
        if trips is not None and fits_numbers(problem, trips):
            return _solution(self.name, problem, trips, (), bound)
        return self._limited(problem, table)

    def _limited(self, problem: RoundProblem, table: TripTable) -> RoundSolution:
        trips, left_out, bound = limited_choice(table)
        return _solution(self.name, problem, trips, left_out, bound)


def fits_numbers(problem: RoundProblem, trips: Sequence[Trip]) -> bool:
    """Tell whether the trips can be packed onto the available vehicles."""
    for k, vehicle in enumerate(problem.vehicles):
        if vehicle.available is None:
            continue
        minutes = [problem.figures(trip).minutes for trip in trips if trip.vehicle == k]
        if max(pack(minutes, vehicle.shift_min), default=-1) + 1 > vehicle.available:
            return False
    return True


def _unlimited(table: TripTable) -> tuple[tuple[Trip, ...] | None, float]:
    """Choose trips without regard to vehicle numbers; None if some choice could not be made exact in time."""
    full = table.cost.shape[1] - 1
    bound = 0.0
    for _ in range(RESOLVE_LIMIT):
        best, choice = partition(table.cost.min(axis=0))
        bound = float(best[full])
        if not np.isfinite(bound):
            return None, bound
        chosen, mask = [], full
        while mask:
            part = int(choice[mask])
            chosen.append((int(np.argmin(table.cost[:, part])), part))
            mask ^= part
        doubtful = [c for c in chosen if not table.is_exact(*c)]
        if not doubtful:
            return tuple(Trip(k, table.orders[k, part]) for k, part in chosen), bound
        for k, part in doubtful:
            table.resolve(k, part)
    return None, bound


def _solution(
    name: str, problem: RoundProblem, trips: tuple[Trip, ...], left_out: tuple[int, ...], bound: float
) -> RoundSolution:
    objective = sum(problem.figures(trip).cny for trip in trips)
    bound = min(bound, objective)
    proved = objective - bound <= 1e-9 * max(1.0, abs(objective))
    return RoundSolution(trips, left_out, objective, bound, "optimal" if proved else "feasible", name)
