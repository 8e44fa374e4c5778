"""Backup coverage: weight covered once and weight covered twice, by p sites.

Hogan and ReVelle (1986). BACOP2: ``max α Σ w_i y_i + (1 - α) Σ w_i u_i`` with ``y_i + u_i ≤ Σ_{j: d_ij ≤ r} x_j``,
``u_i ≤ y_i``,
``Σ_j x_j ≤ p``. BACOP1 (`mandatory`): everybody is covered once, ``α`` as small as you like. Demand points with the
same sites
are added up before HiGHS solves the model; a greedy choice starts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.coverage_engine.arrays import Ints
from planner.siting.coverage_engine.checks import check_coverage, with_own_radii
from planner.siting.coverage_engine.cover import Cover, cover_of, merged
from planner.siting.milp import Outcome, selection, solve_milp
from planner.siting.milp_cover import covering_pairs
from planner.siting.milp_decide import nearest, objective_of
from planner.siting.models.max_coverage import DEFAULT_LIMITS, negated
from planner.siting.models.set_coverage import problem_is_plain
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import effective_locks

MODEL = "backup_coverage"
ENGINE = "backup coverage on merged rows with HiGHS"


def solve(
    problem: SitingProblem,
    *,
    radius: float | None = None,
    first_share: float = 0.5,
    mandatory: bool = False,
    site_radius: Sequence[float] = (),
    demand_radius: Sequence[float] = (),
    limits: SolveLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Cover the most weight once and twice.

    Parameters
    ----------
    problem
        Demand, sites, distances; at most `p` sites.
    radius
        Distance within which a site covers (None: any distance stored).
    first_share
        Share α of a weight that counts when it is covered once; the rest counts when it is covered twice.
    mandatory
        Everybody must be covered once (BACOP1).
    site_radius, demand_radius
        A radius for each site or demand point, besides the other.
    limits, listener
        When to stop; who is told.

    Raises
    ------
    InputError
        For input that cannot be used.
    """
    options: dict[str, Any] = {"radius": radius, "first_share": first_share, "mandatory": mandatory}
    check_coverage(MODEL, problem, options, site_radius=site_radius, demand_radius=demand_radius)
    problem = with_own_radii(problem, site_radius, demand_radius)
    pairs, _ = covering_pairs(problem, options)
    reached = np.zeros(problem.demand_count, dtype=np.bool_)
    reached[pairs.demand] = True
    if not problem_is_plain(problem):
        return solve_milp(MODEL, problem, options, limits=limits, listener=listener)
    if mandatory and not reached.all():
        return selection(MODEL, problem, options, Outcome(infeasible=True), limits, engine=ENGINE)
    shape = (problem.demand_count, problem.site_count)
    rows = sparse.csr_array((np.ones(pairs.site.size, np.int8), (pairs.demand, pairs.site)), shape=shape)
    cover = cover_of(rows, problem.weight)
    cover = cover if mandatory else merged(cover)
    model = _model(cover, problem, (first_share, mandatory))
    hint = None if mandatory else _hint(cover, problem, first_share)
    tell = negated(listener)

    def listen(objective: float | None, bound: float | None) -> None:
        if objective is not None and bound is not None:
            tell(-objective, -bound)

    inner = EngineLimits(limits.relative_gap, limits.node_limit, limits.time_limit_s, limits.seed)
    answer = solve_linear(model, inner, hint=hint, listener=listen)
    if answer.outcome == "infeasible":
        return selection(MODEL, problem, options, Outcome(infeasible=True), limits, engine=ENGINE)
    if answer.values is None:
        return selection(MODEL, problem, options, Outcome(bound=answer.bound, cut=answer.cut), limits, engine=ENGINE)
    opened = tuple(int(j) for j in np.flatnonzero(np.round(answer.values[: problem.site_count]) > 0))
    allocation = nearest(problem, opened, pairs)
    objective = objective_of(MODEL, problem, opened, allocation, options)
    outcome = Outcome(opened, allocation, objective, answer.bound, cut=answer.cut)
    return selection(MODEL, problem, options, outcome, limits, engine=ENGINE)


def _model(cover: Cover, problem: SitingProblem, how: tuple[float, bool]) -> LinearModel:
    first_share, mandatory = how
    sites, rows = cover.site_count, cover.row_count
    locked = effective_locks(problem)
    number = np.arange(rows)
    row_of = np.repeat(number, np.diff(cover.row_start))
    once, twice = sites + number, sites + rows + number
    row = np.concatenate((row_of, number, number, rows + number, rows + number))
    column = np.concatenate((cover.row_site, once, twice, once, twice))
    minus, plus = -np.ones(rows), np.ones(rows)
    value = np.concatenate((-np.ones(row_of.size), plus, plus, minus, plus))
    upper = [0.0] * (2 * rows)
    if problem.p is not None:
        row = np.concatenate((row, np.full(sites, 2 * rows)))
        column, value = np.concatenate((column, np.arange(sites))), np.concatenate((value, np.ones(sites)))
        upper.append(float(problem.p))
    order = np.lexsort((column, row))
    least = 1.0 if mandatory else 0.0
    is_concave = first_share >= 1.0 - first_share
    return LinearModel(
        costs=np.concatenate(
            (np.zeros(sites), -first_share * cover.weight, -(1 - first_share) * cover.weight)
        ).tolist(),
        lower=[*(1.0 if lock == 1 else 0.0 for lock in locked), *[least] * rows, *[0.0] * rows],
        upper=[*(0.0 if lock == -1 else 1.0 for lock in locked), *[1.0] * (2 * rows)],
        is_integer=[True] * sites + [not is_concave] * (2 * rows),
        row_lower=[-np.inf] * len(upper),
        row_upper=upper,
        row_index=row[order].tolist(),
        column_index=column[order].tolist(),
        coefficients=value[order].tolist(),
    )


def _hint(cover: Cover, problem: SitingProblem, first_share: float) -> Floats:
    """Return a first solution: greedy by weight won."""
    locked = effective_locks(problem)
    opened = [int(j) for j in np.flatnonzero(locked == 1)]
    free = np.flatnonzero(locked == 0)
    pattern = sparse.csr_array(
        (np.ones(cover.pair_count), cover.row_site, cover.row_start), shape=(cover.row_count, cover.site_count)
    )
    times = np.zeros(cover.row_count, dtype=np.int64)
    for j in opened:
        times[cover.site_row[cover.site_start[j] : cover.site_start[j + 1]]] += 1
    most = cover.site_count if problem.p is None else problem.p
    for _ in range(most - len(opened)):
        gain = _gains(times, cover.weight, first_share) @ pattern
        gain[opened] = -1.0
        rest = free[~np.isin(free, opened)]
        if not rest.size or gain[rest].max() <= 0:
            break
        best = int(rest[np.argmax(gain[rest])])
        opened.append(best)
        times[cover.site_row[cover.site_start[best] : cover.site_start[best + 1]]] += 1
    values = np.zeros(cover.site_count + 2 * cover.row_count)
    values[opened] = 1.0
    values[cover.site_count : cover.site_count + cover.row_count] = times >= 1
    values[cover.site_count + cover.row_count :] = times >= 2  # noqa: PLR2004 - twice
    return values


def _gains(times: Ints, weight: Floats, first_share: float) -> Floats:
    """Return the weight each row wins by one more site."""
    return weight * np.where(times == 0, first_share, np.where(times == 1, 1.0 - first_share, 0.0))
