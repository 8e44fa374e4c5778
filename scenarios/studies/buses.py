"""Parcels on the county's buses: which village points ride, on which departures, and what it saves and costs passengers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from geodata.errors import InputError, Problem, VerificationError
from geodata.gtfs import read_gtfs
from geodata.messages import Message
from networks.timetable import BusRun, Timetable, clock_minutes, clock_text, county_timetable, feed_timetable
from planner.plan import Kpi
from planner.problems.buses import BusLoad, BusRules, BusSide, SavingWithoutDelayError, hours_until
from planner.progress import ProgressListener
from planner.routing.buses.county import WEEKDAYS, BusReach, county_buses
from planner.routing.buses.solve import BusLimits, BusPlan, solve_buses
from planner.verification.buses import check_buses
from scenarios.studies.options import Options
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyPlace, StudyTable

_POINTS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("served_by", "label"),
    StudyColumn("bus_origin"),
    StudyColumn("delivery_parcels", "number"),
    StudyColumn("pickup_parcels", "number"),
    StudyColumn("bags", "count"),
    StudyColumn("departures", "count"),
    StudyColumn("ready_to_stop_h", "number"),
)
_LOADS = (
    StudyColumn("line"),
    StudyColumn("departure_time"),
    StudyColumn("board_stop"),
    StudyColumn("board_time"),
    StudyColumn("alight_stop"),
    StudyColumn("alight_time"),
    StudyColumn("name"),
    StudyColumn("bus_kind", "label"),
    StudyColumn("parcels", "number"),
    StudyColumn("bags", "count"),
)
_RUNS = (
    StudyColumn("line"),
    StudyColumn("direction", "label"),
    StudyColumn("departure_time"),
    StudyColumn("room_parcels", "number"),
    StudyColumn("most_parcels", "number"),
    StudyColumn("bags", "count"),
    StudyColumn("delay_min", "number"),
    StudyColumn("passengers", "number"),
    StudyColumn("reason", "message"),
)
_ROUNDS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("stops_before", "count"),
    StudyColumn("stops_after", "count"),
    StudyColumn("rounds_before_cny_per_day", "cny"),
    StudyColumn("rounds_after_cny_per_day", "cny"),
)


def answer_buses(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer which village points a bus serves and which the rounds keep."""
    options = Options(given.options)
    rules, reach = _rules(given, options), _reach(options)
    timetable = _chosen(_timetable(given, options), options, rules)
    side, depots = county_buses(given.problem, given.verified.plan, timetable, rules, reach)
    limits = BusLimits(
        case_limit=options.whole("case_limit") or 1,
        relative_gap=max(given.limits.relative_gap, options.figure("gap")),
        node_limit=given.limits.node_limit,
        time_limit_s=given.limits.time_limit_s,
        seed=given.limits.seed,
    )
    plan = solve_buses(side, depots, limits=limits, listener=listener)
    broken = check_buses(side, plan.decision)
    if broken:
        raise VerificationError(Message("plan_refused", {"count": len(broken)}), broken)
    told = _Told(given, side, timetable, plan)
    return Study(
        name=given.name,
        kind="buses",
        report=plan.report,
        answer=told.sentences(),
        figures=told.figures(),
        tables=told.tables(),
        places=told.places(),
        assumptions=_assumptions(rules, side),
        kpis=told.kpis(),
    )


def _rules(given: StudyInput, options: Options) -> BusRules:
    parameters = given.problem.county.parameters
    visits = given.problem.standard.visits_per_week
    days = options.text("service_days") or WEEKDAYS[visits]
    clocks = {key: clock_minutes(options.text(key)) for key in ("ready", "station_ready", "open", "close")}
    problems = [
        Problem("error", "bus_bad_clock", column=key, value=options.text(key), params={"key": key})
        for key, value in clocks.items()
        if value is None
    ]
    if not days or set(days) - set("1234567") or len(set(days)) != len(days):
        problems.append(Problem("error", "bus_bad_service_days", column="service_days", value=days))
    if problems:
        raise InputError(Message("bus_settings_unusable", {"count": len(problems)}), problems)
    line_fee = options.number("line_cny_per_day")
    return BusRules(
        weekdays=frozenset(int(d) for d in days),
        dwell_max_min=options.figure("dwell_max_min"),
        handover_s=options.figure("handover_s"),
        handover_s_per_bag=options.figure("handover_s_per_bag"),
        bag_parcels=options.figure("bag_parcels"),
        delay_max_min=options.figure("delay_max_min"),
        hours_most=options.figure("hours_most"),
        open_min=clocks["open"] or 0.0,
        close_min=clocks["close"] or 0.0,
        line_cny_per_day=parameters["bus_fee_cny_per_route_day"] if line_fee is None else line_fee,
        parcel_cny=options.figure("parcel_cny"),
        bag_cny=options.figure("bag_cny"),
        passenger_cny_per_h=options.figure("passenger_cny_per_h"),
        passengers=options.number("passengers"),
    )


