"""Why a study has no answer: each requirement loosened alone until there is one, proved by a solution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geodata.errors import InfeasibleError, InputError
from geodata.messages import Message
from planner.problems.siting import SitingProblem
from planner.siting.registry import solve_model
from planner.siting.selection import SolveLimits

#: Halvings of the range of a requirement that is no whole number: the fix is within 0.1 % of the range.
_HALVINGS = 10
Asked = tuple[SitingProblem, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing asked that could be loosened.

    Attributes
    ----------
    key
        Message key ``study_fix_<key>``.
    now, loosest
        Value asked for, and one at which it asks for nothing any more.
    at
        Returns the question with another value: whatever the caller's test of an answer takes.
    is_whole
        Only whole numbers.
    """

    key: str
    now: float
    loosest: float
    at: Callable[[float], Any]
    is_whole: bool = False


def infeasible_error(
    model: str, problem: SitingProblem, options: Mapping[str, Any], limits: SolveLimits
) -> InfeasibleError:
    """Return the error of a question proved to have no answer, with every single change that is enough.

    Each requirement is loosened alone; a change stands in the error only if a solution with it was found. Without any
    the requirements stand against each other in a way no single one can mend.
    """
    quick = replace(limits, relative_gap=1.0)
    fixes = single_fixes(_requirements(problem, options), lambda asked: _has_answer(model, asked, quick))
    return InfeasibleError(Message("study_cause_single" if fixes else "study_cause_joint"), fixes)


def single_fixes(requirements: Iterable[Requirement], has_answer: Callable[[Any], bool]) -> list[Message]:
    """Return every single change that is enough: each requirement loosened alone, as little as an answer was found for."""
    fixes = []
    for requirement in requirements:
        value = _least(requirement, has_answer)
        if value is not None:
            figures = {"now": _shown(requirement.now), "enough": _shown(value)}
            fixes.append(Message(f"study_fix_{requirement.key}", figures))
    return fixes


def _shown(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(f"{value:.6g}")


def _least(requirement: Requirement, has_answer: Callable[[Any], bool]) -> float | None:
    """Return the value nearest to what is asked with which a solution is found; None if not even the loosest helps."""
    if requirement.now == requirement.loosest or not has_answer(requirement.at(requirement.loosest)):
        return None
    tight, loose = requirement.now, requirement.loosest
    for _ in range(64 if requirement.is_whole else _HALVINGS):
        middle = (tight + loose) / 2.0
        if requirement.is_whole:
            middle = math.floor(middle) if loose > tight else math.ceil(middle)
            if middle in (tight, loose):
                break
        if has_answer(requirement.at(middle)):
            loose = middle
        else:
            tight = middle
    return loose


def _has_answer(model: str, asked: Asked, limits: SolveLimits) -> bool:
    problem, options = asked
    try:
        return solve_model(model, problem, limits=limits, **options).report.objective is not None
    except InputError:
        return False


def _requirements(problem: SitingProblem, options: Mapping[str, Any]) -> Iterator[Requirement]:
    """Yield what is asked, in the order in which a planner would give way."""
    side = problem.side
    every = float(problem.capex_cny.sum() + problem.closing_cny.sum())
    if side.capex_budget_cny is not None:
        budget = lambda v: (replace(problem, side=replace(side, capex_budget_cny=v)), options)  # noqa: E731
        yield Requirement("budget_cny", side.capex_budget_cny, max(every, side.capex_budget_cny), budget)
    if side.yearly_budget_cny is not None:
        yearly = lambda v: (replace(problem, side=replace(side, yearly_budget_cny=v)), options)  # noqa: E731
        most = max(float(problem.yearly_cny.sum()), side.yearly_budget_cny)
        yield Requirement("yearly_budget_cny", side.yearly_budget_cny, most, yearly)
    if problem.p is not None:
        count = lambda v: (replace(problem, p=int(v)), options)  # noqa: E731
        yield Requirement("p", problem.p, int((problem.locked >= 0).sum()), count, is_whole=True)
    if side.exclusion_m > 0.0:
        apart = lambda v: (replace(problem, side=replace(side, exclusion_m=v * 1000.0)), options)  # noqa: E731
        yield Requirement("exclusion_km", side.exclusion_m / 1000.0, 0.0, apart)
    if side.near_sites and problem.site_metres is not None:
        near = lambda v: (replace(problem, side=replace(side, near_m=v * 1000.0)), options)  # noqa: E731
        farthest = float(problem.site_metres[:, list(side.near_sites)].max()) / 1000.0
        yield Requirement("near_km", side.near_m / 1000.0, max(farthest, side.near_m / 1000.0), near)
    yield from _group_requirements(problem, options)
    if np.isfinite(problem.capacity).any():
        room = lambda v: (replace(problem, capacity=problem.capacity * v), options)  # noqa: E731
        yield Requirement("capacity", 1.0, 64.0, room)
    yield from _option_requirements(problem, options)


def _group_requirements(problem: SitingProblem, options: Mapping[str, Any]) -> Iterator[Requirement]:
    side = problem.side
    if side.group_minimum:
        low = max(side.group_minimum.values())
        fewer = lambda v: (  # noqa: E731
            replace(
                problem, side=replace(side, group_minimum={k: min(n, int(v)) for k, n in side.group_minimum.items()})
            ),
            options,
        )
        yield Requirement("group_minimum", low, 0, fewer, is_whole=True)
    if side.group_maximum:
        high = min(side.group_maximum.values())
        more = lambda v: (  # noqa: E731
            replace(
                problem, side=replace(side, group_maximum={k: max(n, int(v)) for k, n in side.group_maximum.items()})
            ),
            options,
        )
        yield Requirement("group_maximum", high, problem.site_count, more, is_whole=True)


def _option_requirements(problem: SitingProblem, options: Mapping[str, Any]) -> Iterator[Requirement]:
    if options.get("floors"):
        share = max(options["floors"].values())
        lower = lambda v: (problem, {**options, "floors": dict.fromkeys(options["floors"], v)})  # noqa: E731
        yield Requirement("township_floor_share", share, 0.0, lower)
    if options.get("mandatory"):
        free = lambda v: (problem, {**options, "mandatory": v > 0.0})  # noqa: E731
        yield Requirement("mandatory", 1, 0, free, is_whole=True)
    if options.get("bound") is not None:
        looser = lambda v: (problem, {**options, "bound": v})  # noqa: E731
        loosest = 1.0 if options.get("measure") == "gini" else max(100.0, 10.0 * options["bound"])
        yield Requirement("bound", options["bound"], loosest, looser)
