"""Maximal covering.

Brute force on small instances, one test an option, honest bounds, refusals, kernels against numpy.
"""

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
from planner.siting.coverage_engine import kernels, moves
from planner.siting.coverage_engine.cover import cover_of, merged, part_of, without_dominated
from planner.siting.coverage_engine.dual import Ascent, bound_at, first_multipliers, fixable, improve, site_values
from planner.siting.coverage_engine.engine import CoverLimits, maximise
from planner.siting.coverage_engine.exact import solve_cover
from planner.siting.models import max_coverage
from planner.siting.p_median.kernels import select
from planner.siting.selection import SolveLimits


def random_cover(rng, rows, sites, density=0.3, cost=None):
    pattern = sparse.csr_array((rng.random((rows, sites)) < density).astype(np.int8))
    return cover_of(pattern, rng.integers(1, 20, rows).astype(float), cost=cost)


def dense(cover):
    full = np.zeros((cover.row_count, cover.site_count), dtype=bool)
    for i in range(cover.row_count):
        full[i, cover.row_site[cover.row_start[i] : cover.row_start[i + 1]]] = True
    return full


def best_weight(full, weight, cost, budget):
    most = 0.0
    for count in range(full.shape[1] + 1):
        for chosen in itertools.combinations(range(full.shape[1]), count):
            if cost[list(chosen)].sum() <= budget + 1e-9:
                most = max(most, float(weight[full[:, list(chosen)].any(axis=1)].sum()))
    return most


# --- engine ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_engine_equals_enumeration_and_says_so(seed, priced):
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 9, 8).astype(float) if priced else None
    cover = random_cover(rng, 14, 8, cost=cost)
    budget = float(rng.integers(1, 16)) if priced else float(rng.integers(1, 5))
    answer = maximise(cover, budget, CoverLimits(), whole=True)
    price = cost if cost is not None else np.ones(8)
    assert answer.weight == best_weight(dense(cover), cover.weight, price, budget)
    assert answer.bound == answer.weight
    assert cover.covered(answer.chosen) == answer.weight
    assert cover.spent(answer.chosen) <= budget


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_any_multipliers_prove_a_bound_and_fixing_keeps_the_best(seed, priced):
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 9, 8).astype(float) if priced else None
    cover = random_cover(rng, 14, 8, cost=cost)
    budget = float(rng.integers(1, 12)) if priced else float(rng.integers(1, 6))
    full, price = dense(cover), cost if cost is not None else np.ones(8)
    best = best_weight(full, cover.weight, price, budget)
    assert bound_at(cover, budget, rng.random(14) * cover.weight) >= best - 1e-9
    dual = improve(cover, budget, 0.0, first_multipliers(cover), Ascent(steps=60))
    assert best - 1e-9 <= dual.bound <= bound_at(cover, budget, first_multipliers(cover)) + 1e-9
    must, never = fixable(cover, budget, dual, best)
    good = [
        chosen
        for count in range(9)
        for chosen in itertools.combinations(range(8), count)
        if price[list(chosen)].sum() <= budget and cover.weight[full[:, list(chosen)].any(axis=1)].sum() >= best
    ]
    for chosen in good:
        assert set(np.flatnonzero(must)) <= set(chosen)
        assert not set(np.flatnonzero(never)) & set(chosen)


@pytest.mark.parametrize("seed", range(12))
def test_tiny_limits_never_claim_what_is_not_proved(seed):
    rng = np.random.default_rng(seed)
    cover = random_cover(rng, 16, 9, 0.25)
    best = best_weight(dense(cover), cover.weight, np.ones(9), 3.0)
    for limits in (
        CoverLimits(time_limit_s=0.0),
        CoverLimits(rounds=1, moves_per_site=1, most_moves=1, finish_pairs=0, windows_per_site=0.0),
        CoverLimits(relative_gap=0.5),
    ):
        answer = maximise(cover, 3.0, limits, whole=True)
        assert answer.weight <= best <= answer.bound


