"""Bound over all budgets: kernels against numpy twins, never below the best choice, tighter after ascents."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from planner.siting.coverage_engine.cover import cover_of
from planner.siting.coverage_engine.curve_bound import CurveBound
from planner.siting.coverage_engine.curve_kernels import Stamps, differing, fill_row_best, packed


def random_cover(seed, rows, sites, *, priced=False):
    rng = np.random.default_rng(seed)
    full = rng.random((rows, sites)) < 0.3
    cost = rng.integers(0, 6, sites).astype(float) if priced else None
    return full, cover_of(sparse.csr_array(full.astype(np.int8)), rng.integers(1, 30, rows).astype(float), cost=cost)


def test_kernels_against_numpy():
    full, cover = random_cover(4, 40, 12)
    score = np.random.default_rng(5).random(12)
    best = np.empty(40)
    fill_row_best(cover.arrays, score, best)
    np.testing.assert_array_equal(best, (full * score).max(axis=1))
    sites = np.array([7, 2, 9])
    start, row = packed(cover.arrays, sites)
    for place, j in enumerate(sites):
        assert row[start[place] : start[place + 1]].tolist() == np.flatnonzero(full[:, j]).tolist()


def test_one_of_a_cluster_enters_the_core():
    full = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], dtype=np.int8)
    cover = cover_of(sparse.csr_array(full), np.array([4.0, 3.0, 2.0, 1.0]))
    is_core = np.zeros(4, dtype=np.bool_)
    stamps = Stamps(np.zeros(4, np.int64), 1)
    found = differing(cover.arrays, cover.weight, np.array([0, 1, 3, 2]), is_core, stamps)
    assert found.tolist() == [0, 2]
    is_core[0] = True
    again = differing(cover.arrays, cover.weight, np.array([0, 1, 3, 2]), is_core, Stamps(stamps.row, 2))
    assert again.tolist() == [1, 3, 2]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.floats(1.0, 9.0))
def test_bound_never_below_the_best_choice(seed, priced, knot):
    full, cover = random_cover(seed, 14, 8, priced=priced)
    cost = cover.cost if priced else np.ones(8)
    budgets = np.arange(1.0, 10.0)
    curve = CurveBound(cover, budgets, np.ones(8, dtype=np.bool_))
    curve.start(knot, 10.0)
    curve.improve(knot, 20.0, 30, 2)
    for count in range(9):
        for chosen in map(list, itertools.combinations(range(8), count)):
            within = cost[chosen].sum() <= budgets
            covered = cover.weight[full[:, chosen].any(axis=1)].sum()
            assert (curve.bound[within] >= covered - 1e-9).all()


@pytest.mark.parametrize("core", [8, 30])
def test_ascents_tighten_the_bound_and_extend_a_core_that_is_too_small(core):
    _, cover = random_cover(8, 120, 30)
    budgets = np.arange(1.0, 12.0)
    is_core = np.arange(30) < core
    curve = CurveBound(cover, budgets, is_core.copy())
    before = curve.bound.copy()
    curve.improve(2.0, 0.5 * cover.weight.sum(), 60, 5)
    assert (curve.bound <= before).all()
    assert curve.bound[1] < 0.97 * before[1]
    assert core == 30 or curve.is_core.sum() > 8
    assert (curve.is_core >= is_core).all()
