"""Folders of CSV: encodings, separators, layers beside the tables."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from geodata.csv_folder import decode
from geodata.read import check, read_county

ROAD = shapely.LineString([(110.0, 28.0), (110.0, 28.1), (110.02, 28.13)])


def errors(problems):
    return [p.code for p in problems if p.severity == "error"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(grids, folder, encoding):
    grids["villages"][1][1] = "岩门村"
    grids["county"] = [["县代码", "990101"], ["县名", "麻阳"], ["坐标系", "国家2000"], ["名录日期", "2023"]]
    county, warnings = read_county(folder(grids, encoding))
    assert warnings == ()
    assert (county.name, county.villages["name"].iloc[0]) == ("麻阳", "岩门村")
    assert county.provenance["villages"].datum == "CGCS2000"


def test_short_gbk_is_not_taken_for_another_language():
    assert decode("村".encode("gbk")) == "村"
    assert decode(b"\xff\xff\x81") is None


def test_text_that_cannot_be_decoded(grids, folder):
    path = folder(grids)
    (path / "operators.csv").write_bytes(b"operator_id,name\n\xff\xff\xff,\x80\n")
    assert "unreadable_encoding" in errors(check(path))


def test_problem_names_file_row_and_column(grids, folder):
    grids["villages"][2][3] = "x"
    problem = next(p for p in check(folder(grids)) if p.severity == "error")
    assert (problem.file, problem.row, problem.column, problem.cell) == ("villages.csv", 3, "population", "")
    assert "villages.csv" in problem.where("zh")
    assert "3" in problem.where("zh")


def test_tabs_names_with_commas_and_a_village_called_na(grids, folder):
    path = folder(grids)
    rows = grids["operators"]
    rows[1][1] = "Post, rural"
    (path / "operators.csv").write_text("\n".join("\t".join(map(str, r)) for r in rows), encoding="utf-8")
    villages = (path / "villages.csv").read_text(encoding="utf-8").replace("Birch", "NA")
    (path / "villages.csv").write_text(villages, encoding="utf-8")
    county, _ = read_county(path)
    assert county.operators["name"].iloc[0] == "Post, rural"
    assert county.villages["name"].iloc[1] == "NA"


def test_empty_folder_file_and_unknown_file(grids, folder, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert errors(check(tmp_path / "nothing")) == ["no_tables_found"]
    path = folder(grids)
    (path / "produce.csv").write_text("", encoding="utf-8")
    (path / "weather.csv").write_text("a\n1\n", encoding="utf-8")
    found = check(path)
    assert [(p.code, p.file) for p in found] == [("empty_file", "produce.csv"), ("unknown_sheet", "weather.csv")]


def test_missing_county_file_leaves_the_coordinate_system_open(grids, folder):
    del grids["county"]
    assert sorted(errors(check(folder(grids)))) == ["missing_sheet", "undeclared_datum"]


def test_roads_beside_the_tables_become_canonical(grids, folder):
    path = folder(grids)
    frame = gpd.GeoDataFrame(
        {
            "道路等级": ["县道", None],
            "oneway": ["yes", "-1"],
            "maxspeed": ["40 km/h", "none"],
            "surface": ["asphalt", None],
        },
        geometry=[ROAD, shapely.MultiLineString([[(110, 28), (110, 28.1)], [(110, 28.1), (110.01, 28.12)]])],
        crs=4326,
    )
    frame.to_crs(4490).to_file(path / "roads.geojson", driver="GeoJSON")
    roads = read_county(path)[0].roads
    assert list(roads.columns) == ["road_class", "surface", "is_oneway", "speed_kmh", "name", "geometry"]
    assert list(roads["is_oneway"]) == [1, -1, -1]
    assert roads["speed_kmh"].iloc[0] == 40.0
    assert roads["speed_kmh"].isna().sum() == 2
    assert list(roads["road_class"]) == ["县道", "", ""]
    assert set(roads.geom_type) == {"LineString"}
    assert roads.crs.to_epsg() == 4326


def test_layer_in_metres_is_brought_to_degrees_and_points_are_left_out(grids, folder):
    path = folder(grids)
    frame = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[ROAD, shapely.Point(110, 28)], crs=4326).to_crs(32649)
    frame.to_file(path / "道路.gpkg", driver="GPKG")
    county, warnings = read_county(path)
    assert [w.code for w in warnings] == ["wrong_geometry"]
    assert warnings[0].params["count"] == 1
    assert shapely.hausdorff_distance(county.roads.geometry.iloc[0], ROAD) < 1e-9


def test_boundary_levels_come_from_the_codes(grids, folder):
    path = folder(grids)
    area = shapely.box(109.9, 27.9, 110.1, 28.2)
    frame = gpd.GeoDataFrame({"adcode": [990101, 990101001]}, geometry=[area, area], crs=4326)
    frame.to_file(path / "boundary.geojson", driver="GeoJSON")
    boundary = read_county(path)[0].boundary
    assert list(boundary["level"]) == ["county", "township"]
    assert list(boundary["code"]) == ["990101", "990101001"]


def test_roads_named_in_the_county_sheet(grids, book, tmp_path):
    gpd.GeoDataFrame({"name": ["r"]}, geometry=[ROAD], crs=4326).to_file(tmp_path / "net.geojson", driver="GeoJSON")
    grids["county"].append(["roads", "net.geojson"])
    assert len(read_county(book(grids))[0].roads) == 1
    grids["county"][-1][1] = "net.shp"
    assert errors(check(book(grids))) == ["shapefile_refused"]
    grids["county"][-1][1] = "absent.gpkg"
    assert errors(check(book(grids))) == ["file_not_found"]


def test_broken_roads_file_and_layers_beside_a_workbook(grids, book, tmp_path):
    path = book(grids)
    (tmp_path / "county_roads.geojson").write_text("{not json", encoding="utf-8")
    assert errors(check(path)) == ["unreadable_file"]
    gpd.GeoDataFrame({"name": ["r"]}, geometry=[ROAD], crs=4326).to_file(
        tmp_path / "county_roads.geojson", driver="GeoJSON"
    )
    assert len(read_county(path)[0].roads) == 1


def test_layer_without_coordinate_system(grids, folder):
    path = folder(grids)
    with pytest.warns(UserWarning, match="crs"):
        gpd.GeoDataFrame({"name": ["r"]}, geometry=[ROAD]).to_file(path / "roads.gpkg", driver="GPKG")
    assert errors(check(path)) == ["undeclared_crs"]


EXTRACT = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
  <node id="1" lat="28.0" lon="110.0"/><node id="2" lat="28.1" lon="110.0"/><node id="3" lat="28.13" lon="110.02"/>
  <way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="tertiary"/></way>
  <way id="11"><nd ref="2"/><nd ref="3"/><tag k="waterway" v="river"/></way>
</osm>
"""


