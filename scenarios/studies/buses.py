"""Parcels on the county's buses: which village points ride, on which departures, and what it saves and costs passengers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from geodata.errors import InputError, Problem, VerificationError
from geodata.gtfs import read_gtfs
from geodata.messages import Message
from networks.timetable import BusRun, Timetable, clock_minutes, clock_text, county_timetable, feed_timetable
from planner.problems.buses import BusRules, BusSide
from planner.progress import ProgressListener
from planner.routing.buses.county import WEEKDAYS, BusReach, county_buses
from planner.routing.buses.solve import BusLimits, solve_buses
from planner.verification.buses import check_buses
from scenarios.studies.buses_told import ToldBuses
from scenarios.studies.options import Options
from scenarios.studies.study import Study, StudyInput, StudyKind, StudyOption


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
    told = ToldBuses(given, side, timetable, plan)
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
