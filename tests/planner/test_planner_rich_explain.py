"""Reasons and smallest changes by hand; every change named serves the stop, and a smaller one does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import load
from planner.problems.routing import Permit, RoutingDecision, RoutingDepot, VehicleDay
from planner.routing.rich.auto import score_decision
from planner.routing.rich.bounds import BoundLimits, cheapest_ways, fewest_vehicles, lower_bound, relaxed, ways_bound
from planner.routing.rich.exact import solve_exact
from planner.routing.rich.explain import explain_unserved
from planner.routing.rich.radial import radial_bound

cases = load("planner/routing_cases.py")
brute = load("planner/rich_brute.py")
line, stop, van = cases.line, cases.stop, cases.van


def optional(**more):
    return stop("A", 1, penalty_cny=1000.0, **more)


def explained(problem):
    [found] = explain_unserved(problem, RoutingDecision((), (0,)))
    for lang in ("en", "zh"):
        assert "A" in found.message.text(lang)
        assert found.fix is None or found.fix.message.text(lang)
    return found


# Place 1 stands 10 km out; a day alone takes 20 minutes and costs 40 CNY.
CASES = [
    (
        "capacity",
        "capacity",
        {"vehicle": "van", "dimension": "kg", "figure": 12.0},
        line([10.0], [optional(delivery=12.0)]),
    ),
    ("window", "window", {"minutes": 3.0}, line([10.0], [optional(windows=((0.0, 7.0),))])),
    ("shift", "shift", {"minutes": 1.5}, line([10.0], [optional()], [van(longest_min=18.5)])),
    ("depot_hours", "depot_hours", {"minutes": 3.0}, line([10.0], [optional()], depot=RoutingDepot("D", 0, 7.0, 21.0))),
    ("permit", "permit", {"vehicle": "van", "zone": "z"}, line([10.0], [optional(zone="z")])),
    (
        "permit_time",
        "permit",
        {"vehicle": "van", "zone": "z"},
        line([10.0], [optional(zone="z")], [van(permits=(Permit("z", ((0.0, 9.0),)),))]),
    ),
    ("range", "range", {"percent": 25.0}, line([10.0], [optional()], [van(range_km=16.0)])),
    (
        "vehicle_type",
        "vehicle_type",
        {"vehicle": "van"},
        line([10.0], [optional(vehicle_types=frozenset({"bus"}))], [van(), van("bus", available=0)]),
    ),
    ("cold", "cold", {}, line([10.0], [optional(cold_max_min=5.0)])),
]


@pytest.mark.parametrize(("reason", "kind", "figures", "problem"), CASES)
def test_obstacle_and_smallest_change(reason, kind, figures, problem):
    found = explained(problem)
    assert (found.reason, found.fix.kind) == (reason, kind)
    assert {k: pytest.approx(v, abs=0.11) if isinstance(v, float) else v for k, v in figures.items()} == dict(
        found.fix.figures
    )
    assert found.fix.added_cny >= 40.0


def test_change_is_tight():
    wider = line([10.0], [optional(windows=((0.0, 10.0),))])
    assert solve_exact(wider).decision.left_out == ()
    assert solve_exact(line([10.0], [optional(windows=((0.0, 9.8),))])).decision.left_out == (0,)


def test_unreachable_stop_has_no_change():
    found = explained(line([math.inf], [optional()]))
    assert (found.reason, found.fix) == ("unreachable", None)


def test_too_costly_names_the_penalty_that_would_pay():
    problem = line([10.0, 12.0], [stop("A", 2, penalty_cny=3.0), stop("B", 1)])
    decision = RoutingDecision((VehicleDay(0, ((1,),)),), (0,))
    [found] = explain_unserved(problem, decision)
    # 4 km and 4 minutes more at 1 CNY each
    assert (found.reason, found.figures["added_cny"], found.fix.figures["penalty_cny"]) == (
        "too_costly",
        8.0,
        pytest.approx(8.0),
    )
    dearer = replace(problem, stops=(replace(problem.stops[0], penalty_cny=8.1), problem.stops[1]))
    assert solve_exact(problem).decision.left_out == (0,)
    assert solve_exact(dearer).decision.left_out == ()


def test_full_vehicles_ask_for_one_more():
    problem = line([10.0, 12.0], [stop("A", 2, 6.0, penalty_cny=900.0), stop("B", 1, 6.0)], [van(available=1)])
    decision = RoutingDecision((VehicleDay(0, ((1,),)),), (0,))
    [found] = explain_unserved(problem, decision)
    assert (found.reason, found.fix.kind, dict(found.fix.figures)) == ("no_vehicle", "vehicle", {"vehicle": "van"})
    assert found.fix.added_cny == pytest.approx(48.0)
    more = replace(problem, vehicles=(replace(problem.vehicles[0], available=2),))
    assert solve_exact(more).decision.left_out == ()


def test_bounds_by_hand():
    # Two stops at 10 and 20 km: 40 km and 40 minutes; the cheapest ways are 10 to A, 10 to B, 10 back: 60 CNY.
    problem = line([10.0, 20.0], [stop("A", 1), stop("B", 2)])
    assert ways_bound(problem) == pytest.approx(60.0)
    assert lower_bound(problem).cny == pytest.approx(80.0)
    assert lower_bound(problem).kind == "exact"
    none = lower_bound(line([math.inf], [stop("A", 1)]))
    assert (none.cny, none.kind) == (None, "none")
    heavy = line([10.0, 20.0, 30.0], [stop(f"S{i}", i, 6.0) for i in (1, 2, 3)])
    assert fewest_vehicles(heavy) == 2


def test_radial_bound_by_hand():
    # Three stops of 6 each, 10 a van, all at 30 km: two vans at least. Every stop holds 6/10 of a way out and back of 120 CNY
    # (60 km, 60 minutes): 3 · 72 = 216; really three vans of 120.
    problem = line([30.0, 30.0, 30.0], [stop(f"S{i}", i, 6.0) for i in (1, 2, 3)])
    no_ways = np.zeros(3)
    assert radial_bound(problem, no_ways, 2) == pytest.approx(216.0, abs=1e-3)
    fixed = replace(problem, vehicles=(replace(problem.vehicles[0], fixed_cny=50.0),))
    assert radial_bound(fixed, no_ways, 2) == pytest.approx(316.0, abs=1e-3)
    left = replace(problem, stops=(replace(problem.stops[0], penalty_cny=9.0), *problem.stops[1:]))
    assert radial_bound(left, no_ways, 0) == pytest.approx(153.0, abs=1e-3)
    assert radial_bound(line([math.inf], [stop("A", 1)]), np.array([math.inf]), 1) == -math.inf


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_radial_bound_is_never_above_the_cheapest(seed, count, is_optional):
    def field(i):
        return {"penalty_cny": 30.0 + 20.0 * i} if is_optional and i % 2 else {}

    problem = brute.random_round(seed, count, stop=field)
    # Arcs that are no shortest ways: the way over another stop may be cheaper than the direct one.
    problem.metres[0][0, 1] *= 4.0
    bound = radial_bound(problem, cheapest_ways(problem), fewest_vehicles(problem))
    assert bound <= brute.cheapest(problem) + 1e-6


def test_column_bound_lies_between_ways_and_best():
    problem = line([10.0, -20.0, 15.0, 25.0, -5.0], [stop(f"S{i}", i, 4.0) for i in range(1, 6)])
    best = solve_exact(problem).cny
    columns = lower_bound(problem, BoundLimits(exact_stops=0))
    assert columns.kind == "columns"
    assert ways_bound(problem) <= columns.cny <= best + 1e-6


def test_relaxed_problem_is_never_dearer():
    vehicles = [van(trips_most=2, fixed_cny=50.0, available=1)]
    problem = line([10.0, 20.0], [stop("A", 1, 8.0), stop("B", 2, 8.0)], vehicles)
    # One van, two trips: 50 + 60 km + 60 min; relaxed: two vans of 25 each.
    assert lower_bound(problem).cny == pytest.approx(170.0)
    assert relaxed(problem).vehicles[0].available == 2


def test_a_scored_plan_carries_a_bound():
    problem = line([10.0, 20.0], [stop("A", 1), stop("B", 2)])
    apart = score_decision(problem, RoutingDecision((VehicleDay(0, ((0,),)), VehicleDay(0, ((1,),)))))
    assert (apart.report.status, apart.report.objective) == ("feasible", pytest.approx(120.0))
    assert apart.report.bound == pytest.approx(80.0)
    best = score_decision(problem, RoutingDecision((VehicleDay(0, ((0, 1),)),)))
    assert best.report.status == "optimal"
