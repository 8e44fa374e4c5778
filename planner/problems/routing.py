"""A rich routing problem and its decision: depots, stops, vehicles, rules; no engine and no result is known here.

Times are minutes after midnight (more than 1,440: the next day), loads are vectors over `RoutingProblem.dimensions`, money is CNY.
The plan's own rounds (`planner.routing.round_problem`) are the plain case of this; everything a bureau may add to a round stands here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from networks.matrix import FloatMatrix

#: From and until when, in minutes after midnight.
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RoutingDepot:
    """Where vehicles load.

    Attributes
    ----------
    depot_id
        Facility.
    place
        Row of the travel arrays.
    opens_min, closes_min
        Vehicles leave and come back between these.
    loading_min
        Minutes before each trip's departure (the first and every reload), part of the vehicle's work.
    """

    depot_id: str
    place: int
    opens_min: float = 0.0
    closes_min: float = math.inf
    loading_min: float = 0.0


@dataclass(frozen=True, slots=True)
class RoutingStop:
    """A visit.

    Attributes
    ----------
    stop_id
        Unique.
    place
        Row of the travel arrays.
    delivery, pickup
        Load handed over and taken on, per dimension.
    service_min
        Minutes at the stop (base and per parcel together).
    windows
        Service begins within one of these; none: at any time. Sorted and apart.
    penalty_cny
        What leaving it out costs; None: it must be visited.
    vehicle_types
        Types that may come; None: all.
    zone
        Access zone: a vehicle needs a permit for it; empty: free.
    goods
        Goods classes on board for this stop (of `RoutingProblem.incompatible`).
    cold_max_min
        Longest time between the vehicle's departure from the depot and the start of service (deliveries) or between the end of
        service and the return (pick-ups), unless the vehicle is refrigerated; inf: no cold goods.
    spot_id
        Loading spot used; empty: none known.
    """

    stop_id: str
    place: int
    delivery: tuple[float, ...]
    pickup: tuple[float, ...]
    service_min: float = 0.0
    windows: tuple[Window, ...] = ()
    penalty_cny: float | None = None
    vehicle_types: frozenset[str] | None = None
    zone: str = ""
    goods: tuple[str, ...] = ()
    cold_max_min: float = math.inf
    spot_id: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to stop in an access zone within these times (none: at any time)."""

    zone: str
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakRule:
    """After at most `after_min` minutes on duty the driver rests `minutes`, at a stop or the depot."""

    after_min: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Battery:
    """Battery of an electric vehicle: full at departure, charged to full wherever it charges.

    Attributes
    ----------
    kwh
        Usable energy (the winter share already taken off).
    kwh_per_km
        Use.
    min_per_kwh
        Charging time.
    """

    kwh: float
    kwh_per_km: float
    min_per_kwh: float


@dataclass(frozen=True, slots=True)
class Charger:
    """A charging place on the way."""

    charger_id: str
    place: int


@dataclass(frozen=True, slots=True)
class RoutingVehicle:
    """A vehicle type.

    Attributes
    ----------
    vehicle_type_id
        Unique.
    start_depot, end_depot
        Indices into `RoutingProblem.depots`.
    capacity
        Per dimension, at any moment.
    fixed_cny, cny_per_km, cny_per_h
        Cost of a vehicle used on the day, of a kilometre, and of an hour on duty (driving, waiting, service, loading, breaks).
    available
        Vehicles of the type; None: no limit.
    shift
        On duty between these minutes.
    longest_min
        Longest time on duty.
    trips_most
        Trips a day (more than 1: it reloads at its start depot, which then is its end depot too).
    range_km
        Longest trip; of an electric vehicle the battery counts instead.
    profile
        Index of its travel arrays.
    permits
        Zones it may enter.
    break_rule, battery
        None: none.
    is_refrigerated
        Cold goods are safe in it.
    stops_most
        Most stops of a trip; None: no limit.
    """

    vehicle_type_id: str
    capacity: tuple[float, ...]
    start_depot: int = 0
    end_depot: int = 0
    fixed_cny: float = 0.0
    cny_per_km: float = 0.0
    cny_per_h: float = 0.0
    available: int | None = None
    shift: Window = (0.0, math.inf)
    longest_min: float = math.inf
    trips_most: int = 1
    range_km: float = math.inf
    profile: int = 0
    permits: tuple[Permit, ...] = ()
    break_rule: BreakRule | None = None
    battery: Battery | None = None
    is_refrigerated: bool = False
    stops_most: int | None = None


@dataclass(frozen=True, eq=False)
class RoutingProblem:
    """One day's routing.

    Attributes
    ----------
    place_ids
        Name of each row of the travel arrays.
    minutes, metres
        Per profile an array ``(places, places)``; ``inf``: no way. Not necessarily symmetric.
    depots, stops, vehicles, chargers
        What there is.
    dimensions
        Names of the load dimensions (kg, m3, …).
    incompatible
        Pairs of goods classes that may not be on one trip.
    is_linehaul_first
        On every trip all deliveries come before the first pick-up (backhauls).
    balance_min
        Most minutes by which the longest and the shortest vehicle day may differ; None: free.
    """

    place_ids: tuple[str, ...]
    minutes: tuple[FloatMatrix, ...]
    metres: tuple[FloatMatrix, ...]
    depots: tuple[RoutingDepot, ...]
    stops: tuple[RoutingStop, ...]
    vehicles: tuple[RoutingVehicle, ...]
    chargers: tuple[Charger, ...] = ()
    dimensions: tuple[str, ...] = ("kg", "m3")
    incompatible: tuple[tuple[str, str], ...] = ()
    is_linehaul_first: bool = False
    balance_min: float | None = None


@dataclass(frozen=True, slots=True)
class VehicleDay:
    """What one vehicle does on the day.

    Attributes
    ----------
    vehicle
        Index into `RoutingProblem.vehicles`.
    trips
        Trips in order; each a sequence of indices: below ``len(stops)`` a stop, from there on charger ``index − len(stops)``.
    """

    vehicle: int
    trips: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Vehicle days, and the stops left out (all others are visited exactly once)."""

    days: tuple[VehicleDay, ...]
    left_out: tuple[int, ...] = field(default=())
