"""Questions around one siting model: other plans as good, what each site is worth, what the next step buys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geodata.errors import UsageError
from geodata.messages import Message
from planner.progress import ProgressListener
from planner.siting.alternatives import Alternatives, find_alternatives
from planner.siting.importance import SiteImportance, site_importance
from planner.siting.registry_options import OPTIONS
from planner.siting.selection import SiteSelection
from planner.siting.shadow import ShadowPrice, Step, default_steps, shadow_prices
from scenarios.studies.county_problem import CountyProblem
from scenarios.studies.models import COVERAGE, MAXIMISING, Solved, model_county, site_money, solve_study
from scenarios.studies.models import KINDS as MODEL_KINDS
from scenarios.studies.options import Options
from scenarios.studies.shown import map_places, percent, rounded, status_message
from scenarios.studies.study import (
    Cell,
    Study,
    StudyChart,
    StudyColumn,
    StudyInput,
    StudyKind,
    StudyOption,
    StudyPlace,
    StudySeries,
    StudyTable,
)


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """A solved question, and what is asked around it."""

    given: StudyInput
    options: Options
    solved: Solved
    listener: ProgressListener

    @property
    def county(self) -> CountyProblem:
        """The county as a siting problem."""
        return self.solved.county

    def site_name(self, j: int) -> str:
        """Return a site's name."""
        return self.county.sites[j].name


def _around(given: StudyInput, listener: ProgressListener) -> Around:
    model = str(given.options["model"])
    allowed = {o.key for kind in MODEL_KINDS if kind.kind == model for o in kind.options}
    own = {key: value for key, value in given.options.items() if key in allowed}
    inner = StudyInput(given.name, given.problem, given.verified, own, given.limits)
    county = model_county(inner, model)
    solved = solve_study(given.name, model, county, own, limits=given.limits, listener=listener)
    return Around(given, Options(given.options), solved, listener)


def _value(around: Around, found: SiteSelection) -> float:
    """Return the objective as people read it: coverage and least distance count upwards."""
    value = float(found.report.objective or 0.0)
    return -value if around.solved.model in MAXIMISING else value


def _value_column(around: Around) -> StudyColumn:
    model = around.solved.model
    if model in COVERAGE[::2]:
        return StudyColumn(f"covered_{around.county.weight}", "number")
    return StudyColumn(f"objective_{model}", "number")


