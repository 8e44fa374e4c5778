"""Merging study (多站合一): which stations stay, who hosts whom, what it saves, and who has to go farther."""

from __future__ import annotations

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.cooperation.merge_build import LOOK, MergeCase, build_merge
from planner.cooperation.stations_merge import (
    MergeEffect,
    MergePlan,
    check_merge,
    figures_of,
    merge_effect,
    merge_stations,
)
from planner.progress import ProgressListener
from scenarios.studies.options import Options
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyPlace, StudyTable

_STATION_COLUMNS = (
    StudyColumn("station_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("decision", "label"),
    StudyColumn("functions_today"),
    StudyColumn("functions_after"),
    StudyColumn("area_m2", "number"),
    StudyColumn("fixed_cny_per_day", "cny"),
)
_WORSE_COLUMNS = (
    StudyColumn("village_code"),
    StudyColumn("name"),
    StudyColumn("function_told"),
    StudyColumn("customers_weight", "number"),
    StudyColumn("before_m", "number"),
    StudyColumn("after_m", "number"),
    StudyColumn("longer_m", "number"),
)


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
    case = build_merge(given.problem.county, standard_km=standard, keep=options.names("keep"))
    plan = merge_stations(case.problem, limits=given.limits, listener=listener)
    wrong = check_merge(case.problem, plan)
    if wrong:
        raise NoSolutionError(Message("cooperation_check_failed", {"rule": wrong[0], "place": given.name}))
    effect, figures = merge_effect(case.problem, plan), figures_of(case.problem, plan)
    told = {
        "today": len(case.problem.station_ids),
        "after": int(plan.stays.sum()),
        "saving": round(figures["saving_cny_per_day"]),
        "percent": percent(figures["worse_off_share"]),
        "metres": rounded(figures["worse_off_mean_m"]),
        "most": rounded(figures["worse_off_most_m"]),
    }
    shown: dict[str, Cell] = {k: int(f) if k.startswith("stations_") else f for k, f in figures.items()}
    shown["today_cny_per_day"] = plan.today_cny
    said = [Message("merge_answer", told), Message("merge_standard", {"km": standard})]
    if figures["lost_sight_share"] > 0.0:
        lost = {"percent": percent(figures["lost_sight_share"]), "km": rounded(LOOK * standard)}
        said.append(Message("merge_lost_sight", lost))
    return Study(
        name=given.name,
        kind="merge_stations",
        report=plan.report,
        answer=(
            Message("merge_answer", told),
            Message("merge_standard", {"km": standard}),
            status_message(plan.report),
        ),
        figures=shown,
        tables=(_station_table(case, plan), _worse(case, effect)),
        places=_places(case, plan),
        assumptions=case.assumptions,
    )


def _functions(case: MergeCase, row: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return ", ".join(label for label, on in zip(case.problem.function_ids, row, strict=True) if on)


def _station_table(case: MergeCase, plan: MergePlan) -> StudyTable:
    problem = case.problem
    rows = [
        (
            str(row["station_id"]),
            str(row["name"]),
            str(row["township_code"]),
            "decision_kept" if plan.stays[j] else "decision_closed",
            _functions(case, problem.has_today[j]),
            _functions(case, plan.hosts[j]),
            float(row["area_m2"]),
            float(problem.fixed_cny[j]),
        )
        for j, (_, row) in enumerate(case.stations.iterrows())
    ]
    return StudyTable("table_study_merged", _STATION_COLUMNS, tuple(rows))


def _worse(case: MergeCase, effect: MergeEffect) -> StudyTable:
    """Return who has to go farther, the longest detour first; an unknown way after means none is near."""
    longer = effect.longer_m
    order = np.lexsort((case.customers["village_code"].to_numpy(dtype=str), -longer))
    rows: list[tuple[Cell, ...]] = []
    for i in order[longer[order] > 0.0]:
        row = case.customers.iloc[int(i)]
        after, more = (float(x) if np.isfinite(x) else None for x in (effect.after_m[i], longer[i]))
        told = (str(row["village_code"]), str(row["name"]), str(row["function"]), float(row["weight"]))
        rows.append((*told, float(effect.before_m[i]), after, more))
    return StudyTable("table_study_worse_off", _WORSE_COLUMNS, tuple(rows))


def _places(case: MergeCase, plan: MergePlan) -> tuple[StudyPlace, ...]:
    shown = []
    for j, (_, row) in enumerate(case.stations.iterrows()):
        facts: dict[str, Cell] = {
            "functions_today": _functions(case, case.problem.has_today[j]),
            "functions_after": _functions(case, plan.hosts[j]),
        }
        more = bool((plan.hosts[j] & ~case.problem.has_today[j]).any())
        mark = "closed" if not plan.stays[j] else "chosen" if more else "kept"
        at = str(row["station_id"]), str(row["name"]), float(row["lon"]), float(row["lat"])
        shown.append(StudyPlace(*at, mark, facts))  # type: ignore[arg-type]
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
