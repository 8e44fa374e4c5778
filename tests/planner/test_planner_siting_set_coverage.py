"""Set covering: brute force, one test an option, honest bounds, refusals that name everybody, kernels against numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geodata.errors import InputError
from planner.engines.compiled import part_alone
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.coverage_engine import covering_kernels
from planner.siting.coverage_engine.cover import cover_of
from planner.siting.coverage_engine.covering import minimise
from planner.siting.coverage_engine.engine import CoverLimits
from planner.siting.models import set_coverage
from planner.siting.selection import SolveLimits


def random_cover(rng, rows, sites, density=0.35, *, times=1):
    full = rng.random((rows, sites)) < density
    for i in range(rows):
        full[i, rng.permutation(sites)[:times]] = True
    cost = rng.integers(0, 9, sites).astype(float)
    return full, cover_of(sparse.csr_array(full.astype(np.int8)), np.ones(rows), cost=cost)


def cheapest(full, cost, need):
    sites = full.shape[1]
    return min(
        cost[list(chosen)].sum()
        for count in range(sites + 1)
        for chosen in itertools.combinations(range(sites), count)
        if (full[:, list(chosen)].sum(axis=1) >= need).all()
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_engine_equals_enumeration_and_says_so(seed, times):
    rng = np.random.default_rng(seed)
    full, cover = random_cover(rng, 12, 9, times=times)
    need = rng.integers(0, times + 1, 12).astype(float)
    answer = minimise(cover, need, CoverLimits(), whole=True)
    assert answer.weight == cheapest(full, cover.cost, need) == answer.bound
    assert (full[:, answer.chosen].sum(axis=1) >= need).all()
    assert cover.cost[answer.chosen].sum() == answer.weight


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_any_multipliers_prove_a_bound(seed):
    rng = np.random.default_rng(seed)
    full, cover = random_cover(rng, 12, 9)
    need, reduced = np.ones(12), np.empty(9)
    best = cheapest(full, cover.cost, need)
    u = rng.random(12) * 3
    bound = covering_kernels.lower_bound(cover.arrays, need, u, reduced)
    assert bound <= best + 1e-9
    np.testing.assert_allclose(reduced, cover.cost - u @ full)
    assert bound == pytest.approx(u.sum() + np.minimum(reduced, 0).sum())
    raised, _ = covering_kernels.raise_bound(cover.arrays, need, u, best + 1.0, np.array([50.0, 1.0, 10.0, 1e-4]))
    assert bound - 1e-9 <= raised <= best + 1e-9
    assert covering_kernels.lower_bound(cover.arrays, need, u, reduced) == pytest.approx(raised)


@pytest.mark.parametrize("seed", range(12))
def test_tiny_limits_never_claim_what_is_not_proved(seed):
    rng = np.random.default_rng(seed)
    full, cover = random_cover(rng, 14, 9, 0.25)
    best = cheapest(full, cover.cost, np.ones(14))
    for limits in (
        CoverLimits(time_limit_s=0.0),
        CoverLimits(rounds=1, most_moves=1, finish_pairs=0),
        CoverLimits(relative_gap=0.5),
    ):
        answer = minimise(cover, np.ones(14), limits, whole=True)
        assert answer.bound <= best <= answer.weight
        assert full[:, answer.chosen].any(axis=1).all()


@pytest.mark.parametrize("seed", range(6))
def test_row_weighting_keeps_its_books_and_never_gets_worse(seed):
    rng = np.random.default_rng(seed)
    full, cover = random_cover(rng, 30, 14, 0.2, times=2)
    arrays, need = cover.arrays, rng.integers(1, 3, 30).astype(float)
    state = part_alone(covering_kernels.nothing_open)(arrays, need)
    is_open, short = np.zeros(14, bool), 30
    for j in [2, 5, 7, 2, 9, 11, 5, 2]:
        short = part_alone(covering_kernels.flip)(arrays, need, state, is_open, j, short)
        times = full[:, is_open].sum(axis=1)
        np.testing.assert_array_equal(state.times, times)
        assert set(state.short[:short]) == set(np.flatnonzero(times < need))
        for k in range(14):
            rows = times <= need if is_open[k] else times < need
            assert state.score[k] == pytest.approx(state.weight[full[:, k] & rows].sum())
    start = np.ones(14, bool)
    found = covering_kernels.weigh_rows(arrays, need, start, 400, np.array([9], np.uint64))
    assert (full[:, found].sum(axis=1) >= need).all()
    assert cover.cost[found].sum() <= cover.cost.sum()


def test_greedy_covers_and_spare_sites_go():
    full, cover = random_cover(np.random.default_rng(1), 20, 10, times=2)
    need = np.full(20, 2.0)
    is_open = np.zeros(10, bool)
    assert covering_kernels.greedy_cover(cover.arrays, need, np.zeros(20), is_open)
    assert (full[:, is_open].sum(axis=1) >= 2).all()
    everything = np.ones(10, bool)
    covering_kernels.drop_spare(cover.arrays, need, np.arange(10), everything)
    assert (full[:, everything].sum(axis=1) >= 2).all()
    for j in np.flatnonzero(everything):
        less = everything.copy()
        less[j] = False
        assert (full[:, less].sum(axis=1) < 2).any()
    impossible = np.full(20, 11.0)
    assert not covering_kernels.greedy_cover(cover.arrays, impossible, np.zeros(20), np.zeros(10, bool))


def test_implied_rows_go_and_of_two_alike_the_first_stays():
    full = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=np.int8)
    cover = cover_of(sparse.csr_array(full), np.ones(5), cost=np.ones(3))
    keep = np.ones(5, bool)
    covering_kernels.mark_implied(cover.arrays, np.ones(5), keep)
    assert keep.tolist() == [False, True, False, True, False]
    keep[:] = True
    covering_kernels.mark_implied(cover.arrays, np.array([2.0, 1.0, 1.0, 1.0, 1.0]), keep)
    assert keep.tolist() == [True, True, False, True, False]


# --- the model and its options --------------------------------------------------------------------------------------

#: Villages at 0, 1, 2, 10 km; sites at 0, 1, 2 and 10 km.
LINE = np.abs(np.array([0.0, 1.0, 2.0, 10.0])[:, None] - np.array([0.0, 1.0, 2.0, 10.0])[None])


def line(**fields):
    return make_problem(np.ones(4), distances_from_matrix(LINE), **fields)


def test_fewest_sites():
    found = set_coverage.solve(line(), radius=1.0)
    assert (found.open_sites, found.report.objective, found.report.status) == ((1, 3), 2.0, "optimal")
    assert found.allocation[0] == ((1, 1.0),)
    assert found.unserved == {}


def test_cheapest_sites():
    dear = line(fixed_cost=np.array([1.0, 9.0, 1.0, 2.0]))
    found = set_coverage.solve(dear, radius=1.0)
    assert (found.open_sites, found.report.objective) == ((0, 2, 3), 4.0)


def test_twice_and_who_cannot_be():
    near = make_problem(np.ones(3), distances_from_matrix(LINE[:3, :3]))
    assert set_coverage.solve(near, radius=1.0, times=2).report.objective == 3.0
    with pytest.raises(InputError) as caught:
        set_coverage.solve(line(), radius=1.0, times=2)
    assert [p.code for p in caught.value.problems] == ["siting_models_too_few_near"]
    assert "d3" in caught.value.problems[0].text("en") or caught.value.problems[0].value == "d3"


def test_locks_and_own_radii():
    assert set_coverage.solve(line(locked=np.array([1, 0, 0, 0], np.int8)), radius=2.0).open_sites == (0, 3)
    assert set_coverage.solve(line(locked=np.array([0, -1, 0, 0], np.int8)), radius=1.0).report.objective == 3.0
    own = set_coverage.solve(line(), radius=2.0, site_radius=(0.0, 0.0, 2.0, 0.0))
    assert own.open_sites == (2, 3)
    narrow = set_coverage.solve(line(), radius=2.0, demand_radius=(0.0, 2.0, 2.0, 2.0))
    assert narrow.open_sites == (0, 3)


def test_at_most_p_sites():
    assert set_coverage.solve(line(p=2), radius=1.0).report.objective == 2.0
    assert set_coverage.solve(line(p=1), radius=1.0).report.status == "infeasible"
    # Three cheap sites would do, but only two may stand.
    tight = line(p=2, fixed_cost=np.array([1.0, 9.0, 1.0, 2.0]))
    assert set_coverage.solve(tight, radius=1.0).open_sites == (1, 3)


def test_other_side_constraints_go_to_the_general_engine():
    found = set_coverage.solve(line(side=SideConstraints(conflicts=((1, 3),))), radius=1.0)
    assert found.open_sites == (0, 2, 3)


def test_stranded_demand_is_named_and_nobody_is_dropped():
    far = np.where(LINE > 3, np.inf, LINE)[:, :3]
    problem = make_problem(np.ones(4), distances_from_matrix(far))
    with pytest.raises(InputError) as caught:
        set_coverage.solve(problem, radius=0.5, site_radius=(0.5, 0.2, 0.1))
    assert [(p.code, p.value) for p in caught.value.problems] == [("siting_models_stranded", "d3")]
    with pytest.raises(InputError) as caught:
        set_coverage.solve(make_problem(np.ones(4), distances_from_matrix(LINE[:, [3]])), radius=1.0)
    assert [(p.code, p.value) for p in caught.value.problems] == [
        ("siting_models_beyond_radius", f"d{i}") for i in range(3)
    ]


def test_bad_figures_are_refused():
    with pytest.raises(InputError):
        set_coverage.solve(line(fixed_cost=np.array([1.0, np.nan, 1.0, 1.0])), radius=1.0)
    with pytest.raises(InputError):
        set_coverage.solve(line(fixed_cost=np.array([1.0, -2.0, 1.0, 1.0])), radius=1.0)


def test_larger_instance_is_honest_and_deterministic():
    rng = np.random.default_rng(11)
    points = rng.random((250, 2))
    metres = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    problem = make_problem(np.ones(250), distances_from_matrix(metres, cutoff=0.2))
    limits = SolveLimits(node_limit=20, iteration_limit=3000, relative_gap=0.0)
    one, two = (set_coverage.solve(problem, radius=0.12, limits=limits) for _ in range(2))
    assert one.open_sites == two.open_sites
    assert one.report == two.report
    assert one.report.bound <= one.report.objective == len(one.open_sites)
    assert metres[:, list(one.open_sites)].min(axis=1).max() <= 0.12
    assert one.report.status == ("optimal" if one.report.bound == one.report.objective else "feasible")
