"""Erlang formulas against tables, against a simulation, and bounds with shared compartments against the exact chain."""

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.siting.lockers.queue import (
    cells_for_overflow,
    erlang_b,
    erlang_c,
    erlangs,
    load_for_overflow,
    mean_wait_h,
    overflow_bounds,
    round_overflow,
    shared_overflow,
)


def test_erlang_formulas_on_hand_made_figures():
    # a = 1: B(1) = 1/2, B(2) = 1/5, B(3) = 1/16; C(2) = 1/3 and M/M/1 waits ρ.
    assert [erlang_b(k, 1.0) for k in range(4)] == pytest.approx([1.0, 0.5, 0.2, 1 / 16])
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert mean_wait_h(1, 0.5, 10.0) == pytest.approx(10.0)  # ρ/(1-ρ) services
    assert erlang_c(3, 3.0) == 1.0
    assert mean_wait_h(3, 3.0, 1.0) == math.inf
    assert erlangs(48.0, 12.0) == 24.0


def test_nothing_comes_nothing_overflows():
    assert erlang_b(5, 0.0) == 0.0
    assert erlang_b(0, 0.0) == 1.0
    assert cells_for_overflow(0.0, 0.1) == 0
    assert overflow_bounds((1, 1, 1), (0.0, 0.0, 0.0)) == (0.0, 0.0)
    assert round_overflow(5, 0.0, 12.0) == 0.0


@pytest.mark.parametrize(("cells", "load"), [(-1, 1.0), (3, -1.0), (3, math.nan), (3, math.inf)])
def test_impossible_figures_are_refused(cells, load):
    with pytest.raises(ValueError, match="at or above 0"):
        erlang_b(cells, load)


@given(st.integers(1, 60), st.floats(0.01, 80.0))
@settings(max_examples=60, deadline=None)
def test_recursion_equals_the_sum_formula_and_falls_with_every_cell(cells, load):
    logs = [k * math.log(load) - math.lgamma(k + 1) for k in range(cells + 1)]
    top = max(logs)
    direct = math.exp(logs[-1] - top) / sum(math.exp(v - top) for v in logs)
    assert erlang_b(cells, load) == pytest.approx(direct, rel=1e-9)
    assert erlang_b(cells, load) < erlang_b(cells - 1, load)
    assert erlang_b(cells, load) >= 1.0 - cells / load
    assert erlang_c(cells, load) >= erlang_b(cells, load)


def test_many_cells_do_not_overflow_the_floats():
    assert 0.0 < erlang_b(5000, 5000.0) < 0.02
    assert erlang_b(5000, 1e-3) == 0.0


@given(st.floats(0.05, 300.0), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=40, deadline=None)
def test_sizing_is_the_least_that_meets_the_target(load, target):
    cells = cells_for_overflow(load, target)
    assert erlang_b(cells, load) <= target < erlang_b(cells - 1, load)
    assert load_for_overflow(cells, target) >= load * (1 - 1e-9)
    assert erlang_b(cells, load_for_overflow(cells, target)) == pytest.approx(target, rel=1e-6)


def test_sizing_beyond_its_limit_says_so():
    assert cells_for_overflow(1000.0, 0.01, limit=10) is None


