"""Coordinate systems used in China: CGCS2000, GCJ-02 and BD-09, converted once to WGS84.

GCJ-02 shifts a WGS84 point by a smooth function of its place (see `_shift`), published many times since 2010; it is
undone by fixed-point iteration. BD-09 turns and stretches a GCJ-02 point once more about the origin. CGCS2000 differs
from WGS84 by centimetres and is taken as equal. Outside the rectangle in which the functions are defined
(72.004–137.8347° E, 0.8293–55.8271° N) no shift is applied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geodata.county import Datum

Degrees = npt.NDArray[np.float64]

_SEMI_MAJOR_M = 6_378_245.0  # Krasovsky 1940, on which the shift is defined
_ECCENTRICITY_SQ = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
#: Where the shift is defined: least and greatest longitude, least and greatest latitude.
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_ITERATIONS = 8  # three give 0.1 mm, more cost nothing


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> tuple[Degrees, Degrees]:
    """Convert degrees of `datum` to WGS84; NaN stays NaN.

    Parameters
    ----------
    lon, lat
        Arrays of equal shape, in degrees.
    datum
        System they are in.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if datum == "GCJ02":
        return _undo(x, y, _wgs84_to_gcj02)
    if datum == "BD09":
        return _undo(*_undo(x, y, _gcj02_to_bd09), _wgs84_to_gcj02)
    return x.copy(), y.copy()


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> tuple[Degrees, Degrees]:
    """Convert WGS84 degrees to `datum`; NaN stays NaN."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if datum == "GCJ02":
        return _wgs84_to_gcj02(x, y)
    if datum == "BD09":
        return _gcj02_to_bd09(*_wgs84_to_gcj02(x, y))
    return x.copy(), y.copy()


def geometry_to_wgs84(geometry: Any, datum: Datum) -> Any:
    """Convert shapely geometries (one or an array) of `datum` to WGS84."""
    if datum not in {"GCJ02", "BD09"}:
        return geometry

    def convert(points: Degrees) -> Degrees:
        return np.column_stack(to_wgs84(points[:, 0], points[:, 1], datum))

    return shapely.transform(geometry, convert)


def _wgs84_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    d_lon, d_lat = _shift(lon, lat)
    return lon + d_lon, lat + d_lat


def _shift(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return the GCJ-02 shift in degrees at a WGS84 place."""
    x, y = lon - 105.0, lat - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    ripple = 20.0 * np.sin(6.0 * x * pi) + 20.0 * np.sin(2.0 * x * pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + 20.0 * np.sin(y * pi) + 40.0 * np.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * pi) + 320.0 * np.sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + 20.0 * np.sin(x * pi) + 40.0 * np.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * pi) + 300.0 * np.sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    w = np.sqrt(1.0 - _ECCENTRICITY_SQ * np.sin(phi) ** 2)
    d_lat = np.degrees(north * w**3 / (_SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQ)))
    d_lon = np.degrees(east * w / (_SEMI_MAJOR_M * np.cos(phi)))
    inside = _is_inside(lon, lat)
    return np.where(inside, d_lon, 0.0), np.where(inside, d_lat, 0.0)


def _is_inside(lon: Degrees, lat: Degrees) -> npt.NDArray[np.bool_]:
    return np.asarray((lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH), dtype=bool)


def _gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    inside = _is_inside(lon, lat)
    return (
        np.where(inside, radius * np.cos(angle) + 0.0065, lon),
        np.where(inside, radius * np.sin(angle) + 0.006, lat),
    )


def _undo(lon: Degrees, lat: Degrees, forward: Any) -> tuple[Degrees, Degrees]:
    """Invert `forward` by fixed-point iteration: guess ← guess + (given − forward(guess))."""
    x, y = lon.copy(), lat.copy()
    for _ in range(_ITERATIONS):
        fx, fy = forward(x, y)
        x, y = x + (lon - fx), y + (lat - fy)
    return x, y
