"""Whether a vehicle of its own could serve a stop, and if not, the rule that stands in the way with its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from networks.timetable import clock_text
from planner.problems.routing import Permit, RoutingProblem, RoutingVehicle, VehicleDay
from planner.routing.rich.loads import LOAD_TOLERANCE, trip_is_loadable, trip_km
from planner.routing.rich.schedule import day_cost, day_duty

Change = Callable[[RoutingProblem], RoutingProblem]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps every vehicle from a stop: ``capacity``, ``vehicle_type``, ``permit``, ``unreachable``, ``range``,
    ``permit_time``, ``cold``, ``window``, ``depot_hours``, ``shift`` or ``break``; with the figures of its sentence.
    """  # noqa: D205 - one sentence

    reason: str
    figures: Mapping[str, float | str] = field(default_factory=dict)


def days_alone(problem: RoutingProblem, stop: int) -> list[VehicleDay]:
    """Return the days that visit this stop only, directly or over one charger on the way out, back, or both."""
    first = len(problem.stops)
    days = []
    for k, vehicle in enumerate(problem.vehicles):
        if vehicle.available == 0:
            continue
        days.append(VehicleDay(k, ((stop,),)))
        if vehicle.battery is not None:
            ways = [(), *((first + c,) for c in range(len(problem.chargers)))]
            days += [VehicleDay(k, ((*out, stop, *back),)) for out in ways for back in ways if out or back]
    return days


def cheapest_alone(problem: RoutingProblem, stop: int) -> tuple[VehicleDay, float] | None:
    """Return the cheapest day that visits this stop only, with its cost; None: no vehicle can."""
    best: tuple[VehicleDay, float] | None = None
    for day in days_alone(problem, stop):
        if trip_is_loadable(problem, problem.vehicles[day.vehicle], day.trips[0]):
            cost = day_cost(problem, day)
            if math.isfinite(cost) and (best is None or cost < best[1]):
                best = (day, cost)
    return best


def obstacle(problem: RoutingProblem, stop: int) -> Obstacle | None:
    """Return what keeps every vehicle from serving a stop on a day of its own; None: some vehicle can."""
    if cheapest_alone(problem, stop) is not None:
        return None
    return _of_vehicles(problem, stop) or _of_way(problem, stop) or _of_time(problem, stop)


def _of_vehicles(problem: RoutingProblem, stop: int) -> Obstacle | None:
    s = problem.stops[stop]
    usable = [v for v in problem.vehicles if v.available != 0]
    allowed = [v for v in usable if s.vehicle_types is None or v.vehicle_type_id in s.vehicle_types]
    if not allowed:
        return Obstacle("vehicle_type", {"vehicles": ", ".join(sorted(s.vehicle_types or ()))})
    over = {r: _overload(problem, allowed, stop, r) for r in range(len(problem.dimensions))}
    carrying = [
        v
        for v in allowed
        if all(max(d, p) <= c + LOAD_TOLERANCE for d, p, c in zip(s.delivery, s.pickup, v.capacity, strict=True))
    ]
    if not carrying:
        worst = max(over, key=lambda r: over[r][0] / max(over[r][1], 1e-9))
        load, most = over[worst]
        return Obstacle("capacity", {"dimension": problem.dimensions[worst], "found": load, "limit": most})
    if s.zone and not any(p.zone == s.zone for v in carrying for p in v.permits):
        return Obstacle("permit", {"zone": s.zone})
    return None


def _overload(problem: RoutingProblem, vehicles: Sequence[RoutingVehicle], stop: int, r: int) -> tuple[float, float]:
    s = problem.stops[stop]
    return max(s.delivery[r], s.pickup[r]), max(v.capacity[r] for v in vehicles)


def _of_way(problem: RoutingProblem, stop: int) -> Obstacle | None:
    trips = [(v, trip_km(problem, v, (stop,)), _way_min(problem, v, stop)) for v in _fit(problem, stop)]
    if not any(math.isfinite(km + minutes) for _, km, minutes in trips):
        return Obstacle("unreachable")
    days = [d for d in days_alone(problem, stop) if problem.vehicles[d.vehicle] in _fit(problem, stop)]
    if any(trip_is_loadable(problem, problem.vehicles[d.vehicle], d.trips[0]) for d in days):
        return None
    km, vehicle = min((km, i) for i, (_, km, minutes) in enumerate(trips) if math.isfinite(km + minutes))
    v = trips[vehicle][0]
    reach = v.range_km if v.battery is None else v.battery.kwh / v.battery.kwh_per_km
    return Obstacle("range", {"found": km, "limit": max(reach, *(_reach(t[0]) for t in trips))})


