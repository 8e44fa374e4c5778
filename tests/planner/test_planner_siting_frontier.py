"""Frontier: bounds hold at every budget, the order is nested, its regret adds up, options, refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geodata.errors import InputError
from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.coverage_engine.cover import cover_of
from planner.siting.frontier import FrontierLimits, coverage_frontier, frontier_of

QUICK = FrontierLimits(knots=3, moves=3000, steps=60, rounds=1)


def random_cover(rng, rows, sites, cost=None):
    full = rng.random((rows, sites)) < 0.25
    return full, cover_of(sparse.csr_array(full.astype(np.int8)), rng.integers(1, 20, rows).astype(float), cost=cost)


def best_weights(full, weight, cost, budgets):
    best = np.zeros(len(budgets))
    for count in range(full.shape[1] + 1):
        for chosen in map(list, itertools.combinations(range(full.shape[1]), count)):
            covered = weight[full[:, chosen].any(axis=1)].sum()
            best = np.where(cost[chosen].sum() <= np.asarray(budgets) + 1e-9, np.maximum(best, covered), best)
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_bound_and_choice_enclose_the_best_at_every_budget(seed, priced):
    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 9, 9).astype(float) if priced else None
    full, cover = random_cover(rng, 15, 9, cost)
    budgets = np.array([2.0, 5.0, 9.0, 14.0]) if priced else None
    found = coverage_frontier(cover, budgets=budgets, limits=QUICK)
    best = best_weights(full, cover.weight, cost if cost is not None else np.ones(9), found.budgets)
    assert (found.covered <= best + 1e-9).all()
    assert (found.bound >= best - 1e-9).all()
    assert (np.diff(found.covered) >= 0).all()
    assert (found.gap >= 0).all()


@pytest.mark.parametrize("priced", [False, True])
def test_order_is_one_plan_and_its_regret_is_what_it_lacks(priced):
    rng = np.random.default_rng(3)
    cost = rng.integers(1, 9, 20).astype(float) if priced else None
    full, cover = random_cover(rng, 60, 20, cost)
    found = coverage_frontier(cover, limits=QUICK)
    assert len(set(found.order.tolist())) == found.order.size
    price = cost if cost is not None else np.ones(20)
    np.testing.assert_allclose(found.order_spent, np.cumsum(price[found.order]))
    for place in range(found.order.size):
        assert found.order_covered[place] == cover.weight[full[:, found.order[: place + 1]].any(axis=1)].sum()
    for k, budget in enumerate(found.budgets):
        within = found.order_covered[found.order_spent <= budget + 1e-9]
        have = within[-1] if within.size else 0.0
        assert found.regret[k] == pytest.approx((found.covered[k] - have) / max(found.covered[k], 1e-9))
    for knot, choice in zip(found.knots, found.knot_choices, strict=True):
        assert price[choice].sum() <= knot + 1e-9
        assert cover.covered(choice) <= found.covered[np.searchsorted(found.budgets, knot)] + 1e-9
    assert found.total == cover.weight.sum()


def test_whole_range_ends_where_all_is_covered():
    full = np.eye(5, dtype=np.int8)
    found = coverage_frontier(cover_of(sparse.csr_array(full), np.array([5.0, 4.0, 3.0, 2.0, 1.0])), limits=QUICK)
    assert found.budgets.tolist() == [1, 2, 3, 4, 5]
    assert found.covered.tolist() == [5, 9, 12, 14, 15]
    np.testing.assert_allclose(found.bound, found.covered, rtol=0.02)
    assert found.order.tolist() == [0, 1, 2, 3, 4]
    assert found.regret.tolist() == [0.0] * 5
    assert found.certified_share(0.02) == 1.0


def test_same_seed_same_frontier_and_progress_is_told():
    rng = np.random.default_rng(9)
    _, cover = random_cover(rng, 80, 30)
    told = []
    one = coverage_frontier(cover, limits=QUICK, listener=lambda event: told.append((event.done, event.total)))
    two = coverage_frontier(cover, limits=QUICK)
    assert one.order.tolist() == two.order.tolist()
    assert one.bound.tolist() == two.bound.tolist()
    assert told == [(k + 1, one.knots.size) for k in range(one.knots.size)]


#: Villages at 0, 1, 2, 10 km with 10, 20, 30, 40 persons; sites at 0, 2 and 10 km.
LINE = np.abs(np.array([0.0, 1.0, 2.0, 10.0])[:, None] - np.array([0.0, 2.0, 10.0])[None])
PEOPLE = np.array([10.0, 20.0, 30.0, 40.0])


def line(**fields):
    return make_problem(PEOPLE, distances_from_matrix(LINE), **fields)


def test_frontier_of_a_problem():
    found = frontier_of(line(), radius=1.0, limits=QUICK)
    assert found.covered.tolist() == [50.0, 90.0, 100.0]
    assert found.order.tolist() == [1, 2, 0]
    assert frontier_of(line(p=2), radius=1.0, limits=QUICK).covered.tolist() == [50.0, 90.0]
    half = frontier_of(line(), radius=1.0, decay_end=3.0, limits=QUICK)
    assert half.covered[0] == pytest.approx(55.0)


def test_existing_and_locked_sites_stand_from_the_beginning():
    there = line(is_existing=np.array([False, True, False]), locked=np.array([0, 0, -1], np.int8))
    found = frontier_of(there, radius=1.0, limits=QUICK)
    assert found.order.tolist() == [0]
    assert found.covered.tolist() == [60.0]
    assert found.order_covered.tolist() == [60.0]


def test_budgets_of_money():
    found = frontier_of(line(capex_cny=np.array([1.0, 6.0, 3.0])), radius=1.0, budgets=(3.0, 6.0, 9.0), limits=QUICK)
    assert found.covered.tolist() == [40.0, 70.0, 90.0]


def test_nothing_in_reach_or_affordable():
    nobody = frontier_of(line(locked=np.array([-1, 0, -1], np.int8)), radius=1.0, budgets=(), limits=QUICK)
    assert nobody.covered.tolist() == [50.0]
    apart = make_problem(PEOPLE, distances_from_matrix(LINE + 50.0))
    none = frontier_of(apart, radius=1.0, limits=QUICK)
    assert (none.budgets.size, none.order.size, none.certified_share(0.01)) == (0, 0, 1.0)
    poor = frontier_of(line(capex_cny=np.full(3, 8.0)), radius=1.0, budgets=(1.0, 2.0), limits=QUICK)
    assert poor.covered.tolist() == [0.0, 0.0]
    assert (poor.bound >= 0).all()
    assert poor.order.size == 0


def test_refusals():
    for budgets in ((3.0, 2.0), (0.0, 1.0), (1.0, np.nan)):
        with pytest.raises(InputError):
            frontier_of(line(), radius=1.0, budgets=budgets)
    with pytest.raises(InputError):
        frontier_of(make_problem(PEOPLE - 30, distances_from_matrix(LINE)), radius=1.0)
