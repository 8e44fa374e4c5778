"""Capacitated engine: kernels against their numpy twins, bounds and reduction against brute force, whole runs against brute force."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.siting.capacitated import kernels
from planner.siting.capacitated.data import prepare, reduced_distance
from planner.siting.capacitated.kernels import Climb
from planner.siting.capacitated.reduce import cover_tables, reduce_lists
from planner.siting.clock import never
from planner.siting.registry import solve_model
from planner.siting.selection import SolveLimits


def _family(name: str):
    path = Path(__file__).parents[1] / "benchmarks" / "siting_families" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"capacitated_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"capacitated_{name}"] = module
    spec.loader.exec_module(module)
    return module


oracle, instances = _family("oracle"), _family("instances")


def _problem(seed, n=7, m=5, p=None, tight=0.5):
    rng = np.random.default_rng(seed)
    problem = instances.plane_problem(
        rng, n, m, capacity=tight, p=p, fixed_cost=rng.integers(20_000, 90_000, m).astype(float)
    )
    return problem, rng.uniform(0, 3e5, n)


def _knapsack(data, price, j, *, whole):
    """Twin: best value of one site's knapsack, by sorting (divisible) or by all subsets (0/1)."""
    part = slice(data.start[j], data.start[j + 1])
    gain = data.cost[part] - price[data.client[part]]
    size, room = data.quantity[part], data.capacity[j]
    if whole:
        best = 0.0
        for chosen in itertools.product((0, 1), repeat=gain.size):
            take = np.array(chosen, dtype=bool)
            if size[take].sum() <= room:
                best = min(best, gain[take].sum())
        return data.fixed[j] + best
    total = data.fixed[j]
    for k in np.argsort(gain / size):
        if gain[k] >= 0 or room <= 0:
            break
        taken = min(1.0, room / size[k])
        total, room = total + taken * gain[k], room - taken * size[k]
    return total


@pytest.mark.parametrize("seed", range(6))
def test_knapsack_kernels_match_their_twins(seed):
    problem, price = _problem(seed)
    data = prepare(problem, single_source=True).lists
    value, room_price, share = np.empty(5), np.empty(5), np.zeros(data.cost.size)
    kernels.split_values(data, price, value, share, room_price)
    assert value == pytest.approx([_knapsack(data, price, j, whole=False) for j in range(5)])
    kernels.whole_values(data, price, value, share)
    assert value == pytest.approx([_knapsack(data, price, j, whole=True) for j in range(5)])
    loads = np.add.reduceat(share * data.quantity, data.start[:-1])
    assert (loads <= data.capacity).all()


@pytest.mark.parametrize("seed", range(6))
def test_choice_of_sites_matches_enumeration(seed):
    rng = np.random.default_rng(seed)
    problem, _ = _problem(seed)
    data = prepare(problem, single_source=True).lists
    value, opened = rng.uniform(-50, 100, 5), np.empty(5)
    assert data.unit_total > 0
    sets = [np.array(s, dtype=bool) for s in itertools.product((0, 1), repeat=5)]
    fits = [s for s in sets if data.unit_capacity[s].sum() >= data.unit_total]
    total = kernels.choose_sites(data, value, opened)[0]
    assert total == pytest.approx(min(value[s].sum() for s in fits))
    assert total == pytest.approx(value[opened > 0].sum())
    with_site, without = cover_tables(data, value)
    for j in range(5):
        assert with_site[j] == pytest.approx(min(value[s].sum() for s in fits if s[j]))
        closed = [value[s].sum() for s in fits if not s[j]]
        assert without[j] == (pytest.approx(min(closed)) if closed else np.inf)


def test_choice_of_p_sites_takes_the_least_values():
    problem, _ = _problem(1, p=2)
    data = prepare(problem, single_source=True).lists
    opened = np.empty(5)
    total, last, following = kernels.choose_sites(data, np.array([3.0, -1.0, 2.0, 9.0, 4.0]), opened)
    assert (total, last, following) == (1.0, 2.0, 3.0)
    assert opened.tolist() == [0, 1, 1, 0, 0]


