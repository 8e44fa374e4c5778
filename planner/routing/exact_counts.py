"""Exact choice of trips when a vehicle type is limited: sets of stops are given to vehicles, a vehicle to a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.routing.exact_partition import partition
from planner.routing.exact_tours import IntArray, TripTable
from planner.routing.round_problem import LIMIT_TOLERANCE, FloatArray, Trip

#: Repeated choices after which the search gives up.
REPEAT_LIMIT = 100


@dataclass(frozen=True, eq=False)
class _Layer:
    """One more vehicle: best cost of each served set, and the set this vehicle takes."""

    vehicle: int
    value: FloatArray
    taken: IntArray


def limited_choice(table: TripTable) -> tuple[tuple[Trip, ...], float] | None:
    """Serve as much as the available vehicles can, then at least cost.

    What counts first is the number of parcels plus stops served, then CNY. A vehicle-day is a set of trips of one
    type whose minutes fit the shift together; it enters with a lower bound until a best choice uses it.

    Returns
    -------
    trips, bound
        Trips, and a proved lower bound on the CNY of serving their stops with these vehicles; None if no choice could
        be made exact within `REPEAT_LIMIT`.
    """
    problem = table.problem
    worth = _worth(table)
    tried: dict[tuple[int, int], tuple[float, tuple[Trip, ...]]] = {}
    is_proof = True
    bound = 0.0
    for _ in range(REPEAT_LIMIT):
        days = [_vehicle_days(table, k) for k in range(len(problem.vehicles))]
        for (k, mask), (cost, _trips) in tried.items():
            days[k][0][mask] = cost
        layers = _stack(table, [cost for cost, _ in days])
        mask = _best_mask(layers[-1].value, worth) if layers else 0
        if is_proof:
            bound = float(layers[-1].value[mask]) if layers else 0.0
        taken = _taken(layers, mask)
        trips: list[Trip] = []
        is_done = True
        for k, part in taken:
            if (k, part) in tried:
                trips += tried[k, part][1]
                continue
            parts = _parts(days[k][1], part)
            doubtful = [p for p in parts if not table.is_exact(k, p)]
            for p in doubtful:
                table.resolve(k, p)
            real = tuple(Trip(k, table.orders[k, p]) for p in parts if (k, p) in table.orders)
            if not doubtful and _fits(table, k, real):
                trips += real
                continue
            is_done = False
            if not doubtful:
                is_proof = False
                tried[k, part] = _quick_day(table, k, part)
        if is_done:
            return tuple(trips), bound
    return None


def _worth(table: TripTable) -> FloatArray:
    worth = np.zeros(1)
    for stop in table.problem.stops:
        worth = np.concatenate([worth, worth + 1.0 + stop.delivery_parcels + stop.pickup_parcels])
    return worth


def _best_mask(value: FloatArray, worth: FloatArray) -> int:
    reachable = np.flatnonzero(np.isfinite(value))
    most = worth[reachable].max()
    best = reachable[worth[reachable] >= most - 1e-9 * max(1.0, most)]
    return int(best[np.argmin(value[best])])


def _vehicle_days(table: TripTable, k: int) -> tuple[FloatArray, IntArray]:
    """Lower bound of one vehicle-day per set (of any number where the type is not limited), and its trips."""
    cost, choice = partition(table.cost[k])
    vehicle = table.problem.vehicles[k]
    if vehicle.available is not None:
        quickest, _ = partition(np.where(np.isfinite(table.cost[k]), table.minutes[k], np.inf))
        cost = np.where(quickest <= vehicle.shift_min + LIMIT_TOLERANCE, cost, np.inf)
    return cost, choice


def _stack(table: TripTable, days: list[FloatArray]) -> list[_Layer]:
    """Add the vehicles one by one; each takes the best of all subsets, or nothing."""
    size = table.cost.shape[1]
    value = np.full(size, np.inf)
    value[0] = 0.0
    layers: list[_Layer] = []
    for k, vehicle in enumerate(table.problem.vehicles):
        rounds = 1 if vehicle.available is None else min(vehicle.available, len(table.problem.stops))
        for _ in range(rounds):
            value, taken = _convolve(value, days[k])
            layers.append(_Layer(k, value, taken))
    return layers


def _convolve(value: FloatArray, day: FloatArray) -> tuple[FloatArray, IntArray]:
    usable = np.flatnonzero(np.isfinite(day))
    usable = usable[usable > 0]
    best = value.copy()
    taken = np.zeros(len(value), dtype=np.intp)
    for mask in range(1, len(value)):
        sets = usable[(usable & ~mask) == 0]
        if len(sets) == 0:
            continue
        total = value[mask ^ sets] + day[sets]
        place = int(np.argmin(total))
        if total[place] < best[mask]:
            best[mask], taken[mask] = total[place], sets[place]
    return best, taken


def _taken(layers: list[_Layer], mask: int) -> list[tuple[int, int]]:
    chosen = []
    for layer in reversed(layers):
        part = int(layer.taken[mask])
        if part:
            chosen.append((layer.vehicle, part))
            mask ^= part
    return chosen[::-1]


def _parts(choice: IntArray, mask: int) -> list[int]:
    parts = []
    while mask:
        parts.append(int(choice[mask]))
        mask ^= parts[-1]
    return parts


def _fits(table: TripTable, k: int, trips: tuple[Trip, ...]) -> bool:
    vehicle = table.problem.vehicles[k]
    minutes = sum(table.problem.figures(trip).minutes for trip in trips)
    return vehicle.available is None or minutes <= vehicle.shift_min + LIMIT_TOLERANCE


def _quick_day(table: TripTable, k: int, mask: int) -> tuple[float, tuple[Trip, ...]]:
    """Find a vehicle-day by time where the cheapest one overruns the shift; ``inf`` if none is found."""
    stops = tuple(i for i in range(len(table.problem.stops)) if mask >> i & 1)
    part = TripTable.build(table.problem.select(stops))
    full = (1 << len(stops)) - 1
    for m in range(1, full + 1):
        if np.isfinite(part.cost[k, m]):
            part.resolve(k, m)
    minutes = np.full(full + 1, np.inf)
    for (kind, m), order in part.orders.items():
        if kind == k:
            minutes[m] = part.problem.figures(Trip(k, order)).minutes
    best, choice = partition(minutes)
    if not best[full] <= table.problem.vehicles[k].shift_min + LIMIT_TOLERANCE:
        return np.inf, ()
    trips = tuple(Trip(k, tuple(stops[i] for i in part.orders[k, p])) for p in _parts(choice, full))
    return sum(table.problem.figures(trip).cny for trip in trips), trips
