"""What the truck rounds cost once some points ride on buses: one depot's rounds, solved again as the plan solves them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from planner.problems.standard import RoutingSettings
from planner.routing.round_problem import LIMIT_TOLERANCE, ParcelFigures, RoundProblem, Trip
from planner.routing.rounds_solve import DepotOutcome, solve_depot

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class TruckCost:
    """CNY of a mean day, proved lower bound of it (None: none), and the rounds."""

    objective: float
    bound: float | None
    outcome: DepotOutcome


@dataclass(eq=False)
class TruckDepot:
    """A depot whose rounds lose the stops of the points that ride.

    Attributes
    ----------
    problem
        The depot's round with all its points.
    parcel, settings
        As for the plan's own rounds.
    relievers
        Point → origins; a bus from one of them takes the point's stop away.
    """

    problem: RoundProblem
    parcel: ParcelFigures
    settings: RoutingSettings
    relievers: Mapping[str, frozenset[str]]
    solved: dict[frozenset[str], TruckCost] = field(default_factory=dict)

    @property
    def depot_id(self) -> str:
        """Facility."""
        return self.problem.depot_id

    @cached_property
    def is_monotone(self) -> bool:
        """Tell whether fewer points can never cost more (then bounds of the joint choice hold).

        True where going past a stop, its service time included, is never cheaper or faster than going straight on.
        Kilometres need not keep the rule: bounds are proved without ranges where they do not.
        """
        return not breaks_triangle(self.problem, frozenset(self.relievers))[0]

    @cached_property
    def direct_cny(self) -> Mapping[str, float]:
        """Point → CNY of a mean day of an own trip: leaving the point out saves no more. Points no single trip serves are absent."""
        p = self.problem
        found = {}
        for i, stop in enumerate(p.stops):
            if stop.facility_id in self.relievers:
                trips = [Trip(k, (i,)) for k in range(len(p.vehicles))]
                costs = [p.figures(t).cny for t in trips if p.allows(t)]
                if costs:
                    found[stop.facility_id] = min(costs) * p.days_per_week / 7.0
        return found

    def cost(self, without: frozenset[str]) -> TruckCost:
        """Solve the rounds without these points, once."""
        if without not in self.solved:
            kept = tuple(i for i, s in enumerate(self.problem.stops) if s.facility_id not in without)
            self.solved[without] = self._solve(self.problem.select(kept))
        return self.solved[without]

    def _solve(self, round_: RoundProblem) -> TruckCost:
        free = round_
        if self._is_range_freed:
            free = replace(round_, vehicles=tuple(replace(v, range_km=math.inf) for v in round_.vehicles))
        loose = solve_depot(free, self.parcel, self.settings)
        outcome = loose
        if free is not round_ and not _keeps_ranges(round_, loose):
            outcome = solve_depot(round_, self.parcel, self.settings)
        runs = outcome.runs_per_day
        bound = None if loose.bound is None or loose.dropped else min(loose.bound * runs, outcome.cny_per_day)
        return TruckCost(outcome.cny_per_day, bound, outcome)

    @cached_property
    def _is_range_freed(self) -> bool:
        return breaks_triangle(self.problem, frozenset(self.relievers))[1]


def _keeps_ranges(round_: RoundProblem, outcome: DepotOutcome) -> bool:
    """Tell whether trips solved without ranges keep them all the same."""
    index = {stop.facility_id: i for i, stop in enumerate(round_.stops)}
    kinds = {vehicle.vehicle_type_id: k for k, vehicle in enumerate(round_.vehicles)}
    for trip in outcome.trips:
        k = kinds[trip.vehicle_type_id]
        km = round_.figures(Trip(k, tuple(index[s.facility_id] for s in trip.stops))).km
        if km > round_.vehicles[k].range_km + LIMIT_TOLERANCE:
            return False
    return True


def breaks_triangle(problem: RoundProblem, facilities: frozenset[str]) -> tuple[bool, bool]:
    """Tell whether cost or minutes, and whether kilometres of a type with a range, break the triangle rule at these stops."""
    is_dear = is_far = False
    for k, vehicle in enumerate(problem.vehicles):
        cost, minutes, metres = problem.travel_cny[k], problem.minutes[k], problem.metres[k]
        for i, stop in enumerate(problem.stops):
            if stop.facility_id not in facilities:
                continue
            n, service = i + 1, stop.service_min
            others = np.array([m for m in range(len(problem.stops) + 1) if m != n])
            at = np.ix_(others, others)
            dear = cost > cost[:, [n]] + cost[[n], :] + service / 60.0 * vehicle.cny_per_h + _TOLERANCE
            dear |= minutes > minutes[:, [n]] + minutes[[n], :] + service + LIMIT_TOLERANCE
            far = metres > metres[:, [n]] + metres[[n], :] + _TOLERANCE
            is_dear = is_dear or bool(dear[at].any())
            is_far = is_far or (math.isfinite(vehicle.range_km) and bool(far[at].any()))
    return is_dear, is_far
