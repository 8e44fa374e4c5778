"""Checks of places: exchanged or metric coordinates, places that are far from where they belong, shared points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.codes import township_of
from geodata.county import County
from geodata.errors import Problem
from geodata.frames import haversine_km, is_placed, plane_km
from geodata.raw import Locations
from geodata.schemas import TABLES

#: A place this far outside the boundary is suspicious; boundaries and points are drawn at different scales.
OUTSIDE_KM = 3.0
#: A village this far from the middle of its township's villages is suspicious.
TOWNSHIP_KM = 15.0
#: Without a boundary: this far from the middle of all villages.
COUNTY_KM = 100.0
#: A hamlet this far from its village is suspicious.
HAMLET_KM = 5.0
_SAME_POINT_KM = 0.05
_SAME_POINT_DIGITS = 6
_LEAST_MEMBERS = 3
_MAX_DEGREES = 400.0
#: China from the south of the islands to the north, and from west to east.
_LAT_SPAN, _LON_SPAN = (3.0, 54.0), (72.0, 136.0)

Mask = npt.NDArray[np.bool_]
PLACED_TABLES = tuple(name for name, spec in TABLES.items() if spec.has_places)


def check_coordinates(county: County, locations: Locations) -> tuple[list[Problem], dict[str, Mask]]:
    """Check each pair of coordinates by itself.

    Returns
    -------
    problems
        Half a pair, metres, exchanged pairs, pairs out of range.
    usable
        Table → which rows have a place that later checks may rely on.
    """
    problems: list[Problem] = []
    usable: dict[str, Mask] = {}
    polygon = county_polygon(county)
    for table in PLACED_TABLES:
        frame = county.table(table)
        lon, lat = frame["lon"].to_numpy(float), frame["lat"].to_numpy(float)
        found = _pair_codes(lon, lat, polygon)
        for index, code in sorted(found.items()):
            column = (
                "lat" if np.isnan(lat[index]) or (code == "coordinate_out_of_range" and _fits(lon[index])) else "lon"
            )
            value = frame[column].iloc[index]
            problems.append(
                locations.problem(
                    "error", code, table, index=index, column=column, value=value, lon=lon[index], lat=lat[index]
                )
            )
        good = is_placed(frame).to_numpy()
        good[list(found)] = False
        usable[table] = good
    return problems, usable


def _fits(lon: float) -> bool:
    return bool(np.isnan(lon) or abs(lon) <= 180.0)  # noqa: PLR2004 (half a circle)


def _pair_codes(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], polygon: shapely.Geometry | None
) -> dict[int, str]:
    codes: dict[int, str] = {}
    swapped = _is_swapped(lon, lat, polygon)
    for index in range(len(lon)):
        x, y = lon[index], lat[index]
        if np.isnan(x) and np.isnan(y):
            continue
        if np.isnan(x) or np.isnan(y):
            codes[index] = "half_a_place"
        elif np.isinf(x) or np.isinf(y):
            codes[index] = "not_finite"
        elif abs(x) > _MAX_DEGREES or abs(y) > _MAX_DEGREES:
            codes[index] = "coordinates_in_metres"
        elif swapped[index]:
            codes[index] = "swapped_lon_lat"
        elif abs(x) > 180 or abs(y) > 90 or (x == 0 and y == 0):  # noqa: PLR2004 (the globe)
            codes[index] = "coordinate_out_of_range"
    return codes


def _is_swapped(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], polygon: shapely.Geometry | None) -> Mask:
    """Tell which pairs make sense only the other way round: in the county's boundary, else in China's span."""
    in_span = (lat >= _LON_SPAN[0]) & (lat <= _LON_SPAN[1]) & (lon >= _LAT_SPAN[0]) & (lon <= _LAT_SPAN[1])
    if polygon is None:
        return np.asarray(in_span, dtype=bool)
    finite = np.isfinite(lon) & np.isfinite(lat)
    area = polygon.buffer(0.5)
    right = shapely.contains_xy(area, np.where(finite, lon, 0.0), np.where(finite, lat, 0.0))
    turned = shapely.contains_xy(area, np.where(finite, lat, 0.0), np.where(finite, lon, 0.0))
    return np.asarray(finite & ~right & (turned | in_span), dtype=bool)


def county_polygon(county: County) -> shapely.Geometry | None:
    """Return the union of the boundary's areas (county level where there is one), or None."""
    boundary = county.boundary
    if boundary is None or len(boundary) == 0:
        return None
    level = boundary[boundary["level"] == "county"] if "level" in boundary.columns else boundary
    chosen = level if len(level) else boundary
    return shapely.make_valid(shapely.union_all(chosen.geometry.to_numpy()))


def check_places(county: County, locations: Locations, usable: dict[str, Mask]) -> list[Problem]:
    """Return what is suspicious about where things are; all of it warnings, for places may be right after all."""
    return [
        *_far_from_county(county, locations, usable),
        *_far_from_township(county, locations, usable),
        *_same_points(county, locations, usable),
        *_placeholder_townships(county, locations, usable),
        *_without_place(county, locations),
        *_far_hamlets(county, locations, usable),
    ]


def _far_from_county(county: County, locations: Locations, usable: dict[str, Mask]) -> Iterator[Problem]:
    polygon = county_polygon(county)
    for table in PLACED_TABLES:
        frame, good = county.table(table), usable[table]
        if not good.any() or table == "bus_stops":  # bus lines may leave the county
            continue
        lon, lat = frame["lon"].to_numpy(float), frame["lat"].to_numpy(float)
        if polygon is not None:
            km, limit, code = _km_outside(polygon, lon, lat, good), OUTSIDE_KM, "outside_boundary"
        else:
            villages = county.villages[usable["villages"]]
            if len(villages) < _LEAST_MEMBERS:
                continue
            km = haversine_km(lon, lat, villages["lon"].median(), villages["lat"].median())
            limit, code = COUNTY_KM, "far_from_county"
        for index in np.flatnonzero(good & (km > limit)):
            yield _distance_problem(locations, code, table, frame, int(index), km=round(float(km[index]), 1))


