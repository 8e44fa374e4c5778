"""The workbook format: bilingual headings with units, a line of notes, lists and ranges a planner cannot miss."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import xlsxwriter

from geodata.messages import LANGS, Lang, label, text
from geodata.parameters import default_parameters
from geodata.schema_types import ColumnSpec, TableSpec
from geodata.schemas import COUNTY_SHEET, SHEETS

_CREATED = dt.datetime(2020, 1, 1)  # noqa: DTZ001 (a fixed stamp, so that equal content is an equal file)
_HEADING_ROW, _NOTE_ROW, _FIRST_ROW = 0, 1, 2
_LAST_VALIDATED_ROW = 20_000
_YES_NO: Mapping[Lang, tuple[str, str]] = {"zh": ("是", "否"), "en": ("yes", "no")}
_TEXT = {"num_format": "@", "valign": "top"}
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "required": {"bold": True, "bg_color": "#F8CBAD", "border": 1, "text_wrap": True, "valign": "top"},
    "optional": {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "top"},
    "note": {"font_color": "#7F7F7F", "font_size": 9, "text_wrap": True, "valign": "top"},
    "title": {"bold": True, "font_size": 14},
    "wrap": {"text_wrap": True, "valign": "top"},
    "text": _TEXT,
    "number": {"valign": "top"},
    "example_text": {**_TEXT, "italic": True, "font_color": "#7F7F7F"},
    "example_number": {"italic": True, "font_color": "#7F7F7F", "valign": "top"},
}


class WorkbookWriter:
    """Writes canonical frames as sheets of one workbook; use as a context manager.

    Parameters
    ----------
    path
        File to write.
    lang
        Language of sheet names, headings, choices and notes.
    is_example
        The rows are examples, to be written over: they are shown in grey italics.
    """

    def __init__(self, path: Path, lang: Lang, *, is_example: bool = False) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties({"created": _CREATED, "title": "xiangyou"})
        self._formats = {name: self._book.add_format(dict(style)) for name, style in _FORMATS.items()}
        self._lang = lang
        self._style = "example_" if is_example else ""
        self._lists: dict[tuple[str, ...], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write_lists()
        self._book.close()

    def guide(self, lines: Sequence[str]) -> None:
        """Add the sheet that says how to fill in the workbook; its first line is the title."""
        sheet = self._book.add_worksheet(label("table_guide", self._lang))
        sheet.set_column(0, 0, 110)
        for row, line in enumerate(lines):
            sheet.write_string(row, 0, line, self._formats["wrap" if row else "title"])

    def table(self, spec: TableSpec, frame: pd.DataFrame) -> None:
        """Add a sheet with one row a thing."""
        sheet = self._book.add_worksheet(spec.label(self._lang))
        for position, column in enumerate(spec.columns):
            self._heading(sheet, spec, column, position)
            self._validate(sheet, column, (_FIRST_ROW, position, _LAST_VALIDATED_ROW, position))
            for row, value in enumerate(frame[column.name]):
                self._cell(sheet, column, (_FIRST_ROW + row, position), value)
        sheet.set_row(_HEADING_ROW, 32)
        sheet.set_row(_NOTE_ROW, 40)
        sheet.freeze_panes(_FIRST_ROW, 1)

    def items(self, spec: TableSpec, frame: pd.DataFrame) -> None:
        """Add a sheet with one item a row: name, entry, remark."""
        sheet = self._book.add_worksheet(spec.label(self._lang))
        for position, key in enumerate(("note_item", "note_entry", "note_remark")):
            sheet.write_string(0, position, text(key, self._lang), self._formats["optional"])
        for row, column in enumerate(spec.columns, start=1):
            style = self._formats["required" if _must(column) else "optional"]
            sheet.write_string(row, 0, column.label(self._lang), style)
            self._comment(sheet, spec, column, (row, 0))
            self._cell(sheet, column, (row, 1), frame[column.name].iloc[0])
            self._validate(sheet, column, (row, 1, row, 1))
            remark = f"{note(column, self._lang)} · {spec.meaning(column.name, self._lang)}"
            sheet.write_string(row, 2, remark, self._formats["note"])
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 36)
        sheet.set_column(2, 2, 70)
        sheet.freeze_panes(1, 1)

    def _heading(self, sheet: Any, spec: TableSpec, column: ColumnSpec, position: int) -> None:
        lang = self._lang
        heading = heading_of(column, lang)
        sheet.write_string(_HEADING_ROW, position, heading, self._formats["required" if _must(column) else "optional"])
        self._comment(sheet, spec, column, (_HEADING_ROW, position))
        remark = note(column, lang)
        sheet.write_string(_NOTE_ROW, position, f"# {remark}" if position == 0 else remark, self._formats["note"])
        width = 16 if column.is_numeric else 22
        sheet.set_column(position, position, width, self._formats["number" if column.is_numeric else "text"])

    def _comment(self, sheet: Any, spec: TableSpec, column: ColumnSpec, place: tuple[int, int]) -> None:
        lines = [f"{heading_of(column, lang)}: {spec.meaning(column.name, lang)}" for lang in LANGS]
        sheet.write_comment(
            *place, "\n".join([*lines, column.name]), {"x_scale": 2.4, "y_scale": 1.4, "author": "xiangyou"}
        )

    def _cell(self, sheet: Any, column: ColumnSpec, place: tuple[int, int], value: object) -> None:
        if isinstance(value, float):
            if math.isfinite(value):
                sheet.write_number(*place, value, self._formats[f"{self._style}number"])
        elif value:
            sheet.write_string(*place, shown(column, str(value), self._lang), self._formats[f"{self._style}text"])

    def _validate(self, sheet: Any, column: ColumnSpec, area: tuple[int, int, int, int]) -> None:
        rule = self._rule(column)
        if rule:
            sheet.data_validation(*area, {**rule, "ignore_blank": True})

    def _rule(self, column: ColumnSpec) -> dict[str, Any]:
        if column.type in {"choice", "boolean"}:
            choices = tuple(shown(column, choice, self._lang) for choice in column.choices) or _YES_NO[self._lang]
            return {"validate": "list", "source": self._list(choices)}
        if column.type == "code" and column.digits:
            return {"validate": "length", "criteria": "==", "value": column.digits}
        if not column.is_numeric or column.low is None:
            return {}
        kind = "integer" if column.type == "integer" else "decimal"
        if column.high is not None and not column.is_low_open:
            return {"validate": kind, "criteria": "between", "minimum": column.low, "maximum": column.high}
        return {"validate": kind, "criteria": ">" if column.is_low_open else ">=", "value": column.low}

    def _list(self, choices: tuple[str, ...]) -> str:
        """Return the reference to a list of choices; lists stand in a hidden sheet, because choices contain commas."""
        if choices not in self._lists:
            column = chr(ord("A") + len(self._lists))
            self._lists[choices] = f"=lists!${column}$1:${column}${len(choices)}"
        return self._lists[choices]

    def _write_lists(self) -> None:
        sheet = self._book.add_worksheet("lists")
        for position, choices in enumerate(self._lists):
            for row, choice in enumerate(choices):
                sheet.write_string(row, position, choice)
        sheet.hide()


def heading_of(column: ColumnSpec, lang: Lang) -> str:
    """Return a heading with its unit in brackets: 人口（人）."""
    if not column.unit:
        return column.label(lang)
    unit = label(f"unit_{column.unit}", lang)
    return f"{column.label(lang)}（{unit}）" if lang == "zh" else f"{column.label(lang)} ({unit})"


def shown(column: ColumnSpec, value: str, lang: Lang) -> str:
    """Return a value as people read it: choices by their label, yes and no."""
    if column.type == "boolean":
        return _YES_NO[lang][0 if value == "true" else 1]
    if column.type != "choice":
        return value
    return label(f"table_{value}", lang) if column.name == "table" else column.choice_label(value, lang)


def note(column: ColumnSpec, lang: Lang) -> str:
    """Return the short remark under a heading: required or not, digits, range, default."""
    must = "note_column" if column.is_required and column.is_nullable else "note_required"
    parts = [text(must if _must(column) else "note_optional", lang)]
    if column.digits:
        parts.append(text("note_digits", lang, {"digits": column.digits}))
    if column.type == "choice":
        parts.append(text("note_choose", lang))
    if column.is_numeric and column.low is not None:
        low = f"{column.low:,g}"
        key = "note_above" if column.is_low_open else "note_from" if column.high is None else "note_range"
        parts.append(text(key, lang, {"low": low, "high": "" if column.high is None else f"{column.high:,.0f}"}))
    if column.default and column.default in default_parameters():
        entry = default_parameters().entry(column.default)
        parts.append(
            f"{entry.label(lang)} {text('note_default', lang, {'value': f'{entry.value:g}', 'unit': entry.unit})}"
        )
    return "；".join(parts) if lang == "zh" else "; ".join(parts)


def write_frames(path: Path, frames: Mapping[str, pd.DataFrame], lang: Lang, *, guide: Sequence[str] = ()) -> None:
    """Write canonical frames as a workbook, sheets in their fixed order; with a guide, rows are shown as examples."""
    with WorkbookWriter(path, lang, is_example=bool(guide)) as writer:
        if guide:
            writer.guide(guide)
        for name, spec in SHEETS.items():
            if name in frames:
                add = writer.items if spec is COUNTY_SHEET else writer.table
                add(spec, frames[name])


def _must(column: ColumnSpec) -> bool:
    return column.is_required or column.name == "datum"
