"""The siting model against enumeration of every plan, on counties small enough for it, and against its own parts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from geodata.errors import InfeasibleError, NoSolutionError
from loading import load
from networks.providers import build_travel
from planner.costs import closing_cny_per_day, site_cny_per_day, vehicle_cny_per_h, vehicle_cny_per_km
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.plan import PlanProblem
from planner.problems.standard import ServiceStandard, SitingSettings
from planner.siting.decision import broken, decision_cost
from planner.siting.encode import encode
from planner.siting.instance import build_instance
from planner.siting.model import build_model, read_decision
from planner.siting.parts import without_station_limits
from planner.siting.three_tier import solve_three_tier

counties = load("planner/siting_counties.py")
tiny = load("tiny/tiny_county.py")

EXACT = SitingSettings(relative_gap=0.0)


class Enumeration:
    """Every plan of a small county, costed by the formulas of docs/model.md written out once more."""

    def __init__(self, problem: PlanProblem) -> None:
        self.problem = problem
        county = problem.county
        self.sites = {
            kind: [row for _, row in rows.sort_values("facility_id").iterrows()]
            for kind, rows in county.facilities.groupby("kind")
        }
        self.rows = {str(row["facility_id"]): row for _, row in county.facilities.iterrows()}
        self.people = dict(zip(county.villages["village_code"], county.villages["population"], strict=True))
        demand = county.demand.set_index("village_code")
        self.parcels = (demand["inbound_parcels_per_day"] + demand["outbound_parcels_per_day"]).to_dict()
        self.van = county.vehicles.iloc[0]
        self.vans = problem.travel["van"]
        self.access = problem.travel["access"]

    def best(self) -> float:
        """Return the least cost of all plans that keep every rule, ``inf`` if there is none."""
        least = np.inf
        for centres in self._subsets("county_centre"):
            if len(centres) != self.problem.siting.centre_count:
                continue
            for stations in self._subsets("township_station"):
                for points in self._subsets("village_point"):
                    least = min(least, self._best_tree(centres, stations, points, least))
        return least

    def _subsets(self, kind: str):
        sites = self.sites[kind]
        for flags in itertools.product((False, True), repeat=len(sites)):
            if all(self._is_allowed(row, flag) for row, flag in zip(sites, flags, strict=True)):
                yield tuple(str(row["facility_id"]) for row, flag in zip(sites, flags, strict=True) if flag)

    def _is_allowed(self, row, is_open) -> bool:
        keep = self.problem.siting.keep_existing and row["status"] == "existing"
        if row["lock"] == "closed":
            return not is_open
        return is_open or not (row["lock"] == "open" or keep)

    def _best_tree(self, centres, stations, points, least: float) -> float:
        opened = {*centres, *stations, *points}
        fixed = sum(
            site_cny_per_day(row, self.problem.county.parameters)
            if label in opened
            else closing_cny_per_day(row, self.problem.county.parameters) * (row["status"] == "existing")
            for label, row in self.rows.items()
        )
        spent = sum(
            float(row["capex_cny"]) if label in opened else 0.0
            for label, row in self.rows.items()
            if row["status"] == "candidate"
        ) + sum(
            float(row["closing_cost_cny"])
            for label, row in self.rows.items()
            if row["status"] == "existing" and label not in opened
        )
        budget = self.problem.siting.budget_cny
        if fixed >= least or (budget is not None and spent > budget + 1e-6) or not self._meets_counts(stations, points):
            return np.inf
        for choice in itertools.product(stations, repeat=len(points)):
            station_of = dict(zip(points, choice, strict=True))
            for up in itertools.product(centres, repeat=len(stations)):
                centre_of = dict(zip(stations, up, strict=True))
                for way in itertools.product(*(self._ways(v, points) for v in self.people)):
                    served = {v: p for v, p in zip(self.people, way, strict=True) if p is not None}
                    least = min(least, fixed + self._transport(served, station_of, centre_of, least - fixed))
        return least

    def _ways(self, village: str, points) -> list:
        """Points the village may use; only its own if one of its own is open and can hold it."""
        limit = self.problem.standard.allocation_km * 1000.0
        near = [p for p in points if self.access.metres_between(village, p) <= limit]
        load = self.parcels[village] * self.problem.siting.capacity_day_factor
        own = [p for p in near if self.rows[p]["village_code"] == village and load <= self._capacity(p) + 1e-6]
        return own or [None, *near]

    def _capacity(self, label: str) -> float:
        capacity = self.rows[label]["capacity_parcels_per_day"]
        return np.inf if np.isnan(capacity) else float(capacity)

    def _meets_counts(self, stations, points) -> bool:
        standard, county = self.problem.standard, self.problem.county
        own = {self.rows[p]["village_code"] for p in points}
        towns = {self.rows[s]["township_code"] for s in stations}
        return (
            len(own) >= standard.village_point_share * len(county.villages) - 1e-9
            and len(towns) >= standard.township_station_share * len(county.townships) - 1e-9
        )

    def _transport(self, served, station_of, centre_of, least: float) -> float:
        standard = self.problem.standard
        near = sum(
            people
            for v, people in self.people.items()
            if v in served and self.access.metres_between(v, served[v]) <= standard.access_km * 1000.0
        )
        if near < standard.population_share * sum(self.people.values()) - 1e-6:
            return np.inf
        if len(served) < standard.village_served_share * len(self.people) - 1e-9:
            return np.inf
        loads: dict[str, float] = {}
        for v, p in served.items():
            for label in (p, station_of[p], centre_of[station_of[p]]):
                loads[label] = loads.get(label, 0.0) + self.parcels[v]
        factor = self.problem.siting.capacity_day_factor
        if any(load * factor > self._capacity(label) + 1e-6 for label, load in loads.items()):
            return np.inf
        parameters = self.problem.county.parameters
        total = parameters["sorting_cny_per_parcel"] * sum(self.parcels[v] for v in served)
        total += sum(
            parameters["access_cny_per_parcel_km"] * self.parcels[v] * self.access.metres_between(v, p) / 1000.0
            for v, p in served.items()
        )
        if total >= least:
            return np.inf
        siting = self.problem.siting
        total += sum(
            self._link(s, p, standard.visits_per_week, siting.round_share, loads.get(p, 0.0))
            for p, s in station_of.items()
        )
        return total + sum(self._link(c, s, 7, siting.line_haul_share, loads.get(s, 0.0)) for s, c in centre_of.items())

    def _link(self, depot: str, stop: str, visits: float, share: float, parcels: float) -> float:
        parameters = self.problem.county.parameters
        km, hours = self.vans.metres_between(depot, stop) / 1000.0, self.vans.minutes_between(depot, stop) / 60.0
        per_km, per_h = vehicle_cny_per_km(self.van, parameters), vehicle_cny_per_h(self.van, parameters)
        drive = 2.0 * km * per_km + 2.0 * hours * per_h
        kg = 0.8 * parameters["inbound_parcel_kg"] + 0.2 * parameters["outbound_parcel_kg"]
        full = min(self.van["payload_kg"] / kg, self.van["volume_m3"] / parameters["parcel_volume_m3"])
        visit = visits / 7.0 * (share * drive + parameters["stop_base_min"] / 60.0 * per_h)
        return visit + parcels * (parameters["stop_s_per_parcel"] / 3600.0 * per_h + drive / full)


def _random_problem(seed: int) -> PlanProblem:
    """A random county with random settings; about one in four has no plan."""
    rng = np.random.default_rng(1000 + seed)
    draft = counties.random_draft(seed, villages=4 if seed % 5 == 0 else 3, stations=3 if seed % 7 == 0 else 2)
    for row in draft.facilities:
        row["lock"] = rng.choice(["free", "open", "closed"], p=[0.86, 0.08, 0.06])
    for kind in ("county_centre", "township_station", "village_point"):
        if all(row["lock"] == "closed" for row in draft.facilities if row["kind"] == kind):
            next(row for row in draft.facilities if row["kind"] == kind)["lock"] = "free"
    standard = ServiceStandard(
        access_km=float(rng.uniform(1.0, 5.0)),
        population_share=float(rng.choice([0.4, 0.7, 0.95])),
        village_point_share=float(rng.choice([0.0, 0.4, 0.7])),
        township_station_share=float(rng.choice([0.0, 0.5, 1.0])),
        allocation_km=5.0,
        visits_per_week=int(rng.integers(1, 8)),
    )
    siting = replace(
        EXACT,
        budget_cny=None if rng.random() < 0.5 else float(rng.uniform(2e4, 2e5)),
        capacity_day_factor=float(rng.choice([1.0, 1.5])),
        keep_existing=bool(rng.random() < 0.2),
        centre_count=2 if seed % 6 == 0 else 1,
    )
    return draft.problem(standard, siting)


@pytest.mark.parametrize("seed", range(30))
def test_agrees_with_enumeration(seed: int) -> None:
    problem = _random_problem(seed)
    best = Enumeration(problem).best()
    if np.isinf(best):
        with pytest.raises(InfeasibleError) as caught:
            solve_three_tier(problem)
        assert caught.value.text("en")
        assert caught.value.text("zh")
        return
    report = solve_three_tier(problem).report
    assert report.status == "optimal"
    assert report.objective == pytest.approx(best, rel=1e-6)
    assert report.bound == pytest.approx(best, rel=1e-6)


def _served_problem(seed: int) -> PlanProblem:
    """A random county whose people are mostly out of the access distance of other villages' points."""
    problem = _random_problem(seed)
    share = (1.0, 0.6, 0.75, 0.3)[seed % 4]
    standard = replace(problem.standard, access_km=1.5, village_served_share=share, population_share=0.4)
    return replace(problem, standard=replace(standard, village_point_share=min(0.4, standard.village_point_share)))


