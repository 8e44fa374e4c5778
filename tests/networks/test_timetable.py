"""Timetables of bus sheets: runs in both directions, room by segment, and broken sheets named with row and value."""

import pytest

from geodata.checks import check_county
from geodata.county import County
from geodata.errors import InputError
from geodata.frames import canonical_frame
from geodata.messages import LANGS
from geodata.reference import reference_county
from networks.timetable import BusRun, Call, clock_minutes, clock_text, county_timetable, passes_midnight

STOPS = [
    {"line_id": "L1", "stop_sequence": s, "name": f"S{s}", "lon": 109.0 + s / 100, "lat": 27.0, "minutes_from_start": m}
    for s, m in ((1, 0), (2, 10), (3, 40))
]
DEPARTURES = [
    {"line_id": "L1", "direction": "outbound", "departure_time": "07:30", "days": "12345", "passengers": 9},
    {"line_id": "L1", "direction": "inbound", "departure_time": "23:50", "days": "", "spare_parcels": 30},
]


def county(**changes: list[dict[str, object]]) -> County:
    tables = {
        "bus_lines": [{"line_id": "L1", "name": "一线", "spare_parcels_per_departure": 80}],
        "bus_stops": STOPS,
        "bus_departures": DEPARTURES,
        **changes,
    }
    base = reference_county(townships=1, villages=4, seed=1)
    return base.replace(**{name: canonical_frame(rows, name) for name, rows in tables.items()})


def test_runs_of_both_directions() -> None:
    stops = [
        {**row, "luggage_outbound_parcels": 5.0 * i, "luggage_inbound_parcels": 31.0} for i, row in enumerate(STOPS)
    ]
    out, back = county_timetable(county(bus_stops=stops)).runs
    assert [(c.stop_id, c.arrival_min) for c in out.calls] == [("L1:1", 450.0), ("L1:2", 460.0), ("L1:3", 490.0)]
    assert out.spare_parcels == (80.0, 75.0)  # the line's room less the luggage on leaving each stop
    assert (out.passengers, out.days, out.row) == (9.0, frozenset({1, 2, 3, 4, 5}), 2)
    assert [(c.stop_id, c.arrival_min) for c in back.calls] == [("L1:3", 1430.0), ("L1:2", 1460.0), ("L1:1", 1470.0)]
    assert back.spare_parcels == (0.0, 0.0)  # 30 of its own less 31 of luggage: passengers first
    assert (back.passengers, back.days) == (None, frozenset(range(1, 8)))
    assert passes_midnight((out, back)) == (back,)
    assert clock_text(1470.0) == "24:30"


@pytest.mark.parametrize(
    ("code", "table", "row", "value", "changes"),
    [
        ("bus_time", "bus_departures", 2, "25:00", {"bus_departures": [{**DEPARTURES[0], "departure_time": "25:00"}]}),
        ("bus_no_stops", "bus_departures", 2, "L9", {"bus_departures": [{**DEPARTURES[0], "line_id": "L9"}]}),
        (
            "bus_minutes_missing",
            "bus_stops",
            3,
            "",
            {"bus_stops": [STOPS[0], {**STOPS[1], "minutes_from_start": None}]},
        ),
        ("bus_stop_order", "bus_stops", 4, "5.0", {"bus_stops": [*STOPS[:2], {**STOPS[2], "minutes_from_start": 5}]}),
    ],
)
def test_broken_sheets_are_named(
    code: str, table: str, row: int, value: str, changes: dict[str, list[dict[str, object]]]
) -> None:
    with pytest.raises(InputError) as refused:
        county_timetable(county(**changes))
    assert (code, table, row, value) in [(p.code, p.table, p.row, p.value) for p in refused.value.problems]
    assert all(p.text(lang) for p in refused.value.problems for lang in LANGS)


def test_a_departure_on_the_road_at_midnight_is_told() -> None:
    found = [p for p in check_county(county()) if p.code == "bus_overnight"]
    assert [(p.value, p.params["end"], p.severity) for p in found] == [("23:50", "24:30", "warning")]
    assert all(found[0].text(lang) for lang in LANGS)


def test_runs_refuse_what_no_bus_does() -> None:
    there, back = Call("A", 10.0, 10.0), Call("B", 5.0, 5.0)
    for calls, room in (((there, back), (1.0,)), ((there,), ()), ((back, there), (-1.0,)), ((back, there), ())):
        with pytest.raises(ValueError, match="run"):
            BusRun("r", "L", "outbound", frozenset({1}), calls, room)
    assert [clock_minutes(t) for t in ("00:00", "23:59", "24:00", "7.30", "07:5", "07:75")] == [
        0.0,
        1439.0,
        *[None] * 4,
    ]
