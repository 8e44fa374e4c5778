"""What follows when vehicles cannot come: unserved villages, sites given up, the standard kept or refused with a way out."""

import dataclasses

import pytest

from geodata.errors import InfeasibleError, NoSolutionError
from planner import design
from planner.design import design_plan
from planner.design_fleet import fleet_too_small
from planner.design_settle import settle
from planner.plan import Plan
from planner.reports import SolveReport
from planner.routing.result import RoutingResult, Stop
from planner.verify import violations

#: 60 km; 100 - 34 parcels fewer at SA; one stop fewer at SA: 4 km, 8 min and 7.5 min; SB as before; five days of seven.
FIVE_DAYS = (2.0 + 30.5 / 4.0) * 5.0 / 7.0
WITHOUT_P2 = {"C1": 60.0 + (149.2 - 0.05 * 24.0) / 3.0, "SA": FIVE_DAYS, "SB": FIVE_DAYS}


def report(cost):
    return SolveReport("feasible", cost, cost / 2.0, "by hand")


@pytest.fixture
def without_p2(hand_plan):
    """Rounds that had to leave P2 out for want of a vehicle."""
    trunk, first, last = hand_plan.routing.routes
    routes = (
        dataclasses.replace(trunk, stops=(Stop("SA", 40.0, 10.0), Stop("SB", 40.0, 10.0))),
        dataclasses.replace(first, stops=(Stop("P1", 56.0, 14.0),)),
        last,
    )
    routing = RoutingResult(
        routes=routes,
        reports={depot: report(cost) for depot, cost in WITHOUT_P2.items()},
        report=report(sum(WITHOUT_P2.values())),
        dropped={"P2": "reason_no_vehicle_stop"},
        dropped_params={"P2": {"facility_id": "P2"}},
        vehicles_needed={"truck": 1, "van": 5},
    )
    return Plan(hand_plan.siting, routing)


@pytest.fixture
def run(monkeypatch):
    """Run the line with decisions put in place of the engines'."""

    def design_with(problem, plan):
        monkeypatch.setattr(design, "solve_three_tier", lambda *_args, **_options: plan.siting)
        monkeypatch.setattr(design, "solve_rounds", lambda *_args, **_options: plan.routing)
        stages = []
        return design_plan(problem, listener=lambda event: stages.append(event.stage)), stages

    return design_with


def asking(problem, **standard):
    return dataclasses.replace(problem, standard=dataclasses.replace(problem.standard, **standard))


def test_sound_decisions_pass_unchanged(hand_problem, hand_plan, run):
    verified, stages = run(hand_problem, hand_plan)
    assert verified.plan.siting is hand_plan.siting
    assert verified.plan.routing is hand_plan.routing
    assert verified.plan.warnings == ()
    assert stages == ["verify"]


def test_left_out_candidate_is_not_built_and_its_villages_are_listed(hand_problem, without_p2, run):
    problem = asking(hand_problem, village_point_share=0.4, population_share=0.7)
    verified, _ = run(problem, without_p2)
    siting = verified.plan.siting
    assert siting.open_ids == ("C1", "P1", "P3", "SA", "SB")
    assert siting.closed_ids == ("P5",)
    assert "V2" not in siting.point_of_village
    assert [(u.village_code, u.reason) for u in siting.unserved] == [("V2", "no_vehicle"), ("V5", "no_location")]
    assert [w.key for w in verified.plan.warnings] == ["warning_dropped_villages"]
    assert siting.report.status == "feasible"
    assert siting.report.bound is None
    assert verified.investment_cny == pytest.approx(73_000.0 + 3_650.0)
    assert verified.kpis.get("K1").numerator == 3
    assert verified.kpis.get("K4").numerator == 2


def test_left_out_existing_site_is_closed(hand_problem, without_p2, change):
    settled = settle(change(hand_problem, "facilities", "P2", status="existing", closing_cost_cny=10.0), without_p2)
    assert settled.siting.closed_ids == ("P2", "P5")


@pytest.mark.parametrize("how", ["locked", "kept", "budget"])
def test_site_that_may_not_close_stays_as_a_sign(hand_problem, without_p2, change, how):
    problem = asking(hand_problem, village_point_share=0.4, population_share=0.7)
    if how == "locked":
        problem = change(problem, "facilities", "P2", lock="open")
    elif how == "kept":
        problem = change(problem, "facilities", "P2", status="existing")
        problem = change(problem, "facilities", "P5", lock="closed")
        problem = dataclasses.replace(problem, siting=dataclasses.replace(problem.siting, keep_existing=True))
    else:
        problem = change(problem, "facilities", "P2", status="existing", closing_cost_cny=1e6)
    settled = settle(problem, without_p2)
    assert "P2" in settled.siting.open_ids
    assert settled.siting.station_of_point["P2"] == "SA"
    assert [w.key for w in settled.warnings] == ["warning_dropped_villages", "warning_dropped_site"]
    assert [m.key for m in violations(problem, settled)] == []


