"""Refusals of coverage models before anything is built, and radii of a site's or demand point's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.problems.siting import SitingProblem
from planner.siting.milp_cover import Options
from planner.siting.refusals import Needs, check_problem
from planner.siting.refusals_found import found

_NEEDS = {
    "max_coverage": Needs(),
    "backup_coverage": Needs(),
    "set_coverage": Needs(serves_all=True, single_source=True),
}


def check_coverage(
    model: str,
    problem: SitingProblem,
    options: Options,
    *,
    site_radius: Sequence[float] = (),
    demand_radius: Sequence[float] = (),
) -> None:
    """Refuse input a coverage model cannot use.

    Raises
    ------
    InputError
        With every problem found: figures that are no number, negative weights, no sites, p beyond the sites,
        contradictory locks,
        radii that do not fit, demand points that set covering cannot reach (which, and how far away the nearest site
        is).
    """
    problems = [
        *_radius_problems("sites", "site_radius", site_radius, problem.site_count),
        *_radius_problems("demand", "demand_radius", demand_radius, problem.demand_count),
    ]
    if problems:
        raise InputError(Message("siting_models_refused", {"count": len(problems)}), problems)
    check_problem(with_own_radii(problem, site_radius, demand_radius), _NEEDS[model], options)


def _radius_problems(table: str, name: str, radius: Sequence[float], count: int) -> list[Problem]:
    if not len(radius):
        return []
    if len(radius) != count:
        return [found("shape", table, name, str((len(radius),)), wanted=f"({count},)")]
    values = np.asarray(radius, dtype=np.float64)
    bad = np.flatnonzero(np.isnan(values) | (values < 0))
    return [found("number", table, name, float(values[k]), id=str(k)) for k in bad]


def with_own_radii(
    problem: SitingProblem, site_radius: Sequence[float], demand_radius: Sequence[float]
) -> SitingProblem:
    """Return the problem without the pairs beyond the radius of their own site or demand point."""
    if not len(site_radius) and not len(demand_radius):
        return problem
    distance = problem.distance
    row = np.repeat(np.arange(problem.demand_count), np.diff(distance.indptr))
    keep = np.ones(distance.nnz, dtype=np.bool_)
    if len(site_radius):
        keep &= distance.data <= np.asarray(site_radius, dtype=np.float64)[distance.indices]
    if len(demand_radius):
        keep &= distance.data <= np.asarray(demand_radius, dtype=np.float64)[row]
    start = np.concatenate(([0], np.cumsum(np.bincount(row[keep], minlength=problem.demand_count))))
    held = sparse.csr_array((distance.data[keep], distance.indices[keep], start), shape=distance.shape)
    return replace(problem, distance=held)