def test_roads_and_water_from_an_extract_beside_the_tables(grids, folder):
    grids["county"] = [
        ["county_code", "990101"],
        ["county_name", "Birch"],
        ["datum", "GCJ02"],
        ["village_list_date", "2023"],
    ]
    path = folder(grids)
    (path / "roads.osm").write_text(EXTRACT, encoding="utf-8")
    (path / "water.osm").write_text(EXTRACT, encoding="utf-8")
    county, _ = read_county(path)
    assert county.roads is not None
    assert county.roads["road_class"].tolist() == ["tertiary"]
    # An extract is WGS84 whatever the tables declare: the line is not shifted.
    assert county.roads.geometry.iloc[0].equals_exact(ROAD, 1e-9)
    assert county.water is not None
    for layer in ("roads", "water"):
        assert county.provenance[layer].licence == "ODbL 1.0"
        assert "OpenStreetMap" in county.provenance[layer].attribution


def test_extract_that_cannot_serve(grids, folder):
    path = folder(grids)
    (path / "roads.osm.pbf").write_bytes(b"no extract")
    (path / "boundary.osm").write_text(EXTRACT, encoding="utf-8")
    found = check(path)
    assert {p.table for p in found if p.severity == "error"} >= {"roads", "boundary"}
    assert "extract_without_layer" in errors(found)