@pytest.mark.parametrize("single", [True, False])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_bound_and_reduction_keep_every_optimum(single, seed):
    problem, _ = _problem(seed, n=6, m=4, p=2 if seed % 2 else None, tight=0.7)
    options = {"single_source": single}
    truth = oracle.best("facility_location", problem, options)
    if truth is None:
        return
    data = prepare(problem, single_source=single)
    lists, size = data.lists, data.lists.cost.size
    price = np.sort(data.cost, axis=1)[:, 1].copy()
    steps = np.array([truth, 1.5, 5.0, -1e300, 0.0])
    climb = Climb(price, price.copy(), np.zeros(4), np.zeros(4), np.zeros(size), steps, never())
    bound = kernels.ascend(lists, climb, whole=data.exact_knapsack, rounds=60)
    assert bound <= truth * (1 + 1e-9)
    _, keep, locked = reduce_lists(
        lists, climb.best_price, truth * (1 + 1e-6), whole=data.exact_knapsack, divided=not single
    )
    best = [
        chosen
        for chosen in oracle.sets("facility_location", problem)
        if oracle.value("facility_location", problem, chosen, options) == pytest.approx(truth)
    ]
    for chosen in best:
        assert all(locked[j] >= 0 for j in chosen)
        assert all(locked[j] <= 0 for j in range(4) if j not in chosen)
    # The pairs left hold a best plan: serving through them alone costs no more.
    kept = np.zeros((6, 4), dtype=np.bool_)
    kept[lists.client[keep], np.repeat(np.arange(4), np.diff(lists.start))[keep]] = True
    left = replace(problem, distance=reduced_distance(data, kept))
    assert oracle.best("facility_location", left, options) == pytest.approx(truth)


@pytest.mark.parametrize("model", ["facility_location", "capacitated_p_median"])
@pytest.mark.parametrize("single", [True, False])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_engine_matches_brute_force(model, single, seed):
    problem, _ = _problem(seed, n=7, m=5, p=3 if model == "capacitated_p_median" else None, tight=0.42)
    options = {"single_source": single}
    truth = oracle.best(model, problem, options)
    found = solve_model(model, problem, engine="fast", **options)
    if truth is None:
        assert found.report.status == "infeasible"
        return
    assert found.report.status == "optimal"
    assert found.report.objective == pytest.approx(truth, rel=1e-6)
    assert found.report.bound <= truth * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_locks_are_kept(seed):
    problem, _ = _problem(seed, n=8, m=6, tight=0.4)
    free = solve_model("facility_location", problem, single_source=True)
    problem.locked[free.open_sites[0]] = -1
    problem.locked[next(j for j in range(6) if j not in free.open_sites)] = 1
    found = solve_model("facility_location", problem, engine="fast", single_source=True)
    truth = oracle.best("facility_location", problem, {"single_source": True})
    if truth is None:
        assert found.report.status == "infeasible"
    else:
        assert found.report.objective == pytest.approx(truth)
        assert oracle.allowed(problem, found.open_sites)


@pytest.mark.parametrize("single", [True, False])
def test_larger_instance_agrees_with_the_milp(single):
    problem, _ = _problem(11, n=40, m=12, tight=0.25)
    fast = solve_model("facility_location", problem, engine="fast", single_source=single)
    slow = solve_model("facility_location", problem, engine="milp", single_source=single)
    assert fast.report.status == slow.report.status == "optimal"
    assert fast.report.objective == pytest.approx(slow.report.objective, rel=1e-6)


def test_node_limit_leaves_an_honest_gap():
    problem, _ = _problem(3, n=60, m=20, p=5, tight=0.23)
    cut = solve_model("capacitated_p_median", problem, engine="fast", limits=SolveLimits(node_limit=1))
    full = solve_model("capacitated_p_median", problem, engine="fast")
    assert full.report.status == "optimal"
    assert cut.report.bound <= full.report.objective * (1 + 1e-9)
    assert cut.report.objective >= full.report.objective * (1 - 1e-9)


def test_same_input_same_answer():
    problem, _ = _problem(5, n=40, m=15, p=4, tight=0.3)
    first, second = (solve_model("capacitated_p_median", problem, engine="fast") for _ in range(2))
    assert first == second
