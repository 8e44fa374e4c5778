"""A flat metre plane around one county, and true distances on the globe.

The plane serves to find what is near and to cut lines; every distance that is reported is measured on the globe.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from pyproj import Geod

#: Mean earth radius of the straight-line provider.
EARTH_RADIUS_M = 6_371_008.8

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """Equirectangular plane touching the globe at one point; metres.

    Attributes
    ----------
    lon, lat
        Point of contact in degrees.
    """

    lon: float
    lat: float

    @classmethod
    def around(cls, lon: Floats, lat: Floats) -> LocalPlane:
        """Return the plane in the middle of the given places."""
        return cls((float(np.min(lon)) + float(np.max(lon))) / 2, (float(np.min(lat)) + float(np.max(lat))) / 2)

    @property
    def _scale(self) -> tuple[float, float]:
        per_degree = EARTH_RADIUS_M * np.pi / 180
        return per_degree * float(np.cos(np.radians(self.lat))), per_degree

    def to_metres(self, lon: Floats, lat: Floats) -> Floats:
        """Return positions in the plane, shape (n, 2)."""
        x_scale, y_scale = self._scale
        return np.column_stack([(lon - self.lon) * x_scale, (lat - self.lat) * y_scale])

    def to_degrees(self, position: Floats) -> Floats:
        """Return longitude and latitude of positions in the plane, shape (n, 2)."""
        degrees: Floats = position / np.array(self._scale) + np.array([self.lon, self.lat])
        return degrees


@cache
def _geod() -> Geod:
    return Geod(ellps="WGS84")


def geodesic_m(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats) -> Floats:
    """Return distances in metres on the WGS84 ellipsoid, element by element."""
    _, _, distance = _geod().inv(lon_a, lat_a, lon_b, lat_b)
    return np.asarray(distance, dtype=float)


def haversine_m(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats) -> Floats:
    """Return great-circle distances in metres on a sphere of `EARTH_RADIUS_M`; arguments broadcast."""
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half = (
        np.sin((phi_b - phi_a) / 2) ** 2
        + np.cos(phi_a) * np.cos(phi_b) * np.sin(np.radians(np.subtract(lon_b, lon_a)) / 2) ** 2
    )
    distance: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distance
