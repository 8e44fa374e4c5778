"""What routing decides: trips, their stops in order, and which vehicle runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from planner.reports import SolveReport

RouteTier = Literal["county_township", "township_village"]


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a trip.

    Attributes
    ----------
    facility_id
        Station or point visited.
    delivery_parcels, pickup_parcels
        Parcels handed over and taken on at this visit (a visit, not a day: see `visits_per_week`).
    """

    facility_id: str
    delivery_parcels: float
    pickup_parcels: float


@dataclass(frozen=True, slots=True)
class Route:
    """One trip: depot → stops in order → depot.

    Attributes
    ----------
    route_id
        Unique, sortable.
    tier
        Echelon.
    depot_id
        Facility it starts and ends at.
    vehicle_type_id
        Type of vehicle.
    vehicle_number
        Vehicle of this type that runs it (1…); one vehicle may run several trips within a shift.
    days_per_week
        Days a week the trip is run.
    stops
        Stops in order; the same facility may appear on several trips when its load is split.
    """

    route_id: str
    tier: RouteTier
    depot_id: str
    vehicle_type_id: str
    vehicle_number: int
    days_per_week: int
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """All trips, with one report a round (depot).

    Attributes
    ----------
    routes
        Trips sorted by `route_id`.
    reports
        Depot facility id → report on that depot's rounds, in CNY of a mean day over the week: a running day × days a
        week / 7.
    report
        Sum over depots: objective and bound add up, the objective to the transport cost of the plan; ``optimal`` only
        if every round is.
    dropped
        Facility ids no vehicle could serve → message key of the reason.
    dropped_params
        Facility id → figures of that sentence (minutes, kilometres).
    vehicles_needed
        Vehicle type → vehicles an unlimited fleet would use for the same rounds.
    """

    routes: tuple[Route, ...]
    reports: dict[str, SolveReport]
    report: SolveReport
    dropped: dict[str, str]
    dropped_params: dict[str, Mapping[str, object]] = field(default_factory=dict)
    vehicles_needed: dict[str, int] = field(default_factory=dict)
