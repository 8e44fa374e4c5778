"""Value checks of single tables: the pandera schemas, their failure cases turned into located problems."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pandera.pandas as pa

from geodata.aliases import choices_title, column_title
from geodata.errors import Problem
from geodata.raw import Locations, value_text
from geodata.schema_types import TableSpec, pandera_schema, refusal


def check_values(spec: TableSpec, frame: pd.DataFrame, locations: Locations) -> list[Problem]:
    """Return every value of a canonical frame that its schema refuses, one problem a cell.

    Columns the source does not have are passed over: that they are missing is said once, elsewhere.
    """
    if frame.empty:
        return []
    try:
        pandera_schema(spec).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return list(_problems(spec, frame, locations, _failures(spec, frame, errors.failure_cases)))
    return []


def _failures(spec: TableSpec, frame: pd.DataFrame, cases: pd.DataFrame) -> dict[tuple[int, str], str]:
    """Return (row, column) → code of the problem; a value refused by itself is not told as a duplicate too."""
    found: dict[tuple[int, str], str] = {}
    for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
        row = int(index)
        if check == "duplicate_key":
            found.setdefault((row, spec.key[0]), "duplicate_key")
        else:
            found[(row, str(column))] = refusal(spec.column(str(column)), frame[column].iloc[row])
    return found


def _problems(
    spec: TableSpec, frame: pd.DataFrame, locations: Locations, failures: dict[tuple[int, str], str]
) -> Iterator[Problem]:
    place = locations.get(spec.name)
    for (index, name), code in sorted(failures.items()):
        if code == "missing_value" and place is not None and name not in place.headers:
            continue
        column = spec.column(name)
        params: dict[str, object] = {}
        if code in {"negative_value", "out_of_range"}:
            params = {"low": _bound(column.low), "high": _bound(column.high)}
        elif code == "unknown_choice":
            params = {"choices": choices_title(spec, name)}
        elif code == "bad_code":
            params = {"digits": column.digits or 0, "found": len(str(frame[name].iloc[index]))}
        elif code == "duplicate_key":
            params = _duplicate(spec, frame, locations, index)
        yield locations.problem(
            "error", code, spec.name, index=index, column=name, value=frame[name].iloc[index], **params
        )


def _bound(value: float | None) -> str:
    return "–" if value is None else f"{value:,.10g}"


def _duplicate(spec: TableSpec, frame: pd.DataFrame, locations: Locations, index: int) -> dict[str, object]:
    """Say which columns must be unique together, and in which row the same values stood first."""
    keys = frame[list(spec.key)]
    first = int((keys == keys.iloc[index]).all(axis=1).to_numpy().argmax())
    row = locations[spec.name].row(first) if spec.name in locations else first + 2
    values = ", ".join(value_text(v) for v in keys.iloc[index])
    return {"first_row": row, "columns": ", ".join(column_title(c) for c in spec.key), "key": values}
