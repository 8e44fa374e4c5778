"""Compiled inner loops of the heuristics: opening and closing a site, greedy choice, annealing, windows."""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Ints, Roster, State, Touched, Words
from planner.siting.coverage_engine.kernels import fill_values

#: Share of annealing moves that may open a site anywhere, not only near the one closed.
_FAR_SHARE = 0.15
#: Sites whose gain lies this many temperatures below the best are not drawn.
_COLD = 12.0
#: Gains and rooms are compared to this precision.
_TINY = 1e-9
#: Makes a 53-bit whole number a number below 1.
_UNIT = 2.0**-53


@compiled_part
def chance_of(rng: Words) -> float:
    """Return the next number of 0 ≤ x < 1 of a xorshift generator; `rng` holds its word."""
    word = rng[0]
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    rng[0] = word
    return float((word >> np.uint64(11)) * _UNIT)


@compiled
def open_site(arrays: Arrays, state: State, j: int) -> float:
    """Open site `j`; return the weight won."""
    won = 0.0
    for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
        i = arrays.site_row[k]
        w = arrays.weight[i]
        if state.times[i] == 0:
            won += w
            for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
                state.gain[arrays.row_site[q]] -= w
        elif state.times[i] == 1:
            state.loss[state.holder[i]] -= w
        state.times[i] += 1
        state.holder[i] += j
    state.loss[j] = won
    return won


@compiled_part
def close_site(arrays: Arrays, state: State, j: int, touched: Touched, mark: int) -> int:
    """Close site `j`; list the sites whose gain grew in `touched` and return their number."""
    count = 0
    for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
        i = arrays.site_row[k]
        state.times[i] -= 1
        state.holder[i] -= j
        if state.times[i] == 0:
            for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
                other = arrays.row_site[q]
                state.gain[other] += arrays.weight[i]
                if touched.stamp[other] != mark:
                    touched.stamp[other] = mark
                    touched.site[count] = other
                    count += 1
        elif state.times[i] == 1:
            state.loss[state.holder[i]] += arrays.weight[i]
    return count


@compiled_part
def price_of(arrays: Arrays, j: int) -> float:
    """Return the cost of site `j`."""
    return 1.0 if arrays.cost.size == 0 else arrays.cost[j]


@compiled_part
def best_site(arrays: Arrays, gain: Floats, is_open: Bools, room: float) -> int:
    """Return the closed site of most gain (per cost) that fits into `room`, or -1."""
    best = -1
    most = 0.0
    for j in range(gain.size):
        if is_open[j] or gain[j] <= _TINY:
            continue
        price = price_of(arrays, j)
        score = gain[j] / max(price, _TINY)
        if score > most and price <= room + _TINY:
            most = score
            best = j
    return best


@compiled
def greedy(arrays: Arrays, budget: float, first: Ints, worth: Floats) -> Ints:
    """Open `first`, then always the best site that fits.

    Return the sites in order, `worth` the weight covered after each.
    """
    sites = arrays.site_start.size - 1
    gain = np.zeros(sites)
    fill_values(arrays, arrays.weight, gain)
    covered = np.zeros(arrays.weight.size, np.bool_)
    is_open = np.zeros(sites, np.bool_)
    order = np.empty(worth.size, np.int64)
    room = budget
    total = 0.0
    for step in range(worth.size):
        j = first[step] if step < first.size else best_site(arrays, gain, is_open, room)
        if j < 0:
            return order[:step]
        is_open[j] = True
        room -= price_of(arrays, j)
        order[step] = j
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            if covered[i]:
                continue
            covered[i] = True
            total += arrays.weight[i]
            for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
                gain[arrays.row_site[q]] -= arrays.weight[i]
        worth[step] = total
    return order


@compiled_part
def draw(arrays: Arrays, gain: Floats, slot: Ints, among: Ints, mood: tuple[float, float], rng: Words) -> int:
    """Draw a closed site of `among` that fits by ``exp(gain / temperature)``; -1 if none gains.

    `mood`: room, temperature.
    """
    room, temperature = mood
    near = among.size
    most = 0.0
    for t in range(near):
        j = among[t]
        if slot[j] < 0 and gain[j] > most and price_of(arrays, j) <= room + _TINY:
            most = gain[j]
    if most <= _TINY:
        return -1
    drawn = -1
    mass = 0.0
    for t in range(near):
        j = among[t]
        if slot[j] < 0 and gain[j] >= most - _COLD * temperature and price_of(arrays, j) <= room + _TINY:
            chance = np.exp((gain[j] - most) / temperature)
            mass += chance
            if drawn < 0 or chance_of(rng) * mass < chance:
                drawn = j
    return drawn


