"""What is wrong with a siting problem before anything is built: every problem, where it is, and by how much. Nothing is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.problems.siting import Bools, Floats, SitingProblem
from planner.siting.milp_cover import Options, cover_radius
from planner.siting.refusals_found import found
from planner.siting.refusals_side import side_problems
from planner.siting.refusals_units import unit_problems
from planner.siting.side import effective_locks

#: Sums of capacities and demands are compared to this relative precision.
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model needs of its input.

    Attributes
    ----------
    p
        The number of sites to open.
    serves_all
        Every demand point must be served.
    site_metres
        Distances between sites.
    single_source
        A demand point may not be split where capacities bind (unless its option says so).
    weight
        Some weight, for a mean over all of it is taken.
    """

    p: bool = False
    serves_all: bool = False
    site_metres: bool = False
    single_source: bool = False
    weight: bool = False


def check_problem(problem: SitingProblem, needs: Needs, options: Options) -> None:
    """Refuse a problem that cannot be solved as it stands.

    Raises
    ------
    InputError
        With every problem found. Later checks that would only repeat an earlier one are left out.
    """
    problems = list(shape_problems(problem))
    if not problems:
        problems = list(_number_problems(problem))
    if not problems:
        problems = [*side_problems(problem), *unit_problems(problem, options)]
    if not problems:
        problems = [*_count_problems(problem, needs), *_reach_problems(problem, needs, options)]
    if not problems:
        problems = list(_capacity_problems(problem, needs, options))
    if problems:
        raise InputError(Message("siting_models_refused", {"count": len(problems)}), problems)


def shape_problems(problem: SitingProblem) -> Iterator[Problem]:
    """Yield what does not fit together: empty tables, arrays of the wrong length, labels that stand twice."""
    n, m = len(problem.demand_ids), len(problem.site_ids)
    if n == 0:
        yield found("no_demand", "demand")
    if m == 0:
        yield found("no_sites", "sites")
    for table, labels in (("demand", problem.demand_ids), ("sites", problem.site_ids)):
        twice = sorted({label for label in labels if labels.count(label) > 1}) if len(set(labels)) < len(labels) else []
        yield from (found("duplicate", table, "id", label) for label in twice)
    if problem.distance.shape != (n, m):
        yield found("shape", "distance", "distance", str(problem.distance.shape), wanted=f"({n}, {m})")
    for name, values, count in (*_demand_columns(problem), *_site_columns(problem)):
        if values.shape != (count,):
            yield found("shape", "demand" if count == n else "sites", name, str(values.shape), wanted=f"({count},)")
    metres = problem.site_metres
    if metres is not None and metres.shape != (m, m):
        yield found("shape", "sites", "site_metres", str(metres.shape), wanted=f"({m}, {m})")


def _demand_columns(problem: SitingProblem) -> Sequence[tuple[str, Floats, int]]:
    n = problem.demand_count
    return (("weight", problem.weight, n), ("demand", problem.demand, n))


def _site_columns(problem: SitingProblem) -> Sequence[tuple[str, Floats, int]]:
    names = ("fixed_cost", "capacity", "capex_cny", "yearly_cny", "closing_cny", "is_existing", "locked")
    return [(name, getattr(problem, name), problem.site_count) for name in names]


def _number_problems(problem: SitingProblem) -> Iterator[Problem]:
    """Yield every figure that is no number, infinite or negative."""
    for name, values, _ in _demand_columns(problem):
        yield from _bad_numbers("demand", name, values, problem.demand_ids)
    for name, values, _ in _site_columns(problem)[:5]:
        yield from _bad_numbers("sites", name, values, problem.site_ids, infinite=name == "capacity")
    for j in np.flatnonzero(~np.isin(problem.locked, (-1, 0, 1))):
        yield found("lock_value", "sites", "locked", int(problem.locked[j]), id=problem.site_ids[j])
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    data = problem.distance.data
    for k in np.flatnonzero(~np.isfinite(data) | (data < 0)):
        pair = f"{problem.demand_ids[row[k]]} → {problem.site_ids[problem.distance.indices[k]]}"
        yield found("number", "distance", "distance", float(data[k]), id=pair)
    if problem.site_metres is not None:
        for a, b in np.argwhere(np.isnan(problem.site_metres) | (problem.site_metres < 0)).tolist():
            pair = f"{problem.site_ids[a]} → {problem.site_ids[b]}"
            yield found("number", "sites", "site_metres", float(problem.site_metres[a, b]), id=pair)


