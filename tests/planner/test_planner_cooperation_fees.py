"""Fees, ranges for a hand-over, deficits, subsidies: worked by hand; the parts of a joint plan against the optimiser's own cost."""

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geodata.errors import VerificationError
from planner.cooperation.carriage_costs import plan_costs
from planner.cooperation.coalition_cost import CoalitionCost, solve_coalition
from planner.cooperation.fees import (
    Deficit,
    FeeEffect,
    Giver,
    TierUse,
    VillageOffer,
    at_fee,
    clearings,
    package,
    split_deficit,
)
from planner.cooperation.handover import post_offers
from planner.cooperation.subsidy import Investment, PayTier, ServedLine, grades, grants, relapse, schemes, tiered_cny
from planner.problems.cooperation import CooperationProblem, Operator


def _load() -> Any:
    name = "cooperation_cases"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_fees_carry_out_shares_exactly() -> None:
    # Trunk: 60 CNY for 100 parcels (0.6 each); rounds: 80 for 80 (1.0 each). a owes 90, at tariff 60·0.6 + 40·1 = 76.
    uses = (TierUse("county_township", 60.0, (60.0, 40.0, 0.0)), TierUse("township_village", 80.0, (40.0, 40.0, 0.0)))
    a, b, bus = clearings(("a", "b", "bus"), (100.0, 70.0, -30.0), (10.0, 0.0, 0.0), uses)
    assert (a.due, b.due, bus.due) == (90.0, 70.0, -30.0)
    assert [fee.tariff_cny_per_parcel for fee in a.fees] == [0.6, 1.0]
    assert [fee.fee_cny_per_parcel for fee in a.fees] == pytest.approx([0.6 * 90 / 76, 90 / 76])
    for entry in (a, b):
        assert sum(fee.parcels_per_day * fee.fee_cny_per_parcel for fee in entry.fees) == pytest.approx(entry.due)
    assert bus.fees == ()
    # What is paid in less what is paid out is what the joint company spends: Σ shares - Σ spends.
    assert a.due + b.due + bus.due == pytest.approx(100.0 + 70.0 - 30.0 - 10.0)


def test_a_deficit_splits_at_the_public_minimum() -> None:
    # Five visits cost 10, three of them 6; parcels 2; income 5: at three 3 is missing, at five 7.
    assert split_deficit(10.0, 2.0, 5.0, visits_per_week=5.0, minimum_visits=3.0) == Deficit(3.0, 4.0)
    assert split_deficit(10.0, 2.0, 9.0, visits_per_week=5.0, minimum_visits=3.0) == Deficit(0.0, 3.0)
    assert split_deficit(10.0, 2.0, 12.0, visits_per_week=5.0, minimum_visits=3.0).total == 0.0
    assert split_deficit(10.0, 2.0, 5.0, visits_per_week=2.0, minimum_visits=3.0) == Deficit(7.0, 0.0)


def offer(floor: float, *ceilings: tuple[float, float]) -> VillageOffer:
    givers = tuple(Giver(f"c{i}", parcels, ceiling, "avoided") for i, (parcels, ceiling) in enumerate(ceilings))
    return VillageOffer("v", givers, floor, 0.0, Deficit(0.0, 0.0))


def test_the_range_of_fees_ends_where_the_first_courier_stops_gaining() -> None:
    one = offer(3.0, (10.0, 8.0), (5.0, 10.0))
    assert one.floor_cny_per_parcel == pytest.approx(0.2)
    assert one.ceiling_cny_per_parcel == pytest.approx(0.8)
    assert one.together_cny_per_parcel == pytest.approx(1.2)
    assert one.fee(0.5) == pytest.approx(0.5)
    # One courier would not pay the floor: together they still can.
    two = offer(9.0, (10.0, 1.0), (5.0, 14.0))
    assert two.fee(0.0) == pytest.approx(0.6)
    assert two.fee(1.0) == pytest.approx(1.0)
    empty = offer(30.0, (10.0, 8.0))
    assert empty.is_empty
    assert empty.fee() is None
    both = package([one, empty])
    assert both is not None
    assert both.parcels_per_day == 25.0
    assert both.floor_cny_per_parcel == pytest.approx(33.0 / 25.0)
    assert both.ceiling_cny_per_parcel == pytest.approx(26.0 / 25.0)
    assert both.fee() is None
    assert package([]) is None
    # One fee for two villages: c0 gains up to 16 / 20, c1 up to 10 / 5; the post needs 6 / 25: every courier can sign below 0.8.
    pair = package([one, offer(3.0, (10.0, 8.0))])
    assert pair is not None
    assert dict(pair.by_giver) == pytest.approx({"c0": 0.8, "c1": 2.0})
    assert pair.each_cny_per_parcel == pytest.approx(0.8)
    assert pair.fee(1.0) == pytest.approx(0.8)
    assert pair.fee(0.0) == pytest.approx(6.0 / 25.0)
    assert pair.losers(0.8) == ()
    assert pair.losers(1.0) == ("c0",)
    # Where not everybody can sign above the floor, the fee ends at what they gain by together, and the losers are named.
    apart = package([two])
    assert apart is not None
    assert apart.each_cny_per_parcel == pytest.approx(0.1)
    assert apart.fee(1.0) == pytest.approx(1.0)
    assert apart.losers(0.6) == ("c0",)


