"""Exact engine for small rounds: enumerate the trips, choose among them by dynamic programming, prove the result.

Trips that look cheapest are checked for load order, shift and range only when a best choice uses them; the choice is
then repeated with their true cost. Until then each enters with a lower bound, so the last choice is optimal.
"""

from __future__ import annotations

import numpy as np

from geodata import __distribution__
from planner.problems.standard import RoutingSettings
from planner.routing.engine import RoundSolution
from planner.routing.exact_counts import limited_choice
from planner.routing.exact_partition import partition
from planner.routing.exact_tours import TripTable
from planner.routing.packing_numbers import fits_numbers, within_numbers
from planner.routing.round_problem import RoundProblem, Trip
from planner.routing.savings import savings_trips

#: Largest round the enumeration is built for, whatever the settings say (memory grows as 2ⁿ · n).
MOST_STOPS = 16
#: Relative difference of objective and bound that is rounding.
PROOF_TOLERANCE = 1e-9
#: Repeated choices after which the search gives the best proved bound instead of the optimum.
RESOLVE_LIMIT = 100


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
        trips, bound = choose_trips(table)
        if trips is not None and fits_numbers(problem, trips):
            return _solution(self.name, problem, trips, bound)
        if any(vehicle.available is not None for vehicle in problem.vehicles):
            limited = limited_choice(table)
            if limited is not None:
                return _solution(self.name, problem, *limited)
        return _solution(self.name, problem, *_fallback(table))


def _fallback(table: TripTable) -> tuple[tuple[Trip, ...], float]:
    """Return a savings plan with the bound of the enumeration, where too many trips would have to be made exact."""
    problem = table.problem
    trips = within_numbers(problem, savings_trips(problem, tuple(range(len(problem.vehicles)))))
    served = sum(1 << i for trip in trips for i in trip.stops)
    return trips, float(partition(table.cost.min(axis=0))[0][served])


def choose_trips(table: TripTable) -> tuple[tuple[Trip, ...] | None, float]:
    """Return the best trips without regard to vehicle numbers, and the bound.

    The trips are None if some choice could not be made exact within `RESOLVE_LIMIT`, or if a stop fits no type.
    """
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


def _solution(name: str, problem: RoundProblem, trips: tuple[Trip, ...], bound: float) -> RoundSolution:
    served = {i for trip in trips for i in trip.stops}
    left_out = tuple(i for i in range(len(problem.stops)) if i not in served)
    objective = sum(problem.figures(trip).cny for trip in trips)
    bound = min(bound, objective)
    proved = objective - bound <= PROOF_TOLERANCE * max(1.0, abs(objective))
    return RoundSolution(trips, left_out, objective, bound, "optimal" if proved else "feasible", name)