def _bad_numbers(
    table: str, name: str, values: Floats, labels: Sequence[str], *, infinite: bool = False
) -> Iterator[Problem]:
    bad: Bools = np.isnan(values) | (values < 0) | (False if infinite else np.isinf(values))
    yield from (found("number", table, name, float(values[k]), id=labels[k]) for k in np.flatnonzero(bad).tolist())


def _count_problems(problem: SitingProblem, needs: Needs) -> Iterator[Problem]:
    """Yield contradictions between p, the sites there are and the locks, and weights that are all zero."""
    if needs.weight and problem.weight.sum() <= 0:
        yield found("no_weight", "demand", "weight", 0)
    locked = effective_locks(problem)
    usable, must = int((locked >= 0).sum()), int((locked == 1).sum())
    if usable == 0:
        yield found("all_closed", "sites", "locked", problem.site_count)
    if problem.p is None:
        if needs.p:
            yield found("p_missing", "settings", "p")
        return
    p = problem.p
    if p < 1:
        yield found("p_low", "settings", "p", p)
    elif p > usable:
        yield found("p_high", "settings", "p", p, available=usable, over=p - usable)
    if p < must:
        yield found("p_locked", "settings", "p", p, locked=must, under=must - p)
    if needs.site_metres and p == 1:
        yield found("p_pair", "settings", "p", p)
    if needs.site_metres and problem.site_metres is None:
        yield found("no_site_metres", "sites", "site_metres")


def _reach_problems(problem: SitingProblem, needs: Needs, options: Options) -> Iterator[Problem]:
    """Yield every demand point that no usable site reaches, where the model must serve it."""
    if not needs.serves_all:
        return
    radius, locked = cover_radius(options), effective_locks(problem)
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    data = np.where(locked[problem.distance.indices] >= 0, problem.distance.data, np.inf)
    nearest = np.full(problem.demand_count, np.inf)
    np.minimum.at(nearest, row, data)
    times = int(options.get("times", 1))
    reached = np.bincount(row[data <= radius], minlength=problem.demand_count)
    for i in np.flatnonzero(~np.isfinite(nearest)):
        yield found("stranded", "demand", "distance", problem.demand_ids[i])
    for i in np.flatnonzero(np.isfinite(nearest) & (nearest > radius)):
        short = float(nearest[i]) - radius
        yield found("beyond_radius", "demand", "radius", problem.demand_ids[i], nearest=float(nearest[i]), over=short)
    for i in np.flatnonzero((nearest <= radius) & (reached < times)):
        yield found("too_few_near", "demand", "times", problem.demand_ids[i], there=int(reached[i]), times=times)


def _capacity_problems(problem: SitingProblem, needs: Needs, options: Options) -> Iterator[Problem]:
    """Yield how much demand does not fit, in all and (single sourcing) point by point."""
    if not needs.serves_all:
        return
    room = site_room(problem, options)
    usable = np.where(effective_locks(problem) >= 0, room, 0.0)
    largest = np.sort(usable)[::-1][: problem.p]
    total = float(problem.demand.sum())
    if largest.sum() < total * (1 - _SUM_TOLERANCE):
        have = float(largest.sum())
        yield found("capacity_short", "sites", "capacity", have, demand=total, short=total - have, sites=largest.size)
    if not options.get("single_source", needs.single_source):
        return
    row = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    best = np.zeros(problem.demand_count)
    within = problem.distance.data <= cover_radius(options)
    np.maximum.at(best, row[within], usable[problem.distance.indices[within]])
    for i in np.flatnonzero(problem.demand > best * (1 + _SUM_TOLERANCE)):
        short = float(problem.demand[i] - best[i])
        yield found("too_large", "demand", "demand", float(problem.demand[i]), id=problem.demand_ids[i], short=short)


def site_room(problem: SitingProblem, options: Options) -> Floats:
    """Return the most each site can take, with its largest module where modules are given."""
    modules = tuple(options.get("modules") or ())
    if not modules:
        return problem.capacity
    return np.minimum(problem.capacity, max(float(room) for room, _ in modules))
