"""Slack induction by string removals, compiled: strings of neighbouring visits are taken out and put back one by one.

After Christiaens and Vanden Berghe (2020): every stop goes to its cheapest place, blinking now and then, and simulated annealing
decides what stays. Beyond the paper: several days with visit patterns (a stop is put back on all days of its cheapest
pattern), several vehicle types and depots, deliveries and pick-ups in several dimensions, optional stops. Arrays are copied by
loops because slices take a third of the compile time.
"""

from __future__ import annotations

import math

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.ruin_state import (
    ABSENT,
    ACTIVE,
    BEST_KIND,
    BEST_LENGTH,
    CLASS,
    COST,
    DAY,
    EARLY,
    END,
    INFINITY,
    KIND,
    LATE,
    LEFT,
    LENGTH,
    MASK,
    MONEY,
    OLD_LEFT,
    OLD_MASK,
    PENALTY,
    PLACE,
    ROUTES,
    STAMP,
    START,
    TOUCHED,
    TOUCHED_MOST,
    Data,
    Floats,
    Ints,
    State,
    cheapest_place,
    random_below,
    random_unit,
    update_route,
)

#: Chance of a place not being seen, of a piece being kept inside a string, and of that piece being longer.
BLINK, SPLIT, LONGER_HOLE = 0.01, 0.5, 0.01
#: Rules of the order in which stops are put back; each is drawn as often as it stands here, those of windows last.
BY_CHANCE, BY_LOAD, BY_FAR, BY_NEAR, BY_WIDTH, BY_BEGIN, BY_END = range(7)
RULES = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6)
RULES_PLAIN = 11


@compiled_part
def _touch(s: State, r: int, turn: int) -> None:
    """Back a route up the first time it changes in this turn."""
    if s.route[r, STAMP] == turn:
        return
    s.route[r, STAMP] = turn
    t = s.meta[TOUCHED]
    s.touched[t, 0], s.touched[t, 1], s.touched[t, 2] = r, s.route[r, LENGTH], s.route[r, KIND]
    for j in range(s.route[r, LENGTH] + 2):
        s.backup[t, j] = s.seq[0, r, j]
    s.meta[TOUCHED] += 1


@compiled_part
def _insert(d: Data, s: State, c: int, r: int, j: int) -> None:
    for i in range(s.route[r, LENGTH] + 1, j, -1):
        s.seq[0, r, i + 1] = s.seq[0, r, i]
    s.seq[0, r, j + 1] = c
    s.route[r, LENGTH] += 1
    update_route(d, s, r)


@compiled_part
def _open(d: Data, s: State, k: int) -> int:
    """Return a free route of a type; −1: none is left."""
    for r in range(len(s.route)):
        if s.route[r, PLACE] < 0 and s.route[r, LENGTH] == 0:
            s.route[r, KIND] = k
            s.seq[0, r, 0], s.seq[0, r, 1] = d.kinds[k, START], d.kinds[k, END]
            return r
    return -1


@compiled_part
def _take_out(d: Data, s: State, c: int, turn: int) -> bool:
    """Take a stop out on all its days; False: the backup is full."""
    if s.meta[TOUCHED] + d.days >= TOUCHED_MOST // 2:
        return False
    for day in range(d.days):
        v = c * d.days + day
        r = s.visits[v]
        if r < 0:
            continue
        _touch(s, r, turn)
        j = 1
        while s.seq[0, r, j] != c:
            j += 1
        for i in range(j, s.route[r, LENGTH] + 1):
            s.seq[0, r, i] = s.seq[0, r, i + 1]
        s.route[r, LENGTH] -= 1
        s.visits[v] = -1
    s.stops[c, MASK] = 0
    s.stops[s.meta[ABSENT], LEFT] = c
    s.meta[ABSENT] += 1
    return True


@compiled_part
def _mean_length(s: State) -> float:
    visits = 0
    for n in range(s.meta[ROUTES]):
        visits += s.route[s.route[n, ACTIVE], LENGTH]
    return float(visits) / max(1, int(s.meta[ROUTES]))


@compiled_part
def _some_route(d: Data, s: State, c: int) -> int:
    """Return the route of a stop on one of its days, drawn at random."""
    day = random_below(s.meta, d.days)
    for _ in range(d.days):
        if s.visits[c * d.days + day] >= 0:
            break
        day = (day + 1) % d.days
    return int(s.visits[c * d.days + day])


@compiled_part
def _ruin(d: Data, s: State, turn: int, mean_out: float, string_most: float) -> None:
    stops = d.loads.shape[1]
    longest = min(string_most, _mean_length(s))
    if longest == 0.0:
        return
    strings = int(random_unit(s.meta) * (4.0 * mean_out / (1.0 + longest) - 1.0) + 1.0)
    seed = random_below(s.meta, stops)
    first_touched = s.meta[TOUCHED]
    done = 0
    for n in range(d.near.shape[1]):
        if done >= strings:
            break
        c = d.near[seed, n]
        if s.stops[c, MASK] == 0:
            continue
        r = _some_route(d, s, c)
        if r < 0 or s.route[r, STAMP] == turn:
            continue
        done += 1
        if not _take_string(d, s, r, c, turn, min(float(s.route[r, LENGTH]), longest)):
            break
    _update_touched(d, s, first_touched)


