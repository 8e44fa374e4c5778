"""What each station of the plan is worth: the three-tier plan solved again without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressEvent, ProgressListener
from planner.siting.result import SitingResult
from scenarios.studies.options import Options
from scenarios.studies.plan_changes import cost_of, lower_bound, reference_plan, solved, with_limits, with_locks
from scenarios.studies.shown import rounded
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

_KINDS = ("township_station", "village_point", "county_centre")
_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("dearer_cny_per_day", "number"),
    StudyColumn("dearer_at_least_cny_per_day", "number"),
    StudyColumn("villages_served_change", "number"),
    StudyColumn("replaced_by"),
    StudyColumn("site_importance", "label"),
)


@dataclass(frozen=True, slots=True)
class Worth:
    """What closing one site does.

    Attributes
    ----------
    facility_id, parcels
        Site and the parcels a day it serves in the plan.
    without
        The best plan found without it, or None.
    is_needed
        Whether it is proved that there is no plan without it.
    dearer, at_least
        How much dearer that plan is a day, and how much it is at least by its proved bound.
    """

    facility_id: str
    parcels: float
    without: SitingResult | None
    is_needed: bool
    dearer: float
    at_least: float


def answer_plan_importance(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer which sites of a tier the plan needs most; the largest `sites_count` by parcels are looked at."""
    options = Options(given.options)
    problem = with_limits(given.problem, given.limits, least_gap=options.figure("gap"))
    base = given.verified.plan.siting
    loads = site_parcels(given.problem, base)
    kind = options.text("tier")
    kinds = given.problem.county.facilities.set_index("facility_id")["kind"]
    asked = [name for name in base.open_ids if kinds[name] == kind]
    asked.sort(key=lambda name: (-loads.get(name, 0.0), name))
    chosen = asked[: options.whole("sites_count")]
    reference = reference_plan(problem, base, listener)
    worths = []
    for done, name in enumerate(chosen):
        listener(ProgressEvent("studies", done=done, total=len(chosen)))
        tried = solved(with_locks(problem, {name: "closed"}), listener)
        found = tried.plan
        dearer = 0.0 if found is None else cost_of(found) - cost_of(reference)
        least = 0.0 if found is None else max(0.0, lower_bound(found) - cost_of(reference))
        worths.append(Worth(name, loads.get(name, 0.0), found, tried.is_none_proved, dearer, least))
    worths.sort(key=lambda w: (not w.is_needed, w.without is not None, -w.dearer, w.facility_id))
    return _study(given, worths, reference, len(asked))


def site_parcels(problem: PlanProblem, siting: SitingResult) -> dict[str, float]:
    """Return the parcels a day that pass every open site."""
    sums = problem.county.demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    parcels = sums.astype(float).sum(axis=1)
    loads: dict[str, float] = {}
    for village, point in sorted(siting.point_of_village.items()):
        station = siting.station_of_point[point]
        for site in (point, station, siting.centre_of_station[station]):
            loads[site] = loads.get(site, 0.0) + float(parcels.get(village, 0.0))
    return loads


def _importance(worth: Worth, reference: SitingResult) -> str:
    if worth.without is None:
        return "importance_needed" if worth.is_needed else "importance_unknown"
    if worth.at_least > 0.0:
        return "importance_proved"
    return "importance_small" if worth.dearer <= 0.001 * cost_of(reference) else "importance_likely"


def _study(given: StudyInput, worths: Sequence[Worth], reference: SitingResult, count: int) -> Study:
    facilities = given.problem.county.facilities.set_index("facility_id")
    names = {str(f): str(n) or str(f) for f, n in facilities["name"].items()}
    rows = tuple(_row(worth, reference, names) for worth in worths)
    answer = [Message("study_plan_importance_looked", {"count": len(worths), "all": count})]
    if worths:
        first = worths[0]
        told = {"name": names[first.facility_id], "cny": rounded(first.dearer)}
        without = "_needed" if first.is_needed else "_unknown"
        key = f"study_answer_plan_importance{without if first.without is None else ''}"
        answer.insert(0, Message(key, told))
    bars = tuple((float(i + 1), worth.dearer) for i, worth in enumerate(worths) if worth.without is not None)
    chart = StudyChart(
        "chart_study_importance",
        "bar",
        "site_rank",
        "dearer_cny_per_day",
        (StudySeries("dearer_cny_per_day", bars),),
    )
    figures: dict[str, Cell] = {
        "sites_looked_at": len(worths),
        "sites_needed": sum(worth.is_needed for worth in worths),
        "plan_cost_cny_per_day": cost_of(reference),
    }
    return Study(
        name=given.name,
        kind="plan_importance",
        report=None,
        answer=tuple(answer),
        figures=figures,
        tables=(StudyTable("table_study_importance", _COLUMNS, rows),),
        charts=(chart,) if bars else (),
        places=tuple(_place(worth, names, facilities.loc[worth.facility_id]) for worth in worths),
        assumptions=(Message("study_assumption_plan"),),
    )


def _row(worth: Worth, reference: SitingResult, names: dict[str, str]) -> tuple[Cell, ...]:
    told = (worth.facility_id, names[worth.facility_id], worth.parcels)
    if worth.without is None:
        return (*told, None, None, None, "", _importance(worth, reference))
    new = sorted(set(worth.without.open_ids) - set(reference.open_ids))
    change = len(worth.without.point_of_village) - len(reference.point_of_village)
    instead = ", ".join(names[name] for name in new[:3])
    return (*told, worth.dearer, worth.at_least, change, instead, _importance(worth, reference))


def _place(worth: Worth, names: dict[str, str], site: object) -> StudyPlace:
    lon, lat = float(site["lon"]), float(site["lat"])  # type: ignore[index]
    facts: dict[str, Cell] = {"dearer_cny_per_day": worth.dearer if worth.without is not None else None}
    return StudyPlace(worth.facility_id, names[worth.facility_id], lon, lat, "kept", facts)


KINDS = (
    StudyKind(
        "plan_importance",
        (
            StudyOption("tier", "choice", "township_station", choices=_KINDS),
            StudyOption("sites_count", "whole", 6, low=1),
            StudyOption("gap", "number", 0.01, low=0, high=1),
        ),
        answer_plan_importance,
    ),
)
