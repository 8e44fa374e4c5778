"""Compiled inner loops of the p-median engine. Each has a numpy twin in the tests as its oracle.

All work on the clients' cost lists in CSR form: for client ``i`` the entries ``start[i]:start[i+1]`` of `site` and
`cost`, ascending in cost. Lists may stop at a radius; a multiplier never exceeds the cost at which its list stops,
so that every pair a multiplier pays for is in the list and the bound stays valid.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_OPTIONS = {"cache": True, "nogil": True, "fastmath": False}


@njit(**_OPTIONS)
def site_values(start, site, cost, multiplier, value):
    """Fill `value` with ``ρ_j = Σ_i min(0, c_ij - λ_i)`` and return ``Σ λ``."""
    value[:] = 0.0
    total = 0.0
    for i in range(multiplier.size):
        level = multiplier[i]
        total += level
        for k in range(start[i], start[i + 1]):
            c = cost[k]
            if c >= level:
                break
            value[site[k]] += c - level
    return total


@njit(**_OPTIONS)
def assignment_excess(start, site, cost, multiplier, chosen, excess):
    """Fill ``excess_i = 1 - #{chosen j : c_ij < λ_i}``, the subgradient; return its squared norm."""
    norm = 0.0
    for i in range(multiplier.size):
        level = multiplier[i]
        count = 1
        for k in range(start[i], start[i + 1]):
            if cost[k] >= level:
                break
            if chosen[site[k]]:
                count -= 1
        excess[i] = count
        norm += count * count
    return norm


@njit(**_OPTIONS)
def nearest_two(start, site, cost, is_open, far, first, first_cost, second, second_cost):
    """Fill nearest and second nearest open site of every client (-1 and `far` beyond the list); return Σ first cost."""
    total = 0.0
    for i in range(start.size - 1):
        first[i] = -1
        second[i] = -1
        first_cost[i] = far[i]
        second_cost[i] = far[i]
        for k in range(start[i], start[i + 1]):
            j = site[k]
            if is_open[j]:
                if first[i] < 0:
                    first[i] = j
                    first_cost[i] = cost[k]
                else:
                    second[i] = j
                    second_cost[i] = cost[k]
                    break
        total += first_cost[i]
    return total


@njit(**_OPTIONS)
def best_swap(start, site, cost, is_open, slot, locked, first, first_cost, second_cost, gain, loss, extra):
    """Return (profit, site in, site out) of the best interchange (Whitaker; Resende and Werneck's bookkeeping).

    ``profit(r → j) = gain_j - loss_r + extra_{j,r}`` with
    ``gain_j = Σ max(0, d1 - c_ij)``, ``loss_r = Σ_{a1=r} (d2 - d1)`` and
    ``extra_{j,r} = Σ_{a1=r, c_ij<d2} (d2 - max(c_ij, d1))``.
    """
    gain[:] = 0.0
    loss[:] = 0.0
    extra[:, :] = 0.0
    for i in range(first.size):
        d1 = first_cost[i]
        d2 = second_cost[i]
        r = -1
        if first[i] >= 0:
            r = slot[first[i]]
            loss[r] += d2 - d1
        for k in range(start[i], start[i + 1]):
            c = cost[k]
            if c >= d2:
                break
            j = site[k]
            if is_open[j]:
                continue
            if c < d1:
                gain[j] += d1 - c
                if r >= 0:
                    extra[j, r] += d2 - d1
            elif r >= 0:
                extra[j, r] += d2 - c
    best = 0.0
    best_in = -1
    best_out = -1
    for j in range(gain.size):
        if is_open[j] or locked[j] < 0:
            continue
        for r in range(loss.size):
            profit = gain[j] - loss[r] + extra[j, r]
            if profit > best:
                best = profit
                best_in = j
                best_out = r
    return best, best_in, best_out


