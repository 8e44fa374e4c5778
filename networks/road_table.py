"""Check a layer of roads and bring its columns into the form the network is built from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.speeds import DEFAULT_ROAD_CLASS, known_class, known_surface

_LINE_TYPES = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
_MAX_LON, _MAX_LAT = 180.0, 90.0


def checked_roads(
    roads: gpd.GeoDataFrame,
) -> tuple[pd.DataFrame, npt.NDArray[np.object_], tuple[Problem, ...]]:
    """Return the road facts and lines in EPSG:4326, with warnings on what is not known.

    Parameters
    ----------
    roads
        Layer as described in `networks.build.build_road_network`.

    Returns
    -------
    tuple
        Frame ``road_id, road_class, surface, is_oneway, speed_kmh, name``; lines; warnings.

    Raises
    ------
    InputError
        With every problem found.
    """
    if roads.empty:
        raise _refuse([Problem("error", "roads_empty", table="roads")])
    if roads.crs is None:
        raise _refuse([Problem("error", "roads_no_crs", table="roads")])
    facts = _facts(roads)
    lines = np.asarray(roads.to_crs("EPSG:4326").geometry.to_numpy(), dtype=object)
    with np.errstate(invalid="ignore"):  # coordinates that are no numbers are a finding, not a warning
        problems = [*_geometry_problems(lines, facts["road_id"]), *_fact_problems(facts)]
    if problems:
        raise _refuse(sorted(problems, key=lambda problem: (problem.row or 0, problem.code)))
    road_class, class_warnings = _mapped(facts["road_class"], "road_class_unknown")
    surface, surface_warnings = _mapped(facts["surface"], "road_surface_unknown")
    table = facts.assign(road_class=road_class, surface=surface, is_oneway=facts["is_oneway"].astype("int64"))
    return table, shapely.force_2d(lines), (*class_warnings, *surface_warnings)


def _facts(roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the fact columns with an index 0…n-1; absent ones filled with “not known”."""
    count = len(roads)

    def column(name: str, default: Any) -> Any:
        return roads[name].reset_index(drop=True) if name in roads.columns else pd.Series([default] * count)

    numbers = pd.Series([str(i) for i in range(count)])
    return pd.DataFrame(
        {
            "road_id": column("road_id", pd.NA).fillna(numbers).astype(str),
            "road_class": column("road_class", "").fillna("").astype(str),
            "surface": column("surface", "").fillna("").astype(str),
            "is_oneway": pd.to_numeric(column("is_oneway", 0).fillna(0), errors="coerce"),
            "speed_kmh": pd.to_numeric(column("speed_kmh", np.nan), errors="coerce").astype(float),
            "name": column("name", "").fillna("").astype(str),
        }
    )


def _geometry_problems(lines: npt.NDArray[np.object_], road_id: pd.Series) -> Iterator[Problem]:
    kind = shapely.get_type_id(lines)
    is_empty = shapely.is_missing(lines) | shapely.is_empty(lines)
    is_line = np.isin(kind, _LINE_TYPES)
    for i in np.flatnonzero(is_empty | (is_line & (shapely.length(lines) == 0))):
        yield _at(int(i), "road_geometry_empty", road_id)
    for i in np.flatnonzero(~is_line & ~is_empty):
        yield _at(int(i), "road_not_a_line", road_id, geometry_type=lines[i].geom_type)
    west, south, east, north = shapely.bounds(lines).T
    is_inside = (west >= -_MAX_LON) & (east <= _MAX_LON) & (south >= -_MAX_LAT) & (north <= _MAX_LAT)
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    is_inside[owner[~np.isfinite(coordinates).all(axis=1)]] = False
    for i in np.flatnonzero(~is_inside & ~is_empty):
        yield _at(int(i), "road_outside_world", road_id)


def _fact_problems(facts: pd.DataFrame) -> Iterator[Problem]:
    road_id = facts["road_id"]
    for i in np.flatnonzero((facts["speed_kmh"] <= 0).to_numpy()):
        yield _at(int(i), "road_speed_not_positive", road_id, speed_kmh=float(facts["speed_kmh"].iloc[i]))
    for i in np.flatnonzero(~facts["is_oneway"].isin([-1, 0, 1]).to_numpy()):
        yield _at(int(i), "road_oneway_unknown", road_id, is_oneway=str(facts["is_oneway"].iloc[i]))
    count = road_id.value_counts()
    first = road_id.drop_duplicates()
    for i, value in first[first.map(count) > 1].items():
        yield _at(int(i), "road_id_duplicate", road_id, count=int(count[value]))


def _mapped(values: pd.Series, code: str) -> tuple[pd.Series, list[Problem]]:
    """Map names to known ones; one warning for each name that is not known."""
    is_class = code == "road_class_unknown"
    lookup = known_class if is_class else known_surface
    fallback = DEFAULT_ROAD_CLASS if is_class else ""
    known = {value: lookup(value) for value in sorted(set(values))}
    warnings = [
        Problem(
            "warning",
            code,
            table="roads",
            column="road_class" if is_class else "surface",
            value=value,
            params={"count": int((values == value).sum()), "used": fallback},
        )
        for value, name in known.items()
        if name is None
    ]
    return values.map({value: fallback if name is None else name for value, name in known.items()}), warnings


def _at(row: int, code: str, road_id: pd.Series, **params: object) -> Problem:
    """Locate a problem: row as a person counts features of a layer, from 1."""
    return Problem("error", code, table="roads", row=row + 1, value=str(road_id.iloc[row]), params=params)


def _refuse(problems: list[Problem]) -> InputError:
    return InputError(Message("roads_unusable", {"count": len(problems)}), problems)
