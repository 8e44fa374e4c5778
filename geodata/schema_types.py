"""Named schemas: what each table and column of a county must hold, and the value checks made from it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from geodata.messages import Lang, has_label, label, text

ColumnType = Literal["text", "id", "code", "number", "integer", "boolean", "choice", "time"]
NUMERIC_TYPES: frozenset[str] = frozenset({"number", "integer"})
PLACE_COLUMNS = frozenset({"lon", "lat"})
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


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
    columns: dict[str, npt.NDArray[Any]] = {}
    for column in spec.columns:
        values = frame[column.name].tolist() if column.name in frame.columns else [None] * len(frame)
        columns[column.name] = _numbers(values) if column.is_numeric else _texts(values)
    return pd.DataFrame(columns, index=range(len(frame)))


def _numbers(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if v is None or v is pd.NA else float(v) for v in values], dtype=np.float64)


def _texts(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    made = np.empty(len(values), dtype=object)
    made[:] = ["" if v is None or v is pd.NA or v != v else str(v) for v in values]  # noqa: PLR0124 (NaN)
    return made


@cache
def pandera_schema(spec: TableSpec) -> pa.DataFrameSchema:
    """Build the named schema of a table: one check a column (``value``) and one for its key (``duplicate_key``).

    The frame to validate must be canonical (see `canonical_frame`); `refusal` says why a value failed. Places are
    checked apart, because a swapped pair or metres are better said than "out of range".
    """
    columns = {c.name: pa.Column(None, checks=_checks(c), nullable=True, required=True) for c in spec.columns}
    whole = [pa.Check(_unique_on(spec.key), error="duplicate_key")] if spec.key else []
    return pa.DataFrameSchema(columns, checks=whole, name=spec.name, strict=True)


def refusal(column: ColumnSpec, value: object) -> str:
    """Return why a value of a canonical frame is refused, as the code of a problem; ``""`` if it is accepted."""
    if value == "" or value != value:  # noqa: PLR0124 (NaN)
        return "" if column.is_nullable else "missing_value"
    if isinstance(value, (int, float)):
        return _number_refusal(column, float(value))
    word = str(value)
    if column.type == "choice":
        return "" if word in column.choices else "unknown_choice"
    if column.type == "code":
        is_code = word.isascii() and word.isdigit() and len(word) == (column.digits or len(word))
        return "" if is_code else "bad_code"
    if column.type == "time":
        return "" if _TIME.fullmatch(word) else "bad_time"
    return ""


def _number_refusal(column: ColumnSpec, value: float) -> str:
    if column.name in PLACE_COLUMNS:
        return ""
    if math.isinf(value):
        return "not_finite"
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    if low == 0 and value < 0:
        return "negative_value"
    if value < low or value > high or (column.is_low_open and value == low):
        return "out_of_range"
    return "not_an_integer" if column.type == "integer" and value != math.floor(value) else ""


def _checks(column: ColumnSpec) -> list[pa.Check]:
    if column.is_nullable and (column.type in {"text", "id", "boolean"} or column.name in PLACE_COLUMNS):
        return []
    return [pa.Check(lambda values: ~_refused(column, values), error="value", ignore_na=False)]


def _refused(column: ColumnSpec, values: pd.Series[Any]) -> pd.Series[Any]:
    """Tell for each value whether it is refused; each distinct value is judged once."""
    return values.map({value: refusal(column, value) != "" for value in values.unique()}).astype(bool)


def _unique_on(key: tuple[str, ...]) -> Any:
    def is_first(frame: pd.DataFrame) -> pd.Series[Any]:
        keys = frame[list(key)]
        blank = keys.isna().any(axis=1) | (keys == "").any(axis=1)
        return blank | ~keys.duplicated(keep="first")

    return is_first
