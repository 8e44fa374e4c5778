"""One small county a rule: each fails if the rule is left out of the siting model. Reasons, diagnosis, input, engine."""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import InfeasibleError, InputError, NoSolutionError
from geodata.messages import LANGS, text
from geodata.parameters import Parameters
from planner.engines import mathopt as adapter
from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, parse_log_line, solve_linear
from planner.plan import PlanProblem
from planner.problems.standard import ServiceStandard, SitingSettings
from planner.siting.decision import Decision, broken
from planner.siting.instance import build_instance
from planner.siting.polish import polish
from planner.siting.result import SitingResult
from planner.siting.three_tier import solve_three_tier

_PATH = Path(__file__).parent / "siting_counties.py"
_SPEC = importlib.util.spec_from_file_location("siting_counties_rules", _PATH)
counties = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = counties
_SPEC.loader.exec_module(counties)
Draft = counties.Draft

EXACT = SitingSettings(relative_gap=0.0)
#: Everybody within 3 km, no rule on own points or townships.
PEOPLE = ServiceStandard(population_share=1.0, village_point_share=0.0, township_station_share=0.0, allocation_km=8.0)


def line(**points) -> Draft:
    """Two villages 2 km apart, each with a candidate point; a dear and a cheap one; station and centre at the first."""
    draft = Draft().township("T1").village("v1", (0.0, 0.0)).village("v2", (2.0, 0.0))
    draft.site("c1", (0.0, 0.0)).site("s1", (0.0, 0.0))
    draft.site("p1", (0.0, 0.0), village_code="v1", **points.get("p1", {}))
    draft.site("p2", (2.0, 0.0), village_code="v2", **{"annual_cost_cny": 36500.0, **points.get("p2", {})})
    return draft


def solve(draft: Draft, standard: ServiceStandard = PEOPLE, siting: SitingSettings = EXACT) -> SitingResult:
    result = solve_three_tier(draft.problem(standard, siting))
    assert result.report.status == "optimal"
    return result


def reason(result: SitingResult, village: str) -> tuple[str, dict]:
    found = next(u for u in result.unserved if u.village_code == village)
    for lang in LANGS:
        assert text(f"reason_{found.reason}", lang, found.params)
    return found.reason, dict(found.params)


# --- rules ----------------------------------------------------------------------------------------------------------


def test_the_cheaper_point_serves_both_villages() -> None:
    result = solve(line())
    assert result.open_ids == ("c1", "p1", "s1")
    assert result.point_of_village == {"v1": "p1", "v2": "p1"}
    assert result.station_of_point == {"p1": "s1"}
    assert result.centre_of_station == {"s1": "c1"}
    assert result.unserved == ()


def test_allocation_distance() -> None:
    assert solve(line(), replace(PEOPLE, allocation_km=1.9)).point_of_village == {"v1": "p1", "v2": "p2"}


def test_access_distance_and_minutes() -> None:
    both = {"v1": "p1", "v2": "p2"}
    assert solve(line(), replace(PEOPLE, access_km=1.9)).point_of_village == both
    assert solve(line(), replace(PEOPLE, access_min=3.9)).point_of_village == both
    assert solve(line(), replace(PEOPLE, access_min=4.0)).point_of_village == {"v1": "p1", "v2": "p1"}


def test_hamlets_stand_for_their_village() -> None:
    # v2's people live 3.5 km beyond v1's point, so only p2 covers them; half of them do in the second county.
    far = line().hamlet("h1", "v2", (3.5, 0.0), 30.0)
    assert "p2" in solve(far).open_ids
    half = line().hamlet("h1", "v2", (3.5, 0.0), 30.0).hamlet("h2", "v2", (1.0, 0.0), 30.0)
    assert solve(half, replace(PEOPLE, population_share=0.75)).open_ids == ("c1", "p1", "s1")
    assert "p2" in solve(half, replace(PEOPLE, population_share=0.76)).open_ids


def test_capacity_of_a_point() -> None:
    assert solve(line(p1={"capacity_parcels_per_day": 20.0})).open_ids == ("c1", "p1", "s1")
    assert "p2" in solve(line(p1={"capacity_parcels_per_day": 19.0})).open_ids