@compiled_part
def _update_touched(d: Data, s: State, first_touched: int) -> None:
    for t in range(first_touched, s.meta[TOUCHED]):
        update_route(d, s, s.touched[t, 0])


@compiled_part
def _take_string(d: Data, s: State, r: int, c: int, turn: int, most: float) -> bool:
    """Take out a string of a route that holds stop `c`, now and then leaving a piece inside it."""
    count = s.route[r, LENGTH]
    size = int(random_unit(s.meta) * most + 1.0)
    size = min(size, count)
    at = 1
    while s.seq[0, r, at] != c:
        at += 1
    kept = 0
    if size > 1 and size < count and random_unit(s.meta) < SPLIT:
        kept = 1
        while size + kept < count and random_unit(s.meta) < LONGER_HOLE:
            kept += 1
    span = size + kept
    low = max(1, at - span + 1)
    high = min(at, count - span + 1)
    first = low + random_below(s.meta, high - low + 1)
    hole = first + (1 + random_below(s.meta, size - 1) if kept else span)
    out = s.scratch
    taken = 0
    for j in range(first, first + span):
        if kept and hole <= j < hole + kept:
            continue
        out[taken] = s.seq[0, r, j]
        taken += 1
    is_done = True
    for n in range(taken):
        is_done = is_done and _take_out(d, s, int(out[n]), turn)
    return is_done


@compiled_part
def _rank(d: Data, s: State, c: int, rule: int) -> float:
    """Rank a stop by a rule: any, most load, far, near, narrow window, early, late."""
    key = 0.0
    if rule == BY_CHANCE:
        key = random_unit(s.meta)
    elif rule == BY_LOAD:
        key = -max(d.loads[0, c, 0], d.loads[1, c, 0])
    elif rule in (BY_FAR, BY_NEAR):
        away = d.arcs[COST, d.kinds[0, CLASS], d.kinds[0, START], c]
        key = -away if rule == BY_FAR else away
    elif rule == BY_WIDTH:
        key = d.places[c, LATE] - d.places[c, EARLY]
    else:
        key = d.places[c, EARLY] if rule == BY_BEGIN else -d.places[c, LATE]
    return key


@compiled_part
def _order_absent(d: Data, s: State) -> None:
    """Sort the absent stops by a rule drawn at random (those of windows only where there are any)."""
    count = s.meta[ABSENT]
    rule = RULES[random_below(s.meta, len(RULES) if d.flags[0] else RULES_PLAIN)]
    keys = s.scratch
    for n in range(count):
        keys[n] = _rank(d, s, s.stops[n, LEFT], rule)
    for i in range(1, count):
        key, c = keys[i], s.stops[i, LEFT]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1], s.stops[j + 1, LEFT] = keys[j], s.stops[j, LEFT]
            j -= 1
        keys[j + 1], s.stops[j + 1, LEFT] = key, c


@compiled_part
def _recreate(d: Data, s: State, turn: int, blink: float) -> None:
    _order_absent(d, s)
    count = s.meta[ABSENT]
    left = 0
    extras, spots = np.empty(d.days), np.empty((2, d.days), np.int64)
    for n in range(count):
        c = s.stops[n, LEFT]
        mask = _cheapest_pattern(d, s, c, blink, extras, spots)
        has_room = s.meta[TOUCHED] + d.days < TOUCHED_MOST
        if mask == 0 or not has_room or not _put_in(d, s, c, mask, turn, spots):
            s.stops[left, LEFT] = c
            left += 1
    s.meta[ABSENT] = left


@compiled_part
def _cheapest_pattern(d: Data, s: State, c: int, blink: float, extras: Floats, spots: Ints) -> int:
    """Return the day pattern in which a stop costs least, and its places; 0: leaving it out is cheaper."""
    known, best, best_mask = 0, d.places[c, PENALTY], 0
    for m in range(d.masks.shape[1]):
        mask = d.masks[c, m]
        extra = 0.0 if mask else INFINITY
        for day in range(d.days):
            if not mask >> day & 1:
                continue
            if not known >> day & 1:
                extras[day], spots[0, day], spots[1, day] = cheapest_place(d, s, c, day, blink)
                known |= 1 << day
            extra += extras[day]
        if extra < best:
            best, best_mask = extra, mask
    return best_mask


