"""Bad returns: every problem in one go, with sheet, row, column, value and what to do; and the commands."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from geodata.errors import InputError, Problem
from geodata.messages import LANGS
from loading import load
from scenarios.cli.app import app
from scenarios.monitor.returns import Returns, read_returns
from scenarios.monitor.run_facts import read_run_facts
from scenarios.monitor.sheets import SHEETS
from scenarios.monitor.template import return_frames, template_id, write_returns

COUNTY = load("scenarios/monitor_county.py")
RUN = COUNTY.plan()
#: (sheet, row of the sheet, heading starts with, new value, code, column of the problem starts with)
Change = tuple[str, int, str, Any]
V, T, P, INFO = "Villages of the return", "Townships of the return", "Projects of the return", "Return"


def changed_book(path: Path, *changes: Change) -> Path:
    write_returns(path, COUNTY.filled(RUN), "en")
    book = openpyxl.load_workbook(path)
    for sheet, row, heading, value in changes:
        page = book[sheet]
        column = next(c for c in range(1, page.max_column + 1) if str(page.cell(1, c).value).startswith(heading))
        page.cell(row, column).value = value
    book.save(path)
    return path


def refused(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read_returns(path, RUN, as_of=COUNTY.AS_OF)
    for problem in caught.value.problems:
        for lang in LANGS:
            assert problem.text(lang)  # type: ignore[arg-type]
            assert problem.where(lang)  # type: ignore[arg-type]
    return tuple(p for p in caught.value.problems if p.severity == "error")


def test_a_template_is_read_as_it_was_written(tmp_path: Path) -> None:
    for lang in LANGS:
        found = COUNTY.through_file(RUN, COUNTY.filled(RUN), tmp_path / f"{lang}.xlsx", lang)
        assert isinstance(found, Returns)
        assert found.warnings == ()
        frames = COUNTY.filled(RUN)
        pd.testing.assert_frame_equal(found.villages, frames["return_villages"], check_dtype=False)
        pd.testing.assert_frame_equal(found.townships, frames["return_townships"], check_dtype=False)
        pd.testing.assert_frame_equal(found.projects, frames["return_projects"], check_dtype=False)


def test_the_empty_template_has_units_lists_and_the_method(tmp_path: Path) -> None:
    for lang, word in (("en", "Welch"), ("zh", "Welch")):
        path = tmp_path / f"{lang}.xlsx"
        write_returns(path, return_frames(RUN, COUNTY.QUARTER, COUNTY.QUARTER.later(4)), lang)  # type: ignore[arg-type]
        book = openpyxl.load_workbook(path)
        assert any(word in str(cell.value) for cell in book.worksheets[0]["A"])
        villages = book.worksheets[2]
        assert villages.max_row == 2 + len(RUN.villages)
        assert len(villages.data_validations.dataValidation) >= 10
        assert any("parcels" in str(c.value) or "件" in str(c.value) for c in villages[1])
        assert read_returns(path, RUN, as_of=COUNTY.AS_OF).villages["quarter_parcels"].isna().all()
    assert [spec.name for spec in SHEETS] == ["return_info", "return_villages", "return_townships", "return_projects"]


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ((INFO, 3, "quarter", "2026Q3"), "return_future_quarter", "quarter"),
        ((INFO, 3, "quarter", "2026Q2"), "return_future_quarter", "quarter"),
        ((INFO, 3, "quarter", "spring"), "return_bad_quarter", "quarter"),
        ((INFO, 3, "quarter", ""), "missing_value", "quarter"),
        ((INFO, 3, "run", "ffff0000"), "return_other_plan", "run"),
        ((INFO, 3, "county code", "990002"), "return_other_plan", "county code"),
        ((INFO, 3, "definition", "0"), "return_other_plan", "definition"),
        ((V, 4, "complaints", -1), "negative_value", "complaints"),
        ((V, 4, "parcels for the place", -5), "negative_value", "parcels for the place"),
        ((V, 4, "parcels for the place", "95%"), "not_a_number", "parcels for the place"),
        ((V, 4, "parcels for the place", 10.5), "not_an_integer", "parcels for the place"),
        ((V, 4, "Visits a week", 8), "out_of_range", "Visits a week"),
        ((V, 4, "handed over", 1001), "return_parts", "parcels for the place"),
        ((V, 4, "on time", 960), "return_parts", "parcels for the place"),
        ((V, 4, "cartons recovered", 101), "return_parts", "cartons received"),
        ((V, 4, "cartons received", None), "return_no_total", "cartons received"),
        ((V, 4, "sign is up", "perhaps"), "not_a_boolean", "sign is up"),
        ((V, 4, "data source", "hearsay"), "unknown_choice", "data source"),
        ((V, 4, "group", "comparison"), None, ""),
        ((V, 4, "group", "changed"), "return_seal", "template seal"),
        ((T, 3, "share online", 95), "return_percent", "share online"),
        ((T, 3, "complete records", 1001), "return_parts", "records"),
        ((T, 3, "successful calls", 201), "return_parts", "interface calls"),
        ((T, 3, "parcels for the place", 2999), "return_township_total", "parcels for the place"),
        ((T, 3, "township code", "990001999"), "return_unknown_row", "township code"),
        ((P, 3, "quarter done", "2026Q2"), "return_future_quarter", "quarter done"),
        ((P, 4, "progress", "done"), "return_done_when", "quarter done"),
        ((P, 3, "quarter done", "soon"), "return_bad_quarter", "quarter done"),
        ((P, 4, "planned quarter", "2027Q1"), "return_seal", "template seal"),
        ((P, 4, "spent", -1), "negative_value", "spent"),
    ],
)
def test_each_fault_is_named_where_it_stands(change: Change, code: str | None, column: str, tmp_path: Path) -> None:
    path = changed_book(tmp_path / "r.xlsx", change)
    if code is None:
        assert read_returns(path, RUN, as_of=COUNTY.AS_OF).warnings == ()
        return
    (found,) = [p for p in refused(path) if p.code == code]
    assert found.column.startswith(column)
    assert found.sheet == (INFO if code == "return_seal" else change[0])
    assert found.row == (3 if code == "return_seal" else change[1])
    assert found.cell
    if code not in ("return_parts", "return_no_total", "return_done_when", "return_seal", "missing_value"):
        assert found.value == str(change[3])


def test_unknown_and_repeated_villages(tmp_path: Path) -> None:
    codes = sorted(RUN.villages)
    path = changed_book(tmp_path / "r.xlsx", (V, 3, "village code", "990001999999"), (V, 5, "village code", codes[1]))
    found = {(p.code, p.row, p.value) for p in refused(path)}
    assert ("return_unknown_row", 3, "990001999999") in found
    assert ("duplicate_key", 5, codes[1]) in found
    assert [p.params["count"] for p in refused(path) if p.code == "return_villages_absent"] == [2]
    assert "return_seal" not in {p.code for p in refused(path)}


def test_all_faults_come_in_one_go(tmp_path: Path) -> None:
    path = changed_book(
        tmp_path / "r.xlsx",
        (INFO, 3, "quarter", "2027Q1"),
        (V, 3, "complaints", -1),
        (V, 5, "handed over", 5000),
        (T, 3, "share online", 95),
        (T, 4, "parcels for the place", 5),
        (P, 4, "progress", "done"),
    )
    assert sorted(p.code for p in refused(path)) == [
        "negative_value",
        "return_done_when",
        "return_future_quarter",
        "return_parts",
        "return_percent",
        "return_township_total",
    ]


def test_wrong_units_in_headings(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    write_returns(path, COUNTY.filled(RUN), "en")
    book = openpyxl.load_workbook(path)
    for cell in book[V][1]:
        if str(cell.value).startswith("parcels for the place"):
            cell.value = "parcels for the place (tonnes)"
    book.save(path)
    (found,) = refused(path)
    assert (found.code, found.sheet, found.row, found.value) == ("return_unit", V, 1, "tonnes")


def test_missing_sheets_and_files(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    write_returns(path, COUNTY.filled(RUN), "en")
    book = openpyxl.load_workbook(path)
    del book[T]
    del book[P]
    book.save(path)
    assert [p.code for p in refused(path)] == ["missing_sheet", "missing_sheet"]
    assert [p.code for p in refused(tmp_path / "none.xlsx")] == ["file_not_found"]
    (tmp_path / "text.xlsx").write_text("no workbook", encoding="utf-8")
    assert [p.code for p in refused(tmp_path / "text.xlsx")] == ["unreadable_file"]


def test_the_seal_does_not_hang_on_order() -> None:
    quarters, groups = [("a", "2026Q1"), ("b", "2026Q2")], [("v1", "changed"), ("v2", "comparison")]
    assert template_id(quarters, groups) == template_id(quarters[::-1], groups[::-1])
    assert template_id(quarters, groups) != template_id([("a", "2026Q2"), ("b", "2026Q1")], groups)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "plan"
    small = tmp_path_factory.mktemp("county") / "county"
    runner = CliRunner()
    made = runner.invoke(app, ["export-reference", str(small), "--townships", "2", "--villages", "8", "--lang", "en"])
    assert made.exit_code == 0, made.output
    scenario = small.parent / "small.toml"
    scenario.write_text(
        f'extends = "base"\n[county]\nsource = "{small.as_posix()}"\n[standard]\nvillage_served_share = 1.0\n', "utf-8"
    )
    planned = runner.invoke(app, ["run", str(scenario), "--out", str(folder), "--lang", "en", "--quiet"])
    assert planned.exit_code == 0, planned.output
    return folder


def test_the_commands_from_run_to_report(run_folder: Path, tmp_path: Path) -> None:
    facts = read_run_facts(run_folder)
    assert len(facts.villages) == 8
    assert {s.kind for s in facts.sites.values()} == {"county_centre", "township_station", "village_point"}
    runner, book = CliRunner(), tmp_path / "return.xlsx"
    args = ["monitor", "template", str(run_folder), str(book), "--quarter", "2026Q1", "--lang", "zh"]
    assert runner.invoke(app, args).exit_code == 0
    out = tmp_path / "report"
    args = ["monitor", "report", str(run_folder), str(book), "--out", str(out), "--as-of", "2026-04-01", "--json"]
    told = runner.invoke(app, args)
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["index"]["value"] is None
    assert sorted(p.name for p in out.iterdir()) == ["monitor.html", "monitor.json", "monitor.xlsx"]
    early = runner.invoke(app, [*args[:5], str(tmp_path / "no"), "--as-of", "2026-03-31", "--lang", "en"])
    assert early.exit_code == 3
    assert "2026Q1 lies in the future" in early.output
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["template", "RUN", "x.csv", "--quarter", "2026Q1"], 2),
        (["template", "RUN", "x.xlsx", "--quarter", "soon"], 2),
        (["template", "nowhere", "x.xlsx", "--quarter", "2026Q1"], 3),
        (["report", "RUN", "x.xlsx", "--as-of", "yesterday"], 2),
        (["report", "RUN", "x.xlsx", "--target", "direct=90"], 2),
        (["report", "RUN", "x.xlsx", "--target", "joy=0.9"], 2),
        (["report", "RUN", "absent.xlsx"], 3),
    ],
)
def test_wrong_use_is_said_and_writes_nothing(
    args: list[str], code: int, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["monitor", *[str(run_folder) if a == "RUN" else a for a in args], "--lang", "en"])
    assert told.exit_code == code, told.output
    assert "Traceback" not in told.output
    assert list(tmp_path.iterdir()) == []
