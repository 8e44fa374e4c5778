"""Operators as data, the question made of a county, agreements, KPIs, and Ziyang's two figures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geodata.brands import with_brands
from geodata.completion import complete
from geodata.errors import InputError
from geodata.frames import canonical_frame
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.cooperation.assumed import with_assumed_buses, with_assumed_shops
from planner.cooperation.baseline import separate_networks
from planner.cooperation.build import build_cooperation, cny_per_km
from planner.cooperation.contracts import BusSaving, contracts_of
from planner.cooperation.handover import post_offers
from planner.cooperation.measures import cooperation_kpis
from planner.cooperation.merge_build import build_merge
from planner.cooperation.modes import Carriage, ModePlan, solve_modes
from planner.cooperation.operators import operators_of, outlet_cny_per_day
from planner.cooperation.paths import post_network_cny
from planner.cooperation.stations_merge import check_merge, merge_stations
from planner.plan import PlanProblem
from planner.problems.cooperation import CooperationProblem, Operator
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.siting.links import link_costs
from planner.siting.selection import SolveLimits
from planner.verification.cooperation import check_cooperation


@cache
def small() -> PlanProblem:
    county = complete(reference_county(townships=3, villages=12, seed=1), seed=1)
    return PlanProblem(county, build_travel(county).matrices, ServiceStandard(), SitingSettings(), RoutingSettings())


def changed(**tables: Any) -> PlanProblem:
    return replace(small(), county=small().county.replace(**tables))


def test_a_visit_costs_what_the_siting_model_says() -> None:
    case = build_cooperation(small())
    problem = case.problem
    each = float(problem.parcels.sum()) / 8
    hub, point = case.hub_ids[0], case.point_ids[0]
    link = link_costs(small(), "township_village", [hub], [point], mean_parcels=each / 12)
    assert problem.round_visit_cny[0] * 5 / 7 == pytest.approx(link.fixed[0, 0])
    assert problem.round_unit_cny[0] == pytest.approx(link.unit[0, 0])
    line = link_costs(small(), "county_township", [case.centre_id], list(case.hub_ids), mean_parcels=each / 3)
    assert problem.line_visit_cny == pytest.approx(line.fixed[0])
    demand = small().county.demand
    total = demand[["inbound_parcels_per_day", "outbound_parcels_per_day"]].astype(float).to_numpy().sum()
    assert problem.parcels.sum() == pytest.approx(total)
    assert problem.left_out == {}


def test_terms_are_read_and_the_rest_is_assumed() -> None:
    operators, notes = operators_of(small().county, visits_per_week=5.0)
    by_id = {o.operator_id: o for o in operators}
    assert by_id["zto"].arrival_min == 360.0
    assert by_id["others"].arrival_min == 630.0
    assert by_id["china_post"].kind == "post"
    assert by_id["bus"].kind == "bus"
    assert notes == []
    silent, notes = operators_of(
        small().county.replace(operator_terms=canonical_frame([], "operator_terms")), visits_per_week=4.0
    )
    assert {o.visits_per_week for o in silent if o.kind == "courier"} == {4.0}
    assert [n.key for n in notes] == ["cooperation_assumed_terms"]
    parameters = small().county.parameters
    rent, pay = 12 * 6.0 * parameters["outlet_area_m2"], 0.25 * 4800 * 1.28 * 12
    assert outlet_cny_per_day(small().county) == pytest.approx((rent + pay) / 365)


def with_terms(**columns: Any) -> PlanProblem:
    """Return the small county with columns of the post's terms replaced."""
    terms = small().county.operator_terms.copy()
    for column, value in columns.items():
        terms.loc[terms["operator_id"] == "china_post", column] = value
    return changed(operator_terms=terms)