def _reach(options: Options) -> BusReach:
    return BusReach(
        point_km=options.figure("point_km"),
        origin_km=options.figure("origin_km"),
        centre_ready_min=clock_minutes(options.text("ready")) or 0.0,
        station_ready_min=clock_minutes(options.text("station_ready")) or 0.0,
    )


def _timetable(given: StudyInput, options: Options) -> Timetable:
    feed, county = options.text("gtfs"), given.problem.county
    room = options.number("spare_parcels")
    if feed:
        spare = county.parameters["bus_spare_parcels_per_departure"] if room is None else room
        return feed_timetable(read_gtfs(Path(feed).expanduser()), spare_parcels=spare)
    found = county_timetable(county)
    if not found.runs:
        raise InputError(Message("bus_no_lines"), [Problem("error", "bus_no_lines", table="bus_departures")])
    if room is None:
        return found
    # A figure in the scenario asks "what if": it replaces the room of every departure; luggage is no longer known apart.
    runs = tuple(replace(run, spare_parcels=(room,) * len(run.spare_parcels)) for run in found.runs)
    return replace(found, runs=runs)


def _chosen(timetable: Timetable, options: Options, rules: BusRules) -> Timetable:
    """Keep the departures the scenario names, all of which must exist and run on the service days."""
    asked = options.names("departures")
    if not asked:
        return timetable
    known = {_short(run): run for run in timetable.runs}
    problems = []
    for name in asked:
        if name not in known:
            figures: dict[str, object] = {"known": ", ".join(sorted(known))}
            problems.append(Problem("error", "bus_unknown_departure", column="departures", value=name, params=figures))
        elif not known[name].runs_on(rules.weekdays):
            days = "".join(map(str, sorted(known[name].days)))
            missing = "".join(map(str, sorted(rules.weekdays - known[name].days)))
            figures = {"days": days, "missing": missing}
            at = {"table": "bus_departures", "row": known[name].row, "column": "days", "value": name}
            problems.append(Problem("error", "bus_departure_not_running", params=figures, **at))  # type: ignore[arg-type]
    if problems:
        raise InputError(Message("bus_settings_unusable", {"count": len(problems)}), problems)
    return replace(timetable, runs=tuple(run for run in timetable.runs if _short(run) in asked))


def _short(run: BusRun) -> str:
    return f"{run.line_id};{run.direction};{clock_text(run.start_min)}"


def _assumptions(rules: BusRules, side: BusSide) -> tuple[Message, ...]:
    said = [
        Message("study_assumption_buses", {"seconds": rules.handover_s, "bag_s": rules.handover_s_per_bag}),
        Message("study_assumption_buses_trunk"),
    ]
    if all(len(set(run.spare_parcels)) <= 1 for run in side.runs):
        said.append(Message("study_assumption_buses_room"))
    if any(rules.passengers_of(run) is None for run in side.runs):
        said.append(Message("study_assumption_buses_passengers"))
    return tuple(said)