def test_a_village_as_large_as_its_point_fits_whatever_the_last_digits_of_its_sum() -> None:
    draft = Draft().township("T1").village("v1", (0.0, 0.0), parcels=23.0)
    draft.site("c1", (0.0, 0.0)).site("s1", (0.0, 0.0))
    draft.site("p1", (0.0, 0.0), village_code="v1", capacity_parcels_per_day=23.0)
    assert draft.demand[0]["inbound_parcels_per_day"] + draft.demand[0]["outbound_parcels_per_day"] > 23.0
    assert solve(draft).point_of_village == {"v1": "p1"}


@pytest.mark.parametrize(("label", "other"), [("s1", "s2"), ("c1", "c2")])
def test_capacity_of_a_station_and_of_a_centre(label: str, other: str) -> None:
    draft = line()
    draft.site(other, (0.0, 0.0), annual_cost_cny=7300.0)
    assert other not in solve(draft).open_ids
    next(row for row in draft.facilities if row["facility_id"] == label)["capacity_parcels_per_day"] = 19.0
    assert other in solve(draft).open_ids


def test_capacity_day_factor() -> None:
    tight = line(p1={"capacity_parcels_per_day": 20.0})
    assert "p2" in solve(tight, siting=replace(EXACT, capacity_day_factor=1.01)).open_ids


def test_budget() -> None:
    # p1 is cheaper a day but takes 9,000; with 8,000 for everything p2 must do.
    draft = line(p1={"capex_cny": 9000.0})
    assert solve(draft).open_ids == ("c1", "p1", "s1")
    assert solve(draft, siting=replace(EXACT, budget_cny=3000.0)).open_ids == ("c1", "p2", "s1")


def test_closing_an_existing_site_counts_in_cost_and_budget() -> None:
    old = {"status": "existing", "annual_cost_cny": 3700.0}
    draft = line(p2={**old, "closing_cost_cny": 500.0})
    assert solve(draft).closed_ids == ("p2",)
    assert solve(draft, siting=replace(EXACT, budget_cny=3000.0)).closed_ids == ()
    assert solve(line(p2={**old, "closing_cost_cny": 5e6})).closed_ids == ()


def test_locks_and_keep_existing() -> None:
    assert "p2" in solve(line(p2={"lock": "open"})).open_ids
    assert solve(line(p1={"lock": "closed"})).open_ids == ("c1", "p2", "s1")
    kept = line(p2={"status": "existing"})
    assert "p2" not in solve(kept).open_ids
    assert "p2" in solve(kept, siting=replace(EXACT, keep_existing=True)).open_ids
    shut = line(p2={"status": "existing", "lock": "closed"})
    assert solve(shut, siting=replace(EXACT, keep_existing=True)).closed_ids == ("p2",)


def test_exactly_as_many_centres_as_asked() -> None:
    draft = line()
    draft.site("c2", (1.0, 0.0), annual_cost_cny=9e5).site("c3", (1.0, 1.0), annual_cost_cny=9e6)
    assert [label for label in solve(draft).open_ids if label[0] == "c"] == ["c1"]
    two = solve(draft, siting=replace(EXACT, centre_count=2))
    assert [label for label in two.open_ids if label[0] == "c"] == ["c1", "c2"]


def test_share_of_villages_with_a_point_of_their_own() -> None:
    assert solve(line(), replace(PEOPLE, village_point_share=0.5)).open_ids == ("c1", "p1", "s1")
    assert "p2" in solve(line(), replace(PEOPLE, village_point_share=0.51)).open_ids


def test_share_of_villages_served_also_beyond_the_access_distance() -> None:
    """Fails without the row of the share, and without the pairs that cover nobody (v2 is 2 km from p1)."""
    half = replace(PEOPLE, access_km=1.0, population_share=0.5)
    assert solve(line(), half).point_of_village == {"v1": "p1"}
    assert solve(line(), replace(half, village_served_share=0.5)).point_of_village == {"v1": "p1"}
    assert solve(line(), replace(half, village_served_share=0.51)).point_of_village == {"v1": "p1", "v2": "p1"}


