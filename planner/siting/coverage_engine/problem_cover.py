"""From a siting problem to a cover: layers for coverage that decays with distance, locks taken out, one budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from planner.problems.siting import Floats, SitingProblem
from planner.siting.coverage_engine.arrays import Ints
from planner.siting.coverage_engine.cover import Cover, cover_of, part_of
from planner.siting.milp_rows import Pairs
from planner.siting.side import effective_locks, sum_rows


@dataclass(frozen=True, slots=True, eq=False)
class Budgeted:
    """A cover of the free sites, what may be spent on them, the sites opened beforehand, if all weights are whole."""

    cover: Cover
    budget: float
    opened: Ints
    whole: bool


def layered(pairs: Pairs, share: Floats, weight: Floats, site_count: int) -> tuple[sparse.csr_array, Floats]:
    """Return rows × sites and row weights such that covered weight = Σ weight × best share.

    A demand point with shares ``v_1 > … > v_k`` becomes k rows: row t has weight ``w (v_t - v_{t+1})`` and the sites
    with a share of
    at least ``v_t``.
    """
    order = np.lexsort((pairs.site, -share, pairs.demand))
    demand, site, value = pairs.demand[order], pairs.site[order], share[order]
    if demand.size == 0:
        return sparse.csr_array((0, site_count), dtype=np.int8), np.zeros(0)
    is_last = np.append((np.diff(demand) != 0) | (np.diff(value) != 0), True)
    end = np.flatnonzero(is_last) + 1
    first = np.searchsorted(demand, demand[end - 1], side="left")
    after = np.append(
        np.where(demand[end[:-1]] == demand[end[:-1] - 1], value[np.minimum(end[:-1], value.size - 1)], 0.0), 0.0
    )
    row_weight = weight[demand[end - 1]] * (value[end - 1] - after)
    length = end - first
    start = np.concatenate(([0], np.cumsum(length)))
    place = np.arange(start[-1]) - np.repeat(start[:-1], length) + np.repeat(first, length)
    indices = site[place].astype(np.int32)
    return sparse.csr_array((np.ones(indices.size, np.int8), indices, start), shape=(end.size, site_count)), row_weight


def budgeted(problem: SitingProblem, rows: sparse.csr_array, weight: Floats) -> Budgeted | None:
    """Return the cover under p or one money budget; None if what is asked is more than that."""
    sums = sum_rows(problem)
    side = problem.side
    if side.conflicts or side.requires or side.exclusion_m > 0 or side.group_minimum or side.group_maximum:
        return None
    if len(sums) > 1 or (sums and problem.p is not None):
        return None
    locked = effective_locks(problem)
    cost: Floats | None = None
    budget = float(problem.site_count if problem.p is None else problem.p)
    must = locked == 1
    if sums:
        cost, budget = sums[0].coefficient, sums[0].upper
        must |= (cost < 0) & (locked == 0)
    opened = np.flatnonzero(must).astype(np.int64)
    budget -= float(must.sum()) if cost is None else float(cost[must].sum())
    if budget < -1e-6 * max(1.0, abs(budget)):
        return None
    whole = bool((weight == np.round(weight)).all()) and float(weight.sum()) < 2.0**50
    cover = part_of(cover_of(rows, weight, cost=cost), (locked == 0) & ~must, opened=opened)
    return Budgeted(cover, max(budget, 0.0), opened, whole)
