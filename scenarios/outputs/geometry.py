"""Geometry for maps: where things are, lines of trips, areas within reach, all in WGS84 degrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geodata.county import County
from planner.plan import PlanProblem
from planner.routing.result import Route

#: 1e-5 degrees is about one metre.
DIGITS = 5

Position = tuple[float, float]


def positions(frame: pd.DataFrame, key: str) -> dict[str, Position]:
    """Return id → (lon, lat) for the rows of a table that have a place."""
    placed = frame[frame["lon"].notna() & frame["lat"].notna()]
    return {
        str(i): (float(lon), float(lat)) for i, lon, lat in zip(placed[key], placed["lon"], placed["lat"], strict=True)
    }


def trip_line(route: Route, places: Mapping[str, Position]) -> list[Position]:
    """Return the places of a trip in stop order, from the depot back to it; stops without a place are left out."""
    ids = [route.depot_id, *(stop.facility_id for stop in route.stops), route.depot_id]
    return [places[i] for i in ids if i in places]


def bounds(county: County, places: Iterable[Position]) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) of boundary and places; of the roads where there is neither."""
    boxes: list[tuple[float, float, float, float]] = [(x, y, x, y) for x, y in places]
    if county.boundary is not None and len(county.boundary):
        boxes.append(tuple(float(v) for v in county.boundary.total_bounds))  # type: ignore[arg-type]
    if not boxes and county.roads is not None and len(county.roads):
        boxes.append(tuple(float(v) for v in county.roads.total_bounds))  # type: ignore[arg-type]
    if not boxes:
        return (73.0, 18.0, 135.0, 54.0)
    array = np.array(boxes)
    west, south = array[:, :2].min(axis=0)
    east, north = array[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def detour_factor(problem: PlanProblem) -> float:
    """Return road over straight line: as the travel times say, else the default figure."""
    factor = problem.travel["access"].detour_factor
    return problem.county.parameters["detour_factor_plains"] if factor is None else factor


def parts(geometry: BaseGeometry | None) -> list[BaseGeometry]:
    """Return the single, not empty parts of a geometry."""
    if geometry is None or geometry.is_empty:
        return []
    return [part for part in shapely.get_parts(geometry) if not part.is_empty]


def _flat(coordinates: Any) -> list[list[float]]:
    """Return coordinates as [[lat, lon], …], rounded, without repeats."""
    rows: list[list[float]] = []
    for lon, lat in np.asarray(coordinates)[:, :2]:
        row = [round(float(lat), DIGITS), round(float(lon), DIGITS)]
        if not rows or rows[-1] != row:
            rows.append(row)
    return rows


def rings(geometry: BaseGeometry | None) -> list[list[list[list[float]]]]:
    """Return polygons as Leaflet reads them: polygon → rings → [lat, lon]."""
    out = []
    for part in parts(geometry):
        if part.geom_type == "Polygon":
            out.append([_flat(ring.coords) for ring in (part.exterior, *part.interiors)])
        elif part.geom_type in ("MultiPolygon", "GeometryCollection"):
            out += rings(part)
    return out


def paths(geometry: BaseGeometry | None) -> list[list[list[float]]]:
    """Return lines as Leaflet reads them: line → [lat, lon]; outlines of polygons are left out."""
    out = []
    for part in parts(geometry):
        if part.geom_type in ("LineString", "LinearRing"):
            out.append(_flat(part.coords))
        elif part.geom_type in ("MultiLineString", "GeometryCollection"):
            out += paths(part)
    return [line for line in out if len(line) > 1]


def layer_union(layer: gpd.GeoDataFrame | None) -> BaseGeometry | None:
    """Return all geometry of a layer as one collection, invalid or missing rows left out."""
    if layer is None or not len(layer):
        return None
    return shapely.GeometryCollection([g for g in layer.geometry if g is not None and not g.is_empty])


def flat_path(line: Iterable[Position]) -> list[list[float]]:
    """Return a line of (lon, lat) as [[lat, lon], …], rounded."""
    return [[round(lat, DIGITS), round(lon, DIGITS)] for lon, lat in line]
