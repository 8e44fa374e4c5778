"""Travel matrices over roads: legs from place to road, the fastest way, and short cuts between near places."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from geodata.parameters import Parameters
from networks.matrix import TravelMatrix
from networks.plane import LocalPlane, geodesic_m
from networks.road_network import Floats, Integers, RoadNetwork
from networks.shortest_paths import EdgePoints, many_to_many
from networks.snapping import SnapOptions
from networks.speeds import SpeedProfile, edge_speeds_kmh

ROAD_PROVIDER = "road graph"


def edge_minutes(network: RoadNetwork, profile: SpeedProfile, parameters: Parameters | None = None) -> Floats:
    """Return the minutes a profile needs for each road piece; ``inf`` where it may not drive."""
    speed = edge_speeds_kmh(network.edges, profile, parameters)
    length = network.edges["length_m"].to_numpy(dtype=float)
    minutes = np.full(len(length), np.inf)
    np.divide(length * 0.06, speed, out=minutes, where=speed > 0)
    return minutes


def road_matrix(
    network: RoadNetwork,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    profile: SpeedProfile,
    *,
    parameters: Parameters | None = None,
    cutoff_km: float | None = None,
) -> TravelMatrix:
    """Return minutes and metres between snapped places.

    Metres = leg to the road + fastest way + leg from the road; legs are straight and driven at
    ``profile.off_road_kmh``. Two places nearer to each other than either is to the road are joined directly, at the
    same speed; equal places are 0 apart. A place off the road is reached only so.

    Parameters
    ----------
    network
        Roads.
    origins, destinations
        Frames of `networks.snapping.snap_places` for this profile.
    profile
        Who drives.
    parameters
        Figures in force.
    cutoff_km
        Ways longer than this count as unreachable; None for no limit.

    Returns
    -------
    TravelMatrix
        Labelled by ``place_id``; provider ``road graph``.
    """
    minutes, metres = _road_part(network, origins, destinations, profile, parameters, cutoff_km)
    row, column, direct = _direct(origins, destinations)
    minutes[row, column] = direct * 0.06 / profile.off_road_kmh
    metres[row, column] = direct
    if cutoff_km is not None:
        is_far = metres > cutoff_km * 1000
        minutes[is_far], metres[is_far] = np.inf, np.inf
    return TravelMatrix(
        origin_ids=tuple(origins["place_id"]),
        destination_ids=tuple(destinations["place_id"]),
        minutes=minutes,
        metres=metres,
        profile=profile.profile_id,
        provider=ROAD_PROVIDER,
    )


def _road_part(
    network: RoadNetwork,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    profile: SpeedProfile,
    parameters: Parameters | None,
    cutoff_km: float | None,
) -> tuple[Floats, Floats]:
    """Legs and fastest ways between the places that are on the road."""
    from_rows, to_rows = _on_road(origins), _on_road(destinations)
    way_minutes, way_metres = many_to_many(
        network,
        edge_minutes(network, profile, parameters),
        _points(origins, from_rows),
        _points(destinations, to_rows),
        ignores_oneway=profile.ignores_oneway,
        cutoff_min=_search_limit_min(profile, cutoff_km),
    )
    legs = (
        origins["snap_distance_m"].to_numpy(dtype=float)[from_rows, None]
        + destinations["snap_distance_m"].to_numpy(dtype=float)[None, to_rows]
    )
    shape = (len(origins), len(destinations))
    minutes, metres = np.full(shape, np.inf), np.full(shape, np.inf)
    minutes[np.ix_(from_rows, to_rows)] = way_minutes + legs * 0.06 / profile.off_road_kmh
    metres[np.ix_(from_rows, to_rows)] = way_metres + legs
    return minutes, metres


def _search_limit_min(profile: SpeedProfile, cutoff_km: float | None) -> float | None:
    """Return minutes after which the search may stop: at one speed on all roads kilometres are minutes."""
    if cutoff_km is None or profile.flat_speed_kmh is None:
        return None
    return (cutoff_km + 0.001) * 60 / profile.flat_speed_kmh


def _on_road(snaps: pd.DataFrame) -> Integers:
    return np.flatnonzero(snaps["edge"].to_numpy() >= 0)


def _points(snaps: pd.DataFrame, rows: Integers) -> EdgePoints:
    return EdgePoints(snaps["edge"].to_numpy(dtype=np.int64)[rows], snaps["offset_m"].to_numpy(dtype=float)[rows])


def _direct(origins: pd.DataFrame, destinations: pd.DataFrame) -> tuple[Integers, Integers, Floats]:
    """Return pairs of places nearer to each other than either is to the road: rows, columns, metres."""
    nothing = np.empty(0, dtype=np.int64)
    if origins.empty or destinations.empty:
        return nothing, nothing, np.empty(0)
    lon_a, lat_a, leg_a = (origins[name].to_numpy(dtype=float) for name in ("lon", "lat", "snap_distance_m"))
    lon_b, lat_b, leg_b = (destinations[name].to_numpy(dtype=float) for name in ("lon", "lat", "snap_distance_m"))
    plane = LocalPlane.around(np.concatenate([lon_a, lon_b]), np.concatenate([lat_a, lat_b]))
    reach = min(SnapOptions().max_snap_m, max(leg_a.max(), 1.0)) * 1.02
    near = cKDTree(plane.to_metres(lon_a, lat_a)).sparse_distance_matrix(
        cKDTree(plane.to_metres(lon_b, lat_b)), reach, output_type="ndarray"
    )
    row, column = near["i"].astype(np.int64), near["j"].astype(np.int64)
    distance = geodesic_m(lon_a[row], lat_a[row], lon_b[column], lat_b[column])
    is_same = (lon_a[row] == lon_b[column]) & (lat_a[row] == lat_b[column])
    distance[is_same] = 0.0
    limit = np.minimum(np.minimum(leg_a[row], leg_b[column]), SnapOptions().max_snap_m)
    keep = distance <= limit
    return row[keep], column[keep], distance[keep]
