"""One depot's round: depot, stops, loads, travel and vehicle types, apart from any engine; and what a trip costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from networks.matrix import FloatMatrix
from planner.routing.result import RouteTier

#: Slack for sums of floats when a limit is compared (kg, m³, minutes, km).
LIMIT_TOLERANCE = 1e-7

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoundVehicle:
    """A vehicle type as one round sees it.

    Attributes
    ----------
    vehicle_type_id
        Row of the vehicle table.
    cny_per_km, cny_per_h
        Cost of a kilometre and of an hour of a trip.
    payload_kg, volume_m3
        What it carries at any moment.
    shift_min
        Minutes a vehicle may work in a day, all its trips together.
    range_km
        Longest trip; ``inf`` if there is no limit.
    available
        Vehicles of this type the round may use; None: no limit.
    """

    vehicle_type_id: str
    cny_per_km: float
    cny_per_h: float
    payload_kg: float
    volume_m3: float
    shift_min: float
    range_km: float
    available: int | None = None


@dataclass(frozen=True, slots=True)
class RoundStop:
    """A visit with its load.

    Attributes
    ----------
    facility_id
        Station or point.
    delivery_parcels, pickup_parcels
        Parcels of this visit.
    delivery_kg, pickup_kg, delivery_m3, pickup_m3
        Their weight and volume.
    service_min
        Minutes spent at the stop.
    """

    facility_id: str
    delivery_parcels: float
    pickup_parcels: float
    delivery_kg: float
    pickup_kg: float
    delivery_m3: float
    pickup_m3: float
    service_min: float


@dataclass(frozen=True, slots=True)
class ParcelFigures:
    """What one parcel weighs, fills and takes to hand over.

    Attributes
    ----------
    inbound_kg, outbound_kg, volume_m3
        Weight of a delivered and of a picked-up parcel; volume of either.
    stop_base_min, stop_s_per_parcel
        Minutes a stop takes in any case, and seconds more for each parcel.
    """

    inbound_kg: float
    outbound_kg: float
    volume_m3: float
    stop_base_min: float
    stop_s_per_parcel: float

    def stop(self, facility_id: str, delivery_parcels: float, pickup_parcels: float) -> RoundStop:
        """Return the visit that hands over and takes on these parcels."""
        return RoundStop(
            facility_id=facility_id,
            delivery_parcels=delivery_parcels,
            pickup_parcels=pickup_parcels,
            delivery_kg=delivery_parcels * self.inbound_kg,
            pickup_kg=pickup_parcels * self.outbound_kg,
            delivery_m3=delivery_parcels * self.volume_m3,
            pickup_m3=pickup_parcels * self.volume_m3,
            service_min=self.stop_base_min + self.stop_s_per_parcel / 60.0 * (delivery_parcels + pickup_parcels),
        )


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip of a round.

    Attributes
    ----------
    vehicle
        Index into `RoundProblem.vehicles`.
    stops
        Indices into `RoundProblem.stops`, in order.
    """

    vehicle: int
    stops: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TripFigures:
    """What a trip takes: kilometres, minutes (loading, driving, stops), CNY, and its highest load."""

    km: float
    minutes: float
    cny: float
    peak_kg: float
    peak_m3: float


