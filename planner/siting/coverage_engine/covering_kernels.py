"""Compiled inner loops of set covering. Each has a numpy twin in the tests as its oracle.

Rows must be covered ``need_i`` times by different sites; `Arrays.cost` holds the cost of every site.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Indices, Ints, Words
from planner.siting.coverage_engine.kernels import fill_values
from planner.siting.coverage_engine.moves import chance_of
from planner.siting.p_median.kernels import copy_into

#: Costs below this count as this when gains are divided by them.
_LEAST_COST = 1e-9
_TINY = 1e-9
#: Share of the last direction kept by the subgradient.
_MEMORY = 0.5


class Weighing(NamedTuple):
    """State of the row-weighting search.

    `times` a row is covered, its `weight`, the `score` of a site (weight of rows that its opening would cover, or its
    closing
    uncover), the step each site last `moved`, `short`: the rows not covered enough, and the `place` of each in that
    list.
    """

    times: Indices
    weight: Floats
    score: Floats
    moved: Ints
    short: Ints
    place: Ints


@compiled
def lower_bound(arrays: Arrays, need: Floats, multiplier: Floats, reduced: Floats) -> float:
    """Fill the reduced costs ``c_j - Σ_i a_ij u_i``; return ``Σ_i b_i u_i + Σ_j min(0, reduced_j)``, a lower bound."""
    fill_values(arrays, multiplier, reduced)
    bound = 0.0
    for i in range(need.size):
        bound += need[i] * multiplier[i]
    for j in range(reduced.size):
        reduced[j] = arrays.cost[j] - reduced[j]
        bound += min(0.0, reduced[j])
    return bound


@compiled
def raise_bound(arrays: Arrays, need: Floats, best_u: Floats, upper: float, settings: Floats) -> tuple[float, int]:
    """Raise the bound by deflected subgradient steps from `best_u`, which holds the best multipliers on return.

    `settings`: steps, first step length, steps without progress after which the length is halved, length at which to
    stop.
    """
    steps, theta, patience, least_theta = settings[0], settings[1], settings[2], settings[3]
    reduced = np.empty(arrays.site_start.size - 1)
    direction, slope = np.zeros(need.size), np.empty(need.size)
    u = best_u.copy()
    best, stalled, done = -np.inf, 0, 0
    while done < steps and theta >= least_theta and best < upper:
        done += 1
        bound = lower_bound(arrays, need, u, reduced)
        stalled = 0 if bound > best + 1e-5 * abs(upper - best) else stalled + 1
        if bound > best:
            best = bound
            copy_into(u, best_u)
        if stalled >= patience:
            theta *= 0.5
            stalled = 0
            copy_into(best_u, u)
            for i in range(need.size):
                direction[i] = 0.0
        fill_shortage(arrays, need, reduced, slope)
        norm = 0.0
        for i in range(need.size):
            s = 0.0 if slope[i] < 0.0 and u[i] <= 0.0 else slope[i]
            direction[i] = _MEMORY * direction[i] + s
            norm += direction[i] * direction[i]
        if norm == 0.0:
            break
        length = theta * (upper - bound) / norm
        for i in range(need.size):
            u[i] = max(0.0, u[i] + length * direction[i])
    return best, done


@compiled_part
def fill_shortage(arrays: Arrays, need: Floats, reduced: Floats, slope: Floats) -> None:
    """Fill ``slope_i = b_i - Σ {a_ij : reduced_j < 0}``."""
    copy_into(need, slope)
    for j in range(reduced.size):
        if reduced[j] < 0.0:
            for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
                slope[arrays.site_row[k]] -= 1.0


@compiled_part
def help_from(arrays: Arrays, multiplier: Floats, row: int, sign: float, worth: Floats, helps: Floats) -> None:
    """Add (or take back) what row `row` is worth to the sites that cover it."""
    for q in range(arrays.row_start[row], arrays.row_start[row + 1]):
        worth[arrays.row_site[q]] += sign * multiplier[row]
        helps[arrays.row_site[q]] += sign


@compiled_part
def cheapest_help(arrays: Arrays, worth: Floats, helps: Floats, is_open: Bools) -> int:
    """Return the closed site of least ``(c_j - worth_j) / helps_j`` (times `helps` where negative), or -1."""
    best = -1
    least = np.inf
    for j in range(is_open.size):
        if is_open[j] or helps[j] <= 0.0:
            continue
        value = arrays.cost[j] - worth[j]
        score = value / helps[j] if value > 0.0 else value * helps[j]
        if score < least:
            least = score
            best = j
    return best


@compiled
def greedy_cover(arrays: Arrays, need: Floats, multiplier: Floats, is_open: Bools) -> bool:
    """Open sites into `is_open` (all closed), best help first, until every row is covered; False if that cannot be."""
    times = np.zeros(need.size)
    worth = np.zeros(is_open.size)
    helps = np.zeros(is_open.size)
    short = 0
    for i in range(need.size):
        if need[i] > 0.0:
            short += 1
            help_from(arrays, multiplier, i, 1.0, worth, helps)
    while short > 0:
        best = cheapest_help(arrays, worth, helps, is_open)
        if best < 0:
            return False
        is_open[best] = True
        for k in range(arrays.site_start[best], arrays.site_start[best + 1]):
            i = arrays.site_row[k]
            times[i] += 1.0
            if times[i] == need[i]:
                short -= 1
                help_from(arrays, multiplier, i, -1.0, worth, helps)
    return True


@compiled
def drop_spare(arrays: Arrays, need: Floats, order: Ints, is_open: Bools) -> None:
    """Close the sites of `order`, one after the other, that are not needed."""
    times = np.zeros(need.size)
    for j in range(is_open.size):
        if is_open[j]:
            for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
                times[arrays.site_row[k]] += 1.0
    for j in order:
        if not is_open[j]:
            continue
        spare = True
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            if times[i] <= need[i]:
                spare = False
                break
        if spare:
            is_open[j] = False
            for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
                times[arrays.site_row[k]] -= 1.0


@compiled_part
def flip(arrays: Arrays, need: Floats, state: Weighing, is_open: Bools, j: int, short: int) -> int:
    """Open or close site `j`; return the number of rows now short."""
    step = -1 if is_open[j] else 1
    is_open[j] = step > 0
    state.score[j] = 0.0
    for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
        i = arrays.site_row[k]
        before = state.times[i]
        state.times[i] += step
        after = state.times[i]
        w = state.weight[i]
        if before < need[i]:
            if after >= need[i]:
                last = state.short[short - 1]
                state.short[state.place[i]] = last
                state.place[last] = state.place[i]
                short -= 1
        elif after < need[i]:
            state.short[short] = i
            state.place[i] = short
            short += 1
        for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
            other = arrays.row_site[q]
            if is_open[other]:
                was = w if before <= need[i] and other != j else 0.0
                now = w if after <= need[i] else 0.0
            else:
                was = w if before < need[i] and other != j else 0.0
                now = w if after < need[i] else 0.0
            state.score[other] += now - was
    return short


@compiled_part
def cheapest_open(arrays: Arrays, state: Weighing, is_open: Bools, now: int) -> int:
    """Return the open site of least score per cost that was not moved just now (ties: the longest unmoved), or -1."""
    best = -1
    least = np.inf
    for j in range(is_open.size):
        if not is_open[j] or state.moved[j] == now:
            continue
        score = state.score[j] / max(arrays.cost[j], _LEAST_COST)
        if score < least or (score == least and state.moved[j] < state.moved[best]):
            least = score
            best = j
    return best


@compiled_part
def next_to_close(arrays: Arrays, state: Weighing, is_open: Bools, step: int) -> int:
    """Return the site to close in this step: one not opened in the last step if there is one; -1 if nothing is open."""
    gone = cheapest_open(arrays, state, is_open, step - 1)
    return gone if gone >= 0 else cheapest_open(arrays, state, is_open, -2)


@compiled_part
def best_closed(arrays: Arrays, state: Weighing, is_open: Bools, row: int, now: int) -> int:
    """Return the closed site of most score per cost that covers `row` and was not moved just now, or -1."""
    best = -1
    most = -1.0
    for q in range(arrays.row_start[row], arrays.row_start[row + 1]):
        j = arrays.row_site[q]
        if is_open[j] or state.moved[j] == now:
            continue
        score = state.score[j] / max(arrays.cost[j], _LEAST_COST)
        if score > most or (score == most and state.moved[j] < state.moved[best]):
            most = score
            best = j
    return best


@compiled_part
def nothing_open(arrays: Arrays, need: Floats) -> Weighing:
    """Return the state with every site closed: every row is short."""
    rows, sites = need.size, arrays.site_start.size - 1
    state = Weighing(
        np.zeros(rows, np.int32),
        np.ones(rows),
        np.zeros(sites),
        np.full(sites, -1, np.int64),
        np.arange(rows),
        np.arange(rows),
    )
    fill_values(arrays, state.weight, state.score)
    return state


@compiled_part
def gain_weight(arrays: Arrays, state: Weighing, is_open: Bools, short: int) -> None:
    """Add 1 to the weight of every row that is short."""
    for t in range(short):
        i = state.short[t]
        state.weight[i] += 1.0
        for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
            j = arrays.row_site[q]
            state.score[j] += 0.0 if is_open[j] else 1.0


@compiled
def weigh_rows(arrays: Arrays, need: Floats, start: Bools, steps: int, rng: Words) -> Bools:
    """Return the cheapest cover met by row weighting from the cover `start` (every need at least 1).

    Whenever all rows are covered, a site is closed. Each step closes the site that uncovers the least weight and
    opens, for a
    random row that is short, the site that covers the most weight, as long as the cost stays below the best; rows
    still short
    gain weight.
    """
    is_open = np.zeros(start.size, np.bool_)
    best = start.copy()
    state = nothing_open(arrays, need)
    short = need.size
    cost = 0.0
    for j in range(start.size):
        if start[j]:
            short = flip(arrays, need, state, is_open, j, short)
            cost += arrays.cost[j]
    least = np.inf
    for step in range(steps):
        closings = 1
        while closings > 0 or short == 0:
            if short == 0 and cost < least - _TINY:
                least = cost
                for j in range(start.size):
                    best[j] = is_open[j]
            gone = next_to_close(arrays, state, is_open, step)
            if gone < 0:
                return best
            closings -= 0 if short == 0 else 1
            short = flip(arrays, need, state, is_open, gone, short)
            cost -= arrays.cost[gone]
            state.moved[gone] = step
        while short > 0:
            row = state.short[int(chance_of(rng) * short)]
            come = best_closed(arrays, state, is_open, row, step)
            if come < 0 or cost + arrays.cost[come] >= least - _TINY:
                break
            short = flip(arrays, need, state, is_open, come, short)
            cost += arrays.cost[come]
            state.moved[come] = step
        gain_weight(arrays, state, is_open, short)
    return best


@compiled_part
def implies(arrays: Arrays, need: Floats, other: int, i: int, mark: Ints) -> bool:
    """Tell whether covering `other` enough covers `i` enough (its sites are marked); of two alike the first implies."""
    size = arrays.row_start[other + 1] - arrays.row_start[other]
    width = arrays.row_start[i + 1] - arrays.row_start[i]
    if other == i or size > width or need[other] < need[i]:
        return False
    if size == width and need[other] == need[i] and other > i:
        return False
    inside = True
    for t in range(arrays.row_start[other], arrays.row_start[other + 1]):
        if mark[arrays.row_site[t]] != i:
            inside = False
            break
    return inside


@compiled
def mark_implied(arrays: Arrays, need: Floats, keep: Bools) -> None:
    """Unmark in `keep` the rows that are covered whenever another kept row is."""
    mark = np.full(arrays.site_start.size - 1, -1, np.int64)
    for i in range(keep.size):
        for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
            mark[arrays.row_site[q]] = i
        q = arrays.row_start[i]
        while keep[i] and q < arrays.row_start[i + 1]:
            j = arrays.row_site[q]
            for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
                other = arrays.site_row[k]
                # Every row is looked at once: from its first site.
                first = arrays.row_site[arrays.row_start[other]] == j
                if first and keep[other] and implies(arrays, need, other, i, mark):
                    keep[i] = False
                    break
            q += 1
