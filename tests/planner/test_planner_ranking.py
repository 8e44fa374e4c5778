"""Ranking: figures by hand, invariants, and the queue against every queue there is."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.ranking.order import dominates, flips_by_weight, rank_probabilities, ranks, topsis, unit_range
from planner.ranking.portfolio import queue_counties
from planner.ranking.weights import ahp_weights, entropy_weights

UP = np.array([True, True])


def test_topsis_by_hand():
    """Two counties, two indicators: each best in one; the weight decides."""
    values = np.array([[3.0, 4.0], [4.0, 3.0]])
    found = topsis(values, np.array([0.75, 0.25]), UP)
    # v = w x / 5; differences 0.15 and 0.05: d+ of A = 0.15, d- of A = 0.05.
    assert found == pytest.approx([0.25, 0.75])
    assert ranks(found).tolist() == [2, 1]
    assert topsis(values, np.array([0.75, 0.25]), ~UP) == pytest.approx([0.75, 0.25])


TABLE = st.lists(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), min_size=2, max_size=6).map(np.array)


@given(values=TABLE, scale=st.lists(st.floats(0.01, 1000), min_size=3, max_size=3))
def test_scores_do_not_depend_on_units_or_on_the_order_of_counties(values, scale):
    weights, up = np.array([0.5, 0.3, 0.2]), np.array([True, False, True])
    found = topsis(values, weights, up)
    assert topsis(values * np.array(scale), weights, up) == pytest.approx(found, abs=1e-9)
    turned = values[::-1]
    assert topsis(turned, weights, up)[::-1] == pytest.approx(found, abs=1e-9)
    assert entropy_weights(unit_range(turned, up)) == pytest.approx(entropy_weights(unit_range(values, up)))


@given(values=TABLE)
def test_a_dominating_county_is_never_behind(values):
    up = np.array([True, False, True])
    better = dominates(values, up)
    for weights in (np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.1, 0.8])):
        score = topsis(values, weights, up)
        for a, b in np.argwhere(better):
            assert score[a] >= score[b] - 1e-9
    assert not (better & better.T).any()


def test_entropy_weights_by_hand():
    """One indicator tells the counties apart, the other does not."""
    assert entropy_weights(np.array([[1.0, 1.0], [0.0, 1.0]])) == pytest.approx([1.0, 0.0])
    assert entropy_weights(np.ones((3, 2))) == pytest.approx([0.5, 0.5])


def test_ahp_gives_back_consistent_weights_and_names_inconsistent_ones():
    true = np.array([0.5, 0.3, 0.2])
    found = ahp_weights(true[:, None] / true[None, :])
    assert found.weights == pytest.approx(true)
    assert found.consistency_ratio == pytest.approx(0.0, abs=1e-9)
    circle = np.array([[1.0, 5.0, 1 / 5], [1 / 5, 1.0, 5.0], [5.0, 1 / 5, 1.0]])
    assert not ahp_weights(circle).is_consistent
    # Saaty's textbook matrix (1, 3, 5; 1/3, 1, 3; 1/5, 1/3, 1): λ = 3.0385, CR = 0.0385 / 2 / 0.58.
    textbook = ahp_weights(np.array([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]]))
    assert textbook.weights == pytest.approx([0.637, 0.258, 0.105], abs=1e-3)
    assert textbook.consistency_ratio == pytest.approx(0.0332, abs=1e-3)


@pytest.mark.parametrize(
    "matrix", [np.ones((2, 3)), np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])]
)
def test_impossible_comparisons_are_refused(matrix):
    with pytest.raises(ValueError, match="comparisons"):
        ahp_weights(matrix)


def test_rank_probabilities_sum_and_follow_the_cases():
    values = np.array([[3.0, 4.0], [4.0, 3.0]])
    sure = rank_probabilities([np.array([[2.0, 2.0], [1.0, 1.0]])], np.array([0.5, 0.5]), UP, draws=200)
    assert sure.share.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    even = rank_probabilities([values], np.array([0.5, 0.5]), UP, draws=4000, seed=3)
    assert even.share.sum(axis=0) == pytest.approx([1.0, 1.0])
    assert even.share[0, 0] == pytest.approx(0.5, abs=0.03)
    assert even.mean_rank.sum() == pytest.approx(3.0)
    again = rank_probabilities([values], np.array([0.5, 0.5]), UP, draws=4000, seed=3)
    assert (again.share == even.share).all()
    half = rank_probabilities([values, values[::-1]], np.array([0.9, 0.1]), UP, draws=4000)
    assert half.share[0, 0] == pytest.approx(0.5, abs=0.05), "the case turns the order round"


def test_the_weight_that_flips_the_order_is_found():
    values = np.array([[3.0, 4.0], [4.0, 3.0]])
    (first, second) = flips_by_weight(values, np.array([0.7, 0.3]), UP)
    assert (first.indicator, first.first) == (0, 0)
    assert first.weight == pytest.approx(0.5, abs=0.005)
    assert second.weight == pytest.approx(0.5, abs=0.005)
    assert flips_by_weight(np.array([[2.0, 2.0], [1.0, 1.0]]), np.array([0.7, 0.3]), UP) == ()


def best_queue(benefit, cost, budgets, per_year, before):
    years = len(budgets)
    best = 0.0
    for plan in itertools.product([None, *range(years)], repeat=len(benefit)):
        if any(sum(y == t for y in plan) > per_year for t in range(years)):
            continue
        if any(sum(c for c, y in zip(cost, plan, strict=True) if y == t) > budgets[t] + 1e-9 for t in range(years)):
            continue
        if any(
            plan[c] is not None and any(plan[o] is None or plan[o] >= plan[c] for o in earlier)
            for c, earlier in before.items()
        ):
            continue
        best = max(best, sum(b * (years - y) for b, y in zip(benefit, plan, strict=True) if y is not None))
    return best


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=4),
    st.lists(st.integers(0, 12), min_size=1, max_size=3),
    st.integers(1, 2),
    st.booleans(),
)
def test_the_queue_is_the_best_of_all(counties, budgets, per_year, chained):
    benefit, cost = (np.array(column, dtype=float) for column in zip(*counties, strict=True))
    assume(len(counties) > 1 or not chained)
    before = {0: (1,)} if chained else {}
    found = queue_counties(benefit, cost, budgets, per_year=per_year, before=before)
    assert found.report.status == "optimal"
    assert -found.report.objective == pytest.approx(best_queue(benefit, cost, budgets, per_year, before))
    years = [place.year for place in found.places]
    if chained and years[0] is not None:
        assert years[1] is not None
        assert years[1] < years[0]


def test_each_place_has_its_reason():
    found = queue_counties(
        np.array([3.0, 2.0, 1.0, 5.0]), np.array([1.0, 1.0, 9.0, 1.0]), [5.0, 5.0, 5.0], before={3: (1,)}
    )
    year = {p.county: (p.year, p.reason) for p in found.places}
    assert year[2] == (None, "budget")
    assert year[3][1] in ("prerequisite", "full")
    assert sorted(y for y, _ in year.values() if y) == [1, 2, 3]
    assert [p.reason for p in found.places if p.year == 1] == ["first"]
