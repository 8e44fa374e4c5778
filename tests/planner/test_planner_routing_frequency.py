"""Visit frequency: waiting and loads by hand, a week enumerated, the bound below every choice."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problems.standard import RoutingSettings
from planner.routing.frequency import PATTERNS, FrequencyPoint, FrequencyProblem, gaps, waiting_days
from planner.routing.frequency_solve import FrequencyLimits, best_uniform, choose_patterns
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundVehicle

PARCEL = ParcelFigures(1.0, 1.0, 0.01, 0.0, 0.0)
EXACT = FrequencyLimits(case_limit=12, relative_gap=1e-9)


def station(
    at: list[complex], daily: list[float], *, payload: float = 1e6, price: float = 0.0, least: int = 2
) -> FrequencyProblem:
    """A station at 0; a van for 1 CNY a km on straight lines."""
    place = np.array([0.0, *at])
    metres = np.abs(place[:, None] - place[None, :]) * 1000.0
    van = RoundVehicle("van", 1.0, 0.0, payload, 1e6, 1e6, np.inf)
    names = [f"P{i}" for i in range(len(at))]
    stops = tuple(PARCEL.stop(n, q, 0.0) for n, q in zip(names, daily, strict=True))
    round_ = RoundProblem("township_village", "S", stops, (van,), (metres / 500.0,), (metres,), 0.0, 5)
    points = tuple(FrequencyPoint(n, q, 0.0, least) for n, q in zip(names, daily, strict=True))
    return FrequencyProblem(round_, points, PATTERNS, PARCEL, RoutingSettings(), price)


def test_waiting_by_hand() -> None:
    assert gaps("135") == {1: 3, 3: 2, 5: 2}
    assert gaps("4") == {4: 7}
    assert waiting_days("1234567") == pytest.approx(0.5)
    assert waiting_days("135") == pytest.approx((9 + 4 + 4) / 14)
    assert waiting_days("12345") == pytest.approx((9 + 4 * 1) / 14)


def test_one_point_by_hand() -> None:
    """10 km away, 4 parcels a day: a visit costs 20 CNY, seven cost 20 a day, two 40/7; stock before Monday 4 x 4."""
    problem = station([10.0], [4.0])
    assert problem.rounds_cny_per_day(("1234567",)) == pytest.approx(20.0)
    assert best_uniform(problem, 2) == pytest.approx(("14", 40 / 7)) or best_uniform(problem, 2)[1] == pytest.approx(
        40 / 7
    )
    assert problem.waiting_parcel_days(("14",)) == pytest.approx(4 * (16 + 9) / 14)
    assert problem.peak_stock(("14",)) == pytest.approx(16.0)
    assert best_uniform(problem, 3)[1] == pytest.approx(60 / 7)


def test_small_vans_pay_for_long_gaps() -> None:
    """A van of 10 parcels: Monday after three days carries 12 parcels and must go twice."""
    problem = station([10.0], [4.0], payload=10.0)
    assert problem.rounds_cny_per_day(("135",)) == pytest.approx((2 + 1 + 1) * 20 / 7)


def test_dear_waiting_brings_daily_visits_and_free_waiting_few() -> None:
    for price, pattern in ((0.0, 2), (100.0, 7)):
        answer = choose_patterns(station([10.0, 12.0], [4.0, 3.0], price=price), EXACT)
        assert {len(r) for r in answer.chosen} == {pattern}
        assert answer.report.status == "optimal"


def test_least_visits_hold() -> None:
    answer = choose_patterns(station([10.0, -12.0], [4.0, 3.0], least=5), EXACT)
    assert all(len(r) >= 5 for r in answer.chosen)


@given(seed=st.integers(0, 10_000), price=st.sampled_from([0.2, 1.0, 3.0]))
@settings(max_examples=5, deadline=None)
def test_choice_equals_enumeration(seed: int, price: float) -> None:
    rng = np.random.default_rng(seed)
    at = [complex(*rng.uniform(-15, 15, 2)) for _ in range(3)]
    problem = station(at, [float(q) for q in rng.integers(1, 8, 3)], payload=20.0, price=price)
    best = min(problem.value(chosen) for chosen in itertools.product(PATTERNS, repeat=3))
    answer = choose_patterns(problem, EXACT)
    assert problem.value(answer.chosen) == pytest.approx(answer.report.objective)
    assert answer.report.bound is not None
    assert answer.report.bound <= best + 1e-6
    assert answer.report.objective >= best - 1e-6
    if answer.report.status == "optimal":
        assert answer.report.objective == pytest.approx(best, rel=1e-5)
    else:
        assert answer.report.objective <= best * 1.05