def test_a_known_cost_of_a_kilometre_scales_both_tiers() -> None:
    problem = small()
    line, rounds = (cny_per_km(problem, tier) for tier in ("county_township", "township_village"))
    case = build_cooperation(with_terms(known_cost_cny_per_km=3.0))
    (told,) = case.km_scales
    assert (told.line_scale, told.round_scale) == pytest.approx((3.0 / line, 3.0 / rounds))
    post = case.problem.post
    assert post is not None
    scaled, plain = case.problem.operators[post], build_cooperation(problem).problem.operators[post]
    assert (scaled.line_scale, scaled.round_scale) == pytest.approx((3.0 / line, 3.0 / rounds))
    assert (plain.line_scale, plain.round_scale) == (1.0, 1.0)
    assert all(o.line_scale == 1.0 for o in case.problem.operators if o.operator_id != "china_post")
    # A kilometre that costs what the model says changes nothing but rounding; the post alone then costs the same.
    same = build_cooperation(with_terms(known_cost_cny_per_km=rounds)).problem
    assert same.operators[post].round_scale == pytest.approx(1.0)


def test_the_post_runs_everywhere_by_its_duty_only() -> None:
    case = build_cooperation(with_terms(has_universal_duty="false"))
    bound = build_cooperation(small()).problem
    post = bound.post
    assert post is not None
    assert bound.operators[post].has_universal_duty
    assert bound.goes_to(post).all()
    parcels = case.problem.inbound.copy(), case.problem.outbound.copy()
    for flows in parcels:
        flows[post, :4] = 0.0
    free = replace(case.problem, inbound=parcels[0], outbound=parcels[1])
    duty = replace(bound, inbound=parcels[0], outbound=parcels[1])
    assert free.goes_to(post).tolist() == [False] * 4 + [True] * (len(free.village_ids) - 4)
    # The duty costs the visits of the four villages, and no trunk trip: the post goes to their townships anyway.
    visits = float(free.round_visit_cny[:4].sum()) * free.operators[post].visits_per_week / 7.0
    towns = set(free.village_township[:4]) - set(free.village_township[4:])
    trips = sum(float(free.line_visit_cny[t]) + free.operators[post].outlet_cny_per_day for t in towns)
    assert post_network_cny(duty) - post_network_cny(free) == pytest.approx(visits + trips)
    plans = [solve_modes(p, limits=SolveLimits(relative_gap=1e-4)) for p in (free, duty)]
    for plan in plans:
        assert check_cooperation(plan).violations == ()
    left = {c.village_id for c in plans[0].carriages if c.kind in ("post", "own_post", "joint_post")}
    assert not left & set(free.village_ids[:4])
    networks = {n.operator_id: n.villages for n in separate_networks(free)}
    assert networks["china_post"] == len(free.village_ids) - 4
    # A hand-over where the post does not run costs it a visit of its own.
    code = free.village_ids[0]
    roomy = [
        replace(p, post_round_room=p.post_round_room + 1e4, post_line_room=p.post_line_room + 1e4) for p in (free, duty)
    ]
    offers = [post_offers(p, [code], income_cny_per_parcel=0.4)[0] for p in roomy]
    assert offers[0].visits_cny > offers[1].visits_cny == 0.0
    terms = small().county.operator_terms.copy()
    terms.loc[terms["operator_id"] == "zto", "has_universal_duty"] = "true"
    wrong = changed(operator_terms=terms)
    with pytest.raises(InputError) as error:
        build_cooperation(wrong)
    assert [p.code for p in error.value.problems] == ["cooperation_duty_not_post"]


def test_wrong_terms_are_all_told_at_once() -> None:
    terms = small().county.operator_terms.copy()
    terms.loc[0, "not_shared"] = "bus; train"
    operators = small().county.operators.copy()
    operators.loc[operators["operator_id"] == "sf", "kind"] = "post"
    county = small().county.replace(operator_terms=terms, operators=operators)
    with pytest.raises(InputError) as error:
        operators_of(county, visits_per_week=5.0)
    assert {p.code for p in error.value.problems} == {"cooperation_unknown_mode", "cooperation_two_posts"}
    assert {p.value for p in error.value.problems} >= {"train"}


