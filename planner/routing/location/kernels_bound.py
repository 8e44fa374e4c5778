"""Compiled Lagrangian bound: cheapest q-routes from every depot, rooms filled by a knapsack, depots shared out over the demand.

Pricing "every customer once" with λ_i leaves, for each depot, routes of cost ``Σ (c_ij - λ_j)`` that may repeat customers but not in
the pattern i-j-i (Christofides, Mingozzi and Toth, 1981), a knapsack of their loads into the depot's room, and a choice of depots whose
loads add up to the whole demand. Its value plus Σ λ_i is a lower bound for every λ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled, compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_FAR = 1e300
_FLAT = 1e-12
#: Steps without progress after which the step is shortened.
_PATIENCE = 6


class Priced(NamedTuple):
    """Problem in whole units of load.

    Arcs (depots first), load of customers and their true demand, rooms, vehicle, cost of an open depot with its supply, of a true unit
    of load at it and of a route, and all load.
    """

    cost: Floats
    load: Ints
    demand: Floats
    room: Ints
    vehicle: int
    opening: Floats
    unit_cost: Floats
    route_fixed: float
    total: int


class Labels(NamedTuple):
    """Best and second best path to (load, customer) with another customer before: value, customer before, and its choice of label."""

    value: Floats
    before: Ints
    second: Floats
    second_before: Ints


@compiled_part
def paths(  # noqa: C901 - one compiled loop
    data: Priced, price: Floats, d: int, labels: Labels
) -> None:
    """Fill the labels of the paths from a depot: value of carrying exactly q and ending at i."""
    n, m = data.load.shape[0], data.room.shape[0]
    labels.value[:] = _FAR
    labels.second[:] = _FAR
    labels.before[:] = -2
    labels.second_before[:] = -2
    for i in range(n):
        q = data.load[i]
        if q <= data.vehicle:
            labels.value[q, i] = data.cost[d, m + i] - price[i]
            labels.before[q, i] = -1
    for q in range(1, data.vehicle + 1):
        for i in range(n):
            rest = q - data.load[i]
            if rest < 0 or (rest == 0 and data.load[i] > 0):
                continue
            best, first, other, second = (
                labels.value[q, i],
                labels.before[q, i],
                labels.second[q, i],
                labels.second_before[q, i],
            )
            for j in range(n):
                value = labels.value[rest, j]
                if value >= _FAR or j == i:
                    continue
                if labels.before[rest, j] == i:
                    value = labels.second[rest, j]
                    if value >= _FAR:
                        continue
                value += data.cost[m + j, m + i] - price[i]
                if value < best:
                    if first != j:
                        other, second = best, first
                    best, first = value, j
                elif value < other and j != first:
                    other, second = value, j
            labels.value[q, i], labels.before[q, i] = best, first
            labels.second[q, i], labels.second_before[q, i] = other, second


@compiled_part
def closed(data: Priced, d: int, labels: Labels, best: Floats, last: Ints) -> None:
    """Fill the cheapest route of each load from a depot, and its last customer."""
    n, m = data.load.shape[0], data.room.shape[0]
    for q in range(data.vehicle + 1):
        best[q], last[q] = _FAR, -1
        for i in range(n):
            value = labels.value[q, i] + data.cost[m + i, d]
            if value < best[q]:
                best[q], last[q] = value, i
        if last[q] >= 0:
            best[q] += data.route_fixed


@compiled_part
def filled(data: Priced, d: int, best: Floats, value: Floats, taken: Ints) -> None:
    """Fill the cheapest set of routes of each whole load of a depot, and the load of the last route of it (0: none)."""
    value[0], taken[0] = 0.0, 0
    for w in range(1, data.room[d] + 1):
        value[w], taken[w] = _FAR, 0
        for q in range(1, min(w, data.vehicle) + 1):
            if best[q] < _FAR and value[w - q] + best[q] < value[w]:
                value[w], taken[w] = value[w - q] + best[q], q


@compiled_part
def shared(data: Priced, value: Floats, set_cost: Floats, whole: Floats, part: Ints) -> tuple[float, int]:
    """Return the least cost of sharing out the whole demand over depots, and the last state; `part` remembers each state's own load.

    With `set_cost` a state is a set of depots that all send something, and pays what the set costs; else it is the first depots.
    """
    m, total = data.room.shape[0], data.total
    states = whole.shape[0]
    whole[0, :] = _FAR
    whole[0, 0] = 0.0
    best_all, best_state = _FAR, 0
    for state in range(1, states):
        d, before = state - 1, state - 1
        if set_cost.shape[0] > 0:
            d = 0
            while state >> (d + 1):
                d += 1
            before = state ^ (1 << d)
        for w in range(total + 1):
            best, chosen = _FAR, 0
            if set_cost.shape[0] == 0:
                best = whole[before, w]
            for own in range(1, min(w, data.room[d]) + 1):
                found = whole[before, w - own] + value[d, own] + data.opening[d]
                if found < best:
                    best, chosen = found, own
            whole[state, w] = best
            part[state, w] = chosen
        if set_cost.shape[0] > 0 and whole[state, total] + set_cost[state] < best_all:
            best_all, best_state = whole[state, total] + set_cost[state], state
    if set_cost.shape[0] == 0:
        return whole[m, total], m
    return best_all, best_state


@compiled_part
def visits(data: Priced, load: int, labels: Labels, last: Ints, taken: Ints, count: Floats) -> None:
    """Add the visits of a depot's chosen routes."""
    while load > 0 and taken[load] > 0:
        q = taken[load]
        load -= q
        i, follower = last[q], -1
        while i >= 0:
            count[i] += 1.0
            is_best = labels.before[q, i] != follower or follower < 0
            before = labels.before[q, i] if is_best else labels.second_before[q, i]
            q -= data.load[i]
            follower = i
            i = before


