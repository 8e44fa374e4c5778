"""What a trip turns out to be when it is driven: kilometres, minutes and the load on every leg."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from planner.plan import Plan, PlanProblem
from planner.routing.result import Route
from planner.verification.facts import DAYS_PER_WEEK, Facts, Vehicle

#: Relative and absolute slack of every comparison: sums in another order differ in the last digits.
TOLERANCE = 1e-6


def is_more(value: float, limit: float) -> bool:
    """Tell whether `value` exceeds `limit` by more than rounding."""
    return value > limit + TOLERANCE * max(1.0, abs(limit)) if math.isfinite(limit) else value > limit


def differs(one: float, other: float) -> bool:
    """Tell whether two figures differ by more than rounding."""
    return is_more(one, other) or is_more(other, one)


@dataclass(frozen=True, slots=True)
class Leg:
    """One drive between two places, with what is on board."""

    origin_id: str
    destination_id: str
    km: float
    minutes: float
    kg: float
    m3: float
    parcels: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A route as driven.

    Attributes
    ----------
    route, vehicle
        Decision and its vehicle type.
    legs
        Depot → stops → depot; empty for a route without stops.
    minutes
        Loading, driving and stopping.
    """

    route: Route
    vehicle: Vehicle
    legs: tuple[Leg, ...]
    minutes: float

    @property
    def km(self) -> float:
        """Length of the tour."""
        return math.fsum(leg.km for leg in self.legs)

    @property
    def runs_per_day(self) -> float:
        """Mean runs a day over the week."""
        return self.route.days_per_week / DAYS_PER_WEEK

    @property
    def parcels(self) -> float:
        """Parcels handed over and taken on, both together, on one run."""
        return math.fsum(stop.delivery_parcels + stop.pickup_parcels for stop in self.route.stops)


def drive(problem: PlanProblem, facts: Facts, routes: Iterable[Route]) -> tuple[Trip, ...]:
    """Drive every route over the travel times of its vehicle type."""
    return tuple(_drive(problem, facts, route) for route in routes)


def _drive(problem: PlanProblem, facts: Facts, route: Route) -> Trip:
    legs = _legs(problem, facts, route)
    given = facts.parameters
    stopping = math.fsum(
        given["stop_base_min"] + given["stop_s_per_parcel"] / 60.0 * (stop.delivery_parcels + stop.pickup_parcels)
        for stop in route.stops
    )
    minutes = problem.routing.depot_loading_min + math.fsum(leg.minutes for leg in legs) + stopping
    return Trip(route, facts.vehicles[route.vehicle_type_id], legs, minutes)


def _legs(problem: PlanProblem, facts: Facts, route: Route) -> tuple[Leg, ...]:
    if not route.stops:
        return ()
    matrix = problem.travel[route.vehicle_type_id]
    places = [route.depot_id, *(stop.facility_id for stop in route.stops), route.depot_id]
    given = facts.parameters
    legs = []
    for i in range(len(places) - 1):
        out = math.fsum(stop.delivery_parcels for stop in route.stops[i:])
        back = math.fsum(stop.pickup_parcels for stop in route.stops[:i])
        legs.append(
            Leg(
                origin_id=places[i],
                destination_id=places[i + 1],
                km=matrix.metres_between(places[i], places[i + 1]) / 1000.0,
                minutes=matrix.minutes_between(places[i], places[i + 1]),
                kg=out * given["inbound_parcel_kg"] + back * given["outbound_parcel_kg"],
                m3=(out + back) * given["parcel_volume_m3"],
                parcels=out + back,
            )
        )
    return tuple(legs)


@dataclass(frozen=True, slots=True)
class Flow:
    """Parcels a day, or a visit."""

    inbound: float
    outbound: float

    @property
    def parcels(self) -> float:
        """Both directions."""
        return self.inbound + self.outbound

    def times(self, factor: float) -> Flow:
        """Return the flow multiplied by `factor`."""
        return Flow(self.inbound * factor, self.outbound * factor)


NO_FLOW = Flow(0.0, 0.0)


def villages_below(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the served villages that depend on each point, station and centre, following the chain upwards."""
    siting = plan.siting
    below: dict[str, list[str]] = {}
    for code, point in sorted(siting.point_of_village.items()):
        station = siting.station_of_point.get(point, "")
        for site in (point, station, siting.centre_of_station.get(station, "")):
            if site:
                below.setdefault(site, []).append(code)
    return {site: tuple(codes) for site, codes in below.items()}


def daily_flows(facts: Facts, plan: Plan) -> dict[str, Flow]:
    """Return the mean parcels a day through every site that villages depend on."""
    return {site: flow_of(facts, codes) for site, codes in villages_below(plan).items()}


def flow_of(facts: Facts, codes: Iterable[str]) -> Flow:
    """Return the parcels a day of some villages."""
    villages = [facts.villages[code] for code in codes]
    return Flow(math.fsum(v.inbound for v in villages), math.fsum(v.outbound for v in villages))
