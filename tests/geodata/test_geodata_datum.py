"""Coordinate systems: known values, inversion to a millimetre, and the check that tries them all."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geodata.check_places import check_coordinates
from geodata.county import Provenance, empty_table
from geodata.datum import from_wgs84, geometry_to_wgs84, to_wgs84
from geodata.datum_check import check_datum
from geodata.frames import haversine_km
from geodata.raw import Locations
from geodata.read import read_county

IN_CHINA = {"lon": st.floats(74, 134), "lat": st.floats(4, 53)}


def metres(a, b):
    return float(haversine_km(a[0], a[1], b[0], b[1])) * 1000


def test_published_pair_of_gcj02():
    lon, lat = from_wgs84(116.404, 39.915, "GCJ02")
    assert float(lon) == pytest.approx(116.41024449916938, abs=1e-11)
    assert float(lat) == pytest.approx(39.91640428150164, abs=1e-11)


def test_published_pair_of_bd09():
    # GCJ-02 116.404, 39.915 is BD-09 116.41036949371029, 39.92133699351021
    wgs = to_wgs84(116.404, 39.915, "GCJ02")
    lon, lat = from_wgs84(*wgs, "BD09")
    assert float(lon) == pytest.approx(116.41036949371029, abs=1e-7)
    assert float(lat) == pytest.approx(39.92133699351021, abs=1e-7)


@pytest.mark.parametrize("datum", ["GCJ02", "BD09", "CGCS2000", "WGS84"])
@given(**IN_CHINA)
def test_conversion_is_undone_to_a_millimetre(datum, lon, lat):
    assert metres(to_wgs84(*from_wgs84(lon, lat, datum), datum), (lon, lat)) < 1e-3


@given(**IN_CHINA)
def test_shift_has_the_known_size(lon, lat):
    assert 30 < metres(from_wgs84(lon, lat, "GCJ02"), (lon, lat)) < 1000


def test_nothing_is_shifted_abroad_and_missing_stays_missing():
    assert [float(v) for v in from_wgs84(8.5, 47.3, "BD09")] == [8.5, 47.3]
    lon, lat = to_wgs84([np.nan, 110.0], [np.nan, 28.0], "GCJ02")
    assert np.isnan(lon[0])
    assert not np.isnan(lat[1])


def test_lines_are_converted_point_by_point():
    line = shapely.LineString([(110.0, 28.0), (110.1, 28.2)])
    shifted = shapely.LineString(np.column_stack(from_wgs84(*shapely.get_coordinates(line).T, "BD09")))
    assert shapely.hausdorff_distance(geometry_to_wgs84(shifted, "BD09"), line) < 1e-8
    assert geometry_to_wgs84(line, "CGCS2000") is line


@pytest.fixture
def along_roads(grids, folder):
    """Give a county of 30 villages along two roads, all in WGS84 as declared in `declared`."""

    def make(declared: str, *, has_roads: bool):
        county, _ = read_county(folder(grids))
        lon = np.concatenate([np.linspace(110.0, 110.3, 15), np.full(15, 110.15)])
        lat = np.concatenate([np.full(15, 28.0), np.linspace(27.9, 28.2, 15)])
        # The numbers in the file are true WGS84; they were read as if they were `declared`.
        read_lon, read_lat = to_wgs84(lon, lat, declared)
        villages = pd.DataFrame({"lon": read_lon, "lat": read_lat})
        villages = empty_table("villages").drop(columns=["lon", "lat"]).reindex(range(30)).join(villages)
        lines = [
            shapely.LineString([(109.9, 28.0), (110.4, 28.0)]),
            shapely.LineString([(110.15, 27.8), (110.15, 28.3)]),
        ]
        area = shapely.union_all(lines).buffer(0.002)  # 200 m to either side
        return county.replace(
            villages=villages,
            roads=gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=lines, crs=4326) if has_roads else None,
            boundary=gpd.GeoDataFrame({"level": ["county"]}, geometry=[area], crs=4326),
            provenance={"villages": Provenance("test", datum=declared)},
        )

    return make


@pytest.mark.parametrize("declared", ["GCJ02", "BD09"])
@pytest.mark.parametrize("has_roads", [True, False])
def test_wrong_declaration_is_doubted(along_roads, declared, has_roads):
    county = along_roads(declared, has_roads=has_roads)
    _, usable = check_coordinates(county, Locations())
    problems = check_datum(county, Locations(), usable)
    assert [p.code for p in problems] == ["datum_doubtful_roads" if has_roads else "datum_doubtful_boundary"]
    assert problems[0].params["better"] == "WGS84"
    assert problems[0].severity == "warning"


@pytest.mark.parametrize("declared", ["WGS84", "CGCS2000"])
def test_right_declaration_is_believed(along_roads, declared):
    county = along_roads(declared, has_roads=True)
    _, usable = check_coordinates(county, Locations())
    assert check_datum(county, Locations(), usable) == []


def test_reading_converts_once(grids, folder):
    for row in grids["villages"][1:]:
        row[4:6] = (float(v) for v in from_wgs84(row[4], row[5], "GCJ02"))
    grids["county"][3][1] = "高德"
    grids["sources"] = [["table", "datum"], *([t, "WGS84"] for t in ("townships", "facilities", "bus_stops"))]
    county, warnings = read_county(folder(grids))
    assert warnings == ()
    assert list(county.villages["lon"]) == pytest.approx([110.0, 110.01, 109.99, 110.0, 110.02], abs=1e-8)
    assert list(county.townships["lon"]) == [110.0, 110.0]
    assert county.provenance["villages"].datum == "GCJ02"
