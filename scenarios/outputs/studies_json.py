"""A study as plain data for ``plan.json``: keys and figures, no sentence of any language."""

from __future__ import annotations

from typing import Any

from scenarios.studies.study import Study, StudyChart, StudyGantt, StudyLine, StudyPlace, StudyTable


def study_document(study: Study) -> dict[str, Any]:
    """Return a study as nested dicts and lists.

    Messages and figures stay as they are; `scenarios.plan_json.plain` writes messages as key and params, rounds figures
    and turns NaN into null, as for the rest of the plan.
    """
    report = study.report
    drawn: dict[str, Any] = {}
    if study.lines:
        drawn["lines"] = [_line(line) for line in study.lines]
    if study.views:
        drawn["views"] = [{"key": view.key, "places": [_place(place) for place in view.places]} for view in study.views]
    if study.gantts:
        drawn["gantts"] = [_gantt(gantt) for gantt in study.gantts]
    return {
        "name": study.name,
        "kind": study.kind,
        "report": None
        if report is None
        else {
            "status": report.status,
            "objective": report.objective,
            "bound": report.bound,
            "gap": report.gap,
            "engine": report.engine,
            "seed": report.seed,
            "limits": dict(report.limits),
            "note_key": report.note_key,
        },
        "answer": list(study.answer),
        "reasons": dict(sorted(study.reasons.items())),
        "figures": dict(study.figures),
        "tables": [_table(table) for table in study.tables],
        "charts": [_chart(chart) for chart in study.charts],
        "places": [_place(place) for place in study.places],
        "assumptions": list(study.assumptions),
        **drawn,
    }


def _line(line: StudyLine) -> dict[str, Any]:
    path = [list(position) for position in line.path]
    return {"name": line.name, "path": path, "colour": line.colour, "facts": dict(line.facts)}


def _gantt(gantt: StudyGantt) -> dict[str, Any]:
    rows = [
        {"name": row.name, "bars": [{"from_min": b.start_min, "to_min": b.end_min, "key": b.key} for b in row.bars]}
        for row in gantt.rows
    ]
    return {"key": gantt.key, "rows": rows}


def _table(table: StudyTable) -> dict[str, Any]:
    return {
        "key": table.key,
        "columns": [{"key": column.key, "kind": column.kind} for column in table.columns],
        "rows": [list(row) for row in table.rows],
    }


def _chart(chart: StudyChart) -> dict[str, Any]:
    return {
        "key": chart.key,
        "kind": chart.kind,
        "x_key": chart.x_key,
        "y_key": chart.y_key,
        "series": [{"key": series.key, "points": [list(point) for point in series.points]} for series in chart.series],
    }


def _place(place: StudyPlace) -> dict[str, Any]:
    return {
        "place_id": place.place_id,
        "name": place.name,
        "lon": place.lon,
        "lat": place.lat,
        "mark": place.mark,
        "facts": dict(place.facts),
    }
