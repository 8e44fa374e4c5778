"""Engines of rich rounds against trying everything, each rule once; what they refuse; warm starts; fixed plans; repetition."""

from dataclasses import replace

import numpy as np
import pytest

from geodata.messages import Message
from loading import load
from planner.problems.routing import (
    BreakRule,
    Permit,
    RoutingDecision,
    RoutingVehicle,
    VehicleDay,
)
from planner.routing.rich.auto import score_decision, solve_routing
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.ortools_engine import OrToolsRichEngine
from planner.routing.rich.pyvrp_engine import PyVrpEngine
from planner.routing.rich.scaling import fitting_unit, load_unit, money_unit
from planner.verification.routing import check_decision, cost_of

_BRUTE = load("planner/rich_brute.py")
cheapest, random_round = _BRUTE.cheapest, _BRUTE.random_round

PYVRP = RoutingLimits(500)
ORTOOLS = RoutingLimits(200, 1.0)


def _half(kind):
    return {"zone": "z", "delivery": (2.0,)} if kind < 2 else {}


def _two_types(**more):
    small = RoutingVehicle("van", (15.0,), fixed_cny=50.0, cny_per_km=1.2, cny_per_h=30.0, **more.get("van", {}))
    large = RoutingVehicle("big", (30.0,), fixed_cny=80.0, cny_per_km=1.7, cny_per_h=30.0, **more.get("big", {}))
    return small, large


BOTH = {
    "plain": {},
    "windows": {"stop": lambda i: {"windows": ((540.0 + 30 * i, 620.0 + 30 * i),)}},
    "two windows": {"stop": lambda i: {"windows": ((500.0, 530.0), (700.0 + 20 * i, 760.0 + 20 * i))} if i % 2 else {}},
    "optional": {"stop": lambda i: {"penalty_cny": 25.0 + 15.0 * i}},
    "duty": {"vehicle": {"longest_min": 110.0}},
    "two trips": {"count": 4, "vehicle": {"trips_most": 2, "fixed_cny": 200.0}},
    "range": {"vehicle": {"range_km": 55.0}},
    "most stops": {"vehicle": {"stops_most": 2}},
    "backhauls": {
        "is_linehaul_first": True,
        "stop": lambda i: {"delivery": (4.0 * (i % 2),), "pickup": (4.0 * (1 - i % 2),)},
    },
    "types": {"vehicles": _two_types(), "stop": lambda i: {"vehicle_types": frozenset({"van"})} if i == 0 else {}},
}
ORTOOLS_ONLY = {
    "rests": {"count": 4, "vehicle": {"break_rule": BreakRule(60.0, 15.0)}},
    "goods": {"incompatible": (("a", "b"),), "stop": lambda i: {"goods": (("a", "b")[i % 2],)}},
    "cold": {"count": 4, "stop": lambda _: {"cold_max_min": 40.0}},
    "permits": {
        "vehicles": _two_types(
            van={"permits": (Permit("z", ((500.0, 600.0),)),)}, big={"permits": (Permit("z", ((700.0, 800.0),)),)}
        ),
        "stop": _half,
    },
}
REFUSED = {"rests": "breaks", "goods": "goods", "cold": "cold", "permits": "permits"}


