"""The tiny county: the program's decisions, costs and KPIs are the numbers of tests/tiny/README.md."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from networks.providers import build_travel
from planner.design import design_plan
from planner.plan import PlanProblem

_SPEC = importlib.util.spec_from_file_location("tiny_county", Path(__file__).parents[2] / "tiny" / "tiny_county.py")
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)


def plan_of(standard):
    county = tiny.tiny_county()
    travel = build_travel(county, detour_factor=1.0)
    return design_plan(PlanProblem(county, travel.matrices, standard, tiny.SITING, tiny.ROUTING))


@pytest.fixture(scope="module")
def verified():
    return plan_of(tiny.STANDARD)


def test_decisions_are_those_by_hand(verified):
    siting = verified.plan.siting
    assert siting.open_ids == tiny.OPEN
    assert dict(siting.point_of_village) == tiny.ALLOCATION
    assert siting.report.status == "optimal"
    assert siting.report.objective == pytest.approx(tiny.OBJECTIVE_CNY_PER_DAY, abs=1e-3)
    assert verified.plan.routing.report.status == "optimal"


def test_costs_are_those_by_hand(verified):
    by_item = {}
    for line in verified.costs:
        by_item[line.item] = by_item.get(line.item, 0.0) + line.cny_per_day
    assert by_item["site"] == pytest.approx(tiny.SITE_CNY_PER_DAY)
    assert by_item["closing"] == 0.0
    assert by_item["handling"] == pytest.approx(tiny.HANDLING_CNY_PER_DAY)
    assert by_item["transport"] == pytest.approx(tiny.TRUNK_CNY_PER_DAY + tiny.ROUNDS_CNY_PER_DAY, abs=1e-3)
    assert verified.cost_cny_per_day == pytest.approx(tiny.NETWORK_CNY_PER_DAY, abs=1e-3)
    assert verified.investment_cny == pytest.approx(tiny.INVESTMENT_CNY)


@pytest.mark.parametrize(
    ("kpi_id", "part", "value"),
    [
        ("K1", "total", 1.0),
        ("K3", "total", 1.0),
        ("K4", "total", 0.8),
        ("K6", "within_1_km", 1750 / 2000),
        ("K6", "within_2_km", 1.0),
        ("K7", "mean", 0.25),
        ("K7", "p90", 2.0),
        ("K8", "visits_ge_7", 1.0),
        ("K13", "sorting", 0.2),
        ("K13", "line_haul", 1.33),
        ("K13", "station", 0.8),
        ("K13", "last_mile", 0.565),
        ("K13", "point", 0.6),
        ("K13", "centre", 1.0),
        ("K13", "total", 4.495),
        ("K17", "total", 0.0),
        ("K18", "county_township_km", 2.5),
        ("K18", "township_village_km", 100 / 22),
        ("K19", "total", 0.25),
        ("K24", "total", 13.5983),
    ],
)
def test_kpis_are_those_by_hand(verified, kpi_id, part, value):
    assert verified.kpis.get(kpi_id, part).value == pytest.approx(value, abs=1e-5)


def test_variants_are_those_by_hand():
    one_station = plan_of(tiny.ONE_STATION).plan.siting
    assert one_station.report.objective == pytest.approx(tiny.ONE_STATION_OBJECTIVE_CNY_PER_DAY, abs=1e-3)
    all_points = plan_of(tiny.ALL_POINTS).plan.siting
    assert all_points.report.objective == pytest.approx(tiny.ALL_POINTS_OBJECTIVE_CNY_PER_DAY, abs=1e-3)


@pytest.mark.parametrize(("villages", "objective"), tiny.SERVED_OBJECTIVES_CNY_PER_DAY.items())
def test_villages_served_are_those_by_hand(villages, objective):
    verified = plan_of(dataclasses.replace(tiny.SERVED, village_served_share=villages / 5))
    siting = verified.plan.siting
    assert siting.report.objective == pytest.approx(objective, abs=1e-3)
    assert siting.report.status == "optimal"
    assert verified.kpis.get("K1").numerator == max(3, villages)
    if villages == 5:
        assert dict(siting.point_of_village) == tiny.SERVED_ALLOCATION
