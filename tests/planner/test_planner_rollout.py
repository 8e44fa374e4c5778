"""Roll-out over years: against enumeration of every order, by hand, and through its own checker."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from geodata.errors import InfeasibleError, InputError, NoSolutionError, VerificationError
from loading import load
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.problems.standard import ServiceStandard, SitingSettings
from planner.rollout.aims import even_aims, standard_aim, today
from planner.rollout.check import verify_rollout, violations
from planner.rollout.operate import roll_out
from planner.rollout.problem import RolloutLimits, RolloutProblem, YearAim
from planner.rollout.result import Rollout
from planner.rollout.solve import solve_rollout
from planner.rollout.years import year_problem

counties = load("planner/siting_counties.py")
oracle = load("planner/test_planner_siting_oracle.py")
tiny = load("tiny/tiny_county.py")
EXACT = RolloutLimits(relative_gap=0.0, node_limit=10_000)


class Orders(oracle.Enumeration):
    """Every open set of one year with every set of served villages, costed by the oracle's own formulas."""

    def __init__(self, problem: PlanProblem) -> None:
        super().__init__(problem)
        self.must: frozenset[str] = frozenset()

    def _ways(self, village: str, points) -> list:
        ways = super()._ways(village, points)
        if village in self.must:
            return [way for way in ways if way is not None]
        return [None] if None in ways else []

    def states(self) -> dict:
        """Return (open sites, served villages) → least cost, for all that keep the year's rules."""
        found = {}
        for centres in self._subsets("county_centre"):
            for stations in self._subsets("township_station"):
                for points in self._subsets("village_point"):
                    for count in range(1, len(self.people) + 1):
                        for must in itertools.combinations(sorted(self.people), count):
                            self.must = frozenset(must)
                            cost = np.inf
                            if len(centres) == 1:
                                cost = self._best_tree(centres, stations, points, np.inf)
                            if np.isfinite(cost):
                                found[frozenset((*centres, *stations, *points)), self.must] = cost
        return found

    def persons(self, state) -> float:
        """Return the most persons within the standard's way that these open points can have; no capacities here."""
        opened, must = state
        limit = self.problem.standard.access_km * 1000.0
        total = 0.0
        for village in must:
            ways = [p for p in _near(self, village, opened) if self.access.metres_between(village, p) <= limit]
            total += self.people[village] if ways else 0.0
        return total


def _near(orders: Orders, village: str, opened) -> list:
    orders.must = frozenset({village})
    points = [p for p in sorted(opened) if p.startswith("p")]
    return orders._ways(village, points)


def best_order(asked: RolloutProblem, worth) -> float:
    """Return the least discounted sum over all orders, by going through all states year by year."""
    rows = {str(r["facility_id"]): r for r in asked.base.county.facilities.to_dict("records")}
    existing = frozenset(name for name, row in rows.items() if row["status"] == "existing")
    towns = {rows[s]["township_code"] for s in existing if s.startswith("s")}
    before = {(existing, frozenset()): 0.0}
    for t in range(asked.year_count):
        orders, now = Orders(year_problem(asked, t)), {}
        states = orders.states()
        for state in states:
            opened, served = state
            if not towns <= {rows[s]["township_code"] for s in opened if s.startswith("s")}:
                continue
            if asked.existing != "may_close" and any(s[0] != "s" for s in existing - opened):
                continue
            if asked.existing == "stay" and existing - opened:
                continue
            value = asked.weight(t) * worth(orders, state, states[state])
            for (was_open, was_served), total in before.items():
                new, gone = opened - was_open, was_open - opened
                if any(n in existing for n in new) or any(g not in existing for g in gone) or was_served - served:
                    continue
                spent = sum(rows[n]["capex_cny"] for n in new) + sum(rows[g]["closing_cost_cny"] for g in gone)
                if not asked.carries_over and spent > asked.budgets_cny[t] + 1e-6:
                    continue
                now[state] = min(now.get(state, np.inf), total + value)
        before = now
    return min(before.values(), default=np.inf)


def _asked(seed: int, **changes) -> RolloutProblem:
    """Five sites and three years, figures at random."""
    rng = np.random.default_rng(500 + seed)
    villages, stations = (3, 1) if seed % 2 else (2, 2)
    draft = counties.random_draft(seed, villages=villages, stations=stations, centres=1, capacities=seed % 3 == 0)
    standard = ServiceStandard(access_km=float(rng.uniform(2.0, 5.0)), allocation_km=5.0, visits_per_week=6)
    base = draft.problem(standard, SitingSettings(relative_gap=0.0))
    most = float(base.county.facilities["capex_cny"].sum())
    first = float(base.county.facilities.loc[lambda f: f["kind"] == "county_centre", "capex_cny"].sum())
    shares = np.sort(rng.choice([0.0, 0.3, 0.6], 3))
    asked = RolloutProblem(
        base,
        budgets_cny=(first + 0.6 * (most - first), *(float(b) for b in rng.uniform(0.0, 0.4 * (most - first), 2))),
        volume=tuple(float(v) for v in np.cumprod(rng.uniform(0.9, 1.3, 3))),
        aims=tuple(YearAim(village_served_share=float(s), population_share=float(s) / 2) for s in shares),
        existing=("stay", "stations_may_close", "may_close")[seed % 3],
        carries_over=bool(seed % 4),
        discount_rate=0.1,
        limits=EXACT,
    )
    return replace(asked, **changes)