def _is_best(problem, answer):
    assert answer.decision is not None
    assert check_decision(problem, answer.decision) == ()
    assert answer.report.objective == pytest.approx(cost_of(problem, answer.decision), abs=1e-6)
    assert answer.report.objective == pytest.approx(cheapest(problem), rel=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rule", BOTH)
def test_pyvrp_finds_the_cheapest_small_round(rule, seed):
    problem = random_round(seed, **BOTH[rule])
    assert PyVrpEngine().refuses(problem) == ()
    _is_best(problem, PyVrpEngine().solve(problem, PYVRP))


@pytest.mark.parametrize("rule", {**BOTH, **ORTOOLS_ONLY})
def test_ortools_finds_the_cheapest_small_round(rule):
    problem = random_round(1, **{**BOTH, **ORTOOLS_ONLY}[rule])
    assert OrToolsRichEngine().refuses(problem) == ()
    _is_best(problem, OrToolsRichEngine().solve(problem, ORTOOLS))


@pytest.mark.parametrize("rule", ORTOOLS_ONLY)
def test_pyvrp_refuses_what_it_cannot_express_and_auto_says_so(rule):
    problem = random_round(2, **ORTOOLS_ONLY[rule])
    keys = [refusal.key for refusal in PyVrpEngine().refuses(problem)]
    assert keys == [f"routing_refused_{REFUSED[rule]}"]
    answer = solve_routing(problem, ORTOOLS, among=[PyVrpEngine(), OrToolsRichEngine()])
    assert answer.why_key == "routing_why_refused"
    assert answer.why_params["reason_key"] == keys[0]
    for language in ("en", "zh"):
        assert "PyVRP" in Message(answer.why_key, answer.why_params).text(language)
        assert Message(keys[0]).text(language)


def test_balance_is_kept_where_the_cheapest_days_differ_more():
    problem = random_round(2, count=5)
    free = PyVrpEngine().solve(problem, PYVRP)
    bound = replace(problem, balance_min=15.0)
    assert [v.rule for v in check_decision(bound, free.decision)] == ["balance"]
    assert [r.key for r in PyVrpEngine().refuses(bound)] == ["routing_refused_balance"]
    answer = OrToolsRichEngine().solve(bound, ORTOOLS)
    assert check_decision(bound, answer.decision) == ()
    assert answer.report.objective > free.report.objective


def test_two_dimensions_bind_each_alone():
    problem = random_round(3, count=4)
    stops = tuple(replace(s, delivery=(1.0, 0.5), pickup=(0.0, 0.0)) for s in problem.stops)
    two = replace(
        problem, stops=stops, dimensions=("kg", "m3"), vehicles=(replace(problem.vehicles[0], capacity=(9.0, 1.0)),)
    )
    answer = PyVrpEngine().solve(two, PYVRP)
    assert check_decision(two, answer.decision) == ()
    assert len(answer.decision.days) == 2  # 4 × 0.5 m³ need two vehicles of 1 m³ although 9 kg carry 4
    assert answer.report.objective == pytest.approx(cheapest(two))


def test_a_repeated_run_is_the_same_and_says_that_nothing_is_proved():
    problem = random_round(4, count=12)
    first, second = (PyVrpEngine().solve(problem, RoutingLimits(300, seed=5)) for _ in range(2))
    assert first == second
    assert (first.report.status, first.report.bound, first.report.note_key) == (
        "feasible",
        None,
        "routing_note_no_bound",
    )
    cut = PyVrpEngine().solve(problem, RoutingLimits(10**6, seconds=0.05))
    assert cut.report.note_key == "routing_note_cut_by_clock"


def test_todays_routes_are_kept_where_nothing_cheaper_is_found():
    problem = random_round(5, count=8)
    best = PyVrpEngine().solve(problem, RoutingLimits(3000))
    for engine in (PyVrpEngine(), OrToolsRichEngine()):
        again = solve_routing(problem, RoutingLimits(1, 1.0), start=best.decision, among=[engine])
        assert again.report.objective <= best.report.objective + 1e-9


def test_a_fixed_plan_is_only_priced():
    problem = random_round(6, count=3)
    plan = RoutingDecision(tuple(VehicleDay(0, ((i,),)) for i in range(3)))
    answer = score_decision(problem, plan)
    assert answer.decision == plan
    assert answer.why_key == "routing_why_fixed"
    assert answer.report.objective == pytest.approx(cost_of(problem, plan))
    assert score_decision(problem, RoutingDecision(plan.days[:2])).decision is None


def test_no_vehicle_left_is_said():
    problem = random_round(7, count=2, vehicle={"available": 0})
    answer = solve_routing(problem, ORTOOLS)
    assert answer.decision is None
    assert answer.report.status == "infeasible"  # the exact engine proves it
    searched = solve_routing(problem, ORTOOLS, among=[PyVrpEngine(), OrToolsRichEngine()])
    assert (searched.decision, searched.report.status) == (None, "unknown")


def test_units_keep_whole_figures_exact():
    assert fitting_unit([np.array([1.5, 2.0, np.inf])], 6000.0).factor == 10.0
    assert not fitting_unit([np.array([np.pi])], 6000.0).is_exact
    loads = load_unit([20.0, 30.0], [105.0])
    assert (loads.up(30.0), loads.down(105.0)) == (3, 10)
    assert money_unit([0.5, 0.75]) * 0.5 == pytest.approx(2.0)
    assert money_unit([np.pi, 1.0]) == pytest.approx(1000.0)
