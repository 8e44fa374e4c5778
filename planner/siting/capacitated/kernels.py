"""Compiled loops of the capacitated Lagrangian. Each has a numpy twin in the tests as its oracle.

Relaxing "everybody is served once" with a price λ_i for each demand point leaves one knapsack a site,
``v_j = f_j + min Σ_i (c_ij - λ_i) t_ij`` with ``Σ_i q_i t_ij ≤ Q_j``, and a choice of sites. Pairs are held by site.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled, compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Status = npt.NDArray[np.int8]

#: Weight of a round in the running means; a direction this short is none.
_MEMORY = 0.05
_FLAT = 1e-12


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

    `steps` holds target value, step length, patience, best bound and rounds without progress; `rung` stops it
    (`planner.siting.clock`). `opened` is the choice of sites at the best bound; `often_open` and `often_share` are running means
    over the rounds, near a solution of the linear relaxation.
    """

    price: Floats
    best_price: Floats
    opened: Floats
    often_open: Floats
    often_share: Floats
    steps: Floats
    rung: Ints


@compiled_part
def rank(values: Floats, count: int, order: Ints) -> None:
    """Fill `order` with the places of the first `count` values, ascending, ties by place (a shell sort: cheap to compile)."""
    for k in range(count):
        order[k] = k
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, count):
            place = order[k]
            worth = values[place]
            at = k
            while at >= gap:
                other = order[at - gap]
                if values[other] < worth or (values[other] == worth and other < place):
                    break
                order[at] = other
                at -= gap
            order[at] = place
        gap //= 3


@compiled_part
def wanted_pairs(data: SiteLists, price: Floats, j: int, share: Floats, places: Ints) -> tuple[int, float]:
    """Fill the places of a site's pairs with a gain; return their number and quantity. Shares are 1 there, else 0."""
    count, wanted = 0, 0.0
    for k in range(data.start[j], data.start[j + 1]):
        share[k] = 0.0
        if data.cost[k] < price[data.client[k]]:
            share[k] = 1.0
            places[count] = k
            wanted += data.quantity[k]
            count += 1
    return count, wanted


@compiled_part
def knapsack_value(data: SiteLists, price: Floats, j: int, share: Floats) -> float:
    """Return the fixed cost of a site and the gains of its shares."""
    total = data.fixed[j]
    for k in range(data.start[j], data.start[j + 1]):
        if share[k] > 0.0:
            total += share[k] * (data.cost[k] - price[data.client[k]])
    return float(total)


@compiled
def split_values(data: SiteLists, price: Floats, value: Floats, share: Floats, room_price: Floats) -> None:
    """Fill the best value, the shares and the price of capacity of every site's knapsack with divisible demand."""
    places = np.empty(data.client_count, np.int64)
    order = np.empty(data.client_count, np.int64)
    ratio = np.empty(data.client_count)
    for j in range(value.size):
        room_price[j] = 0.0
        count, wanted = wanted_pairs(data, price, j, share, places)
        if wanted > data.capacity[j]:
            for number in range(count):
                k = places[number]
                gain = data.cost[k] - price[data.client[k]]
                ratio[number] = gain / data.quantity[k] if data.quantity[k] > 0.0 else -np.inf
                share[k] = 0.0
            rank(ratio, count, order)
            left = data.capacity[j]
            for number in range(count):
                k = places[order[number]]
                if data.quantity[k] > left:
                    share[k] = left / data.quantity[k]
                    room_price[j] = -ratio[order[number]]
                    break
                share[k] = 1.0
                left -= data.quantity[k]
        value[j] = knapsack_value(data, price, j, share)


