"""All routes of a small problem: every set of customers a vehicle holds, in the cheapest order from every depot."""

from __future__ import annotations

import numpy as np

from planner.problems.location_routing import LocationRoute, LocationRoutingProblem
from planner.problems.siting import Floats

#: Most sets of customers that are enumerated, and most customers of a route.
SETS_MOST, STOPS_MOST = 12_000, 12
_SLACK = 1e-9


def all_routes(problem: LocationRoutingProblem) -> list[LocationRoute] | None:
    """Return all routes that could be in a best answer; None: too many, or routes are limited in time.

    The cheapest path through a set between any two of its customers follows from the sets with one customer fewer (Held and Karp), and
    serves all depots.
    """
    if problem.minutes is not None:
        return None
    sets = _sets(problem)
    if sets is None:
        return None
    m = problem.depot_count
    inner = problem.cost[m:, m:]
    paths: dict[tuple[int, ...], Floats] = {}
    found: list[LocationRoute] = []
    for members in sets:
        path = _extended(members, paths, inner)
        paths[members] = path
        nodes = [m + i for i in members]
        out, back = problem.cost[:m, nodes], problem.cost[nodes, :m]
        for d in range(m):
            total = out[d][:, None] + path + back[:, d][None, :]
            a, b = np.unravel_index(int(total.argmin()), total.shape)
            found.append(LocationRoute(d, _order(members, int(a), int(b), paths, inner)))
    return found


def _sets(problem: LocationRoutingProblem) -> list[tuple[int, ...]] | None:
    """Return all sets of customers a vehicle holds, small ones first."""
    level: list[tuple[int, ...]] = [(i,) for i in range(problem.customer_count)]
    found: list[tuple[int, ...]] = []
    while level:
        found += level
        if len(found) > SETS_MOST or len(level[0]) > STOPS_MOST:
            return None
        level = [
            (*members, i)
            for members in level
            for i in range(members[-1] + 1, problem.customer_count)
            if float(problem.demand[[*members, i]].sum()) <= problem.vehicle_capacity + _SLACK
        ]
    return found


def _extended(members: tuple[int, ...], paths: dict[tuple[int, ...], Floats], inner: Floats) -> Floats:
    """Return the cheapest paths through a set from its a-th to its b-th customer; ``inf`` where a = b in larger sets."""
    size = len(members)
    if size == 1:
        return np.zeros((1, 1))
    path: Floats = np.full((size, size), np.inf)
    for b, last in enumerate(members):
        fewer = members[:b] + members[b + 1 :]
        best = (paths[fewer] + inner[list(fewer), last][None, :]).min(axis=1)
        path[:b, b], path[b + 1 :, b] = best[:b], best[b:]
    return path


def _order(
    members: tuple[int, ...], a: int, b: int, paths: dict[tuple[int, ...], Floats], inner: Floats
) -> tuple[int, ...]:
    """Return the order of the cheapest path from the a-th to the b-th customer, from its end back."""
    first, last, order = members[a], members[b], []
    while len(members) > 1:
        order.append(last)
        fewer = tuple(i for i in members if i != last)
        row = paths[fewer][fewer.index(first)] + inner[list(fewer), last]
        members, last = fewer, fewer[int(row.argmin())]
    return (first, *reversed(order))
