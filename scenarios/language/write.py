"""Writer of a scenario workbook: every key with its value, and beside it meaning, unit, default and what may stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from geodata.errors import InputError
from geodata.messages import Lang, Message, text
from geodata.parameters import default_parameters
from scenarios.language.cells import Cell, encode
from scenarios.language.layout import COLUMNS, HELP, NAME, NOTE, ColumnName, SheetName, column_label, sheet_label
from scenarios.language.read import OVERRIDES, kinds_of, spec_at
from scenarios.language.words import PARAMETERS, help_of
from scenarios.overrides import flatten
from scenarios.spec import STUDIES, key_specs
from scenarios.studies.registry import study_kinds
from scenarios.studies.settings import KIND, options_of

#: No clock: the same scenario gives the same workbook.
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  Excel knows no time zones
#: Longest text a cell can hold.
_LONGEST = 32_767
#: Empty rows to fill in below studies and overrides.
_SPARE = 30
_GUIDE = ("title", "purpose", "empty", "none", "lists", "overrides", "studies", "notes", "run")
_WIDTHS: Mapping[ColumnName, int] = {
    "study": 18,
    "override": 22,
    "key": 32,
    "value": 26,
    "meaning": 62,
    "unit": 14,
    "default": 18,
    "allowed": 36,
}
_FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "title": {**_FONT, "bold": True, "font_size": 14},
    "line": {**_FONT, "text_wrap": True},
    "head": {**_FONT, "bold": True, "bg_color": "#DDEBF7", "border": 1},
    "section": {**_FONT, "bold": True, "font_color": "#1F4E78"},
    "key": {**_FONT},
    "help": {**_FONT, "text_wrap": True, "font_color": "#595959"},
    "figure": {**_FONT, "bg_color": "#FFFBE6", "border": 1, "border_color": "#D9D9D9"},
    "words": {**_FONT, "bg_color": "#FFFBE6", "border": 1, "border_color": "#D9D9D9", "num_format": "@"},
}


class _Row:
    """One row to write: path of its key, or a note that heads a section."""

    def __init__(self, path: tuple[str, ...], value: object = None, *, note: str = "") -> None:
        self.path = path
        self.value = value
        self.note = note


def write_sheets(document: Mapping[str, Any], path: Path, lang: Lang) -> None:
    """Write a scenario as a workbook.

    Parameters
    ----------
    document
        What a scenario file holds, checked.
    path
        File to write.
    lang
        Language of sheets, headings and help; a workbook in either language is read.

    Raises
    ------
    InputError
        If a text is longer than a cell can hold.
    """
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": "xiangyou", "created": _CREATED})
        writer = _Writer(book, lang, kinds_of(document))
        writer.guide()
        writer.sheet("settings", list(_settings(document)))
        writer.sheet("parameters", list(_parameters(document, lang)))
        writer.sheet("studies", list(_studies(document)))
        writer.sheet("overrides", list(_overrides(document)))


def _settings(document: Mapping[str, Any]) -> Iterator[_Row]:
    """Return a row for every key of the settings, those not given with an empty value."""
    section = None
    for key in key_specs():
        head = key.rpartition(".")[0]
        if head != section:
            section = head
            if head:
                yield _Row((), note=f"{NOTE} [{head}]")
        yield _Row(tuple(key.split(".")), _at(document, key.split(".")))


def _at(tree: Mapping[str, Any], path: Sequence[str]) -> object:
    branch: Any = tree
    for part in path:
        if not isinstance(branch, Mapping) or part not in branch:
            return None
        branch = branch[part]
    return branch


def _parameters(document: Mapping[str, Any], lang: Lang) -> Iterator[_Row]:
    given = document.get(PARAMETERS, {})
    group = ""
    for entry in default_parameters().entries.values():
        if entry.group != group:
            group = entry.group
            yield _Row((), note=f"{NOTE} {text('sheet_group', lang, {'group': group})}")
        yield _Row((PARAMETERS, entry.parameter_id), given.get(entry.parameter_id))


def _studies(document: Mapping[str, Any]) -> Iterator[_Row]:
    """Return a row for every option of every study of the file."""
    for name, table in document.get(STUDIES, {}).items():
        flat = flatten(table)
        kind = study_kinds().get(str(flat.get(KIND)))
        known = (KIND, *(option.key for option in options_of(kind))) if kind else (KIND,)
        for key in dict.fromkeys((*known, *flat)):
            yield _Row((STUDIES, name, key), flat.get(key))


def _overrides(document: Mapping[str, Any]) -> Iterator[_Row]:
    for name, tree in document.get(OVERRIDES, {}).items():
        values = flatten(tree)
        for key, value in values.items():
            yield _Row((OVERRIDES, name, *key.split(".")), value)
        if not values:
            yield _Row((OVERRIDES, name))


def _labels(sheet: SheetName, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands in the columns before the value: the study's or override's name, and the key."""
    if sheet == "settings":
        return (".".join(path),)
    return (path[1],) if sheet == "parameters" else (path[1], ".".join(path[2:]))


