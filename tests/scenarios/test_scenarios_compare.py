"""Runs side by side: differences by hand, changed settings, what cannot be compared."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from geodata.errors import InputError, UsageError
from scenarios.compare import compare_runs, comparison_rows, write_comparison
from scenarios.plan_json import plain


def plan(name: str, kpis: list[tuple[str, str, float | None]], *, county: str = "A", data: str = "1") -> dict[str, Any]:
    rows = [
        {"kpi_id": kpi, "part": part, "value": value, "unit": "share", "list_id": "villages 1@2023"}
        for kpi, part, value in kpis
    ]
    county_value = {"name": county, "code": county, "content_hash": data}
    return {"run": {"name": name, "hash": "00000000"}, "county": county_value, "kpis": rows}


def folder(root: Path, name: str, document: dict[str, Any], settings: str) -> Path:
    path = root / name
    path.mkdir()
    (path / "plan.json").write_text(json.dumps(document), encoding="utf-8")
    (path / "resolved.toml").write_text(settings, encoding="utf-8")
    (path / "manifest.json").write_text('{"outputs": {"plan.json": "0"}}', encoding="utf-8")
    return path


def test_differences_are_to_the_first_run(tmp_path: Path) -> None:
    first = folder(
        tmp_path,
        "a",
        plan("base", [("K1", "total", 0.5), ("K3", "total", 1.0), ("K9", "x", None)]),
        'name = "base"\n[standard]\naccess_km = 3.0\nvisits_per_week = 5\n',
    )
    second = folder(
        tmp_path,
        "b",
        plan("far", [("K1", "total", 0.8), ("K7", "mean", 2.5), ("K9", "x", 1.0)]),
        'name = "far"\n[standard]\naccess_km = 5.0\nvisits_per_week = 5\n[parameters]\nstop_base_min = 3.0\n',
    )
    comparison = compare_runs([first, second])
    assert comparison.runs == ("base-00000000", "far-00000000")
    assert [(k.kpi_id, k.values, k.differences) for k in comparison.kpis] == [
        ("K1", (0.5, 0.8), (0.3,)),
        ("K3", (1.0, None), (None,)),
        ("K9", (None, 1.0), (None,)),
        ("K7", (None, 2.5), (None,)),
    ]
    assert [(s.key, s.values) for s in comparison.settings] == [
        ("standard.access_km", (3.0, 5.0)),
        ("parameters.stop_base_min", (None, 3.0)),
    ]
    assert comparison.warnings == ()
    write_comparison(comparison, "zh", tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "c.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == comparison_rows(comparison, "zh")
    assert rows[1][:3] == ["kpi", "K1", "total"]
    assert rows[1][-3:] == ["0.5", "0.8", "0.3"]
    assert rows[-1] == ["setting", "parameters.stop_base_min", "", "", "", "", "3", ""]
    assert len({len(row) for row in rows}) == 1


def test_three_runs_and_equal_names(tmp_path: Path) -> None:
    folders = [folder(tmp_path, str(i), plan("x", [("K1", "total", float(i))]), "") for i in range(3)]
    comparison = compare_runs(folders)
    assert comparison.runs == ("x-00000000 (1)", "x-00000000 (2)", "x-00000000 (3)")
    assert comparison.kpis[0].differences == (1.0, 2.0)


def test_other_data_is_warned_about_and_another_county_refused(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", plan("a", []), "")
    warnings = compare_runs([first, folder(tmp_path, "b", plan("b", [], data="2"), "")]).warnings
    assert [warning.key for warning in warnings] == ["compare_other_data"]
    assert warnings[0].text("zh")
    with pytest.raises(InputError, match="different counties"):
        compare_runs([first, folder(tmp_path, "c", plan("c", [], county="B"), "")])


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    good = folder(tmp_path, "a", plan("a", []), "")
    with pytest.raises(UsageError, match="two"):
        compare_runs([good])
    with pytest.raises(UsageError, match="too many"):
        compare_runs([good] * 5)
    with pytest.raises(InputError, match=r"no plan\.json"):
        compare_runs([good, tmp_path])
    with pytest.raises(InputError, match="another version"):
        compare_runs([good, folder(tmp_path, "old", {}, "")])
    with pytest.raises(InputError, match="cannot be read"):
        compare_runs([good, folder(tmp_path, "cut", plan("c", []), "[")])
    whole = (good / "manifest.json").read_text(encoding="utf-8")
    (good / "manifest.json").unlink()
    with pytest.raises(InputError, match="not a finished run"):
        compare_runs([good, good])
    (good / "manifest.json").write_text(whole, encoding="utf-8")
    (good / "resolved.toml").unlink()
    with pytest.raises(InputError, match=r"no resolved\.toml"):
        compare_runs([good, good])


def test_figures_are_rounded_the_same_everywhere() -> None:
    assert plain([0.1 + 0.2, 1 / 3, -0.0, float("inf"), float("nan"), 7, True]) == [
        0.3,
        0.333333333,
        0.0,
        None,
        None,
        7,
        True,
    ]
    assert str(plain(-0.0)) == "0.0"
