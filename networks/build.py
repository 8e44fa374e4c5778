"""Build a road network from lines: junctions where lines share a vertex, road pieces between them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.noding import connect_crossing_lines, connect_ends_to_lines, merge_ends
from networks.plane import LocalPlane, geodesic_m
from networks.road_network import EDGE_COLUMNS, EdgeShapes, Integers, RoadNetwork, assemble
from networks.road_table import checked_roads
from networks.vertices import Vertices, vertices_of


def build_road_network(
    roads: gpd.GeoDataFrame, *, connect_crossings: bool = False, merge_m: float = 1.0
) -> RoadNetwork:
    """Build the road network from any lines.

    Lines are connected where they share a vertex (to about a centimetre), where an end lies within `merge_m` of
    another end or of another line, and — only with `connect_crossings` — where they cross. Multi-lines are taken
    apart. A ring is cut in two, so that no piece begins and ends at the same junction.

    Parameters
    ----------
    roads
        Lines in any declared coordinate system. Columns as in `County.roads`; each but the geometry may be absent:
        ``road_id`` (then the row number from 0), ``road_class``, ``surface``, ``is_oneway``, ``speed_kmh``, ``name``.
    connect_crossings
        Make a junction wherever two lines cross. Right for drawn layers, wrong where bridges are.
    merge_m
        Distance in metres within which ends are merged.

    Returns
    -------
    RoadNetwork
        Network with lengths on the ellipsoid; deterministic.

    Raises
    ------
    InputError
        If lines are unusable: every problem found is listed.
    """
    table, lines, warnings = checked_roads(roads)
    vertices = vertices_of(lines)
    plane = LocalPlane.around(vertices.lon, vertices.lat)
    vertices = merge_ends(vertices, plane, merge_m)
    vertices = connect_ends_to_lines(vertices, plane, merge_m)
    vertices, crossing_count = connect_crossing_lines(vertices, plane, is_connected=connect_crossings)
    if crossing_count and not connect_crossings:
        warnings = (
            *warnings,
            Problem("warning", "roads_crossing_unconnected", table="roads", params={"count": crossing_count}),
        )
    return _network(table, vertices, 0 if connect_crossings else crossing_count, warnings)


def _network(
    table: pd.DataFrame, vertices: Vertices, crossing_count: int, warnings: tuple[Problem, ...]
) -> RoadNetwork:
    pieces = _split(vertices)
    if not len(pieces.row):
        raise InputError(Message("roads_empty"), [Problem("error", "roads_empty", table="roads")])
    is_first = np.zeros(len(pieces.vertex), dtype=bool)
    is_first[pieces.first_vertex[:-1]] = True
    lon, lat = vertices.lon[pieces.vertex], vertices.lat[pieces.vertex]
    step = np.zeros(len(lon))
    step[1:] = geodesic_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
    step[is_first] = 0.0
    offset = np.cumsum(step)
    offset -= np.repeat(offset[pieces.first_vertex[:-1]], np.diff(pieces.first_vertex))
    first, last = pieces.vertex[pieces.first_vertex[:-1]], pieces.vertex[pieces.first_vertex[1:] - 1]
    nodes, ends = np.unique(np.concatenate([first, last]), return_inverse=True)
    edges = table.take(pieces.row).reset_index(drop=True)
    edges["from_node"], edges["to_node"] = ends[: len(first)], ends[len(first) :]
    edges["length_m"] = offset[pieces.first_vertex[1:] - 1]
    return assemble(
        (vertices.lon[nodes], vertices.lat[nodes]),
        edges[list(EDGE_COLUMNS)],
        EdgeShapes(pieces.first_vertex, lon, lat, offset),
        crossing_count=crossing_count,
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Road pieces: source row, and the vertices ``vertex[first_vertex[k] : first_vertex[k + 1]]``."""

    row: Integers
    first_vertex: Integers
    vertex: Integers


def _split(vertices: Vertices) -> _Pieces:
    """Cut the lines at junctions: vertices met more than once, and ends."""
    count = np.bincount(vertices.vertex, minlength=len(vertices.lon))
    is_end = vertices.is_line_start | vertices.is_line_end
    is_junction = count > 1
    is_junction[vertices.vertex[is_end]] = True
    is_cut = is_junction[vertices.vertex]
    start = np.flatnonzero(is_cut & ~vertices.is_line_end)
    stop = np.flatnonzero(is_cut & ~vertices.is_line_start)
    bounds = _without_loops(vertices.vertex, start, stop)
    sizes = bounds[:, 1] - bounds[:, 0] + 1
    first_vertex = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    position = np.repeat(bounds[:, 0] - first_vertex[:-1], sizes) + np.arange(first_vertex[-1])
    return _Pieces(vertices.row[bounds[:, 0]], first_vertex, vertices.vertex[position])


def _without_loops(vertex: Integers, start: Integers, stop: Integers) -> npt.NDArray[np.int64]:
    """Return (first, last) positions of the pieces; a ring becomes two pieces, one without extent is dropped."""
    is_loop = vertex[start] == vertex[stop]
    plain = np.column_stack([start[~is_loop], stop[~is_loop]])
    ring = np.column_stack([start[is_loop], stop[is_loop]])
    ring = ring[ring[:, 1] - ring[:, 0] > 1]
    middle = ring.sum(axis=1) // 2
    halves = [np.column_stack([ring[:, 0], middle]), np.column_stack([middle, ring[:, 1]])]
    bounds = np.concatenate([plain, *halves])
    return np.asarray(bounds[np.argsort(bounds[:, 0], kind="stable")], dtype=np.int64)
