"""The best charging stops along a given order of stops, compiled.

Labels (cost, time, energy left) run along the order; between two stops a vehicle drives directly or over one or two chargers,
each filling the battery (Schneider, Stenger and Goeke 2014). Places are stops first, then the start and the end depot, then
chargers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.ruin_state import INFINITY, SLACK, Floats, Ints

#: Labels kept at a place, chargers tried between two places.
LABELS, VIA = 8, 3
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


@compiled_part
def _direct(d: Electric, layer: int, seq: Ints, count: int) -> float:
    """Return the cost, minutes or energy of the way of a route without charging."""
    total, a = 0.0, d.number
    for j in range(count):
        total += d.arcs[layer, a, seq[j]]
        a = seq[j]
    return float(total + d.arcs[layer, a, d.number + 1])


@compiled
def plan(d: Electric, seq: Ints, count: int, rows: Floats, traces: Ints, limit: float) -> float:
    """Return the least cost of a route of `count` stops with its charging; labels stay in the arrays.

    ``inf``: none, or none below `limit`: the rest of the way costs at least what it does without charging.
    """
    start, end = d.number, d.number + 1
    rest, need = _direct(d, 0, seq, count), _direct(d, 2, seq, count)
    rows[0, 0, COST], rows[0, 0, TIME], rows[0, 0, ENERGY] = d.figures[FIXED], d.figures[FROM], d.figures[BATTERY]
    labels, a = 1, start
    values, source = np.empty(3), np.empty(3, np.int64)
    for j in range(count + 1):
        b = seq[j] if j < count else end
        made = 0
        row, trace = rows[j + 1], traces[j + 1]
        for n in range(labels):
            made = _extend(d, rows[j, n], row, trace, (made, b, a, n), values, source, need)
        if made == 0:
            for n in range(labels):
                made = _extend_twice(d, rows[j, n], row, trace, (made, b, a, n), values, source)
        if made == 0:
            return INFINITY
        rest -= d.arcs[0, a, b]
        need -= d.arcs[2, a, b]
        least = INFINITY
        for n in range(made):
            row[n, TIME] += d.stops[SERVICE, b]
            least = min(least, row[n, COST])
        if least + rest >= limit:
            return INFINITY
        labels, a = made, b
    best = 0
    for n in range(1, labels):
        if rows[count + 1, n, COST] < rows[count + 1, best, COST]:
            best = n
    rows[0, 1, COST] = float(best)
    return float(rows[count + 1, best, COST])


@compiled_part
def _extend(
    d: Electric,
    label: Floats,
    row: Floats,
    trace: Ints,
    where: tuple[int, int, int, int],
    values: Floats,
    source: Ints,
    need: float,
) -> int:
    """Drive directly and, unless the energy reaches to the end (`need`), over one charger."""
    made, b, a, n = where
    source[0], source[1], source[2] = n, -1, -1
    values[COST], values[TIME], values[ENERGY] = _step(d, label, a, b)
    made = _add_label(d, row, trace, (made, b), values, source)
    if label[ENERGY] >= need or (
        label[ENERGY] > d.figures[BATTERY] - SLACK and values[ENERGY] > 0.5 * d.figures[BATTERY]
    ):
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
