"""Bus timetables as runs: which bus calls where and when, on which weekdays, with how much room on every segment.

A timetable comes from a county's sheets (lines, stops, departures) or from a GTFS feed; whoever plans with it sees runs only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.gtfs import GtfsFeed
from geodata.messages import Message

DAY_MIN = 1440.0
EVERY_DAY = frozenset(range(1, 8))
_INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class BusStop:
    """A stop of a line: place, and the village it belongs to (empty: none known)."""

    stop_id: str
    name: str
    lon: float
    lat: float
    village_code: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A run at a stop; minutes after midnight of the day the run starts (above 1,440: the next day)."""

    stop_id: str
    arrival_min: float
    departure_min: float
    can_load: bool = True
    can_unload: bool = True


@dataclass(frozen=True, slots=True)
class BusRun:
    """One departure of a line.

    Attributes
    ----------
    run_id, line_id, direction
        Names; direction ``outbound`` or ``inbound``.
    days
        Weekdays it runs, 1 Monday to 7 Sunday.
    calls
        Stops in order.
    spare_parcels
        Room for parcels on the segment after each call but the last, passengers and their luggage already taken off.
    passengers
        People on board, mean over the run; None: not counted.
    row
        Row of the departure in its source as Excel shows it; None: unknown.
    """

    run_id: str
    line_id: str
    direction: str
    days: frozenset[int]
    calls: tuple[Call, ...]
    spare_parcels: tuple[float, ...]
    passengers: float | None = None
    row: int | None = None

    def __post_init__(self) -> None:
        if len(self.calls) < 2 or len(self.spare_parcels) != len(self.calls) - 1:  # noqa: PLR2004 - from somewhere to somewhere
            msg = f"run {self.run_id} needs two calls and one figure of room a segment"
            raise ValueError(msg)
        clock = [t for call in self.calls for t in (call.arrival_min, call.departure_min)]
        if any(b < a for a, b in pairwise(clock)) or not all(map(math.isfinite, clock)):
            msg = f"the times of run {self.run_id} step back"
            raise ValueError(msg)
        if any(not 0.0 <= room < math.inf for room in self.spare_parcels):
            msg = f"the room of run {self.run_id} must be a number from 0"
            raise ValueError(msg)

    @property
    def start_min(self) -> float:
        """Departure from the first stop."""
        return self.calls[0].departure_min

    def runs_on(self, weekdays: frozenset[int]) -> bool:
        """Tell whether it runs on all of these days."""
        return weekdays <= self.days


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """Stops by id, and runs in the order of their names; `names` line → name."""

    stops: Mapping[str, BusStop]
    runs: tuple[BusRun, ...]
    names: Mapping[str, str]


def clock_text(minutes: float) -> str:
    """Return minutes after midnight as ``HH:MM``; hours pass 24 on the next day, as timetables write it."""
    whole = round(minutes)
    return f"{whole // 60:02d}:{whole % 60:02d}"


def clock_minutes(text: str) -> float | None:
    """Return minutes after midnight of ``HH:MM``, or None if it is no time of day."""
    hours, sign, minutes = text.partition(":")
    if not (sign and hours.isdigit() and minutes.isdigit() and len(minutes) == 2):  # noqa: PLR2004 - two digits
        return None
    value = 60.0 * int(hours) + int(minutes)
    return value if value < DAY_MIN and int(minutes) < 60 else None  # noqa: PLR2004 - clock


def county_timetable(county: County) -> Timetable:
    """Return the timetable of a county's bus sheets.

    Room on a segment is the departure's `spare_parcels` (else the line's `spare_parcels_per_departure`) less the
    passengers' luggage that is on board when the bus leaves the stop. ``inbound`` runs against the order of the stops.

    Raises
    ------
    InputError
        With every departure of a line without stops, stop without minutes, time that is none, and minutes that step back.
    """
    problems: list[Problem] = []
    stops: dict[str, BusStop] = {}
    runs: list[BusRun] = []
    lines = county.bus_lines.set_index("line_id")
    for line, group in county.bus_stops.groupby("line_id", sort=True):
        ordered = group.sort_values("stop_sequence", kind="stable")
        stops.update({s.stop_id: s for s in _line_stops(str(line), ordered)})
        problems += _stop_problems(ordered)
    for index, departure in county.bus_departures.iterrows():
        ordered = county.bus_stops[county.bus_stops["line_id"] == departure["line_id"]].sort_values("stop_sequence")
        start = clock_minutes(str(departure["departure_time"]))
        if start is None:
            problems.append(
                _problem("bus_time", "bus_departures", index, "departure_time", departure["departure_time"])
            )
        elif len(ordered) < 2:  # noqa: PLR2004 - from somewhere to somewhere
            problems.append(_problem("bus_no_stops", "bus_departures", index, "line_id", departure["line_id"]))
        elif not problems:
            line_row = lines.loc[departure["line_id"]] if departure["line_id"] in lines.index else None
            runs.append(_county_run(departure, ordered, line_row, start, int(str(index)) + 2))
    if problems:
        raise InputError(Message("timetable_unusable", {"count": len(problems)}), problems)
    runs.sort(key=lambda run: (run.line_id, run.direction != "outbound", run.start_min, run.run_id))
    return Timetable(stops, tuple(runs), {str(k): str(v) for k, v in lines["name"].items()})


