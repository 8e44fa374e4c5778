"""Fastest ways between points on road pieces, many to many: minutes, and metres along the fastest way.

The engine is Dijkstra's algorithm of scipy, in batches; it stands behind `many_to_many` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from networks.road_network import Floats, Integers, RoadNetwork

#: Cells (sources × nodes) worked on at a time; small enough to stay near the processor, and to bound the memory.
_BATCH_CELLS = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class EdgePoints:
    """Points on road pieces.

    Attributes
    ----------
    edge
        Row of the road piece.
    offset_m
        Way along it from its `from_node`.
    """

    edge: Integers
    offset_m: Floats


def many_to_many(
    network: RoadNetwork,
    edge_minutes: Floats,
    origins: EdgePoints,
    destinations: EdgePoints,
    *,
    ignores_oneway: bool = False,
    cutoff_min: float | None = None,
) -> tuple[Floats, Floats]:
    """Return minutes and metres of the fastest way from every origin to every destination.

    Road pieces are cut at the points, so that two points on one piece, and one-way pieces, come out right.

    Parameters
    ----------
    network
        Roads.
    edge_minutes
        Minutes to drive each whole road piece; ``inf``: may not be used.
    origins, destinations
        Points on road pieces.
    ignores_oneway
        Drive every piece both ways.
    cutoff_min
        Ways longer than this are not looked for.

    Returns
    -------
    tuple of numpy.ndarray
        Minutes and metres, shape (origins, destinations); ``inf`` in both where there is no way.
    """
    shape = (len(origins.edge), len(destinations.edge))
    if not all(shape):
        return np.full(shape, np.inf), np.full(shape, np.inf)
    points = EdgePoints(
        np.concatenate([origins.edge, destinations.edge]), np.concatenate([origins.offset_m, destinations.offset_m])
    )
    split = split_roads(network, points)
    graph = split_graph(network, split, edge_minutes, ignores_oneway=ignores_oneway)
    source, row = np.unique(split.point_node[: shape[0]], return_inverse=True)
    target, column = np.unique(split.point_node[shape[0] :], return_inverse=True)
    if len(target) < len(source):
        minutes, metres = _search(graph.reversed(), target, source, cutoff_min)
        minutes, metres = minutes.T, metres.T
    else:
        minutes, metres = _search(graph, source, target, cutoff_min)
    return minutes[np.ix_(row, column)], metres[np.ix_(row, column)]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Directed graph without parallel arcs: CSR rows, minutes and metres an arc.

    Attributes
    ----------
    first, head
        Arcs leaving node n are ``first[n] : first[n + 1]``, by ascending head.
    minutes, metres
        Weights of the arcs.
    """

    first: Integers
    head: Integers
    minutes: Floats
    metres: Floats

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.first) - 1

    @property
    def tail(self) -> Integers:
        """Tail of each arc."""
        return np.repeat(np.arange(self.node_count), np.diff(self.first))

    def arcs(self, tail: npt.NDArray[np.int32], head: npt.NDArray[np.int32]) -> Integers:
        """Return the arc from each tail to each head; the arcs must exist."""
        key = self.tail * self.node_count + self.head
        return np.searchsorted(key, tail.astype(np.int64) * self.node_count + head)

    def reversed(self) -> Graph:
        """Return the graph with every arc turned round."""
        return graph_of(self.node_count, self.head, self.tail, self.minutes, self.metres)