def test_a_point_nobody_needs_is_closed_and_its_village_served_from_farther() -> None:
    served = replace(PEOPLE, access_km=1.0, population_share=0.5, village_served_share=1.0)
    instance = build_instance(line(p1={"lock": "open"}).problem(served, EXACT))
    own = np.array([instance.own_pair[v][0] for v in (0, 1)])
    both = Decision(own, np.array([0, 0]), np.array([0]), np.array([True]))
    assert broken(instance, both) == ()
    better = polish(instance, both)
    assert better.station.tolist() == [0, -1]
    assert instance.pairs.point[better.pair].tolist() == [0, 0]
    assert "served" in broken(instance, replace(better, pair=np.array([own[0], -1])))


def test_share_of_townships_with_a_station() -> None:
    draft = line().township("T2")
    draft.site("s2", (9.0, 0.0), township_code="T2")
    assert "s2" not in solve(draft, replace(PEOPLE, township_station_share=0.5)).open_ids
    assert "s2" in solve(draft, replace(PEOPLE, township_station_share=1.0)).open_ids


def test_a_village_with_an_open_point_of_its_own_uses_it() -> None:
    # v2's own point must stay open; without the rule serving nobody there would be cheaper still.
    result = solve(line(p2={"lock": "open"}), replace(PEOPLE, population_share=0.5))
    assert result.point_of_village["v2"] == "p2"


def test_several_own_points_are_one_village() -> None:
    draft = line()
    draft.site("p3", (0.1, 0.0), village_code="v1", annual_cost_cny=3650.0)
    result = solve(draft, replace(PEOPLE, village_point_share=1.0))
    assert "p2" in result.open_ids
    assert ("p1" in result.open_ids) != ("p3" in result.open_ids)


def test_range_and_shift_decide_what_can_be_linked() -> None:
    draft = line()
    draft.site("s0", (30.0, 0.0), annual_cost_cny=0.0, capex_cny=0.0)
    next(row for row in draft.facilities if row["facility_id"] == "s1")["annual_cost_cny"] = 9e6
    assert "s0" in solve(draft).open_ids
    draft.vehicles = [{**counties.VAN, "range_km": 55.0}]
    assert "s1" in solve(draft).open_ids
    draft.vehicles = [{**counties.VAN, "shift_h": 2.2}]
    assert "s1" in solve(draft).open_ids


def test_a_county_without_any_parcels_is_planned() -> None:
    draft = line()
    for row in draft.demand:
        row.update(inbound_parcels_per_day=0.0, outbound_parcels_per_day=0.0)
    draft.vehicles = [counties.VAN, {**counties.VAN, "vehicle_type_id": "cheap van", "fixed_cny_per_day": 20.0}]
    result = solve(draft)
    assert result.point_of_village == {"v1": "p1", "v2": "p1"}
    assert (result.station_of_point, result.centre_of_station) == ({"p1": "s1"}, {"s1": "c1"})
    links = build_instance(draft.problem(PEOPLE, EXACT)).point_links
    draft.vehicles = draft.vehicles[1:]
    assert np.array_equal(links.fixed, build_instance(draft.problem(PEOPLE, EXACT)).point_links.fixed)


