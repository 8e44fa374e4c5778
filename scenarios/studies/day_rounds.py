"""A day's rounds with everything a bureau may ask of them: windows, waves, batteries, permits, rests, cold goods, produce."""

from __future__ import annotations

import re
from collections.abc import Sequence

from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.timetable import clock_minutes
from planner.problems.routing import Permit, Window
from planner.progress import ProgressListener
from planner.routing.buses.county import WEEKDAYS
from planner.routing.day.measures import kpi_rows
from planner.routing.day.settings import DaySettings, Wave
from planner.routing.day.solve import solve_day
from planner.routing.rich.engine import RoutingLimits
from scenarios.studies.day_rounds_told import ToldDay
from scenarios.studies.options import Options
from scenarios.studies.study import Study, StudyInput, StudyKind, StudyOption

_WINDOW = re.compile(r"^\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*$")
_WAVE = re.compile(r"^\s*(\d{1,2}:\d{2})\s*;\s*(\d{1,2}:\d{2})\s*;\s*(\d*\.?\d+)\s*$")
_SHARE_SLACK = 1e-6


def answer_day_rounds(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what the day looks like: who drives when, with what, and how long parcels take."""
    options = Options(given.options)
    settings = _Reader(given, options).settings()
    plan = given.verified.plan
    limits = RoutingLimits(
        iterations=options.whole("iterations") or 1, seconds=given.limits.time_limit_s, seed=given.limits.seed
    )
    day = solve_day(given.problem, plan, settings, limits=limits, listener=listener)
    weekdays = frozenset(int(d) for d in WEEKDAYS[given.problem.standard.visits_per_week])
    kpis = kpi_rows(given.problem, plan, settings, day, weekdays)
    told = ToldDay(given, settings, day, kpis, bag_parcels=options.figure("bag_parcels"))
    return Study(
        name=given.name,
        kind="day_rounds",
        report=day.report,
        answer=told.sentences(),
        reasons=day.unserved,
        figures=told.figures(),
        tables=told.tables(),
        places=told.places(),
        assumptions=told.assumptions(),
        kpis=kpis,
        lines=told.lines(),
        gantts=told.gantts(),
    )


class _Reader:
    """Reads the options; every problem is collected before any is told."""

    def __init__(self, given: StudyInput, options: Options) -> None:
        self.given, self.options = given, options
        self.problems: list[Problem] = []
        county = given.problem.county
        self.facilities = {str(f) for f in county.facilities["facility_id"]}
        self.types = {str(v) for v in county.vehicles["vehicle_type_id"]}

    def settings(self) -> DaySettings:
        """Return the settings, or raise `InputError` with everything that is wrong."""
        options = self.options
        zone_of = self.zones()
        made = DaySettings(
            waves=self.waves(),
            station_handling_min=options.figure("station_handling_min"),
            day_end_min=self.clock("day_end", options.text("day_end")),
            point_windows=self.windows("windows", options.names("windows")),
            own_windows=self.own_windows(),
            trips_most=options.whole("trips_most") or 1,
            balance_min=options.number("balance_min"),
            has_batteries=options.switch("batteries"),
            is_winter=options.switch("winter"),
            winter_range_share=options.figure("winter_range_share"),
            charger_kw=options.number("charger_kw") or self.given.problem.county.parameters["charger_slow_kw"],
            break_after_min=options.number("break_after_min"),
            break_min=options.figure("break_min"),
            zone_of=zone_of,
            permits=self.permits(set(zone_of.values())),
            cold_of=self.cold(),
            refrigerated=frozenset(self.known("refrigerated", options.names("refrigerated"), self.types)),
            month=options.whole("month"),
            harvest_factor=options.figure("harvest_factor"),
            produce_m3_per_kg=options.figure("produce_m3_per_kg"),
            produce_cold_min=options.figure("produce_cold_min"),
            empties_m3_per_parcel=options.figure("empties_m3_per_parcel"),
            leave_out_cny=options.figure("leave_out_cny"),
            spot_of=self.spots(),
        )
        if self.problems:
            raise InputError(Message("day_settings_unusable", {"count": len(self.problems)}), self.problems)
        return made

    def bad(self, code: str, key: str, value: str, **params: object) -> None:
        self.problems.append(Problem("error", code, column=key, value=value, params={"key": key, **params}))

    def clock(self, key: str, text: str) -> float:
        minutes = clock_minutes(text.strip().zfill(5))
        if minutes is None:
            self.bad("bus_bad_clock", key, text)
        return minutes or 0.0

    def waves(self) -> tuple[Wave, ...]:
        found = []
        for text in self.options.names("waves"):
            match = _WAVE.match(text)
            if match is None:
                self.bad("day_bad_wave", "waves", text)
                continue
            arrival, ready = self.clock("waves", match[1]), self.clock("waves", match[2])
            if ready < arrival:
                self.bad("day_wave_backwards", "waves", text)
            found.append(Wave(arrival, ready, float(match[3])))
        if found and abs(sum(wave.share for wave in found) - 1.0) > _SHARE_SLACK:
            self.bad("day_wave_shares", "waves", "; ".join(self.options.names("waves")))
        return tuple(sorted(found, key=lambda wave: wave.arrival_min)) or DaySettings().waves

    def windows(self, key: str, texts: Sequence[str]) -> tuple[Window, ...]:
        found = []
        for text in texts:
            match = _WINDOW.match(text)
            if match is None:
                self.bad("day_bad_window", key, text)
                continue
            begin, end = self.clock(key, match[1]), self.clock(key, match[2])
            if end < begin:
                self.bad("day_window_backwards", key, text)
            found.append((begin, end))
        return tuple(sorted(found))

    def entries(self, key: str) -> list[tuple[str, list[str]]]:
        """Return entries written as ``NAME;part;part``."""
        found = []
        for text in self.options.names(key):
            name, *parts = (part.strip() for part in text.split(";"))
            if not name or not parts or not all(parts):
                self.bad("day_bad_entry", key, text)
            else:
                found.append((name, parts))
        return found

    def known(self, key: str, names: Sequence[str], among: set[str]) -> list[str]:
        for name in names:
            if name not in among:
                self.bad("day_unknown_name", key, name)
        return [name for name in names if name in among]

    def own_windows(self) -> dict[str, tuple[Window, ...]]:
        entries = [(n, p) for n, p in self.entries("own_windows") if self.known("own_windows", [n], self.facilities)]
        return {name: self.windows("own_windows", parts) for name, parts in entries}

    def zones(self) -> dict[str, str]:
        entries = self.entries("zones")
        return {facility: zone for zone, parts in entries for facility in self.known("zones", parts, self.facilities)}

    def permits(self, zones: set[str]) -> dict[str, tuple[Permit, ...]]:
        found: dict[str, tuple[Permit, ...]] = {}
        for name, (zone, *times) in self.entries("permits"):
            if self.known("permits", [name], self.types) and self.known("permits", [zone], zones):
                found[name] = (*found.get(name, ()), Permit(zone, self.windows("permits", times)))
        return found

    def cold(self) -> dict[str, float]:
        found = {}
        for name, (text, *_) in self.entries("cold"):
            if not text.replace(".", "", 1).isdigit():
                self.bad("day_bad_minutes", "cold", f"{name};{text}")
            elif self.known("cold", [name], self.facilities):
                found[name] = float(text)
        return found

    def spots(self) -> dict[str, str]:
        """Return facility → loading spot: the option's, else the host and name of the facility."""
        rows = self.given.problem.county.facilities
        usual = dict(zip(rows["facility_id"].astype(str), rows["name"].astype(str), strict=True))
        entries = self.entries("spots")
        return usual | {name: parts[0] for name, parts in entries if self.known("spots", [name], self.facilities)}


KINDS = (
    StudyKind(
        "day_rounds",
        (
            StudyOption("waves", "names", ("06:00;07:30;1",)),
            StudyOption("station_handling_min", "number", 30.0, low=0),
            StudyOption("day_end", "text", "19:00"),
            StudyOption("windows", "names", ()),
            StudyOption("own_windows", "names", ()),
            StudyOption("trips_most", "whole", 3, low=1),
            StudyOption("balance_min", "number", None, low=0, is_optional=True),
            StudyOption("batteries", "switch", True),
            StudyOption("winter", "switch", False, meaning="study_option_day_winter"),
            StudyOption("winter_range_share", "number", 0.67, above=0, high=1),
            StudyOption("charger_kw", "number", None, above=0, is_optional=True),
            StudyOption("break_after_min", "number", None, above=0, is_optional=True),
            StudyOption("break_min", "number", 30.0, low=0),
            StudyOption("zones", "names", ()),
            StudyOption("permits", "names", ()),
            StudyOption("cold", "names", ()),
            StudyOption("refrigerated", "names", ()),
            StudyOption("month", "whole", None, low=1, high=12, is_optional=True),
            StudyOption("harvest_factor", "number", 1.0, low=0),
            StudyOption("produce_m3_per_kg", "number", 0.004, low=0),
            StudyOption("produce_cold_min", "number", 120.0, low=0),
            StudyOption("empties_m3_per_parcel", "number", 0.0, low=0),
            StudyOption("spots", "names", ()),
            StudyOption("bag_parcels", "number", 20.0, low=1),
            StudyOption("leave_out_cny", "number", 500.0, low=0),
            StudyOption("iterations", "whole", 2000, low=1, meaning="study_option_day_iterations"),
        ),
        answer_day_rounds,
    ),
)
