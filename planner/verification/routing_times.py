"""Times of a vehicle day for the checker, by its own method: try every start of day that can matter.

Without rests and cold goods a day is driven through from a given start, each visit as soon as it can be. The least time on
duty is reached for a start from which some visit falls, without any waiting before, on the begin or end of one of its
windows, or for the earliest start; all of these are tried. With rests or cold goods the windows used and the places of
the rests are tried too; each choice gives a system of differences whose longest paths are closed by Floyd and Warshall.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.problems.routing import BreakRule, RoutingProblem, RoutingVehicle, VehicleDay, Window

#: Minutes that count as rounding.
ROUNDING_MIN = 1e-6
#: Rules of time in the order in which they are taken up; the first that leaves no timetable is the one that is broken.
TIME_RULES = ("window", "permit_time", "depot_hours", "shift", "cold", "longest_day", "break")
ALWAYS: tuple[Window, ...] = ((-math.inf, math.inf),)


@dataclass(slots=True)
class Event:
    """Something at a place: when it may begin, how long it stays and how long the way to the next event is."""

    name: str
    windows: tuple[Window, ...] = ALWAYS
    stay: float = 0.0
    way: float = 0.0


@dataclass(slots=True)
class Day:
    """Events in order and pairs of events (earlier, later, most minutes, stop) of cold goods."""

    events: list[Event]
    cold: list[tuple[int, int, float, str]]


def least_minutes(problem: RoutingProblem, day: VehicleDay, rules: tuple[str, ...] = TIME_RULES) -> float | None:
    """Return the least minutes on duty of a vehicle day under some rules; None: no timetable keeps them."""
    vehicle = problem.vehicles[day.vehicle]
    events = _events(problem, day, rules)
    work = sum(event.stay + event.way for event in events.events)
    if not day.trips or not math.isfinite(work) or any(not event.windows for event in events.events):
        return None
    limit = vehicle.longest_min if "longest_day" in rules else math.inf
    rule = vehicle.break_rule if "break" in rules else None
    plain = _driven_through(events.events)
    if plain is None:
        return None
    if not events.cold and (rule is None or plain <= rule.after_min + ROUNDING_MIN):
        return plain if plain <= limit + ROUNDING_MIN else None
    fewest = 0 if rule is None else max(0, math.ceil((work - ROUNDING_MIN) / rule.after_min) - 1)
    for number in (0,) if rule is None else (fewest, fewest + 1):
        found = min((t for t in _tried(events, rule, number) if t is not None), default=math.inf)
        if math.isfinite(found) and found <= limit + ROUNDING_MIN:
            return found
    return None


def broken_times(problem: RoutingProblem, day: VehicleDay) -> Iterator[tuple[str, str, dict[str, float | str]]]:
    """Yield the first rule of time, in the order of `TIME_RULES`, that a day cannot keep, with stop and figures."""
    for count in range(1, len(TIME_RULES) + 1):
        rules = TIME_RULES[:count]
        if least_minutes(problem, day, rules) is None:
            yield (rules[-1], *_figures(problem, day, rules))
            return


def _figures(problem: RoutingProblem, day: VehicleDay, rules: tuple[str, ...]) -> tuple[str, dict[str, float | str]]:
    vehicle, rule = problem.vehicles[day.vehicle], rules[-1]
    if rule == "longest_day":
        return "", {"found": least_minutes(problem, day, rules[:-1]) or 0.0, "limit": vehicle.longest_min}
    if rule == "break":
        after = vehicle.break_rule.after_min if vehicle.break_rule else math.inf
        return "", {"found": least_minutes(problem, day, rules[:-1]) or 0.0, "limit": after}
    events = _events(problem, day, rules)
    if rule == "cold":
        for pair in events.cold:
            alone = Day(events.events, [pair])
            if all(t is None for t in _tried(alone, None, 0)):
                return pair[3], {"limit": pair[2]}
        return "", {"limit": min(pair[2] for pair in events.cold)}
    return _late(events.events)


def _late(events: list[Event]) -> tuple[str, dict[str, float | str]]:
    """Return the event that comes too late when everything is as early as can be, and by how much."""
    clock = -math.inf
    for event in events:
        last = max((high for _, high in event.windows), default=-math.inf)
        if clock > last + ROUNDING_MIN or not event.windows:
            return event.name, {"found": clock, "limit": last}
        begin = min(max(clock, low) for low, high in event.windows if high >= clock - ROUNDING_MIN)
        clock = (begin if begin > -math.inf else 0.0) + event.stay + event.way
    return "", {}


def _events(problem: RoutingProblem, day: VehicleDay, rules: tuple[str, ...]) -> Day:
    vehicle = problem.vehicles[day.vehicle]
    start, end = problem.depots[vehicle.start_depot], problem.depots[vehicle.end_depot]
    leaves, returns = ALWAYS, ALWAYS
    if "depot_hours" in rules:
        leaves, returns = ((start.opens_min, start.closes_min),), ((end.opens_min, end.closes_min),)
    made = Day([Event("", ((vehicle.shift[0], math.inf),), way=start.loading_min)], [])
    for number, trip in enumerate(day.trips):
        made.events.append(Event("", leaves))
        missing = _visit_events(problem, vehicle, trip, rules, made)
        made.events.append(Event("", returns))
        if number < len(day.trips) - 1:
            charging = missing * vehicle.battery.min_per_kwh if vehicle.battery else 0.0
            made.events[-1].way = max(start.loading_min, charging)
    if "shift" in rules:
        made.events[-1].windows = tuple((a, min(b, vehicle.shift[1])) for a, b in made.events[-1].windows)
    return made


def _visit_events(
    problem: RoutingProblem, vehicle: RoutingVehicle, trip: tuple[int, ...], rules: tuple[str, ...], made: Day
) -> float:
    """Add the visits of a trip to `made`; return the kWh missing on return."""
    minutes, metres = problem.minutes[vehicle.profile], problem.metres[vehicle.profile]
    leaving, count = len(made.events) - 1, len(problem.stops)
    back = leaving + len(trip) + 1
    here, missing = problem.depots[vehicle.start_depot].place, 0.0
    use = vehicle.battery.kwh_per_km if vehicle.battery else 0.0
    for at, index in enumerate(trip, start=leaving + 1):
        place = problem.stops[index].place if index < count else problem.chargers[index - count].place
        made.events[-1].way = float(minutes[here, place])
        missing += use * float(metres[here, place]) / 1000.0
        if index >= count:
            made.events.append(Event("", stay=missing * vehicle.battery.min_per_kwh if vehicle.battery else 0.0))
            missing = 0.0
        else:
            stop = problem.stops[index]
            windows = _allowed(problem, vehicle, index, rules)
            made.events.append(Event(stop.stop_id, windows, stop.service_min))
            is_cold = "cold" in rules and not vehicle.is_refrigerated and math.isfinite(stop.cold_max_min)
            if is_cold and any(q > 0.0 for q in stop.delivery):
                made.cold.append((leaving, at, stop.cold_max_min, stop.stop_id))
            if is_cold and any(q > 0.0 for q in stop.pickup):
                made.cold.append((at, back, stop.cold_max_min + stop.service_min, stop.stop_id))
        here = place
    depot = problem.depots[vehicle.end_depot].place
    made.events[-1].way = float(minutes[here, depot])
    return missing + use * float(metres[here, depot]) / 1000.0


def _allowed(
    problem: RoutingProblem, vehicle: RoutingVehicle, index: int, rules: tuple[str, ...]
) -> tuple[Window, ...]:
    stop = problem.stops[index]
    windows = (stop.windows or ALWAYS) if "window" in rules else ALWAYS
    permits = [permit for permit in vehicle.permits if permit.zone == stop.zone]
    if not permits or "permit_time" not in rules:
        return windows  # without any permit the trip breaks another rule
    found = []
    for permit in permits:
        for low, high in permit.windows or ALWAYS:
            found += [(max(low, a), min(high - stop.service_min, b)) for a, b in windows]
    return tuple(sorted({(a, b) for a, b in found if a <= b}))


def _driven_through(events: list[Event]) -> float | None:
    """Return the least duration over all starts that can matter."""
    done, starts = 0.0, {events[0].windows[0][0]}
    for event in events:
        starts |= {edge - done for window in event.windows for edge in window if math.isfinite(edge)}
        done += event.stay + event.way
    least = events[0].windows[0][0]
    found = [t for start in sorted(starts) if start >= least and (t := _drive(events, start)) is not None]
    return min(found, default=None)


def _drive(events: list[Event], start: float) -> float | None:
    clock = start if start > -math.inf else 0.0
    for event in events:
        begins = [max(clock, low) for low, high in event.windows if high >= clock - ROUNDING_MIN]
        if not begins:
            return None
        clock = min(begins) + event.stay + event.way
    return clock - start


def _tried(day: Day, rule: BreakRule | None, number: int) -> Iterator[float | None]:
    """Yield the least duration of every choice of rests (gap, on arrival or not) and windows."""
    events = day.events
    gaps = range(1, len(events) - 1)
    for chosen in itertools.combinations(gaps, number):
        for arrivals in itertools.product((False, True), repeat=number):
            if arrivals and arrivals[-1] and chosen[-1] == len(events) - 2:
                continue
            rests = dict(zip(chosen, arrivals, strict=True))
            if rule is None or _stretches_fit(events, rests, rule):
                for windows in _windows(events, rests, rule):
                    yield _closed(day, windows, rests, rule)


def _stretches_fit(events: list[Event], rests: dict[int, bool], rule: BreakRule) -> bool:
    since = 0.0
    for at, event in enumerate(events):
        if at in rests and not rests[at]:
            if since + event.stay > rule.after_min + ROUNDING_MIN:
                return False
            since = event.way
        else:
            since += event.stay + event.way
            if since > rule.after_min + ROUNDING_MIN:
                return False
            since = 0.0 if at in rests else since
    return True


def _windows(events: list[Event], rests: dict[int, bool], rule: BreakRule | None) -> Iterator[list[Window]]:
    partial: list[tuple[list[Window], float]] = [([], -math.inf)]
    for at, event in enumerate(events):
        pause = rule.minutes if rule and at in rests else 0.0
        partial = [
            ([*chosen, (low, high)], max(clock, low) + event.stay + event.way + pause)
            for chosen, clock in partial
            for low, high in event.windows
            if high >= clock - ROUNDING_MIN
        ]
    for chosen, _ in partial:
        yield chosen


def _closed(day: Day, windows: list[Window], rests: dict[int, bool], rule: BreakRule | None) -> float | None:
    """Return the longest path from the first event to the last, or None if some cycle is positive."""
    events, n = day.events, len(day.events)
    least = np.full((n + 1, n + 1), -np.inf)  # least[u, v]: v comes at least so much after u; n: midnight
    np.fill_diagonal(least, 0.0)
    for at, (low, high) in enumerate(windows):
        least[n, at] = low if math.isfinite(low) else 0.0
        least[at, n] = -high
    begun, lead = 0, 0.0
    for at in range(n - 1):
        pause = rule.minutes if rule and at in rests else 0.0
        least[at, at + 1] = events[at].stay + events[at].way + pause
        if rule and at in rests:
            spent = events[at].stay + (events[at].way if rests[at] else 0.0)
            least[at, begun] = max(least[at, begun], spent + lead - rule.after_min)
            begun, lead = at + 1, 0.0 if rests[at] else events[at].way
    if rule:
        least[n - 1, begun] = max(least[n - 1, begun], lead - rule.after_min)
    for earlier, later, most, _ in day.cold:
        least[later, earlier] = max(least[later, earlier], -most)
    for k in range(n + 1):
        np.maximum(least, least[:, k, None] + least[None, k, :], out=least)
    return None if np.any(np.diagonal(least) > ROUNDING_MIN) else float(least[0, n - 1])
