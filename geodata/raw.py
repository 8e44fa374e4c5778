"""What a reader found, before any cell is understood: tables of raw cells that remember where each cell stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from geodata.aliases import column_title, nearest_column, normalise, resolve_column
from geodata.errors import Problem, Severity

_HEADER_SEARCH_ROWS = 10
_NOTE_MARK = "#"
_EXACT = 1e15  # above, a float has no digit to show behind the point


@dataclass(frozen=True, slots=True)
class TableLocation:
    """Where the rows and columns of one canonical table stand in the source.

    Attributes
    ----------
    file, sheet
        Name of the file, and of the sheet for a workbook.
    headers
        Canonical column → heading in the source.
    positions
        Canonical column → 0-based column in the source.
    rows
        1-based source row of each table row.
    items
        For a sheet with one item a row: canonical column → source row; the values stand in column B.
    """

    file: str = ""
    sheet: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict)
    rows: Sequence[int] = ()
    items: Mapping[str, int] = field(default_factory=dict)

    def row(self, index: int, column: str = "") -> int:
        """Return the source row of a table row; without a source, the row of a sheet with one heading line."""
        if column in self.items:
            return self.items[column]
        return self.rows[index] if index < len(self.rows) else index + 2

    def cell(self, index: int, column: str) -> str:
        """Return the Excel address of a cell, or ``""`` outside workbooks and for columns that are not there."""
        if not self.sheet:
            return ""
        if column in self.items:
            return f"B{self.items[column]}"
        if column not in self.positions:
            return ""
        return f"{column_letters(self.positions[column])}{self.row(index)}"


class Locations(dict[str, TableLocation]):
    """Canonical table → where it stands; makes located problems."""

    def get_heading(self, table: str, column: str) -> str:
        """Return the heading of a canonical column in the source, or the canonical name."""
        return self.get(table, TableLocation()).headers.get(column, column)

    def problem(
        self,
        severity: Severity,
        code: str,
        table: str,
        *,
        index: int | None = None,
        column: str = "",
        value: object = "",
        **params: object,
    ) -> Problem:
        """Return a problem of `table`, at table row `index` and canonical `column` where given."""
        place = self.get(table, TableLocation())
        return Problem(
            severity,
            code,
            table=table,
            file=place.file,
            sheet=place.sheet,
            row=None if index is None else place.row(index, column),
            column=place.headers.get(column, column),
            cell="" if index is None else place.cell(index, column),
            value=value_text(value),
            params=params,
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """Cells of one table under canonical column names, as read (text, number, date …)."""

    name: str
    cells: pd.DataFrame
    location: TableLocation


@dataclass(slots=True, eq=False)
class RawSource:
    """Everything a reader found.

    Attributes
    ----------
    file
        Name of the file or folder as given.
    tables
        Canonical table → raw cells.
    layers
        ``roads``, ``boundary``, ``water`` as read, in EPSG:4326.
    layer_files
        Layer → name of the file it came from.
    extract_layers
        Layers that came from an OpenStreetMap extract, whose licence and system are known.
    crs_datums
        Table → system its geometry is declared in (GeoPackage).
    problems
        What was found while reading.
    """

    file: str
    tables: dict[str, RawTable] = field(default_factory=dict)
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    layer_files: dict[str, str] = field(default_factory=dict)
    extract_layers: set[str] = field(default_factory=set)
    crs_datums: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def column_letters(position: int) -> str:
    """Return the Excel letters of a 0-based column: 0 → ``A``, 27 → ``AB``."""
    letters = ""
    number = position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_position(letters: str) -> int:
    """Return the 0-based position of a column by its Excel letters: ``A`` → 0, ``AB`` → 27."""
    position = 0
    for letter in letters:
        position = position * 26 + ord(letter) - ord("A") + 1
    return position - 1


def value_text(value: object) -> str:
    """Return a cell's value as people wrote it: 12.0 as ``12``, nothing as ``""``."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < _EXACT else repr(float(value))
    return str(value)


