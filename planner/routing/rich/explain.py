"""Why a stop is not served, and the smallest change that would serve it, found by trying it.

A stop that not even a vehicle of its own can serve has an obstacle of its own (`alone`). Any other stop was left out because
serving it costs more than its penalty, or because the vehicles in use leave no room for it: which, the cheapest insertion into
the decision says. Every change named was carried out on a copy of the problem and its decision checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from geodata.messages import Message
from planner.problems.routing import Permit, RoutingDecision, RoutingProblem, RoutingVehicle
from planner.routing.rich.alone import cheapest_alone, obstacle, with_stop
from planner.routing.rich.insertion import cheapest_insertion

#: Digits of money.
_DIGITS = 2
#: Step to which a change is rounded up (minutes, per cent, CNY, load units); a figure this share of it above is taken as met.
_STEP, _EXACT = 0.1, 1e-6
#: Widest change tried: a day in minutes, or per cent.
_MOST = 1440.0


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that serves the stop, checked: its kind, the figure to set, and what the decision then costs more."""

    kind: str
    figures: Mapping[str, float | str]
    added_cny: float

    @property
    def message(self) -> Message:
        """The sentence of the change."""
        return Message(f"routing_fix_{self.kind}", {**self.figures, "added_cny": self.added_cny})


@dataclass(frozen=True, slots=True)
class UnservedStop:
    """A stop left out with its binding reason and the smallest change that serves it (None: no single change does)."""

    stop_id: str
    reason: str
    figures: Mapping[str, float | str] = field(default_factory=dict)
    fix: Fix | None = None

    @property
    def message(self) -> Message:
        """The sentence of the reason."""
        key = "routing_alone_" if self.reason not in ("too_costly", "no_vehicle") else "routing_left_"
        return Message(f"{key}{self.reason}", {"value": self.stop_id, **self.figures})


def explain_unserved(problem: RoutingProblem, decision: RoutingDecision) -> tuple[UnservedStop, ...]:
    """Return every stop left out with its reason and the smallest change, in the order of the stops."""
    return tuple(explain_stop(problem, decision, i) for i in sorted(decision.left_out))


def explain_stop(problem: RoutingProblem, decision: RoutingDecision, stop: int) -> UnservedStop:
    """Return why one stop is left out of a decision."""
    name = problem.stops[stop].stop_id
    found = obstacle(problem, stop)
    if found is not None:
        return UnservedStop(name, found.reason, found.figures, _fix_of(problem, stop, found.reason))
    cheapest = cheapest_serving(problem, decision, stop)
    penalty = problem.stops[stop].penalty_cny
    if cheapest is None:
        return UnservedStop(name, "no_vehicle", {}, _one_more_vehicle(problem, decision, stop))
    figures: dict[str, float | str] = {"added_cny": round(cheapest, _DIGITS), "penalty_cny": penalty or 0.0}
    fix = Fix("penalty", {"penalty_cny": _up(cheapest)}, round(cheapest, _DIGITS))
    return UnservedStop(name, "too_costly", figures, fix)


def cheapest_serving(problem: RoutingProblem, decision: RoutingDecision, stop: int) -> float | None:
    """Return what serving a stop adds at least to the days as they are: inserted into a trip, or on a free vehicle."""
    way = cheapest_insertion(problem, decision, stop)
    return None if way is None else way.added_cny


def _one_more_vehicle(problem: RoutingProblem, decision: RoutingDecision, stop: int) -> Fix | None:
    """Return the type of which one more vehicle serves the stop at the least cost."""
    found = cheapest_alone(problem, stop)
    if found is None:
        return None
    kind = problem.vehicles[found[0].vehicle]
    changed = list(problem.vehicles)
    changed[found[0].vehicle] = replace(kind, available=(kind.available or 0) + 1)
    cost = cheapest_serving(replace(problem, vehicles=tuple(changed)), decision, stop)
    return None if cost is None else Fix("vehicle", {"vehicle": kind.vehicle_type_id}, round(cost, _DIGITS))


def _fix_of(problem: RoutingProblem, stop: int, reason: str) -> Fix | None:
    """Return the smallest change of the kind that belongs to an obstacle, or None if no such change serves the stop."""
    trials = {
        "capacity": _capacity_fix,
        "vehicle_type": _type_fix,
        "permit": _permit_fix,
        "permit_time": _permit_fix,
        "range": _range_fix,
        "window": _window_fix,
        "shift": _shift_fix,
        "depot_hours": _hours_fix,
        "cold": _cold_fix,
    }
    return trials[reason](problem, stop) if reason in trials else None


def _checked(kind: str, problem: RoutingProblem, stop: int, figures: Mapping[str, float | str]) -> Fix | None:
    """Return the change if a vehicle of its own serves the stop in the changed problem."""
    found = cheapest_alone(problem, stop)
    return None if found is None else Fix(kind, figures, round(found[1], _DIGITS))


