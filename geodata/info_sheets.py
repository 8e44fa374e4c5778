"""The sheets that are no table of things: county facts, replaced figures, sources, assumptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast, get_args

import pandas as pd

from geodata.aliases import choices_title, column_title, sheet_title
from geodata.county import TABLE_COLUMNS, Datum, Provenance
from geodata.errors import Problem
from geodata.messages import LANGS, Message
from geodata.osm import OSM_ATTRIBUTION
from geodata.parameters import Parameters, default_parameters
from geodata.parse import parse_table
from geodata.raw import Locations, RawSource
from geodata.schema_types import TableSpec, canonical_frame
from geodata.schemas import ASSUMPTION_SHEET, COUNTY_SHEET, LAYERS, PARAMETER_SHEET, SOURCE_SHEET, TABLES

_DATUMS = get_args(Datum)


def info_frame(spec: TableSpec, source: RawSource, locations: Locations, problems: list[Problem]) -> pd.DataFrame:
    """Return the canonical frame of an info sheet, empty if it was not brought; problems are added."""
    raw = source.tables.get(spec.name)
    if raw is None:
        return canonical_frame(spec, pd.DataFrame())
    frame, found = parse_table(spec, raw, locations)
    problems += found
    return frame


def county_facts(source: RawSource, locations: Locations, problems: list[Problem]) -> Mapping[str, str]:
    """Return the county sheet as item → value (``""`` where not given); what is missing or wrong is reported."""
    frame = info_frame(COUNTY_SHEET, source, locations, problems)
    if "county" not in source.tables:
        problems.append(
            Problem("error", "missing_sheet", "county", source.file, params={"name": sheet_title("county")})
        )
        return dict.fromkeys(COUNTY_SHEET.column_names, "")
    if frame.empty:
        problems.append(locations.problem("error", "county_sheet_empty", "county"))
        return dict.fromkeys(COUNTY_SHEET.column_names, "")
    facts = {name: str(frame[name].iloc[0]) for name in frame.columns}
    failed = {p.column for p in problems if p.table == "county"}
    place = locations["county"]
    for column in COUNTY_SHEET.columns:
        heading = place.headers.get(column.name, column.name)
        if column.is_required and not facts[column.name] and heading not in failed:
            problems.append(locations.problem("error", "missing_value", "county", index=0, column=column.name))
    if not facts["village_list_date"]:
        index = 0 if "village_list_date" in place.headers else None
        problems.append(
            locations.problem("warning", "no_village_list_date", "county", index=index, column="village_list_date")
        )
    return facts


def parameters_from(source: RawSource, locations: Locations, problems: list[Problem]) -> Parameters:
    """Return the default figures with those of the parameters sheet in their place."""
    parameters = default_parameters()
    frame = info_frame(PARAMETER_SHEET, source, locations, problems)
    for index, (key, value, said) in enumerate(
        zip(frame["parameter_id"], frame["value"], frame["source"], strict=True)
    ):
        if not key or pd.isna(value):
            continue
        if key not in parameters:
            nearest = get_close_matches(key, list(parameters), n=1, cutoff=0.0)
            problems.append(
                locations.problem(
                    "error",
                    "unknown_parameter_row",
                    "parameters",
                    index=index,
                    column="parameter_id",
                    value=key,
                    nearest=nearest[0],
                )
            )
            continue
        entry = parameters.entry(key)
        if (entry.low is not None and value < entry.low) or (entry.high is not None and value > entry.high):
            problems.append(
                locations.problem(
                    "warning",
                    "parameter_unusual",
                    "parameters",
                    index=index,
                    column="value",
                    value=value,
                    low=_bound(entry.low),
                    high=_bound(entry.high),
                    unit=entry.unit,
                )
            )
        if value != entry.value:
            parameters = parameters.with_values({key: value}, said or source.file)
    return parameters


def _bound(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def provenance_from(
    source: RawSource, facts: Mapping[str, str], locations: Locations, problems: list[Problem]
) -> dict[str, Provenance]:
    """Return source, licence and coordinate system of every table and layer brought.

    The row of the sources sheet counts first, then the county sheet, then what the file itself declares. A table
    with places whose system stands nowhere is an error.
    """
    frame = info_frame(SOURCE_SHEET, source, locations, problems)
    rows = {row["table"]: row for row in frame.to_dict("records") if row["table"]}
    brought = [t for t in (*TABLE_COLUMNS, *LAYERS) if t in source.tables or t in source.layers]
    made: dict[str, Provenance] = {}
    missing: list[str] = []
    for table in brought:
        row = rows.get(table, {})
        datum = _datum_of(table, str(row.get("datum", "")), facts, source)
        if table in TABLES and TABLES[table].has_places and datum not in _DATUMS:
            missing.append(table)
        made[table] = _provenance(table, row, facts, source, datum)
    datum_failed = any(p.column == locations.get_heading("county", "datum") and p.table == "county" for p in problems)
    if missing and not datum_failed:
        problems.append(_undeclared(missing, locations, source))
    return made


def _undeclared(missing: list[str], locations: Locations, source: RawSource) -> Problem:
    params = {"tables": ", ".join(sheet_title(t) for t in missing), "choices": choices_title(COUNTY_SHEET, "datum")}
    if "county" not in locations:
        return Problem("error", "undeclared_datum", "county", source.file, column="datum", params=params)
    index = 0 if "datum" in locations["county"].headers else None
    return locations.problem("error", "undeclared_datum", "county", index=index, column="datum", **params)


def _datum_of(table: str, declared: str, facts: Mapping[str, str], source: RawSource) -> str:
    if table in source.extract_layers:  # always WGS84, whatever is declared
        return "WGS84"
    if table in LAYERS:  # a layer's file declares its own system
        return declared or "WGS84"
    if not TABLES[table].has_places:
        return ""
    return declared or facts.get("datum", "") or source.crs_datums.get(table, "")


def _provenance(
    table: str, row: Mapping[str, object], facts: Mapping[str, str], source: RawSource, datum: str
) -> Provenance:
    def said(item: str) -> str:
        return str(row.get(item, "")) or (facts.get(item, "") if table in TABLES else "")

    file = source.layer_files.get(table) or source.tables[table].location.file
    if table in source.extract_layers:
        return Provenance(
            source=said("source") or f"{file}: OpenStreetMap",
            licence=said("licence") or "ODbL 1.0",
            attribution=said("attribution") or OSM_ATTRIBUTION,
            as_of=said("as_of"),
            datum="WGS84",
        )
    kind = str(row.get("provenance_kind", "")) or ("invented" if facts.get("is_invented") == "true" else "real")
    return Provenance(
        source=said("source") or file,
        licence=said("licence") or "unstated",
        attribution=said("attribution"),
        as_of=said("as_of"),
        datum=datum,
        kind=cast("Any", kind),
    )


def assumptions_from(source: RawSource, locations: Locations, problems: list[Problem]) -> tuple[Message, ...]:
    """Return the assumptions a written county carries along; lines that are not understood are warned about."""
    frame = info_frame(ASSUMPTION_SHEET, source, locations, problems)
    made: list[Message] = []
    for index, (key, packed) in enumerate(zip(frame["message_key"], frame["message_params"], strict=True)):
        message = _message(key, packed)
        if message is None:
            problems.append(
                locations.problem(
                    "warning",
                    "assumption_not_understood",
                    "assumptions",
                    index=index,
                    column="message_key",
                    value=key,
                    name=column_title("message_key"),
                )
            )
            continue
        made.append(message)
    return tuple(made)


def _message(key: str, packed: str) -> Message | None:
    """Return a message that can be rendered, or None."""
    try:
        message = Message(key, json.loads(packed) if packed else {})
        for lang in LANGS:
            message.text(lang)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
    return message
