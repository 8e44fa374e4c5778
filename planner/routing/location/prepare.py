"""From a problem to the arrays of the compiled search, for one choice of depots and platforms; and back to routes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.problems.location_routing import FirstEchelon, LocationRoute, LocationRoutingProblem
from planner.routing.exact_tours import held_karp
from planner.routing.location.kernels_supply import TABLE_MOST, Supply
from planner.routing.location.kernels_tours import Floats, Ints, Network, Pool, Tours, route_figures

#: Routes a pool holds, and places of its hash table.
POOL_ROWS, POOL_WORDS = 60_000, 1 << 18
#: Neighbours held for each customer, the neighbour whose distance is the unit of temperature.
_NEAR_MOST, _UNIT_NEIGHBOUR = 150, 3
_NO_LIMIT = 1 << 40


@dataclass(frozen=True, slots=True)
class Choice:
    """Depots that may be used, and platforms that are paid for; ascending."""

    depots: tuple[int, ...]
    platforms: tuple[int, ...] = ()


def temperature_unit(problem: LocationRoutingProblem) -> float:
    """Return the mean cost from a customer to its third neighbour (0 never)."""
    m, n = problem.depot_count, problem.customer_count
    arcs = np.sort(problem.cost[m:, m:], axis=1)
    unit = float(arcs[:, min(_UNIT_NEIGHBOUR, n - 1)].mean())
    return unit if unit > 0.0 else max(float(problem.cost.max()), 1.0) / 100.0


def price_of_unserved(problem: LocationRoutingProblem) -> float:
    """Return a price above what any customer's own route can cost."""
    arcs = float(problem.cost[np.isfinite(problem.cost)].max())
    price = 4.0 * arcs + problem.route_fixed + float(problem.opening.max())
    price += float(problem.unit_cost.max()) * float(problem.demand.max())
    if problem.first is not None:
        price += 4.0 * float(problem.first.cost.max()) + problem.first.truck_fixed
    return price


def network_of(problem: LocationRoutingProblem) -> Network:
    """Return the arrays with no depot allowed yet."""
    m, n = problem.depot_count, problem.customer_count
    inner = problem.cost[m:, m:] + problem.cost[m:, m:].T
    np.fill_diagonal(inner, -1.0)
    near = np.argsort(inner, axis=1, kind="stable")[:, : min(n, _NEAR_MOST)].astype(np.int64)
    minutes = np.zeros_like(problem.cost) if problem.minutes is None else problem.minutes
    longest = problem.longest_min if problem.minutes is not None else math.inf
    price, load = price_of_unserved(problem), max(float(problem.demand.mean()), 1e-9)
    key = np.random.default_rng(20).integers(1, 1 << 63, size=m + n, dtype=np.uint64)
    return Network(
        cost=np.ascontiguousarray(problem.cost, dtype=np.float64),
        minutes=np.ascontiguousarray(minutes, dtype=np.float64),
        near=np.ascontiguousarray(near),
        demand=problem.demand.astype(np.float64),
        remote=np.zeros(n),
        opening=problem.opening.astype(np.float64),
        room=problem.capacity.astype(np.float64),
        unit_cost=problem.unit_cost.astype(np.float64),
        allowed=np.zeros(m, np.int64),
        routes_most=_NO_LIMIT if problem.routes_most is None else problem.routes_most,
        depot_routes_most=_NO_LIMIT if problem.depot_routes_most is None else problem.depot_routes_most,
        limits=np.array(
            [problem.vehicle_capacity, problem.route_fixed, longest, price, price / load / 10.0, price / load]
        ),
        key=key,
    )


def allow(net: Network, choice: Choice) -> Network:
    """Return the network with these depots allowed."""
    m = len(net.opening)
    allowed = np.zeros(m, np.int64)
    allowed[list(choice.depots)] = 1
    remote = net.cost[list(choice.depots), m:].min(axis=0)
    limits = net.limits.copy()  # the search moves the price of overload
    return net._replace(allowed=allowed, remote=remote, limits=limits)


def empty_tours(problem: LocationRoutingProblem) -> Tours:
    """Return tours without a route."""
    m, n = problem.depot_count, problem.customer_count
    least = math.ceil(float(problem.demand.sum()) / problem.vehicle_capacity)
    slots = min(n, 2 * least + m + 10) if problem.minutes is None else n
    if problem.routes_most is not None:
        slots = min(slots, problem.routes_most)
    return Tours(
        np.zeros((slots, n), np.int64),
        np.zeros(slots, np.int64),
        np.zeros(slots),
        np.zeros(slots),
        np.zeros(slots, np.int64),
        np.full(n, -1, np.int64),
        np.zeros(m),
        np.zeros(m, np.int64),
        np.zeros(1),
    )