@compiled_part
def enter(arrays: Arrays, state: State, roster: Roster, count: int, j: int) -> float:
    """Open site `j` and put it on the roster at place `count`; return the weight won."""
    roster.slot[j] = count
    roster.opened[count] = j
    return open_site(arrays, state, j)


@compiled_part
def leave(roster: Roster, count: int, where: int) -> int:
    """Take the site at place `where` off the roster of `count`; return it."""
    gone = int(roster.opened[where])
    last = roster.opened[count - 1]
    roster.opened[where] = last
    roster.slot[last] = where
    roster.slot[gone] = -1
    return gone


@compiled
def fresh_state(arrays: Arrays) -> State:
    """Return the state with nothing open."""
    rows, sites = arrays.weight.size, arrays.site_start.size - 1
    gain = np.zeros(sites)
    fill_values(arrays, arrays.weight, gain)
    return State(np.zeros(rows, np.int32), np.zeros(rows, np.int64), gain, np.zeros(sites))


@compiled
def anneal(arrays: Arrays, budget: float, start: Ints, settings: Floats, rng: Words) -> tuple[float, Ints]:
    """Close a random site, open one drawn by its gain, while it cools; return (weight, sites) of the best choice met.

    The draw is among the sites whose gain the closing raised, at times among all. `settings`: moves, first and last
    temperature.
    """
    moves, hot, cold = int(settings[0]), settings[1], settings[2]
    sites = arrays.site_start.size - 1
    state = fresh_state(arrays)
    touched = Touched(np.empty(sites, np.int64), np.zeros(sites, np.int64))
    roster = Roster(np.empty(sites, np.int64), np.full(sites, -1, np.int64))
    everywhere = np.arange(sites)
    weight, room = 0.0, budget
    count = start.size - start.size  # for a literal 0 the helpers would be compiled twice
    for j in start:
        weight += enter(arrays, state, roster, count, j)
        room -= price_of(arrays, j)
        count += 1
    best = weight
    chosen = roster.opened[:count].copy()
    for step in range(moves):
        if count == 0:
            break
        temperature = hot * (cold / hot) ** (step / moves)
        gone = leave(roster, count, int(chance_of(rng) * count))
        count -= 1
        weight -= state.loss[gone]
        room += price_of(arrays, gone)
        near = close_site(arrays, state, gone, touched, step + 1)
        is_far = near == 0 or chance_of(rng) < _FAR_SHARE
        among = everywhere if is_far else touched.site[:near]
        come = draw(arrays, state.gain, roster.slot, among, (room, temperature), rng)
        while come >= 0:
            weight += enter(arrays, state, roster, count, come)
            room -= price_of(arrays, come)
            count += 1
            come = draw(arrays, state.gain, roster.slot, among, (room, temperature), rng)
        if weight > best + _TINY:
            best = weight
            chosen = roster.opened[:count].copy()
    return best, chosen


@compiled
def spread(arrays: Arrays, is_open: Bools, seed_site: int, wanted: int, inside: Bools) -> int:
    """Mark the sites met breadth-first from `seed_site` until `wanted` open ones are among them.

    Return how many are.
    """
    queue = np.empty(inside.size, np.int64)
    is_seen = np.zeros(arrays.row_start.size - 1, np.bool_)
    for j in range(inside.size):
        inside[j] = False
    inside[seed_site] = True
    queue[0] = seed_site
    head, tail = 0, 1
    found = 1 if is_open[seed_site] else 0
    while head < tail and found < wanted:
        j = queue[head]
        head += 1
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            if is_seen[i]:
                continue
            is_seen[i] = True
            for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
                other = arrays.row_site[q]
                if inside[other] or (is_open[other] and found >= wanted):
                    continue
                found += 1 if is_open[other] else 0
                inside[other] = True
                queue[tail] = other
                tail += 1
    return found


@compiled
def peel(arrays: Arrays, opened: Ints) -> Ints:
    """Close the sites of `opened` one by one, always the one that loses least; return them in the opposite order."""
    state = fresh_state(arrays)
    for j in opened:
        open_site(arrays, state, j)
    left = opened.copy()
    order = np.empty(opened.size, np.int64)
    touched = Touched(np.empty(state.gain.size, np.int64), np.zeros(state.gain.size, np.int64))
    for count in range(opened.size, 0, -1):
        least = 0
        for t in range(count):
            if state.loss[left[t]] < state.loss[left[least]]:
                least = t
        order[count - 1] = left[least]
        close_site(arrays, state, left[least], touched, opened.size - count + 1)
        left[least] = left[count - 1]
    return order
