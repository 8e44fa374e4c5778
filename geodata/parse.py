"""Cells to values: numbers, codes, choices and times as people write them, each failure a located problem."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from geodata.aliases import choices_title, column_title, resolve_choice
from geodata.codes import clean_code, clean_identifier
from geodata.errors import Problem
from geodata.raw import Locations, RawTable, is_blank, value_text
from geodata.schema_types import ColumnSpec, TableSpec, canonical_frame
from geodata.units import unit_factor, unit_in_header

#: Value and, if it could not be understood, the key of the problem with its figures.
Parsed = tuple[Any, str, Mapping[str, object]]

_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_TIME = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?$")
_NOT_FINITE = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "-infinity"})
_YES = frozenset({"1", "y", "yes", "true", "是", "真", "有"})
_NO = frozenset({"0", "n", "no", "false", "否", "假", "无"})
_SECONDS_PER_DAY = 86_400
_NONE: Mapping[str, object] = {}


def parse_table(spec: TableSpec, raw: RawTable, locations: Locations) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the canonical frame of a raw table and what could not be understood (those cells become missing)."""
    problems = _missing_columns(spec, raw, locations)
    columns: dict[str, list[Any]] = {}
    for column in spec.columns:
        if column.name in raw.cells.columns:
            columns[column.name], found = _parse_column(spec, column, raw, locations)
            problems += found
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in columns.items()}, index=range(len(raw.cells)))
    return canonical_frame(spec, frame), problems


def _missing_columns(spec: TableSpec, raw: RawTable, locations: Locations) -> list[Problem]:
    return [
        locations.problem("error", "missing_column", spec.name, column=c.name, name=column_title(c.name))
        for c in spec.columns
        if c.is_required and c.name not in raw.cells.columns
    ]


def _parse_column(
    spec: TableSpec, column: ColumnSpec, raw: RawTable, locations: Locations
) -> tuple[list[Any], list[Problem]]:
    parse = _parser(spec, column)
    problems: list[Problem] = []
    values: list[Any] = []
    for index, cell in enumerate(raw.cells[column.name]):
        value, code, params = parse(cell)
        if code:
            problems.append(
                locations.problem("error", code, spec.name, index=index, column=column.name, value=cell, **params)
            )
        values.append(value)
    if column.is_numeric and column.unit:
        values, converted = _convert_unit(spec, column, raw, locations, values)
        problems += converted
    return values, problems


def _convert_unit(
    spec: TableSpec, column: ColumnSpec, raw: RawTable, locations: Locations, values: list[Any]
) -> tuple[list[Any], list[Problem]]:
    heading = raw.location.headers[column.name]
    factor = unit_factor(column.unit, unit_in_header(heading))
    if factor is None or factor == 1.0:
        return values, []
    # A converted count such as 0.125 万人 must not end in 1249.9999…
    converted = [None if v is None else round(v * factor, 9) for v in values]
    problem = locations.problem(
        "warning", "unit_converted", spec.name, column=column.name, written=unit_in_header(heading), factor=factor
    )
    return converted, [problem]


def _parser(spec: TableSpec, column: ColumnSpec) -> Callable[[object], Parsed]:
    by_type: Mapping[str, Callable[[object], Parsed]] = {
        "number": lambda cell: parse_number(cell, is_share=column.unit == "share"),
        "integer": parse_number,
        "code": lambda cell: _parse_code(cell, column.digits),
        "id": lambda cell: (clean_identifier(cell), "", _NONE),
        "choice": lambda cell: _parse_choice(spec, column, cell),
        "time": parse_time,
        "boolean": parse_boolean,
        "text": lambda cell: (parse_text(cell), "", _NONE),
    }
    return by_type[column.type]


def parse_text(cell: object) -> str:
    """Return a cell as text; whole numbers lose their ``.0``, dates become ISO."""
    if is_blank(cell):
        return ""
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return value_text(cell).strip()


def parse_number(cell: object, *, is_share: bool = False) -> Parsed:
    """Return a number; full-width digits, thousands commas and (for shares) a percent sign are understood."""
    if is_blank(cell):
        return None, "", _NONE
    if isinstance(cell, (bool, dt.date, dt.time, dt.timedelta)):
        return None, "not_a_number", _NONE
    if isinstance(cell, (int, float)):
        return (float(cell), "", _NONE) if math.isfinite(cell) else (None, "not_finite", _NONE)
    text = unicodedata.normalize("NFKC", str(cell)).strip().replace("−", "-")
    if text.lower() in _NOT_FINITE:
        return None, "not_finite", _NONE
    scale = 1.0
    if is_share and text.endswith("%"):
        text, scale = text[:-1].strip(), 0.01
    if _THOUSANDS.match(text):
        text = text.replace(",", "")
    if not _NUMBER.match(text):
        return None, "not_a_number", _NONE
    number = float(text)
    return (number * scale, "", _NONE) if math.isfinite(number) else (None, "not_finite", _NONE)


def parse_time(cell: object) -> Parsed:
    """Return a time of day as ``HH:MM``; Excel times and day fractions are understood."""
    if is_blank(cell):
        return "", "", _NONE
    if isinstance(cell, (dt.datetime, dt.time)):
        return cell.strftime("%H:%M"), "", _NONE
    seconds = cell.total_seconds() if isinstance(cell, dt.timedelta) else None
    if isinstance(cell, float) and 0 <= cell < 1:
        seconds = cell * _SECONDS_PER_DAY
    if seconds is not None and 0 <= seconds < _SECONDS_PER_DAY:
        minutes = round(seconds / 60) % 1440
        return f"{minutes // 60:02d}:{minutes % 60:02d}", "", _NONE
    match = _TIME.match(unicodedata.normalize("NFKC", str(cell)).strip())
    if match:
        return f"{int(match.group(1)):02d}:{match.group(2)}", "", _NONE
    return "", "bad_time", _NONE


def parse_boolean(cell: object) -> Parsed:
    """Return ``"true"``, ``"false"`` or ``""`` for a yes-no cell."""
    if is_blank(cell):
        return "", "", _NONE
    word = clean_identifier(cell).lower()
    if word in _YES:
        return "true", "", _NONE
    if word in _NO:
        return "false", "", _NONE
    return "", "not_a_boolean", _NONE


def _parse_code(cell: object, digits: int | None) -> Parsed:
    code, problem = clean_code(cell, digits)
    return code, problem, {"digits": digits or 0, "found": len(clean_identifier(cell))} if problem else _NONE


def _parse_choice(spec: TableSpec, column: ColumnSpec, cell: object) -> Parsed:
    if is_blank(cell):
        return "", "", _NONE
    choice = resolve_choice(spec.name, column.name, column.choices, clean_identifier(cell))
    if choice is None:
        return "", "unknown_choice", {"choices": choices_title(spec, column.name)}
    return choice, "", _NONE