@njit(**_OPTIONS)
def interchange(start, site, cost, far, is_open, opened, locked, max_swaps):
    """Swap open and closed sites until no swap helps; return (cost, swaps). `is_open` and `opened` change in place.

    `locked` is 1 for a site that must stay open, -1 for one that must stay closed.
    """
    clients = start.size - 1
    sites = is_open.size
    p = opened.size
    first = np.empty(clients, np.int64)
    second = np.empty(clients, np.int64)
    first_cost = np.empty(clients)
    second_cost = np.empty(clients)
    slot = np.full(sites, -1, np.int64)
    for r in range(p):
        slot[opened[r]] = r
    gain = np.empty(sites)
    loss = np.empty(p)
    extra = np.empty((sites, p))
    total = nearest_two(start, site, cost, is_open, far, first, first_cost, second, second_cost)
    swaps = 0
    while swaps < max_swaps:
        profit, come, slot_out = best_swap(
            start, site, cost, is_open, slot, locked, first, first_cost, second_cost, gain, loss, extra
        )
        if come < 0 or profit <= 1e-9 * max(1.0, total):
            break
        go = opened[slot_out]
        is_open[go] = False
        is_open[come] = True
        slot[go] = -1
        slot[come] = slot_out
        opened[slot_out] = come
        total = nearest_two(start, site, cost, is_open, far, first, first_cost, second, second_cost)
        swaps += 1
    return total, swaps


@njit(**_OPTIONS)
def choose_sites(value, status, p, chosen, order):
    """Choose the p sites of least value, locked ones first; fill `chosen`; return (Σ value, p-th, (p+1)-th value)."""
    sites = value.size
    chosen[:] = False
    total = 0.0
    need = p
    free = 0
    for j in range(sites):
        if status[j] > 0:
            chosen[j] = True
            total += value[j]
            need -= 1
        elif status[j] == 0:
            order[free] = value[j]
            free += 1
    if need <= 0 or free == 0:
        return total, -np.inf, np.inf
    ranked = np.sort(order[:free])
    last = ranked[need - 1]
    following = ranked[need] if need < free else np.inf
    left = need
    for j in range(sites):
        if status[j] == 0 and value[j] < last:
            chosen[j] = True
            total += value[j]
            left -= 1
    for j in range(sites):
        if left == 0:
            break
        if status[j] == 0 and value[j] == last and not chosen[j]:
            chosen[j] = True
            total += value[j]
            left -= 1
    return total, last, following


@njit(**_OPTIONS)
def open_cost(start, site, cost, far, is_open):
    """Return Σ_i cost of the nearest open site (`far` where the list has none)."""
    total = 0.0
    for i in range(start.size - 1):
        best = far[i]
        for k in range(start[i], start[i + 1]):
            if is_open[site[k]]:
                best = cost[k]
                break
        total += best
    return total


@njit(**_OPTIONS)
def subgradient(start, site, cost, far, limit, status, p, multiplier, upper, step, cutoff_step, iterations, patience,
                best_multiplier, best_value, frequency, best_open):
    """Maximise the Lagrangian bound by subgradient steps; fix nothing.

    Changes `multiplier` in place; writes the best multipliers, their site values, how often each site was chosen
    (exponential mean) and the best open set seen. `upper` is the value to beat (Polyak's target).
    Returns (best bound, best cost seen, iterations done, step left).
    """
    clients = start.size - 1
    sites = status.size
    value = np.empty(sites)
    order = np.empty(sites)
    chosen = np.zeros(sites, np.bool_)
    excess = np.empty(clients)
    direction = np.zeros(clients)
    best = -1e300
    best_cost = np.inf
    since = 0
    done = 0
    for t in range(iterations):
        done = t + 1
        base = site_values(start, site, cost, multiplier, value)
        part, _, _ = choose_sites(value, status, p, chosen, order)
        bound = base + part
        for j in range(sites):
            frequency[j] = 0.9 * frequency[j] + (0.1 if chosen[j] else 0.0)
        if bound > best + 1e-9 * abs(best):
            if bound > best + 1e-5 * abs(bound):
                since = 0
            else:
                since += 1
            best = bound
            best_multiplier[:] = multiplier
            best_value[:] = value
        else:
            since += 1
        if t % 4 == 0:
            here = open_cost(start, site, cost, far, chosen)
            if here < best_cost:
                best_cost = here
                best_open[:] = chosen
        if best > upper - cutoff_step:
            break
        if since >= patience:
            step *= 0.6
            since = 0
            multiplier[:] = best_multiplier
            direction[:] = 0.0
            if step < 0.005:
                break
            continue
        norm = assignment_excess(start, site, cost, multiplier, chosen, excess)
        if norm == 0.0:
            break
        total = 0.0
        for i in range(clients):
            direction[i] = excess[i] + 0.5 * direction[i]
            total += direction[i] * direction[i]
        if total == 0.0:
            break
        target = min(upper, best_cost)
        length = step * max(target - bound, 1e-6 * abs(target)) / total
        for i in range(clients):
            level = multiplier[i] + length * direction[i]
            multiplier[i] = min(max(level, 0.0), limit[i])
    return best, best_cost, done, step
