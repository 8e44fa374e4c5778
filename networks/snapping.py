"""Put places onto the roads: nearest road piece, way along it, distance to it, and whether it leads anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from networks.plane import LocalPlane, geodesic_m
from networks.road_network import Floats, Integers, RoadNetwork, components

#: Columns of the frame `snap_places` returns.
SNAP_COLUMNS = (
    "place_id",
    "lon",
    "lat",
    "edge",
    "offset_m",
    "snap_distance_m",
    "component",
    "component_km",
    "is_connected",
)

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SnapOptions:
    """How far a place may lie from the road.

    Attributes
    ----------
    max_snap_m
        Beyond this distance a place is off the road: unreachable.
    prefer_main_m
        A road of the largest connected part is taken even if another road is nearer, as long as the extra distance
        is at most this.
    """

    max_snap_m: float = 2000.0
    prefer_main_m: float = 500.0


def snap_places(
    network: RoadNetwork,
    places: pd.DataFrame,
    *,
    is_usable: Booleans | None = None,
    ignores_oneway: bool = False,
    options: SnapOptions | None = None,
) -> pd.DataFrame:
    """Snap places onto road pieces.

    A place goes to the nearest usable road piece of the largest strongly connected part, unless a piece of another
    part is nearer by more than `SnapOptions.prefer_main_m`.

    Parameters
    ----------
    network
        Roads.
    places
        Frame with ``place_id, lon, lat`` (degrees, no NaN).
    is_usable
        Road pieces the profile may use; all when None.
    ignores_oneway
        Whether one-way rules do not count for the profile.
    options
        Distances.

    Returns
    -------
    pandas.DataFrame
        One row a place in the order given, columns `SNAP_COLUMNS`: `edge` is the row of the road piece (-1: off the
        road), `offset_m` the way along it from its `from_node` (NaN off the road), `snap_distance_m` the straight
        distance to the nearest road even off the road (``inf`` when there is no road at all), `component` the
        connected part for this profile (0 is the largest, -1 off the road), `component_km` the length of its roads
        (0 off the road), `is_connected` whether it is part 0.
    """
    limits = options or SnapOptions()
    usable = np.ones(network.edge_count, dtype=bool) if is_usable is None else is_usable
    component = profile_components(network, usable, ignores_oneway=ignores_oneway)
    from_part = component[network.edges["from_node"].to_numpy()]
    is_main = usable & (from_part == 0) & (component[network.edges["to_node"].to_numpy()] == 0)
    length = network.edges["length_m"].to_numpy(dtype=float)
    part_km = np.bincount(from_part, weights=length * usable, minlength=component.max() + 1) / 1000
    lon, lat = places["lon"].to_numpy(dtype=float), places["lat"].to_numpy(dtype=float)
    main = _nearest(network, is_main, lon, lat)
    other = _nearest(network, usable & ~is_main, lon, lat)
    takes_main = main.distance_m <= np.minimum(other.distance_m + limits.prefer_main_m, limits.max_snap_m)
    edge = np.where(takes_main, main.edge, other.edge)
    offset = np.where(takes_main, main.offset_m, other.offset_m)
    distance = np.where(takes_main, main.distance_m, other.distance_m)
    is_off = ~(distance <= limits.max_snap_m)
    distance = np.where(is_off, np.minimum(main.distance_m, other.distance_m), distance)
    return pd.DataFrame(
        {
            "place_id": places["place_id"].astype(str).to_numpy(),
            "lon": lon,
            "lat": lat,
            "edge": np.where(is_off, -1, edge),
            "offset_m": np.where(is_off, np.nan, offset),
            "snap_distance_m": distance,
            "component": np.where(is_off, -1, from_part[edge]),
            "component_km": np.where(is_off, 0.0, part_km[from_part[edge]]),
            "is_connected": takes_main & ~is_off,
        },
        columns=list(SNAP_COLUMNS),
    )


def profile_components(network: RoadNetwork, is_usable: Booleans, *, ignores_oneway: bool) -> Integers:
    """Return the connected part of each node for a profile, 0 being the largest."""
    if is_usable.all():
        return network.weak_component if ignores_oneway else network.strong_component
    tail = np.repeat(np.arange(network.node_count), np.diff(network.arc_first))
    keep = is_usable[network.arc_edge]
    connection = "weak" if ignores_oneway else "strong"
    return components(network.node_count, tail[keep], network.arc_head[keep], connection=connection)


@dataclass(frozen=True, slots=True, eq=False)
class _Nearest:
    """Nearest road piece of each place; distance ``inf`` and edge 0 where there is none."""

    edge: Integers
    offset_m: Floats
    distance_m: Floats


def _nearest(network: RoadNetwork, is_chosen: Booleans, lon: Floats, lat: Floats) -> _Nearest:
    """Find the nearest point of the chosen road pieces, segment by segment in the local plane."""
    count = len(lon)
    edge_of = np.repeat(np.arange(network.edge_count), np.diff(network.edge_first_vertex))
    start = np.flatnonzero((edge_of[:-1] == edge_of[1:]) & is_chosen[edge_of[:-1]])
    if not len(start) or not count:
        return _Nearest(np.zeros(count, dtype=np.int64), np.full(count, np.nan), np.full(count, np.inf))
    plane = LocalPlane.around(network.vertex_lon, network.vertex_lat)
    vertex = plane.to_metres(network.vertex_lon, network.vertex_lat)
    place = plane.to_metres(lon, lat)
    tree = shapely.STRtree(shapely.linestrings(np.stack([vertex[start], vertex[start + 1]], axis=1)))
    which, hit = tree.query_nearest(shapely.points(place), all_matches=True)
    order = np.lexsort((hit, which))
    segment = start[hit[order[np.unique(which[order], return_index=True)[1]]]]
    along = vertex[segment + 1] - vertex[segment]
    share = ((place - vertex[segment]) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(share, 0.0, 1.0)

    def between(values: Floats) -> Floats:
        return np.asarray(values[segment] + share * (values[segment + 1] - values[segment]), dtype=float)

    distance = geodesic_m(lon, lat, between(network.vertex_lon), between(network.vertex_lat))
    return _Nearest(edge_of[segment], between(network.vertex_offset_m), distance)
