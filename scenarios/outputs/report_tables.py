"""The report's tables: headings, printed cells, and how many rows were left to the workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from geodata.messages import Lang
from scenarios.content import RunContent
from scenarios.outputs.columns import COLUMNS, cell, header
from scenarios.outputs.in_force import figures_in_force
from scenarios.outputs.tables import RunTables
from scenarios.outputs.terms import figure, gap_text, say, term

#: Rows printed of a long table; the workbook holds all.
MAX_ROWS = 1000
#: Longer tables and lists open with their head only on a screen; paper has all of it.
FOLD_FROM = 40
FOLD_SHOWN = 15

_TABLES: dict[str, tuple[str, ...]] = {
    "kpis": ("kpi_id", "kpi", "part", "value", "unit", "numerator", "denominator", "list_id", "note"),
    "costs": ("cost_tier", "item", "cny_per_day", "cost_share"),
    "sites": (
        "facility_id",
        "name",
        "kind",
        "decision",
        "township",
        "upper_site_name",
        "served_villages",
        "parcels_per_day",
        "site_cost_cny_per_day",
        "site_investment_cny",
    ),
    "routes": (
        "route_id",
        "tier",
        "depot_name",
        "vehicle",
        "days_per_week",
        "stop_names",
        "trip_km",
        "trip_min",
        "delivery_parcels",
        "pickup_parcels",
        "load_share",
        "cny_per_day",
    ),
    "unserved": ("village_code", "name", "township", "population", "inbound_parcels_per_day", "reason"),
    "reports": ("stage", "depot", "solve_status", "objective", "bound", "gap", "engine", "limits", "note"),
    "parameters": ("meaning", "value", "low", "high", "unit", "tag", "source"),
    "settings": ("setting", "setting_value", "origin"),
}
#: Figures printed in the unit of their row; shares as percentages.
_WITH_UNIT = {"value", "low", "high"}
_UNBROKEN = {"facility_id", "kpi_id", "route_id", "village_code"}
_NUMERIC = {"number", "share", "figure"}


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table as it is printed.

    Attributes
    ----------
    headers
        Headings with units.
    classes
        Style class of each column: ``num`` flush right, ``id`` never broken, ``long`` wide, or none.
    rows
        Printed cells.
    left_out
        Sentence on rows left to the workbook, or empty.
    name
        Identifier in the page, needed where the table may be folded.
    fold_note
        Sentence on the rows folded away, or empty.
    """

    headers: tuple[str, ...]
    classes: tuple[str, ...]
    rows: list[list[str]]
    left_out: str
    name: str = ""
    fold_note: str = ""

    @property
    def folded_from(self) -> int:
        """Row from which the table is folded away on a screen; 0: not folded."""
        return fold_at(len(self.rows))


def fold_at(rows: int) -> int:
    """Return how many of `rows` stay open on a screen; 0 where all do."""
    return FOLD_SHOWN if rows > FOLD_FROM else 0


def fold_note(rows: int, sheet: str, lang: Lang) -> str:
    """Say where the folded rows are; empty where nothing is folded."""
    if not fold_at(rows):
        return ""
    figures = {"shown": FOLD_SHOWN, "total": rows, "sheet": sheet}
    return say("report_more_note" if sheet else "report_more_lines", lang, figures)


def report_tables(content: RunContent, tables: RunTables) -> dict[str, PrintedTable]:
    """Return the report's tables by name."""
    frames = {
        "kpis": tables.kpis,
        "costs": tables.costs[tables.costs["cny_per_day"] != 0.0],
        "sites": tables.used_sites,
        "routes": tables.routes,
        "unserved": tables.unserved,
        "reports": tables.reports,
        "parameters": figures_in_force(
            tables.parameters,
            content.problem.county.vehicles["vehicle_type_id"].tolist(),
            [study.kind for study in content.studies],
        ),
        "settings": tables.settings,
    }
    printed = {name: _printed(name, frames[name], columns, content) for name, columns in _TABLES.items()}
    _add_total(printed["costs"], content)
    return printed


def _printed(name: str, frame: pd.DataFrame, columns: Sequence[str], content: RunContent) -> PrintedTable:
    lang = content.lang
    shown = frame.head(MAX_ROWS)
    values = {column: [cell(column, value, lang) for value in shown[column].tolist()] for column in columns}
    if "gap" in columns:
        values["gap"] = [gap_text(*row) for row in zip(shown["gap"], shown["solve_status"], strict=True)]
    if "unit" in columns:
        units = shown["unit"].tolist()
        for column in _WITH_UNIT & set(columns):
            values[column] = [figure(v, unit) for v, unit in zip(shown[column].tolist(), units, strict=True)]
        values["unit"] = ["" if unit == "share" else text for unit, text in zip(units, values["unit"], strict=True)]
    rows = [list(row) for row in zip(*(values[column] for column in columns), strict=True)]
    left_out = ""
    if len(frame) > MAX_ROWS:
        left_out = say("report_left_out", lang, {"shown": MAX_ROWS, "total": len(frame)})
    return PrintedTable(
        headers=tuple(header(column, lang) for column in columns),
        classes=tuple(_style_class(column) for column in columns),
        rows=rows,
        left_out=left_out,
        name=name,
        fold_note=fold_note(len(rows), say(f"sheet_{name}", lang), lang),
    )


def _style_class(column: str) -> str:
    if COLUMNS[column].kind in _NUMERIC:
        return "num"
    return "id" if column in _UNBROKEN else "long" if column == "stop_names" else ""


def _add_total(costs: PrintedTable, content: RunContent) -> None:
    total = content.verified.cost_cny_per_day
    cells = [cell("cny_per_day", total, content.lang), cell("cost_share", 1.0 if total else None, content.lang)]
    costs.rows.append([term("total", content.lang), "", *cells])
