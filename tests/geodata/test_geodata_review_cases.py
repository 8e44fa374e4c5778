"""Workbooks as people hand them in: merged cells, formulas nobody calculated, hamlets, long names."""

from __future__ import annotations

import openpyxl
import pytest

from geodata.default_townships import fill_townships
from geodata.errors import Problem
from geodata.read import check, read_county
from geodata.schemas import TABLES
from geodata.workbook import note


@pytest.fixture
def changed(grids, book):
    """Write the good county, change its workbook with openpyxl, and return its path."""

    def write(change):
        path = book(grids)
        workbook = openpyxl.load_workbook(path)
        change(workbook)
        workbook.save(path)
        return path

    return write


def codes(problems):
    return [(p.code, p.cell) for p in problems]


def test_formula_without_result_is_refused(changed):
    path = changed(lambda book: book["villages"].__setitem__("D3", "=1500+20"))
    found = [p for p in check(path) if p.severity == "error"]
    assert ("formula_without_value", "D3") in codes(found)


def test_formula_in_a_required_cell_is_told_once(changed):
    found = check(changed(lambda book: book["villages"].__setitem__("A3", '="99"&"01"')))
    assert [code for code, cell in codes(found) if cell == "A3"] == ["formula_without_value"]


def test_merged_codes_are_filled_down(changed):
    path = changed(lambda book: book["villages"].merge_cells("C2:C4"))
    county, warnings = read_county(path)
    assert codes(warnings) == [("merged_filled", "C2")]
    assert "C2:C4" in warnings[0].text("zh")
    assert list(county.villages["township_code"])[:3] == ["990101001"] * 3


def test_merged_numbers_are_refused(changed):
    path = changed(lambda book: book["villages"].merge_cells("D2:D4"))
    found = [p for p in check(path) if p.severity == "error"]
    assert codes(found) == [("merged_numbers", "D2")]
    assert "D2:D4" in found[0].text("en")


def test_village_code_names_its_township_before_the_nearest_seat(grids, book):
    grids["villages"][1][2] = ""
    grids["villages"][1][4:] = [110.0, 28.0]  # at the other township's seat
    county, _ = read_county(book(grids))
    filled, notes = fill_townships(county, seed=1, cluster_count=None)
    assert filled.villages["township_code"].iloc[0] == "990101001"
    assert "assumed_nearest_township" not in [n.key for n in notes]


def test_hamlets_that_do_not_fit_their_village(grids, book):
    grids["hamlets"] = [
        ["hamlet_id", "village_code", "name", "population", "lon", "lat"],
        ["h1", "990101001201", "near", 600, 110.00, 28.11],
        ["h2", "990101001201", "far", 100, 110.00, 28.20],
        ["h3", "990101001202", "fits", 850, 110.01, 28.12],
    ]
    _, warnings = read_county(book(grids))
    assert codes(warnings) == [("hamlet_sum_differs", "D2"), ("hamlet_far_from_village", "E3")]


def test_long_name(grids, book):
    grids["villages"][1][1] = "长" * 101
    grids["villages"][2][1] = "长" * 100
    _, warnings = read_county(book(grids))
    assert codes(warnings) == [("name_too_long", "B2")]
    assert "101" in warnings[0].text("zh")


def test_rows_behind_a_hash_are_skipped_and_said(grids, book):
    grids["villages"][5][0] = f"#{grids['villages'][5][0]}"
    grids["villages"].insert(1, ["# a remark"])
    county, warnings = read_county(book(grids))
    assert ("row_skipped", "A7") in codes(warnings)
    assert len(county.villages) == 4


def test_chinese_messages_name_columns_in_chinese_and_whole_numbers_plainly():
    problem = Problem("error", "missing_column", "villages", column="name", params={"name": "x"})
    assert "列「名称」" in problem.where("zh")
    factor = Problem("warning", "unit_converted", params={"written": "万人", "factor": 10000.0})
    assert "10000.0" not in factor.text("zh")
    assert "10000" in factor.text("zh")


def test_notes_of_the_template_contradict_nothing():
    lon, inbound = TABLES["villages"].column("lon"), TABLES["demand"].column("inbound_parcels_per_day")
    assert "留空" in note(lon, "zh")
    assert "必填" not in note(lon, "zh")
    assert "必填" in note(inbound, "zh")
    assert "留空" not in note(inbound, "zh")
