"""Checks across tables: codes that fit each other, and references that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from geodata.aliases import sheet_title
from geodata.codes import county_of, township_of
from geodata.county import County
from geodata.errors import Problem
from geodata.raw import Locations
from geodata.schemas import TABLES

_MAX_MENTIONED = 5


def check_links(county: County, locations: Locations) -> list[Problem]:
    """Return every code outside the county, every code that contradicts another, every reference to nothing."""
    return [
        *_outside_county(county, locations),
        *_township_contradicted(county, locations),
        *_dangling(county, locations),
        *_unlisted_townships(county, locations),
    ]


def _outside_county(county: County, locations: Locations) -> Iterator[Problem]:
    if not county.county_code:
        return
    for table, column in (("townships", "township_code"), ("villages", "village_code"), ("villages", "township_code")):
        for index, code in enumerate(county.table(table)[column]):
            if code and county_of(code) != county.county_code:
                yield locations.problem(
                    "error",
                    "code_outside_county",
                    table,
                    index=index,
                    column=column,
                    value=code,
                    county_code=county.county_code,
                    starts=county_of(code),
                )


def _township_contradicted(county: County, locations: Locations) -> Iterator[Problem]:
    villages = county.villages
    for index, (code, township) in enumerate(zip(villages["village_code"], villages["township_code"], strict=True)):
        if code and township and county_of(code) == county_of(township) and township_of(code) != township:
            yield locations.problem(
                "warning",
                "village_township_mismatch",
                "villages",
                index=index,
                column="township_code",
                value=township,
                village_code=code,
                starts=township_of(code),
            )


def _dangling(county: County, locations: Locations) -> Iterator[Problem]:
    """Find references whose target table is there but lacks the value."""
    for spec in TABLES.values():
        for column in spec.columns:
            if not column.refers_to:
                continue
            target = county.table(column.refers_to)
            if target.empty:
                continue
            known = set(target[TABLES[column.refers_to].key[0]])
            for index, value in enumerate(county.table(spec.name)[column.name]):
                if value and value not in known:
                    yield locations.problem(
                        "error",
                        "unknown_reference",
                        spec.name,
                        index=index,
                        column=column.name,
                        value=value,
                        target=sheet_title(column.refers_to),
                        known=_some(known),
                    )


def _some(known: set[str]) -> str:
    shown = sorted(known)[:_MAX_MENTIONED]
    return ", ".join(shown) + (" …" if len(known) > _MAX_MENTIONED else "")


def _unlisted_townships(county: County, locations: Locations) -> Iterator[Problem]:
    """Find townships that no village belongs to, and villages whose code names a township that is not listed."""
    townships, villages = county.townships, county.villages
    if townships.empty or villages.empty:
        return
    known = set(townships["township_code"])
    belongs = [t or township_of(c) for c, t in zip(villages["village_code"], villages["township_code"], strict=True)]
    for index, (code, stated) in enumerate(zip(belongs, villages["township_code"], strict=True)):
        if not stated and code and code not in known and county_of(code) == county.county_code:
            yield locations.problem(
                "error",
                "unknown_reference",
                "villages",
                index=index,
                column="village_code",
                value=villages["village_code"].iloc[index],
                target=sheet_title("townships"),
                known=_some(known),
            )
    for index, (code, name) in enumerate(zip(townships["township_code"], townships["name"], strict=True)):
        if code and code not in set(belongs):
            yield locations.problem(
                "warning",
                "township_without_villages",
                "townships",
                index=index,
                column="township_code",
                value=code,
                name=name,
            )
