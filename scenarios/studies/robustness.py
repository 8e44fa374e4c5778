"""What breaks first, which sites are right whatever comes, and stations for many scenarios: the robustness study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from geodata.changes import SEASONS, CountyChanges, apply_changes
from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.robust.model import finite
from planner.robust.solve import Best, Held, Robust, RobustLimits, Robustness, Scenario, first_to_break, report_of
from planner.siting.instance import build_instance
from planner.siting.result import SitingResult
from scenarios.studies.options import Options
from scenarios.studies.shown import rounded, status_message
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

#: Word of a scenario → field of `CountyChanges`.
_WORDS = {
    "volume": "volume_factor",
    "outbound": "outbound_factor",
    "season": "season",
    "harvest": "harvest_month",
    "leave": "operators_leave",
    "bus": "bus_lines_cut",
    "road": "roads_closed",
    "close": "sites_closed",
}
_LISTS = ("leave", "bus", "road", "close")
_NUMBERS = ("volume", "outbound", "weight")
_USUAL = (
    "现状 as today",
    "增量三成 30 % more;volume=1.3",
    "减量三成 30 % less;volume=0.7",
    "春节 Spring Festival;season=spring_festival",
    "最大企业退出 largest operator leaves;leave=@largest",
    "主干道封闭 main road closed;road=@main",
)
_NODES = 60
_BREAK_ROWS = 30
_HELD = (
    StudyColumn("robust_scenario"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("sites_lost", "count"),
    StudyColumn("villages_relapse", "count"),
    StudyColumn("parts_missed", "count"),
    StudyColumn("plan_sites_cny_per_day", "cny"),
    StudyColumn("hold_cny_per_day", "cny"),
    StudyColumn("hold_investment_cny", "cny"),
    StudyColumn("sites_to_add", "count"),
    StudyColumn("known_best_cny_per_day", "cny"),
    StudyColumn("known_bound_cny_per_day", "cny"),
)
_BREAKS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("kind", "label"),
    StudyColumn("planned_day_parcels", "number"),
    StudyColumn("capacity_parcels_per_day", "number"),
    StudyColumn("full_at_times", "number"),
)
_RELAPSE = (
    StudyColumn("village_code"),
    StudyColumn("name"),
    StudyColumn("robust_scenario"),
    StudyColumn("reason", "message"),
)
_REGRET = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("kind", "label"),
    StudyColumn("decision", "label"),
    StudyColumn("plans_share", "share"),
)
_STAGES = (
    StudyColumn("robust_scenario"),
    StudyColumn("known_best_cny_per_day", "cny"),
    StudyColumn("two_stage_cny_per_day", "cny"),
    StudyColumn("least_regret_cny_per_day", "cny"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Everything found."""

    scenarios: tuple[Scenario, ...]
    held: tuple[Held, ...]
    best: tuple[Best, ...]
    stages: Robust | None
    regret: Robust | None
    plans: tuple[SitingResult, ...]
    breaks: tuple[tuple[str, float, float, float], ...]


