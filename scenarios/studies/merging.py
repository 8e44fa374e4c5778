"""Merging study (多站合一): which stations stay, who hosts whom, what it saves, and who has to go farther."""

from __future__ import annotations

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.cooperation.merge_build import LOOK, MergeCase, build_merge
from planner.cooperation.merge_shares import moves_of
from planner.cooperation.stations_merge import (
    MergePlan,
    check_merge,
    figures_of,
    merge_effect,
    merge_stations,
)
from planner.progress import ProgressListener
from scenarios.studies import merging_tables as tables
from scenarios.studies.options import Options
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import Cell, Mark, Study, StudyInput, StudyKind, StudyOption, StudyPlace, StudyView


def answer_merging(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer a merging study.

    Raises
    ------
    InputError
        If the stations' sheet is wrong or there is no station.
    NoSolutionError
        If the plan fails its own check: it is then not shown.
    """
    options = Options(given.options)
    asked = options.number("standard_km")
    standard = given.problem.standard.access_km if asked is None else asked
    access = given.problem.travel["access"]
    case = build_merge(
        given.problem.county,
        standard_km=standard,
        keep=options.names("keep"),
        detour_factor=access.detour_factor,
    )
    plan = merge_stations(case.problem, limits=given.limits, listener=listener)
    wrong = check_merge(case.problem, plan)
    if wrong:
        raise NoSolutionError(Message("cooperation_check_failed", {"rule": wrong[0], "place": given.name}))
    figures, moves = _figures(case, plan), moves_of(case.problem, plan)
    block_table, chart = tables.blocks(case, plan)
    shown = (
        tables.station_table(case, plan),
        tables.hosting_table(case, moves),
        tables.share_table(case, plan),
        tables.service_table(case, plan),
        tables.worse_table(case, plan, merge_effect(case.problem, plan)),
        block_table,
    )
    return Study(
        name=given.name,
        kind="merge_stations",
        report=plan.report,
        answer=_sentences(case, plan, figures, standard),
        figures={k: int(f) if k.startswith("stations_") else f for k, f in figures.items()},
        tables=shown,
        charts=(chart,),
        places=_places(case, plan),
        lines=tables.move_lines(case, moves),
        views=(_today(case),),
        assumptions=case.assumptions,
    )


def _figures(case: MergeCase, plan: MergePlan) -> dict[str, float]:
    before, after = tables.open_hours(case, plan)
    weight = case.problem.weight
    shorter = float(weight[after < before].sum()) / max(float(weight.sum()), 1e-12)
    return {
        **figures_of(case.problem, plan),
        "shorter_hours_share": shorter,
        "today_cny_per_day": plan.today_cny,
    }


def _sentences(case: MergeCase, plan: MergePlan, figures: dict[str, float], standard: float) -> tuple[Message, ...]:
    told = {
        "today": len(case.problem.station_ids),
        "after": int(plan.stays.sum()),
        "saving": round(figures["saving_cny_per_day"]),
        "percent": percent(figures["worse_off_share"]),
        "metres": rounded(figures["worse_off_mean_m"]),
        "most": rounded(figures["worse_off_most_m"]),
    }
    said = [Message("merge_answer", told), Message("merge_standard", {"km": standard})]
    guests = plan.hosts & ~case.problem.has_today
    if guests.any():
        said.append(Message("merge_hosts", {"hosts": int(guests.any(axis=1).sum()), "guests": int(guests.sum())}))
    if figures["lost_sight_share"] > 0.0:
        lost = {"percent": percent(figures["lost_sight_share"]), "km": rounded(LOOK * standard)}
        said.append(Message("merge_lost_sight", lost))
    if figures["shorter_hours_share"] > 0.0:
        said.append(Message("merge_shorter_hours", {"percent": percent(figures["shorter_hours_share"])}))
    return (*said, status_message(plan.report))


def _today(case: MergeCase) -> StudyView:
    """Return the stations as they are today."""
    places = []
    for j, (_, row) in enumerate(case.stations.iterrows()):
        facts: dict[str, Cell] = {"functions_today": tables.functions_told(case, case.problem.has_today[j])}
        at = str(row["station_id"]), str(row["name"]), float(row["lon"]), float(row["lat"])
        places.append(StudyPlace(*at, "kept", facts))
    return StudyView("today", tuple(places))


def _places(case: MergeCase, plan: MergePlan) -> tuple[StudyPlace, ...]:
    shown = []
    for j, (_, row) in enumerate(case.stations.iterrows()):
        facts: dict[str, Cell] = {
            "functions_today": tables.functions_told(case, case.problem.has_today[j]),
            "functions_after": tables.functions_told(case, plan.hosts[j]),
        }
        takes_in = bool(np.any(plan.hosts[j] & ~case.problem.has_today[j]))
        mark: Mark = "closed" if not plan.stays[j] else "chosen" if takes_in else "kept"
        at = str(row["station_id"]), str(row["name"]), float(row["lon"]), float(row["lat"])
        shown.append(StudyPlace(*at, mark, facts))
    return tuple(shown)


KINDS = (
    StudyKind(
        "merge_stations",
        (
            StudyOption(
                "standard_km", "number", None, above=0, is_optional=True, meaning="study_option_merge_standard"
            ),
            StudyOption("keep", "names", (), meaning="study_option_merge_keep"),
        ),
        answer_merging,
    ),
)
