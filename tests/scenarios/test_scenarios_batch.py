"""Batches: what a file means, results that survive a stop, questions to the tables."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from geodata.errors import InputError, UsageError
from scenarios.batch import memory
from scenarios.batch.answer import answer
from scenarios.batch.expand import expand
from scenarios.batch.jobs import batch_jobs
from scenarios.batch.memory import check_memory, needed_mb
from scenarios.batch.query import query_batch, write_tables
from scenarios.batch.spec import read_batch
from scenarios.batch.store import BatchStore
from scenarios.cli.app import app
from scenarios.resolve import resolve_scenario
from scenarios.spec import ScenarioError

SMALL = """
name = "mini"
[counties.a]
county.townships = 2
county.villages = 8
"""
WHOLE = (
    SMALL
    + """
[scenarios.fewer]
changes.volume_factor = 0.7
[scenarios.direct]
changes.direct_from_centre = true
[scenarios.both]
apply = ["fewer", "direct"]
standard.visits_per_week = 3
[grids.g.values]
"standard.visits_per_week" = [3, 7]
"changes.volume_factor" = [1.0, 1.5]
[one_at_a_time.o.values]
"standard.access_km" = [2.0, 4.0]
"siting.centre_count" = [1]
"""
)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "batch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def scenarios(tmp_path: Path, text: str) -> dict:
    return {s.name: s.values for s in expand(read_batch(file(tmp_path, text)))}


def test_a_file_means_its_scenarios_grids_and_sweeps(tmp_path):
    found = scenarios(tmp_path, WHOLE)
    assert list(found)[:4] == ["baseline", "fewer", "direct", "both"]
    assert found["baseline"] == {}
    assert found["both"] == {
        "changes.volume_factor": 0.7,
        "changes.direct_from_centre": True,
        "standard.visits_per_week": 3,
    }
    grid = [found[f"g-{n}"] for n in range(1, 5)]
    assert sorted((v["standard.visits_per_week"], v["changes.volume_factor"]) for v in grid) == [
        (3, 1.0), (3, 1.5), (7, 1.0), (7, 1.5),
    ]  # fmt: skip
    assert found["o-access_km-2"] == {"standard.access_km": 4.0}
    assert found["o-centre_count-1"] == {"siting.centre_count": 1}
    assert len(found) == 4 + 4 + 3


@given(count=st.integers(1, 40), seed=st.integers(0, 1000))
def test_a_sample_is_a_latin_hypercube(tmp_path_factory, count, seed):
    text = (
        SMALL
        + f'[samples.s]\ncount = {count}\nseed = {seed}\n[samples.s.between]\n"standard.access_km" = [1.0, 3.0]\n"changes.volume_factor" = [0.5, 1.5]\n'
    )
    found = scenarios(tmp_path_factory.mktemp("s"), text)
    for key, low, high in (("standard.access_km", 1.0, 3.0), ("changes.volume_factor", 0.5, 1.5)):
        drawn = np.array([found[f"s-{n}"][key] for n in range(1, count + 1)])
        parts = np.floor((drawn - low) / (high - low) * count - 1e-9).clip(0, count - 1)
        assert sorted(parts) == list(range(count))
    assert found == scenarios(tmp_path_factory.mktemp("s"), text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[scenarios.x]\napply = ["nobody"]\n', "batch_unknown_part"),
        ('[scenarios.x]\napply = ["y"]\n[scenarios.y]\napply = ["x"]\n', "batch_circle"),
        ('[scenarios.x]\nstandard.access_km = 2\n[scenarios.y]\napply = ["x"]\nstandard.access_km = 3\n', "scenario_override_conflict"),
        ('[grids.g.values]\n"standard.acces_km" = [1]\n', "scenario_unknown_key"),
        ('[scenarios.g-1]\n[grids.g.values]\n"standard.access_km" = [1.0]\n', "batch_name_twice"),
    ],
)  # fmt: skip
def test_wrong_parts_are_named(tmp_path, text, key):
    with pytest.raises(ScenarioError) as caught:
        expand(read_batch(file(tmp_path, SMALL + text)))
    assert key in {problem.message.key for problem in caught.value.problems}
    assert all(problem.text(lang) for problem in caught.value.problems for lang in ("en", "zh"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "x"\n[counties]\n', "batch_no_counties"),
        ('name = "x"\nwhat = 1\n[counties.a]\n', "batch_bad_key"),
        (SMALL + "[scenarios.x]\napply = 3\n", "batch_bad_apply"),
        (SMALL + "[samples.s]\ncount = 0\nbetween = {}\n", "batch_bad_key"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, key):
    with pytest.raises(ScenarioError) as caught:
        read_batch(file(tmp_path, text))
    assert {problem.message.key for problem in caught.value.problems} == {key}


def test_unreadable_files_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_batch(tmp_path / "none.toml")
    with pytest.raises(UsageError):
        read_batch(file(tmp_path, "name = "))


def test_the_hash_follows_what_decides_a_result(tmp_path):
    jobs = {job.scenario: job for job in batch_jobs(read_batch(file(tmp_path, WHOLE)))}
    again = {job.scenario: job for job in batch_jobs(read_batch(file(tmp_path, 'lang = "x"'[:0] + WHOLE)))}
    assert {n: j.job_hash for n, j in jobs.items()} == {n: j.job_hash for n, j in again.items()}
    assert jobs["g-1"].job_hash != jobs["g-2"].job_hash
    assert jobs["o-centre_count-1"].job_hash == jobs["baseline"].job_hash, "one centre is the default"
    changed = batch_jobs(read_batch(file(tmp_path, WHOLE.replace("villages = 8", "villages = 9"))))
    assert changed[0].job_hash != jobs["baseline"].job_hash


def tree(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_a_stopped_batch_goes_on_to_the_same_bytes(tmp_path):
    """The whole command on one process: run, lose some results and leave a half-written one, run again, ask."""
    text = SMALL + "[scenarios.fewer]\nchanges.volume_factor = 0.7\n[scenarios.poor]\nsiting.budget_cny = 1\n"
    path, out = file(tmp_path, text), tmp_path / "out"

    def run() -> dict:
        done = CliRunner().invoke(
            app, ["batch", "run", str(path), "--out", str(out), "--workers", "1", "--json", "--quiet"]
        )
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    first = run()
    assert (first["jobs"], first["computed"], list(first["failed"])) == (3, 3, ["a / poor"])
    before = tree(out)
    store = BatchStore(out)
    lost = [row["job_hash"] for row in store.index()][1:]
    for job_hash in lost:
        store.path(job_hash).unlink()
        store.path(job_hash).with_name(f".{job_hash}.1.part").write_bytes(b"half")
    second = run()
    assert (second["computed"], second["kept"]) == (2, 1)
    assert tree(out) == before
    assert run()["computed"] == 0
    frame = query_batch(
        out, "select scenario, cost_cny_per_day as cost from runs where status = 'ok' order by scenario"
    )
    assert list(frame["scenario"]) == ["baseline", "fewer"]
    assert frame["cost"].iloc[1] < frame["cost"].iloc[0]
    asked = CliRunner().invoke(app, ["batch", "query", str(out), "select nothing", "--lang", "en"])
    assert asked.exit_code == 2
    outside = CliRunner().invoke(app, ["batch", "query", str(out), f"select * from read_csv('{path}')", "--lang", "en"])
    assert outside.exit_code == 2, "a question reads the batch's tables only"


def test_one_job_gives_the_same_result_twice_and_a_failure_is_a_result(tmp_path):
    text = SMALL + "[scenarios.poor]\nsiting.budget_cny = 1\n"
    good, poor = batch_jobs(read_batch(file(tmp_path, text)))
    assert answer(good)[0] == answer(good)[0]
    result = answer(poor)[0]
    assert result["status"] == "failed"
    assert result["failure"]["exit_code"] == 4
    assert result["failure"]["fixes_en"]
    assert result["failure"]["fixes_zh"]


def test_a_county_without_data_fails_alone(tmp_path):
    text = SMALL + '[counties.gone]\ncounty.source = "not-there.xlsx"\n'
    jobs = batch_jobs(read_batch(file(tmp_path, text)))
    result = answer(jobs[1])[0]
    assert result["status"] == "failed"
    assert "not-there.xlsx" in result["failure"]["en"]
    store = BatchStore(tmp_path / "out")
    store.put(jobs[1].job_hash, result)
    store.write_index(jobs, {jobs[0].job_hash: "broken"})
    write_tables(store)
    assert list(query_batch(tmp_path / "out", "select status from runs")["status"]) == ["error", "failed"]


def test_too_little_memory_is_refused_with_what_would_fit(tmp_path, monkeypatch):
    jobs = batch_jobs(read_batch(file(tmp_path, SMALL)))
    one = needed_mb(8, 2)

    class Memory:
        available = 2.5 * one * 1e6 / memory._USABLE

    monkeypatch.setattr(memory.psutil, "virtual_memory", Memory)
    assert check_memory(jobs, 2) == pytest.approx(2 * one)
    with pytest.raises(InputError, match="--workers 2"):
        check_memory(jobs, 3)
    monkeypatch.setattr(Memory, "available", 1e6)
    with pytest.raises(InputError, match="One worker needs"):
        check_memory(jobs, 1)


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("scenarios.batch.cluster._CONNECT_S", 0.3)
    done = CliRunner().invoke(
        app,
        ["batch", "run", str(file(tmp_path, SMALL)), "--out", str(tmp_path / "o"), "--scheduler", "tcp://127.0.0.1:9", "--lang", "en"],
    )  # fmt: skip
    assert done.exit_code == 2
    assert "127.0.0.1:9" in done.output


def test_jobs_are_listed(tmp_path):
    done = CliRunner().invoke(app, ["batch", "list", str(file(tmp_path, WHOLE)), "--json"])
    jobs = json.loads(done.stdout)["jobs"]
    assert [job["scenario"] for job in jobs][:2] == ["baseline", "fewer"]
    assert jobs[1]["settings"] == {"county.townships": 2, "county.villages": 8, "changes.volume_factor": 0.7}


def test_query_of_no_batch_is_an_input_error(tmp_path):
    with pytest.raises(InputError):
        query_batch(tmp_path, "select 1")
    assert dataclasses.is_dataclass(type(batch_jobs(read_batch(file(tmp_path, SMALL)))[0]))


def test_the_example_of_twelve_counties_has_eighteen_scenarios():
    folder = Path(__file__).parents[2] / "docs" / "examples"
    batch = read_batch(folder / "twelve_counties.toml")
    found = {s.name: s.values for s in expand(batch)}
    assert len(batch.counties) == 12
    assert len(found) == 18
    assert found["subsidy_ends"] == {"changes.subsidy_ends": True}
    assert found["handover_fee_minus_20"] == {"changes.handover_fee_factor": 0.8}
    assert found["handover_fee_plus_20"] == {"changes.handover_fee_factor": 1.2}
    assert [s.kind.kind for s in resolve_scenario(folder / batch.base).studies] == ["post_offer"]
