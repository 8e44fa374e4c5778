"""OR-Tools engine for rounds too large to enumerate: heuristic trips, with the bound of `planner.routing.bounds`.

Every trip is a vehicle of the OR-Tools model. Where a type is limited, its trips come in groups, one group a real
vehicle whose trips share one shift. The load on leaving a stop is tied to the deliveries of the whole trip, so it
may start anywhere below capacity and never exceeds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from planner.problems.standard import RoutingSettings
from planner.routing.bounds import lower_bound
from planner.routing.engine import RoundSolution
from planner.routing.exact_improve import improve_trips
from planner.routing.packing_numbers import parcels_and_stops, within_numbers
from planner.routing.round_problem import FloatArray, RoundProblem, Trip
from planner.routing.savings import savings_trips

#: Integer units: 1 CNY = 10,000 (0.01 fen); minutes and metres in thousandths and whole metres; loads in millionths of
#: the largest vehicle.
CNY_UNITS = 10_000
MINUTE_UNITS = 1_000
LOAD_UNITS = 1_000_000
#: Cost of an arc that does not exist; far above any trip, far below overflow.
NO_ARC = 10**12
#: Price of leaving out one parcel or one stop where vehicles are limited.
LEFT_OUT_UNITS = 10**9
#: Trips beyond the savings start that the model may open per type; trips a limited vehicle may run.
SPARE_TRIPS = 2
TRIPS_PER_VEHICLE = 4
FIRST_SOLUTIONS = ("PATH_CHEAPEST_ARC", "PARALLEL_CHEAPEST_INSERTION")


class OrToolsEngine:
    """OR-Tools routing with guided local search, ended by a number of solutions."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"OR-Tools routing {version('ortools')}"

    def refuses(self, problem: RoundProblem, settings: RoutingSettings) -> str:  # noqa: ARG002 - engine interface
        """Take every round with at least one vehicle type."""
        return "" if problem.vehicles else "no vehicle type"

    def solve(self, problem: RoundProblem, settings: RoutingSettings) -> RoundSolution:
        """Solve the round; limited vehicles may leave stops out."""
        kinds = tuple(range(len(problem.vehicles)))
        start = savings_trips(problem, kinds)
        trips = min(
            (start, *_searched(problem, settings, start)),
            key=lambda candidate: _rank(problem, candidate),
        )
        trips = within_numbers(problem, improve_trips(problem, trips))
        served = tuple(sorted(i for trip in trips for i in trip.stops))
        left_out = tuple(i for i in range(len(problem.stops)) if i not in set(served))
        objective = sum(problem.figures(trip).cny for trip in trips)
        bound = min(objective, lower_bound(problem.select(served) if left_out else problem))
        proved = objective - bound <= 1e-9 * max(1.0, objective)
        return RoundSolution(trips, left_out, objective, bound, "optimal" if proved else "feasible", self.name)


def _rank(problem: RoundProblem, trips: tuple[Trip, ...]) -> tuple[float, float]:
    """Rank by what is left out after the numbers of vehicles are kept, then CNY."""
    kept = within_numbers(problem, trips)
    served = sum(parcels_and_stops(problem, trip) for trip in kept)
    return -round(served, 9), sum(problem.figures(trip).cny for trip in kept)


@dataclass(frozen=True, slots=True)
class _Slot:
    """One vehicle of the OR-Tools model: a trip of a type; `group` is its real vehicle, or None."""

    vehicle: int
    group: int | None


def _slots(problem: RoundProblem, start: tuple[Trip, ...]) -> tuple[_Slot, ...]:
    slots: list[_Slot] = []
    for k, vehicle in enumerate(problem.vehicles):
        alone = len(savings_trips(problem, (k,)))
        used = sum(trip.vehicle == k for trip in start)
        if vehicle.available is None:
            slots += [_Slot(k, None)] * (max(alone, used) + SPARE_TRIPS)
        else:
            numbers = min(vehicle.available, len(problem.stops))
            slots += [_Slot(k, group) for group in range(numbers) for _ in range(TRIPS_PER_VEHICLE)]
    return tuple(slots)


def _searched(problem: RoundProblem, settings: RoutingSettings, start: tuple[Trip, ...]) -> list[tuple[Trip, ...]]:
    """Search from the best of several starts; no candidate if OR-Tools finds none."""
    slots = _slots(problem, start)
    if not slots:
        return []
    model = _Model(problem, slots, settings)
    assignment = model.best_start(start)
    if assignment is None:
        return []
    return [model.trips(assignment), *model.improved(assignment)]