@pytest.mark.parametrize("seed", range(30))
def test_share_of_villages_served_agrees_with_enumeration(seed: int) -> None:
    problem = _served_problem(seed)
    best = Enumeration(problem).best()
    if np.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_three_tier(problem)
        return
    result = solve_three_tier(problem)
    assert result.report.status == "optimal"
    assert result.report.objective == pytest.approx(best, rel=1e-6)
    villages = len(problem.county.villages)
    assert len(result.point_of_village) >= problem.standard.village_served_share * villages - 1e-9


def test_the_share_of_villages_served_decides_some_of_these_counties() -> None:
    """Else the test above would say nothing about it."""
    changed = 0
    for seed in range(8):
        problem = _served_problem(seed)
        without = replace(problem, standard=replace(problem.standard, village_served_share=0.0))
        asked, free = _objective(problem), _objective(without)
        changed += free is not None and (asked is None or asked > free * (1.0 + 1e-6))
    assert changed >= 3


@pytest.mark.parametrize("seed", range(6))
def test_serving_more_villages_never_costs_less(seed: int) -> None:
    draft = counties.random_draft(seed, villages=6, stations=3, capacities=seed % 2 == 0)
    standard = ServiceStandard(
        access_km=1.0, population_share=0.3, village_point_share=0.0, township_station_share=0.5, allocation_km=6.0
    )
    shares = (0.0, 0.3, 0.6, 0.8, 1.0)
    found = [_objective(draft.problem(replace(standard, village_served_share=share), EXACT)) for share in shares]
    costs = [np.inf if cost is None else cost for cost in found]
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(costs))
    assert costs[0] < costs[-1]


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_the_ways_of_large_counties_agree_with_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One programme for all centres, and few links before all, are only used beyond sizes no enumeration reaches."""
    monkeypatch.setattr("planner.siting.parts.CENTRE_SETS_MAX", 0)
    for name in ("_LINKS_WHOLE", "_FEW", "_MANY", "_BESIDE"):
        monkeypatch.setattr(f"planner.siting.search.{name}", int(name != "_LINKS_WHOLE"))
    problem = _random_problem(seed)
    best = Enumeration(problem).best()
    if np.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_three_tier(problem)
    else:
        assert solve_three_tier(problem).report.objective == pytest.approx(best, rel=1e-6)


def test_a_usable_plan_is_told_before_any_bound_where_there_are_many_links(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _random_problem(0)
    events = []
    monkeypatch.setattr("planner.siting.search._LINKS_WHOLE", 0)
    result = solve_three_tier(problem, listener=events.append)
    first = next(event for event in events if event.objective is not None)
    assert first.bound is None
    assert first.gap is None
    assert first.objective >= result.report.objective - 1e-6
    gaps = [event.gap for event in events if event.gap is not None]
    assert gaps == sorted(gaps, reverse=True)


def test_the_random_counties_are_of_both_kinds() -> None:
    kinds = [np.isinf(Enumeration(_random_problem(seed)).best()) for seed in range(1, 10)]
    assert 1 <= sum(kinds) <= 6


@pytest.mark.parametrize("seed", range(30))
def test_tiny_node_limits_never_claim_a_false_optimum(seed: int) -> None:
    problem = _random_problem(seed)
    problem = replace(problem, siting=replace(problem.siting, node_limit=seed % 2))
    exact = _objective(_random_problem(seed))
    try:
        report = solve_three_tier(problem).report
    except InfeasibleError:
        assert exact is None
        return
    except NoSolutionError:
        return
    assert exact is not None
    assert report.objective >= exact - 1e-6 * abs(exact)
    assert report.bound is None or report.bound <= exact + 1e-6 * abs(exact)
    if report.status == "optimal":
        assert report.objective == pytest.approx(exact, rel=2e-6)


def _objective(problem: PlanProblem) -> float | None:
    try:
        return solve_three_tier(problem).report.objective
    except InfeasibleError:
        return None


@pytest.mark.parametrize("seed", range(5))
def test_larger_budget_never_costs_more_and_tighter_standard_never_less(seed: int) -> None:
    base = counties.random_draft(seed, villages=5, stations=3, capacities=False)
    standard = ServiceStandard(access_km=2.5, village_point_share=0.0, township_station_share=0.5, allocation_km=6.0)

    def cost(budget: float | None, share: float) -> float:
        siting = replace(EXACT, budget_cny=budget)
        found = _objective(base.problem(replace(standard, population_share=share), siting))
        return np.inf if found is None else found

    by_budget = [cost(budget, 0.8) for budget in (5e4, 8e4, 1.2e5, None)]
    assert by_budget == sorted(by_budget, reverse=True)
    by_share = [cost(None, share) for share in (0.3, 0.6, 0.9, 1.0)]
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(by_share))


@pytest.mark.parametrize("seed", range(20))
def test_programme_and_cost_function_price_a_decision_alike(seed: int) -> None:
    problem = _random_problem(seed)
    instance = build_instance(problem)
    model = build_model(instance)
    answer = solve_linear(model.linear, EngineLimits(0.0, 1000, 20.0, 1))
    if answer.values is None:
        assert answer.outcome == "infeasible"
        return
    decision = read_decision(instance, model, answer.values)
    assert broken(instance, decision) == ()
    assert decision_cost(instance, decision) == pytest.approx(answer.objective, rel=1e-7)
    values = encode(instance, model, decision)
    assert values is not None
    assert model.linear.worst_violation(values) < 1e-6
    assert model.linear.objective(values) == pytest.approx(answer.objective, rel=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_leaving_links_out_costs_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = counties.random_draft(seed, villages=7, stations=4, centres=1, capacities=False, span=10.0)
    problem = draft.problem(ServiceStandard(village_point_share=0.3, allocation_km=4.0), EXACT)
    instance = without_station_limits(build_instance(problem))
    pruned = build_model(instance)
    monkeypatch.setattr("planner.siting.prune._certain_groups", lambda *_args, **_options: [])
    whole = build_model(instance)
    assert len(pruned.point_link) < len(whole.point_link)
    limits = EngineLimits(0.0, 10_000, 20.0, 1)
    costs = [solve_linear(model.linear, limits).objective for model in (pruned, whole)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-7)


@pytest.mark.parametrize(
    ("standard", "objective"),
    [
        (tiny.STANDARD, tiny.OBJECTIVE_CNY_PER_DAY),
        (tiny.ONE_STATION, tiny.ONE_STATION_OBJECTIVE_CNY_PER_DAY),
        (tiny.ALL_POINTS, tiny.ALL_POINTS_OBJECTIVE_CNY_PER_DAY),
        (tiny.SERVED, tiny.SERVED_OBJECTIVES_CNY_PER_DAY[5]),
    ],
)
def test_tiny_county_as_solved_by_hand(standard: ServiceStandard, objective: float) -> None:
    county = tiny.tiny_county()
    travel = build_travel(county, detour_factor=1.0).matrices
    result = solve_three_tier(PlanProblem(county, travel, standard, tiny.SITING, tiny.ROUTING))
    assert result.report.status == "optimal"
    assert result.report.objective == pytest.approx(objective, abs=1e-3)
    if standard is tiny.STANDARD:
        assert result.open_ids == tuple(sorted(tiny.OPEN))
        assert result.point_of_village == tiny.ALLOCATION
