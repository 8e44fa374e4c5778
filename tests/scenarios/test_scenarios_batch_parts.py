"""Solved parts that jobs share: re-use changes no byte, and only what depends on a change is solved again."""

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.parameters import Parameters
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reuse import fingerprint
from planner.routing import rounds
from planner.routing.rounds import solve_rounds
from planner.siting import three_tier
from planner.siting.explain import explain_unserved
from planner.siting.instance import build_instance
from planner.siting.kept import SITING_PART, siting_key
from planner.siting.search import Search
from planner.siting.three_tier import solve_three_tier
from scenarios.batch import parts as parts_module
from scenarios.batch.answer import answer
from scenarios.batch.jobs import batch_jobs
from scenarios.batch.parts import PartStore, Recent, part_store, travel_key, travel_parameters
from scenarios.batch.spec import read_batch

BATCH = """
name = "mini"
[counties.a]
county.townships = 2
county.villages = 8
[scenarios.fewer]
changes.volume_factor = 0.7
[scenarios.dearer_post]
parameters.handover_cny_per_parcel = 0.9
"""


def jobs(tmp_path: Path, text: str = BATCH) -> dict:
    path = tmp_path / "batch.toml"
    path.write_text(text, encoding="utf-8")
    return {job.scenario: job for job in batch_jobs(read_batch(path))}


@pytest.fixture
def fresh():
    """Forget what this process holds, before and after."""

    def forget() -> None:
        part_store.cache_clear()
        parts_module._TRAVEL = Recent(4)

    forget()
    yield forget
    forget()


def solves(monkeypatch) -> list[str]:
    """Count what is really solved."""
    done: list[str] = []
    searched, depots = three_tier._solved, rounds.solve_depot
    monkeypatch.setattr(three_tier, "_solved", lambda *a: (done.append("siting"), searched(*a))[1])
    monkeypatch.setattr(rounds, "solve_depot", lambda *a: (done.append("depot"), depots(*a))[1])
    return done


def test_reuse_changes_no_byte_and_solves_nothing_twice(tmp_path, monkeypatch, fresh):
    folder = tmp_path / "parts"
    folder.mkdir()
    cold = {name: answer(job)[0] for name, job in jobs(tmp_path).items()}
    done = solves(monkeypatch)
    fresh()
    first = {name: answer(job, folder)[0] for name, job in jobs(tmp_path).items()}
    assert first == cold
    assert done.count("siting") == 2, "the hand-over fee leaves the siting as it is, the volume does not"
    before = {p: p.read_bytes() for p in folder.rglob("*.gz")}
    assert len(before) == len(done)
    done.clear()
    fresh()
    assert {name: answer(job, folder)[0] for name, job in jobs(tmp_path).items()} == cold
    assert done == [], "a new process finds everything on disk"
    assert {p: p.read_bytes() for p in folder.rglob("*.gz")} == before


def test_a_broken_part_is_solved_again(tmp_path, monkeypatch, fresh):
    folder = tmp_path / "parts"
    folder.mkdir()
    job = jobs(tmp_path)["baseline"]
    cold = answer(job, folder)[0]
    for number, path in enumerate(sorted(folder.rglob("*.gz"))):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if number % 2 else b"nothing")
    fresh()
    done = solves(monkeypatch)
    assert answer(job, folder)[0] == cold
    assert "siting" in done


def test_another_program_finds_no_part(tmp_path, monkeypatch):
    store = PartStore(tmp_path)
    store.put("siting-x", b"[]")
    assert PartStore(tmp_path).get("siting-x") == b"[]"
    monkeypatch.setattr(parts_module, "program_hash", lambda: "another")
    assert PartStore(tmp_path).get("siting-x") is None
    assert PartStore(tmp_path / "absent").get("siting-x") is None
    [path] = tmp_path.rglob("*.gz")
    assert json.loads(gzip.decompress(path.read_bytes())) == []


def test_the_oldest_value_goes_first():
    recent = Recent(2)
    assert [recent.made(k, lambda k=k: k * 2) for k in (1, 2)] == [2, 4]
    assert recent.get(1) == 2
    recent.put(3, 6)
    assert (recent.get(1), recent.get(2), recent.get(3)) == (2, None, 6)


