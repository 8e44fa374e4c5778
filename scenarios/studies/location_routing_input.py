"""A county's stations and points as one problem of joint siting and routing, in CNY of a mean day over the week."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.matrix import FloatMatrix
from planner.costs import closing_cny_per_day, site_cny_per_day, vehicle_cny_per_h, vehicle_cny_per_km
from planner.plan import PlanProblem, VerifiedPlan
from planner.problems.location_routing import FirstEchelon, LocationRoutingProblem
from planner.problems.siting import Floats
from planner.routing.result import RouteTier
from planner.routing.rounds_build import Parcels, parcel_figures, parcels_of_points
from planner.siting.links import same_place, visits_per_week
from scenarios.spec import nearest
from scenarios.studies.options import AUTO, Options

DAYS_PER_WEEK = 7.0
#: A way that does not exist costs this many times the dearest one: never worth it, and named if it is used.
_NO_WAY = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class CountyLocation:
    """The problem with the places it was made from.

    Attributes
    ----------
    problem
        Depots are `direct` (no supply needed) and then `stations`; platforms are `centres`; customers are `parts`.
    centres, direct, stations, points
        Facility ids: the plan's centres, those of them rounds may start from, stations that may be open, points the plan serves.
    parts
        Point of each customer: a point above a vehicle's load stands for several customers.
    parcels
        Parcels of each point, a mean day.
    station_cny
        Cost a day of each station open and closed.
    kept
        Stations that stay open whatever is decided.
    constant_cny
        What stations cost whatever is decided.
    truck, vehicle
        Vehicle types of the two tiers.
    """

    problem: LocationRoutingProblem
    centres: tuple[str, ...]
    direct: tuple[str, ...]
    stations: tuple[str, ...]
    points: tuple[str, ...]
    parts: tuple[str, ...]
    parcels: dict[str, Parcels]
    station_cny: dict[str, tuple[float, float]]
    kept: frozenset[str]
    constant_cny: float
    truck: str
    vehicle: str

    @property
    def depots(self) -> tuple[str, ...]:
        """Facility ids of the depots in the problem's order."""
        return (*self.direct, *self.stations)


def county_location(problem: PlanProblem, verified: VerifiedPlan, options: Options) -> CountyLocation:
    """Make the problem a study asks about.

    Raises
    ------
    InputError
        With every vehicle type that does not exist or is of another tier, and every point without a way to any depot.
    """
    truck, vehicle = _vehicles(problem, verified, options)
    siting, dropped = verified.plan.siting, verified.plan.routing.dropped
    centres = tuple(sorted(set(siting.centre_of_station.values())))
    points = tuple(p for p in sorted(siting.station_of_point) if p not in dropped)
    if not points:
        raise InputError(Message("study_location_no_points"), [Problem("error", "study_location_no_points")])
    rows = problem.county.facilities.set_index("facility_id", drop=False)
    stations = _stations(problem, verified, rows, options)
    loads = parcels_of_points(problem, siting)
    parcels = {p: loads[p] for p in points}
    money = {
        s: (site_cny_per_day(rows.loc[s], problem.county.parameters), _closed(problem, rows.loc[s])) for s in stations
    }
    is_sunk = [_is_sunk(problem, rows.loc[s], options) for s in stations]
    opening = np.array([0.0 if sunk else max(0.0, o - c) for sunk, (o, c) in zip(is_sunk, money.values(), strict=True)])
    constant = sum(o if sunk else min(o, c) for sunk, (o, c) in zip(is_sunk, money.values(), strict=True))
    kept = frozenset(s for s, sunk in zip(stations, is_sunk, strict=True) if sunk or money[s][0] <= money[s][1])
    here = [bool(value) for value in same_place(problem, centres, stations).sum(axis=0)]
    parts, demand = _parts(problem, points, parcels, vehicle)
    direct = centres if options.switch("skip_tier", otherwise=True) else ()
    depots = (*direct, *stations)
    per_truck = _per_parcel_cny(problem, truck)
    model = LocationRoutingProblem(
        cost=_finite(_arcs(problem, "township_village", vehicle, depots, parts, demand)),
        demand=demand,
        opening=np.concatenate([np.zeros(len(direct)), opening]),
        capacity=np.array([math.inf] * len(direct) + [_room(problem, rows.loc[s]) for s in stations]),
        vehicle_capacity=_full(problem, vehicle, "township_village", parcels),
        unit_cost=np.array([0.0] * len(direct) + [0.0 if h else per_truck for h in here]),
        route_fixed=_trip_cny(problem, vehicle, "township_village"),
        minutes=_minutes(problem, vehicle, depots, parts, demand),
        longest_min=_longest(problem, vehicle),
        first=FirstEchelon(
            cost=_finite(_arcs(problem, "county_township", truck, centres, depots, None)),
            opening=np.zeros(len(centres)),
            capacity=np.full(len(centres), np.inf),
            truck_capacity=_full(problem, truck, "county_township", parcels),
            truck_fixed=_trip_cny(problem, truck, "county_township"),
            is_split=True,
        ),
        is_direct=tuple([True] * len(direct) + here),
    )
    _refuse_unreachable(problem, vehicle, depots, points)
    return CountyLocation(
        model, centres, direct, stations, points, parts, parcels, money, kept, constant, truck, vehicle
    )