@compiled
def whole_values(data: SiteLists, price: Floats, value: Floats, share: Floats) -> None:
    """Fill the best value and the choice of every site's 0/1 knapsack; quantities and capacities are whole numbers."""
    places = np.empty(data.client_count, np.int64)
    most = 0
    for j in range(value.size):
        most = most if most > data.capacity[j] else int(data.capacity[j])
    best = np.empty(most + 1)
    taken = np.empty((data.client_count, most + 1), np.bool_)
    for j in range(value.size):
        count, wanted = wanted_pairs(data, price, j, share, places)
        if wanted > data.capacity[j]:
            fill_whole(data, price, j, share, places[:count], best, taken)
        value[j] = knapsack_value(data, price, j, share)


@compiled_part
def fill_whole(data: SiteLists, price: Floats, j: int, share: Floats, places: Ints, best: Floats, taken: Bools) -> None:
    """Choose the pairs of one full 0/1 knapsack by dynamic programming; `best` and `taken` are room to work in."""
    room = int(data.capacity[j])
    for c in range(room + 1):
        best[c] = 0.0
    for item in range(places.size):
        k = places[item]
        share[k] = 0.0
        size, gain = int(data.quantity[k]), data.cost[k] - price[data.client[k]]
        for c in range(room + 1):
            taken[item, c] = False
        for c in range(room, size - 1, -1):
            with_it = best[c - size] + gain
            if with_it < best[c]:
                best[c] = with_it
                taken[item, c] = True
    for item in range(places.size - 1, -1, -1):
        if taken[item, room]:
            share[places[item]] = 1.0
            room -= int(data.quantity[places[item]])


@compiled_part
def cover_step(data: SiteLists, worth: float, j: int, before: Floats, after: Floats) -> None:
    """Extend a covering table by site j: `after` is the least Σ value for each amount of capacity reached."""
    need = data.unit_total
    size = data.unit_capacity[j]
    for c in range(need + 1):
        after[c] = before[c] if data.locked[j] <= 0 else np.inf
    if data.locked[j] >= 0:
        for c in range(need + 1):
            reached = min(need, c + size)
            after[reached] = min(after[reached], before[c] + worth)


@compiled_part
def cover_sites(data: SiteLists, value: Floats, opened: Floats) -> float:
    """Fill the sites of least Σ value whose capacities, in whole units, hold all demand; return Σ value (inf: none)."""
    count, need = value.size, data.unit_total
    table = np.empty((count + 1, need + 1))
    for c in range(1, need + 1):
        table[0, c] = np.inf
    table[0, 0] = 0.0
    for j in range(count):
        cover_step(data, value[j], j, table[j], table[j + 1])
    c = need
    for j in range(count - 1, -1, -1):
        opened[j] = 0.0
        if data.locked[j] <= 0 and table[j + 1, c] == table[j, c]:
            continue
        opened[j] = 1.0
        here = c - data.unit_capacity[j] if c > data.unit_capacity[j] else 0
        if c == need:
            for b in range(here, need + 1):
                if table[j, b] < table[j, here]:
                    here = b
        c = here
    return float(table[count, need])


@compiled
def choose_sites(data: SiteLists, value: Floats, opened: Floats) -> tuple[float, float, float]:
    """Fill how far each site is open in the relaxed problem; return (Σ value, price of opening, price of closing).

    With p: the p least values; the prices are the last value taken and the first left out. Else every site that pays, and more by
    value a unit of capacity until all demand fits (the last in part, both prices are then the value a unit of capacity), or the best
    whole choice where capacities are whole units (then the prices mean nothing: `cover_tables`).
    """
    if data.p < 0 and data.unit_total > 0:
        return cover_sites(data, value, opened), 0.0, 0.0
    worth, order = np.empty(value.size), np.empty(value.size, np.int64)
    for j in range(value.size):
        opened[j] = 1.0 if data.locked[j] == 1 else 0.0
        worth[j] = np.inf if data.locked[j] != 0 else value[j]
        if data.p < 0 and worth[j] > 0.0 and data.capacity[j] > 0.0:
            worth[j] /= data.capacity[j]
    rank(worth, value.size, order)
    total, must, room = 0.0, 0, 0.0
    for j in range(value.size):
        if data.locked[j] == 1:
            total += value[j]
            must += 1
            room += data.capacity[j]
    if data.p >= 0:
        return choose_p(value, worth, order, opened, (total, data.p - must))
    return choose_paying(data, worth, order, opened, (total, room))


