"""Coverage areas for the map."""

import numpy as np
import pandas as pd
import pytest
import shapely

from networks.build import build_road_network
from networks.isochrones import coverage_area

EAST_M = 1113.195


def holds(area, x, y):
    return bool(shapely.contains_xy(area.geometry[0], x * 0.01, y * 0.01))


def test_reach_along_the_road(roads, places):
    """Radius 2 steps along an L-shaped road, leg of half a step counted."""
    network = build_road_network(roads([(0, 0), (1, 0), (1, 5)]))
    area = coverage_area(network, places(p=(0, -0.5)), 2.5 * EAST_M, strip_m=100)
    assert list(area.columns) == ["radius_m", "geometry"]
    assert area.crs == "EPSG:4326"
    assert holds(area, 0.5, 0)
    assert holds(area, 1, 0.95)
    assert not holds(area, 1, 1.2)  # beyond the radius and the strip
    assert not holds(area, 0.5, 0.5)  # off the road


def test_several_points_and_pieces(roads, places):
    network = build_road_network(roads([(0, 0), (10, 0)], [(5, 0), (5, 5)]))
    area = coverage_area(network, places(a=(1, 0), b=(9, 0)), 2 * EAST_M, strip_m=50)
    assert [holds(area, x, 0) for x in (0.5, 2.9, 4, 6, 7.1, 9.9)] == [True, True, False, False, True, True]
    assert area.geometry[0].is_valid


def test_oneway_does_not_matter(roads, places):
    network = build_road_network(roads([(0, 0), (4, 0)], is_oneway=[1]))
    area = coverage_area(network, places(p=(2, 0)), EAST_M, strip_m=50)
    assert holds(area, 1.2, 0)
    assert holds(area, 2.8, 0)


def test_point_off_the_road_keeps_its_disc(roads, places):
    network = build_road_network(roads([(0, 0), (1, 0)]))
    area = coverage_area(network, places(p=(0, 9)), 1000, strip_m=200)
    assert holds(area, 0, 9.1)
    assert not holds(area, 0, 0)


def test_circles_without_roads(places):
    area = coverage_area(None, places(p=(0, 0)), 3000, 1.5)
    west, _, east, _ = area.geometry[0].bounds
    assert east - west == pytest.approx(2 * 2000 / 111_195, rel=0.01)
    assert holds(area, 1.75, 0)
    assert not holds(area, 1.85, 0)


def test_no_points_and_points_without_place(places):
    nowhere = pd.DataFrame({"lon": [np.nan], "lat": [1.0]})
    assert coverage_area(None, nowhere, 1000).empty
    assert coverage_area(None, places(), 1000).crs == "EPSG:4326"


def test_same_bytes_whatever_the_order(roads, places):
    network = build_road_network(roads([(0, 0), (10, 0)], [(5, 0), (5, 5)]))
    frame = places(a=(1, 0.3), b=(9, 0), c=(5, 4))
    one = coverage_area(network, frame, 2500)
    other = coverage_area(network, frame.iloc[::-1], 2500)
    assert one.geometry.to_wkb()[0] == other.geometry.to_wkb()[0]