def test_objective_by_hand() -> None:
    """One village at 1 km: site, link and access written out with round rates."""
    draft = Draft().township("T1").village("v1", (1.0, 0.0), parcels=14.0)
    draft.site("c1", (-1.0, 0.0), annual_cost_cny=365.0, capex_cny=0.0)
    draft.site("s1", (0.0, 0.0), annual_cost_cny=730.0, capex_cny=0.0)
    draft.site("p1", (1.0, 0.0), annual_cost_cny=1095.0, capex_cny=3650.0, village_code="v1")
    draft.vehicles = [
        {**counties.VAN, "fixed_cny_per_day": 80.0, "wear_cny_per_km": 0.5, "energy_kind": "human", "volume_m3": 1.0}
    ]
    figures = {
        "driver_cny_per_month": 3480.0, "social_insurance_share": 0.0, "discount_rate_share": 0.0,
        "site_life_years": 10.0, "parcel_volume_m3": 0.01, "inbound_parcel_kg": 1.0, "outbound_parcel_kg": 1.0,
        "stop_base_min": 4.0, "stop_s_per_parcel": 2.0, "sorting_cny_per_parcel": 0.2,
    }  # fmt: skip
    problem = draft.problem(replace(PEOPLE, visits_per_week=7), EXACT, **figures)
    # An hour costs 20 + 80/8 = 30. Out and back: 2 km, 4 min: 1 + 2 = 3. A full van carries 100 parcels.
    sites = 1.0 + 2.0 + 3.0 + 1.0
    trunk = (0.7 * 3.0 + 4 / 60 * 30) + 14 * (2 / 3600 * 30 + 3.0 / 100)
    link = (0.5 * 3.0 + 4 / 60 * 30) + 14 * (2 / 3600 * 30 + 3.0 / 100)
    expected = sites + trunk + link + 0.2 * 14
    assert solve_three_tier(problem).report.objective == pytest.approx(expected, rel=1e-9)


# --- reasons --------------------------------------------------------------------------------------------------------


def test_reasons_of_place_and_reach() -> None:
    draft = line().village("v3").village("v4", (50.0, 0.0)).village("v5", (14.0, 0.0))
    draft.cut = {"v4"}
    result = solve(draft, replace(PEOPLE, population_share=0.4))
    assert reason(result, "v3") == ("no_location", {})
    assert reason(result, "v4") == ("off_road", {})
    assert reason(result, "v5") == ("no_site_in_reach", {"facility": "p2", "nearest_km": 12.0, "allocation_km": 8.0})


def test_a_point_no_vehicle_can_reach() -> None:
    draft = line().village("v3", (60.0, 0.0)).village("v4", (0.0, 70.0))
    draft.site("p3", (60.0, 0.0), village_code="v3").site("p4", (0.0, 70.0), village_code="v4")
    draft.vehicles = [{**counties.VAN, "range_km": 100.0}]
    problem = draft.problem(replace(PEOPLE, population_share=0.5), EXACT)
    metres, minutes = problem.travel["van"].metres.copy(), problem.travel["van"].minutes.copy()
    at = problem.travel["van"].origin_ids.index("p4")
    for values in (metres, minutes):
        values[at, :], values[:, at] = np.inf, np.inf
    van = replace(problem.travel["van"], metres=metres, minutes=minutes)
    result = solve_three_tier(replace(problem, travel={**problem.travel, "van": van}))
    assert reason(result, "v3") == ("no_vehicle", {"facility_id": "p3"})
    assert reason(result, "v4") == ("off_road", {})


def test_not_required_names_the_cheapest_way_and_its_real_cost() -> None:
    low = replace(PEOPLE, population_share=0.5)
    without = solve(line(), low)
    code, figures = reason(without, "v2")
    assert code == "not_required"
    assert figures["facility"] == "p1"
    extra = solve(line()).report.objective - without.report.objective
    assert figures["cny_per_day"] == pytest.approx(extra, abs=0.006)
    assert figures["cny_per_parcel"] == pytest.approx(extra / 10.0, abs=0.006)


def test_not_served_for_want_of_capacity_or_budget() -> None:
    low = replace(PEOPLE, population_share=0.5)
    full = line(p1={"capacity_parcels_per_day": 12.0}, p2={"lock": "closed"})
    assert reason(solve(full, low), "v2") == ("capacity", {"facility": "p1", "short_parcels_per_day": 8.0})
    poor = line()
    result = solve(poor, replace(low, allocation_km=1.0), replace(EXACT, budget_cny=3400.0))
    assert reason(result, "v2") == ("budget", {"facility": "p2", "short_cny": 600.0})


# --- no plan --------------------------------------------------------------------------------------------------------


def refused(draft: Draft, standard: ServiceStandard = PEOPLE, siting: SitingSettings = EXACT) -> InfeasibleError:
    with pytest.raises(InfeasibleError) as caught:
        solve_three_tier(draft.problem(standard, siting))
    for lang in LANGS:
        assert caught.value.text(lang)
        assert all(fix.text(lang) for fix in caught.value.fixes)
    return caught.value


