"""Rules of a trip apart from time: load at every moment, goods, zones, vehicle types, kilometres and energy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner.problems.routing import RoutingProblem, RoutingVehicle

#: Slack for sums of floats when a limit is compared (load units, km, kWh).
LOAD_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Energy:
    """Charging of a trip: minutes at each visit (0 at a stop), least charge met on the way, kWh missing on return."""

    charge_min: tuple[float, ...]
    least_kwh: float
    missing_kwh: float


def place_of(problem: RoutingProblem, index: int) -> int:
    """Return the row of the travel arrays of a stop or (from ``len(stops)`` on) a charger."""
    count = len(problem.stops)
    return problem.stops[index].place if index < count else problem.chargers[index - count].place


def places_of(problem: RoutingProblem, vehicle: RoutingVehicle, trip: Sequence[int]) -> list[int]:
    """Return the places of a trip, from depot to depot."""
    inner = [place_of(problem, index) for index in trip]
    return [problem.depots[vehicle.start_depot].place, *inner, problem.depots[vehicle.end_depot].place]


def trip_km(problem: RoutingProblem, vehicle: RoutingVehicle, trip: Sequence[int]) -> float:
    """Return the kilometres of a trip (``inf``: no way)."""
    metres = problem.metres[vehicle.profile]
    return sum(float(metres[a, b]) for a, b in pairwise(places_of(problem, vehicle, trip))) / 1000.0


def trip_energy(problem: RoutingProblem, vehicle: RoutingVehicle, trip: Sequence[int]) -> Energy:
    """Follow the battery along a trip: full at departure, filled up at every charger."""
    battery = vehicle.battery
    if battery is None:
        return Energy(tuple(0.0 for _ in trip), math.inf, 0.0)
    metres, places = problem.metres[vehicle.profile], places_of(problem, vehicle, trip)
    level = least = battery.kwh
    minutes = []
    for place, (a, b) in enumerate(pairwise(places)):
        level -= float(metres[a, b]) / 1000.0 * battery.kwh_per_km
        least = min(least, level)
        is_charger = place < len(trip) and trip[place] >= len(problem.stops)
        minutes.append((battery.kwh - level) * battery.min_per_kwh if is_charger else 0.0)
        level = battery.kwh if is_charger else level
    return Energy(tuple(minutes[:-1]), least, battery.kwh - level)


def peak_loads(problem: RoutingProblem, stops: Sequence[int]) -> tuple[float, ...]:
    """Return the highest load of a trip in each dimension: deliveries are on board from the depot, pick-ups to it."""
    peaks = []
    for r in range(len(problem.dimensions)):
        load = peak = sum(problem.stops[i].delivery[r] for i in stops)
        for i in stops:
            load += problem.stops[i].pickup[r] - problem.stops[i].delivery[r]
            peak = max(peak, load)
        peaks.append(peak)
    return tuple(peaks)


def may_serve(problem: RoutingProblem, vehicle: RoutingVehicle, stop: int) -> bool:
    """Tell whether a vehicle may come to a stop and can carry it, apart from distance and time."""
    s = problem.stops[stop]
    is_allowed = s.vehicle_types is None or vehicle.vehicle_type_id in s.vehicle_types
    has_permit = not s.zone or any(permit.zone == s.zone for permit in vehicle.permits)
    fits = all(max(d, p) <= c + LOAD_TOLERANCE for d, p, c in zip(s.delivery, s.pickup, vehicle.capacity, strict=True))
    return is_allowed and has_permit and fits


def trip_is_loadable(problem: RoutingProblem, vehicle: RoutingVehicle, trip: Sequence[int]) -> bool:
    """Tell whether a trip keeps every rule but those of time (`planner.routing.rich.schedule`)."""
    stops = [i for i in trip if i < len(problem.stops)]
    if not stops or (vehicle.battery is None and len(stops) != len(trip)):
        return False
    return all(_rules(problem, vehicle, trip, stops))


def _rules(problem: RoutingProblem, vehicle: RoutingVehicle, trip: Sequence[int], stops: list[int]) -> Iterator[bool]:
    yield vehicle.stops_most is None or len(stops) <= vehicle.stops_most
    yield all(may_serve(problem, vehicle, i) for i in stops)
    peaks = zip(peak_loads(problem, stops), vehicle.capacity, strict=True)
    yield all(peak <= capacity + LOAD_TOLERANCE for peak, capacity in peaks)
    yield _goods_agree(problem, stops)
    yield not problem.is_linehaul_first or _is_linehaul_first(problem, stops)
    km = trip_km(problem, vehicle, trip)
    yield math.isfinite(km)
    if vehicle.battery is None:
        yield km <= vehicle.range_km + LOAD_TOLERANCE
    else:
        yield trip_energy(problem, vehicle, trip).least_kwh >= -LOAD_TOLERANCE


def _goods_agree(problem: RoutingProblem, stops: list[int]) -> bool:
    if not problem.incompatible:
        return True
    goods = {g for i in stops for g in problem.stops[i].goods}
    return not any(a in goods and b in goods for a, b in problem.incompatible)


def _is_linehaul_first(problem: RoutingProblem, stops: list[int]) -> bool:
    has_pickup = False
    for i in stops:
        if has_pickup and max(problem.stops[i].delivery, default=0.0) > 0.0:
            return False
        has_pickup = has_pickup or max(problem.stops[i].pickup, default=0.0) > 0.0
    return True
