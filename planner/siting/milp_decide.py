"""From open sites (and shares) to a decision with its objective, recomputed from the decision and not read from a solver."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.engines.linear import Vector
from planner.problems.siting import Floats, SitingProblem
from planner.siting.milp_cover import Options, cover_shares, covering_pairs, is_capacitated, site_prices
from planner.siting.milp_rows import Form, Ints, Pairs, usable_pairs
from planner.siting.side import effective_locks

Allocation = Mapping[int, tuple[tuple[int, float], ...]]
#: Shares below this are rounding of the solver.
_LEAST_SHARE = 1e-7


def nearest(problem: SitingProblem, open_sites: Sequence[int], pairs: Pairs | None = None) -> Allocation:
    """Send every demand point to its nearest open site of `pairs` (ties: the smaller index); unreachable points are left out."""
    is_open = np.zeros(problem.site_count, dtype=np.bool_)
    is_open[list(open_sites)] = True
    pairs = usable_pairs(problem, among=is_open) if pairs is None else pairs
    held = is_open[pairs.site]
    demand, site, distance = pairs.demand[held], pairs.site[held], pairs.distance[held]
    order = np.lexsort((site, distance, demand))
    demand, site = demand[order], site[order]
    first = np.flatnonzero(np.append(True, demand[1:] != demand[:-1])) if demand.size else demand
    return {i: ((j, 1.0),) for i, j in zip(demand[first].tolist(), site[first].tolist(), strict=True)}


def shares_of(form: Form, values: Vector, open_sites: Sequence[int]) -> Allocation:
    """Read the shares of a solution; rounding is removed, so that the shares of everybody served sum to 1."""
    pairs = form.pairs
    if pairs is None:
        return {}
    opened = set(open_sites)
    found: dict[int, list[tuple[int, float]]] = {}
    for k in np.flatnonzero(values[pairs.column] > _LEAST_SHARE):
        site = int(pairs.site[k])
        if site in opened:
            found.setdefault(int(pairs.demand[k]), []).append((site, float(values[pairs.column[k]])))
    return {i: _to_one(parts) for i, parts in sorted(found.items())}


def _to_one(parts: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    total = sum(share for _, share in parts)
    return tuple((site, share / total) for site, share in sorted(parts))


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """An allocation as arrays, by demand point: who, from where, how much of it, how far (``inf``: out of reach)."""

    demand: Ints
    site: Ints
    share: Floats
    distance: Floats


def served_of(problem: SitingProblem, allocation: Allocation) -> Served:
    """Return an allocation with its stored distances."""
    triples = [(i, j, share) for i, parts in sorted(allocation.items()) for j, share in parts]
    demand = np.array([i for i, _, _ in triples], dtype=np.int64)
    site = np.array([j for _, j, _ in triples], dtype=np.int64)
    share = np.array([part for _, _, part in triples], dtype=np.float64)
    return Served(demand, site, share, _distances(problem, demand, site))


def _distances(problem: SitingProblem, demand: Ints, site: Ints) -> Floats:
    """Return the stored distances of pairs by bisection in their rows; ``inf`` for a pair out of reach."""
    rows = problem.distance if problem.distance.has_sorted_indices else problem.distance.sorted_indices()
    low, end = rows.indptr[demand].astype(np.int64), rows.indptr[demand + 1].astype(np.int64)
    high = end.copy()
    while (active := low < high).any():
        middle = (low + high) // 2
        before = active & (rows.indices[np.minimum(middle, rows.indices.size - 1)] < site)
        low, high = np.where(before, middle + 1, low), np.where(active & ~before, middle, high)
    found = np.full(demand.size, np.inf)
    held = np.flatnonzero(low < end)
    held = held[rows.indices[low[held]] == site[held]]
    found[held] = rows.data[low[held]]
    return found


def allocated_distances(problem: SitingProblem, allocation: Allocation) -> Floats:
    """Return the distance of every demand point along its allocation (shares weighed); ``inf`` where unserved."""
    served = served_of(problem, allocation)
    found = np.bincount(served.demand, weights=served.share * served.distance, minlength=problem.demand_count)
    found[np.bincount(served.demand, minlength=problem.demand_count) == 0] = np.inf
    return np.asarray(found, dtype=np.float64)


def without_spare(problem: SitingProblem, open_sites: Sequence[int], allocation: Allocation) -> tuple[int, ...]:
    """Return the open sites that serve somebody or must be open: a p-center often needs fewer than p."""
    serving = {j for parts in allocation.values() for j, _ in parts}
    locked = effective_locks(problem)
    return tuple(j for j in open_sites if j in serving or locked[j] > 0)


def site_loads(problem: SitingProblem, allocation: Allocation) -> Floats:
    """Return the demand each site takes."""
    loads = np.zeros(problem.site_count)
    for i, parts in allocation.items():
        for j, share in parts:
            loads[j] += share * problem.demand[i]
    return loads


def worst_share_mean(distances: Floats, weight: Floats, share: float) -> float:
    """Return the weighted mean distance of the worst-off `share` of all weight (a point on the edge counts in part).

    Without any weight (or share) it is 0, as the mean distance is: nobody travels.
    """
    tail = share * float(weight.sum())
    if tail <= 0:
        return 0.0
    order = np.argsort(-distances, kind="stable")
    before = np.concatenate(([0.0], np.cumsum(weight[order])[:-1]))
    taken = np.clip(tail - before, 0.0, weight[order])
    held = taken > 0
    return float(taken[held] @ distances[order][held]) / tail


def gini(distances: Floats, weight: Floats) -> float:
    """Return the weighted Gini index of `distances` (0: all equal)."""
    mean = float(weight @ distances)
    if mean <= 0:
        return 0.0
    order = np.argsort(distances, kind="stable")
    ranked = weight[order]
    before = np.concatenate(([0.0], np.cumsum(ranked)[:-1]))
    spread = float((ranked * (2 * before + ranked) @ distances[order]) - weight.sum() * mean)
    return max(0.0, spread / (float(weight.sum()) * mean))


def _serving_cost(problem: SitingProblem, chosen: Sequence[int], allocation: Allocation, options: Options) -> float:
    if len(allocation) < problem.demand_count:
        return math.inf
    travel = float(problem.weight @ allocated_distances(problem, allocation))
    return travel + float(problem.fixed_cost[list(chosen)].sum()) + _modules_cost(problem, chosen, allocation, options)


def _modules_cost(problem: SitingProblem, chosen: Sequence[int], allocation: Allocation, options: Options) -> float:
    """Return the cost of the cheapest module at each open site that takes its load."""
    modules = tuple(options.get("modules") or ())
    if not modules:
        return 0.0
    loads = site_loads(problem, allocation)
    slack = 1e-6 * max(1.0, float(problem.demand.sum()))
    return sum(min((cost for room, cost in modules if room >= loads[j] - slack), default=math.inf) for j in chosen)


def _set_coverage(problem: SitingProblem, chosen: Sequence[int], _allocation: Allocation, _options: Options) -> float:
    return float(site_prices(problem)[list(chosen)].sum())


def _max_coverage(problem: SitingProblem, _chosen: Sequence[int], allocation: Allocation, options: Options) -> float:
    return -covered_weight(problem, allocation, options)


def covered_weight(problem: SitingProblem, allocation: Allocation, options: Options) -> float:
    """Return Σ weight × covered share along the allocation."""
    served = served_of(problem, allocation)
    covered = cover_shares(served.distance, options)
    return float((problem.weight[served.demand] * served.share * covered).sum())


def _backup(problem: SitingProblem, chosen: Sequence[int], _allocation: Allocation, options: Options) -> float:
    pairs, _ = covering_pairs(problem, options)
    is_open = np.zeros(problem.site_count, dtype=np.bool_)
    is_open[list(chosen)] = True
    times = np.bincount(pairs.demand[is_open[pairs.site]], minlength=problem.demand_count)
    first = float(options.get("first_share", 0.5))
    once, twice = problem.weight[times >= 1].sum(), problem.weight[times >= 2].sum()  # noqa: PLR2004 - twice
    return -float(first * once + (1.0 - first) * twice)


def _p_center(problem: SitingProblem, _chosen: Sequence[int], allocation: Allocation, options: Options) -> float:
    if len(allocation) < problem.demand_count:
        return math.inf
    served = served_of(problem, allocation)
    weight = problem.weight[served.demand] if options.get("weighted") else 1.0
    return float((weight * served.distance).max(initial=0.0))


def _p_dispersion(problem: SitingProblem, chosen: Sequence[int], _allocation: Allocation, _options: Options) -> float:
    metres = problem.site_metres
    if metres is None:
        return math.inf
    return -min((float(min(metres[a, b], metres[b, a])) for a in chosen for b in chosen if a < b), default=math.inf)


def _equity(problem: SitingProblem, _chosen: Sequence[int], allocation: Allocation, options: Options) -> float:
    if len(allocation) < problem.demand_count:
        return math.inf
    distances = allocated_distances(problem, allocation)
    if options.get("bound") is None:
        return worst_share_mean(distances, problem.weight, float(options.get("share", 0.1)))
    return float(problem.weight @ distances) / float(problem.weight.sum())


_OBJECTIVES: Mapping[str, Callable[[SitingProblem, Sequence[int], Allocation, Options], float]] = {
    "p_median": _serving_cost,
    "capacitated_p_median": _serving_cost,
    "facility_location": _serving_cost,
    "uncapacitated": _serving_cost,
    "set_coverage": _set_coverage,
    "max_coverage": _max_coverage,
    "backup_coverage": _backup,
    "p_center": _p_center,
    "p_dispersion": _p_dispersion,
    "equity": _equity,
}


def objective_of(
    model: str, problem: SitingProblem, open_sites: Sequence[int], allocation: Allocation, options: Options
) -> float:
    """Return the value of a decision in `model` (every model minimises; coverage and dispersion are negated)."""
    return _OBJECTIVES[model](problem, open_sites, allocation, options)


def allocate(model: str, problem: SitingProblem, form: Form, values: Vector, options: Options) -> Allocation:
    """Return who goes where in a solution of `form`: by its shares where capacities bind, else to the nearest open site."""
    opened = form.open_sites(values)
    if model == "p_dispersion":
        return {}
    if form.pairs is not None and (is_capacitated(problem) or options.get("modules")):
        return shares_of(form, values, opened)
    if model in ("set_coverage", "max_coverage", "backup_coverage"):
        return nearest(problem, opened, covering_pairs(problem, options)[0])
    return nearest(problem, opened)


def left_out(
    problem: SitingProblem, open_sites: Sequence[int], allocation: Allocation, options: Options
) -> Mapping[int, str]:
    """Return a reason code for every demand point that a coverage model leaves out."""
    pairs, _ = covering_pairs(problem, options)
    reachable = np.zeros(problem.demand_count, dtype=np.bool_)
    reachable[pairs.demand] = True
    is_open = np.zeros(problem.site_count, dtype=np.bool_)
    is_open[list(open_sites)] = True
    full = np.zeros(problem.demand_count, dtype=np.bool_)
    full[pairs.demand[is_open[pairs.site]]] = True
    side = problem.side
    has_budget = side.capex_budget_cny is not None or side.yearly_budget_cny is not None
    reasons = {}
    for i in range(problem.demand_count):
        if i not in allocation:
            near_full = "capacity" if full[i] else ("budget" if has_budget else "not_required")
            reasons[i] = near_full if reachable[i] else "no_site_in_reach"
    return reasons
