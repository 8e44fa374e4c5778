"""Routes found by labelling: the cheapest of a pricing round, and all that a better solution could use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.problems.routing import RoutingProblem
from planner.routing.rich.graph import FAR, Floats, Graph, Ints, TypeGraph, reverse, type_graph
from planner.routing.rich.label_kernels import (
    ALIVE,
    BEFORE,
    DURATION,
    EARLIEST,
    LOADS,
    MONEY,
    NODE,
    Ends,
    close,
    enumerate_labels,
    label,
)

#: Routes a pricing round takes over from one vehicle type.
ROUTES_A_ROUND = 30
#: Worth of a route (CNY) that no longer counts as below nothing.
SETTLED = 1e-6


@dataclass(frozen=True, slots=True)
class PricedRoute:
    """A route of a vehicle type: its stops in order, and its cost in CNY."""

    vehicle: int
    stops: tuple[int, ...]
    cny: float


@dataclass(frozen=True, slots=True)
class Pricing:
    """Routes worth less than nothing at the given prices, least worth found, and whether the search was complete."""

    routes: tuple[PricedRoute, ...]
    least: float
    is_complete: bool


@dataclass(eq=False)
class Labels:
    """Room for labels, used again and again."""

    figures: Floats
    whole: Ints
    sets: Ints
    value: Floats

    @classmethod
    def room(cls, graph: Graph, most: int) -> Labels:
        """Return room for `most` labels of a graph."""
        width = LOADS + 2 * graph.capacity.size
        return cls(
            np.empty((most + 1, width)),
            np.empty((most + 1, 7), dtype=np.int64),
            np.empty((most + 1, 2 * graph.memory.shape[1]), dtype=np.int64),
            np.empty(most + 1),
        )

    def stops(self, graph: Graph, at: int) -> tuple[int, ...]:
        """Return the stops of a label in order."""
        found = []
        while at > 0:
            found.append(int(graph.stop[self.whole[at, NODE]]))
            at = int(self.whole[at, BEFORE])
        return tuple(reversed(found))


def price_routes(own: TypeGraph, price: Floats, vehicle_price: float, labels: Labels, *, beam: int) -> Pricing:
    """Return routes of a vehicle type that cost less than the prices of their stops and of the vehicle.

    `vehicle_price` (at or below 0) is the price of a vehicle in short supply. With a `beam` above 0 only so many partial
    routes of each length go on, which finds good routes quickly and proves nothing.
    """
    graph = with_fixed(own.graph, own.graph.limits[3] - vehicle_price)
    used, is_complete = label(graph, price, labels.figures, labels.whole, labels.sets, beam)
    routes, least = _cheapest(own, graph, price, labels, used)
    return Pricing(routes, least, is_complete and not beam)


def price_elementary(own: TypeGraph, price: Floats, vehicle_price: float, labels: Labels, ends: Ends) -> Pricing:
    """Return elementary routes worth less than nothing; complete: there are no others, `least` bounds their worth."""
    graph = with_fixed(own.graph, own.graph.limits[3] - vehicle_price)
    used, is_complete = enumerate_labels(graph, price, labels.figures, labels.whole, labels.sets, ends, -SETTLED)
    routes, least = _cheapest(own, graph, price, labels, used)
    return Pricing(routes, min(least, -SETTLED), is_complete)


def _cheapest(
    own: TypeGraph, graph: Graph, price: Floats, labels: Labels, used: int
) -> tuple[tuple[PricedRoute, ...], float]:
    close(graph, labels.figures, labels.whole, labels.sets, used, labels.value)
    values = labels.value[:used]
    found = np.flatnonzero(values < -SETTLED)
    chosen = found[np.argsort(values[found], kind="stable")][:ROUTES_A_ROUND]
    vehicle_price = own.graph.limits[3] - graph.limits[3]
    return tuple(_route(own, graph, price, vehicle_price, labels, int(at)) for at in chosen), float(values.min())


def _route(own: TypeGraph, graph: Graph, price: Floats, vehicle_price: float, labels: Labels, at: int) -> PricedRoute:
    stops = labels.stops(graph, at)
    return PricedRoute(own.vehicle, stops, float(labels.value[at] + price[list(stops)].sum() + vehicle_price))


def enumerate_routes(
    own: TypeGraph, price: Floats, vehicle_price: float, most: float, labels: Labels, ends: Ends
) -> tuple[PricedRoute, ...] | None:
    """Return every route worth at most `most` at the given prices, the cheapest of each set of stops; None: too many."""
    graph = with_fixed(own.graph, own.graph.limits[3] - vehicle_price)
    used, is_complete = enumerate_labels(graph, price, labels.figures, labels.whole, labels.sets, ends, most)
    if not is_complete:
        return None
    close(graph, labels.figures, labels.whole, labels.sets, used, labels.value)
    best: dict[bytes, int] = {}
    words = graph.memory.shape[1]
    for found in np.flatnonzero(labels.value[:used] <= most):
        at = int(found)
        key = labels.sets[at, :words].tobytes()
        if key not in best or labels.value[at] < labels.value[best[key]]:
            best[key] = at
    return tuple(_route(own, graph, price, vehicle_price, labels, at) for at in best.values())


def route_ends(problem: RoutingProblem, own: TypeGraph, price: Floats, most: int, neighbours: int) -> Ends | None:
    """Return ends of routes in a relaxation: one load, windows, no waiting on duty, stops forgotten; None: too many."""
    kind = _scarcest(own.graph)
    graph = _relaxed(type_graph(problem, own.vehicle, neighbours).graph, kind)
    labels = Labels.room(graph, most)
    used, is_complete = label(graph, price, labels.figures, labels.whole, labels.sets, 0)
    if not is_complete:
        return None
    whole, figures = labels.whole[:used], labels.figures[:used]
    alive = np.flatnonzero((whole[:, ALIVE] == 1) & (whole[:, NODE] > 0))
    order = alive[np.lexsort((alive, figures[alive, MONEY], whole[alive, NODE]))]
    return Ends(
        start=np.searchsorted(whole[order, NODE], np.arange(len(graph.stop) + 1)).astype(np.int64),
        worth=figures[order, MONEY].copy(),
        latest=-(figures[order, EARLIEST] + figures[order, DURATION]),
        load=figures[order, LOADS].copy(),
        sets=labels.sets[order].copy(),
        kind=np.array(kind, dtype=np.int64),
    )


def _scarcest(graph: Graph) -> tuple[int, int]:
    """Return the dimension, and whether of pick-ups, whose loads fill the most vehicles."""
    size = np.maximum(graph.capacity, 1e-9)
    share = np.stack([graph.delivery.sum(axis=0) / size, graph.pickup.sum(axis=0) / size], axis=1)
    dimension, is_pickup = np.unravel_index(int(share.argmax()), share.shape)
    return int(dimension), int(is_pickup)


def _relaxed(graph: Graph, kind: tuple[int, int]) -> Graph:
    """Return the graph turned round with one load that only grows, and time on duty paid as driven and served."""
    dimension, is_pickup = kind
    load = graph.pickup if is_pickup else graph.delivery
    minutes = np.where(np.isfinite(graph.delta), graph.delta, 0.0)
    return reverse(
        graph._replace(
            cost=graph.cost + minutes * graph.limits[0],
            delivery=np.ascontiguousarray(load[:, dimension : dimension + 1]),
            pickup=np.zeros((len(graph.stop), 1)),
            capacity=graph.capacity[dimension : dimension + 1].copy(),
            limits=np.array([0.0, FAR, FAR, 0.0]),
            counts=np.array([len(graph.stop), 0], dtype=np.int64),
        )
    )


def with_fixed(graph: Graph, fixed: float) -> Graph:
    """Return the graph with another fixed cost."""
    limits = graph.limits.copy()
    limits[3] = fixed
    return graph._replace(limits=limits)