class _Noting(Parameters):
    """Parameters that note which of them are read."""

    noted: set[str] = set()  # noqa: RUF012 - one list for all copies

    def __getitem__(self, parameter_id: str) -> float:
        type(self).noted.add(parameter_id)
        return super().__getitem__(parameter_id)


@pytest.fixture(scope="module")
def problem() -> PlanProblem:
    county = reference_county(townships=2, villages=10)
    travel = build_travel(county)
    return PlanProblem(county, travel.matrices, ServiceStandard(), SitingSettings(), RoutingSettings())


def noted(county):
    _Noting.noted = set()
    return county.replace(parameters=_Noting(county.parameters.entries))


@pytest.mark.parametrize("has_roads", [True, False])
def test_the_key_of_travel_times_holds_every_parameter_they_read(problem, has_roads):
    county = problem.county if has_roads else problem.county.replace(roads=None)
    build_travel(noted(county))
    assert _Noting.noted
    assert _Noting.noted <= set(travel_parameters())


def test_the_key_of_a_siting_holds_every_parameter_the_search_reads(problem):
    instance = build_instance(problem)
    noting = dataclasses.replace(problem, county=noted(problem.county))
    instance = dataclasses.replace(instance, problem=noting)
    found = Search(instance).run()
    explain_unserved(instance, found.decision)
    assert len(siting_key(instance)) == 64
    assert _Noting.noted <= {"sorting_cny_per_parcel"}


def test_a_kept_siting_and_kept_rounds_are_the_same(problem):
    held: dict[str, bytes] = {}

    class Keeper:
        get = staticmethod(held.get)
        put = staticmethod(held.__setitem__)

    plain = solve_three_tier(problem)
    assert solve_three_tier(problem, keeper=Keeper()) == plain
    assert solve_three_tier(problem, keeper=Keeper()) == plain
    routed = solve_rounds(problem, plain)
    assert solve_rounds(problem, plain, keeper=Keeper()) == routed
    assert solve_rounds(problem, plain, keeper=Keeper()) == routed
    assert {key.partition("-")[0] for key in held} == {"siting", "depot"}


def test_what_a_clock_cut_short_is_not_kept(problem):
    held: dict[str, bytes] = {}

    class Keeper:
        get = staticmethod(held.get)
        put = staticmethod(held.__setitem__)

    plan = solve_three_tier(problem, keeper=Keeper())
    report = dataclasses.replace(plan.report, status="feasible", note_key="siting_note_time")
    assert SITING_PART.is_final(plan)
    assert not SITING_PART.is_final(dataclasses.replace(plan, report=report))
    assert len(held) == 1


def test_travel_keys_follow_places_roads_and_speeds_only(problem):
    county = problem.county
    key = travel_key(county, None, 15.0, ())
    dearer = county.replace(facilities=county.facilities.assign(annual_cost_cny=1.0))
    assert travel_key(dearer, None, 15.0, ()) == key
    moved = county.villages.assign(lon=county.villages["lon"] + 1e-6)
    slower = county.parameters.with_values({"access_speed_kmh": 17.0}, "test")
    for other in (
        county.replace(villages=moved),
        county.replace(roads=county.roads.iloc[1:]),
        county.replace(roads=None),
        county.replace(parameters=slower),
    ):
        assert travel_key(other, None, 15.0, ()) != key
    assert travel_key(county, 1.3, 15.0, ()) != key
    assert travel_key(county, None, 15.0, (((109.0, 27.0), (109.1, 27.0)),)) != key


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=5)), max_size=6))
def test_fingerprints_tell_values_apart(values):
    assert fingerprint(values) == fingerprint(tuple(values))
    assert fingerprint([*values, 1]) != fingerprint(values)
    assert fingerprint([values, 1]) != fingerprint([*values, 1])
    assert fingerprint(np.array([1.0, 2.0])) != fingerprint(np.array([2.0, 1.0]))
    assert fingerprint(np.array([1, 2])) != fingerprint(np.array([1.0, 2.0]))


def test_a_value_without_a_fingerprint_is_refused():
    assert fingerprint(pd.DataFrame({"a": [1]})) != fingerprint(pd.DataFrame({"a": [2]}))
    assert fingerprint({"a": 1.0}) != fingerprint({"a": 1})
    assert fingerprint(frozenset("ba")) == fingerprint(frozenset("ab"))
    with pytest.raises(TypeError):
        fingerprint(object())
