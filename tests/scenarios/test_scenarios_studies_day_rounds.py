"""A day's rounds: sheets that add up, rules that hold, KPIs by hand, reasons, broken options, and how they are drawn."""

import math
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest

from geodata.errors import InputError
from geodata.messages import LANGS
from loading import load
from planner.problems.routing import RoutingProblem
from planner.routing.day.measures import InCountyTime, in_county_times, percentile
from planner.routing.day.settings import DaySettings, Wave
from planner.routing.day.solve import DayPlan, solve_day
from planner.routing.rich.engine import RoutingLimits
from planner.verification.routing import check_decision
from scenarios.outputs.gantt import gantt_charts
from scenarios.outputs.studies_json import study_document
from scenarios.outputs.studies_lines import study_line_layer
from scenarios.studies.study import Study, StudyLine

COUNTY = load("scenarios/studies_county.py")
QUICK = RoutingLimits(iterations=20)


def day(**changes: Any) -> DayPlan:
    small = COUNTY.small()
    return solve_day(small.problem, small.verified.plan, DaySettings(**changes), limits=QUICK)


def ask(**options: Any) -> Study:
    study: Study = COUNTY.small().ask("day_rounds", iterations=20, **options)
    return study


def table(study: Study, key: str) -> list[dict[str, Any]]:
    found = next(t for t in study.tables if t.key == key)
    return [dict(zip((c.key for c in found.columns), row, strict=True)) for row in found.rows]


def point(number: int) -> str:
    return sorted(COUNTY.small().verified.plan.siting.station_of_point)[number]


def test_sheets_add_up_and_rules_hold() -> None:
    found = day()
    for made, answer in zip(found.rounds, found.answers, strict=True):
        assert answer.decision is not None
        assert check_decision(made.problem, answer.decision) == ()
    study = ask()
    sheets = table(study, "table_study_route_sheets")
    trips: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in sheets:
        trips.setdefault((row["vehicle_day"], row["trip"]), []).append(row)
    parcel = COUNTY.small().problem.county.parameters
    for rows in trips.values():
        start, *stops, end = rows
        assert [row["stop_order"] for row in rows] == list(range(len(rows)))
        assert start["delivery_parcels"] == pytest.approx(sum(row["delivery_parcels"] for row in stops))
        assert start["bags"] == sum(math.ceil(row["delivery_parcels"] / 20 - 1e-9) for row in stops)
        assert start["load_after_kg"] == pytest.approx(start["delivery_parcels"] * parcel["inbound_parcel_kg"])
        assert end["load_after_kg"] == pytest.approx(
            sum(row["pickup_parcels"] for row in stops) * parcel["outbound_parcel_kg"], abs=1e-6
        )
        clocks = [row[key] for row in stops for key in ("arrives", "begins", "leaves")]
        assert clocks == sorted(clocks)
    assert study.report is not None
    assert study.figures["rounds_of_the_day_cny"] == pytest.approx(study.report.objective)
    vehicles = table(study, "table_study_day_vehicles")
    assert sum(row["cost_cny"] for row in vehicles) == pytest.approx(study.report.objective)
    assert study.figures["route_km"] == pytest.approx(sum(row["route_km"] for row in vehicles))


def test_stations_wait_for_the_trunk() -> None:
    found = day(station_handling_min=45.0)
    trunk = {
        made.loads[visit.index].facility_id: visit.end_min
        for run in found.runs
        if (made := found.rounds[run.round]).tier == "county_township"
        for trip in run.times.trips
        for visit in trip.visits
    }
    for run in found.runs:
        made = found.rounds[run.round]
        if made.tier == "township_village":
            assert run.times.start_min >= trunk[made.depot_id] + 45.0 - 1e-6


def test_a_stop_left_out_has_its_reason_and_the_change_that_serves_it() -> None:
    name = point(0)
    study = ask(own_windows=(f"{name};00:10-00:20",))
    [row] = table(study, "table_study_day_unserved")
    assert row["facility_id"] == name
    assert row["reason"].key == "routing_alone_window"
    assert row["reason"].params["begin"] == "00:10"
    assert row["smallest_change"].key == "routing_fix_window"
    minutes = math.ceil(float(row["smallest_change"].params["minutes"]))
    hour, minute = divmod(20 + minutes, 60)
    served = ask(own_windows=(f"{name};00:00-{hour:02d}:{minute:02d}",))
    assert not any(t.key == "table_study_day_unserved" for t in served.tables)


def test_leaving_out_a_station_counts_for_every_point_behind_it() -> None:
    plan = COUNTY.small().verified.plan
    behind = Counter(plan.siting.station_of_point.values())
    for made in day(leave_out_cny=7.0).rounds:
        whole = defaultdict[str, float](float)
        for stop, own in zip(made.problem.stops, made.loads, strict=True):
            whole[own.facility_id] += stop.penalty_cny or 0.0
        if made.tier == "county_township":
            assert {f: v >= 7.0 * behind[f] - 1e-6 for f, v in whole.items()} == dict.fromkeys(whole, True)


