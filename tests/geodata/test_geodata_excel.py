"""Reading workbooks: names in both languages, codes as text, and one broken workbook per error with its cell."""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
import pytest

from geodata.county import TABLE_COLUMNS
from geodata.errors import InputError
from geodata.read import check, read_county
from geodata.schemas import TABLES


def only(problems, code):
    found = [p for p in problems if p.code == code]
    assert len(found) == 1, [p.code for p in problems]
    return found[0]


def errors(problems):
    return [p.code for p in problems if p.severity == "error"]


def test_schemas_hold_exactly_the_columns_of_the_county():
    assert {name: spec.column_names for name, spec in TABLES.items()} == dict(TABLE_COLUMNS)


def test_valid_workbook_reads_without_any_problem(grids, book):
    path = book(grids)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    county, warnings = read_county(path)
    assert warnings == ()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert county.county_code == "990101"
    assert county.village_list_id == "villages 990101@2024-01-01"
    assert list(county.villages["village_code"])[:2] == ["990101001201", "990101001202"]
    assert county.villages["population"].sum() == 5000
    assert county.villages["population"].dtype == np.float64
    assert list(county.facilities["village_code"]) == ["", "990101001201"]
    assert county.facilities["capex_cny"].isna().all()
    assert list(county.hamlets.columns) == list(TABLE_COLUMNS["hamlets"])
    assert county.provenance["villages"].datum == "WGS84"
    assert county.provenance["villages"].licence == "unstated"


def test_chinese_names_traditional_forms_units_and_numbers_as_codes(grids, book):
    grids["縣情"] = [["縣代碼", 990101.0], ["县名", "测试县"], ["坐标系", "GPS"], ["名录日期", dt.date(2024, 1, 1)]]
    del grids["county"]
    grids["行政村"] = grids.pop("villages")
    grids["行政村"][0] = ["村 代 码", "村名", "所屬鄉鎮代碼", "人口（万人）", "經度", "纬度（度）"]
    for row in grids["行政村"][1:]:
        row[0] = float(row[0])  # codes typed as numbers
        row[2] = f"{row[2]}000"  # the national twelve-digit form
        row[3] = row[3] / 10_000
    county, warnings = read_county(book(grids))
    assert [w.code for w in warnings] == ["unit_converted"]
    assert warnings[0].params["factor"] == 10_000
    assert list(county.villages["population"]) == [1000, 1000, 1000, 1200, 800]
    assert county.villages["village_code"].iloc[0] == "990101001201"
    assert county.villages["township_code"].iloc[0] == "990101001"
    assert county.county_code == "990101"
    assert county.village_list_date == "2024-01-01"


def test_title_lines_notes_and_empty_lines_keep_the_excel_rows(grids, book):
    rows = grids["villages"]
    rows[2][3] = "many"
    grids["villages"] = [["Villages of the county"], [], rows[0], ["# required", "note"], rows[1], [], *rows[2:]]
    problem = only(check(book(grids)), "not_a_number")
    assert (problem.sheet, problem.row, problem.cell, problem.value) == ("villages", 7, "D7", "many")


def test_county_sheet_may_be_one_row(grids, book):
    rows = grids["county"]
    grids["county"] = [[r[0] for r in rows[1:]], [r[1] for r in rows[1:]]]
    county, warnings = read_county(book(grids))
    assert warnings == ()
    assert county.name == "Testing county"


def test_excel_times_and_choices_in_either_language(grids, book):
    grids["bus_departures"][1] = ["L1", "返程", dt.time(17, 5), 67]
    grids["facilities"][1][2] = "县级中心"
    grids["facilities"][2][3] = "Planned"
    county, warnings = read_county(book(grids))
    assert warnings == ()
    assert list(county.bus_departures.iloc[0])[:4] == ["L1", "inbound", "17:05", "67"]
    assert list(county.facilities["kind"]) == ["county_centre", "village_point"]
    assert list(county.facilities["status"]) == ["existing", "candidate"]


def test_missing_sheet(grids, book):
    del grids["villages"]
    problem = only(check(book(grids)), "missing_sheet")
    assert problem.table == "villages"
    assert "村庄" in problem.text("zh")


def test_missing_column_is_told_once(grids, book):
    for row in grids["villages"]:
        del row[4]
    problems = check(book(grids))
    assert only(problems, "missing_column").column == "lon"
    assert errors(problems) == ["missing_column"]


def test_absent_optional_columns_stay_missing(grids, book):
    for row in grids["villages"]:
        del row[2:4]
    county, _ = read_county(book(grids))
    assert county.villages["population"].isna().all()
    assert list(county.villages["township_code"]) == [""] * 5


def test_text_in_a_number_column(grids, book):
    grids["demand"][1][2] = "about 24"
    problem = only(check(book(grids)), "not_a_number")
    assert (problem.sheet, problem.cell, problem.column) == ("demand", "C2", "inbound_parcels_per_day")
    assert "C2" in problem.where("zh")
    assert "about 24" in problem.text("en")


