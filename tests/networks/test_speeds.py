"""Speeds by class, surface, limit and vehicle."""

import math

import numpy as np
import pandas as pd
import pytest

from geodata.osm import DRIVABLE_CLASSES
from geodata.parameters import default_parameters
from networks.speeds import access_profile, edge_speeds_kmh, known_class, known_surface, speed_table, vehicle_profile


def speeds(rows, top=math.nan, parameters=None):
    edges = pd.DataFrame(rows, columns=["road_class", "surface", "speed_kmh"])
    return list(edge_speeds_kmh(edges, vehicle_profile("v", top, parameters), parameters))


def test_class_speeds_come_from_the_parameters():
    rows = [(name, "", np.nan) for name in ("trunk", "tertiary", "unclassified", "track")]
    assert speeds(rows) == [50, 35, 22, 18]
    slower = default_parameters().with_values({"speed_village_road_kmh": 11}, "test")
    assert speeds(rows, parameters=slower) == [50, 35, 11, 18]


def test_a_limit_lowers_and_never_raises():
    assert speeds([("trunk", "", 40.0), ("trunk", "", 120.0)]) == [40, 50]


def test_surface_slows_down_but_not_twice_on_tracks():
    assert speeds([("tertiary", "unpaved", np.nan), ("track", "unpaved", np.nan)]) == pytest.approx([24.5, 18])


def test_vehicle_cap_and_motorway():
    rows = [("motorway", "", np.nan), ("trunk", "", np.nan), ("track", "", np.nan)]
    assert speeds(rows) == [70, 50, 18]
    assert speeds(rows, top=45.0) == [45, 45, 18]
    assert speeds(rows, top=25.0) == [0, 25, 18]


def test_villagers_travel_at_one_speed_both_ways():
    profile = access_profile(default_parameters())
    edges = pd.DataFrame([("motorway", "soft", 5.0)], columns=["road_class", "surface", "speed_kmh"])
    assert profile.ignores_oneway
    assert list(edge_speeds_kmh(edges, profile)) == [30]


def test_vehicle_leg_is_never_faster_than_the_vehicle():
    assert vehicle_profile("v", 15.0).off_road_kmh == 15
    assert vehicle_profile("v", 80.0).off_road_kmh == 18


@pytest.mark.parametrize(
    ("name", "road_class"),
    [("Trunk_link", "trunk"), ("县道", "secondary"), ("", "unclassified"), ("road", "unclassified"), ("x", None)],
)
def test_class_names(name, road_class):
    assert known_class(name) == road_class


@pytest.mark.parametrize(
    ("name", "surface"),
    [("Asphalt", "paved"), ("concrete; gravel", "paved"), ("水泥", "paved"), ("mud", "soft"), ("", ""), ("x", None)],
)
def test_surface_names(name, surface):
    assert known_surface(name) == surface


def test_table_is_whole():
    table = speed_table()
    assert all(known_class(name) in table.classes for name in DRIVABLE_CLASSES)
    assert all(rule.parameter_id in default_parameters() for rule in table.classes.values())
    assert all(0 < factor <= 1 for factor in table.surfaces.values())
