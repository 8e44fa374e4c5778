"""A vehicle type's stops as a graph of nodes with one window each, in arrays for the compiled labelling.

Node 0 is the begin of duty, the last node the return; between them stands one node for every stop and window (within the
times of a permit) that the type may serve. `delta` holds minutes from the begin of one visit to the arrival at the next,
`cost` the money of the way. Turned round (`reverse`), the same labelling builds the ends of routes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.problems.routing import RoutingProblem
from planner.routing.rich.chain import visit_windows
from planner.routing.rich.loads import LOAD_TOLERANCE, may_serve

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Stands for "no limit" in times, loads and kilometres: far above any real figure, small enough to add and subtract.
FAR = 1e7
#: Bits of one word of a set of stops.
WORD = 62


class Graph(NamedTuple):
    """Arrays of one vehicle type; ``m + 1`` nodes, ``R`` load dimensions, ``W`` words of a set of stops.

    Attributes
    ----------
    delta, cost, km
        ``(m + 1, m + 1)``; ``inf`` in `delta` where there is no way.
    low, high
        Window of each node.
    delivery, pickup, capacity
        ``(m + 1, R)`` and ``(R,)``.
    stop
        Stop of each node (−1: begin and end).
    memory, forbidden
        ``(m + 1, W)``: stops a route remembers at a node, and stops that may not ride with the node's.
    limits
        CNY per minute on duty, longest duty, longest trip in km, fixed cost.
    counts
        Most stops of a trip, and whether deliveries come first.
    """

    delta: Floats
    cost: Floats
    km: Floats
    low: Floats
    high: Floats
    delivery: Floats
    pickup: Floats
    capacity: Floats
    stop: Ints
    memory: Ints
    forbidden: Ints
    limits: Floats
    counts: Ints


@dataclass(frozen=True, eq=False)
class TypeGraph:
    """The graph of a vehicle type and the type's index."""

    vehicle: int
    graph: Graph


def type_graph(problem: RoutingProblem, vehicle: int, neighbours: int) -> TypeGraph:
    """Return the graph of a vehicle type; a route remembers the `neighbours` nearest stops at each of its stops."""
    v = problem.vehicles[vehicle]
    start, end = problem.depots[v.start_depot], problem.depots[v.end_depot]
    nodes = [
        (i, low, high)
        for i in range(len(problem.stops))
        if may_serve(problem, v, i)
        for low, high in visit_windows(problem, v, i)
    ]
    places = np.array([start.place, *(problem.stops[i].place for i, _, _ in nodes), end.place], dtype=np.intp)
    stay = np.array([start.loading_min, *(problem.stops[i].service_min for i, _, _ in nodes), 0.0])
    stop = np.array([-1, *(i for i, _, _ in nodes), -1], dtype=np.int64)
    minutes, km = (
        problem.minutes[v.profile][np.ix_(places, places)],
        problem.metres[v.profile][np.ix_(places, places)] / 1000.0,
    )
    delta = np.where(np.isfinite(minutes) & np.isfinite(km), minutes + stay[:, None], np.inf)
    delta[:, 0] = delta[-1, :] = np.inf
    delta[0, -1] = np.inf
    delta[stop[:, None] == np.where(stop < 0, -2, stop)[None, :]] = np.inf
    km = np.where(np.isfinite(delta), km, 0.0)
    leaves = max(start.opens_min, v.shift[0] + start.loading_min) - start.loading_min
    low = np.array([leaves, *(a for _, a, _ in nodes), end.opens_min])
    closes = min(end.closes_min, v.shift[1])
    high = np.array([start.closes_min - start.loading_min, *(b for _, _, b in nodes), closes])
    zeros = np.zeros((1, len(problem.dimensions)))
    shape = (len(nodes), len(problem.dimensions))
    give = np.array([problem.stops[i].delivery for i, _, _ in nodes], dtype=np.float64).reshape(shape)
    take = np.array([problem.stops[i].pickup for i, _, _ in nodes], dtype=np.float64).reshape(shape)
    reach = v.range_km if v.battery is None else v.battery.kwh / max(v.battery.kwh_per_km, 1e-12)
    limits = [v.cny_per_h / 60.0, v.longest_min, reach + LOAD_TOLERANCE, v.fixed_cny]
    most = len(problem.stops) if v.stops_most is None else v.stops_most
    graph = Graph(
        delta=delta,
        cost=km * v.cny_per_km,
        km=km,
        low=np.clip(low, -FAR, FAR),
        high=np.clip(high, -FAR, FAR),
        delivery=np.vstack([zeros, give, zeros]),
        pickup=np.vstack([zeros, take, zeros]),
        capacity=np.array(v.capacity, dtype=np.float64) + LOAD_TOLERANCE,
        stop=stop,
        memory=_memory(problem, stop, delta, neighbours),
        forbidden=_forbidden(problem, stop),
        limits=np.minimum(np.array(limits, dtype=np.float64), FAR),
        counts=np.array([most, int(problem.is_linehaul_first)], dtype=np.int64),
    )
    return TypeGraph(vehicle, graph)


def reverse(graph: Graph) -> Graph:
    """Return the graph with time and load running backwards: routes built from the return."""
    order = np.arange(len(graph.stop))
    order[0], order[-1] = order[-1], order[0]

    def turned(array: Floats) -> Floats:
        return np.ascontiguousarray(array[np.ix_(order, order)].T)

    return graph._replace(
        delta=turned(graph.delta),
        cost=turned(graph.cost),
        km=turned(graph.km),
        low=np.ascontiguousarray(-graph.high[order]),
        high=np.ascontiguousarray(-graph.low[order]),
        delivery=np.ascontiguousarray(graph.pickup[order]),
        pickup=np.ascontiguousarray(graph.delivery[order]),
    )


def words_of(count: int) -> int:
    """Return the words a set of so many stops takes."""
    return max(1, math.ceil(count / WORD))


def _bits(count: int, members: list[int]) -> Ints:
    row = np.zeros(words_of(count), dtype=np.int64)
    for i in members:
        row[i // WORD] |= 1 << (i % WORD)
    return row


def _memory(problem: RoutingProblem, stop: Ints, delta: Floats, neighbours: int) -> Ints:
    count = len(problem.stops)
    rows = np.zeros((len(stop), words_of(count)), dtype=np.int64)
    apart = np.minimum(delta, delta.T)
    for node in range(1, len(stop) - 1):
        order = sorted(range(1, len(stop) - 1), key=lambda other: (apart[node, other], other))
        near = list(dict.fromkeys([int(stop[node]), *(int(stop[other]) for other in order)]))
        rows[node] = _bits(count, near[: neighbours + 1])
    return rows


def _forbidden(problem: RoutingProblem, stop: Ints) -> Ints:
    count = len(problem.stops)
    rows = np.zeros((len(stop), words_of(count)), dtype=np.int64)
    pairs = {frozenset(pair) for pair in problem.incompatible}
    if not pairs:
        return rows
    for node in range(1, len(stop) - 1):
        own = problem.stops[int(stop[node])].goods
        others = [
            i for i, s in enumerate(problem.stops) if any(frozenset((a, b)) in pairs for a in own for b in s.goods)
        ]
        rows[node] = _bits(count, [i for i in others if i != int(stop[node])])
    return rows
