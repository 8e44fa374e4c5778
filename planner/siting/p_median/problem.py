"""From a siting problem to the p-median engine and back to a selection."""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np

from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressEvent, ProgressListener
from planner.siting.capabilities import Engine, Feature, choose, needed_features
from planner.siting.clock import left_of
from planner.siting.milp import Outcome, selection, solve_milp
from planner.siting.milp_decide import nearest, objective_of
from planner.siting.p_median.engine import MedianAnswer, MedianLimits, solve_median
from planner.siting.p_median.lists import lists_from_rows
from planner.siting.p_median.views import MedianInstance
from planner.siting.refusals import Needs, check_problem
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import effective_locks, without_near

ENGINE = f"Lagrangian branch and bound / numba {numba.__version__}"
#: What the engine keeps; the rest is refused.
KEEPS: frozenset[Feature] = frozenset({"locks", "near", "fixed_cost"})
_FAST = Engine("fast", KEEPS)
_MILP = Engine("milp", frozenset({*KEEPS, "capacity", "budget", "groups", "conflicts", "requires", "single_source"}))
#: Whole numbers up to here are exact in sums of doubles.
_EXACT = 2.0**53


def refuse_unkept(problem: SitingProblem, model: str, fast: Engine = _FAST) -> None:
    """Refuse a problem with a constraint the fast engine of `model` cannot keep.

    Raises
    ------
    UsageError
        Naming the constraint and the engine that keeps it.
    """
    choose((fast, _MILP), needed_features(problem), model=model, asked="fast")


def instance_of(problem: SitingProblem) -> MedianInstance:
    """Return the engine's instance: costs weight × distance over the pairs of usable sites."""
    locked = effective_locks(problem)
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    keep = locked[problem.distance.indices] >= 0
    cost = (problem.weight[row] * problem.distance.data)[keep]
    start = np.concatenate(([0], np.cumsum(np.bincount(row[keep], minlength=problem.demand_count))))
    lists = lists_from_rows(start, problem.distance.indices[keep], cost, problem.site_count)
    dearest = np.maximum.reduceat(cost, start[:-1]) if cost.size else np.zeros(problem.demand_count)
    # Leaving one point unserved costs more than any plan that serves all, so a plan below `far` serves all.
    far = float(dearest.sum() + problem.fixed_cost.sum()) + 1.0
    return MedianInstance(
        lists,
        np.full(problem.demand_count, np.ceil(far)),
        problem.fixed_cost.astype(np.float64),
        locked,
        -1 if problem.p is None else problem.p,
        common_unit(np.concatenate((cost, problem.fixed_cost[locked >= 0]))),
        dearest,
    )


def common_unit(values: Floats) -> float:
    """Return the greatest number every value is a whole multiple of, if all are whole numbers small enough, else 0."""
    whole = np.round(values)
    if values.size == 0 or (whole != values).any() or np.abs(values).sum() >= _EXACT:
        return 0.0
    unit = int(np.gcd.reduce(np.unique(whole).astype(np.int64)))
    return float(unit) if unit > 0 else 1.0


def telling(listener: ProgressListener) -> Callable[[float, float], None]:
    """Return a teller of (cost, bound) whose bound never falls."""
    best = -np.inf

    def told(cost: float, bound: float) -> None:
        nonlocal best
        best = min(max(best, bound), cost)
        gap = max(0.0, (cost - best) / max(abs(cost), 1e-12)) if np.isfinite(best) and np.isfinite(cost) else None
        listener(ProgressEvent("siting", cost, best if np.isfinite(best) else None, gap))

    return told


def solve_lagrangian(
    model: str, problem: SitingProblem, limits: SolveLimits, listener: ProgressListener
) -> SiteSelection:
    """Check, solve and report `model` (``p_median`` or ``uncapacitated``); see the models for formula and source."""
    stop = time.monotonic() + limits.time_limit_s
    check_problem(problem, Needs(p=model == "p_median", serves_all=True), {})
    refuse_unkept(problem, model)
    problem = without_near(problem)
    instance = instance_of(problem)
    seconds = left_of(limits, stop).time_limit_s
    inner = MedianLimits(limits.node_limit, limits.relative_gap, 2, seconds, limits.seed)
    answer = solve_median(instance, inner, told=telling(listener))
    if not answer.opened or answer.cost >= instance.far[0]:
        # Serving everybody with p sites is a covering question of its own: the MILP answers it.
        return solve_milp(model, problem, {}, limits=left_of(limits, stop), listener=listener)
    return selection(model, problem, {}, outcome_of(model, problem, answer), limits, engine=ENGINE)


def outcome_of(model: str, problem: SitingProblem, answer: MedianAnswer) -> Outcome:
    """Return the decision with its objective recomputed from the problem."""
    allocation = nearest(problem, answer.opened)
    value = objective_of(model, problem, answer.opened, allocation, {})
    # The engine sums in another order; a proved answer keeps its proof to the last digit.
    bound = value if answer.bound >= answer.cost else min(answer.bound, value)
    return Outcome(answer.opened, allocation, value, bound, cut=answer.cut)
