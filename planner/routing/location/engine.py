"""The engine of joint siting and routing: race of depot sets, choice among the routes met, a last search, and the bound."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numba
import numpy as np

from geodata import __distribution__
from planner.engines.mathopt import ENGINE, EngineLimits
from planner.problems.location_routing import (
    FirstEchelon,
    LocationRoute,
    LocationRoutingDecision,
    LocationRoutingLimits,
    LocationRoutingProblem,
    LocationRoutingResult,
    TruckTour,
)
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport, Status
from planner.routing.location.bound import lower_bound
from planner.routing.location.choice import Partition, route_cost, satellite_loads
from planner.routing.location.enumerate import all_routes
from planner.routing.location.kernels_supply import TABLE_MOST
from planner.routing.location.search import Runner, Search, routes_of_runner
from planner.routing.location.supply import supply_tours
from planner.verification.location_routing import decision_cost, faults

#: Satellites whose truck tours are offered to the choice among routes, and share of the clock that choice may take.
_SATELLITES_MOST, _CHOICE_S = 8, 30.0
#: Seconds the choice among all routes of a small problem may take.
_PROOF_S = 120.0
#: Routes the choice is made from: the last ones met are those of the best answers.
_ROUTES_MOST = 10_000
#: Rounds of choice and further search.
_ROUNDS = 2
_GAIN = 1e-9


def solve_location_routing(
    problem: LocationRoutingProblem, limits: LocationRoutingLimits | None = None
) -> LocationRoutingResult:
    """Solve a problem that `planner.routing.location.checks.problems` finds nothing wrong with.

    The answer is the best of a search and of the choice among all routes the search met; the bound is Lagrangian, and the true
    optimum of the enumerated model where every route can be listed.
    """
    solver = _Solver(problem, limits or LocationRoutingLimits())
    solver.solve()
    return solver.result()


@dataclass(eq=False)
class _Solver:
    """State of one solve."""

    problem: LocationRoutingProblem
    limits: LocationRoutingLimits
    best: LocationRoutingDecision | None = None
    cost: float = math.inf
    bound: float | None = None
    start: float = field(default_factory=time.monotonic)
    is_cut: bool = False

    def solve(self) -> None:
        search = Search(self.problem, self.limits)
        for runner in search.run():
            self._offer(_decision(self.problem, routes_of_runner(runner), self.limits))
        if self.best is not None:
            complete = all_routes(self.problem)
            if complete is not None and len(self._satellites(search.runners)) == self._supplied():
                self._choose(complete, search.runners, is_complete=True)
            else:
                self._polish(search)
        self.is_cut |= search.is_cut
        if self.limits.bound_iterations and (self.bound is None or self.bound < self.cost * (1.0 - 1e-9)):
            found = lower_bound(self.problem, self.cost, self.limits.bound_iterations)
            self.bound = found if self.bound is None else max(self.bound, found)

    def _supplied(self) -> int:
        return sum(self.problem.needs_supply(d) for d in range(self.problem.depot_count))

    def _polish(self, search: Search) -> None:
        for k in range(_ROUNDS):
            before = self.cost
            met = search.routes()[-_ROUTES_MOST:]
            self._choose([*met, *_routes(search.runners)], search.runners, is_complete=False)
            if k + 1 == _ROUNDS or self.cost >= before - _GAIN or self.best is None:
                return
            runner = search.resume(self.best)
            self._offer(_decision(self.problem, routes_of_runner(runner), self.limits))

    def _offer(self, decision: LocationRoutingDecision | None) -> None:
        if decision is None or faults(self.problem, decision):
            return
        cost = decision_cost(self.problem, decision)
        if cost < self.cost - _GAIN:
            self.best, self.cost = decision, cost

    def _satellites(self, runners: Sequence[Runner]) -> list[int]:
        """Return satellites of the best answers, as many as the choice among routes can hold."""
        if self.problem.first is None:
            return []
        found: list[int] = []
        used = [self.best.open_depots if self.best else ()]
        used += [tuple(int(d) for d in np.flatnonzero(runner.tours.trips)) for runner in runners]
        for d in [d for depots in (*used, range(self.problem.depot_count)) for d in depots]:
            if d not in found and self.problem.needs_supply(d) and len(found) < _SATELLITES_MOST:
                found.append(d)
        return sorted(found)

    def _choose(self, routes: Iterable[LocationRoute], runners: Sequence[Runner], *, is_complete: bool) -> None:
        assert self.best is not None  # noqa: S101 - only called with an answer
        satellites = self._satellites(runners)
        if self.problem.first is not None and not set(satellites) >= {
            d for d in self.best.open_depots if self.problem.needs_supply(d)
        }:
            return
        allowed = {d for d in range(self.problem.depot_count) if not self.problem.needs_supply(d)} | set(satellites)
        kept = _distinct(self.problem, (r for r in (*routes, *self.best.routes) if r.depot in allowed))
        left = self.limits.time_limit_s - (time.monotonic() - self.start)
        guard = min(_PROOF_S if is_complete else _CHOICE_S, max(left, 1.0))
        partition = Partition(self.problem, kept, satellites, self.cost, is_complete)
        answer = partition.solve(EngineLimits(0.0, self.limits.node_limit, guard, self.limits.seed))
        self.is_cut |= answer.is_cut
        self._offer(answer.decision)
        if is_complete and math.isfinite(answer.bound):
            self.bound = min(answer.bound, self.cost)

    def result(self) -> LocationRoutingResult:
        """Return decision and report."""
        name = f"{__distribution__} location-routing (numba {numba.__version__}, {ENGINE})"
        limits = {
            "iterations": float(self.limits.iterations),
            "bound_iterations": float(self.limits.bound_iterations),
            "nodes": float(self.limits.node_limit),
            "time_limit_s": self.limits.time_limit_s,
        }
        note = "location_routing_cut" if self.is_cut else ""
        if self.best is None:
            return LocationRoutingResult(
                None, SolveReport("unknown", None, self.bound, name, self.limits.seed, limits, note)
            )
        bound = None if self.bound is None else min(self.bound, self.cost)
        is_proved = bound is not None and self.cost - bound <= OPTIMALITY_TOLERANCE * abs(self.cost)
        status: Status = "optimal" if is_proved else "feasible"
        report = SolveReport(status, self.cost, bound, name, self.limits.seed, limits, note)
        return LocationRoutingResult(self.best, report)


def _routes(runners: Sequence[Runner]) -> list[LocationRoute]:
    return [route for runner in runners for route in routes_of_runner(runner)]


def _distinct(problem: LocationRoutingProblem, routes: Iterable[LocationRoute]) -> list[LocationRoute]:
    """Return the cheapest order for every depot and set of customers, in the order they were met."""
    kept: dict[tuple[int, frozenset[int]], tuple[float, LocationRoute]] = {}
    for route in routes:
        key, cost = (route.depot, frozenset(route.customers)), route_cost(problem, route)
        if key not in kept or cost < kept[key][0]:
            kept[key] = (cost, route)
    return [route for _, route in kept.values()]


def _decision(
    problem: LocationRoutingProblem, routes: tuple[LocationRoute, ...], limits: LocationRoutingLimits
) -> LocationRoutingDecision | None:
    """Return routes with the truck tours that supply them."""
    loads = satellite_loads(problem, routes)
    if problem.first is None or not loads:
        return LocationRoutingDecision(routes)
    if len(loads) > TABLE_MOST:
        tours = _searched_tours(problem.first, loads, limits)
    else:
        tours = supply_tours(problem, loads, EngineLimits(0.0, limits.node_limit, 30.0, limits.seed))
    return None if tours is None else LocationRoutingDecision(routes, tours)


def _searched_tours(
    first: FirstEchelon, loads: dict[int, float], limits: LocationRoutingLimits
) -> tuple[TruckTour, ...] | None:
    """Return truck tours for many satellites: a location-routing problem of its own, full loads apart."""
    tours: list[TruckTour] = []
    stops: list[tuple[int, float]] = []
    for s, load in sorted(loads.items()):
        rest = load
        while rest > first.truck_capacity and first.is_split:
            tours.append(
                TruckTour(
                    int(np.argmin(first.cost[: first.platform_count, first.platform_count + s])),
                    ((s, first.truck_capacity),),
                )
            )
            rest -= first.truck_capacity
        stops.append((s, rest))
    p = first.platform_count
    nodes = [*range(p), *(p + s for s, _ in stops)]
    inner = LocationRoutingProblem(
        cost=first.cost[np.ix_(nodes, nodes)],
        demand=np.array([load for _, load in stops]),
        opening=first.opening,
        capacity=first.capacity,
        vehicle_capacity=first.truck_capacity,
        unit_cost=np.zeros(p),
        route_fixed=first.truck_fixed,
        routes_most=first.trucks_most,
    )
    if float(inner.demand.max()) > first.truck_capacity:
        return None
    few = replace(limits, iterations=max(limits.iterations // 20, 20_000), bound_iterations=0)
    found = solve_location_routing(inner, few).decision
    if found is None:
        return None
    return (*tours, *(TruckTour(r.depot, tuple(stops[i] for i in r.customers)) for r in found.routes))
