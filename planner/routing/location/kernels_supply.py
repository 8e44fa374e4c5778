"""Compiled cost of supplying the satellites in use: full trucks, then the cheapest partition of the rests into truck tours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Most satellites whose tours are held in a table.
TABLE_MOST = 10
_SLACK = 1e-9


class Supply(NamedTuple):
    """First echelon as the search sees it.

    `bit`: place of each depot in the tables (-1: needs no supply). `tour`: cost of one truck's tour through each set (empty where there
    is no first echelon; one entry where the sets are too many: then `arc` is used, platform first). `limits`: truck capacity, most
    trucks, 1 if a satellite may be split, price of a truck too many, cost of the open platforms. `rate`, `entry`: what a unit of load
    and a first route at a depot are taken to cost while customers are put in. `rest`, `best`, `trips`: room to work in.
    """

    bit: Ints
    tour: Floats
    arc: Floats
    limits: Floats
    rate: Floats
    entry: Floats
    rest: Floats
    best: Floats
    trips: Ints


@compiled_part
def supply_cost(supply: Supply, used: Floats, count: Ints) -> float:
    """Return the cost of supplying these loads (a feasible way; the cheapest one without splits if tables are held)."""
    if supply.limits.shape[0] == 0:
        return 0.0
    room, is_split = supply.limits[0], supply.limits[2] > 0.0
    value, needed, mask, total = supply.limits[4], 0, 0, 0.0
    is_tabled = supply.tour.shape[0] > 1
    for d in range(used.shape[0]):
        b = supply.bit[d]
        if b < 0:
            continue
        supply.rest[b] = 0.0
        if count[d] == 0:
            continue
        rest = used[d]
        while rest > room + _SLACK:
            value += (
                supply.tour[1 << b] if is_tabled else supply.arc[0, 1 + b] + supply.arc[1 + b, 0] + supply.limits[5]
            )
            value += 0.0 if is_split else supply.limits[3]
            rest -= room
            needed += 1
        supply.rest[b] = rest
        total += rest
        mask |= 1 << b
    if mask == 0:
        return float(value - supply.limits[4] if needed == 0 else value)
    if is_tabled:
        part, trips = _partition(supply, mask, room)
    else:
        part, trips = _insertion(supply, mask, room)
    over = needed + trips - supply.limits[1]
    return float(value + part + (supply.limits[3] * over if over > 0.0 else 0.0))


@compiled_part
def _partition(supply: Supply, mask: int, room: float) -> tuple[float, int]:
    """Return the cheapest partition of a set into tours, and their number."""
    supply.best[0] = 0.0
    supply.trips[0] = 0
    part = 0
    while True:
        part = (part - mask) & mask
        low = part & -part
        rest = part ^ low
        best, trips = 1e300, 0
        sub = rest
        while True:
            trip = sub | low
            load, b, bits = 0.0, 0, trip
            while bits:
                if bits & 1:
                    load += supply.rest[b]
                bits >>= 1
                b += 1
            if load <= room + _SLACK:
                value = supply.tour[trip] + supply.best[part ^ trip]
                if value < best:
                    best, trips = value, supply.trips[part ^ trip] + 1
            if sub == 0:
                break
            sub = (sub - 1) & rest
        supply.best[part] = best
        supply.trips[part] = trips
        if part == mask:
            return best, trips


@compiled_part
def _insertion(supply: Supply, mask: int, room: float) -> tuple[float, int]:
    """Return cost and number of the tours built by cheapest insertion, farthest satellite first."""
    k = supply.rest.shape[0]
    after, load, head = np.full(k, -1, np.int64), np.zeros(k), np.full(k, -1, np.int64)
    value, trips, left = 0.0, 0, mask
    while left:
        far, b = -1.0, -1
        for j in range(k):
            if left >> j & 1 and supply.arc[0, 1 + j] > far:
                far, b = supply.arc[0, 1 + j], j
        left ^= 1 << b
        best = supply.arc[0, 1 + b] + supply.arc[1 + b, 0] + supply.limits[5]
        tour, place = trips, -1
        for t in range(trips):
            if load[t] + supply.rest[b] > room + _SLACK:
                continue
            before, at = -1, head[t]
            while True:
                extra = supply.arc[1 + before, 1 + b] + supply.arc[1 + b, 1 + at] - supply.arc[1 + before, 1 + at]
                if extra < best:
                    best, tour, place = extra, t, before
                if at < 0:
                    break
                before, at = at, after[at]
        value += best
        load[tour] += supply.rest[b]
        if place < 0:
            after[b] = head[tour]
            head[tour] = b
        else:
            after[b] = after[place]
            after[place] = b
        trips += tour == trips
    return value, trips
