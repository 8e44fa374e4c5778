"""Bad input through the command: the right exit code, words instead of a trace, no half folder, the input unchanged."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from geodata.reference import reference_county
from geodata.write import write_csv_folder, write_workbook
from scenarios.cli.app import app
from scenarios.rundir import path_hashes

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference county as a folder of CSV files and as a workbook, both good."""
    folder = tmp_path_factory.mktemp("good")
    county = reference_county(townships=3, villages=12, seed=1)
    write_csv_folder(county, folder / "county", "zh")
    write_workbook(county, folder / "county.xlsx", "zh")
    return folder


@pytest.fixture
def county(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good / "county", tmp_path / "input" / "county"))


def change(folder: Path, table: str, edit: Callable[[Rows], Rows | None]) -> None:
    """Edit the rows of a CSV table; an edit that returns nothing has changed them in place."""
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = edit(rows) or rows
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def set_cell(table: str, row: int, column: str, value: str) -> Callable[[Path], None]:
    return lambda folder: change(folder, table, lambda rows: rows[row].update({column: value}))


def drop_column(table: str, column: str) -> Callable[[Path], None]:
    return lambda folder: change(
        folder, table, lambda rows: [{k: v for k, v in r.items() if k != column} for r in rows]
    )


def repeat_first_row(table: str) -> Callable[[Path], None]:
    return lambda folder: change(folder, table, lambda rows: [*rows, rows[0]])


def swap_places(folder: Path) -> None:
    change(folder, "villages", lambda rows: [{**r, "lon": r["lat"], "lat": r["lon"]} for r in rows])


def no_datum(folder: Path) -> None:
    change(folder, "county", lambda rows: [row for row in rows if row["item"] != "datum"])
    change(folder, "sources", lambda rows: [{**row, "datum": ""} for row in rows])


