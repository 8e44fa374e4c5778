"""The checker passes the hand-made plan with the hand-made figures, and names the rule of every broken one."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import VerificationError
from geodata.parameters import Parameters
from planner.reports import SolveReport
from planner.routing.result import Route, Stop
from planner.siting.result import Unserved
from planner.verify import missed_parts, recompute_costs, verify, violations

ROOT = Path(__file__).parents[3]


# ------------------------------------------------------------------ the sound plan


def test_sound_plan_breaks_no_rule(hand_problem, hand_plan):
    assert violations(hand_problem, hand_plan) == ()
    assert missed_parts(hand_problem, hand_plan) == ()


def test_costs_equal_the_figures_by_hand(hand_problem, hand_plan):
    verified = verify(hand_problem, hand_plan)
    costs = {(line.tier, line.item): line.cny_per_day for line in verified.costs}
    assert costs == pytest.approx(
        {
            ("county_centre", "site"): 100.0,
            ("county_centre", "closing"): 0.0,
            ("township_station", "site"): 20.0 + 10.0 + 20.0,
            ("township_station", "closing"): 0.0,
            ("village_point", "site"): 2.0 + (1.0 + 1.0) + 3.0,
            ("village_point", "closing"): 1.0,
            ("county_centre", "handling"): 0.1 * (74.0 + 50.0),
            ("county_township", "transport"): 60.0 + 149.2 / 60.0 * 20.0,
            ("township_village", "transport"): (15.045 + 9.625) * 5.0 / 7.0,
        }
    )
    assert verified.cost_cny_per_day == pytest.approx(297.7547619)
    assert verified.investment_cny == pytest.approx(73_000.0 + 3_650.0 + 3_650.0)


def test_costs_with_interest_follow_the_annuity(hand_problem, hand_plan):
    parameters = hand_problem.county.parameters.with_values({"discount_rate_share": 0.05}, "test")
    problem = dataclasses.replace(hand_problem, county=hand_problem.county.replace(parameters=parameters))
    costs = {(line.tier, line.item): line.cny_per_day for line in recompute_costs(problem, hand_plan)}
    # 0.05 over 10 years: 0.129504575 of the capex a year
    assert costs["township_station", "site"] == pytest.approx(30.0 + 73_000.0 * 0.129504575 / 365.0)
    assert costs["village_point", "closing"] == pytest.approx(3_650.0 * 0.129504575 / 365.0)


def test_checker_imports_no_engine_and_no_cost_code():
    sources = [ROOT / "planner/verify.py", ROOT / "planner/kpis.py", ROOT / "planner/emissions.py"]
    sources += sorted((ROOT / "planner/verification").glob("*.py")) + sorted((ROOT / "planner/kpi").glob("*.py"))
    allowed = ("planner.verification", "planner.kpi", "planner.plan", "planner.reports", "planner.emissions")
    allowed += ("planner.siting.result", "planner.routing.result", "planner.problems", "planner.verify")
    allowed += ("planner.cooperation.modes",)  # its decision types
    assert len(sources) > 12
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("planner") or name.startswith(allowed), f"{source.name} imports {name}"


# ------------------------------------------------------------------ broken plans, one rule each


def siting(plan, **changes):
    return dataclasses.replace(plan, siting=dataclasses.replace(plan.siting, **changes))


def routing(plan, **changes):
    return dataclasses.replace(plan, routing=dataclasses.replace(plan.routing, **changes))


def route(plan, index, **changes):
    routes = list(plan.routing.routes)
    routes[index] = dataclasses.replace(routes[index], **changes)
    return routing(plan, routes=tuple(routes))


def drop_key(mapping, key):
    return {k: v for k, v in mapping.items() if k != key}


STOP_P3 = Stop("P3", 56.0, 14.0)
BY_DECISION = {
    "check_unknown_site": [
        lambda p: siting(p, open_ids=(*p.siting.open_ids, "ghost")),
        lambda p: siting(p, station_of_point={**p.siting.station_of_point, "ghost": "SA"}),
        lambda p: route(p, 2, depot_id="ghost"),
        lambda p: route(p, 2, stops=(STOP_P3, Stop("ghost", 1.0, 0.0))),
        lambda p: routing(p, dropped={"ghost": "reason"}),
    ],
    "check_repeated_site": [lambda p: siting(p, closed_ids=("P5", "P1"))],
    "check_wrong_kind": [
        lambda p: siting(p, point_of_village={**p.siting.point_of_village, "V4": "SB"}),
        lambda p: siting(p, station_of_point={**p.siting.station_of_point, "P3": "C1"}),
        lambda p: siting(p, centre_of_station={**p.siting.centre_of_station, "SB": "SA"}),
    ],
    "check_unknown_village": [lambda p: siting(p, point_of_village={**p.siting.point_of_village, "V9": "P1"})],
    "check_repeated_village": [
        lambda p: siting(p, unserved=(*p.siting.unserved, Unserved("V1", "capacity", {}))),
        lambda p: siting(p, unserved=p.siting.unserved * 2),
    ],
    "check_unknown_reason": [lambda p: siting(p, unserved=(Unserved("V5", "no_mood", {}),))],
    "check_repeated_route": [lambda p: routing(p, routes=(*p.routing.routes, p.routing.routes[-1]))],
    "check_route_order": [lambda p: routing(p, routes=p.routing.routes[::-1])],
    "check_unknown_tier": [lambda p: route(p, 2, tier="village_moon")],
    "check_unknown_vehicle": [lambda p: route(p, 2, vehicle_type_id="rocket")],
    "check_no_travel_times": [lambda p: route(p, 2, vehicle_type_id="rocket")],
    "check_not_open": [
        lambda p: siting(p, open_ids=("C1", "P1", "P3", "SA", "SB")),
        lambda p: siting(p, open_ids=("C1", "P1", "P2", "P3", "SA")),
        lambda p: siting(p, open_ids=("C2", "P1", "P2", "P3", "SA", "SB"), closed_ids=("C1", "P5")),
    ],
    "check_link_missing": [
        lambda p: siting(p, station_of_point=drop_key(p.siting.station_of_point, "P3")),
        lambda p: siting(p, centre_of_station=drop_key(p.siting.centre_of_station, "SB")),
    ],
    "check_link_of_closed_site": [lambda p: siting(p, station_of_point={**p.siting.station_of_point, "P4": "SB"})],
    "check_closed_list": [
        lambda p: siting(p, closed_ids=()),
        lambda p: siting(p, closed_ids=("P4", "P5")),
    ],
    "check_centre_count": [
        lambda p: siting(p, open_ids=("C1", "C2", *p.siting.open_ids[1:]), centre_of_station={"SA": "C1", "SB": "C2"})
    ],
    "check_village_missing": [
        lambda p: siting(p, unserved=()),
        lambda p: siting(p, point_of_village=drop_key(p.siting.point_of_village, "V4")),
    ],
    "check_wrong_reason": [
        lambda p: siting(p, unserved=(Unserved("V5", "no_site_in_reach", {}),)),
        lambda p: siting(
            p,
            point_of_village=drop_key(p.siting.point_of_village, "V4"),
            unserved=(*p.siting.unserved, Unserved("V4", "no_location", {})),
        ),
        lambda p: siting(
            p,
            point_of_village=drop_key(p.siting.point_of_village, "V4"),
            unserved=(*p.siting.unserved, Unserved("V4", "no_site_in_reach", {})),
        ),
    ],
    "check_served_without_place": [
        lambda p: siting(p, point_of_village={**p.siting.point_of_village, "V5": "P3"}, unserved=())
    ],
    "check_too_far": [lambda p: siting(p, point_of_village={**p.siting.point_of_village, "V4": "P1"})],
    "check_not_visited": [
        lambda p: routing(p, routes=p.routing.routes[:2]),
        lambda p: routing(p, routes=p.routing.routes[1:]),
        lambda p: route(p, 1, stops=p.routing.routes[1].stops[:1]),
        lambda p: dataclasses.replace(
            routing(p, routes=p.routing.routes[:2]),
            routing=dataclasses.replace(p.routing, routes=p.routing.routes[:2], dropped={"P3": "reason"}),
        ),
    ],
    "check_delivery_load": [
        lambda p: route(p, 2, stops=(Stop("P3", 55.0, 14.0),)),
        lambda p: route(p, 0, stops=(Stop("SA", 60.0, 14.0), Stop("SB", 41.0, 10.0))),
        lambda p: route(p, 1, stops=(*p.routing.routes[1].stops, Stop("P1", 56.0, 14.0))),
    ],
    "check_pickup_load": [lambda p: route(p, 2, stops=(Stop("P3", 56.0, 13.0),))],
    "check_parcel_balance": [
        lambda p: route(p, 2, stops=(Stop("P3", 55.0, 14.0),)),
        lambda p: routing(p, routes=p.routing.routes[1:]),
    ],
    "check_route_without_stops": [
        lambda p: routing(p, routes=(*p.routing.routes, Route("c", "township_village", "SB", "van", 3, 5, ())))
    ],
    "check_days_per_week": [lambda p: route(p, 2, days_per_week=3), lambda p: route(p, 0, days_per_week=5)],
    "check_wrong_depot": [lambda p: route(p, 2, depot_id="SA"), lambda p: route(p, 0, depot_id="C2")],
    "check_negative_load": [
        lambda p: route(p, 2, stops=(Stop("P3", 57.0, 14.0), Stop("P3", -1.0, 0.0))),
        lambda p: route(p, 2, stops=(Stop("P3", 56.0, 15.0), Stop("P3", 0.0, -1.0))),
    ],
    "check_dropped_in_use": [
        lambda p: routing(p, dropped={"P3": "reason"}),
        lambda p: routing(p, dropped={"SB": "reason"}),
    ],
    "check_vehicle_tier": [
        lambda p: route(p, 2, vehicle_type_id="truck"),
        lambda p: route(p, 0, vehicle_type_id="van"),
    ],
    "check_vehicle_at_two_depots": [lambda p: route(p, 2, vehicle_number=1)],
    "check_no_answer": [
        lambda p: siting(p, report=SolveReport("unknown", None, None, "x")),
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("infeasible", None, None, "x")}),
    ],
    "check_bound": [
        lambda p: siting(p, report=SolveReport("feasible", 300.0, 301.0, "x")),
        lambda p: routing(p, report=SolveReport("feasible", p.routing.report.objective, 1e6, "x")),
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("feasible", 6.875, 6.9, "x")}),
    ],
    "check_not_proved": [
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("feasible", 6.875, 6.0, "x")})
    ],
    "check_depot_without_report": [lambda p: routing(p, reports=drop_key(p.routing.reports, "SB"))],
    "check_round_cost": [
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("feasible", 9.7, 6.0, "x")}),
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("feasible", 9.625, 9.625, "of a run")}),
    ],
    "check_transport_total": [
        lambda p: routing(p, report=SolveReport("feasible", 130.0, 9.0, "x")),
        # The trips of one run added up as if every round ran every day.
        lambda p: routing(p, report=SolveReport("optimal", *(60.0 + 149.2 / 3.0 + 15.045 + 9.625,) * 2, "x")),
        lambda p: routing(p, reports={**p.routing.reports, "SB": SolveReport("feasible", 9.625, 9.625, "of a run")}),
    ],
}
BY_INPUT = {
    "check_lock_open": [("facilities", "P4", {"lock": "open"})],
    "check_lock_closed": [("facilities", "P1", {"lock": "closed"})],
    "check_capacity": [
        ("facilities", "P3", {"capacity_parcels_per_day": 49.0}),
        ("facilities", "SA", {"capacity_parcels_per_day": 73.0}),
        ("facilities", "C1", {"capacity_parcels_per_day": 123.0}),
    ],
    "check_budget": [
        ("facilities", "SB", {"capex_cny": 90_000.0}),
        ("facilities", "P5", {"closing_cost_cny": 90_000.0}),
    ],
    "check_demand_of_unlisted_village": [("demand", "V5", {"village_code": "V6"})],
    "check_population_share": [("villages", "V5", {"population": 200.0})],
    "check_payload": [("vehicles", "van", {"payload_kg": 125.0}), ("vehicles", "truck", {"payload_kg": 149.0})],
    "check_volume": [("vehicles", "van", {"volume_m3": 0.69}), ("vehicles", "truck", {"volume_m3": 0.82})],
    "check_trip_shift": [("vehicles", "truck", {"shift_h": 149.0 / 60.0})],
    "check_range": [("vehicles", "van", {"range_km": 7.9}), ("vehicles", "truck", {"range_km": 59.0})],
    "check_vehicle_count": [("vehicles", "van", {"vehicle_count": 1.0}), ("vehicles", "truck", {"vehicle_count": 0.0})],
}


def keys(problem, plan):
    return [message.key for message in violations(problem, plan)]


@pytest.mark.parametrize(
    ("rule", "number"), [(rule, i) for rule, cases in BY_DECISION.items() for i in range(len(cases))]
)
def test_broken_decision_is_named(hand_problem, hand_plan, rule, number):
    assert rule in keys(hand_problem, BY_DECISION[rule][number](hand_plan))


@pytest.mark.parametrize(("rule", "number"), [(rule, i) for rule, cases in BY_INPUT.items() for i in range(len(cases))])
def test_changed_input_is_named(hand_problem, hand_plan, change, rule, number):
    table, key, cells = BY_INPUT[rule][number]
    assert rule in keys(change(hand_problem, table, key, **cells), hand_plan)


def with_standard(problem, **changes):
    return dataclasses.replace(problem, standard=dataclasses.replace(problem.standard, **changes))


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("check_population_share", {"population_share": 0.82}),
        ("check_population_share", {"access_km": 1.9}),
        ("check_population_share", {"access_min": 3.9}),
        ("check_village_point_share", {"village_point_share": 0.61}),
        ("check_village_served_share", {"village_served_share": 0.81}),
        ("check_village_served_share", {"village_served_share": 0.8, "allocation_km": 1.9}),
        ("check_too_far", {"allocation_km": 1.9}),
    ],
)
def test_standard_is_kept(hand_problem, hand_plan, rule, changes):
    problem = with_standard(hand_problem, **changes)
    assert rule in keys(problem, hand_plan)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop_base_min", -400.0), ("stop_s_per_parcel", np.nan), ("diesel_cny_per_l", -4.0), ("site_life_years", 0.0),
        ("discount_rate_share", -1.0), ("driver_cny_per_month", np.inf), ("sorting_cny_per_parcel", -0.1),
    ],
)  # fmt: skip
def test_figures_without_meaning_are_refused_alone(hand_problem, hand_plan, name, value):
    given = hand_problem.county.parameters
    parameters = Parameters({**given.entries, name: dataclasses.replace(given.entry(name), value=value)})
    problem = dataclasses.replace(hand_problem, county=hand_problem.county.replace(parameters=parameters))
    assert [(m.key, m.params["name"]) for m in violations(problem, hand_plan)] == [("check_figure", name)]
    with pytest.raises(VerificationError):
        verify(problem, hand_plan)


def test_vehicle_figures_and_loading_without_meaning_are_refused(hand_problem, hand_plan, change):
    for cells in ({"shift_h": 0.0}, {"wear_cny_per_km": -1.0}, {"fixed_cny_per_day": -80.0}, {"energy_per_km": -9.0}):
        assert keys(change(hand_problem, "vehicles", "van", **cells), hand_plan) == ["check_figure"]
    settings = dataclasses.replace(hand_problem.routing, depot_loading_min=-500.0)
    assert keys(dataclasses.replace(hand_problem, routing=settings), hand_plan) == ["check_figure"]


def test_negative_trips_and_cost_lines_are_refused(hand_problem, hand_plan, change):
    negative = route(hand_plan, 2, stops=(Stop("P3", -5e4, 14.0),))
    broken = keys(hand_problem, negative)
    assert "check_trip_negative" in broken
    assert "check_cost_negative" in broken
    assert "check_cost_negative" in keys(change(hand_problem, "facilities", "C1", annual_cost_cny=-1.0), hand_plan)


def test_station_at_its_centres_place_needs_no_trunk_trip(hand_problem, hand_plan, change):
    """SA moved to C1: the trunk brings SB only, and a trip to SA would be one too many."""
    place = {"lon": 109.0, "lat": 27.0}
    problem = change(hand_problem, "facilities", "SA", **place)
    plan = route(hand_plan, 0, stops=(hand_plan.routing.routes[0].stops[1],))
    assert not set(keys(problem, plan)) & {"check_not_visited", "check_parcel_balance", "check_wrong_depot"}
    assert {"check_wrong_depot", "check_parcel_balance"} <= set(keys(problem, hand_plan))
    assert "check_not_visited" in keys(hand_problem, plan)


def test_station_that_is_part_of_another_centre_is_named(hand_problem, hand_plan, change):
    problem = change(hand_problem, "facilities", "SA", host="C2")
    assert keys(problem, hand_plan) == ["check_part_of_other_centre"]
    assert keys(change(hand_problem, "facilities", "SA", host="C1"), hand_plan) == []


def test_standard_met_to_the_edge_is_met(hand_problem, hand_plan):
    edge = {"population_share": 2125.0 / 2600.0, "village_point_share": 3.0 / 5.0, "access_min": 4.0, "access_km": 2.0}
    assert keys(with_standard(hand_problem, **edge), hand_plan) == []


def test_township_without_station_is_missed(hand_problem, hand_plan, change):
    assert "check_township_station_share" in keys(
        change(hand_problem, "facilities", "SB", township_code="990001100"), hand_plan
    )


def test_keep_existing_forbids_the_closing(hand_problem, hand_plan):
    settings = dataclasses.replace(hand_problem.siting, keep_existing=True)
    assert keys(dataclasses.replace(hand_problem, siting=settings), hand_plan) == ["check_lock_open"]


def test_capacity_holds_for_the_day_asked_for(hand_problem, hand_plan):
    settings = dataclasses.replace(hand_problem.siting, capacity_day_factor=1.3)
    assert keys(dataclasses.replace(hand_problem, siting=settings), hand_plan) == ["check_capacity"]


def test_two_trips_of_one_vehicle_share_its_shift(hand_problem, hand_plan, change):
    stops = hand_plan.routing.routes[1].stops
    first, last = hand_plan.routing.routes[0], hand_plan.routing.routes[2]
    halves = [
        Route(f"b1{i}", "township_village", "SA", "van", 1, 5, (stop,)) for i, stop in enumerate(stops)
    ]  # 30.5 and 36.68 minutes
    split = routing(hand_plan, routes=(first, *halves, last))
    long_day = change(hand_problem, "vehicles", "van", shift_h=68.0 / 60.0)
    short_day = change(hand_problem, "vehicles", "van", shift_h=67.0 / 60.0)
    assert "check_vehicle_shift" not in keys(long_day, split)
    broken = keys(short_day, split)
    assert "check_vehicle_shift" in broken
    assert "check_trip_shift" not in broken


def test_missing_road_is_named(hand_problem, hand_plan):
    van = hand_problem.travel["van"]
    minutes, metres = van.minutes.copy(), van.metres.copy()
    a, b = van.origin_ids.index("P1"), van.destination_ids.index("P2")
    minutes[a, b] = metres[a, b] = np.inf
    travel = {**hand_problem.travel, "van": dataclasses.replace(van, minutes=minutes, metres=metres)}
    broken = keys(dataclasses.replace(hand_problem, travel=travel), hand_plan)
    assert "check_leg_without_road" in broken
    assert not {"check_trip_shift", "check_vehicle_shift"} & set(broken)


def test_place_without_travel_times_is_named(hand_problem, hand_plan):
    van = hand_problem.travel["van"]
    known = [site for site in van.origin_ids if site != "P2"]
    minutes, metres = van.sub(known, known)
    short = dataclasses.replace(
        van, origin_ids=tuple(known), destination_ids=tuple(known), minutes=minutes, metres=metres
    )
    problem = dataclasses.replace(hand_problem, travel={**hand_problem.travel, "van": short})
    assert keys(problem, hand_plan) == ["check_place_without_travel"]


def test_load_is_checked_on_every_leg_and_not_only_at_the_depot(hand_problem, hand_plan, change):
    """Light out, heavy home: 84 kg out, 105 kg home; the load is highest on the last leg."""
    problem = hand_problem
    for village in ("V1", "V3"):
        problem = change(problem, "demand", village, outbound_parcels_per_day=30.0)
    stops = (Stop("SA", 60.0, 34.0), Stop("SB", 40.0, 32.0))
    plan = route(hand_plan, 0, stops=stops)
    roomy = change(problem, "vehicles", "truck", payload_kg=231.0)
    tight = change(problem, "vehicles", "truck", payload_kg=230.0)  # home: 66 · 3.5 = 231 kg
    assert "check_payload" not in keys(roomy, plan)
    assert "check_payload" in keys(tight, plan)


def test_open_point_without_villages_may_be_left_out(hand_problem, hand_plan, change):
    problem = change(hand_problem, "facilities", "P5", lock="open")
    idle = siting(
        hand_plan,
        open_ids=("C1", "P1", "P2", "P3", "P5", "SA", "SB"),
        closed_ids=(),
        station_of_point={**hand_plan.siting.station_of_point, "P5": "SA"},
    )
    assert keys(problem, idle) == ["check_not_visited"]
    assert keys(problem, routing(idle, dropped={"P5": "reason"})) == []


def test_every_rule_that_is_tested_has_its_sentence(hand_problem, hand_plan, change):
    cases = [(hand_problem, broken(hand_plan)) for found in BY_DECISION.values() for broken in found]
    for found in BY_INPUT.values():
        cases += [(change(hand_problem, table, key, **cells), hand_plan) for table, key, cells in found]
    for problem, plan in cases:
        for message in violations(problem, plan):
            assert message.text("en")
            assert message.text("zh")


def test_every_rule_of_the_checker_is_tested():
    named = set()
    for source in (ROOT / "planner/verification").glob("*.py"):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        named |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and str(n.value).startswith("check_")}
    tests = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/planner").rglob("test_*.py")))
    assert len(named) > 40
    for rule in sorted(name for name in named if not name.endswith("_")):
        assert tests.count(rule) > 0, rule


def test_refused_plan_carries_all_violations(hand_problem, hand_plan, change):
    problem = change(hand_problem, "facilities", "SB", capex_cny=90_000.0)
    broken = route(hand_plan, 2, days_per_week=3)
    with pytest.raises(VerificationError) as caught:
        verify(problem, broken)
    found = {message.key for message in caught.value.violations}
    assert {"check_budget", "check_days_per_week"} <= found
    assert str(len(caught.value.violations)) in caught.value.text("zh")


def test_numbers_equal_up_to_rounding_are_equal(hand_problem, hand_plan):
    nearly = route(hand_plan, 2, stops=(Stop("P3", 56.0 + 1e-8, 14.0 - 1e-9),))
    assert keys(hand_problem, nearly) == []


def test_true_reason_is_accepted(hand_problem, hand_plan, change):
    """Without P3 and P4 nothing lies within 8 km of V3 and V4."""
    problem = hand_problem
    for point in ("P3", "P4"):
        problem = change(problem, "facilities", point, lock="closed")
    unserved = (*hand_plan.siting.unserved, Unserved("V4", "no_site_in_reach", {}))
    plan = siting(hand_plan, point_of_village=drop_key(hand_plan.siting.point_of_village, "V4"), unserved=unserved)
    assert "check_wrong_reason" not in keys(problem, plan)
    near = dataclasses.replace(problem, standard=dataclasses.replace(problem.standard, allocation_km=36.0))
    assert "check_wrong_reason" in keys(near, plan)  # P1 is 36 km away