def test_a_county_without_operators_gets_the_eight_brands_by_share() -> None:
    county = small().county
    one = pd.DataFrame([{"operator_id": "joint", "name": "J", "kind": "joint", "parcel_share": 1.0}])
    demand = county.demand.groupby("village_code", as_index=False)[
        ["inbound_parcels_per_day", "outbound_parcels_per_day"]
    ].sum()
    joint = county.replace(operators=one, demand=canonical_frame(demand.assign(operator_id="joint"), "demand"))
    split, notes = with_brands(joint)
    assert [n.key for n in notes] == ["assumed_brands"]
    assert len(split.operators) == 8
    assert split.demand["inbound_parcels_per_day"].sum() == pytest.approx(joint.demand["inbound_parcels_per_day"].sum())
    of_zto = split.demand.loc[split.demand["operator_id"] == "zto", "inbound_parcels_per_day"].sum()
    assert of_zto == pytest.approx(0.2 * joint.demand["inbound_parcels_per_day"].sum())
    assert with_brands(county) == (county, [])


def test_room_of_a_segment_is_the_tighter_of_line_and_stop() -> None:
    county = small().county
    stops = county.bus_stops.copy()
    if "luggage_outbound_parcels" not in stops:
        stops["luggage_outbound_parcels"] = np.nan
    line = stops["line_id"].iloc[0]
    first = stops.index[stops["line_id"] == line][0]
    stops.loc[first, "luggage_outbound_parcels"] = 7.0
    departures = county.bus_departures.copy()
    departures["passengers"] = 20.0
    problem = build_cooperation(changed(bus_stops=stops, bus_departures=departures)).problem
    runs = [run for run in problem.bus_runs if run.line_id == line]
    assert {run.room_out[0] for run in runs} == {7.0}
    assert {run.passengers for run in runs} == {20.0}
    spare = float(county.bus_lines.set_index("line_id").loc[line, "spare_parcels_per_departure"])
    assert {room for run in runs for room in run.room_out[1:]} <= {spare}
    back = next(entry for entry in problem.bus_returns if entry.line_id == line)
    inbound = ((departures["line_id"] == line) & (departures["direction"] == "inbound")).sum()
    assert set(back.room_in) == {spare * inbound}


def test_assumed_lenders_are_there_only_when_asked_for() -> None:
    bare = small().county.replace(
        bus_lines=canonical_frame([], "bus_lines"), bus_stops=canonical_frame([], "bus_stops"),
        bus_departures=canonical_frame([], "bus_departures"),
    )  # fmt: skip
    assert build_cooperation(replace(small(), county=bare)).problem.bus_runs == ()
    with_buses, notes = with_assumed_buses(bare)
    assert [n.key for n in notes] == ["cooperation_assumed_buses"]
    assert len(with_buses.bus_lines) == 2
    both, _ = with_assumed_shops(with_buses)
    problem = build_cooperation(replace(small(), county=both), visits=3.0).problem
    assert {o.kind for o in problem.operators} == {"courier", "post", "bus", "shop"}
    assert len(problem.shop_calls) == 12
    assert with_assumed_buses(small().county) == (small().county, [])


def test_agreements_cover_every_shared_carriage_once_a_tier() -> None:
    problem = build_cooperation(small()).problem
    plan = solve_modes(problem, limits=SolveLimits(relative_gap=0.001))
    assert check_cooperation(plan).violations == ()
    found = contracts_of(plan)
    assert not any(contract.mode == "own" for contract in found)
    for contract in found:
        assert contract.carrier in ("", *plan.members)
        assert contract.parcels_per_day > 0
    by_bus = [c for c in plan.carriages if c.kind == "bus"]
    parcels = {
        (o, v): problem.parcels[i, k]
        for i, o in enumerate(problem.player_ids)
        for k, v in enumerate(problem.village_ids)
    }
    on_bus = sum(contract.parcels_per_day for contract in found if contract.mode == "bus")
    assert on_bus == pytest.approx(sum(parcels[c.operator_id, c.village_id] for c in by_bus))


