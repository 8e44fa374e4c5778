"""Floor and land of nodes by hand, from the parameters, and for a plan."""

import math
from dataclasses import asdict, replace

import pandas as pd
import pytest

from geodata.county import empty_table
from geodata.errors import InputError
from geodata.parameters import default_parameters
from planner.reports import SolveReport
from planner.siting.land import LAND_COLUMNS, KindNorm, LandNode, LandNorms, land_list, land_norms, land_of_plan
from planner.siting.result import SitingResult

P = default_parameters()
NORMS = LandNorms(
    county_centre=KindNorm(0.2, 0.5, 0.0, 0.0, 100.0, 5.0),
    township_station=KindNorm(0.5, 0.4, 1.0, 8.0, 60.0, 0.0),
    village_point=KindNorm(0.0, 0.0, 2.0, 8.0, 10.0, 0.0),
    parcel_m3=0.01,
    shelf_m3_per_m2=0.5,
)


def test_areas_by_hand():
    centre, station, point = land_list(
        [
            LandNode("C", "county_centre", 10_000.0, 0.0, 400.0, is_existing=True),
            LandNode("S", "township_station", 1000.0, 0.0, 0.0, is_existing=False),
            LandNode("P", "village_point", 60.0, 50.0, 12.0, is_existing=True),
        ],
        NORMS,
    )
    # 2,000 parcels in the busiest hour · 0.5 = 1,000 m²; 600 m² are missing; 5 m² of land each.
    assert (centre.busiest_hour_parcels, centre.floor_m2, centre.missing_floor_m2) == (2000.0, 1000.0, 600.0)
    assert (centre.land_m2, centre.way) == (3000.0, "extend")
    # 500 · 0.4 = 200 work, 1,000 · 0.01 / 0.5 = 20 holding, 8 counter.
    assert (station.work_m2, station.holding_m2, station.floor_m2) == pytest.approx((200.0, 20.0, 228.0))
    assert (station.land_m2, station.way) == (0.0, "rent")
    # 50 waiting · 2 days · 0.01 / 0.5 = 2, and 8 counter: the least 10 m².
    assert (point.holding_m2, point.floor_m2, point.way) == (2.0, 10.0, "enough")


def test_least_floor_and_new_building():
    (row,) = land_list([LandNode("C", "county_centre", 10.0, 0.0, 0.0, is_existing=False)], NORMS)
    assert (row.floor_m2, row.land_m2, row.way) == (100.0, 500.0, "new_build")
    assert tuple(asdict(row)) == LAND_COLUMNS


def test_the_published_centre_comes_out_as_itself():
    """1,639 m² for its own yearly capacity (14.4 million parcels), on 9,485 m² of land."""
    daily = P["centre_new_capex_cny"] / P["centre_capex_cny_per_annual_parcel"] / 365
    assert daily * 365 == pytest.approx(14.4e6, rel=0.01)
    (row,) = land_list([LandNode("C", "county_centre", daily, 0.0, 0.0, is_existing=False)], land_norms(P))
    assert row.floor_m2 == pytest.approx(1639.0)
    assert row.land_m2 == pytest.approx(9485.0)


def test_default_norms_give_usual_sizes():
    norms = land_norms(P)
    station, point = land_list(
        [
            LandNode("S", "township_station", 400.0, 0.0, 120.0, is_existing=True),
            LandNode("P", "village_point", 30.0, 25.0, 15.0, is_existing=True),
        ],
        norms,
    )
    assert 60.0 <= station.floor_m2 <= 120.0
    assert 10.0 <= point.floor_m2 <= 15.0


class Place:
    """What `land_of_plan` reads of a county."""

    parameters = P
    demand = pd.DataFrame(
        [("v1", "a", 40.0, 10.0), ("v1", "b", 20.0, 0.0), ("v2", "a", 30.0, 5.0), ("v3", "a", 99.0, 9.0)],
        columns=["village_code", "operator_id", "inbound_parcels_per_day", "outbound_parcels_per_day"],
    )
    facilities = pd.DataFrame(
        [
            {"facility_id": "C1", "kind": "county_centre", "status": "existing", "area_m2": 800.0},
            {"facility_id": "S1", "kind": "township_station", "status": "existing", "area_m2": math.nan},
            {"facility_id": "P1", "kind": "village_point", "status": "candidate", "area_m2": 15.0},
        ]
    )


def test_land_of_a_plan_adds_up():
    siting = SitingResult(
        ("C1", "P1", "S1"),
        (),
        {"v1": "P1", "v2": "P1"},
        {"P1": "S1"},
        {"S1": "C1"},
        (),
        SolveReport("unknown", None, None, "x"),
    )
    rows = land_of_plan(Place, siting, design_day_factor=2.0)
    assert [row.facility_id for row in rows] == ["C1", "S1", "P1"]
    assert [row.design_parcels_per_day for row in rows] == pytest.approx([210.0] * 3)  # 2 · 105: v3 is not served
    assert [row.existing_floor_m2 for row in rows] == [800.0, 0.0, 0.0]  # a candidate's area is planned, not there
    assert rows[0].way == "enough"
    assert set(Place.demand.columns) == set(empty_table("demand").columns)


def test_bad_figures_are_refused():
    with pytest.raises(InputError) as error:
        land_list([LandNode("C", "castle", -1.0, math.nan, 0.0, is_existing=True)], NORMS)
    assert {p.column for p in error.value.problems} == {"kind", "through_parcels_per_day", "waiting_parcels_per_day"}
    assert all(p.text(lang) for p in error.value.problems for lang in ("en", "zh"))


def test_impossible_units_and_norms_are_refused_together():
    norms = replace(NORMS, shelf_m3_per_m2=0.0, village_point=replace(NORMS.village_point, hold_days=math.nan))
    node = LandNode("S1", "township_station", 2e7, 10.0, math.inf, is_existing=True)
    with pytest.raises(InputError) as error:
        land_list([node], norms)
    assert [(p.code, p.column) for p in error.value.problems] == [
        ("land_unit", "through_parcels_per_day"),
        ("land_bad_number", "existing_floor_m2"),
        ("land_norm_bad", "hold_days"),
        ("land_norm_bad", "shelf_m3_per_m2"),
    ]
    assert all(p.text(lang) for p in error.value.problems for lang in ("en", "zh"))