def _capacity_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    """Name the type that needs the least larger capacity, in share of what it has."""
    s = problem.stops[stop]
    best: tuple[float, Fix] | None = None
    for k, v in enumerate(problem.vehicles):
        need = [max(d, p) for d, p in zip(s.delivery, s.pickup, strict=True)]
        larger = tuple(max(n, c) for n, c in zip(need, v.capacity, strict=True))
        share = max((n / c if c > 0.0 else math.inf) for n, c in zip(larger, v.capacity, strict=True))
        short = max(range(len(larger)), key=lambda r: larger[r] - v.capacity[r])
        figures: dict[str, float | str] = {
            "vehicle": v.vehicle_type_id,
            "dimension": problem.dimensions[short],
            "figure": _up(larger[short]),
        }
        fix = _checked("capacity", _with_vehicle(problem, k, replace(v, capacity=larger)), stop, figures)
        if fix is not None and (best is None or share < best[0]):
            best = (share, fix)
    return None if best is None else best[1]


def _type_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    """Name the type that would serve the stop at the least cost if it were allowed."""
    free = with_stop(problem, stop, vehicle_types=None)
    found = cheapest_alone(free, stop)
    if found is None:
        return None
    return _checked("vehicle_type", free, stop, {"vehicle": problem.vehicles[found[0].vehicle].vehicle_type_id})


def _permit_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    """Name the type that would serve the stop at the least cost with a permit without times."""
    zone, best = problem.stops[stop].zone, None
    for k, v in enumerate(problem.vehicles):
        permits = (*(p for p in v.permits if p.zone != zone), Permit(zone))
        figures = {"vehicle": v.vehicle_type_id, "zone": zone}
        fix = _checked("permit", _with_vehicle(problem, k, replace(v, permits=permits)), stop, figures)
        if fix is not None and (best is None or fix.added_cny < best.added_cny):
            best = fix
    return best


def _range_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    def changed(percent: float) -> RoutingProblem:
        vehicles = tuple(_with_range(v, 1.0 + percent / 100.0) for v in problem.vehicles)
        return replace(problem, vehicles=vehicles)

    return _smallest("range", stop, changed, "percent")


def _with_range(v: RoutingVehicle, share: float) -> RoutingVehicle:
    battery = None if v.battery is None else replace(v.battery, kwh=v.battery.kwh * share)
    return replace(v, range_km=v.range_km * share, battery=battery)


def _window_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    """Widen all windows of the stop on both sides by the fewest minutes."""

    def changed(minutes: float) -> RoutingProblem:
        wider = [(a - minutes, b + minutes) for a, b in problem.stops[stop].windows]
        merged: list[tuple[float, float]] = []
        for a, b in wider:
            if merged and a <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        return with_stop(problem, stop, windows=tuple(merged))

    return _smallest("window", stop, changed, "minutes")


def _shift_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    def changed(minutes: float) -> RoutingProblem:
        vehicles = tuple(
            replace(v, shift=(v.shift[0], v.shift[1] + minutes), longest_min=v.longest_min + minutes)
            for v in problem.vehicles
        )
        return replace(problem, vehicles=vehicles)

    return _smallest("shift", stop, changed, "minutes")


def _hours_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    def changed(minutes: float) -> RoutingProblem:
        depots = tuple(
            replace(d, opens_min=d.opens_min - minutes, closes_min=d.closes_min + minutes) for d in problem.depots
        )
        return replace(problem, depots=depots)

    return _smallest("depot_hours", stop, changed, "minutes")


def _cold_fix(problem: RoutingProblem, stop: int) -> Fix | None:
    vehicles = tuple(replace(v, is_refrigerated=True) for v in problem.vehicles)
    return _checked("cold", replace(problem, vehicles=vehicles), stop, {})


def _smallest(kind: str, stop: int, changed: Callable[[float], RoutingProblem], unit: str) -> Fix | None:
    """Return the smallest figure, up to `_MOST`, at which a vehicle of its own serves the stop."""
    if cheapest_alone(changed(_MOST), stop) is None:
        return None
    low, high = 0.0, _MOST
    while high - low > _STEP / 2.0:
        middle = (low + high) / 2.0
        if cheapest_alone(changed(middle), stop) is None:
            low = middle
        else:
            high = middle
    figure = _up(high)
    return _checked(kind, changed(figure), stop, {unit: figure})


def _up(figure: float) -> float:
    """Return the next figure the sentence can name without falling short."""
    return math.ceil(figure / _STEP - _EXACT) * _STEP


def _with_vehicle(problem: RoutingProblem, index: int, vehicle: RoutingVehicle) -> RoutingProblem:
    vehicles = list(problem.vehicles)
    vehicles[index] = vehicle
    return replace(problem, vehicles=tuple(vehicles))
