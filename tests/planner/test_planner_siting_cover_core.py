"""Core of maximal covering: whatever the core yields, the bound holds; a decided instance is proved by it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from planner.siting.coverage_engine import engine
from planner.siting.coverage_engine.cover import cover_of
from planner.siting.coverage_engine.dual import Ascent, Dual, bound_at, core_goal, fixable, worthiest


def random_cover(seed, *, priced):
    rng = np.random.default_rng(seed)
    full = rng.random((24, 9)) < 0.3
    cost = rng.integers(1, 6, 9).astype(float) if priced else None
    return full, cover_of(sparse.csr_array(full.astype(np.int8)), rng.integers(1, 30, 24).astype(float), cost=cost)


def choices(full, cover, budget):
    cost = cover.cost if cover.cost.size else np.ones(9)
    for count in range(10):
        for chosen in map(list, itertools.combinations(range(9), count)):
            if cost[chosen].sum() <= budget + 1e-9:
                yield set(chosen), cover.weight[full[:, chosen].any(axis=1)].sum()


def bounded(cover, budget):
    search = engine._Search(cover, budget, engine.CoverLimits(), whole=True, tell=lambda _weight, _bound: None)
    search.stop = search.limits.clock() + 60.0
    search.weight, search.bound = 0.0, float(cover.weight.sum())
    search._bound_more(Ascent(200, 1.0, 10, 1e-4))
    return search


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 60))
def test_bound_holds_and_nothing_outside_the_core_reaches_the_goal(seed, priced, most_pairs):
    full, cover = random_cover(seed, priced=priced)
    budget = 8.0 if priced else 3.0
    search = bounded(cover, budget)
    dual = Dual(bound_at(cover, budget, search.multiplier), search.multiplier)
    goal = core_goal(cover, budget, dual, most_pairs)
    must, never = fixable(cover, budget, dual, goal)
    best = 0.0
    for chosen, weight in choices(full, cover, budget):
        best = max(best, weight)
        inside = set(np.flatnonzero(must)) <= chosen and not chosen & set(np.flatnonzero(never))
        assert inside or weight < goal + 1e-9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_CORE_PAIRS", most_pairs)
        search._core()
    assert search.weight <= best + 1e-9
    assert search.bound >= best - 1e-9


def test_core_proves_what_the_multipliers_decide():
    cover = cover_of(sparse.csr_array(np.eye(6, dtype=np.int8)), np.array([9.0, 8.0, 7.0, 3.0, 2.0, 1.0]))
    search = bounded(cover, 3.0)
    search._core()
    assert (search.weight, search.bound) == (24.0, 24.0)
    assert sorted(search.chosen.tolist()) == [0, 1, 2]


def test_worthiest_sites_count_cost():
    pairs = sparse.csr_array(np.eye(4, dtype=np.int8))
    weight = np.array([8.0, 6.0, 4.0, 2.0])
    assert worthiest(cover_of(pairs, weight), weight, 0.3).tolist() == [True, False, False, False]
    dear = cover_of(pairs, weight, cost=np.array([8.0, 6.0, 1.0, 2.0]))
    assert worthiest(dear, weight, 0.3).tolist() == [False, False, True, False]
