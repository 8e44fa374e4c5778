"""The independent checker: recomputes feasibility, costs and KPIs of a plan from inputs and decisions.

It shares no code with the engines or with `planner.costs`, so that a mistake there cannot hide itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from geodata.errors import VerificationError
from geodata.messages import Message
from planner.kpis import compute_kpis
from planner.plan import CostLine, Plan, PlanProblem, VerifiedPlan
from planner.verification.facts import Facts, gather
from planner.verification.figures import check_figures, check_signs
from planner.verification.measures import drive
from planner.verification.money import cost_lines, investment_cny
from planner.verification.references import check_references
from planner.verification.rounds import check_rounds
from planner.verification.service import check_service, missed_standard
from planner.verification.sites import check_sites
from planner.verification.statements import check_statements
from planner.verification.trips import check_fleet, check_trips


def violations(problem: PlanProblem, plan: Plan) -> tuple[Message, ...]:
    """Return every rule of the model (docs/model.md, sections 2 to 4) that `plan` breaks; empty for a sound plan.

    Names that do not exist and figures that make costs meaningless are reported alone, because no other rule can be
    evaluated on them.
    """
    facts = gather(problem)
    broken = (*check_figures(problem, facts), *check_references(problem, facts, plan))
    return broken or tuple(_all_rules(problem, facts, plan))


def _all_rules(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    trips = drive(problem, facts, plan.routing.routes)
    yield from check_sites(problem, facts, plan)
    yield from check_service(problem, facts, plan)
    yield from check_rounds(problem, facts, plan)
    yield from check_trips(trips)
    yield from check_fleet(facts, trips)
    yield from check_signs(facts, plan, trips)
    yield from check_statements(facts, plan, trips)


def missed_parts(problem: PlanProblem, plan: Plan) -> tuple[Message, ...]:
    """Return the parts of the service standard `plan` does not reach; the rest of the plan need not be sound."""
    return tuple(missed_standard(problem, gather(problem), plan))


def recompute_costs(problem: PlanProblem, plan: Plan) -> tuple[CostLine, ...]:
    """Return the cost lines of `plan` (docs/model.md, section 5), recomputed from inputs and decisions."""
    facts = gather(problem)
    return cost_lines(facts, plan, drive(problem, facts, plan.routing.routes))


def verify(problem: PlanProblem, plan: Plan) -> VerifiedPlan:
    """Check `plan` and return it with costs, investment and KPIs.

    Parameters
    ----------
    problem
        Input: county, travel times, standard and settings.
    plan
        Decisions of the engines.

    Returns
    -------
    VerifiedPlan
        The plan with everything recomputed: cost lines in CNY a day, their sum, the investment in CNY, all KPIs.

    Raises
    ------
    VerificationError
        If any rule is broken; `violations` holds every broken rule.
    """
    broken = violations(problem, plan)
    if broken:
        raise VerificationError(Message("plan_refused", {"count": len(broken)}), broken)
    costs = recompute_costs(problem, plan)
    return VerifiedPlan(
        plan=plan,
        costs=costs,
        cost_cny_per_day=math.fsum(line.cny_per_day for line in costs),
        investment_cny=investment_cny(gather(problem), plan),
        kpis=compute_kpis(problem, plan, costs),
    )