class _Told:
    """What a bus plan has to say."""

    def __init__(self, given: StudyInput, side: BusSide, timetable: Timetable, plan: BusPlan) -> None:
        self.given, self.side, self.timetable, self.plan = given, side, timetable, plan
        self.runs = {run.run_id: run for run in side.runs}
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.loads_of: dict[str, list[BusLoad]] = {}
        for load in plan.decision.loads:
            self.loads_of.setdefault(load.point_id, []).append(load)
        self.ready = {origin.origin_id: origin.ready_min for origin in side.origins}

    def sentences(self) -> tuple[Message, ...]:
        """Say what rides, and the saving only together with the passengers' delay."""
        decision, plan = self.plan.decision, self.plan
        if not self.side.points:
            return (Message("study_answer_buses_no_stop"),)
        if not decision.loads:
            return (Message("study_answer_buses_none", {"points": len(self.side.points)}), status_message(plan.report))
        said = [Message("study_answer_buses", self._carried())]
        try:
            saving = plan.saving
        except SavingWithoutDelayError:
            said.append(Message("study_buses_no_saving", {"minutes": round(plan.delay.worst_min, 1)}))
        else:
            before = plan.trucks_only_cny_per_day
            figures = {
                "saving": rounded(saving.cny_per_day),
                "percent": percent(saving.cny_per_day / before) if before else 0.0,
                "passenger_min": rounded(saving.delay.passenger_min or 0.0),
                "worst_min": round(saving.delay.worst_min, 1),
            }
            said.append(Message("study_buses_saving", figures))
        return (*said, status_message(plan.report))

    def _carried(self) -> Mapping[str, object]:
        loads = self.plan.decision.loads
        return {
            "points": len(self.plan.decision.origin_of_point),
            "all": len(self.side.points),
            "parcels": round(math.fsum(load.parcels for load in loads)),
            "bags": sum(load.bags for load in loads),
            "runs": len({load.run_id for load in loads}),
        }

    def figures(self) -> dict[str, Cell]:
        """Return single figures; saving and delay stand together or both are left out."""
        loads, plan = self.plan.decision.loads, self.plan
        found: dict[str, Cell] = {
            "bus_points": len(plan.decision.origin_of_point),
            "points_at_stops": len(self.side.points),
            "bus_parcels": math.fsum(load.parcels for load in loads),
            "bags": sum(load.bags for load in loads),
            "bus_departures_used": len({load.run_id for load in loads}),
            "worst_delay_min": plan.delay.worst_min,
        }
        if plan.delay.passenger_min is not None:
            saving = plan.saving
            found |= {
                "rounds_before_cny_per_day": plan.trucks_only_cny_per_day,
                "rounds_and_buses_cny_per_day": plan.cny_per_day,
                "bus_saving_cny_per_day": saving.cny_per_day,
                "passenger_delay_min": saving.delay.passenger_min,
            }
        return found

    def tables(self) -> tuple[StudyTable, ...]:
        """Return points, bags per departure, departures and rounds."""
        made = [
            StudyTable("table_study_bus_points", _POINTS, self._points()),
            StudyTable("table_study_bus_loads", _LOADS, self._loads()),
            StudyTable("table_study_bus_runs", _RUNS, self._runs()),
        ]
        if self.plan.delay.passenger_min is not None:
            made.append(StudyTable("table_study_bus_rounds", _ROUNDS, self._rounds()))
        return tuple(table for table in made if table.rows)

    def _points(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for point in self.side.points:
            loads = self.loads_of.get(point.point_id, [])
            facility = self.facilities.loc[point.point_id]
            rides = point.point_id in self.plan.decision.origin_of_point
            hours = [self._hours(load) for load in loads if load.kind == "delivery"]
            rows.append(
                (
                    point.point_id,
                    str(facility["name"]),
                    str(facility["township_code"]),
                    "served_by_bus" if rides else "served_by_round",
                    self.plan.decision.origin_of_point.get(point.point_id, ""),
                    point.delivery_parcels,
                    point.pickup_parcels,
                    sum(load.bags for load in loads) if rides else None,
                    len({load.run_id for load in loads}) if rides else None,
                    max(hours) if hours else None,
                )
            )
        return tuple(rows)

    def _hours(self, load: BusLoad) -> float:
        calls = self.runs[load.run_id].calls
        on, off = calls[load.board].departure_min, calls[load.alight].arrival_min
        return hours_until(self.ready[load.origin_id], on, off)

    def _loads(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for load in self.plan.decision.loads:
            run = self.runs[load.run_id]
            on, off = run.calls[load.board], run.calls[load.alight]
            rows.append(
                (
                    self._line(run),
                    clock_text(run.start_min),
                    self._stop(on.stop_id),
                    clock_text(on.departure_min),
                    self._stop(off.stop_id),
                    clock_text(off.arrival_min),
                    str(self.facilities.loc[load.point_id]["name"]),
                    f"bus_{load.kind}",
                    load.parcels,
                    load.bags,
                )
            )
        return tuple(rows)

    def _runs(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for run in self.side.runs:
            loads = [load for load in self.plan.decision.loads if load.run_id == run.run_id]
            on_board = [
                math.fsum(load.parcels for load in loads if load.board <= s < load.alight)
                for s in range(len(run.spare_parcels))
            ]
            reason = self.plan.reasons.get(run.run_id)
            rows.append(
                (
                    self._line(run),
                    f"direction_{run.direction}",
                    clock_text(run.start_min),
                    max(run.spare_parcels),
                    max(on_board),
                    sum(load.bags for load in loads),
                    self.plan.delay.minutes_of_run.get(run.run_id, 0.0),
                    self.side.rules.passengers_of(run),
                    reason if reason or loads else Message("bus_reason_not_needed"),
                )
            )
        return tuple(rows)

    def _rounds(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for depot_id, before in sorted(self.plan.before.items()):
            after = self.plan.trucks[depot_id]
            stops = [len(cost.outcome.problem.stops) for cost in (before, after)]
            name = str(self.facilities.loc[depot_id]["name"])
            rows.append((depot_id, name, *stops, before.objective, after.objective))
        return tuple(rows)

    def _line(self, run: BusRun) -> str:
        name = self.timetable.names.get(run.line_id, "")
        return f"{run.line_id} {name}".strip()

    def _stop(self, stop_id: str) -> str:
        stop = self.timetable.stops.get(stop_id)
        return stop_id if stop is None else stop.name or stop_id

    def places(self) -> tuple[StudyPlace, ...]:
        """Return the points at stops: served by bus, or kept on the rounds."""
        shown = []
        for point in self.side.points:
            row, loads = self.facilities.loc[point.point_id], self.loads_of.get(point.point_id, [])
            rides = point.point_id in self.plan.decision.origin_of_point
            facts: dict[str, Cell] = {
                "served_by": Message("study_served_by_bus" if rides else "study_served_by_round"),
                "delivery_parcels": point.delivery_parcels,
                "pickup_parcels": point.pickup_parcels,
            }
            if loads:
                used = sorted({self.runs[load.run_id] for load in loads}, key=lambda run: (run.line_id, run.start_min))
                facts["bags"] = sum(load.bags for load in loads)
                facts["departures"] = ", ".join(f"{run.line_id} {clock_text(run.start_min)}" for run in used)
            at = point.point_id, str(row["name"]), float(row["lon"]), float(row["lat"])
            shown.append(StudyPlace(*at, "served" if rides else "candidate", facts))
        return tuple(shown)

    def kpis(self) -> tuple[Kpi, ...]:
        """Return K5: villages whose parcels ride on a bus in this study."""
        county, plan = self.given.problem.county, self.given.verified.plan
        rides = {v for v, p in plan.siting.point_of_village.items() if p in self.plan.decision.origin_of_point}
        count, listed = float(len(rides)), float(len(county.villages))
        list_id = f"{county.village_list_id}"
        return (Kpi("K5", "bus_study", count / listed, "share", count, listed, list_id, "kpi_note_k5_bus_study"),)


KINDS = (
    StudyKind(
        "buses",
        (
            StudyOption("gtfs", "text", None, is_optional=True),
            StudyOption("departures", "names", ()),
            StudyOption("service_days", "text", None, is_optional=True),
            StudyOption("ready", "text", "08:00"),
            StudyOption("station_ready", "text", "10:00"),
            StudyOption("open", "text", "06:00", meaning="study_option_bus_open"),
            StudyOption("close", "text", "20:00", meaning="study_option_bus_close"),
            StudyOption("hours_most", "number", 24.0, above=0),
            StudyOption("point_km", "number", 0.5, low=0),
            StudyOption("origin_km", "number", 1.5, low=0),
            StudyOption("spare_parcels", "number", None, low=0, is_optional=True),
            StudyOption("bag_parcels", "number", 20.0, low=1),
            StudyOption("dwell_max_min", "number", 2.0, low=0),
            StudyOption("delay_max_min", "number", 10.0, low=0),
            StudyOption("handover_s", "number", 20.0, low=0),
            StudyOption("handover_s_per_bag", "number", 10.0, low=0),
            StudyOption("passengers", "number", None, low=0, is_optional=True, meaning="study_option_bus_passengers"),
            StudyOption("passenger_cny_per_h", "number", 15.0, low=0),
            StudyOption("line_cny_per_day", "number", None, low=0, is_optional=True),
            StudyOption("parcel_cny", "number", 0.0, low=0),
            StudyOption("bag_cny", "number", 0.3, low=0),
            StudyOption("case_limit", "whole", 25, low=1),
            StudyOption("gap", "number", 0.002, low=0, high=1, meaning="study_option_bus_gap"),
        ),
        answer_buses,
    ),
)
