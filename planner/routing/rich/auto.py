"""Which engine solves a rich routing problem, and why: exact where it can prove, PyVRP where it can express, OR-Tools else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.routing.rich.answers import answer_of
from planner.routing.rich.compose import ComposedEngine
from planner.routing.rich.electric import ElectricEngine
from planner.routing.rich.engine import Refusal, RichEngine, RoutingAnswer, RoutingLimits
from planner.routing.rich.ortools_engine import OrToolsRichEngine

#: Name of the answer that only scores a given plan.
FIXED = "fixed plan"


def engines() -> tuple[RichEngine, ...]:
    """Return the engines in the order they are asked."""
    return (ComposedEngine(), ElectricEngine(), OrToolsRichEngine())


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
    answer: RoutingAnswer | None = None
    for engine in among or engines():
        reasons = engine.refuses(problem)
        if reasons:
            refused.append((engine.name, reasons))
            continue
        answer = engine.solve(problem, limits, start=start)
        if answer.decision is not None:
            break
        refused.append((engine.name, (Refusal("routing_refused_nothing_found"),)))
    return _explained(_or_start(problem, answer, start, limits), refused)


def score_decision(problem: RoutingProblem, decision: RoutingDecision) -> RoutingAnswer:
    """Return a given plan with its cost, without optimising; no decision if it breaks a rule."""
    answer = answer_of(problem, decision, FIXED, RoutingLimits(iterations=0))
    return replace(answer, why_key="routing_why_fixed")


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
