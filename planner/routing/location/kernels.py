"""Compiled search for the second echelon: remove strings of neighbouring customers, put them back greedily, anneal.

After Christiaens and Vanden Berghe, *Slack induction by string removals for vehicle routing problems* (2020), with depots: an
insertion may start a route at any allowed depot with room and pays its opening, a route may move to another depot, and the cost of
supplying satellites is part of what is annealed. Nodes: depots ``0 … m-1``, then customers.
"""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.location.kernels_supply import Supply, supply_cost
from planner.routing.location.kernels_tours import (
    Floats,
    Ints,
    Network,
    Pool,
    Tours,
    Words,
    copy_changes,
    draw,
    overload,
    remember,
    route_figures,
)

#: Customers removed on average, longest string, share of split strings, share of places passed over, share of moved routes.
_REMOVED, _STRING, _SPLIT, _BLINK, _RESEAT = 10.0, 10, 0.5, 0.01, 0.04
#: The last part of an annealing keeps the routes of solutions this close to the best.
_KEEP_FROM, _KEEP_NEAR = 0.3, 1.01
#: Steps after which the price of overload moves.
_ADJUST = 100
_SLACK = 1e-9
_FAR = 1e300


@compiled_part
def take_out(net: Network, tours: Tours, r: int, start: int, length: int, keep: int, removed: Ints, filled: int) -> int:
    """Remove `length` stops from `start` on but the `keep` stops in their middle; return how many wait for a place."""
    before, _ = route_figures(net, tours, r)
    hold = start + (length - keep) // 2
    write, lost = start, 0.0
    for k in range(start, tours.size[r]):
        stop = tours.stops[r, k]
        if k < start + length and not (keep > 0 and hold <= k < hold + keep):
            tours.of[stop] = -1
            lost += net.demand[stop]
            removed[filled] = stop
            filled += 1
        else:
            tours.stops[r, write] = stop
            write += 1
    tours.size[r] = write
    tours.load[r] -= lost
    tours.used[tours.depot[r]] -= lost
    if write == 0:
        tours.load[r] = 0.0
        tours.trips[tours.depot[r]] -= 1
    after, minutes = route_figures(net, tours, r)
    tours.minutes[r] = minutes
    tours.total[0] += after - before
    return filled


@compiled_part
def ruin(  # noqa: C901 - one compiled loop
    net: Network, tours: Tours, state: Words, removed: Ints, touched: Ints
) -> int:
    """Remove strings around a random customer; return how many customers wait for a place (those without a route too)."""
    n = net.demand.shape[0]
    filled, routes, served = 0, 0, 0
    for i in range(n):
        if tours.of[i] < 0:
            removed[filled] = i
            filled += 1
    for r in range(tours.size.shape[0]):
        routes += tours.size[r] > 0
        served += tours.size[r]
    if routes == 0:
        return filled
    longest = min(float(_STRING), served / routes)
    strings = int(draw(state) * (4.0 * _REMOVED / (1.0 + longest) - 1.0) + 1.0)
    seed = int(draw(state) * n)
    for place in range(net.near.shape[1]):
        i = net.near[seed, place]
        r = tours.of[i]
        if r < 0 or touched[r] > 0:
            continue
        touched[r] = 1
        size = tours.size[r]
        length = int(draw(state) * min(float(size), longest) + 1.0)
        keep = 0
        if length > 1 and draw(state) < _SPLIT:
            while length + keep < size and draw(state) > 0.01:  # noqa: PLR2004 - the paper's chance to stop
                keep += 1
        span = length + keep
        at = 0
        while tours.stops[r, at] != i:
            at += 1
        first, last = max(0, at - span + 1), min(at, size - span)
        start = first + int(draw(state) * (last - first + 1))
        filled = take_out(net, tours, r, start, span, keep, removed, filled)
        strings -= 1
        if strings == 0:
            break
    return filled


