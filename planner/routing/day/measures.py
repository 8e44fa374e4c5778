"""KPIs of a day: in-county time (K9), cold-chain compliance (K23), share of new-energy kilometres (K25)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.plan import Kpi, Plan, PlanProblem
from planner.routing.day.settings import DaySettings
from planner.routing.day.solve import DayPlan
from planner.routing.rounds_build import parcels_of_points

_DAY_H, _WEEK = 24.0, 7
_PROMISE_H = 24.0


@dataclass(frozen=True, slots=True)
class InCountyTime:
    """Hours from the truck's arrival at the centre to the parcel's availability at its point, and parcels of that time."""

    hours: float
    parcels: float


def in_county_times(
    problem: PlanProblem, plan: Plan, settings: DaySettings, day: DayPlan, weekdays: frozenset[int]
) -> tuple[InCountyTime, ...]:
    """Return the times of a week's parcels; those never brought have infinite hours.

    A parcel that arrives on a day without service waits for the next service day. The last part of a divided stop counts.
    """
    at = _handed_over(day)
    parcels = parcels_of_points(problem, plan.siting)
    found = []
    for point in sorted(plan.siting.station_of_point):
        for w, wave in enumerate(settings.waves):
            moment = at.get((point, w), math.inf)
            for weekday in range(1, _WEEK + 1):
                wait = min((d - weekday) % _WEEK for d in weekdays)
                hours = _DAY_H * wait + (moment - wave.arrival_min) / 60.0
                found.append(InCountyTime(hours, parcels[point].delivery * wave.share))
    return tuple(found)


def _handed_over(day: DayPlan) -> dict[tuple[str, int], float]:
    """Return (point, wave) → minute the last of its parcels is handed over."""
    at: dict[tuple[str, int], float] = {}
    for run in day.runs:
        made = day.rounds[run.round]
        if made.tier != "township_village":
            continue
        for trip in run.times.trips:
            for visit in trip.visits:
                if visit.index < len(made.loads):
                    key = made.loads[visit.index].facility_id, made.wave
                    at[key] = max(at.get(key, 0.0), visit.end_min)
    return at


def kpi_rows(
    problem: PlanProblem, plan: Plan, settings: DaySettings, day: DayPlan, weekdays: frozenset[int]
) -> tuple[Kpi, ...]:
    """Return K9, K23 (only where something must stay cold) and K25."""
    list_id = problem.county.village_list_id
    times = in_county_times(problem, plan, settings, day, weekdays)
    return (*_k9(times, list_id), *_k23(day, list_id), *_k25(problem, day, list_id))


def _k9(times: Sequence[InCountyTime], list_id: str) -> tuple[Kpi, ...]:
    total = math.fsum(t.parcels for t in times) / _WEEK
    near = math.fsum(t.parcels for t in times if t.hours <= _PROMISE_H) / _WEEK
    brought = sorted((t for t in times if math.isfinite(t.hours)), key=lambda t: t.hours)
    carried = math.fsum(t.parcels for t in brought)
    mean = math.fsum(t.hours * t.parcels for t in brought) / carried if carried else None
    rows = [
        Kpi("K9", "within_24h", near / total if total else None, "share", near, total, list_id, "kpi_note_k9"),
        Kpi(
            "K9",
            "mean",
            mean,
            "h",
            None if mean is None else mean * carried / _WEEK,
            carried / _WEEK,
            list_id,
            "kpi_note_k9",
        ),
        Kpi("K9", "p90", percentile(brought, 0.9), "h", None, carried / _WEEK, list_id, "kpi_note_k9"),
    ]
    return tuple(rows)


def percentile(times: Sequence[InCountyTime], share: float) -> float | None:
    """Return the hours within which this share of the parcels (sorted by hours) is there; None without parcels."""
    total, summed = math.fsum(t.parcels for t in times), 0.0
    for t in times:
        summed += t.parcels
        if total and summed >= share * total * (1 - 1e-12):
            return t.hours
    return None


def _k23(day: DayPlan, list_id: str) -> tuple[Kpi, ...]:
    """Trips with cold goods that keep them within their minutes, over all such trips; cold stops left out count against."""
    kept, total = 0.0, 0.0
    for run in day.runs:
        made = day.rounds[run.round]
        vehicle = made.problem.vehicles[run.day.vehicle]
        for trip in run.times.trips:
            cold = [
                v
                for v in trip.visits
                if v.index < len(made.loads) and _is_cold(made.problem.stops[v.index].cold_max_min)
            ]
            if not cold:
                continue
            total += 1.0
            ok = True
            for visit in cold:
                stop = made.problem.stops[visit.index]
                out = visit.begin_min - trip.departure_min if any(stop.delivery) else 0.0
                back = trip.return_min - visit.end_min if any(stop.pickup) else 0.0
                ok = ok and (vehicle.is_refrigerated or max(out, back) <= stop.cold_max_min + 1e-6)
            kept += float(ok)
    lost = sum(
        1.0
        for made, answer in zip(day.rounds, day.answers, strict=True)
        for i, stop in enumerate(made.problem.stops)
        if _is_cold(stop.cold_max_min) and (answer.decision is None or i in answer.decision.left_out)
    )
    total += lost
    if not total:
        return ()
    return (Kpi("K23", "total", kept / total, "share", kept, total, list_id, "kpi_note_k23"),)


def _is_cold(minutes: float) -> bool:
    return math.isfinite(minutes)


def _k25(problem: PlanProblem, day: DayPlan, list_id: str) -> tuple[Kpi, ...]:
    kinds = problem.county.vehicles.set_index("vehicle_type_id")["energy_kind"].astype(str)
    km: Mapping[bool, list[float]] = {True: [], False: []}
    used: Mapping[bool, set[tuple[str, int]]] = {True: set(), False: set()}
    for run in day.runs:
        kind = day.rounds[run.round].problem.vehicles[run.day.vehicle].vehicle_type_id
        is_new = kinds[kind] == "electric"
        km[is_new].append(run.times.km)
        used[is_new].add((kind, run.number))
    rows = []
    for part, new, all_ in (
        ("km", math.fsum(km[True]), math.fsum([*km[True], *km[False]])),
        ("vehicles", float(len(used[True])), float(len(used[True]) + len(used[False]))),
    ):
        rows.append(Kpi("K25", part, new / all_ if all_ else None, "share", new, all_, list_id, "kpi_note_k25"))
    return tuple(rows)