@dataclass(frozen=True, eq=False)
class RoundProblem:
    """One depot, its stops, and the vehicle types that may serve them.

    Attributes
    ----------
    tier
        Echelon.
    depot_id
        Facility every trip starts and ends at.
    stops
        Visits; row and column ``i + 1`` of the matrices belong to stop ``i``, row and column 0 to the depot.
    vehicles
        Vehicle types.
    minutes, metres
        One ``(n + 1, n + 1)`` array per vehicle type; ``inf``: not reachable. They need not be symmetric.
    depot_loading_min
        Loading time before each trip.
    days_per_week
        Days a week the round is run.
    """

    tier: RouteTier
    depot_id: str
    stops: tuple[RoundStop, ...]
    vehicles: tuple[RoundVehicle, ...]
    minutes: tuple[FloatMatrix, ...]
    metres: tuple[FloatMatrix, ...]
    depot_loading_min: float
    days_per_week: int

    def __post_init__(self) -> None:
        shape = (len(self.stops) + 1, len(self.stops) + 1)
        if not len(self.vehicles) == len(self.minutes) == len(self.metres):
            msg = "one travel array is needed per vehicle type"
            raise ValueError(msg)
        if any(array.shape != shape for array in (*self.minutes, *self.metres)):
            msg = f"travel arrays must have shape {shape}"
            raise ValueError(msg)

    @cached_property
    def deliveries(self) -> FloatArray:
        """Deliveries as ``(2, n)``: kg, m³."""
        return np.array([[s.delivery_kg for s in self.stops], [s.delivery_m3 for s in self.stops]], dtype=np.float64)

    @cached_property
    def pickups(self) -> FloatArray:
        """Pick-ups as ``(2, n)``: kg, m³."""
        return np.array([[s.pickup_kg for s in self.stops], [s.pickup_m3 for s in self.stops]], dtype=np.float64)

    @cached_property
    def service_min(self) -> FloatArray:
        """Minutes at each stop."""
        return np.array([s.service_min for s in self.stops], dtype=np.float64)

    @cached_property
    def capacity(self) -> FloatArray:
        """Capacity as ``(vehicle types, 2)``: kg, m³."""
        return np.array([[v.payload_kg, v.volume_m3] for v in self.vehicles], dtype=np.float64).reshape(-1, 2)

    @cached_property
    def travel_cny(self) -> tuple[FloatMatrix, ...]:
        """Cost of driving each arc, per vehicle type; ``inf`` where there is no way."""
        costs = []
        for vehicle, minutes, metres in zip(self.vehicles, self.minutes, self.metres, strict=True):
            open_arc = np.isfinite(minutes) & np.isfinite(metres)
            cost = np.full(minutes.shape, np.inf)
            cost[open_arc] = (
                metres[open_arc] / 1000.0 * vehicle.cny_per_km + minutes[open_arc] / 60.0 * vehicle.cny_per_h
            )
            costs.append(cost)
        return tuple(costs)

    def select(self, stops: tuple[int, ...]) -> RoundProblem:
        """Return the round of these stops only."""
        nodes = np.array([0, *(i + 1 for i in stops)], dtype=np.intp)
        index = np.ix_(nodes, nodes)
        return replace(
            self,
            stops=tuple(self.stops[i] for i in stops),
            minutes=tuple(array[index] for array in self.minutes),
            metres=tuple(array[index] for array in self.metres),
        )

    def with_vehicles(self, vehicles: tuple[int, ...], available: tuple[int | None, ...]) -> RoundProblem:
        """Return the round with these vehicle types (by index) and numbers of them."""
        return replace(
            self,
            vehicles=tuple(replace(self.vehicles[k], available=a) for k, a in zip(vehicles, available, strict=True)),
            minutes=tuple(self.minutes[k] for k in vehicles),
            metres=tuple(self.metres[k] for k in vehicles),
        )

    def figures(self, trip: Trip) -> TripFigures:
        """Return kilometres, minutes, cost and highest load of a trip."""
        vehicle = self.vehicles[trip.vehicle]
        nodes = [0, *(i + 1 for i in trip.stops), 0]
        minutes, metres = self.minutes[trip.vehicle], self.metres[trip.vehicle]
        km = sum(float(metres[a, b]) for a, b in pairwise(nodes)) / 1000.0
        total = self.depot_loading_min + sum(float(minutes[a, b]) for a, b in pairwise(nodes))
        kg = peak_kg = sum(self.stops[i].delivery_kg for i in trip.stops)
        m3 = peak_m3 = sum(self.stops[i].delivery_m3 for i in trip.stops)
        for i in trip.stops:
            stop = self.stops[i]
            total += stop.service_min
            kg += stop.pickup_kg - stop.delivery_kg
            m3 += stop.pickup_m3 - stop.delivery_m3
            peak_kg, peak_m3 = max(peak_kg, kg), max(peak_m3, m3)
        reachable = np.isfinite(km) and np.isfinite(total)
        cny = km * vehicle.cny_per_km + total / 60.0 * vehicle.cny_per_h if reachable else float("inf")
        return TripFigures(km=km, minutes=total, cny=cny, peak_kg=peak_kg, peak_m3=peak_m3)

    def figures_of_direct(self, node: int, vehicle: int, stop: RoundStop) -> TripFigures:
        """Return the figures of a direct trip to the place of stop `node` with the load of `stop`."""
        return replace(self.select((node,)), stops=(stop,)).figures(Trip(vehicle, (0,)))

    def allows(self, trip: Trip, figures: TripFigures | None = None) -> bool:
        """Tell whether a trip keeps payload, volume, shift and range."""
        vehicle = self.vehicles[trip.vehicle]
        f = figures or self.figures(trip)
        return (
            f.peak_kg <= vehicle.payload_kg + LIMIT_TOLERANCE
            and f.peak_m3 <= vehicle.volume_m3 + LIMIT_TOLERANCE
            and f.minutes <= vehicle.shift_min + LIMIT_TOLERANCE
            and f.km <= vehicle.range_km + LIMIT_TOLERANCE
        )
