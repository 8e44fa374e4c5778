"""K16 to K19 and K24: how full the vehicles run, how far empty, how much they carry, and their CO₂."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from planner.emissions import energy_of_trips
from planner.kpi.rows import Case, Row
from planner.plan import Kpi
from planner.verification.facts import DAYS_PER_WEEK
from planner.verification.measures import Leg, Trip, flow_of
from planner.verification.money import ROUTE_TIERS
from planner.verification.trips import vehicles_used

_NO_LOAD = 1e-9

_Load = Callable[[Leg], float]
#: From a trip and a way to weigh a leg to pairs (leg, weight) whose load is set against the capacity.
_Choice = Callable[[Trip, _Load], list[tuple[Leg, float]]]


def load_rows(case: Case) -> Iterator[Kpi]:
    """Yield K16 for each tier: fullest leg, outbound, return, and over the kilometres."""
    for tier in ROUTE_TIERS:
        trips = _of(case, tier)
        for part, choose in _CHOICES.items():
            yield _load_factor(case, f"{tier}_{part}", trips, choose)


def _of(case: Case, tier: str) -> list[Trip]:
    return [trip for trip in case.trips if trip.route.tier == tier and trip.legs]


def _load_factor(case: Case, part: str, trips: Sequence[Trip], choose: _Choice) -> Kpi:
    """Divide load by capacity in the dimension that binds: weight or volume, whichever is fuller over the tier."""
    by_weight = Row("K16", part, "share", case.villages_id, "kpi_note_k16_kg")
    by_volume = Row("K16", part, "share", case.villages_id, "kpi_note_k16_m3")
    rows = (
        by_weight.ratio(*_load_over_room(trips, choose, lambda leg: leg.kg, lambda trip: trip.vehicle.payload_kg)),
        by_volume.ratio(*_load_over_room(trips, choose, lambda leg: leg.m3, lambda trip: trip.vehicle.volume_m3)),
    )
    return max(rows, key=lambda row: -1.0 if row.value is None else row.value)


def _load_over_room(
    trips: Sequence[Trip], choose: _Choice, load: _Load, room: Callable[[Trip], float]
) -> tuple[float, float]:
    """Return Σ load and Σ capacity over the chosen legs; no capacity where a vehicle has no limit."""
    if any(math.isinf(room(trip)) for trip in trips):
        return 0.0, 0.0
    chosen = [(trip, leg, weight * trip.runs_per_day) for trip in trips for leg, weight in choose(trip, load)]
    return (
        math.fsum(load(leg) * weight for _, leg, weight in chosen),
        math.fsum(room(trip) * weight for trip, _, weight in chosen),
    )


_CHOICES: dict[str, _Choice] = {
    "fullest": lambda trip, load: [(max(trip.legs, key=load), 1.0)],
    "outbound": lambda trip, _load: [(trip.legs[0], 1.0)],
    "return": lambda trip, _load: [(trip.legs[-1], 1.0)],
    "by_km": lambda trip, _load: [(leg, leg.km) for leg in trip.legs],
}


def empty_rows(case: Case) -> Iterator[Kpi]:
    """Yield K17: kilometres without any load over all kilometres, by tier and in all."""
    for part, trips in (*((tier, _of(case, tier)) for tier in ROUTE_TIERS), ("total", list(case.trips))):
        legs = [(leg, trip.runs_per_day) for trip in trips for leg in trip.legs]
        empty = math.fsum(leg.km * runs for leg, runs in legs if leg.parcels <= _NO_LOAD)
        yield Row("K17", part, "share", case.villages_id, "kpi_note_k17").ratio(empty, _km(trips))


def productivity_rows(case: Case) -> Iterator[Kpi]:
    """Yield K18: parcels a vehicle-day and a kilometre, by tier and in all (there each parcel counts once)."""
    groups = [(tier, _of(case, tier)) for tier in ROUTE_TIERS]
    carried = [math.fsum(trip.parcels * trip.runs_per_day for trip in trips) for _, trips in groups]
    for (tier, trips), parcels in zip(groups, carried, strict=True):
        yield from _productivity(case, tier, trips, parcels)
    yield from _productivity(case, "total", case.trips, case.served.parcels)


def _productivity(case: Case, part: str, trips: Sequence[Trip], parcels: float) -> Iterator[Kpi]:
    vehicle_days = math.fsum(
        max(trip.route.days_per_week for trip in own) / DAYS_PER_WEEK for own in vehicles_used(trips).values()
    )
    note, villages_id = "kpi_note_k18", case.villages_id
    yield Row("K18", f"{part}_vehicle_day", "parcel_per_vehicle_day", villages_id, note).ratio(parcels, vehicle_days)
    yield Row("K18", f"{part}_km", "parcel_per_km", villages_id, note).ratio(parcels, _km(trips))


def _km(trips: Sequence[Trip]) -> float:
    return math.fsum(trip.km * trip.runs_per_day for trip in trips)


def flow_rows(case: Case) -> Iterator[Kpi]:
    """Yield K19: outbound over inbound parcels, as carried and for all villages of the list."""
    carried, everyone = case.served, flow_of(case.facts, case.facts.villages)
    yield Row("K19", "total", "ratio", case.villages_id, "kpi_note_k19").ratio(carried.outbound, carried.inbound)
    yield Row("K19", "all_villages", "ratio", case.villages_id, "").ratio(everyone.outbound, everyone.inbound)


def emission_rows(case: Case) -> Iterator[Kpi]:
    """Yield K24: kilograms of CO₂ a day by energy and in all, and per parcel."""
    uses = energy_of_trips(case.trips, case.facts.parameters)
    days = float(DAYS_PER_WEEK)
    for use in uses:
        week = use.kg_co2_per_day * days
        yield Row("K24", use.energy_kind, "kg_co2_per_day", case.villages_id, "kpi_note_k24").ratio(week, days)
    total = math.fsum(use.kg_co2_per_day for use in uses)
    yield Row("K24", "total", "kg_co2_per_day", case.villages_id, "kpi_note_k24").ratio(total * days, days)
    yield Row("K24", "per_parcel", "kg_co2_per_parcel", case.villages_id, "kpi_note_k24").ratio(
        total, case.served.parcels
    )
