"""Bad input of rich rounds: each error made once and named with row, column and value."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import InputError
from loading import load
from planner.problems.routing import Battery, BreakRule, Permit, RoutingDepot
from planner.routing.rich.input_checks import check_input, require_usable

cases = load("planner/routing_cases.py")
line, stop, van = cases.line, cases.stop, cases.van

GOOD = [stop("A", 1), stop("B", 2)]


def second(**changes):
    """Two good stops, the second one spoilt: its row is 3."""
    return line([10.0, 20.0], [GOOD[0], replace(GOOD[1], **changes)])


def fleet(**changes):
    return line([10.0, 20.0], GOOD, [van(), van("bus", **changes)])


def cell(value, at=(0, 1), column="minutes"):
    problem = line([10.0, 20.0], GOOD)
    array = getattr(problem, column)[0].copy()
    array[at] = value
    return replace(problem, **{column: (array,)})


def depot(**changes):
    return line([10.0, 20.0], GOOD, depot=RoutingDepot("D", 0, **changes))


BATTERY = Battery(30.0, 1.0, 1.0)
BROKEN = [
    ("routing_duplicate", 3, "stop_id", "A", second(stop_id="A")),
    ("routing_none", 2, "vehicle_type_id", "", replace(line([10.0, 20.0], GOOD), vehicles=())),
    ("routing_unknown_place", 3, "place", "9", second(place=9)),
    ("routing_window_backwards", 2, "closes_min", "50", depot(opens_min=100.0, closes_min=50.0)),
    ("routing_window_backwards", 3, "windows", "50", second(windows=((100.0, 50.0),))),
    ("routing_window_backwards", 3, "shift", "50", fleet(shift=(100.0, 50.0))),
    ("routing_negative", 2, "loading_min", "-1", depot(loading_min=-1.0)),
    ("routing_negative", 3, "service_min", "-5", second(service_min=-5.0)),
    ("routing_negative", 3, "service_min", "nan", second(service_min=math.nan)),
    ("routing_negative", 3, "delivery", "-1", second(delivery=(-1.0,))),
    ("routing_negative", 3, "penalty_cny", "-1", second(penalty_cny=-1.0)),
    ("routing_negative", 3, "cold_max_min", "-1", second(cold_max_min=-1.0)),
    ("routing_negative", 3, "cny_per_km", "-1", fleet(cny_per_km=-1.0)),
    ("routing_unknown_depot", 3, "end_depot", "4", fleet(end_depot=4)),
    ("routing_unknown_profile", 3, "profile", "2", fleet(profile=2)),
    ("routing_dimensions", 3, "pickup", "2", second(pickup=(1.0, 1.0))),
    ("routing_unknown_zone", 3, "permits", "old town", fleet(permits=(Permit("old town"),))),
    ("routing_trips", 3, "trips_most", "0", fleet(trips_most=0)),
    ("routing_break", 3, "break_rule", "0", fleet(break_rule=BreakRule(0.0, 30.0))),
    ("routing_battery", 3, "battery", "0", fleet(battery=Battery(0.0, 1.0, 1.0))),
    ("routing_unknown_vehicle", 3, "vehicle_types", "tram", second(vehicle_types=frozenset({"tram", "van"}))),
    ("routing_windows_overlap", 3, "windows", "20", second(windows=((10.0, 30.0), (20.0, 40.0)))),
    (
        "routing_window_before_opening",
        3,
        "windows",
        "50",
        replace(second(windows=((0.0, 50.0),)), depots=(RoutingDepot("D", 0, opens_min=60.0),)),
    ),
    (
        "routing_window_after_closing",
        3,
        "windows",
        "700",
        replace(second(windows=((700.0, 800.0),)), depots=(RoutingDepot("D", 0, closes_min=600.0),)),
    ),
    ("routing_alone_capacity", 3, "delivery", "B", second(delivery=(11.0,))),
    ("routing_alone_permit", 3, "zone", "B", second(zone="old town")),
    ("routing_alone_window", 3, "windows", "B", second(windows=((0.0, 19.0),))),
    ("routing_alone_cold", 3, "stop_id", "B", second(cold_max_min=19.0)),
    ("routing_alone_unreachable", 3, "stop_id", "B", line([10.0, math.inf], GOOD)),
    ("routing_alone_shift", 3, "stop_id", "B", line([10.0, 20.0], GOOD, [van(longest_min=39.0)])),
    ("routing_alone_range", 3, "stop_id", "B", line([10.0, 20.0], GOOD, [van(range_km=39.0)])),
    ("routing_alone_range", 3, "stop_id", "B", line([10.0, 20.0], GOOD, [van(battery=BATTERY)])),
    ("routing_alone_break", 3, "stop_id", "B", line([5.0, 20.0], GOOD, [van(break_rule=BreakRule(19.0, 5.0))])),
    (
        "routing_alone_depot_hours",
        3,
        "stop_id",
        "B",
        line([10.0, 20.0], GOOD, depot=RoutingDepot("D", 0, closes_min=39.0)),
    ),
    (
        "routing_alone_permit_time",
        3,
        "stop_id",
        "B",
        line([10.0, 20.0], [GOOD[0], replace(GOOD[1], zone="z")], [van(permits=(Permit("z", ((0.0, 19.0),)),))]),
    ),
    ("routing_shape", None, "metres", "2×2", replace(line([10.0, 20.0], GOOD), metres=(np.zeros((2, 2)),))),
    ("routing_cell", 2, "minutes", "-1", cell(-1.0)),
    ("routing_cell", 2, "metres", "nan", cell(np.nan, column="metres")),
    ("routing_profiles", None, "", "", replace(line([10.0, 20.0], GOOD), metres=())),
]
NO_TYPE = line(
    [10.0, 20.0], [GOOD[0], replace(GOOD[1], vehicle_types=frozenset({"bus"}))], [van(), van("bus", available=0)]
)
BROKEN += [("routing_alone_vehicle_type", 3, "vehicle_types", "B", NO_TYPE)]


@pytest.mark.parametrize(
    ("code", "row", "column", "value", "problem"),
    [pytest.param(*case, id=f"{k}-{case[0]}") for k, case in enumerate(BROKEN)],
)
def test_each_error_is_named_with_row_and_value(code, row, column, value, problem):
    errors = [p for p in check_input(problem) if p.severity == "error"]
    assert [(p.code, p.row, p.column, p.value) for p in errors] == [(code, row, column, value)]
    for lang in ("en", "zh"):
        assert errors[0].text(lang) and errors[0].where(lang) is not None
    with pytest.raises(InputError) as raised:
        require_usable(problem)
    assert len(raised.value.problems) == 1


WARNED = [
    ("routing_cell_missing", "minutes", "inf", cell(np.inf, at=(1, 2))),
    ("routing_asymmetric", "metres", "40000", cell(40_000.0, at=(1, 2), column="metres")),
    (
        "routing_unknown_goods",
        "goods",
        "food",
        replace(line([10.0, 20.0], [GOOD[0], replace(GOOD[1], goods=("fuel",))]), incompatible=(("fuel", "food"),)),
    ),
]


@pytest.mark.parametrize(("code", "column", "value", "problem"), WARNED)
def test_what_may_be_meant_is_a_warning(code, column, value, problem):
    found = require_usable(problem)
    assert [(p.severity, p.code, p.column, p.value) for p in found] == [("warning", code, column, value)]
    assert found[0].text("zh") and found[0].text("en")


def test_good_input_has_no_problem():
    assert check_input(line([10.0, 20.0], GOOD)) == ()


def test_optional_stop_that_cannot_be_served_is_no_error():
    assert check_input(second(delivery=(11.0,), penalty_cny=5.0)) == ()


def test_rows_of_the_source_are_used():
    [found] = check_input(second(service_min=-5.0), rows={"stops": (12, 40)})
    assert found.row == 40


def test_every_sentence_is_raised_above():
    table = (
        (Path(__file__).parents[2] / "geodata/data/messages/routing_rich.csv").read_text(encoding="utf-8").splitlines()
    )
    keys = {row.split(",", 1)[0] for row in table if row.startswith("routing_alone_")}
    assert keys <= {case[0] for case in BROKEN}
