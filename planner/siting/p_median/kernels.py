"""Compiled inner loops of the Lagrangian bound. Each has a numpy twin in the tests as its oracle.

Costs come as lists in CSR form: client ``i`` owns the entries ``start[i]:start[i+1]`` of `site` and `cost`, ascending
in cost; and the same entries by site (`CostLists.by_site`). Lists may stop at a radius; a multiplier never exceeds
the cost at which its list stops, so that every pair a multiplier pays for is in the list and the bound stays valid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled, compiled_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sites = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Status = npt.NDArray[np.int8]

#: A step shorter than this brings nothing more.
LEAST_STEP = 0.005


@compiled_part
def copy_into(source: Floats, target: Floats) -> None:
    """Copy entry by entry: numba needs four seconds to compile a slice assignment, with all its error texts."""
    for k in range(source.size):
        target[k] = source[k]


@compiled_part
def site_values(start: Ints, site: Sites, cost: Floats, multiplier: Floats, fixed: Floats, value: Floats) -> int:
    """Fill `value` with ``ρ_j = f_j + Σ_i min(0, c_ij - λ_i)``; return the number of pairs paid for."""
    copy_into(fixed, value)
    pairs = 0
    for i in range(multiplier.size):
        level = multiplier[i]
        for k in range(start[i], start[i + 1]):
            c = cost[k]
            if c >= level:
                break
            value[site[k]] += c - level
            pairs += 1
    return pairs


@compiled_part
def select(array: Floats, size: int, rank: int) -> float:
    """Return the entry of that rank among the first `size`, leaving no larger one before and no smaller one behind."""
    low = 0
    high = size - 1
    while low < high:
        pivot = array[(low + high) // 2]
        left = low
        right = high
        while left <= right:
            while array[left] < pivot:
                left += 1
            while array[right] > pivot:
                right -= 1
            if left <= right:
                held = array[left]
                array[left] = array[right]
                array[right] = held
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return float(array[rank])


@compiled_part
def count_sites(value: Floats, status: Status, chosen: Bools, order: Floats) -> tuple[float, int, int, int]:
    """Choose the locked sites, list the free values in `order`; return (Σ value, locked, free, free and negative)."""
    total = 0.0
    must = 0
    free = 0
    negative = 0
    for j in range(value.size):
        chosen[j] = status[j] > 0
        if status[j] > 0:
            total += value[j]
            must += 1
        elif status[j] == 0:
            order[free] = value[j]
            free += 1
            negative += value[j] < 0.0
    return total, must, free, negative


@compiled_part
def take_free(value: Floats, status: Status, last: float, count: int, chosen: Bools) -> float:
    """Choose `count` free sites of value at most `last`, the smaller index first among equals; return Σ value."""
    total = 0.0
    for j in range(value.size):
        if status[j] == 0 and value[j] < last:
            chosen[j] = True
            total += value[j]
            count -= 1
    for j in range(value.size):
        if count > 0 and status[j] == 0 and value[j] == last:
            chosen[j] = True
            total += last
            count -= 1
    return total


@compiled
def choose_sites(value: Floats, status: Status, p: int, chosen: Bools, order: Floats) -> tuple[float, float, float]:
    """Choose the sites that minimise the relaxed problem; return (Σ value, last chosen value, next value).

    Locked sites first. `p` ≥ 0: exactly p sites, the least values. `p` < 0: every free site of negative value (at least
    one site in all); then the two last figures are 0, the value at which a site pays.
    """
    total, must, free, negative = count_sites(value, status, chosen, order)
    need = p - must
    if p < 0:
        need = negative if negative + must > 0 else 1
    if need <= 0 or free == 0:
        return total, (0.0 if p < 0 else -np.inf), (0.0 if p < 0 else np.inf)
    need = min(need, free)
    last = select(order, free, need - 1)
    following = np.inf
    for k in range(need, free):
        following = min(following, order[k])
    total += take_free(value, status, last, need, chosen)
    if p < 0 and last < 0.0:
        return total, 0.0, 0.0
    return total, last, following


@compiled_part
def assignment_excess(
    start: Ints, site: Sites, cost: Floats, multiplier: Floats, chosen: Bools, excess: Floats
) -> None:
    """Fill ``excess_i = 1 - #{chosen j : c_ij < λ_i}``, the subgradient, by clients."""
    for i in range(multiplier.size):
        level = multiplier[i]
        count = 1
        for k in range(start[i], start[i + 1]):
            if cost[k] >= level:
                break
            if chosen[site[k]]:
                count -= 1
        excess[i] = count


@compiled_part
def site_excess(
    site_start: Ints, client: Sites, site_cost: Floats, multiplier: Floats, chosen: Bools, excess: Floats
) -> None:
    """Fill the same subgradient by chosen sites: quicker when few sites are chosen."""
    for i in range(excess.size):
        excess[i] = 1.0
    for j in range(chosen.size):
        if chosen[j]:
            for k in range(site_start[j], site_start[j + 1]):
                i = client[k]
                if site_cost[k] < multiplier[i]:
                    excess[i] -= 1.0


@compiled
def open_cost(start: Ints, site: Sites, cost: Floats, far: Floats, fixed: Floats, is_open: Bools) -> float:
    """Return ``Σ_j open f_j + Σ_i`` cost of the nearest open site (`far` where the list has none)."""
    total = 0.0
    for j in range(is_open.size):
        if is_open[j]:
            total += fixed[j]
    for i in range(start.size - 1):
        best = far[i]
        for k in range(start[i], start[i + 1]):
            if is_open[site[k]]:
                best = min(best, cost[k])
                break
        total += best
    return total


