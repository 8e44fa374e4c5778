"""Answers from decisions: cost by the timetable, never by an engine's own figures; a decision that breaks a rule is no answer."""

from __future__ import annotations

import math

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.routing.rich.engine import RoutingAnswer, RoutingLimits
from planner.routing.rich.schedule import day_duty, day_is_feasible, decision_cost

#: Slack of the balance of vehicle days, minutes.
BALANCE_TOLERANCE = 1e-6


def keeps_rules(problem: RoutingProblem, decision: RoutingDecision) -> bool:
    """Tell whether a decision visits every stop once or leaves out only optional ones, and keeps every rule."""
    visited = [i for day in decision.days for trip in day.trips for i in trip if i < len(problem.stops)]
    if sorted([*visited, *decision.left_out]) != list(range(len(problem.stops))):
        return False
    if any(problem.stops[i].penalty_cny is None for i in decision.left_out):
        return False
    for k, vehicle in enumerate(problem.vehicles):
        if vehicle.available is not None and sum(d.vehicle == k for d in decision.days) > vehicle.available:
            return False
    return is_balanced(problem, decision) and all(day_is_feasible(problem, day) for day in decision.days)


def is_balanced(problem: RoutingProblem, decision: RoutingDecision) -> bool:
    """Tell whether the longest and the shortest vehicle day differ by no more than allowed."""
    if problem.balance_min is None or not decision.days:
        return True
    duties = [day_duty(problem, day) for day in decision.days]
    return max(duties) - min(duties) <= problem.balance_min + BALANCE_TOLERANCE


def answer_of(
    problem: RoutingProblem,
    decision: RoutingDecision,
    engine: str,
    limits: RoutingLimits,
    *,
    bound: float | None = None,
    is_cut: bool = False,
) -> RoutingAnswer:
    """Return a decision with its report, or no decision if it breaks a rule (an engine's rounding or approximation)."""
    if not keeps_rules(problem, decision):
        return nothing_found(engine, limits)
    cost = decision_cost(problem, decision)
    lower = None if bound is None else min(bound, cost)
    is_proved = lower is not None and cost - lower <= OPTIMALITY_TOLERANCE * max(abs(cost), 1e-12)
    note = "routing_note_cut_by_clock" if is_cut else ("" if lower is not None else "routing_note_no_bound")
    report = SolveReport(
        "optimal" if is_proved else "feasible",
        cost,
        lower,
        engine,
        limits.seed,
        limit_figures(limits),
        "" if is_proved else note,
    )
    return RoutingAnswer(decision, report)


def nothing_found(engine: str, limits: RoutingLimits) -> RoutingAnswer:
    """Return the answer of a search that found no decision keeping every rule."""
    report = SolveReport(
        "unknown", None, None, engine, limits.seed, limit_figures(limits), "routing_note_nothing_found"
    )
    return RoutingAnswer(None, report)


def limit_figures(limits: RoutingLimits) -> dict[str, float]:
    """Return the limits in force; the clock only where there is one."""
    figures: dict[str, float] = {"iterations": limits.iterations}
    if math.isfinite(limits.seconds):
        figures["time_limit_s"] = limits.seconds
    return figures
