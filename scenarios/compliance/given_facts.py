"""Facts about a city or county that no plan holds (firms, parks, recovered cartons): stated by the bureau, with source."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from geodata.errors import InputError, Problem
from geodata.messages import Message

_PARTS = 3
_CONDITION = re.compile(r"^(?P<key>[a-z_]+)(?:>=(?P<bars>.+))?$")


@dataclass(frozen=True, slots=True)
class GivenFact:
    """A figure with where it comes from."""

    key: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What a fact must be.

    Attributes
    ----------
    key
        Fact.
    readings
        Least value by each reading of the text; several where the document contradicts itself.
    stages
        (year, least value) of a running total: of all stages the one in force counts, they are never added.
    """

    key: str
    readings: tuple[float, ...] = ()
    stages: tuple[tuple[int, float], ...] = ()

    def bars(self, year: int | None) -> tuple[float, ...]:
        """Return the least values in `year` (None: at the end), one a reading; none before the first stage."""
        if not self.stages:
            return self.readings
        due = [bar for until, bar in self.stages if year is None or until <= year]
        return (due[-1],) if due else ()


def conditions(argument: str) -> tuple[Condition, ...]:
    """Read ``key>=5|10;other>=5`` (two readings) or ``key>=2@2023|3@2025`` (running total by year)."""
    found = []
    for part in argument.split(";"):
        match = _CONDITION.match(part)
        if match is None:
            msg = f"no condition: {part!r}"
            raise ValueError(msg)
        bars = [bar.split("@") for bar in (match["bars"] or "").split("|") if bar]
        stages = tuple(sorted((int(bar[1]), float(bar[0])) for bar in bars if len(bar) > 1))
        readings = tuple(sorted(float(bar[0]) for bar in bars if len(bar) == 1))
        found.append(Condition(match["key"], readings, stages))
    return tuple(found)


def given_facts(entries: Sequence[str], known: Iterable[str]) -> Mapping[str, GivenFact]:
    """Read ``key;value;source`` lines.

    Raises
    ------
    InputError
        With every line that cannot be read, names an unknown fact, or one that stands twice.
    """
    names = sorted(set(known))
    found: dict[str, GivenFact] = {}
    problems = []
    for entry in entries:
        fact = _fact(entry)
        if fact is None or fact.key not in names:
            problems.append(_problem("compliance_fact_form", entry, names))
        elif fact.key in found:
            problems.append(_problem("compliance_fact_twice", entry, names))
        else:
            found[fact.key] = fact
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return found


def _problem(code: str, entry: str, names: Sequence[str]) -> Problem:
    return Problem("error", code, column="facts", value=entry, params={"known": ", ".join(names)})


def _fact(entry: str) -> GivenFact | None:
    parts = [part.strip() for part in entry.split(";", _PARTS - 1)]
    if len(parts) != _PARTS or not parts[2]:
        return None
    try:
        value = float(parts[1])
    except ValueError:
        return None
    return GivenFact(parts[0], value, parts[2]) if math.isfinite(value) and value >= 0.0 else None
