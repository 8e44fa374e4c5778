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


@compiled
def split_values(data: SiteLists, price: Floats, value: Floats, share: Floats, room_price: Floats) -> None:
    """Fill the best value, the shares and the price of capacity of every site's knapsack with divisible demand."""
    for j in range(value.size):
        first, last = data.start[j], data.start[j + 1]
        value[j] = data.fixed[j]
        room_price[j] = 0.0
        wanted, count = 0.0, 0
        for k in range(first, last):
            share[k] = 0.0
            gain = data.cost[k] - price[data.client[k]]
            if gain < 0.0:
                wanted += data.quantity[k]
                count += 1
        if wanted <= data.capacity[j]:
            for k in range(first, last):
                gain = data.cost[k] - price[data.client[k]]
                if gain < 0.0:
                    share[k] = 1.0
                    value[j] += gain
            continue
        places = np.empty(count, np.int64)
        ratio = np.empty(count)
        count = 0
        for k in range(first, last):
            gain = data.cost[k] - price[data.client[k]]
            if gain < 0.0:
                places[count] = k
                ratio[count] = gain / data.quantity[k] if data.quantity[k] > 0.0 else -np.inf
                count += 1
        left = data.capacity[j]
        for place in np.argsort(ratio, kind="mergesort"):
            k = places[place]
            gain = data.cost[k] - price[data.client[k]]
            if data.quantity[k] <= left:
                share[k] = 1.0
                left -= data.quantity[k]
                value[j] += gain
            else:
                share[k] = left / data.quantity[k]
                value[j] += gain * share[k]
                room_price[j] = -ratio[place]
                break


@compiled
def whole_values(data: SiteLists, price: Floats, value: Floats, share: Floats) -> None:
    """Fill the best value and the choice of every site's 0/1 knapsack; quantities and capacities are whole numbers."""
    for j in range(value.size):
        first, last = data.start[j], data.start[j + 1]
        room = np.int64(data.capacity[j])
        value[j] = data.fixed[j]
        wanted, count = 0.0, 0
        for k in range(first, last):
            share[k] = 0.0
            if data.cost[k] < price[data.client[k]] and data.quantity[k] <= room:
                wanted += data.quantity[k]
                count += 1
        taken = np.zeros((1, 1), np.bool_)
        places = np.empty(count, np.int64)
        best = np.zeros(1)
        is_full = wanted > room
        if is_full:
            taken = np.zeros((count, room + 1), np.bool_)
            best = np.zeros(room + 1)
        count = 0
        for k in range(first, last):
            gain = data.cost[k] - price[data.client[k]]
            if gain >= 0.0 or data.quantity[k] > room:
                continue
            if not is_full:
                share[k] = 1.0
                value[j] += gain
                continue
            size = np.int64(data.quantity[k])
            for c in range(room, size - 1, -1):
                with_it = best[c - size] + gain
                if with_it < best[c]:
                    best[c] = with_it
                    taken[count, c] = True
            places[count] = k
            count += 1
        if is_full:
            left = room
            for item in range(count - 1, -1, -1):
                if taken[item, left]:
                    share[places[item]] = 1.0
                    left -= np.int64(data.quantity[places[item]])
            value[j] += best[room]


@compiled
def choose_sites(data: SiteLists, value: Floats, opened: Floats) -> tuple[float, float, float]:
    """Fill how far each site is open in the relaxed problem; return (Σ value, price of opening, price of closing).

    With p: the p least values; the prices are the last value taken and the first left out. Else every site that pays, and more by
    value a unit of capacity until all demand fits (the last in part); both prices are then the value a unit of capacity.
    """
    count = value.size
    total, must, room = 0.0, 0, 0.0
    for j in range(count):
        opened[j] = 1.0 if data.locked[j] == 1 else 0.0
        if data.locked[j] == 1:
            total += value[j]
            must += 1
            room += data.capacity[j]
    if data.p >= 0:
        ranked = np.argsort(value, kind="mergesort")
        last, following = -np.inf, np.inf
        for j in ranked:
            if data.locked[j] != 0:
                continue
            if must < data.p:
                opened[j] = 1.0
                total += value[j]
                must += 1
                last = value[j]
            else:
                following = value[j]
                break
        return total, last, following
    ratio = np.full(count, np.inf)
    for j in range(count):
        if data.locked[j] != 0:
            continue
        if value[j] < 0.0:
            opened[j] = 1.0
            total += value[j]
            room += data.capacity[j]
        elif data.capacity[j] > 0.0:
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
        if room >= data.total * (1.0 - 1e-12):
            return total, ratio[j], ratio[j]
    return total, 0.0, 0.0


@compiled
def ascend(
    data: SiteLists, price: Floats, best_price: Floats, opened: Floats, steps: Floats, *, whole: bool, rounds: int
) -> float:
    """Improve the prices by subgradient steps; return the best bound.

    `steps` holds target value, step length, patience, best bound so far and rounds without progress; it is updated, as are `price`
    (current), `best_price` and `opened` (at the best bound).
    """
    sites, clients = data.fixed.size, data.client_count
    value, room_price, current = np.empty(sites), np.empty(sites), np.empty(sites)
    share = np.zeros(data.cost.size)
    direction = np.zeros(clients)
    for _ in range(rounds):
        if whole:
            whole_values(data, price, value, share)
        else:
            split_values(data, price, value, share, room_price)
        bound = price.sum() + choose_sites(data, value, current)[0]
        if bound > steps[3] + 1e-9 * abs(bound):
            steps[3] = bound
            steps[4] = 0.0
            best_price[:] = price
            opened[:] = current
        else:
            steps[4] += 1.0
        slope = np.ones(clients)
        for j in range(sites):
            if current[j] > 0.0:
                for k in range(data.start[j], data.start[j + 1]):
                    slope[data.client[k]] -= current[j] * share[k]
        direction[:] = slope + 0.3 * direction
        norm = (direction * direction).sum()
        if norm < 1e-12 or steps[3] >= steps[0]:
            break
        if steps[4] >= steps[2]:
            steps[1] *= 0.6
            steps[4] = 0.0
            price[:] = best_price
            direction[:] = 0.0
            continue
        price += steps[1] * max(steps[0] - bound, 1e-6 * abs(steps[0])) / norm * direction
    return steps[3]


@compiled
def assign(cost: Floats, quantity: Floats, room: Floats, choice: Ints) -> float:
    """Give every client one column of `cost` within `room` by largest regret first; return the cost (inf: stuck).

    `cost` is (clients × open sites). Unplaced clients keep choice -1.
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
            regret = 1e300 + quantity[i] if second == np.inf else (second - first) + 1e-9 * quantity[i]
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
                if gain > 1e-9 and room[j] >= quantity[i]:
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
                if gain > 1e-9 and room[at_b] >= more and room[at_a] >= -more:
                    room[at_a] += more
                    room[at_b] -= more
                    choice[a], choice[b] = at_b, at_a
                    saved += gain
                    improved = True
    return saved
