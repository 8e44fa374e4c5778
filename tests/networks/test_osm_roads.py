"""The OpenStreetMap reader on hand-written extracts."""

import math

import pytest

from geodata.errors import InputError
from geodata.osm import ROAD_COLUMNS, parse_maxspeed, read_osm_roads, read_osm_water

NODES = {1: (80.0, 8.0), 2: (80.01, 8.0), 3: (80.01, 8.01), 4: (80.0, 8.01), 5: (80.02, 8.0)}


def write_extract(path, ways):
    """Write {way id: (nodes, tags)} as OSM XML."""
    lines = ['<?xml version="1.0"?><osm version="0.6">']
    lines += [f'<node id="{i}" lon="{lon}" lat="{lat}" version="1"/>' for i, (lon, lat) in NODES.items()]
    for way_id, (nodes, tags) in ways.items():
        lines.append(f'<way id="{way_id}" version="1">')
        lines += [f'<nd ref="{node}"/>' for node in nodes]
        lines += [f'<tag k="{key}" v="{value}"/>' for key, value in tags.items()]
        lines.append("</way>")
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def read(tmp_path, ways):
    return read_osm_roads(write_extract(tmp_path / "x.osm", ways)).set_index("road_id")


def test_columns_facts_and_order(tmp_path):
    path = write_extract(
        tmp_path / "x.osm",
        {
            9: ([2, 3], {"highway": "track", "surface": "gravel"}),
            7: ([1, 2], {"highway": "trunk_link", "maxspeed": "30 mph", "name": "国道"}),
        },
    )
    roads = read_osm_roads(path)
    assert tuple(roads.columns) == ROAD_COLUMNS
    assert list(roads["road_id"]) == ["7", "9"]
    assert list(roads["road_class"]) == ["trunk", "track"]
    assert roads["speed_kmh"][0] == pytest.approx(48.28032)
    assert math.isnan(roads["speed_kmh"][1])
    assert list(roads["name"]) == ["国道", ""]
    assert list(roads["surface"]) == ["", "gravel"]
    assert roads.crs == "EPSG:4326"
    assert list(roads.geometry[0].coords) == [(80.0, 8.0), (80.01, 8.0)]


@pytest.mark.parametrize(
    ("tags", "oneway"),
    [
        ({"highway": "primary"}, 0),
        ({"highway": "primary", "oneway": "yes"}, 1),
        ({"highway": "primary", "oneway": "-1"}, -1),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
        ({"highway": "tertiary", "junction": "roundabout"}, 1),
        ({"highway": "tertiary", "oneway": "reversible"}, 0),
    ],
)
def test_oneway(tmp_path, tags, oneway):
    assert list(read(tmp_path, {1: ([1, 2], tags)})["is_oneway"]) == [oneway]


@pytest.mark.parametrize(
    ("tags", "is_kept"),
    [
        ({"highway": "footway"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "residential", "access": "private"}, False),
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, True),
        ({"highway": "residential", "motor_vehicle": "no"}, False),
        ({"highway": "residential", "access": "destination"}, True),
        ({"highway": "service", "service": "parking_aisle"}, False),
        ({"highway": "service", "area": "yes"}, False),
        ({"highway": "service"}, True),
    ],
)
def test_who_may_drive(tmp_path, tags, is_kept):
    roads = read(tmp_path, {1: ([1, 2], {"highway": "primary"}), 2: ([2, 3], tags)})
    assert ("2" in roads.index) == is_kept


def test_way_cut_by_the_border_becomes_parts(tmp_path):
    roads = read(tmp_path, {5: ([1, 2, 99, 3, 4, 98, 5], {"highway": "primary"})})
    assert list(roads.index) == ["5", "5-2"]  # the single node 5 at the end makes no line
    assert [len(line.coords) for line in roads.geometry] == [2, 2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("50", 50.0), ("30 mph", 48.28032), ("60;40", 40.0), ("walk", 5.0), ("40 km/h", 40.0), ("7.5", 7.5)],
)
def test_maxspeed(value, expected):
    assert parse_maxspeed(value) == pytest.approx(expected)


@pytest.mark.parametrize("value", ["", "none", "CN:urban", "signals", "0", "-5", "50 knots"])
def test_maxspeed_without_figure(value):
    assert math.isnan(parse_maxspeed(value))


def test_water(tmp_path):
    path = write_extract(
        tmp_path / "x.osm",
        {
            3: ([1, 2, 3, 1], {"natural": "water", "name": "Lake"}),
            2: ([4, 5], {"waterway": "river", "name": "River"}),
            1: ([4, 3], {"waterway": "ditch"}),
        },
    )
    water = read_osm_water(path)
    assert list(water["name"]) == ["River", "Lake"]
    assert list(water.geom_type) == ["LineString", "Polygon"]


def test_path_with_chinese_characters(tmp_path):
    folder = tmp_path / "麻阳"
    folder.mkdir()
    assert len(read_osm_roads(write_extract(folder / "路网.osm", {1: ([1, 2], {"highway": "primary"})}))) == 1


def code_of(error):
    (problem,) = error.value.problems
    assert problem.text("en") != problem.text("zh")
    return problem.code


def test_missing_file(tmp_path):
    with pytest.raises(InputError) as error:
        read_osm_roads(tmp_path / "none.osm.pbf")
    assert code_of(error) == "osm_file_missing"


@pytest.mark.parametrize("name", ["x.osm.pbf", "x.osm", "x.txt", "x", "x.osm.gz", "路.osm.pbf", "路.txt"])
def test_corrupt_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is not an extract" * 20)
    with pytest.raises(InputError) as error:
        read_osm_roads(path)
    assert code_of(error) == "osm_file_unreadable"
    with pytest.raises(InputError):
        read_osm_water(path)


@pytest.mark.parametrize("name", ["x.osm.pbf", "x.osm"])
def test_empty_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError):
        read_osm_roads(tmp_path / name)


def test_no_roads(tmp_path):
    with pytest.raises(InputError) as error:
        read_osm_roads(write_extract(tmp_path / "x.osm", {1: ([1, 2], {"highway": "footway"})}))
    assert code_of(error) == "osm_no_roads"
