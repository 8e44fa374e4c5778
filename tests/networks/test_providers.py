"""The travel times of a county, over roads and straight, with figures to check by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InputError
from networks.build import build_road_network
from networks.matrix import matrix_from_frame
from networks.plane import geodesic_m
from networks.providers import build_travel, straight_matrix

NORTH_KM, EAST_KM = 1.105743, 1.113195  # 0.01 degree at the equator
CENTRE, STATION, POINT = "county_centre", "township_station", "village_point"


def line_county(county, roads, **columns):
    """One east-west road of five steps; centre at 0, village and its point at 4, hamlet half a step off the road."""
    facts = {"road_class": ["tertiary"], "is_oneway": [0], **columns}
    return county(
        villages=[("v1", 0.04, 0.0), ("v2", np.nan, np.nan)],
        hamlets=[("h1", 0.03, 0.005)],
        facilities=[("c", 0.0, 0.0, CENTRE), ("p1", 0.04, 0.0, POINT), ("p2", 0.02, 0.0, POINT)],
        vehicles=[("van", np.nan), ("trike", 15.0), ("twin", np.nan)],
        roads=roads([(0, 0), (5, 0)], **facts),
    )


def test_road_county_by_hand(county, roads):
    travel = build_travel(line_county(county, roads))
    assert travel.provider == "road graph"
    assert travel.detour_factor is None
    assert travel.warnings == ()
    access = travel.matrices["access"]
    assert access.origin_ids == ("v1", "h1")
    assert access.destination_ids == ("p1", "p2")
    leg = 0.5 * NORTH_KM
    assert access.metres_between("v1", "p1") == 0
    assert access.minutes_between("v1", "p1") == 0
    assert access.metres_between("h1", "p2") == pytest.approx(1000 * (leg + EAST_KM), abs=0.5)
    assert access.minutes_between("h1", "p2") == pytest.approx(2 * (leg + EAST_KM), abs=0.01)  # 30 km/h
    assert access.cutoff_min == pytest.approx(30)
    van = travel.matrices["van"]
    assert van.origin_ids == van.destination_ids == ("c", "p1", "p2")
    assert van.minutes_between("c", "p1") == pytest.approx(4 * EAST_KM * 60 / 35, abs=0.01)
    assert travel.matrices["trike"].minutes_between("c", "p1") == pytest.approx(4 * EAST_KM * 4, abs=0.01)
    twin = travel.matrices["twin"]
    assert twin.profile == "twin"
    assert np.array_equal(twin.minutes, van.minutes)
    assert sorted(travel.snaps["profile"].unique()) == ["access", "trike", "twin", "van"]


def test_oneway_binds_vehicles_and_not_villagers(county, roads):
    travel = build_travel(line_county(county, roads, is_oneway=[1]))
    assert np.isinf(travel.matrices["van"].minutes_between("p1", "c"))
    assert travel.matrices["access"].minutes_between("v1", "p2") == pytest.approx(2 * 2 * EAST_KM, abs=0.01)
    assert {problem.code for problem in travel.warnings} == {"roads_do_not_reach"}


def test_access_cutoff(county, roads):
    travel = build_travel(line_county(county, roads), access_cutoff_km=2.0)
    assert np.isinf(travel.matrices["access"].metres_between("v1", "p2"))
    assert travel.matrices["access"].metres_between("v1", "p1") == 0
    assert np.isfinite(travel.matrices["van"].minutes).all()


def test_place_off_the_road_is_unreachable_and_told(county, roads):
    base = line_county(county, roads)
    away = base.replace(
        hamlets=pd.concat([base.hamlets, base.hamlets.assign(hamlet_id="h2", name="Far", lat=0.04)], ignore_index=True)
    )
    travel = build_travel(away)
    assert np.isinf(travel.matrices["access"].sub(["h2"], ["p1", "p2"])[0]).all()
    (problem,) = travel.warnings
    assert (problem.severity, problem.code, problem.table, problem.value) == ("warning", "off_road", "hamlets", "h2")
    assert problem.params["distance_m"] == pytest.approx(4000 * NORTH_KM, abs=1)
    assert "4423 m" in problem.text("en")
    assert "Far" in problem.text("zh")


def test_isolated_road_is_unreachable_and_told(county, roads):
    base = line_county(county, roads)
    lines = roads([(0, 0), (2, 0), (5, 0)], [(2, 0), (2, 1)], [(0, 9), (4, 9)], road_class=["tertiary"] * 3)
    facilities = pd.concat(
        [base.facilities, base.facilities.iloc[[1]].assign(facility_id="p9", name="Island", lat=0.09)],
        ignore_index=True,
    )
    travel = build_travel(base.replace(roads=lines, facilities=facilities))
    van = travel.matrices["van"]
    assert np.isinf(van.sub(["p9"], ["c", "p1", "p2"])[0]).all()
    assert van.minutes_between("p9", "p9") == 0
    (problem,) = travel.warnings
    assert (problem.code, problem.value) == ("roads_do_not_reach", "p9")
    assert problem.params["component_km"] == pytest.approx(4.5, abs=0.05)


def test_neighbours_far_from_the_road_walk_straight(county, roads):
    """Both 2 steps from the road and 0.1 steps apart: not twice the way to the road."""
    place = county(
        villages=[("v", 0.02, 0.015)],
        facilities=[("c", 0.0, 0.0, CENTRE), ("p", 0.021, 0.015, POINT)],
        roads=roads([(0, 0), (5, 0)]),
    )
    travel = build_travel(place)
    assert travel.matrices["access"].metres_between("v", "p") == pytest.approx(100 * EAST_KM, abs=0.5)
    assert travel.matrices["van"].metres_between("c", "p") == pytest.approx(
        1000 * (2.1 * EAST_KM + 1.5 * NORTH_KM), abs=1
    )


def test_equal_places_off_the_road_are_nothing_apart(county, roads):
    place = county(villages=[("v", 0.02, 0.5)], facilities=[("p", 0.02, 0.5, POINT)], roads=roads([(0, 0), (5, 0)]))
    travel = build_travel(place)
    assert travel.matrices["access"].metres_between("v", "p") == 0
    assert [problem.code for problem in travel.warnings] == ["off_road", "off_road"]


def test_given_network_wins_over_the_layer(county, roads):
    short = build_road_network(roads([(0, 0), (5, 0)], road_class=["track"]))
    travel = build_travel(line_county(county, roads), roads=short)
    assert travel.matrices["van"].minutes_between("c", "p1") == pytest.approx(4 * EAST_KM * 60 / 18, abs=0.01)


def test_straight_county_by_hand(county):
    place = county(
        villages=[("v", 0.0, 0.01)],
        facilities=[("c", 0.0, 0.0, CENTRE), ("p", 0.0, 0.01, POINT), ("far", 0.0, 0.2, POINT)],
        vehicles=[("van", np.nan), ("trike", 15.0)],
    )
    travel = build_travel(place)
    km = 1.3 * 6371.0088 * np.pi / 18000  # 0.01 degree
    assert (travel.provider, travel.detour_factor) == ("straight line", 1.3)
    assert travel.snaps.empty
    van = travel.matrices["van"]
    assert van.metres_between("c", "p") == pytest.approx(1000 * km)
    assert van.minutes_between("c", "p") == pytest.approx(km * 60 / 35)
    assert travel.matrices["trike"].minutes_between("c", "p") == pytest.approx(km * 4)
    access = travel.matrices["access"]
    assert access.metres_between("v", "p") == 0
    assert np.isinf(access.metres_between("v", "far"))
    assert build_travel(place, detour_factor=1.7).matrices["van"].metres_between("c", "p") == pytest.approx(
        1700 / 1.3 * km
    )


def test_empty_tables(county, roads):
    for layer in (None, roads([(0, 0), (5, 0)])):
        travel = build_travel(county(villages=[], facilities=[], roads=layer))
        assert travel.matrices["access"].minutes.shape == (0, 0)
        assert travel.matrices["van"].minutes.shape == (0, 0)


def test_unusable_roads_are_refused(county, roads):
    with pytest.raises(InputError):
        build_travel(line_county(county, roads, speed_kmh=[-1.0]))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.005, 0.055), st.floats(-0.01, 0.02)), min_size=2, max_size=8))
def test_no_way_is_shorter_than_the_straight_line(spots):
    import geopandas as gpd
    import shapely

    from geodata.parameters import default_parameters
    from networks.road_travel import road_matrix
    from networks.snapping import snap_places
    from networks.speeds import access_profile

    lines = [shapely.LineString([(0, 0), (0.05, 0)]), shapely.LineString([(0.02, 0), (0.03, 0.01), (0.05, 0)])]
    network = build_road_network(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326"))
    lon, lat = np.array(spots).T
    frame = pd.DataFrame({"place_id": [str(i) for i in range(len(spots))], "lon": lon, "lat": lat})
    snaps = snap_places(network, frame, ignores_oneway=True)
    matrix = road_matrix(network, snaps, snaps, access_profile(default_parameters()))
    pairs = np.broadcast_arrays(lon[:, None], lat[:, None], lon[None], lat[None])
    assert (matrix.metres >= geodesic_m(*(np.ascontiguousarray(value) for value in pairs)) - 1e-3).all()
    assert (np.diag(matrix.metres) == 0).all()


def test_matrix_from_frame():
    frame = pd.DataFrame(
        {
            "origin_id": ["a", "a", "b"],
            "destination_id": ["x", "y", "x"],
            "minutes": [1, None, 3],
            "metres": [10, None, 30],
        }
    )
    matrix = matrix_from_frame(frame)
    assert (matrix.origin_ids, matrix.destination_ids) == (("a", "b"), ("x", "y"))
    assert matrix.provider == "external matrix"
    assert matrix.minutes_between("b", "x") == 3
    assert np.isinf(matrix.metres_between("a", "y"))  # given as empty
    assert np.isinf(matrix.metres_between("b", "y"))  # missing


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"minutes": [1, -2]}, ["matrix_value_invalid"]),
        ({"minutes": [1, "soon"]}, ["matrix_value_invalid"]),
        ({"minutes": [1, None]}, ["matrix_value_invalid"]),
        ({"destination_id": ["x", "x"]}, ["matrix_pair_duplicate"]),
        ({"metres": [-1, -1], "destination_id": ["x", "x"]}, ["matrix_value_invalid"] * 2 + ["matrix_pair_duplicate"]),
    ],
)
def test_bad_travel_table(change, codes):
    good = {"origin_id": ["a", "a"], "destination_id": ["x", "y"], "minutes": [1, 2], "metres": [1, 2]}
    with pytest.raises(InputError) as error:
        matrix_from_frame(pd.DataFrame({**good, **change}))
    assert [problem.code for problem in error.value.problems] == codes
    assert all(problem.text("en") and problem.text("zh") for problem in error.value.problems)


def test_travel_table_without_columns():
    with pytest.raises(InputError) as error:
        matrix_from_frame(pd.DataFrame({"origin_id": ["a"], "minutes": [1]}))
    assert [problem.column for problem in error.value.problems] == ["destination_id", "metres"]


def test_straight_matrix_labels():
    frame = pd.DataFrame({"place_id": ["a", "b"], "lon": [0.0, 1.0], "lat": [0.0, 0.0]})
    matrix = straight_matrix(frame, frame, profile="p", speed_kmh=60, detour_factor=1.0)
    assert matrix.minutes_between("a", "b") == pytest.approx(111.195, abs=0.001)
    assert matrix.cutoff_min is None