def is_blank(cell: object) -> bool:
    """Tell whether a cell holds nothing (spaces count as nothing)."""
    return cell is None or (isinstance(cell, float) and cell != cell) or (isinstance(cell, str) and not cell.strip())  # noqa: PLR0124 (NaN)


def is_note(cell: object) -> bool:
    """Tell whether a line whose first cell is this is a remark: it begins with ``#``."""
    return isinstance(cell, str) and cell.lstrip().startswith(_NOTE_MARK)


def table_from_grid(name: str, grid: Sequence[Sequence[object]], place: tuple[str, str], source: RawSource) -> None:
    """Add table `name` to `source` from a grid of cells (headings included), reporting headings that are not known.

    The heading line is the one among the first ten with most known names. Empty lines and lines whose first cell
    begins with ``#`` are skipped.

    Parameters
    ----------
    place
        File and sheet (sheet empty outside workbooks).
    """
    file, sheet = place
    top = header_row(name, grid)
    header = [value_text(cell).strip() for cell in grid[top]] if grid else []
    headers: dict[str, str] = {}
    positions: dict[str, int] = {}
    for position, heading in enumerate(header):
        column = resolve_column(name, heading) if heading else None
        if column is None or column in positions:
            source.problems += _heading_problem(name, (file, sheet), (heading, top, position), grid, column)
            continue
        headers[column], positions[column] = heading, position
    source.problems += _skipped_problems(name, (file, sheet), grid, top)
    kept = [i for i in range(top + 1, len(grid)) if not _is_skipped(grid[i])]
    cells = pd.DataFrame(
        {c: pd.Series([_at(grid[i], p) for i in kept], dtype=object) for c, p in positions.items()},
        index=range(len(kept)),
    )
    location = TableLocation(file, sheet, headers, positions, [i + 1 for i in kept])
    source.tables[name] = RawTable(name, cells, location)


def header_row(name: str, grid: Sequence[Sequence[object]]) -> int:
    """Return the 0-based heading line: the one among the first ten with most known names."""
    best, most = 0, 0
    for i, row in enumerate(grid[:_HEADER_SEARCH_ROWS]):
        known = {resolve_column(name, value_text(cell)) for cell in row if not is_blank(cell)} - {None}
        if len(known) > most:
            best, most = i, len(known)
    if most:
        return best
    return next((i for i, row in enumerate(grid) if not _is_skipped(row)), 0)


def _is_skipped(row: Sequence[object]) -> bool:
    first = next((cell for cell in row if not is_blank(cell)), None)
    return first is None or is_note(first)


def _skipped_problems(
    name: str, place: tuple[str, str], grid: Sequence[Sequence[object]], top: int
) -> Iterator[Problem]:
    """Warn of rows that may be data behind a ``#``: the first cell is ``#`` and a digit or letter, without a space."""
    file, sheet = place
    for number, row in enumerate(grid[top + 1 :], start=top + 2):
        first = next((c for c in row if not is_blank(c)), None)
        if isinstance(first, str) and is_note(first) and first.strip()[1:2].strip():
            cell = f"A{number}" if sheet else ""
            yield Problem("warning", "row_skipped", name, file, sheet, number, "", cell, first.strip())


def _at(row: Sequence[object], position: int) -> object:
    return row[position] if position < len(row) else None


def _heading_problem(
    name: str,
    place: tuple[str, str],
    heading: tuple[str, int, int],
    grid: Sequence[Sequence[object]],
    column: str | None,
) -> list[Problem]:
    """Report a heading that is unknown, doubled, or missing above filled cells."""
    word, top, position = heading
    if not normalise(word):
        if all(is_blank(_at(row, position)) for row in grid[top + 1 :]):
            return []
        code, params = "column_without_name", {"letter": column_letters(position)}
    elif column is None:
        code, params = "unknown_column", {"nearest": nearest_column(name, word)}
    else:
        code, params = "duplicate_column", {"known": column_title(column)}
    file, sheet = place
    cell = f"{column_letters(position)}{top + 1}" if sheet else ""
    severity: Severity = "error" if code == "duplicate_column" else "warning"
    return [Problem(severity, code, name, file, sheet, top + 1, word, cell, word, params)]
