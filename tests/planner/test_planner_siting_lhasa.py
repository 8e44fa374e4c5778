"""The worked example of docs/siting_lhasa.md (invented figures) and its steps by hand; the page shows what the example gives."""

import itertools
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import InputError
from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.covering_plan import CentreEconomy, coverage_table, holt_winters, plan_covering, share_out

PAGE = Path(__file__).parents[2] / "docs" / "siting_lhasa.md"
ECONOMY = CentreEconomy(0.6, 40_000.0, 30_000.0, 400.0)
RADIUS_M = 25_000.0


def example():
    """Return (monthly parcels of four invented years, siting problem of the last forecast year)."""
    rng = np.random.default_rng(22)
    month = np.arange(48)
    season = 1.0 + 0.25 * np.sin(2 * math.pi * (month - 3) / 12)
    series = (90_000.0 + 1_500.0 * month) * season * rng.uniform(0.97, 1.03, 48)
    forecast = holt_winters(series, 36)
    last_year = sum(forecast.values[24:]) / 365.0
    towns = rng.uniform(0.0, 200.0, (57, 2))
    population = rng.lognormal(8.5, 0.7, 57)
    output = population * rng.uniform(0.5, 1.5, 57)
    parcels = share_out(last_year, {"population": population, "output": output}, {"population": 0.6, "output": 0.4})
    km = 1.3 * np.hypot(*(towns[:, None] - towns[None]).transpose(2, 0, 1))
    problem = make_problem(parcels, distances_from_matrix(km * 1000.0, cutoff=60_000.0), p=22)
    return series, forecast, problem


@pytest.fixture(scope="module")
def worked():
    series, forecast, problem = example()
    return series, forecast, problem, plan_covering(problem, RADIUS_M, ECONOMY)


def test_example_gives_what_the_page_says(worked):
    _, forecast, problem, plan = worked
    shown = dict(re.findall(r"^\| ([a-z ]+) \| ([\d,.]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    figures = {
        "parcels a day in the last forecast year": problem.weight.sum(),
        "centres chosen": len(plan.centres),
        "centres that pay": plan.profitable_count,
        "covered parcels in per cent": 100.0 * plan.covered_share,
        "forecast error in per cent": 100.0 * forecast.error_share,
    }
    assert set(figures) <= set(shown)
    for name, value in figures.items():
        written = shown[name].replace(",", "")
        digits = len(written.partition(".")[2])
        assert round(float(value), digits) == float(written), name


def test_example_shows_the_policy_point(worked):
    """Covering the most parcels picks centres that do not pay; those that pay are the ones with more parcels."""
    _, _, problem, plan = worked
    assert plan.selection.report.status == "optimal"
    assert 0 < plan.profitable_count < len(plan.centres) == 22
    paying = [c.parcels_per_day for c in plan.centres if c.is_profitable]
    others = [c.parcels_per_day for c in plan.centres if not c.is_profitable]
    assert min(paying) > max(others)
    assert sum(c.parcels_per_day for c in plan.centres) == pytest.approx(plan.covered_share * problem.weight.sum())
    # More parcels in later years let more centres pay; fewer let fewer.
    richer, poorer = (plan_covering(replace(problem, weight=problem.weight * k), RADIUS_M, ECONOMY) for k in (1.5, 0.6))
    assert poorer.profitable_count < plan.profitable_count < richer.profitable_count


def test_coverage_grows_with_radius_and_number(worked):
    _, _, problem, _ = worked
    table = coverage_table(problem, (15_000.0, 25_000.0), (10, 22))
    share = {(radius, count): covered for radius, count, covered in table}
    assert share[15_000.0, 10] < share[15_000.0, 22] < share[25_000.0, 22]
    assert share[15_000.0, 10] < share[25_000.0, 10] < share[25_000.0, 22]


def test_covering_matches_enumeration():
    rng = np.random.default_rng(4)
    metres = rng.uniform(0, 100, (9, 6))
    problem = make_problem(rng.uniform(1, 9, 9), distances_from_matrix(metres), p=2)
    plan = plan_covering(problem, 40.0, ECONOMY)
    best = max(
        float(problem.weight[(metres[:, list(s)] <= 40.0).any(axis=1)].sum())
        for s in itertools.combinations(range(6), 2)
    )
    assert plan.covered_share * problem.weight.sum() == pytest.approx(best)


def test_balance_by_hand():
    economy = CentreEconomy(0.5, 10_000.0, 5_000.0, 100.0)
    assert economy.balance_cny_per_year(100.0) == pytest.approx(365 * 50 - 10_000)
    assert economy.balance_cny_per_year(101.0) == pytest.approx(365 * 50.5 - 15_000)
    assert economy.balance_cny_per_year(0.0) == -10_000.0


def test_smoothing_continues_a_pure_trend_with_season():
    season = np.array([0.8, 1.0, 1.3, 0.9])
    t = np.arange(20)
    series = (100.0 + 2.0 * t) * season[t % 4]
    found = holt_winters(series[:16], 4, season=4)
    assert found.values == pytest.approx(series[16:], rel=0.03)
    assert found.error_share < 0.03
    level = holt_winters(np.tile(season, 4) * 50.0, 4, season=4)
    assert level.values == pytest.approx(season * 50.0)
    assert level.error_share == pytest.approx(0.0, abs=1e-9)


def test_share_out_by_hand():
    shares = share_out(100.0, {"people": [1.0, 3.0], "money": [1.0, 1.0]}, {"people": 1.0, "money": 1.0})
    assert shares == pytest.approx([37.5, 62.5])
    with pytest.raises(ValueError, match="cannot share"):
        share_out(1.0, {"people": [0.0, 0.0]}, {"people": 1.0})


def test_too_little_history_is_refused():
    with pytest.raises(InputError, match="24 months"):
        holt_winters([1.0] * 23, 12)
    with pytest.raises(InputError):
        holt_winters([1.0] * 23 + [math.nan], 12)
