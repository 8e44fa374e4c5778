"""Reader of Excel workbooks (and OpenDocument sheets): one sheet a table, every problem with its cell."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from geodata.aliases import is_ignored_sheet, nearest_sheet, resolve_sheet
from geodata.county_sheet import add_table
from geodata.errors import Problem
from geodata.raw import RawSource, is_blank
from geodata.schemas import SHEETS

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
_ERROR_CELL = re.compile(r'<c\b(?=[^>]*\br="([A-Z]+)(\d+)")(?=[^>]*\bt="e")[^>]*>.*?<v>([^<]*)</v>', re.DOTALL)
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
    for name, grid in grids.items():
        _add_sheet(source, name, grid)
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        source.problems += _error_cells(path, {t.location.sheet: n for n, t in source.tables.items()})
    return source


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


def _error_cells(path: Path, tables: dict[str, str]) -> list[Problem]:
    """Find cells that show an Excel error (#REF!, #N/A …), which the reader hands over as empty."""
    problems: list[Problem] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for sheet, part in _sheet_parts(archive).items():
                if sheet not in tables or part not in archive.namelist():
                    continue
                text = archive.read(part).decode("utf-8", errors="replace")
                if 't="e"' not in text:
                    continue
                problems += [
                    Problem("error", "error_cell", tables[sheet], path.name, sheet, int(r), "", f"{c}{r}", v)
                    for c, r, v in _ERROR_CELL.findall(text)
                ]
    except (zipfile.BadZipFile, KeyError, OSError):
        return []
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
