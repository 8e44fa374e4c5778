"""Timetable and cost of a vehicle day, and the cost of a decision.

A day begins with loading and ends with the last return; it costs its vehicle, its kilometres and its least time on duty
(leaving late where that saves waiting). Rules of interpretation, shared in words (not in code) with the checker:

* a window bounds the begin of service; a permit covers the whole service;
* a driver rests at a stop, charger or depot, after at most the minutes of the rule on duty; the rest may last longer;
* a battery is full at departure; charging at the depot goes on while loading and beyond if it takes longer;
* depots are open when a vehicle leaves and when it comes back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay
from planner.routing.rich.chain import Chain, day_chain
from planner.routing.rich.loads import trip_is_loadable, trip_km
from planner.routing.rich.timing import Rest, Timing, least_duty


@dataclass(frozen=True, slots=True)
class VisitTimes:
    """A visit: arrival, begin and end of service or charging; `index` as in the decision."""

    index: int
    arrival_min: float
    begin_min: float
    end_min: float


@dataclass(frozen=True, slots=True)
class TripTimes:
    """A trip: begin of loading, departure, visits, return, kilometres."""

    loading_min: float
    departure_min: float
    visits: tuple[VisitTimes, ...]
    return_min: float
    km: float


@dataclass(frozen=True, slots=True)
class RestTimes:
    """A rest: from, to, and the stop or charger index where it is taken (−1: depot)."""

    from_min: float
    to_min: float
    index: int


@dataclass(frozen=True, slots=True)
class DayTimes:
    """Timetable of a vehicle day.

    Attributes
    ----------
    start_min, end_min
        On duty from loading to the last return.
    trips, rests
        In order.
    waiting_min
        On duty without loading, driving, serving, charging or resting.
    """

    start_min: float
    end_min: float
    trips: tuple[TripTimes, ...]
    rests: tuple[RestTimes, ...]
    waiting_min: float

    @property
    def duty_min(self) -> float:
        """Minutes on duty."""
        return self.end_min - self.start_min

    @property
    def km(self) -> float:
        """Kilometres."""
        return sum(trip.km for trip in self.trips)


def day_times(problem: RoutingProblem, day: VehicleDay) -> DayTimes | None:
    """Return the timetable of a vehicle day with the least time on duty; None: no timetable keeps the rules of time."""
    if not day.trips:
        return None
    vehicle = problem.vehicles[day.vehicle]
    chain = day_chain(problem, day)
    timing = least_duty(chain, vehicle.longest_min, vehicle.break_rule)
    return None if timing is None else _times(problem, day, chain, timing)


def day_duty(problem: RoutingProblem, day: VehicleDay) -> float:
    """Return the least minutes on duty of a vehicle day (``inf``: no timetable)."""
    vehicle = problem.vehicles[day.vehicle]
    timing = least_duty(day_chain(problem, day), vehicle.longest_min, vehicle.break_rule) if day.trips else None
    return math.inf if timing is None else timing.duty_min


def day_is_feasible(problem: RoutingProblem, day: VehicleDay) -> bool:
    """Tell whether a vehicle day keeps every rule (apart from those between days: numbers of vehicles, balance)."""
    vehicle = problem.vehicles[day.vehicle]
    return (
        0 < len(day.trips) <= vehicle.trips_most
        and all(trip_is_loadable(problem, vehicle, trip) for trip in day.trips)
        and math.isfinite(day_duty(problem, day))
    )


def day_cost(problem: RoutingProblem, day: VehicleDay) -> float:
    """Return what a vehicle day costs in CNY (``inf``: no timetable)."""
    vehicle = problem.vehicles[day.vehicle]
    duty = day_duty(problem, day)
    if not math.isfinite(duty):
        return math.inf
    km = sum(trip_km(problem, vehicle, trip) for trip in day.trips)
    return vehicle.fixed_cny + km * vehicle.cny_per_km + duty / 60.0 * vehicle.cny_per_h


def decision_cost(problem: RoutingProblem, decision: RoutingDecision) -> float:
    """Return the cost of a decision in CNY: its days and the penalties of the stops left out."""
    left = sum(problem.stops[i].penalty_cny or 0.0 for i in decision.left_out)
    return math.fsum(day_cost(problem, day) for day in decision.days) + left


def _times(problem: RoutingProblem, day: VehicleDay, chain: Chain, timing: Timing) -> DayTimes:
    vehicle, times = problem.vehicles[day.vehicle], timing.times
    trips, visits = [], list[VisitTimes]()
    departure = loading = times[0]
    for i, moment in enumerate(chain.moments):
        if moment.kind == "departure":
            departure, loading, visits = times[i], times[i] - chain.way[i - 1], []
        elif moment.kind == "visit":
            visits.append(_visit(chain, timing, i))
        elif moment.kind == "return":
            km = trip_km(problem, vehicle, day.trips[moment.trip])
            trips.append(TripTimes(loading, departure, tuple(visits), times[i], km))
    rests = tuple(_rest(chain, timing, rest) for rest in timing.rests)
    rested = sum(rest.to_min - rest.from_min for rest in rests)
    return DayTimes(times[0], times[-1], tuple(trips), rests, max(0.0, timing.duty_min - chain.work_min - rested))


def _visit(chain: Chain, timing: Timing, i: int) -> VisitTimes:
    begin = timing.times[i]
    arrival = timing.times[i - 1] + chain.stay[i - 1] + chain.way[i - 1]
    if any(rest.after == i - 1 and not rest.is_on_arrival for rest in timing.rests):
        arrival = begin  # rested before leaving, as long as there was time
    return VisitTimes(chain.moments[i].index, arrival, begin, begin + chain.stay[i])


def _rest(chain: Chain, timing: Timing, rest: Rest) -> RestTimes:
    i, times = rest.after, timing.times
    if rest.is_on_arrival:
        return RestTimes(times[i] + chain.stay[i] + chain.way[i], times[i + 1], chain.moments[i + 1].index)
    return RestTimes(times[i] + chain.stay[i], times[i + 1] - chain.way[i], chain.moments[i].index)
