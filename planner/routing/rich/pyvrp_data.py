"""A rich routing problem as PyVRP data, and PyVRP's routes as vehicle days.

Tricks, each leaving the meaning unchanged: a stop with several windows is a group of clients of which one is visited; a
stop a vehicle may not come to is cut off in that vehicle's travel profile; backhauls cut the arcs from a pick-up to a
delivery; the most stops of a trip are one more load dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvrp

from planner.problems.routing import RoutingDecision, RoutingProblem, RoutingStop, RoutingVehicle, VehicleDay, Window
from planner.routing.rich.scaling import (
    FINE_LENGTH,
    FINE_TIME,
    NEVER,
    NO_ARC,
    IntMatrix,
    Unit,
    fitting_unit,
    load_unit,
    money_unit,
)

ALWAYS: Window = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Units:
    """Units of a problem: length, time, loads (with the count of stops last, if limited), money units per CNY."""

    length: Unit
    time: Unit
    loads: tuple[Unit, ...]
    money: float


@dataclass(frozen=True, slots=True)
class PyVrpProblem:
    """PyVRP data with the way back.

    Attributes
    ----------
    problem, data, units
        Both sides of the translation.
    stop_of
        Stop of each client.
    clients_of
        Clients of each stop, one a window.
    kinds
        Vehicle type of each PyVRP type (types of which none is left are not passed on).
    """

    problem: RoutingProblem
    data: pyvrp.ProblemData
    units: Units
    stop_of: tuple[int, ...]
    clients_of: tuple[tuple[int, ...], ...]
    kinds: tuple[int, ...]

    def decision(self, solution: pyvrp.Solution) -> RoutingDecision:
        """Return a solution as vehicle days; stops it does not visit are left out."""
        days = tuple(VehicleDay(self.kinds[route.vehicle_type()], self.trips(route)) for route in solution.routes())
        seen = {i for day in days for trip in day.trips for i in trip}
        left = tuple(i for i in range(len(self.problem.stops)) if i not in seen)
        return RoutingDecision(tuple(sorted(days, key=lambda d: (d.vehicle, d.trips))), left)

    def trips(self, route: pyvrp.Route) -> tuple[tuple[int, ...], ...]:
        """Return the trips of a route as stops."""
        trips: list[list[int]] = [[]]
        for activity in route.schedule():
            if activity.is_client():
                trips[-1].append(self.stop_of[activity.idx])
            elif trips[-1]:
                trips.append([])
        return tuple(tuple(trip) for trip in trips if trip)

    def solution(self, decision: RoutingDecision) -> pyvrp.Solution:
        """Return a decision as a PyVRP solution (of a stop with several windows: the first that can hold)."""
        routes = [self._route(day) for day in decision.days if any(day.trips)]
        return pyvrp.Solution(self.data, routes)

    def _route(self, day: VehicleDay) -> pyvrp.Route:
        options = [self._activities(day, late) for late in range(self._most_windows(day))]
        routes = [pyvrp.Route(self.data, activities, self.kinds.index(day.vehicle)) for activities in options]
        return min(routes, key=lambda route: route.time_warp())

    def _most_windows(self, day: VehicleDay) -> int:
        return max(len(self.clients_of[i]) for trip in day.trips for i in trip)

    def _activities(self, day: VehicleDay, late: int) -> list[pyvrp.Activity]:
        start = self.problem.vehicles[day.vehicle].start_depot
        activities: list[pyvrp.Activity] = []
        for number, trip in enumerate(t for t in day.trips if t):
            if number:
                activities.append(pyvrp.Activity(pyvrp.ActivityType.DEPOT, start))
            for i in trip:
                client = self.clients_of[i][min(late, len(self.clients_of[i]) - 1)]
                activities.append(pyvrp.Activity(pyvrp.ActivityType.CLIENT, client))
        return activities


def stop_windows(problem: RoutingProblem, stop: RoutingStop) -> tuple[Window, ...]:
    """Return the windows of a stop, within the permit times if every vehicle allowed in has the same."""
    windows = stop.windows or (ALWAYS,)
    if not stop.zone:
        return windows
    leaves = next((permit_times(v, stop.zone) for v in problem.vehicles if permit_times(v, stop.zone)), (ALWAYS,))
    both = {(max(a, c), min(b, d - stop.service_min)) for a, b in windows for c, d in leaves}
    return tuple(sorted((low, high) for low, high in both if low <= high))


def permit_times(vehicle: RoutingVehicle, zone: str) -> tuple[Window, ...]:
    """Return when a vehicle may be in a zone; nothing: never."""
    return tuple(sorted({w for p in vehicle.permits if p.zone == zone for w in p.windows or (ALWAYS,)}))


def may_come(vehicle: RoutingVehicle, stop: RoutingStop) -> bool:
    """Tell whether a vehicle of this type is allowed at a stop."""
    is_allowed = stop.vehicle_types is None or vehicle.vehicle_type_id in stop.vehicle_types
    return is_allowed and (not stop.zone or bool(permit_times(vehicle, stop.zone)))


def pyvrp_problem(problem: RoutingProblem) -> PyVrpProblem:
    """Translate a problem PyVRP can express (`planner.routing.rich.pyvrp_engine` says which)."""
    units = _units(problem)
    stop_of, windows = _copies(problem)
    clients_of: list[list[int]] = [[] for _ in problem.stops]
    for client, i in enumerate(stop_of):
        clients_of[i].append(client)
    group_of: dict[int, int] = {}
    groups: list[pyvrp.ClientGroup] = []
    for i, own in enumerate(clients_of):
        if len(own) > 1:
            group_of[i] = len(groups)
            groups.append(pyvrp.ClientGroup(own, required=problem.stops[i].penalty_cny is None))
    clients = [
        _client(problem, units, i, window, group_of.get(i), len(problem.depots) + k)
        for k, (i, window) in enumerate(zip(stop_of, windows, strict=True))
    ]
    kinds = tuple(k for k, vehicle in enumerate(problem.vehicles) if vehicle.available != 0)
    profiles, profile_of = _profiles(problem, kinds)
    places = [d.place for d in problem.depots] + [problem.stops[i].place for i in stop_of]
    arcs: list[Any] = [_arcs(problem, units, profile, places, stop_of) for profile in profiles]
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in places],
        clients,
        [_depot(problem, units, d) for d in range(len(problem.depots))],
        [_vehicle(problem, units, k, profile) for k, profile in zip(kinds, profile_of, strict=True)],
        [lengths for lengths, _ in arcs],
        [times for _, times in arcs],
        groups,
    )
    return PyVrpProblem(problem, data, units, stop_of, tuple(map(tuple, clients_of)), kinds)


def _copies(problem: RoutingProblem) -> tuple[tuple[int, ...], list[Window]]:
    stop_of, windows = [], []
    for i, stop in enumerate(problem.stops):
        for window in stop_windows(problem, stop) or ((1.0, 0.0),):
            stop_of.append(i)
            windows.append(window)
    return tuple(stop_of), windows


def _units(problem: RoutingProblem) -> Units:
    used = sorted({v.profile for v in problem.vehicles})
    length = fitting_unit((problem.metres[p] for p in used), FINE_LENGTH)
    times = [problem.minutes[p] for p in used]
    points = [x for s in problem.stops for w in s.windows for x in w] + [s.service_min for s in problem.stops]
    points += [x for d in problem.depots for x in (d.opens_min, d.closes_min, d.loading_min)]
    points += [x for v in problem.vehicles for x in (*v.shift, v.longest_min)]
    time = fitting_unit([np.array(points), *times], FINE_TIME)
    loads = []
    for r in range(len(problem.dimensions)):
        values = [q for s in problem.stops for q in (s.delivery[r], s.pickup[r])]
        loads.append(load_unit(values, [v.capacity[r] for v in problem.vehicles]))
    if any(v.stops_most is not None for v in problem.vehicles):
        loads.append(Unit(1.0, is_exact=True))
    rates = [v.cny_per_km / 1000.0 / length.factor for v in problem.vehicles]
    rates += [v.cny_per_h / 60.0 / time.factor for v in problem.vehicles]
    known = [*rates, *(v.fixed_cny for v in problem.vehicles if not any(rates))]
    return Units(length, time, tuple(loads), money_unit(known))


def _client(
    problem: RoutingProblem, units: Units, i: int, window: Window, group: int | None, location: int
) -> pyvrp.Client:
    stop, counted = problem.stops[i], len(units.loads) > len(problem.dimensions)
    loads = units.loads[: len(problem.dimensions)]
    delivery = [unit.up(q) for unit, q in zip(loads, stop.delivery, strict=True)] + [1] * counted
    pickup = [unit.up(q) for unit, q in zip(loads, stop.pickup, strict=True)] + [0] * counted
    is_required = stop.penalty_cny is None
    late = units.time.down(window[1])
    return pyvrp.Client(
        location=location,
        delivery=delivery,
        pickup=pickup,
        service_duration=units.time.up(stop.service_min),
        tw_early=min(max(0, units.time.up(window[0])), max(0, late)),
        tw_late=max(0, late),
        prize=0 if is_required else round((stop.penalty_cny or 0.0) * units.money),
        required=is_required and group is None,
        group=group,
    )


def _depot(problem: RoutingProblem, units: Units, d: int) -> pyvrp.Depot:
    depot = problem.depots[d]
    return pyvrp.Depot(
        location=d,
        tw_early=max(0, units.time.up(depot.opens_min - depot.loading_min)),
        tw_late=units.time.down(depot.closes_min),
        service_duration=units.time.up(depot.loading_min),
    )


def _vehicle(problem: RoutingProblem, units: Units, k: int, profile: int) -> pyvrp.VehicleType:
    vehicle = problem.vehicles[k]
    capacity = [unit.down(c) for unit, c in zip(units.loads, vehicle.capacity, strict=False)]
    if len(units.loads) > len(capacity):
        capacity.append(vehicle.stops_most if vehicle.stops_most is not None else NEVER)
    many = vehicle.trips_most > 1
    most = len(problem.stops) if vehicle.available is None else min(vehicle.available, len(problem.stops))
    return pyvrp.VehicleType(
        num_available=max(1, most),
        capacity=capacity,
        start_depot=vehicle.start_depot,
        end_depot=vehicle.end_depot,
        fixed_cost=round(vehicle.fixed_cny * units.money),
        tw_early=max(0, units.time.up(vehicle.shift[0])),
        tw_late=units.time.down(vehicle.shift[1]),
        shift_duration=units.time.down(vehicle.longest_min),
        max_distance=units.length.down(reach_km(vehicle) * 1000.0),
        unit_distance_cost=round(vehicle.cny_per_km / 1000.0 / units.length.factor * units.money),
        unit_duration_cost=round(vehicle.cny_per_h / 60.0 / units.time.factor * units.money),
        profile=profile,
        reload_depots=[vehicle.start_depot] if many else [],
        max_reloads=vehicle.trips_most - 1 if many else 0,
    )


def reach_km(vehicle: RoutingVehicle) -> float:
    """Return the longest trip without charging."""
    if vehicle.battery is None:
        return vehicle.range_km
    return vehicle.battery.kwh / vehicle.battery.kwh_per_km if vehicle.battery.kwh_per_km > 0.0 else math.inf


_Profile = tuple[int, tuple[bool, ...]]


def _profiles(problem: RoutingProblem, kinds: Sequence[int]) -> tuple[list[_Profile], list[int]]:
    """Return the distinct (travel profile, stops allowed), and which of them each of the vehicle types has."""
    found: dict[_Profile, int] = {}
    of = []
    for k in kinds:
        vehicle = problem.vehicles[k]
        key = (vehicle.profile, tuple(may_come(vehicle, stop) for stop in problem.stops))
        of.append(found.setdefault(key, len(found)))
    return list(found), of


def _arcs(
    problem: RoutingProblem, units: Units, profile: _Profile, places: Sequence[int], stop_of: Sequence[int]
) -> tuple[IntMatrix, IntMatrix]:
    travel, allowed = profile
    grid = np.ix_(places, places)
    lengths = units.length.arcs(problem.metres[travel][grid])
    times = units.time.arcs(problem.minutes[travel][grid])
    depots = len(problem.depots)
    cut = np.zeros(lengths.shape, dtype=bool)
    is_barred = np.array([False] * depots + [not allowed[i] for i in stop_of])
    cut[is_barred, :] = cut[:, is_barred] = True
    if problem.is_linehaul_first:
        stops = [problem.stops[i] for i in stop_of]
        takes = np.array([False] * depots + [max(s.pickup, default=0.0) > 0.0 for s in stops])
        gives = np.array([False] * depots + [max(s.delivery, default=0.0) > 0.0 for s in stops])
        cut |= takes[:, None] & gives[None, :]
    cut |= (lengths >= NO_ARC) | (times >= NO_ARC)
    lengths[cut] = NO_ARC
    times[cut] = NO_ARC
    np.fill_diagonal(lengths, 0)
    np.fill_diagonal(times, 0)
    return lengths, times
