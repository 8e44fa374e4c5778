"""Reader of a folder of CSV files: one file a table, in utf-8 (with or without mark), GB 18030 (GBK) or UTF-16."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from geodata.aliases import is_ignored_sheet, nearest_sheet, resolve_sheet
from geodata.county_sheet import add_table
from geodata.errors import Problem
from geodata.raw import RawSource
from geodata.schemas import SHEETS

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS = ",\t;"


def read_csv_folder(folder: Path) -> RawSource:
    """Read every known ``.csv`` file of a folder; problems are collected in the result."""
    source = RawSource(folder.name)
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() == ".csv"):
        table = resolve_sheet(path.stem)
        if table is None or table not in SHEETS:
            if not is_ignored_sheet(path.stem):
                source.problems.append(
                    Problem("warning", "unknown_sheet", file=path.name, value=path.stem, params=_nearest(path))
                )
        elif table in source.tables:
            other = source.tables[table].location.file
            source.problems.append(Problem("error", "duplicate_sheet", table, path.name, params={"other": other}))
        else:
            _add_file(source, table, path)
    return source


def decode(data: bytes) -> str | None:
    """Decode the bytes of a CSV: by mark, else strictly as utf-8, else strictly as GB 18030; None if all fail."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _try(data, encoding)
    text = _try(data, "utf-8")
    return text if text is not None else _try(data, "gb18030")


def _add_file(source: RawSource, table: str, path: Path) -> None:
    try:
        data = path.read_bytes()
    except PermissionError:
        source.problems.append(Problem("error", "locked_file", table, path.name))
        return
    except OSError as error:
        source.problems.append(Problem("error", "unreadable_file", table, path.name, params={"reason": str(error)}))
        return
    text = decode(data)
    if text is None or "\x00" in text:
        source.problems.append(Problem("error", "unreadable_encoding", table, path.name))
    elif not text.strip():
        source.problems.append(Problem("error", "empty_file", table, path.name))
    else:
        first_line = text.splitlines()[0]
        separator = max(_SEPARATORS, key=first_line.count)
        grid = list(csv.reader(StringIO(text, newline=""), delimiter=separator))
        add_table(table, grid, (path.name, ""), source)


def _nearest(path: Path) -> dict[str, object]:
    return {"nearest": nearest_sheet(path.stem)}


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
