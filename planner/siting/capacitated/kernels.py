"""Compiled loops of the capacitated Lagrangian. Each has a numpy twin in the tests as its oracle.

Relaxing "everybody is served once" with a price λ_i for each demand point leaves one knapsack a site,
``v_j = f_j + min Σ_i (c_ij - λ_i) t_ij`` with ``Σ_i q_i t_ij ≤ Q_j``, and a choice of sites. Pairs are held by site.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.siting.p_median.compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Status = npt.NDArray[np.int8]

#: Weight of a round in the running means; a direction this short is none.
_MEMORY = 0.05
_FLAT = 1e-12
_GAIN = 1e-9


class SiteLists(NamedTuple):
    """Pairs by site: site ``j`` owns entries ``start[j]:start[j+1]``; quantities per entry; cost of the whole demand."""

    start: Ints
    client: Ints
    cost: Floats
    quantity: Floats
    capacity: Floats
    fixed: Floats
    locked: Status
    p: int
    total: float
    client_count: int
    unit_capacity: Ints
    unit_total: int


class Climb(NamedTuple):
    """State of a subgradient climb; everything is updated in place.

    `steps` holds target value, step length, patience, best bound and rounds without progress. `opened` is the choice of sites at the
    best bound; `often_open` and `often_share` are running means over the rounds, near a solution of the linear relaxation.
    """

    price: Floats
    best_price: Floats
    opened: Floats
    often_open: Floats
    often_share: Floats
    steps: Floats


@compiled
def split_values(data: SiteLists, price: Floats, value: Floats, share: Floats, room_price: Floats) -> None:
    """Fill the best value, the shares and the price of capacity of every site's knapsack with divisible demand."""
    for j in range(value.size):
        first, last = data.start[j], data.start[j + 1]
        value[j] = data.fixed[j]
        room_price[j] = 0.0
        gain = data.cost[first:last] - price[data.client[first:last]]
        wanted = 0.0
        for k in range(first, last):
            share[k] = 0.0
            if gain[k - first] < 0.0:
                wanted += data.quantity[k]
                share[k] = 1.0
                value[j] += gain[k - first]
        if wanted > data.capacity[j]:
            value[j] = data.fixed[j]
            quantity = data.quantity[first:last]
            room_price[j] = fill_split(gain, quantity, data.capacity[j], share[first:last])
            for k in range(first, last):
                value[j] += gain[k - first] * share[k]


@compiled
def fill_split(gain: Floats, quantity: Floats, room: float, share: Floats) -> float:
    """Fill the shares of one full knapsack by gain a unit; `share` is 1 where there is a gain. Return the price of capacity."""
    places = np.flatnonzero(share > 0.0)
    ratio = np.empty(places.size)
    for number in range(places.size):
        k = places[number]
        ratio[number] = gain[k] / quantity[k] if quantity[k] > 0.0 else -np.inf
    share[:] = 0.0
    left = room
    for number in np.argsort(ratio, kind="mergesort"):
        k = places[number]
        if quantity[k] > left:
            share[k] = left / quantity[k]
            return float(-ratio[number])
        share[k] = 1.0
        left -= quantity[k]
    return 0.0


@compiled
def whole_values(data: SiteLists, price: Floats, value: Floats, share: Floats) -> None:
    """Fill the best value and the choice of every site's 0/1 knapsack; quantities and capacities are whole numbers."""
    for j in range(value.size):
        first, last = data.start[j], data.start[j + 1]
        gain = data.cost[first:last] - price[data.client[first:last]]
        wanted = 0.0
        for k in range(first, last):
            share[k] = 0.0
            if gain[k - first] < 0.0 and data.quantity[k] <= data.capacity[j]:
                wanted += data.quantity[k]
                share[k] = 1.0
        if wanted > data.capacity[j]:
            fill_whole(gain, data.quantity[first:last], int(data.capacity[j]), share[first:last])
        value[j] = data.fixed[j]
        for k in range(first, last):
            value[j] += gain[k - first] * share[k]


@compiled
def fill_whole(gain: Floats, quantity: Floats, room: int, share: Floats) -> None:
    """Choose the entries of one full 0/1 knapsack by dynamic programming; `share` is 1 where there is a gain and it fits."""
    places = np.flatnonzero(share > 0.0)
    share[:] = 0.0
    taken = np.zeros((places.size, room + 1), np.bool_)
    best = np.zeros(room + 1)
    for item in range(places.size):
        size, worth = int(quantity[places[item]]), gain[places[item]]
        for c in range(room, size - 1, -1):
            with_it = best[c - size] + worth
            if with_it < best[c]:
                best[c] = with_it
                taken[item, c] = True
    left = room
    for item in range(places.size - 1, -1, -1):
        if taken[item, left]:
            share[places[item]] = 1.0
            left -= int(quantity[places[item]])


