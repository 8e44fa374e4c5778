"""The road network: junctions, road pieces between them with their facts, and who can drive where."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geodata.errors import Problem

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

EDGE_COLUMNS = (
    "road_id",
    "road_class",
    "surface",
    "is_oneway",
    "speed_kmh",
    "name",
    "from_node",
    "to_node",
    "length_m",
)


@dataclass(frozen=True, slots=True, eq=False)
class RoadNetwork:
    """Junctions and the road pieces (edges) between them.

    Attributes
    ----------
    node_lon, node_lat
        Place of each junction, degrees (EPSG:4326).
    edges
        One row a road piece with the columns of `EDGE_COLUMNS`; `length_m` on the ellipsoid; no loops. `surface` is a
        surface group of the speed table or ``""``; `is_oneway` 1 means from `from_node` to `to_node` only.
    edge_first_vertex
        Vertices of edge e are ``edge_first_vertex[e] : edge_first_vertex[e + 1]``.
    vertex_lon, vertex_lat, vertex_offset_m
        Place of each vertex, and its way along its edge from `from_node`.
    arc_first, arc_head, arc_edge
        Adjacency (CSR): the arcs leaving node n are ``arc_first[n] : arc_first[n + 1]``, sorted by head, then length.
    weak_component, strong_component
        Part of the network each node belongs to, ignoring and respecting one-way rules; 0 is the largest.
    crossing_count
        Places where roads cross without a common vertex and are not connected.
    warnings
        What was assumed while building.
    """

    node_lon: Floats
    node_lat: Floats
    edges: pd.DataFrame
    edge_first_vertex: Integers
    vertex_lon: Floats
    vertex_lat: Floats
    vertex_offset_m: Floats
    arc_first: Integers
    arc_head: Integers
    arc_edge: Integers
    weak_component: Integers
    strong_component: Integers
    crossing_count: int = 0
    warnings: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def node_count(self) -> int:
        """Number of junctions."""
        return len(self.node_lon)

    @property
    def edge_count(self) -> int:
        """Number of road pieces."""
        return len(self.edges)

    def edge_lines(self) -> npt.NDArray[np.object_]:
        """Return the line of every edge in EPSG:4326, from `from_node` to `to_node`."""
        coordinates = np.column_stack([self.vertex_lon, self.vertex_lat])
        index = np.repeat(np.arange(self.edge_count), np.diff(self.edge_first_vertex))
        lines: npt.NDArray[np.object_] = shapely.linestrings(coordinates, indices=index)
        return lines


@dataclass(frozen=True, slots=True, eq=False)
class EdgeShapes:
    """Vertices of all edges one after the other; see `RoadNetwork`."""

    edge_first_vertex: Integers
    vertex_lon: Floats
    vertex_lat: Floats
    vertex_offset_m: Floats


def assemble(
    nodes: tuple[Floats, Floats],
    edges: pd.DataFrame,
    shapes: EdgeShapes,
    *,
    crossing_count: int = 0,
    warnings: tuple[Problem, ...] = (),
) -> RoadNetwork:
    """Put a network together: adjacency and components from nodes and edges.

    Parameters
    ----------
    nodes
        Longitude and latitude of the junctions.
    edges
        Frame with the columns of `EDGE_COLUMNS`, index 0…m-1.
    shapes
        Vertices of the edges.
    crossing_count, warnings
        As in `RoadNetwork`.

    Returns
    -------
    RoadNetwork
        Network with adjacency and components.
    """
    count = len(nodes[0])
    from_node = edges["from_node"].to_numpy(dtype=np.int64)
    to_node = edges["to_node"].to_numpy(dtype=np.int64)
    oneway = edges["is_oneway"].to_numpy(dtype=np.int64)
    numbers = np.arange(len(edges), dtype=np.int64)
    forward, backward = oneway >= 0, oneway <= 0
    tail = np.concatenate([from_node[forward], to_node[backward]])
    head = np.concatenate([to_node[forward], from_node[backward]])
    edge = np.concatenate([numbers[forward], numbers[backward]])
    order = np.lexsort((edge, edges["length_m"].to_numpy(dtype=float)[edge], head, tail))
    return RoadNetwork(
        node_lon=nodes[0],
        node_lat=nodes[1],
        edges=edges,
        edge_first_vertex=shapes.edge_first_vertex,
        vertex_lon=shapes.vertex_lon,
        vertex_lat=shapes.vertex_lat,
        vertex_offset_m=shapes.vertex_offset_m,
        arc_first=np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=count))]).astype(np.int64),
        arc_head=head[order],
        arc_edge=edge[order],
        weak_component=components(count, tail, head, connection="weak"),
        strong_component=components(count, tail, head, connection="strong"),
        crossing_count=crossing_count,
        warnings=warnings,
    )


def components(count: int, tail: Integers, head: Integers, *, connection: str) -> Integers:
    """Return the component of each node, numbered from the largest (0) down; ties by their lowest node.

    Parameters
    ----------
    count
        Number of nodes.
    tail, head
        Ends of the arcs.
    connection
        ``weak`` or ``strong``.

    Returns
    -------
    numpy.ndarray
        Component number of each node.
    """
    graph = csr_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(count, count), dtype=np.int64)
    _, label = connected_components(graph, directed=True, connection=connection)
    _, first, inverse, size = np.unique(label, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(len(size))
    return rank[inverse]
