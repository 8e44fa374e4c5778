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
from scenarios.studies.plan_changes import cost_of, lower_bound, reference_plan, solved, with_budget, with_limits
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
#: Relative slack of a budget, as the siting model keeps it.
_MONEY_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """One changed plan.

    Attributes
    ----------
    what
        What was changed.
    found
        The best plan found; None: none was found.
    is_none_proved
        Whether it is proved that there is none.
    """

    what: Message
    found: SitingResult | None
    is_none_proved: bool = False

    @property
    def none_key(self) -> str:
        """Return the ending of the keys that say that no plan was found, proved or not."""
        return "none_proved" if self.is_none_proved else "none"


def answer_plan_shadow(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what the standard costs one step up and down, and how many villages more money buys."""
    options = Options(given.options)
    problem = with_limits(given.problem, given.limits, least_gap=options.figure("gap"))
    base = reference_plan(problem, given.verified.plan.siting, listener)
    steps = [Step(Message("study_shadow_plan"), base), *_standard_steps(problem, options, listener)]
    bought = _budget_steps(problem, options, base, listener)
    steps += bought
    rows = tuple(_row(problem, step, base) for step in steps)
    return Study(
        name=given.name,
        kind="plan_shadow",
        report=None,
        answer=(*_budget_sentence(problem, options, base, bought), *_standard_sentences(steps, base)),
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
            steps.append(_step(Message(f"study_shadow_{name}", told), raised, listener))
    if standard.visits_per_week < 7:  # noqa: PLR2004 - days of a week
        visits = standard.visits_per_week
        raised = replace(problem, standard=replace(standard, visits_per_week=visits + 1))
        told_visits = {"now": visits, "then": visits + 1}
        steps.append(_step(Message("study_shadow_visits", told_visits), raised, listener))
    return steps


def _step(what: Message, changed: PlanProblem, listener: ProgressListener) -> Step:
    tried = solved(changed, listener)
    return Step(what, tried.plan, tried.is_none_proved)


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
    steps: list[Step] = []
    for extra in (0.0, options.figure("budget_step_cny")):
        told = {"budget": round(now + extra), "extra": round(extra)}
        known = next((step.found for step in reversed(steps) if step.found is not None), base)
        found, is_none_proved = _most_villages(with_budget(problem, now + extra), known, listener)
        steps.append(Step(Message("study_shadow_budget", told), found, is_none_proved))
    return steps


def _most_villages(
    problem: PlanProblem, known: SitingResult, listener: ProgressListener
) -> tuple[SitingResult | None, bool]:
    """Return the plan with the most villages served that was found within the budget; without, whether none is proved.

    A known plan within the budget is the start: only more villages than it serves are asked for.
    """
    count, budget = len(problem.county.villages), problem.siting.budget_cny or 0.0
    best = known
    if plan_investment(problem, known) > budget * (1.0 + _MONEY_TOLERANCE):
        tried = solved(problem, listener)
        if tried.plan is None:
            return None, tried.is_none_proved
        best = tried.plan
    low, high = _villages(best), count
    for _ in range(_HALVINGS):
        if low >= high:
            break
        middle = high if high == count else (low + high + 1) // 2
        standard = replace(
            problem.standard, village_served_share=max(problem.standard.village_served_share, middle / count)
        )
        tried = solved(replace(problem, standard=standard), listener)
        if tried.plan is None:
            high = middle - 1
        else:
            best, low = tried.plan, max(middle, _villages(tried.plan))
    return best, False


def _villages(found: SitingResult) -> int:
    return len(found.point_of_village)


def _row(problem: PlanProblem, step: Step, base: SitingResult) -> tuple[Cell, ...]:
    if step.found is None:
        return (step.what, None, None, None, None, None, f"shadow_{step.none_key}")
    return (
        step.what,
        cost_of(step.found),
        cost_of(step.found) - cost_of(base),
        plan_investment(problem, step.found),
        _villages(step.found),
        _villages(step.found) - _villages(base),
        f"shadow_{step.found.report.status}",
    )


def _budget_sentence(
    problem: PlanProblem, options: Options, base: SitingResult, bought: list[Step]
) -> tuple[Message, ...]:
    first, second = bought[0].found, bought[-1].found
    step, count = round(options.figure("budget_step_cny")), len(problem.county.villages)
    if second is None:
        return (Message(f"study_shadow_buys_{bought[-1].none_key}", {"step": step}),)
    before = _villages(first) if first is not None else _villages(base)
    if before == count:
        return (Message("study_shadow_all_served", {"step": step, "villages": count}),)
    told = {
        "step": step,
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
            said.append(Message(f"{step.what.key}_{step.none_key}", step.what.params))
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
