"""The invented county: reproducible, calibrated, consistent, its roads bending around the river."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geodata.checks import check_county
from geodata.completion import complete
from geodata.demand import village_parcels
from geodata.errors import UsageError
from geodata.frames import haversine_km, plane_km
from geodata.reference import reference_county
from geodata.reference_roads import CLASSES
from geodata.reference_settlements import whole_shares
from geodata.reference_terrain import make_terrain

COST_COLUMNS = ["capex_cny", "annual_cost_cny", "closing_cost_cny"]


@pytest.fixture(scope="module")
def small():
    return reference_county(townships=3)


@pytest.fixture(scope="module")
def county():
    return reference_county()


def _road_graph(county):
    """Return node places (km) and the sparse graph of the road lines, joined where vertices coincide."""
    lines = county.roads.geometry.to_numpy()
    places, line = shapely.get_coordinates(lines, return_index=True)
    nodes, node = np.unique(places, axis=0, return_inverse=True)
    step = line[1:] == line[:-1]
    a, b = node[:-1][step], node[1:][step]
    lat0 = float(nodes[:, 1].mean())
    xy = plane_km(nodes[:, 0], nodes[:, 1], lat0=lat0)
    km = np.hypot(*(xy[a] - xy[b]).T)
    return xy, coo_matrix((km, (a, b)), shape=(len(nodes), len(nodes))).tocsr(), lat0


def test_same_seed_same_bytes_other_seed_other_county(small):
    assert reference_county(townships=3).content_hash() == small.content_hash()
    assert reference_county(townships=3, seed=2).content_hash() != small.content_hash()


def test_everything_is_labelled_as_invented(county):
    assert county.is_invented
    assert "虚构" in county.name
    assert "invented" in county.name
    assert county.county_code.startswith("99")
    assert {p.kind for p in county.provenance.values()} == {"invented"}
    assert set(county.provenance) >= {"villages", "roads", "boundary", "water"}


def test_sizes_are_as_asked(small, county):
    assert (len(county.townships), len(county.villages)) == (18, 220)
    assert (len(small.townships), len(small.villages)) == (3, 37)
    other = reference_county(townships=2, villages=11, seed=5)
    assert (len(other.townships), len(other.villages)) == (2, 11)


def test_too_few_villages_are_refused():
    with pytest.raises(UsageError) as caught:
        reference_county(townships=5, villages=19)
    assert "19" in caught.value.text("en")
    assert "19" in caught.value.text("zh")


def test_population_follows_the_real_proportions(county):
    people = county.townships["population"]
    assert people.iloc[0] == 131_400
    assert people.iloc[1:].between(5_800, 22_000).all()
    assert people.sum() == pytest.approx(313_305, rel=0.03)
    by_village = county.villages.groupby("township_code")["population"].sum()
    assert by_village.to_dict() == county.townships.set_index("township_code")["population"].to_dict()
    by_hamlet = county.hamlets.groupby("village_code")["population"].sum()
    assert by_hamlet.to_dict() == county.villages.set_index("village_code")["population"].to_dict()
    assert county.hamlets.groupby("village_code").size().between(1, 3).all()


def test_distances_follow_the_real_ones(county):
    villages = county.villages.merge(county.townships, on="township_code", suffixes=("", "_seat"))
    rural = villages[villages["urban_rural_code"] == "220"]
    km = haversine_km(rural["lon"], rural["lat"], rural["lon_seat"], rural["lat_seat"])
    assert 2.4 < np.median(km) < 4.5
    assert 4.5 < np.quantile(km, 0.9) < 8.5
    towns = county.townships
    seat = haversine_km(towns["lon"], towns["lat"], towns["lon"].iloc[0], towns["lat"].iloc[0])
    assert 25 < seat.max() < 50
    places = plane_km(rural["lon"], rural["lat"], lat0=27.0)
    nearest = cKDTree(places).query(places, k=2)[0][:, 1]
    assert 0.9 < np.median(nearest) < 1.9


def test_area_is_87_km2_a_township(county):
    for townships in (3, 18):
        assert make_terrain(townships, 1).outline.area == pytest.approx(87.0 * townships)
    # Degrees are rounded to six decimals; the drawn outline is a plane one.
    outline = county.boundary[county.boundary["level"] == "county"].geometry.iloc[0]
    lat0 = 27.0
    plane = shapely.transform(outline, lambda xy: plane_km(xy[:, 0], xy[:, 1], lat0=lat0))
    assert plane.area == pytest.approx(87.0 * 18, rel=1e-3)


def test_township_areas_make_up_the_county_and_hold_their_villages(small):
    layer = small.boundary
    towns = layer[layer["level"] == "township"].set_index("code")
    county = layer.loc[layer["level"] == "county"].geometry.iloc[0]
    assert shapely.area(towns.geometry.to_numpy()).sum() == pytest.approx(county.area, rel=1e-4)
    for village in small.villages.to_dict("records"):
        land = towns.loc[village["township_code"]].geometry
        assert land.distance(shapely.Point(village["lon"], village["lat"])) < 1e-3


def test_roads_reach_every_village_and_town(county):
    xy, graph, lat0 = _road_graph(county)
    reach = dijkstra(graph, directed=False, indices=0)
    assert np.isfinite(reach).all()
    for table in (county.villages, county.townships):
        gap, _ = cKDTree(xy).query(plane_km(table["lon"], table["lat"], lat0=lat0))
        assert gap.max() < 0.15


@pytest.mark.parametrize("seed", [1, 2])
def test_circuity_is_that_of_a_hill_county(county, seed):
    sample = county if seed == 1 else reference_county(townships=8, seed=seed)
    xy, graph, lat0 = _road_graph(sample)
    _, node = cKDTree(xy).query(plane_km(sample.villages["lon"], sample.villages["lat"], lat0=lat0))
    node = np.unique(node)
    road = dijkstra(graph, directed=False, indices=node)[:, node]
    straight = np.hypot(*(xy[node][:, None] - xy[node][None]).transpose(2, 0, 1))
    pairs = np.triu_indices(len(node), 1)
    assert 1.3 <= np.median(road[pairs] / straight[pairs]) <= 1.7


def test_roads_cross_the_river_at_bridges_only(county):
    terrain = make_terrain(18, 1)
    river = county.water.geometry.iloc[0]
    crossings = shapely.get_coordinates(shapely.intersection(county.roads.geometry.to_numpy(), river))
    assert 3 <= len(crossings) <= len(terrain.bridges)
    lat0 = 27.0
    at = plane_km(crossings[:, 0] - 109.0, crossings[:, 1] - 27.0, lat0=lat0)
    gap, which = cKDTree(terrain.bridges).query(at)
    assert gap.max() < 0.02
    assert len(set(which.tolist())) == len(crossings)


def test_roads_have_classes_and_meet_only_at_ends(small):
    roads = small.roads
    assert set(roads["road_class"]) == set(CLASSES)
    assert roads["road_id"].is_unique
    assert roads.crs.to_epsg() == 4326
    lines = roads.geometry.to_numpy()
    tree = shapely.STRtree(lines)
    left, right = tree.query(lines, predicate="crosses")
    assert list(zip(left, right, strict=True)) == []


def test_operators_and_demand(county):
    assert len(county.operators) == 8
    assert county.operators["parcel_share"].sum() == pytest.approx(1.0)
    assert "post" in set(county.operators["kind"])
    people, flows = county.villages["population"].sum(), village_parcels(county.demand).sum()
    assert flows["inbound_parcels_per_day"] == pytest.approx(0.04 * people, rel=1e-3)
    # The market town's villages send twice the usual share, the others 0.15 of the total.
    assert 0.15 < flows["outbound_parcels_per_day"] / flows.sum() < 0.20
    assert len(county.demand) == 220 * 8
    brand = county.demand.groupby("operator_id")["inbound_parcels_per_day"].sum() / flows["inbound_parcels_per_day"]
    share = county.operators.set_index("operator_id")["parcel_share"]
    assert (brand - share).abs().max() < 0.02


def test_sites_leave_something_to_merge(county):
    sites = county.facilities
    assert sites["facility_id"].is_unique
    assert not sites[[*COST_COLUMNS, "capacity_parcels_per_day", "lon", "lat"]].isna().any().any()
    assert (sites.loc[sites["status"] == "existing", "capex_cny"] == 0).all()
    centres = sites[sites["kind"] == "county_centre"]
    assert centres["status"].tolist() == ["existing", "candidate", "candidate"]
    stations = sites[sites["kind"] == "township_station"]
    existing = stations[stations["status"] == "existing"]
    assert (existing.groupby("township_code").size() >= 2).all()
    assert set(existing.loc[existing["operator_id"] == "china_post", "township_code"]) == set(
        county.townships["township_code"]
    )
    points = sites[sites["kind"] == "village_point"]
    assert sorted(points["village_code"]) == sorted(county.villages["village_code"])
    assert 0.3 < (points["status"] == "existing").mean() < 0.5


def test_one_station_of_each_town_can_carry_its_whole_town(county):
    flows = village_parcels(county.demand).sum(axis=1)
    by_town = flows.groupby(county.villages.set_index("village_code")["township_code"]).sum()
    stations = county.facilities[county.facilities["kind"] == "township_station"]
    room = stations.groupby("township_code")["capacity_parcels_per_day"].max()
    assert (room >= by_town).all()
    assert county.facilities["capacity_parcels_per_day"].iloc[0] >= flows.sum()


def test_two_bus_lines_run_through_villages(county):
    assert len(county.bus_lines) == 2
    codes = set(county.villages["village_code"])
    for _, stops in county.bus_stops.groupby("line_id"):
        assert len(stops) >= 3
        assert stops["stop_sequence"].tolist() == list(range(1, len(stops) + 1))
        assert stops["minutes_from_start"].is_monotonic_increasing
        assert set(stops["village_code"]) <= codes
    assert set(county.bus_departures["direction"]) == {"outbound", "inbound"}


def test_one_market_town_grows_oranges(county):
    growing = county.villages[county.villages["village_code"].isin(county.produce["village_code"])]
    assert growing["township_code"].nunique() == 1
    assert county.produce[["first_month", "last_month"]].drop_duplicates().to_numpy().tolist() == [[10, 12]]


@pytest.mark.parametrize("which", ["small", "county"])
def test_it_is_complete_and_has_no_errors(which, request):
    whole = request.getfixturevalue(which)
    done = complete(whole)
    assert done.content_hash() == whole.content_hash()
    assert done.assumptions == ()
    assert [p.code for p in check_county(whole) if p.severity == "error"] == []


def test_whole_shares_keep_the_sum():
    assert whole_shares(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert whole_shares(7, np.array([0.5, 0.25, 0.25])).tolist() == [3, 2, 2]