def test_large_instance_is_deterministic_and_windows_only_improve():
    rng = np.random.default_rng(5)
    points = rng.random((700, 2))
    near = sparse.csr_array((((points[:, None] - points[None]) ** 2).sum(axis=2) < 0.006).astype(np.int8))
    cover = cover_of(near, rng.integers(1, 101, 700).astype(float))
    quick = CoverLimits(rounds=1, moves_per_site=100, finish_pairs=2000, node_limit=50)
    seen = []
    first = maximise(cover, 20.0, quick, whole=True, tell=lambda weight, bound: seen.append((weight, bound)))
    second = maximise(cover, 20.0, quick, whole=True)
    assert first.chosen.tolist() == second.chosen.tolist()
    assert (first.weight, first.bound) == (second.weight, second.bound)
    assert first.chosen.size <= 20
    weights, bounds = zip(*seen, strict=True)
    assert list(weights) == sorted(weights)
    assert list(bounds) == sorted(bounds, reverse=True)
    none = maximise(
        cover, 20.0, CoverLimits(rounds=1, moves_per_site=100, windows_per_site=0.0, finish_pairs=0), whole=True
    )
    assert first.weight >= none.weight
    assert first.bound <= 1.02 * first.weight


def test_reductions_keep_the_value_of_every_choice():
    rng = np.random.default_rng(3)
    pattern = (rng.random((30, 6)) < 0.4).astype(np.int8)
    cover = cover_of(sparse.csr_array(pattern), rng.integers(0, 9, 30).astype(float))
    small = merged(cover)
    assert small.row_count < cover.row_count
    for chosen in itertools.combinations(range(6), 2):
        assert small.covered(np.array(chosen)) == cover.covered(np.array(chosen))
    part = part_of(cover, np.array([True, True, False, True, True, True]), opened=np.array([2]))
    assert part.site.tolist() == [0, 1, 3, 4, 5]
    for chosen in itertools.combinations(range(5), 2):
        whole = np.append(part.site[list(chosen)], 2)
        assert part.base + part.covered(np.array(chosen)) == cover.covered(whole)


def test_dominated_sites_go_and_of_two_alike_the_first_stays():
    pattern = np.array([[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0]], dtype=np.int8)
    cover = cover_of(sparse.csr_array(pattern), np.ones(4))
    assert without_dominated(cover).site.tolist() == [0, 2]
    dear = cover_of(sparse.csr_array(pattern), np.ones(4), cost=np.array([5.0, 4.0, 1.0, 1.0]))
    assert without_dominated(dear).site.tolist() == [1, 2, 3]


def test_exact_finish_alone():
    rng = np.random.default_rng(8)
    cover = random_cover(rng, 20, 9)
    from planner.engines.mathopt import EngineLimits

    finish = solve_cover(cover, 3.0, np.array([0, 1, 2]), EngineLimits(0.0, 1000, 10.0, 1))
    best = best_weight(dense(cover), cover.weight, np.ones(9), 3.0)
    assert finish.chosen is not None
    assert cover.covered(finish.chosen) == best == pytest.approx(finish.bound)


# --- kernels and their twins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_kernels_equal_their_numpy_twins(seed):
    rng = np.random.default_rng(seed)
    cover = random_cover(rng, 25, 12)
    full, lam = dense(cover), rng.random(25)
    value = site_values(cover, lam)
    np.testing.assert_allclose(value, lam @ full)
    for count in (0, 1, 5, 12, 20):
        share = np.empty(12)
        total = part_alone(kernels.choose_count)(value, count, share)
        assert total == pytest.approx(np.sort(value)[::-1][:count].sum())
        assert share.sum() == min(count, 12)
        assert total == pytest.approx((share * value).sum())
    for rank in (1, 4, 12):
        assert part_alone(select)(value.copy(), value.size, value.size - rank) == np.sort(value)[::-1][rank - 1]
    slope = np.empty(25)
    part_alone(kernels.fill_slope)(cover.arrays, share, slope)
    np.testing.assert_allclose(slope, full @ share - 1)
    cost, budget = rng.integers(0, 6, 12).astype(float), 9.0
    bound = part_alone(kernels.choose_within)(value, cost, budget, share)
    assert bound == pytest.approx(_fractional(value, cost, budget))
    assert cost @ share <= budget + 1e-6
    direction, direction_twin = rng.normal(size=25), None
    direction_twin = 0.7 * direction + np.where((slope < 0) & (lam >= 1) | (slope > 0) & (lam <= 0), 0, slope)
    norm = part_alone(kernels.turn)(np.ones(25), lam, slope, direction)
    np.testing.assert_allclose(direction, direction_twin)
    assert norm == pytest.approx((direction_twin**2).sum())


