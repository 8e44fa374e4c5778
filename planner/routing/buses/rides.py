"""All ways on which a bus can carry a village's parcels, and why a run carries none."""

from __future__ import annotations

from collections.abc import Iterator

from geodata.messages import Message
from networks.timetable import DAY_MIN, BusRun, clock_text
from planner.problems.buses import TOLERANCE, BusSide, Kind, Ride, hours_until


def possible_rides(side: BusSide) -> tuple[tuple[Ride, ...], dict[str, Message]]:
    """Return every ride the rules allow, and for every run without one the first reason that holds.

    Deliveries get on at the last call of the origin before the point's stop; pick-ups get off at the first one after it.
    """
    rides: list[Ride] = []
    reasons: dict[str, Message] = {}
    for r, run in enumerate(side.runs):
        if not run.runs_on(side.rules.weekdays):
            missing = sorted(side.rules.weekdays - run.days)
            days = "".join(map(str, sorted(run.days))) or "–"
            figures = {"run": run.run_id, "days": days, "missing": "".join(map(str, missing))}
            reasons[run.run_id] = Message("bus_reason_days", figures)
            continue
        own = list(_rides_of(side, r, is_strict=True))
        rides += own
        if not own:
            reasons[run.run_id] = _reason(side, r)
    return tuple(rides), reasons


def _reason(side: BusSide, r: int) -> Message:
    run = side.runs[r]
    if sum(run.spare_parcels) <= 0.0:
        return Message("bus_reason_no_room", {"run": run.run_id})
    loose = list(_rides_of(side, r, is_strict=False))
    if not loose:
        return Message("bus_reason_no_stop", {"run": run.run_id})
    best = min(loose, key=lambda ride: ride.hours)
    figures = {
        "run": run.run_id,
        "start": clock_text(run.calls[best.board].departure_min),
        "end": clock_text(run.calls[best.alight].arrival_min),
        "open": clock_text(side.rules.open_min),
        "close": clock_text(side.rules.close_min),
        "hours": round(best.hours, 1),
        "hours_most": side.rules.hours_most,
    }
    return Message("bus_reason_hours", figures)


def _rides_of(side: BusSide, r: int, *, is_strict: bool) -> Iterator[Ride]:
    for o, origin in enumerate(side.origins):
        at_origin = _calls_at(side.runs[r], origin.stop_ids)
        for p, point in enumerate(side.points):
            if point.point_id not in origin.point_ids:
                continue
            at_point = _calls_at(side.runs[r], point.stop_ids)
            for kind, wanted in (("delivery", point.delivery_parcels), ("pickup", point.pickup_parcels)):
                if wanted > 0.0:
                    yield from _ways(side, (r, p, o), kind, (at_origin, at_point), is_strict=is_strict)  # type: ignore[arg-type]


def _ways(
    side: BusSide, who: tuple[int, int, int], kind: Kind, calls: tuple[list[int], list[int]], *, is_strict: bool
) -> Iterator[Ride]:
    r, p, o = who
    run = side.runs[r]
    at_origin, at_point = calls
    for there in at_point:
        before = [c for c in at_origin if c < there and run.calls[c].can_load]
        after = [c for c in at_origin if c > there and run.calls[c].can_unload]
        if kind == "delivery" and before and run.calls[there].can_unload:
            pair = (before[-1], there)
        elif kind == "pickup" and after and run.calls[there].can_load:
            pair = (there, after[0])
        else:
            continue
        ride = Ride(r, p, o, kind, *pair, hours=_hours(side, r, o, kind, pair))
        if not is_strict or _is_allowed(side, ride):
            yield ride


def _hours(side: BusSide, r: int, o: int, kind: Kind, pair: tuple[int, int]) -> float:
    run = side.runs[r]
    on, off = run.calls[pair[0]].departure_min, run.calls[pair[1]].arrival_min
    return hours_until(side.origins[o].ready_min, on, off) if kind == "delivery" else (off - on) / 60.0


def _is_allowed(side: BusSide, ride: Ride) -> bool:
    run, rules = side.runs[ride.run], side.rules
    if min(run.spare_parcels[ride.board : ride.alight]) <= 0.0 or ride.hours > rules.hours_most + TOLERANCE:
        return False
    # Nobody stands at a stop at night: both ends of the ride lie within the hours of hand-over.
    ends = (run.calls[ride.board].departure_min % DAY_MIN, run.calls[ride.alight].arrival_min % DAY_MIN)
    return all(rules.open_min - TOLERANCE <= t <= rules.close_min + TOLERANCE for t in ends)


def _calls_at(run: BusRun, stop_ids: frozenset[str]) -> list[int]:
    return [c for c, call in enumerate(run.calls) if call.stop_id in stop_ids]