@pytest.mark.parametrize("seed", range(10))
def test_least_cost_is_that_of_all_orders(seed: int) -> None:
    asked = _asked(seed)
    best = best_order(asked, lambda _o, _s, cost: cost)
    if np.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_rollout(asked)
        return
    found = solve_rollout(asked)
    verify_rollout(found)
    assert found.report.objective == pytest.approx(365.0 * best, rel=1e-6)
    assert found.report.status == "optimal"


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_most_persons_are_those_of_all_orders(seed: int) -> None:
    asked = _asked(seed, objective="served", aims=(YearAim(),) * 3)
    facilities = asked.base.county.facilities.assign(capacity_parcels_per_day=np.nan)
    asked = replace(asked, base=replace(asked.base, county=asked.base.county.replace(facilities=facilities)))
    best = best_order(asked, lambda orders, state, _c: -orders.persons(state))
    assert np.isfinite(best)
    found = solve_rollout(asked)
    verify_rollout(found)
    assert found.report.objective == pytest.approx(best, rel=1e-6)


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    seed=st.integers(0, 400),
    money=st.lists(st.floats(0.0, 60_000.0), min_size=1, max_size=3),
    growth=st.floats(-0.2, 0.3),
    objective=st.sampled_from(["cost", "served"]),
    carries=st.booleans(),
)
def test_every_roll_out_keeps_its_rules(seed, money, growth, objective, carries) -> None:
    base = counties.random_draft(seed, capacities=False).problem(ServiceStandard(access_km=3.0, allocation_km=5.0))
    count = len(money)
    asked = RolloutProblem(
        base,
        budgets_cny=tuple(money),
        volume=tuple((1.0 + growth) ** t for t in range(count)),
        aims=(YearAim(),) * count,
        objective=objective,
        carries_over=carries,
        limits=EXACT,
    )
    try:
        found = solve_rollout(asked)
    except InfeasibleError:
        return
    assert list(violations(found)) == []
    for t in range(count):
        regret, most = found.regret(t)
        assert 0.0 <= regret <= most + 1e-9
    assert found.report.bound <= found.report.objective + 1e-6 * abs(found.report.objective)


@pytest.fixture(scope="module")
def small() -> Rollout:
    return solve_rollout(_asked(4))


def _tiny(**changes) -> RolloutProblem:
    county = tiny.tiny_county()
    travel = build_travel(county, detour_factor=1.0, access_cutoff_km=15.0)
    base = PlanProblem(county, travel.matrices, tiny.STANDARD, tiny.SITING, tiny.ROUTING)
    asked = RolloutProblem(
        base, (219_000.0, 0.0), (1.0, 1.0), (standard_aim(base),) * 2, discount_rate=0.0, limits=EXACT
    )
    return replace(asked, **changes)


def test_tiny_county_by_hand() -> None:
    """The base case costs 412 a day and 219,000 at once; two years alike cost twice as much, and waiting costs nothing."""
    found = solve_rollout(_tiny())
    assert found.report.objective == pytest.approx(2 * 365 * tiny.OBJECTIVE_CNY_PER_DAY)
    assert [year.spent_cny for year in found.years] == pytest.approx([219_000.0, 0.0])
    assert found.years[1].opened == ()
    assert [found.regret(t) for t in (0, 1)] == [pytest.approx((0.0, 0.0), abs=1e-6)] * 2
    assert {v.village_code: v.served for v in found.villages} == dict.fromkeys(tiny.ALLOCATION, 1)


def test_tiny_county_waits_for_money() -> None:
    """Centre, a station and one point cost 127,750: with a point more only Far villages wait, and the money short is told."""
    aims = (YearAim(), standard_aim(_tiny().base))
    found = solve_rollout(_tiny(budgets_cny=(127_750.0, 91_250.0), aims=aims, objective="served"))
    verify_rollout(found)
    assert [year.spent_cny for year in found.years] == pytest.approx([127_750.0, 91_250.0])
    assert found.years[0].need == 750.0
    assert found.years[1].need == 2000.0
    late = [v for v in found.villages if v.served == 2]
    assert late
    assert "budget" in {v.reason.reason for v in late} <= {"budget", "not_required"}


def test_too_little_money_is_proved_with_the_least_that_does() -> None:
    with pytest.raises(InfeasibleError) as caught:
        solve_rollout(_tiny(budgets_cny=(200_000.0, 100_000.0)))
    assert caught.value.message.params == {"year": 1, "cny": 200_000, "least_cny": 219_000}
    solve_rollout(_tiny(budgets_cny=(219_000.0, 0.0)))


