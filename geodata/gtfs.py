"""Reads a GTFS timetable (a zip or a folder) into plain frames: lines, stops, trips with their weekdays, calls with minutes.

Only what a parcel on a bus needs is read: fares, shapes and dates of single days are passed over. Times may run past
midnight (``25:10``), as GTFS writes them; a time that steps back is named with its row.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pandas as pd

from geodata.errors import InputError, Problem
from geodata.messages import Message

#: Columns each file must have.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "stops.txt": ("stop_id", "stop_lat", "stop_lon"),
    "routes.txt": ("route_id",),
    "trips.txt": ("route_id", "service_id", "trip_id"),
    "stop_times.txt": ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
}
_CALENDAR, _DATES = "calendar.txt", "calendar_dates.txt"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"^\s*(\d{1,2}):(\d{2})(?::(\d{2}))?\s*$")
_NO_SERVICE = "1"
_EXACT_HEADWAY_S = 1
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class GtfsFeed:
    """A timetable as frames.

    Attributes
    ----------
    lines
        ``line_id, name``.
    stops
        ``stop_id, name, lon, lat`` (WGS84).
    trips
        ``trip_id, line_id, direction, days, row`` with days as digits 1 (Monday) to 7 and direction ``outbound`` or ``inbound``.
    calls
        ``trip_id, sequence, stop_id, arrival_min, departure_min, can_load, can_unload, row``, in order of the trip;
        minutes after midnight of the service day, above 1,440 on the next.
    warnings
        What was passed over.
    """

    lines: pd.DataFrame
    stops: pd.DataFrame
    trips: pd.DataFrame
    calls: pd.DataFrame
    warnings: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Desk:
    """Collects problems while the files are read."""

    source: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(
        self, code: str, file: str, row: int | None = None, column: str = "", value: str = "", **more: object
    ) -> None:
        place = f"{self.source}/{file}"
        self.problems.append(Problem("error", code, file=place, row=row, column=column, value=value, params=more))

    def warn(
        self, code: str, file: str, row: int | None = None, column: str = "", value: str = "", **more: object
    ) -> None:
        place = f"{self.source}/{file}"
        self.warnings.append(Problem("warning", code, file=place, row=row, column=column, value=value, params=more))


def read_gtfs(path: Path) -> GtfsFeed:
    """Read a GTFS feed.

    Parameters
    ----------
    path
        Zip file or folder.

    Returns
    -------
    GtfsFeed
        Trips without a weekly service are left out with a warning; missing times between two timed calls are interpolated evenly.

    Raises
    ------
    InputError
        With every problem found: file or column missing, unknown ids, times that are no times or step back, services without
        a calendar.
    """
    desk = _Desk(path.name)
    files = _files(path, desk)
    for name, columns in _NEEDED.items():
        rows = files.get(name)
        if rows is None:
            desk.error("gtfs_file_missing", name)
        elif rows:
            for column in columns:
                if column not in rows[0]:
                    desk.error("gtfs_column_missing", name, column=column)
    if desk.problems:
        raise _refused(desk)
    stops = _stops(files["stops.txt"], desk)
    days = _service_days(files, desk)
    trips = _trips(files, days, desk)
    calls = _calls(files["stop_times.txt"], {t["trip_id"] for t in files["trips.txt"]}, stops, desk)
    if desk.problems:
        raise _refused(desk)
    kept = {str(t) for t in trips["trip_id"]}
    calls = calls[calls["trip_id"].isin(kept)].reset_index(drop=True)
    trips, calls = _repeated(files.get("frequencies.txt", []), trips, calls, desk)
    if desk.problems:
        raise _refused(desk)
    lines = pd.DataFrame(
        [{"line_id": r["route_id"], "name": r.get("route_long_name") or r.get("route_short_name") or r["route_id"]}
         for r in files["routes.txt"]]
    )  # fmt: skip
    return GtfsFeed(lines, pd.DataFrame(list(stops.values())), trips, calls, tuple(desk.warnings))


def _refused(desk: _Desk) -> InputError:
    return InputError(Message("gtfs_unusable", {"file": desk.source, "count": len(desk.problems)}), desk.problems)


def _files(path: Path, desk: _Desk) -> dict[str, list[Row]]:
    """Return the tables by name; hidden and system folders inside the zip are passed over."""
    names = (*_NEEDED, _CALENDAR, _DATES, "frequencies.txt")
    if path.is_dir():
        return {n: _rows((path / n).read_bytes()) for n in names if (path / n).is_file()}
    try:
        with zipfile.ZipFile(path) as archive:
            shown = [m for m in archive.namelist() if "__MACOSX" not in m]
            inside = {n: m for m in shown for n in names if m == n or m.endswith(f"/{n}")}
            return {n: _rows(archive.read(m)) for n, m in inside.items()}
    except (OSError, zipfile.BadZipFile) as error:
        desk.error("gtfs_not_readable", "", value=path.name)
        raise _refused(desk) from error


def _rows(data: bytes) -> list[Row]:
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig", errors="replace")))
    return [
        {(k or "").strip(): (v or "").strip() for k, v in row.items() if isinstance(v, str) or v is None}
        for row in reader
    ]


def _stops(rows: Sequence[Row], desk: _Desk) -> dict[str, dict[str, object]]:
    stops: dict[str, dict[str, object]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            lon, lat = float(row["stop_lon"]), float(row["stop_lat"])
        except ValueError:
            desk.error("gtfs_stop_place", "stops.txt", number, "stop_lat", f"{row['stop_lat']}, {row['stop_lon']}")
            continue
        if row["stop_id"] in stops:
            desk.error("gtfs_twice", "stops.txt", number, "stop_id", row["stop_id"])
        stops[row["stop_id"]] = {"stop_id": row["stop_id"], "name": row.get("stop_name", ""), "lon": lon, "lat": lat}
    return stops


def _service_days(files: Mapping[str, Sequence[Row]], desk: _Desk) -> dict[str, str]:
    """Return service → weekdays as digits; a service that never runs in a week is told."""
    days: dict[str, str] = {}
    for number, row in enumerate(files.get(_CALENDAR, []), start=2):
        digits = "".join(str(i) for i, name in enumerate(_DAYS, start=1) if row.get(name) == "1")
        if not digits:
            desk.warn("gtfs_service_never", _CALENDAR, number, "service_id", row.get("service_id", ""))
        days[row.get("service_id", "")] = digits
    for row in files.get(_DATES, []):  # a service of single dates only is known, but runs in no usual week
        days.setdefault(row.get("service_id", ""), "")
    return days


def _trips(files: Mapping[str, Sequence[Row]], days: Mapping[str, str], desk: _Desk) -> pd.DataFrame:
    routes = {row["route_id"] for row in files["routes.txt"]}
    kept: list[dict[str, object]] = []
    seen: set[str] = set()
    for number, row in enumerate(files["trips.txt"], start=2):
        if row["trip_id"] in seen:
            desk.error("gtfs_twice", "trips.txt", number, "trip_id", row["trip_id"])
        seen.add(row["trip_id"])
        if row["route_id"] not in routes:
            desk.error("gtfs_unknown_id", "trips.txt", number, "route_id", row["route_id"])
        if row["service_id"] not in days:
            desk.error("gtfs_unknown_id", "trips.txt", number, "service_id", row["service_id"])
            continue
        if not days[row["service_id"]]:
            desk.warn("gtfs_trip_never", "trips.txt", number, "trip_id", row["trip_id"])
            continue
        direction = "inbound" if row.get("direction_id") == "1" else "outbound"
        kept.append(
            {"trip_id": row["trip_id"], "line_id": row["route_id"], "direction": direction,
             "days": days[row["service_id"]], "row": number}
        )  # fmt: skip
    return pd.DataFrame(kept, columns=["trip_id", "line_id", "direction", "days", "row"])


def gtfs_minutes(text: str) -> float | None:
    """Return minutes after midnight of ``H:MM`` or ``HH:MM:SS`` (hours may pass 24), or None if it is no time."""
    match = _TIME.match(text)
    if match is None or int(match[2]) > 59 or int(match[3] or 0) > 59:  # noqa: PLR2004 - clock
        return None
    return 60.0 * int(match[1]) + int(match[2]) + int(match[3] or 0) / 60.0


def _calls(rows: Sequence[Row], trips: set[str], stops: Mapping[str, object], desk: _Desk) -> pd.DataFrame:
    by_trip: dict[str, list[tuple[int, int, Row]]] = {}
    for number, row in enumerate(rows, start=2):
        for column, known in (("trip_id", trips), ("stop_id", stops)):
            if row[column] not in known:
                desk.error("gtfs_unknown_id", "stop_times.txt", number, column, row[column])
        if not row["stop_sequence"].isdigit():
            desk.error("gtfs_sequence", "stop_times.txt", number, "stop_sequence", row["stop_sequence"])
            continue
        by_trip.setdefault(row["trip_id"], []).append((int(row["stop_sequence"]), number, row))
    found = [call for trip in by_trip for call in _trip_calls(sorted(by_trip[trip], key=lambda c: c[:2]), desk)]
    columns = ["trip_id", "sequence", "stop_id", "arrival_min", "departure_min", "can_load", "can_unload", "row"]
    return pd.DataFrame(found, columns=columns)


def _trip_calls(ordered: Sequence[tuple[int, int, Row]], desk: _Desk) -> Iterator[dict[str, object]]:
    """Yield the calls of one trip with interpolated times; every step back is told."""
    times: list[tuple[float, float] | None] = []
    clock, last_sequence = 0.0, -1
    for sequence, number, row in ordered:
        if sequence == last_sequence:
            desk.error("gtfs_twice", "stop_times.txt", number, "stop_sequence", str(sequence))
        last_sequence = sequence
        pair: list[float] = []
        for column in ("arrival_time", "departure_time"):
            text = row[column]
            minutes = gtfs_minutes(text) if text else None
            if text and minutes is None:
                desk.error("gtfs_time", "stop_times.txt", number, column, text)
            elif minutes is not None and minutes < clock:
                desk.error(
                    "gtfs_time_back", "stop_times.txt", number, column, text, before=_clock(clock), trip=row["trip_id"]
                )
            if minutes is not None:
                clock = max(clock, minutes)
                pair.append(minutes)
        times.append((pair[0], pair[-1]) if pair else None)
    for end in {0, len(ordered) - 1}:
        if times[end] is None:
            desk.error(
                "gtfs_time_missing",
                "stop_times.txt",
                ordered[end][1],
                "arrival_time",
                "",
                trip=ordered[end][2]["trip_id"],
            )
            return
    for (sequence, number, row), (arrival, departure) in zip(ordered, _filled(times), strict=True):
        yield {
            "trip_id": row["trip_id"], "sequence": sequence, "stop_id": row["stop_id"], "arrival_min": arrival,
            "departure_min": departure, "can_load": row.get("pickup_type") != _NO_SERVICE,
            "can_unload": row.get("drop_off_type") != _NO_SERVICE, "row": number,
        }  # fmt: skip


def _filled(times: Sequence[tuple[float, float] | None]) -> list[tuple[float, float]]:
    """Interpolate evenly between timed calls; the ends are timed."""
    known = [i for i, pair in enumerate(times) if pair is not None]
    filled = [pair or (0.0, 0.0) for pair in times]
    for a, b in pairwise(known):
        start, end = filled[a][1], filled[b][0]
        for i in range(a + 1, b):
            at = start + (end - start) * (i - a) / (b - a)
            filled[i] = (at, at)
    return filled


def _clock(minutes: float) -> str:
    whole = round(minutes)
    return f"{whole // 60:02d}:{whole % 60:02d}"


def _repeated(
    rows: Sequence[Row], trips: pd.DataFrame, calls: pd.DataFrame, desk: _Desk
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trips and calls with every trip of `frequencies.txt` run at its headway."""
    if not rows:
        return trips, calls
    new_trips, new_calls, gone = [trips], [calls], set()
    for number, row in enumerate(rows, start=2):
        start, end = gtfs_minutes(row.get("start_time", "")), gtfs_minutes(row.get("end_time", ""))
        seconds = row.get("headway_secs", "")
        if start is None or end is None or not seconds.isdigit() or int(seconds) < _EXACT_HEADWAY_S:
            desk.error("gtfs_headway", "frequencies.txt", number, "headway_secs", seconds)
            continue
        own = trips[trips["trip_id"] == row["trip_id"]]
        if own.empty:
            desk.warn("gtfs_trip_never", "frequencies.txt", number, "trip_id", row["trip_id"])
            continue
        gone.add(row["trip_id"])
        ride, at = calls[calls["trip_id"] == row["trip_id"]], start
        shift = _shifter(ride)
        while at < end:
            name = f"{row['trip_id']}@{_clock(at)}"
            new_trips.append(own.assign(trip_id=name))
            new_calls.append(shift(name, at))
            at += int(seconds) / 60.0
    joined = pd.concat(new_trips, ignore_index=True), pd.concat(new_calls, ignore_index=True)
    kept = [f[~f["trip_id"].isin(gone)].reset_index(drop=True) for f in joined]
    return kept[0], kept[1]


def _shifter(ride: pd.DataFrame) -> Callable[[str, float], pd.DataFrame]:
    first = float(ride["departure_min"].iloc[0])

    def shifted(name: str, at: float) -> pd.DataFrame:
        moved = {c: ride[c] + (at - first) for c in ("arrival_min", "departure_min")}
        return ride.assign(trip_id=name, **moved)

    return shifted
