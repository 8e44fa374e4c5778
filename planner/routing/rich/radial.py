"""Bound of the way out and back: every trip goes at least to its furthest stop and back, and its load shares that way out.

Haimovich and Rinnooy Kan (1985): a trip that carries at most Q costs at least the way to each of its stops and back, so also at
least the mean of these ways by load, ``Σ q / Q · way`` over its stops; adding all trips up, nothing need be known about them. It
is near the truth where vehicles drive far and visit little on the way, which the cheapest way to every stop
(`bounds.ways_bound`) is not. Both together: of every arc into a stop a share of the stop's cheapest way is paid first, and the
ways out and back are measured in what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from planner.problems.routing import RoutingProblem
from planner.routing.rich.graph import Floats
from planner.routing.rich.loads import LOAD_TOLERANCE

#: Shares of the cheapest ways paid first; the best bound of all counts.
SHARES = (0.0, 0.5, 1.0)
#: Most stops for which all shares are tried; beyond, only the first, which is the best of large days.
SHARES_STOPS = 5_000


def radial_bound(problem: RoutingProblem, ways: Floats, trips: int) -> float:
    """Return the bound in CNY (−inf: a mandatory stop has no way, or nothing limits a trip).

    Parameters
    ----------
    problem
        One trip a vehicle, no chargers (`bounds.relaxed`).
    ways
        Cheapest way to every stop with its service, CNY; ``inf``: none.
    trips
        Trips needed at least.
    """
    penalty = np.array([math.inf if s.penalty_cny is None else s.penalty_cny for s in problem.stops])
    known = np.where(np.isfinite(ways), ways, 0.0)
    fixed = trips * _least_fixed(problem)
    best = -math.inf
    for share in SHARES if len(problem.stops) <= SHARES_STOPS else SHARES[:1]:
        paid = share * known
        there, back = _ways_out(problem, paid), _ways_back(problem, paid)
        for weights in _weights(problem):
            cost = np.where(np.isfinite(ways), paid + weights * (there + back), math.inf)
            least = np.minimum(cost, penalty)
            if np.all(np.isfinite(least)):
                best = max(best, fixed + math.fsum(least))
    return best


def _weights(problem: RoutingProblem) -> Iterator[Floats]:
    """Yield shares of the stops in a trip that add up to at most one in every trip: by each load, and by the most stops."""
    usable = [v for v in problem.vehicles if v.available != 0]
    for r in range(len(problem.dimensions)):
        most = max((v.capacity[r] for v in usable), default=0.0) + LOAD_TOLERANCE
        for loads in ([s.delivery[r] for s in problem.stops], [s.pickup[r] for s in problem.stops]):
            if math.isfinite(most) and any(loads):
                yield np.array(loads) / most
    limits = [v.stops_most for v in usable]
    if limits and all(limits):
        yield np.full(len(problem.stops), 1.0 / max(n or 0 for n in limits))


def _least_fixed(problem: RoutingProblem) -> float:
    loading = [problem.depots[v.start_depot].loading_min / 60.0 * v.cny_per_h for v in problem.vehicles]
    return min((v.fixed_cny + own for v, own in zip(problem.vehicles, loading, strict=True)), default=0.0)


class _Arcs:
    """Cheapest arcs of all vehicle types, without what is paid first; stops by index."""

    def __init__(self, problem: RoutingProblem, paid: Floats) -> None:
        self.problem, self.paid = problem, paid
        self.places = np.array([s.place for s in problem.stops], dtype=np.intp)
        self.service = np.array([s.service_min for s in problem.stops])
        usable = [v for v in problem.vehicles if v.available != 0]
        self.kinds = sorted({(v.profile, v.cny_per_km, v.cny_per_h) for v in usable})
        self.starts = sorted({problem.depots[v.start_depot].place for v in usable})
        self.ends = sorted({problem.depots[v.end_depot].place for v in usable})

    def from_place(self, place: int) -> Floats:
        """Return the cost from a place to every stop."""
        least = np.full(len(self.places), math.inf)
        for profile, per_km, per_h in self.kinds:
            metres, minutes = self.problem.metres[profile][place], self.problem.minutes[profile][place]
            cost = metres[self.places] * (per_km / 1000.0) + (minutes[self.places] + self.service) * (per_h / 60.0)
            np.minimum(least, np.where(np.isnan(cost), math.inf, cost), out=least)
        return np.maximum(least - self.paid, 0.0)

    def to_place(self, place: int, service: float = 0.0, paid: float = 0.0) -> Floats:
        """Return the cost from every stop to a place."""
        least = np.full(len(self.places), math.inf)
        for profile, per_km, per_h in self.kinds:
            metres, minutes = self.problem.metres[profile][:, place], self.problem.minutes[profile][:, place]
            cost = metres[self.places] * (per_km / 1000.0) + (minutes[self.places] + service) * (per_h / 60.0)
            np.minimum(least, np.where(np.isnan(cost), math.inf, cost), out=least)
        return np.maximum(least - paid, 0.0)


def _ways_out(problem: RoutingProblem, paid: Floats) -> Floats:
    """Return the cheapest way from a start depot to every stop, over other stops if that is cheaper."""
    arcs = _Arcs(problem, paid)
    way = np.minimum.reduce([arcs.from_place(start) for start in arcs.starts])
    return _settled(way, lambda stop: arcs.from_place(int(arcs.places[stop])))


def _ways_back(problem: RoutingProblem, paid: Floats) -> Floats:
    """Return the cheapest way from every stop to an end depot."""
    arcs = _Arcs(problem, paid)
    way = np.minimum.reduce([arcs.to_place(end) for end in arcs.ends])
    return _settled(way, lambda s: arcs.to_place(int(arcs.places[s]), float(arcs.service[s]), float(paid[s])))


def _settled(way: Floats, arcs_of: Callable[[int], Floats]) -> Floats:
    """Settle the ways one after the other, the shortest first (Dijkstra 1959, on full arrays)."""
    is_open = np.ones(len(way), dtype=bool)
    for _ in range(len(way)):
        stop = int(np.argmin(np.where(is_open, way, math.inf)))
        if not is_open[stop] or not math.isfinite(way[stop]):
            break
        is_open[stop] = False
        np.minimum(way, way[stop] + arcs_of(stop), out=way)
    return way