def fix(error: InfeasibleError, key: str) -> dict:
    return dict(next(message.params for message in error.fixes if message.key == key))


def test_budget_too_small_says_how_much_and_the_share_it_does_reach() -> None:
    poor, apart = replace(EXACT, budget_cny=3400.0), replace(PEOPLE, allocation_km=1.0)
    error = refused(line(), apart, poor)
    assert error.message.key == "siting_budget_too_small"
    assert error.message.params == {"budget_cny": 3400.0, "needed_cny": 4000.0, "short_cny": 600.0}
    assert "预算3400元" in error.text("zh")
    budget = fix(error, "fix_siting_budget")["budget_cny"]
    assert solve(line(), apart, replace(EXACT, budget_cny=budget)).unserved == ()
    refused(line(), apart, replace(EXACT, budget_cny=budget - 1.0))
    share = fix(error, "fix_siting_persons")["percent"] / 100.0
    assert share == pytest.approx(0.5)
    assert solve(line(), replace(apart, population_share=share), poor).point_of_village
    refused(line(), replace(apart, population_share=share + 0.01), poor)


def test_capacity_short_says_by_how_much_and_where() -> None:
    draft = line(p1={"capacity_parcels_per_day": 14.0}, p2={"lock": "closed"})
    error = refused(draft)
    assert error.message.key == "siting_capacity_short"
    assert error.message.params == {"parcels_per_day": 6}
    assert fix(error, "fix_siting_capacity") == {"parcels_per_day": 6, "facilities": "p1 20"}
    assert solve(line(p1={"capacity_parcels_per_day": 20.0}, p2={"lock": "closed"})).unserved == ()
    refused(line(p1={"capacity_parcels_per_day": 19.0}, p2={"lock": "closed"}))
    share = fix(error, "fix_siting_persons")["percent"] / 100.0
    assert solve(draft, replace(PEOPLE, population_share=share)).report.status == "optimal"


def test_budget_and_capacity_together() -> None:
    standard = replace(PEOPLE, village_point_share=1.0)
    draft = line(p1={"lock": "open"}, p2={"lock": "open"})
    next(row for row in draft.facilities if row["facility_id"] == "s1")["capacity_parcels_per_day"] = 15.0
    poor = replace(EXACT, budget_cny=3999.0)
    error = refused(draft, standard, poor)
    assert error.message.key == "siting_budget_and_capacity"
    assert [message.key for message in error.fixes] == ["fix_siting_both", "fix_siting_capacity", "fix_siting_budget"]
    next(row for row in draft.facilities if row["facility_id"] == "s1")["capacity_parcels_per_day"] = 20.0
    budget = fix(error, "fix_siting_budget")["budget_cny"]
    assert solve(draft, standard, replace(EXACT, budget_cny=budget)).unserved == ()


def test_standard_out_of_reach_names_the_villages_and_the_share_that_can_be_had() -> None:
    draft = line().village("v3", people=200.0).village("v4", (30.0, 0.0), people=100.0)
    error = refused(draft, replace(PEOPLE, village_point_share=0.9))
    assert error.message.key == "siting_standard_unreachable_villages_far"
    params = error.message.params
    assert (params["far_persons"], params["far_villages"]) == (100, "v4")
    assert error.fixes[-1].key == "fix_siting_place_unlocated"
    assert "at best" not in error.text("en")
    assert (params["no_location"], params["off_road"], params["out_of_reach"]) == (1, 0, 1)
    assert params["villages"] == "v3, v4"
    assert fix(error, "fix_siting_persons") == {"percent": 40.0}
    assert fix(error, "fix_siting_own_points") == {"percent": 50.0}
    lowered = replace(PEOPLE, population_share=0.4, village_point_share=0.5)
    assert solve(draft, lowered).report.status == "optimal"
    refused(draft, replace(lowered, population_share=0.41))
    refused(draft, replace(lowered, village_point_share=0.51))


