"""Stops that no vehicle can serve as they are: too big ones are split, impossible ones are left out with a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from geodata.messages import Message
from planner.routing.round_problem import LIMIT_TOLERANCE, ParcelFigures, RoundProblem, RoundStop, Trip


@dataclass(frozen=True, slots=True)
class FullLoad:
    """A direct trip with a full vehicle to a stop that is too big for one.

    Attributes
    ----------
    vehicle
        Index of the vehicle type in the round.
    node
        Index of the stop in the round before the split (its row in the matrices is ``node + 1``).
    stop
        The visit with this trip's parcels.
    """

    vehicle: int
    node: int
    stop: RoundStop


@dataclass(frozen=True, slots=True)
class SplitRound:
    """A round made servable.

    Attributes
    ----------
    rest
        The round of what remains after the full loads; every stop of it fits some vehicle type alone.
    nodes
        For each stop of `rest`, its index in the round before the split.
    full_loads
        Direct trips.
    dropped
        Facility id → why no vehicle type can serve it.
    """

    rest: RoundProblem
    nodes: tuple[int, ...]
    full_loads: tuple[FullLoad, ...]
    dropped: dict[str, Message]


def split_round(problem: RoundProblem, parcel: ParcelFigures) -> SplitRound:
    """Split what is too big into full loads and a rest, and leave out what no vehicle type can reach.

    A full load is a whole number of parcels and runs on the type with the least cost per parcel carried.
    """
    rests: list[RoundStop] = []
    nodes: list[int] = []
    full_loads: list[FullLoad] = []
    dropped: dict[str, Message] = {}
    for node, stop in enumerate(problem.stops):
        reason = unreachable_reason(problem, node, parcel)
        loads, rest = ([], stop) if reason else _split_stop(problem, node, parcel)
        if rest is not None and not reason and not _serving_types(problem, node, rest):
            reason = Message("reason_parcel_too_big_stop", {"facility_id": stop.facility_id})
        if reason:
            dropped[stop.facility_id] = reason
            continue
        full_loads += loads
        if rest is not None:
            rests.append(rest)
            nodes.append(node)
    rest_problem = replace(problem.select(tuple(nodes)), stops=tuple(rests))
    return SplitRound(rest_problem, tuple(nodes), tuple(full_loads), dropped)


def unreachable_reason(problem: RoundProblem, node: int, parcel: ParcelFigures) -> Message | None:
    """Return why not even an empty vehicle of any type can go to a stop and back, or None if one can."""
    facility_id = problem.stops[node].facility_id
    if not problem.vehicles:
        return Message("reason_no_vehicle_stop", {"facility_id": facility_id})
    trips = []
    for k, vehicle in enumerate(problem.vehicles):
        km = float(problem.metres[k][0, node + 1] + problem.metres[k][node + 1, 0]) / 1000.0
        driving = float(problem.minutes[k][0, node + 1] + problem.minutes[k][node + 1, 0])
        trips.append((problem.depot_loading_min + driving + parcel.stop_base_min, km, vehicle))
    reachable = [t for t in trips if math.isfinite(t[0]) and math.isfinite(t[1])]
    if not reachable:
        return Message("reason_off_road_stop", {"facility_id": facility_id})
    in_shift = [t for t in reachable if t[0] <= t[2].shift_min + LIMIT_TOLERANCE]
    if not in_shift:
        minutes, _, vehicle = min(reachable, key=lambda t: (t[0] - t[2].shift_min, t[2].vehicle_type_id))
        return Message(
            "reason_shift_stop",
            {"facility_id": facility_id, "minutes": round(minutes, 1), "shift_min": round(vehicle.shift_min, 1)},
        )
    if not any(t[1] <= t[2].range_km + LIMIT_TOLERANCE for t in in_shift):
        _, km, vehicle = min(in_shift, key=lambda t: (t[1] - t[2].range_km, t[2].vehicle_type_id))
        return Message(
            "reason_range_stop", {"facility_id": facility_id, "km": round(km, 1), "range_km": vehicle.range_km}
        )
    return None


def _split_stop(problem: RoundProblem, node: int, parcel: ParcelFigures) -> tuple[list[FullLoad], RoundStop | None]:
    """Take full loads off a stop until some type can serve the rest; None: nothing is left."""
    stop = problem.stops[node]
    loads: list[FullLoad] = []
    while not _serving_types(problem, node, stop):
        offers = []
        for k, vehicle in enumerate(problem.vehicles):
            full = _full_load(problem, node, k, stop, parcel)
            if full is not None:
                cny = problem.figures_of_direct(node, k, full).cny
                offers.append((cny / (full.delivery_parcels + full.pickup_parcels), vehicle.vehicle_type_id, k, full))
        if not offers:
            return loads, stop
        _, _, k, full = min(offers, key=lambda offer: offer[:2])
        loads.append(FullLoad(k, node, full))
        delivery = stop.delivery_parcels - full.delivery_parcels
        pickup = stop.pickup_parcels - full.pickup_parcels
        if delivery <= 0.0 and pickup <= 0.0:
            return loads, None
        stop = parcel.stop(stop.facility_id, delivery, pickup)
    return loads, stop


def _serving_types(problem: RoundProblem, node: int, stop: RoundStop) -> list[int]:
    """Vehicle types that can serve the visit by a direct trip."""
    one = replace(problem.select((node,)), stops=(stop,))
    return [k for k in range(len(problem.vehicles)) if one.allows(Trip(k, (0,)))]


def _full_load(problem: RoundProblem, node: int, k: int, stop: RoundStop, parcel: ParcelFigures) -> RoundStop | None:
    """Return the most of a stop's parcels one direct trip of type `k` carries; None if less than a parcel."""
    vehicle = problem.vehicles[k]
    base = problem.figures_of_direct(node, k, parcel.stop(stop.facility_id, 0.0, 0.0))
    room_min = vehicle.shift_min - base.minutes
    if not math.isfinite(room_min) or room_min < 0.0 or base.km > vehicle.range_km + LIMIT_TOLERANCE:
        return None
    by_time = room_min * 60.0 / parcel.stop_s_per_parcel if parcel.stop_s_per_parcel > 0.0 else math.inf
    by_volume = vehicle.volume_m3 / parcel.volume_m3 if parcel.volume_m3 > 0.0 else math.inf
    by_weight_in = vehicle.payload_kg / parcel.inbound_kg if parcel.inbound_kg > 0.0 else math.inf
    by_weight_out = vehicle.payload_kg / parcel.outbound_kg if parcel.outbound_kg > 0.0 else math.inf
    delivery = _take(stop.delivery_parcels, min(by_time, by_volume, by_weight_in))
    pickup = _take(stop.pickup_parcels, min(by_time - delivery, by_volume, by_weight_out))
    return parcel.stop(stop.facility_id, delivery, pickup) if delivery + pickup >= 1.0 else None


def _take(parcels: float, most: float) -> float:
    """All parcels if they fit, else a whole number of them."""
    return parcels if parcels <= most else float(max(0, math.floor(most)))
