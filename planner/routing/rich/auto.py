"""Which engine solves a rich routing problem, and why: exact where it can prove, PyVRP where it can express, OR-Tools else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.reports import OPTIMALITY_TOLERANCE
from planner.routing.rich.answers import answer_of
from planner.routing.rich.bounds import lower_bound
from planner.routing.rich.compose import ComposedEngine
from planner.routing.rich.easier import decision_of_easier, easier_problem
from planner.routing.rich.electric import ElectricEngine
from planner.routing.rich.engine import Refusal, RichEngine, RoutingAnswer, RoutingLimits
from planner.routing.rich.exact_engine import ExactRichEngine
from planner.routing.rich.insertion import with_left_out_served
from planner.routing.rich.large import LargeEngine
from planner.routing.rich.ortools_engine import OrToolsRichEngine
from planner.routing.rich.schedule import decision_cost

#: Name of the answer that only scores a given plan.
FIXED = "fixed plan"
#: Proved share above the bound at which the easier problem's decision is not searched further.
NEAR_ENOUGH = 0.005


def engines() -> tuple[RichEngine, ...]:
    """Return the engines in the order they are asked."""
    return (ExactRichEngine(), ComposedEngine(), LargeEngine(), ElectricEngine(), OrToolsRichEngine())


def solve_routing(
    problem: RoutingProblem,
    limits: RoutingLimits | None = None,
    *,
    start: RoutingDecision | None = None,
    among: Sequence[RichEngine] | None = None,
) -> RoutingAnswer:
    """Solve with the first engine that takes the problem and finds a decision.

    Parameters
    ----------
    problem
        What to solve.
    limits
        When to stop.
    start
        Today's routes, to begin from; they are kept if nothing cheaper is found.
    among
        Engines in the order they are asked; None: all.
    """
    limits = limits or RoutingLimits()
    refused: list[tuple[str, tuple[Refusal, ...]]] = []
    answer = _of_easier(problem, limits) if among is None else None
    if answer is not None and answer.decision is not None:
        if answer.report.gap is not None and answer.report.gap <= NEAR_ENOUGH:
            return replace(answer, why_key="routing_why_easier", why_params={"engine": answer.report.engine})
        start = start or answer.decision
    for engine in among or engines():
        reasons = engine.refuses(problem)
        if reasons:
            refused.append((engine.name, reasons))
            continue
        answer = _better(answer, engine.solve(problem, limits, start=start))
        if answer.report.status in ("optimal", "infeasible"):
            break
        if answer.decision is not None and not isinstance(engine, ExactRichEngine):
            break  # the exact engine gives a bound where it cannot prove; another may find more
        refused.append((engine.name, (Refusal("routing_refused_nothing_found"),)))
    answer = _complete(problem, _or_start(problem, answer, start, limits))
    return _explained(_bounded(problem, answer), refused)


def _of_easier(problem: RoutingProblem, limits: RoutingLimits) -> RoutingAnswer | None:
    """Return the answer of the problem without the rules that seldom bind: a bound, and a decision if it keeps them."""
    easier = easier_problem(problem)
    if easier is None:
        return None
    answer = solve_routing(easier, limits)
    if answer.decision is None or answer.report.status == "infeasible":
        return None
    decision = decision_of_easier(problem, answer.decision)
    if decision is None:
        return replace(answer, decision=None, report=replace(answer.report, status="unknown", objective=None))
    cost = decision_cost(problem, decision)
    bound = None if answer.report.bound is None else min(answer.report.bound, cost)
    is_proved = bound is not None and cost - bound <= OPTIMALITY_TOLERANCE * max(1.0, abs(cost))
    report = replace(answer.report, status="optimal" if is_proved else "feasible", objective=cost, bound=bound)
    return replace(answer, decision=decision, report=report)


def _complete(problem: RoutingProblem, answer: RoutingAnswer | None) -> RoutingAnswer | None:
    """Serve what the search left out although serving it costs less."""
    if answer is None or answer.decision is None or answer.report.status == "optimal":
        return answer
    decision = with_left_out_served(problem, answer.decision)
    if decision is answer.decision:
        return answer
    cost = decision_cost(problem, decision)
    bound = None if answer.report.bound is None else min(answer.report.bound, cost)
    return replace(answer, decision=decision, report=replace(answer.report, objective=cost, bound=bound))


def _better(before: RoutingAnswer | None, new: RoutingAnswer) -> RoutingAnswer:
    """Return the cheaper answer with the better bound of the two."""
    if before is None or (before.decision is None and before.report.bound is None):
        return new
    chosen = new
    if before.report.objective is not None and before.report.objective <= (new.report.objective or math.inf):
        chosen = before
    bounds = [b for b in (before.report.bound, new.report.bound) if b is not None]
    if not bounds or chosen.report.objective is None:
        return chosen
    note = "" if chosen.report.note_key == "routing_note_no_bound" else chosen.report.note_key
    report = replace(chosen.report, bound=min(max(bounds), chosen.report.objective), note_key=note)
    return replace(chosen, report=report)


def _bounded(problem: RoutingProblem, answer: RoutingAnswer | None) -> RoutingAnswer | None:
    """Give an answer without a bound that of a relaxation, if there is one."""
    if answer is None or answer.decision is None or answer.report.bound is not None:
        return answer
    bound = lower_bound(problem).cny
    if bound is None or answer.report.objective is None:
        return answer
    note = "" if answer.report.note_key == "routing_note_no_bound" else answer.report.note_key
    report = replace(answer.report, bound=min(bound, answer.report.objective), note_key=note)
    is_proved = report.gap is not None and report.gap <= OPTIMALITY_TOLERANCE
    return replace(answer, report=replace(report, status="optimal") if is_proved else report)


def score_decision(problem: RoutingProblem, decision: RoutingDecision) -> RoutingAnswer:
    """Return a given plan with its cost, without optimising; no decision if it breaks a rule."""
    answer = answer_of(problem, decision, FIXED, RoutingLimits(iterations=0))
    return replace(_bounded(problem, answer) or answer, why_key="routing_why_fixed")


def _or_start(
    problem: RoutingProblem, answer: RoutingAnswer | None, start: RoutingDecision | None, limits: RoutingLimits
) -> RoutingAnswer | None:
    """Keep today's routes where the search found nothing cheaper."""
    if start is None:
        return answer
    today = answer_of(problem, start, FIXED, limits)
    if today.decision is None:
        return answer
    if answer is None or answer.report.objective is None:
        return today
    is_cheaper = answer.report.objective <= (today.report.objective or 0.0)
    return (
        answer
        if is_cheaper
        else replace(today, report=replace(today.report, bound=answer.report.bound, status="feasible"))
    )


def _explained(answer: RoutingAnswer | None, refused: list[tuple[str, tuple[Refusal, ...]]]) -> RoutingAnswer:
    if answer is None:
        answer = answer_of_nothing()
    if not refused:
        return replace(answer, why_key="routing_why_first", why_params={"engine": answer.report.engine})
    reasons = [reason.key for _, own in refused for reason in own]
    figures = {"engine": answer.report.engine, "refused": refused[0][0], "reason_key": reasons[0]}
    return replace(answer, why_key="routing_why_refused", why_params=figures)


def answer_of_nothing() -> RoutingAnswer:
    """Return the answer where no engine takes the problem."""
    from planner.routing.rich.answers import nothing_found  # noqa: PLC0415

    return nothing_found("", RoutingLimits(iterations=0))
