"""The three-tier plan solved again with something changed: a site closed, more money, a higher standard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from geodata.errors import InfeasibleError, InputError, NoSolutionError
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.siting.result import SitingResult
from planner.siting.selection import SolveLimits
from planner.siting.three_tier import Tried, find_three_tier


def with_limits(problem: PlanProblem, limits: SolveLimits, *, least_gap: float) -> PlanProblem:
    """Return the problem with the limits of a study; the gap is at least `least_gap`."""
    siting = replace(
        problem.siting,
        relative_gap=max(limits.relative_gap, least_gap),
        node_limit=min(limits.node_limit, problem.siting.node_limit),
        time_limit_s=limits.time_limit_s,
    )
    return replace(problem, siting=siting)


def with_locks(problem: PlanProblem, locks: Mapping[str, str]) -> PlanProblem:
    """Return the problem with other locks: facility id → ``open``, ``closed`` or ``free``."""
    facilities = problem.county.facilities.copy()
    changed = facilities["facility_id"].astype(str).map(locks)
    facilities["lock"] = changed.where(changed.notna(), facilities["lock"])
    return replace(problem, county=problem.county.replace(facilities=facilities))


def with_budget(problem: PlanProblem, budget_cny: float | None) -> PlanProblem:
    """Return the problem with another budget."""
    return replace(problem, siting=replace(problem.siting, budget_cny=budget_cny))


def solved(problem: PlanProblem, listener: ProgressListener) -> Tried:
    """Return the best plan found, or that there is none.

    A changed plan whose input is refused (no candidate left, locks that contradict each other) is proved not to exist,
    since the plan it was changed from was accepted; a solver that fails proves nothing.
    """
    try:
        return find_three_tier(problem, listener=listener)
    except (InfeasibleError, InputError):
        return Tried(None, is_none_proved=True)
    except NoSolutionError:
        return Tried(None, is_none_proved=False)


def reference_plan(problem: PlanProblem, known: SitingResult, listener: ProgressListener) -> SitingResult:
    """Return the plan changes are compared with: `known` if it is within the gap asked for, else the better of two."""
    gap = known.report.gap
    if gap is not None and gap <= problem.siting.relative_gap:
        return known
    again = solved(problem, listener).plan
    return known if again is None or cost_of(known) <= cost_of(again) else again


def cost_of(result: SitingResult) -> float:
    """Return the siting model's cost a day."""
    return float(result.report.objective or 0.0)


def lower_bound(result: SitingResult) -> float:
    """Return the proved lower bound of a result's cost a day (0 where none is known)."""
    return float(result.report.bound or 0.0)
