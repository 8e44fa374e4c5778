"""Maximal covering: cover the most weight with p sites or within a budget.

Church and ReVelle (1974): ``max Σ_i w_i z_i`` with ``z_i ≤ Σ_{j: d_ij ≤ r} x_j``, ``Σ_j x_j ≤ p`` (or ``Σ_j c_j x_j ≤
B``). With coverage
that decays with distance (Church and Roberts 1983; Berman and Krass 2002) a demand point counts with the share of its
best open
site. Solved by `planner.siting.coverage_engine`; what that cannot keep (floors, several budgets, group counts,
conflicts,
capacities) goes to `planner.siting.milp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting.coverage_engine.checks import check_coverage, with_own_radii
from planner.siting.coverage_engine.engine import CoverAnswer, CoverLimits, Tell, maximise
from planner.siting.coverage_engine.problem_cover import Budgeted, budgeted, layered
from planner.siting.milp import Outcome, selection, solve_milp
from planner.siting.milp_cover import covering_pairs, is_capacitated
from planner.siting.milp_decide import nearest, objective_of
from planner.siting.selection import SiteSelection, SolveLimits

MODEL = "max_coverage"
DEFAULT_LIMITS = SolveLimits()
ENGINE = "coverage engine (Lagrangian bound, annealing, windows) with HiGHS"


def solve(  # noqa: PLR0913 - the options of the model
    problem: SitingProblem,
    *,
    radius: float | None = None,
    decay_end: float | None = None,
    radii: Sequence[float] = (),
    radius_shares: Sequence[float] = (),
    demand_groups: Mapping[str, Sequence[int]] | None = None,
    floors: Mapping[str, float] | None = None,
    site_radius: Sequence[float] = (),
    demand_radius: Sequence[float] = (),
    limits: SolveLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Cover the most weight.

    Parameters
    ----------
    problem
        Demand, sites, distances; `p` sites at most, or a budget in its side constraints.
    radius
        Distance up to which a demand point is fully covered (None: any distance stored).
    decay_end
        Distance at which coverage, falling in a straight line from `radius` on, reaches 0.
    radii, radius_shares
        Instead: rising radii, and the falling share of weight that counts within each.
    demand_groups, floors
        Group of demand points → indices; group → least share of its weight to be covered.
    site_radius, demand_radius
        A radius for each site (what it reaches) or demand point (what reaches it), besides the others.
    limits, listener
        When to stop; who is told.

    Returns
    -------
    SiteSelection
        Objective and bound are the negative covered weight.

    Raises
    ------
    InputError
        For input that cannot be used, with every problem found.
    """
    options = {
        "radius": radius,
        "decay_end": decay_end,
        "radii": tuple(radii),
        "radius_shares": tuple(radius_shares),
        "demand_groups": demand_groups,
        "floors": floors,
        "single_source": True,
    }
    check_coverage(MODEL, problem, options, site_radius=site_radius, demand_radius=demand_radius)
    problem = with_own_radii(problem, site_radius, demand_radius)
    ready = None if floors or is_capacitated(problem) else _ready(problem, options)
    if ready is None:
        return solve_milp(MODEL, problem, options, limits=limits, listener=listener)
    answer = maximise(ready.cover, ready.budget, cover_limits(limits), whole=ready.whole, tell=negated(listener))
    return selected(MODEL, problem, options, ready, (answer, limits))


def _ready(problem: SitingProblem, options: Mapping[str, object]) -> Budgeted | None:
    pairs, share = covering_pairs(problem, options)
    if (share == 1.0).all():
        shape = (problem.demand_count, problem.site_count)
        rows = sparse.csr_array((np.ones(pairs.site.size, np.int8), (pairs.demand, pairs.site)), shape=shape)
        return budgeted(problem, rows, problem.weight)
    return budgeted(problem, *layered(pairs, share, problem.weight, problem.site_count))


def cover_limits(limits: SolveLimits) -> CoverLimits:
    """Return the engine's limits."""
    return CoverLimits(
        relative_gap=limits.relative_gap,
        node_limit=limits.node_limit,
        time_limit_s=limits.time_limit_s,
        seed=limits.seed,
        most_moves=max(1, min(limits.iteration_limit, CoverLimits().most_moves)),
    )


def negated(listener: ProgressListener) -> Tell:
    """Return a teller of covered weight and bound that reports them as a minimisation."""

    def tell(weight: float, bound: float) -> None:
        listener(ProgressEvent("siting", -weight, -bound, max(0.0, bound - weight) / max(abs(weight), 1e-12)))

    return tell


def selected(
    model: str,
    problem: SitingProblem,
    options: Mapping[str, object],
    ready: Budgeted,
    found: tuple[CoverAnswer, SolveLimits],
) -> SiteSelection:
    """Return the selection of an answer, its objective recomputed from the open sites."""
    answer, limits = found
    opened = tuple(sorted({*ready.opened.tolist(), *answer.chosen.tolist()}))
    pairs, _ = covering_pairs(problem, options)
    allocation = nearest(problem, opened, pairs)
    objective = objective_of(model, problem, opened, allocation, options)
    outcome = Outcome(opened, allocation, objective, min(objective, -answer.bound), cut=answer.cut)
    return selection(model, problem, options, outcome, limits, engine=ENGINE)
