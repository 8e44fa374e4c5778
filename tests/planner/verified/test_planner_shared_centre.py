"""A centre shared with a neighbouring county: a site beyond the boundary with this county's share of cost and room."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geodata.checks import check_county
from geodata.completion import complete
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.design import design_plan
from planner.plan import PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings

SHARED = "NEXT"


def county_with_shared_centre(yearly_cny: float, capacity: float):
    county = reference_county(townships=3, villages=12, seed=1)
    own = county.facilities[county.facilities["kind"] == "county_centre"].iloc[[0]]
    east = county.villages["lon"].max() + 0.05
    shared = own.assign(
        facility_id=SHARED, name="shared", status="existing", lon=east, annual_cost_cny=yearly_cny, capex_cny=0.0,
        closing_cost_cny=0.0, capacity_parcels_per_day=capacity, village_code="", township_code="",
    )  # fmt: skip
    sites = county.facilities.assign(
        lock=county.facilities["lock"].where(county.facilities["kind"] != "county_centre", "free")
    )
    return county.replace(facilities=pd.concat([sites, shared], ignore_index=True), roads=None)


def plan(county):
    county = complete(county, seed=1)
    travel = build_travel(county, access_cutoff_km=15.0)
    return design_plan(PlanProblem(county, travel.matrices, ServiceStandard(), SitingSettings(), RoutingSettings()))


@pytest.mark.parametrize(
    ("yearly_cny", "capacity", "is_chosen"), [(100.0, 1e5, True), (5e7, 1e5, False), (100.0, 1.0, False)]
)
def test_shared_centre_is_chosen_where_its_share_is_cheap_and_has_room(yearly_cny, capacity, is_chosen):
    verified = plan(county_with_shared_centre(yearly_cny, capacity))
    centres = set(verified.plan.siting.centre_of_station.values())
    assert (SHARED in centres) == is_chosen
    assert verified.plan.siting.point_of_village


def test_check_only_warns_of_it():
    county = county_with_shared_centre(100.0, 1e5)
    lon, lat = county.villages["lon"], county.villages["lat"]
    box = shapely.box(lon.min() - 0.02, lat.min() - 0.02, lon.max() + 0.005, lat.max() + 0.02)
    area = gpd.GeoDataFrame({"level": ["county"]}, geometry=[box], crs=4326)
    found = [p for p in check_county(county.replace(boundary=area)) if p.code == "outside_boundary"]
    assert [p.params["name"] for p in found if p.table == "facilities"] == ["shared"]
    assert {p.severity for p in found} == {"warning"}
