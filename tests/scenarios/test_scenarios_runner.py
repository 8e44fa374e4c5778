"""A run from scenario to folder, with the solver and the writers replaced: what is written, when, and what is left."""

import dataclasses
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geodata.errors import InfeasibleError, InputError, Problem, UsageError
from geodata.messages import Message
from geodata.reference import reference_county
from networks.providers import TravelTimes
from planner.plan import CostLine, Kpi, KpiSet, Plan, PlanProblem, VerifiedPlan
from planner.progress import ProgressEvent, ProgressListener
from planner.reports import SolveReport
from planner.routing.result import RoutingResult
from planner.siting.result import SitingResult, Unserved
from scenarios import runner
from scenarios.content import RunContent
from scenarios.runner import RunOutcome, RunRequest, Steps, execute, run_scenario

SMALL = ("county.townships=3", "county.villages=12")
REPORT = SolveReport("optimal", 1.0, 1.0, "test")


def no_plan(problem: PlanProblem, *, listener: ProgressListener) -> VerifiedPlan:
    """Serve nobody: enough for the run folder."""
    listener(ProgressEvent("siting", objective=2.0, bound=1.0, gap=0.5))
    codes = sorted(problem.county.villages["village_code"])
    unserved = tuple(Unserved(code, "no_site_in_reach", {"km": 1.0 / 3.0}) for code in codes)
    plan = Plan(SitingResult((), (), {}, {}, {}, unserved, REPORT), RoutingResult((), {}, REPORT, {}))
    kpi = Kpi("K1", "total", 0.1 + 0.2, "share", 0.0, 12.0, "villages x@2023")
    return VerifiedPlan(plan, (CostLine("county_centre", "site", 1.5),), 1.5, 7.0, KpiSet((kpi,)))


def no_travel(_county: object, **_options: object) -> TravelTimes:
    warning = Problem("warning", "run_needs_data", table="roads", params={"name": "x"})
    return TravelTimes({}, pd.DataFrame(), "straight line", 1.3, (warning,))


def write_name(content: RunContent, path: Path) -> None:
    path.write_text(f"{content.title} {len(content.verified.plan.warnings)}", encoding="utf-8")


def fail(error: BaseException) -> Callable[..., Any]:
    def raise_it(*_values: object, **_options: object) -> Any:
        raise error

    return raise_it


def steps(**changes: Any) -> Steps:
    base = Steps(
        build_travel=no_travel,
        design_plan=no_plan,
        writers=lambda _content: {"map.html": write_name, "report.html": write_name},
    )
    return dataclasses.replace(base, **changes)


def run(folder: Path | None = None, listener: ProgressListener | None = None, **options: Any) -> RunOutcome:
    sets = (*SMALL, *options.pop("sets", ()))
    chosen = options.pop("steps", None) or steps()
    request = RunRequest("reference", out=folder, sets=sets, **options)
    return execute(request.resolve(), request, listener=listener or (lambda _event: None), steps=chosen)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def manifest_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def test_folder_holds_plan_settings_and_manifest(tmp_path: Path) -> None:
    outcome = run(tmp_path / "out")
    assert outcome.is_new
    assert everything(tmp_path / "out") == [
        "kpis.csv",
        "manifest.json",
        "map.html",
        "plan.json",
        "report.html",
        "resolved.toml",
    ]
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    assert plan["schema_version"] == 1
    assert plan["costs"] == [{"cny_per_day": 1.5, "item": "site", "tier": "county_centre"}]
    assert len(plan["unserved"]) == 12
    assert plan["unserved"][0]["params"] == {"km": 0.333333333}
    assert plan["unserved"][0]["name"]
    assert [w["code"] for w in plan["input_warnings"]] == ["run_needs_data"]
    assert plan["settings"]["county.townships"] == 3
    assert outcome.summary["unserved_reasons"] == {"no_site_in_reach": 12}
    assert outcome.summary["villages_served"] == 0
    kpis = (tmp_path / "out" / "kpis.csv").read_bytes()
    assert kpis.startswith(b"\xef\xbb\xbfkpi_id,part,")
    assert b",0.3,share,0,12,villages x@2023," in kpis
    resolved = tomllib.loads((tmp_path / "out" / "resolved.toml").read_text(encoding="utf-8"))
    assert resolved["county"]["villages"] == 12


def test_writers_see_the_input_warnings_in_words(tmp_path: Path) -> None:
    seen: list[str] = []

    def look(content: RunContent, path: Path) -> None:
        seen.extend(message.text(content.lang) for message in content.verified.plan.warnings)
        path.write_text("", encoding="utf-8")

    run(
        tmp_path / "out",
        steps=steps(writers=lambda _content: {"map.html": look}),
        sets=("parameters.inbound_parcel_kg=90",),
        lang="en",
    )
    assert len(seen) == 2
    assert "inbound_parcel_kg" in seen[0]
    assert seen[1].startswith("Input data, roads: ")


