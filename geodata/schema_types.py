"""Named schemas: what each table and column of a county must hold, and the value checks made from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa

from geodata.messages import Lang, has_label, label, text

ColumnType = Literal["text", "id", "code", "number", "integer", "boolean", "choice", "time"]
NUMERIC_TYPES: frozenset[str] = frozenset({"number", "integer"})


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """What one column holds.

    Attributes
    ----------
    name
        Canonical name, with its unit inside; glossary key of its label.
    type
        ``id`` is free text without meaning of its own, ``code`` an official number kept as text, ``time`` is ``HH:MM``.
    is_required
        The column must be present.
    is_nullable
        A cell may be empty.
    unit
        Glossary key ``unit_<unit>``; empty for texts.
    low, high
        Least and greatest value accepted; None where there is no bound.
    is_low_open
        The value must lie above `low`, not on it.
    choices
        Accepted values of a ``choice``.
    digits
        Number of digits of a ``code``.
    refers_to
        Table whose key the value must be found in; empty for none.
    default
        Id of the parameter used when the column or cell is missing; empty when another rule (or none) applies.
    example
        Value shown in the template; texts that depend on the language are messages ``example_<table>_<column>``.
    """

    name: str
    type: ColumnType = "text"
    is_required: bool = False
    is_nullable: bool = True
    unit: str = ""
    low: float | None = None
    high: float | None = None
    is_low_open: bool = False
    choices: tuple[str, ...] = ()
    digits: int | None = None
    refers_to: str = ""
    default: str = ""
    example: str = ""

    @property
    def is_numeric(self) -> bool:
        """Tell whether the column is kept as float64 (else as text)."""
        return self.type in NUMERIC_TYPES

    def label(self, lang: Lang) -> str:
        """Return the name printed above the column."""
        return label(self.name, lang)

    def choice_label(self, choice: str, lang: Lang) -> str:
        """Return the label of one of the choices."""
        return choice_label(self.name, choice, lang)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What one table holds.

    Attributes
    ----------
    name
        Canonical name; glossary key ``table_<name>``.
    columns
        Columns in order.
    key
        Columns that together occur once only.
    is_required
        A county cannot be read without it.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...] = ()
    is_required: bool = False

    def column(self, name: str) -> ColumnSpec:
        """Return a column by its canonical name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Canonical names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def has_places(self) -> bool:
        """Tell whether the rows carry longitude and latitude."""
        return {"lon", "lat"} <= set(self.column_names)

    def label(self, lang: Lang) -> str:
        """Return the name of the sheet."""
        return label(f"table_{self.name}", lang)

    def meaning(self, column: str, lang: Lang) -> str:
        """Say what a column means and what to enter."""
        return text(f"meaning_{self.name}_{column}", lang)


def choice_label(column: str, choice: str, lang: Lang) -> str:
    """Return the label of a choice; the value itself where it is a name that needs no label (``WGS84``)."""
    key = f"{column}_{choice}"
    return label(key, lang) if has_label(key) else choice


def canonical_frame(spec: TableSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with exactly the columns and dtypes of `spec`, index 0…n-1.

    Numbers become float64 with NaN for missing, everything else text (object) with ``""`` for missing.
    A column `frame` lacks is added as missing.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for column in spec.columns:
        if column.name in frame.columns:
            values = frame[column.name].reset_index(drop=True)
        else:
            values = pd.Series([None] * len(frame), dtype=object)
        columns[column.name] = _numbers(values) if column.is_numeric else _texts(values)
    return pd.DataFrame(columns)


def _numbers(values: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(values.map(lambda v: np.nan if v is None or v is pd.NA else v)).astype("float64")


def _texts(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.astype(object).where(values.notna(), "").map(str).astype(object)


@cache
def pandera_schema(spec: TableSpec) -> pa.DataFrameSchema:
    """Build the named schema of a table; every check carries the code of the problem it finds as its error.

    The frame to validate must be canonical (see `canonical_frame`). Places are checked apart, because a
    swapped pair or metres are better said than "out of range".
    """
    columns = {c.name: pa.Column(None, checks=_checks(c), nullable=True, required=True) for c in spec.columns}
    whole = [pa.Check(_unique_on(spec.key), error="duplicate_key")] if spec.key else []
    return pa.DataFrameSchema(columns, checks=whole, name=spec.name, strict=True)


def _checks(column: ColumnSpec) -> list[pa.Check]:
    checks: list[pa.Check] = []
    if not column.is_nullable:
        checks.append(pa.Check(_is_filled, error="missing_value", ignore_na=False))
    if column.name in {"lon", "lat"}:
        return checks
    if column.is_numeric:
        checks.append(pa.Check(lambda s: ~np.isinf(s), error="not_finite"))
        checks += _range_checks(column)
    if column.type == "integer":
        checks.append(pa.Check(lambda s: (s == np.floor(s)) | np.isinf(s), error="not_an_integer"))
    if column.type == "choice":
        checks.append(pa.Check(lambda s: s.isin(("", *column.choices)), error="unknown_choice"))
    if column.type == "code":
        pattern = rf"\d{{{column.digits}}}" if column.digits else r"\d+"
        checks.append(pa.Check(lambda s: (s == "") | s.str.fullmatch(pattern), error="bad_code"))
    if column.type == "time":
        checks.append(pa.Check(lambda s: (s == "") | s.str.fullmatch(r"([01]\d|2[0-3]):[0-5]\d"), error="bad_time"))
    return checks


def _range_checks(column: ColumnSpec) -> list[pa.Check]:
    low, high = column.low, column.high
    checks: list[pa.Check] = []
    if low is not None:
        if low == 0:
            checks.append(pa.Check(lambda s: s >= 0, error="negative_value"))
        if low != 0 or column.is_low_open:
            open_ended = column.is_low_open
            checks.append(pa.Check(lambda s: (s > low) if open_ended else (s >= low), error="out_of_range"))
    if high is not None:
        checks.append(pa.Check(lambda s: (s <= high) | np.isinf(s), error="out_of_range"))
    return checks


def _is_filled(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.notna() & (values != "")


def _unique_on(key: tuple[str, ...]) -> Any:
    def is_first(frame: pd.DataFrame) -> pd.Series[Any]:
        keys = frame[list(key)]
        blank = keys.isna().any(axis=1) | (keys == "").any(axis=1)
        return blank | ~keys.duplicated(keep="first")

    return is_first