def test_aims_no_money_reaches_are_told_apart() -> None:
    far = replace(_tiny().base, standard=replace(tiny.STANDARD, allocation_km=0.5))
    aim = YearAim(village_served_share=1.0)
    draft = _tiny(base=far, aims=(aim, aim))
    facilities = draft.base.county.facilities
    without = facilities[facilities["facility_id"] != "P5"]
    base = replace(draft.base, county=draft.base.county.replace(facilities=without))
    with pytest.raises(InfeasibleError) as caught:
        solve_rollout(replace(draft, base=base))
    assert caught.value.message.key == "rollout_year_unreachable"
    assert all(fix.text("en") for fix in caught.value.fixes)


def test_money_lost_at_the_end_of_a_year_is_told() -> None:
    asked = _tiny(budgets_cny=(215_000.0, 4_000.0), aims=(YearAim(), standard_aim(_tiny().base)), carries_over=False)
    with pytest.raises(InfeasibleError) as caught:
        solve_rollout(asked)
    assert caught.value.message.key == "rollout_order_impossible"
    assert caught.value.fixes[0].key == "fix_rollout_carry_over"
    solve_rollout(replace(asked, carries_over=True))


def test_vehicles_with_a_price_share_the_money() -> None:
    asked = _tiny(budgets_cny=(219_000.0 + 140_000.0, 0.0))
    vehicles = asked.base.county.vehicles.assign(vehicle_count=1.0)
    base = replace(asked.base, county=asked.base.county.replace(vehicles=vehicles))
    kinds = [str(name) for name in vehicles["vehicle_type_id"]]
    asked = replace(asked, base=base, vehicle_prices_cny=dict.fromkeys(kinds, 70_000.0))
    found, rounds = roll_out(asked)
    bought = [sum(year.bought.values()) for year in rounds]
    assert found.years[0].vehicles_cny == 70_000.0 * bought[0]
    assert bought[1] == 0
    verify_rollout(found)
    assert [year.verified.cost_cny_per_day for year in rounds] == pytest.approx([449.5, 449.5])
    if bought[0]:
        short = replace(asked, budgets_cny=(219_000.0, 0.0))
        with pytest.raises((NoSolutionError, InfeasibleError)):
            roll_out(short)


def test_aims_in_even_steps_end_at_the_standard() -> None:
    base = _asked(0).base
    start, aims = today(base), even_aims(base, 3)
    assert aims[-1] == standard_aim(base)
    assert start.village_point_share == 0.5
    assert [aim.village_point_share for aim in aims] == pytest.approx([0.6333, 0.7666, 0.9])
    assert [aim.village_served_share for aim in aims] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"budgets_cny": (), "volume": (), "aims": ()}, "rollout_no_years"),
        ({"budgets_cny": (1.0, -2.0)}, "rollout_bad_budget"),
        ({"volume": (1.0,)}, "rollout_other_length"),
        ({"volume": (1.0, 0.0)}, "rollout_bad_volume"),
        ({"aims": (YearAim(), YearAim(population_share=1.2))}, "rollout_bad_share"),
        ({"discount_rate": -0.1}, "rollout_bad_rate"),
        ({"vehicle_prices_cny": {"mule": 5.0}}, "rollout_unknown_vehicle"),
    ],
)
def test_what_makes_no_sense_is_refused(change, code) -> None:
    with pytest.raises(InputError) as caught:
        solve_rollout(_tiny(**change))
    assert code in [problem.code for problem in caught.value.problems]
    assert all(problem.text(lang) for problem in caught.value.problems for lang in ("en", "zh"))


def _year(rollout: Rollout, t: int, **changes) -> Rollout:
    years = list(rollout.years)
    years[t] = replace(years[t], **changes)
    return replace(rollout, years=tuple(years))


def test_the_checker_finds_every_lie(small: Rollout) -> None:
    first, last = small.years[0], small.years[-1]
    is_open = first.siting.open_ids
    village = next(iter(last.siting.point_of_village))
    lies = {
        "check_rollout_spent": _year(small, 0, spent_cny=first.spent_cny + 5.0),
        "check_rollout_budget": replace(small, asked=replace(small.asked, budgets_cny=(0.0, 0.0, 0.0))),
        "check_rollout_total": replace(
            small, report=replace(small.report, objective=1.0, bound=0.0, status="feasible")
        ),
        "check_rollout_regret": _year(small, 0, alone=replace(first.alone, value=first.cost_cny_per_day + 9.0)),
        "check_rollout_list": _year(small, 1, siting=replace(small.years[1].siting, open_ids=is_open[1:])),
        "check_rollout_relapse": _year(small, 2, siting=replace(last.siting, point_of_village={})),
        "check_rollout_aim": replace(small, asked=replace(small.asked, aims=(YearAim(village_point_share=1.0),) * 3)),
    }
    assert village
    for code, lie in lies.items():
        if code == "check_rollout_aim" and all(v.own_point in (0, 1) for v in small.villages):
            continue
        assert code in {message.key for message in violations(lie)}, code
        with pytest.raises(VerificationError):
            verify_rollout(lie)
    assert list(violations(small)) == []
