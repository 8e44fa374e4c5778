"""Importers on made-up files of the same form: what they note, and every way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geodata.completion import complete
from geodata.errors import InputError
from geodata.importers import osm_places, village_lists
from geodata.importers.registry import IMPORTERS
from geodata.messages import LANGS

VILLAGES = """code12,name,urban_rural_code_2016,town_code9,town,county_code,county,match_how,lon_wgs84,lat_wgs84,flag
431226101001,甲村,220,431226101,子镇,431226,示例县,code+name,109.60,27.70,
431226101002,乙村,220,431226101,子镇,431226,示例县,code+name,,,
431226102001,丙村,,431226102,丑镇,431226,示例县,,109.70,27.80,
431226102002,丁村,220,431226102,丑镇,431226,示例县,code+name,109.70,27.80,suspect_>15km_from_town_cluster
431226103001,戊村,220,431226103,寅乡,431226,示例县,code+name,109.72,27.82,
"""
TOWNSHIPS = """code9,name,county_code,county,lon_wgs84,lat_wgs84,pop_2020_census_communique
431226101,子镇,431226,示例县,109.61,27.71,300000.0
431226102,丑镇,431226,示例县,109.71,27.81,
431226103,寅乡,431226,示例县,109.72,27.82,
"""
PLACES = """osm_id,place,name,name_en,population,lon,lat,nearest_road_node,dist_m
30,village,Third,,,80.03,8.70,1,1
10,city,First,,900,80.01,8.70,1,1
20,hamlet,,Second,,80.02,8.70,1,1
40,village,Fourth,,500,80.04,8.70,1,1
"""
ROADS = gpd.GeoDataFrame(
    {
        "road_id": ["1"],
        "road_class": ["tertiary"],
        "surface": [""],
        "is_oneway": [0],
        "speed_kmh": [float("nan")],
        "name": [""],
    },
    geometry=[shapely.LineString([(80.0, 8.7), (80.1, 8.7)])],
    crs="EPSG:4326",
)
WATER = gpd.GeoDataFrame({"name": []}, geometry=[], crs="EPSG:4326")


@pytest.fixture
def hills(tmp_path: Path) -> Path:
    folder = tmp_path / "mayang"
    folder.mkdir()
    # A byte-order mark, as in the real files.
    (folder / "villages.csv").write_text(VILLAGES, encoding="utf-8-sig")
    (folder / "townships.csv").write_text(TOWNSHIPS, encoding="utf-8-sig")
    outline = gpd.GeoDataFrame({"code": ["431226"]}, geometry=[shapely.box(109.5, 27.6, 109.9, 27.9)], crs="EPSG:4326")
    outline.to_file(folder / "boundary_wgs84.geojson", driver="GeoJSON")
    return tmp_path


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "osm"
    folder.mkdir()
    (folder / "vavuniya_places.csv").write_text(PLACES, encoding="utf-8")
    (folder / "vavuniya.osm.pbf").write_bytes(b"not read here")
    monkeypatch.setattr(osm_places, "read_osm_roads", lambda _: ROADS)
    monkeypatch.setattr(osm_places, "read_osm_water", lambda _: WATER)
    return tmp_path


def _refusal(name: str, folder: Path) -> tuple[list[str], InputError]:
    with pytest.raises(InputError) as caught:
        IMPORTERS[name](folder)
    for lang in LANGS:
        assert "{" not in caught.value.text(lang)
        assert all("{" not in problem.text(lang) for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems], caught.value


def test_joint_population_is_divided_by_villages(hills):
    county, _ = IMPORTERS["mayang"](hills)
    # 313,305 − 300,000 = 13,305 over 2 + 1 villages.
    assert county.townships["population"].tolist() == [300_000, 8_870, 4_435]
    note = next(m for m in county.assumptions if m.key == "assumed_joint_population")
    assert note.params["population"] == 13_305
    assert complete(county).villages["population"].tolist() == [150_000, 150_000, 4_435, 4_435, 4_435]


def test_places_that_are_missing_or_doubtful_are_warned_about(hills):
    county, problems = IMPORTERS["mayang"](hills)
    assert sorted((p.code, p.severity) for p in problems) == [
        ("village_code_not_in_older_list", "warning"),
        ("village_suspect_location", "warning"),
        ("village_without_location", "warning"),
        ("villages_share_point", "warning"),
    ]
    found = {p.code: p.text("zh") for p in problems}
    assert "乙村" in found["village_without_location"]
    assert "丁村" in found["village_suspect_location"]
    assert "丙村、丁村" in found["villages_share_point"]
    assert "丙村" in found["village_code_not_in_older_list"]
    assert county.villages["lon"].isna().tolist() == [False, True, False, False, False]
    assert [bool(n) for n in county.villages["location_note"]] == [False, True, False, True, False]


def test_missing_place_file_is_named_with_what_is_there(hills):
    (hills / "mayang" / "villages.csv").rename(hills / "mayang" / "Villages_2023.csv")
    codes, error = _refusal("mayang", hills)
    assert codes == ["import_file_missing"]
    assert "Villages_2023.csv" in error.problems[0].text("en")


def test_missing_folder(tmp_path):
    assert _refusal("mayang", tmp_path)[0] == ["import_file_missing"]
    assert _refusal("vavuniya", tmp_path)[0] == ["import_file_missing"]


def test_missing_columns_are_all_named(hills):
    path = hills / "mayang" / "villages.csv"
    pd.read_csv(path, dtype=str).drop(columns=["lon_wgs84", "flag"]).to_csv(path, index=False)
    codes, error = _refusal("mayang", hills)
    assert codes == ["import_missing_column"] * 2
    assert [p.column for p in error.problems] == ["lon_wgs84", "flag"]


def test_text_in_a_number_column_is_located(hills):
    path = hills / "mayang" / "villages.csv"
    path.write_text(VILLAGES.replace("109.72,27.82", "east,27.82"), encoding="utf-8")
    codes, error = _refusal("mayang", hills)
    assert codes == ["import_not_a_number"]
    assert (error.problems[0].row, error.problems[0].column, error.problems[0].value) == (6, "lon_wgs84", "east")


def test_negative_population_is_refused(hills):
    path = hills / "mayang" / "townships.csv"
    path.write_text(TOWNSHIPS.replace("300000.0", "-5"), encoding="utf-8")
    assert _refusal("mayang", hills)[0] == ["import_not_a_number"]


def test_other_countys_files_are_refused(hills):
    path = hills / "mayang" / "townships.csv"
    path.write_text(TOWNSHIPS.replace(",431226,", ",431227,"), encoding="utf-8")
    assert _refusal("mayang", hills)[0] == ["import_county_missing"]


def test_unreadable_files_are_refused(hills):
    (hills / "mayang" / "boundary_wgs84.geojson").write_text("{", encoding="utf-8")
    assert _refusal("mayang", hills)[0] == ["import_unreadable"]
    (hills / "mayang" / "villages.csv").write_bytes(b"\xff\xfe\x00\x81")
    assert _refusal("mayang", hills)[0] == ["import_unreadable"]


def test_extract_fills_population_by_kind_of_place(extract):
    county, problems = IMPORTERS["vavuniya"](extract)
    assert county.villages["name"].tolist() == ["First", "Second", "Third", "Fourth"]
    assert county.villages["village_code"].tolist() == [f"990002{i:06d}" for i in range(1, 5)]
    assert county.villages["population"].tolist() == [900, 500, 1000, 500]
    assert [p.code for p in problems] == ["place_without_population"]
    assert {m.key for m in county.assumptions} == {"assumed_synthetic_codes", "assumed_population_unlisted"}
    assert "ODbL" in county.provenance["villages"].licence
    assert "OpenStreetMap contributors" in county.provenance["roads"].attribution


def test_city_that_is_the_sum_of_its_parts_is_not_counted_twice(extract):
    path = extract / "osm" / "vavuniya_places.csv"
    path.write_text(PLACES.replace(",900,", ",500,"), encoding="utf-8")
    county, _ = IMPORTERS["vavuniya"](extract)
    assert county.villages["population"].tolist() == [0, 0, 0, 500]
    centres = county.facilities
    assert centres["name"].tolist() == ["First", "Fourth", "Second"]
    done = complete(county)
    assert done.villages["population"].sum() == 500
    assert (done.facilities["kind"] == "county_centre").sum() == 3


def test_place_without_coordinates_or_twice_is_refused(extract):
    path = extract / "osm" / "vavuniya_places.csv"
    path.write_text(PLACES.replace("80.03,8.70", ",").replace("40,village", "10,village"), encoding="utf-8")
    codes, error = _refusal("vavuniya", extract)
    assert codes == ["import_place_missing", "import_id_twice"]
    assert [p.row for p in error.problems] == [2, 5]


def test_missing_extract_is_named(extract):
    (extract / "osm" / "vavuniya.osm.pbf").unlink()
    codes, error = _refusal("vavuniya", extract)
    assert codes == ["import_file_missing"]
    assert error.problems[0].value == "vavuniya.osm.pbf"


def test_registry_names_every_data_set():
    assert {"mayang", "vavuniya", "legazpi", "hunan:433122", "ziyang:512021"} <= set(IMPORTERS)
    assert len(IMPORTERS) == 3 + len(village_lists.HUNAN_CODES) + len(village_lists.ZIYANG_CODES)
