"""Compiled vertex interchange: open, close and swap sites while it helps.

The bookkeeping is that of Whitaker (1983) and Resende and Werneck (2007) with first improvement: nearest and second
nearest open site of every client, the loss of closing each open site, and for each candidate the sparse correction
``extra_r``, so that memory does not grow with p × sites.
"""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.p_median.kernels import Bools, Floats, Ints, Sites, Status

#: start, site, cost of the lists by client; or start, client, cost of the lists by site.
Lists = tuple[Ints, Sites, Floats]
#: nearest open site of each client, its cost, second nearest, its cost, and the loss of closing each open site.
Nearest = tuple[Sites, Floats, Sites, Floats, Floats]


@compiled_part
def nearest_two(rows: Lists, far: Floats, is_open: Bools, i: int) -> tuple[int, float, int, float]:
    """Return nearest and second nearest open site of client `i` with costs (-1 and `far` beyond its list)."""
    start, site, cost = rows
    first = -1
    first_cost = far[i]
    for k in range(start[i], start[i + 1]):
        j = site[k]
        if is_open[j]:
            if first >= 0:
                return first, first_cost, j, cost[k]
            first = j
            first_cost = cost[k]
    return first, first_cost, -1, far[i]


@compiled
def measure(rows: Lists, far: Floats, is_open: Bools) -> Nearest:
    """Return nearest and second nearest open sites of all clients and the losses."""
    clients = far.size
    first = np.empty(clients, np.int32)
    second = np.empty(clients, np.int32)
    first_cost = np.empty(clients)
    second_cost = np.empty(clients)
    loss = np.zeros(is_open.size)
    for i in range(clients):
        first[i], first_cost[i], second[i], second_cost[i] = nearest_two(rows, far, is_open, i)
        if first[i] >= 0:
            loss[first[i]] += second_cost[i] - first_cost[i]
    return first, first_cost, second, second_cost, loss


@compiled_part
def gain_of(j: int, columns: Lists, nearest: Nearest, extra: Floats, touched: Sites) -> tuple[float, int]:
    """Return (gain of opening `j`, size of `touched`): closing a touched open site r then costs ``extra_r`` less."""
    site_start, client, site_cost = columns
    first, first_cost, _, second_cost, _ = nearest
    gain = 0.0
    size = 0
    for k in range(site_start[j], site_start[j + 1]):
        i = client[k]
        c = site_cost[k]
        d1 = first_cost[i]
        if c < d1:
            gain += d1 - c
            c = d1
        r = first[i]
        if r >= 0 and c < second_cost[i]:
            if extra[r] == 0.0:
                touched[size] = r
                size += 1
            extra[r] += second_cost[i] - c
    return gain, size


@compiled_part
def open_site(j: int, columns: Lists, nearest: Nearest) -> None:
    """Update `nearest` for the opening of `j`."""
    site_start, client, site_cost = columns
    first, first_cost, second, second_cost, loss = nearest
    for k in range(site_start[j], site_start[j + 1]):
        i = client[k]
        c = site_cost[k]
        if c >= second_cost[i]:
            continue
        if first[i] >= 0:
            loss[first[i]] -= second_cost[i] - first_cost[i]
        if c < first_cost[i]:
            second[i] = first[i]
            second_cost[i] = first_cost[i]
            first[i] = j
            first_cost[i] = c
        else:
            second[i] = j
            second_cost[i] = c
        loss[first[i]] += second_cost[i] - first_cost[i]


@compiled_part
def close_site(r: int, rows: Lists, columns: Lists, far: Floats, is_open: Bools, nearest: Nearest) -> None:
    """Update `nearest` for the closing of `r` (already closed in `is_open`)."""
    site_start, client, _ = columns
    first, first_cost, second, second_cost, loss = nearest
    for k in range(site_start[r], site_start[r + 1]):
        i = int(client[k])
        if first[i] != r and second[i] != r:
            continue
        if first[i] != r:
            loss[first[i]] -= second_cost[i] - first_cost[i]
        first[i], first_cost[i], second[i], second_cost[i] = nearest_two(rows, far, is_open, i)
        if first[i] >= 0:
            loss[first[i]] += second_cost[i] - first_cost[i]
    loss[r] = 0.0


