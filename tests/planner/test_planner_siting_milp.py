"""The MILP of every model against brute force; every side constraint with a case that fails when it is dropped."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InputError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.milp import MODELS, solve_milp
from planner.siting.registry import checked_options, solve_model
from planner.siting.selection import SolveLimits
from planner.siting.side import broken_side


def _family(name: str):
    path = Path(__file__).parents[1] / "benchmarks" / "siting_families" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"siting_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"siting_{name}"] = module
    spec.loader.exec_module(module)
    return module


oracle, instances = _family("oracle"), _family("instances")


def _same(found, truth):
    return abs(found - truth) <= 1e-6 * max(1.0, abs(truth))


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), with_side=st.booleans())
def test_milp_matches_brute_force(model, seed, with_side):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 8)), int(rng.integers(4, 7))
    problem, options = instances.random_case(rng, model, n, m, with_side=with_side)
    try:
        found = solve_model(model, problem, engine="milp", **options)
    except InputError as refusal:
        codes = {p.code for p in refusal.problems}
        assert codes == {"siting_models_requires_conflict"} or oracle.best(model, problem, options) is None
        return
    truth = oracle.best(model, problem, options)
    if truth is None:
        assert found.report.status == "infeasible"
        return
    assert found.report.status == "optimal"
    assert _same(found.report.objective, truth)
    assert found.report.bound <= found.report.objective
    assert oracle.allowed(problem, found.open_sites)
    assert broken_side(problem, found.open_sites) == ()
    assert _same(oracle.value(model, problem, found.open_sites, options), truth)


@pytest.mark.parametrize("model", [m for m in MODELS if m != "p_dispersion"])
def test_everybody_is_served_or_named(model):
    problem, options = instances.random_case(np.random.default_rng(3), model, 9, 6, with_side=False)
    if model in ("p_median", "p_center", "set_coverage"):
        problem = replace(problem, capacity=np.full(6, 0.7 * problem.demand.sum()))
    found = solve_milp(model, problem, checked_options(model, options))
    assert found.report.status == "optimal"
    assert set(found.allocation) | set(found.unserved) == set(range(9))
    assert not set(found.allocation) & set(found.unserved)
    loads = np.zeros(6)
    for i, parts in found.allocation.items():
        assert sum(share for _, share in parts) == pytest.approx(1.0)
        for j, share in parts:
            assert j in found.open_sites
            loads[j] += share * problem.demand[i]
    if model != "backup_coverage":
        assert (loads <= problem.capacity * (1 + 1e-6)).all()


# Six sites on a line at 0, 1, 2, 3, 4, 5 km; six villages at the same places; two sites to open.
LINE = np.abs(np.arange(6)[:, None] - np.arange(6)[None, :]) * 1000.0


NO_SIDE = SideConstraints()


def _line(side=NO_SIDE, **fields):
    given_fields = {
        "p": 2,
        "site_metres": LINE,
        "groups": {"west": (0, 1, 2), "east": (3, 4, 5)},
        "capex_cny": np.array([10.0, 90.0, 10.0, 10.0, 90.0, 10.0]),
        "yearly_cny": np.array([1.0, 9.0, 1.0, 1.0, 9.0, 1.0]),
        "closing_cny": np.full(6, 50.0),
    }
    return make_problem(np.ones(6), distances_from_matrix(LINE), side=side, **{**given_fields, **fields})


FREE = 4000.0  # sites 1 and 4: each village at most 1 km away


def _locked(**places):
    locked = np.zeros(6, dtype=np.int8)
    for name, value in places.items():
        locked[int(name[1:])] = value
    return locked


def _existing(*places):
    return np.isin(np.arange(6), places)


SIDES = {
    "locked open": (SideConstraints(), {"locked": _locked(s0=1)}),
    "locked closed": (SideConstraints(), {"locked": _locked(s1=-1)}),
    "capex budget": (SideConstraints(capex_budget_cny=120.0), {}),
    "closing cost": (SideConstraints(capex_budget_cny=200.0), {"is_existing": _existing(0)}),
    "yearly budget": (SideConstraints(yearly_budget_cny=12.0), {}),
    "group minimum": (SideConstraints(group_minimum={"west": 2}), {}),
    "group maximum": (SideConstraints(group_maximum={"east": 0}), {}),
    "exclusion": (SideConstraints(exclusion_m=3500.0), {}),
    "near": (SideConstraints(near_sites=(0,), near_m=3000.0), {}),
    "requires": (SideConstraints(requires=((1, 2),)), {}),
    "conflicts": (SideConstraints(conflicts=((1, 4),)), {}),
    "host capacity": (SideConstraints(), {"capacity": np.array([6.0, 2.0, 6.0, 6.0, 6.0, 6.0])}),
}


def test_free_line_is_solved_by_hand():
    found = solve_model("p_median", _line(), engine="milp")
    assert (found.open_sites, found.report.objective) == ((1, 4), FREE)


@pytest.mark.parametrize("name", SIDES)
def test_each_side_constraint_binds(name):
    side, fields = SIDES[name]
    problem = _line(side, **fields)
    found = solve_model("p_median", problem, engine="milp")
    truth = oracle.best("p_median", problem, {})
    assert found.report.status == "optimal"
    assert truth > FREE, "the case must not be solved by dropping the constraint"
    assert _same(found.report.objective, truth)


@pytest.mark.parametrize("name", [name for name in SIDES if name != "host capacity"])
def test_broken_side_names_it(name):
    side, fields = SIDES[name]
    assert broken_side(_line(side, **fields), (1, 4))


def test_modular_capacities_match_enumeration():
    rng = np.random.default_rng(8)
    problem = instances.plane_problem(rng, 6, 4, fixed_cost=np.full(4, 5000.0))
    total = float(problem.demand.sum())
    options = {"modules": ((0.4 * total, 1000.0), (0.8 * total, 30_000.0)), "single_source": False}
    found = solve_model("facility_location", problem, **options)
    assert _same(found.report.objective, oracle.best("facility_location", problem, options))


def test_floors_move_service_to_the_poor_township():
    weight = np.array([10.0, 10.0, 1.0, 1.0])
    metres = np.array([[0.0, 9e3], [0.0, 9e3], [9e3, 0.0], [9e3, 0.0]])
    problem = make_problem(weight, distances_from_matrix(metres), p=1)
    options = {"radius": 1000.0, "demand_groups": {"far": (2, 3)}, "floors": {"far": 0.5}}
    assert solve_model("max_coverage", problem, radius=1000.0, engine="milp").report.objective == -20.0
    assert solve_model("max_coverage", problem, engine="milp", **options).report.objective == -2.0


def test_stepped_radii_count_the_best_step():
    metres = np.array([[500.0], [1500.0], [2500.0]])
    problem = make_problem(np.full(3, 10.0), distances_from_matrix(metres), p=1)
    found = solve_model("max_coverage", problem, engine="milp", radii=(1000.0, 2000.0), radius_shares=(1.0, 0.4))
    assert found.figures["covered_weight"] == pytest.approx(14.0)
    assert found.unserved == {2: "no_site_in_reach"}


def test_backup_covers_twice_when_asked():
    metres = np.array([[0.0, 0.0, 9e9], [9e9, 9e9, 0.0]])
    problem = make_problem(np.array([10.0, 3.0]), distances_from_matrix(metres, cutoff=1e9), p=2)
    once = solve_model("backup_coverage", problem, radius=1.0, first_share=1.0, engine="milp")
    twice = solve_model("backup_coverage", problem, radius=1.0, first_share=0.3, engine="milp")
    assert (once.report.objective, twice.report.objective) == (-13.0, -10.0)
    assert 2 in once.open_sites and twice.open_sites == (0, 1)


def test_times_asks_for_that_many_sites_in_reach():
    problem = make_problem(np.ones(2), distances_from_matrix(np.zeros((2, 4))))
    assert solve_model("set_coverage", problem, radius=1.0, times=3, engine="milp").report.objective == 3.0


def test_a_run_cut_short_says_so():
    rng = np.random.default_rng(1)
    problem = instances.plane_problem(rng, 60, 40, p=6)
    found = solve_milp("p_median", problem, {}, limits=SolveLimits(time_limit_s=0.01))
    full = solve_milp("p_median", problem, {})
    assert found.report.status in ("unknown", "feasible")
    assert full.report.status == "optimal"
    assert found.report.bound is None or found.report.bound <= full.report.objective * (1 + 1e-9)


def test_progress_is_told():
    events = []
    problem = instances.plane_problem(np.random.default_rng(2), 40, 25, p=5)
    solve_milp("p_center", problem, {}, listener=events.append)
    assert events
    assert events[-1].gap == pytest.approx(0.0, abs=0.2)
