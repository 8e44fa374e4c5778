"""From county and siting to rounds: loads of stations and points, travel and vehicle types of every depot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.costs import vehicle_cny_per_h, vehicle_cny_per_km
from planner.plan import PlanProblem
from planner.routing.result import RouteTier
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundVehicle
from planner.siting.result import SitingResult

DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Parcels:
    """Parcels a day, to the villages and from them."""

    delivery: float = 0.0
    pickup: float = 0.0


def parcel_figures(problem: PlanProblem) -> ParcelFigures:
    """Return weight, volume and handling time of a parcel."""
    p = problem.county.parameters
    return ParcelFigures(
        inbound_kg=p["inbound_parcel_kg"],
        outbound_kg=p["outbound_parcel_kg"],
        volume_m3=p["parcel_volume_m3"],
        stop_base_min=p["stop_base_min"],
        stop_s_per_parcel=p["stop_s_per_parcel"],
    )


def vehicle_counts(problem: PlanProblem) -> dict[str, int | None]:
    """Return the vehicles the county has of each type; None: no limit."""
    vehicles = problem.county.vehicles
    return {
        str(row["vehicle_type_id"]): None if pd.isna(row["vehicle_count"]) else int(row["vehicle_count"])
        for _, row in vehicles.iterrows()
    }


def parcels_of_points(problem: PlanProblem, siting: SitingResult) -> dict[str, Parcels]:
    """Return the daily parcels of every open point: those of its villages, over all operators."""
    demand = problem.county.demand
    daily = demand.groupby("village_code", sort=True)[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    inbound = {str(code): float(value) for code, value in daily["inbound_parcels_per_day"].items()}
    outbound = {str(code): float(value) for code, value in daily["outbound_parcels_per_day"].items()}
    villages: dict[str, list[str]] = {point: [] for point in siting.station_of_point}
    for village, point in sorted(siting.point_of_village.items()):
        villages[point].append(village)
    return {
        point: Parcels(
            math.fsum(inbound.get(v, 0.0) for v in members), math.fsum(outbound.get(v, 0.0) for v in members)
        )
        for point, members in villages.items()
    }


def build_trunk(
    problem: PlanProblem, siting: SitingResult, points: Mapping[str, Parcels], without: frozenset[str] = frozenset()
) -> list[RoundProblem]:
    """Return the rounds centre → stations with one day's parcels of the points that are served.

    A station at its centre's own place is no stop: its villages are served from the centre directly.

    Parameters
    ----------
    points
        Daily parcels of each point.
    without
        Facilities that no vehicle comes to: points whose parcels stay away, and stations that are left out.
    """
    loads: dict[str, list[Parcels]] = {station: [] for station in siting.centre_of_station}
    for point, station in sorted(siting.station_of_point.items()):
        if point not in without:
            loads[station].append(points[point])
    stops = {
        station: Parcels(math.fsum(p.delivery for p in parts), math.fsum(p.pickup for p in parts))
        for station, parts in loads.items()
    }
    place = {
        str(row["facility_id"]): (row["lon"], row["lat"])
        for row in problem.county.facilities[["facility_id", "lon", "lat"]].to_dict("records")
    }
    away = {s: c for s, c in siting.centre_of_station.items() if s not in place or place[s] != place.get(c)}
    return _rounds(problem, "county_township", away, stops, without)


def build_last_mile(
    problem: PlanProblem, siting: SitingResult, points: Mapping[str, Parcels], without: frozenset[str] = frozenset()
) -> list[RoundProblem]:
    """Return the rounds station → points; a visit carries ``7 / visits_per_week`` days of parcels."""
    days = DAYS_PER_WEEK / problem.standard.visits_per_week
    stops = {point: Parcels(p.delivery * days, p.pickup * days) for point, p in points.items()}
    return _rounds(problem, "township_village", siting.station_of_point, stops, without)


def _rounds(
    problem: PlanProblem,
    tier: RouteTier,
    depot_of: Mapping[str, str],
    loads: Mapping[str, Parcels],
    without: frozenset[str],
) -> list[RoundProblem]:
    days = DAYS_PER_WEEK if tier == "county_township" else problem.standard.visits_per_week
    parcel = parcel_figures(problem)
    vehicles = _vehicles(problem, tier)
    stops_of: dict[str, list[str]] = {}
    for facility_id, depot_id in sorted(depot_of.items()):
        if facility_id not in without and depot_id not in without:
            stops_of.setdefault(depot_id, []).append(facility_id)
    rounds = []
    for depot_id, facility_ids in sorted(stops_of.items()):
        places = [depot_id, *facility_ids]
        travel = [problem.travel[v.vehicle_type_id].sub(places, places) for v in vehicles]
        rounds.append(
            RoundProblem(
                tier=tier,
                depot_id=depot_id,
                stops=tuple(parcel.stop(f, loads[f].delivery, loads[f].pickup) for f in facility_ids),
                vehicles=vehicles,
                minutes=tuple(minutes for minutes, _ in travel),
                metres=tuple(metres for _, metres in travel),
                depot_loading_min=problem.routing.depot_loading_min,
                days_per_week=days,
            )
        )
    return rounds


def _vehicles(problem: PlanProblem, tier: RouteTier) -> tuple[RoundVehicle, ...]:
    """Vehicle types of a tier, in the order of the table."""
    parameters = problem.county.parameters
    return tuple(
        RoundVehicle(
            vehicle_type_id=str(row["vehicle_type_id"]),
            cny_per_km=vehicle_cny_per_km(row, parameters),
            cny_per_h=vehicle_cny_per_h(row, parameters),
            payload_kg=float(row["payload_kg"]),
            volume_m3=float(row["volume_m3"]),
            shift_min=60.0 * float(row["shift_h"]),
            range_km=math.inf if pd.isna(row["range_km"]) else float(row["range_km"]),
        )
        for _, row in problem.county.vehicles.iterrows()
        if row["tier"] in (tier, "both")
    )