def test_in_county_time_by_hand() -> None:
    """Five service days: a parcel of the truck at 06:00 waits 0 days on weekdays, 2 on Saturday, 1 on Sunday."""
    small, settings = COUNTY.small(), DaySettings()
    found = day()
    times = in_county_times(small.problem, small.verified.plan, settings, found, frozenset({1, 2, 3, 4, 5}))
    week = times[:7]
    first = week[0].hours
    assert 1.5 < first < 13.0
    assert [t.hours - first for t in week] == pytest.approx([0, 0, 0, 0, 0, 48, 24])
    assert percentile([InCountyTime(5.0, 9.0), InCountyTime(30.0, 1.0)], 0.9) == 5.0
    assert percentile([InCountyTime(5.0, 8.0), InCountyTime(30.0, 2.0)], 0.9) == 30.0
    assert percentile([], 0.9) is None
    shares = {k.part: k.value for k in ask().kpis if k.kpi_id == "K9"}
    assert shares["within_24h"] == pytest.approx(5 / 7)


def test_two_waves_share_the_deliveries_and_reuse_vehicles() -> None:
    waves = (Wave(360.0, 420.0, 0.75), Wave(720.0, 750.0, 0.25))
    one, two = day(), day(waves=waves)
    brought = [
        sum(load.delivery_parcels for made in two.rounds if made.wave == w and made.tier == "township_village" for load in made.loads)
        for w in (0, 1)
    ]  # fmt: skip
    whole = sum(load.delivery_parcels for made in one.rounds if made.tier == "township_village" for load in made.loads)
    assert brought == pytest.approx([0.75 * whole, 0.25 * whole])
    assert all(load.pickup_parcels == 0.0 for made in two.rounds if made.wave == 0 for load in made.loads)
    numbers = {(run.number, two.rounds[run.round].wave) for run in two.runs}
    assert any((n, 0) in numbers and (n, 1) in numbers for n, _ in numbers)


def test_windows_batteries_and_produce_reach_the_problem() -> None:
    windows = ((540.0, 720.0), (840.0, 1080.0))
    found = day(point_windows=windows, is_winter=True, month=11, harvest_factor=0.05, empties_m3_per_parcel=0.001)
    problems: list[RoutingProblem] = [made.problem for made in found.rounds if made.tier == "township_village"]
    assert {window for p in problems for s in p.stops for window in s.windows} <= set(windows)
    tricycle = next(v for p in problems for v in p.vehicles if v.vehicle_type_id == "tricycle")
    assert tricycle.battery is not None
    winter = COUNTY.small().problem.county.parameters["tricycle_range_winter_km"]
    assert tricycle.battery.kwh / tricycle.battery.kwh_per_km == pytest.approx(winter)
    assert sum(found.produce.values()) > 0.0
    assert any("produce" in s.goods for p in problems for s in p.stops)
    outside = day(month=5)
    assert outside.produce == {}


def test_stops_nobody_can_serve_say_why() -> None:
    study = ask(cold=[f"{point(0)};1"], zones=[f"TOWN;{point(1)}"])
    assert study.reasons[point(0)].key == "routing_alone_cold"
    assert study.reasons[point(1)].key == "routing_alone_permit"
    assert all(reason.text(lang) for reason in study.reasons.values() for lang in LANGS)
    assert {k.part: k.value for k in study.kpis if k.kpi_id == "K9"}["within_24h"] < 5 / 7


def test_cold_goods_and_permits_are_kept_and_told() -> None:
    study = ask(cold=[f"{point(0)};400"], zones=[f"TOWN;{point(1)}"], permits=["minivan;TOWN;07:00-18:00"])
    assert not study.reasons
    assert [k.value for k in study.kpis if k.kpi_id == "K23"] == [1.0]
    permits = table(study, "table_study_day_permits")
    assert [(row["access_zone"], row["vehicle_type"]) for row in permits] == [("TOWN", "minivan")]


BROKEN = [
    ("bus_bad_clock", {"day_end": "25:00"}),
    ("day_bad_wave", {"waves": ["06:00-07:00"]}),
    ("day_wave_backwards", {"waves": ["07:00;06:00;1"]}),
    ("day_wave_shares", {"waves": ["06:00;07:00;0.5"]}),
    ("day_bad_window", {"windows": ["morning"]}),
    ("day_window_backwards", {"windows": ["12:00-08:00"]}),
    ("day_bad_entry", {"zones": ["TOWN"]}),
    ("day_unknown_name", {"own_windows": ["NOWHERE;08:00-09:00"]}),
    ("day_unknown_name", {"permits": ["minivan;NOZONE"]}),
    ("day_bad_minutes", {"cold": ["C1;soon"]}),
    ("day_unknown_name", {"refrigerated": ["lorry"]}),
]


@pytest.mark.parametrize(("code", "options"), BROKEN)
def test_broken_options_are_named(code: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        ask(**options)
    found = refused.value.problems
    assert code in [p.code for p in found]
    assert all(p.text(lang) for p in found for lang in LANGS)


def test_lines_and_gantt_are_drawn_in_both_languages() -> None:
    study = ask()
    document = study_document(study)
    assert len(document["lines"]) == len(study.lines) == study.figures["trips"]
    assert document["gantts"][0]["rows"]
    for lang in LANGS:
        (chart,) = gantt_charts(study.gantts, lang)
        assert all(row.name in str(chart.picture) for row in study.gantts[0].rows)
        layer = study_line_layer(study, 1, lang)
        assert layer is not None
        assert layer.count == len(study.lines) == len(layer.data["paths"])
        assert all(len(values) == layer.count for _, values in layer.tips)
    alone = replace(study, lines=(StudyLine("x", ((109.0, 27.0), (math.nan, 27.0))),), gantts=())
    assert study_line_layer(alone, 1, "en") is None
    assert gantt_charts(alone.gantts, "en") == []
