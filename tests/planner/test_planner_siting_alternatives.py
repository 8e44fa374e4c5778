"""Alternatives against enumeration of all plans; importance by hand; both on every kind of objective."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.alternatives import find_alternatives
from planner.siting.importance import site_importance
from planner.siting.registry import solve_model


def _family(name: str):
    path = Path(__file__).parents[1] / "benchmarks" / "siting_families" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"alternatives_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"alternatives_{name}"] = module
    spec.loader.exec_module(module)
    return module


oracle, instances = _family("oracle"), _family("instances")

CASES = [
    ("p_median", {}),
    ("max_coverage", {"radius": 3000.0}),
    ("p_center", {}),
    ("p_dispersion", {}),
    ("equity", {}),
    ("equity", {"measure": "gini", "bound": 0.35}),
    ("capacitated_p_median", {}),
    ("facility_location", {}),
]


def _problem(model, n=10, m=7):
    rng = np.random.default_rng(4)
    priced = model == "facility_location"
    capacity = 0.45 if model in ("facility_location", "capacitated_p_median") else None
    fixed = rng.integers(20_000, 60_000, m).astype(float) if priced else np.zeros(m)
    return instances.plane_problem(rng, n, m, p=None if priced else 3, capacity=capacity, fixed_cost=fixed)


@pytest.mark.parametrize(("model", "options"), CASES)
def test_every_step_is_the_most_different_plan(model, options):
    problem, within = _problem(model), 0.15
    found = find_alternatives(model, problem, count=4, within=within, **options)
    best = found.best.report.objective
    cap = best + within * abs(best)
    full = {"single_source": model == "capacitated_p_median", **options}
    values = {s: oracle.value(model, problem, s, full) for s in oracle.sets(model, problem)}
    good = {s for s, value in values.items() if value is not None and value <= cap + 1e-6 * abs(cap)}
    known = [found.best.open_sites]
    for other in found.plans:
        assert other.plan.open_sites in good
        assert other.value == pytest.approx(values[other.plan.open_sites])
        most = max(min(len(set(s) ^ set(k)) for k in known) for s in good)
        assert other.is_proved
        assert other.differs_by == most
        known.append(other.plan.open_sites)
    assert len(found.plans) == min(4, len(good) - 1)
    assert found.is_complete == (len(good) - 1 < 4)


def test_more_than_ten_plans_and_no_regret():
    problem = _problem("p_median", n=25, m=14)
    found = find_alternatives("p_median", problem, count=12, within=0.3)
    sets = [found.best.open_sites, *(other.plan.open_sites for other in found.plans)]
    assert len(set(sets)) == 13
    assert all(0 < other.jaccard <= 1 for other in found.plans)
    assert set(found.no_regret(0.0)) == set().union(*sets)
    for j, share in found.site_share.items():
        assert share == pytest.approx(sum(j in s for s in sets) / 13)
    assert found.no_regret(0.5) == tuple(j for j, share in sorted(found.site_share.items()) if share >= 0.5)


def test_alternatives_keep_side_constraints():
    problem = replace(_problem("p_median"), side=SideConstraints(conflicts=((0, 1), (2, 3))))
    found = find_alternatives("p_median", problem, count=6, within=0.5)
    assert found.plans
    assert all(oracle.allowed(problem, other.plan.open_sites) for other in found.plans)


def test_no_best_plan_no_alternatives():
    side = SideConstraints(conflicts=tuple(itertools.combinations(range(7), 2)))
    found = find_alternatives("p_median", replace(_problem("p_median"), side=side))
    assert (found.plans, found.best.report.status, found.is_complete) == ((), "infeasible", True)


@pytest.mark.parametrize(("model", "options"), CASES)
def test_importance_is_the_loss_without_the_site(model, options):
    problem = _problem(model)
    best = solve_model(model, problem, **options)
    full = {"single_source": model == "capacitated_p_median", **options}
    found = {item.site: item for item in site_importance(model, problem, best, **options)}
    assert set(found) == set(best.open_sites)
    for j, item in found.items():
        locked = problem.locked.copy()
        locked[j] = -1
        truth = oracle.best(model, replace(problem, locked=locked), full)
        if truth is None:
            assert item.fate == "irreplaceable"
        else:
            assert item.loss == pytest.approx(truth - best.report.objective, abs=1e-4)
            assert item.loss_low <= item.loss + 1e-4
            assert item.loss_high >= item.loss - 1e-4


def test_importance_tells_irreplaceable_and_locked():
    metres = np.array([[0.0, np.inf, np.inf], [np.inf, 0.0, 10.0], [np.inf, 10.0, 0.0]])
    problem = make_problem(np.ones(3), distances_from_matrix(metres), p=2, locked=np.array([0, 1, 0], dtype=np.int8))
    best = solve_model("p_median", problem)
    assert best.open_sites == (0, 1)
    assert [(item.site, item.fate) for item in site_importance("p_median", problem, best)] == [
        (0, "irreplaceable"),
        (1, "locked"),
    ]