def test_negative_parcels(grids, book):
    grids["demand"][2][3] = -3
    problem = only(check(book(grids)), "negative_value")
    assert (problem.cell, problem.value) == ("D3", "-3")


def test_undeclared_coordinate_system(grids, book):
    del grids["county"][3]
    problems = check(book(grids))
    assert errors(problems) == ["undeclared_datum"]
    assert "GCJ02" in problems[0].text("zh")


def test_coordinate_system_that_is_not_known(grids, book):
    grids["county"][3][1] = "Beijing54"
    problems = check(book(grids))
    assert errors(problems) == ["unknown_choice"]
    assert (problems[0].cell, problems[0].row) == ("B4", 4)


def test_sources_sheet_overrides_the_county(grids, book):
    grids["county"] += [["source", "County office"], ["licence", "open"]]
    grids["sources"] = [["table", "source", "datum"], ["townships", "Survey", "CGCS2000"]]
    county, _ = read_county(book(grids))
    assert county.provenance["townships"].source == "Survey"
    assert county.provenance["townships"].datum == "CGCS2000"
    assert county.provenance["townships"].licence == "open"
    assert county.provenance["villages"].source == "County office"


def test_parameters_sheet_replaces_defaults(grids, book):
    grids["parameters"] = [
        ["parameter_id", "value", "source"],
        ["village_outbound_share", 0.2, "survey"],
        ["stop_base_mins", 3, ""],
    ]
    problem = only(check(book(grids)), "unknown_parameter_row")
    assert problem.params["nearest"] == "stop_base_min"
    assert problem.cell == "A3"
    del grids["parameters"][2]
    county, _ = read_county(book(grids))
    assert county.parameters["village_outbound_share"] == 0.2
    assert county.parameters.entry("village_outbound_share").source == "survey"


def test_unknown_sheet_and_column_name_the_nearest(grids, book):
    grids["vilages"] = [["a"], [1]]
    grids["villages"][0].append("populaton (2020)")
    problems = check(book(grids))
    assert errors(problems) == []
    assert "villages" in only(problems, "unknown_sheet").text("en")
    column = only(problems, "unknown_column")
    assert "population" in column.text("en")
    assert column.cell == "G1"


def test_doubled_sheet_and_column(grids, book):
    grids["村庄"] = grids["villages"]
    grids["operators"][0].append("市场份额")
    found = check(book(grids))
    assert only(found, "duplicate_sheet").sheet == "村庄"
    assert only(found, "duplicate_column").cell == "E1"


def test_column_with_entries_but_no_heading(grids, book):
    grids["operators"][1].append("x")
    assert only(check(book(grids)), "column_without_name").cell == "E1"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"no workbook", "unreadable_file"), (b"PK\x03\x04cut", "unreadable_file")],
)
def test_file_that_is_no_workbook(tmp_path, content, code):
    path = tmp_path / "county.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_county(path)
    assert [p.code for p in caught.value.problems] == [code]
    assert caught.value.exit_code == 3


def test_file_cut_in_half(grids, book):
    path = book(grids)
    path.write_bytes(path.read_bytes()[:2000])
    assert errors(check(path)) == ["unreadable_file"]


def test_absent_file_unknown_type_and_book_without_tables(tmp_path, book):
    assert errors(check(tmp_path / "no.xlsx")) == ["file_not_found"]
    text = tmp_path / "county.docx"
    text.write_text("x", encoding="utf-8")
    assert errors(check(text)) == ["unknown_file_type"]
    assert errors(check(book({"Sheet1": [["a"], [1]]}))) == ["no_tables_found"]


def test_error_cells_are_not_taken_for_empty_ones(grids, book):
    grids["villages"][3][3] = "=1/0"
    path = book(grids)
    import openpyxl

    workbook = openpyxl.load_workbook(path)
    workbook["villages"]["D4"] = "#DIV/0!"
    workbook["villages"]["D4"].data_type = "e"
    workbook.save(path)
    problem = only(check(path), "error_cell")
    assert (problem.sheet, problem.cell, problem.value) == ("villages", "D4", "#DIV/0!")


def test_everything_wrong_is_told_at_once(grids, book):
    grids["villages"][1][3] = "x"
    grids["villages"][2][0] = "990101001201"
    grids["demand"][1][2] = -1
    grids["facilities"][1][2] = "warehouse"
    grids["bus_departures"][1][2] = "25:00"
    with pytest.raises(InputError) as caught:
        read_county(book(grids))
    assert set(errors(caught.value.problems)) == {
        "not_a_number",
        "duplicate_key",
        "negative_value",
        "unknown_choice",
        "bad_time",
    }
    for problem in caught.value.problems:
        assert problem.text("zh")
        assert problem.text("en")
        assert problem.cell