def test_villages_served_out_of_reach_say_how_many_can_be_and_which_cannot() -> None:
    draft = line().village("v3").village("v4", (30.0, 0.0)).village("v5", (60.0, 0.0)).village("v6", (0.0, 20.0))
    draft.site("p5", (60.0, 0.0), village_code="v5")
    draft.vehicles = [{**counties.VAN, "range_km": 100.0}]
    draft.cut = {"v6"}
    half = replace(PEOPLE, population_share=0.3, village_served_share=0.5)
    error = refused(draft, half)
    assert error.message.key == "siting_standard_unreachable_villages"
    params = error.message.params
    counted = {key: params[key] for key in ("no_location", "off_road", "out_of_reach", "no_vehicle")}
    assert counted == {"no_location": 1, "off_road": 1, "out_of_reach": 1, "no_vehicle": 1}
    assert params["villages"] == "v3, v4, v5, v6"
    assert [(message.key, dict(message.params)) for message in error.fixes] == [
        ("fix_siting_served", {"percent": 33.33}),
        ("fix_siting_place_unlocated", {"count": 1}),
    ]
    assert solve(draft, replace(half, village_served_share=0.3333)).point_of_village == {"v1": "p1", "v2": "p1"}
    refused(draft, replace(half, village_served_share=0.34))


def test_villages_served_within_budget_say_both_ways_out() -> None:
    """Two points 2 km apart are needed, one can be paid: pay the second, or serve one village of two."""
    apart = replace(PEOPLE, population_share=0.5, allocation_km=1.0, village_served_share=1.0)
    error = refused(line(), apart, replace(EXACT, budget_cny=3400.0))
    assert error.message.key == "siting_budget_too_small"
    assert [message.key for message in error.fixes] == ["fix_siting_budget", "fix_siting_served"]
    assert fix(error, "fix_siting_budget")["budget_cny"] == 4000
    assert fix(error, "fix_siting_served") == {"percent": 50.0}
    solve(line(), replace(apart, village_served_share=0.5), replace(EXACT, budget_cny=3400.0))


def test_standard_out_of_reach_and_budget_too_small_at_once() -> None:
    draft = line().village("v3", people=200.0)
    error = refused(draft, siting=replace(EXACT, budget_cny=100.0))
    assert [message.key for message in error.fixes] == [
        *("fix_siting_persons", "fix_siting_budget", "fix_siting_place_unlocated")
    ]
    budget = fix(error, "fix_siting_budget")["budget_cny"]
    share = fix(error, "fix_siting_persons")["percent"] / 100.0
    met = solve(draft, replace(PEOPLE, population_share=share), replace(EXACT, budget_cny=budget))
    assert met.report.status == "optimal"


def test_persons_in_hamlets_too_far_from_every_point_are_the_cause() -> None:
    draft = line().hamlet("h1", "v2", (2.0, 0.0), 3.0).hamlet("h2", "v2", (2.0, 5.0), 1.0)
    error = refused(draft)
    assert error.message.key == "siting_standard_unreachable_far"
    assert (error.message.params["far_persons"], error.message.params["far_villages"]) == (25, "v2")
    assert "25 persons live farther than 3" in error.text("en")
    assert [(message.key, dict(message.params)) for message in error.fixes] == [
        ("fix_siting_persons", {"percent": 87.5})
    ]


def test_townships_without_a_possible_station() -> None:
    draft = line().township("T2")
    error = refused(draft, replace(PEOPLE, township_station_share=1.0))
    assert error.message.key == "siting_standard_unreachable"
    assert fix(error, "fix_siting_stations") == {"percent": 50.0}


def test_contradicting_locks_are_named() -> None:
    draft = line()
    draft.site("c2", (1.0, 0.0), lock="open")
    next(row for row in draft.facilities if row["facility_id"] == "c1")["lock"] = "open"
    error = refused(draft)
    assert (error.message.key, error.message.params["facilities"]) == ("siting_centres_locked", "c1, c2")
    assert solve(draft, siting=replace(EXACT, centre_count=2)).report.status == "optimal"
    assert refused(line(), siting=replace(EXACT, centre_count=2)).message.key == "siting_centres_too_few"


