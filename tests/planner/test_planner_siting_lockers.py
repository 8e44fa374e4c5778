"""Locker plans against enumeration, bounds against every subset, zero lockers in villages, rules and refusals."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from geodata.errors import InputError
from geodata.parameters import default_parameters
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.lockers.bound import LockerBound
from planner.siting.lockers.choice import CHOICE_KINDS, ChoiceModel
from planner.siting.lockers.days import DayVariation, cv_of_peak
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.lockers.model import plan_lockers, solve
from planner.siting.lockers.places import campus, community, household_ratio, place_of, village
from planner.siting.lockers.problem import LockerHost, LockerPlace, LockerProblem, LockerSettings
from planner.siting.lockers.queue import erlang_b
from planner.siting.lockers.relaxation import LockerRelaxation
from planner.siting.lockers.rules import LockerRules
from planner.siting.lockers.search import parts
from planner.siting.lockers.sizing import LockerPrices, locker_mix, locker_prices
from planner.siting.selection import SolveLimits

P = default_parameters()
PRICES = locker_prices(P)
TOWN = LockerPlace("community", 0.7, 0.8, 14.0, 0.4, DayVariation(0.2))


def town(seed, n=12, m=6, *, kind="threshold", size=1200.0, places=TOWN, side=None, fields=None, **settings):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, size, (n, 2)), rng.uniform(0, size, (m, 2))
    metres = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1))
    siting = make_problem(
        rng.uniform(20, 150, n),
        distances_from_matrix(metres, cutoff=500.0),
        yearly_cny=rng.uniform(0, 2500, m),
        capex_cny=rng.uniform(0, 4000, m),
        side=side or SideConstraints(),
        **(fields or {}),
    )
    kinds = places if isinstance(places, tuple) else (places,)
    return LockerProblem(
        siting,
        tuple(kinds[i % len(kinds)] for i in range(n)),
        tuple(LockerHost("shop", (None, 84)[j % 2]) for j in range(m)),
        LockerSettings(PRICES, choice=ChoiceModel(kind, 2.0, 0.3, 0.5), **settings),
    )


def subsets(m):
    return [s for k in range(m + 1) for s in itertools.combinations(range(m), k)]


def enumerate_best(problem):
    evaluator = LockerEvaluator(problem)
    rules = LockerRules(evaluator)
    kept = [s for s in subsets(problem.siting.site_count) if rules.is_kept(evaluator.mask(s))]
    return min((evaluator.yearly_cny(s) for s in kept), default=None)


def test_one_locker_by_hand():
    prices = LockerPrices(8000.0, (100.0, 200.0, 300.0), 1000.0, 1, 200, 0.1)
    place = LockerPlace("community", 0.5, 0.8, 12.0, 1.0)
    siting = make_problem(
        np.array([100.0]),
        distances_from_matrix(np.zeros((1, 1))),
        yearly_cny=np.array([500.0]),
        capex_cny=np.array([2000.0]),
    )
    settings = LockerSettings(prices, (1.0, 0.0, 0.0), ChoiceModel("bnl", 1.0, 0.25), subsidy_capex_share=0.2)
    plan = plan_lockers(LockerProblem(siting, (place,), (LockerHost(),), settings))
    (site,) = plan.sites
    # 100 · 0.5 · 0.8 = 40 lockable, 1/(1 + 0.25) of them want it: 32; the 95 % day of Poisson(32) is 42: 21 erlangs.
    assert site.load.parcels_per_day == pytest.approx(32.0)
    assert site.size.design_parcels == 42.0
    assert site.size.cells == (27, 0, 0)
    assert erlang_b(27, 21.0) <= 0.05 < erlang_b(26, 21.0)
    cost = 0.1 * (8000 + 2700 + 2000) + 1000 + 500
    assert site.yearly_cost_cny == pytest.approx(cost)
    assert site.yearly_saving_cny == pytest.approx(365 * 32 * (1 - site.size.overflow_year_share))
    assert site.balance_cny_per_year == pytest.approx(site.yearly_saving_cny - cost)
    assert site.balance_with_subsidy_cny_per_year - site.balance_cny_per_year == pytest.approx(0.2 * 0.1 * 12_700)
    assert plan.selection.report.objective == pytest.approx(-site.balance_cny_per_year)
    assert plan.selection.figures["investment_cny"] == pytest.approx(12_700)


@pytest.mark.parametrize("kind", CHOICE_KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_plans_match_enumeration(kind, seed):
    problem = town(seed, kind=kind)
    plan = plan_lockers(problem)
    assert plan.selection.report.status == "optimal"
    assert plan.selection.report.objective == pytest.approx(enumerate_best(problem), rel=1e-9)


@pytest.mark.parametrize(
    "asked",
    [
        {"coverage_share": 0.9},
        {"minimum_lockers": 5},
        {"maximum_lockers": 2},
        {"side": SideConstraints(yearly_budget_cny=9000.0)},
        {"side": SideConstraints(capex_budget_cny=50_000.0)},
        {"side": SideConstraints(conflicts=((0, 1), (2, 3)), requires=((4, 5),))},
        {"side": SideConstraints(group_maximum={"a": 1}), "fields": {"groups": {"a": (0, 1, 2)}}},
        {"fields": {"locked": np.array([1, -1, 0, 0, 0, 0], dtype=np.int8)}},
        {"fields": {"is_existing": np.arange(6) < 3, "closing_cny": np.full(6, 20_000.0)}},
        {"places": (TOWN, place_of("village", P), campus("u", 900, P).place)},
        {"rounds_per_day": 1, "n": 6, "m": 4},
        {"count_subsidy": True, "subsidy_capex_share": 0.5, "subsidy_cny_per_parcel": 0.1},
    ],
)
def test_plans_match_enumeration_with_rules(asked):
    problem = town(3, **asked)
    plan = plan_lockers(problem)
    assert plan.selection.report.status == "optimal"
    assert plan.selection.report.objective == pytest.approx(enumerate_best(problem), rel=1e-9)
    evaluator = LockerEvaluator(problem)
    assert LockerRules(evaluator).is_kept(evaluator.mask(plan.selection.open_sites))


@pytest.mark.parametrize("kind", CHOICE_KINDS)
@pytest.mark.parametrize("places", [TOWN, (TOWN, place_of("village", P), campus("u", 900, P).place)])
def test_bounds_never_exceed_any_set_between(kind, places):
    problem = town(5, n=9, m=5, kind=kind, places=places)
    evaluator = LockerEvaluator(problem)
    bounds = LockerBound(evaluator)
    costs = {s: evaluator.yearly_cny(s) for s in subsets(5)}
    for opened in subsets(5):
        for free in subsets(5):
            if set(opened) & set(free):
                continue
            least = min(
                costs[tuple(sorted({*opened, *extra}))]
                for k in range(len(free) + 1)
                for extra in itertools.combinations(free, k)
            )
            bound = bounds.bound(evaluator.mask(opened), evaluator.mask(free))
            assert bound <= least + 1e-6 * max(1.0, abs(least))


@pytest.mark.parametrize("kind", CHOICE_KINDS)
def test_relaxation_is_a_bound_and_cuts_sets_off(kind):
    from planner.engines.mathopt import EngineLimits, solve_linear

    problem = town(6, n=10, m=5, kind=kind)
    evaluator = LockerEvaluator(problem)
    costs = {s: evaluator.yearly_cny(s) for s in subsets(5)}
    relaxation = LockerRelaxation(evaluator, LockerRules(evaluator))
    left, last = dict(costs), -np.inf
    for _ in range(4):
        answer = solve_linear(relaxation.model, EngineLimits(0.0, 10_000, 60.0, 1))
        chosen = tuple(int(j) for j in np.flatnonzero(answer.values[:5] > 0.5))
        assert answer.bound <= min(left.values()) + 1e-6 * abs(min(left.values()))
        assert answer.bound >= last - 1e-6 * abs(last)
        assert chosen in left
        del left[chosen]
        last = answer.bound
        relaxation.cut_off(evaluator.mask(chosen))


def test_larger_towns_get_an_honest_gap():
    problem = town(8, n=30, m=14, kind="bnl", size=1800.0, coverage_share=0.5)
    plan = plan_lockers(problem, limits=SolveLimits(node_limit=160))
    report = plan.selection.report
    assert report.bound <= report.objective
    assert report.status == ("optimal" if report.gap <= 1e-6 else "feasible")
    again = plan_lockers(problem, limits=SolveLimits(node_limit=160))
    assert (again.selection.open_sites, again.selection.report) == (plan.selection.open_sites, report)
    short = plan_lockers(problem, limits=SolveLimits(node_limit=1)).selection.report
    assert short.bound <= report.objective * (1 - 1e-9) + 1e-6
    assert short.status == "feasible"
    assert short.note_key == "locker_note_cut"


def test_independent_parts_are_found_and_give_the_same_plan():
    far = np.full((4, 4), np.inf)
    far[:2, :2], far[2:, 2:3] = 100.0, 50.0
    siting = make_problem(np.full(4, 80.0), distances_from_matrix(far))
    problem = LockerProblem(siting, (TOWN,) * 4, (LockerHost(),) * 4, LockerSettings(PRICES))
    assert parts(problem) == [([0, 1], [0, 1]), ([2, 3], [2]), ([], [3])]
    plan = plan_lockers(problem)
    assert plan.selection.report.objective == pytest.approx(enumerate_best(problem), rel=1e-9)
    assert 3 not in plan.selection.open_sites


def test_villages_get_no_locker_and_a_community_gets_one():
    """Ten to forty parcels a day in a village: proved that none pays, with every default figure."""
    drafts = [village(f"v{k}", float(k), P) for k in range(10, 41, 5)]
    siting = make_problem(
        np.array([d.parcels_per_day for d in drafts]),
        distances_from_matrix(np.where(np.eye(len(drafts)) == 1, 0.0, np.inf)),
    )
    hosts = (LockerHost("village_office"),) * len(drafts)
    settings = LockerSettings(PRICES, locker_mix(P))
    plan = plan_lockers(LockerProblem(siting, tuple(d.place for d in drafts), hosts, settings))
    assert plan.selection.open_sites == ()
    assert (plan.selection.report.status, plan.selection.report.objective) == ("optimal", 0.0)
    assert plan.selection.report.note_key == "locker_note_none"
    assert set(plan.selection.unserved.values()) == {"not_required"}
    estate = community("estate", 1500, P)
    one = make_problem(np.array([estate.parcels_per_day]), distances_from_matrix(np.zeros((1, 1))))
    problem = LockerProblem(one, (estate.place,), (LockerHost("property_management"),), settings)
    town_plan = plan_lockers(problem)
    assert town_plan.selection.open_sites == (0,)
    assert town_plan.sites[0].balance_cny_per_year > 0.0
    ratio = household_ratio(town_plan.sites, problem.places)
    assert ratio.cells_per_100_households == pytest.approx(100 * ratio.cells / 1500)


def test_a_target_number_forces_lockers_that_do_not_pay():
    drafts = [village(f"v{k}", 30.0, P) for k in range(3)]
    siting = make_problem(np.full(3, 30.0), distances_from_matrix(np.where(np.eye(3) == 1, 0.0, np.inf)))
    asked = LockerSettings(PRICES, minimum_lockers=2)
    plan = plan_lockers(LockerProblem(siting, tuple(d.place for d in drafts), (LockerHost(),) * 3, asked))
    assert len(plan.sites) == 2
    assert all(site.balance_cny_per_year < 0.0 for site in plan.sites)


def test_consent_caps_the_locker_share():
    for consent in (0.0, 0.3, 0.9):
        problem = town(1, kind="nearest", places=replace(TOWN, consent_share=consent))
        plan = plan_lockers(problem)
        taken = sum(site.parcels_per_day for site in plan.sites)
        assert taken <= consent * 0.8 * float(problem.siting.weight.sum()) + 1e-9
        assert (consent > 0.0) or plan.selection.open_sites == ()


def test_a_full_host_is_offered_only_what_fits():
    siting = make_problem(np.array([2000.0]), distances_from_matrix(np.zeros((1, 1))))
    problem = LockerProblem(siting, (TOWN,), (LockerHost("shop", 60),), LockerSettings(PRICES))
    (site,) = plan_lockers(problem).sites
    assert sum(site.size.cells) <= 60
    assert site.size.overflow_upper_share <= 0.05
    assert site.load.parcels_per_day < site.wanted_parcels_per_day


def test_infeasible_is_proved():
    plan = plan_lockers(town(2, coverage_share=0.9, maximum_lockers=0))
    assert plan.selection.report.status == "infeasible"
    assert plan.selection.report.note_key == "locker_note_infeasible"


def test_season_at_a_campus_needs_more_cells_than_the_same_parcels_evenly():
    settings = LockerSettings(PRICES, minimum_lockers=1)
    siting = make_problem(np.array([150.0]), distances_from_matrix(np.zeros((1, 1))))
    swing, even = (
        plan_lockers(LockerProblem(siting, (place,), (LockerHost("campus"),), settings)).sites[0]
        for place in (
            campus("u", 1, P).place,
            replace(campus("u", 1, P).place, days=DayVariation(cv_of_peak(P["peak_day_factor"]) / 2)),
        )
    )
    assert sum(swing.size.cells) > sum(even.size.cells)
    assert swing.size.utilisation_share < even.size.utilisation_share


def test_registry_signature_gives_the_same_selection():
    problem = town(4)
    found = solve(problem.siting, places=problem.places, hosts=problem.hosts, settings=problem.settings)
    assert found == plan_lockers(problem).selection
    for parts_ in found.allocation.values():
        assert sum(share for _, share in parts_) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("place", "settings", "column"),
    [
        ({"consent_share": 1.2}, {}, "consent_share"),
        ({"fit_share": float("nan")}, {}, "fit_share"),
        ({"dwell_h": 0.0}, {}, "dwell_h"),
        ({"kind": "planet"}, {}, "kind"),
        ({}, {"overflow_target_share": 0.0}, "overflow_target_share"),
        ({}, {"mix": (0.5, 0.5, 0.5)}, "mix"),
        ({}, {"rounds_per_day": 0}, "rounds_per_day"),
        ({}, {"minimum_lockers": 3, "maximum_lockers": 2}, "minimum_lockers"),
        ({}, {"prices": replace(PRICES, control_cny=-1.0)}, "prices"),
    ],
)
def test_bad_figures_are_refused_by_name(place, settings, column):
    siting = make_problem(np.array([10.0]), distances_from_matrix(np.zeros((1, 1))))
    with pytest.raises(InputError) as error:
        LockerProblem(
            siting, (replace(TOWN, **place),), (LockerHost(),), LockerSettings(**{"prices": PRICES, **settings})
        )
    assert [problem.column for problem in error.value.problems] == [column]
    assert all(problem.text(lang) for problem in error.value.problems for lang in ("en", "zh"))


def test_bad_hosts_and_lists_are_refused():
    siting = make_problem(
        np.array([-1.0]),
        distances_from_matrix(np.zeros((1, 1))),
        capacity=np.array([50.0]),
        yearly_cny=np.array([np.nan]),
    )
    with pytest.raises(InputError) as error:
        LockerProblem(siting, (TOWN,), (LockerHost("shop", 0),), LockerSettings(PRICES))
    assert {p.code for p in error.value.problems} == {"locker_bad_number", "locker_capacity_given"}
    assert {p.column for p in error.value.problems} == {"parcels_per_day", "yearly_cny", "maximum_cells", ""}
    with pytest.raises(InputError, match="1 problem"):
        LockerProblem(siting, (), (), LockerSettings(PRICES))
