"""p-median and uncapacitated fixed charge: enumeration, locks, cut-offs, refusals, honest status, real instances."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InputError, UsageError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.models import p_median, uncapacitated
from planner.siting.p_median.problem import common_unit
from planner.siting.selection import SolveLimits

BENCHMARKS = Path(__file__).parents[2].parent / "shared" / "benchmarks" / "01_pmed"


def cost_of(weight, metres, fixed, opened):
    return float((weight * metres[:, list(opened)].min(axis=1)).sum() + fixed[list(opened)].sum())


def enumerate_best(weight, metres, fixed, locked, sizes):
    best = np.inf
    for size in sizes:
        for opened in combinations(np.flatnonzero(locked >= 0), size):
            if set(np.flatnonzero(locked > 0)) <= set(opened):
                best = min(best, cost_of(weight, metres, fixed, opened))
    return best


@st.composite
def instances(draw):
    n, m = draw(st.integers(1, 9)), draw(st.integers(2, 7))
    p = draw(st.integers(1, m))
    whole = draw(st.booleans())
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    metres = rng.integers(0, 40, (n, m)).astype(float) if whole else rng.random((n, m)) * 30
    weight = rng.integers(0, 5, n).astype(float) if whole else rng.random(n)
    weight[rng.integers(0, n)] += 1.0
    fixed = rng.integers(0, 30, m).astype(float) if draw(st.booleans()) else np.zeros(m)
    locked = np.zeros(m, np.int8)
    changed = rng.permutation(m)[: draw(st.integers(0, 2))]
    locked[changed] = rng.choice([-1, 1], changed.size)
    p = int(np.clip(p, max(1, (locked > 0).sum()), (locked >= 0).sum()))
    if not (locked >= 0).any():
        locked[:] = 0
    cutoff = draw(st.sampled_from([np.inf, 25.0]))
    metres[np.arange(n), rng.integers(0, m, n)] *= 0.5
    return weight, np.where(metres <= cutoff, metres, np.inf), fixed, locked, max(1, p)


@settings(max_examples=150, deadline=None)
@given(instances())
def test_p_median_equals_enumeration(instance):
    weight, metres, fixed, locked, p = instance
    problem = make_problem(weight, distances_from_matrix(metres), p=p, fixed_cost=fixed, locked=locked)
    if not np.isfinite(metres[:, locked >= 0]).any(axis=1).all():
        with pytest.raises(InputError):
            p_median.solve(problem)
        return
    with np.errstate(invalid="ignore"):
        best = enumerate_best(np.maximum(weight, 1e-300), metres, fixed, locked, [p])
    found = p_median.solve(problem)
    if not np.isfinite(best):
        assert found.report.status == "infeasible"
        return
    assert found.report.status == "optimal"
    assert found.report.objective == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert found.report.bound <= best + 1e-9 * max(1.0, best)
    assert len(found.open_sites) == p
    assert all(locked[j] >= 0 for j in found.open_sites)
    assert set(np.flatnonzero(locked > 0)) <= set(found.open_sites)
    assert set(found.allocation) == set(range(weight.size))


@settings(max_examples=150, deadline=None)
@given(instances())
def test_uncapacitated_equals_enumeration(instance):
    weight, metres, fixed, locked, _ = instance
    if not np.isfinite(metres[:, locked >= 0]).any(axis=1).all():
        return
    problem = make_problem(weight, distances_from_matrix(metres), fixed_cost=fixed, locked=locked)
    best = enumerate_best(np.maximum(weight, 1e-300), metres, fixed, locked, range(1, metres.shape[1] + 1))
    found = uncapacitated.solve(problem)
    assert found.report.status == "optimal"
    assert found.report.objective == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert set(np.flatnonzero(locked > 0)) <= set(found.open_sites)


def plane(n, seed=3):
    points = np.random.default_rng(seed).integers(0, 1000, (n, 2))
    return np.floor(np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1)))


def test_limits_give_feasible_with_a_valid_bound():
    problem = make_problem(np.ones(120), distances_from_matrix(plane(120)), p=6)
    full = p_median.solve(problem)
    assert full.report.status == "optimal"
    cut = p_median.solve(problem, limits=SolveLimits(node_limit=0, relative_gap=0.0))
    assert cut.report.bound <= full.report.objective <= cut.report.objective
    loose = p_median.solve(problem, limits=SolveLimits(relative_gap=0.2))
    assert loose.report.gap <= 0.2
    assert loose.report.bound <= full.report.objective
    late = p_median.solve(problem, limits=SolveLimits(time_limit_s=0.0))
    assert late.report.bound <= full.report.objective <= late.report.objective
    assert late.report.status in ("feasible", "optimal")


def test_same_input_same_answer_and_events_never_widen():
    problem = make_problem(np.ones(80), distances_from_matrix(plane(80)), p=5)
    gaps = []
    first = p_median.solve(problem, listener=lambda event: gaps.append(event.gap))
    assert first == p_median.solve(problem)
    assert gaps and gaps == sorted(gaps, reverse=True)


def test_cutoff_that_strands_demand_names_it():
    metres = plane(20)
    metres[7, :] = np.inf
    with pytest.raises(InputError) as raised:
        p_median.solve(make_problem(np.ones(20), distances_from_matrix(metres), p=3))
    assert {problem.value for problem in raised.value.problems} == {"d7"}


def test_constraints_it_cannot_keep_are_refused():
    side = SideConstraints(requires=((0, 1),))
    problem = make_problem(np.ones(20), distances_from_matrix(plane(20)), p=3, side=side)
    with pytest.raises(UsageError):
        p_median.solve(problem)
    with pytest.raises(UsageError):
        p_median.solve(make_problem(np.ones(20), distances_from_matrix(plane(20)), p=3, capacity=np.full(20, 9.0)))


def test_common_unit():
    assert common_unit(np.array([6.0, 9.0, 0.0])) == 3.0
    assert common_unit(np.array([0.0])) == 1.0
    assert common_unit(np.array([0.5, 2.0])) == 0.0


@pytest.mark.data
@pytest.mark.skipif(not BENCHMARKS.exists(), reason="public instances are not here")
@pytest.mark.parametrize(("name", "optimum"), [("pmed1", 5819.0), ("pmed8", 4445.0), ("pmed12", 6634.0)])
def test_or_library_optima(name, optimum, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from siting_families.parsers import read_pmed

    # Repeated edges decide: were the shorter one taken and not the last, pmed1 would cost 5718.

    metres, p = read_pmed(BENCHMARKS / "instances" / f"{name}.txt")
    found = p_median.solve(make_problem(np.ones(metres.shape[0]), distances_from_matrix(metres), p=p))
    assert (found.report.status, found.report.objective) == ("optimal", optimum)
    assert "siting_families.parsers" in sys.modules