def tours_from(problem: LocationRoutingProblem, routes: Sequence[LocationRoute]) -> Tours:
    """Return the arrays of given routes."""
    tours, net = empty_tours(problem), network_of(problem)
    for r, route in enumerate(routes):
        stops = list(route.customers)
        tours.stops[r, : len(stops)] = stops
        tours.size[r], tours.depot[r] = len(stops), route.depot
        tours.load[r] = problem.demand[stops].sum()
        tours.of[stops] = r
        tours.used[route.depot] += tours.load[r]
        tours.trips[route.depot] += 1
        cost, tours.minutes[r] = route_figures(net, tours, r)
        tours.total[0] += cost
    return tours


def copy_tours(tours: Tours) -> Tours:
    """Return an independent copy."""
    return Tours._make(array.copy() for array in tours)


def empty_pool(problem: LocationRoutingProblem) -> Pool:
    """Return a pool without a route."""
    return Pool(
        np.zeros(POOL_WORDS, np.uint64),
        np.zeros(POOL_WORDS),
        np.zeros(POOL_WORDS, np.int64),
        np.zeros((POOL_ROWS, problem.customer_count + 2), np.int64),
        np.zeros(1, np.int64),
    )


def routes_of(tours: Tours) -> tuple[LocationRoute, ...]:
    """Return the routes, by depot and first customer."""
    found = [
        LocationRoute(int(tours.depot[r]), tuple(int(i) for i in tours.stops[r, : tours.size[r]]))
        for r in range(len(tours.size))
        if tours.size[r] > 0
    ]
    return tuple(sorted(found, key=lambda route: (route.depot, route.customers)))


def pool_routes(pool: Pool) -> list[LocationRoute]:
    """Return the routes of a pool in the order they were met."""
    rows = pool.rows[: int(pool.filled[0])]
    return [LocationRoute(int(row[0]), tuple(int(i) for i in row[2 : 2 + row[1]])) for row in rows]


def supplied(problem: LocationRoutingProblem, depots: Sequence[int]) -> list[int]:
    """Return those of `depots` that trucks supply."""
    return [d for d in depots if problem.needs_supply(d)]


def tour_table(first: FirstEchelon, satellites: Sequence[int], platforms: Sequence[int]) -> Floats:
    """Return the cost of one truck's tour through every set of satellites from the cheapest platform, with the truck."""
    p, tables = first.platform_count, []
    for platform in platforms:
        nodes = [platform, *(p + s for s in satellites)]
        tables.append(held_karp(first.cost[np.ix_(nodes, nodes)]).weight)
    best: Floats = np.min(tables, axis=0) + first.truck_fixed
    best[0] = 0.0
    return best


def supply_of(problem: LocationRoutingProblem, choice: Choice) -> Supply:
    """Return the first echelon for one choice."""
    m, first = problem.depot_count, problem.first
    bit: Ints = np.full(m, -1, np.int64)
    none = np.zeros(0)
    zeros = np.zeros(m)
    if first is None:
        return Supply(bit, none, np.zeros((1, 1)), none, zeros, zeros, none, none, np.zeros(0, np.int64))
    satellites = supplied(problem, choice.depots)
    for k, depot in enumerate(satellites):
        bit[depot] = k
    count, p = len(satellites), first.platform_count
    is_tabled = 0 < count <= TABLE_MOST
    tour = tour_table(first, satellites, choice.platforms) if is_tabled else np.zeros(1)
    nodes = [choice.platforms[0], *(p + s for s in satellites)]
    arc = np.ascontiguousarray(first.cost[np.ix_(nodes, nodes)])
    trucks = float(_NO_LIMIT if first.trucks_most is None else first.trucks_most)
    paid = float(first.opening[list(choice.platforms)].sum())
    limits = np.array(
        [first.truck_capacity, trucks, float(first.is_split), price_of_unserved(problem), paid, first.truck_fixed]
    )
    rate, entry = np.zeros(m), np.zeros(m)
    for k, depot in enumerate(satellites):
        there = float(
            (first.cost[list(choice.platforms), p + depot] + first.cost[p + depot, list(choice.platforms)]).min()
        )
        rate[depot] = (there + first.truck_fixed) / first.truck_capacity
        others = [
            arc[a, 1 + k] + arc[1 + k, b] - arc[a, b]
            for a in range(count + 1)
            for b in range(count + 1)
            if 1 + k not in (a, b)
        ]
        entry[depot] = max(0.0, float(np.median(others))) if others else there
    size = 1 << count if is_tabled else 1
    return Supply(bit, tour, arc, limits, rate, entry, np.zeros(count), np.zeros(size), np.zeros(size, np.int64))
