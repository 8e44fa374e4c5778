"""The exact engine against brute force over all routes and all ways of sharing out the stops."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from loading import load
from planner.problems.routing import (
    Battery,
    BreakRule,
    Charger,
    Permit,
    RoutingDecision,
    RoutingDepot,
    RoutingProblem,
    RoutingStop,
    RoutingVehicle,
    VehicleDay,
)
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.exact import ExactLimits, refusals, solve_exact
from planner.routing.rich.exact_engine import ExactRichEngine
from planner.routing.rich.generation import GenerationLimits, generate
from planner.routing.rich.pyvrp_engine import PyVrpEngine
from planner.routing.rich.schedule import day_cost, day_is_feasible
from planner.verification.routing import check_decision, cost_of

cases = load("planner/routing_cases.py")
line, stop, van = cases.line, cases.stop, cases.van


def random_round(seed: int, count: int) -> RoutingProblem:
    """A round with every rule the engine takes switched on by chance."""
    rng = np.random.default_rng(seed)
    chance = rng.random(8)
    xy = np.vstack([rng.uniform(-2, 2, (2, 2)), rng.uniform(-15, 15, (count, 2))])
    km = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) * rng.uniform(1.0, 1.3, (count + 2, count + 2))
    np.fill_diagonal(km, 0.0)

    def windows():
        kind = rng.random()
        first = float(rng.integers(0, 120))
        if kind < 0.4:
            return ()
        return ((first, first + 60.0),) if kind < 0.7 else ((first, first + 20.0), (first + 100.0, first + 140.0))

    stops = tuple(
        RoutingStop(
            f"S{i}",
            i + 2,
            (float(rng.integers(0, 6)), float(rng.integers(0, 4))),
            (float(rng.integers(0, 4)) * (rng.random() < 0.5), 0.0),
            float(rng.integers(0, 15)),
            windows(),
            penalty_cny=float(rng.integers(20, 120)) if rng.random() < 0.4 * (chance[0] < 0.5) else None,
            zone="z" if rng.random() < 0.2 * (chance[1] < 0.4) else "",
            goods=(("food",), ("fuel",), ())[int(rng.integers(0, 3))] if chance[2] < 0.3 else (),
            vehicle_types=frozenset({"van"}) if rng.random() < 0.1 else None,
        )
        for i in range(count)
    )
    vehicles = (
        RoutingVehicle(
            "van",
            (14.0, 9.0),
            0,
            0,
            20.0,
            1.0,
            30.0,
            3 if chance[3] < 0.3 else None,
            (0.0, 400.0),
            300.0,
            permits=(Permit("z", ((0.0, 200.0),)),),
        ),
        RoutingVehicle(
            "trike",
            (8.0, 5.0),
            0,
            1 if chance[4] < 0.3 else 0,
            5.0,
            0.6,
            30.0,
            None,
            (0.0, 400.0),
            range_km=80.0,
            stops_most=3,
            permits=(Permit("z"),),
        ),
    )
    depots = (RoutingDepot("D", 0, 0.0, 420.0, 5.0), RoutingDepot("E", 1, 0.0, 380.0))
    return RoutingProblem(
        tuple("P" * (i + 1) for i in range(count + 2)),
        (km * 2.0,),
        (km * 1000.0,),
        depots,
        stops,
        vehicles,
        incompatible=(("food", "fuel"),),
        is_linehaul_first=bool(chance[5] < 0.3),
    )


def brute_force(problem: RoutingProblem) -> float:  # noqa: C901
    """Cheapest cost over all orders, types and partitions; ``inf`` if there is none."""
    count = len(problem.stops)
    cost: dict[int, dict[int, float]] = {}
    for size in range(1, count + 1):
        for members in itertools.combinations(range(count), size):
            for k in range(len(problem.vehicles)):
                days = (VehicleDay(k, (order,)) for order in itertools.permutations(members))
                best = min((day_cost(problem, d) for d in days if day_is_feasible(problem, d)), default=math.inf)
                if math.isfinite(best):
                    cost.setdefault(sum(1 << i for i in members), {})[k] = best

    def go(left: int, used: tuple[int, ...]) -> float:
        if not left:
            return 0.0
        low = left & -left
        found = [problem.stops[low.bit_length() - 1].penalty_cny]
        found = [found[0] + go(left ^ low, used)] if found[0] is not None else []
        part = left
        while part:
            if part & low and part in cost:
                for k, value in cost[part].items():
                    available = problem.vehicles[k].available
                    if available is None or used[k] < available:
                        now = tuple(u + (j == k) for j, u in enumerate(used))
                        found.append(value + go(left ^ part, now))
            part = (part - 1) & left
        return min(found, default=math.inf)

    return go((1 << count) - 1, (0,) * len(problem.vehicles))


@pytest.mark.parametrize("seed", range(40))
def test_exact_equals_brute_force(seed):
    problem = random_round(seed, 4 if seed % 4 else 5)
    wanted = brute_force(problem)
    result = solve_exact(problem)
    assert result.status == "optimal"
    assert result.cny == pytest.approx(wanted, abs=1e-6)
    assert result.bound == pytest.approx(wanted, abs=1e-6)
    assert check_decision(problem, result.decision) == ()
    assert cost_of(problem, result.decision) == pytest.approx(wanted, abs=1e-6)


def test_some_of_these_rounds_have_every_feature():
    problems = [random_round(seed, 4) for seed in range(40)]
    results = [solve_exact(p) for p in problems]
    assert {r.status for r in results} == {"optimal"}
    decisions = [r.decision for r in results if r.decision]
    assert any(d.left_out for d in decisions) and any(len(d.days) > 1 for d in decisions)
    assert {day.vehicle for d in decisions for day in d.days} == {0, 1}


def test_six_stops_by_brute_force():
    problem = random_round(103, 6)
    assert solve_exact(problem).cny == pytest.approx(brute_force(problem), abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_bound_never_exceeds_the_best_cost_whatever_the_limits(seed):
    problem = random_round(seed, 5)
    wanted = brute_force(problem)
    if math.isinf(wanted):
        return
    for limits in (
        GenerationLimits(rounds=1, exact_rounds=1),
        GenerationLimits(labels=40),
        GenerationLimits(end_neighbours=1),
    ):
        assert generate(problem, limits).bound <= wanted + 1e-6


def test_cut_short_answers_are_feasible_with_a_valid_bound():
    problem = cases_round(12)
    best = solve_exact(problem)
    assert best.status == "optimal"
    short = solve_exact(problem, ExactLimits(routes=3))
    assert short.status in ("feasible", "optimal")
    assert check_decision(problem, short.decision) == ()
    assert short.bound <= best.cny + 1e-6 <= short.cny + 2e-6
    few = solve_exact(problem, ExactLimits(sets=3, nodes=1))
    assert few.bound <= best.cny + 1e-6


def cases_round(count: int) -> RoutingProblem:
    rng = np.random.default_rng(2)
    xy = np.vstack([[0.0, 0.0], rng.uniform(-10, 10, (count, 2))])
    km = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    stops = tuple(RoutingStop(f"S{i}", i + 1, (float(rng.integers(1, 5)), 1.0), (1.0, 0.0), 5.0) for i in range(count))
    van_ = RoutingVehicle("van", (12.0, 10.0), fixed_cny=30.0, cny_per_km=1.0, cny_per_h=30.0, shift=(0.0, 600.0))
    return RoutingProblem(
        tuple(map(str, range(count + 1))), (km * 2.0,), (km * 1000.0,), (RoutingDepot("D", 0),), stops, (van_,)
    )


def test_vehicles_in_short_supply_bind():
    # Two stops on opposite sides, 6 loads each: two vans of 6, or one of 12 that costs more to run.
    stops = [stop("A", 1, 6.0), stop("B", 2, 6.0)]
    small, large = van("small", 6.0, available=1), van("large", 12.0, cny_per_km=3.0)
    result = solve_exact(line([10.0, -10.0], stops, [small, large]))
    # small + large: 20 + 20 h-cost, large alone 60 + 20
    assert result.status == "optimal"
    assert result.cny == pytest.approx(20 + 20 + 60 + 20)


def test_what_no_routes_can_serve_is_infeasible():
    stops = [stop("A", 1, 6.0), stop("B", 2, 6.0)]
    one_van = solve_exact(line([10.0, -10.0], stops, [van("small", 6.0, available=1)]))
    too_heavy = solve_exact(line([10.0, -10.0], stops, [van("small", 5.0)]))
    assert [(r.status, r.decision) for r in (one_van, too_heavy)] == [("infeasible", None)] * 2


def test_repeats_bytes_for_bytes():
    problem = cases_round(10)
    assert solve_exact(problem) == solve_exact(problem)


def test_empty_round_costs_nothing():
    assert solve_exact(line([1.0], [])).cny == 0.0


REFUSED = [
    ("routing_exact_too_many_stops", line([1.0], [stop(f"S{i}", 1) for i in range(31)])),
    ("routing_exact_trips", line([1.0], [stop("A", 1)], [van(trips_most=2)])),
    ("routing_exact_break", line([1.0], [stop("A", 1)], [van(break_rule=BreakRule(60.0, 15.0))])),
    (
        "routing_exact_chargers",
        line([1.0], [stop("A", 1)], [van(battery=Battery(9.0, 1.0, 1.0))], chargers=(Charger("C", 1),)),
    ),
    ("routing_exact_cold", line([1.0], [stop("A", 1, cold_max_min=30.0)])),
    ("routing_exact_balance", line([1.0], [stop("A", 1)], balance_min=10.0)),
]


@pytest.mark.parametrize(("key", "problem"), REFUSED)
def test_what_it_cannot_take_is_refused(key, problem):
    assert [k for k, _ in refusals(problem)] == [key]
    [refusal] = ExactRichEngine().refuses(problem)
    assert refusal.key == key


def test_battery_without_chargers_is_a_range():
    problem = line([10.0], [stop("A", 1)], [van(battery=Battery(19.0, 1.0, 1.0)), van("diesel", fixed_cny=50.0)])
    assert refusals(problem) == ()
    assert solve_exact(problem).decision == RoutingDecision((VehicleDay(1, ((0,),)),))


def test_a_start_does_not_change_the_proof():
    problem = cases_round(8)
    start = RoutingDecision(tuple(VehicleDay(0, ((i,),)) for i in range(8)))
    assert solve_exact(problem, start=start).cny == pytest.approx(solve_exact(problem).cny)
    assert solve_exact(replace(problem, stops=())).decision == RoutingDecision(())


def test_auto_proves_small_rounds():
    problem = cases_round(8)
    answer = solve_routing(problem, RoutingLimits(10, 1.0))
    assert (answer.report.status, answer.why_key) == ("optimal", "routing_why_first")
    assert answer.report.objective == pytest.approx(solve_exact(problem).cny)
    assert answer.report.bound == pytest.approx(answer.report.objective)


def test_auto_keeps_the_bound_of_the_exact_engine_where_it_cannot_prove():
    problem = cases_round(12)
    short = ExactRichEngine(ExactLimits(routes=3))
    answer = solve_routing(problem, RoutingLimits(300), among=[short, PyVrpEngine()])
    assert check_decision(problem, answer.decision) == ()
    assert answer.report.bound <= solve_exact(problem).cny + 1e-6
    assert answer.report.objective <= short.solve(problem, RoutingLimits()).report.objective + 1e-9