def test_station_left_out_goes_with_its_points(hand_problem, hand_plan):
    keys = {"SB": "reason_off_road_stop", "P3": "reason_station_cut_off_stop"}
    routing = dataclasses.replace(hand_plan.routing, dropped=keys)
    settled = settle(hand_problem, Plan(hand_plan.siting, routing)).siting
    assert settled.open_ids == ("C1", "P1", "P2", "SA")
    assert settled.closed_ids == ("P3", "P5")
    assert dict(settled.centre_of_station) == {"SA": "C1"}
    assert {u.village_code: u.reason for u in settled.unserved} == {
        "V3": "off_road",
        "V4": "off_road",
        "V5": "no_location",
    }


def test_missed_standard_says_how_many_vehicles_would_do(hand_problem, without_p2, run):
    with pytest.raises(NoSolutionError) as caught:
        run(hand_problem, without_p2)
    fixes = [(fix.key, dict(fix.params)) for fix in caught.value.fixes]
    assert fixes[0] == ("fix_more_vehicles", {"vehicle": "van", "count": 2})  # 5 wished for, 3 there
    assert [key for key, _ in fixes[1:]] == ["fix_lower_population_share", "fix_lower_village_point_share"]
    for fix in caught.value.fixes:
        assert fix.text("en")
        assert fix.text("zh")
    assert caught.value.text("zh")


def test_more_vehicles_are_not_offered_where_they_do_not_help(hand_problem, without_p2, run):
    routing = dataclasses.replace(without_p2.routing, dropped={"P2": "reason_range_stop"})
    with pytest.raises(NoSolutionError) as caught:
        run(hand_problem, dataclasses.replace(without_p2, routing=routing))
    assert "fix_more_vehicles" not in [fix.key for fix in caught.value.fixes]


def test_fleet_proved_too_small(hand_problem, without_p2, run, change):
    """Three visits a day: 4 min + 1 km from P5 to P1 and to P2, 4 min + 2 km to P3: 6 + 6 + 8 = 20 minutes."""
    one = change(hand_problem, "vehicles", "van", vehicle_count=1.0)
    too_short = change(one, "vehicles", "van", shift_h=34.9 / 60.0)  # 19.9 after loading
    enough = change(one, "vehicles", "van", shift_h=35.1 / 60.0)
    assert fleet_too_small(enough) is None
    proof = fleet_too_small(too_short)
    assert proof.params["needed"] == pytest.approx(20.0)
    assert proof.params["offered"] == pytest.approx(19.9)
    with pytest.raises(InfeasibleError) as caught:
        run(too_short, without_p2)
    assert caught.value.message.key == "fleet_too_small"
    assert caught.value.text("en")


def test_unlimited_vehicles_are_never_proved_too_small(hand_problem, change):
    assert fleet_too_small(change(hand_problem, "vehicles", "van", vehicle_count=float("nan"))) is None
    assert fleet_too_small(asking(hand_problem, village_point_share=0.0)) is None


def test_engines_plan_the_hand_made_county(hand_problem, hand_plan, change):
    """Without a site in V4 the engines choose the plan by hand: one point for V3 and V4, P5 closed."""
    verified = design_plan(change(hand_problem, "facilities", "P4", lock="closed"))
    siting = verified.plan.siting
    assert siting.open_ids == hand_plan.siting.open_ids
    assert siting.closed_ids == hand_plan.siting.closed_ids
    assert dict(siting.point_of_village) == dict(hand_plan.siting.point_of_village)
    assert [(u.village_code, u.reason) for u in siting.unserved] == [("V5", "no_location")]
    assert verified.plan.routing.report.status == "optimal"
    assert verified.cost_cny_per_day == pytest.approx(297.7547619)


def test_near_point_is_worth_its_cost_to_the_villagers(hand_problem):
    """V4 sends and gets 10 parcels over 2 km: 6 CNY a day of ways, more than a point of its own costs."""
    verified = design_plan(hand_problem)
    assert verified.plan.siting.point_of_village["V4"] == "P4"
    assert verified.cost_cny_per_day > 297.7547619
