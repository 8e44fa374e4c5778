"""Lockers and chargers without an answer offer single changes that were tried; lockers say what rounds mean."""

from dataclasses import replace
from typing import Any

import pytest

from geodata.errors import InfeasibleError
from geodata.messages import LANGS
from loading import load
from planner.siting.charger_fixes import tour_fixes
from planner.siting.charger_input import ChargerRules, ElectricVehicle, Tour
from planner.siting.chargers import tour_obstacle

COUNTY = load("scenarios/studies_county.py")
CAMPUS = {"campuses": ["学院;109.13;27.03;2000"], "relative_gap": 0.01}


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"minimum_lockers": 99}, "minimum_lockers"),
        ({"minimum_lockers": 1, "maximum_lockers": 1, "open": ["VP001", "VP002"]}, "maximum_lockers"),
        ({"minimum_lockers": 1, "budget_cny": 1.0, "connection_cny": 5000.0}, "budget_cny"),
    ],
)
def test_lockers_that_cannot_be_name_single_changes_that_are_enough(asked: dict[str, Any], key: str) -> None:
    points = (
        COUNTY.small().problem.county.facilities.query("kind == 'village_point'")["facility_id"].astype(str).tolist()
    )
    if "open" in asked:
        asked = {**asked, "open": sorted(points)[:2]}
    with pytest.raises(InfeasibleError) as caught:
        COUNTY.small().ask("lockers", **CAMPUS, **asked)
    fixes = {message.key.removeprefix("study_fix_"): message for message in caught.value.fixes}
    assert key in fixes
    enough = fixes[key].params["enough"]
    again = {**asked, key: enough}
    assert COUNTY.small().ask("lockers", **CAMPUS, **again).report is not None
    for message in caught.value.fixes:
        assert all(message.text(lang) for lang in LANGS)


def test_filling_lockers_in_rounds_takes_more_cells_and_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    one_by_one = COUNTY.small().ask("lockers", **CAMPUS, minimum_lockers=1)
    in_one = COUNTY.small().ask("lockers", **CAMPUS, minimum_lockers=1, rounds_per_day=1)
    assert int(in_one.figures["cells"]) > 0  # type: ignore[arg-type]
    share = float(one_by_one.figures["overflow_one_round_share"])  # type: ignore[arg-type]
    assert float(in_one.figures["overflow_one_round_share"]) <= 0.05 + 1e-9 < share + 1e-9  # type: ignore[arg-type]
    said = {message.key: message for message in (*one_by_one.answer, *in_one.answer)}
    assert said["study_lockers_overflow"].params["one_round"] >= 100.0 * share  # type: ignore[operator]
    assert said["study_lockers_overflow_rounds"].params["rounds"] == 1
    COUNTY.check_words(in_one)
    printed = capfd.readouterr()
    assert "HiGHS" not in printed.out + printed.err


def rules() -> ChargerRules:
    from geodata.parameters import default_parameters
    from planner.siting.charger_input import charger_rules

    return charger_rules(default_parameters(), is_winter=False)


def test_a_long_day_is_mended_by_a_site_on_the_way_or_by_the_least_range() -> None:
    vehicle = ElectricVehicle(range_km=100.0, winter_range_km=100.0, kwh_per_km=0.3)
    tour = Tour("a", "van", (("D", 0.0), ("P", 80.0), ("D", 160.0)), 600.0)
    asked = replace(rules(), reserve_share=0.0) if hasattr(rules(), "reserve_share") else rules()
    assert tour_obstacle(tour, vehicle, {"D"}, asked) is not None
    fixes = tour_fixes(tour, vehicle, {"D"}, {"P"}, asked)
    told = {message.key: message.params for message in fixes}
    assert told["charger_fix_allow"] == {"place": "P"}
    enough = float(told["charger_fix_range"]["enough"])  # type: ignore[arg-type]
    for range_km, is_enough in ((enough, True), (enough - 1.0, False)):
        longer = replace(vehicle, range_km=range_km, winter_range_km=range_km)
        assert (tour_obstacle(tour, longer, {"D"}, asked) is None) is is_enough


def test_a_closed_depot_is_mended_only_by_allowing_it() -> None:
    vehicle = ElectricVehicle(range_km=100.0, winter_range_km=100.0, kwh_per_km=0.3)
    tour = Tour("a", "van", (("D", 0.0), ("P", 10.0), ("D", 20.0)), 600.0)
    assert [message.params for message in tour_fixes(tour, vehicle, {"P"}, {"D"}, rules())] == [{"place": "D"}]
    assert tour_fixes(tour, vehicle, {"P"}, set(), rules()) == ()


def test_days_that_cannot_be_electric_show_what_is_enough() -> None:
    study = COUNTY.small().ask("chargers", electrify=["box_truck"], range_km=5.0)
    COUNTY.check_words(study)
    table = next(table for table in study.tables if table.key == "table_study_not_electric")
    assert {row[0] for row in table.rows} == set(study.reasons)
    assert all(row[2].key.startswith("charger_fix_") for row in table.rows)  # type: ignore[union-attr]