def test_a_fee_in_force_gains_or_costs_both_sides_by_hand() -> None:
    # One: floor 3, ceiling 18, 15 parcels. Two: floor 30, ceiling 8, 10 parcels. At 1 CNY: the post 15-3 and 10-30.
    effect = at_fee([offer(3.0, (10.0, 8.0), (5.0, 10.0)), offer(30.0, (10.0, 8.0))], 1.0)
    assert effect.taker_gain == pytest.approx(12.0 - 20.0)
    assert effect.giver_gain == pytest.approx(3.0 - 2.0)
    assert (effect.both_gain, effect.villages) == (1, 2)
    assert at_fee([offer(3.0, (10.0, 8.0))], 0.9).both_gain == 0  # the couriers lose
    assert at_fee([], 1.0) == FeeEffect(1.0, 0.0, 0.0, 0, 0)


def two_villages(**changes: Any) -> CooperationProblem:
    """Return two villages of one township, one courier (6 visits) and the post (5 visits), 10 and 4 parcels of the courier."""
    ones = np.ones((2, 2))
    operators = (
        Operator("c", "c", "courier", visits_per_week=6.0, outlet_cny_per_day=20.0),
        Operator("p", "p", "post", visits_per_week=5.0),
    )
    base = CooperationProblem(
        operators=operators,
        township_ids=("T",),
        village_ids=("u", "v"),
        village_township=np.zeros(2, dtype=np.intp),
        inbound=np.array([[10.0, 4.0], [1.0, 1.0]]),
        outbound=np.zeros((2, 2)),
        reached=ones.astype(np.bool_),
        line_visit_cny=np.array([28.0]),
        line_unit_cny=np.array([0.05]),
        line_min=np.array([30.0]),
        round_visit_cny=np.array([7.0, 14.0]),
        round_unit_cny=np.array([0.1, 0.2]),
        round_min=np.array([10.0, 20.0]),
        joint_station_cny=np.array([30.0]),
        post_line_room=np.array([100.0]),
        post_round_room=np.array([100.0]),
    )
    return replace(base, **changes)


def test_hand_over_of_one_village_saves_its_visit_and_load() -> None:
    (found,) = post_offers(two_villages(), ["u"], income_cny_per_parcel=0.4)
    # Post: hand-over 0.1 + 0.05 + 0.1 a parcel. Courier: 7·6/7 + 0.15·10 = 7.5.
    assert found.floor_cny_per_parcel == pytest.approx(0.25)
    assert found.givers[0].ceiling == pytest.approx(7.5)
    assert found.givers[0].basis == "avoided"
    assert found.fee() == pytest.approx((0.25 + 0.75) / 2.0)


def test_hand_over_of_all_villages_saves_the_trunk_trip_too() -> None:
    u, v = post_offers(two_villages(), None, income_cny_per_parcel=0.4)
    # Trunk 28 and outlet 20 are shared 10:4.
    assert u.givers[0].ceiling == pytest.approx(7.5 + 48.0 * 10 / 14)
    assert v.givers[0].ceiling == pytest.approx(14.0 * 6 / 7 + 0.25 * 4 + 48.0 * 4 / 14)
    assert v.deficit.total == 0.0


def test_a_village_nobody_drives_to_is_worth_its_income_only() -> None:
    problem = two_villages(reached=np.array([[True, False], [True, True]]))
    (found,) = post_offers(problem, ["v"], income_cny_per_parcel=0.4)
    assert found.givers[0].ceiling == pytest.approx(1.6)
    assert found.givers[0].basis == "income"
    assert found.floor_cny_per_parcel == pytest.approx(0.35)


def test_what_does_not_fit_the_posts_vehicle_costs_an_extra_visit_and_may_leave_a_deficit() -> None:
    problem = two_villages(post_round_room=np.array([10.0]), reached=np.array([[True, False], [True, True]]))
    u, v = post_offers(problem, None, income_cny_per_parcel=0.4, minimum_visits=3.0)
    assert u.visits_cny == 0.0
    # Visit of v: 14·5/7 = 10 for 4 parcels that earn 1.6; parcels cost 1.4; at three visits 6 + 1.4 - 1.6.
    assert v.visits_cny == pytest.approx(10.0)
    assert v.is_empty
    assert v.deficit.public == pytest.approx(5.8)
    assert v.deficit.commercial == pytest.approx(4.0)
    full = post_offers(replace(problem, post_line_room=np.array([10.0])), None, income_cny_per_parcel=0.4)
    assert full[1].visits_cny == pytest.approx(10.0 + 28.0)
    with pytest.raises(ValueError, match="no post"):
        post_offers(replace(problem, operators=(problem.operators[0],) * 2), None, income_cny_per_parcel=0.4)