@compiled
def cover_step(data: SiteLists, value: Floats, j: int, before: Floats, after: Floats) -> None:
    """Extend a covering table by site j: `after` is the least Σ value for each amount of capacity reached."""
    need = data.unit_total
    size = min(data.unit_capacity[j], need)
    after[:] = np.inf
    if data.locked[j] <= 0:
        after[:] = before
    if data.locked[j] >= 0:
        for c in range(need + 1):
            reached = min(c + size, need)
            after[reached] = min(after[reached], before[c] + value[j])


@compiled
def cover_sites(data: SiteLists, value: Floats, opened: Floats) -> float:
    """Fill the sites of least Σ value whose capacities, in whole units, hold all demand; return Σ value (inf: none)."""
    count, need = value.size, data.unit_total
    table = np.full((count + 1, need + 1), np.inf)
    table[0, 0] = 0.0
    for j in range(count):
        cover_step(data, value, j, table[j], table[j + 1])
    c = need
    for j in range(count - 1, -1, -1):
        if data.locked[j] <= 0 and table[j + 1, c] == table[j, c]:
            opened[j] = 0.0
            continue
        opened[j] = 1.0
        size = min(data.unit_capacity[j], need)
        here = max(c - size, 0)
        if c == need:
            for b in range(max(need - size, 0), need + 1):
                if table[j, b] < table[j, here]:
                    here = b
        c = here
    return float(table[count, need])


@compiled
def cover_tables(data: SiteLists, value: Floats, with_site: Floats, without: Floats) -> None:
    """Fill the least Σ value given that a site is open, and that it is closed (inf: not possible)."""
    count, need = value.size, data.unit_total
    ahead = np.full((count + 1, need + 1), np.inf)
    behind = np.full((count + 1, need + 1), np.inf)
    ahead[0, 0] = 0.0
    behind[count, 0] = 0.0
    for j in range(count):
        cover_step(data, value, j, ahead[j], ahead[j + 1])
    for j in range(count - 1, -1, -1):
        cover_step(data, value, j, behind[j + 1], behind[j])
    for j in range(count):
        size = min(data.unit_capacity[j], need)
        # least[c]: the sites after j reach at least c
        least = behind[j + 1].copy()
        for c in range(need - 1, -1, -1):
            least[c] = min(least[c], least[c + 1])
        with_site[j], without[j] = np.inf, np.inf
        for c in range(need + 1):
            if data.locked[j] >= 0:
                with_site[j] = min(with_site[j], ahead[j, c] + value[j] + least[max(0, need - c - size)])
            if data.locked[j] <= 0:
                without[j] = min(without[j], ahead[j, c] + least[need - c])


@compiled
def choose_sites(data: SiteLists, value: Floats, opened: Floats) -> tuple[float, float, float]:
    """Fill how far each site is open in the relaxed problem; return (Σ value, price of opening, price of closing).

    With p: the p least values; the prices are the last value taken and the first left out. Else every site that pays, and more by
    value a unit of capacity until all demand fits (the last in part, both prices are then the value a unit of capacity), or the best
    whole choice where capacities are whole units (then the prices mean nothing: `cover_tables`).
    """
    if data.p >= 0:
        return choose_p(data, value, opened)
    if data.unit_total > 0:
        return cover_sites(data, value, opened), 0.0, 0.0
    return choose_paying(data, value, opened)


@compiled
def choose_p(data: SiteLists, value: Floats, opened: Floats) -> tuple[float, float, float]:
    """Fill the choice of p sites of least value, locked ones first; return (Σ value, last taken, first left out)."""
    total, must = 0.0, 0
    for j in range(value.size):
        opened[j] = 0.0
        if data.locked[j] == 1:
            opened[j] = 1.0
            total += value[j]
            must += 1
    last, following = -np.inf, np.inf
    for j in np.argsort(value, kind="mergesort"):
        if data.locked[j] != 0:
            continue
        if must == data.p:
            following = value[j]
            break
        opened[j] = 1.0
        total += value[j]
        must += 1
        last = value[j]
    return total, last, following