def test_a_locked_site_no_vehicle_can_reach_is_named() -> None:
    draft = line(p2={"lock": "open"})
    draft.cut = {"p2"}
    error = refused(draft)
    assert error.message.key == "siting_lock_out_of_reach"
    assert error.message.params["facilities"] == "p2"


def test_stations_locked_open_that_no_one_centre_can_serve() -> None:
    draft = line()
    draft.site("s2", (40.0, 0.0), lock="open").site("c2", (40.0, 0.0))
    next(row for row in draft.facilities if row["facility_id"] == "s1")["lock"] = "open"
    draft.vehicles = [{**counties.VAN, "range_km": 20.0}]
    error = refused(draft)
    assert (error.message.key, error.message.params["facilities"]) == ("siting_locks_contradict", "s1, s2")
    assert [message.key for message in error.fixes] == ["fix_siting_unlock"]


# --- input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d.facilities[0].update(annual_cost_cny=-1.0), "siting_bad_number"),
        (lambda d: d.facilities[0].update(annual_cost_cny=math.nan), "siting_bad_number"),
        (lambda d: d.facilities[0].update(capex_cny=math.inf), "siting_bad_number"),
        (lambda d: d.facilities[1].update(capacity_parcels_per_day=-3.0), "siting_bad_number"),
        (lambda d: d.demand[0].update(inbound_parcels_per_day=math.nan), "siting_bad_number"),
        (lambda d: d.villages[0].update(population=math.nan), "siting_bad_number"),
        (lambda d: d.facilities[2].update(lock="open", lon=math.nan, lat=math.nan), "siting_site_without_place"),
        (lambda d: d.facilities[0].update(lock="closed"), "siting_no_county_centre"),
        (lambda d: d.facilities[1].update(lock="closed"), "siting_no_township_station"),
        (lambda d: [d.facilities[i].update(lock="closed") for i in (2, 3)], "siting_no_village_point"),
        (lambda d: d.vehicles.append({**counties.VAN, "vehicle_count": 0.0}), "siting_no_vehicle_township_village"),
    ],
)
def test_bad_input_is_refused_with_its_place(change, code: str) -> None:
    draft = line()
    change(draft)
    with pytest.raises(InputError) as caught:
        solve_three_tier(draft.problem(PEOPLE, EXACT))
    assert code in [problem.code for problem in caught.value.problems]
    for lang in LANGS:
        assert all(problem.text(lang) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("site_life_years", 0.0), ("site_life_years", math.nan), ("discount_rate_share", -1.0),
        ("driver_cny_per_month", -1.0), ("electricity_cny_per_kwh", -0.1), ("parcel_volume_m3", 0.0),
        ("inbound_parcel_kg", 0.0), ("stop_base_min", -5.0), ("sorting_cny_per_parcel", math.nan),
    ],
)  # fmt: skip
def test_figures_without_meaning_are_refused(name: str, value: float) -> None:
    problem = line().problem(PEOPLE, EXACT)
    entry = replace(problem.county.parameters.entry(name), value=value)
    parameters = Parameters({**problem.county.parameters.entries, name: entry})
    with pytest.raises(InputError) as caught:
        solve_three_tier(replace(problem, county=problem.county.replace(parameters=parameters)))
    assert [found.column for found in caught.value.problems] == [name]


@pytest.mark.parametrize(
    ("column", "value"),
    [("shift_h", 0.0), ("payload_kg", math.nan), ("volume_m3", -1.0), ("wear_cny_per_km", -1.0), ("range_km", -1.0)],
)
def test_vehicle_figures_without_meaning_are_refused(column: str, value: float) -> None:
    draft = line()
    draft.vehicles = [{**counties.VAN, column: value}]
    with pytest.raises(InputError) as caught:
        solve_three_tier(draft.problem(PEOPLE, EXACT))
    assert [(found.table, found.row, found.column) for found in caught.value.problems] == [("vehicles", 2, column)]


def test_settings_out_of_range_are_all_listed() -> None:
    standard = replace(PEOPLE, population_share=95.0, visits_per_week=0)
    with pytest.raises(InputError) as caught:
        solve_three_tier(line().problem(standard, replace(EXACT, centre_count=0, budget_cny=-1.0)))
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["population_share", "visits_per_week", "centre_count", "budget_cny"]


