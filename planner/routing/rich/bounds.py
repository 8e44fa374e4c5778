"""A lower bound on the cost of any rich routing problem, by leaving out the rules that cannot be bounded.

Left out: rests, charging (a leg is as short as over the best charger), the cold, balance, and that trips of one vehicle follow one
another (every trip counts as a vehicle of its own with its share of the fixed cost). Each only lets more decisions through or
makes them cheaper. What remains is bounded by column generation (`generation`), small rounds by the exact engine; larger ones by
the cheapest way to every stop and the vehicles the loads fill at least, or by the ways out and back (`radial`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from networks.matrix import FloatMatrix
from planner.problems.routing import RoutingProblem, RoutingVehicle
from planner.routing.rich.exact import MOST_STOPS, ExactLimits, solve_exact
from planner.routing.rich.generation import GenerationLimits, generate
from planner.routing.rich.graph import Floats
from planner.routing.rich.loads import LOAD_TOLERANCE
from planner.routing.rich.radial import radial_bound

BoundKind = Literal["exact", "columns", "ways", "radial", "none"]
#: Columns of the travel arrays looked at together.
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class BoundLimits:
    """How hard to try: stops up to which the exact engine and column generation are used, and their limits."""

    exact_stops: int = MOST_STOPS
    column_stops: int = 45
    exact: ExactLimits = field(default_factory=ExactLimits)
    generation: GenerationLimits = field(
        default_factory=lambda: GenerationLimits(exact_rounds=4, labels=60_000, end_neighbours=2, neighbours=4)
    )


@dataclass(frozen=True, slots=True)
class RoutingBound:
    """A proved lower bound in CNY (None: none is known) and how it was found."""

    cny: float | None
    kind: BoundKind


def lower_bound(problem: RoutingProblem, limits: BoundLimits | None = None) -> RoutingBound:
    """Return a proved lower bound on the cost of every decision that keeps the rules."""
    limits = limits or BoundLimits()
    if not problem.stops:
        return RoutingBound(0.0, "exact")
    easier = relaxed(problem)
    found = [
        RoutingBound(ways_bound(easier), "ways"),
        RoutingBound(radial_bound(easier, cheapest_ways(easier), fewest_vehicles(easier)), "radial"),
    ]
    if len(problem.stops) <= limits.exact_stops:
        bound = solve_exact(easier, limits.exact).bound
        found.append(RoutingBound(bound if bound is not None else -math.inf, "exact"))
    elif len(problem.stops) <= limits.column_stops:
        found.append(RoutingBound(generate(easier, limits.generation).bound, "columns"))
    best = max(found, key=lambda b: b.cny if b.cny is not None else -math.inf)
    return best if best.cny is not None and math.isfinite(best.cny) else RoutingBound(None, "none")


def relaxed(problem: RoutingProblem) -> RoutingProblem:
    """Return a problem without rests, charging, cold, balance and reloads that every decision is at least as dear in."""
    minutes, metres = list(problem.minutes), list(problem.metres)
    vehicles = []
    for v in problem.vehicles:
        profile = v.profile
        if v.battery is not None and problem.chargers:
            profile = len(minutes)
            minutes.append(_over_chargers(problem, problem.minutes[v.profile]))
            metres.append(_over_chargers(problem, problem.metres[v.profile]))
        vehicles.append(_single_trip(v, profile, has_chargers=bool(problem.chargers)))
    return replace(
        problem,
        minutes=tuple(minutes),
        metres=tuple(metres),
        chargers=(),
        vehicles=tuple(vehicles),
        stops=tuple(replace(s, cold_max_min=math.inf) for s in problem.stops),
        balance_min=None,
    )


def _single_trip(v: RoutingVehicle, profile: int, *, has_chargers: bool) -> RoutingVehicle:
    battery = None if has_chargers else v.battery
    return replace(
        v,
        profile=profile,
        battery=battery,
        range_km=v.range_km if v.battery is None else math.inf,
        break_rule=None,
        trips_most=1,
        fixed_cny=v.fixed_cny / v.trips_most,
        available=None if v.available is None else v.available * v.trips_most,
    )


def _over_chargers(problem: RoutingProblem, array: FloatMatrix) -> FloatMatrix:
    """Return the least of each way, directly or over chargers in any order."""
    stops = [c.place for c in problem.chargers]
    least = array.copy()
    for place in stops:
        np.minimum(least, least[:, place, None] + least[None, place, :], out=least)
    return least


def ways_bound(problem: RoutingProblem) -> float:
    """Return what the cheapest way to every stop and the fewest vehicles cost at least (−inf: a stop has none)."""
    ways = cheapest_ways(problem)
    penalty = np.array([math.inf if s.penalty_cny is None else s.penalty_cny for s in problem.stops])
    if not np.all(np.isfinite(np.minimum(ways, penalty))):
        return -math.inf
    return float(np.minimum(ways, penalty).sum()) + fewest_vehicles(problem) * _cheapest_vehicle(problem)


def fewest_vehicles(problem: RoutingProblem) -> int:
    """Return how many trips the loads that must be carried fill at least."""
    must = [s for s in problem.stops if s.penalty_cny is None]
    if not must:
        return 0
    need = 1
    for r in range(len(problem.dimensions)):
        most = max(v.capacity[r] for v in problem.vehicles)
        load = max(math.fsum(s.delivery[r] for s in must), math.fsum(s.pickup[r] for s in must))
        if most > 0.0:
            need = max(need, math.ceil((load - LOAD_TOLERANCE * len(must)) / most))
    return need


def _cheapest_vehicle(problem: RoutingProblem) -> float:
    """Return the least cost of a vehicle, its loading, and its way back."""
    least = math.inf
    places = np.array([s.place for s in problem.stops])
    for v in problem.vehicles:
        end = problem.depots[v.end_depot].place
        back = _cost(problem, v, places, np.array([end]))
        loading = problem.depots[v.start_depot].loading_min / 60.0 * v.cny_per_h
        least = min(least, v.fixed_cny + loading + float(back.min()))
    return least if math.isfinite(least) else 0.0


def cheapest_ways(problem: RoutingProblem) -> Floats:
    """Return for each stop the cheapest way to it, with its service, over all types and places before it."""
    places = np.array([s.place for s in problem.stops], dtype=np.intp)
    service = np.array([s.service_min for s in problem.stops])
    least = np.full(len(places), np.inf)
    for v in problem.vehicles:
        if v.available == 0:
            continue
        before = np.append(places, problem.depots[v.start_depot].place)
        may = np.array([s.vehicle_types is None or v.vehicle_type_id in s.vehicle_types for s in problem.stops])
        for first in range(0, len(places), _BLOCK):
            block = slice(first, first + _BLOCK)
            cost = _cost(problem, v, before, places[block])
            own = np.arange(first, min(first + _BLOCK, len(places)))
            cost[own, own - first] = np.inf
            best = cost.min(axis=0) + service[block] / 60.0 * v.cny_per_h
            least[block] = np.minimum(least[block], np.where(may[block], best, np.inf))
    return least


def _cost(problem: RoutingProblem, v: RoutingVehicle, origins: np.ndarray, destinations: np.ndarray) -> Floats:
    index = np.ix_(origins, destinations)
    cost = problem.metres[v.profile][index] / 1000.0 * v.cny_per_km
    minutes: Floats = problem.minutes[v.profile][index]
    return np.where(np.isfinite(cost) & np.isfinite(minutes), cost + minutes / 60.0 * v.cny_per_h, np.inf)
