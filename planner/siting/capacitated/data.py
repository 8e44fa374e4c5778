"""Capacitated siting as arrays by site, and the facts that decide how it is solved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from planner.problems.siting import Bools, Floats, SitingProblem
from planner.siting.capacitated.kernels import Ints, SiteLists
from planner.siting.milp_rows import usable_pairs
from planner.siting.side import effective_locks

#: Largest 0/1 knapsack table (items × capacity), summed over sites, that is solved by dynamic programming.
_TABLE_MAX = 40_000_000
#: Largest covering table (sites × units of total demand), and largest capacity, solved in whole units.
_COVER_MAX = 600_000
_UNIT_MAX = 1e15


@dataclass(frozen=True, slots=True, eq=False)
class Capacitated:
    """A capacitated problem in arrays.

    Attributes
    ----------
    lists
        Pairs by site.
    cost
        Shape (n, m): cost of serving all of a demand point from a site; ``inf`` out of reach.
    is_whole
        Single sourcing.
    exact_knapsack
        The 0/1 knapsacks are solved in whole numbers (else as divisible, a weaker and still valid bound).
    step
        Every value of the objective is a multiple of this (0: not known).
    """

    problem: SitingProblem
    lists: SiteLists
    cost: Floats
    is_whole: bool
    exact_knapsack: bool
    step: float


def prepare(problem: SitingProblem, *, single_source: bool) -> Capacitated:
    """Return the arrays of a checked problem."""
    pairs = usable_pairs(problem)
    n, m = problem.demand_count, problem.site_count
    cost = np.full((n, m), np.inf)
    cost[pairs.demand, pairs.site] = problem.weight[pairs.demand] * pairs.distance
    if single_source:
        cost[problem.demand[:, None] > problem.capacity[None, :]] = np.inf
    total = float(problem.demand.sum())
    capacity = np.minimum(problem.capacity, total)
    whole_numbers = _is_whole(problem.demand) and _is_whole(np.floor(capacity))
    lists = lists_of(problem, cost, capacity)
    table = float((np.diff(lists.start) * capacity).sum())
    exact = single_source and whole_numbers and table <= _TABLE_MAX
    if exact:
        lists = lists_of(problem, cost, np.floor(capacity + 1e-9))
    values = cost[np.isfinite(cost)]
    # A split demand can cost any fraction; only single sourcing keeps whole costs whole.
    step = 1.0 if single_source and _is_whole(values) and _is_whole(problem.fixed_cost) else 0.0
    return Capacitated(problem, lists, cost, single_source, exact, step)


def _is_whole(values: Floats) -> bool:
    return bool(np.all(values == np.round(values)))


def lists_of(problem: SitingProblem, cost: Floats, capacity: Floats) -> SiteLists:
    """Return the finite pairs of `cost` by site."""
    rows, columns = np.nonzero(np.isfinite(cost.T))
    start = np.searchsorted(rows, np.arange(problem.site_count + 1)).astype(np.int64)
    return SiteLists(
        start,
        columns.astype(np.int64),
        np.ascontiguousarray(cost.T[rows, columns]),
        problem.demand[columns].astype(np.float64),
        capacity.astype(np.float64),
        problem.fixed_cost.astype(np.float64),
        effective_locks(problem),
        -1 if problem.p is None else int(problem.p),
        float(problem.demand.sum()),
        problem.demand_count,
        *_units(problem),
    )


def _units(problem: SitingProblem) -> tuple[Ints, int]:
    """Return capacities and total demand in the largest unit all capacities are whole multiples of (0: not usable)."""
    demand, capacity = float(problem.demand.sum()), problem.capacity
    none = np.zeros(problem.site_count, dtype=np.int64), 0
    limited = capacity[np.isfinite(capacity) & (capacity < demand)]
    if problem.p is not None or limited.size == 0 or not _is_whole(limited) or limited.max() > _UNIT_MAX:
        return none
    unit = float(np.gcd.reduce(limited.astype(np.int64)))
    if unit <= 0:
        return none
    need = int(np.ceil(demand / unit * (1 - 1e-12)))
    if need * problem.site_count > _COVER_MAX:
        return none
    return np.where(capacity < demand, np.minimum(capacity, demand) // unit, need).astype(np.int64), need


def reduced_distance(data: Capacitated, keep: Bools) -> sparse.csr_array:
    """Return the problem's distances with only the pairs of `keep` (n × m of truth values)."""
    problem = data.problem
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    held = np.asarray(keep)[row, problem.distance.indices]
    start = np.concatenate(([0], np.cumsum(np.bincount(row[held], minlength=problem.demand_count))))
    return sparse.csr_array(
        (problem.distance.data[held], problem.distance.indices[held], start), shape=problem.distance.shape
    )