def test_a_saving_by_bus_is_never_told_without_the_passengers_time() -> None:
    for minutes in (float("nan"), -1.0):
        with pytest.raises(ValueError, match="passengers"):
            BusSaving(100.0, minutes)
    with pytest.raises(TypeError):
        BusSaving(100.0)  # type: ignore[call-arg]
    message = BusSaving(120.4, 14.44).message()
    assert "14.4 minutes" in message.text("en") and "120" in message.text("en")
    assert "14.4 分钟" in message.text("zh")


def ziyang() -> tuple[ModePlan, Any]:
    """1,015 villages; a bus serves 188 of them, the others have nobody; 963 have a point."""
    count, bus = 1015, 188
    names = tuple(f"v{i:04d}" for i in range(count))
    zeros, ones = np.zeros(count), np.ones((2, count))
    problem = CooperationProblem(
        (Operator("c", "C", "courier"), Operator("bus", "B", "bus")), ("T",), names, np.zeros(count, np.intp),
        np.vstack([np.ones(count), zeros]), np.zeros((2, count)), ones.astype(bool), *(np.zeros(1) for _ in range(3)),
        zeros, zeros, zeros, np.zeros(1), np.zeros(1), np.zeros(1),
    )  # fmt: skip
    carried = tuple(Carriage("c", name, "bus") for name in names[:bus])
    plan = ModePlan(problem, ("c", "bus"), carried, (), (), SolveReport("feasible", 0.0, None, "test"))
    villages = pd.DataFrame({"village_code": names, "township_code": "T"})
    demand = pd.DataFrame({"inbound_parcels_per_day": np.ones(count)})
    return plan, SimpleNamespace(villages=villages, demand=demand, village_list_id="villages Ziyang@2021")


def test_ziyangs_points_and_bus_service_are_two_figures() -> None:
    points = 963
    plan, county = ziyang()
    rows = cooperation_kpis(plan, county, {})
    (by_bus,) = [row for row in rows if row.part == "cooperation_bus_villages"]
    assert (by_bus.numerator, by_bus.denominator) == (188.0, 1015.0)
    assert by_bus.value == pytest.approx(0.1852, abs=5e-5)
    assert round(188 / 0.1852) == 1015
    assert points / 1015 == pytest.approx(0.949, abs=5e-4)
    assert all(row.numerator != points for row in rows), "points are K4, never mixed with service"
    assert all(row.list_id == "villages Ziyang@2021" for row in rows if row.kpi_id in ("K2", "K5", "K11"))
    (direct,) = [row for row in rows if row.kpi_id == "K11"]
    assert direct.value == pytest.approx(188 / 1015)


def test_stations_of_the_sheets_become_a_merge() -> None:
    case = build_merge(small().county, standard_km=3.0, keep=("Z000",))
    problem = case.problem
    assert "shop" in problem.function_ids and "post_office:china_post" in problem.function_ids
    plan = merge_stations(problem)
    assert check_merge(problem, plan) == ()
    assert plan.stays[problem.station_ids.index("Z000")]
    assert (problem.host_cny[problem.has_today] == 0.0).all()
    post = problem.function_ids.index("post_office:china_post")
    parcels = small().county.demand.query("operator_id == 'china_post'")["inbound_parcels_per_day"].sum()
    # An hour of a keeper at 12 CNY, and 0.3 a parcel of those that come to one of today's counters.
    each = 12.0 * 1.0 + 0.3 * parcels / problem.has_today[:, post].sum()
    assert problem.host_cny[~problem.has_today[:, post], post] == pytest.approx(each)


def test_wrong_stations_are_told() -> None:
    stations = small().county.operator_stations.copy()
    stations.loc[0, "functions"] = "cinema"
    with pytest.raises(InputError) as error:
        build_merge(small().county.replace(operator_stations=stations), standard_km=3.0, keep=("nowhere",))
    assert {p.code for p in error.value.problems} == {"merge_unknown_function", "merge_unknown_station"}
    empty = small().county.replace(
        operator_stations=canonical_frame([], "operator_stations"),
        facilities=small().county.facilities[small().county.facilities["status"] != "existing"].reset_index(drop=True),
    )
    with pytest.raises(InputError, match="merge"):
        build_merge(empty, standard_km=3.0)
