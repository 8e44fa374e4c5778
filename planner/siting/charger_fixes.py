"""What single change would let a vehicle's day run electrically: each tried, and told only if it is enough."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from geodata.messages import Message
from planner.siting.charger_input import ChargerRules, ElectricVehicle, Tour
from planner.siting.chargers import tour_obstacle

#: Longest range proposed, in multiples of the given one.
_RANGE_MOST = 4.0
_STEP_KM = 1.0


def tour_fixes(
    tour: Tour, vehicle: ElectricVehicle, allowed: Collection[str], closed: Collection[str], rules: ChargerRules
) -> tuple[Message, ...]:
    """Return the single changes with which a tour that cannot be run can be.

    Parameters
    ----------
    tour, vehicle, rules
        The day, its vehicle and the figures of charging.
    allowed, closed
        Places where chargers may, and may not stand.

    Returns
    -------
    tuple of Message
        A charger allowed at one closed place; the least range in whole kilometres (winter range in proportion). Each is
        verified on the tour; empty if none of them is enough alone.
    """
    fixes = [
        Message("charger_fix_allow", {"place": place})
        for place in sorted({place for place, _ in tour.places} & set(closed))
        if tour_obstacle(tour, vehicle, {*allowed, place}, rules) is None
    ]
    range_km = _least_range(tour, vehicle, set(allowed), rules)
    if range_km is not None:
        fixes.append(Message("charger_fix_range", {"now": round(vehicle.range_km), "enough": round(range_km)}))
    return tuple(fixes)


def _least_range(tour: Tour, vehicle: ElectricVehicle, allowed: set[str], rules: ChargerRules) -> float | None:
    """Return the least whole number of kilometres of range that is enough; None if even the longest is not."""
    low, high = int(vehicle.range_km), int(_RANGE_MOST * max(vehicle.range_km, tour.km))
    if not _can_run(tour, vehicle, high, allowed, rules):
        return None
    while high - low > _STEP_KM:
        middle = (low + high) // 2
        if _can_run(tour, vehicle, middle, allowed, rules):
            high = middle
        else:
            low = middle
    return float(high)


def _can_run(tour: Tour, vehicle: ElectricVehicle, range_km: float, allowed: set[str], rules: ChargerRules) -> bool:
    winter = vehicle.winter_range_km * range_km / vehicle.range_km
    longer = replace(vehicle, range_km=float(range_km), winter_range_km=winter)
    return tour_obstacle(tour, longer, allowed, rules) is None