def no_vehicles(folder: Path) -> None:
    change(folder, "vehicles", lambda rows: [{**row, "vehicle_count": "0"} for row in rows])


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def garble(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(b"\x81\x00\xff\xfe\x00" * 50) and None


def run(source: Path, out: Path, *options: str) -> Any:
    sets = ("--set", f"county.source={source.as_posix()}")
    return CliRunner().invoke(app, ["run", "base", *sets, "--out", str(out), "--lang", "en", *options])


def refused(result: Any, exit_code: int, out: Path) -> None:
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    assert result.stderr
    assert not out.exists()
    left = sorted(path.name for path in out.parent.iterdir()) if out.parent.exists() else []
    assert left in ([], ["input"])


BROKEN = [
    ("missing sheet", remove("villages.csv"), "missing_sheet", "villages"),
    ("missing column", drop_column("villages", "name"), "missing_column", "name"),
    ("text in a number column", set_cell("demand", 2, "inbound_parcels_per_day", "many"), "not_a_number", "many"),
    ("negative parcels", set_cell("demand", 2, "inbound_parcels_per_day", "-5"), "negative_value", "-5"),
    ("duplicate code", repeat_first_row("villages"), "duplicate_key", "990001101001"),
    ("village outside", set_cell("villages", 3, "village_code", "431226101001"), "code_outside_county", "431226101001"),
    ("swapped places", swap_places, "swapped_lon_lat", "lon"),
    ("no coordinate system", no_datum, "undeclared_datum", "datum"),
    ("zero vehicles", no_vehicles, "no_vehicles", "vehicles"),
    ("unreadable table", garble("villages.csv"), "unreadable_encoding", "villages"),
    ("unreadable layer", garble("roads.gpkg"), "unreadable_file", "roads"),
]


@pytest.mark.parametrize(("name", "spoil", "code", "part"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_county_is_refused_with_place_and_remedy(
    county: Path, tmp_path: Path, name: str, spoil: Callable[[Path], None], code: str, part: str
) -> None:
    spoil(county)
    before = path_hashes(county)
    checked = CliRunner().invoke(app, ["check", str(county), "--lang", "en", "--json"])
    assert checked.exit_code == 3, checked.output
    listed = {p["code"]: p for p in json.loads(checked.stdout)["problems"] if p["severity"] == "error"}
    assert code in listed
    result = run(county, tmp_path / "out")
    refused(result, 3, tmp_path / "out")
    assert listed[code]["text"] in result.stderr
    assert part in result.stderr
    assert path_hashes(county) == before


def test_everything_wrong_is_listed_at_once(county: Path, tmp_path: Path) -> None:
    set_cell("demand", 2, "inbound_parcels_per_day", "many")(county)
    set_cell("demand", 3, "outbound_parcels_per_day", "-1")(county)
    repeat_first_row("villages")(county)
    result = CliRunner().invoke(app, ["check", str(county), "--lang", "zh", "--json"])
    codes = {problem["code"] for problem in json.loads(result.stdout)["problems"]}
    assert {"not_a_number", "negative_value", "duplicate_key"} <= codes
    spoken = run(county, tmp_path / "out", "--lang", "zh").stderr
    assert spoken.index("错误（") < spoken.index("demand.csv")
    assert "第4行" in spoken
    assert "第5行" in spoken


def test_workbook_names_sheet_and_cell(good: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(good / "county.xlsx")
    sheet = book["件量"]
    heading = next(row for row in sheet.iter_rows() if any("进" in str(cell.value) for cell in row))
    column = next(cell.column for cell in heading if "进" in str(cell.value))
    number = max(row for row in range(1, sheet.max_row + 1) if sheet.cell(row, column).value is not None)
    cell = sheet.cell(number, column)
    cell.value = "很多"
    (tmp_path / "input").mkdir()
    file = tmp_path / "input" / "county.xlsx"
    book.save(file)
    result = run(file, tmp_path / "out", "--lang", "zh")
    refused(result, 3, tmp_path / "out")
    assert f"工作表「件量」，{cell.coordinate}" in result.stderr
    assert "很多" in result.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [("none.xlsx", None), ("county.xlsx", b"no zip"), ("county.doc", b"x"), ("c.gpkg", b"no sqlite")],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None) -> None:
    (tmp_path / "input").mkdir()
    file = tmp_path / "input" / name
    if content is not None:
        file.write_bytes(content)
    result = run(file, tmp_path / "out")
    refused(result, 3, tmp_path / "out")
    assert name in result.stderr
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 3


def test_village_no_road_reaches_is_unserved_and_the_run_is_good(county: Path, tmp_path: Path) -> None:
    change(county, "villages", lambda rows: rows[-1].update(lon="109.5", lat="27.3"))
    code = csv_value(county, "villages", -1, "village_code")
    change(county, "hamlets", lambda rows: [row for row in rows if row["village_code"] != code])
    change(county, "facilities", lambda rows: [row for row in rows if row["village_code"] != code])
    before = path_hashes(county)
    shares = ("population_share", "village_point_share", "village_served_share")
    loose = [part for name in shares for part in ("--set", f"standard.{name}=0.5")]
    result = run(county, tmp_path / "out", *loose, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert value["villages_unserved"] == sum(value["unserved_reasons"].values()) >= 1
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    reasons = {entry["village_code"]: entry["reason"] for entry in plan["unserved"]}
    assert reasons[code] in ("off_road", "no_site_in_reach")
    assert path_hashes(county) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "out"]


def csv_value(folder: Path, table: str, row: int, column: str) -> str:
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))[row][column]


def test_budget_too_small_says_by_how_much(county: Path, tmp_path: Path) -> None:
    enough = run(county, tmp_path / "enough", "--json", "--quiet")
    needed = json.loads(enough.stdout)["investment_cny"]
    assert needed > 1
    shutil.rmtree(tmp_path / "enough")
    result = run(county, tmp_path / "out", "--set", "siting.budget_cny=0", "--json", "--quiet")
    refused(result, 4, tmp_path / "out")
    value = json.loads(result.stdout)
    assert value["fixes"]
    assert any("budget" in fix.lower() and any(c.isdigit() for c in fix) for fix in value["fixes"]), value


def test_misspelt_key_and_occupied_folder(county: Path, tmp_path: Path) -> None:
    file = tmp_path / "input" / "s.toml"
    file.write_text('[county]\nsource = "county"\n[standard]\naccess_kn = 2\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    refused(result, 2, tmp_path / "out")
    assert "standard.access_km" in result.stderr
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine", encoding="utf-8")
    result = run(county, tmp_path / "taken")
    assert result.exit_code == 3
    assert "taken" in result.stderr
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]


def test_neither_template_nor_export_writes_over(tmp_path: Path) -> None:
    for words in (["template"], ["export-reference", "--townships", "1"]):
        file = tmp_path / "mine.xlsx"
        file.write_bytes(b"mine")
        result = CliRunner().invoke(app, [*words, str(file)])
        assert result.exit_code == 3
        assert file.read_bytes() == b"mine"
        assert CliRunner().invoke(app, [*words, str(tmp_path / "x.pdf")]).exit_code == 2
        assert [path.name for path in tmp_path.iterdir()] == ["mine.xlsx"]
