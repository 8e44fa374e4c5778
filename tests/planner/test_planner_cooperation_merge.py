"""Merging stations: brute force, planted optima, floor, standards, and who is worse off."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from planner.cooperation.stations_merge import (
    MergePlan,
    MergeProblem,
    Room,
    check_merge,
    figures_of,
    merge_effect,
    merge_stations,
)
from planner.reports import SolveReport


def _load() -> Any:
    name = "merge_cases"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


planted = _load().planted


def brute(problem: MergeProblem) -> float:
    """Return the least cost over all sets of hosted functions (stations × functions bits)."""
    stations, functions = problem.may_host.shape
    standard = problem.standard_m[problem.customer_function]
    dense = problem.metres.toarray()
    near = (dense > 0) & (dense <= standard[:, None])
    must = (near & problem.has_today.T[problem.customer_function]).any(axis=1)
    best = np.inf
    for bits in itertools.product((False, True), repeat=stations * functions):
        hosts = np.array(bits).reshape(stations, functions)
        stays = hosts.any(axis=1) | problem.must_stay
        if any(((hosts * room.need).sum(axis=1) > room.there + 1e-9).any() for room in problem.rooms):
            continue
        if (hosts & ~(problem.may_host | problem.has_today)).any():
            continue
        served = (near & hosts.T[problem.customer_function]).any(axis=1)
        if (must & ~served).any():
            continue
        best = min(best, float(problem.fixed_cny[stays].sum() + problem.host_cny[hosts].sum()))
    return best


def small(seed: int, stations: int, functions: int) -> MergeProblem:
    """A random merge without a planted answer; floors bind in about half the stations."""
    rng = np.random.default_rng(seed)
    customers = 12
    at, homes = rng.uniform(0, 2500, (stations, 2)), rng.uniform(0, 2500, (customers, 2))
    metres = np.hypot(*(homes[:, None] - at[None]).transpose(2, 0, 1)) + 1.0
    has_today = rng.random((stations, functions)) < 0.5
    need = rng.uniform(2, 6, (stations, functions))
    floor = np.maximum(rng.uniform(4, 10, stations), (need * has_today).sum(axis=1))
    return MergeProblem(
        tuple(f"s{j}" for j in range(stations)), tuple(f"f{k}" for k in range(functions)), rng.uniform(5, 40, stations),
        floor, rng.uniform(0, 8, (stations, functions)) * ~has_today, need,
        np.ones((stations, functions), dtype=np.bool_), has_today, rng.integers(0, functions, customers), rng.uniform(1, 9, customers),
        sparse.csr_array(metres), np.full(functions, 1200.0), np.zeros(stations, dtype=np.bool_),
    )  # fmt: skip


@pytest.mark.parametrize(("stations", "functions"), [(8, 1), (5, 2), (4, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_brute_force_agrees(seed: int, stations: int, functions: int) -> None:
    problem = small(seed, stations, functions)
    plan = merge_stations(problem)
    assert plan.report.status == "optimal"
    assert plan.report.objective == pytest.approx(brute(problem))
    assert check_merge(problem, plan) == ()


@pytest.mark.parametrize("seed", range(4))
def test_brute_force_agrees_where_keepers_hours_shelves_and_permissions_bind(seed: int) -> None:
    problem = small(seed + 10, 5, 2)
    rng = np.random.default_rng(seed)
    rooms = []
    for name in ("shelf", "keeper"):
        need = rng.uniform(1.0, 3.0, problem.need_m2.shape)
        rooms.append(Room(name, np.maximum(rng.uniform(2.0, 5.0, 5), (need * problem.has_today).sum(axis=1)), need))
    tight = replace(problem, more_room=tuple(rooms), may_host=rng.random(problem.may_host.shape) < 0.7)
    plan = merge_stations(tight)
    assert plan.report.status == "optimal"
    assert plan.report.objective == pytest.approx(brute(tight))
    assert check_merge(tight, plan) == ()
    assert float(plan.report.objective or 0.0) >= float(merge_stations(problem).report.objective or 0.0) - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_planted_optimum_is_found_and_proved(seed: int) -> None:
    problem, optimum = planted(seed, localities=12, stations=150, customers=900)
    plan = merge_stations(problem)
    assert plan.parts >= 12
    assert plan.report.status == "optimal"
    assert plan.report.objective == pytest.approx(optimum, rel=1e-6)
    assert check_merge(problem, plan) == ()
    figures = figures_of(problem, plan)
    assert figures["stations_today"] == 150
    assert figures["stations_after"] + figures["stations_closed"] == 150
    assert figures["saving_cny_per_day"] > 0


def two_shops(floor: float, *, must_stay: bool = False) -> MergeProblem:
    """A post office and a shop 300 m apart; 10 customers of the post 100 m from it and 400 m from the shop."""
    return MergeProblem(
        ("post", "shop"), ("mail", "goods"), np.array([50.0, 20.0]), np.array([30.0, floor]), np.array([[0.0, 9.0], [6.0, 0.0]]),
        np.full((2, 2), 10.0), np.ones((2, 2), dtype=np.bool_), np.eye(2, dtype=np.bool_), np.array([0, 1]), np.array([10.0, 5.0]),
        sparse.csr_array(np.array([[100.0, 400.0], [400.0, 100.0]])), np.array([500.0, 500.0]), np.array([must_stay, False]),
    )  # fmt: skip


def test_two_stations_by_hand() -> None:
    problem = two_shops(20.0)
    plan = merge_stations(problem)
    assert plan.today_cny == 70.0
    assert plan.report.objective == 26.0
    assert plan.stays.tolist() == [False, True]
    effect = merge_effect(problem, plan)
    assert effect.longer_m.tolist() == [300.0, 0.0]
    figures = figures_of(problem, plan)
    assert figures["worse_off_share"] == pytest.approx(10 / 15)
    assert figures["worse_off_mean_m"] == figures["worse_off_most_m"] == 300.0
    assert figures["saving_cny_per_day"] == 44.0


def test_floor_duty_hours_and_standard_keep_a_station_open() -> None:
    assert merge_stations(two_shops(15.0)).report.objective == 59.0  # the shop has no room: all goes to the post office
    kept = merge_stations(two_shops(20.0, must_stay=True))
    assert kept.stays[0]
    assert kept.report.objective == 59.0
    problem = two_shops(20.0)
    closed_early = problem.may_host.copy()
    closed_early[1, 0] = closed_early[0, 1] = False
    assert merge_stations(replace(problem, may_host=closed_early)).report.objective == 70.0
    assert merge_stations(replace(problem, standard_m=np.array([200.0, 200.0]))).report.objective == 70.0


def test_the_checker_of_mergers_finds_what_is_wrong() -> None:
    problem = two_shops(20.0)
    plan = merge_stations(problem)
    nothing = MergePlan(np.zeros(2, bool), np.zeros((2, 2), bool), SolveReport("feasible", 0.0, 0.0, "x"), 70.0, 1)
    assert "standard" in check_merge(problem, nothing)
    assert "host_closed" in check_merge(problem, replace(plan, stays=np.zeros(2, bool)))
    assert "floor" in check_merge(replace(problem, floor_m2=np.array([1.0, 1.0])), plan)
    assert "must_stay" in check_merge(replace(problem, must_stay=np.ones(2, bool)), plan)
    assert "may_not_host" in check_merge(replace(problem, may_host=np.zeros((2, 2), bool)), plan)
    busy = Room("keeper", np.array([9.0, 1.0]), np.ones((2, 2)))
    assert check_merge(replace(problem, more_room=(busy,)), plan) == ("keeper",)
    assert "cost" in check_merge(problem, replace(plan, report=replace(plan.report, objective=1.0, bound=1.0)))
