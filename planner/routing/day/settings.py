"""What a bureau may add to the plan's rounds for one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.problems.routing import Permit, Window


@dataclass(frozen=True, slots=True)
class Wave:
    """Parcels that come together: arrival at the centre, when they are sorted, and their share of the day."""

    arrival_min: float
    sorted_min: float
    share: float


@dataclass(frozen=True, slots=True)
class DaySettings:
    """Times, rules and extra loads of the day.

    Attributes
    ----------
    waves
        In order of arrival; shares sum to 1. Pick-ups ride with the last.
    station_handling_min
        From the trunk truck's last minute at a station to the first loading of its rounds.
    day_end_min
        Vehicles are back by then.
    point_windows, own_windows
        Opening hours of village points, and of single facilities.
    trips_most
        Trips of a vehicle.
    balance_min
        Most difference of vehicle days of a depot and wave; None: free.
    has_batteries, is_winter, winter_range_share
        Electric vehicles run on a battery of their range; in winter on that share of it.
    charger_kw
        Power of a depot's charger.
    break_after_min, break_min
        Rest after so many minutes on duty; None: none.
    zone_of, permits
        Facility → access zone; vehicle type → permits.
    cold_of, refrigerated
        Facility → most minutes out of the cold; types that cool.
    month, harvest_factor, produce_m3_per_kg, produce_cold_min
        Produce of this month (None: none) picked up at the villages' points, times the factor on a peak day; its volume; most
        minutes out of the cold for chilled and frozen produce.
    empties_m3_per_parcel
        Room of the empties that go back for every parcel delivered.
    leave_out_cny
        What leaving a stop out counts.
    spot_of
        Facility → loading spot.
    """

    waves: tuple[Wave, ...] = (Wave(360.0, 450.0, 1.0),)
    station_handling_min: float = 30.0
    day_end_min: float = 1140.0
    point_windows: tuple[Window, ...] = ()
    own_windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    trips_most: int = 3
    balance_min: float | None = None
    has_batteries: bool = True
    is_winter: bool = False
    winter_range_share: float = 0.67
    charger_kw: float = 7.0
    break_after_min: float | None = None
    break_min: float = 30.0
    zone_of: Mapping[str, str] = field(default_factory=dict)
    permits: Mapping[str, tuple[Permit, ...]] = field(default_factory=dict)
    cold_of: Mapping[str, float] = field(default_factory=dict)
    refrigerated: frozenset[str] = frozenset()
    month: int | None = None
    harvest_factor: float = 1.0
    produce_m3_per_kg: float = 0.004
    produce_cold_min: float = 120.0
    empties_m3_per_parcel: float = 0.0
    leave_out_cny: float = 500.0
    spot_of: Mapping[str, str] = field(default_factory=dict)
