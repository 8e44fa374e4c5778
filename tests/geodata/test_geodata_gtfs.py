"""GTFS feeds: what is read, and every broken row named with file, row, column and value."""

import zipfile
from pathlib import Path

import pytest

from geodata.errors import InputError
from geodata.gtfs import gtfs_minutes, read_gtfs
from geodata.messages import LANGS

FILES = {
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nA,甲,27.0,109.0\nB,乙,27.1,109.1\nC,丙,27.2,109.2\n",
    "routes.txt": "route_id,route_short_name,route_long_name\nR1,1,Line one\n",
    "trips.txt": "route_id,service_id,trip_id,direction_id\nR1,week,T1,0\nR1,week,T2,1\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday\nweek,1,1,1,1,1,0,0\nnone,0,0,0,0,0,0,0\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type\n"
        "T1,07:00:00,07:00:00,A,1,,1\nT1,,,B,2,,\nT1,08:00:00,08:01:30,C,5,1,\n"
        "T2,23:40:00,23:40:00,C,1,,\nT2,24:10:00,24:10:00,A,2,,\n"
    ),
}


def write(tmp_path: Path, **changes: str | None) -> Path:
    path = tmp_path / "feed.zip"
    files = {**FILES, **{f"{name}.txt": text for name, text in changes.items()}}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(f"inner/{name}", text)
                archive.writestr(f"__MACOSX/inner/{name}", "\x00junk")
    return path


def test_trips_calls_and_days_are_read(tmp_path: Path) -> None:
    feed = read_gtfs(write(tmp_path))
    assert list(feed.trips["days"]) == ["12345", "12345"]
    assert list(feed.trips["direction"]) == ["outbound", "inbound"]
    own = feed.calls[feed.calls["trip_id"] == "T1"]
    assert list(own["arrival_min"]) == [420.0, 450.0, 480.0]  # the stop without a time lies half-way
    assert list(own["departure_min"]) == [420.0, 450.0, 481.5]
    assert list(own["can_unload"]) == [False, True, True]
    assert list(own["can_load"]) == [True, True, False]
    assert list(feed.calls[feed.calls["trip_id"] == "T2"]["arrival_min"]) == [1420.0, 1450.0]
    assert [w.code for w in feed.warnings] == ["gtfs_service_never"]


def test_folder_and_headways(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "frequencies.txt").write_text("trip_id,start_time,end_time,headway_secs\nT1,06:00:00,07:00:00,1800\n")
    feed = read_gtfs(tmp_path)
    assert list(feed.trips["trip_id"]) == ["T2", "T1@06:00", "T1@06:30"]
    assert list(feed.calls[feed.calls["trip_id"] == "T1@06:30"]["arrival_min"]) == [390.0, 420.0, 450.0]


TIMES = FILES["stop_times.txt"]
BROKEN = [
    ("gtfs_file_missing", "trips.txt", None, "", "", {"trips": None}),
    ("gtfs_column_missing", "stops.txt", None, "stop_lon", "", {"stops": "stop_id,stop_lat\nA,1\n"}),
    ("gtfs_stop_place", "stops.txt", 3, "stop_lat", "x, 109.1", {"stops": FILES["stops.txt"].replace("27.1", "x")}),
    ("gtfs_twice", "stops.txt", 5, "stop_id", "A", {"stops": FILES["stops.txt"] + "A,甲,27.0,109.0\n"}),
    ("gtfs_unknown_id", "stop_times.txt", 4, "stop_id", "Z", {"stop_times": TIMES.replace("C,5", "Z,5")}),
    ("gtfs_unknown_id", "trips.txt", 2, "service_id", "x", {"trips": FILES["trips.txt"].replace("week,T1", "x,T1")}),
    ("gtfs_sequence", "stop_times.txt", 3, "stop_sequence", "b", {"stop_times": TIMES.replace("B,2", "B,b")}),
    ("gtfs_time", "stop_times.txt", 2, "arrival_time", "7.00", {"stop_times": TIMES.replace("07:00:00,07", "7.00,07")}),
    ("gtfs_time_back", "stop_times.txt", 6, "arrival_time", "00:10:00", {"stop_times": TIMES.replace("24:10:00,", "00:10:00,")}),
    ("gtfs_time_back", "stop_times.txt", 4, "arrival_time", "06:00:00", {"stop_times": TIMES.replace("08:00:00", "06:00:00")}),
    ("gtfs_time_missing", "stop_times.txt", 2, "arrival_time", "", {"stop_times": TIMES.replace("07:00:00,07:00:00", ",")}),
    ("gtfs_headway", "frequencies.txt", 2, "headway_secs", "0", {"frequencies": "trip_id,start_time,end_time,headway_secs\nT1,06:00,07:00,0\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "file", "row", "column", "value", "changes"), BROKEN)
def test_broken_rows_are_named(
    tmp_path: Path, code: str, file: str, row: int | None, column: str, value: str, changes: dict[str, str | None]
) -> None:
    with pytest.raises(InputError) as refused:
        read_gtfs(write(tmp_path, **changes))
    found = [p for p in refused.value.problems if p.code == code]
    assert found, [p.code for p in refused.value.problems]
    assert (found[0].file, found[0].row, found[0].column, found[0].value) == (f"feed.zip/{file}", row, column, value)
    assert all(found[0].text(lang) and refused.value.text(lang) for lang in LANGS)


def test_trips_that_never_run_are_left_out_with_a_warning(tmp_path: Path) -> None:
    feed = read_gtfs(write(tmp_path, trips=FILES["trips.txt"].replace("week,T2", "none,T2")))
    assert list(feed.trips["trip_id"]) == ["T1"]
    assert set(feed.calls["trip_id"]) == {"T1"}
    assert ("gtfs_trip_never", 3, "T2") in [(w.code, w.row, w.value) for w in feed.warnings]


def test_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed.zip"
    path.write_text("nothing")
    with pytest.raises(InputError) as refused:
        read_gtfs(path)
    assert [p.code for p in refused.value.problems] == ["gtfs_not_readable"]


def test_minutes() -> None:
    assert [gtfs_minutes(t) for t in ("7:05", "24:10:30", "07:60", "x")] == [425.0, 1450.5, None, None]
