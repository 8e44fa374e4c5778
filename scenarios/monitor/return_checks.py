"""Checks across a return: identity, quarters, known rows, parts against totals, what the template fixed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from geodata.errors import Problem
from geodata.raw import Locations
from scenarios.monitor.indicators import DEFINITION_VERSION
from scenarios.monitor.quarter import Quarter, parse_quarter
from scenarios.monitor.run_facts import RunFacts
from scenarios.monitor.sheets import INFO, PROJECTS, TOWNSHIPS, VILLAGES
from scenarios.monitor.template import template_id

#: Sheet → (part columns, total column): the parts together may not exceed the total.
_PARTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (VILLAGES.name, ("village_parcels",), "quarter_parcels"),
    (VILLAGES.name, ("on_time_parcels", "excused_parcels"), "quarter_parcels"),
    (VILLAGES.name, ("cartons_recovered",), "cartons_received"),
    (TOWNSHIPS.name, ("records_complete",), "records"),
    (TOWNSHIPS.name, ("interface_ok",), "interface_calls"),
)
_SHOWN = 3


def check_return(
    tables: Mapping[str, pd.DataFrame], locations: Locations, run: RunFacts, as_of: dt.date
) -> Iterator[Problem]:
    """Yield every problem between the sheets, and between the return and its plan."""
    yield from _identity(tables[INFO.name], locations, run)
    quarter = _quarter(tables[INFO.name])
    yield from _quarters(tables, locations, quarter, as_of)
    for spec, column, known in (
        (VILLAGES, "village_code", run.villages),
        (TOWNSHIPS, "township_code", run.townships),
        (PROJECTS, "project_id", run.sites),
    ):
        yield from _unknown(tables[spec.name], (spec.name, column), locations, known)
    yield from _absent(tables[VILLAGES.name], locations, run)
    for name, parts, total in _PARTS:
        yield from _parts(tables[name], (name, parts, total), locations)
    yield from _township_totals(tables, locations)
    if sorted(tables[VILLAGES.name]["village_code"].astype(str)) == sorted(run.villages):
        yield from _seal(tables, locations)


def _quarter(info: pd.DataFrame) -> Quarter | None:
    return parse_quarter(str(info["return_quarter"].iloc[0])) if len(info) else None


def _identity(info: pd.DataFrame, locations: Locations, run: RunFacts) -> Iterator[Problem]:
    if len(info) != 1:
        yield locations.problem("error", "return_one_row", INFO.name, found=len(info))
        return
    wanted = {
        "county_code": run.county_code,
        "run_hash": run.run_hash,
        "list_id": run.list_id,
        "definition_version": DEFINITION_VERSION,
    }
    for column, value in wanted.items():
        found = str(info[column].iloc[0])
        if found and found != value:
            yield locations.problem(
                "error", "return_other_plan", INFO.name, index=0, column=column, value=found, wanted=value
            )


def _quarters(
    tables: Mapping[str, pd.DataFrame], locations: Locations, quarter: Quarter | None, as_of: dt.date
) -> Iterator[Problem]:
    info, projects = tables[INFO.name], tables[PROJECTS.name]
    if len(info) == 1:
        word = str(info["return_quarter"].iloc[0])
        code, day = "", as_of.isoformat()
        if word and quarter is None:
            code = "return_bad_quarter"
        elif quarter is not None and not quarter.has_ended(as_of):
            code = "return_future_quarter"
        if code:
            yield locations.problem("error", code, INFO.name, index=0, column="return_quarter", value=word, day=day)
    for index, row in projects.iterrows():
        at = int(str(index))
        for column in ("planned_quarter", "done_quarter"):
            word = str(row[column])
            if word and parse_quarter(word) is None:
                yield locations.problem(
                    "error", "return_bad_quarter", PROJECTS.name, index=at, column=column, value=word
                )
        done = parse_quarter(str(row["done_quarter"]))
        if done is not None and quarter is not None and done > quarter:
            yield locations.problem(
                "error",
                "return_future_quarter",
                PROJECTS.name,
                index=at,
                column="done_quarter",
                value=done,
                day=str(quarter),
            )
        if (row["project_status"] == "done") != bool(row["done_quarter"]):
            yield locations.problem(
                "error", "return_done_when", PROJECTS.name, index=at, column="done_quarter", value=row["done_quarter"]
            )


def _unknown(
    frame: pd.DataFrame, where: tuple[str, str], locations: Locations, known: Collection[str]
) -> Iterator[Problem]:
    name, column = where
    for index, code in enumerate(frame[column].astype(str)):
        if code and code not in known:
            some = ", ".join(sorted(known)[:_SHOWN])
            yield locations.problem(
                "error", "return_unknown_row", name, index=index, column=column, value=code, known=some
            )


def _absent(villages: pd.DataFrame, locations: Locations, run: RunFacts) -> Iterator[Problem]:
    missing = sorted(set(run.villages) - set(villages["village_code"].astype(str)))
    if missing:
        count, some = len(missing), ", ".join(missing[:_SHOWN])
        code = "return_villages_absent"
        yield locations.problem("error", code, VILLAGES.name, column="village_code", count=count, some=some)


def _parts(frame: pd.DataFrame, rule: tuple[str, tuple[str, ...], str], locations: Locations) -> Iterator[Problem]:
    name, parts, total = rule
    whole = frame[total]
    summed = frame[list(parts)].sum(axis=1, min_count=1)
    for index in frame.index[(summed > whole) | (summed.notna() & whole.isna())]:
        names = " + ".join(locations.get_heading(name, part) for part in parts)
        params: dict[str, Any] = {"parts": names, "sum": float(summed[index])}
        params["total"] = locations.get_heading(name, total)
        code = "return_no_total" if pd.isna(whole[index]) else "return_parts"
        value = "" if pd.isna(whole[index]) else whole[index]
        yield locations.problem("error", code, name, index=int(index), column=total, value=value, **params)


def _township_totals(tables: Mapping[str, pd.DataFrame], locations: Locations) -> Iterator[Problem]:
    """Compare a township's parcels with those of its villages."""
    villages, townships = tables[VILLAGES.name], tables[TOWNSHIPS.name]
    sums = villages.groupby("township_code")["quarter_parcels"].sum()
    for index, row in townships.iterrows():
        below = float(sums.get(row["township_code"], 0.0))
        if row["quarter_parcels"] < below:
            yield locations.problem(
                "error",
                "return_township_total",
                TOWNSHIPS.name,
                index=int(str(index)),
                column="quarter_parcels",
                value=row["quarter_parcels"],
                sum=below,
            )


def _seal(tables: Mapping[str, pd.DataFrame], locations: Locations) -> Iterator[Problem]:
    """Check that planned quarters and groups are those the template fixed."""
    info, villages, projects = tables[INFO.name], tables[VILLAGES.name], tables[PROJECTS.name]
    if len(info) != 1 or not info["template_id"].iloc[0]:
        return
    found = template_id(
        zip(projects["project_id"].astype(str), projects["planned_quarter"].astype(str), strict=True),
        zip(villages["village_code"].astype(str), villages["compared_as"].astype(str), strict=True),
    )
    sealed = str(info["template_id"].iloc[0])
    if found != sealed:
        yield locations.problem("error", "return_seal", INFO.name, index=0, column="template_id", value=sealed)
