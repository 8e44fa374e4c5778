"""Electric rounds, compiled: ruin and recreate over orders of stops.

A route is its stops in order; charging is planned anew whenever the order changes (`electric_plan`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.electric_plan import (
    CAPACITY,
    EARLY,
    FIXED,
    FROM,
    LABELS,
    LATE,
    LOAD,
    SERVICE,
    Electric,
    plan,
)
from planner.routing.rich.ruin_state import INFINITY, SLACK, Floats, Ints, random_below, random_unit

#: Places of a stop whose charging is planned.
TRIED = 6
#: Search settings as in `planner.routing.rich.ruin_kernels`.
MEAN_OUT, STRING_MOST, BLINK = 8.0, 10.0, 0.01
#: Share added to the price of a stop each turn it stays out.
DEARER = 0.002


class Rounds(NamedTuple):
    """Routes (stops in order), their length, cost and load; the same of the best; stops left out and their number."""

    seq: Ints
    length: Ints
    sums: Floats
    best_seq: Ints
    best_length: Ints
    left: Ints
    price: Floats
    meta: Ints  # left out, left out of the best, -, random state
    cost: Floats  # best, current


@compiled_part
def _times(d: Electric, seq: Ints, count: int, ready: Floats, due: Floats) -> None:
    """Return earliest and latest begins as if no charging were needed: a quick first test."""
    a, clock = d.number, d.figures[FROM]
    ready[0] = clock
    for j in range(count):
        c = seq[j]
        clock = max(d.stops[EARLY, c], clock + d.stops[SERVICE, a] + d.arcs[1, a, c])
        ready[j + 1] = clock
        a = c
    b, last = d.number + 1, d.stops[LATE, d.number + 1]
    due[count + 1] = last
    for j in range(count, 0, -1):
        c = seq[j - 1]
        last = min(d.stops[LATE, c], last - d.arcs[1, c, b] - d.stops[SERVICE, c])
        due[j] = last
        b = c


@compiled_part
def _candidates(d: Electric, s: Rounds, c: int, found: Floats, ready: Floats, due: Floats) -> int:
    """Collect the `TRIED` places with the shortest detour that load and windows allow: detour, route, position."""
    made, is_open = 0, False
    for r in range(len(s.length)):
        count = s.length[r]
        if count == 0:
            if is_open:
                continue
            is_open = True
        if s.sums[r, 1] + d.stops[LOAD, c] > d.figures[CAPACITY] + SLACK:
            continue
        _times(d, s.seq[r], count, ready, due)
        for j in range(count + 1):
            a = s.seq[r, j - 1] if j else d.number
            b = s.seq[r, j] if j < count else d.number + 1
            begin = max(d.stops[EARLY, c], ready[j] + d.stops[SERVICE, a] + d.arcs[1, a, c])
            if begin > d.stops[LATE, c] + SLACK:
                break
            if begin + d.stops[SERVICE, c] + d.arcs[1, c, b] > due[j + 1] + SLACK:
                continue
            if random_unit(s.meta) < BLINK:
                continue
            extra = d.arcs[0, a, c] + d.arcs[0, c, b] - d.arcs[0, a, b] + (d.figures[FIXED] if count == 0 else 0.0)
            made = _keep(found, made, extra, r, j)
    return made


@compiled_part
def _keep(found: Floats, made: int, extra: float, r: int, j: int) -> int:
    place = made
    if made == TRIED:
        place = -1
        worst = extra
        for n in range(made):
            if found[n, 0] > worst:
                place, worst = n, found[n, 0]
        if place < 0:
            return made
    found[place, 0], found[place, 1], found[place, 2] = extra, float(r), float(j)
    return max(made, place + 1)


@compiled_part
def _put_in(d: Electric, s: Rounds, c: int, room: tuple[Floats, Floats, Floats, Ints, Floats, Ints]) -> bool:
    """Put a stop in where it costs least with charging planned; False: nowhere below its price.

    A place whose bare detour is no less than the best found is not planned: charging seldom makes it cheaper.
    """
    found, ready, due, trial, rows, traces = room
    made = _candidates(d, s, c, found, ready, due)
    best, at, position, total = s.price[c], -1, 0, 0.0
    for _ in range(made):
        n = 0
        for m in range(1, made):
            if found[m, 0] < found[n, 0]:
                n = m
        if found[n, 0] >= best:
            break
        found[n, 0] = INFINITY
        r, j = int(found[n, 1]), int(found[n, 2])
        count = s.length[r]
        for i in range(count + 1):
            trial[i] = s.seq[r, i] if i < j else (c if i == j else s.seq[r, i - 1])
        cost = plan(d, trial, count + 1, rows, traces, s.sums[r, 0] + best)
        if cost - s.sums[r, 0] < best:
            best, at, position, total = cost - s.sums[r, 0], r, j, cost
    if at < 0:
        return False
    for i in range(s.length[at], position, -1):
        s.seq[at, i] = s.seq[at, i - 1]
    s.seq[at, position] = c
    s.length[at] += 1
    s.sums[at, 0] = total
    s.sums[at, 1] += d.stops[LOAD, c]
    return True


@compiled_part
def _ruin(d: Electric, s: Rounds, of: Ints) -> None:
    """Take strings out of routes near a stop; `of` gives the route of each stop."""
    of[:] = -1
    routes = visits = 0
    for r in range(len(s.length)):
        routes += s.length[r] > 0
        visits += s.length[r]
        for j in range(s.length[r]):
            of[s.seq[r, j]] = r
    if routes == 0:
        return
    longest = min(STRING_MOST, visits / routes)
    strings = int(random_unit(s.meta) * (4.0 * MEAN_OUT / (1.0 + longest) - 1.0) + 1.0)
    seed, done = random_below(s.meta, d.number), 0
    for n in range(d.near.shape[1]):
        c = d.near[seed, n]
        r = of[c]
        if r < 0 or s.sums[r, 2] > 0.0:
            continue
        size = min(int(s.length[r]), int(random_unit(s.meta) * min(float(s.length[r]), longest) + 1.0))
        at = 0
        while s.seq[r, at] != c:
            at += 1
        low = max(0, at - size + 1)
        first = low + random_below(s.meta, min(at, s.length[r] - size) - low + 1)
        _take_out(d, s, r, first, size)
        done += 1
        if done >= strings:
            break


@compiled_part
def _take_out(d: Electric, s: Rounds, r: int, first: int, size: int) -> None:
    for j in range(first, first + size):
        c = s.seq[r, j]
        s.left[s.meta[0]] = c
        s.meta[0] += 1
        s.sums[r, 1] -= d.stops[LOAD, c]
    for j in range(first, s.length[r] - size):
        s.seq[r, j] = s.seq[r, j + size]
    s.length[r] -= size
    s.sums[r, 2] = 1.0


@compiled_part
def _shuffle(d: Electric, s: Rounds) -> None:
    """Order the stops left out: by chance, load, distance from the depot, width or begin of the window."""
    rule = random_below(s.meta, 6)
    keys = np.empty(s.meta[0])
    for n in range(s.meta[0]):
        c = s.left[n]
        away = d.arcs[0, d.number, c]
        width = d.stops[LATE, c] - d.stops[EARLY, c]
        choices = (random_unit(s.meta), random_unit(s.meta), -d.stops[LOAD, c], -away, width, d.stops[EARLY, c])
        keys[n] = choices[rule]
    order = np.argsort(keys)
    s.left[: s.meta[0]] = s.left[: s.meta[0]][order]


@compiled_part
def total(s: Rounds) -> float:
    """Return the cost of all routes and of what is left out."""
    cost = 0.0
    for r in range(len(s.length)):
        if s.length[r]:
            cost += s.sums[r, 0]
    for n in range(s.meta[0]):
        cost += s.price[s.left[n]]
    return cost


@compiled
def anneal_electric(d: Electric, s: Rounds, turns: int, hot: float, cold: float) -> None:
    """Run so many turns, cooling from the first temperature to the second."""
    width = s.seq.shape[1]
    rows, traces = np.zeros((width + 2, LABELS + 1, 3)), np.zeros((width + 2, LABELS + 1, 3), np.int64)
    room = (np.zeros((TRIED, 3)), np.zeros(width + 2), np.zeros(width + 2), np.zeros(width, np.int64), rows, traces)
    of = np.zeros(d.number, np.int64)
    ratio = (cold / hot) ** (1.0 / max(1, turns))
    for _ in range(turns):
        seq, length, sums, left, out = s.seq.copy(), s.length.copy(), s.sums.copy(), s.left.copy(), s.meta[0]
        s.sums[:, 2] = 0.0
        _ruin(d, s, of)
        is_whole = True
        for r in range(len(s.length)):
            if s.sums[r, 2] > 0.0:
                s.sums[r, 0] = plan(d, s.seq[r], s.length[r], rows, traces, INFINITY) if s.length[r] else 0.0
                is_whole = is_whole and s.sums[r, 0] < INFINITY
        _shuffle(d, s)
        kept = 0
        count = s.meta[0]
        for n in range(count):
            c = s.left[n]
            if not is_whole or not _put_in(d, s, c, room):
                s.left[kept] = c
                s.price[c] *= 1.0 + DEARER
                kept += 1
        s.meta[0] = kept
        cost = total(s)
        if is_whole and cost < s.cost[1] - hot * math.log(1.0 - random_unit(s.meta)):
            s.cost[1] = cost
            if kept < s.meta[1] or (kept == s.meta[1] and cost < s.cost[0] - 1e-7):
                s.cost[0] = cost
                s.meta[1] = kept
                s.best_seq[:] = s.seq
                s.best_length[:] = s.length
        else:
            s.seq[:], s.length[:], s.sums[:], s.left[:] = seq, length, sums, left
            s.meta[0] = out
            s.cost[1] = total(s)
        hot *= ratio
