"""Electric rounds, compiled: the best charging stops along a given order, and ruin and recreate over such orders.

Places are stops first, then the start and the end depot, then chargers. A route is its stops in order; charging is planned
anew whenever the order changes: labels (cost, time, energy left) run along it, between two stops a vehicle drives directly or
over one or two chargers, each filling the battery (Schneider, Stenger and Goeke 2014).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.ruin_state import INFINITY, SLACK, Floats, Ints, random_below, random_unit

#: Labels kept at a place, chargers tried between two places, places of a stop whose charging is planned.
LABELS, VIA, TRIED = 12, 5, 6
#: Search settings as in `planner.routing.rich.ruin_kernels`.
MEAN_OUT, STRING_MOST, BLINK = 8.0, 10.0, 0.01
#: Share added to the price of a stop each turn it stays out.
DEARER = 0.002
COST, TIME, ENERGY = 0, 1, 2
# Rows of `Electric.stops`: service, earliest, latest, delivery, price of leaving it out.
SERVICE, EARLY, LATE, LOAD, PENALTY = 0, 1, 2, 3, 4
# `Electric.figures`.
CAPACITY, BATTERY, PER_KWH, FROM, UNTIL, FIXED, RATE = 0, 1, 2, 3, 4, 5, 6


class Electric(NamedTuple):
    """What does not change: arcs (cost, minutes, kWh), stops and depots by row, chargers to try, one vehicle type."""

    arcs: Floats
    stops: Floats
    via: Ints
    near: Ints
    figures: Floats
    number: int


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
def _step(d: Electric, label: Floats, a: int, b: int) -> tuple[float, float, float]:
    """Drive from place a to place b; energy below 0: not possible."""
    energy = label[ENERGY] - d.arcs[2, a, b]
    return label[COST] + d.arcs[0, a, b], label[TIME] + d.arcs[1, a, b], energy


@compiled_part
def _add_label(d: Electric, row: Floats, trace: Ints, made: tuple[int, int], values: Floats, source: Ints) -> int:
    """Add a label at a place unless another is as good in everything; return the number of labels."""
    count, b = made
    cost, time, energy = values[COST], values[TIME], values[ENERGY]
    if energy < -SLACK or time > d.stops[LATE, b] + SLACK:
        return count
    time = max(time, d.stops[EARLY, b])
    kept = 0
    for n in range(count):
        if row[n, COST] <= cost + SLACK and row[n, TIME] <= time + SLACK and row[n, ENERGY] >= energy - SLACK:
            return count
    for n in range(count):
        is_worse = row[n, COST] >= cost and row[n, TIME] >= time and row[n, ENERGY] <= energy
        if not is_worse:
            row[kept] = row[n]
            trace[kept] = trace[n]
            kept += 1
    if kept == LABELS:
        worst = 0
        for n in range(1, kept):
            if row[n, COST] > row[worst, COST]:
                worst = n
        if row[worst, COST] <= cost:
            return kept
        kept -= 1
        row[worst] = row[kept]
        trace[worst] = trace[kept]
    row[kept, COST], row[kept, TIME], row[kept, ENERGY] = cost, time, energy
    trace[kept] = source
    return kept + 1


@compiled_part
def _charge(d: Electric, values: Floats) -> bool:
    """Fill the battery; False: it was empty before."""
    if values[ENERGY] < -SLACK:
        return False
    minutes = (d.figures[BATTERY] - values[ENERGY]) * d.figures[PER_KWH]
    values[TIME] += minutes
    values[COST] += minutes * d.figures[RATE]
    values[ENERGY] = d.figures[BATTERY]
    return True


@compiled
def plan(d: Electric, seq: Ints, count: int, rows: Floats, traces: Ints) -> float:
    """Return the least cost of a route of `count` stops with its charging (``inf``: none); labels stay in the arrays."""
    start, end = d.number, d.number + 1
    rows[0, 0, COST], rows[0, 0, TIME], rows[0, 0, ENERGY] = d.figures[FIXED], d.figures[FROM], d.figures[BATTERY]
    labels, a = 1, start
    values, source = np.empty(3), np.empty(3, np.int64)
    for j in range(count + 1):
        b = seq[j] if j < count else end
        made = 0
        row, trace = rows[j + 1], traces[j + 1]
        for n in range(labels):
            made = _extend(d, rows[j, n], row, trace, (made, b, a, n), values, source)
        if made == 0:
            for n in range(labels):
                made = _extend_twice(d, rows[j, n], row, trace, (made, b, a, n), values, source)
        if made == 0:
            return INFINITY
        for n in range(made):
            row[n, TIME] += d.stops[SERVICE, b]
        labels, a = made, b
    best = 0
    for n in range(1, labels):
        if rows[count + 1, n, COST] < rows[count + 1, best, COST]:
            best = n
    rows[0, 1, COST] = float(best)
    return float(rows[count + 1, best, COST])


@compiled_part
def _extend(
    d: Electric, label: Floats, row: Floats, trace: Ints, where: tuple[int, int, int, int], values: Floats, source: Ints
) -> int:
    """Drive directly and over one charger."""
    made, b, a, n = where
    source[0], source[1], source[2] = n, -1, -1
    values[COST], values[TIME], values[ENERGY] = _step(d, label, a, b)
    made = _add_label(d, row, trace, (made, b), values, source)
    if label[ENERGY] > d.figures[BATTERY] - SLACK and values[ENERGY] > 0.5 * d.figures[BATTERY]:
        return made
    for v in range(d.via.shape[2]):
        s = d.via[a, b, v]
        if s < 0:
            break
        values[COST], values[TIME], values[ENERGY] = _step(d, label, a, s)
        if _charge(d, values):
            values[COST], values[TIME], values[ENERGY] = _step(d, values, s, b)
            source[1] = s
            made = _add_label(d, row, trace, (made, b), values, source)
    return made


@compiled_part
def _extend_twice(
    d: Electric, label: Floats, row: Floats, trace: Ints, where: tuple[int, int, int, int], values: Floats, source: Ints
) -> int:
    """Drive over two chargers: near the first place and near the second."""
    made, b, a, n = where
    source[0] = n
    for v in range(d.via.shape[2]):
        s = d.via[a, a, v]
        for w in range(d.via.shape[2]):
            t = d.via[b, b, w]
            if s < 0 or t < 0 or s == t:
                continue
            values[COST], values[TIME], values[ENERGY] = _step(d, label, a, s)
            if not _charge(d, values):
                continue
            values[COST], values[TIME], values[ENERGY] = _step(d, values, s, t)
            if not _charge(d, values):
                continue
            values[COST], values[TIME], values[ENERGY] = _step(d, values, t, b)
            source[1], source[2] = s, t
            made = _add_label(d, row, trace, (made, b), values, source)
    return made


@compiled
def charging(seq: Ints, count: int, rows: Floats, traces: Ints, out: Ints) -> int:
    """Write stops and chargers of the route planned last, in order; return their number."""
    n = int(rows[0, 1, COST])
    size = 0
    for j in range(count, -1, -1):
        if j < count:
            out[size] = seq[j]
            size += 1
        first, second = traces[j + 1, n, 1], traces[j + 1, n, 2]
        if second >= 0:
            out[size] = second
            size += 1
        if first >= 0:
            out[size] = first
            size += 1
        n = traces[j + 1, n, 0]
    out[:size] = out[:size][::-1].copy()
    return size


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
    """Put a stop in where it costs least with charging planned; False: nowhere below its price."""
    found, ready, due, trial, rows, traces = room
    made = _candidates(d, s, c, found, ready, due)
    best, at, position, total = s.price[c], -1, 0, 0.0
    for n in range(made):
        r, j = int(found[n, 1]), int(found[n, 2])
        count = s.length[r]
        trial[:j] = s.seq[r, :j]
        trial[j] = c
        trial[j + 1 : count + 1] = s.seq[r, j:count]
        cost = plan(d, trial, count + 1, rows, traces)
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
                s.sums[r, 0] = plan(d, s.seq[r], s.length[r], rows, traces) if s.length[r] else 0.0
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