@compiled_part
def order_waiting(net: Network, state: Words, removed: Ints, filled: int) -> None:
    """Order the waiting customers: at random, by load, far first or near first (4 : 4 : 2 : 1)."""
    way = draw(state) * 11.0
    for a in range(filled - 1, 0, -1):
        b = int(draw(state) * (a + 1))
        removed[a], removed[b] = removed[b], removed[a]
    if way < 4.0:  # noqa: PLR2004 - the paper's weights
        return
    for a in range(1, filled):
        held = removed[a]
        value = -net.demand[held] if way < 8.0 else -net.remote[held] if way < 10.0 else net.remote[held]  # noqa: PLR2004
        b = a
        while b > 0:
            other = removed[b - 1]
            worth = -net.demand[other] if way < 8.0 else -net.remote[other] if way < 10.0 else net.remote[other]  # noqa: PLR2004
            if worth <= value:
                break
            removed[b] = other
            b -= 1
        removed[b] = held


@compiled_part
def _more_over(net: Network, tours: Tours, d: int, q: float) -> float:
    """Return by how much more a depot's room is exceeded with `q` more."""
    after = tours.used[d] + q - net.room[d]
    return 0.0 if after <= _SLACK else min(after, q)


@compiled_part
def put_back(  # noqa: C901, PLR0912 - one compiled loop
    net: Network, supply: Supply, tours: Tours, state: Words, i: int, touched: Ints, share: float
) -> None:
    """Put a customer at its cheapest place, now and then passing one over; it stays out if it fits nowhere."""
    m, q = net.opening.shape[0], net.demand[i]
    node = m + i
    best, best_route, best_place, best_depot = _FAR, -1, -1, -1
    free, routes = -1, 0
    is_timed = net.limits[2] < _FAR
    for r in range(tours.size.shape[0]):
        size = tours.size[r]
        if size == 0:
            if free < 0:
                free = r
            continue
        routes += 1
        d = tours.depot[r]
        if tours.load[r] + q > net.limits[0] + _SLACK:
            continue
        more = (net.unit_cost[d] + share * supply.rate[d]) * q + net.limits[4] * _more_over(net, tours, d, q)
        before = d
        for k in range(size + 1):
            after = m + tours.stops[r, k] if k < size else d
            extra = more + net.cost[before, node] + net.cost[node, after] - net.cost[before, after]
            if extra < best and draw(state) >= _BLINK:
                longer = net.minutes[before, node] + net.minutes[node, after] - net.minutes[before, after]
                if not is_timed or tours.minutes[r] + longer <= net.limits[2] + _SLACK:
                    best, best_route, best_place, best_depot = extra, r, k, d
            before = after
    if free >= 0 and routes < net.routes_most:
        for d in range(m):
            if net.allowed[d] == 0 or tours.trips[d] >= net.depot_routes_most:
                continue
            if net.minutes[d, node] + net.minutes[node, d] > net.limits[2] + _SLACK:
                continue
            extra = net.limits[1] + net.cost[d, node] + net.cost[node, d]
            extra += (net.unit_cost[d] + share * supply.rate[d]) * q + net.limits[4] * _more_over(net, tours, d, q)
            if tours.trips[d] == 0:
                extra += net.opening[d] + share * supply.entry[d]
            if extra < best and draw(state) >= _BLINK:
                best, best_route, best_place, best_depot = extra, free, 0, d
    if best_route >= 0:
        _insert(net, tours, i, best_route, best_place, best_depot)
        touched[best_route] = 1


@compiled_part
def _insert(net: Network, tours: Tours, i: int, r: int, place: int, d: int) -> None:
    before, _ = route_figures(net, tours, r)
    if tours.size[r] == 0:
        tours.depot[r] = d
        tours.load[r] = 0.0
        tours.trips[d] += 1
    for k in range(tours.size[r], place, -1):
        tours.stops[r, k] = tours.stops[r, k - 1]
    tours.stops[r, place] = i
    tours.size[r] += 1
    tours.load[r] += net.demand[i]
    tours.used[d] += net.demand[i]
    tours.of[i] = r
    after, minutes = route_figures(net, tours, r)
    tours.minutes[r] = minutes
    tours.total[0] += after - before