def answer_robustness(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what breaks first, who relapses, what holding costs, and which stations do for all scenarios."""
    options = Options(given.options)
    scenarios = _scenarios(given, options)
    limits = RobustLimits(
        relative_gap=max(given.limits.relative_gap, options.figure("gap")),
        node_limit=min(given.limits.node_limit, _NODES),
        time_limit_s=given.limits.time_limit_s,
        seed=given.limits.seed,
    )
    plan = given.verified.plan.siting
    work = Robustness(scenarios, plan, limits, listener=listener)
    held = work.held()
    best = work.best()
    near = work.near_best(best[0].decision, options.whole("near_plans") or 0, options.figure("within_share"))
    answer = _Answer(
        scenarios,
        held,
        best,
        work.two_stage(best),
        work.least_regret(best),
        (plan, *near, *(one.siting for one in best if one.siting is not None)),
        first_to_break(build_instance(given.problem), plan),
    )
    return _Told(given, answer, limits, options.figure("no_regret_share")).study()


def _scenarios(given: StudyInput, options: Options) -> tuple[Scenario, ...]:
    texts = options.names("scenarios")
    problems: list[Problem] = []
    read = [_read(text, problems) for text in texts]
    if not texts:
        problems.append(Problem("error", "robust_no_scenarios", column="scenarios", value="[]"))
    if problems:
        raise InputError(Message("robust_refused", {"count": len(problems)}), problems)
    base = replace(given.problem, siting=replace(given.problem.siting, budget_cny=None))
    return tuple(
        Scenario(name, _same_centres(given, _changed(base, changes)), weight) for name, changes, weight in read
    )


def _read(text: str, problems: list[Problem]) -> tuple[str, CountyChanges, float]:
    """Read one scenario: its name, then what is different."""
    name, *parts = (part.strip() for part in text.split(";"))
    values: dict[str, Any] = {}
    weight = 1.0
    for part in parts:
        word, _, figure = part.partition("=")
        value = _value(word, figure)
        if value is None:
            known = {"known": ", ".join((*_WORDS, "weight"))}
            problems.append(Problem("error", "robust_scenario_form", column="scenarios", value=text, params=known))
        elif word == "weight":
            weight = value
        else:
            values[_WORDS[word]] = value
    return name, CountyChanges(**values), weight


def _value(word: str, figure: str) -> Any:
    try:
        if word in _NUMBERS:
            number = float(figure)
            return number if math.isfinite(number) and number > 0.0 else None
        if word == "harvest":
            return int(figure) if 1 <= int(figure) <= 12 else None  # noqa: PLR2004 - months
    except ValueError:
        return None
    if word == "season":
        return figure if figure in SEASONS else None
    return tuple(f.strip() for f in figure.split("|")) if word in _LISTS and figure else None


def _changed(base: PlanProblem, changes: CountyChanges) -> PlanProblem:
    county, cuts = apply_changes(base.county, changes)
    problem = replace(base, county=county)
    if changes.roads_closed:
        km = max(15.0, base.standard.allocation_km, base.standard.access_km)
        problem = replace(problem, travel=build_travel(county, access_cutoff_km=km, cuts=cuts).matrices)
    return problem


def _same_centres(given: StudyInput, problem: PlanProblem) -> PlanProblem:
    """Return a scenario without other centres than those of the plan, unless one of these is lost."""
    facilities = problem.county.facilities
    opened = set(given.verified.plan.siting.centre_of_station.values())
    is_centre = facilities["kind"] == "county_centre"
    usable = set(facilities.loc[is_centre & (facilities["lock"] != "closed"), "facility_id"])
    if not opened <= usable:
        return problem
    other = is_centre & ~facilities["facility_id"].isin(sorted(opened)) & (facilities["status"] == "candidate")
    locks = facilities["lock"].mask(other, "closed")
    return replace(problem, county=problem.county.replace(facilities=facilities.assign(lock=locks)))


class _Told:
    """What was found in the shape every output shows."""

    def __init__(self, given: StudyInput, answer: _Answer, limits: RobustLimits, share: float) -> None:
        self.given, self.answer, self.limits, self.share = given, answer, limits, share
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.villages = given.problem.county.villages.set_index("village_code")
        self.counts = Counter(site for plan in answer.plans for site in plan.open_ids)
        self.plan = set(given.verified.plan.siting.open_ids)

    def study(self) -> Study:
        """Return the study."""
        stages = self.answer.stages
        return Study(
            name=self.given.name,
            kind="robustness",
            report=None if stages is None else report_of(stages, self.limits),
            answer=self._answer(),
            figures=self._figures(),
            tables=self._tables(),
            charts=self._charts(),
            places=self._places(),
            assumptions=(Message("study_assumption_robust_fixed"), Message("study_assumption_robust_stages")),
        )

    def _named(self, site: str) -> str:
        return str(self.facilities.loc[site]["name"]) or site

    def _sure(self) -> list[str]:
        """Return the sites that stand in nearly all plans."""
        least = self.share * len(self.answer.plans) - 1e-9
        return sorted(site for site, count in self.counts.items() if count >= least and site in self.facilities.index)

    def _answer(self) -> tuple[Message, ...]:
        said = []
        worst = max(range(len(self.answer.held)), key=lambda k: (len(self.answer.held[k].relapsed), -k))
        count = len(self.answer.held[worst].relapsed)
        figures = {"scenario": self.answer.scenarios[worst].name, "count": count}
        said.append(Message("study_answer_robust" if count else "study_answer_robust_none", figures))
        if self.answer.breaks:
            site, load, capacity, times = self.answer.breaks[0]
            told = {"site": self._named(site), "load": rounded(load), "capacity": rounded(capacity)}
            said.append(Message("study_robust_breaks", {**told, "times": round(times, 2)}))
        for scenario, held in zip(self.answer.scenarios, self.answer.held, strict=True):
            if held.missed or held.relapsed:
                said.append(self._hold(scenario, held))
        new = sum(self.facilities.loc[s]["status"] == "candidate" for s in self._sure())
        said.append(
            Message(
                "study_robust_no_regret", {"count": len(self._sure()), "new": int(new), "plans": len(self.answer.plans)}
            )
        )
        said += self._stages()
        return tuple(said)

    def _hold(self, scenario: Scenario, held: Held) -> Message:
        if held.hold_cost is None:
            key = "study_robust_cannot_hold" if held.is_none_proved else "study_robust_hold_unknown"
            return Message(key, {"scenario": scenario.name})
        if held.cost is None:
            told = {"scenario": scenario.name, "count": len(held.added), "cny": rounded(held.hold_cost)}
            return Message("study_robust_hold_lost", told)
        extra = held.hold_cost - held.cost
        figures = {"scenario": scenario.name, "count": len(held.added), "cny": rounded(extra)}
        return Message("study_robust_hold", figures)

    def _stages(self) -> list[Message]:
        stages, regret = self.answer.stages, self.answer.regret
        if stages is None or regret is None:
            return [Message("study_robust_no_stages")]
        out = sum(one.siting is None for one in self.answer.best)
        return [
            Message(
                "study_robust_two_stage", {"count": len(stages.stations), "cny": rounded(stages.value), "out": out}
            ),
            status_message(report_of(stages, self.limits)),
            Message("study_robust_least_regret", {"cny": rounded(regret.value), "bound": rounded(regret.bound)}),
        ]

    def _figures(self) -> dict[str, Cell]:
        stages, regret = self.answer.stages, self.answer.regret
        return {
            "robust_scenarios": len(self.answer.scenarios),
            "no_regret_sites": len(self._sure()),
            "plans_compared": len(self.answer.plans),
            "two_stage_cny_per_day": None if stages is None else stages.value,
            "two_stage_bound_cny_per_day": None if stages is None else stages.bound,
            "least_regret_value_cny_per_day": None if regret is None else regret.value,
            "least_regret_bound_cny_per_day": None if regret is None else regret.bound,
        }

    def _tables(self) -> tuple[StudyTable, ...]:
        made = [
            StudyTable("table_study_robust_held", _HELD, tuple(self._held_rows())),
            StudyTable("table_study_robust_breaks", _BREAKS, tuple(self._break_rows())),
            StudyTable("table_study_robust_no_regret", _REGRET, tuple(self._site_rows())),
        ]
        relapse = tuple(self._relapse_rows())
        if relapse:
            made.append(StudyTable("table_study_robust_relapse", _RELAPSE, relapse))
        if self.answer.stages is not None:
            made.append(StudyTable("table_study_robust_stages", _STAGES, tuple(self._stage_rows())))
        return tuple(made)

    def _held_rows(self) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        for scenario, held, best in zip(self.answer.scenarios, self.answer.held, self.answer.best, strict=True):
            demand = scenario.problem.county.demand
            parcels = demand[["inbound_parcels_per_day", "outbound_parcels_per_day"]].astype(float).to_numpy().sum()
            told = (scenario.name, float(parcels), len(held.lost), len(held.relapsed), len(held.missed))
            hold = (held.hold_cost, held.hold_investment, len(held.added) if held.hold_cost is not None else None)
            rows.append((*told, held.cost, *hold, finite(best.cost), finite(best.bound)))
        return rows

    def _break_rows(self) -> list[tuple[Cell, ...]]:
        return [
            (site, self._named(site), f"kind_{self.facilities.loc[site]['kind']}", load, capacity, times)
            for site, load, capacity, times in self.answer.breaks[:_BREAK_ROWS]
        ]

    def _site_rows(self) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        for site, count in sorted(self.counts.items(), key=lambda item: (-item[1], item[0])):
            if site in self.facilities.index:
                row = self.facilities.loc[site]
                existing = row["status"] == "existing"
                told = "decision_kept" if existing and site in self.plan else "decision_chosen"
                told = told if site in self.plan else "decision_not_chosen"
                rows.append((site, self._named(site), f"kind_{row['kind']}", told, count / len(self.answer.plans)))
        return rows

    def _relapse_rows(self) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        for scenario, held in zip(self.answer.scenarios, self.answer.held, strict=True):
            left = () if held.siting is None else held.siting.unserved
            why = {entry.village_code: entry for entry in left}
            for code in held.relapsed:
                entry = why.get(code)
                reason = (
                    Message("robust_centre_lost") if entry is None else Message(f"reason_{entry.reason}", entry.params)
                )
                rows.append((code, str(self.villages.loc[code]["name"]), scenario.name, reason))
        return rows

    def _stage_rows(self) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        place = 0
        for scenario, best in zip(self.answer.scenarios, self.answer.best, strict=True):
            if best.siting is None or self.answer.stages is None or self.answer.regret is None:
                rows.append((scenario.name, None, None, None))
                continue
            rows.append((scenario.name, best.cost, self.answer.stages.costs[place], self.answer.regret.costs[place]))
            place += 1
        return rows

    def _charts(self) -> tuple[StudyChart, ...]:
        names = range(1, len(self.answer.scenarios) + 1)
        series: Mapping[str, Sequence[float]] = {"villages_relapse": [float(len(h.relapsed)) for h in self.answer.held]}
        bars = tuple(
            StudySeries(key, tuple((float(n), value) for n, value in zip(names, values, strict=True)))
            for key, values in series.items()
        )
        return (StudyChart("chart_robust_relapse", "bar", "scenario_number", "villages_relapse", bars),)

    def _places(self) -> tuple[StudyPlace, ...]:
        sure = set(self._sure())
        shown = []
        for site in sorted({*sure, *self.plan}):
            row = self.facilities.loc[site]
            if pd.isna(row["lon"]) or pd.isna(row["lat"]):
                continue
            facts: dict[str, Cell] = {"plans_share": self.counts[site] / len(self.answer.plans)}
            at = site, self._named(site), float(row["lon"]), float(row["lat"])
            shown.append(
                StudyPlace(
                    *at, "chosen" if site in sure else "kept" if row["status"] == "existing" else "candidate", facts
                )
            )
        relapsed = Counter(code for held in self.answer.held for code in held.relapsed)
        for code, count in sorted(relapsed.items()):
            row = self.villages.loc[code]
            if not pd.isna(row["lon"]):
                at = code, str(row["name"]), float(row["lon"]), float(row["lat"])
                shown.append(StudyPlace(*at, "unserved", {"relapse_scenarios": count}))
        return tuple(shown)


KINDS = (
    StudyKind(
        "robustness",
        (
            StudyOption("scenarios", "names", _USUAL, meaning="study_option_robust_scenarios"),
            StudyOption("near_plans", "whole", 3, low=0),
            StudyOption("within_share", "number", 0.02, low=0, high=1, meaning="study_option_robust_within"),
            StudyOption("no_regret_share", "number", 0.9, above=0, high=1),
            StudyOption("gap", "number", 0.01, low=0, high=1, meaning="study_option_rollout_gap"),
        ),
        answer_robustness,
    ),
)
