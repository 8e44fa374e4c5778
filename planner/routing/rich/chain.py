"""A vehicle day as a chain of moments: what must lie between them, and when each may be.

Moments in order: start of duty; for every trip departure, the begin of every visit, and the return. Between moment ``i``
and the next lie `stay` minutes (service or charging) at the place of ``i`` and `way` minutes (driving; before a departure
loading, or charging if that takes longer).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from planner.problems.routing import RoutingProblem, RoutingVehicle, VehicleDay, Window
from planner.routing.rich.loads import place_of, trip_energy

Kind = Literal["start", "departure", "visit", "return"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment: what it is, its trip, the stop or charger index (−1 else), and the windows it may lie in."""

    kind: Kind
    trip: int
    index: int
    windows: tuple[Window, ...]


@dataclass(slots=True)
class Chain:
    """Moments with the minutes between them.

    Attributes
    ----------
    moments
        In order.
    stay, way
        One entry less than moments.
    cold
        ``(earlier, later, minutes)``: the later moment comes at most so many minutes after the earlier one.
    """

    moments: list[Moment] = field(default_factory=list)
    stay: list[float] = field(default_factory=list)
    way: list[float] = field(default_factory=list)
    cold: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def work_min(self) -> float:
        """Minutes of the day without any waiting or rest."""
        return sum(self.stay) + sum(self.way)

    def add(self, moment: Moment, stay: float = 0.0, way: float = 0.0) -> None:
        """Add the next moment, so many minutes after the last."""
        if self.moments:
            self.stay.append(stay)
            self.way.append(way)
        self.moments.append(moment)


def day_chain(problem: RoutingProblem, day: VehicleDay) -> Chain:
    """Return the chain of a vehicle day."""
    vehicle = problem.vehicles[day.vehicle]
    start, end = problem.depots[vehicle.start_depot], problem.depots[vehicle.end_depot]
    minutes = problem.minutes[vehicle.profile]
    chain = Chain()
    chain.add(Moment("start", 0, -1, ((vehicle.shift[0], math.inf),)))
    reload_min = start.loading_min
    for number, trip in enumerate(day.trips):
        chain.add(Moment("departure", number, -1, ((start.opens_min, start.closes_min),)), way=reload_min)
        departure, energy = len(chain.moments) - 1, trip_energy(problem, vehicle, trip)
        places = [start.place, *(place_of(problem, i) for i in trip), end.place]
        stays = [0.0, *(_stay(problem, i, charge) for i, charge in zip(trip, energy.charge_min, strict=True))]
        legs = list(pairwise(places))
        for place, index in enumerate(trip):
            moment = Moment("visit", number, index, visit_windows(problem, vehicle, index))
            chain.add(moment, stays[place], float(minutes[legs[place]]))
        is_last = number == len(day.trips) - 1
        closes = min(end.closes_min, vehicle.shift[1]) if is_last else end.closes_min
        chain.add(Moment("return", number, -1, ((end.opens_min, closes),)), stays[-1], float(minutes[legs[-1]]))
        _add_cold(problem, vehicle, chain, departure)
        charge = energy.missing_kwh * vehicle.battery.min_per_kwh if vehicle.battery else 0.0
        reload_min = max(start.loading_min, charge)
    return chain


def visit_windows(problem: RoutingProblem, vehicle: RoutingVehicle, index: int) -> tuple[Window, ...]:
    """Return when a visit may begin: windows of the stop, within which a permit covers the whole service."""
    if index >= len(problem.stops):
        return ((-math.inf, math.inf),)
    stop = problem.stops[index]
    windows = stop.windows or ((-math.inf, math.inf),)
    if not stop.zone:
        return windows
    leaves = [w for p in vehicle.permits if p.zone == stop.zone for w in p.windows or ((-math.inf, math.inf),)]
    both = {(max(a, c), min(b, d - stop.service_min)) for a, b in windows for c, d in leaves}
    return tuple(sorted((low, high) for low, high in both if low <= high))


def _stay(problem: RoutingProblem, index: int, charge_min: float) -> float:
    return problem.stops[index].service_min if index < len(problem.stops) else charge_min


def _add_cold(problem: RoutingProblem, vehicle: RoutingVehicle, chain: Chain, departure: int) -> None:
    if vehicle.is_refrigerated:
        return
    last = len(chain.moments) - 1
    for at in range(departure + 1, last):
        index = chain.moments[at].index
        if index >= len(problem.stops) or not math.isfinite(problem.stops[index].cold_max_min):
            continue
        stop = problem.stops[index]
        if max(stop.delivery, default=0.0) > 0.0:
            chain.cold.append((departure, at, stop.cold_max_min))
        if max(stop.pickup, default=0.0) > 0.0:
            chain.cold.append((at, last, stop.cold_max_min + stop.service_min))
