"""Compiled inner loops of the Lagrangian bound and of the reductions.

Each has a numpy twin in the tests as its oracle.
"""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Ints
from planner.siting.p_median.kernels import copy_into, select

#: Share of the last direction kept by the subgradient.
_MEMORY = 0.7
#: Halvings of the interval that holds the price of a unit of budget.
_HALVINGS = 50


@compiled
def fill_values(arrays: Arrays, multiplier: Floats, value: Floats) -> None:
    """Fill ``value_j = Σ_{i covered by j} λ_i``."""
    start, row = arrays.site_start, arrays.site_row
    for j in range(value.size):
        total = 0.0
        for k in range(start[j], start[j + 1]):
            total += multiplier[row[k]]
        value[j] = total


@compiled_part
def clear(array: Floats) -> None:
    """Set every entry to 0."""
    for k in range(array.size):
        array[k] = 0.0


@compiled_part
def choose_count(value: Floats, count: int, share: Floats) -> float:
    """Mark the `count` largest values in `share`; return their sum (ties: the smaller index)."""
    clear(share)
    count = min(count, value.size)
    if count == 0:
        return 0.0
    least = select(value.copy(), value.size, value.size - count)
    total = 0.0
    taken = 0
    for j in range(value.size):
        if value[j] > least:
            share[j] = 1.0
            total += value[j]
            taken += 1
    for j in range(value.size):
        if value[j] == least and taken < count:
            share[j] = 1.0
            total += least
            taken += 1
    return total


@compiled_part
def spent_above(value: Floats, cost: Floats, price: float) -> float:
    """Return what the sites worth more than `price` per unit of cost cost."""
    total = 0.0
    for j in range(value.size):
        if value[j] > price * cost[j]:
            total += cost[j]
    return total


@compiled
def price_within(value: Floats, cost: Floats, budget: float) -> tuple[float, float]:
    """Return prices (low, high) of a unit of budget: what is worth more than `high` fits, more than `low` does not.

    Both are 0 if everything of worth fits.
    """
    if spent_above(value, cost, 0.0) <= budget:
        return 0.0, 0.0
    low = 0.0
    high = 0.0
    for j in range(value.size):
        if cost[j] > 0.0:
            high = max(high, value[j] / cost[j])
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if spent_above(value, cost, middle) <= budget:
            high = middle
        else:
            low = middle
    return low, high


@compiled_part
def choose_within(value: Floats, cost: Floats, budget: float, share: Floats) -> float:
    """Fill `share` with the best fractional choice within `budget`; return an upper bound of its value.

    With the price μ of a unit of budget the bound is ``μ B + Σ_j max(0, v_j - μ c_j)``; sites at the price share the
    room left.
    """
    clear(share)
    low, high = price_within(value, cost, budget)
    bound = high * budget
    room = budget
    edge = 0.0
    for j in range(value.size):
        if value[j] > high * cost[j]:
            share[j] = 1.0
            bound += value[j] - high * cost[j]
            room -= cost[j]
        elif value[j] > low * cost[j]:
            edge += cost[j]
    if edge > 0.0:
        for j in range(value.size):
            if share[j] == 0.0 and value[j] > low * cost[j]:
                share[j] = min(1.0, room / edge)
    return bound


@compiled
def choose_sites(arrays: Arrays, value: Floats, budget: float, share: Floats) -> float:
    """Fill `share` with the best fractional choice of sites within `budget`; return its value."""
    if arrays.cost.size == 0:
        return choose_count(value, int(budget + 0.5), share)
    return choose_within(value, arrays.cost, budget, share)


@compiled_part
def fill_slope(arrays: Arrays, share: Floats, slope: Floats) -> None:
    """Fill ``slope_i = Σ_j a_ij x_j - 1``, the subgradient."""
    start, row = arrays.site_start, arrays.site_row
    for i in range(slope.size):
        slope[i] = -1.0
    for j in range(share.size):
        if share[j] > 0.0:
            for k in range(start[j], start[j + 1]):
                slope[row[k]] += share[j]


@compiled_part
def turn(weight: Floats, lam: Floats, slope: Floats, direction: Floats) -> float:
    """Turn `direction` towards `slope`, not out of the box ``0 ≤ λ ≤ w``; return its squared norm."""
    norm = 0.0
    for i in range(lam.size):
        s = slope[i]
        if (s < 0.0 and lam[i] >= weight[i]) or (s > 0.0 and lam[i] <= 0.0):
            s = 0.0
        direction[i] = _MEMORY * direction[i] + s
        norm += direction[i] * direction[i]
    return norm


