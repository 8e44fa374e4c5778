"""The mathematics of the settlement: published games, enumeration for up to five players, and what gaps of costs leave open."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from loading import load
from planner.cooperation.core import core_test, least_core, stability, walk_outs
from planner.cooperation.game import CostGame, KnownCost, game_of, tabulate, with_parts
from planner.cooperation.nucleolus import nucleolus, nucleolus_spread
from planner.cooperation.shapley import interval, sample_shapley, shapley, shapley_coefficients, weighted_coefficients
from planner.cooperation.sharing import RULES, divide, savings_fairness, settle

GAMES = load("planner/settlement_games.py")


# Published games.


def test_airport_game_gives_the_published_shapley_value_and_a_core_division() -> None:
    # Each piece of runway is shared by its users: 12/4 = 3; + 8/3; + 13/2; + 8.
    expected = [3.0, 3.0 + 8 / 3, 3.0 + 8 / 3 + 6.5, 3.0 + 8 / 3 + 6.5 + 8.0]
    assert GAMES.airport_shapley((12.0, 20.0, 33.0, 41.0)) == pytest.approx(expected)
    assert shapley(GAMES.AIRPORT) == pytest.approx(expected)
    assert core_test(GAMES.AIRPORT).has_core == "yes"
    assert stability(GAMES.AIRPORT, expected).is_stable == "yes"


def test_airport_nucleolus_is_the_published_one() -> None:
    # Littlechild 1974: r1 = min over k of c_k/(k+1) or c_n/n = min(12/2, 20/3, 33/4, 41/4) = 6; then (20-6)/2 = 7, and so on.
    assert nucleolus(GAMES.AIRPORT).shares == pytest.approx([6.0, 7.0, 10.0, 18.0])


def test_glove_market_pays_the_scarce_glove_everything_in_the_core() -> None:
    assert shapley(GAMES.GLOVES) == pytest.approx([-2 / 3, -1 / 6, -1 / 6])
    assert nucleolus(GAMES.GLOVES).shares == pytest.approx([-1.0, 0.0, 0.0], abs=1e-7)
    found = core_test(GAMES.GLOVES)
    assert found.has_core == "yes"
    assert found.division == pytest.approx([-1.0, 0.0, 0.0], abs=1e-7)
    # The Shapley value is not in the core: the scarce glove and one other would leave for 1 - 5/6.
    worst = stability(GAMES.GLOVES, shapley(GAMES.GLOVES)).worst
    assert worst is not None
    assert worst.members in (("p0", "p1"), ("p0", "p2"))
    assert worst.gain_cny_per_day == pytest.approx(1 / 6)


def test_majority_game_has_no_core_and_says_by_how_much() -> None:
    found = core_test(GAMES.MAJORITY)
    assert found.has_core == "no"
    assert found.epsilon == pytest.approx(1 / 3)
    assert nucleolus(GAMES.MAJORITY).shares == pytest.approx([-1 / 3] * 3)
    held = stability(GAMES.MAJORITY, [-1 / 3] * 3)
    assert (held.is_stable, held.leaving, held.coalitions) == ("no", 3, 6)


@pytest.mark.parametrize("estate", sorted(GAMES.TALMUD))
def test_bankruptcy_nucleolus_is_the_talmuds_division(estate: float) -> None:
    found = nucleolus(GAMES.bankruptcy(estate, (100.0, 200.0, 300.0))).shares
    assert -found == pytest.approx(GAMES.TALMUD[estate])


def test_bankruptcy_shapley_is_the_random_arrival_rule() -> None:
    # O'Neill 1982: whoever comes first is paid first; mean over all orders, estate 200, claims 100, 200, 300.
    claims, paid = (100.0, 200.0, 300.0), np.zeros(3)
    for order in itertools.permutations(range(3)):
        left = 200.0
        for i in order:
            paid[i] += min(left, claims[i]) / 6.0
            left -= min(left, claims[i])
    assert -shapley(GAMES.bankruptcy(200.0, claims)) == pytest.approx(paid)


# Enumeration.


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 5), parts=st.booleans())
def test_shapley_is_the_mean_over_all_orders(*, seed: int, count: int, parts: bool) -> None:
    costs = GAMES.random_game(seed, count, is_subadditive=parts)
    assert shapley(costs) == pytest.approx(GAMES.shapley_by_orders(costs))
    assert weighted_coefficients([2.0] * count) == pytest.approx(shapley_coefficients(count))
    assert shapley(costs).sum() == pytest.approx(costs.value[-1])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 5))
def test_no_division_near_by_is_better_for_the_most_dissatisfied(seed: int, count: int) -> None:
    costs = GAMES.random_game(seed, count)
    found = nucleolus(costs)
    assert found.is_imputation
    assert found.shares.sum() == pytest.approx(costs.value[-1])
    assert (found.shares <= costs.value[costs.singles] + 1e-6).all()
    best = GAMES.contents(costs, found.shares)
    rng = np.random.default_rng(seed)
    for size in (10.0, 1.0, 0.1, 0.01):
        for _ in range(60):
            step = rng.normal(size=count) * size
            other = found.shares + step - step.mean()
            if (other <= costs.value[costs.singles]).all():
                assert not _is_better(GAMES.contents(costs, other), best)


def _is_better(other: list[float], best: list[float]) -> bool:
    """Compare contents from the least on; equal ones (1e-7) pass to the next."""
    for a, b in zip(other, best, strict=True):
        if abs(a - b) > 1e-7:
            return a > b
    return False


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 4))
def test_prenucleolus_satisfies_kohlbergs_balance(seed: int, count: int) -> None:
    """Kohlberg 1971: for every level of content, the coalitions at most that content form a balanced collection."""
    costs = GAMES.random_game(seed, count, is_subadditive=False)
    found = nucleolus(costs)
    if found.is_imputation and (found.shares > costs.value[costs.singles] - 1e-6).any():
        return  # where somebody is held at its own cost, balance holds with those players' help only
    inside = costs.membership()
    content = costs.value - inside @ found.shares
    for level in sorted({round(float(c), 6) for c in content[1:-1]}):
        rows = [m for m in range(1, costs.grand) if content[m] <= level + 1e-5]
        # Balanced: weights, all positive, with Σ weight · membership = all ones.
        answer = linprog(
            np.append(np.zeros(len(rows)), -1.0),
            A_ub=np.hstack([-np.eye(len(rows)), np.ones((len(rows), 1))]),
            b_ub=np.zeros(len(rows)),
            A_eq=np.hstack([inside[rows].T, np.zeros((count, 1))]),
            b_eq=np.ones(count),
            bounds=(None, None),
            method="highs",
        )
        assert answer.status == 0
        assert -answer.fun > 1e-9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 4))
def test_least_surplus_is_that_of_the_dual_by_enumeration(seed: int, count: int) -> None:
    """The division attains ε, and every two parts of all players bound it from below."""
    costs = GAMES.random_game(seed, count, is_subadditive=False)
    epsilon, division = least_core(costs.value, count)
    assert -min(GAMES.contents(costs, division)) == pytest.approx(epsilon, abs=1e-6)
    # Bondareva's condition for ε: any balanced weights give a lower bound; partitions into two are balanced collections.
    for mask in range(1, costs.grand):
        rest = costs.grand ^ mask
        assert epsilon >= (costs.value[costs.grand] - costs.value[mask] - costs.value[rest]) / 2.0 - 1e-6


def test_weighted_shapley_divides_a_joint_saving_by_weight() -> None:
    # Two players, alone 10 and 20, together 24: the dividend -6 is divided 1:2.
    costs = GAMES.game(2, lambda s: 24.0 if len(s) == 2 else 10.0 if 0 in s else 20.0)
    assert weighted_coefficients([1.0, 2.0]) @ costs.value == pytest.approx([8.0, 16.0])
    with pytest.raises(ValueError, match="positive"):
        weighted_coefficients([1.0, 0.0])


# Gaps.


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 4))
def test_no_true_costs_move_a_share_out_of_its_interval(seed: int, count: int) -> None:
    costs = GAMES.random_game(seed, count)
    rng = np.random.default_rng(seed)
    weights = list(rng.uniform(0.5, 2.0, count))
    volumes = list(rng.uniform(1.0, 9.0, count))
    divisions = {rule: divide(costs, rule, volumes=volumes, weights=weights) for rule in RULES}
    core = core_test(costs)
    for _ in range(8):
        true = costs.bound + rng.integers(0, 2, len(costs.value)) * (costs.value - costs.bound)
        told = CostGame(costs.players, true, true)
        assert core.epsilon_low - 1e-6 <= core_test(told).epsilon <= core.epsilon_high + 1e-6
        assert core.has_core in ("undecided", core_test(told).has_core)
        for rule, division in divisions.items():
            if rule == "nucleolus" and not nucleolus(told).is_imputation:
                continue
            shares = divide(told, rule, volumes=volumes, weights=weights).shares
            assert (shares >= division.low - 1e-6).all(), rule
            assert (shares <= division.high + 1e-6).all(), rule


def test_intervals_are_exact_for_linear_rules() -> None:
    costs = GAMES.game(2, lambda s: 24.0 if len(s) == 2 else 10.0 if 0 in s else 20.0, slack=0.1)
    shares, low, high = interval(shapley_coefficients(2), costs)
    # φ_0 = (c0 + c01 - c1) / 2 with c0 in [9, 10], c1 in [18, 20], c01 in [21.6, 24].
    assert shares == pytest.approx([7.0, 17.0])
    assert low[0] == pytest.approx((9.0 + 21.6 - 20.0) / 2.0)
    assert high[0] == pytest.approx((10.0 + 24.0 - 18.0) / 2.0)


def test_verdicts_are_undecided_where_gaps_leave_them_open() -> None:
    costs = GAMES.game(2, lambda s: 30.0 if len(s) == 2 else 16.0, slack=0.2)
    assert core_test(costs).has_core == "undecided"
    shares = divide(costs, "shapley", volumes=[1.0, 1.0])
    assert shares.rational == ("undecided", "undecided")
    assert shares.stability.is_stable == "undecided"
    assert stability(costs, [17.0, 13.0]).is_stable == "no"
    assert divide(costs, "volume", volumes=[3.0, 1.0]).rational == ("no", "yes")


# Sampling.


def test_sampled_intervals_hold_the_exact_value_as_often_as_they_say() -> None:
    costs = GAMES.random_game(5, 7)
    exact, inside = shapley(costs), 0

    def ask(members: tuple[str, ...]) -> KnownCost:
        cost = float(costs.value[costs.mask(members)])
        return KnownCost(cost, cost)

    runs = 60
    for seed in range(runs):
        found = sample_shapley(costs.players, ask, blocks=10, seed=seed)
        assert found.shares.sum() == pytest.approx(costs.value[-1])
        inside += int(((found.low <= exact) & (exact <= found.high)).sum())
    # 420 intervals of 95 %: below 90 % would be a wrong interval, not bad luck.
    assert inside >= 0.90 * 7 * runs
    assert inside < 7 * runs


def test_sampling_is_reproducible_and_asks_for_arcs_only() -> None:
    asked: list[tuple[str, ...]] = []

    def ask(members: tuple[str, ...]) -> KnownCost:
        asked.append(members)
        return KnownCost(math.sqrt(len(members)) * 10.0, math.sqrt(len(members)) * 9.0)

    players = tuple(f"p{i:02d}" for i in range(20))
    one = sample_shapley(players, ask, blocks=4, seed=3)
    assert len(asked) == len(set(asked)) == one.coalitions <= 4 * (20 * 19 + 1)
    two = sample_shapley(players, ask, blocks=4, seed=3)
    assert (one.low == two.low).all()
    # All players are alike: every order gives the same mean, so only the gaps are left open.
    assert one.shares == pytest.approx([math.sqrt(20) * 10.0 / 20] * 20)
    assert (one.high - one.low > 0.1).all()
    with pytest.raises(ValueError, match="blocks"):
        sample_shapley(players, ask, blocks=2)


# Games.


def test_a_coalition_may_act_in_parts() -> None:
    costs = game_of("abc", {frozenset("a"): 4.0, frozenset("b"): 5.0, frozenset("c"): 6.0, frozenset("ab"): 7.0})
    assert costs.value[costs.mask("ab")] == 7.0
    assert costs.value[costs.mask("bc")] == 11.0
    assert costs.value[costs.grand] == 13.0
    dear = CostGame(costs.players, costs.value + np.array([0.0, 0, 0, 0, 0, 9, 0, 9]), costs.value)
    assert with_parts(dear).value == pytest.approx(costs.value)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 5))
def test_bounds_and_values_enclose_the_true_cost_of_acting_in_parts(seed: int, count: int) -> None:
    plain = GAMES.random_game(seed, count, is_subadditive=False)
    told = with_parts(plain)
    rng = np.random.default_rng(seed)
    true = plain.bound + rng.uniform(0.0, 1.0, len(plain.value)) * (plain.value - plain.bound)
    exact = with_parts(CostGame(plain.players, true, true)).value
    assert (told.bound <= exact + 1e-9).all()
    assert (exact <= told.value + 1e-9).all()


def test_tabulating_asks_every_coalition_once_whatever_the_workers() -> None:
    costs = GAMES.random_game(11, 4)
    one = tabulate(costs.players, costs)
    assert one.value == pytest.approx(costs.value)
    assert (one.value == tabulate(costs.players, costs, workers=2).value).all()
    assert not one.is_proved
    with pytest.raises(ValueError, match="too many"):
        tabulate([f"p{i}" for i in range(15)], costs)


def test_a_game_refuses_what_is_no_game() -> None:
    fine = np.array([0.0, 1.0, 2.0, 2.5])
    with pytest.raises(ValueError, match="shape"):
        CostGame(("a", "b"), fine[:3], fine[:3])
    with pytest.raises(ValueError, match="different players"):
        CostGame(("a", "a"), fine, fine)
    with pytest.raises(ValueError, match="finite"):
        CostGame(("a", "b"), np.array([0.0, 1.0, np.inf, 2.0]), fine)
    with pytest.raises(ValueError, match="bound"):
        CostGame(("a", "b"), fine, fine + np.array([0.0, 0.0, 0.0, 1.0]))


# Rules side by side.


def test_rules_divide_a_saving_as_they_say() -> None:
    # Alone 60, 40, 0 (a bus); any two couriers save 20 together, the bus saves 30 with both.
    alone = (60.0, 40.0, 0.0)

    def cost(s: frozenset[int]) -> float:
        whole = sum(alone[i] for i in s) - (20.0 if {0, 1} <= s else 0.0)
        return whole - (30.0 if len(s) == 3 else 0.0)

    found = settle(GAMES.game(3, cost), volumes=(30.0, 20.0, 0.0), weights=(2.0, 1.0, 1.0))
    assert found.saving == pytest.approx(50.0)
    shares = {rule: division.shares for rule, division in found.divisions.items()}
    assert shares["volume"] == pytest.approx([30.0, 20.0, 0.0])
    assert shares["stand_alone"] == pytest.approx([30.0, 20.0, 0.0])
    assert shares["equal_savings"] == pytest.approx([60 - 50 / 3, 40 - 50 / 3, -50 / 3])
    assert shares["weighted_savings"] == pytest.approx([35.0, 27.5, -12.5])
    # Dividends: 20 for the two couriers, 30 for all three.
    assert shares["shapley"] == pytest.approx([60 - 20, 40 - 20, -10.0])
    assert shares["weighted_shapley"] == pytest.approx([60 - 40 / 3 - 15, 40 - 20 / 3 - 7.5, -7.5])
    for division in found.divisions.values():
        assert division.shares.sum() == pytest.approx(50.0)
        assert division.rational == ("yes", "yes", "yes")
    assert savings_fairness(found, "shapley") == pytest.approx([1.0, 1.0, 1.0])
    assert savings_fairness(found, "volume") == pytest.approx([1.5, 1.0, 0.0])


def test_the_spread_of_the_nucleolus_is_that_of_its_gaps() -> None:
    exact = game_of("ab", {frozenset("a"): 10.0, frozenset("b"): 6.0, frozenset("ab"): 12.0})
    assert nucleolus_spread(exact) == 0.0
    # Two players share the saving equally: x_a = (c_a - c_b + c_ab) / 2. A gap of 1 on c_a alone moves a share by at most a half.
    open_ = CostGame(exact.players, exact.value, exact.bound - np.array([0.0, 1.0, 0.0, 0.0]))
    assert nucleolus_spread(open_) == pytest.approx(0.5)
    assert nucleolus_spread(open_) == nucleolus_spread(open_)
    wide = nucleolus(open_)
    assert (wide.high - wide.low).max() >= nucleolus_spread(open_)


def test_walk_outs_name_the_most_dissatisfied_first() -> None:
    found = walk_outs(GAMES.AIRPORT, [20.0, 7.0, 7.0, 7.0], limit=2)
    assert found[0].members == ("p0",)
    assert found[0].gain_cny_per_day == pytest.approx(8.0)
    assert found[1].members == ("p0", "p1")
    with pytest.raises(ValueError, match="volumes"):
        settle(GAMES.AIRPORT, volumes=(0.0, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="weights"):
        settle(GAMES.AIRPORT, volumes=(1.0, 1.0, 1.0, 1.0), weights=(1.0, 1.0, 1.0, -1.0))


def test_a_single_player_pays_all() -> None:
    costs = game_of("a", {frozenset("a"): 5.0})
    assert core_test(costs).has_core == "yes"
    assert nucleolus(costs).shares == pytest.approx([5.0])
    assert stability(costs, [5.0]).worst is None
