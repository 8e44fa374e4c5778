"""Names of the sheets the studies have in the workbook, and the rows of their reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from geodata.messages import Lang, label
from scenarios.content import RunContent
from scenarios.outputs.terms import say, sentence
from scenarios.studies.study import Study, StudyColumn, StudyTable

#: Excel takes no longer names.
MAX_NAME = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
#: Part of a study → sheet: 0 the study's own sheet, 1 … its tables, then its reasons.
SheetNames = Mapping[tuple[int, int], str]


def sheet_names(content: RunContent) -> SheetNames:
    """Return (study number, part) → name of the sheet; part 0 is the study's own, -1 its reasons, 1 … its tables."""
    names: dict[tuple[int, int], str] = {}
    taken: set[str] = set()
    for number, study in enumerate(content.studies, start=1):
        names[number, 0] = _unique(say("sheet_study", content.lang, {"number": number}), taken)
        titles = {part: label(table.key, content.lang) for part, table in enumerate(study.tables, start=1)}
        if study.reasons and not has_reason_table(study):
            titles[-1] = say("sheet_study_reasons", content.lang)
        for part, title in titles.items():
            name = say("sheet_study_part", content.lang, {"number": number, "title": title})
            names[number, part] = _unique(name, taken)
    return names


def _unique(name: str, taken: set[str]) -> str:
    """Return a name Excel takes: short, without forbidden characters, not used before (case does not count)."""
    clean = _FORBIDDEN.sub(" ", name).strip().strip("'")
    short, count = clean[:MAX_NAME].rstrip(), 1
    while short.casefold() in taken:
        count += 1
        ending = f" ({count})"
        short = clean[: MAX_NAME - len(ending)].rstrip() + ending
    taken.add(short.casefold())
    return short


def has_reason_table(study: Study) -> bool:
    """Tell whether a table of the study says why each demand is left out, so that the list need not be repeated."""
    return any(column.key == "reason" for table in study.tables for column in table.columns)


def with_township_names(table: StudyTable, content: RunContent) -> StudyTable:
    """Return a table with names of townships instead of their codes; a code without a name stays."""
    columns = [column.key for column in table.columns]
    if "township_code" not in columns or "township" in columns:
        return table
    at = columns.index("township_code")
    townships = content.problem.county.townships
    names = dict(zip(townships["township_code"].astype(str), townships["name"].astype(str), strict=True))
    named = (*table.columns[:at], StudyColumn("township"), *table.columns[at + 1 :])
    rows = tuple((*row[:at], names.get(str(row[at]), row[at]), *row[at + 1 :]) for row in table.rows)
    return replace(table, columns=named, rows=rows)


def reason_rows(study: Study, content: RunContent) -> list[tuple[str, str, str]]:
    """Return (id, name, sentence) of every demand a study leaves out, in the order of the ids."""
    names = _names(study, content)
    lang: Lang = content.lang
    return [(demand, names.get(demand, ""), sentence(study.reasons[demand], lang)) for demand in sorted(study.reasons)]


def _names(study: Study, content: RunContent) -> dict[str, str]:
    """Return id → name of villages, sites and the study's own places."""
    county = content.problem.county
    names: dict[str, str] = {}
    for frame, key in ((county.facilities, "facility_id"), (county.villages, "village_code")):
        names |= dict(zip(frame[key].astype(str), frame["name"].astype(str), strict=True))
    return names | {place.place_id: place.name for place in study.places if place.name}
