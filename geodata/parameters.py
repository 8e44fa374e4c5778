"""Default figures with range, unit, confidence tag and source; a county or a scenario may replace each."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
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

    def label(self, lang: Lang) -> str:
        """Return the meaning in `lang`."""
        return self.label_zh if lang == "zh" else self.label_en


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
            If an id is unknown (the nearest known id is named).
        """
        entries = dict(self.entries)
        for parameter_id, value in values.items():
            if parameter_id not in entries:
                raise UsageError(
                    Message("unknown_parameter", {"key": parameter_id, "nearest": _nearest(parameter_id, entries)})
                )
            entries[parameter_id] = replace(entries[parameter_id], value=float(value), tag="U", source=source)
        return Parameters(entries)

    def content_hash(self) -> str:
        """Return a SHA-256 over ids and values."""
        lines = "\n".join(f"{key}={self[key]!r}" for key in sorted(self.entries))
        return hashlib.sha256(lines.encode()).hexdigest()


def _nearest(word: str, known: Mapping[str, object]) -> str:
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.0)), "")


@cache
def default_parameters() -> Parameters:
    """Read the default figures that come with the package (``geodata/data/parameters.csv``)."""
    entries: dict[str, Parameter] = {}
    source = (files("geodata") / "data" / "parameters.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(StringIO(source)):
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
        )
    return Parameters(entries)
