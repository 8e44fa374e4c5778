"""How each column of the run's tables is headed and printed: term, unit, digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from geodata.messages import Lang
from scenarios.outputs.terms import capital, figure, is_missing, number, share, term

ColumnKind = Literal["text", "number", "share", "flag", "term", "figure"]


@dataclass(frozen=True, slots=True)
class Column:
    """Print rules of one column.

    Attributes
    ----------
    name
        Canonical column name; its heading is the glossary term.
    kind
        ``text``; ``number`` with `digits`; ``share`` as a percentage; ``flag`` yes or no; ``term`` a code whose
        words are in the glossary under `prefix`; ``figure`` a figure whose digits follow its unit.
    unit
        Glossary key ``unit_<unit>`` put behind the heading; empty for none.
    digits
        Digits after the point.
    prefix
        Glossary prefix of a ``term`` column.
    width
        Width in a workbook, in characters.
    """

    name: str
    kind: ColumnKind = "text"
    unit: str = ""
    digits: int = 0
    prefix: str = ""
    width: int = 14


def _text(name: str, width: int = 16) -> Column:
    return Column(name, width=width)


def _number(name: str, unit: str = "", digits: int = 0) -> Column:
    return Column(name, "number", unit, digits)


_ALL = (
    _text("village_code"),
    _text("name", 20),
    _text("township_code"),
    _text("township"),
    _number("population", "people"),
    _number("inbound_parcels_per_day", "parcels_per_day", 1),
    _number("outbound_parcels_per_day", "parcels_per_day", 1),
    Column("is_served", "flag"),
    Column("has_own_point", "flag"),
    _text("point_id"),
    _text("point_name", 22),
    _text("station_id"),
    _text("station_name", 22),
    _number("access_km", "km", 2),
    _number("access_min", "min", 1),
    _number("services_per_week", "visit_per_week"),
    _text("reason", 60),
    _text("location_note", 30),
    _number("lon", "degree", 5),
    _number("lat", "degree", 5),
    _text("facility_id"),
    Column("kind", "term", prefix="kind_"),
    Column("decision", "term", prefix="decision_"),
    _text("upper_site_id"),
    _text("upper_site_name", 22),
    _number("served_villages"),
    _number("parcels_per_day", "parcels_per_day", 1),
    _number("capacity_parcels_per_day", "parcels_per_day"),
    _number("site_cost_cny_per_day", "cny_per_day", 2),
    _number("closing_cost_cny_per_day", "cny_per_day", 2),
    _number("site_investment_cny", "cny"),
    _text("operator"),
    _text("host"),
    _text("route_id"),
    Column("tier", "term", prefix="tier_", width=18),
    _text("depot_id"),
    _text("depot_name", 22),
    _text("vehicle"),
    _number("vehicle_number"),
    _number("days_per_week"),
    _number("stop_count"),
    _text("stop_names", 60),
    _number("trip_km", "km", 1),
    _number("trip_min", "min"),
    _number("delivery_parcels", "parcels", 1),
    _number("pickup_parcels", "parcels", 1),
    _number("max_load_kg", "kg"),
    Column("load_share", "share"),
    _number("trip_cny", "cny", 2),
    _number("cny_per_day", "cny_per_day", 2),
    _number("stop_sequence"),
    _number("arrival_min", "min"),
    _number("leg_km", "km", 2),
    Column("cost_tier", "term", prefix="tier_", width=18),
    Column("item", "term", prefix="cost_item_"),
    Column("cost_share", "share"),
    _text("kpi_id", 8),
    _text("kpi", 26),
    _text("part", 26),
    Column("value", "figure"),
    Column("unit", "term", prefix="unit_"),
    Column("numerator", "figure"),
    Column("denominator", "figure"),
    _text("list_id", 24),
    _text("note", 50),
    Column("stage", "term", prefix="stage_"),
    _text("depot", 34),
    Column("solve_status", "term", prefix="solve_status_", width=16),
    _number("objective", "cny_per_day", 2),
    _number("bound", "cny_per_day", 2),
    Column("gap", "share"),
    _text("engine", 20),
    _number("seed"),
    _text("limits", 40),
    _text("parameter_id", 30),
    _text("meaning", 36),
    Column("low", "figure"),
    Column("high", "figure"),
    _text("tag", 8),
    _text("source", 50),
    _text("group"),
    _text("table"),
    _text("licence", 30),
    _text("attribution", 30),
    _text("as_of"),
    _text("datum"),
    Column("data_kind", "term", prefix="data_kind_"),
    Column("statement_kind", "term", prefix="statement_"),
    _text("text", 100),
    _text("setting", 30),
    _text("setting_value", 24),
    _text("origin", 40),
)
#: Every column of the run's tables by name.
COLUMNS = {column.name: column for column in _ALL}


def header(name: str, lang: Lang) -> str:
    """Return the heading of a column with its unit."""
    column = COLUMNS[name]
    heading = capital(term(name, lang))
    if not column.unit:
        return heading
    unit = term(f"unit_{column.unit}", lang)
    return f"{heading}（{unit}）" if lang == "zh" else f"{heading} ({unit})"


def words(name: str, value: Any, lang: Lang) -> str:
    """Return the words of a code in a ``term`` column; codes without a term stand as they are."""
    if is_missing(value):
        return ""
    prefixes = ("kind_", "tier_") if name == "cost_tier" else (COLUMNS[name].prefix,)
    found = [word for prefix in prefixes if (word := term(f"{prefix}{value}", lang)) != f"{prefix}{value}"]
    return found[0] if found else str(value)


def cell(name: str, value: Any, lang: Lang) -> str:
    """Return a value as the report and the map print it."""
    column = COLUMNS[name]
    if column.kind == "term":
        return words(name, value, lang)
    if column.kind == "flag":
        return term("yes" if value else "no", lang)
    if column.kind == "text":
        return "" if is_missing(value) else str(value)
    if column.kind == "share":
        return share(value)
    return figure(value, "") if column.kind == "figure" else number(value, column.digits)


def with_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose figures are floats (NaN: none) even where every one is missing."""
    figures = [
        name for name in frame.columns if name in COLUMNS and COLUMNS[name].kind in ("number", "share", "figure")
    ]
    return frame.assign(**{name: frame[name].astype(float) for name in figures})
