"""Solve without the rules that seldom bind, and keep the answer if it keeps them after all.

Batteries that last the day, rests a short trip never needs, cold goods close by and second trips make a round hard for every
engine, yet mostly change nothing. The problem without them (`planner.routing.rich.bounds.relaxed`) is the one every decision is at
least as dear in, so its bound holds; its trips are then joined to vehicle days, which leaves the cost as it is and the vehicles
few. If what comes out keeps every rule and costs no more than the bound, it is the best decision there is.
"""

from __future__ import annotations

import math
from dataclasses import replace

from planner.problems.routing import RoutingDecision, RoutingProblem, RoutingVehicle, VehicleDay
from planner.routing.rich.answers import keeps_rules
from planner.routing.rich.bounds import relaxed
from planner.routing.rich.schedule import day_cost, day_duty, day_is_feasible

#: Most stops: larger days have no time to be solved twice.
MOST_STOPS = 60
#: A joined day may cost this much more than its parts, CNY.
_SAME_CNY = 1e-6


def easier_problem(problem: RoutingProblem) -> RoutingProblem | None:
    """Return the problem without the rules that seldom bind; None: it has none of them, chargers on the way, or is large."""
    has_rules = (
        any(v.trips_most > 1 or v.battery is not None or v.break_rule is not None for v in problem.vehicles)
        or problem.balance_min is not None
        or any(s.cold_max_min < math.inf for s in problem.stops)
    )
    if not has_rules or problem.chargers or not 0 < len(problem.stops) <= MOST_STOPS:
        return None
    easier = relaxed(problem)
    return replace(easier, vehicles=tuple(_with_range(v) for v in easier.vehicles))


def _with_range(vehicle: RoutingVehicle) -> RoutingVehicle:
    """Return the type with its battery's reach as range of a trip: without chargers on the way that is all a battery asks."""
    battery = vehicle.battery
    if battery is None:
        return vehicle
    reach = battery.kwh / battery.kwh_per_km if battery.kwh_per_km > 0.0 else math.inf
    return replace(vehicle, battery=None, range_km=reach)


def decision_of_easier(problem: RoutingProblem, decision: RoutingDecision) -> RoutingDecision | None:
    """Return a decision of the easier problem with its trips joined to vehicle days; None: it breaks a rule of the whole problem."""
    joined = replace(decision, days=joined_days(problem, decision.days))
    if keeps_rules(problem, joined):
        return joined
    return decision if keeps_rules(problem, decision) else None


def joined_days(problem: RoutingProblem, days: tuple[VehicleDay, ...]) -> tuple[VehicleDay, ...]:
    """Join days of one vehicle type while that adds no cost: longest first, each to the first vehicle that still has time."""
    found: list[VehicleDay] = []
    for day in sorted(days, key=lambda d: (d.vehicle, -day_duty(problem, d), d.trips)):
        for at, other in enumerate(found):
            whole = _joined(problem, other, day)
            if whole is not None:
                found[at] = whole
                break
        else:
            found.append(day)
    return tuple(sorted(found, key=lambda d: (d.vehicle, d.trips)))


def _joined(problem: RoutingProblem, one: VehicleDay, other: VehicleDay) -> VehicleDay | None:
    """Return both days as one, in the order that costs no more than they do apart; None: there is none."""
    if one.vehicle != other.vehicle:
        return None
    vehicle = problem.vehicles[one.vehicle]
    if len(one.trips) + len(other.trips) > vehicle.trips_most or vehicle.start_depot != vehicle.end_depot:
        return None
    apart = day_cost(problem, one) + day_cost(problem, other)
    for at in range(len(one.trips), -1, -1):
        whole = replace(one, trips=(*one.trips[:at], *other.trips, *one.trips[at:]))
        if day_is_feasible(problem, whole) and day_cost(problem, whole) <= apart + _SAME_CNY:
            return whole
    return None
