"""Joint departures: which truck each waits for and how long; one departure a day, up to two, and a morning and a noon one everywhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from geodata.messages import Message
from planner.cooperation.modes import Carriage, ModePlan, solve_modes
from planner.cooperation.two_waves import with_morning_wave
from planner.siting.selection import SolveLimits
from planner.verification.cooperation import check_cooperation
from scenarios.studies.study import Cell, StudyColumn, StudyTable

_DAY_H = 24.0


@dataclass(frozen=True, slots=True)
class WaveMeasure:
    """A plan by its joint departures.

    Attributes
    ----------
    design
        Glossary key: ``waves_one``, ``waves_cheapest`` or ``waves_two``.
    cny_per_day
        Cost of the plan.
    departures
        Joint departures in it.
    wait_min
        Mean minutes from an operator's truck to the joint departure, over the parcels that take one; None without any.
    within_day
        Share of all parcels in the village within 24 hours of their truck; None without parcels.
    """

    design: str
    cny_per_day: float
    departures: int
    wait_min: float | None
    within_day: float | None


def measured(design: str, plan: ModePlan) -> WaveMeasure:
    """Measure a plan's joint departures."""
    total = within = joint = waited = 0.0
    for carriage in plan.carriages:
        parcels, arrival = _parcels(plan, carriage), _arrival(plan, carriage)
        total += parcels
        within += parcels * (carriage.hours <= _DAY_H)
        if carriage.leaves_min >= 0.0:
            joint += parcels
            waited += parcels * (carriage.leaves_min - arrival)
    return WaveMeasure(
        design,
        plan.cny_per_day,
        len(plan.waves),
        waited / joint if joint > 0.0 else None,
        within / total if total > 0.0 else None,
    )


def _parcels(plan: ModePlan, carriage: Carriage) -> float:
    problem = plan.problem
    return float(
        problem.parcels[problem.index_of(carriage.operator_id), problem.village_ids.index(carriage.village_id)]
    )


def _arrival(plan: ModePlan, carriage: Carriage) -> float:
    return plan.problem.operators[plan.problem.index_of(carriage.operator_id)].arrival_min


def compared(plan: ModePlan, limits: SolveLimits) -> tuple[WaveMeasure, ...]:
    """Return the designs side by side.

    The best plan with one joint departure a township and day; `plan`, which may have two where that is cheaper; and the first with a
    morning departure added everywhere, left out where none helps. What fails its own check is not compared.
    """
    settings = replace(plan.problem.settings, maximum_waves=1)
    one = solve_modes(replace(plan.problem, settings=settings), limits=limits)
    found = [measured("waves_one", one), measured("waves_cheapest", plan)]
    two = with_morning_wave(one)
    if two is not None and not check_cooperation(two).violations:
        found.append(measured("waves_two", two))
    return tuple(found)


def wave_table(rows: tuple[WaveMeasure, ...]) -> StudyTable:
    """Return the designs beside each other: cost, wait, share within a day."""
    columns = (
        StudyColumn("wave_design", "label"),
        StudyColumn("total_cny_per_day", "cny"),
        StudyColumn("joint_departures", "count"),
        StudyColumn("mean_wait_min", "number"),
        StudyColumn("within_day_share", "share"),
    )
    cells = tuple((r.design, r.cny_per_day, r.departures, r.wait_min, r.within_day) for r in rows)
    return StudyTable("table_study_waves", columns, cells)


def departure_table(plan: ModePlan) -> StudyTable:
    """Return every joint departure: when it leaves, whose truck it waits for, how long the parcels on it have waited."""
    columns = (
        StudyColumn("township_code"),
        StudyColumn("leaves_at"),
        StudyColumn("waits_for"),
        StudyColumn("its_truck_at"),
        StudyColumn("operators_count", "count"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("mean_wait_min", "number"),
        StudyColumn("longest_wait_min", "number"),
    )
    problem = plan.problem
    on_board: dict[tuple[str, float], list[Carriage]] = defaultdict(list)
    for carriage in plan.carriages:
        if carriage.leaves_min >= 0.0:
            town = problem.village_township[problem.village_ids.index(carriage.village_id)]
            on_board[problem.township_ids[int(town)], carriage.leaves_min].append(carriage)
    rows: list[tuple[Cell, ...]] = []
    for (town, leaves), items in sorted(on_board.items()):
        names = sorted({item.operator_id for item in items})
        arrivals = {name: problem.operators[problem.index_of(name)].arrival_min for name in names}
        last = max(names, key=lambda name: arrivals[name])
        parcels = [_parcels(plan, item) for item in items]
        wait = sum(p * (leaves - arrivals[i.operator_id]) for p, i in zip(parcels, items, strict=True)) / sum(parcels)
        longest = leaves - min(arrivals.values())
        rows.append((town, clock(leaves), last, clock(arrivals[last]), len(names), sum(parcels), wait, longest))
    return StudyTable("table_study_departures", columns, tuple(rows))


def clock(minutes: float) -> str:
    """Return minutes after midnight as HH:MM."""
    whole = round(minutes)
    return f"{whole // 60 % 24:02d}:{whole % 60:02d}"


def wave_sentences(rows: tuple[WaveMeasure, ...]) -> list[Message]:
    """Say what waiting for the last truck costs in time, and what a second departure would cost and save."""
    by_design = {row.design: row for row in rows}
    one, two = by_design["waves_one"], by_design.get("waves_two")
    if one.wait_min is None:
        return []
    said = [Message("cooperation_waves", {"wait": round(one.wait_min), "cny": round(one.cny_per_day)})]
    if two is None or two.wait_min is None:
        return [*said, Message("cooperation_waves_none")]
    figures = {"wait": round(two.wait_min), "more": round(two.cny_per_day - one.cny_per_day)}
    return [*said, Message("cooperation_waves_two", figures)]
