"""The area within reach of some points, for the map: roads reached and a strip beside them, or circles."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.ops import substring

from networks.plane import LocalPlane
from networks.road_network import Floats, RoadNetwork
from networks.shortest_paths import EdgePoints, SplitRoads, split_graph, split_roads
from networks.snapping import snap_places

_GRAIN_DEGREES = 6


def coverage_area(
    network: RoadNetwork | None,
    points: pd.DataFrame,
    radius_m: float,
    detour_factor: float = 1.3,
    *,
    strip_m: float = 250.0,
) -> gpd.GeoDataFrame:
    """Return the area within `radius_m` of any of the points.

    Over roads: every piece of road from which a point is reached within the radius (both ways, leg between road and
    point counted), with a strip of `strip_m` on both sides (never wider than the radius), plus a disc of that size
    around each point. Without roads: circles of ``radius_m / detour_factor``. It is a picture; who is covered is
    decided by the travel matrix.

    Parameters
    ----------
    network
        Roads, or None for straight lines.
    points
        Frame with ``lon, lat`` in degrees; rows without are left out.
    radius_m
        Way along the road.
    detour_factor
        Road over straight line; used without roads.
    strip_m
        Half width of the strip along reached roads.

    Returns
    -------
    geopandas.GeoDataFrame
        One row ``radius_m, geometry`` in EPSG:4326 (no row without points); simplified to a tenth of the strip.
    """
    places = pd.DataFrame({name: pd.to_numeric(points[name], errors="coerce") for name in ("lon", "lat")})
    places = places.dropna().astype(float).drop_duplicates().sort_values(["lon", "lat"], ignore_index=True)
    if places.empty:
        return gpd.GeoDataFrame({"radius_m": np.empty(0)}, geometry=[], crs="EPSG:4326")
    plane = LocalPlane.around(places["lon"].to_numpy(), places["lat"].to_numpy())
    centres = shapely.points(plane.to_metres(places["lon"].to_numpy(), places["lat"].to_numpy()))
    if network is None:
        area = shapely.union_all(shapely.buffer(centres, radius_m / detour_factor, quad_segs=8))
        tolerance = radius_m / 200
    else:
        strip = min(strip_m, radius_m)
        roads = shapely.simplify(_reached(network, places, radius_m, plane), strip / 10)
        # One strip a road and one union of them: a strip around all roads at once takes minutes.
        area = shapely.union_all(shapely.buffer(np.concatenate([roads, centres]), strip, quad_segs=3))
        tolerance = strip / 10
    area = shapely.simplify(area, tolerance)
    degrees = shapely.transform(area, lambda position: np.round(plane.to_degrees(position), _GRAIN_DEGREES))
    geometry = degrees if degrees.is_valid else shapely.make_valid(degrees)
    return gpd.GeoDataFrame({"radius_m": [float(radius_m)]}, geometry=[geometry], crs="EPSG:4326")


def _reached(network: RoadNetwork, places: pd.DataFrame, radius_m: float, plane: LocalPlane) -> npt.NDArray[np.object_]:
    """Return the reached pieces of road as lines in the plane."""
    snaps = snap_places(network, places.assign(place_id=places.index.astype(str)), ignores_oneway=True)
    snaps = snaps[(snaps["edge"] >= 0) & (snaps["snap_distance_m"] <= radius_m)]
    if snaps.empty:
        return np.empty(0, dtype=object)
    points = EdgePoints(snaps["edge"].to_numpy(dtype=np.int64), snaps["offset_m"].to_numpy(dtype=float))
    split = split_roads(network, points)
    left = radius_m - _metres_to_nearest(network, split, snaps["snap_distance_m"].to_numpy(dtype=float), radius_m)
    size = split.stop_m - split.start_m
    from_tail, from_head = np.clip(left[split.tail], 0, size), np.clip(left[split.head], 0, size)
    is_whole = from_tail + from_head >= size
    stretches = [
        (split.edge[is_whole], split.start_m[is_whole], split.stop_m[is_whole]),
        (split.edge, split.start_m, np.where(is_whole, split.start_m, split.start_m + from_tail)),
        (split.edge, np.where(is_whole, split.stop_m, split.stop_m - from_head), split.stop_m),
    ]
    edge, start, stop = (np.concatenate(part) for part in zip(*stretches, strict=True))
    keep = np.flatnonzero(stop > start)
    return _cut(network, plane, edge[keep], start[keep], stop[keep])


def _metres_to_nearest(network: RoadNetwork, split: SplitRoads, legs: Floats, radius_m: float) -> Floats:
    """Return the metres from every node to the nearest point, legs included; ``inf`` beyond the radius."""
    graph = split_graph(network, split, network.edges["length_m"].to_numpy(dtype=float), ignores_oneway=True)
    count = graph.node_count
    # One more node stands for all points; its arcs are the legs, kept above nil so that they count as arcs.
    leg = pd.Series(np.maximum(legs, 1e-9)).groupby(split.point_node).min()
    matrix = csr_array(
        (
            np.concatenate([graph.metres, leg.to_numpy()]),
            np.concatenate([graph.head, leg.index.to_numpy()]),
            np.concatenate([graph.first, [graph.first[-1] + len(leg)]]),
        ),
        shape=(count + 1, count + 1),
    )
    metres: Floats = dijkstra(matrix, indices=count, limit=radius_m)[:count]
    return metres


def _cut(
    network: RoadNetwork, plane: LocalPlane, edge: npt.NDArray[np.int64], start: Floats, stop: Floats
) -> npt.NDArray[np.object_]:
    """Return the stretches of edges as lines in the plane."""
    lines = shapely.transform(network.edge_lines(), lambda position: plane.to_metres(position[:, 0], position[:, 1]))
    length = network.edges["length_m"].to_numpy(dtype=float)
    cut = lines[edge]
    for i in np.flatnonzero((start > 0) | (stop < length[edge])):
        whole = length[edge[i]]
        cut[i] = substring(lines[edge[i]], start[i] / whole, stop[i] / whole, normalized=True)
    is_line = shapely.get_type_id(cut) == shapely.GeometryType.LINESTRING
    return np.asarray(cut[is_line], dtype=object)
