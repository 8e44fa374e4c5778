"""GeoPackages: tables, point layers, coordinate systems."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from geodata.read import check, read_county


@pytest.fixture
def package(tmp_path, grids):
    """Write grids as a GeoPackage: villages as points in `crs`, without lon and lat columns."""

    def write(crs: int = 4490, *, has_datum: bool = False):
        path = tmp_path / "county.gpkg"
        for name in ("county", "villages", "townships", "vehicles"):
            heading, *rows = grids[name]
            if name == "county":
                items = {row[0]: row[1] for row in rows if row[0] != "datum" or has_datum}
                pyogrio.write_dataframe(pd.DataFrame([items]), path, layer=name)
                continue
            frame = pd.DataFrame(rows, columns=heading)
            if {"lon", "lat"} <= set(heading):
                points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=4326).to_crs(crs)
                frame = gpd.GeoDataFrame(frame.drop(columns=["lon", "lat"]), geometry=points)
            pyogrio.write_dataframe(frame, path, layer=name)
        return path

    return write


def test_points_and_attribute_tables(package):
    county, warnings = read_county(package())
    assert warnings == ()
    assert list(county.villages["lon"]) == pytest.approx([110.0, 110.01, 109.99, 110.0, 110.02])
    assert county.provenance["villages"].datum == "CGCS2000"
    assert county.vehicles["payload_kg"].sum() == 2300


def test_metres_are_brought_to_degrees(package):
    county, _ = read_county(package(32649))
    assert list(county.villages["lat"]) == pytest.approx([28.11, 28.12, 28.13, 28.01, 28.0], abs=1e-8)
    assert county.provenance["villages"].datum == "WGS84"


def test_declared_system_counts_before_the_label_of_the_layer(package, grids):
    grids["county"][3][1] = "GCJ02"  # Amap points are commonly stored under EPSG:4326
    county, _ = read_county(package(4326, has_datum=True))
    assert 200 < abs(county.villages["lon"].iloc[0] - 110.0) * 98_000 < 800


def test_unknown_layer_and_broken_file(package, tmp_path):
    path = package()
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), path, layer="weather")
    assert [p.code for p in check(path)] == ["unknown_sheet"]
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"SQLite format 3\x00 cut")
    assert [p.code for p in check(broken)] == ["unreadable_file"]
    broken.write_bytes(b"")
    assert [p.code for p in check(broken)] == ["empty_file"]
