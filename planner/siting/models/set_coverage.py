"""Location set covering: the fewest (or cheapest) sites so that everybody lies within the radius of enough open ones.

Toregas, Swain, ReVelle and Bergman (1971): ``min Σ_j c_j x_j`` with ``Σ_{j: d_ij ≤ r} x_j ≥ k`` for every demand
point ``i``. Solved
by `planner.siting.coverage_engine.covering`; what that cannot keep goes to `planner.siting.milp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting.coverage_engine.checks import check_coverage, with_own_radii
from planner.siting.coverage_engine.cover import cover_of
from planner.siting.coverage_engine.covering import minimise
from planner.siting.milp import Outcome, selection, solve_milp
from planner.siting.milp_cover import covering_pairs, is_capacitated, site_prices
from planner.siting.milp_decide import nearest, objective_of
from planner.siting.models.max_coverage import DEFAULT_LIMITS, cover_limits
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import effective_locks

MODEL = "set_coverage"
ENGINE = "set covering engine (Lagrangian bound, row weighting) with HiGHS"


def solve(
    problem: SitingProblem,
    *,
    radius: float | None = None,
    times: int = 1,
    site_radius: Sequence[float] = (),
    demand_radius: Sequence[float] = (),
    limits: SolveLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Cover everybody at least cost.

    Parameters
    ----------
    problem
        Demand, sites with `fixed_cost` (1 each when all are 0), distances.
    radius
        Distance within which a demand point is covered (None: any distance stored).
    times
        How many open sites must lie within it.
    site_radius, demand_radius
        A radius for each site (what it reaches) or demand point (what reaches it), besides the other.
    limits, listener
        When to stop; who is told.

    Raises
    ------
    InputError
        For input that cannot be used; demand points that cannot be covered are all named, none is dropped.
    """
    options: dict[str, Any] = {"radius": radius, "times": times, "single_source": True}
    check_coverage(MODEL, problem, options, site_radius=site_radius, demand_radius=demand_radius)
    problem = with_own_radii(problem, site_radius, demand_radius)
    if not problem_is_plain(problem):
        return solve_milp(MODEL, problem, options, limits=limits, listener=listener)
    outcome = _solve(problem, options, limits, listener)
    if problem.p is not None and outcome.objective is not None and len(outcome.open_sites) > problem.p:
        return solve_milp(MODEL, problem, options, limits=limits, listener=listener)
    return selection(MODEL, problem, options, outcome, limits, engine=ENGINE)


def problem_is_plain(problem: SitingProblem) -> bool:
    """Tell whether nothing but locks and nearness is asked."""
    side = problem.side
    money = side.capex_budget_cny is not None or side.yearly_budget_cny is not None
    counts = bool(side.group_minimum or side.group_maximum)
    pairs = bool(side.requires or side.conflicts or side.exclusion_m > 0)
    return not (money or counts or pairs or is_capacitated(problem))


def _solve(
    problem: SitingProblem, options: Mapping[str, Any], limits: SolveLimits, listener: ProgressListener
) -> Outcome:
    pairs, _ = covering_pairs(problem, options)
    locked, price = effective_locks(problem), site_prices(problem)
    shape = (problem.demand_count, problem.site_count)
    rows = sparse.csr_array((np.ones(pairs.site.size, np.int8), (pairs.demand, pairs.site)), shape=shape)
    opened = np.flatnonzero(locked == 1)
    held = rows[:, opened].sum(axis=1) if opened.size else np.zeros(problem.demand_count)
    need = np.maximum(float(options["times"]) - np.asarray(held, dtype=np.float64), 0.0)
    free = np.flatnonzero(locked == 0).astype(np.int64)
    cover = cover_of(rows[:, free], np.ones(problem.demand_count), cost=price[free], site=free)
    paid = float(price[opened].sum())
    whole = bool((price[free] == np.round(price[free])).all())

    def tell(cost: float, bound: float) -> None:
        gap = max(0.0, cost - bound) / max(abs(cost + paid), 1e-12)
        listener(ProgressEvent("siting", paid + cost, paid + bound, gap))

    answer = minimise(cover, need, cover_limits(limits), whole=whole, tell=tell)
    chosen = tuple(sorted({*opened.tolist(), *answer.chosen.tolist()}))
    allocation = nearest(problem, chosen, pairs)
    objective = objective_of(MODEL, problem, chosen, allocation, options)
    return Outcome(chosen, allocation, objective, min(objective, paid + answer.bound), cut=answer.cut)
