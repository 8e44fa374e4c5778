"""Why no lockers keep what is asked: each requirement loosened alone until some do, proved by a plan of lockers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from geodata.errors import InfeasibleError, InputError
from geodata.messages import Message
from planner.siting.lockers.model import plan_lockers
from planner.siting.lockers.problem import LockerProblem
from planner.siting.selection import SolveLimits
from scenarios.studies.relax import Requirement, single_fixes


def lockers_infeasible(problem: LockerProblem, cause: Message, limits: SolveLimits) -> InfeasibleError:
    """Return the error of a locker question proved to have no answer, with every single change that is enough.

    Parameters
    ----------
    problem
        The question.
    cause
        What the search says.
    limits
        Limits of each trial; any plan will do there, whatever its gap.
    """
    quick = replace(limits, relative_gap=1.0)
    fixes = single_fixes(_requirements(problem), lambda asked: _has_answer(asked, quick))
    return InfeasibleError(cause, fixes or [Message("study_cause_joint")])


def _has_answer(problem: LockerProblem, limits: SolveLimits) -> bool:
    try:
        return plan_lockers(problem, limits=limits).selection.report.objective is not None
    except InputError:
        return False


def _requirements(problem: LockerProblem) -> Iterator[Requirement]:
    """Yield what is asked, in the order in which a planner would give way."""
    siting, settings = problem.siting, problem.settings
    side, count = siting.side, siting.site_count

    def with_settings(**changed: float) -> LockerProblem:
        return replace(problem, settings=replace(settings, **changed))  # type: ignore[arg-type]

    if side.capex_budget_cny is not None:
        yield Requirement("budget_cny", side.capex_budget_cny, _dearest(problem), lambda v: _with_budget(problem, v))
    if settings.coverage_share > 0.0:
        share = settings.coverage_share
        yield Requirement("coverage_share", share, 0.0, lambda v: with_settings(coverage_share=v))
    if settings.minimum_lockers > 0:
        least = settings.minimum_lockers
        yield Requirement("minimum_lockers", least, 0, lambda v: with_settings(minimum_lockers=int(v)), is_whole=True)
    if settings.maximum_lockers is not None:
        most = settings.maximum_lockers
        larger = max(most, count)
        yield Requirement(
            "maximum_lockers", most, larger, lambda v: with_settings(maximum_lockers=int(v)), is_whole=True
        )
    shut = int((siting.locked < 0).sum())
    if shut:
        yield Requirement("closed_hosts", shut, 0, lambda v: _with_allowed(problem, shut - int(v)), is_whole=True)
    forced = int((siting.locked > 0).sum())
    if forced:
        yield Requirement("open_hosts", forced, 0, lambda v: _with_freed(problem, forced - int(v)), is_whole=True)


def _dearest(problem: LockerProblem) -> float:
    """Return a sum that buys a locker at every host that takes all parcels on its design day."""
    settings, siting = problem.settings, problem.siting
    cells = float(np.ceil(10.0 * siting.weight.sum() + 100.0))
    price = settings.prices.price_cny((0, 0, int(cells)))
    return float(siting.capex_cny.sum()) + siting.site_count * price


def _with_budget(problem: LockerProblem, budget_cny: float) -> LockerProblem:
    side = replace(problem.siting.side, capex_budget_cny=budget_cny)
    return replace(problem, siting=replace(problem.siting, side=side))


def _with_allowed(problem: LockerProblem, count: int) -> LockerProblem:
    """Return the question with the first `count` closed hosts allowed."""
    return _unlocked(problem, np.flatnonzero(problem.siting.locked < 0)[:count])


def _with_freed(problem: LockerProblem, count: int) -> LockerProblem:
    """Return the question with the first `count` hosts that must have a locker free to have none."""
    return _unlocked(problem, np.flatnonzero(problem.siting.locked > 0)[:count])


def _unlocked(problem: LockerProblem, hosts: np.ndarray[tuple[int], np.dtype[np.intp]]) -> LockerProblem:
    locked = problem.siting.locked.copy()
    locked[hosts] = 0
    return replace(problem, siting=replace(problem.siting, locked=locked))
