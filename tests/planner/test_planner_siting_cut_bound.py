"""Cuts on triples: no choice is cut off, separation equals enumeration, what multipliers prove is never below the best."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from planner.siting.coverage_engine.cover import cover_of
from planner.siting.coverage_engine.cut_bound import CutEffort, CutSearch, cut_matrices, effort_for, violated
from planner.siting.coverage_engine.cut_kernels import grow_block
from planner.siting.coverage_engine.dual import Ascent, decided, first_multipliers, improve
from planner.siting.coverage_engine.engine import CoverLimits, maximise


def random_cover(seed, rows, sites, *, priced=False, density=0.3):
    rng = np.random.default_rng(seed)
    full = rng.random((rows, sites)) < density
    cost = rng.integers(1, 6, sites).astype(float) if priced else None
    return full, cover_of(sparse.csr_array(full.astype(np.int8)), rng.integers(1, 30, rows).astype(float), cost=cost)


def choices(full, cover, budget):
    sites = full.shape[1]
    cost = cover.cost if cover.cost.size else np.ones(sites)
    for count in range(sites + 1):
        for chosen in map(list, itertools.combinations(range(sites), count)):
            if cost[chosen].sum() <= budget + 1e-9:
                yield set(chosen), float(cover.weight[full[:, chosen].any(axis=1)].sum())


def odd_ring(copies):
    """Return rings of three rows, each pair of which one site covers: halves of the sites cover all."""
    ring = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=np.int8)
    return cover_of(sparse.csr_array(np.kron(np.eye(copies, dtype=np.int8), ring)), np.full(3 * copies, 10.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_no_choice_violates_a_cut(seed):
    full, _cover = random_cover(seed, 7, 6)
    pattern = sparse.csr_array(full.astype(float))
    triples = np.array(list(itertools.combinations(range(7), 3)))
    member, coefficient = cut_matrices(pattern, triples)
    for chosen in itertools.product((0.0, 1.0), repeat=6):
        share = np.array(chosen)
        counted = np.minimum(pattern @ share, 1.0)
        assert (member @ counted <= 1.0 + coefficient @ share + 1e-12).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_separation_equals_enumeration(seed):
    full, _ = random_cover(seed, 9, 7, density=0.4)
    pattern = sparse.csr_array(full.astype(float))
    share = np.random.default_rng(seed).choice([0.0, 0.25, 0.5, 1.0], 7)
    counted = np.minimum(pattern @ share, np.random.default_rng(seed + 1).choice([0.6, 1.0], 9))
    found, violation = violated(pattern, share, counted)
    triples = np.array(list(itertools.combinations(range(9), 3)))
    member, coefficient = cut_matrices(pattern, triples)
    amount = member @ counted - 1.0 - coefficient @ share
    assert found.tolist() == triples[amount > 0.02].tolist()
    np.testing.assert_allclose(violation, amount[amount > 0.02])


def test_halves_of_an_odd_ring_are_cut_off():
    cover = odd_ring(4)
    # One site of a ring covers 20, two cover 30; halves of all three would cover 30 for one and a half.
    dual = improve(cover, 6.0, 90.0, first_multipliers(cover), Ascent(300, 1.0, 10, 1e-5))
    assert dual.bound >= 120.0 - 1e-6
    search = CutSearch(cover, 6.0, dual.multiplier, CutEffort(cover.row_count, 4, 1))
    assert 100.0 - 1e-6 <= search.run(lambda: 60.0).bound <= 100.0 + 1e-4
    pattern = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=float))
    found, violation = violated(pattern, np.full(3, 0.5), np.ones(3))
    assert found.tolist() == [[0, 1, 2]]
    assert violation.tolist() == [0.5]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([5, 9, 26]))
def test_bound_is_never_below_the_best_and_decided_sites_are_right(seed, priced, block):
    full, cover = random_cover(seed, 26, 9, priced=priced, density=0.22)
    budget = 7.0 if priced else 3.0
    search = CutSearch(cover, budget, 0.5 * cover.weight, CutEffort(block, 3, 2, 0.3))
    found = search.run(lambda: 60.0)
    best = max(weight for _, weight in choices(full, cover, budget))
    assert found.bound >= best - 1e-9
    must, never = decided(found.excess, found.level, best)
    for chosen, weight in choices(full, cover, budget):
        if weight >= best:
            assert set(np.flatnonzero(must)) <= chosen
            assert not chosen & set(np.flatnonzero(never))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_any_multipliers_prove_a_bound(seed):
    full, cover = random_cover(seed, 12, 8)
    rng = np.random.default_rng(seed)
    search = CutSearch(cover, 3.0, rng.uniform(0.0, 1.5, 12) * cover.weight, CutEffort(12, 1, 1))
    search.triples = np.array([sorted(rng.choice(12, 3, replace=False)) for _ in range(6)])
    search.price = rng.uniform(0.0, 20.0, 6)
    assert search.proof().bound >= max(weight for _, weight in choices(full, cover, 3.0)) - 1e-9


def test_blocks_take_every_row_once_and_the_clock_ends_a_sweep():
    _, cover = random_cover(3, 60, 20, density=0.1)
    is_left, place = np.ones(60, dtype=np.bool_), np.empty(13, dtype=np.int64)
    taken = []
    while is_left.any():
        taken += place[: grow_block(cover.arrays, int(np.argmax(is_left)), is_left, place)].tolist()
    assert sorted(taken) == list(range(60))
    search = CutSearch(cover, 3.0, 0.5 * cover.weight, effort_for(cover))
    found = search.run(lambda: 0.0)
    assert found.was_cut
    assert found.bound == search.proof().bound


def test_engine_with_cuts_is_proved_where_the_relaxation_is_not():
    cover = odd_ring(30)
    told = []
    limits = CoverLimits(rounds=1, finish_pairs=0, windows_per_site=0.0, time_limit_s=30.0)
    answer = maximise(cover, 45.0, limits, whole=True, tell=lambda weight, bound: told.append((weight, bound)))
    assert answer.weight == answer.bound == 750.0
    assert all(bound >= 750.0 for _, bound in told)
