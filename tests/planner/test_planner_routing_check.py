"""The checker of rich rounds: each rule broken once and named, a good decision accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loading import load
from planner.problems.routing import (
    Battery,
    BreakRule,
    Charger,
    Permit,
    RoutingDecision,
    RoutingDepot,
    VehicleDay,
)
from planner.verification.routing import check_decision, cost_of

cases = load("planner/routing_cases.py")
line, stop, van = cases.line, cases.stop, cases.van

AB = [stop("A", 1), stop("B", 2)]


def good():
    return line([10.0, 20.0], AB), decide(((0, 1),))


def decide(*days, left_out=(), vehicle=0):
    return RoutingDecision(
        tuple(VehicleDay(vehicle, tuple(day if isinstance(day[0], tuple) else (day,))) for day in days), left_out
    )


def rules(problem, decision):
    found = check_decision(problem, decision)
    for violation in found:
        for lang in ("en", "zh"):
            assert violation.message.text(lang)
    return [violation.rule for violation in found]


def test_good_decision_is_accepted_and_priced():
    problem, decision = good()
    assert check_decision(problem, decision) == ()
    assert cost_of(problem, decision) == pytest.approx(40.0 + 40.0)


def test_left_out_stop_costs_its_penalty():
    problem = line([10.0, 20.0], [AB[0], replace(AB[1], penalty_cny=3.0)])
    decision = decide((0,), left_out=(1,))
    assert check_decision(problem, decision) == ()
    assert cost_of(problem, decision) == pytest.approx(20.0 + 20.0 + 3.0)


def broken():
    p, d = good()
    one = [stop("A", 1)]
    yield "unknown_vehicle", p, decide((0, 1), vehicle=3)
    yield "unknown_stop", p, decide((0, 1, 7))
    yield "unknown_stop", p, decide((0, 1), left_out=(9,))
    yield "empty_day", p, RoutingDecision((*d.days, VehicleDay(0, ())))
    yield "empty_trip", p, RoutingDecision((*d.days, VehicleDay(0, ((),))))
    yield "visited_twice", p, decide((0, 1), (1,))
    yield "not_visited", p, decide((0,))
    yield (
        "left_out_and_visited",
        line([10.0, 20.0], [replace(s, penalty_cny=1.0) for s in AB]),
        decide((0, 1), left_out=(1,)),
    )
    yield "mandatory_left_out", p, decide((0,), left_out=(1,))
    yield "too_many_vehicles", line([10.0, 20.0], AB, [van(available=1)]), decide((0,), (1,))
    yield "too_many_trips", p, decide(((0,), (1,)))
    depots = (RoutingDepot("D", 0), RoutingDepot("E", 1))
    yield (
        "reload_elsewhere",
        replace(line([10.0, 20.0], AB, [van(trips_most=2, end_depot=1)]), depots=depots),
        decide(((0,), (1,))),
    )
    yield "charger_without_battery", line([10.0, 20.0], AB, chargers=(Charger("C", 1),)), decide((0, 2, 1))
    yield "too_many_stops", line([10.0, 20.0], AB, [van(stops_most=1)]), decide((0, 1))
    yield "vehicle_type", line([10.0], [stop("A", 1, vehicle_types=frozenset({"bus"}))]), decide((0,))
    yield "permit", line([10.0], [stop("A", 1, zone="old town")]), decide((0,))
    yield "capacity", line([10.0, 20.0], [stop("A", 1, 6.0), stop("B", 2, 6.0)]), decide((0, 1))
    # On the way: 10 on board, nothing delivered at A, where 1 is taken on.
    yield "capacity", line([10.0, 20.0], [stop("A", 1, 0.0, 1.0), stop("B", 2, 10.0)]), decide((0, 1))
    yield (
        "linehaul_first",
        line([10.0, 20.0], [stop("A", 1, 0.0, 1.0), stop("B", 2)], is_linehaul_first=True),
        decide((0, 1)),
    )
    goods = [stop("A", 1, goods=("pesticide",)), stop("B", 2, goods=("food",))]
    yield "goods", line([10.0, 20.0], goods, incompatible=(("food", "pesticide"),)), decide((0, 1))
    yield "no_way", line([np.inf], one), decide((0,))
    yield "range", line([10.0], one, [van(range_km=19.0)]), decide((0,))
    yield "battery", line([10.0], one, [van(battery=Battery(19.0, 1.0, 1.0))]), decide((0,))
    yield "window", line([10.0], [stop("A", 1, windows=((0.0, 9.0),))]), decide((0,))
    permit = (Permit("old town", ((0.0, 12.0),)),)
    yield (
        "permit_time",
        line([10.0], [stop("A", 1, zone="old town", service_min=3.0)], [van(permits=permit)]),
        decide((0,)),
    )
    yield "depot_hours", line([10.0], one, depot=RoutingDepot("D", 0, opens_min=100.0, closes_min=119.0)), decide((0,))
    yield "shift", line([10.0], one, [van(shift=(100.0, 119.0))]), decide((0,))
    yield "longest_day", line([10.0], one, [van(longest_min=19.0)]), decide((0,))
    yield "cold", line([10.0], [stop("A", 1, cold_max_min=9.0)]), decide((0,))
    yield "cold", line([10.0], [stop("A", 1, 0.0, 1.0, cold_max_min=9.0)]), decide((0,))
    yield "break", line([10.0], one, [van(break_rule=BreakRule(9.0, 5.0))]), decide((0,))
    yield "balance", line([10.0, 20.0], AB, balance_min=19.0), decide((0,), (1,))


@pytest.mark.parametrize(
    ("rule", "problem", "decision"), [pytest.param(*case, id=f"{k}-{case[0]}") for k, case in enumerate(broken())]
)
def test_each_broken_rule_is_named(rule, problem, decision):
    assert rules(problem, decision) == [rule]


def test_every_rule_with_a_sentence_is_broken_above():
    table = (
        (Path(__file__).parents[2] / "geodata/data/messages/routing_rich.csv").read_text(encoding="utf-8").splitlines()
    )
    keys = {row.split(",", 1)[0].removeprefix("check_routing_") for row in table if row.startswith("check_routing_")}
    assert keys == {case[0] for case in broken()}


def test_figures_say_what_was_found_and_allowed():
    problem = line([10.0], [stop("A", 1, windows=((0.0, 9.0),))])
    [violation] = check_decision(problem, decide((0,)))
    assert (violation.stop_id, violation.day) == ("A", 0)
    assert violation.figures == {"found": 10.0, "limit": 9.0}


def test_cost_of_a_day_without_timetable_is_infinite():
    problem = line([10.0], [stop("A", 1, windows=((0.0, 9.0),))])
    assert cost_of(problem, decide((0,))) == np.inf