@compiled_part
def choose_p(
    value: Floats, worth: Floats, order: Ints, opened: Floats, start: tuple[float, int]
) -> tuple[float, float, float]:
    """Open the missing sites of least value; return (Σ value, last taken, first left out)."""
    total, missing = start
    last, following = -np.inf, np.inf
    for j in order:
        if worth[j] == np.inf:
            break
        if missing == 0:
            following = worth[j]
            break
        opened[j] = 1.0
        total += value[j]
        missing -= 1
        last = worth[j]
    return total, last, following


@compiled_part
def choose_paying(
    data: SiteLists, worth: Floats, order: Ints, opened: Floats, start: tuple[float, float]
) -> tuple[float, float, float]:
    """Open what pays, then by value a unit of capacity until all demand fits; return (Σ value, that price, the same)."""
    total, room = start
    for j in order:
        if worth[j] == np.inf or (worth[j] > 0.0 and room >= data.total * (1.0 - _FLAT)):
            break
        if worth[j] <= 0.0:
            opened[j] = 1.0
            total += worth[j]
            room += data.capacity[j]
            continue
        if data.capacity[j] <= 0.0:
            continue
        part = (data.total - room) / data.capacity[j]
        part = min(1.0, part)
        opened[j] = part
        total += part * worth[j] * data.capacity[j]
        room += part * data.capacity[j]
        if room >= data.total * (1.0 - _FLAT):
            return total, worth[j], worth[j]
    return total, 0.0, 0.0


@compiled_part
def slopes(data: SiteLists, climb: Climb, share: Floats, current: Floats, direction: Floats) -> float:
    """Update the direction by how much of each client is not served, and the running means; return its squared length."""
    for i in range(direction.size):
        direction[i] = 0.3 * direction[i] + 1.0
    for j in range(current.size):
        climb.often_open[j] += _MEMORY * (current[j] - climb.often_open[j])
        for k in range(data.start[j], data.start[j + 1]):
            part = current[j] * share[k]
            climb.often_share[k] += _MEMORY * (part - climb.often_share[k])
            direction[data.client[k]] -= part
    norm = 0.0
    for i in range(direction.size):
        norm += direction[i] * direction[i]
    return norm


@compiled
def ascend(data: SiteLists, climb: Climb, *, whole: bool, rounds: int) -> float:
    """Improve the prices by subgradient steps; return the best bound."""
    sites, clients = data.fixed.size, data.client_count
    value, room_price, current = np.empty(sites), np.empty(sites), np.empty(sites)
    share = np.empty(data.cost.size)
    direction = np.zeros(clients)
    price, steps = climb.price, climb.steps
    for _ in range(rounds):
        if whole:
            whole_values(data, price, value, share)
        else:
            split_values(data, price, value, share, room_price)
        bound = choose_sites(data, value, current)[0]
        for i in range(clients):
            bound += price[i]
        steps[4] += 1.0
        if bound > steps[3] + 1e-9 * abs(bound):
            steps[3] = bound
            steps[4] = 0.0
            for i in range(clients):
                climb.best_price[i] = price[i]
            for j in range(sites):
                climb.opened[j] = current[j]
        norm = slopes(data, climb, share, current, direction)
        if norm < _FLAT or steps[3] >= steps[0] or climb.rung[0] != 0:
            break
        is_lost = steps[4] >= steps[2]
        if is_lost:
            steps[1] *= 0.6
            steps[4] = 0.0
        length = max(1e-06 * abs(steps[0]), steps[0] - bound)
        for i in range(clients):
            price[i] = climb.best_price[i] if is_lost else price[i] + steps[1] * length / norm * direction[i]
            direction[i] = 0.0 if is_lost else direction[i]
    return float(steps[3])
