"""Snapping places onto road pieces."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.build import build_road_network
from networks.plane import LocalPlane, geodesic_m, haversine_m
from networks.snapping import SNAP_COLUMNS, SnapOptions, snap_places

NORTH_M, EAST_M = 1105.743, 1113.195  # 0.01 degree at the equator


def test_nearest_point_of_the_nearest_piece(roads, places):
    network = build_road_network(roads([(0, 0), (2, 0), (4, 0)], [(4, 0), (4, 4)]))
    snaps = snap_places(network, places(a=(1, 0.1), b=(4.1, 3), c=(0, 0), d=(-0.2, 0)))
    assert tuple(snaps.columns) == SNAP_COLUMNS
    assert list(snaps["place_id"]) == ["a", "b", "c", "d"]
    assert list(snaps["edge"]) == [0, 1, 0, 0]
    assert snaps["offset_m"].to_numpy() == pytest.approx([EAST_M, 3 * NORTH_M, 0, 0], abs=0.5)
    expected = [0.1 * NORTH_M, 0.1 * EAST_M, 0, 0.2 * EAST_M]
    assert snaps["snap_distance_m"].to_numpy() == pytest.approx(expected, abs=0.5)
    assert snaps["is_connected"].all()
    assert snaps["component_km"].to_numpy() == pytest.approx(4 * (EAST_M + NORTH_M) / 1000, abs=1e-3)


def test_beyond_the_limit_is_off_the_road(roads, places):
    network = build_road_network(roads([(0, 0), (2, 0)]))
    (snap,) = snap_places(network, places(far=(1, 3))).to_dict("records")
    assert snap["edge"] == -1
    assert snap["component"] == -1
    assert np.isnan(snap["offset_m"])
    assert snap["snap_distance_m"] == pytest.approx(3 * NORTH_M, abs=1)
    assert not snap["is_connected"]
    near = snap_places(network, places(far=(1, 3)), options=SnapOptions(max_snap_m=4000))
    assert near["is_connected"].all()


def test_the_connected_part_is_preferred_within_reason(roads, places):
    """A stub without connection lies 0.2 steps above the main road."""
    network = build_road_network(roads([(0, 0), (1, 0), (2, 0)], [(1, 0), (1, -2)], [(0, 0.2), (2, 0.2)]))
    snaps = snap_places(network, places(near=(1.5, 0.19), far=(1.5, 1.0)))
    assert list(snaps["is_connected"]) == [True, True]
    strict = snap_places(network, places(near=(1.5, 0.19)), options=SnapOptions(prefer_main_m=100))
    assert list(strict["is_connected"]) == [False]
    assert list(strict["component"]) == [1]
    assert strict["component_km"][0] == pytest.approx(2 * EAST_M / 1000, abs=1e-3)


def test_a_dead_one_way_piece_is_not_connected(roads, places):
    layer = roads([(0, 0), (1, 0), (2, 0)], [(2, 0), (9, 0)], is_oneway=[0, 1])
    network = build_road_network(layer)
    there = places(end=(8, 0))
    assert list(snap_places(network, there)["is_connected"]) == [False]
    assert list(snap_places(network, there, ignores_oneway=True)["is_connected"]) == [True]


def test_closed_pieces_are_passed_over(roads, places):
    network = build_road_network(roads([(0, 0), (2, 0)], [(0, 1), (2, 1)]))
    snaps = snap_places(network, places(a=(1, 0.1)), is_usable=np.array([False, True]))
    assert list(snaps["edge"]) == [1]
    none = snap_places(network, places(a=(1, 0.1)), is_usable=np.array([False, False]))
    assert list(none["edge"]) == [-1]
    assert np.isinf(none["snap_distance_m"][0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 5)), min_size=1, max_size=10))
def test_no_other_point_of_the_roads_is_nearer(spots):
    import geopandas as gpd
    import pandas as pd

    lines = [shapely.LineString(np.array(xy) * 0.01) for xy in ([(0, 0), (4, 0), (4, 4)], [(0, 0), (1, 3), (4, 4)])]
    network = build_road_network(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326"))
    lon, lat = (np.array(spots) * 0.01).T
    frame = pd.DataFrame({"place_id": [str(i) for i in range(len(spots))], "lon": lon, "lat": lat})
    snaps = snap_places(network, frame, options=SnapOptions(max_snap_m=1e6))
    plane = LocalPlane.around(network.vertex_lon, network.vertex_lat)
    flat = shapely.transform(np.array(lines, dtype=object), lambda p: plane.to_metres(p[:, 0], p[:, 1]))
    points = shapely.points(plane.to_metres(lon, lat))
    best = shapely.distance(points[:, None], flat[None, :]).min(axis=1)
    assert snaps["snap_distance_m"].to_numpy() == pytest.approx(best, rel=0.01, abs=0.01)


def test_distances():
    a, b = np.array([0.0]), np.array([1.0])
    assert geodesic_m(a, a, b, a)[0] == pytest.approx(111_319.49, abs=0.01)
    assert haversine_m(a, a, b, a)[0] == pytest.approx(111_195.08, abs=0.01)
    assert haversine_m(b, b, b, b)[0] == 0


def test_plane_there_and_back():
    plane = LocalPlane(110.0, 28.0)
    place = plane.to_metres(np.array([110.1, 109.9]), np.array([28.05, 27.9]))
    assert plane.to_degrees(place) == pytest.approx(np.array([[110.1, 28.05], [109.9, 27.9]]))
