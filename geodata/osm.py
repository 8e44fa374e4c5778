"""Roads, waters and boundaries from an OpenStreetMap extract (``.osm.pbf``, ``.osm``), read with pyosmium.

Ways keep their own vertices with the exact coordinates of the extract: two ways meet exactly where they share a
vertex, so the road network can be built from the lines alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import shapely

from geodata.errors import InputError, Problem
from geodata.messages import Message

#: Road classes a courier vehicle can use; link roads count as the class they link.
DRIVABLE_CLASSES = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "track",
    "road",
)
#: What must stand wherever data of an extract is shown.
OSM_ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
ROAD_COLUMNS = ("road_id", "road_class", "surface", "is_oneway", "speed_kmh", "name", "geometry")
_WATERWAYS = frozenset({"river", "canal"})
_CLOSED_ACCESS = frozenset(
    {"no", "private", "agricultural", "forestry", "agricultural;forestry", "military", "emergency"}
)
_MINOR_SERVICE = frozenset({"parking_aisle", "drive-through", "emergency_access"})
_KMH_PER_MILE = 1.609344
_KMH_WALK = 5.0
_SPEED = re.compile(r"^(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?$")


def read_osm_roads(path: Path) -> gpd.GeoDataFrame:
    """Read the drivable roads of an OpenStreetMap extract.

    Parameters
    ----------
    path
        Extract in PBF or XML format, also compressed (``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``).

    Returns
    -------
    geopandas.GeoDataFrame
        One line a way with the columns of `ROAD_COLUMNS`, in EPSG:4326, ordered by way number. `road_id` is the
        way number as text (a way cut by the extract's border yields ``123``, ``123-2`` …), `road_class` one of
        `DRIVABLE_CLASSES`, `surface` the tag or ``""``, `is_oneway` -1, 0 or 1 (motorways and roundabouts are
        one-way unless tagged otherwise), `speed_kmh` the posted limit or NaN.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or has no drivable road.

    Notes
    -----
    Left out: ways closed to motor vehicles (the most special of ``motor_vehicle``, ``vehicle``, ``access`` decides:
    no, private, agricultural, forestry, military, emergency), areas, parking aisles, roads planned or being built.
    """
    rows: list[tuple[int, int, dict[str, Any]]] = []
    for way in _ways(path, "highway"):
        tags = {tag.k: tag.v for tag in way.tags}
        road_class = _drivable_class(tags)
        if road_class is None:
            continue
        facts = {
            "road_class": road_class,
            "surface": tags.get("surface", ""),
            "is_oneway": _oneway(tags),
            "speed_kmh": parse_maxspeed(tags.get("maxspeed", "")),
            "name": tags.get("name", ""),
        }
        for part, line in enumerate(_lines(way), start=1):
            rows.append((way.id, part, {**facts, "geometry": line}))
    if not rows:
        raise _refuse(path, "osm_no_roads")
    rows.sort(key=lambda row: row[:2])
    records = [{"road_id": str(way_id) if part == 1 else f"{way_id}-{part}", **facts} for way_id, part, facts in rows]
    frame = gpd.GeoDataFrame(records, columns=list(ROAD_COLUMNS), geometry="geometry", crs="EPSG:4326")
    return frame.astype({"is_oneway": "int64", "speed_kmh": "float64"})


def read_osm_water(path: Path) -> gpd.GeoDataFrame:
    """Read rivers and canals (lines) and lakes (outlines of closed ways) for the map.

    Parameters
    ----------
    path
        Extract as in `read_osm_roads`.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``name, geometry`` in EPSG:4326, ordered by way number; may be empty.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    rows: list[tuple[int, str, shapely.Geometry]] = []
    for way in _ways(path, "waterway", "natural"):
        tags = {tag.k: tag.v for tag in way.tags}
        is_lake = tags.get("natural") == "water" or tags.get("waterway") == "riverbank"
        if not is_lake and tags.get("waterway") not in _WATERWAYS:
            continue
        for line in _lines(way):
            geometry = _area(line) if is_lake else line
            rows.append((way.id, tags.get("name", ""), geometry))
    rows.sort(key=lambda row: row[0])
    return gpd.GeoDataFrame({"name": [row[1] for row in rows]}, geometry=[row[2] for row in rows], crs="EPSG:4326")


def parse_maxspeed(value: str) -> float:
    """Return a posted limit in km/h from a ``maxspeed`` tag; NaN where it gives no figure.

    Parameters
    ----------
    value
        Tag text: ``50``, ``30 mph``, ``walk``, ``60;40`` (the lowest counts), ``none``, ``CN:urban``.

    Returns
    -------
    float
        Limit in km/h, or NaN.
    """
    limits = [limit for part in value.split(";") if not math.isnan(limit := _one_limit(part.strip().lower()))]
    return min(limits, default=math.nan)


def _one_limit(part: str) -> float:
    if part == "walk":
        return _KMH_WALK
    match = _SPEED.match(part)
    if match is None:
        return math.nan
    speed = float(match.group(1)) * (_KMH_PER_MILE if match.group(2) == "mph" else 1.0)
    return speed if speed > 0 else math.nan


def _drivable_class(tags: Mapping[str, str]) -> str | None:
    """Return the road class, or None if no courier vehicle may or can drive there."""
    road_class = tags["highway"].removesuffix("_link")
    if road_class not in DRIVABLE_CLASSES or tags.get("area") == "yes":
        return None
    if road_class == "service" and tags.get("service") in _MINOR_SERVICE:
        return None
    access = next((tags[key] for key in ("motor_vehicle", "vehicle", "access") if key in tags), "")
    return None if access in _CLOSED_ACCESS else road_class


def _oneway(tags: Mapping[str, str]) -> int:
    stated = tags.get("oneway", "")
    if stated in {"yes", "true", "1"}:
        return 1
    if stated in {"-1", "reverse"}:
        return -1
    is_implied = tags["highway"] in {"motorway", "motorway_link"} or tags.get("junction") in {"roundabout", "circular"}
    return int(is_implied and not stated)


def _ways(path: Path, *keys: str) -> Iterator[Any]:
    """Yield the ways that carry one of `keys`, with node locations; foreign errors become `InputError`."""
    if not path.is_file():
        raise _refuse(path, "osm_file_missing")
    try:
        processor = (
            osmium.FileProcessor(_source(path))
            .with_locations()
            .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
            .with_filter(osmium.filter.KeyFilter(*keys))
        )
        yield from processor
    except (RuntimeError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _refuse(path, "osm_file_unreadable", reason=str(error)) from error


def _source(path: Path) -> Any:
    """Hand pyosmium the path, or the bytes where the path is not plain ASCII (its C++ side opens narrow paths)."""
    if str(path).isascii():
        return str(path)
    file_format = "pbf" if path.suffix == ".pbf" else "".join(path.suffixes).lstrip(".")
    return osmium.io.FileBuffer(path.read_bytes(), file_format)


def _lines(way: Any) -> Iterator[shapely.LineString]:
    """Yield the way's line; several if the extract's border cuts nodes out of it."""
    coordinates = np.array(
        [(node.lon, node.lat) if node.location.valid() else (np.nan, np.nan) for node in way.nodes], dtype=float
    ).reshape(-1, 2)
    is_missing = np.isnan(coordinates[:, 0])
    for run in np.split(coordinates, np.flatnonzero(is_missing)):
        known = run[~np.isnan(run[:, 0])]
        if len(known) > 1 and (known != known[0]).any():
            yield shapely.LineString(known)


def _area(line: shapely.LineString) -> shapely.Geometry:
    minimum_ring = 4
    if line.is_closed and shapely.get_num_coordinates(line) >= minimum_ring:
        polygon = shapely.Polygon(line)
        return polygon if polygon.is_valid else line
    return line


def _refuse(path: Path, code: str, **params: object) -> InputError:
    problem = Problem("error", code, table="roads", file=path.name, value=path.name, params=params)
    return InputError(Message(code, {"value": path.name, **params}), [problem])
