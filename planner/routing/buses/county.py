"""A county's plan as a bus question: which stops reach which points and depots, and the truck rounds behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geodata.frames import haversine_km
from networks.timetable import Timetable
from planner.costs import vehicle_cny_per_h
from planner.plan import Plan, PlanProblem
from planner.problems.buses import BusOrigin, BusPoint, BusRules, BusSide
from planner.routing.buses.trucks import TruckDepot
from planner.routing.round_problem import RoundProblem
from planner.routing.rounds_build import (
    build_last_mile,
    parcel_figures,
    parcels_of_points,
    vehicle_counts,
)

#: Usual service days of so many visits a week.
WEEKDAYS: Mapping[int, str] = {1: "3", 2: "14", 3: "135", 4: "1245", 5: "12345", 6: "123456", 7: "1234567"}


@dataclass(frozen=True, slots=True)
class BusReach:
    """How far bags are brought to a stop, and when they are ready.

    Attributes
    ----------
    point_km, origin_km
        A point, a centre or a station uses a stop at most this far away, straight line; a stop in the point's own village counts
        always.
    centre_ready_min, station_ready_min
        When the day's bags stand at the centre's and the stations' stops, minutes after midnight.
    """

    point_km: float = 0.5
    origin_km: float = 1.5
    centre_ready_min: float = 480.0
    station_ready_min: float = 600.0


def county_buses(
    problem: PlanProblem, plan: Plan, timetable: Timetable, rules: BusRules, reach: BusReach
) -> tuple[BusSide, tuple[TruckDepot, ...]]:
    """Return the bus side of a plan and the stations whose rounds it may relieve.

    Points dropped by the plan's rounds stay out; stations without a point at a stop keep their rounds and are left out. The
    centre's trips stay as the plan has them; parcels that ride from the centre only save their handling there.
    """
    siting, dropped = plan.siting, frozenset(plan.routing.dropped)
    stops = _stops_of(problem, timetable, [*siting.station_of_point, *_depots(plan)], reach)
    parcels = parcels_of_points(problem, siting)
    days = 7.0 / len(rules.weekdays)
    points = tuple(
        BusPoint(p, parcels[p].delivery * days, parcels[p].pickup * days, stops[p])
        for p in sorted(siting.station_of_point)
        if p not in dropped and siting.station_of_point[p] not in dropped and stops[p]
    )
    origins = _origins(plan, stops, points, reach)
    side = BusSide(timetable.runs, points, origins, rules, _relief(problem, plan, points))
    return side, _truck_depots(problem, plan, origins, dropped)


def _depots(plan: Plan) -> list[str]:
    stations = plan.siting.centre_of_station
    return sorted({*stations, *stations.values()})


def _stops_of(
    problem: PlanProblem, timetable: Timetable, facility_ids: list[str], reach: BusReach
) -> dict[str, frozenset[str]]:
    """Return facility → stops it can use."""
    rows = problem.county.facilities.set_index("facility_id").loc[facility_ids]
    listed = [s for s in timetable.stops.values() if math.isfinite(s.lon) and math.isfinite(s.lat)]
    lon, lat = np.array([s.lon for s in listed]), np.array([s.lat for s in listed])
    found = {}
    for facility_id, row in rows.iterrows():
        is_point = row["kind"] == "village_point"
        km = haversine_km(float(row["lon"]), float(row["lat"]), lon, lat) if listed else np.zeros(0)
        near = km <= (reach.point_km if is_point else reach.origin_km)
        own = {s.stop_id for s in timetable.stops.values() if _is_own(s.village_code, row)} if is_point else set()
        found[str(facility_id)] = frozenset(
            own | {s.stop_id for s, is_near in zip(listed, near, strict=True) if is_near}
        )
    return found


def _is_own(village_code: str, facility: pd.Series) -> bool:
    return bool(village_code) and village_code == str(facility["village_code"])


def _origins(
    plan: Plan, stops: Mapping[str, frozenset[str]], points: tuple[BusPoint, ...], reach: BusReach
) -> tuple[BusOrigin, ...]:
    siting = plan.siting
    of_station: dict[str, set[str]] = {}
    of_centre: dict[str, set[str]] = {}
    for point in points:
        station = siting.station_of_point[point.point_id]
        of_station.setdefault(station, set()).add(point.point_id)
        of_centre.setdefault(siting.centre_of_station[station], set()).add(point.point_id)
    made = [BusOrigin(c, stops[c], reach.centre_ready_min, frozenset(own)) for c, own in sorted(of_centre.items())]
    made += [BusOrigin(s, stops[s], reach.station_ready_min, frozenset(own)) for s, own in sorted(of_station.items())]
    return tuple(origin for origin in made if origin.stop_ids)


def _relief(problem: PlanProblem, plan: Plan, points: tuple[BusPoint, ...]) -> dict[tuple[str, str], float]:
    """Return the handling a trunk truck is spared at the station when a point's parcels ride from the centre.

    Seconds a parcel × the cheapest hour among the trips that call at the station; kilometres and trips stay.
    """
    rates: dict[str, float] = {}
    parameters = problem.county.parameters
    vehicles = problem.county.vehicles.set_index("vehicle_type_id")
    for route in plan.routing.routes:
        if route.tier == "county_township":
            cny_per_h = vehicle_cny_per_h(vehicles.loc[route.vehicle_type_id], parameters)
            for stop in route.stops:
                rates[stop.facility_id] = min(cny_per_h, rates.get(stop.facility_id, math.inf))
    daily = parcels_of_points(problem, plan.siting)
    hours = parameters["stop_s_per_parcel"] / 3600.0
    found = {}
    for point in points:
        station = plan.siting.station_of_point[point.point_id]
        parcels = daily[point.point_id].delivery + daily[point.point_id].pickup
        found[point.point_id, plan.siting.centre_of_station[station]] = hours * parcels * rates.get(station, 0.0)
    return found


def _truck_depots(
    problem: PlanProblem, plan: Plan, origins: tuple[BusOrigin, ...], dropped: frozenset[str]
) -> tuple[TruckDepot, ...]:
    parcels, figures = parcels_of_points(problem, plan.siting), parcel_figures(problem)
    depots: list[TruckDepot] = []
    for round_ in build_last_mile(problem, plan.siting, parcels, dropped):
        by = {
            s.facility_id: frozenset(o.origin_id for o in origins if s.facility_id in o.point_ids) for s in round_.stops
        }
        relieved = {point: names for point, names in sorted(by.items()) if names}
        if relieved:
            depots.append(TruckDepot(_usable(problem, round_), figures, problem.routing, relieved))
    return tuple(depots)


def _usable(problem: PlanProblem, round_: RoundProblem) -> RoundProblem:
    """Take away the types the county has no vehicle of."""
    counts = vehicle_counts(problem)
    kinds = tuple(k for k, v in enumerate(round_.vehicles) if counts.get(v.vehicle_type_id) != 0)
    return round_.with_vehicles(kinds, (None,) * len(kinds))
