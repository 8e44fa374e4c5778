"""The checker of rich rounds: every rule of a `RoutingProblem` on a `RoutingDecision`, each breach a named record.

It shares nothing with the engines or with `planner.routing`; times are recomputed in `planner.verification.routing_times`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from geodata.messages import Message
from planner.problems.routing import RoutingDecision, RoutingProblem, RoutingVehicle, VehicleDay
from planner.verification.routing_times import broken_times, least_minutes

#: Load units, km and kWh that count as rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule.

    Attributes
    ----------
    rule
        Name of the rule; the sentence is the message ``check_routing_<rule>``.
    day, trip
        Index of the vehicle day in the decision and of the trip in the day; None: the decision, the day as a whole.
    vehicle_type_id, stop_id
        Whom it concerns; empty: none in particular.
    figures
        What was found and what is allowed.
    """

    rule: str
    day: int | None = None
    trip: int | None = None
    vehicle_type_id: str = ""
    stop_id: str = ""
    figures: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """The sentence of the rule with its figures; days and trips count from 1."""
        day = "" if self.day is None else self.day + 1
        trip = "" if self.trip is None else self.trip + 1
        where = {"day": day, "trip": trip, "vehicle": self.vehicle_type_id, "stop": self.stop_id}
        return Message(f"check_routing_{self.rule}", {**where, **self.figures})


def check_decision(problem: RoutingProblem, decision: RoutingDecision) -> tuple[Violation, ...]:
    """Return every broken rule of a decision; empty: it is feasible."""
    broken = list(_visits(problem, decision))
    if any(v.rule in {"unknown_stop", "unknown_vehicle"} for v in broken):
        return tuple(broken)
    broken += _fleet(problem, decision)
    for number, day in enumerate(decision.days):
        broken += _day(problem, number, day)
    if not broken:
        broken += _balance(problem, decision)
    return tuple(broken)


def cost_of(problem: RoutingProblem, decision: RoutingDecision) -> float:
    """Return the cost in CNY: vehicles, kilometres, least time on duty, penalties; ``inf`` if a day has no timetable."""
    parts = [problem.stops[i].penalty_cny or 0.0 for i in decision.left_out]
    for day in decision.days:
        vehicle, minutes = problem.vehicles[day.vehicle], least_minutes(problem, day)
        if minutes is None:
            return math.inf
        km = sum(_km(problem, vehicle, trip) for trip in day.trips)
        parts += [vehicle.fixed_cny, km * vehicle.cny_per_km, minutes / 60.0 * vehicle.cny_per_h]
    return math.fsum(parts)


def _visits(problem: RoutingProblem, decision: RoutingDecision) -> Iterator[Violation]:
    count = len(problem.stops)
    yield from _unknown(problem, decision)
    seen = Counter(i for day in decision.days for trip in day.trips for i in trip if i < count)
    left = Counter(decision.left_out)
    for index, stop in enumerate(problem.stops):
        if seen[index] > 1:
            yield Violation("visited_twice", stop_id=stop.stop_id, figures={"found": seen[index]})
        if not seen[index] and not left[index]:
            yield Violation("not_visited", stop_id=stop.stop_id)
        if (seen[index] and left[index]) or left[index] > 1:
            yield Violation("left_out_and_visited", stop_id=stop.stop_id)
        if left[index] and stop.penalty_cny is None:
            yield Violation("mandatory_left_out", stop_id=stop.stop_id)


def _unknown(problem: RoutingProblem, decision: RoutingDecision) -> Iterator[Violation]:
    most = len(problem.stops) + len(problem.chargers)
    for number, day in enumerate(decision.days):
        if not 0 <= day.vehicle < len(problem.vehicles):
            yield Violation("unknown_vehicle", number, figures={"found": day.vehicle})
        for trip_number, trip in enumerate(day.trips):
            for index in trip:
                if not 0 <= index < most:
                    yield Violation("unknown_stop", number, trip_number, figures={"found": index})
    for index in sorted(set(decision.left_out)):
        if not 0 <= index < len(problem.stops):
            yield Violation("unknown_stop", figures={"found": index})


def _fleet(problem: RoutingProblem, decision: RoutingDecision) -> Iterator[Violation]:
    used = Counter(day.vehicle for day in decision.days)
    for index, vehicle in enumerate(problem.vehicles):
        if vehicle.available is not None and used[index] > vehicle.available:
            figures: dict[str, float | str] = {"found": used[index], "limit": vehicle.available}
            yield Violation("too_many_vehicles", vehicle_type_id=vehicle.vehicle_type_id, figures=figures)


