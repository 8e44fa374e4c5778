"""Ruin and recreate, the route pool, parts of large days, periodic and electric rounds, against trying everything."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from loading import load
from planner.problems.routing import Battery, Charger, RoutingDecision, RoutingStop, RoutingVehicle, VehicleDay
from planner.routing.rich import compose, electric
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.compose import ComposedEngine
from planner.routing.rich.decompose import part_around, put_back
from planner.routing.rich.electric import ElectricEngine
from planner.routing.rich.electric_plan import LABELS, plan
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.large import LargeEngine, groups_of
from planner.routing.rich.periodic import PeriodicEngine, PeriodicProblem, broken_periodic, periodic_cost
from planner.routing.rich.polish import best_of_pool
from planner.routing.rich.pyvrp_data import pyvrp_problem
from planner.routing.rich.pyvrp_search import first_penalties
from planner.routing.rich.ruin import Ruin, prepare, ruin_refuses
from planner.routing.rich.schedule import day_cost, day_is_feasible, decision_cost
from planner.verification.routing import check_decision, cost_of

_BRUTE = load("planner/rich_brute.py")
cheapest, random_round = _BRUTE.cheapest, _BRUTE.random_round

PLAIN = {"fixed_cny": 50.0, "cny_per_km": 1.2, "cny_per_h": 0.0}


def _ruined(problem, turns=3000, seed=1):
    ruin = Ruin(problem, seed)
    ruin.start()
    ruin.run(RoutingLimits(turns, seed=seed))
    return ruin.decision()


RULES = {
    "plain": {"vehicle": PLAIN},
    "windows": {"vehicle": PLAIN, "stop": lambda i: {"windows": ((540.0 + 30 * i, 620.0 + 30 * i),)}},
    "optional": {"vehicle": PLAIN, "stop": lambda i: {"penalty_cny": 25.0 + 15.0 * i}},
    "range": {"vehicle": {**PLAIN, "range_km": 55.0}},
    "most stops": {"vehicle": {**PLAIN, "stops_most": 2}},
    "backhauls": {
        "vehicle": PLAIN,
        "is_linehaul_first": True,
        "stop": lambda i: {"delivery": (4.0 * (i % 2),), "pickup": (4.0 * (1 - i % 2),)},
    },
    "types": {
        "vehicles": (
            RoutingVehicle("van", (15.0,), fixed_cny=50.0, cny_per_km=1.2),
            RoutingVehicle("big", (30.0,), fixed_cny=80.0, cny_per_km=1.7),
        ),
        "stop": lambda i: {"vehicle_types": frozenset({"van"})} if i == 0 else {},
    },
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rule", RULES)
def test_ruin_and_recreate_finds_the_cheapest_small_round(rule, seed):
    problem = random_round(seed, **RULES[rule])
    assert not list(ruin_refuses(problem)) or rule == "types"
    found = _ruined(problem)
    assert check_decision(problem, found) == ()
    assert cost_of(problem, found) == pytest.approx(cheapest(problem), rel=1e-6)


def test_ruin_and_recreate_repeats_itself():
    problem = random_round(3, count=25, vehicle=PLAIN)
    assert _ruined(problem, 500, seed=2) == _ruined(problem, 500, seed=2)


def test_ruin_and_recreate_says_what_it_cannot_price():
    waiting = random_round(0, stop=lambda i: {"windows": ((540.0, 620.0 + i),)})
    assert list(ruin_refuses(waiting)) == ["routing_refused_waiting"]
    assert "routing_refused_trips" in list(ruin_refuses(random_round(0, vehicle={**PLAIN, "trips_most": 2})))


def test_composed_engine_is_no_dearer_than_its_start():
    problem = random_round(5, count=35, vehicle=PLAIN)
    start = _ruined(problem, 50)
    answer = ComposedEngine().solve(problem, RoutingLimits(200), start=start)
    assert check_decision(problem, answer.decision) == ()
    assert answer.report.objective <= cost_of(problem, start) + 1e-9
    assert answer.report.objective == pytest.approx(cost_of(problem, answer.decision))


class _SlowStart:
    """A clock that stands still but for the first use of the kernels, which takes a minute: what compiling does."""

    def __init__(self, monkeypatch):
        self.now, self.is_compiled = 0.0, False
        start = Ruin.start

        def slow(ruin, decision=None):
            self.now += 0.0 if self.is_compiled else 60.0
            self.is_compiled = True
            start(ruin, decision)

        monkeypatch.setattr(Ruin, "start", slow)
        prepare.cache_clear()

    def __call__(self):
        return self.now


def test_compiling_is_no_part_of_the_seconds(monkeypatch):
    """PyVRP once got no time at all: the seconds ran while the kernels were compiled, and the start was the answer."""
    clock, seen, real = _SlowStart(monkeypatch), [], compose.search

    def search(data, limits, **more):
        seen.append(limits.seconds)
        return real(data, limits, **more)

    monkeypatch.setattr(compose, "search", search)
    monkeypatch.setattr(compose, "RUIN_STOPS", 30)
    monkeypatch.setattr(compose, "RUIN_TURNS", 1)
    problem = random_round(5, count=35, vehicle=PLAIN)
    answer = ComposedEngine().solve(problem, RoutingLimits(20, seconds=10.0, clock=clock))
    assert clock.now == 60.0
    assert answer.report.note_key != "routing_note_cut_by_clock"
    assert seen == [pytest.approx(10.0, rel=0.15)]


def test_pyvrp_has_all_iterations_of_small_days(monkeypatch):
    seen, real = [], compose.search

    def search(data, limits, **more):
        seen.append((limits.iterations, limits.seconds / 100.0))
        return real(data, replace(limits, iterations=5), **more)

    monkeypatch.setattr(compose, "search", search)
    ComposedEngine().solve(random_round(5, count=35, vehicle=PLAIN), RoutingLimits(1000, seconds=100.0))
    [(iterations, share)] = seen
    assert iterations == 1000
    assert share > 0.85


def test_the_answer_names_what_ran(monkeypatch):
    problem = random_round(5, count=35, vehicle=PLAIN)
    assert ComposedEngine().solve(problem, RoutingLimits(20)).report.engine.startswith("PyVRP")
    monkeypatch.setattr(compose, "RUIN_STOPS", 30)
    monkeypatch.setattr(compose, "POOL_STOPS", 30)
    short = ComposedEngine().solve(problem, RoutingLimits(20)).report.engine
    assert short.startswith("PyVRP")  # no time to cool
    monkeypatch.setattr(compose, "RUIN_TURNS", 1)
    name = ComposedEngine().solve(problem, RoutingLimits(20)).report.engine
    assert name.startswith("ruin and recreate + PyVRP")
    assert "pool" not in name


@pytest.mark.parametrize(("count", "arcs"), [(20, 1.0), (300, 5.0), (700, 10.0)])
def test_first_penalties_grow_with_the_stops(count, arcs):
    """At the price of one arc a day of 627 stops wanders among decisions that keep no limit, and ends a point dearer."""
    native = pyvrp_problem(random_round(9, count=count, vehicle={**PLAIN, "fixed_cny": 0.0}))
    _, _, way = first_penalties(native.data)
    assert way == pytest.approx(arcs * native.data.vehicle_type(0).unit_distance_cost, rel=1e-9)


def test_pool_joins_the_good_days_of_two_decisions():
    problem = random_round(0, count=4, vehicle=PLAIN)
    days = [VehicleDay(0, (t,)) for n in (1, 2) for t in itertools.permutations(range(4), n)]
    pool = {day: day_cost(problem, day) for day in days if day_is_feasible(problem, day)}
    start = RoutingDecision(tuple(VehicleDay(0, ((i,),)) for i in range(4)))
    found = best_of_pool(problem, pool, start)
    pairs = min(
        decision_cost(problem, RoutingDecision(chosen))
        for n in (2, 3, 4)
        for chosen in itertools.combinations(pool, n)
        if sorted(i for d in chosen for t in d.trips for i in t) == [0, 1, 2, 3]
    )
    assert decision_cost(problem, found) == pytest.approx(pairs)
    assert best_of_pool(problem, pool, found) is None


def test_a_part_goes_back_where_it_came_from():
    problem = random_round(8, count=20, vehicle=PLAIN)
    whole = _ruined(problem, 200)
    part, taken = part_around(problem, whole, 3, 8)
    assert 3 in part.stops
    assert len(part.stops) >= 8
    inner = RoutingDecision(part.inner(whole.days[t] for t in taken))
    assert check_decision(part.problem, inner) == ()
    assert put_back(whole, part, taken, inner) == whole


def test_large_days_are_grouped_solved_and_improved():
    problem = random_round(9, count=60, vehicle=PLAIN)
    groups = groups_of(problem, 25)
    assert sorted(i for g in groups for i in g) == list(range(60))
    assert max(map(len, groups)) <= 25
    answer = LargeEngine().solve(problem, RoutingLimits(2000))
    assert check_decision(problem, answer.decision) == ()
    better = LargeEngine().solve(problem, RoutingLimits(2000), start=answer.decision)
    assert better.report.objective <= answer.report.objective


def _periodic(seed):
    day = random_round(seed, count=4, vehicle={**PLAIN, "available": 2, "fixed_cny": 0.0})
    twice = (frozenset({0, 1}), frozenset({1, 2}), frozenset({0, 2}))
    once = tuple(frozenset({d}) for d in range(3))
    return PeriodicProblem(day, 3, (twice, once, once, twice))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_patterns_and_rounds_together_are_cheapest(seed):
    problem = _periodic(seed)
    answer = PeriodicEngine().solve(problem, RoutingLimits(800))
    assert broken_periodic(problem, answer.decision) == ()
    least, memo = np.inf, {}
    for chosen in itertools.product(*problem.patterns):
        total = 0.0
        for d in range(3):
            due = [i for i, p in enumerate(chosen) if d in p]
            total += _cheapest_day(problem.day, due, memo) if due else 0.0
        least = min(least, total)
    assert answer.report.objective == pytest.approx(least)
    assert periodic_cost(problem, answer.decision) == pytest.approx(least)


def _cheapest_day(problem, due, memo):
    """Return the least cost of a day, remembered over the patterns of one problem."""
    key = tuple(due)
    if key not in memo:
        stops = tuple(problem.stops[i] for i in due)
        free = tuple(replace(v, available=None) for v in problem.vehicles)
        memo[key] = cheapest(replace(problem, stops=stops, vehicles=free))
    return memo[key]


def test_a_broken_pattern_is_named():
    problem = _periodic(1)
    good = PeriodicEngine().solve(problem, RoutingLimits(100)).decision
    assert broken_periodic(problem, replace(good, patterns=(frozenset({0}), *good.patterns[1:]))) == (
        "pattern s0",
        "visits s0",
    )


def _electric(kwh, *, chargers=(10.0,)):
    """Stops at kilometres 8 and 16 of a line, chargers between; 1 kWh a km, a minute a km, half a minute a kWh."""
    at = np.array([0.0, 8.0, 16.0, *chargers])
    km = np.abs(at[:, None] - at[None, :])
    base = random_round(0, count=2)
    stops = tuple(RoutingStop(f"s{i}", i + 1, (1.0,), (0.0,)) for i in range(2))
    van = RoutingVehicle("ev", (5.0,), cny_per_km=1.0, battery=Battery(kwh, 1.0, 0.5))
    return replace(
        base,
        place_ids=tuple(map(str, range(len(at)))),
        minutes=(km,),
        metres=(km * 1000.0,),
        stops=stops,
        vehicles=(van,),
        chargers=tuple(Charger(f"c{k}", 3 + k) for k in range(len(chargers))),
    )


def test_electric_round_by_hand():
    free = solve_routing(_electric(40.0), RoutingLimits(50))
    assert free.decision.days[0].trips[0] in {(0, 1), (1, 0)}  # 32 km there and back need no charging
    problem = _electric(24.0)
    answer = ElectricEngine().solve(problem, RoutingLimits(50))
    assert check_decision(problem, answer.decision) == ()
    assert answer.report.objective == pytest.approx(32.0)  # the charger at km 10 lies on the way
    assert 2 in answer.decision.days[0].trips[0]
    flat = ElectricEngine().solve(_electric(11.0), RoutingLimits(50))
    assert flat.decision is None  # from km 10 to km 16 and back takes 12 kWh


def test_a_round_is_given_up_only_where_it_reaches_its_limit():
    """Both stops cost 32 over the charger on the way; the search of its charging ends at a limit of that or less."""
    data = electric._Search(_electric(24.0), RoutingLimits(1), None).data
    rows, traces = np.zeros((6, LABELS + 1, 3)), np.zeros((6, LABELS + 1, 3), dtype=np.int64)
    costs = [plan(data, np.array([0, 1]), 2, rows, traces, limit) for limit in (np.inf, 32.01, 32.0, 10.0)]
    assert costs == [pytest.approx(32.0), pytest.approx(32.0), np.inf, np.inf]


def test_electric_engine_says_what_it_cannot_take():
    problem = _electric(24.0)
    assert "routing_refused_no_battery" in [r.key for r in ElectricEngine().refuses(random_round(0))]
    two = replace(problem, vehicles=(problem.vehicles[0], replace(problem.vehicles[0], vehicle_type_id="second")))
    assert [r.key for r in ElectricEngine().refuses(two)] == ["routing_refused_mixed_electric"]
