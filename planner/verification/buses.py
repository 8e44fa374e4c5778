"""Independent check of parcels on buses: every load rides a run that runs, calls and waits for it, within room, dwell and delay.

Nothing of the engine is used here: loads are laid on the timetable again, segment by segment and stop by stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from geodata.messages import Message
from networks.timetable import DAY_MIN, BusRun, clock_text
from planner.problems.buses import BusDecision, BusLoad, BusRules, BusSide

_SLACK = 1e-5
_SECONDS = 60.0


def check_buses(side: BusSide, decision: BusDecision) -> tuple[Message, ...]:
    """Return every rule a decision of the bus side breaks; empty: it holds.

    Parameters
    ----------
    side
        Runs, points, origins and rules.
    decision
        Loads of one service day.
    """
    runs = {run.run_id: run for run in side.runs}
    found = [*_parcels(side, decision)]
    sound = []
    for load in decision.loads:
        problems = [*_load(side, runs, load)]
        found += problems
        if not any(m.key in ("check_bus_run", "check_bus_calls") for m in problems):
            sound.append(load)
    found += _segments(runs, sound)
    found += _hand_overs(side.rules, runs, sound)
    return tuple(found)


def _parcels(side: BusSide, decision: BusDecision) -> Iterator[Message]:
    """All parcels of a riding point ride, those of no other point do."""
    points = {point.point_id: point for point in side.points}
    carried: dict[tuple[str, str], float] = {}
    for load in decision.loads:
        where = {"point": load.point_id, "run": load.run_id}
        if load.parcels <= 0.0 or not math.isfinite(load.parcels):
            yield Message("check_bus_parcels", {**where, "parcels": load.parcels})
        if load.bags * side.rules.bag_parcels < load.parcels - _SLACK:
            yield Message("check_bus_bags", {**where, "bags": load.bags, "parcels": round(load.parcels, 3)})
        if decision.origin_of_point.get(load.point_id) != load.origin_id or load.point_id not in points:
            yield Message("check_bus_origin", {**where, "origin": load.origin_id})
        carried[load.point_id, load.kind] = carried.get((load.point_id, load.kind), 0.0) + load.parcels
    for point_id in sorted(set(decision.origin_of_point) & set(points)):
        point = points[point_id]
        for kind, wanted in (("delivery", point.delivery_parcels), ("pickup", point.pickup_parcels)):
            rides = carried.get((point_id, kind), 0.0)
            if abs(rides - wanted) > _SLACK * max(1.0, wanted):
                figures = {"point": point_id, "found": round(rides, 3), "wanted": round(wanted, 3)}
                yield Message(f"check_bus_balance_{kind}", figures)


def _load(side: BusSide, runs: Mapping[str, BusRun], load: BusLoad) -> Iterator[Message]:
    run = runs.get(load.run_id)
    where = {"run": load.run_id, "point": load.point_id}
    if run is None:
        yield Message("check_bus_run", where)
        return
    absent = sorted(day for day in side.rules.weekdays if day not in run.days)
    if absent:
        yield Message("check_bus_day", {**where, "days": "".join(map(str, absent))})
    if not 0 <= load.board < load.alight < len(run.calls):
        yield Message("check_bus_calls", {**where, "board": load.board, "alight": load.alight})
        return
    yield from _stops(side, run, load)
    yield from _times(side, run, load)


def _stops(side: BusSide, run: BusRun, load: BusLoad) -> Iterator[Message]:
    at_point = {s for p in side.points if p.point_id == load.point_id for s in p.stop_ids}
    at_origin = {s for o in side.origins if o.origin_id == load.origin_id for s in o.stop_ids}
    on, off = run.calls[load.board], run.calls[load.alight]
    ends = (at_origin, at_point) if load.kind == "delivery" else (at_point, at_origin)
    for call, known in zip((on, off), ends, strict=True):
        if call.stop_id not in known:
            figures = {"run": run.run_id, "point": load.point_id, "stop": call.stop_id}
            yield Message("check_bus_stop", figures)
    if not on.can_load or not off.can_unload:
        yield Message("check_bus_no_service", {"run": run.run_id, "point": load.point_id})


def _times(side: BusSide, run: BusRun, load: BusLoad) -> Iterator[Message]:
    rules, on, off = side.rules, run.calls[load.board].departure_min, run.calls[load.alight].arrival_min
    for minutes in (on, off):
        day = minutes % DAY_MIN
        if day < rules.open_min - _SLACK or day > rules.close_min + _SLACK:
            yield Message("check_bus_night", {"run": run.run_id, "point": load.point_id, "time": clock_text(minutes)})
    if load.kind == "delivery":
        ready = [o.ready_min for o in side.origins if o.origin_id == load.origin_id]
        waits = (on - ready[0]) % DAY_MIN if ready else 0.0
        hours = (waits + off - on) / 60.0
        if hours > rules.hours_most + _SLACK:
            figures = {"run": run.run_id, "point": load.point_id, "hours": round(hours, 2), "most": rules.hours_most}
            yield Message("check_bus_hours", figures)


def _segments(runs: Mapping[str, BusRun], loads: list[BusLoad]) -> Iterator[Message]:
    for run_id in sorted({load.run_id for load in loads}):
        run = runs[run_id]
        for segment, room in enumerate(run.spare_parcels):
            rides = math.fsum(x.parcels for x in loads if x.run_id == run_id and x.board <= segment < x.alight)
            if rides > room + _SLACK * max(1.0, room):
                figures = {"run": run_id, "stop": run.calls[segment].stop_id, "found": round(rides, 3), "room": room}
                yield Message("check_bus_room", figures)


def _hand_overs(rules: BusRules, runs: Mapping[str, BusRun], loads: list[BusLoad]) -> Iterator[Message]:
    for run_id in sorted({load.run_id for load in loads}):
        total = 0.0
        for call in range(1, len(runs[run_id].calls) - 1):
            bags = sum(x.bags for x in loads if x.run_id == run_id and call in (x.board, x.alight))
            held = (rules.handover_s + bags * rules.handover_s_per_bag) / _SECONDS if bags else 0.0
            total += held
            if held > rules.dwell_max_min + _SLACK:
                figures = {"run": run_id, "stop": runs[run_id].calls[call].stop_id, "found": round(held, 2)}
                yield Message("check_bus_dwell", {**figures, "most": rules.dwell_max_min})
        if total > rules.delay_max_min + _SLACK:
            yield Message("check_bus_delay", {"run": run_id, "found": round(total, 2), "most": rules.delay_max_min})
