"""One depot's rich problem of one wave: from the plan's round to stops with windows and loads, and vehicles with batteries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import pandas as pd

from planner.costs import vehicle_cny_per_h, vehicle_cny_per_km
from planner.plan import Plan, PlanProblem
from planner.problems.routing import (
    Battery,
    BreakRule,
    RoutingDepot,
    RoutingProblem,
    RoutingStop,
    RoutingVehicle,
    Window,
)
from planner.routing.day.settings import DaySettings
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundStop

#: Part of a vehicle's room one split part of a big stop may take.
_FULL = 0.999
PRODUCE = "produce"


@dataclass(frozen=True, slots=True)
class StopLoad:
    """What one stop of the day is: facility, parcels handed over and taken on, produce taken on (kg)."""

    facility_id: str
    delivery_parcels: float
    pickup_parcels: float
    produce_kg: float = 0.0


@dataclass(frozen=True, eq=False)
class DayRound:
    """A depot's problem of one wave with what its stops mean.

    Attributes
    ----------
    problem
        The rich problem.
    depot_id, tier, wave
        Where and when.
    loads
        One entry a stop of the problem.
    plain
        The same round without any rule of the day, for its lower bound.
    """

    problem: RoutingProblem
    depot_id: str
    tier: str
    wave: int
    loads: tuple[StopLoad, ...]
    plain: RoundProblem


def produce_kg(problem: PlanProblem, plan: Plan, settings: DaySettings) -> dict[str, tuple[float, bool]]:
    """Return point → kilograms of produce a day in the month asked for, and whether some of it must stay cold."""
    found: dict[str, tuple[float, bool]] = {}
    if settings.month is None:
        return found
    for _, row in problem.county.produce.iterrows():
        point = plan.siting.point_of_village.get(str(row["village_code"]))
        if point is None or not _in_season(int(row["first_month"]), int(row["last_month"]), settings.month):
            continue
        kg, is_cold = found.get(point, (0.0, False))
        more = float(row["kg_per_day"]) * settings.harvest_factor
        found[point] = (kg + more, is_cold or row["temperature_class"] in ("chilled", "frozen"))
    return found


def _in_season(first: int, last: int, month: int) -> bool:
    return first <= month <= last if first <= last else month >= first or month <= last


def build_round(
    problem: PlanProblem,
    round_: RoundProblem,
    settings: DaySettings,
    *,
    wave: int,
    ready_min: float,
    produce: Mapping[str, tuple[float, bool]],
    parcel: ParcelFigures,
    points_behind: Mapping[str, int] = MappingProxyType({}),
) -> DayRound:
    """Return the rich problem of a round for one wave.

    Parameters
    ----------
    round_
        The plan's round with a visit's loads; types the county has none of are already left out.
    ready_min
        When loading may begin.
    produce
        Facility → kilograms a visit, and whether they must stay cold.
    points_behind
        Station → village points that wait for it; leaving it out counts once for each of them.
    """
    share, is_last = settings.waves[wave].share, wave == len(settings.waves) - 1
    stops: list[RoutingStop] = []
    loads: list[StopLoad] = []
    room = _largest(round_)
    for place, stop in enumerate(round_.stops, start=1):
        wanted = StopLoad(
            stop.facility_id, stop.delivery_parcels * share, stop.pickup_parcels if is_last else 0.0,
            produce.get(stop.facility_id, (0.0, False))[0] if is_last else 0.0,
        )  # fmt: skip
        is_cold = produce.get(stop.facility_id, (0.0, False))[1]
        parts = _parts(wanted, room, parcel, settings)
        penalty = settings.leave_out_cny * max(1.0, points_behind.get(stop.facility_id, 1) / len(parts))
        for part, load in enumerate(parts, start=1):
            made = _stop(round_.tier, load, settings, parcel, is_cold=is_cold)
            made = replace(
                made, penalty_cny=penalty, windows=_still_open(made.windows, ready_min + round_.depot_loading_min)
            )
            name = stop.facility_id if part == 1 else f"{stop.facility_id}#{part}"
            stops.append(_renamed(made, name, place))
            loads.append(load)
    rich = RoutingProblem(
        place_ids=(round_.depot_id, *(s.facility_id for s in round_.stops)),
        minutes=round_.minutes,
        metres=round_.metres,
        depots=(_depot(round_, ready_min, settings),),
        stops=tuple(stops),
        vehicles=tuple(
            _limited(_vehicle(problem, round_, k, ready_min, settings), len(stops)) for k in range(len(round_.vehicles))
        ),
        balance_min=settings.balance_min,
    )
    plain = _plain(round_, rich, loads)
    return DayRound(rich, round_.depot_id, round_.tier, wave, tuple(loads), plain)


def _still_open(windows: tuple[Window, ...], opens_min: float) -> tuple[Window, ...]:
    """Return the windows not over before the first departure; if all are, the last, so that the stop is named for it."""
    return tuple(w for w in windows if w[1] > opens_min) or windows[-1:]


def _depot(round_: RoundProblem, ready_min: float, settings: DaySettings) -> RoutingDepot:
    opens = ready_min + round_.depot_loading_min
    return RoutingDepot(round_.depot_id, 0, opens, max(settings.day_end_min, opens + 1.0), round_.depot_loading_min)


def _largest(round_: RoundProblem) -> tuple[float, float]:
    return (
        max((v.payload_kg for v in round_.vehicles), default=0.0),
        max((v.volume_m3 for v in round_.vehicles), default=0.0),
    )


def _weights(
    load: StopLoad, parcel: ParcelFigures, settings: DaySettings
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return delivery and pick-up as (kg, m³); empties weigh next to nothing and are counted by room."""
    empties = load.delivery_parcels * settings.empties_m3_per_parcel
    delivery = (load.delivery_parcels * parcel.inbound_kg, load.delivery_parcels * parcel.volume_m3)
    pickup = (
        load.pickup_parcels * parcel.outbound_kg + load.produce_kg,
        load.pickup_parcels * parcel.volume_m3 + load.produce_kg * settings.produce_m3_per_kg + empties,
    )
    return delivery, pickup


