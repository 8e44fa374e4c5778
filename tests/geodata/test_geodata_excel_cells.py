"""Single cells, names and units as people write them."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.aliases import LAYER_COLUMNS, alias_table, is_ignored_sheet, normalise, resolve_column, resolve_sheet
from geodata.codes import clean_code, clean_identifier
from geodata.messages import has_label, text
from geodata.parse import parse_boolean, parse_number, parse_text, parse_time
from geodata.raw import column_letters
from geodata.schemas import SHEETS
from geodata.units import unit_factor, unit_in_header
from geodata.workbook import heading_of


@pytest.mark.parametrize(
    ("cell", "number"),
    [("１２．５", 12.5), ("1,234,567", 1234567.0), (" 7 ", 7.0), (7, 7.0), ("-3e2", -300.0), ("−4", -4.0)],
)
def test_numbers(cell, number):
    assert parse_number(cell) == (number, "", {})


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1,23", "not_a_number"),
        ("12人", "not_a_number"),
        (True, "not_a_number"),
        ("无", "not_a_number"),
        ("nan", "not_finite"),
        ("inf", "not_finite"),
        (math.inf, "not_finite"),
        (dt.date(2024, 1, 1), "not_a_number"),
        ("20%", "not_a_number"),
        ("1e999", "not_finite"),
    ],
)
def test_no_numbers(cell, code):
    assert parse_number(cell)[:2] == (None, code)


def test_percent_is_understood_for_shares_only():
    assert parse_number("20%", is_share=True)[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("7:30", "07:30"),
        ("07：30", "07:30"),
        (dt.time(17, 5), "17:05"),
        (0.25, "06:00"),
        (dt.timedelta(hours=8), "08:00"),
    ],
)
def test_times(cell, time):
    assert parse_time(cell) == (time, "", {})


@pytest.mark.parametrize("cell", ["24:00", "7.30", "morning", 7.0, dt.timedelta(hours=25)])
def test_no_times(cell):
    assert parse_time(cell)[1] == "bad_time"


def test_yes_and_no():
    assert [parse_boolean(c)[0] for c in ("是", "No", 1.0, True, False, "")] == [
        "true",
        "false",
        "true",
        "true",
        "false",
        "",
    ]
    assert parse_boolean("maybe")[1] == "not_a_boolean"


def test_texts():
    assert parse_text(2023.0) == "2023"
    assert parse_text(dt.datetime(2023, 6, 30)) == "2023-06-30"  # noqa: DTZ001
    assert parse_text("NA") == "NA"


@pytest.mark.parametrize(
    ("cell", "digits", "expected"),
    [
        (431226101201.0, 12, ("431226101201", "")),
        ("431226101201.0", 12, ("431226101201", "")),
        ("'431226101201", 12, ("431226101201", "")),
        ("４３１２２６", 6, ("431226", "")),
        ("431226101000", 9, ("431226101", "")),
        ("431226000000", 6, ("431226", "")),
        ("431226101201", 9, ("", "bad_code")),
        ("4.31226E+11", 12, ("", "code_lost_digits")),
        ("43122610120", 12, ("", "bad_code")),
        ("43122610120X", 12, ("", "bad_code")),
        ("", 12, ("", "")),
    ],
)
def test_codes(cell, digits, expected):
    assert clean_code(cell, digits) == expected


@given(st.integers(min_value=10**11, max_value=10**12 - 1))
def test_a_code_survives_being_a_number_cell(code):
    assert clean_code(float(code), 12) == (str(code), "")


def test_identifiers_keep_letters_zeros_and_fractions():
    assert [clean_identifier(c) for c in ("007", 12.0, 1.5, "Ab 1", None, float("nan"))] == [
        "007",
        "12",
        "1.5",
        "Ab 1",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("unit", "written", "factor"),
    [
        ("people", "万人", 1e4),
        ("cny", "万元", 1e4),
        ("kg_per_day", "吨/月", 1000 * 12 / 365),
        ("parcels_per_day", "件/年", 1 / 365),
        ("cny_per_year", "元/月", 12),
        ("energy_per_km", "升/百公里", 0.01),
        ("km", "米", 0.001),
        ("m2", "平方米", 1),
        ("people", "户", None),
        ("kg", "", None),
    ],
)
def test_units(unit, written, factor):
    assert unit_factor(unit, written) == (None if factor is None else pytest.approx(factor))


def test_unit_in_brackets_of_either_width():
    assert unit_in_header("人口（万人）") == "万人"
    assert unit_in_header("load [t] ") == "t"
    assert unit_in_header("人口") == ""


@pytest.mark.parametrize("table", [*SHEETS])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_own_headings_resolve_and_their_units_change_nothing(table, lang):
    for column in SHEETS[table].columns:
        heading = heading_of(column, lang)
        assert resolve_column(table, heading) == column.name
        if column.unit:
            assert unit_factor(column.unit, unit_in_header(heading)) == 1.0
    assert resolve_sheet(SHEETS[table].label(lang)) == table


@pytest.mark.parametrize("table", [*SHEETS, *LAYER_COLUMNS])
def test_no_alias_means_two_columns(table):
    columns = LAYER_COLUMNS[table] if table in LAYER_COLUMNS else SHEETS[table].column_names
    meant = defaultdict(set)
    for alias in alias_table():
        if alias.table in {table, "*"} and alias.column in columns and not alias.value:
            meant[normalise(alias.alias)].add(alias.column)
    for column in columns:
        meant[normalise(column)].add(column)
    assert {name: found for name, found in meant.items() if len(found) > 1} == {}


def test_every_alias_leads_somewhere():
    for alias in alias_table():
        tables = [alias.table] if alias.table != "*" else [*SHEETS]
        if not alias.column:
            assert resolve_sheet(alias.alias) == alias.table
            continue
        known = [t for t in tables if alias.column in (LAYER_COLUMNS.get(t) or SHEETS[t].column_names)]
        assert known, alias
        if alias.value:
            choices = {c for t in known for c in (SHEETS[t].column(alias.column).choices if t in SHEETS else ())}
            assert not choices or alias.value in choices, alias


def test_every_term_and_sentence_of_the_schemas_exists():
    for spec in SHEETS.values():
        for column in spec.columns:
            assert has_label(column.name)
            assert text(f"meaning_{spec.name}_{column.name}", "zh")
            assert not column.unit or has_label(f"unit_{column.unit}")


def test_ignored_sheets_and_letters():
    assert is_ignored_sheet("填写说明")
    assert not is_ignored_sheet("村庄")
    assert [column_letters(i) for i in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
