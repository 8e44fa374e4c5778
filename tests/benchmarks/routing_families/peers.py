"""Raw peers as their users would set them up at first: PyVRP with default parameters, OR-Tools with guided local search.

Both get the CPU seconds of the case and one core, as our own engine does.
"""

from __future__ import annotations

import math
import time

import numpy as np
import pyvrp
import pyvrp.stop
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay
from planner.routing.rich.pyvrp_data import pyvrp_problem
from routing_families.instances import Instance

SEED = 1
#: Whole units of a reference distance, minute and load where they are not whole.
UNITS = 1_000


def raw_pyvrp(instance: Instance, seconds: float) -> RoutingDecision | None:
    """Return PyVRP's answer with its default parameters."""
    native = pyvrp_problem(instance.problem)
    begun = time.process_time()

    class Clock:
        def __call__(self, _cost: int) -> bool:
            return time.process_time() - begun >= seconds

    result = pyvrp.solve(native.data, Clock(), seed=SEED, collect_stats=False, display=False)
    return native.decision(result.best) if result.best.is_feasible() else None


def raw_ortools(instance: Instance, seconds: float) -> RoutingDecision | None:
    """Return OR-Tools' answer: cheapest arc, then guided local search."""
    problem = instance.problem
    depots = len(problem.depots)
    slots = [
        k
        for k, v in enumerate(problem.vehicles)
        for _ in range(v.available if v.available is not None else _enough(problem, k))
    ]
    starts = [problem.vehicles[k].start_depot for k in slots]
    manager = pywrapcp.RoutingIndexManager(depots + len(problem.stops), len(slots), starts, starts)
    routing = pywrapcp.RoutingModel(manager)
    places = [d.place for d in problem.depots] + [s.place for s in problem.stops]
    grid = np.ix_(places, places)
    vehicle = problem.vehicles[0]
    factor = UNITS / (1000.0 / vehicle.cny_per_km)
    arcs = problem.metres[0][grid] * factor
    arcs = np.where(np.isfinite(arcs), np.round(arcs), 10**12).astype(np.int64)
    if problem.is_linehaul_first:
        takes = np.array([False] * depots + [s.pickup[0] > 0 for s in problem.stops])
        gives = np.array([False] * depots + [s.delivery[0] > 0 for s in problem.stops])
        arcs[takes[:, None] & gives[None, :]] = 10**12
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(arcs.tolist()))
    if vehicle.fixed_cny:
        routing.SetFixedCostOfAllVehicles(round(vehicle.fixed_cny * UNITS))
    _add_loads(problem, manager, routing, slots)
    _add_time(problem, routing, manager, slots, grid)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    begun = time.process_time()
    routing.AddSearchMonitor(routing.solver().CustomLimit(lambda: time.process_time() - begun >= seconds))
    found = routing.SolveWithParameters(parameters)
    if found is None:
        return None
    days = []
    for v, k in enumerate(slots):
        index, trip = found.Value(routing.NextVar(routing.Start(v))), []
        while not routing.IsEnd(index):
            trip.append(manager.IndexToNode(index) - depots)
            index = found.Value(routing.NextVar(index))
        if trip:
            days.append(VehicleDay(k, (tuple(trip),)))
    return RoutingDecision(tuple(days))


def _enough(problem: RoutingProblem, k: int) -> int:
    gives = sum(s.delivery[0] for s in problem.stops)
    takes = sum(s.pickup[0] for s in problem.stops)
    return min(len(problem.stops), math.ceil(max(gives, takes) / problem.vehicles[k].capacity[0] * 1.2) + 5)


def _add_loads(
    problem: RoutingProblem,
    manager: pywrapcp.RoutingIndexManager,
    routing: pywrapcp.RoutingModel,
    slots: list[int],
) -> None:
    none = [0] * len(problem.depots)
    limits = [round(problem.vehicles[k].capacity[0] * UNITS) for k in slots]
    gives = none + [round(s.delivery[0] * UNITS) for s in problem.stops]
    takes = none + [round(s.pickup[0] * UNITS) for s in problem.stops]
    given = routing.RegisterUnaryTransitVector(gives)
    routing.AddDimensionWithVehicleCapacity(given, 0, limits, True, "given")
    if not any(takes):
        return
    change = routing.RegisterUnaryTransitVector([t - g for g, t in zip(gives, takes, strict=True)])
    routing.AddDimensionWithVehicleCapacity(change, 0, limits, False, "load")
    total, load = routing.GetDimensionOrDie("given"), routing.GetDimensionOrDie("load")
    for v in range(len(slots)):
        routing.solver().Add(load.CumulVar(routing.Start(v)) == total.CumulVar(routing.End(v)))


def _add_time(
    problem: RoutingProblem,
    routing: pywrapcp.RoutingModel,
    manager: pywrapcp.RoutingIndexManager,
    slots: list[int],
    grid: tuple[np.ndarray, ...],
) -> None:
    limits = [problem.vehicles[k].longest_min for k in slots]
    if not any(s.windows for s in problem.stops) and not any(map(math.isfinite, limits)):
        return
    depots = len(problem.depots)
    service = np.array([0.0] * depots + [s.service_min for s in problem.stops])
    times = np.round((problem.minutes[0][grid] + service[:, None]) * UNITS).astype(np.int64)
    np.fill_diagonal(times, 0)
    closes = [problem.depots[problem.vehicles[k].end_depot].closes_min for k in slots]
    horizon = round(min(10**9, max(min(a, b) for a, b in zip(limits, closes, strict=True))) * UNITS)
    routing.AddDimension(routing.RegisterTransitMatrix(times.tolist()), horizon, horizon, False, "clock")
    clock = routing.GetDimensionOrDie("clock")
    for v, longest in enumerate(limits):
        if math.isfinite(longest):
            clock.SetSpanUpperBoundForVehicle(math.floor(longest * UNITS + 1e-6), v)
        if math.isfinite(closes[v]):
            clock.CumulVar(routing.End(v)).SetMax(round(closes[v] * UNITS))
    for i, stop in enumerate(problem.stops):
        for low, high in stop.windows[:1]:
            clock.CumulVar(manager.NodeToIndex(depots + i)).SetRange(round(low * UNITS), round(high * UNITS))