def _reach(vehicle: RoutingVehicle) -> float:
    if vehicle.battery is None:
        return vehicle.range_km
    return vehicle.battery.kwh / vehicle.battery.kwh_per_km if vehicle.battery.kwh_per_km > 0 else math.inf


def _fit(problem: RoutingProblem, stop: int) -> list[RoutingVehicle]:
    alone = replace(problem.stops[stop], cold_max_min=math.inf)
    found = []
    for v in problem.vehicles:
        is_allowed = alone.vehicle_types is None or v.vehicle_type_id in alone.vehicle_types
        has_permit = not alone.zone or any(p.zone == alone.zone for p in v.permits)
        loads = zip(alone.delivery, alone.pickup, v.capacity, strict=True)
        if v.available != 0 and is_allowed and has_permit and all(max(d, p) <= c + LOAD_TOLERANCE for d, p, c in loads):
            found.append(v)
    return found


def _way_min(problem: RoutingProblem, vehicle: RoutingVehicle, stop: int) -> float:
    minutes, place = problem.minutes[vehicle.profile], problem.stops[stop].place
    start, end = problem.depots[vehicle.start_depot].place, problem.depots[vehicle.end_depot].place
    return float(minutes[start, place] + minutes[place, end])


def _of_time(problem: RoutingProblem, stop: int) -> Obstacle:
    """Lift the rules of time one by one, then together; the first that opens a timetable is the reason."""
    changes: dict[str, Change] = {
        "permit_time": _without_permit_times,
        "cold": lambda p: with_stop(p, stop, cold_max_min=math.inf),
        "break": lambda p: _with_vehicles(p, break_rule=None),
        "window": lambda p: with_stop(p, stop, windows=()),
        "depot_hours": _without_hours,
        "shift": lambda p: _with_vehicles(p, shift=(0.0, math.inf), longest_min=math.inf),
    }
    lifted = problem
    for reason, change in changes.items():
        if cheapest_alone(change(problem), stop) is not None:
            return Obstacle(reason, _time_figures(problem, stop, reason))
    for reason, change in changes.items():
        lifted = change(lifted)
        if cheapest_alone(lifted, stop) is not None:
            return Obstacle(reason, _time_figures(problem, stop, reason))
    return Obstacle("unreachable")


def with_stop(problem: RoutingProblem, stop: int, **changes: object) -> RoutingProblem:
    """Return the problem with fields of one stop changed."""
    stops = list(problem.stops)
    stops[stop] = replace(stops[stop], **changes)  # type: ignore[arg-type]
    return replace(problem, stops=tuple(stops))


def _with_vehicles(problem: RoutingProblem, **changes: object) -> RoutingProblem:
    return replace(problem, vehicles=tuple(replace(v, **changes) for v in problem.vehicles))  # type: ignore[arg-type]


def _without_permit_times(problem: RoutingProblem) -> RoutingProblem:
    vehicles = tuple(replace(v, permits=tuple(Permit(p.zone) for p in v.permits)) for v in problem.vehicles)
    return replace(problem, vehicles=vehicles)


def _without_hours(problem: RoutingProblem) -> RoutingProblem:
    depots = tuple(replace(d, opens_min=-math.inf, closes_min=math.inf) for d in problem.depots)
    return replace(problem, depots=depots)


def _time_figures(problem: RoutingProblem, stop: int, reason: str) -> dict[str, float | str]:
    """Return the least minutes of a day for this stop alone, without rules of time, and what the longest shift allows."""
    free = _with_vehicles(_without_hours(_without_permit_times(problem)), shift=(0.0, math.inf), longest_min=math.inf)
    free = _with_vehicles(with_stop(free, stop, windows=(), cold_max_min=math.inf), break_rule=None)
    duties = [day_duty(free, day) for day in days_alone(free, stop)]
    allowed = max(min(v.longest_min, v.shift[1] - v.shift[0]) for v in _fit(problem, stop))
    figures: dict[str, float | str] = {"found": min(duties, default=math.inf), "limit": allowed}
    if reason == "window":
        windows = problem.stops[stop].windows
        figures = {"begin": _clock(windows[0][0]), "end": _clock(windows[-1][1])}
    return figures


def _clock(minutes: float) -> str:
    return clock_text(minutes) if math.isfinite(minutes) else "–"