# --- report, progress, determinism ------------------------------------------------------------------------------------


def test_same_answer_whatever_the_order_of_the_rows() -> None:
    draft = counties.random_draft(5, villages=7, stations=3)
    standard = replace(PEOPLE, population_share=0.8)
    first = solve_three_tier(draft.problem(standard, EXACT))
    for rows in (draft.villages, draft.facilities, draft.demand):
        rows.reverse()
    assert solve_three_tier(draft.problem(standard, EXACT)) == first


def test_progress_only_improves_and_ends_at_the_report() -> None:
    draft = counties.large_draft(3, townships=6, villages=60, stations_each=2, capacity=900.0, span=25.0)
    problem = draft.problem(ServiceStandard(), SitingSettings(relative_gap=0.001))
    events = []
    report = solve_three_tier(problem, listener=events.append).report
    objectives = [event.objective for event in events if event.objective is not None]
    bounds = [event.bound for event in events if event.bound is not None]
    assert {event.stage for event in events} == {"siting"}
    assert len(objectives) > 1
    assert all(b <= a * (1.0 + 1e-9) for a, b in itertools.pairwise(objectives))
    assert all(b >= a * (1.0 - 1e-9) for a, b in itertools.pairwise(bounds))
    assert (events[-1].objective, events[-1].bound) == (report.objective, report.bound)
    assert all(bound <= report.objective + 1e-6 for bound in bounds)
    assert report.gap <= 0.001
    assert report.note_key in ("siting_note_gap", "siting_note_optimal")


def test_an_error_of_the_listener_comes_back() -> None:
    def stop(event) -> None:
        if event.objective is not None:
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        solve_three_tier(line().problem(PEOPLE, EXACT), listener=stop)


def test_the_clock_is_named_when_it_cuts() -> None:
    draft = counties.large_draft(3, townships=6, villages=60, stations_each=2, capacity=900.0, span=25.0)
    with pytest.raises(NoSolutionError):
        solve_three_tier(draft.problem(ServiceStandard(), SitingSettings(time_limit_s=1e-9)))


# --- engine -----------------------------------------------------------------------------------------------------------

LIMITS = EngineLimits(0.0, 100, 10.0, 1)


def test_engine_statuses() -> None:
    model = LinearModel(offset=5.0)
    a, b = model.binary(2.0), model.binary(3.0)
    model.row([(a, 1.0), (b, 1.0)], lower=1.0)
    answer = solve_linear(model, LIMITS)
    assert (answer.outcome, answer.objective, answer.bound, answer.cut) == ("optimal", 7.0, 7.0, "")
    assert answer.values.tolist() == [1.0, 0.0]
    model.row([(a, 1.0), (b, 1.0)], upper=0.5)
    assert solve_linear(model, LIMITS).outcome == "infeasible"


def test_foreign_errors_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args, **_options) -> None:
        raise AttributeError("'StatusNotOk' object has no attribute 'canonical_code'")

    monkeypatch.setattr(adapter.mathopt, "solve", fail)
    with pytest.raises(NoSolutionError) as caught:
        solve_linear(LinearModel(), LIMITS)
    assert "canonical_code" in caught.value.text("en")


@pytest.mark.parametrize(
    ("log", "pair"),
    [
        (" L       0       0         0   0.00%   414.67     432                4.01%      515  14  4  84     0.2s", (432.0, 414.67)),
        ("         5       5         1   0.00%   415.4     426                2.47%      388  8 17   2781     1.1s", (426.0, 415.4)),
        (" S       0       0         0   0.00%   -inf     inf                inf        0   0   0   0     0.0s", (None, None)),
        ("  Gap               2.35%", None),
        ("25.0% inactive integer columns, restarting", None),
        ("", None),
    ],
)  # fmt: skip
def test_log_lines(log: str, pair) -> None:
    assert parse_log_line(log) == pair


def test_the_problem_is_left_as_it_was() -> None:
    problem: PlanProblem = line().problem(PEOPLE, EXACT)
    before = problem.county.content_hash()
    solve_three_tier(problem)
    assert problem.county.content_hash() == before
