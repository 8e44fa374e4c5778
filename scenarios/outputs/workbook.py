"""The workbook of a run: every table of the plan for people who work in Excel."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from scenarios.content import RunContent
from scenarios.outputs.answer import answer_sentences
from scenarios.outputs.columns import COLUMNS, Column, header, words
from scenarios.outputs.facts import headline_facts, map_notes
from scenarios.outputs.sheet_parts import Formats, write_head, write_lines
from scenarios.outputs.studies_workbook import write_studies, write_study_list
from scenarios.outputs.tables import RunTables, run_tables
from scenarios.outputs.terms import is_missing, say, term

#: Excel takes no more rows.
MAX_ROWS = 1_048_575
#: Text is text: nothing of it becomes a formula, a link or a number.
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
#: No clock: the same run gives the same workbook.
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  Excel knows no time zones
#: As `terms.gap_text` prints it: an optimal row holds 0.
_GAP = '[=0]0%;[<0.0001]"< 0.01%";0.00%'
#: The studies stand before this sheet.
_AFTER_STUDIES = "reports"
_SHEETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kpis", ("kpi_id", "kpi", "part", "value", "unit", "numerator", "denominator", "list_id", "note")),
    (
        "villages",
        (
            "village_code",
            "name",
            "township",
            "population",
            "inbound_parcels_per_day",
            "outbound_parcels_per_day",
            "is_served",
            "has_own_point",
            "point_id",
            "point_name",
            "station_id",
            "station_name",
            "access_km",
            "access_min",
            "services_per_week",
            "reason",
            "location_note",
            "lon",
            "lat",
        ),
    ),
    (
        "sites",
        (
            "facility_id",
            "name",
            "kind",
            "decision",
            "township",
            "upper_site_id",
            "upper_site_name",
            "served_villages",
            "parcels_per_day",
            "capacity_parcels_per_day",
            "site_cost_cny_per_day",
            "closing_cost_cny_per_day",
            "site_investment_cny",
            "operator",
            "host",
            "lon",
            "lat",
        ),
    ),
    (
        "routes",
        (
            "route_id",
            "tier",
            "depot_id",
            "depot_name",
            "vehicle",
            "vehicle_number",
            "days_per_week",
            "stop_count",
            "stop_names",
            "trip_km",
            "trip_min",
            "delivery_parcels",
            "pickup_parcels",
            "max_load_kg",
            "load_share",
            "trip_cny",
            "cny_per_day",
        ),
    ),
    (
        "stops",
        (
            "route_id",
            "tier",
            "stop_sequence",
            "facility_id",
            "name",
            "delivery_parcels",
            "pickup_parcels",
            "leg_km",
            "arrival_min",
        ),
    ),
    ("costs", ("cost_tier", "item", "cny_per_day", "cost_share")),
    (
        "unserved",
        ("village_code", "name", "township", "population", "inbound_parcels_per_day", "reason", "location_note"),
    ),
    ("reports", ("stage", "depot", "solve_status", "objective", "bound", "gap", "engine", "seed", "limits", "note")),
    ("parameters", ("parameter_id", "meaning", "value", "low", "high", "unit", "tag", "source", "group")),
    ("assumptions", ("statement_kind", "text")),
    ("sources", ("table", "source", "licence", "attribution", "as_of", "datum", "data_kind")),
    ("settings", ("setting", "setting_value", "origin")),
)


def write_workbook(content: RunContent, path: Path, tables: RunTables | None = None) -> None:
    """Write the workbook of a run: one sheet a table, headings with units, filters, frozen heads.

    Parameters
    ----------
    content
        The run.
    path
        File to write.
    tables
        Tables of the run, if they are made already.
    """
    tables = tables or run_tables(content)
    with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
        book.set_properties(
            {
                "title": content.title,
                "comments": say("workbook_made", content.lang, _made(content)),
                "created": _CREATED,
            }
        )
        formats = Formats(book)
        _summary(book, formats, content, tables)
        for name, columns in _SHEETS:
            if name == _AFTER_STUDIES:
                write_studies(book, formats, content)
            _sheet(book, formats, (name, getattr(tables, name), columns), content)


def _made(content: RunContent) -> dict[str, object]:
    return {"version": content.version, "run": content.run_name, "hash": content.run_hash}


def _summary(book: xlsxwriter.Workbook, formats: Formats, content: RunContent, tables: RunTables) -> None:
    lang = content.lang
    sheet = book.add_worksheet(say("sheet_summary", lang))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 46)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, content.title or content.problem.county.name, formats.title)
    row = 1
    if content.problem.county.is_invented:
        sheet.merge_range(row, 0, row, 2, say("invented", lang), formats.warning)
        row += 1
    row += 1
    for fact in headline_facts(content, tables):
        sheet.write_string(row, 0, fact.label, formats.text)
        sheet.write_string(row, 1, fact.value, formats.strong)
        sheet.write_string(row, 2, fact.detail, formats.text)
        row += 1
    row += 1
    row = write_lines(sheet, row, [*answer_sentences(content, tables), *map_notes(content, tables)], formats)
    if content.studies:
        row = write_study_list(sheet, row + 1, formats, content)
    sheet.write_string(row + 1, 0, say("workbook_made", lang, _made(content)), formats.text)


def _sheet(
    book: xlsxwriter.Workbook, formats: Formats, table: tuple[str, pd.DataFrame, tuple[str, ...]], content: RunContent
) -> None:
    name, frame, columns = table
    sheet = book.add_worksheet(say(f"sheet_{name}", content.lang))
    shown = frame.head(MAX_ROWS)
    write_head(sheet, [header(name, content.lang) for name in columns], len(shown), formats)
    for i, column_name in enumerate(columns):
        column = COLUMNS[column_name]
        sheet.set_column(i, i, column.width)
        units = shown["unit"].tolist() if column.kind == "figure" and "unit" in shown else []
        for j, value in enumerate(shown[column_name].tolist()):
            _write(sheet, (j + 1, i), value, (column, units[j] if units else ""), formats, content)


def _pattern(column: Column, unit: str) -> str:
    if column.name == "gap":
        return _GAP
    if column.kind == "share" or unit == "share":
        return "0.0%"
    if column.kind == "figure":
        return "#,##0.####" if unit else "General"
    return "#,##0" + ("." + "0" * column.digits if column.digits else "")


def _write(
    sheet: Any, where: tuple[int, int], value: Any, rule: tuple[Column, str], formats: Formats, content: RunContent
) -> None:
    column, unit = rule
    if is_missing(value) or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(*where, None, formats.text)
    elif column.kind == "flag":
        sheet.write_string(*where, term("yes" if value else "no", content.lang), formats.text)
    elif column.kind == "term":
        if column.name == "unit" and value == "share":  # the figure itself is formatted as a percentage
            value = "%"
        sheet.write_string(*where, words(column.name, value, content.lang), formats.text)
    elif column.kind == "text":
        wrap = column.width >= 50  # noqa: PLR2004
        sheet.write_string(*where, str(value), formats.wrapped if wrap else formats.text)
    else:
        sheet.write_number(*where, float(value), formats.number(_pattern(column, unit)))
