"""A rich routing problem as an OR-Tools routing model: one OR-Tools vehicle a trip, the trips of a vehicle day in a row.

A stop that different vehicle types may serve at different times (permits) is a choice of one of several nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay, Window
from planner.routing.rich.chain import visit_windows
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.loads import may_serve
from planner.routing.rich.ortools_rules import add_balance, add_cold, add_goods, add_rests
from planner.routing.rich.pyvrp_data import reach_km
from planner.routing.rich.scaling import FINE_LENGTH, IntMatrix, Unit, load_unit

#: Units of a minute and of a CNY.
TIME_UNITS = 100
CNY_UNITS = 10_000
#: End of time, in units: ten days.
HORIZON = 14_400 * TIME_UNITS
NO_ARC = 10**10
#: Price of leaving out a mandatory stop while searching.
MANDATORY = 10**10
STARTS = ("PATH_CHEAPEST_ARC", "PARALLEL_CHEAPEST_INSERTION", "SAVINGS")


@dataclass(frozen=True, slots=True)
class Slot:
    """One OR-Tools vehicle: a trip of a vehicle type; `day` is its real vehicle, `trip` its place in the day."""

    vehicle: int
    day: int
    trip: int


@dataclass(frozen=True, slots=True)
class Node:
    """A stop as seen by the vehicle types that may serve it within `windows`."""

    stop: int
    kinds: frozenset[int]
    windows: tuple[Window, ...]


class OrToolsModel:
    """The OR-Tools side of a problem.

    Parameters
    ----------
    problem
        The problem.
    fleet
        Vehicles of an unlimited type: so many times what loads demand, and so many more.
    rest_share
        Share of the minutes before a rest that the model may use.
    seed
        Turns the order of stops.
    """

    def __init__(self, problem: RoutingProblem, fleet: tuple[float, int], rest_share: float, seed: int) -> None:
        self.problem, self.rest_share, self.seed = problem, rest_share, seed
        self.length, self.time = Unit(FINE_LENGTH, is_exact=False), Unit(TIME_UNITS, is_exact=False)
        self.horizon = HORIZON
        self.nodes = _nodes(problem)
        self.slots = _slots(problem, fleet)
        depots = len(problem.depots)
        self.places = [d.place for d in problem.depots] + [problem.stops[n.stop].place for n in self.nodes]
        starts = [problem.vehicles[s.vehicle].start_depot for s in self.slots]
        ends = [problem.vehicles[s.vehicle].end_depot for s in self.slots]
        self.manager = pywrapcp.RoutingIndexManager(depots + len(self.nodes), len(self.slots), starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.solver = self.routing.solver()
        self.index = [self.manager.NodeToIndex(depots + k) for k in range(len(self.nodes))]
        self._add_cost()
        self.clock: Any = self._add_time() if needs_time(problem) else None
        self._add_range()
        for r in range(len(problem.dimensions)):
            self._add_load(r)
        self._add_most_stops()
        self._add_choice()
        add_goods(self)
        if self.clock is not None:
            add_rests(self)
            add_cold(self)
            add_balance(self)

    def _arcs(self, values: np.ndarray) -> int:
        return int(self.routing.RegisterTransitMatrix(values.tolist()))

    def _grid(self, arrays: Sequence[np.ndarray], unit: Unit, k: int) -> IntMatrix:
        grid = arrays[self.problem.vehicles[k].profile][np.ix_(self.places, self.places)]
        return np.minimum(unit.arcs(grid), NO_ARC)

    def _per_kind(self, make: Callable[[int], np.ndarray]) -> list[int]:
        kinds = sorted({s.vehicle for s in self.slots})
        evaluators = {k: self._arcs(make(k)) for k in kinds}
        return [evaluators[s.vehicle] for s in self.slots]

    def _add_cost(self) -> None:
        problem = self.problem
        for v, evaluator in enumerate(self._per_kind(self._arc_costs)):
            self.routing.SetArcCostEvaluatorOfVehicle(evaluator, v)
            vehicle = problem.vehicles[self.slots[v].vehicle]
            loading = problem.depots[vehicle.start_depot].loading_min / 60.0 * vehicle.cny_per_h
            fixed = vehicle.fixed_cny if self.slots[v].trip == 0 else 0.0
            self.routing.SetFixedCostOfVehicle(round((fixed + loading) * CNY_UNITS), v)
            if self.slots[v].trip:
                self.solver.Add(self.routing.ActiveVehicleVar(v) <= self.routing.ActiveVehicleVar(v - 1))

    def _arc_costs(self, k: int) -> np.ndarray:
        vehicle, problem = self.problem.vehicles[k], self.problem
        grid = np.ix_(self.places, self.places)
        metres, minutes = problem.metres[vehicle.profile][grid], problem.minutes[vehicle.profile][grid]
        cny = metres / 1000.0 * vehicle.cny_per_km
        gives, takes = self._gives_takes()
        cut = ~np.isfinite(metres) | ~np.isfinite(minutes)
        if problem.is_linehaul_first:
            cut |= takes[:, None] & gives[None, :]
        costs = np.where(cut, NO_ARC, np.round(np.where(cut, 0.0, cny) * CNY_UNITS)).astype(np.int64)
        np.fill_diagonal(costs, 0)
        return costs

    def _gives_takes(self) -> tuple[np.ndarray, np.ndarray]:
        none = [False] * len(self.problem.depots)
        stops = [self.problem.stops[n.stop] for n in self.nodes]
        gives = np.array([*none, *(max(s.delivery, default=0.0) > 0.0 for s in stops)])
        takes = np.array([*none, *(max(s.pickup, default=0.0) > 0.0 for s in stops)])
        return gives, takes

    def _add_time(self) -> pywrapcp.RoutingDimension:
        service = [0] * len(self.problem.depots) + [
            self.time.up(self.problem.stops[n.stop].service_min) for n in self.nodes
        ]
        self.service = service
        column = np.array(service, dtype=np.int64)[:, None]
        self.minutes = self._per_kind(
            lambda k: np.minimum(self._grid(self.problem.minutes, self.time, k) + column, NO_ARC)
        )
        self.routing.AddDimensionWithVehicleTransits(self.minutes, HORIZON, HORIZON, False, "clock")
        clock = self.routing.GetDimensionOrDie("clock")
        for v, slot in enumerate(self.slots):
            self._bound_trip(clock, v, slot)
        for node, index in zip(self.nodes, self.index, strict=True):
            self._bound_visit(clock.CumulVar(index), node)
        return clock

    def _bound_trip(self, clock: pywrapcp.RoutingDimension, v: int, slot: Slot) -> None:
        vehicle = self.problem.vehicles[slot.vehicle]
        start, end = self.problem.depots[vehicle.start_depot], self.problem.depots[vehicle.end_depot]
        leaves, returns = clock.CumulVar(self.routing.Start(v)), clock.CumulVar(self.routing.End(v))
        low = max(start.opens_min, vehicle.shift[0] + start.loading_min)
        leaves.SetRange(min(HORIZON, max(0, self.time.up(low))), min(HORIZON, self.time.down(start.closes_min)))
        high = min(HORIZON, self.time.down(min(end.closes_min, vehicle.shift[1])))
        returns.SetRange(0, high)
        if math.isfinite(vehicle.longest_min):
            longest = self.time.down(vehicle.longest_min - start.loading_min)
            if slot.trip == 0:
                clock.SetSpanUpperBoundForVehicle(max(0, longest), v)
        rate = round(vehicle.cny_per_h / 60.0 / TIME_UNITS * CNY_UNITS)
        if rate:
            clock.SetSpanCostCoefficientForVehicle(rate, v)
        self.routing.AddVariableMinimizedByFinalizer(returns)
        self.routing.AddVariableMaximizedByFinalizer(leaves)
        if slot.trip:
            previous = clock.CumulVar(self.routing.End(v - 1))
            self.solver.Add(leaves >= previous + self.time.up(start.loading_min))
            if math.isfinite(vehicle.longest_min):
                first = clock.CumulVar(self.routing.Start(v - slot.trip))
                # A day whose later trips stay empty ends with its last real one: empty trips take no time.
                self.solver.Add(returns - first <= longest + (HORIZON * (1 - self.routing.ActiveVehicleVar(v))))

    def _bound_visit(self, begin: pywrapcp.IntVar, node: Node) -> None:
        ranges = [(max(0, self.time.up(a)), min(HORIZON, self.time.down(b))) for a, b in node.windows]
        ranges = [(a, b) for a, b in ranges if a <= b]
        if not ranges:
            begin.SetRange(HORIZON, HORIZON)
            return
        begin.SetRange(ranges[0][0], ranges[-1][1])
        for (_, high), (low, _) in pairwise(ranges):
            if low > high + 1:
                begin.RemoveInterval(high + 1, low - 1)

    def _add_range(self) -> None:
        if not any(math.isfinite(reach_km(v)) for v in self.problem.vehicles):
            return
        evaluators = self._per_kind(lambda k: self._grid(self.problem.metres, self.length, k))
        reach = [reach_km(self.problem.vehicles[s.vehicle]) * 1000.0 for s in self.slots]
        limits = [min(self.length.down(metres), NO_ARC * 10) for metres in reach]
        self.routing.AddDimensionWithVehicleTransitAndCapacity(evaluators, 0, limits, True, "length")

    def _add_load(self, r: int) -> None:
        """Load on leaving a stop: deliveries not yet made and pick-ups made, within capacity everywhere."""
        stops, vehicles = self.problem.stops, self.problem.vehicles
        unit = load_unit([q for s in stops for q in (s.delivery[r], s.pickup[r])], [v.capacity[r] for v in vehicles])
        none = [0] * len(self.problem.depots)
        gives = none + [unit.up(stops[n.stop].delivery[r]) for n in self.nodes]
        takes = none + [unit.up(stops[n.stop].pickup[r]) for n in self.nodes]
        if not any(gives) and not any(takes):
            return
        limits = [min(unit.down(vehicles[s.vehicle].capacity[r]), NO_ARC) for s in self.slots]
        given = self.routing.RegisterUnaryTransitVector(gives)
        self.routing.AddDimensionWithVehicleCapacity(given, 0, limits, True, f"given_{r}")
        if not any(takes):
            return
        change = self.routing.RegisterUnaryTransitVector([t - g for g, t in zip(gives, takes, strict=True)])
        self.routing.AddDimensionWithVehicleCapacity(change, 0, limits, False, f"load_{r}")
        total, load = (self.routing.GetDimensionOrDie(f"{name}_{r}") for name in ("given", "load"))
        for v in range(len(self.slots)):
            self.solver.Add(load.CumulVar(self.routing.Start(v)) == total.CumulVar(self.routing.End(v)))

    def _add_most_stops(self) -> None:
        if all(v.stops_most is None for v in self.problem.vehicles):
            return
        one = self.routing.RegisterUnaryTransitVector([0] * len(self.problem.depots) + [1] * len(self.nodes))
        most = [self.problem.vehicles[s.vehicle].stops_most for s in self.slots]
        limits = [len(self.nodes) if m is None else m for m in most]
        self.routing.AddDimensionWithVehicleCapacity(one, 0, limits, True, "stops")

    def _add_choice(self) -> None:
        """Of the nodes of a stop at most one is visited, by a vehicle that may; leaving a stop out costs its penalty."""
        of: dict[int, list[int]] = {}
        for k, node in enumerate(self.nodes):
            of.setdefault(node.stop, []).append(k)
            allowed = [v for v, s in enumerate(self.slots) if s.vehicle in node.kinds]
            if len(allowed) < len(self.slots):
                self.routing.VehicleVar(self.index[k]).SetValues([-1, *allowed])
        for stop, members in of.items():
            penalty = self.problem.stops[stop].penalty_cny
            price = MANDATORY if penalty is None else min(MANDATORY - 1, round(penalty * CNY_UNITS))
            self.routing.AddDisjunction([self.index[k] for k in members], price)

    def solve(self, limits: RoutingLimits, start: RoutingDecision | None) -> RoutingDecision | None:
        """Return the best decision found; None: none visits every mandatory stop."""
        search = self._parameters(limits, "AUTOMATIC", is_long=True)
        self.routing.CloseModelWithParameters(search)
        candidates = []
        if start is not None:
            own = self.routing.ReadAssignmentFromRoutes(self._routes(start), True)
            if own is not None:
                candidates.append(self.solver.Assignment(own))
        for strategy in STARTS:
            found = self.routing.SolveWithParameters(self._parameters(limits, strategy, is_long=False))
            if found is not None:
                candidates.append(self.solver.Assignment(found))
        if not candidates:
            return None
        best = min(candidates, key=lambda a: int(a.ObjectiveValue()))
        improved = self.routing.SolveFromAssignmentWithParameters(best, search)
        if improved is not None and improved.ObjectiveValue() <= best.ObjectiveValue():
            best = improved
        return self._decision(best)

    def _parameters(
        self, limits: RoutingLimits, strategy: str, *, is_long: bool
    ) -> pywrapcp.DefaultRoutingSearchParameters:
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, strategy)
        heuristic = "GUIDED_LOCAL_SEARCH" if is_long else "GREEDY_DESCENT"
        parameters.local_search_metaheuristic = getattr(routing_enums_pb2.LocalSearchMetaheuristic, heuristic)
        parameters.solution_limit = limits.iterations
        share = 1.0 if is_long else 0.2
        seconds = min(limits.seconds * share, 10.0**6)
        parameters.time_limit.FromMilliseconds(max(1, round(seconds * 1000.0)))
        return parameters

    def _routes(self, decision: RoutingDecision) -> list[list[int]]:
        routes: list[list[int]] = [[] for _ in self.slots]
        depots = len(self.problem.depots)
        free = {(s.vehicle, s.day): v for v, s in reversed(list(enumerate(self.slots)))}
        for day in decision.days:
            key = next((k for k in sorted(free) if k[0] == day.vehicle), None)
            if key is None:
                continue
            first = free.pop(key)
            for t, trip in enumerate(day.trips):
                routes[first + t] = [depots + self._node_for(i, day.vehicle) for i in trip]
        return routes

    def _node_for(self, stop: int, vehicle: int) -> int:
        own = [k for k, node in enumerate(self.nodes) if node.stop == stop]
        return next((k for k in own if vehicle in self.nodes[k].kinds), own[0])

    def _decision(self, assignment: pywrapcp.Assignment) -> RoutingDecision | None:
        trips: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        depots = len(self.problem.depots)
        for v, slot in enumerate(self.slots):
            index, stops = assignment.Value(self.routing.NextVar(self.routing.Start(v))), list[int]()
            while not self.routing.IsEnd(index):
                stops.append(self.nodes[self.manager.IndexToNode(index) - depots].stop)
                index = assignment.Value(self.routing.NextVar(index))
            if stops:
                trips.setdefault((slot.vehicle, slot.day), []).append(tuple(stops))
        days = sorted((VehicleDay(k, tuple(t)) for (k, _), t in trips.items()), key=lambda d: (d.vehicle, d.trips))
        seen = {i for day in days for trip in day.trips for i in trip}
        left = tuple(i for i in range(len(self.problem.stops)) if i not in seen)
        if any(self.problem.stops[i].penalty_cny is None for i in left):
            return None
        return RoutingDecision(tuple(days), left)


def needs_time(problem: RoutingProblem) -> bool:
    """Tell whether any rule or cost of the problem is about time."""
    if problem.balance_min is not None or any(s.windows or s.zone for s in problem.stops):
        return True
    if any(math.isfinite(s.cold_max_min) for s in problem.stops):
        return True
    if any(math.isfinite(d.closes_min) for d in problem.depots):
        return True
    return any(
        v.cny_per_h > 0.0 or math.isfinite(v.longest_min) or math.isfinite(v.shift[1]) or v.break_rule is not None
        for v in problem.vehicles
    )


def _nodes(problem: RoutingProblem) -> list[Node]:
    nodes = []
    for i in range(len(problem.stops)):
        kinds: dict[tuple[Window, ...], set[int]] = {}
        for k, vehicle in enumerate(problem.vehicles):
            if vehicle.available != 0 and may_serve(problem, vehicle, i):
                kinds.setdefault(visit_windows(problem, vehicle, i), set()).add(k)
        choices = [Node(i, frozenset(own), windows) for windows, own in kinds.items() if windows]
        nodes += choices or [Node(i, frozenset(), ())]
    return nodes


def _slots(problem: RoutingProblem, fleet: tuple[float, int]) -> list[Slot]:
    slots = []
    for k, vehicle in enumerate(problem.vehicles):
        shares = [
            max(sum(s.delivery[r] for s in problem.stops), sum(s.pickup[r] for s in problem.stops)) / capacity
            for r, capacity in enumerate(vehicle.capacity)
            if capacity > 0.0
        ]
        wanted = max(shares, default=1.0) * fleet[0] + fleet[1]
        count = len(problem.stops) if not math.isfinite(wanted) else min(len(problem.stops), math.ceil(wanted))
        if vehicle.available is not None:
            count = min(vehicle.available, len(problem.stops))
        trips = min(vehicle.trips_most, len(problem.stops))
        slots += [Slot(k, day, trip) for day in range(count) for trip in range(trips)]
    return slots
