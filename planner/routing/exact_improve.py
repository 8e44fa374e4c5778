"""Improve the trips of a large round with the exact engine: solve small groups of trips again, together."""

from __future__ import annotations

from itertools import combinations

from planner.routing.exact import choose_trips
from planner.routing.exact_tours import TripTable
from planner.routing.round_problem import RoundProblem, Trip

#: Groups of one to three trips with at most this many stops together are solved exactly.
GROUP_STOPS = 13
GROUP_TRIPS = 3
#: Groups tried per round; decides the result reproducibly.
GROUP_LIMIT = 20
#: CNY below which a change is rounding, not an improvement.
LEAST_SAVING = 1e-6


def improve_trips(problem: RoundProblem, trips: tuple[Trip, ...]) -> tuple[Trip, ...]:
    """Return trips over the same stops that cost no more.

    Groups with the nearest trips come first; where a vehicle type is limited only the trips' own orders are improved,
    so that the vehicles they need stay as they are or get less.
    """
    has_limit = any(vehicle.available is not None for vehicle in problem.vehicles)
    current, tried, budget = list(trips), set[frozenset[Trip]](), GROUP_LIMIT
    for size in (1,) if has_limit else range(1, GROUP_TRIPS + 1):
        found = True
        while found and budget > 0:
            found = False
            for group in _groups(problem, current, size):
                if group in tried or budget <= 0:
                    continue
                tried.add(group)
                budget -= size > 1
                better = _solved_again(problem, group)
                if better is not None:
                    current = [trip for trip in current if trip not in group] + better
                    found = True
                    break
    return tuple(current)


def _groups(problem: RoundProblem, trips: list[Trip], size: int) -> list[frozenset[Trip]]:
    """Small enough groups of trips, those whose stops lie nearest to one another first."""
    ranked: list[tuple[float, int, frozenset[Trip]]] = []
    for group in combinations(sorted(trips, key=lambda t: (t.stops, t.vehicle)), size):
        if sum(len(trip.stops) for trip in group) <= GROUP_STOPS:
            ranked.append(
                (sum(_apart(problem, a, b) for a, b in combinations(group, 2)), len(ranked), frozenset(group))
            )
    return [group for _, _, group in sorted(ranked, key=lambda entry: entry[:2])]


def _apart(problem: RoundProblem, a: Trip, b: Trip) -> float:
    """Metres between the nearest stops of two trips."""
    metres = problem.metres[0]
    return min(float(metres[i + 1, j + 1]) for i in a.stops for j in b.stops)


def _solved_again(problem: RoundProblem, group: frozenset[Trip]) -> list[Trip] | None:
    """Return the best trips over a group's stops, or None if they save nothing or use other vehicle types' limits."""
    stops = tuple(sorted(i for trip in group for i in trip.stops))
    kinds = tuple(range(len(problem.vehicles)))
    if any(vehicle.available is not None for vehicle in problem.vehicles):
        kinds = tuple(sorted({trip.vehicle for trip in group}))
    part = problem.select(stops).with_vehicles(kinds, (None,) * len(kinds))
    chosen, _ = choose_trips(TripTable.build(part))
    if chosen is None:
        return None
    better = [Trip(kinds[trip.vehicle], tuple(stops[i] for i in trip.stops)) for trip in chosen]
    saved = sum(problem.figures(t).cny for t in group) - sum(problem.figures(t).cny for t in better)
    return better if saved > LEAST_SAVING else None
