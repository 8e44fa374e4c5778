"""Template and writing: what is written reads back without error and equal."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from geodata.checks import check_county
from geodata.county import TABLE_COLUMNS
from geodata.messages import Message
from geodata.read import check, read_county
from geodata.reference import reference_county
from geodata.schemas import SHEETS
from geodata.template import write_template
from geodata.write import write_csv_folder, write_gpkg, write_workbook

LANGS = ["zh", "en"]


@pytest.fixture(scope="module")
def reference():
    county = reference_county(townships=3, villages=12, seed=3)
    villages = county.villages.copy()
    villages.loc[0, ["lon", "lat"]] = float("nan")
    villages.loc[1, "name"] = "=1+1, “甲”\n乙"
    parameters = county.parameters.with_values({"stop_base_min": 5.5}, "survey")
    notes = (Message("villages_without_place", {"count": 1, "names": "甲"}),)
    return county.replace(villages=villages, parameters=parameters, assumptions=notes)


def assert_same(read, written):
    for name in TABLE_COLUMNS:
        assert_frame_equal(read.table(name), written.table(name), check_dtype=len(written.table(name)) > 0, rtol=1e-14)
    for layer in ("roads", "boundary", "water"):
        ours, theirs = getattr(read, layer), getattr(written, layer)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours.geometry.geom_equals(theirs.geometry).all()
            assert_frame_equal(
                pd.DataFrame(ours.drop(columns="geometry")), pd.DataFrame(theirs.drop(columns="geometry"))
            )
    assert read.content_hash() == written.content_hash()
    assert read.assumptions == written.assumptions
    assert read.is_invented == written.is_invented
    assert read.parameters.entry("stop_base_min").source == "survey"
    assert read.provenance["villages"] == written.provenance["villages"]


@pytest.mark.parametrize("lang", LANGS)
def test_workbook_round_trip(reference, tmp_path, lang):
    write_workbook(reference, tmp_path / "c.xlsx", lang)
    assert_same(read_county(tmp_path / "c.xlsx")[0], reference)


def test_csv_round_trip(reference, tmp_path):
    write_csv_folder(reference, tmp_path / "c")
    assert (tmp_path / "c" / "villages.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert_same(read_county(tmp_path / "c")[0], reference)


def test_gpkg_round_trip(reference, tmp_path):
    write_gpkg(reference, tmp_path / "c.gpkg")
    assert_same(read_county(tmp_path / "c.gpkg")[0], reference)


def test_the_reference_county_passes_the_check():
    assert check_county(reference_county(townships=3, villages=12, seed=3)) == ()


@pytest.mark.parametrize("lang", LANGS)
def test_fresh_template_passes_and_says_that_it_is_the_example(tmp_path, lang):
    path = tmp_path / "template.xlsx"
    write_template(path, lang)
    assert [(p.severity, p.code) for p in check(path)] == [("warning", "example_left")]
    county, _ = read_county(path)
    assert county.is_invented
    filled = {name for name in TABLE_COLUMNS if len(county.table(name))}
    assert filled == set(TABLE_COLUMNS)
    assert sorted(county.facilities["kind"]) == ["county_centre", "township_station", "village_point"]


def test_both_languages_hold_the_same_figures(tmp_path):
    counties = []
    for lang in LANGS:
        write_template(tmp_path / f"{lang}.xlsx", lang)
        counties.append(read_county(tmp_path / f"{lang}.xlsx")[0])
    for name, spec in SHEETS.items():
        if name in TABLE_COLUMNS:
            numbers = [c.name for c in spec.columns if c.type != "text"]
            assert_frame_equal(counties[0].table(name)[numbers], counties[1].table(name)[numbers])


def test_template_guides_the_hand(tmp_path):
    path = tmp_path / "模板.xlsx"
    write_template(path, "zh")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "填写说明"
    assert book.sheetnames[1:4] == ["县情", "村庄", "自然村"]
    sheet = book["站点"]
    assert sheet.freeze_panes == "B3"
    assert sheet["C1"].value == "类型"
    assert "kind" in sheet["C1"].comment.text
    assert sheet["C3"].value == "县级中心"
    assert sheet["C3"].font.italic
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    kinds = rules["C3:C20001"]
    assert kinds.type == "list"
    reference = kinds.formula1.removeprefix("lists!").replace("$", "")
    assert [cell.value for (cell,) in book["lists"][reference]] == ["县级中心", "乡镇站", "村级点"]
    assert rules["K3:K20001"].type == "decimal"
    assert book["lists"].sheet_state == "hidden"
    assert book["村庄"]["D1"].value == "人口（人）"


def test_same_template_twice_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_template(tmp_path / name / "t.xlsx", "en")
    assert (tmp_path / "a" / "t.xlsx").read_bytes() == (tmp_path / "b" / "t.xlsx").read_bytes()


def test_the_reference_county_is_not_taken_for_the_example(reference, tmp_path):
    write_workbook(reference, tmp_path / "c.xlsx", "zh")
    assert "example_left" not in {p.code for p in check(tmp_path / "c.xlsx")}
    assert (tmp_path / "c_roads.gpkg").is_file()
