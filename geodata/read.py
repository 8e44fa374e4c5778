"""Reading a county: a workbook, a folder of CSV or a GeoPackage becomes a checked `County`, or a list of problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import geopandas as gpd
import pandas as pd

from geodata import csv_folder, excel, gpkg
from geodata.aliases import sheet_title
from geodata.checks import check_county, in_order
from geodata.county import County, Datum, Provenance
from geodata.datum import geometry_to_wgs84, to_wgs84
from geodata.errors import InputError, Problem
from geodata.info_sheets import assumptions_from, county_facts, parameters_from, provenance_from
from geodata.layers import add_layer_file, find_beside
from geodata.messages import Message
from geodata.parse import parse_table
from geodata.raw import Locations, RawSource
from geodata.schema_types import canonical_frame
from geodata.schemas import LAYERS, TABLES

_GPKG_SUFFIX = ".gpkg"
#: Problems of a value that was already refused as it was read.
_FOLLOW_ONS = frozenset({"missing_value", "half_a_place"})


def read_county(path: Path) -> tuple[County, tuple[Problem, ...]]:
    """Read a county and check it; nothing is written, no source is changed.

    Parameters
    ----------
    path
        Workbook (``.xlsx``, ``.xlsm``, ``.xls``, ``.xlsb``, ``.ods``), folder of CSV files, or GeoPackage.

    Returns
    -------
    county
        Tables canonical, places in WGS84. Nothing is filled in: what is missing stays missing.
    warnings
        What was found and does not stop the reading.

    Raises
    ------
    InputError
        With every problem found, errors first.
    """
    county, problems = _load(Path(path))
    errors = sum(problem.severity == "error" for problem in problems)
    if county is None or errors:
        raise InputError(Message("county_unusable", {"file": Path(path).name, "count": errors}), problems)
    return county, problems


def check(path: Path) -> tuple[Problem, ...]:
    """Return every problem of a county's files, errors first; empty when there is none."""
    return _load(Path(path))[1]


def _load(path: Path) -> tuple[County | None, tuple[Problem, ...]]:
    source = _open(path)
    if not source.tables:
        problems = list(source.problems)
        if not any(p.severity == "error" for p in problems):
            problems.append(Problem("error", "no_tables_found", file=path.name))
        return None, in_order(problems)
    locations = Locations({name: raw.location for name, raw in source.tables.items()})
    problems = source.problems
    facts = county_facts(source, locations, problems)
    _add_layers(source, path, facts)
    county = _county(source, facts, locations, problems)
    told = {(p.table, p.row, p.column) for p in problems if p.severity == "error"}
    told |= {(p.table, p.row, p.cell) for p in problems if p.severity == "error" and p.cell}
    checked = check_county(county, locations)
    problems += [p for p in checked if p.code not in _FOLLOW_ONS or not _is_told(p, told, locations)]
    return county, in_order(problems)


def _is_told(problem: Problem, told: set[tuple[str, int | None, str]], locations: Locations) -> bool:
    """Tell whether the cell (or, for half a place, the other half) was refused already."""
    columns = {problem.column}
    if problem.code == "half_a_place":
        columns |= {locations.get_heading(problem.table, c) for c in ("lon", "lat")}
        if not {"lon", "lat"} <= set(locations[problem.table].headers):
            return True  # a whole column is missing: said once
    marks = columns | ({problem.cell} - {""})
    return any((problem.table, problem.row, mark) in told for mark in marks)


def _open(path: Path) -> RawSource:
    """Read the raw tables of a path, whatever it is."""
    source = RawSource(path.name)
    suffix = path.suffix.lower()
    if path.is_dir():
        return csv_folder.read_csv_folder(path)
    if not path.exists():
        source.problems.append(Problem("error", "file_not_found", file=path.name, value=str(path)))
    elif suffix in excel.SUFFIXES:
        return excel.read_excel(path)
    elif suffix == _GPKG_SUFFIX:
        return gpkg.read_gpkg(path)
    else:
        source.problems.append(Problem("error", "unknown_file_type", file=path.name, value=suffix or path.name))
    return source


def _add_layers(source: RawSource, path: Path, facts: Mapping[str, str]) -> None:
    """Add the layers named in the county sheet, else those that stand beside the tables."""
    folder = path if path.is_dir() else path.parent
    beside = (
        {} if path.suffix.lower() == _GPKG_SUFFIX else find_beside(folder, "" if path.is_dir() else f"{path.stem}_")
    )
    for layer in LAYERS:
        named = facts.get(layer, "")
        if named:
            add_layer_file(source, layer, folder / named)
            continue
        found = beside.get(layer, [])
        if len(found) > 1:
            params = {"other": ", ".join(p.name for p in found[1:])}
            source.problems.append(Problem("error", "duplicate_sheet", layer, found[0].name, params=params))
        elif found:
            add_layer_file(source, layer, found[0])


def _county(source: RawSource, facts: Mapping[str, str], locations: Locations, problems: list[Problem]) -> County:
    """Build the county as far as it goes; what fails is in `problems`."""
    if "villages" not in source.tables:
        params = {"name": sheet_title("villages")}
        problems.append(Problem("error", "missing_sheet", "villages", source.file, params=params))
    provenance = provenance_from(source, facts, locations, problems)
    tables: dict[str, Any] = {name: _table(name, source, provenance, locations, problems) for name in TABLES}
    layers = {layer: _layer(layer, source, provenance) for layer in LAYERS}
    date = facts["village_list_date"]
    return County(
        county_code=facts["county_code"],
        name=facts["county_name"],
        village_list_id=facts["village_list_id"] or f"villages {facts['county_code']}@{date}",
        village_list_date=date,
        **tables,
        **layers,
        parameters=parameters_from(source, locations, problems),
        provenance=provenance,
        assumptions=assumptions_from(source, locations, problems),
        is_invented=facts["is_invented"] == "true",
    )


def _table(
    name: str,
    source: RawSource,
    provenance: Mapping[str, Provenance],
    locations: Locations,
    problems: list[Problem],
) -> pd.DataFrame:
    """Parse a table and convert its places to WGS84, once."""
    spec, raw = TABLES[name], source.tables.get(name)
    if raw is None:
        return canonical_frame(spec, pd.DataFrame())
    if raw.cells.empty and not raw.location.headers:
        return canonical_frame(spec, pd.DataFrame())
    frame, found = parse_table(spec, raw, locations)
    problems += found
    datum = provenance[name].datum
    if spec.has_places and datum in {"GCJ02", "BD09"}:
        frame["lon"], frame["lat"] = to_wgs84(frame["lon"], frame["lat"], cast("Datum", datum))
    return frame


def _layer(layer: str, source: RawSource, provenance: Mapping[str, Provenance]) -> gpd.GeoDataFrame | None:
    frame = source.layers.get(layer)
    if frame is None:
        return None
    datum = provenance[layer].datum
    if datum not in get_args(Datum):
        return frame
    return frame.set_geometry(geometry_to_wgs84(frame.geometry.to_numpy(), cast("Datum", datum)), crs=4326)
