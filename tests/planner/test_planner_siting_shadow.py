"""Shadow prices by solving again: by hand on a line, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from geodata.errors import UsageError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.registry import solve_model
from planner.siting.shadow import Step, default_steps, one_step, shadow_prices

LINE = np.abs(np.arange(6)[:, None] - np.arange(6)[None, :]) * 1000.0


def _line(**fields):
    weight = np.array([5.0, 1.0, 1.0, 1.0, 1.0, 4.0])
    return make_problem(weight, distances_from_matrix(LINE), capex_cny=np.full(6, 80_000.0), **fields)


def test_the_next_money_buys_villages():
    problem = _line(side=SideConstraints(capex_budget_cny=100_000.0))
    (price,) = shadow_prices("max_coverage", problem, steps=[Step("capex_budget_cny", 100_000.0)], radius=1000.0)
    # One site covers 5 + 1 + 1 (at the west end), two cover 7 + 6.
    assert (price.gain, price.gain_low, price.gain_high) == (6.0, 6.0, 6.0)
    assert price.served_more == 3
    assert set(price.opened) <= {4}


def test_a_step_too_small_buys_nothing():
    problem = _line(side=SideConstraints(capex_budget_cny=100_000.0))
    (price,) = shadow_prices("max_coverage", problem, steps=[Step("capex_budget_cny", 50_000.0)], radius=1000.0)
    assert (price.gain, price.served_more, price.opened) == (0.0, 0, ())


def test_default_steps_ask_what_limits():
    problem = _line(p=2, side=SideConstraints(capex_budget_cny=2e5), capacity=np.array([6.0, 9, 9, 9, 9, 7.0]))
    best = solve_model("p_median", problem)
    steps = default_steps(problem, best, {"radius": 1000.0})
    assert [step.what for step in steps][:2] == ["capex_budget_cny", "p"]
    assert Step("radius", 100.0) in steps


def test_capacity_of_one_full_site():
    metres = np.array([[0.0, 9000.0], [0.0, 9000.0]])
    problem = make_problem(np.full(2, 10.0), distances_from_matrix(metres), p=2, capacity=np.array([10.0, 20.0]))
    (price,) = shadow_prices("p_median", problem, steps=[Step("capacity", 10.0, site=0)])
    assert price.gain == 90_000.0
    (price,) = shadow_prices("p_median", problem, steps=[Step("capacity", 9.0, site=0)])
    assert price.gain == 0.0


def test_radius_and_groups_are_steps_too():
    side = SideConstraints(group_maximum={"west": 0})
    problem = _line(p=1, side=side, groups={"west": (0, 1, 2)})
    steps = [Step("radius", 1000.0), Step("group_maximum", 1.0, group="west")]
    wider, west = shadow_prices("max_coverage", problem, steps=steps, radius=1000.0)
    assert (wider.gain, west.gain) == (2.0, 1.0)


@pytest.mark.parametrize(
    "step", [Step("capex_budget_cny", 1.0), Step("p", 1.0), Step("capacity", 1.0), Step("radius", 1.0)]
)
def test_what_is_not_limited_has_no_price(step):
    with pytest.raises(UsageError, match="not limited"):
        one_step(_line(), {}, step)


def test_bounds_enclose_the_gain():
    rng = np.random.default_rng(2)
    metres = rng.integers(1, 9000, (30, 12)).astype(float)
    problem = make_problem(rng.integers(1, 9, 30).astype(float), distances_from_matrix(metres), p=3)
    (price,) = shadow_prices("p_median", problem)
    assert price.step == Step("p", 1.0)
    assert price.gain_low <= price.gain <= price.gain_high
    assert price.gain == price.before.report.objective - price.after.report.objective > 0
