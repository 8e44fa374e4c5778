"""Studies in a run: order, progress, KPI rows, plan.json, the command, and a study that fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.plan import Kpi, KpiSet, VerifiedPlan
from planner.progress import ProgressEvent
from scenarios.cli.app import app
from scenarios.runner import RunRequest, execute
from scenarios.studies.run import with_study_kpis
from scenarios.studies.study import Study

FILE = """
extends = "reference"
[county]
townships = 3
villages = 12
[studies.b_land]
kind = "land"
[studies.a_cover]
kind = "max_coverage"
engine = "milp"
p = 3
[studies.c_lockers]
kind = "lockers"
relative_gap = 0.05
[studies.d_off]
kind = "land"
active = false
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "studies-small.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ProgressEvent], dict[str, Any]]:
    events: list[ProgressEvent] = []
    request = RunRequest(scenario, out=tmp_path_factory.mktemp("run") / "out", lang="en")
    outcome = execute(request.resolve(), request, listener=events.append)
    return outcome.folder, events, dict(outcome.summary)


def test_studies_stand_in_the_plan_in_the_order_of_their_names(run: tuple[Path, Any, dict[str, Any]]) -> None:
    folder, _, summary = run
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    assert [study["name"] for study in plan["studies"]] == ["a_cover", "b_land", "c_lockers"]
    assert plan["studies"][0]["report"]["status"] == "optimal"
    assert plan["settings"]["studies.a_cover.p"] == 3
    assert list(summary["studies"]) == ["a_cover", "b_land", "c_lockers"]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "studies.a_cover" in manifest["engines"]
    assert "studies" in manifest["timings_s"]


def test_locker_rows_stand_among_the_kpis(run: tuple[Path, Any, Any]) -> None:
    lines = (run[0] / "kpis.csv").read_text(encoding="utf-8-sig").splitlines()
    found = [tuple(line.split(",")[:2]) for line in lines if line.startswith(("K12", "K22"))]
    assert found == [
        ("K12", "locker"),
        ("K12", "point"),
        ("K12", "other"),
        ("K22", "utilisation"),
        ("K22", "turns"),
        ("K22", "overflow_p95"),
    ]


def test_progress_counts_the_studies_after_the_plan(run: tuple[Path, list[ProgressEvent], Any]) -> None:
    stages = list(dict.fromkeys(event.stage for event in run[1]))
    assert stages[-2:] == ["studies", "write"]
    counted = [(event.done, event.total) for event in run[1] if event.stage == "studies"]
    assert counted[0] == (0, 3)
    assert counted[-1] == (3, 3)
    assert counted == sorted(counted)


def test_first_study_by_name_gives_a_kpi_row() -> None:
    rows = [Kpi("K22", "turns", value, "ratio", 1.0, 1.0, "x") for value in (1.0, 2.0)]
    studies = [Study(name, "lockers", None, (), kpis=(row,)) for name, row in zip("ab", rows, strict=True)]
    base = Kpi("K1", "total", 0.5, "share", 1.0, 2.0, "x")
    verified = VerifiedPlan(None, (), 0.0, 0.0, KpiSet((base,)))  # type: ignore[arg-type]
    assert with_study_kpis(verified, studies).kpis.rows == (base, rows[0])


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_command_prints_each_study_and_answers_only_those_asked_for(scenario: Path, tmp_path: Path) -> None:
    words = ("run", str(scenario), "--out", str(tmp_path / "out"), "--quiet", "--study", "b_land")
    shown = invoke(*words, "--lang", "zh")
    assert shown.exit_code == 0, shown.output
    assert "专题分析 b_land" in shown.stdout
    assert "a_cover" not in shown.stdout
    wrong = invoke(*words, "--study", "c_locker")
    assert wrong.exit_code == 2
    assert "c_lockers" in wrong.stderr


def test_study_without_an_answer_ends_the_run_with_four_and_leaves_nothing(scenario: Path, tmp_path: Path) -> None:
    words = ["run", str(scenario), "--out", str(tmp_path / "out"), "--quiet", "--lang", "en", "--study", "a_cover"]
    words += [
        "--set",
        "studies.a_cover.p=none",
        "--set",
        "studies.a_cover.budget_cny=0",
        "--set",
        "studies.a_cover.township_floor_share=0.9",
    ]
    failed = invoke(*words)
    assert failed.exit_code == 4, failed.output
    assert "“a_cover” has no answer" in failed.stderr
    assert "Raise budget_cny from 0 to" in failed.stderr
    assert not (tmp_path / "out").exists()
    told = invoke(*words, "--set", "studies.a_cover.on_failure=report")
    assert told.exit_code == 0, told.output
    assert "has no answer" in told.stdout


def test_kinds_are_listed_in_both_languages() -> None:
    assert "最大覆盖" in invoke("scenario", "kinds", "--lang", "zh").stdout
    english = invoke("scenario", "kinds", "--lang", "en").stdout
    assert "### `max_coverage`: Most coverage" in english
    listed = json.loads(invoke("scenario", "kinds", "--json").stdout)["kinds"]
    assert listed["lockers"]["options"]["coverage_share"]["default"] == 0.0
