"""Rules on what the engines say about themselves: bounds below objectives, objectives that can be recomputed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from geodata.messages import Message
from planner.plan import Plan
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.verification.facts import Facts
from planner.verification.measures import Trip, differs, is_more
from planner.verification.money import ROUTE_TIERS, transport_day, trip_run

_ANSWERED = ("optimal", "feasible")


def check_statements(facts: Facts, plan: Plan, trips: Sequence[Trip]) -> Iterator[Message]:
    """Yield a message for every report that contradicts itself or the recomputed figures."""
    routing = plan.routing
    named = [("siting", plan.siting.report), ("routing", routing.report), *sorted(routing.reports.items())]
    for name, report in named:
        yield from _report(name, report)
    yield from _objectives(facts, plan, trips)
    yield from _total(facts, plan, trips)


def _report(name: str, report: SolveReport) -> Iterator[Message]:
    if report.status not in _ANSWERED or report.objective is None:
        yield Message("check_no_answer", {"name": name, "status": report.status})
        return
    if report.bound is not None and is_more(report.bound, report.objective):
        yield Message("check_bound", {"name": name, "bound": report.bound, "objective": report.objective})
    if report.status == "optimal" and (report.gap is None or report.gap > OPTIMALITY_TOLERANCE):
        yield Message("check_not_proved", {"name": name})


def _objectives(facts: Facts, plan: Plan, trips: Sequence[Trip]) -> Iterator[Message]:
    runs: dict[str, list[float]] = {}
    for trip in trips:
        runs.setdefault(trip.route.depot_id, []).append(trip_run(trip, facts.parameters) * trip.runs_per_day)
    for depot in sorted(set(runs) - set(plan.routing.reports)):
        yield Message("check_depot_without_report", {"depot": depot})
    for depot, report in sorted(plan.routing.reports.items()):
        found = math.fsum(runs.get(depot, []))
        if report.objective is not None and differs(found, report.objective):
            yield Message("check_round_cost", {"depot": depot, "found": found, "stated": report.objective})


def _total(facts: Facts, plan: Plan, trips: Sequence[Trip]) -> Iterator[Message]:
    """Compare the total, and the sum of the depots, with what the plan pays for transport: its two cost lines."""
    stated, parts = plan.routing.report, plan.routing.reports.values()
    paid = math.fsum(transport_day(trips, tier, facts.parameters) for tier in ROUTE_TIERS)
    added = math.fsum(report.objective for report in parts if report.objective is not None)
    totals = [added] if stated.objective is None else [stated.objective, added]
    wrong = [total for total in totals if differs(total, paid)]
    if wrong:
        yield Message("check_transport_total", {"found": paid, "stated": wrong[0]})
    if stated.status == "optimal" and any(report.status != "optimal" for report in parts):
        yield Message("check_not_proved", {"name": "routing"})