@compiled_part
def constant_part(weight: Floats, lam: Floats) -> float:
    """Return ``Σ_i (w_i - λ_i)``."""
    total = 0.0
    for i in range(weight.size):
        total += weight[i] - lam[i]
    return total


@compiled
def ascend(arrays: Arrays, budget: float, best_lam: Floats, target: float, settings: Floats) -> tuple[float, int]:
    """Lower the Lagrangian bound by deflected subgradient steps; return (bound, steps).

    ``L(λ) = Σ_i (w_i - λ_i) + max { Σ_j x_j Σ_i a_ij λ_i : Σ c_j x_j ≤ B, 0 ≤ x ≤ 1 }`` with ``0 ≤ λ ≤ w`` is an
    upper bound on
    the weight that can be covered. `best_lam` holds the start, and the best λ on return. `settings`: steps, first
    step length,
    steps without progress after which the length is halved, length at which to stop; `target` is a weight that can be
    covered.
    """
    steps, theta, patience, least_theta = settings[0], settings[1], settings[2], settings[3]
    weight = arrays.weight
    value, share = np.empty(arrays.site_start.size - 1), np.empty(arrays.site_start.size - 1)
    direction, slope = np.zeros(weight.size), np.empty(weight.size)
    lam = best_lam.copy()
    best, stalled, done = np.inf, 0, 0
    while done < steps and theta >= least_theta and best > target:
        done += 1
        fill_values(arrays, lam, value)
        bound = constant_part(weight, lam) + choose_sites(arrays, value, budget, share)
        fill_slope(arrays, share, slope)
        stalled = 0 if bound < best - 1e-5 * abs(best - target) else stalled + 1
        if bound < best:
            best = bound
            copy_into(lam, best_lam)
        if stalled >= patience:
            theta *= 0.5
            stalled = 0
            copy_into(best_lam, lam)
            clear(direction)
        norm = turn(weight, lam, slope, direction)
        if norm == 0.0:
            break
        length = theta * (bound - target) / norm
        for i in range(lam.size):
            lam[i] = min(max(lam[i] - length * direction[i], 0.0), weight[i])
    return best, done


@compiled_part
def is_inside(arrays: Arrays, small: int, other: int, mark: Ints) -> bool:
    """Tell whether every row of `small` (marked with its number) is a row of `other`."""
    size = arrays.site_start[small + 1] - arrays.site_start[small]
    left = arrays.site_start[other + 1] - arrays.site_start[other]
    common = 0
    for k in range(arrays.site_start[other], arrays.site_start[other + 1]):
        if mark[arrays.site_row[k]] == small:
            common += 1
        left -= 1
        if common + left < size:
            return False
    return bool(common == size)


@compiled_part
def may_replace(arrays: Arrays, other: int, j: int) -> bool:
    """Tell whether `other` is wide and cheap enough to stand for `j` (of two alike, the smaller index)."""
    width = arrays.site_start[other + 1] - arrays.site_start[other]
    size = arrays.site_start[j + 1] - arrays.site_start[j]
    if other == j or width < size:
        return False
    dearer = arrays.cost.size > 0 and arrays.cost[other] > arrays.cost[j]
    alike = arrays.cost.size == 0 or arrays.cost[other] == arrays.cost[j]
    return bool(not dearer and not (width == size and alike and other > j))


@compiled
def mark_dominated(arrays: Arrays, keep: Bools) -> None:
    """Unmark in `keep` the sites whose rows another kept site of no higher cost covers too."""
    mark = np.full(arrays.row_start.size - 1, -1, np.int64)
    for j in range(keep.size):
        shortest = -1
        least = 0
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            mark[i] = j
            degree = arrays.row_start[i + 1] - arrays.row_start[i]
            if shortest < 0 or degree < least:
                shortest = i
                least = degree
        if shortest < 0:
            keep[j] = False
            continue
        for q in range(arrays.row_start[shortest], arrays.row_start[shortest + 1]):
            other = arrays.row_site[q]
            if keep[other] and may_replace(arrays, other, j) and is_inside(arrays, j, other, mark):
                keep[j] = False
                break
