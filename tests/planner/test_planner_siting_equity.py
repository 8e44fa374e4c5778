"""Equity: worst-share mean and Gini against their definitions over all pairs and brute force over all plans."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.milp_decide import gini, worst_share_mean
from planner.siting.milp_serve import gini_coefficients
from planner.siting.registry import solve_model


def _family(name: str):
    path = Path(__file__).parents[1] / "benchmarks" / "siting_families" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"equity_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"equity_{name}"] = module
    spec.loader.exec_module(module)
    return module


oracle, instances = _family("oracle"), _family("instances")

LISTS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=2, max_size=8)


@settings(deadline=None, derandomize=True)
@given(LISTS)
def test_gini_is_its_definition(pairs):
    distances, weight = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    assert gini(distances, weight) == pytest.approx(oracle.gini(distances, weight), abs=1e-12)
    spread = sum(weight[i] * weight[k] * abs(distances[i] - distances[k]) for i in range(len(pairs)) for k in range(i))
    assert float(gini_coefficients(weight, distances) @ distances) == pytest.approx(spread)


@settings(deadline=None, derandomize=True)
@given(LISTS, LISTS)
def test_a_gini_cut_never_exceeds_the_spread(pairs, others):
    distances, weight = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    order = np.resize(np.array([d for d, _ in others], dtype=float), distances.size)
    spread = sum(weight[i] * weight[k] * abs(distances[i] - distances[k]) for i in range(len(pairs)) for k in range(i))
    assert float(gini_coefficients(weight, order) @ distances) <= spread + 1e-9


def test_worst_share_takes_part_of_the_point_on_the_edge():
    # Worst 30 % of weight 10: all of the 2 at 90, and 1 of the 3 at 60.
    assert worst_share_mean(np.array([90.0, 60.0, 0.0]), np.array([2.0, 3.0, 5.0]), 0.3) == pytest.approx(80.0)


@pytest.mark.parametrize("bound", [0.2, 0.28, 0.36])
def test_gini_bound_costs_mean_distance(bound):
    problem = instances.plane_problem(np.random.default_rng(3), 14, 9, p=3)
    options = {"measure": "gini", "bound": bound}
    found = solve_model("equity", problem, **options)
    truth = oracle.best("equity", problem, options)
    if truth is None:
        assert found.report.status == "infeasible"
        return
    assert found.report.objective == pytest.approx(truth)
    assert found.figures["gini"] <= bound + 1e-6


def test_the_fairest_of_two_sites_is_taken_under_a_bound():
    # Site 0: distances 0, 0, 6 (mean 2). Site 1: 3, 3, 3 (mean 3, Gini 0).
    metres = np.array([[0.0, 3000.0], [0.0, 3000.0], [6000.0, 3000.0]])
    problem = make_problem(np.ones(3), distances_from_matrix(metres), p=1)
    assert solve_model("equity", problem, measure="gini", bound=0.9).open_sites == (0,)
    fair = solve_model("equity", problem, measure="gini", bound=0.1)
    assert (fair.open_sites, fair.figures["gini"]) == ((1,), 0.0)
    worst = solve_model("equity", problem, share=1 / 3)
    assert (worst.open_sites, worst.report.objective) == ((1,), pytest.approx(3000.0))
    bounded = solve_model("equity", problem, share=1 / 3, bound=4000.0)
    assert (bounded.open_sites, bounded.report.objective) == ((1,), pytest.approx(3000.0))


def test_share_of_everybody_is_the_mean():
    problem = instances.plane_problem(np.random.default_rng(6), 12, 7, p=3)
    fair = solve_model("equity", problem, share=1.0)
    median = solve_model("p_median", problem)
    assert fair.report.objective * problem.weight.sum() == pytest.approx(median.report.objective)
