"""Fastest ways between points on road pieces, many to many: minutes, and metres along the fastest way.

The engine is Dijkstra's algorithm of scipy, in batches; it stands behind `many_to_many` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from networks.road_network import Floats, Integers, RoadNetwork

#: Cells (sources × nodes) worked on at a time; bounds the memory to about 200 MB.
_BATCH_CELLS = 4_000_000


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
    graph, start, stop = split_graph(network, edge_minutes, origins, destinations, ignores_oneway=ignores_oneway)
    source, row = np.unique(start, return_inverse=True)
    target, column = np.unique(stop, return_inverse=True)
    is_backward = len(target) < len(source)
    if is_backward:
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


def split_graph(
    network: RoadNetwork,
    edge_minutes: Floats,
    origins: EdgePoints,
    destinations: EdgePoints,
    *,
    ignores_oneway: bool = False,
) -> tuple[Graph, Integers, Integers]:
    """Return the graph with every road piece cut at the points, and the node of each origin and destination."""
    points = pd.DataFrame(
        {
            "edge": np.concatenate([origins.edge, destinations.edge]),
            "offset_m": np.concatenate([origins.offset_m, destinations.offset_m]),
        }
    )
    edges = network.edges
    length = edges["length_m"].to_numpy(dtype=float)
    ends = np.column_stack([edges["from_node"].to_numpy(), edges["to_node"].to_numpy()])
    oneway = np.zeros(len(edges), dtype=np.int64) if ignores_oneway else edges["is_oneway"].to_numpy(dtype=np.int64)
    node, inner = _point_nodes(points, ends, length, network.node_count)
    edge, offset, stop = _chains(inner, ends, length)
    part = np.diff(offset, append=0.0)
    is_step = np.concatenate([edge[1:] == edge[:-1], [False]])
    step = np.flatnonzero(is_step)
    tail, head, metres, owner = stop[step], stop[step + 1], part[step], edge[step]
    minutes = edge_minutes[owner] * (metres / length[owner])
    forward, backward = oneway[owner] >= 0, oneway[owner] <= 0
    graph = graph_of(
        network.node_count + len(inner),
        np.concatenate([tail[forward], head[backward]]),
        np.concatenate([head[forward], tail[backward]]),
        np.concatenate([minutes[forward], minutes[backward]]),
        np.concatenate([metres[forward], metres[backward]]),
    )
    return graph, node[: len(origins.edge)], node[len(origins.edge) :]


def _point_nodes(points: pd.DataFrame, ends: Integers, length: Floats, nodes: int) -> tuple[Integers, pd.DataFrame]:
    """Give each point a node: the junction at an end of its piece, a new node for each distinct place inside."""
    edge, offset = points["edge"].to_numpy(), points["offset_m"].to_numpy(dtype=float)
    node = np.full(len(points), -1, dtype=np.int64)
    is_start, is_stop = offset <= 0, offset >= length[edge]
    node[is_start] = ends[edge[is_start], 0]
    node[is_stop] = ends[edge[is_stop], 1]
    inside = points[~(is_start | is_stop)]
    inner = inside.drop_duplicates().sort_values(["edge", "offset_m"], ignore_index=True)
    inner["node"] = nodes + np.arange(len(inner))
    node[inside.index] = inside.merge(inner, on=["edge", "offset_m"], how="left")["node"].to_numpy()
    return node, inner


def _chains(inner: pd.DataFrame, ends: Integers, length: Floats) -> tuple[Integers, Floats, Integers]:
    """Return (edge, offset, node) along every piece from its start over its points to its end."""
    numbers = np.arange(len(length))
    edge = np.concatenate([numbers, inner["edge"].to_numpy(), numbers])
    offset = np.concatenate([np.zeros(len(length)), inner["offset_m"].to_numpy(dtype=float), length])
    node = np.concatenate([ends[:, 0], inner["node"].to_numpy(), ends[:, 1]])
    order = np.lexsort((offset, edge))
    return edge[order], offset[order], node[order]


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


def _metres(graph: Graph, minutes: Floats, previous: Integers) -> Floats:
    """Return the metres along the trees of fastest ways: every node doubles the stretch it looks back over."""
    count = graph.node_count
    flat = np.flatnonzero(np.isfinite(minutes))
    before = previous.reshape(-1)[flat]
    has_before = before >= 0
    number = np.empty(minutes.size, dtype=np.int64)
    number[flat] = np.arange(len(flat))
    parent = np.arange(len(flat))
    parent[has_before] = number[flat[has_before] // count * count + before[has_before]]
    length = np.zeros(len(flat))
    key = graph.tail * count + graph.head
    wanted = before[has_before].astype(np.int64) * count + flat[has_before] % count
    length[has_before] = graph.metres[np.searchsorted(key, wanted)]
    while not np.array_equal(parent, grand := parent[parent]):
        length += length[parent]
        parent = grand
    # The last round: every parent is a root now, whose own length is nil.
    metres = np.full(minutes.size, np.inf)
    metres[flat] = length
    return metres.reshape(minutes.shape)