@compiled_part
def cheapest_closing(loss: Floats, fixed: Floats, status: Status, is_open: Bools) -> tuple[int, float]:
    """Return the open free site of least ``loss - f`` and that figure (-1 and inf: none)."""
    site = -1
    price = np.inf
    for r in range(is_open.size):
        if is_open[r] and status[r] == 0 and loss[r] - fixed[r] < price:
            site = r
            price = loss[r] - fixed[r]
    return site, price


@compiled_part
def best_partner(
    j: int, columns: Lists, nearest: Nearest, fixed: Floats, status: Status, scratch: tuple[Floats, Sites]
) -> tuple[float, int, float]:
    """Return (gain of opening `j`, the touched open site cheapest to close with it, that price); -1 and inf: none."""
    extra, touched = scratch
    loss = nearest[4]
    gain, size = gain_of(j, columns, nearest, extra, touched)
    out = -1
    price = np.inf
    for t in range(size):
        r = touched[t]
        if status[r] == 0 and loss[r] - fixed[r] - extra[r] < price:
            out = r
            price = loss[r] - fixed[r] - extra[r]
        extra[r] = 0.0
    return gain - fixed[j], out, price


@compiled
def interchange(
    rows: Lists,
    columns: Lists,
    prices: tuple[Floats, Floats],
    status: Status,
    is_open: Bools,
    resizes: int,
    rung: Ints,
) -> int:
    """Improve `is_open` in place until no move helps or `rung` is set; return the moves made.

    Moves swap an open site that is not locked with a closed one that is not locked out; if `resizes` is not 0, they
    also open or close one. `prices` are `far` and the fixed costs.
    """
    far, fixed = prices
    nearest = measure(rows, far, is_open)
    loss = nearest[4]
    scratch = (np.zeros(is_open.size), np.empty(is_open.size, np.int32))
    opened = 0
    for r in range(is_open.size):
        opened += is_open[r]
    tolerance = improvement_tolerance(nearest[1])
    moves = 0
    idle = 0
    j = -1
    least, cheapest = cheapest_closing(loss, fixed, status, is_open)
    while idle < is_open.size and rung[0] == 0:
        come, go = -1, -1
        if resizes != 0 and opened > 1 and -cheapest > tolerance:
            go = least
        else:
            j = j + 1 if j + 1 < is_open.size else 0
            idle += 1
            if is_open[j] or status[j] != 0:
                continue
            gain, out, price = best_partner(j, columns, nearest, fixed, status, scratch)
            if cheapest < price:
                out, price = least, cheapest
            if resizes != 0 and price >= 0.0 and gain > tolerance:
                come = j
            elif out >= 0 and gain - price > tolerance:
                come, go = j, out
            else:
                continue
        moves += 1
        idle = 0
        opened += make_move(come, go, rows, columns, far, is_open, nearest)
        least, cheapest = cheapest_closing(loss, fixed, status, is_open)
    return moves


@compiled_part
def improvement_tolerance(cost: Floats) -> float:
    """Return what a move must bring so that rounding cannot make moves go in circles."""
    total = 0.0
    for i in range(cost.size):
        total += cost[i]
    return 1e-9 * max(1.0, total)


@compiled_part
def make_move(come: int, go: int, rows: Lists, columns: Lists, far: Floats, is_open: Bools, nearest: Nearest) -> int:
    """Open `come` and close `go` (-1: none); return the change in open sites."""
    change = 0
    if come >= 0:
        is_open[come] = True
        change += 1
        open_site(come, columns, nearest)
    if go >= 0:
        is_open[go] = False
        change -= 1
        close_site(go, rows, columns, far, is_open, nearest)
    return change