def _problem(code: str, table: str, index: object, column: str, value: object, **params: object) -> Problem:
    return Problem("error", code, table=table, row=int(str(index)) + 2, column=column, value=str(value), params=params)


def _line_stops(line: str, ordered: pd.DataFrame) -> Iterator[BusStop]:
    for _, row in ordered.iterrows():
        name = stop_id(line, row["stop_sequence"])
        yield BusStop(name, str(row["name"]), float(row["lon"]), float(row["lat"]), str(row["village_code"]))


def stop_id(line: str, sequence: float) -> str:
    """Return the id of a stop of a county's line."""
    return f"{line}:{int(sequence)}"


def _stop_problems(ordered: pd.DataFrame) -> Iterator[Problem]:
    clock = -math.inf
    for index, row in ordered.iterrows():
        minutes = float(row["minutes_from_start"])
        if not math.isfinite(minutes):
            yield _problem("bus_minutes_missing", "bus_stops", index, "minutes_from_start", "", stop=row["name"])
        elif minutes < clock:
            yield _problem("bus_stop_order", "bus_stops", index, "minutes_from_start", minutes, line=row["line_id"])
        clock = max(clock, minutes) if math.isfinite(minutes) else clock


def _county_run(departure: pd.Series, ordered: pd.DataFrame, line: pd.Series | None, start: float, row: int) -> BusRun:
    is_back = departure["direction"] == _INBOUND
    way = ordered.iloc[::-1] if is_back else ordered
    minutes = way["minutes_from_start"].to_numpy(dtype=float)
    clock = start + abs(minutes - minutes[0])
    name = str(departure["line_id"])
    calls = tuple(Call(stop_id(name, s), float(t), float(t)) for s, t in zip(way["stop_sequence"], clock, strict=True))
    own = float(departure["spare_parcels"])
    line_room = float(line["spare_parcels_per_departure"]) if line is not None else math.nan
    room = own if math.isfinite(own) else (line_room if math.isfinite(line_room) else 0.0)
    luggage = (
        way["luggage_inbound_parcels" if is_back else "luggage_outbound_parcels"].fillna(0.0).to_numpy(dtype=float)
    )
    people = float(departure["passengers"])
    return BusRun(
        run_id=f"{name} {departure['direction']} {departure['departure_time']} {departure['days']}".strip(),
        line_id=name,
        direction=str(departure["direction"]) or "outbound",
        days=frozenset(int(d) for d in str(departure["days"])) or EVERY_DAY,
        calls=calls,
        spare_parcels=tuple(max(0.0, room - float(bag)) for bag in luggage[:-1]),
        passengers=people if math.isfinite(people) else None,
        row=row,
    )


def feed_timetable(feed: GtfsFeed, *, spare_parcels: float, passengers: float | None = None) -> Timetable:
    """Return the timetable of a GTFS feed; every segment of every run has the same room."""
    stops = {
        str(r["stop_id"]): BusStop(str(r["stop_id"]), str(r["name"]), float(r["lon"]), float(r["lat"]))
        for _, r in feed.stops.iterrows()
    }
    calls = {str(trip): group for trip, group in feed.calls.groupby("trip_id", sort=True)}
    runs = []
    for _, trip in feed.trips.iterrows():
        own = calls.get(str(trip["trip_id"]))
        if own is None or len(own) < 2:  # noqa: PLR2004 - a trip that goes nowhere carries nothing
            continue
        visits = tuple(_feed_call(call) for _, call in own.iterrows())
        days = frozenset(int(d) for d in str(trip["days"]))
        name, line = str(trip["trip_id"]), str(trip["line_id"])
        room = (spare_parcels,) * (len(visits) - 1)
        runs.append(BusRun(name, line, str(trip["direction"]), days, visits, room, passengers, int(trip["row"])))
    runs.sort(key=lambda run: (run.line_id, run.direction != "outbound", run.start_min, run.run_id))
    names = {str(r["line_id"]): str(r["name"]) for _, r in feed.lines.iterrows()}
    return Timetable(stops, tuple(runs), names)


def _feed_call(call: pd.Series) -> Call:
    return Call(
        str(call["stop_id"]),
        float(call["arrival_min"]),
        float(call["departure_min"]),
        bool(call["can_load"]),
        bool(call["can_unload"]),
    )


def passes_midnight(runs: Sequence[BusRun]) -> tuple[BusRun, ...]:
    """Return the runs that end on the day after they start."""
    return tuple(run for run in runs if run.calls[-1].arrival_min >= DAY_MIN)