class _Model:
    """The OR-Tools model of one round."""

    def __init__(self, problem: RoundProblem, slots: tuple[_Slot, ...], settings: RoutingSettings) -> None:
        self.problem = problem
        self.slots = slots
        self.settings = settings
        self.manager = pywrapcp.RoutingIndexManager(len(problem.stops) + 1, len(slots), 0)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.kinds = sorted({slot.vehicle for slot in slots})
        self._add_cost()
        self._add_time()
        self._add_range()
        for resource in _binding_resources(problem):
            self._add_load(resource)
        self._add_optional()

    def _matrix(self, values: FloatArray) -> int:
        """Register an integer arc matrix and return its callback."""
        return int(self.routing.RegisterTransitMatrix(values.astype(np.int64).tolist()))

    def _add_cost(self) -> None:
        service = np.concatenate([[0.0], self.problem.service_min])
        evaluators = {}
        for k in self.kinds:
            vehicle = self.problem.vehicles[k]
            cost = self.problem.travel_cny[k] + service[None, :] / 60.0 * vehicle.cny_per_h
            cost = np.where(np.isfinite(cost), np.round(cost * CNY_UNITS), NO_ARC)
            np.fill_diagonal(cost, 0)
            evaluators[k] = self._matrix(cost)
        for v, slot in enumerate(self.slots):
            self.routing.SetArcCostEvaluatorOfVehicle(evaluators[slot.vehicle], v)
            loading = self.problem.depot_loading_min / 60.0 * self.problem.vehicles[slot.vehicle].cny_per_h
            self.routing.SetFixedCostOfVehicle(round(loading * CNY_UNITS), v)

    def _dimension(self, name: str, arcs: dict[int, FloatArray], limit: Callable[[int], float]) -> None:
        """Add a sum along trips that may not exceed a limit per type; arcs and limit in integer units."""
        evaluators = {k: self._matrix(values) for k, values in arcs.items()}
        limits = {k: math.floor(min(limit(k), NO_ARC - 1)) for k in self.kinds}
        self.routing.AddDimensionWithVehicleTransitAndCapacity(
            [evaluators[slot.vehicle] for slot in self.slots],
            0,
            [limits[slot.vehicle] for slot in self.slots],
            True,
            name,
        )

    def _add_time(self) -> None:
        service = np.concatenate([[0.0], self.problem.service_min])
        arcs = {}
        for k in self.kinds:
            minutes = self.problem.minutes[k] + service[None, :]
            minutes = np.where(np.arange(len(minutes))[:, None] == 0, minutes + self.problem.depot_loading_min, minutes)
            arcs[k] = np.where(np.isfinite(minutes), np.ceil(minutes * MINUTE_UNITS - 1e-6), NO_ARC)
            np.fill_diagonal(arcs[k], 0)
        self._dimension("minutes", arcs, lambda k: self.problem.vehicles[k].shift_min * MINUTE_UNITS)
        minutes = self.routing.GetDimensionOrDie("minutes")
        groups: dict[tuple[int, int], list[int]] = {}
        for v, slot in enumerate(self.slots):
            if slot.group is not None:
                groups.setdefault((slot.vehicle, slot.group), []).append(v)
        solver = self.routing.solver()
        for (k, _), members in groups.items():
            shift = math.floor(self.problem.vehicles[k].shift_min * MINUTE_UNITS)
            solver.Add(solver.Sum([minutes.CumulVar(self.routing.End(v)) for v in members]) <= shift)

    def _add_range(self) -> None:
        if not any(np.isfinite(self.problem.vehicles[k].range_km) for k in self.kinds):
            return
        arcs = {k: np.where(np.isfinite(m), np.ceil(m - 1e-6), NO_ARC) for k, m in enumerate(self.problem.metres)}
        arcs = {k: arcs[k] for k in self.kinds}
        self._dimension("metres", arcs, lambda k: self.problem.vehicles[k].range_km * 1000.0)

    def _add_load(self, resource: int) -> None:
        """Add load = deliveries not yet made + pick-ups made, within capacity after every stop."""
        unit = LOAD_UNITS / max(float(self.problem.capacity[:, resource].max()), 1e-9)
        deliveries = [0, *(math.ceil(q * unit - 1e-6) for q in self.problem.deliveries[resource])]
        pickups = [0, *(math.ceil(q * unit - 1e-6) for q in self.problem.pickups[resource])]
        limits = [math.floor(float(self.problem.capacity[slot.vehicle, resource]) * unit) for slot in self.slots]
        rise = [p - d for d, p in zip(deliveries, pickups, strict=True)]
        given = self.routing.RegisterUnaryTransitVector(deliveries)
        change = self.routing.RegisterUnaryTransitVector(rise)
        self.routing.AddDimensionWithVehicleCapacity(given, 0, limits, True, f"given_{resource}")
        self.routing.AddDimensionWithVehicleCapacity(change, 0, limits, False, f"load_{resource}")
        total = self.routing.GetDimensionOrDie(f"given_{resource}")
        load = self.routing.GetDimensionOrDie(f"load_{resource}")
        solver = self.routing.solver()
        for v in range(len(self.slots)):
            solver.Add(load.CumulVar(self.routing.Start(v)) == total.CumulVar(self.routing.End(v)))

    def _add_optional(self) -> None:
        """Let limited vehicles leave stops out, at a price above any trip."""
        if all(slot.group is None for slot in self.slots):
            return
        for i, stop in enumerate(self.problem.stops):
            parcels = 1.0 + stop.delivery_parcels + stop.pickup_parcels
            self.routing.AddDisjunction([self.manager.NodeToIndex(i + 1)], round(LEFT_OUT_UNITS * parcels))

    def _parameters(self, first_solution: str, *, search: bool) -> pywrapcp.DefaultRoutingSearchParameters:
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, first_solution)
        metaheuristic = "GUIDED_LOCAL_SEARCH" if search else "GREEDY_DESCENT"
        parameters.local_search_metaheuristic = getattr(routing_enums_pb2.LocalSearchMetaheuristic, metaheuristic)
        parameters.solution_limit = self.settings.solution_limit
        parameters.time_limit.FromMilliseconds(max(1, round(self.settings.time_limit_s * 1000.0)))
        return parameters

    def best_start(self, savings: tuple[Trip, ...]) -> pywrapcp.Assignment | None:
        """Return the best of the savings start and OR-Tools' own first solutions, after plain descent."""
        starts = []
        plain = self._parameters("AUTOMATIC", search=False)
        self.routing.CloseModelWithParameters(plain)
        own = self.routing.ReadAssignmentFromRoutes(self._routes(savings), True)
        if own is not None:
            starts.append(self.routing.solver().Assignment(own))
        for strategy in FIRST_SOLUTIONS:
            found = self.routing.SolveWithParameters(self._parameters(strategy, search=False))
            if found is not None:
                starts.append(self.routing.solver().Assignment(found))
        return min(starts, key=lambda a: int(a.ObjectiveValue())) if starts else None

    def _routes(self, trips: tuple[Trip, ...]) -> list[list[int]]:
        """Place trips on slots of their type; a trip without a slot left is not placed."""
        routes: list[list[int]] = [[] for _ in self.slots]
        for trip in trips:
            free = next((v for v, s in enumerate(self.slots) if s.vehicle == trip.vehicle and not routes[v]), None)
            if free is not None:
                routes[free] = [i + 1 for i in trip.stops]
        return routes

    def improved(self, start: pywrapcp.Assignment) -> list[tuple[Trip, ...]]:
        """Search on from a start; at most one candidate."""
        parameters = self._parameters("AUTOMATIC", search=True)
        found = self.routing.SolveFromAssignmentWithParameters(start, parameters)
        return [] if found is None else [self.trips(found)]

    def trips(self, assignment: pywrapcp.Assignment) -> tuple[Trip, ...]:
        """Read the trips of an assignment; a trip that only rounding let through a limit is left out."""
        trips = []
        for v, slot in enumerate(self.slots):
            index, stops = self.routing.Start(v), []
            while not self.routing.IsEnd(index):
                node = self.manager.IndexToNode(index)
                stops += [node - 1] if node else []
                index = assignment.Value(self.routing.NextVar(index))
            trip = Trip(slot.vehicle, tuple(stops))
            if stops and self.problem.allows(trip):
                trips.append(trip)
        return tuple(trips)


def _binding_resources(problem: RoundProblem) -> list[int]:
    """Weight (0) and volume (1); the one that never binds before the other is left out."""
    if np.any(problem.capacity <= 0.0):
        return [0, 1]
    loads = np.concatenate([problem.deliveries, problem.pickups], axis=1).reshape(2, -1)
    share = [loads[r][None, :] / problem.capacity[:, r][:, None] for r in range(2)]
    if np.all(share[0] >= share[1]):
        return [0]
    return [1] if np.all(share[1] >= share[0]) else [0, 1]