def test_manifest_says_with_what_and_when(tmp_path: Path) -> None:
    run(tmp_path / "out", seed=3)
    manifest = manifest_of(tmp_path / "out")
    assert manifest["seed"] == 3
    assert set(manifest["timings_s"]) == {"read", "travel", "siting", "write"}
    assert {"xiangyou", "ortools", "pandas"} <= set(manifest["versions"])
    assert set(manifest["outputs"]) == {"kpis.csv", "map.html", "plan.json", "report.html", "resolved.toml"}
    assert [f["name"] for f in manifest["scenario_files"]] == ["base.toml", "reference.toml"]
    assert len(manifest["run_hash"]) == 64
    assert manifest["python"]
    assert manifest["platform"]
    assert manifest["started_at"].endswith("+00:00")


def test_times_stand_in_the_manifest_only(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(tmp_path / name)
    for name in ("plan.json", "kpis.csv", "resolved.toml", "map.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_default_folder_is_named_after_the_run_and_kept(tmp_path: Path) -> None:
    first = run(runs_dir=tmp_path / "runs")
    assert first.folder.name == f"reference-{manifest_of(first.folder)['run_hash'][:8]}"
    before = (first.folder / "manifest.json").read_bytes()
    again = run(runs_dir=tmp_path / "runs", steps=steps(design_plan=fail(AssertionError("solved again"))))
    assert not again.is_new
    assert again.summary == first.summary
    assert (first.folder / "manifest.json").read_bytes() == before
    assert run(runs_dir=tmp_path / "runs", seed=2).folder != first.folder
    (first.folder / "plan.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="exists"):
        run(runs_dir=tmp_path / "runs")


def test_occupied_out_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        run(
            tmp_path, steps=steps(complete=fail(AssertionError("read")), build_travel=fail(AssertionError("travelled")))
        )
    assert everything(tmp_path) == ["mine"]


@pytest.mark.parametrize(
    "changes",
    [
        {"design_plan": fail(InfeasibleError(Message("run_needs_data", {"name": "x"})))},
        {"writers": lambda _content: {"map.html": write_name, "report.html": fail(RuntimeError("full"))}},
        {"writers": lambda _content: {"map.html": write_name, "report.html": fail(KeyboardInterrupt())}},
    ],
)
def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path, changes: Mapping[str, Any]) -> None:
    with pytest.raises((InfeasibleError, RuntimeError, KeyboardInterrupt)):
        run(tmp_path / "runs" / "out", steps=steps(**changes))
    assert everything(tmp_path) == []


def test_progress_passes_every_stage_in_order(tmp_path: Path) -> None:
    events: list[ProgressEvent] = []
    run(tmp_path / "out", listener=events.append)
    assert list(dict.fromkeys(event.stage for event in events)) == ["read", "travel", "siting", "write"]
    assert (events[-1].done, events[-1].total) == (2, 2)
    assert any(event.gap == 0.5 for event in events)


def test_settings_reach_the_planner(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def travel(county: object, **options: Any) -> TravelTimes:
        seen.update(options, county=county)
        return no_travel(county)

    def design(problem: PlanProblem, *, listener: ProgressListener) -> VerifiedPlan:
        seen["problem"] = problem
        return no_plan(problem, listener=listener)

    sets = ("standard.allocation_km=20", "county.detour_factor=1.5", "parameters.stop_base_min=3", "siting.seed=5")
    run(tmp_path / "out", steps=steps(build_travel=travel, design_plan=design), sets=sets)
    assert seen["detour_factor"] == 1.5
    assert seen["access_cutoff_km"] == 20.0
    assert seen["problem"].siting.seed == 5
    assert seen["problem"].standard.allocation_km == 20.0
    entry = seen["county"].parameters.entry("stop_base_min")
    assert (entry.value, entry.tag, entry.source) == (3.0, "U", "--set")
    assert len(seen["county"].villages) == 12


def test_county_of_another_hash_is_another_run(tmp_path: Path) -> None:
    county = reference_county(townships=3, villages=12, seed=1)
    renamed = county.replace(name="other")
    first = run(runs_dir=tmp_path, steps=steps(complete=lambda _county, **_options: county))
    second = run(runs_dir=tmp_path, steps=steps(complete=lambda _county, **_options: renamed))
    assert first.folder != second.folder


def test_importers_need_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--data"):
        run_scenario(RunRequest("mayang", out=tmp_path / "out"))
    with pytest.raises(InputError, match="does not exist"):
        run_scenario(RunRequest("mayang", data_dir=tmp_path / "none", out=tmp_path / "out"))
    with pytest.raises(UsageError, match="mayang"):
        run_scenario(RunRequest("reference", sets=("county.source=importer:mayan",), out=tmp_path / "out"))
    problem = Problem("error", "run_needs_data", params={"name": "x"})
    county = reference_county(townships=3, villages=12, seed=1)
    monkeypatch.setattr(runner, "IMPORTERS", {"bad": lambda _folder: (county, (problem,))})
    with pytest.raises(InputError) as caught:
        run_scenario(RunRequest("reference", sets=("county.source=importer:bad",), data_dir=tmp_path))
    assert caught.value.problems == (problem,)
    assert everything(tmp_path) == []
