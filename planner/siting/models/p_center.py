"""p-center: open p sites so that the farthest demand point is as near as possible.

``min r`` with everybody within r of one of p open sites (Hakimi 1964). The answer is a distance that occurs, so it is
found by bisection over them (Minieka 1970), each step a covering question: can p sites reach everybody within r? That
question is a p-median with cost 0 within r and 1 beyond (all covered: cost 0), so interchange answers yes, and a
Lagrangian bound above 0, or branching on it, proves no. Weighted: distance times weight.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.capabilities import Engine
from planner.siting.milp import Outcome, selection
from planner.siting.milp_decide import nearest, without_spare
from planner.siting.p_median.engine import MedianLimits, solve_median
from planner.siting.p_median.kernels import Ints
from planner.siting.p_median.lists import CostLists
from planner.siting.p_median.problem import ENGINE, refuse_unkept, telling
from planner.siting.p_median.views import MedianInstance
from planner.siting.refusals import Needs, check_problem
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import effective_locks, without_near

_FAST = Engine("fast", frozenset({"locks", "near", "fixed_cost"}))
#: Random starts of the search for a yes.
_STARTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Usable pairs by demand point."""

    start: Ints
    site: Ints
    value: Floats


def solve(
    problem: SitingProblem,
    *,
    weighted: bool = False,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Solve the p-center problem.

    Parameters
    ----------
    problem
        Every demand point counts, whatever its weight. Locked sites count in `p`; of `p` sites only those are opened that serve
        somebody.
    weighted
        Weight × distance is to be least, not distance.
    limits
        Nodes of each covering question, gap, clock.
    listener
        Told the best distance and the proved bound.

    Returns
    -------
    SiteSelection
        ``optimal`` only if every smaller distance is refused by proof.

    Raises
    ------
    InputError
        For bad input, naming every point that no usable site reaches.
    UsageError
        For a side constraint other than locks and nearness: `solve_model` takes the MILP for those.
    """
    stop = time.monotonic() + limits.time_limit_s
    check_problem(problem, Needs(p=True, serves_all=True), {})
    refuse_unkept(problem, "p_center", _FAST)
    problem = without_near(problem)
    outcome = _bisect(problem, _pairs_of(problem, weighted=weighted), (limits, stop), listener)
    return selection("p_center", problem, {}, outcome, limits, engine=ENGINE)


def _pairs_of(problem: SitingProblem, *, weighted: bool) -> _Pairs:
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    keep = effective_locks(problem)[problem.distance.indices] >= 0
    value = problem.distance.data * problem.weight[row] if weighted else problem.distance.data
    start = np.concatenate(([0], np.cumsum(np.bincount(row[keep], minlength=problem.demand_count))))
    return _Pairs(start.astype(np.int64), problem.distance.indices[keep].astype(np.int64), value[keep])


def _bisect(
    problem: SitingProblem, pairs: _Pairs, clock: tuple[SolveLimits, float], listener: ProgressListener
) -> Outcome:
    """Search the distances that occur: below index `low` all are refused, at `high` one is reached."""
    told = telling(listener)
    limits, stop = clock
    # Nobody does better than their nearest usable site.
    least = np.minimum.reduceat(pairs.value, pairs.start[:-1]).max()
    values = np.unique(pairs.value[pairs.value >= least])
    low, high = 0, values.size
    opened = _farthest_first(problem, pairs)
    cut = ""
    asked = values.size - 1
    if opened:
        high = int(np.searchsorted(values, _worst(problem, pairs, opened)))
        asked = (low + high) // 2
    while low < high:
        left = stop - time.monotonic()
        if left <= 0 and opened:
            cut = "time"
            break
        found, refused = _cover(problem, pairs, float(values[asked]), limits, max(left, 0.1))
        if refused:
            low = asked + 1
        elif found:
            opened = found
            high = min(asked, int(np.searchsorted(values, _worst(problem, pairs, found))))
        else:
            cut = "time" if time.monotonic() > stop else "nodes"
            break
        if opened and low < values.size:
            told(float(values[high]), float(values[low]))
            if values[high] - values[low] <= limits.relative_gap * values[high]:
                break
        asked = (low + high) // 2
    if low >= values.size:
        return Outcome(infeasible=True)
    if not opened:
        return Outcome(bound=float(values[low]), cut=cut)
    allocation = nearest(problem, opened)
    opened = without_spare(problem, opened, allocation)
    return Outcome(opened, allocation, float(values[high]), float(values[low]), cut=cut)


def _farthest_first(problem: SitingProblem, pairs: _Pairs) -> tuple[int, ...]:
    """Return p sites, each nearest to who was farthest off (Gonzalez 1985); nothing if somebody is left out."""
    locked = effective_locks(problem)
    by_site = sparse.csc_array((pairs.value, pairs.site, pairs.start), shape=problem.distance.shape[::-1]).tocsr()
    nearest_value = np.full(problem.demand_count, np.inf)
    is_open = np.zeros(problem.site_count, np.bool_)
    queue = np.flatnonzero(locked > 0).tolist()
    for _ in range(int(problem.p or 0)):
        if queue:
            j = queue.pop(0)
        else:
            i = int(np.argmax(nearest_value))
            part = slice(pairs.start[i], pairs.start[i + 1])
            order = pairs.site[part][np.argsort(pairs.value[part], kind="stable")]
            free = order[~is_open[order]]
            j = int(free[0]) if free.size else int(np.flatnonzero((locked == 0) & ~is_open)[0])
        is_open[j] = True
        part = slice(by_site.indptr[j], by_site.indptr[j + 1])
        who = by_site.indices[part]
        nearest_value[who] = np.minimum(nearest_value[who], by_site.data[part])
    return tuple(np.flatnonzero(is_open).tolist()) if np.isfinite(nearest_value).all() else ()


def _worst(problem: SitingProblem, pairs: _Pairs, opened: tuple[int, ...]) -> float:
    is_open = np.zeros(problem.site_count, np.bool_)
    is_open[list(opened)] = True
    value = np.where(is_open[pairs.site], pairs.value, np.inf)
    return float(np.minimum.reduceat(value, pairs.start[:-1]).max())


def _cover(
    problem: SitingProblem, pairs: _Pairs, radius: float, limits: SolveLimits, seconds: float
) -> tuple[tuple[int, ...], bool]:
    """Return (p sites that reach everybody within `radius` or nothing, whether it is proved that there are none)."""
    row = np.repeat(np.arange(problem.demand_count), np.diff(pairs.start))
    near = pairs.value <= radius
    start = np.concatenate(([0], np.cumsum(np.bincount(row[near], minlength=problem.demand_count))))
    lists = CostLists(
        start.astype(np.int64),
        pairs.site[near].astype(np.int32),
        np.zeros(int(near.sum())),
        np.full(problem.demand_count, np.inf),
        problem.site_count,
    )
    instance = MedianInstance(
        lists,
        np.ones(problem.demand_count),
        np.zeros(problem.site_count),
        effective_locks(problem),
        int(problem.p or 0),
        1.0,
    )
    inner = MedianLimits(limits.node_limit, 0.0, _STARTS, seconds, limits.seed, cutoff=1.0)
    answer = solve_median(instance, inner)
    return answer.opened, not answer.opened and answer.bound >= 1.0
