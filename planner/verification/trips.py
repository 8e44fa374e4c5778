"""Rules on single trips and on the fleet: load on every leg, shift, range, tier of the vehicle, vehicle counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from geodata.messages import Message
from planner.verification.facts import Facts
from planner.verification.measures import Trip, is_more


def check_trips(trips: Sequence[Trip]) -> Iterator[Message]:
    """Yield a message for every trip its vehicle cannot make."""
    for trip in trips:
        yield from _vehicle_tier(trip)
        yield from _legs(trip)
        yield from _limits(trip)


def _vehicle_tier(trip: Trip) -> Iterator[Message]:
    if trip.vehicle.tier not in (trip.route.tier, "both"):
        yield Message(
            "check_vehicle_tier",
            {"route": trip.route.route_id, "vehicle": trip.vehicle.type_id, "tier": trip.route.tier},
        )


def _legs(trip: Trip) -> Iterator[Message]:
    vehicle = trip.vehicle
    for leg in trip.legs:
        where = {"route": trip.route.route_id, "origin": leg.origin_id, "destination": leg.destination_id}
        if not math.isfinite(leg.km):
            yield Message("check_leg_without_road", where)
        if is_more(leg.kg, vehicle.payload_kg):
            yield Message("check_payload", {**where, "load": leg.kg, "limit": vehicle.payload_kg})
        if is_more(leg.m3, vehicle.volume_m3):
            yield Message("check_volume", {**where, "load": leg.m3, "limit": vehicle.volume_m3})


def _limits(trip: Trip) -> Iterator[Message]:
    route, shift_min = trip.route.route_id, 60.0 * trip.vehicle.shift_h
    if not math.isfinite(trip.km):
        return
    if is_more(trip.minutes, shift_min):
        yield Message("check_trip_shift", {"route": route, "minutes": trip.minutes, "limit": shift_min})
    if is_more(trip.km, trip.vehicle.range_km):
        yield Message("check_range", {"route": route, "km": trip.km, "limit": trip.vehicle.range_km})


def check_fleet(facts: Facts, trips: Sequence[Trip]) -> Iterator[Message]:
    """Yield a message for every vehicle that works too long or at two depots, and every type used too often."""
    fleet = vehicles_used(trips)
    for (type_id, number), own in fleet.items():
        which = {"vehicle": type_id, "number": number}
        depots = sorted({trip.route.depot_id for trip in own})
        if len(depots) > 1:
            yield Message("check_vehicle_at_two_depots", {**which, "depots": ", ".join(depots)})
        minutes = math.fsum(trip.minutes for trip in own)
        limit = 60.0 * facts.vehicles[type_id].shift_h
        if math.isfinite(minutes) and is_more(minutes, limit):
            yield Message("check_vehicle_shift", {**which, "minutes": minutes, "limit": limit})
    for type_id, vehicle in facts.vehicles.items():
        used = len([key for key in fleet if key[0] == type_id])
        if used > vehicle.count:
            yield Message("check_vehicle_count", {"vehicle": type_id, "used": used, "available": int(vehicle.count)})


def vehicles_used(trips: Sequence[Trip]) -> dict[tuple[str, int], list[Trip]]:
    """Return the trips of every vehicle, by type and number, sorted."""
    fleet: dict[tuple[str, int], list[Trip]] = {}
    for trip in trips:
        fleet.setdefault((trip.route.vehicle_type_id, trip.route.vehicle_number), []).append(trip)
    return dict(sorted(fleet.items()))
