"""Reader of a scenario workbook: the same document a scenario file holds, and the cell of every value."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from geodata.errors import UsageError
from geodata.excel import read_grids
from geodata.messages import LANGS, Message
from scenarios.language.cells import CellError, decode, is_empty, shown
from scenarios.language.layout import (
    COLUMNS,
    HEADING_ROWS,
    NAME,
    NOTE,
    SUFFIXES,
    SheetName,
    cell_name,
    known_column,
    known_sheet,
    sheet_label,
)
from scenarios.language.words import PARAMETERS, spec_of
from scenarios.overrides import put
from scenarios.spec import STUDIES, KeyProblem, KeySpec, nearest
from scenarios.studies.settings import KIND

Grid = Sequence[Sequence[object]]
OVERRIDES = "overrides"


@dataclass(frozen=True, slots=True)
class _Row:
    """One value of a sheet: where its key stands in the document, and in which cell."""

    path: tuple[str, ...]
    cell: object
    place: str


@dataclass(slots=True)
class SheetDocument:
    """What a scenario workbook says.

    Attributes
    ----------
    document
        As a scenario file's: nested tables and values.
    places
        Dotted key → file, sheet and cell.
    problems
        What is wrong with the sheets themselves.
    """

    document: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[KeyProblem] = field(default_factory=list)

    def located(self, problem: KeyProblem, name: str) -> KeyProblem:
        """Return a problem with the cell it is about, where its key stands in a cell of this file, called `name`."""
        for origin, prefix in ((name, ""), *((f"override {o} ({name})", f"{OVERRIDES}.{o}.") for o in self._owners())):
            place = self.places.get(f"{prefix}{problem.key}")
            if problem.origin == origin and place is not None:
                return KeyProblem(place, problem.key, problem.message)
        return problem

    def _owners(self) -> list[str]:
        overrides = self.document.get(OVERRIDES, {})
        return list(overrides) if isinstance(overrides, Mapping) else []


def is_workbook(name: str) -> bool:
    """Tell whether a scenario's file is a workbook."""
    return PurePath(name).suffix.lower() in SUFFIXES


def read_sheets(data: bytes, name: str) -> SheetDocument:
    """Read a scenario workbook.

    Parameters
    ----------
    data
        Bytes of the file.
    name
        Its name, for messages.

    Raises
    ------
    UsageError
        If it cannot be opened, or has none of a scenario's sheets.
    """
    result = SheetDocument()
    try:
        grids, errors = read_grids(io.BytesIO(data))
    except ValueError as error:
        raise UsageError(Message("sheet_unreadable", {"file": name, "reason": str(error)})) from error
    rows: list[_Row] = []
    found: dict[str, str] = {}
    for title, grid in grids.items():
        sheet = known_sheet(title)
        if sheet in COLUMNS:
            if sheet in found:
                figures = {"sheet": title, "other": found[sheet]}
                result.problems.append(KeyProblem(f"{name} {title}", "", Message("sheet_twice", figures)))
                continue
            found[sheet] = title
            rows += _rows(sheet, grid, f"{name} {title}", result)  # type: ignore[arg-type]
            result.problems += _error_cells(errors.get(title, {}), f"{name} {title}")
        elif not sheet and any(not is_empty(cell) for row in grid for cell in row):
            result.problems.append(KeyProblem(f"{name} {title}", "", _unknown_sheet(title)))
    if not found:
        raise UsageError(Message("sheet_no_scenario", {"file": name, "known": _known_sheets()}))
    _fill(rows, result)
    return result


def _known_sheets() -> str:
    return ", ".join(f"{sheet_label(sheet, 'zh')} / {sheet_label(sheet, 'en')}" for sheet in COLUMNS)


def _unknown_sheet(title: str) -> Message:
    labels = [sheet_label(sheet, lang) for sheet in COLUMNS for lang in LANGS]
    return Message("sheet_unknown", {"sheet": title, "nearest": nearest(title, labels)})


def _error_cells(cells: Mapping[str, str], origin: str) -> list[KeyProblem]:
    """Return a problem for every cell that shows an Excel error, or a formula never calculated."""
    return [
        KeyProblem(f"{origin}!{cell}", "", Message("sheet_error_cell", {"value": word})) for cell, word in cells.items()
    ]


