"""Robustness: against enumeration of all stations, by hand, and one broken input each."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from geodata.changes import CountyChanges, apply_changes
from geodata.errors import InputError
from loading import load
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.problems.standard import ServiceStandard, SitingSettings
from planner.robust.solve import RobustLimits, Robustness, Scenario, check_scenarios, first_to_break
from planner.siting.instance import build_instance
from planner.siting.three_tier import solve_three_tier

counties = load("planner/siting_counties.py")
oracle = load("planner/test_planner_siting_oracle.py")
tiny = load("tiny/tiny_county.py")
EXACT = RobustLimits(relative_gap=0.0, node_limit=10_000)


def _tiny() -> PlanProblem:
    county = tiny.tiny_county()
    travel = build_travel(county, detour_factor=1.0, access_cutoff_km=15.0)
    return PlanProblem(county, travel.matrices, tiny.STANDARD, tiny.SITING, tiny.ROUTING)


def _with(problem: PlanProblem, **changes) -> PlanProblem:
    return replace(problem, county=apply_changes(problem.county, CountyChanges(**changes))[0])


class Stations(oracle.Enumeration):
    """Least cost for given stations and centres, over all points and allocations."""

    def least(self, centres, stations) -> float:
        return min(
            (self._best_tree(centres, stations, p, np.inf) for p in self._subsets("village_point")), default=np.inf
        )


def _random(seed: int) -> list[Scenario]:
    rng = np.random.default_rng(seed)
    draft = counties.random_draft(seed, villages=3, stations=2, centres=1, capacities=seed % 2 == 0)
    standard = ServiceStandard(
        access_km=4.0, population_share=0.5, village_point_share=0.0, township_station_share=0.5, allocation_km=6.0
    )
    base = draft.problem(standard, SitingSettings(relative_gap=0.0))
    factors = (1.0, *(float(f) for f in rng.uniform(0.3, 2.0, 2)))
    return [
        Scenario(f"s{k}", _with(base, volume_factor=f), weight=float(rng.uniform(0.5, 2.0)))
        for k, f in enumerate(factors)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_two_stage_and_least_regret_are_those_of_all_stations(seed: int) -> None:
    scenarios = _random(seed)
    orders = [Stations(s.problem) for s in scenarios]
    choices = [
        (c, s)
        for c in orders[0]._subsets("county_centre")
        if len(c) == 1
        for s in orders[0]._subsets("township_station")
    ]
    costs = np.array([[one.least(c, s) for one in orders] for c, s in choices])
    alone = costs.min(axis=0)
    kept = np.isfinite(alone)
    assert kept.any()  # every seed has a scenario with a plan
    weights = np.array([s.weight for s in scenarios])[kept]
    weights /= weights.sum()
    plan = solve_three_tier(scenarios[int(np.argmax(kept))].problem)
    work = Robustness(scenarios, plan, EXACT)
    best = work.best()
    assert [one.siting is not None for one in best] == kept.tolist()
    assert [one.cost for one, k in zip(best, kept, strict=True) if k] == pytest.approx(alone[kept].tolist())
    stages, regret = work.two_stage(best), work.least_regret(best)
    means = costs[:, kept] @ weights
    worst = (costs[:, kept] - alone[kept]).max(axis=1)
    if np.isfinite(means).any():
        assert stages.value == pytest.approx(means.min())
        assert stages.bound == pytest.approx(means.min())
        assert regret.value == pytest.approx(worst.min(), abs=1e-3)
        assert regret.bound <= worst.min() + 1e-3
    else:
        assert stages is None
        assert regret is None


def test_a_plan_that_changes_nothing_is_held_at_its_own_cost() -> None:
    """The tiny county's best plan costs 412 a day; under its own scenario nobody relapses and holding costs nothing."""
    problem = _tiny()
    plan = solve_three_tier(problem)
    (held,) = Robustness([Scenario("usual", problem)], plan, EXACT).held()
    assert held.cost == pytest.approx(412.0)
    assert held.hold_cost == pytest.approx(412.0)
    assert set(held.siting.open_ids) == set(plan.open_ids)
    assert (held.relapsed, held.lost, held.missed, held.added) == ((), (), (), ())


def test_a_closed_point_makes_its_villages_relapse_and_has_a_price() -> None:
    """Without P1 the two near villages need P2 (or lose their service): 422.75 a day, README of the tiny county."""
    problem = _tiny()
    plan = solve_three_tier(problem)
    closed = _with(problem, sites_closed=("P1",))
    (held,) = Robustness([Scenario("closed", closed)], plan, EXACT).held()
    assert held.lost == ("P1",)
    assert set(held.relapsed) <= {"990009001201", "990009001202"}
    assert "persons" in held.missed
    assert held.added == ("P2",)
    assert held.hold_cost == pytest.approx(422.75)


def test_what_is_full_first_comes_first() -> None:
    problem = _tiny()
    capacity = {"P1": 75.0, "S1": 70.0, "P3": 100.0}
    facilities = problem.county.facilities
    limits = facilities["facility_id"].map(capacity).fillna(facilities["capacity_parcels_per_day"])
    problem = replace(
        problem, county=problem.county.replace(facilities=facilities.assign(capacity_parcels_per_day=limits))
    )
    rows = first_to_break(build_instance(problem), solve_three_tier(_tiny()))
    assert [(site, times) for site, _, _, times in rows][:2] == [
        ("S1", pytest.approx(70.0 / 62.5)),
        ("P1", pytest.approx(75.0 / 37.5)),
    ]
    assert [row[3] for row in rows] == sorted(row[3] for row in rows)


def test_plans_nearly_as_good_differ_and_keep_the_cap() -> None:
    problem = _tiny()
    plan = solve_three_tier(problem)
    work = Robustness([Scenario("usual", problem)], plan, EXACT)
    plans = work.near_best(work.best()[0].decision, 3, 0.05)
    assert plans[0].open_ids == plan.open_ids
    assert all(one.report.objective <= 1.05 * 412.0 + 1e-6 for one in plans)
    assert all(a.open_ids != b.open_ids for a, b in itertools.combinations(plans[:2], 2))


@pytest.mark.parametrize(
    ("scenarios", "code"),
    [([], "robust_no_scenarios"), (["a", "a"], "robust_name_twice"), ([("a", 0.0)], "robust_bad_weight")],
)
def test_sets_that_make_no_sense_are_refused(scenarios, code) -> None:
    problem = _tiny()
    made = [Scenario(s, problem) if isinstance(s, str) else Scenario(s[0], problem, s[1]) for s in scenarios]
    with pytest.raises(InputError) as caught:
        check_scenarios(made)
    assert [p.code for p in caught.value.problems] == [code]
    assert all(p.text(lang) for p in caught.value.problems for lang in ("en", "zh"))


def test_a_plan_of_another_county_is_refused() -> None:
    problem = _tiny()
    plan = replace(solve_three_tier(problem), open_ids=("X1",))
    with pytest.raises(InputError) as caught:
        Robustness([Scenario("usual", problem)], plan, EXACT)
    assert caught.value.problems[0].code == "robust_foreign_plan"
    assert math.isfinite(caught.value.problems[0].params["count"])
