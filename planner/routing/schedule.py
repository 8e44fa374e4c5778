"""Timetable of a trip: when it is where, how far it has come, and what it carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.plan import PlanProblem
from planner.routing.result import Route
from planner.routing.rounds_build import parcel_figures


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """One place of a trip.

    Attributes
    ----------
    sequence
        0 at the depot, 1… at the stops, the last one at the depot again.
    facility_id
        Where.
    arrival_min, departure_min
        Minutes from the start of the trip, which begins with loading. At the end both are the minutes of the trip.
    km
        Kilometres driven on arrival.
    delivery_parcels, pickup_parcels
        Handed over and taken on here; 0 at the depot.
    load_kg, load_m3
        On board on departure (at the end: what is unloaded at the depot).
    """

    sequence: int
    facility_id: str
    arrival_min: float
    departure_min: float
    km: float
    delivery_parcels: float
    pickup_parcels: float
    load_kg: float
    load_m3: float


def route_timetable(problem: PlanProblem, route: Route) -> tuple[TimetableRow, ...]:
    """Return the timetable of a trip: departure from the depot, every stop, return to the depot."""
    return tuple(_rows(problem, route))


def _rows(problem: PlanProblem, route: Route) -> Iterator[TimetableRow]:
    travel = problem.travel[route.vehicle_type_id]
    parcel = parcel_figures(problem)
    visits = [parcel.stop(s.facility_id, s.delivery_parcels, s.pickup_parcels) for s in route.stops]
    kg, m3 = sum(v.delivery_kg for v in visits), sum(v.delivery_m3 for v in visits)
    clock, km, place = problem.routing.depot_loading_min, 0.0, route.depot_id
    yield TimetableRow(0, place, 0.0, clock, km, 0.0, 0.0, kg, m3)
    for sequence, visit in enumerate(visits, start=1):
        arrival = clock + travel.minutes_between(place, visit.facility_id)
        km += travel.metres_between(place, visit.facility_id) / 1000.0
        clock = arrival + visit.service_min
        kg += visit.pickup_kg - visit.delivery_kg
        m3 += visit.pickup_m3 - visit.delivery_m3
        place = visit.facility_id
        yield TimetableRow(
            sequence,
            place,
            arrival,
            clock,
            km,
            visit.delivery_parcels,
            visit.pickup_parcels,
            max(kg, 0.0),
            max(m3, 0.0),
        )
    end = clock + travel.minutes_between(place, route.depot_id)
    km += travel.metres_between(place, route.depot_id) / 1000.0
    yield TimetableRow(len(visits) + 1, route.depot_id, end, end, km, 0.0, 0.0, max(kg, 0.0), max(m3, 0.0))