def _parts(load: StopLoad, room: tuple[float, float], parcel: ParcelFigures, settings: DaySettings) -> list[StopLoad]:
    """Divide a stop no vehicle can take into equal parts that fit the largest one."""
    delivery, pickup = _weights(load, parcel, settings)
    need = [max(d, p) / (r * _FULL) for d, p, r in zip(delivery, pickup, room, strict=True) if r > 0.0]
    count = max(1, math.ceil(max(need, default=1.0) - 1e-9))
    one = StopLoad(
        load.facility_id, load.delivery_parcels / count, load.pickup_parcels / count, load.produce_kg / count
    )
    return [one] * count


def _stop(tier: str, load: StopLoad, settings: DaySettings, parcel: ParcelFigures, *, is_cold: bool) -> RoutingStop:
    delivery, pickup = _weights(load, parcel, settings)
    facility = load.facility_id
    service = parcel.stop_base_min + parcel.stop_s_per_parcel / 60.0 * (
        load.delivery_parcels + load.pickup_parcels + load.produce_kg / max(parcel.outbound_kg, 1e-9)
    )
    usual = settings.point_windows if tier == "township_village" else ()
    cold = settings.cold_of.get(facility, math.inf)
    if is_cold and load.produce_kg > 0.0:
        cold = min(cold, settings.produce_cold_min)
    return RoutingStop(
        stop_id=facility,
        place=0,
        delivery=delivery,
        pickup=pickup,
        service_min=service,
        windows=settings.own_windows.get(facility, usual),
        zone=settings.zone_of.get(facility, ""),
        goods=("parcels", PRODUCE) if load.produce_kg > 0.0 else ("parcels",),
        cold_max_min=cold,
        spot_id=settings.spot_of.get(facility, ""),
    )


def _renamed(stop: RoutingStop, name: str, place: int) -> RoutingStop:
    return replace(stop, stop_id=name, place=place)


def _vehicle(
    problem: PlanProblem, round_: RoundProblem, k: int, ready_min: float, settings: DaySettings
) -> RoutingVehicle:
    vehicle = round_.vehicles[k]
    row = problem.county.vehicles.set_index("vehicle_type_id").loc[vehicle.vehicle_type_id]
    parameters = problem.county.parameters
    battery = _battery(problem, vehicle.vehicle_type_id, row, settings) if settings.has_batteries else None
    rest = None if settings.break_after_min is None else BreakRule(settings.break_after_min, settings.break_min)
    return RoutingVehicle(
        vehicle_type_id=vehicle.vehicle_type_id,
        capacity=(vehicle.payload_kg, vehicle.volume_m3),
        cny_per_km=vehicle_cny_per_km(row, parameters),
        cny_per_h=vehicle_cny_per_h(row, parameters),
        shift=(ready_min, max(settings.day_end_min, ready_min + round_.depot_loading_min + 1.0)),
        available=vehicle.available,
        longest_min=vehicle.shift_min,
        trips_most=settings.trips_most,
        range_km=math.inf if battery is not None else vehicle.range_km,
        profile=k,
        permits=settings.permits.get(vehicle.vehicle_type_id, ()),
        break_rule=rest,
        battery=battery,
        is_refrigerated=vehicle.vehicle_type_id in settings.refrigerated,
    )


def _limited(vehicle: RoutingVehicle, stops: int) -> RoutingVehicle:
    """Return the type with no more vehicles than stops, so that engines need not try more."""
    return replace(vehicle, available=min(stops, stops if vehicle.available is None else vehicle.available))


def _battery(problem: PlanProblem, type_id: str, row: pd.Series, settings: DaySettings) -> Battery | None:
    """Return a battery that lasts the range; in winter the type's own figure, else a share of the range."""
    per_km = float(row["energy_per_km"])
    if str(row["energy_kind"]) != "electric" or pd.isna(row["range_km"]) or per_km <= 0.0:
        return None
    km = float(row["range_km"])
    if settings.is_winter:
        known = problem.county.parameters.get(f"{type_id}_range_winter_km")
        km = km * settings.winter_range_share if known is None else min(float(known), km)
    return Battery(km * per_km, per_km, 60.0 / settings.charger_kw)


def _plain(round_: RoundProblem, rich: RoutingProblem, loads: list[StopLoad]) -> RoundProblem:
    """Return the round with the day's loads but none of its rules: its bound holds for the rich round too."""
    stops = tuple(
        RoundStop(
            stop.stop_id, load.delivery_parcels, load.pickup_parcels, stop.delivery[0], stop.pickup[0],
            stop.delivery[1], stop.pickup[1], stop.service_min,
        )
        for stop, load in zip(rich.stops, loads, strict=True)
    )  # fmt: skip
    nodes = [0, *(stop.place for stop in rich.stops)]
    vehicles = tuple(replace(v, range_km=math.inf, available=None) for v in round_.vehicles)
    return replace(
        round_,
        stops=stops,
        vehicles=vehicles,
        minutes=tuple(array[nodes][:, nodes] for array in round_.minutes),
        metres=tuple(array[nodes][:, nodes] for array in round_.metres),
    )
