"""The best choice among enumerated routes: dynamic programming over sets of stops, or an integer program where the
number of vehicles binds or the sets are too many.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.problems.routing import RoutingProblem
from planner.routing.rich.graph import Floats, Ints
from planner.routing.rich.master import Choice, Prices, choose
from planner.routing.rich.partition_kernels import partition
from planner.routing.rich.routes import PricedRoute

#: Price of a vehicle type (CNY) that counts as none.
FREE_CNY = 1e-9
#: Sets of stops the dynamic programme is given room for at first; most rounds need no more.
FIRST_ROOM = 100_000


@dataclass(frozen=True, slots=True)
class Picked:
    """The best choice (None: none within the difference) and a bound on every choice."""

    choice: Choice | None
    bound: float


@dataclass(frozen=True, eq=False)
class _Pool:
    """Routes and stops left out as bits over stops in `order`, by first stop and then by `extra` cost."""

    order: Ints
    start: Ints
    bits: Ints
    extra: Floats
    source: Ints


def pick(
    problem: RoutingProblem,
    prices: Prices,
    routes: Sequence[PricedRoute],
    within: tuple[float, float],
    limits: tuple[int, int],
) -> Picked:
    """Return the cheapest choice among all routes that cost at most a difference above the bound of the relaxation.

    Parameters
    ----------
    problem, prices, routes
        Prices of the relaxation and every route worth at most the difference at them.
    within
        Bound of the relaxation and the difference.
    limits
        Sets of stops met by the dynamic programme, and nodes of the integer program.
    """
    bound, difference = within
    if float(prices.vehicle.min(initial=0.0)) > -FREE_CNY:
        pool = _pool(problem, prices, routes)
        value, chosen = partition(pool.start, pool.bits, pool.extra, difference, min(FIRST_ROOM, limits[0]))
        if value < 0.0:
            value, chosen = partition(pool.start, pool.bits, pool.extra, difference, limits[0])
        if math.isinf(value):
            return Picked(None, bound + difference)
        if value >= 0.0:
            choice = _choice(problem, routes, pool, chosen)
            if _has_vehicles(problem, choice):
                return Picked(choice, choice.cny)
    found, least = choose(problem, routes, nodes=limits[1])
    return Picked(found, min(least, bound + difference) if found is None or found.cny > bound + difference else least)


def _pool(problem: RoutingProblem, prices: Prices, routes: Sequence[PricedRoute]) -> _Pool:
    count = len(problem.stops)
    met = Counter(i for r in routes for i in r.stops)
    order = np.array(sorted(range(count), key=lambda i: (met[i], i)), dtype=np.int64)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    rows: list[tuple[int, float, int, int]] = []  # first stop, extra, bits, source
    for source, route in enumerate(routes):
        members = rank[list(route.stops)]
        bits = int(sum(1 << int(m) for m in members))
        extra = route.cny - float(prices.stop[list(route.stops)].sum())
        rows.append((int(members.min()), max(extra, 0.0), bits, source))
    for i, stop in enumerate(problem.stops):
        if stop.penalty_cny is not None:
            extra = max(stop.penalty_cny - float(prices.stop[i]), 0.0)
            rows.append((int(rank[i]), extra, 1 << int(rank[i]), -1 - i))
    rows.sort()
    return _Pool(
        order,
        np.searchsorted(np.array([r[0] for r in rows]), np.arange(count + 1)).astype(np.int64),
        np.array([r[2] for r in rows], dtype=np.int64),
        np.array([r[1] for r in rows], dtype=np.float64),
        np.array([r[3] for r in rows], dtype=np.int64),
    )


def _choice(problem: RoutingProblem, routes: Sequence[PricedRoute], pool: _Pool, chosen: Ints) -> Choice:
    sources = [int(pool.source[c]) for c in chosen]
    taken = tuple(routes[s] for s in sources if s >= 0)
    left = tuple(sorted(-1 - s for s in sources if s < 0))
    cny = math.fsum([r.cny for r in taken] + [problem.stops[i].penalty_cny or 0.0 for i in left])
    return Choice(taken, left, cny)


def _has_vehicles(problem: RoutingProblem, choice: Choice) -> bool:
    used = Counter(r.vehicle for r in choice.routes)
    return all(v.available is None or used[k] <= v.available for k, v in enumerate(problem.vehicles))
