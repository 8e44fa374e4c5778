"""What studies of one tier show alike: tables of sites and unserved places, the distance chart, and the map layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from geodata.messages import Message
from planner.problems.siting import Bools, Floats
from planner.reports import SolveReport
from planner.siting.selection import SiteSelection
from scenarios.rounding import up
from scenarios.studies.county_demand import Place
from scenarios.studies.county_problem import CountyProblem
from scenarios.studies.study import Cell, StudyChart, StudyColumn, StudyPlace, StudySeries, StudyTable

#: Points a distance chart has at the most.
_CHART_POINTS = 60
_SITE_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("decision", "label"),
    StudyColumn("status", "label"),
    StudyColumn("capex_cny", "cny"),
)
_UNSERVED_COLUMNS = (
    StudyColumn("place_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
)


def percent(share: float) -> float:
    """Return a share as per cent with one decimal, never 100 unless it is all."""
    shown = round(100.0 * share, 1)
    return 99.9 if shown == 100.0 and share < 1.0 else shown  # noqa: PLR2004 - all is said only where it is all


def rounded(value: float) -> float | int:
    """Return a figure fit for a sentence: whole from 100 on, else two decimals at the most."""
    shown = round(value, 2)
    return round(value) if abs(value) >= 100 or shown.is_integer() else shown  # noqa: PLR2004 - reading, not arithmetic


def status_message(report: SolveReport) -> Message:
    """Say how sure the answer is."""
    if report.status == "optimal":
        return Message("study_status_optimal")
    if report.gap is None:
        return Message("study_status_unproved")
    return Message("study_status_feasible", {"gap_percent": up(100.0 * report.gap, 2)})


def open_mask(county: CountyProblem, open_sites: Sequence[int]) -> Bools:
    """Return the open sites as a mask."""
    mask = np.zeros(county.siting.site_count, dtype=np.bool_)
    mask[list(open_sites)] = True
    return mask


def decision(*, is_open: bool, is_existing: bool) -> str:
    """Return the glossary key of what happens to a site."""
    if is_open:
        return "decision_kept" if is_existing else "decision_chosen"
    return "decision_closed" if is_existing else "decision_not_chosen"


def nearest_open(county: CountyProblem, open_sites: Sequence[int]) -> Floats:
    """Return the distance of each demand point to the nearest open site; ``inf``: none in reach."""
    dense = county.dense()[:, list(open_sites)]
    nearest: Floats = dense.min(axis=1) if dense.shape[1] else np.full(dense.shape[0], np.inf)
    return nearest


def served_weight(county: CountyProblem, selection: SiteSelection) -> Floats:
    """Return the weight that goes to each site."""
    weight = np.zeros(county.siting.site_count)
    for i, parts in selection.allocation.items():
        for j, share in parts:
            weight[j] += county.siting.weight[i] * share
    return weight


def site_table(county: CountyProblem, selection: SiteSelection) -> StudyTable:
    """Return every open site and every existing one that closes, with what it serves."""
    is_open = open_mask(county, selection.open_sites)
    served, columns = served_weight(county, selection), [*_SITE_COLUMNS]
    if selection.allocation:
        columns.append(StudyColumn(f"served_{county.weight}", "number"))
    rows: list[tuple[Cell, ...]] = []
    for j in np.flatnonzero(is_open | county.siting.is_existing):
        place, row = county.sites[j], county.facilities.iloc[int(j)]
        existing = bool(county.siting.is_existing[j])
        told = decision(is_open=bool(is_open[j]), is_existing=existing)
        cost = float(county.siting.capex_cny[j]) if is_open[j] else float(county.siting.closing_cny[j])
        cells: list[Cell] = [place.place_id, place.name, place.township_code, told, f"status_{row['status']}", cost]
        rows.append(tuple([*cells, float(served[j])] if selection.allocation else cells))
    rows.sort(key=lambda cells: (str(cells[3]) == "decision_closed", str(cells[0])))
    return StudyTable("table_study_sites", tuple(columns), tuple(rows))


def unserved_table(county: CountyProblem, places: Sequence[Place], reasons: Mapping[str, Message]) -> StudyTable:
    """Return every demand point without service, with its reason."""
    columns = (*_UNSERVED_COLUMNS, StudyColumn(f"weight_{county.weight}", "number"), StudyColumn("reason", "message"))
    rows = [(p.place_id, p.name, p.township_code, p.weight, reasons[p.place_id]) for p in places]
    return StudyTable("table_study_unserved", columns, tuple(sorted(rows, key=lambda cells: str(cells[0]))))


def distance_chart(county: CountyProblem, open_sites: Sequence[int]) -> StudyChart:
    """Return which share of all weight lies within each distance of the nearest open site; those left out never do."""
    distance = nearest_open(county, open_sites)
    is_near = np.isfinite(distance)
    order = np.argsort(distance[is_near], kind="stable")
    x = distance[is_near][order]
    y = np.cumsum(county.siting.weight[is_near][order]) / max(county.total_weight, 1e-12)
    keep = np.unique(np.linspace(0, max(len(x) - 1, 0), min(_CHART_POINTS, len(x))).astype(np.intp))
    points = [(0.0, float(y[np.searchsorted(x, 0.0, side="right") - 1]) if len(x) and x[0] <= 0.0 else 0.0)]
    points += [(float(x[k]), float(y[k])) for k in keep if x[k] > 0.0]
    series = StudySeries(f"share_of_{county.weight}", tuple(points))
    return StudyChart("chart_study_distance", "step", f"distance_{county.unit}", "share_within", (series,))


def map_places(
    county: CountyProblem, selection: SiteSelection, unserved: Sequence[Place] = ()
) -> tuple[StudyPlace, ...]:
    """Return sites by decision, and the unserved demand points that have a place."""
    is_open = open_mask(county, selection.open_sites)
    served = served_weight(county, selection)
    shown: list[StudyPlace] = []
    for j, place in enumerate(county.sites):
        existing = bool(county.siting.is_existing[j])
        told = decision(is_open=bool(is_open[j]), is_existing=existing)
        facts: dict[str, Cell] = {"decision": Message(f"study_{told}")}
        if is_open[j] and selection.allocation:
            facts[f"served_{county.weight}"] = float(served[j])
        mark = "chosen" if told == "decision_chosen" else "kept" if told == "decision_kept" else "candidate"
        mark = "closed" if told == "decision_closed" else mark
        shown.append(StudyPlace(place.place_id, place.name, place.lon, place.lat, mark, facts))  # type: ignore[arg-type]
    for place in unserved:
        if np.isfinite(place.lon) and np.isfinite(place.lat):
            facts = {f"weight_{county.weight}": place.weight}
            shown.append(StudyPlace(place.place_id, place.name, place.lon, place.lat, "unserved", facts))
    return tuple(shown)
