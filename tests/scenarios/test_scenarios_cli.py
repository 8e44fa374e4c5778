"""The command: what it prints where, exit codes, languages, progress, and a real run from end to end."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import types
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pyogrio
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from geodata.errors import (
    InfeasibleError,
    InputError,
    NoSolutionError,
    Problem,
    UsageError,
    VerificationError,
    XiangyouError,
)
from geodata.messages import Message
from planner.progress import ProgressEvent, preparing
from scenarios.cli import app as commands
from scenarios.cli import console, main, run_command
from scenarios.cli.console import Screen, speaking
from scenarios.cli.scenario_commands import key_table
from scenarios.progress import shown_progress
from scenarios.runner import xiangyou_version
from scenarios.spec import KeyProblem, ScenarioError

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SMALL = ("--set", "county.townships=3", "--set", "county.villages=12")
PLAIN = Message("run_needs_data", {"name": "xyz"})


def invoke(*words: str) -> Any:
    return CliRunner().invoke(commands.app, list(words))


def as_process(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    program = "import sys; sys.argv[0] = 'xiangyou'; from scenarios.cli.main import run; run()"
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=False, env=env)


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """One real run of a small reference county, shared by the tests that look at it."""
    folder = tmp_path_factory.mktemp("real") / "out"
    return folder, invoke("run", "reference", *SMALL, "--out", str(folder), "--lang", "en")


# ---- beginning and help


def test_version_and_help() -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"xiangyou {xiangyou_version()}\n"
    for words in (["--help"], ["run", "--help"], ["scenario", "--help"]):
        result = invoke(*words)
        assert result.exit_code == 0
        assert "--help" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["rum"],
        ["run"],
        ["run", "reference", "--bogus"],
        ["run", "reference", "--lang", "fr"],
        ["run", "reference", "--seed", "x"],
        ["compare"],
    ],
)
def test_wrong_command_lines_are_usage_errors(words: list[str]) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_as_a_process_with_a_console_that_cannot_print_chinese() -> None:
    done = as_process("scenario", "list", PYTHONIOENCODING="cp437", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert b"mayang  ????" in done.stdout
    done = as_process("run", "nowhere", PYTHONIOENCODING="cp437", PYTHONUTF8="0")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"nowhere" in done.stderr


def test_packages_of_another_distribution_are_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.foreign_package() is None
    monkeypatch.setitem(sys.modules, "networks", types.ModuleType("networks"))
    with pytest.raises(SystemExit, match="“networks”") as caught:
        main.run()
    assert "独立环境" in str(caught.value.code)  # text as code: printed on stderr, exit 1


def test_a_broken_installation_is_said_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(sys.modules, "scenarios.cli.app", None)
    with pytest.raises(SystemExit, match="not complete"):
        main.run()
    assert "ModuleNotFoundError" in next(tmp_path.iterdir()).read_text(encoding="utf-8")


# ---- errors


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (XiangyouError(PLAIN), 1, ["Error: ", "xyz"]),
        (UsageError(PLAIN), 2, ["xyz"]),
        (ScenarioError([KeyProblem("a.toml", "k", PLAIN)]), 2, ["1 thing", "a.toml: ", "xyz"]),
        (
            InputError(
                PLAIN,
                [
                    Problem("warning", "run_invented", "villages", row=3),
                    Problem("error", "run_invented", "villages", "f.xlsx", sheet="村庄", cell="D101", column="人口"),
                ],
            ),
            3,
            ["Errors (1):", "f.xlsx, sheet “村庄”, D101, column “人口”: ", "Warnings (1):", "villages, row 3: "],
        ),
        (InfeasibleError(PLAIN, [Message("run_invented")]), 4, ["What would be enough:", "invented"]),
        (NoSolutionError(PLAIN, [Message("run_invented")]), 5, ["What would be enough:", "invented"]),
        (VerificationError(PLAIN, [Message("run_invented")]), 1, ["invented"]),
    ],
)
def test_every_error_has_its_code_and_its_words(
    error: XiangyouError, code: int, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught, speaking(Screen("en", is_json=True)):
        raise error
    assert caught.value.exit_code == code
    printed = capsys.readouterr()
    for part in shown:
        assert part in printed.err
    value = json.loads(printed.out)
    assert (value["status"], value["exit_code"], value["code"]) == ("error", code, error.message.key)
    assert len(value.get("problems", [])) == len(getattr(error, "problems", []))
    assert len(value.get("fixes", [])) == len(getattr(error, "fixes", []))


def test_errors_stand_before_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("warning", "run_invented", row=1), Problem("error", "run_invented", row=2)]
    Screen("zh").problems(problems)
    lines = capsys.readouterr().err.splitlines()
    assert [line[:2] for line in lines] == ["错误", "  ", "提醒", "  "]


def test_unexpected_failure_apologises_and_keeps_the_trace_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(run_command, "execute", lambda *_a, **_k: 1 / 0)
    result = invoke("run", "reference", "--quiet", "--lang", "en", "--json")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    value = json.loads(result.stdout)
    log = Path(value["log"])
    assert log.parent == tmp_path
    assert str(log) in result.stderr
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_stopping_leaves_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_values: object, **_options: object) -> None:
        commands._stop(signal.SIGTERM, None)

    monkeypatch.setattr(run_command, "execute", stop)
    result = invoke("run", "reference", "--lang", "en")
    assert result.exit_code == console.STOPPED_EXIT
    assert "No run folder was written" in result.stderr


def test_a_missing_text_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError(
        Message("no_such_key", {"a": 1}), [Problem("error", "no_such_code", "villages", row=7, value="v")]
    )
    with pytest.raises(typer.Exit), speaking(Screen("zh")):
        raise error
    printed = capsys.readouterr().err
    assert "no_such_key" in printed
    assert "no_such_code" in printed
    assert "第7行" in printed


def test_long_lists_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Screen("en").problems([Problem("error", "run_invented", row=i) for i in range(console.SHOWN_PROBLEMS + 5)])
    assert "5 more" in capsys.readouterr().err


# ---- scenarios


def test_misspelt_key_is_a_usage_error_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[standard]\nacess_km = 2\n", encoding="utf-8")
    for lang, part in (("en", "Did you mean “standard.access_km”?"), ("zh", "是否应为「standard.access_km」")):
        result = invoke("run", str(file), "--lang", lang, "--out", str(tmp_path / "out"))
        assert result.exit_code == 2
        assert part in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.toml"]


def test_scenario_show_prints_a_scenario_file(tmp_path: Path) -> None:
    result = invoke("scenario", "show", "reference", "--origin", "--override", "daily_service", "--seed", "4")
    assert result.exit_code == 0
    assert "visits_per_week = 7  # override daily_service (base.toml)" in result.stdout
    assert "seed = 4  # --seed" in result.stdout
    plain = invoke("scenario", "show", "reference").stdout
    assert "#" not in plain
    (tmp_path / "again.toml").write_text(plain, encoding="utf-8")
    assert invoke("scenario", "show", str(tmp_path / "again.toml")).stdout == plain
    values = json.loads(invoke("scenario", "show", "reference", "--json").stdout)["settings"]
    assert values["standard.access_km"] == {"value": 3.0, "origin": "base.toml"}


def test_key_table_is_printed() -> None:
    assert invoke("scenario", "keys").stdout == f"{key_table()}\n"
    assert "| `standard.access_km` | number above 0 | km | `3.0` |" in key_table()


# ---- progress


def test_progress_names_stage_value_bound_and_gap() -> None:
    stream = StringIO()
    plain = Console(file=stream, force_terminal=False, width=200)
    with shown_progress("en", is_quiet=False, console=plain) as listener:
        listener(ProgressEvent("siting", objective=1234.5, bound=1200.0, gap=0.0279))
        listener(ProgressEvent("siting", objective=1210.0, bound=1205.0, gap=0.0041))
        listener(ProgressEvent("write", done=2, total=4))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "best 1,210.00 CNY/day · bound 1,205.00 · gap 0.41%" in lines[0]
    assert "2/4" in lines[1]


def test_progress_on_a_terminal_does_not_take_text_for_markup() -> None:
    stream = StringIO()
    with shown_progress("zh", is_quiet=False, console=Console(file=stream, force_terminal=True)) as listener:
        listener(ProgressEvent("[/bold]"))
    assert "[/bold]" in stream.getvalue()


@pytest.mark.parametrize(("lang", "said"), [("en", "First use on this computer"), ("zh", "首次在本机使用")])
def test_first_time_preparation_is_said_once(lang: Any, said: str) -> None:
    stream = StringIO()
    with shown_progress(
        lang, is_quiet=False, console=Console(file=stream, force_terminal=False, width=200)
    ) as listener:
        listener(ProgressEvent("siting"))
        preparing()
        preparing()
    preparing()
    assert stream.getvalue().count(said) == 1


def test_quiet_is_silent() -> None:
    stream = StringIO()
    with shown_progress("zh", is_quiet=True, console=Console(file=stream)) as listener:
        listener(ProgressEvent("siting"))
        preparing()
    assert stream.getvalue() == ""


# ---- a real run


FILES = [
    "kpis.csv",
    "manifest.json",
    "map.html",
    "plan.gpkg",
    "plan.json",
    "report.html",
    "resolved.toml",
    "summary.xlsx",
]


def test_real_run_ends_with_a_whole_folder_and_says_where(real_run: tuple[Path, Any]) -> None:
    folder, result = real_run
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    assert "of 12 villages served" in result.stdout
    assert "invented" in result.stdout
    assert str(folder / "map.html") in result.stdout
    assert "Traceback" not in result.stderr
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    served, unserved = set(plan["siting"]["point_of_village"]), {v["village_code"] for v in plan["unserved"]}
    assert len(served) + len(unserved) == 12
    assert not served & unserved
    assert sum(line["cny_per_day"] for line in plan["costs"]) == pytest.approx(plan["cost_cny_per_day"], rel=1e-8)
    assert plan["siting"]["report"]["status"] in ("optimal", "feasible")
    stages = ["read", "routing", "siting", "travel", "verify", "write"]
    assert sorted(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["timings_s"]) == stages


def test_progress_of_a_real_run_goes_to_stderr(real_run: tuple[Path, Any]) -> None:
    lines = real_run[1].stderr.splitlines()
    assert len(lines) == 6
    assert any("bound" in line and "gap" in line for line in lines)
    assert lines[-1].startswith("Writing the run folder · 4/4")


def workbook_values(path: Path) -> dict[str, list[Any]]:
    book = openpyxl.load_workbook(path, read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def layer_values(path: Path) -> dict[str, str]:
    layers = sorted(str(name) for name, _ in pyogrio.list_layers(path))
    return {name: str(pyogrio.read_dataframe(path, layer=name).to_csv()) for name in layers}


def test_same_input_and_seed_give_the_same_files(real_run: tuple[Path, Any], tmp_path: Path) -> None:
    first, second = real_run[0], tmp_path / "again"
    done = as_process("run", "reference", *SMALL, "--out", str(second), "--lang", "en", "--quiet", PYTHONHASHSEED="7")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    for name in ("plan.json", "kpis.csv", "resolved.toml"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert workbook_values(first / "summary.xlsx") == workbook_values(second / "summary.xlsx")
    layers = layer_values(first / "plan.gpkg")
    assert len(layers) > 3
    assert layers == layer_values(second / "plan.gpkg")


def test_run_folder_is_run_again_from_its_own_settings(real_run: tuple[Path, Any], tmp_path: Path) -> None:
    result = invoke("run", str(real_run[0]), "--out", str(tmp_path / "again"), "--json", "--quiet")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert value["files"] == FILES
    assert value["status"] == "ok"
    assert (tmp_path / "again" / "plan.json").read_bytes() == (real_run[0] / "plan.json").read_bytes()


def test_compare_prints_and_writes(real_run: tuple[Path, Any], tmp_path: Path) -> None:
    other = tmp_path / "other"
    words = ("--set", "standard.visits_per_week=7", "--out", str(other), "--quiet")
    assert invoke("run", "reference", *SMALL, *words).exit_code == 0
    result = invoke("compare", str(real_run[0]), str(other), "--out", str(tmp_path / "c.csv"), "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "standard.visits_per_week" in result.stdout
    assert "K13" in result.stdout
    with (tmp_path / "c.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    changed = {row[1]: (row[5], row[6]) for row in rows if row[0] == "setting"}
    assert changed["standard.visits_per_week"] == ("5", "7")
    kpis = json.loads(invoke("compare", str(real_run[0]), str(other), "--json").stdout)["kpis"]
    assert sum(row[0] == "kpi" for row in rows) == len(kpis)
    by_day = next(row for row in kpis if (row["kpi_id"], row["part"]) == ("K13", "total"))
    assert by_day["differences"][0] == pytest.approx(by_day["values"][1] - by_day["values"][0], rel=1e-6)
    assert invoke("compare", str(real_run[0]), str(other), "--out", str(tmp_path / "c.csv")).exit_code == 3


# ---- county commands


def test_template_and_export_are_read_back(tmp_path: Path) -> None:
    template = tmp_path / "t.xlsx"
    assert invoke("template", str(template), "--lang", "en").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["t.xlsx"]
    small = ("--townships", "1", "--villages", "4", "--lang", "zh")
    assert invoke("export-reference", str(tmp_path / "r.xlsx"), *small).exit_code == 0
    assert invoke("export-reference", str(tmp_path / "r"), *small).exit_code == 0
    assert (tmp_path / "r_roads.gpkg").is_file()
    for source in (tmp_path / "r.xlsx", tmp_path / "r"):
        result = invoke("check", str(source), "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["rows"]["villages"] == 4
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_check_says_what_there_is() -> None:
    result = invoke("check", "reference", "--lang", "en")
    assert result.exit_code == 0
    assert "villages: 220" in result.stdout
    assert invoke("check", "mayang").exit_code == 2


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="real data is not at hand")
def test_real_county_is_checked_and_hashed(tmp_path: Path) -> None:
    result = invoke("check", "vavuniya", "--data", str(DATA), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"]["villages"] > 30
    done = invoke("run", "vavuniya", "--data", str(DATA), "--out", str(tmp_path / "out"), "--quiet", "--json")
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["county"]["files"]) == {"osm/vavuniya.osm.pbf", "osm/vavuniya_places.csv"}