#: start, site, cost of the lists by client; or start, client, cost of the lists by site.
Lists = tuple[Ints, Sites, Floats]
#: `far`, `limit` and fixed costs.
Prices = tuple[Floats, Floats, Floats]
#: upper (value to beat), closing (bound at which to stop), step, iterations, patience.
Plan = tuple[float, float, float, int, int]
#: current multipliers, best multipliers, their site values, frequency of choice, cheapest chosen set.
Work = tuple[Floats, Floats, Floats, Floats, Bools]


@compiled_part
def deflect(excess: Floats, direction: Floats, multiplier: Floats, limit: Floats) -> float:
    """Set ``d = g + d / 2``, without parts that would only push a multiplier past its limit; return ``|d|²``."""
    total = 0.0
    for i in range(excess.size):
        direction[i] = excess[i] + 0.5 * direction[i]
        if direction[i] > 0.0 and multiplier[i] >= limit[i]:
            direction[i] = 0.0
        total += direction[i] * direction[i]
    return total


@compiled_part
def move(multiplier: Floats, direction: Floats, limit: Floats, length: float) -> None:
    """Step along the direction, staying between 0 and the limit."""
    for i in range(multiplier.size):
        multiplier[i] = min(max(multiplier[i] + length * direction[i], 0.0), limit[i])


@compiled_part
def relaxed(rows: Lists, multiplier: Floats, fixed: Floats, value: Floats) -> tuple[float, int]:
    """Fill the site values; return (Σ λ, pairs paid for)."""
    pairs = site_values(rows[0], rows[1], rows[2], multiplier, fixed, value)
    total = 0.0
    for i in range(multiplier.size):
        total += multiplier[i]
    return total, pairs


@compiled
def subgradient(
    rows: Lists, columns: Lists, prices: Prices, status: Status, p: int, plan: Plan, work: Work, rung: Ints
) -> tuple[float, float, int]:
    """Raise the Lagrangian bound by deflected subgradient steps (Held, Wolfe, Crowder 1974; Camerini et al. 1975).

    The step is ``t = step · (upper - L(λ)) / |d|²`` along ``d = g + d_before / 2``; `step` shrinks when `patience`
    iterations brought nothing. Stops when the bound passes `closing` or `rung` is set. Changes all of `work`. Returns
    (best bound, cost of the cheapest set of chosen sites met, iterations).
    """
    far, limit, fixed = prices
    upper, closing, step, iterations, patience = plan
    multiplier, best_multiplier, best_value, frequency, best_open = work
    value = np.empty(status.size)
    order = np.empty(status.size)
    chosen = np.zeros(status.size, np.bool_)
    excess = np.empty(multiplier.size)
    direction = np.zeros(multiplier.size)
    best = -1e300
    best_cost = np.inf
    since = 0
    done = 0
    while done < iterations:
        total, pairs = relaxed(rows, multiplier, fixed, value)
        bound = total + choose_sites(value, status, p, chosen, order)[0]
        reach = note_choice(columns[0], chosen, frequency)
        since += 1
        if bound > best + 1e-9 * abs(best):
            since = 0 if bound > best + 1e-5 * abs(bound) else since
            best = bound
            copy_into(multiplier, best_multiplier)
            copy_into(value, best_value)
        if done % 4 == 0:
            best_cost = note_open(rows, far, fixed, chosen, best_cost, best_open)
        done += 1
        if best > closing or rung[0] != 0:
            break
        if since >= patience:
            step *= 0.6
            since = 0
            copy_into(best_multiplier, multiplier)
            for i in range(direction.size):
                direction[i] = 0.0
            if step < LEAST_STEP:
                break
            continue
        if reach < pairs:
            site_excess(columns[0], columns[1], columns[2], multiplier, chosen, excess)
        else:
            assignment_excess(rows[0], rows[1], rows[2], multiplier, chosen, excess)
        square = deflect(excess, direction, multiplier, limit)
        if square == 0.0:
            break
        target = min(upper, best_cost)
        move(multiplier, direction, limit, step * max(target - bound, 1e-6 * abs(target)) / square)
    return best, best_cost, done


@compiled_part
def note_open(rows: Lists, far: Floats, fixed: Floats, chosen: Bools, best_cost: float, best_open: Bools) -> float:
    """Keep `chosen` in `best_open` if it costs less than `best_cost`; return the lesser cost."""
    here = open_cost(rows[0], rows[1], rows[2], far, fixed, chosen)
    if here >= best_cost:
        return best_cost
    for j in range(chosen.size):
        best_open[j] = chosen[j]
    return here


@compiled_part
def note_choice(site_start: Ints, chosen: Bools, frequency: Floats) -> int:
    """Update the exponential mean of choice; return the pairs of the chosen sites."""
    reach = 0
    for j in range(chosen.size):
        frequency[j] *= 0.9
        if chosen[j]:
            frequency[j] += 0.1
            reach += site_start[j + 1] - site_start[j]
    return reach


@compiled
def compact(start: Ints, site: Sites, cost: Floats, new: Sites, limit: Floats) -> tuple[Ints, Sites, Floats]:
    """Return the lists over the sites with ``new[j] >= 0``, renumbered so, without entries at or above `limit`."""
    kept_start = np.zeros(start.size, np.int64)
    kept_site = np.empty(site.size, np.int32)
    kept_cost = np.empty(site.size)
    size = 0
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            if cost[k] >= limit[i]:
                break
            j = new[site[k]]
            if j >= 0:
                kept_site[size] = j
                kept_cost[size] = cost[k]
                size += 1
        kept_start[i + 1] = size
    return kept_start, kept_site[:size], kept_cost[:size]