def _rows(sheet: SheetName, grid: Grid, origin: str, result: SheetDocument) -> list[_Row]:
    """Return the rows of one sheet that hold a value."""
    top, columns = _headings(grid)
    missing = [column for column in COLUMNS[sheet] if column not in columns]
    if missing:
        if any(not is_empty(cell) for row in grid for cell in row):
            figures = {"columns": ", ".join(missing)}
            result.problems.append(KeyProblem(origin, "", Message("sheet_no_headings", figures)))
        return []
    rows = []
    for number, row in enumerate(grid[top + 1 :], start=top + 1):
        if not (isinstance(row[0], str) and row[0].strip().startswith(NOTE)):
            rows += _row(sheet, row, (columns, number), origin, result)
    return rows


def _headings(grid: Grid) -> tuple[int, dict[str, int]]:
    """Return the row of the headings and the position of each column."""
    for number, row in enumerate(grid[:HEADING_ROWS]):
        columns = {known_column(cell): i for i, cell in reversed(list(enumerate(row))) if known_column(cell)}
        if "key" in columns and "value" in columns:
            return number, columns
    return 0, {}


def _row(
    sheet: SheetName, row: Sequence[object], at: tuple[Mapping[str, int], int], origin: str, result: SheetDocument
) -> list[_Row]:
    """Return the value of a row, if there is one; an override's name alone stands for an override without keys."""
    columns, number = at
    owner = next((column for column in COLUMNS[sheet] if column in ("study", "override")), "")
    name = "" if not owner else _word(row[columns[owner]])
    key = _word(row[columns["key"]])
    value = row[columns["value"]]
    place = f"{origin}!{cell_name(columns['value'], number)}"
    if is_empty(value):
        if sheet == "overrides" and name and not key:
            result.document.setdefault(OVERRIDES, {}).setdefault(name, {})
        return []
    if not key or (owner and not name):
        column = owner if key else "key"
        where = f"{origin}!{cell_name(columns[column], number)}"
        figures = {"column": column, "value": shown(value)}
        result.problems.append(KeyProblem(where, "", Message("sheet_value_alone", figures)))
        return []
    return [_Row(_path(sheet, name, key), value, place)]


def _word(cell: object) -> str:
    if is_empty(cell):
        return ""
    try:
        return str(decode(cell, NAME))
    except CellError:
        return shown(cell)


def _path(sheet: SheetName, name: str, key: str) -> tuple[str, ...]:
    """Return where the key of a row stands in the document."""
    if sheet == "parameters":
        return (PARAMETERS, key.removeprefix(f"{PARAMETERS}."))
    if sheet == "studies":
        return (STUDIES, name, key)
    return (OVERRIDES, name, *key.split(".")) if sheet == "overrides" else tuple(key.split("."))


def _fill(rows: Sequence[_Row], result: SheetDocument) -> None:
    """Put every value into the document, the kinds of studies first: they say what the other cells hold."""
    kinds = _kinds(rows)
    for row in rows:
        key = ".".join(row.path)
        if key in result.places:
            figures = {"key": key, "other": result.places[key]}
            result.problems.append(KeyProblem(row.place, key, Message("sheet_key_twice", figures)))
            continue
        try:
            value = decode(row.cell, spec_at(row.path, kinds))
        except CellError:
            figures = {"key": key, "value": shown(row.cell)}
            result.problems.append(KeyProblem(row.place, key, Message("sheet_bad_cell", figures)))
            continue
        result.places[key] = row.place
        if not put(result.document, row.path, value):
            result.problems.append(KeyProblem(row.place, key, Message("sheet_key_in_key", {"key": key})))


def _kinds(rows: Sequence[_Row]) -> dict[tuple[str, str], str]:
    """Return the kind of each study, by the override that holds it (or an empty text) and its name."""
    kinds = {}
    for row in rows:
        owner, path = _owner(row.path)
        if len(path) == 3 and path[0] == STUDIES and path[2] == KIND:  # noqa: PLR2004
            kinds[owner, path[1]] = shown(row.cell).strip()
    return kinds


def _owner(path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return (path[1], path[2:]) if path[0] == OVERRIDES and len(path) > 2 else ("", path)  # noqa: PLR2004


def spec_at(path: tuple[str, ...], kinds: Mapping[tuple[str, str], str]) -> KeySpec | None:
    """Return what may stand at a place of a document; None where it is not known."""
    owner, plain = _owner(path)
    known = {name: kind for (_, name), kind in kinds.items()} | {n: k for (o, n), k in kinds.items() if o == owner}
    return spec_of(".".join(plain), known)


def kinds_of(document: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the kind of each study of a document, as a workbook of it would say."""
    trees = [("", document), *((name, tree) for name, tree in document.get(OVERRIDES, {}).items())]
    return {
        (owner, name): str(table[KIND])
        for owner, tree in trees
        for name, table in tree.get(STUDIES, {}).items()
        if KIND in table
    }
