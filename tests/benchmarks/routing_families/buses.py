"""Parcels on a rural bus network (GTFS) jointly with the truck rounds: saving, passenger delay, gap, and the checker's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from planner.routing.buses.solve import BusLimits, solve_buses
from planner.verification.buses import check_buses
from routing_families.bus_cases import bus_question

SECONDS = 60.0
QUICK = 1
#: Parcels of room on every segment: hardly any, usual, rebuilt luggage hold.
ROOMS = (20.0, 80.0, 250.0)


def cases(data: Path) -> list[Case]:
    """Return every feed under ``data/gtfs`` with each figure of room."""
    feeds = sorted(path for folder in (data / "gtfs", data) if folder.is_dir() for path in folder.glob("*.zip"))
    return [Case(f"{p.stem} room {room:g}", room, {"path": p, "room": room}) for p in feeds for room in ROOMS]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one feed with one figure of room; the peer is the truck alone."""
    side, depot = bus_question(Path(str(case.detail["path"])), room=float(str(case.detail["room"])))
    plan = solve_buses(side, [depot], limits=BusLimits(time_limit_s=options.seconds))
    before, report = plan.trucks_only_cny_per_day, plan.report
    broken = check_buses(side, plan.decision)
    held = plan.saving.delay
    yield Row(case.name, "cost", plan.cny_per_day, "CNY/day", "trucks only", before, status=report.status)
    yield Row(case.name, "saving", 100.0 * plan.saving.cny_per_day / before, "%", ok=plan.saving.cny_per_day >= -1e-6)
    yield Row(case.name, "passenger delay", held.passenger_min, "min/day", bound=None)
    yield Row(case.name, "longest delay", held.worst_min, "min", bound=side.rules.delay_max_min)
    yield Row(case.name, "points by bus", float(len(plan.decision.origin_of_point)), f"of {len(side.points)}")
    yield Row(case.name, "gap", None if report.gap is None else 100.0 * report.gap, "%", bound=0.2)
    yield Row(case.name, "broken rules", float(len(broken)), bound=0.0, ok=not broken)
