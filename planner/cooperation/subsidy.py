"""Subsidies by written rules: grants for new investment by grade, tiered pay for performance, and what relapses when they end.

The schemes are data (``geodata/data/subsidy_schemes.csv``) with their sources.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType
from typing import Literal

from planner.cooperation.fees import Deficit

Grade = Literal["A", "B", "C", "D"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D")
#: Why a grant is not paid: another grant for the same thing, not new, unknown kind of investment, grade without pay.
Refusal = Literal["", "double", "not_new", "unknown_item", "grade"]


@dataclass(frozen=True, slots=True)
class SchemeItem:
    """One kind of thing a scheme pays for.

    Attributes
    ----------
    item
        ``centre_new``, ``centre_upgrade``, ``township_station``, ``township_seat_station``, ``brand_entry`` …
    rate_share
        Part of the cost at most.
    cap_cny
        Amount at most, a piece (of `brand_entry`: a brand and year).
    tag, source
        Confidence and source.
    """

    item: str
    rate_share: float
    cap_cny: float
    tag: str
    source: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """A written scheme.

    Attributes
    ----------
    name
        Its name in the data file.
    items
        What it pays for, by item.
    first_year, last_year
        Investments of these years count.
    pay_of_grade
        Part of the grant paid in each grade.
    top_share
        Part of the counties that may get grade A.
    poor_area_bonus_share
        Added to a grant in listed poor areas, as a part of it.
    """

    name: str
    items: Mapping[str, SchemeItem]
    first_year: int
    last_year: int
    pay_of_grade: Mapping[str, float]
    top_share: float
    poor_area_bonus_share: float


@cache
def schemes() -> Mapping[str, Scheme]:
    """Return every written scheme by name."""
    source = files("geodata") / "data" / "subsidy_schemes.csv"
    rows = list(csv.DictReader(StringIO(source.read_text(encoding="utf-8"))))
    return MappingProxyType({name: _scheme(name, rows) for name in dict.fromkeys(row["scheme"] for row in rows)})


def _scheme(name: str, rows: Sequence[Mapping[str, str]]) -> Scheme:
    own = [row for row in rows if row["scheme"] == name]
    figure = {row["item"]: float(row["value"]) for row in own if row["kind"] == "rule"}
    items = {
        row["item"]: SchemeItem(row["item"], float(row["value"]), float(row["cap_cny"]), row["tag"], row["source"])
        for row in own
        if row["kind"] == "grant"
    }
    return Scheme(
        name=name,
        items=MappingProxyType(items),
        first_year=int(figure["first_year"]),
        last_year=int(figure["last_year"]),
        pay_of_grade=MappingProxyType({grade: figure[f"pay_grade_{grade.lower()}"] for grade in GRADES}),
        top_share=figure["grade_a_counties_share"],
        poor_area_bonus_share=figure["poor_area_bonus"],
    )


@dataclass(frozen=True, slots=True)
class Investment:
    """Something a grant is asked for.

    Attributes
    ----------
    investment_id
        Facility or brand.
    item
        Item of the scheme.
    cost_cny
        What it costs.
    year
        When it is made.
    other_grant_cny
        Money of another public programme for the same thing.
    is_poor_area
        Whether it lies in a listed poor area.
    """

    investment_id: str
    item: str
    cost_cny: float
    year: int
    other_grant_cny: float = 0.0
    is_poor_area: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What a scheme pays for one investment: the amount before the grade, what is paid, and why not."""

    investment: Investment
    full_cny: float
    paid_cny: float
    refusal: Refusal = ""


def grants(scheme: Scheme, investments: Sequence[Investment], grade: Grade) -> tuple[Grant, ...]:
    """Return the grant of every investment.

    Notes
    -----
    ``full = min(rate · cost, cap) · (1 + bonus in listed poor areas)``, never above the cost; ``paid = full · pay of the grade``. No
    double subsidy: something another programme pays for, or that is named twice, gets nothing the second time. Only investments of
    the scheme's years count as new.
    """
    found, seen = [], set()
    for entry in investments:
        item = scheme.items.get(entry.item)
        key = (entry.investment_id, entry.item)
        refusal: Refusal = ""
        if item is None:
            refusal = "unknown_item"
        elif entry.other_grant_cny > 0.0 or key in seen:
            refusal = "double"
        elif not scheme.first_year <= entry.year <= scheme.last_year:
            refusal = "not_new"
        seen.add(key)
        if item is None or refusal:
            found.append(Grant(entry, 0.0, 0.0, refusal))
            continue
        bonus = scheme.poor_area_bonus_share if entry.is_poor_area else 0.0
        full = min(entry.cost_cny, min(item.rate_share * entry.cost_cny, item.cap_cny) * (1.0 + bonus))
        pay = scheme.pay_of_grade[grade]
        found.append(Grant(entry, full, full * pay, "" if pay > 0.0 else "grade"))
    return tuple(found)