def _vehicles(problem: PlanProblem, verified: VerifiedPlan, options: Options) -> tuple[str, str]:
    """Return the vehicle types: those named, else those the plan's rounds use most."""
    found, problems = [], []
    rows = problem.county.vehicles
    for key, tier in (("truck", "county_township"), ("vehicle", "township_village")):
        fits = [str(r["vehicle_type_id"]) for _, r in rows.iterrows() if r["tier"] in (tier, "both")]
        name = options.text(key, AUTO)
        used = [route.vehicle_type_id for route in verified.plan.routing.routes if route.tier == tier]
        chosen = max(sorted(set(used) or set(fits)), key=used.count) if name == AUTO and fits else name
        found.append(chosen)
        if chosen not in fits:
            params = {"known": ", ".join(fits), "nearest": nearest(chosen, fits)}
            problems.append(Problem("error", "study_location_vehicle", column=key, value=name, params=params))
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return found[0], found[1]


def _stations(problem: PlanProblem, verified: VerifiedPlan, rows: pd.DataFrame, options: Options) -> tuple[str, ...]:
    plan = set(verified.plan.siting.centre_of_station)
    if options.text("stations", "plan") == "plan":
        return tuple(sorted(plan))
    every = rows[(rows["kind"] == "township_station") & (rows["lock"] != "closed")]["facility_id"].astype(str)
    known = set(problem.travel[str(problem.county.vehicles["vehicle_type_id"].iloc[0])].origin_ids)
    return tuple(sorted(plan | {s for s in every if s in known}))


def _is_sunk(problem: PlanProblem, row: pd.Series, options: Options) -> bool:
    """Tell whether a station stays open whatever is decided."""
    keeps = problem.siting.keep_existing and row["status"] == "existing"
    return bool(row["lock"] == "open" or keeps or options.text("stations", "plan") == "plan")


def _closed(problem: PlanProblem, row: pd.Series) -> float:
    return closing_cny_per_day(row, problem.county.parameters) if row["status"] == "existing" else 0.0


def _room(problem: PlanProblem, row: pd.Series) -> float:
    capacity = float(row["capacity_parcels_per_day"])
    return math.inf if math.isnan(capacity) else capacity / problem.siting.capacity_day_factor


def _row(problem: PlanProblem, vehicle: str) -> pd.Series:
    return problem.county.vehicles.set_index("vehicle_type_id", drop=False).loc[vehicle]


def _days(problem: PlanProblem, tier: RouteTier) -> float:
    return visits_per_week(problem, tier) / DAYS_PER_WEEK


def _full(problem: PlanProblem, vehicle: str, tier: RouteTier, parcels: dict[str, Parcels]) -> float:
    """Return the parcels a mean day of stops that fill a vehicle, by the point whose parcels fill it most each.

    Deliveries and pick-ups share the way, so the larger of the two counts at each stop: no order of stops then breaks the limit.
    """
    row, figures = _row(problem, vehicle), parcel_figures(problem)
    days, worst = 1.0 / _days(problem, tier), 0.0
    for load in parcels.values():
        total = load.delivery + load.pickup
        if total > 0.0:
            stop = figures.stop("", load.delivery * days, load.pickup * days)
            kg = max(stop.delivery_kg, stop.pickup_kg) / float(row["payload_kg"])
            m3 = max(stop.delivery_m3, stop.pickup_m3) / float(row["volume_m3"])
            worst = max(worst, kg / total, m3 / total)
    return 1.0 / worst if worst > 0.0 else 1.0


