"""Was the right coordinate system declared? Every candidate is tried against the boundary and the roads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely

from geodata.check_places import PLACED_TABLES, Mask, county_polygon
from geodata.county import County, Datum
from geodata.datum import from_wgs84, to_wgs84
from geodata.errors import Problem
from geodata.frames import plane_km
from geodata.raw import Locations

#: CGCS2000 is WGS84 for this purpose.
CANDIDATES: tuple[Datum, ...] = ("WGS84", "GCJ02", "BD09")
_LEAST_POINTS = 8
#: Villages lie on roads: nearer than this, the declared system is believed.
_NEAR_ROAD_KM = 0.12
#: Another system must halve the distance, or the number of places outside.
_BETTER = 0.5
_LEAST_INSIDE_GAIN = 3

Plane = npt.NDArray[np.float64]


def check_datum(county: County, locations: Locations, usable: Mapping[str, Mask]) -> list[Problem]:
    """Return a warning for each table whose places fit boundary or roads clearly better in another system.

    Notes
    -----
    The declared system is undone and each candidate applied. Roads: the median distance of the places to the nearest
    road. Boundary: the number of places outside. The smaller, the better.
    """
    problems: list[Problem] = []
    for table in PLACED_TABLES:
        declared = county.provenance[table].datum if table in county.provenance else ""
        if declared in {"", "CGCS2000"}:
            declared = "WGS84" if declared else ""
        if declared and usable[table].sum() >= _LEAST_POINTS:
            problems += _check_table(county, locations, table, cast("Datum", declared), usable[table])
    return problems


def _check_table(county: County, locations: Locations, table: str, declared: Datum, good: Mask) -> Iterator[Problem]:
    frame = county.table(table)[good]
    raw = from_wgs84(frame["lon"].to_numpy(), frame["lat"].to_numpy(), declared)
    places = {d: np.column_stack(to_wgs84(*raw, d)) for d in CANDIDATES}
    by_road = _road_km(county, places)
    if by_road:
        best = min(CANDIDATES, key=lambda d: (by_road[d], CANDIDATES.index(d)))
        if by_road[declared] > _NEAR_ROAD_KM and by_road[best] < _BETTER * by_road[declared]:
            yield locations.problem(
                "warning",
                "datum_doubtful_roads",
                table,
                column="lon" if table in locations else "",
                declared=declared,
                better=best,
                metres=round(by_road[declared] * 1000),
                better_metres=round(by_road[best] * 1000),
            )
            return
    outside = _outside(county, places)
    if outside:
        best = min(CANDIDATES, key=lambda d: (outside[d], CANDIDATES.index(d)))
        gain = outside[declared] - outside[best]
        if gain >= _LEAST_INSIDE_GAIN and outside[best] <= _BETTER * outside[declared]:
            yield locations.problem(
                "warning",
                "datum_doubtful_boundary",
                table,
                column="lon" if table in locations else "",
                declared=declared,
                better=best,
                count=outside[declared],
                better_count=outside[best],
                total=len(frame),
            )


def _road_km(county: County, places: Mapping[Datum, Plane]) -> dict[Datum, float]:
    if county.roads is None or len(county.roads) == 0:
        return {}
    lat0 = float(np.median(places["WGS84"][:, 1]))
    lines = shapely.transform(county.roads.geometry.to_numpy(), lambda p: plane_km(p[:, 0], p[:, 1], lat0=lat0))
    tree = shapely.STRtree(lines)
    medians: dict[Datum, float] = {}
    for datum, lon_lat in places.items():
        points = shapely.points(plane_km(lon_lat[:, 0], lon_lat[:, 1], lat0=lat0))
        _, km = tree.query_nearest(points, return_distance=True, all_matches=False)
        medians[datum] = float(np.median(km))
    return medians


def _outside(county: County, places: Mapping[Datum, Plane]) -> dict[Datum, int]:
    polygon = county_polygon(county)
    if polygon is None:
        return {}
    shapely.prepare(polygon)
    return {d: int((~shapely.contains_xy(polygon, p[:, 0], p[:, 1])).sum()) for d, p in places.items()}