@compiled_part
def reseat(net: Network, tours: Tours, state: Words, spare: Ints, touched: Ints) -> None:
    """Give a random route to a random other depot, entered where that is cheapest."""
    m = net.opening.shape[0]
    r, d = int(draw(state) * tours.size.shape[0]), int(draw(state) * m)
    size, old = tours.size[r], tours.depot[r]
    if size == 0 or d == old or net.allowed[d] == 0 or tours.trips[d] >= net.depot_routes_most:
        return
    best, cut = _FAR, 0
    for k in range(size):
        first, last = m + tours.stops[r, k], m + tours.stops[r, (k + size - 1) % size]
        extra = net.cost[d, first] + net.cost[last, d] - (net.cost[last, first] if size > 1 else 0.0)
        if extra < best:
            best, cut = extra, k
    before, _ = route_figures(net, tours, r)
    for k in range(size):
        spare[k] = tours.stops[r, (k + cut) % size]
    tours.stops[r, :size] = spare[:size]
    tours.depot[r] = d
    tours.used[old] -= tours.load[r]
    tours.used[d] += tours.load[r]
    tours.trips[old] -= 1
    tours.trips[d] += 1
    after, minutes = route_figures(net, tours, r)
    tours.minutes[r] = minutes
    tours.total[0] += after - before
    touched[r] = 1


@compiled_part
def whole_cost(net: Network, supply: Supply, tours: Tours) -> float:
    """Return routes, openings, supply, and the price of what is unserved."""
    value = tours.total[0]
    for d in range(net.opening.shape[0]):
        if tours.trips[d] > 0:
            value += net.opening[d]
    for i in range(net.demand.shape[0]):
        if tours.of[i] < 0:
            value += net.limits[3]
    return float(value + supply_cost(supply, tours.used, tours.trips))


@compiled
def anneal(
    net: Network, supply: Supply, trial: Tours, held: Tours, best: Tours, pool: Pool, heat: Floats, state: Words
) -> float:
    """Anneal from `held`; `trial` must equal it. `heat`: iterations, first and last temperature. Return the cost of `best`."""
    n, slots = net.demand.shape[0], trial.size.shape[0]
    removed, touched, spare = np.empty(n, np.int64), np.zeros(slots, np.int64), np.empty(n, np.int64)
    value, over = whole_cost(net, supply, held), overload(net, held)
    best_value = value + net.limits[5] * over
    touched[:] = 1
    copy_changes(held, best, touched, removed, 0)
    best.of[:] = held.of
    iterations, hot, cold = int(heat[0]), heat[1], heat[2]
    cooling = (cold / hot) ** (1.0 / max(iterations, 1))
    fitting = 0
    for step in range(iterations):
        if step % _ADJUST == _ADJUST - 1:
            net.limits[4] = min(net.limits[4] * (0.85 if 2 * fitting > _ADJUST else 1.2), net.limits[5])
            fitting = 0
        touched[:] = 0
        filled = 0
        if draw(state) < _RESEAT:
            reseat(net, trial, state, spare, touched)
        else:
            filled = ruin(net, trial, state, removed, touched)
            order_waiting(net, state, removed, filled)
            share = draw(state)
            for k in range(filled):
                put_back(net, supply, trial, state, removed[k], touched, share)
        found, excess = whole_cost(net, supply, trial), overload(net, trial)
        threshold = value + net.limits[4] * over - hot * np.log(draw(state) + 1e-300)
        if found + net.limits[4] * excess < threshold:
            copy_changes(trial, held, touched, removed, filled)
            value, over = found, excess
            strict = found + net.limits[5] * excess
            if step > _KEEP_FROM * iterations and found < best_value * _KEEP_NEAR:
                remember(net, trial, pool, touched)
            if strict < best_value - _SLACK:
                best_value = strict
                touched[:] = 1
                best.of[:] = trial.of
                copy_changes(trial, best, touched, removed, 0)
        else:
            copy_changes(held, trial, touched, removed, filled)
        fitting += over <= 0.0
        hot *= cooling
    return float(best_value)
