"""What the sheets and columns of a scenario workbook are called, and how each sheet's rows become keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from geodata.messages import LANGS, Lang, text
from scenarios.spec import KeySpec

SheetName = Literal["settings", "parameters", "studies", "overrides"]
ColumnName = Literal["study", "override", "key", "value", "meaning", "unit", "default", "allowed"]
#: Columns that hold the scenario, by sheet; the others are help.
COLUMNS: Mapping[SheetName, tuple[ColumnName, ...]] = {
    "settings": ("key", "value"),
    "parameters": ("key", "value"),
    "studies": ("study", "key", "value"),
    "overrides": ("override", "key", "value"),
}
HELP: tuple[ColumnName, ...] = ("meaning", "unit", "default", "allowed")
#: Sheets a planner may keep beside: never read.
FREE_SHEETS = ("guide", "notes", "lists")
#: A row whose first cell begins with this is a note.
NOTE = "#"
#: What a name of a study or an override is: a text of its own column.
NAME = KeySpec("name", "text", None)
#: Rows at the top among which the headings are looked for.
HEADING_ROWS = 20
#: Suffixes of files that are read as scenario workbooks.
SUFFIXES = (".xlsx", ".xlsm")


def sheet_label(sheet: str, lang: Lang) -> str:
    """Return a sheet's name."""
    return text(f"sheet_{sheet}", lang)


def column_label(column: ColumnName, lang: Lang) -> str:
    """Return a column's heading."""
    return text(f"sheet_column_{column}", lang)


def known_sheet(name: str) -> str:
    """Return which sheet a name stands for, in either language; empty if none."""
    word = _folded(name)
    for sheet in (*COLUMNS, *FREE_SHEETS):
        if word in (sheet, *(_folded(sheet_label(sheet, lang)) for lang in LANGS)):
            return sheet
    return ""


def known_column(heading: object) -> str:
    """Return which column a heading stands for, in either language; empty if none."""
    word = _folded(heading) if isinstance(heading, str) else ""
    for column in ("study", "override", "key", "value", *HELP):
        if word in (column, *(_folded(text(f"sheet_column_{column}", lang)) for lang in LANGS)):
            return column
    return ""


def _folded(word: str) -> str:
    return word.strip().casefold()


def cell_name(column: int, row: int) -> str:
    """Return an Excel address of 0-based column and row: ``B12``."""
    letters = ""
    rest = column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"