def graph_of(count: int, tail: Integers, head: Integers, minutes: Floats, metres: Floats) -> Graph:
    """Return a graph from arcs; of parallel arcs the fastest stays, then the shortest; endless ones are left out."""
    keep = np.flatnonzero(np.isfinite(minutes))
    order = keep[np.lexsort((metres[keep], minutes[keep], head[keep], tail[keep]))]
    tail, head = tail[order], head[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    order = order[is_first]
    first = np.concatenate([[0], np.cumsum(np.bincount(tail[is_first], minlength=count))]).astype(np.int64)
    return Graph(first, head[is_first], minutes[order], metres[order])


@dataclass(frozen=True, slots=True, eq=False)
class SplitRoads:
    """Road pieces cut at points: along every piece the nodes from its start over the points to its end.

    Attributes
    ----------
    node_count
        Junctions of the network plus one node for every distinct point inside a piece.
    point_node
        Node of each point.
    edge, tail, head
        Road piece and end nodes of each part, along the piece.
    start_m, stop_m
        Where the part begins and ends along its piece.
    """

    node_count: int
    point_node: Integers
    edge: Integers
    tail: Integers
    head: Integers
    start_m: Floats
    stop_m: Floats


def split_roads(network: RoadNetwork, points: EdgePoints) -> SplitRoads:
    """Cut the road pieces at points; a point at an end of its piece is the junction there."""
    length = network.edges["length_m"].to_numpy(dtype=float)
    ends = np.column_stack([network.edges["from_node"].to_numpy(), network.edges["to_node"].to_numpy()])
    node = np.full(len(points.edge), -1, dtype=np.int64)
    is_start, is_stop = points.offset_m <= 0, points.offset_m >= length[points.edge]
    node[is_stop] = ends[points.edge[is_stop], 1]
    node[is_start] = ends[points.edge[is_start], 0]
    inside = np.flatnonzero(node < 0)
    places = np.column_stack([points.edge[inside], points.offset_m[inside]])
    inner, number = np.unique(places, axis=0, return_inverse=True)
    node[inside] = network.node_count + number.reshape(-1)
    numbers = np.arange(len(length))
    edge = np.concatenate([numbers, inner[:, 0].astype(np.int64), numbers])
    offset = np.concatenate([np.zeros(len(length)), inner[:, 1], length])
    stop = np.concatenate([ends[:, 0], network.node_count + np.arange(len(inner)), ends[:, 1]])
    order = np.lexsort((offset, edge))
    edge, offset, stop = edge[order], offset[order], stop[order]
    part = np.flatnonzero(edge[1:] == edge[:-1])
    return SplitRoads(
        network.node_count + len(inner),
        node,
        edge[part],
        stop[part],
        stop[part + 1],
        offset[part],
        offset[part + 1],
    )


def split_graph(network: RoadNetwork, split: SplitRoads, edge_minutes: Floats, *, ignores_oneway: bool) -> Graph:
    """Return the directed graph of cut road pieces."""
    metres = split.stop_m - split.start_m
    minutes = edge_minutes[split.edge] * (metres / network.edges["length_m"].to_numpy(dtype=float)[split.edge])
    oneway = network.edges["is_oneway"].to_numpy(dtype=np.int64)[split.edge]
    forward = np.flatnonzero((oneway >= 0) | ignores_oneway)
    backward = np.flatnonzero((oneway <= 0) | ignores_oneway)
    both = np.concatenate([forward, backward])
    return graph_of(
        split.node_count,
        np.concatenate([split.tail[forward], split.head[backward]]),
        np.concatenate([split.head[forward], split.tail[backward]]),
        minutes[both],
        metres[both],
    )


def _search(graph: Graph, source: Integers, target: Integers, cutoff_min: float | None) -> tuple[Floats, Floats]:
    """Run Dijkstra from every source, in batches, and pick the targets."""
    count = graph.node_count
    matrix = csr_array((graph.minutes, graph.head, graph.first), shape=(count, count))
    limit = np.inf if cutoff_min is None else cutoff_min
    size = max(1, _BATCH_CELLS // count)
    minutes, metres = [], []
    for begin in range(0, len(source), size):
        batch = source[begin : begin + size]
        reached, previous = dijkstra(matrix, indices=batch, return_predecessors=True, limit=limit)
        minutes.append(reached[:, target])
        metres.append(_metres(graph, reached, previous)[:, target])
    return np.concatenate(minutes), np.concatenate(metres)


def _metres(graph: Graph, minutes: Floats, previous: npt.NDArray[np.int32]) -> Floats:
    """Return the metres along the trees of fastest ways: every node doubles the stretch it looks back over."""
    count = graph.node_count
    flat = np.flatnonzero(np.isfinite(minutes))
    node = (flat % count).astype(np.int32)
    before = previous.reshape(-1)[flat]
    has_before = before >= 0
    # Four-byte numbers: the rounds below are bound by memory, not by arithmetic.
    number = np.empty(minutes.size, dtype=np.int32)
    number[flat] = np.arange(len(flat), dtype=np.int32)
    parent = np.arange(len(flat), dtype=np.int32)
    parent[has_before] = number[flat[has_before] - node[has_before] + before[has_before]]
    length = np.zeros(len(flat))
    length[has_before] = graph.metres[graph.arcs(before[has_before], node[has_before])]
    while not np.array_equal(parent, grand := parent[parent]):
        length += length[parent]
        parent = grand
    # Every parent is a root now, whose own length is nil.
    metres = np.full(minutes.size, np.inf)
    metres[flat] = length
    return metres.reshape(minutes.shape)
