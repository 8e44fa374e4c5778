"""What the next step of money or of the standard does to the three-tier plan: shadow prices by solving again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.siting.instance import build_instance
from planner.siting.result import SitingResult
from scenarios.studies.options import Options
from scenarios.studies.plan_changes import cost_of, lower_bound, solved, with_budget, with_limits
from scenarios.studies.shown import percent, rounded
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyTable

_COLUMNS = (
    StudyColumn("shadow_step", "message"),
    StudyColumn("plan_cost_cny_per_day", "number"),
    StudyColumn("change_cny_per_day", "number"),
    StudyColumn("investment_cny", "cny"),
    StudyColumn("villages_served", "count"),
    StudyColumn("villages_more", "number"),
    StudyColumn("status", "label"),
)
#: Steps of the search for the highest share of people a budget buys.
_HALVINGS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One changed plan; `found` None: there is none."""

    what: Message
    found: SitingResult | None


def answer_plan_shadow(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what the standard costs one step up and down, and how many villages more money buys."""
    options = Options(given.options)
    problem = with_limits(given.problem, given.limits, least_gap=options.figure("gap"))
    base = given.verified.plan.siting
    again = solved(problem, listener)
    base = base if again is None or cost_of(base) <= cost_of(again) else again
    steps = [Step(Message("study_shadow_plan"), base), *_standard_steps(problem, options, listener)]
    bought = _budget_steps(problem, options, base, listener)
    steps += bought
    rows = tuple(_row(problem, step, base) for step in steps)
    return Study(
        name=given.name,
        kind="plan_shadow",
        report=None,
        answer=(*_budget_sentence(options, base, bought), *_standard_sentences(steps, base)),
        figures=_figures(problem, steps, base),
        tables=(StudyTable("table_study_shadow", _COLUMNS, rows),),
        assumptions=(Message("study_assumption_plan"),),
    )


def _standard_steps(problem: PlanProblem, options: Options, listener: ProgressListener) -> list[Step]:
    """Return the plan with each part of the standard one step higher, where it can be raised."""
    step = options.figure("standard_step_share")
    standard, steps = problem.standard, []
    for name in ("population_share", "village_point_share"):
        now = float(getattr(standard, name))
        higher = min(1.0, now + step)
        if higher > now:
            changed: dict[str, Any] = {name: higher}
            raised = replace(problem, standard=replace(standard, **changed))
            told = {"now": percent(now), "then": percent(higher)}
            steps.append(Step(Message(f"study_shadow_{name}", told), solved(raised, listener)))
    if standard.visits_per_week < 7:  # noqa: PLR2004 - days of a week
        visits = standard.visits_per_week
        raised = replace(problem, standard=replace(standard, visits_per_week=visits + 1))
        told_visits = {"now": visits, "then": visits + 1}
        steps.append(Step(Message("study_shadow_visits", told_visits), solved(raised, listener)))
    return steps


def plan_investment(problem: PlanProblem, found: SitingResult) -> float:
    """Return what the sites of a plan cost once: capex of new ones and closings."""
    instance = build_instance(problem)
    opened = set(found.open_ids)
    total = instance.shut_investment_cny
    for sites in instance.tiers:
        for i, name in enumerate(sites.ids):
            spent = sites.open_investment_cny[i] if name in opened else sites.closed_investment_cny[i]
            total += float(spent)
    return total


def _budget_steps(problem: PlanProblem, options: Options, base: SitingResult, listener: ProgressListener) -> list[Step]:
    """Return the plans with most people covered for what is spent now, and for one step of money more.

    Least cost serves no more than the standard asks, so money buys villages only by a higher standard: the greatest
    share of villages served that a budget allows is searched by halving.
    """
    spent = plan_investment(problem, base)
    now = problem.siting.budget_cny if problem.siting.budget_cny is not None else spent
    steps = []
    for extra in (0.0, options.figure("budget_step_cny")):
        told = {"budget": round(now + extra), "extra": round(extra)}
        found = _most_villages(with_budget(problem, now + extra), base, listener)
        steps.append(Step(Message("study_shadow_budget", told), found))
    return steps


def _most_villages(problem: PlanProblem, base: SitingResult, listener: ProgressListener) -> SitingResult | None:
    """Return the plan with the most villages served that was found within the budget."""
    count = len(problem.county.villages)
    low, high = _villages(base), count
    best: SitingResult | None = None
    for _ in range(_HALVINGS):
        if low > high:
            break
        middle = high if best is None else (low + high + 1) // 2
        standard = replace(problem.standard, village_served_share=middle / count)
        found = solved(replace(problem, standard=standard), listener)
        if found is None:
            high = middle - 1
            best = best or (base if plan_investment(problem, base) <= (problem.siting.budget_cny or 0.0) else best)
        else:
            best, low = found, middle
            if middle == high:
                break
    return best


def _villages(found: SitingResult) -> int:
    return len(found.point_of_village)


def _row(problem: PlanProblem, step: Step, base: SitingResult) -> tuple[Cell, ...]:
    if step.found is None:
        return (step.what, None, None, None, None, None, "shadow_no_plan")
    return (
        step.what,
        cost_of(step.found),
        cost_of(step.found) - cost_of(base),
        plan_investment(problem, step.found),
        _villages(step.found),
        _villages(step.found) - _villages(base),
        f"shadow_{step.found.report.status}",
    )


def _budget_sentence(options: Options, base: SitingResult, bought: list[Step]) -> tuple[Message, ...]:
    first, second = bought[0].found, bought[-1].found
    if second is None:
        return (Message("study_shadow_buys_nothing", {"step": round(options.figure("budget_step_cny"))}),)
    before = _villages(first) if first is not None else _villages(base)
    told = {
        "step": round(options.figure("budget_step_cny")),
        "villages": max(0, _villages(second) - before),
        "cost": rounded(max(0.0, cost_of(second) - cost_of(first if first is not None else base))),
    }
    return (Message("study_answer_plan_shadow", told),)


def _standard_sentences(steps: list[Step], base: SitingResult) -> list[Message]:
    said = []
    for step in steps:
        if not step.what.key.startswith(("study_shadow_population", "study_shadow_village", "study_shadow_visits")):
            continue
        if step.found is None:
            said.append(Message(f"{step.what.key}_none", step.what.params))
        else:
            least = max(0.0, lower_bound(step.found) - cost_of(base))
            told = {"cny": rounded(cost_of(step.found) - cost_of(base)), "least": rounded(least)}
            said.append(Message(f"{step.what.key}_costs", {**step.what.params, **told}))
    return said


def _figures(problem: PlanProblem, steps: list[Step], base: SitingResult) -> dict[str, Cell]:
    return {
        "plan_cost_cny_per_day": cost_of(base),
        "investment_cny": plan_investment(problem, base),
        "villages_served": _villages(base),
        "plans_solved": len(steps),
    }


KINDS = (
    StudyKind(
        "plan_shadow",
        (
            StudyOption("budget_step_cny", "number", 100_000.0, above=0),
            StudyOption("standard_step_share", "number", 0.02, above=0, high=1),
            StudyOption("gap", "number", 0.01, low=0, high=1),
        ),
        answer_plan_shadow,
    ),
)
