"""The best answer that can be put together from a set of routes: set partitioning with openings, rooms and truck tours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.location_routing import LocationRoute, LocationRoutingDecision, LocationRoutingProblem
from planner.problems.siting import Floats
from planner.routing.location.supply import TourColumn, add_supply, supply_tours, tours_of

#: Rounds in which violated links customer-depot are added to the relaxation, and how far a link must be broken.
_LINK_ROUNDS, _BROKEN = 3, 0.05
#: Relative slack when columns are dropped by reduced cost.
_MARGIN = 1e-7
#: Columns the last choice is made from, the cheapest by reduced cost, where the answer need not be proved.
_COLUMNS_MOST = 4_000


def route_cost(problem: LocationRoutingProblem, route: LocationRoute) -> float:
    """Return arcs, fixed cost and handling of a route."""
    m = problem.depot_count
    nodes = [route.depot, *(m + i for i in route.customers), route.depot]
    load = float(problem.demand[list(route.customers)].sum())
    return (
        float(problem.cost[nodes[:-1], nodes[1:]].sum())
        + problem.route_fixed
        + float(problem.unit_cost[route.depot]) * load
    )


@dataclass(slots=True)
class PartitionAnswer:
    """What the choice says: the decision (None: no better one), its cost, the bound over these routes, whether the clock cut it."""

    decision: LocationRoutingDecision | None
    cost: float
    bound: float
    is_cut: bool = False


@dataclass(eq=False)
class Partition:
    """The model over given routes; `satellites` are those truck tours are offered for.

    `roof`: cost of a known answer; what provably leads to nothing cheaper is dropped.
    """

    problem: LocationRoutingProblem
    routes: Sequence[LocationRoute]
    satellites: Sequence[int]
    roof: float
    is_complete: bool = False
    links: set[tuple[int, int]] = field(default_factory=set)
    model: LinearModel = field(init=False)
    columns: list[TourColumn] = field(init=False)
    opened: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.costs = np.array([route_cost(self.problem, route) for route in self.routes])
        self.loads = np.array([float(self.problem.demand[list(r.customers)].sum()) for r in self.routes])

    def solve(self, limits: EngineLimits) -> PartitionAnswer:
        """Return the best decision within the limits."""
        relaxed, prices = self._relax()
        if relaxed >= self.roof * (1.0 - _MARGIN):
            return PartitionAnswer(None, self.roof, min(relaxed, self.roof))
        keep = np.flatnonzero(prices[: len(self.routes)] <= self.roof - relaxed + _MARGIN * abs(self.roof))
        is_all = True
        if len(keep) > _COLUMNS_MOST and not self.is_complete:
            keep = np.sort(keep[np.argsort(prices[keep], kind="stable")[:_COLUMNS_MOST]])
            is_all = False
        self.routes = [self.routes[int(k)] for k in keep]
        self.costs, self.loads = self.costs[keep], self.loads[keep]
        self._build()
        answer = solve_linear(self.model, limits)
        bound = min(relaxed if answer.bound is None or not is_all else max(relaxed, answer.bound), self.roof)
        if answer.outcome == "infeasible" and is_all:
            return PartitionAnswer(None, self.roof, self.roof)
        if (
            answer.values is None
            or answer.objective is None
            or answer.objective >= self.roof - _MARGIN * abs(self.roof)
        ):
            return PartitionAnswer(None, self.roof, bound, answer.cut == "time")
        decision = self._decision(answer.values, limits)
        return PartitionAnswer(decision, float(answer.objective), bound, answer.cut == "time")

    def _decision(self, values: Vector, limits: EngineLimits) -> LocationRoutingDecision | None:
        chosen = tuple(route for k, route in enumerate(self.routes) if values[k] > 0.5)  # noqa: PLR2004 - a 0/1 value
        if self.problem.first is None:
            return LocationRoutingDecision(chosen)
        tours = supply_tours(self.problem, satellite_loads(self.problem, chosen), limits)
        if tours is None:
            tours = tours_of(self.problem, self.columns, values)
        return LocationRoutingDecision(chosen, tours)

    def _relax(self) -> tuple[float, Floats]:
        """Return value and reduced costs of the linear relaxation, links added where they are broken."""
        for _ in range(_LINK_ROUNDS):
            self._build()
            value, x, prices = relaxation(self.model)
            if x is None:
                return np.inf, prices
            broken = self._broken(x)
            if not broken:
                break
            self.links |= broken
        return value, prices

    def _broken(self, x: Floats) -> set[tuple[int, int]]:
        share: dict[tuple[int, int], float] = {}
        for k in np.flatnonzero(x[: len(self.routes)] > 1e-9):  # noqa: PLR2004 - rounding
            route = self.routes[int(k)]
            for i in route.customers:
                share[i, route.depot] = share.get((i, route.depot), 0.0) + float(x[k])
        return {link for link, value in share.items() if value > x[self.opened[link[1]]] + _BROKEN} - self.links

    def _build(self) -> None:
        problem, model = self.problem, LinearModel()
        self.model = model
        for cost in self.costs:
            model.binary(float(cost))
        depots = sorted({route.depot for route in self.routes})
        self.opened = {d: model.binary(float(problem.opening[d])) for d in depots}
        rows: list[list[tuple[int, float]]] = [[] for _ in range(problem.customer_count)]
        from_depot: dict[int, list[int]] = {d: [] for d in depots}
        linked: dict[tuple[int, int], list[int]] = {link: [] for link in sorted(self.links)}
        for k, route in enumerate(self.routes):
            from_depot[route.depot].append(k)
            for i in route.customers:
                rows[i].append((k, 1.0))
                if (i, route.depot) in linked:
                    linked[i, route.depot].append(k)
        for row in rows:
            model.row(row, lower=1.0, upper=1.0)
        for (_, d), members in linked.items():
            model.row([*((k, 1.0) for k in members), (self.opened[d], -1.0)], upper=0.0)
        self._limits(from_depot)
        self.columns = []
        if problem.first is not None and self.satellites:
            self._supply(from_depot, float(problem.demand.sum()))

    def _limits(self, from_depot: dict[int, list[int]]) -> None:
        problem, model = self.problem, self.model
        if problem.routes_most is not None:
            model.row([(k, 1.0) for k in range(len(self.routes))], upper=float(problem.routes_most))
        total = float(problem.demand.sum())
        for d, members in from_depot.items():
            room = min(float(problem.capacity[d]), total)
            model.row([*((k, float(self.loads[k])) for k in members), (self.opened[d], -room)], upper=0.0)
            if problem.depot_routes_most is not None:
                model.row([(k, 1.0) for k in members], upper=float(problem.depot_routes_most))
        # All depots open at once must hold everything: cuts off fractions of depots.
        model.row([(y, min(float(problem.capacity[d]), total)) for d, y in self.opened.items()], lower=total)

    def _supply(self, from_depot: dict[int, list[int]], total: float) -> None:
        most = {s: min(float(self.problem.capacity[s]), total) for s in self.satellites}
        self.columns = add_supply(self.model, self.problem, self.satellites, most)
        for s in self.satellites:
            terms = [(h, -1.0) for c in self.columns for at, h in zip(c.satellites, c.handed, strict=True) if at == s]
            members = from_depot.get(s, [])
            self.model.row([*terms, *((k, float(self.loads[k])) for k in members)], lower=0.0, upper=0.0)
            if members:
                touching = [(c.used, -1.0) for c in self.columns if s in c.satellites]
                self.model.row([*touching, (self.opened[s], 1.0)], upper=0.0)


def satellite_loads(problem: LocationRoutingProblem, routes: Sequence[LocationRoute]) -> dict[int, float]:
    """Return the load of every satellite that trucks supply."""
    loads: dict[int, float] = {}
    for route in routes:
        if problem.needs_supply(route.depot):
            loads[route.depot] = loads.get(route.depot, 0.0) + float(problem.demand[list(route.customers)].sum())
    return loads


def relaxation(model: LinearModel) -> tuple[float, Floats | None, Floats]:
    """Return value, solution and reduced costs of the linear relaxation (HiGHS through scipy); no solution: infeasible."""
    shape = (len(model.row_lower), len(model.costs))
    matrix = sparse.csr_array((model.coefficients, (model.row_index, model.column_index)), shape=shape)
    low, high = np.array(model.row_lower), np.array(model.row_upper)
    equal = low == high
    above, below = np.isfinite(high) & ~equal, np.isfinite(low) & ~equal
    upper_rows = sparse.vstack([matrix[above], -matrix[below]], format="csr") if (above | below).any() else None
    roof = np.concatenate([high[above], -low[below]]) if upper_rows is not None else None
    found = linprog(
        model.costs,
        A_ub=upper_rows,
        b_ub=roof,
        A_eq=matrix[equal] if equal.any() else None,
        b_eq=low[equal] if equal.any() else None,
        bounds=np.column_stack([model.lower, model.upper]),
        method="highs",
    )
    if found.status != 0:
        return np.inf, None, np.zeros(shape[1])
    return float(found.fun) + model.offset, found.x, np.asarray(found.lower.marginals)
