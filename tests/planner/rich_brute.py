"""Random small rich rounds and their cheapest decision by trying everything."""

from __future__ import annotations

import itertools
import math

import numpy as np

from planner.problems.routing import RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle, VehicleDay
from planner.routing.rich.schedule import day_cost, day_is_feasible


def random_round(seed, count=5, *, stop=None, vehicles=None, vehicle=None, **more) -> RoutingProblem:
    """Stops on a 20 km square; `stop(i)` gives further fields of stop i, `vehicle` those of the only vehicle type."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0.0, 20.0, (count + 1, 2))
    km = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    stops = []
    for i in range(count):
        delivery, pickup = float(rng.integers(1, 9)), float(rng.integers(0, 5))
        fields = {"delivery": (delivery,), "pickup": (pickup,), "service_min": 5.0, **(stop(i) if stop else {})}
        stops.append(RoutingStop(f"s{i}", i + 1, **fields))
    own = {"capacity": (15.0,), "fixed_cny": 50.0, "cny_per_km": 1.2, "cny_per_h": 30.0, **(vehicle or {})}
    return RoutingProblem(
        tuple(map(str, range(count + 1))),
        (np.round(km * 1.5, 1),),
        (np.round(km * 1000.0),),
        (RoutingDepot("depot", 0, 480.0, 1200.0, loading_min=10.0),),
        tuple(stops),
        tuple(vehicles or [RoutingVehicle("van", **own)]),
        dimensions=("kg",),
        **more,
    )


def cheapest(problem: RoutingProblem) -> float:
    """Return the least cost (no balance between days, no limited types)."""
    best = _best_days(problem)
    memo = {(): 0.0}

    def go(rest):
        if rest not in memo:
            penalty = problem.stops[rest[0]].penalty_cny
            least = math.inf if penalty is None else penalty + go(rest[1:])
            for size in range(len(rest)):
                for others in itertools.combinations(rest[1:], size):
                    own = (rest[0], *others)
                    if own in best:
                        least = min(least, best[own] + go(tuple(i for i in rest if i not in own)))
            memo[rest] = least
        return memo[rest]

    return go(tuple(range(len(problem.stops))))


def _best_days(problem):
    best = {}
    for size in range(1, len(problem.stops) + 1):
        for order in itertools.permutations(range(len(problem.stops)), size):
            for k, vehicle in enumerate(problem.vehicles):
                cuts = range(1, size) if vehicle.trips_most > 1 else ()
                for trips in [(order,), *((order[:c], order[c:]) for c in cuts)]:
                    day = VehicleDay(k, trips)
                    if day_is_feasible(problem, day):
                        own = tuple(sorted(order))
                        best[own] = min(best.get(own, math.inf), day_cost(problem, day))
    return best
