"""Routes as arrays, shared by the compiled search: figures of a route, copies, and the pool of routes met."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled, compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_SLACK = 1e-9


class Network(NamedTuple):
    """What does not change during the search.

    `limits`: vehicle capacity, cost of a route, longest route (minutes), price of an unserved customer, price of a unit of load above a
    depot's room (moves with the search), and that price where answers are compared.
    """

    cost: Floats
    minutes: Floats
    near: Ints
    demand: Floats
    remote: Floats
    opening: Floats
    room: Floats
    unit_cost: Floats
    allowed: Ints
    routes_most: int
    depot_routes_most: int
    limits: Floats
    key: Words


class Tours(NamedTuple):
    """Routes in slots (`size` 0: free), the route of each customer (-1: none), load and routes of each depot, and cost of all routes."""

    stops: Ints
    size: Ints
    load: Floats
    minutes: Floats
    depot: Ints
    of: Ints
    used: Floats
    trips: Ints
    total: Floats


class Pool(NamedTuple):
    """Routes met: `word` and `cheapest` a hash table, `where` the row of `rows` (depot, number of stops, stops); `filled` their number."""

    word: Words
    cheapest: Floats
    where: Ints
    rows: Ints
    filled: Ints


@compiled_part
def draw(state: Words) -> float:
    """Return the next number in [0, 1) (xorshift64*)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@compiled
def route_figures(net: Network, tours: Tours, r: int) -> tuple[float, float]:
    """Return cost (with the route's own and the handling) and minutes of a route; nothing for an empty one."""
    if tours.size[r] == 0:
        return 0.0, 0.0
    m, d = net.opening.shape[0], tours.depot[r]
    before, cost, minutes = d, net.limits[1] + net.unit_cost[d] * tours.load[r], 0.0
    for k in range(tours.size[r]):
        node = m + tours.stops[r, k]
        cost += net.cost[before, node]
        minutes += net.minutes[before, node]
        before = node
    return cost + net.cost[before, d], minutes + net.minutes[before, d]


@compiled_part
def overload(net: Network, tours: Tours) -> float:
    """Return the load above the depots' rooms."""
    over = 0.0
    for d in range(net.opening.shape[0]):
        if tours.used[d] > net.room[d] + _SLACK:
            over += tours.used[d] - net.room[d]
    return over


@compiled_part
def copy_row(source: Tours, target: Tours, r: int) -> None:
    """Copy a route; the target's customers learn their route."""
    for k in range(source.size[r]):
        target.stops[r, k] = source.stops[r, k]
        target.of[source.stops[r, k]] = r
    target.size[r] = source.size[r]
    target.load[r] = source.load[r]
    target.minutes[r] = source.minutes[r]
    target.depot[r] = source.depot[r]


@compiled_part
def copy_changes(source: Tours, target: Tours, touched: Ints, removed: Ints, filled: int) -> None:
    """Make `target` equal to `source`, which differs in the touched routes and the customers that waited only."""
    for k in range(filled):
        target.of[removed[k]] = source.of[removed[k]]
    for r in range(touched.shape[0]):
        if touched[r] > 0:
            copy_row(source, target, r)
    for d in range(source.used.shape[0]):
        target.used[d] = source.used[d]
        target.trips[d] = source.trips[d]
    target.total[0] = source.total[0]


@compiled_part
def remember(net: Network, tours: Tours, pool: Pool, touched: Ints) -> None:
    """Keep the touched routes that are new, or cheaper than the same customers from the same depot before."""
    size = pool.word.shape[0]
    m = net.opening.shape[0]
    for r in range(touched.shape[0]):
        if touched[r] == 0 or tours.size[r] == 0:
            continue
        word = net.key[tours.depot[r]]
        for k in range(tours.size[r]):
            word += net.key[m + tours.stops[r, k]]
        at = np.int64(word % np.uint64(size))
        while pool.word[at] != np.uint64(0) and pool.word[at] != word:
            at = (at + 1) % size
        cost, _ = route_figures(net, tours, r)
        if pool.word[at] == np.uint64(0):
            if pool.filled[0] >= pool.rows.shape[0]:
                continue
            pool.word[at] = word
            pool.where[at] = pool.filled[0]
            pool.filled[0] += 1
        elif cost >= pool.cheapest[at] - _SLACK:
            continue
        pool.cheapest[at] = cost
        row = pool.where[at]
        pool.rows[row, 0] = tours.depot[r]
        pool.rows[row, 1] = tours.size[r]
        for k in range(tours.size[r]):
            pool.rows[row, 2 + k] = tours.stops[r, k]