@pytest.mark.parametrize("seed", range(12))
def test_the_parts_of_a_joint_plan_sum_to_its_cost(seed: int) -> None:
    problem = _load().random_problem(seed, bus=True, shop=True)
    for members in (problem.player_ids, problem.player_ids[:2], problem.player_ids[1:]):
        solution = solve_coalition(problem, members)
        costs = plan_costs(problem, solution)
        assert costs.spends.sum() + costs.joint == pytest.approx(solution.cost.value)
        outside = [i for i, name in enumerate(problem.player_ids) if name not in solution.cost.members]
        assert costs.spends[outside] == pytest.approx(0.0)
        shared = sum(use.shared_cny_per_day for use in costs.uses)
        assert shared <= solution.cost.value + 1e-6
        assert shared >= costs.joint - 1e-6
    wrong = replace(solution, cost=CoalitionCost(solution.cost.members, solution.cost.value + 5.0, 0.0))
    with pytest.raises(VerificationError):
        plan_costs(problem, wrong)


# Subsidies.


def test_henan_pays_by_rate_cap_grade_and_only_once() -> None:
    henan = schemes()["henan_2025"]
    asked = [
        Investment("C", "centre_new", 15_000_000.0, 2025),
        Investment("U", "centre_upgrade", 3_000_000.0, 2026),
        Investment("S", "township_station", 400_000.0, 2026, is_poor_area=True),
        Investment("seat", "township_seat_station", 30_000.0, 2026),
        Investment("zto", "brand_entry", 90_000.0, 2027),
        Investment("C", "centre_new", 15_000_000.0, 2025),
        Investment("D", "township_station", 400_000.0, 2026, other_grant_cny=1.0),
        Investment("old", "township_station", 400_000.0, 2024),
        Investment("bus", "bus_stop", 400_000.0, 2026),
    ]
    found = grants(henan, asked, "B")
    assert [grant.full_cny for grant in found] == pytest.approx(
        [2_000_000.0, 1_500_000.0, 240_000.0, 10_000.0, 70_000.0, 0.0, 0.0, 0.0, 0.0]
    )
    assert [grant.paid_cny for grant in found[:5]] == pytest.approx([1.6e6, 1.2e6, 192_000.0, 8_000.0, 56_000.0])
    assert [grant.refusal for grant in found[5:]] == ["double", "double", "not_new", "unknown_item"]
    none = grants(henan, asked[:1], "D")
    assert (none[0].paid_cny, none[0].refusal) == (0.0, "grade")
    assert all(item.source and item.tag for item in henan.items.values())


def test_at_most_45_of_100_counties_get_grade_a() -> None:
    henan = schemes()["henan_2025"]
    scores = {f"c{i:02d}": float(100 - i) for i in range(20)}
    found = grades(scores, henan, (70.0, 50.0, 30.0))
    assert sum(grade == "A" for grade in found.values()) == 9
    assert found["c08"] == "A"
    assert found["c09"] == "B"
    # A tie across the line is no A for anybody in it.
    tied = grades({**scores, "c08": 91.0, "c09": 91.0}, henan, (70.0, 50.0, 30.0))
    assert sum(grade == "A" for grade in tied.values()) == 8
    assert grades({"x": 10.0, "y": 60.0, "z": 40.0}, henan, (70.0, 50.0, 30.0)) == {"x": "D", "y": "B", "z": "C"}


def test_tiered_pay_pays_each_step_and_stops_at_the_cap() -> None:
    tiers = (PayTier(100.0, 0.5), PayTier(300.0, 0.2), PayTier(math.inf, 0.1))
    assert tiered_cny(tiers, 50.0) == pytest.approx(25.0)
    assert tiered_cny(tiers, 300.0) == pytest.approx(50.0 + 40.0)
    assert tiered_cny(tiers, 400.0) == pytest.approx(100.0)
    assert tiered_cny(tiers, 400.0, cap_cny=60.0) == 60.0


def test_the_deepest_line_is_lost_first_when_the_subsidy_ends() -> None:
    lines = [
        ServedLine("good", 10.0, 9.0, Deficit(0.0, 0.0)),
        ServedLine("near", 10.0, 4.0, Deficit(2.0, 0.0)),
        ServedLine("far", 2.0, 1.0, Deficit(3.0, 1.0)),
        ServedLine("last", 1.0, 0.4, Deficit(9.0, 0.0)),
    ]
    found = {entry.line.line_id: entry for entry in relapse(lines, 7.0)}
    assert [found[k].fate for k in ("good", "near", "far", "last")] == ["holds", "relapses", "relapses", "never"]
    assert found["far"].subsidy == 4.0
    assert (found["last"].rank, found["far"].rank, found["near"].rank, found["good"].rank) == (1, 2, 3, 0)
    assert sum(entry.fate == "relapses" for entry in relapse(lines, math.inf)) == 3
    assert all(entry.fate != "relapses" for entry in relapse(lines, 0.0))
