"""Cheapest single trips: Held-Karp over all sets of stops, and the constrained search where the cheapest order fails.

The load on a trip depends only on the set of stops already visited and on the trip's total, so a fixed set of stops
has feasible and infeasible *prefix sets*; minutes and kilometres add up along the trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from networks.matrix import FloatMatrix
from planner.routing.round_problem import LIMIT_TOLERANCE, FloatArray, RoundProblem, Trip

IntArray = npt.NDArray[np.intp]
#: Minutes and metres driven, and the order of stops; kept per (visited set, last stop).
_Label = tuple[float, float, tuple[int, ...]]
_Labels = dict[tuple[int, int], list[_Label]]


def subset_sums(values: FloatArray) -> FloatArray:
    """Return the sum of `values` over every bit mask, shape ``(2ⁿ,)``."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def masks_by_size(n: int) -> list[IntArray]:
    """Return all bit masks of n stops, grouped by their number of stops."""
    sizes = subset_sums(np.ones(n)).astype(np.intp)
    return [np.flatnonzero(sizes == size) for size in range(n + 1)]


@dataclass(frozen=True, eq=False)
class TourTable:
    """Cheapest closed tour through every set of stops, by one arc weight.

    Attributes
    ----------
    weight
        Weight of the tour through each set; shape ``(2ⁿ,)``, ``inf`` where none exists.
    last
        Last stop of that tour; shape ``(2ⁿ,)``.
    parent
        Stop before `last` on the best path through a set that ends at it; shape ``(2ⁿ, n)``.
    """

    weight: FloatArray
    last: IntArray
    parent: IntArray

    def order(self, mask: int) -> tuple[int, ...]:
        """Return the stops of the tour through `mask`, in order."""
        stop, stops = int(self.last[mask]), []
        while mask:
            stops.append(stop)
            before = int(self.parent[mask, stop])
            mask ^= 1 << stop
            stop = before
        return tuple(reversed(stops))