def answer_alternatives(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer which other plans are nearly as good, and which sites are right in nearly all."""
    around = _around(given, listener)
    solved, options = around.solved, around.options
    found = find_alternatives(
        solved.model,
        solved.county.siting,
        count=options.whole("count") or 1,
        within=options.figure("within_share"),
        limits=given.limits,
        listener=listener,
        **solved.options,
    )
    share = options.figure("no_regret_share")
    sure = found.no_regret(share)
    plans = [found.best, *(alternative.plan for alternative in found.plans)]
    names = ", ".join(around.site_name(j) for j in sure[:8]) + ("…" if len(sure) > 8 else "")  # noqa: PLR2004 - a line
    told = {
        "count": len(found.plans),
        "within": percent(options.figure("within_share")),
        "sites": len(found.best.open_sites),
        "sure": len(sure),
        "share": percent(share),
    }
    answer = [Message("study_answer_alternatives", told)]
    if sure:
        answer.append(Message("study_alternatives_sure", {"names": names}))
    answer.append(Message("study_alternatives_all" if found.is_complete else "study_alternatives_more"))
    return Study(
        name=given.name,
        kind="alternatives",
        report=found.best.report,
        answer=(*answer, status_message(found.best.report)),
        figures={
            "plans_found": len(plans),
            "no_regret_sites": len(sure),
            "open_sites": len(found.best.open_sites),
        },
        tables=(_plan_table(around, found), _side_by_side(around, plans, found), _no_regret_table(around, found, sure)),
        places=_share_places(around, found),
    )


def _plan_table(around: Around, found: Alternatives) -> StudyTable:
    columns = (
        StudyColumn("plan_number", "count"),
        _value_column(around),
        StudyColumn("worse_share", "share"),
        StudyColumn("open_sites", "count"),
        StudyColumn("differs_by_sites", "count"),
        StudyColumn("investment_cny", "cny"),
        StudyColumn("most_different", "label"),
    )
    best = float(found.best.report.objective or 0.0)
    rows: list[tuple[Cell, ...]] = []
    for number, plan in enumerate((found.best, *(a.plan for a in found.plans))):
        worse = (float(plan.report.objective or 0.0) - best) / max(abs(best), 1e-12)
        other = found.plans[number - 1] if number else None
        told = "plan_best" if other is None else "plan_proved" if other.is_proved else "plan_found"
        apart = 0 if other is None else other.differs_by
        once = site_money(around.county, plan)[0]
        rows.append((number + 1, _value(around, plan), worse, len(plan.open_sites), apart, once, told))
    return StudyTable("table_study_plans", columns, tuple(rows))


def _side_by_side(around: Around, plans: list[SiteSelection], found: Alternatives) -> StudyTable:
    """Return sites as rows: in how many plans each is open, and in which."""
    columns = (
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn("plan_share", "share"),
        StudyColumn("in_plans"),
    )
    rows = []
    for j, share in sorted(found.site_share.items(), key=lambda item: (-item[1], item[0])):
        members = " ".join("●" if j in plan.open_sites else "○" for plan in plans)
        rows.append((around.county.sites[j].place_id, around.site_name(j), share, members))
    return StudyTable("table_study_side_by_side", columns, tuple(rows))


def _no_regret_table(around: Around, found: Alternatives, sure: tuple[int, ...]) -> StudyTable:
    columns = (StudyColumn("facility_id"), StudyColumn("name"), StudyColumn("plan_share", "share"))
    rows = tuple((around.county.sites[j].place_id, around.site_name(j), found.site_share[j]) for j in sure)
    return StudyTable("table_study_no_regret", columns, rows)


def _share_places(around: Around, found: Alternatives) -> tuple[StudyPlace, ...]:
    best = set(found.best.open_sites)
    shown = []
    for j, share in sorted(found.site_share.items()):
        site = around.county.sites[j]
        mark = "chosen" if j in best else "candidate"
        facts: dict[str, Cell] = {"plan_share": share}
        shown.append(StudyPlace(site.place_id, site.name, site.lon, site.lat, mark, facts))  # type: ignore[arg-type]
    return tuple(shown)


def answer_importance(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what each chosen site is worth; the most loaded `sites_count` are looked at."""
    around = _around(given, listener)
    solved = around.solved
    loads = np.zeros(solved.county.siting.site_count)
    for i, parts in solved.found.allocation.items():
        for j, share in parts:
            loads[j] += share * solved.county.siting.weight[i]
    asked = sorted(solved.found.open_sites, key=lambda j: (-loads[j], j))[: around.options.whole("sites_count")]
    items = site_importance(
        solved.model,
        solved.county.siting,
        solved.found,
        sites=sorted(asked),
        limits=given.limits,
        listener=listener,
        **solved.options,
    )
    columns = (
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn(f"served_{solved.county.weight}", "number"),
        StudyColumn("site_fate", "label"),
        StudyColumn(_loss_key(around), "number"),
        StudyColumn("loss_at_least", "number"),
        StudyColumn("loss_at_most", "number"),
        StudyColumn("replaced_by"),
    )
    rows = tuple(_importance_row(around, item, float(loads[item.site])) for item in items)
    bars = tuple((float(k + 1), float(item.loss)) for k, item in enumerate(items) if item.loss is not None)
    series = (StudySeries(_loss_key(around), bars),)
    chart = StudyChart("chart_study_importance", "bar", "site_rank", _loss_key(around), series)
    return Study(
        name=given.name,
        kind="importance",
        report=solved.found.report,
        answer=(*_importance_sentences(around, items), status_message(solved.found.report)),
        figures={
            "sites_looked_at": len(items),
            "sites_needed": sum(item.fate == "irreplaceable" for item in items),
        },
        tables=(StudyTable("table_study_importance", columns, rows),),
        charts=(chart,) if bars else (),
        places=map_places(solved.county, solved.found),
    )


def _loss_key(around: Around) -> str:
    model = around.solved.model
    return f"loss_{around.county.weight}" if model in COVERAGE[::2] else f"loss_{model}"


def _importance_row(around: Around, item: SiteImportance, load: float) -> tuple[Cell, ...]:
    place = around.county.sites[item.site]
    instead = ", ".join(around.site_name(j) for j in item.instead[:3])
    return (
        place.place_id,
        place.name,
        load,
        f"fate_{item.fate}",
        item.loss,
        item.loss_low,
        item.loss_high,
        instead,
    )


def _importance_sentences(around: Around, items: tuple[SiteImportance, ...]) -> list[Message]:
    said = []
    if items:
        first = items[0]
        told = {"name": around.site_name(first.site), "loss": rounded(first.loss or 0.0)}
        weight = around.county.weight if around.solved.model in COVERAGE[::2] else "objective"
        key = "study_answer_importance_needed" if first.fate == "irreplaceable" else f"study_answer_importance_{weight}"
        said.append(Message(key, told))
    told_all = {"count": len(items), "all": len(around.solved.found.open_sites)}
    return [*said, Message("study_importance_looked", told_all)]


def answer_shadow(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what one step more of money, sites, room or radius buys.

    Raises
    ------
    UsageError
        If nothing is limited, so that no step means anything.
    """
    around = _around(given, listener)
    solved, options = around.solved, around.options
    steps = _steps(solved, options)
    if not steps:
        raise UsageError(Message("study_shadow_unlimited"))
    prices = shadow_prices(
        solved.model,
        solved.county.siting,
        steps=steps,
        best=solved.found,
        limits=given.limits,
        listener=listener,
        **solved.options,
    )
    columns = (
        StudyColumn("shadow_step", "message"),
        _value_column(around),
        StudyColumn("gain", "number"),
        StudyColumn("gain_at_least", "number"),
        StudyColumn("gain_at_most", "number"),
        StudyColumn("places_more", "number"),
        StudyColumn("opens"),
    )
    rows = tuple(_price_row(around, price) for price in prices)
    return Study(
        name=given.name,
        kind="shadow",
        report=solved.found.report,
        answer=(*(_price_sentence(around, price) for price in prices), status_message(solved.found.report)),
        figures={"steps_looked_at": len(prices), "open_sites": len(solved.found.open_sites)},
        tables=(StudyTable("table_study_shadow", columns, rows),),
        places=map_places(solved.county, solved.found),
    )


def _steps(solved: Solved, options: Options) -> tuple[Step, ...]:
    """Return the default steps with the study's own step of money, at most `steps_count` of them."""
    money = options.figure("budget_step_cny")
    steps = default_steps(solved.county.siting, solved.found, solved.options)
    named = [Step(s.what, money) if s.what.endswith("budget_cny") else s for s in steps]
    return tuple(named[: options.whole("steps_count")])


def _step_message(around: Around, step: Step) -> Message:
    amount = rounded(step.amount)
    if step.what == "capacity" and step.site is not None:
        return Message("study_step_capacity", {"amount": amount, "name": around.site_name(step.site)})
    told: dict[str, object] = {"amount": amount}
    if step.what == "radius":
        told["unit"] = around.county.unit
    return Message(f"study_step_{step.what}", told)


def _price_row(around: Around, price: ShadowPrice) -> tuple[Cell, ...]:
    opens = ", ".join(around.site_name(j) for j in price.opened[:3])
    value = _value(around, price.after)
    told = (_step_message(around, price.step), value, price.gain, price.gain_low, price.gain_high)
    return (*told, price.served_more, opens)


def _price_sentence(around: Around, price: ShadowPrice) -> Message:
    told: Mapping[str, Any] = {
        **_step_message(around, price.step).params,
        "gain": rounded(price.gain or 0.0),
        "places": price.served_more,
    }
    weight = around.county.weight if around.solved.model in COVERAGE[::2] else "objective"
    return Message(f"study_buys_{price.step.what}_{weight}", told)


def _shared_options() -> tuple[StudyOption, ...]:
    """Return the options of all models together, each once, with neutral defaults."""
    known: dict[str, StudyOption] = {}
    for kind in MODEL_KINDS:
        for option in kind.options:
            known.setdefault(option.key, option)
    return tuple(known.values())


_MODEL = StudyOption("model", "choice", "max_coverage", choices=tuple(OPTIONS))
_SHARED = _shared_options()
KINDS = (
    StudyKind(
        "alternatives",
        (
            _MODEL,
            StudyOption("count", "whole", 10, low=1, high=100),
            StudyOption("within_share", "number", 0.05, low=0, high=1),
            StudyOption("no_regret_share", "number", 0.9, above=0, high=1),
            *_SHARED,
        ),
        answer_alternatives,
    ),
    StudyKind(
        "importance",
        (_MODEL, StudyOption("sites_count", "whole", 10, low=1), *_SHARED),
        answer_importance,
    ),
    StudyKind(
        "shadow",
        (
            _MODEL,
            StudyOption("budget_step_cny", "number", 100_000.0, above=0),
            StudyOption("steps_count", "whole", 6, low=1),
            *_SHARED,
        ),
        answer_shadow,
    ),
)