def grades(scores: Mapping[str, float], scheme: Scheme, floors: Sequence[float]) -> dict[str, Grade]:
    """Return the grade of every county.

    Parameters
    ----------
    scores
        County → score, higher is better.
    scheme
        Its `top_share` limits grade A: at most that part of the counties, rounded down.
    floors
        Least scores of A, B and C; the scheme does not state them.

    Notes
    -----
    Counties with equal scores get the same grade: where a tie does not fit into the share of A, all of it is B.
    """
    room = math.floor(scheme.top_share * len(scores) + 1e-9)
    found: dict[str, Grade] = {}
    for name, score in scores.items():
        better_or_equal = sum(other >= score for other in scores.values())
        grade: Grade = next((g for g, floor in zip(GRADES[:3], floors, strict=True) if score >= floor), "D")
        found[name] = "B" if grade == "A" and better_or_equal > room else grade
    return found


@dataclass(frozen=True, slots=True)
class PayTier:
    """Pay for units up to `up_to` (inf: all further) at `cny_per_unit`."""

    up_to: float
    cny_per_unit: float


def tiered_cny(tiers: Sequence[PayTier], units: float, *, cap_cny: float = math.inf) -> float:
    """Return tiered pay: each tier pays for the units between the end of the one before and its own, at most the cap in all."""
    paid, done = 0.0, 0.0
    for tier in tiers:
        part = max(0.0, min(units, tier.up_to) - done)
        paid += part * tier.cny_per_unit
        done = max(done, min(units, tier.up_to))
    return min(paid, cap_cny)


Fate = Literal["holds", "relapses", "never"]


@dataclass(frozen=True, slots=True)
class ServedLine:
    """A village line with what it earns and costs, CNY a day."""

    line_id: str
    parcels_per_day: float
    income: float
    deficit: Deficit


@dataclass(frozen=True, slots=True)
class Relapse:
    """What happens to a line when the subsidy ends.

    Attributes
    ----------
    line
        The line.
    subsidy
        CNY a day it gets while the subsidy runs.
    fate
        ``holds``: it needs none; ``relapses``: it runs only while it is paid for; ``never``: the money does not reach it.
    rank
        Order in which lines are lost, the greatest deficit a parcel first (1…); 0 for lines that hold.
    """

    line: ServedLine
    subsidy: float
    fate: Fate
    rank: int = field(default=0)


def relapse(lines: Sequence[ServedLine], subsidy: float) -> tuple[Relapse, ...]:
    """Return which lines a subsidy keeps, and which are lost when it ends.

    Parameters
    ----------
    lines
        Village lines.
    subsidy
        CNY a day there is; ``inf``: as much as is needed.

    Notes
    -----
    The money goes where it keeps most parcels: lines by their deficit a parcel, the least first, each whole or not at all. When it
    ends, the lines it kept are lost in the opposite order.
    """
    left, found = subsidy, []
    for line in sorted(lines, key=_depth):
        need = line.deficit.total
        if need <= 0.0:
            found.append(Relapse(line, 0.0, "holds"))
        elif need <= left:
            left -= need
            found.append(Relapse(line, need, "relapses"))
        else:
            found.append(Relapse(line, 0.0, "never"))
    found.reverse()
    ranks = iter(range(1, len(found) + 1))
    return tuple(
        Relapse(entry.line, entry.subsidy, entry.fate, 0 if entry.fate == "holds" else next(ranks)) for entry in found
    )


def _depth(line: ServedLine) -> tuple[float, str]:
    return (line.deficit.total / max(line.parcels_per_day, 1e-9), line.line_id)