def held_karp(weight: FloatMatrix) -> TourTable:
    """Return the cheapest tours over an ``(n + 1, n + 1)`` arc weight, node 0 the depot.

    Held and Karp's recursion: the best path through a set ending at j comes from the best path through the set
    without j, ending anywhere.
    """
    n = len(weight) - 1
    best = np.full((1 << n, n), np.inf)
    parent = np.zeros((1 << n, n), dtype=np.intp)
    arcs = weight[1:, 1:]
    for j in range(n):
        best[1 << j, j] = weight[0, j + 1]
    for masks in masks_by_size(n)[2:]:
        for j in range(n):
            ending = masks[(masks >> j) & 1 == 1]
            through = best[ending ^ (1 << j)] + arcs[:, j]
            choice = np.argmin(through, axis=1)
            best[ending, j] = through[np.arange(len(ending)), choice]
            parent[ending, j] = choice
    closed = best + weight[1:, 0]
    last = np.argmin(closed, axis=1)
    total = closed[np.arange(1 << n), last]
    total[0] = 0.0
    return TourTable(total, last, parent)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Which prefix sets of a trip keep the load within capacity, for one trip and vehicle type."""

    deliveries: FloatArray
    pickups: FloatArray
    capacity: FloatArray

    def allowed(self, visited: tuple[int, ...] | list[int]) -> bool:
        """Tell whether the load after visiting these stops (positions within the trip) fits."""
        index = list(visited)
        load = self.deliveries.sum(axis=1) - self.deliveries[:, index].sum(axis=1) + self.pickups[:, index].sum(axis=1)
        return bool((load <= self.capacity + LIMIT_TOLERANCE).all())


def cheapest_constrained_tour(problem: RoundProblem, vehicle: int, mask: int) -> tuple[int, ...] | None:
    """Return the cheapest order of a set of stops that keeps load, shift and range; None if there is none.

    Label-setting over (visited set, last stop); a label survives unless another one is no worse in minutes and metres
    (the cost is a sum of both with fixed rates, so it is then no worse in cost either).
    """
    stops = tuple(i for i in range(len(problem.stops)) if mask >> i & 1)
    part = problem.select(stops)
    n = len(stops)
    minutes, metres = part.minutes[vehicle], part.metres[vehicle]
    kind = part.vehicles[vehicle]
    prefixes = Prefixes(part.deliveries, part.pickups, part.capacity[vehicle])
    room = (
        kind.shift_min - part.depot_loading_min - float(part.service_min.sum()) + LIMIT_TOLERANCE,
        (kind.range_km + LIMIT_TOLERANCE) * 1000.0,
    )
    allowed = [prefixes.allowed([i for i in range(n) if m >> i & 1]) for m in range(1 << n)]
    if not allowed[0] or not allowed[-1]:
        return None
    labels: _Labels = {}
    for j in range(n):
        if allowed[1 << j]:
            _add(labels, (1 << j, j), (float(minutes[0, j + 1]), float(metres[0, j + 1]), (j,)), room)
    for visited, i in ((v, i) for v in range(1, 1 << n) for i in range(n)):
        for spent_min, spent_m, order in labels.get((visited, i), ()):
            for j in range(n):
                to = visited | 1 << j
                if to != visited and allowed[to]:
                    driven = spent_min + float(minutes[i + 1, j + 1]), spent_m + float(metres[i + 1, j + 1])
                    _add(labels, (to, j), (*driven, (*order, j)), room)
    orders = [order for i in range(n) for _, _, order in labels.get(((1 << n) - 1, i), ())]
    return _cheapest_allowed(problem, vehicle, [tuple(stops[p] for p in order) for order in orders])


def _cheapest_allowed(problem: RoundProblem, vehicle: int, orders: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    costed = [(problem.figures(Trip(vehicle, order)), order) for order in orders]
    allowed = [(f.cny, order) for f, order in costed if problem.allows(Trip(vehicle, order), f)]
    return min(allowed)[1] if allowed else None


def _add(labels: _Labels, key: tuple[int, int], label: _Label, room: tuple[float, float]) -> None:
    """Keep a label unless it breaks a limit or is dominated; remove what it dominates."""
    if not (label[0] <= room[0] and label[1] <= room[1]) or np.isinf(label[0]):
        return
    kept = labels.setdefault(key, [])
    if any(old[0] <= label[0] and old[1] <= label[1] for old in kept):
        return
    kept[:] = [old for old in kept if not (label[0] <= old[0] and label[1] <= old[1])]
    kept.append(label)


@dataclass(eq=False)
class TripTable:
    """Cost of serving each set of stops by one trip of each vehicle type, made exact where it matters.

    ``cost[k, mask]`` is a lower bound: ``inf`` if some necessary condition fails, else the cheapest tour without
    regard to load order, shift and range. `resolve` replaces an entry by its exact value.

    Attributes
    ----------
    problem
        The round.
    cost
        Shape ``(vehicle types, 2ⁿ)``.
    minutes
        Minutes of the quickest tour (a lower bound for the trip); shape ``(vehicle types, 2ⁿ)``.
    orders
        Exact orders found so far.
    """

    problem: RoundProblem
    cost: FloatArray
    minutes: FloatArray
    cheapest: tuple[TourTable, ...]
    orders: dict[tuple[int, int], tuple[int, ...]]

    @classmethod
    def build(cls, problem: RoundProblem) -> TripTable:
        """Compute the lower bounds of all trips."""
        n = len(problem.stops)
        cost = np.full((len(problem.vehicles), 1 << n), np.inf)
        minutes = np.full_like(cost, np.inf)
        tables = []
        fixed_min = problem.depot_loading_min + subset_sums(problem.service_min)
        demand = [subset_sums(row) for row in (*problem.deliveries, *problem.pickups)]
        for k, vehicle in enumerate(problem.vehicles):
            table = held_karp(problem.travel_cny[k])
            tables.append(table)
            quickest = held_karp(problem.minutes[k]).weight + fixed_min
            possible = np.isfinite(table.weight) & (quickest <= vehicle.shift_min + LIMIT_TOLERANCE)
            if np.isfinite(vehicle.range_km):
                shortest = held_karp(problem.metres[k]).weight / 1000.0
                possible &= shortest <= vehicle.range_km + LIMIT_TOLERANCE
            for sums, room in zip(demand, [*problem.capacity[k], *problem.capacity[k]], strict=True):
                possible &= sums <= room + LIMIT_TOLERANCE
            possible[0] = False
            cost[k, possible] = (table.weight + fixed_min / 60.0 * vehicle.cny_per_h)[possible]
            minutes[k, possible] = quickest[possible]
        return cls(problem, cost, minutes, tuple(tables), {})

    def is_exact(self, vehicle: int, mask: int) -> bool:
        """Tell whether the entry is exact and has an order; try the cheapest tour first."""
        if (vehicle, mask) in self.orders:
            return True
        order = self.cheapest[vehicle].order(mask)
        trip = Trip(vehicle, order)
        figures = self.problem.figures(trip)
        if not self.problem.allows(trip, figures):
            return False
        self._set(vehicle, mask, order, figures.cny)
        return True

    def resolve(self, vehicle: int, mask: int) -> None:
        """Make an entry exact."""
        if self.is_exact(vehicle, mask):
            return
        order = cheapest_constrained_tour(self.problem, vehicle, mask)
        if order is None:
            self.cost[vehicle, mask] = self.minutes[vehicle, mask] = np.inf
        else:
            self._set(vehicle, mask, order, self.problem.figures(Trip(vehicle, order)).cny)

    def _set(self, vehicle: int, mask: int, order: tuple[int, ...], cny: float) -> None:
        self.orders[vehicle, mask] = order
        self.cost[vehicle, mask] = cny