def _fractional(value, cost, budget):
    total = value[cost == 0].sum()
    for j in sorted(np.flatnonzero(cost > 0), key=lambda k: -value[k] / cost[k]):
        part = min(1.0, budget / cost[j])
        total, budget = total + part * value[j], budget - part * cost[j]
    return total


@pytest.mark.parametrize("seed", range(5))
def test_moves_keep_gains_losses_and_the_greedy_order(seed):
    rng = np.random.default_rng(seed)
    cover = random_cover(rng, 30, 10)
    full, arrays = dense(cover), cover.arrays
    state = moves.fresh_state(arrays)
    touched = moves.Touched(np.empty(10, np.int64), np.zeros(10, np.int64))
    opened: set[int] = set()
    for mark, j in enumerate([3, 7, 1, 3, 9, 7], start=1):
        if j in opened:
            before = state.gain.copy()
            near = part_alone(moves.close_site)(arrays, state, j, touched, mark)
            assert set(touched.site[:near]) == set(np.flatnonzero(state.gain > before))
            opened.remove(j)
        else:
            moves.open_site(arrays, state, j)
            opened.add(j)
        chosen = sorted(opened)
        times = full[:, chosen].sum(axis=1)
        np.testing.assert_array_equal(state.times, times)
        np.testing.assert_allclose(state.gain, (cover.weight * (times == 0)) @ full)
        for k in chosen:
            assert state.loss[k] == pytest.approx(cover.weight[full[:, k] & (times == 1)].sum())
    worth = np.empty(4)
    order = moves.greedy(arrays, 4.0, np.array([2]), worth)
    covered = full[:, 2].copy()
    for place, j in enumerate(order):
        if place:
            gain = (cover.weight * ~covered) @ full
            assert gain[j] == gain.max()
            covered |= full[:, j]
        assert worth[place] == cover.weight[covered].sum()
    back = moves.peel(arrays, order)
    assert sorted(back) == sorted(order)
    losses = [cover.covered(order) - cover.covered(np.delete(order, k)) for k in range(4)]
    assert cover.covered(order) - cover.covered(back[:-1]) == min(losses)


def test_annealing_ends_no_worse_than_it_began_and_spread_stays_near():
    rng = np.random.default_rng(4)
    cover = random_cover(rng, 60, 30, 0.1)
    start = np.arange(5)
    word = np.array([77], np.uint64)
    weight, chosen = moves.anneal(cover.arrays, 5.0, start, np.array([2000.0, 20.0, 1.0]), word)
    assert weight == cover.covered(chosen) > cover.covered(start)
    assert len(set(chosen.tolist())) == chosen.size <= 5
    full = dense(cover)
    is_open = np.zeros(30, bool)
    is_open[[1, 2, 3]] = True
    inside = np.empty(30, bool)
    assert moves.spread(cover.arrays, is_open, 1, 1, inside) == 1
    assert inside.tolist() == [j == 1 for j in range(30)]
    assert moves.spread(cover.arrays, is_open, 1, 2, inside) == 2
    reach = full[:, inside].any(axis=1)
    assert (full[reach][:, inside].sum(axis=1) > 0).all()


def test_random_words_are_numbers_below_one():
    word = np.array([1], np.uint64)
    drawn = [part_alone(moves.chance_of)(word) for _ in range(4000)]
    assert min(drawn) >= 0.0 and max(drawn) < 1.0
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)


# --- the model and its options --------------------------------------------------------------------------------------

#: Villages at 0, 1, 2, 10 km with 10, 20, 30, 40 persons; sites at 0, 2 and 10 km.
LINE = np.abs(np.array([0.0, 1.0, 2.0, 10.0])[:, None] - np.array([0.0, 2.0, 10.0])[None])
PEOPLE = np.array([10.0, 20.0, 30.0, 40.0])