class _Writer:
    def __init__(self, book: Any, lang: Lang, kinds: Mapping[tuple[str, str], str]) -> None:
        self._book = book
        self._lang = lang
        self._kinds = kinds
        self._formats = {name: book.add_format(dict(style)) for name, style in _FORMATS.items()}

    def guide(self) -> None:
        """Add the sheet that says how to fill in the workbook."""
        sheet = self._book.add_worksheet(sheet_label("guide", self._lang))
        sheet.set_column(0, 0, 110)
        for row, key in enumerate(_GUIDE):
            line = text(f"sheet_guide_{key}", self._lang)
            sheet.write_string(row, 0, line, self._formats["line" if row else "title"])

    def sheet(self, name: SheetName, rows: Sequence[_Row]) -> None:
        """Add one sheet with its rows."""
        sheet = self._book.add_worksheet(sheet_label(name, self._lang))
        columns = (*COLUMNS[name], *HELP)
        for position, column in enumerate(columns):
            sheet.write_string(0, position, column_label(column, self._lang), self._formats["head"])
            sheet.set_column(position, position, _WIDTHS[column])
        sheet.freeze_panes(1, columns.index("value"))
        for number, row in enumerate(rows, start=1):
            if row.note:
                sheet.write_string(number, 0, row.note, self._formats["section"])
            else:
                self._row(sheet, name, number, row)
        if name in ("studies", "overrides"):
            for number in range(len(rows) + 1, len(rows) + 1 + _SPARE):
                for position in range(len(COLUMNS[name])):
                    sheet.write_blank(number, position, None, self._formats["words"])

    def _row(self, sheet: Any, name: SheetName, number: int, row: _Row) -> None:
        labels = _labels(name, row.path)
        for position, label in enumerate(labels):
            is_name = position < len(labels) - 1
            sheet.write_string(number, position, str(encode(label, NAME)) if is_name else label, self._formats["key"])
        at = len(labels)
        spec = spec_at(row.path, self._kinds)
        style = "figure" if spec is not None and spec.kind in ("number", "whole", "switch") else "words"
        self._value(sheet, (number, at), row, style)
        if spec is not None and spec.kind in ("choice", "switch"):
            source = list(spec.choices) or ["TRUE", "FALSE"]
            if len(",".join(source)) < 255:  # noqa: PLR2004  Excel takes no longer list
                rule = {"validate": "list", "source": source, "error_type": "warning", "ignore_blank": True}
                sheet.data_validation(number, at, number, at, rule)
        for position, words in enumerate(self._help(row.path), start=at + 1):
            sheet.write_string(number, position, words, self._formats["help"])

    def _help(self, path: tuple[str, ...]) -> tuple[str, ...]:
        plain = path[2:] if path[0] == OVERRIDES else path
        owner = path[1] if path[0] == OVERRIDES else ""
        known = {name: kind for (_, name), kind in self._kinds.items()}
        known |= {name: kind for (o, name), kind in self._kinds.items() if o == owner}
        words = help_of(".".join(plain), self._lang, known)
        return words.meaning, words.unit, words.default, words.allowed

    def _value(self, sheet: Any, place: tuple[int, int], row: _Row, style: str) -> None:
        if row.value is None:
            sheet.write_blank(*place, None, self._formats[style])
            return
        cell: Cell = encode(row.value, spec_at(row.path, self._kinds))
        if isinstance(cell, bool):
            sheet.write_boolean(*place, cell, self._formats[style])
        elif isinstance(cell, str):
            if len(cell) > _LONGEST:
                figures = {"key": ".".join(row.path), "longest": _LONGEST}
                raise InputError(Message("sheet_text_too_long", figures))
            sheet.write_string(*place, cell, self._formats["words"])
        else:
            sheet.write_number(*place, cell, self._formats[style])
