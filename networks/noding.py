"""Connect lines that meet without sharing a vertex: close ends, ends touching a line, and crossings if asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from networks.plane import LocalPlane
from networks.vertices import DECIMALS, Floats, Integers, Vertices


def merge_ends(vertices: Vertices, plane: LocalPlane, merge_m: float) -> Vertices:
    """Merge line ends closer than `merge_m` metres into one vertex (the lowest number stays)."""
    ends = np.unique(vertices.vertex[vertices.is_line_start | vertices.is_line_end])
    place = plane.to_metres(vertices.lon[ends], vertices.lat[ends])
    pairs = cKDTree(place).query_pairs(merge_m, output_type="ndarray")
    if not len(pairs):
        return vertices
    count = len(ends)
    graph = csr_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    lowest = np.full(group.max() + 1, len(vertices.lon), dtype=np.int64)
    np.minimum.at(lowest, group, ends)
    renumbered = np.arange(len(vertices.lon), dtype=np.int64)
    renumbered[ends] = lowest[group]
    return vertices.with_vertex(renumbered[vertices.vertex])


def connect_ends_to_lines(vertices: Vertices, plane: LocalPlane, merge_m: float) -> Vertices:
    """Make a junction where a free end lies within `merge_m` metres of another line: the line is bent through it."""
    count = np.bincount(vertices.vertex, minlength=len(vertices.lon))
    ends = np.unique(vertices.vertex[vertices.is_line_start | vertices.is_line_end])
    free = ends[count[ends] == 1]
    segments = _segments(vertices, plane)
    if not len(free):
        return vertices
    points = shapely.points(plane.to_metres(vertices.lon[free], vertices.lat[free]))
    which, segment = segments.tree.query(points, predicate="dwithin", distance=merge_m)
    end = free[which]
    is_own = (segments.tail[segment] == end) | (segments.head[segment] == end)
    which, segment, end = which[~is_own], segment[~is_own], end[~is_own]
    fraction = shapely.line_locate_point(segments.line[segment], points[which], normalized=True)
    order = np.lexsort((segment, shapely.distance(segments.line[segment], points[which]), end))
    nearest = order[np.unique(end[order], return_index=True)[1]]
    position = segments.position[segment[nearest]] + np.clip(fraction[nearest], 1e-9, 1 - 1e-9)
    return vertices.with_inserted(position, end[nearest])


def connect_crossing_lines(vertices: Vertices, plane: LocalPlane, *, is_connected: bool) -> tuple[Vertices, int]:
    """Count the places where lines cross without a common vertex, and make them junctions if asked.

    Returns
    -------
    tuple
        The vertices, and the number of crossings found.
    """
    segments = _segments(vertices, plane)
    one, other = segments.tree.query(segments.line, predicate="intersects")
    is_meeting = segments.tail[one] == segments.tail[other]
    is_meeting |= segments.tail[one] == segments.head[other]
    is_meeting |= segments.head[one] == segments.tail[other]
    is_meeting |= segments.head[one] == segments.head[other]
    keep = (one < other) & ~is_meeting
    one, other = one[keep], other[keep]
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    points = shapely.intersection(segments.line[one], segments.line[other])
    is_point = shapely.get_type_id(points) == shapely.GeometryType.POINT
    one, other, points = one[is_point], other[is_point], points[is_point]
    place = np.round(plane.to_degrees(shapely.get_coordinates(points)), DECIMALS)
    count = len(np.unique(place, axis=0))
    if not is_connected or not count:
        return vertices, count
    positions = [
        segments.position[side]
        + np.clip(shapely.line_locate_point(segments.line[side], points, normalized=True), 1e-9, 1 - 1e-9)
        for side in (one, other)
    ]
    longer, new = _with_places(vertices, place)
    return longer.with_inserted(np.concatenate(positions), np.concatenate([new, new])), count


def _with_places(vertices: Vertices, place: Floats) -> tuple[Vertices, Integers]:
    """Add distinct places; one that is there already keeps its vertex."""
    known = np.column_stack([vertices.lon, vertices.lat])
    places, number = np.unique(np.concatenate([known, place]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    longer = replace(vertices, lon=places[:, 0], lat=places[:, 1], vertex=number[vertices.vertex])
    return longer, number[len(known) :]


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """Straight segments of all lines in the plane, with a search tree."""

    position: Integers
    tail: Integers
    head: Integers
    line: npt.NDArray[np.object_]
    tree: shapely.STRtree


def _segments(vertices: Vertices, plane: LocalPlane) -> _Segments:
    position = vertices.segment_start
    tail, head = vertices.vertex[position], vertices.vertex[position + 1]
    place: Floats = plane.to_metres(vertices.lon, vertices.lat)
    line = shapely.linestrings(np.stack([place[tail], place[head]], axis=1))
    return _Segments(position, tail, head, line, shapely.STRtree(line))
