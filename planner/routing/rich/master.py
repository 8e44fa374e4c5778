"""The choice among routes: its linear relaxation with prices, and the integer choice (set partitioning).

::

    min  Σ_r c_r·x_r + Σ_j penalty_j·y_j + Σ_j M·z_j
    Σ_r a_jr·x_r + y_j + z_j = 1        every stop j: visited, left out (if optional), or missing (if mandatory; M is large)
    Σ_{r of type k} x_r ≤ available_k
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from planner.problems.routing import RoutingProblem
from planner.routing.rich.graph import Floats
from planner.routing.rich.routes import PricedRoute

#: Value above which a missing stop counts.
MISSING = 1e-6
#: Status of `scipy.optimize.milp` for a problem without solution.
_INFEASIBLE = 2


@dataclass(frozen=True, slots=True)
class Prices:
    """Solution of the relaxation: its value, the price of every stop and vehicle type, the share of stops missing."""

    value: float
    stop: Floats
    vehicle: Floats
    missing: float


@dataclass(frozen=True, slots=True)
class Choice:
    """An integer choice: routes, stops left out, its cost."""

    routes: tuple[PricedRoute, ...]
    left_out: tuple[int, ...]
    cny: float


class Master:
    """Routes known so far, each set of stops once a vehicle type (the cheapest)."""

    def __init__(self, problem: RoutingProblem, missing_cny: float) -> None:
        self.problem = problem
        self.missing_cny = missing_cny
        self.routes: list[PricedRoute] = []
        self._known: set[tuple[int, tuple[int, ...]]] = set()
        self.limited = [k for k, v in enumerate(problem.vehicles) if v.available is not None]

    def add(self, routes: Iterable[PricedRoute]) -> int:
        """Add routes not known yet; return how many."""
        before = len(self.routes)
        for route in routes:
            key = (route.vehicle, route.stops)
            if key not in self._known:
                self._known.add(key)
                self.routes.append(route)
        return len(self.routes) - before

    def relax(self) -> Prices:
        """Solve the linear relaxation."""
        count = len(self.problem.stops)
        rows, limits = _rows(self.problem, self.routes, self.limited)
        left = [math.inf if s.penalty_cny is None else s.penalty_cny for s in self.problem.stops]
        slack = np.array([min(p, self.missing_cny) for p in left])
        cost = np.concatenate([[r.cny for r in self.routes], slack])
        result = linprog(
            cost,
            A_eq=sparse.hstack([rows, sparse.identity(count)], format="csc"),
            b_eq=np.ones(count),
            A_ub=None
            if limits is None
            else sparse.hstack([limits, sparse.csc_matrix((limits.shape[0], count))], format="csc"),
            b_ub=None
            if limits is None
            else np.array([self.problem.vehicles[k].available for k in self.limited], dtype=float),
            method="highs-ds",
        )
        if result.status != 0:
            msg = f"the relaxation of the choice among routes was not solved: {result.message}"
            raise ArithmeticError(msg)
        vehicle = np.zeros(len(self.problem.vehicles))
        if limits is not None:
            vehicle[self.limited] = np.minimum(result.ineqlin.marginals, 0.0)
        missing = sum(float(x) for x, p in zip(result.x[len(self.routes) :], left, strict=True) if not math.isfinite(p))
        return Prices(float(result.fun), np.array(result.eqlin.marginals), vehicle, missing)


def choose(problem: RoutingProblem, routes: Sequence[PricedRoute], *, nodes: int) -> tuple[Choice | None, float]:
    """Return the best choice found among routes without repeated stops, and a bound on every choice among them.

    `nodes` limits the search; the bound is ``inf`` if there is no choice at all.
    """
    usable = [r for r in routes if len(set(r.stops)) == len(r.stops)]
    count = len(problem.stops)
    optional = [i for i, s in enumerate(problem.stops) if s.penalty_cny is not None]
    limited = [k for k, v in enumerate(problem.vehicles) if v.available is not None]
    rows, limits = _rows(problem, usable, limited)
    skip = sparse.csc_matrix((np.ones(len(optional)), (optional, range(len(optional)))), shape=(count, len(optional)))
    cost = np.array([*(r.cny for r in usable), *(problem.stops[i].penalty_cny or 0.0 for i in optional)], dtype=float)
    if not len(cost):
        return None, math.inf
    constraints = [LinearConstraint(sparse.hstack([rows, skip], format="csc"), 1.0, 1.0)]
    if limits is not None:
        high = np.array([problem.vehicles[k].available for k in limited], dtype=float)
        wide = sparse.hstack([limits, sparse.csc_matrix((len(limited), len(optional)))], format="csc")
        constraints.append(LinearConstraint(wide, -np.inf, high))
    options = {"mip_rel_gap": 0.0, "node_limit": nodes}
    result = milp(cost, integrality=np.ones(len(cost)), bounds=Bounds(0, 1), constraints=constraints, options=options)
    if result.x is None:
        return None, math.inf if result.status == _INFEASIBLE else -math.inf
    taken = np.flatnonzero(np.round(result.x) > 0)
    chosen = tuple(usable[i] for i in taken if i < len(usable))
    left = tuple(optional[i - len(usable)] for i in taken if i >= len(usable))
    bound = float(result.mip_dual_bound) if result.mip_dual_bound is not None else -math.inf
    return Choice(chosen, left, float(math.fsum(cost[taken]))), bound


def _rows(
    problem: RoutingProblem, routes: Sequence[PricedRoute], limited: Sequence[int]
) -> tuple[sparse.csc_matrix, sparse.csc_matrix | None]:
    index = [i for r in routes for i in r.stops]
    starts = np.concatenate([[0], np.cumsum([len(r.stops) for r in routes])]).astype(np.int64)
    rows = sparse.csc_matrix(
        (np.ones(len(index)), np.array(index, dtype=np.int64), starts), shape=(len(problem.stops), len(routes))
    )
    rows.sum_duplicates()
    if not limited:
        return rows, None
    place = {k: row for row, k in enumerate(limited)}
    own = [(place[r.vehicle], column) for column, r in enumerate(routes) if r.vehicle in place]
    shape = (len(limited), len(routes))
    data = (np.ones(len(own)), ([a for a, _ in own], [b for _, b in own]))
    return rows, sparse.csc_matrix(data, shape=shape)