def _km_outside(
    polygon: shapely.Geometry, lon: npt.ArrayLike, lat: npt.ArrayLike, good: Mask
) -> npt.NDArray[np.float64]:
    lat0 = float(shapely.centroid(polygon).y)
    area = shapely.transform(polygon, lambda p: plane_km(p[:, 0], p[:, 1], lat0=lat0))
    shapely.prepare(area)
    km = np.zeros(len(good))
    points = shapely.points(plane_km(lon, lat, lat0=lat0)[good])
    km[good] = shapely.distance(area, points)
    return km


def _distance_problem(
    locations: Locations, code: str, table: str, frame: pd.DataFrame, index: int, **params: object
) -> Problem:
    """Return a warning about row `index`, located at its longitude, that shows the pair."""
    row = frame.iloc[index]
    pair = f"{row['lon']:.6f}, {row['lat']:.6f}"
    name = str(row.get("name", "")) or str(row.iloc[0])
    return locations.problem("warning", code, table, index=index, column="lon", value=pair, name=name, **params)


def _members(county: County) -> pd.Series:
    villages = county.villages
    return villages["township_code"].where(villages["township_code"] != "", villages["village_code"].map(township_of))


def _middles(county: County, usable: dict[str, Mask]) -> pd.DataFrame:
    """Return township → median place of its villages and how many there are (at least three)."""
    good = usable["villages"]
    grouped = county.villages[good].groupby(_members(county)[good])
    middles = pd.DataFrame({"lon": grouped["lon"].median(), "lat": grouped["lat"].median(), "count": grouped.size()})
    return middles[middles["count"] >= _LEAST_MEMBERS]


def _far_from_township(county: County, locations: Locations, usable: dict[str, Mask]) -> Iterator[Problem]:
    middles = _middles(county, usable)
    for table, codes in (("villages", _members(county)), ("townships", county.townships["township_code"])):
        frame = county.table(table)
        middle = middles.reindex(codes.to_numpy())
        km = haversine_km(frame["lon"], frame["lat"], middle["lon"].to_numpy(), middle["lat"].to_numpy())
        code = "far_from_township" if table == "villages" else "township_far_from_villages"
        for index in np.flatnonzero(usable[table] & (km > TOWNSHIP_KM)):
            yield _distance_problem(locations, code, table, frame, int(index), km=round(float(km[index]), 1))


def _same_points(county: County, locations: Locations, usable: dict[str, Mask]) -> Iterator[Problem]:
    for table in ("villages", "townships"):
        frame = county.table(table)[usable[table]]
        rounded = [frame["lon"].round(_SAME_POINT_DIGITS), frame["lat"].round(_SAME_POINT_DIGITS)]
        for _, group in frame.groupby(rounded, sort=True):
            if len(group) > 1:
                names = "、".join(str(n) for n in group["name"])
                yield _distance_problem(
                    locations,
                    "same_point",
                    table,
                    county.table(table),
                    int(group.index[0]),
                    count=len(group),
                    names=names,
                )


def _placeholder_townships(county: County, locations: Locations, usable: dict[str, Mask]) -> Iterator[Problem]:
    """Find townships that carry the county centre's point although their villages lie elsewhere."""
    sites = county.facilities[usable["facilities"]]
    centres = sites[sites["kind"] == "county_centre"]
    townships, middles = county.townships, _middles(county, usable)
    for index in np.flatnonzero(usable["townships"]):
        row = townships.iloc[index]
        at = haversine_km(row["lon"], row["lat"], centres["lon"], centres["lat"])
        if not (at <= _SAME_POINT_KM).any() or row["township_code"] not in middles.index:
            continue
        middle = middles.loc[row["township_code"]]
        km = float(haversine_km(row["lon"], row["lat"], middle["lon"], middle["lat"]))
        # The county seat's own township rightly shares the point: its villages lie around it.
        nearest = haversine_km(row["lon"], row["lat"], middles["lon"], middles["lat"])
        if km > float(np.min(nearest)):
            yield _distance_problem(
                locations, "township_at_county_centre", "townships", townships, int(index), km=round(km, 1)
            )


def _without_place(county: County, locations: Locations) -> Iterator[Problem]:
    for table, code in (("villages", "villages_without_place"), ("townships", "townships_without_place")):
        frame = county.table(table)
        missing = frame[frame["lon"].isna() & frame["lat"].isna()]
        if len(missing):
            column = "lon" if table in locations else ""
            names = "、".join(str(n) for n in missing["name"][:5]) + ("…" if len(missing) > 5 else "")  # noqa: PLR2004
            yield locations.problem("warning", code, table, column=column, count=len(missing), names=names)


def _far_hamlets(county: County, locations: Locations, usable: dict[str, Mask]) -> Iterator[Problem]:
    hamlets, villages = county.hamlets, county.villages[usable["villages"]]
    places = villages.drop_duplicates("village_code").set_index("village_code")[["lon", "lat"]]
    places = places.reindex(hamlets["village_code"])
    km = haversine_km(hamlets["lon"], hamlets["lat"], places["lon"].to_numpy(), places["lat"].to_numpy())
    for index in np.flatnonzero(usable["hamlets"] & (km > HAMLET_KM)):
        far = round(float(km[index]), 1)
        yield _distance_problem(locations, "hamlet_far_from_village", "hamlets", hamlets, int(index), km=far)