def _day(problem: RoutingProblem, number: int, day: VehicleDay) -> Iterator[Violation]:
    vehicle = problem.vehicles[day.vehicle]
    kind = vehicle.vehicle_type_id
    if not day.trips:
        yield Violation("empty_day", number, None, kind)
        return
    if len(day.trips) > vehicle.trips_most:
        figures: dict[str, float | str] = {"found": len(day.trips), "limit": vehicle.trips_most}
        yield Violation("too_many_trips", number, None, kind, figures=figures)
    if len(day.trips) > 1 and vehicle.start_depot != vehicle.end_depot:
        yield Violation("reload_elsewhere", number, None, kind)
    is_open = True
    for trip_number, trip in enumerate(day.trips):
        for rule, stop_id, found in _trip(problem, vehicle, trip):
            is_open = is_open and rule not in {"no_way", "empty_trip"}
            yield Violation(rule, number, trip_number, kind, stop_id, found)
    if is_open:
        for rule, stop_id, found in broken_times(problem, day):
            yield Violation(rule, number, None, kind, stop_id, found)


Found = tuple[str, str, dict[str, float | str]]


def _trip(problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...]) -> Iterator[Found]:
    """Yield rule, stop and figures of every rule a trip breaks, apart from time."""
    stops = [problem.stops[i] for i in trip if i < len(problem.stops)]
    if not stops:
        yield "empty_trip", "", {}
        return
    if len(stops) < len(trip) and vehicle.battery is None:
        yield "charger_without_battery", "", {}
    if vehicle.stops_most is not None and len(stops) > vehicle.stops_most:
        yield "too_many_stops", "", {"found": len(stops), "limit": vehicle.stops_most}
    zones = {permit.zone for permit in vehicle.permits}
    for stop in stops:
        if stop.vehicle_types is not None and vehicle.vehicle_type_id not in stop.vehicle_types:
            yield "vehicle_type", stop.stop_id, {}
        if stop.zone and stop.zone not in zones:
            yield "permit", stop.stop_id, {"zone": stop.zone}
    yield from _loads(problem, vehicle, trip)
    yield from _goods(problem, trip)
    yield from _distance(problem, vehicle, trip)


def _loads(problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...]) -> Iterator[Found]:
    stops = [problem.stops[i] for i in trip if i < len(problem.stops)]
    for r, name in enumerate(problem.dimensions):
        limit = vehicle.capacity[r]
        for at in range(len(stops) + 1):
            # On board: pick-ups made so far and deliveries still to be made.
            load = math.fsum([s.pickup[r] for s in stops[:at]] + [s.delivery[r] for s in stops[at:]])
            if load > limit + ROUNDING:
                place = stops[at - 1].stop_id if at else ""
                yield "capacity", place, {"dimension": name, "found": load, "limit": limit}
                break
    if problem.is_linehaul_first:
        firsts = [at for at, s in enumerate(stops) if any(q > 0.0 for q in s.pickup)]
        for s in stops[firsts[0] + 1 :] if firsts else []:
            if any(q > 0.0 for q in s.delivery):
                yield "linehaul_first", s.stop_id, {}


def _goods(problem: RoutingProblem, trip: tuple[int, ...]) -> Iterator[Found]:
    carried: dict[str, str] = {}
    for i in trip:
        if i < len(problem.stops):
            for goods in problem.stops[i].goods:
                carried.setdefault(goods, problem.stops[i].stop_id)
    for first, second in problem.incompatible:
        if first in carried and second in carried:
            yield "goods", carried[second], {"goods": first, "others": second}


def _distance(problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...]) -> Iterator[Found]:
    km = _km(problem, vehicle, trip)
    minutes = problem.minutes[vehicle.profile]
    if not math.isfinite(km + sum(float(minutes[a, b]) for a, b in pairwise(_places(problem, vehicle, trip)))):
        yield "no_way", "", {}
    elif vehicle.battery is None:
        if km > vehicle.range_km + ROUNDING:
            yield "range", "", {"found": km, "limit": vehicle.range_km}
    else:
        left = vehicle.battery.kwh
        places = _places(problem, vehicle, trip)
        for at, (a, b) in enumerate(pairwise(places)):
            left -= vehicle.battery.kwh_per_km * float(problem.metres[vehicle.profile][a, b]) / 1000.0
            if left < -ROUNDING:
                name = problem.stops[trip[at]].stop_id if at < len(trip) and trip[at] < len(problem.stops) else ""
                yield "battery", name, {"found": left, "limit": vehicle.battery.kwh}
                return
            if at < len(trip) and trip[at] >= len(problem.stops):
                left = vehicle.battery.kwh


def _balance(problem: RoutingProblem, decision: RoutingDecision) -> Iterator[Violation]:
    duties = [minutes for day in decision.days if (minutes := least_minutes(problem, day)) is not None]
    if problem.balance_min is not None and duties:
        spread = max(duties) - min(duties)
        if spread > problem.balance_min + ROUNDING:
            yield Violation("balance", figures={"found": spread, "limit": problem.balance_min})


def _places(problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...]) -> list[int]:
    chargers = len(problem.stops)
    return [
        problem.depots[vehicle.start_depot].place,
        *(problem.stops[i].place if i < chargers else problem.chargers[i - chargers].place for i in trip),
        problem.depots[vehicle.end_depot].place,
    ]


def _km(problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...]) -> float:
    metres = problem.metres[vehicle.profile]
    return math.fsum(float(metres[a, b]) for a, b in pairwise(_places(problem, vehicle, trip))) / 1000.0