def simulate(cells, rates, dwell, *, days, seed, draw):
    """Return lost share by day (24 h) when a parcel takes the smallest free compartment that holds it."""
    rng = np.random.default_rng(seed)
    arrivals = []
    for size, rate in enumerate(rates):
        count = rng.poisson(rate * days)
        arrivals += [(t, size) for t in rng.uniform(0.0, 24.0 * days, count)]
    arrivals.sort()
    free, leaving = list(cells), []
    came, lost = np.zeros(days), np.zeros(days)
    for t, size in arrivals:
        while leaving and leaving[0][0] <= t:
            free[heapq.heappop(leaving)[1]] += 1
        day = min(int(t // 24.0), days - 1)
        came[day] += 1
        fitting = next((s for s in range(size, len(cells)) if free[s]), None)
        if fitting is None:
            lost[day] += 1
        else:
            free[fitting] -= 1
            heapq.heappush(leaving, (t + draw(rng, dwell), fitting))
    return came[20:], lost[20:]


def interval(came, lost, *, batch=20):
    """Return mean overflow share and four standard errors, by batches of days (days in a row depend on each other)."""
    size = came.size // batch * batch
    shares = lost[:size].reshape(-1, batch).sum(axis=1) / came[:size].reshape(-1, batch).sum(axis=1)
    return float(lost.sum() / came.sum()), 4.0 * float(shares.std(ddof=1)) / math.sqrt(shares.size)


def exponential(rng, mean):
    return rng.exponential(mean)


def half_and_half(rng, mean):
    return mean * (0.2 if rng.random() < 0.5 else 1.8)


@pytest.mark.parametrize("draw", [exponential, half_and_half])
def test_erlang_b_is_what_a_simulated_locker_loses_whatever_the_dwell(draw):
    came, lost = simulate((20,), (40.0,), 14.0, days=1500, seed=3, draw=draw)
    mean, width = interval(came, lost)
    assert width < 0.02
    assert mean == pytest.approx(erlang_b(20, erlangs(40.0, 14.0)), abs=width)


def test_erlang_c_is_what_a_simulated_queue_waits():
    rng = np.random.default_rng(5)
    cells, rate, dwell, days = 12, 15.0, 14.0, 8000
    times = np.sort(rng.uniform(0.0, 24.0 * days, rng.poisson(rate * days)))
    free_at, waits = [0.0] * cells, []
    heapq.heapify(free_at)
    for t in times:
        start = max(t, heapq.heappop(free_at))
        waits.append(start - t)
        heapq.heappush(free_at, start + rng.exponential(dwell))
    waits = np.array(waits[500:])
    batches = waits[: waits.size // 400 * 400].reshape(-1, 400)
    load = erlangs(rate, dwell)
    for value, sample in (
        (erlang_c(cells, load), (batches > 0).mean(axis=1)),
        (mean_wait_h(cells, load, dwell), batches.mean(axis=1)),
    ):
        width = 4.0 * sample.std(ddof=1) / math.sqrt(sample.size)
        assert sample.mean() == pytest.approx(value, abs=width)
        assert width < 0.25 * value


def test_shared_compartments_match_a_simulation():
    cells, loads = (8, 6, 3), (8.0, 4.0, 2.0)
    came, lost = simulate(cells, tuple(a * 2 for a in loads), 12.0, days=1500, seed=7, draw=exponential)
    mean, width = interval(came, lost)
    assert width < 0.02
    assert mean == pytest.approx(shared_overflow(cells, loads), abs=width)


@given(
    st.tuples(*[st.integers(0, 6)] * 3),
    st.tuples(*[st.floats(0.0, 6.0)] * 3),
)
@settings(max_examples=40, deadline=None)
def test_exact_overflow_lies_between_its_bounds(cells, loads):
    lower, upper = overflow_bounds(cells, loads)
    exact = shared_overflow(cells, loads)
    assert lower - 1e-9 <= exact <= upper + 1e-9


def test_bounds_meet_where_nothing_can_be_shared():
    # Only large parcels: they may use large compartments only.
    assert overflow_bounds((4, 4, 5), (0.0, 0.0, 3.0)) == pytest.approx((erlang_b(5, 3.0), erlang_b(5, 3.0)))
    assert shared_overflow((4, 4, 5), (0.0, 0.0, 3.0)) == pytest.approx(erlang_b(5, 3.0), abs=1e-9)
    # Only small parcels: all compartments are one pool, and the lower bound is exact.
    lower, _ = overflow_bounds((2, 2, 2), (5.0, 0.0, 0.0))
    assert shared_overflow((2, 2, 2), (5.0, 0.0, 0.0)) == pytest.approx(lower, abs=1e-9)


def test_too_large_a_chain_is_not_built():
    assert shared_overflow((100, 100, 100), (1.0, 1.0, 1.0)) is None


def test_rounds_match_a_simulation_and_hit_harder_than_single_arrivals():
    cells, rate, dwell = 20, 25.0, 14.0
    rng = np.random.default_rng(11)
    held, came, lost = 0, [], []
    for _ in range(6000):
        held = rng.binomial(held, math.exp(-24.0 / dwell))
        new = rng.poisson(rate)
        taken = min(cells - held, new)
        held += taken
        came.append(new)
        lost.append(new - taken)
    mean, width = interval(np.array(came, float)[100:], np.array(lost, float)[100:])
    value = round_overflow(cells, rate, dwell)
    assert mean == pytest.approx(value, abs=width)
    assert width < 0.02
    assert value > erlang_b(cells, erlangs(rate, dwell))
    # Many rounds a day come close to single arrivals.
    assert round_overflow(cells, rate, dwell, rounds_per_day=200) == pytest.approx(
        erlang_b(cells, erlangs(rate, dwell)), abs=0.01
    )


def test_rounds_refuse_impossible_figures():
    with pytest.raises(ValueError, match="a round a day"):
        round_overflow(5, 5.0, 12.0, rounds_per_day=0)
    with pytest.raises(ValueError, match="a round a day"):
        round_overflow(5, 5.0, 0.0)
    assert round_overflow(0, 5.0, 12.0) == 1.0