def line(**fields):
    return make_problem(PEOPLE, distances_from_matrix(LINE), **{"p": 1, **fields})


def test_radius_and_p():
    found = max_coverage.solve(line(), radius=1.0)
    assert (found.open_sites, found.report.objective, found.report.status) == ((1,), -50.0, "optimal")
    assert found.allocation == {1: ((1, 1.0),), 2: ((1, 1.0),)}
    assert set(found.unserved) == {0, 3}
    assert found.unserved[3] == "not_required"
    assert found.figures["covered_weight"] == 50.0
    assert max_coverage.solve(line(p=2), radius=1.0).open_sites == (1, 2)
    assert max_coverage.solve(line(), radius=2.0).report.objective == -60.0


def test_nobody_in_reach_is_said():
    problem = make_problem(PEOPLE, distances_from_matrix(np.where(LINE > 5, np.inf, LINE)[:, :2]), p=1)
    found = max_coverage.solve(problem, radius=1.0)
    assert found.unserved[3] == "no_site_in_reach"


def test_decay_counts_only_the_best_site():
    # From site 1: 30 at 0 km, 20 at 1 km, 10 at 2 km with share 0.5.
    found = max_coverage.solve(line(), radius=1.0, decay_end=3.0)
    assert found.open_sites == (1,)
    assert found.report.objective == pytest.approx(-55.0)
    both = max_coverage.solve(line(p=3), radius=1.0, decay_end=3.0)
    assert both.report.objective == pytest.approx(-100.0)


def test_several_radii():
    found = max_coverage.solve(line(), radii=(0.0, 1.0, 2.0), radius_shares=(1.0, 0.5, 0.1))
    assert found.open_sites == (1,)
    assert found.report.objective == pytest.approx(-(30 + 10 + 1.0))


def test_own_radii_of_sites_and_demand():
    assert max_coverage.solve(line(), radius=5.0, site_radius=(5.0, 0.5, 5.0)).open_sites == (0,)
    narrow = max_coverage.solve(line(), radius=5.0, demand_radius=(0.5, 0.5, 0.5, 0.5))
    assert (narrow.open_sites, narrow.report.objective) == ((2,), -40.0)


def test_floors_of_groups():
    groups = {"far": [3], "near": [0, 1, 2]}
    assert max_coverage.solve(line(), radius=1.0, demand_groups=groups, floors={"far": 0.9}).open_sites == (2,)
    both = max_coverage.solve(line(), radius=1.0, demand_groups=groups, floors={"far": 0.9, "near": 0.1})
    assert both.report.status == "infeasible"


def test_locks_and_budget():
    closed = line(locked=np.array([0, -1, 0], np.int8))
    assert max_coverage.solve(closed, radius=1.0).open_sites == (2,)
    held = line(locked=np.array([1, 0, 0], np.int8), p=2)
    assert max_coverage.solve(held, radius=1.0).open_sites == (0, 2)
    money = SideConstraints(capex_budget_cny=9.0)
    paid = line(p=None, capex_cny=np.array([4.0, 6.0, 5.0]), side=money)
    assert max_coverage.solve(paid, radius=1.0).open_sites == (0, 2)
    existing = line(
        p=None, capex_cny=np.array([4.0, 6.0, 10.0]), side=money, is_existing=np.array([False, True, False])
    )
    assert max_coverage.solve(existing, radius=1.0).open_sites == (0, 1)
    yearly = line(p=None, yearly_cny=np.array([4.0, 6.0, 5.0]), side=SideConstraints(yearly_budget_cny=6.0))
    assert max_coverage.solve(yearly, radius=1.0).open_sites == (1,)


def test_other_side_constraints_go_to_the_general_engine():
    apart = line(p=2, side=SideConstraints(conflicts=((1, 2),)))
    found = max_coverage.solve(apart, radius=1.0)
    assert found.report.status == "optimal"
    assert found.report.objective == -70.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["radius", "decay", "radii", "budget"]))