@compiled_part
def _put_in(d: Data, s: State, c: int, mask: int, turn: int, spots: Ints) -> bool:
    """Put a stop in on the days of a pattern; False: no route is free, nothing is changed."""
    for day in range(d.days):
        if not mask >> day & 1:
            continue
        r = spots[0, day]
        if r < 0:
            r = _open(d, s, -1 - r)
            if r < 0:
                _undo(d, s, c)
                return False
        _touch(s, r, turn)
        _insert(d, s, c, r, spots[1, day])
    s.stops[c, MASK] = mask
    return True


@compiled_part
def _undo(d: Data, s: State, c: int) -> None:
    """Take out a stop that found no route on one of its days."""
    for day in range(d.days):
        v = c * d.days + day
        r = s.visits[v]
        if r >= 0:
            j = 1
            while s.seq[0, r, j] != c:
                j += 1
            for i in range(j, s.route[r, LENGTH] + 1):
                s.seq[0, r, i] = s.seq[0, r, i + 1]
            s.route[r, LENGTH] -= 1
            s.visits[v] = -1
            update_route(d, s, r)


@compiled_part
def total_cost(d: Data, s: State) -> float:
    """Return the cost of the routes and of what is left out."""
    total = 0.0
    for n in range(s.meta[ROUTES]):
        total += s.sums[s.route[n, ACTIVE], MONEY]
    for n in range(s.meta[ABSENT]):
        total += d.places[s.stops[n, LEFT], PENALTY]
    return total


@compiled_part
def _restore(d: Data, s: State, absent: int) -> None:
    """Go back to before this turn."""
    for t in range(s.meta[TOUCHED]):
        r = s.touched[t, 0]
        day = d.kinds[s.route[r, KIND], DAY]
        for j in range(1, s.route[r, LENGTH] + 1):
            s.visits[s.seq[0, r, j] * d.days + day] = -1
        s.route[r, LENGTH] = 0
        update_route(d, s, r)
    for t in range(s.meta[TOUCHED]):
        r, count = s.touched[t, 0], s.touched[t, 1]
        s.route[r, KIND] = s.touched[t, 2]
        s.route[r, LENGTH] = count
        for j in range(count + 2):
            s.seq[0, r, j] = s.backup[t, j]
        update_route(d, s, r)
        for j in range(1, count + 1):
            s.stops[s.seq[0, r, j], MASK] = s.stops[s.seq[0, r, j], OLD_MASK]
    s.meta[ABSENT] = absent
    for n in range(absent):
        s.stops[n, LEFT] = s.stops[n, OLD_LEFT]
        s.stops[s.stops[n, LEFT], MASK] = 0


@compiled_part
def keep_best(s: State) -> None:
    """Copy the current solution to the best."""
    for r in range(len(s.route)):
        s.route[r, BEST_LENGTH] = 0
    for n in range(s.meta[ROUTES]):
        r = s.route[n, ACTIVE]
        s.route[r, BEST_LENGTH] = s.route[r, LENGTH]
        s.route[r, BEST_KIND] = s.route[r, KIND]
        for j in range(s.route[r, LENGTH] + 2):
            s.seq[1, r, j] = s.seq[0, r, j]
    s.best[0] = s.best[1]


@compiled
def fill(d: Data, s: State) -> None:
    """Take up the routes given and put every absent stop in, without limits on what is touched."""
    for r in range(len(s.route)):
        update_route(d, s, r)
    for _ in range(4):
        while s.meta[ABSENT]:
            before = s.meta[ABSENT]
            s.meta[TOUCHED] = 0
            for r in range(len(s.route)):
                s.route[r, STAMP] = -1
            _recreate(d, s, -2, 0.0)
            if s.meta[ABSENT] >= before:
                break
    for c in range(len(s.stops)):
        s.stops[c, OLD_MASK] = s.stops[c, MASK]
    s.best[1] = total_cost(d, s)
    keep_best(s)


@compiled
def anneal(
    d: Data, s: State, turns: tuple[int, int], heat: tuple[float, float], mean_out: float, string_most: float
) -> None:
    """Run turns from the first to (without) the last number, cooling from the first temperature to the second."""
    first, last = turns
    hot = heat[0]
    ratio = (heat[1] / heat[0]) ** (1.0 / max(1, last - first))
    blink = math.log(1.0 - BLINK)
    for turn in range(first, last):
        absent = s.meta[ABSENT]
        s.meta[TOUCHED] = 0
        for n in range(absent):
            s.stops[n, OLD_LEFT] = s.stops[n, LEFT]
        _ruin(d, s, turn, mean_out, string_most)
        _recreate(d, s, turn, blink)
        cost = total_cost(d, s)
        if cost < s.best[1] - hot * math.log(1.0 - random_unit(s.meta)):
            s.best[1] = cost
            for t in range(s.meta[TOUCHED]):
                r = s.touched[t, 0]
                for j in range(1, s.route[r, LENGTH] + 1):
                    s.stops[s.seq[0, r, j], OLD_MASK] = s.stops[s.seq[0, r, j], MASK]
            if cost < s.best[0] - 1e-7:
                keep_best(s)
        else:
            _restore(d, s, absent)
        hot *= ratio
