"""State of ruin and recreate in a few wide arrays, what is kept about each route, and the cheapest place of a stop.

Positions of a route run from 0 (the start depot) over the stops to ``length + 1`` (the end depot); places are stops first,
then depots.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

INFINITY = math.inf
SLACK = 1e-9
#: Most routes a ruin may touch, with those a recreate may then touch: bounds the backup.
TOUCHED_MOST = 512
# Few wide arrays instead of many: compiling a function takes time for every array it is handed.
# Layers of `Data.arcs`.
COST, BACK, MINUTES, LENGTHS = 0, 1, 2, 3
# Columns of `Data.places`, `Data.kinds`, `Data.figures`, `State.route`, `State.legs`, `State.sums`, `State.stops`, `State.meta`.
SERVICE, EARLY, LATE, PENALTY = 0, 1, 2, 3
CLASS, START, END, DAY, LIMIT, MOST = 0, 1, 2, 3, 4, 5
FIXED, FROM, UNTIL, LONGEST, REACH, CAPACITY = 0, 1, 2, 3, 4, 5
LENGTH, KIND, PLACE, ACTIVE, STAMP, BEST_LENGTH, BEST_KIND = 0, 1, 2, 3, 4, 5, 6
ARC, READY, DUE = 0, 1, 2
MONEY, WORK, METRES, LOADS = 0, 1, 2, 3
LEFT, MASK, OLD_LEFT, OLD_MASK = 0, 1, 2, 3
ROUTES, ABSENT, TOUCHED, RANDOM = 0, 1, 2, 3


class Data(NamedTuple):
    """What does not change.

    Attributes
    ----------
    arcs
        Layer (cost, cost transposed, minutes, metres), class, from, to.
    places
        Service minutes, earliest and latest begin, and (stops) the price of leaving it out.
    loads
        Deliveries and pick-ups by stop and dimension.
    near
        Neighbours of each stop by distance, itself first.
    masks
        Day patterns of each stop, bit ``d`` for day ``d``; 0: no more.
    kinds
        Of each vehicle type on each day: class of arcs, start and end place, day, vehicles, most stops.
    figures
        Likewise: fixed cost, shift, longest work, longest way, capacities.
    allowed
        Whether a type may serve a stop.
    flags
        Whether there are windows, pick-ups, limits of work or way.
    days
        Number of days.
    """

    arcs: Floats
    places: Floats
    loads: Floats
    near: Ints
    masks: Ints
    kinds: Ints
    figures: Floats
    allowed: Bools
    flags: Bools
    days: int


class State(NamedTuple):
    """A solution with what makes moves quick.

    Attributes
    ----------
    seq
        Places along each route, of the current solution and of the best.
    route
        Of each route: stops, type, place in the list of routes in use, (of that list) route, last turn changed, best.
    legs
        Of each leg: its cost; of each position: earliest and latest begin.
    peaks
        Highest load up to the leg after a position, and from it on.
    sums
        Cost, work, way, and deliveries of each route.
    visits
        Route of each visit (stop · days + day); −1: none.
    stops
        List of stops left out, day pattern in force, and both before the turn.
    used
        Vehicles used of each type and day.
    meta
        Routes in use, stops left out, routes touched in the turn, random state.
    touched, backup
        Routes before the turn: number, stops, type; their places.
    scratch
        Room for keys.
    best
        Cost of the best and of the current solution.
    """

    seq: Ints
    route: Ints
    legs: Floats
    peaks: Floats
    sums: Floats
    visits: Ints
    stops: Ints
    used: Ints
    meta: Ints
    touched: Ints
    backup: Ints
    scratch: Floats
    best: Floats


@compiled_part
def _next(meta: Ints) -> np.uint64:
    x = np.uint64(meta[RANDOM])
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    meta[RANDOM] = np.int64(x)
    return x


@compiled_part
def random_unit(meta: Ints) -> float:
    """Return a random number from 0 to below 1."""
    return float(_next(meta) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled_part
def random_below(meta: Ints, n: int) -> int:
    """Return a random whole number from 0 to below `n`."""
    return int(_next(meta) >> np.uint64(33)) % n


@compiled_part
def update_route(d: Data, s: State, r: int) -> None:
    """Recompute everything kept about a route; an empty one is freed."""
    count, k = s.route[r, LENGTH], s.route[r, KIND]
    if count == 0:
        s.sums[r, MONEY] = 0.0
        if s.route[r, PLACE] >= 0:
            last = s.route[s.meta[ROUTES] - 1, ACTIVE]
            s.route[s.route[r, PLACE], ACTIVE] = last
            s.route[last, PLACE] = s.route[r, PLACE]
            s.route[r, PLACE] = -1
            s.meta[ROUTES] -= 1
            s.used[k] -= 1
        return
    if s.route[r, PLACE] < 0:
        s.route[r, PLACE] = s.meta[ROUTES]
        s.route[s.meta[ROUTES], ACTIVE] = r
        s.meta[ROUTES] += 1
        s.used[k] += 1
    p, day = d.kinds[k, CLASS], d.kinds[k, DAY]
    s.seq[0, r, 0], s.seq[0, r, count + 1] = d.kinds[k, START], d.kinds[k, END]
    money = d.figures[k, FIXED]
    for j in range(count + 1):
        a = d.arcs[COST, p, s.seq[0, r, j], s.seq[0, r, j + 1]]
        s.legs[r, j, ARC] = a
        money += a
    s.sums[r, MONEY] = money
    for j in range(1, count + 1):
        v = s.seq[0, r, j] * d.days + day
        s.visits[v] = r
    _update_loads(d, s, r)
    if d.flags[0]:
        _update_times(d, s, r)
    if d.flags[2]:
        work = length = 0.0
        for j in range(count + 1):
            a, b = s.seq[0, r, j], s.seq[0, r, j + 1]
            work += d.arcs[MINUTES, p, a, b] + d.places[b, SERVICE]
            length += d.arcs[LENGTHS, p, a, b]
        s.sums[r, WORK], s.sums[r, METRES] = work, length


@compiled_part
def _update_loads(d: Data, s: State, r: int) -> None:
    count = s.route[r, LENGTH]
    for q in range(d.loads.shape[2]):
        total = 0.0
        for j in range(1, count + 1):
            total += d.loads[0, s.seq[0, r, j], q]
        s.sums[r, LOADS + q] = total
        if d.flags[1]:
            load = peak = total
            s.peaks[0, r, 0, q] = total
            s.peaks[1, r, 0, q] = total
            for j in range(1, count + 1):
                c = s.seq[0, r, j]
                load += d.loads[1, c, q] - d.loads[0, c, q]
                peak = max(peak, load)
                s.peaks[0, r, j, q] = peak
                s.peaks[1, r, j, q] = load
            for j in range(count - 1, -1, -1):
                s.peaks[1, r, j, q] = max(s.peaks[1, r, j, q], s.peaks[1, r, j + 1, q])


@compiled_part
def _update_times(d: Data, s: State, r: int) -> None:
    count, k = s.route[r, LENGTH], s.route[r, KIND]
    p = d.kinds[k, CLASS]
    s.legs[r, 0, READY] = max(d.figures[k, FROM], d.places[s.seq[0, r, 0], EARLY])
    for j in range(count + 1):
        a, b = s.seq[0, r, j], s.seq[0, r, j + 1]
        s.legs[r, j + 1, READY] = max(
            d.places[b, EARLY], s.legs[r, j, READY] + d.places[a, SERVICE] + d.arcs[MINUTES, p, a, b]
        )
    s.legs[r, count + 1, DUE] = min(d.figures[k, UNTIL], d.places[s.seq[0, r, count + 1], LATE])
    for j in range(count, -1, -1):
        a, b = s.seq[0, r, j], s.seq[0, r, j + 1]
        own = d.places[a, LATE] if j else INFINITY
        s.legs[r, j, DUE] = min(own, s.legs[r, j + 1, DUE] - d.places[a, SERVICE] - d.arcs[MINUTES, p, a, b])


@compiled_part
def _fits(d: Data, s: State, r: int, j: int, c: int) -> bool:
    """Tell whether stop `c` may stand between positions `j` and ``j + 1``."""
    k = s.route[r, KIND]
    p = d.kinds[k, CLASS]
    a, b = s.seq[0, r, j], s.seq[0, r, j + 1]
    if d.flags[1]:
        for q in range(d.loads.shape[2]):
            most = d.figures[k, CAPACITY + q] + SLACK
            if s.peaks[0, r, j, q] + d.loads[0, c, q] > most or s.peaks[1, r, j, q] + d.loads[1, c, q] > most:
                return False
    if d.flags[0]:
        begin = max(d.places[c, EARLY], s.legs[r, j, READY] + d.places[a, SERVICE] + d.arcs[MINUTES, p, a, c])
        if (
            begin > d.places[c, LATE] + SLACK
            or begin + d.places[c, SERVICE] + d.arcs[MINUTES, p, c, b] > s.legs[r, j + 1, DUE] + SLACK
        ):
            return False
    if d.flags[2]:
        work = (
            s.sums[r, WORK]
            + d.arcs[MINUTES, p, a, c]
            + d.arcs[MINUTES, p, c, b]
            - d.arcs[MINUTES, p, a, b]
            + d.places[c, SERVICE]
        )
        length = s.sums[r, METRES] + d.arcs[LENGTHS, p, a, c] + d.arcs[LENGTHS, p, c, b] - d.arcs[LENGTHS, p, a, b]
        if work > d.figures[k, LONGEST] + 1e-7 or length > d.figures[k, REACH] + 1e-7:
            return False
    return True


@compiled_part
def _fits_alone(d: Data, k: int, c: int) -> bool:
    p, start, end = d.kinds[k, CLASS], d.kinds[k, START], d.kinds[k, END]
    if not d.allowed[k, c] or d.arcs[COST, p, start, c] == INFINITY or d.arcs[COST, p, c, end] == INFINITY:
        return False
    for q in range(d.loads.shape[2]):
        if max(d.loads[0, c, q], d.loads[1, c, q]) > d.figures[k, CAPACITY + q] + SLACK:
            return False
    if d.flags[0]:
        begin = max(d.places[c, EARLY], max(d.figures[k, FROM], d.places[start, EARLY]) + d.arcs[MINUTES, p, start, c])
        close = min(d.figures[k, UNTIL], d.places[end, LATE])
        if (
            begin > d.places[c, LATE] + SLACK
            or begin + d.places[c, SERVICE] + d.arcs[MINUTES, p, c, end] > close + SLACK
        ):
            return False
    if d.flags[2]:
        work = d.arcs[MINUTES, p, start, c] + d.arcs[MINUTES, p, c, end] + d.places[c, SERVICE]
        if (
            work > d.figures[k, LONGEST] + 1e-7
            or d.arcs[LENGTHS, p, start, c] + d.arcs[LENGTHS, p, c, end] > d.figures[k, REACH] + 1e-7
        ):
            return False
    return True


@compiled_part
def _has_room(d: Data, s: State, r: int, c: int, day: int) -> bool:
    k = s.route[r, KIND]
    if d.kinds[k, DAY] != day or not d.allowed[k, c] or s.route[r, LENGTH] >= d.kinds[k, MOST]:
        return False
    has_room = True
    for q in range(d.loads.shape[2]):
        has_room = has_room and s.sums[r, LOADS + q] + d.loads[0, c, q] <= d.figures[k, CAPACITY + q] + SLACK
    return has_room


@compiled_part
def cheapest_place(d: Data, s: State, c: int, day: int, blink: float) -> tuple[float, int, int]:
    """Return extra cost, route and position before the cheapest place of a stop on a day; route ``−1 − k``: a new one."""
    best, best_r, best_j = _everywhere(d, s, c, day, blink)
    for k in range(len(d.kinds)):
        if d.kinds[k, DAY] == day and s.used[k] < d.kinds[k, LIMIT]:
            p = d.kinds[k, CLASS]
            extra = d.figures[k, FIXED] + d.arcs[COST, p, d.kinds[k, START], c] + d.arcs[COST, p, c, d.kinds[k, END]]
            if extra < best and _fits_alone(d, k, c):
                best, best_r, best_j = extra, -1 - k, 0
    return best, best_r, best_j


@compiled_part
def _everywhere(d: Data, s: State, c: int, day: int, blink: float) -> tuple[float, int, int]:
    best, best_r, best_j = INFINITY, -(10**6), 0
    wait = int(math.log(1.0 - random_unit(s.meta)) / blink) if blink < 0.0 else 1 << 60
    for n in range(s.meta[ROUTES]):
        r = s.route[n, ACTIVE]
        if not _has_room(d, s, r, c, day):
            continue
        p = d.kinds[s.route[r, KIND], CLASS]
        there, back, row, arcs = d.arcs[BACK, p, c], d.arcs[COST, p, c], s.seq[0, r], s.legs[r, :, ARC]
        a = row[0]
        for j in range(s.route[r, LENGTH] + 1):
            b = row[j + 1]
            extra = there[a] + back[b] - arcs[j]
            a = b
            wait -= 1
            if wait < 0:
                wait = int(math.log(1.0 - random_unit(s.meta)) / blink)
                continue
            if extra < best and _fits(d, s, r, j, c):
                best, best_r, best_j = extra, r, j
    return best, best_r, best_j