def test_model_equals_enumeration(seed, kind):
    rng = np.random.default_rng(seed)
    metres = np.floor(rng.random((9, 7)) * 100)
    weight = rng.integers(0, 9, 9).astype(float)
    options = {
        "radius": {"radius": 30.0},
        "budget": {"radius": 30.0},
        "decay": {"radius": 20.0, "decay_end": 60.0},
    }.get(kind, {"radii": (10.0, 40.0), "radius_shares": (0.9, 0.3)})
    locked = rng.choice([0, 0, 0, 1, -1], 7).astype(np.int8)
    capex = rng.integers(1, 6, 7).astype(float)
    fields = {"p": int(max(1, (locked == 1).sum()) + 1)}
    budget = np.inf
    if kind == "budget":
        budget = float(capex[locked == 1].sum() + 7)
        fields = {"p": None, "capex_cny": capex, "side": SideConstraints(capex_budget_cny=budget)}
    problem = make_problem(weight, distances_from_matrix(metres), locked=locked, **fields)
    if (locked >= 0).sum() < (fields["p"] or 0):
        return
    best = 0.0
    for count in range((fields["p"] or 7) + 1):
        for chosen in map(list, itertools.combinations(range(7), count)):
            fits = set(np.flatnonzero(locked == 1)) <= set(chosen) and (locked[chosen] >= 0).all()
            if fits and capex[chosen].sum() <= budget and chosen:
                best = max(best, float(weight @ _share(metres[:, chosen].min(axis=1), kind)))
    found = max_coverage.solve(problem, **options)
    assert found.report.status == "optimal"
    assert -found.report.objective == pytest.approx(best, abs=1e-6)


def _share(distance, kind):
    if kind == "decay":
        return np.clip((60 - distance) / 40, 0, 1)
    if kind == "radii":
        return np.where(distance <= 10, 0.9, np.where(distance <= 40, 0.3, 0.0))
    return (distance <= 30).astype(float)


def test_tiny_limits_of_the_model_stay_honest():
    rng = np.random.default_rng(2)
    points = rng.random((120, 2))
    metres = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    problem = make_problem(rng.integers(1, 50, 120).astype(float), distances_from_matrix(metres), p=8)
    sure = max_coverage.solve(problem, radius=0.12)
    assert sure.report.status == "optimal"
    for limits in (
        SolveLimits(time_limit_s=1e-6),
        SolveLimits(iteration_limit=1, node_limit=1),
        SolveLimits(relative_gap=0.3),
    ):
        report = max_coverage.solve(problem, radius=0.12, limits=limits).report
        assert report.bound <= sure.report.objective + 1e-6
        assert report.objective >= sure.report.objective - 1e-6
        assert report.status == ("optimal" if report.gap <= 1e-6 else "feasible")
    cut = max_coverage.solve(problem, radius=0.12, limits=SolveLimits(time_limit_s=1e-6))
    assert cut.report.note_key == "siting_note_time"


@pytest.mark.parametrize(
    ("fields", "options", "code"),
    [
        ({"weight": np.array([np.nan, 1, 1, 1])}, {}, "siting_models_number"),
        ({"weight": np.array([-1.0, 1, 1, 1])}, {}, "siting_models_number"),
        ({"p": 4}, {}, "siting_models_p_high"),
        ({"p": 0}, {}, "siting_models_p_low"),
        ({"locked": np.array([-1, -1, -1], np.int8)}, {}, "siting_models_all_closed"),
        ({"locked": np.array([1, 1, 0], np.int8)}, {}, "siting_models_p_locked"),
        ({}, {"site_radius": (1.0,)}, "siting_models_shape"),
        ({}, {"demand_radius": (1.0, np.nan, 1.0, -2.0)}, "siting_models_number"),
    ],
)
def test_refusals(fields, options, code):
    weight = fields.pop("weight", PEOPLE)
    problem = make_problem(weight, distances_from_matrix(LINE), **{"p": 1, **fields})
    with pytest.raises(InputError) as caught:
        max_coverage.solve(problem, radius=1.0, **options)
    assert code in {problem.code for problem in caught.value.problems}


def test_no_candidates_is_refused():
    problem = make_problem(PEOPLE, sparse.csr_array((4, 0)), p=1)
    with pytest.raises(InputError) as caught:
        max_coverage.solve(problem, radius=1.0)
    assert "siting_models_no_sites" in {problem.code for problem in caught.value.problems}
