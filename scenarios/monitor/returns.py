"""Reading a return: every problem in one go, each with sheet, row, column, value and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from geodata.aliases import normalise
from geodata.check_values import check_values
from geodata.errors import InputError, Problem
from geodata.messages import LANGS, Message, label
from geodata.parse import parse_table
from geodata.raw import Locations, RawTable, TableLocation, is_blank, is_note, value_text
from geodata.schema_types import TableSpec
from geodata.units import unit_factor, unit_in_header
from scenarios.monitor.quarter import Quarter, parse_quarter
from scenarios.monitor.return_checks import check_return
from scenarios.monitor.run_facts import RunFacts
from scenarios.monitor.sheets import INFO, PROJECTS, SHEETS, TOWNSHIPS, VILLAGES

_HEADER_ROWS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """A return that can be used.

    Attributes
    ----------
    quarter
        Quarter it is for.
    villages, townships, projects
        Canonical frames of the sheets.
    warnings
        What was found and does not stop the reading.
    """

    quarter: Quarter
    villages: pd.DataFrame
    townships: pd.DataFrame
    projects: pd.DataFrame
    warnings: tuple[Problem, ...] = ()


def read_returns(path: Path, run: RunFacts, *, as_of: dt.date) -> Returns:
    """Read and check a return.

    Parameters
    ----------
    path
        Workbook written by the template and filled in.
    run
        Plan it is read against.
    as_of
        Day of reading: a quarter that has not ended by then cannot be returned.

    Raises
    ------
    InputError
        With every problem found.
    """
    problems: list[Problem] = []
    grids = _grids(path, problems)
    tables: dict[str, pd.DataFrame] = {}
    locations = Locations()
    for spec in SHEETS:
        raw = _raw(spec, grids, path.name, problems)
        if raw is not None:
            locations[spec.name] = raw.location
            frame, found = parse_table(spec, raw, locations)
            told = {(p.row, p.column) for p in found}
            found += [p for p in check_values(spec, frame, locations) if (p.row, p.column) not in told]
            problems += [_percent(p, spec, raw) for p in found]
            tables[spec.name] = frame
    if len(tables) == len(SHEETS):
        problems += check_return(tables, locations, run, as_of)
    ordered = _in_order(problems)
    errors = sum(problem.severity == "error" for problem in ordered)
    quarter = parse_quarter(str(tables[INFO.name]["return_quarter"].iloc[0])) if not errors else None
    if quarter is None:
        raise InputError(Message("return_unusable", {"file": path.name, "count": errors}), ordered)
    villages, townships, projects = (tables[spec.name] for spec in (VILLAGES, TOWNSHIPS, PROJECTS))
    return Returns(quarter, villages, townships, projects, ordered)


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    sheets = [spec.name for spec in SHEETS]

    def key(problem: Problem) -> tuple[object, ...]:
        sheet = sheets.index(problem.table) if problem.table in sheets else -1
        return (problem.severity != "error", sheet, problem.row or 0, problem.column, problem.code, problem.value)

    return tuple({key(p): p for p in sorted(problems, key=key)}.values())


def _grids(path: Path, problems: list[Problem]) -> Mapping[str, Sequence[Sequence[object]]]:
    """Return normalised sheet name → cells."""
    if not path.is_file():
        problems.append(Problem("error", "file_not_found", file=path.name, value=str(path)))
        return {}
    try:
        with path.open("rb") as stream:
            book = CalamineWorkbook.from_filelike(stream)
            return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}
    except PermissionError:
        problems.append(Problem("error", "locked_file", file=path.name))
    except (CalamineError, OSError, ValueError) as error:
        problems.append(Problem("error", "unreadable_file", file=path.name, params={"reason": str(error)}))
    return {}


def _raw(
    spec: TableSpec, grids: Mapping[str, Sequence[Sequence[object]]], file: str, problems: list[Problem]
) -> RawTable | None:
    """Return the cells of a sheet under canonical names; None if it is absent or has no heading line."""
    names = {normalise(word) for word in (spec.name, *(spec.label(lang) for lang in LANGS))}
    sheet = next((name for name in grids if normalise(name) in names), None)
    if sheet is None:
        if grids:
            name = f"{spec.label('zh')} ({spec.label('en')})"
            problems.append(Problem("error", "missing_sheet", spec.name, file, params={"name": name}))
        return None
    grid = grids[sheet]
    known = {
        normalise(word): column.name for column in spec.columns for word in (column.name, *map(column.label, LANGS))
    }
    top = _header_row(grid, known)
    headers, positions = _headers(grid[top] if grid else (), known)
    problems += [
        Problem("error", "return_unit", spec.name, file, sheet, top + 1, heading, "", unit_in_header(heading))
        for name, heading in headers.items()
        if _has_wrong_unit(spec, name, heading)
    ]
    kept = [i for i in range(top + 1, len(grid)) if not _is_skipped(grid[i])]
    if not kept and spec is not PROJECTS:
        problems.append(Problem("error", "return_empty_sheet", spec.name, file, sheet))
    cells = {
        name: pd.Series([grid[i][at] if at < len(grid[i]) else None for i in kept], dtype=object)
        for name, at in positions.items()
    }
    location = TableLocation(file, sheet, headers, positions, [i + 1 for i in kept])
    return RawTable(spec.name, pd.DataFrame(cells, index=range(len(kept))), location)


def _header_row(grid: Sequence[Sequence[object]], known: Mapping[str, str]) -> int:
    counts = [sum(normalise(value_text(cell)) in known for cell in row) for row in grid[:_HEADER_ROWS]]
    return counts.index(max(counts)) if counts else 0


def _headers(row: Sequence[object], known: Mapping[str, str]) -> tuple[dict[str, str], dict[str, int]]:
    headers: dict[str, str] = {}
    positions: dict[str, int] = {}
    for position, cell in enumerate(row):
        heading = value_text(cell).strip()
        name = known.get(normalise(heading))
        if name is not None and name not in positions:
            headers[name], positions[name] = heading, position
    return headers, positions


def _has_wrong_unit(spec: TableSpec, name: str, heading: str) -> bool:
    unit, written = spec.column(name).unit, unit_in_header(heading)
    if not unit or not written:
        return False
    printed = {unit_in_header(f"x ({label(f'unit_{unit}', lang)})") for lang in LANGS}
    return written not in printed and unit_factor(unit, written) is None


def _is_skipped(row: Sequence[object]) -> bool:
    first = next((cell for cell in row if not is_blank(cell)), None)
    return first is None or is_note(first)


def _percent(problem: Problem, spec: TableSpec, raw: RawTable) -> Problem:
    """Say of a share above 1 that it looks like a percentage."""
    by_heading = {heading: name for name, heading in raw.location.headers.items()}
    name = by_heading.get(problem.column, problem.column)
    is_share = name in spec.column_names and spec.column(name).unit == "share"
    if problem.code != "out_of_range" or not is_share:
        return problem
    place = (problem.file, problem.sheet, problem.row, problem.column, problem.cell, problem.value)
    return Problem("error", "return_percent", problem.table, *place)
