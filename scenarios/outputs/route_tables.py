"""Trips and stops as tables: kilometres, minutes, load and cost of every trip, from the plan and the travel times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planner.costs import trip_cny
from planner.plan import Plan, PlanProblem
from planner.routing.result import Route
from scenarios.outputs.columns import with_numbers

ROUTE_COLUMNS = (
    "route_id",
    "tier",
    "depot_id",
    "depot_name",
    "vehicle",
    "vehicle_number",
    "days_per_week",
    "stop_count",
    "stop_names",
    "trip_km",
    "trip_min",
    "delivery_parcels",
    "pickup_parcels",
    "max_load_kg",
    "load_share",
    "trip_cny",
    "cny_per_day",
)
STOP_COLUMNS = (
    "route_id",
    "tier",
    "stop_sequence",
    "facility_id",
    "name",
    "days_per_week",
    "delivery_parcels",
    "pickup_parcels",
    "arrival_min",
    "leg_km",
)


@dataclass(frozen=True, slots=True)
class TripRun:
    """A trip driven through: kilometres and minutes, and when each stop is reached."""

    km: float | None
    minutes: float | None
    arrivals_min: tuple[float | None, ...]
    legs_km: tuple[float | None, ...]


def _leg(problem: PlanProblem, profile: str, start: str, end: str) -> tuple[float, float] | None:
    try:
        matrix = problem.travel[profile]
        metres, minutes = matrix.metres_between(start, end), matrix.minutes_between(start, end)
    except KeyError:
        return None
    return (metres / 1000.0, minutes) if math.isfinite(metres) else None


def drive(problem: PlanProblem, route: Route) -> TripRun:
    """Drive a trip through: loading, legs, time at each stop; None where the travel times have no answer."""
    parameters = problem.county.parameters
    place, km = route.depot_id, 0.0
    minutes = problem.routing.depot_loading_min
    arrivals: list[float | None] = []
    legs: list[float | None] = []
    is_known = True
    for stop in route.stops:
        leg = _leg(problem, route.vehicle_type_id, place, stop.facility_id) if is_known else None
        is_known = leg is not None
        if leg is not None:
            km, minutes = km + leg[0], minutes + leg[1]
        arrivals.append(minutes if is_known else None)
        legs.append(leg[0] if leg is not None else None)
        parcels = stop.delivery_parcels + stop.pickup_parcels
        minutes += parameters["stop_base_min"] + parameters["stop_s_per_parcel"] / 60.0 * parcels
        place = stop.facility_id
    back = _leg(problem, route.vehicle_type_id, place, route.depot_id) if is_known else None
    if back is None:
        return TripRun(None, None, tuple(arrivals), (*legs, None))
    return TripRun(km + back[0], minutes + back[1], tuple(arrivals), (*legs, back[0]))


def peak_load(route: Route, problem: PlanProblem, vehicle: Mapping[str, Any] | None) -> tuple[float, float | None]:
    """Return the greatest load on the way (kg) and its share of the vehicle's binding capacity."""
    p = problem.county.parameters
    on_board = sum(stop.delivery_parcels for stop in route.stops)
    picked = 0.0
    peak_kg, peak_m3 = on_board * p["inbound_parcel_kg"], on_board * p["parcel_volume_m3"]
    for stop in route.stops:
        on_board -= stop.delivery_parcels
        picked += stop.pickup_parcels
        peak_kg = max(peak_kg, on_board * p["inbound_parcel_kg"] + picked * p["outbound_parcel_kg"])
        peak_m3 = max(peak_m3, (on_board + picked) * p["parcel_volume_m3"])
    if vehicle is None:
        return peak_kg, None
    return peak_kg, max(peak_kg / float(vehicle["payload_kg"]), peak_m3 / float(vehicle["volume_m3"]))


def _route_row(
    problem: PlanProblem, route: Route, run: TripRun, vehicle: Mapping[str, Any] | None, names: Mapping[str, str]
) -> dict[str, Any]:
    peak_kg, load_share = peak_load(route, problem, vehicle)
    cost = None
    if run.km is not None and run.minutes is not None and vehicle is not None:
        cost = trip_cny(vehicle, problem.county.parameters, km=run.km, minutes=run.minutes)
    return {
        "route_id": route.route_id,
        "tier": route.tier,
        "depot_id": route.depot_id,
        "depot_name": names.get(route.depot_id, route.depot_id),
        "vehicle": str(vehicle["name"]) if vehicle is not None else route.vehicle_type_id,
        "vehicle_number": route.vehicle_number,
        "days_per_week": route.days_per_week,
        "stop_count": len(route.stops),
        "stop_names": " → ".join(names.get(stop.facility_id, stop.facility_id) for stop in route.stops),
        "trip_km": run.km,
        "trip_min": run.minutes,
        "delivery_parcels": sum(stop.delivery_parcels for stop in route.stops),
        "pickup_parcels": sum(stop.pickup_parcels for stop in route.stops),
        "max_load_kg": peak_kg,
        "load_share": load_share,
        "trip_cny": cost,
        "cny_per_day": None if cost is None else cost * route.days_per_week / 7.0,
    }


def route_frames(problem: PlanProblem, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of trips and the table of stops, in the order of the plan."""
    facilities = problem.county.facilities
    names = dict(zip(facilities["facility_id"].astype(str), facilities["name"].astype(str), strict=True))
    vehicles = {str(v["vehicle_type_id"]): v for v in problem.county.vehicles.to_dict("records")}
    routes: list[dict[str, Any]] = []
    stops: list[dict[str, Any]] = []
    for route in plan.routing.routes:
        run = drive(problem, route)
        routes.append(_route_row(problem, route, run, vehicles.get(route.vehicle_type_id), names))
        stops += [
            {
                "route_id": route.route_id,
                "tier": route.tier,
                "stop_sequence": i + 1,
                "facility_id": stop.facility_id,
                "name": names.get(stop.facility_id, stop.facility_id),
                "days_per_week": route.days_per_week,
                "delivery_parcels": stop.delivery_parcels,
                "pickup_parcels": stop.pickup_parcels,
                "arrival_min": run.arrivals_min[i],
                "leg_km": run.legs_km[i],
            }
            for i, stop in enumerate(route.stops)
        ]
    trips = pd.DataFrame(routes, columns=list(ROUTE_COLUMNS))
    return with_numbers(trips), with_numbers(pd.DataFrame(stops, columns=list(STOP_COLUMNS)))
