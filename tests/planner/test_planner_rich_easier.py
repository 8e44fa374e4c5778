"""Rounds solved without the rules that seldom bind, against trying everything; no stop is left out that is cheap to serve."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import load
from planner.problems.routing import Battery, BreakRule, RoutingDecision, VehicleDay
from planner.routing.rich.answers import keeps_rules
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.easier import MOST_STOPS, decision_of_easier, easier_problem, joined_days
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.insertion import MOST_TRIED, cheapest_insertion, with_left_out_served
from planner.routing.rich.schedule import decision_cost

_BRUTE = load("planner/rich_brute.py")
cheapest, random_round = _BRUTE.cheapest, _BRUTE.random_round

LIMITS = RoutingLimits(200, 1.0)
RULES = {
    "two trips": {"trips_most": 2, "fixed_cny": 0.0},
    "battery": {"battery": Battery(6.0, 0.1, 3.0), "fixed_cny": 0.0},
    "battery and two trips": {"battery": Battery(6.0, 0.1, 0.1), "trips_most": 2, "fixed_cny": 0.0},
    "rests": {"break_rule": BreakRule(400.0, 15.0)},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(4))
def test_answer_agrees_with_trying_everything(rule, seed):
    problem = random_round(seed, 4, vehicle=RULES[rule])
    answer = solve_routing(problem, LIMITS)
    assert answer.decision is not None
    assert keeps_rules(problem, answer.decision)
    best = cheapest(problem)
    assert answer.report.bound <= best + 1e-6
    assert answer.report.objective >= best - 1e-6
    if answer.report.status == "optimal":
        assert answer.report.objective == pytest.approx(best, abs=1e-6)
    if rule != "battery":  # there nothing binds, so the easier problem proves it
        assert (answer.report.status, answer.why_key) == ("optimal", "routing_why_easier")


@given(seed=st.integers(0, 10_000), count=st.integers(1, 7))
@settings(max_examples=15, deadline=None)
def test_joined_days_cost_the_same_and_are_no_more(seed, count):
    problem = random_round(seed, count, vehicle={"trips_most": 3, "fixed_cny": 0.0})
    days = tuple(VehicleDay(0, ((i,),)) for i in range(count))
    joined = joined_days(problem, days)
    assert sorted(trip for day in joined for trip in day.trips) == [(i,) for i in range(count)]
    assert len(joined) <= len(days)
    assert decision_cost(problem, RoutingDecision(joined)) == pytest.approx(
        decision_cost(problem, RoutingDecision(days))
    )
    assert keeps_rules(problem, RoutingDecision(joined))


def test_a_vehicle_takes_the_trips_of_another_until_it_has_no_more_trips():
    problem = random_round(1, 5, vehicle={"trips_most": 2, "fixed_cny": 0.0, "available": 3})
    apart = RoutingDecision(tuple(VehicleDay(0, ((i,),)) for i in range(5)))
    assert not keeps_rules(problem, apart)  # five vehicles, three there are
    found = decision_of_easier(problem, apart)
    assert sorted(len(day.trips) for day in found.days) == [1, 2, 2]


def test_no_easier_problem_where_nothing_is_left_out_or_the_day_is_large():
    assert easier_problem(random_round(1, 4)) is None
    assert easier_problem(random_round(1, MOST_STOPS + 1, vehicle={"trips_most": 2})) is None
    easier = easier_problem(random_round(1, 4, vehicle={"battery": Battery(6.0, 0.1, 3.0)}))
    assert easier.vehicles[0].battery is None
    assert easier.vehicles[0].range_km == pytest.approx(60.0)


def test_stop_left_out_by_mistake_is_served_and_a_dear_one_is_not():
    problem = random_round(3, 4, stop=lambda i: {"penalty_cny": 500.0 if i else 0.5})
    left = RoutingDecision((VehicleDay(0, ((1, 2),)),), (0, 3))
    way = cheapest_insertion(problem, left, 3)
    served = with_left_out_served(problem, left)
    assert served.left_out == (0,)
    assert keeps_rules(problem, served)
    assert decision_cost(problem, served) == pytest.approx(decision_cost(problem, left) - 500.0 + way.added_cny)
    assert cheapest_insertion(problem, left, 0).added_cny > 0.5


def test_many_left_out_are_a_decision_not_a_mistake():
    count = MOST_TRIED + 1
    problem = random_round(3, count, stop=lambda _: {"penalty_cny": 500.0})
    nothing = RoutingDecision((), tuple(range(count)))
    assert with_left_out_served(problem, nothing) is nothing
