"""Reader of Excel workbooks (and OpenDocument sheets): one sheet a table, every problem with its cell."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook

from geodata.aliases import is_ignored_sheet, nearest_sheet, resolve_column, resolve_sheet
from geodata.county_sheet import add_table
from geodata.errors import Problem, Severity
from geodata.raw import RawSource, column_position, header_row, is_blank, is_note, value_text
from geodata.schemas import SHEETS, TABLES

Grid = list[list[Any]]
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
_ERROR_CELL = re.compile(r'<c\b(?=[^>]*\br="([A-Z]+)(\d+)")(?=[^>]*\bt="e")[^>]*>.*?<v>([^<]*)</v>', re.DOTALL)
_CELL = re.compile(r'<c\b[^>]*\br="([A-Z]+)(\d+)"[^>]*(?<!/)>(.*?)</c>', re.DOTALL)
_FORMULA = re.compile(r"<f\b")
_VALUE = re.compile(r"<v>[^<]|<is\b|<v [^>]*>[^<]")
_MERGED = re.compile(r'<mergeCell\b[^>]*\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_SHEET_TAG = re.compile(r"<sheet\b[^>]*>")
_RELATION_TAG = re.compile(r"<Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')


def read_excel(path: Path) -> RawSource:
    """Read every known sheet of a workbook.

    Problems (unknown sheets, error cells, a file that cannot be opened) are collected in the result; nothing is raised
    for bad data. The workbook is only read.
    """
    source = RawSource(path.name)
    try:
        with path.open("rb") as stream:
            workbook = CalamineWorkbook.from_filelike(stream)
            grids = {n: workbook.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in workbook.sheet_names}
    except PermissionError:
        source.problems.append(Problem("error", "locked_file", file=path.name))
        return source
    except (CalamineError, OSError, ValueError) as error:
        code = "empty_file" if path.is_file() and path.stat().st_size == 0 else "unreadable_file"
        source.problems.append(Problem("error", code, file=path.name, params={"reason": str(error)}))
        return source
    texts = _sheet_texts(path) if path.suffix.lower() in {".xlsx", ".xlsm"} else {}
    for name, grid in grids.items():
        table = resolve_sheet(name)
        if table is not None and table in TABLES and name in texts:
            source.problems += _fill_merged(texts[name], table, grid, (path.name, name))
        _add_sheet(source, name, grid)
    for table, raw in source.tables.items():
        sheet = raw.location.sheet
        source.problems += _cell_problems(texts.get(sheet, ""), table, (path.name, sheet))
    return source


def read_grids(stream: BinaryIO) -> tuple[dict[str, Grid], dict[str, dict[str, str]]]:
    """Read every sheet of an ``.xlsx`` workbook as rows of plain cells.

    Returns
    -------
    dict, dict
        Sheet name → rows; and sheet name → address → what stands there, for cells the rows show as empty although they
        are not: Excel errors (``#REF!``), and formulas without a stored result (``=``).

    Raises
    ------
    ValueError
        If it is no workbook that can be read.
    """
    try:
        workbook = CalamineWorkbook.from_filelike(stream)
        grids = {n: workbook.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in workbook.sheet_names}
    except (CalamineError, OSError) as error:
        raise ValueError(str(error)) from error
    stream.seek(0)
    found: dict[str, dict[str, str]] = {}
    for sheet, text in _sheet_texts(stream).items():
        found[sheet] = {p.cell: p.value or "=" for p in _cell_problems(text, "", ("", sheet))}
    return grids, found


def _add_sheet(source: RawSource, name: str, grid: Sequence[Sequence[object]]) -> None:
    table = resolve_sheet(name)
    if table is not None and table in SHEETS:
        if table in source.tables:
            other = source.tables[table].location.sheet
            source.problems.append(
                Problem("error", "duplicate_sheet", table, source.file, name, params={"other": other})
            )
            return
        add_table(table, grid, (source.file, name), source)
    elif not is_ignored_sheet(name) and any(not is_blank(cell) for row in grid for cell in row):
        source.problems.append(
            Problem(
                "warning", "unknown_sheet", "", source.file, name, value=name, params={"nearest": nearest_sheet(name)}
            )
        )


def _sheet_texts(path: Path | BinaryIO) -> dict[str, str]:
    """Return sheet name → XML of the sheet."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            return {
                sheet: archive.read(part).decode("utf-8", errors="replace")
                for sheet, part in _sheet_parts(archive).items()
                if part in names
            }
    except (zipfile.BadZipFile, KeyError, OSError):
        return {}


def _cell_problems(text: str, table: str, place: tuple[str, str]) -> list[Problem]:
    """Find cells the reader hands over as empty: an Excel error (#REF!, #N/A …), a formula without stored result."""
    problems: list[Problem] = []
    if 't="e"' in text:
        problems += [
            Problem("error", "error_cell", table, *place, int(r), "", f"{c}{r}", v)
            for c, r, v in _ERROR_CELL.findall(text)
        ]
    if "<f" in text:
        problems += [
            Problem("error", "formula_without_value", table, *place, int(r), "", f"{c}{r}")
            for c, r, inside in _CELL.findall(text)
            if _FORMULA.search(inside) and not _VALUE.search(inside)
        ]
    return problems


def _fill_merged(text: str, table: str, grid: Grid, place: tuple[str, str]) -> list[Problem]:
    """Give merged cells of text columns the value of their first cell; merged figures are refused.

    Merged cells in or above the heading line, and those that hold nothing, are left alone.
    """
    problems: list[Problem] = []
    top = header_row(table, grid)
    for first, first_row, last, last_row in _MERGED.findall(text):
        left, right = column_position(first), column_position(last)
        upper, lower = int(first_row) - 1, int(last_row) - 1
        if upper <= top or lower >= len(grid) or right >= len(grid[upper]) or is_blank(grid[upper][left]):
            continue
        span, value = f"{first}{first_row}:{last}{last_row}", grid[upper][left]
        if is_note(value):
            continue
        names = [resolve_column(table, value_text(cell)) for cell in grid[top][left : right + 1]]
        is_figure = any(name and SHEETS[table].column(name).is_numeric for name in names)
        severity: Severity = "error" if is_figure else "warning"
        code = "merged_numbers" if is_figure else "merged_filled"
        cell, params = f"{first}{first_row}", {"range": span}
        problems.append(Problem(severity, code, table, *place, int(first_row), "", cell, value_text(value), params))
        for row in grid[upper : lower + 1]:
            row[left : right + 1] = [value] * (right + 1 - left)
    return problems


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return sheet name → path of its XML inside the workbook."""
    book = archive.read("xl/workbook.xml").decode("utf-8", errors="replace")
    relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", errors="replace")
    targets = {}
    for tag in _RELATION_TAG.findall(relations):
        attributes = dict(_ATTRIBUTE.findall(tag))
        targets[attributes.get("Id", "")] = attributes.get("Target", "")
    parts = {}
    for tag in _SHEET_TAG.findall(book):
        attributes = dict(_ATTRIBUTE.findall(tag))
        target = targets.get(attributes.get("r:id", ""), "")
        parts[attributes.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return parts