@compiled
def choose_paying(data: SiteLists, value: Floats, opened: Floats) -> tuple[float, float, float]:
    """Fill the linear covering knapsack over sites; return (Σ value, price a unit of capacity, the same)."""
    total, room = 0.0, 0.0
    ratio = np.full(value.size, np.inf)
    for j in range(value.size):
        opened[j] = 0.0
        if data.locked[j] == 1 or (data.locked[j] == 0 and value[j] < 0.0):
            opened[j] = 1.0
            total += value[j]
            room += data.capacity[j]
        elif data.locked[j] == 0 and data.capacity[j] > 0.0:
            ratio[j] = value[j] / data.capacity[j]
    if room >= data.total:
        return total, 0.0, 0.0
    for j in np.argsort(ratio, kind="mergesort"):
        if ratio[j] == np.inf:
            break
        part = min(1.0, (data.total - room) / data.capacity[j])
        opened[j] = part
        total += part * value[j]
        room += part * data.capacity[j]
        if room >= data.total * (1.0 - _FLAT):
            return total, ratio[j], ratio[j]
    return total, 0.0, 0.0


@compiled
def ascend(data: SiteLists, climb: Climb, *, whole: bool, rounds: int) -> float:
    """Improve the prices by subgradient steps; return the best bound."""
    sites, clients = data.fixed.size, data.client_count
    value, room_price, current = np.empty(sites), np.empty(sites), np.empty(sites)
    share = np.zeros(data.cost.size)
    direction = np.zeros(clients)
    price, steps = climb.price, climb.steps
    for _ in range(rounds):
        if whole:
            whole_values(data, price, value, share)
        else:
            split_values(data, price, value, share, room_price)
        bound = price.sum() + choose_sites(data, value, current)[0]
        if bound > steps[3] + 1e-9 * abs(bound):
            steps[3] = bound
            steps[4] = 0.0
            climb.best_price[:] = price
            climb.opened[:] = current
        else:
            steps[4] += 1.0
        slope = np.ones(clients)
        for j in range(sites):
            climb.often_open[j] += _MEMORY * (current[j] - climb.often_open[j])
            for k in range(data.start[j], data.start[j + 1]):
                part = current[j] * share[k]
                climb.often_share[k] += _MEMORY * (part - climb.often_share[k])
                slope[data.client[k]] -= part
        direction[:] = slope + 0.3 * direction
        norm = (direction * direction).sum()
        if norm < _FLAT or steps[3] >= steps[0]:
            break
        if steps[4] >= steps[2]:
            steps[1] *= 0.6
            steps[4] = 0.0
            price[:] = climb.best_price
            direction[:] = 0.0
            continue
        price += steps[1] * max(steps[0] - bound, 1e-6 * abs(steps[0])) / norm * direction
    return float(steps[3])


@compiled
def assign(cost: Floats, quantity: Floats, room: Floats, choice: Ints, bulk: float) -> float:
    """Give every client one column of `cost` within `room` by largest regret first; return the cost (inf: stuck).

    `cost` is (clients × open sites). Unplaced clients keep choice -1. `bulk` is how much a unit of quantity adds to the regret: the
    more, the earlier large clients are placed.
    """
    clients, sites = cost.shape
    choice[:] = -1
    total = 0.0
    for _ in range(clients):
        pick, pick_site, pick_regret = -1, -1, -np.inf
        for i in range(clients):
            if choice[i] >= 0:
                continue
            first, second, site = np.inf, np.inf, -1
            for j in range(sites):
                if room[j] >= quantity[i]:
                    c = cost[i, j]
                    if c < first:
                        first, second, site = c, first, j
                    elif c < second:
                        second = c
            if site < 0:
                return np.inf
            regret = 1e300 + quantity[i] if second == np.inf else (second - first) + bulk * quantity[i]
            if regret > pick_regret:
                pick, pick_site, pick_regret = i, site, regret
        choice[pick] = pick_site
        room[pick_site] -= quantity[pick]
        total += cost[pick, pick_site]
    return total


@compiled
def polish(cost: Floats, quantity: Floats, room: Floats, choice: Ints) -> float:
    """Shift single clients and swap pairs while that is cheaper and fits; return the saving."""
    clients, sites = cost.shape
    saved = 0.0
    improved = True
    while improved:
        improved = False
        for i in range(clients):
            here = choice[i]
            for j in range(sites):
                gain = cost[i, here] - cost[i, j]
                if gain > _GAIN and room[j] >= quantity[i]:
                    room[here] += quantity[i]
                    room[j] -= quantity[i]
                    choice[i] = j
                    here = j
                    saved += gain
                    improved = True
        for a in range(clients):
            for b in range(a + 1, clients):
                at_a, at_b = choice[a], choice[b]
                if at_a == at_b:
                    continue
                gain = cost[a, at_a] + cost[b, at_b] - cost[a, at_b] - cost[b, at_a]
                more = quantity[a] - quantity[b]
                if gain > _GAIN and room[at_b] >= more and room[at_a] >= -more:
                    room[at_a] += more
                    room[at_b] -= more
                    choice[a], choice[b] = at_b, at_a
                    saved += gain
                    improved = True
    return saved
