"""The county sheet: facts about the county as a whole, one item a row, or one row with a column an item."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geodata.aliases import column_title, nearest_column, resolve_column
from geodata.errors import Problem
from geodata.raw import RawSource, RawTable, TableLocation, is_blank, is_note, table_from_grid, value_text

Grid = Sequence[Sequence[object]]


def add_table(name: str, grid: Grid, place: tuple[str, str], source: RawSource) -> None:
    """Add a table to `source` from its grid of cells, whichever way a county sheet is laid out.

    Parameters
    ----------
    place
        File and sheet (sheet empty outside workbooks).
    """
    if name == "county" and _is_vertical(grid):
        _add_items(grid, place, source)
    else:
        table_from_grid(name, grid, place, source)


def _is_vertical(grid: Grid) -> bool:
    def known(cells: Sequence[object]) -> int:
        return len({resolve_column("county", value_text(c)) for c in cells if not is_blank(c)} - {None})

    down = known([row[0] for row in grid if row])
    across = max((known(row) for row in grid), default=0)
    return down >= across


def _add_items(grid: Grid, place: tuple[str, str], source: RawSource) -> None:
    values: dict[str, object] = {}
    rows: dict[str, int] = {}
    headings: dict[str, str] = {}
    for number, row in enumerate(grid, start=1):
        word = value_text(row[0]).strip() if row else ""
        if not word or is_note(word):
            continue
        value = row[1] if len(row) > 1 else None
        item = resolve_column("county", word)
        if item is None or item in values:
            source.problems += _item_problem(item, word, value, (*place, number))
            continue
        values[item], rows[item], headings[item] = value, number, word
    cells = pd.DataFrame({k: pd.Series([v], dtype=object) for k, v in values.items()}, index=range(1))
    source.tables["county"] = RawTable("county", cells, TableLocation(*place, headings, items=rows))


def _item_problem(item: str | None, word: str, value: object, where: tuple[str, str, int]) -> list[Problem]:
    file, sheet, number = where
    if item is None and (number == 1 or is_blank(value)):
        return []  # the heading line, or a remark
    cell = f"A{number}" if sheet else ""
    if item is None:
        params = {"nearest": nearest_column("county", word)}
        return [Problem("warning", "unknown_column", "county", file, sheet, number, word, cell, word, params)]
    known = {"known": column_title(item)}
    return [Problem("error", "duplicate_column", "county", file, sheet, number, word, cell, word, known)]
