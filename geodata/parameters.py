"""Default figures with range, unit, confidence tag and source; a county or a scenario may replace each."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Literal, cast

from geodata.errors import UsageError
from geodata.messages import Lang, Message

#: A official · B secondary press · C derived by arithmetic · K professional knowledge · X assumption · U user's own
Tag = Literal["A", "B", "C", "K", "X", "U"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One figure.

    Attributes
    ----------
    parameter_id
        Name with its unit, for example ``stop_base_min``.
    group
        Subject group (``geography``, ``demand``, ``parcel``, ``vehicles`` …).
    label_en, label_zh
        What it means.
    value
        Value in force.
    low, high
        Plausible range; None where no source gives one.
    unit
        Unit as printed.
    tag
        How sure the figure is; an X is never printed as a fact.
    source
        Where it comes from; for a replaced value, which file or option gave it.
    minimum, maximum
        Hard limits, both included: a figure beyond them makes no sense and is refused.
    """

    parameter_id: str
    group: str
    label_en: str
    label_zh: str
    value: float
    low: float | None
    high: float | None
    unit: str
    tag: Tag
    source: str
    minimum: float = -math.inf
    maximum: float = math.inf

    def label(self, lang: Lang) -> str:
        """Return the meaning in `lang`."""
        return self.label_zh if lang == "zh" else self.label_en

    def can_be(self, value: float) -> bool:
        """Tell whether a value is finite and within the hard limits."""
        return math.isfinite(value) and self.minimum <= value <= self.maximum

    def limits(self) -> dict[str, object]:
        """Return the figures of the sentence that refuses a value: key, low, high, unit."""
        low, high = f"{self.minimum:.10g}", f"{self.maximum:.10g}"
        return {"key": self.parameter_id, "low": low, "high": high, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Parameters(Mapping[str, float]):
    """All figures by id. ``parameters["stop_base_min"]`` is the value in force."""

    entries: Mapping[str, Parameter]

    def __getitem__(self, parameter_id: str) -> float:
        return self.entries[parameter_id].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def entry(self, parameter_id: str) -> Parameter:
        """Return the figure with its range, tag and source."""
        return self.entries[parameter_id]

    def with_values(self, values: Mapping[str, float], source: str) -> Parameters:
        """Return a copy with some values replaced; each remembers `source` and gets tag U.

        Raises
        ------
        UsageError
            If an id is unknown (the nearest known id is named), or a value makes no sense.
        """
        entries = dict(self.entries)
        for parameter_id, value in values.items():
            if parameter_id not in entries:
                raise UsageError(
                    Message("unknown_parameter", {"key": parameter_id, "nearest": _nearest(parameter_id, entries)})
                )
            if not entries[parameter_id].can_be(value):
                figures = {**entries[parameter_id].limits(), "value": f"{value:.10g}"}
                raise UsageError(Message("parameter_impossible", figures))
            entries[parameter_id] = replace(entries[parameter_id], value=float(value), tag="U", source=source)
        return Parameters(entries)

    def content_hash(self) -> str:
        """Return a SHA-256 over ids and values."""
        lines = "\n".join(f"{key}={self[key]!r}" for key in sorted(self.entries))
        return hashlib.sha256(lines.encode()).hexdigest()


def _nearest(word: str, known: Mapping[str, object]) -> str:
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.0)), "")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO((files("geodata") / "data" / name).read_text(encoding="utf-8"))))


@cache
def default_parameters() -> Parameters:
    """Read the default figures that come with the package (``geodata/data/parameters.csv``).

    The hard limits are those of the first pattern in ``parameter_limits.csv`` that the id fits.
    """
    entries: dict[str, Parameter] = {}
    limits = _rows("parameter_limits.csv")
    for row in _rows("parameters.csv"):
        limit = next(rule for rule in limits if fnmatchcase(row["parameter_id"], rule["pattern"]))
        entries[row["parameter_id"]] = Parameter(
            parameter_id=row["parameter_id"],
            group=row["group"],
            label_en=row["label_en"],
            label_zh=row["label_zh"],
            value=float(row["value"]),
            low=float(row["low"]) if row["low"] else None,
            high=float(row["high"]) if row["high"] else None,
            unit=row["unit"],
            tag=cast("Tag", row["tag"]),
            source=row["source"],
            minimum=float(limit["minimum"]),
            maximum=float(limit["maximum"]),
        )
    return Parameters(entries)