@compiled_part
def count_visits(
    data: Priced,
    price: Floats,
    state: int,
    part: Ints,
    last: Ints,
    taken: Ints,
    labels: Labels,
    count: Floats,
) -> None:
    """Fill how often the chosen routes of all depots visit each customer."""
    count[:] = 0.0
    left, m = data.total, data.room.shape[0]
    is_set = part.shape[0] > m + 1
    while state > 0:
        own, d = part[state, left], state - 1
        if is_set:
            d = 0
            while state >> (d + 1):
                d += 1
        if own > 0:
            paths(data, price - data.unit_cost[d] * data.demand, d, labels)
            visits(data, own, labels, last[d], taken[d], count)
        left -= own
        state = state ^ (1 << d) if is_set else state - 1


@compiled
def climb(data: Priced, price: Floats, steps: Floats, labels: Labels, set_cost: Floats) -> float:
    """Raise the prices by a subgradient; return the best bound, leave its prices. `steps`: iterations, target value, step length."""
    n, m = data.load.shape[0], data.room.shape[0]
    widest = data.room.max()
    states = max(m + 1, set_cost.shape[0])
    best_route, last = np.empty((m, data.vehicle + 1)), np.empty((m, data.vehicle + 1), np.int64)
    value, taken = np.empty((m, widest + 1)), np.zeros((m, widest + 1), np.int64)
    whole, part = np.empty((states, data.total + 1)), np.zeros((states, data.total + 1), np.int64)
    best, length, idle = -_FAR, steps[2], 0
    kept, direction, count = price.copy(), np.zeros(n), np.zeros(n)
    for _ in range(int(steps[0])):
        for d in range(m):
            paths(data, price - data.unit_cost[d] * data.demand, d, labels)
            closed(data, d, labels, best_route[d], last[d])
            filled(data, d, best_route[d], value[d], taken[d])
        found, state = shared(data, value, set_cost, whole, part)
        if found >= _FAR:
            break
        found += price.sum()
        idle = 0 if found > best + 1e-5 * abs(best) else idle + 1
        if found > best:
            best = found
            kept[:] = price
        if idle >= _PATIENCE:
            length, idle = length * 0.6, 0
            price[:] = kept
            direction[:] = 0.0
            continue
        count_visits(data, price, state, part, last, taken, labels, count)
        direction = 0.7 * (1.0 - count) + 0.3 * direction
        norm = (direction * direction).sum()
        if norm < _FLAT or found >= steps[1]:
            break
        price += length * max(steps[1] - found, 1e-4 * abs(steps[1])) / norm * direction
    price[:] = kept
    return best
