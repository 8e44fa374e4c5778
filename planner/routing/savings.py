"""Savings start: direct trips merged while that saves money, each on its cheapest vehicle type (Clarke and Wright)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from planner.routing.round_problem import RoundProblem, Trip

_Costed = tuple[float, Trip]
_Merges = dict[tuple[int, int], _Costed | None]

#: CNY below which a merge is rounding, not a saving.
LEAST_SAVING = 1e-9


def cheapest_vehicle(
    problem: RoundProblem, stops: tuple[int, ...], vehicles: tuple[int, ...]
) -> tuple[float, Trip] | None:
    """Return cost and trip of an order of stops on the cheapest type that can run it; None if none can."""
    best: tuple[float, Trip] | None = None
    for k in vehicles:
        trip = Trip(k, stops)
        figures = problem.figures(trip)
        if problem.allows(trip, figures) and (best is None or figures.cny < best[0]):
            best = (figures.cny, trip)
    return best


def savings_trips(problem: RoundProblem, vehicles: tuple[int, ...]) -> tuple[Trip, ...]:
    """Return trips over the stops that the given types can serve, merged greedily by the largest saving.

    Ties go to the pair with the lower stop indices.
    """
    trips: dict[int, _Costed] = {}
    for i in range(len(problem.stops)):
        single = cheapest_vehicle(problem, (i,), vehicles)
        if single is not None:
            trips[i] = single
    merges: _Merges = {}
    while True:
        best = _best_merge(problem, vehicles, trips, merges)
        if best is None:
            return tuple(trip for _, trip in trips.values())
        a, b, joined = best
        trips[a] = joined
        del trips[b]
        merges = {pair: value for pair, value in merges.items() if not {a, b} & set(pair)}


def _best_merge(
    problem: RoundProblem, vehicles: tuple[int, ...], trips: Mapping[int, _Costed], merges: _Merges
) -> tuple[int, int, _Costed] | None:
    """Return the pair of trips whose joining (first, then second) saves most, and the joined trip."""
    best: tuple[float, int, int, _Costed] | None = None
    for a, b in permutations(trips, 2):
        if (a, b) not in merges:
            merges[a, b] = cheapest_vehicle(problem, trips[a][1].stops + trips[b][1].stops, vehicles)
        joined = merges[a, b]
        if joined is None:
            continue
        saving = trips[a][0] + trips[b][0] - joined[0]
        if saving > LEAST_SAVING and (best is None or (-saving, a, b) < (-best[0], best[1], best[2])):
            best = (saving, a, b, joined)
    return None if best is None else best[1:]