def _parts(
    problem: PlanProblem, points: tuple[str, ...], parcels: dict[str, Parcels], vehicle: str
) -> tuple[tuple[str, ...], Floats]:
    """Return customers: a point whose load is above a vehicle's is cut into equal parts."""
    full = _full(problem, vehicle, "township_village", parcels)
    parts: list[str] = []
    demand: list[float] = []
    for point in points:
        total = parcels[point].delivery + parcels[point].pickup
        count = max(1, math.ceil(total / full - 1e-9))
        parts += [point] * count
        demand += [total / count] * count
    return tuple(parts), np.array(demand)


def _trip_cny(problem: PlanProblem, vehicle: str, tier: RouteTier) -> float:
    """Return what a trip costs before it leaves: loading at the depot."""
    per_h = vehicle_cny_per_h(_row(problem, vehicle), problem.county.parameters)
    return _days(problem, tier) * problem.routing.depot_loading_min / 60.0 * per_h


def _per_parcel_cny(problem: PlanProblem, vehicle: str) -> float:
    parameters = problem.county.parameters
    return parameters["stop_s_per_parcel"] / 3600.0 * vehicle_cny_per_h(_row(problem, vehicle), parameters)


def _service(problem: PlanProblem, tier: RouteTier, count: int, demand: Floats | None) -> Floats:
    """Return minutes at each stop of a visit; without demand the base only."""
    base = np.full(count, problem.county.parameters["stop_base_min"])
    if demand is None:
        return base
    return base + problem.county.parameters["stop_s_per_parcel"] / 60.0 * demand / _days(problem, tier)


def _arcs(
    problem: PlanProblem,
    tier: RouteTier,
    vehicle: str,
    depots: tuple[str, ...],
    stops: tuple[str, ...],
    demand: Floats | None,
) -> FloatMatrix:
    """Return CNY a mean day of every way with the service at its end, depots first; from a place to itself nothing."""
    row, parameters = _row(problem, vehicle), problem.county.parameters
    places = [*depots, *stops]
    minutes, metres = problem.travel[vehicle].sub(places, places)
    served = np.concatenate([np.zeros(len(depots)), _service(problem, tier, len(stops), demand)])
    hours = (minutes + served[None, :]) / 60.0
    cost: FloatMatrix = _days(problem, tier) * (
        metres / 1000.0 * vehicle_cny_per_km(row, parameters) + hours * vehicle_cny_per_h(row, parameters)
    )
    np.fill_diagonal(cost, 0.0)
    return cost


def _minutes(
    problem: PlanProblem, vehicle: str, depots: tuple[str, ...], parts: tuple[str, ...], demand: Floats
) -> FloatMatrix:
    """Return minutes of every way; where a vehicle has a range, each kilometre takes at least its share of the shift."""
    row, places = _row(problem, vehicle), [*depots, *parts]
    minutes, metres = problem.travel[vehicle].sub(places, places)
    served = np.concatenate([np.zeros(len(depots)), _service(problem, "township_village", len(parts), demand)])
    spent: FloatMatrix = minutes + served[None, :]
    range_km = float(row["range_km"])
    if np.isfinite(range_km):
        spent = np.maximum(spent, metres / 1000.0 / range_km * _longest(problem, vehicle))
    return np.where(np.isfinite(spent), spent, _NO_WAY * 1440.0)


def _longest(problem: PlanProblem, vehicle: str) -> float:
    return 60.0 * float(_row(problem, vehicle)["shift_h"]) - problem.routing.depot_loading_min


def _finite(cost: FloatMatrix) -> FloatMatrix:
    known = cost[np.isfinite(cost)]
    return np.where(np.isfinite(cost), cost, _NO_WAY * float(known.max()))


def _refuse_unreachable(problem: PlanProblem, vehicle: str, depots: tuple[str, ...], points: tuple[str, ...]) -> None:
    """Refuse points that the vehicle cannot serve alone within its shift from any depot that may be used."""
    out = problem.travel[vehicle].sub(list(depots), list(points))[0]
    back = problem.travel[vehicle].sub(list(points), list(depots))[0]
    alone = (out + back.T).min(axis=0) + problem.county.parameters["stop_base_min"]
    longest = _longest(problem, vehicle)
    far = [
        Problem(
            "error",
            "study_location_too_far",
            table="facilities",
            column="facility_id",
            value=point,
            params={
                "vehicle": vehicle,
                "longest": round(longest),
                "minutes": round(spent) if np.isfinite(spent) else "∞",
            },
        )
        for point, spent in zip(points, alone, strict=True)
        if spent > longest
    ]
    if far:
        raise InputError(Message("study_location_too_far_all", {"count": len(far), "vehicle": vehicle}), far)
