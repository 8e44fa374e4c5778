"""Joint siting and routing: engine against brute force, bound below every answer, checker that names each broken rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pytest

from planner.engines.compiled import part_alone
from planner.engines.mathopt import EngineLimits
from planner.problems.location_routing import (
    FirstEchelon,
    LocationRoute,
    LocationRoutingLimits,
    LocationRoutingProblem,
    TruckTour,
)
from planner.routing.location import checks, kernels, kernels_supply, kernels_tours
from planner.routing.location.bound import lower_bound
from planner.routing.location.choice import Partition
from planner.routing.location.engine import solve_location_routing
from planner.routing.location.enumerate import all_routes
from planner.routing.location.prepare import Choice, network_of, supply_of, tours_from
from planner.verification.location_routing import decision_cost, faults

FEW = LocationRoutingLimits(iterations=15_000, bound_iterations=60)
DATA = Path(__file__).parents[2].parent / "shared" / "benchmarks"


def euclid(a, b):
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])


def random_problem(seed: int, *, echelons: int = 1, n: int = 5, m: int = 3, split: bool = False):
    """Return a small problem whose rooms and vehicles bind."""
    rng = np.random.default_rng(seed)
    depots, customers = rng.integers(0, 60, (m, 2)).astype(float), rng.integers(0, 60, (n, 2)).astype(float)
    points = np.vstack([depots, customers])
    demand = rng.integers(2, 9, n).astype(float)
    first = None
    if echelons == 2:
        platforms = np.vstack([rng.integers(0, 100, (2, 2)).astype(float), depots])
        truck = float(max(demand.max() + 4.0, 0.6 * demand.sum()))
        first = FirstEchelon(
            euclid(platforms, platforms), np.array([12.0, 20.0]), np.full(2, np.inf), truck, 7.0, is_split=split
        )
    capacity = np.ceil(np.full(m, demand.sum() * 0.6))
    if first is not None and not split:
        capacity = np.minimum(capacity, first.truck_capacity)
    return LocationRoutingProblem(
        cost=euclid(points, points),
        demand=demand,
        opening=rng.integers(5, 30, m).astype(float),
        capacity=capacity,
        vehicle_capacity=14.0,
        unit_cost=np.zeros(m),
        route_fixed=6.0,
        first=first,
    )


def set_partitions(items):
    """Yield all partitions of a list."""
    if not items:
        yield []
        return
    head, *rest = items
    for parts in set_partitions(rest):
        yield [[head], *parts]
        for k in range(len(parts)):
            yield [*parts[:k], [head, *parts[k]], *parts[k + 1 :]]


def cheapest_loop(cost, start, nodes):
    """Return the least cost of a loop by trying every order."""
    return min(
        sum(cost[a, b] for a, b in zip((start, *order), (*order, start), strict=True)) for order in permutations(nodes)
    )


def brute_supply(first, loads):
    """Return the least cost of supplying satellites without splits, by trying every partition and platform."""
    best = np.inf
    p = first.platform_count
    for parts in set_partitions(sorted(loads)):
        if any(sum(loads[s] for s in part) > first.truck_capacity + 1e-9 for part in parts):
            continue
        for ends in product(range(p), repeat=len(parts)):
            value = sum(first.opening[e] for e in set(ends))
            value += sum(
                first.truck_fixed + cheapest_loop(first.cost, e, [p + s for s in part])
                for e, part in zip(ends, parts, strict=True)
            )
            best = min(best, value)
    return best


def brute_force(problem):
    """Return the least cost by trying every partition of the customers and every depot of each part."""
    m, best = problem.depot_count, np.inf
    for parts in set_partitions(list(range(problem.customer_count))):
        if any(problem.demand[part].sum() > problem.vehicle_capacity + 1e-9 for part in parts):
            continue
        loops = [[cheapest_loop(problem.cost, d, [m + i for i in part]) for d in range(m)] for part in parts]
        for depots in product(range(m), repeat=len(parts)):
            loads = {}
            for d, part in zip(depots, parts, strict=True):
                loads[d] = loads.get(d, 0.0) + problem.demand[part].sum()
            if any(load > problem.capacity[d] + 1e-9 for d, load in loads.items()):
                continue
            value = sum(problem.opening[d] for d in loads) + problem.route_fixed * len(parts)
            value += sum(loop[d] for d, loop in zip(depots, loops, strict=True))
            if problem.first is not None and value < best:
                value += brute_supply(problem.first, {d: v for d, v in loads.items() if problem.needs_supply(d)})
            best = min(best, value)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_one_echelon_equals_brute_force(seed):
    problem = random_problem(seed, n=6)
    best = brute_force(problem)
    found = solve_location_routing(problem, FEW)
    assert faults(problem, found.decision) == ()
    assert decision_cost(problem, found.decision) == pytest.approx(best)
    assert found.report.objective == pytest.approx(best)
    assert found.report.status == "optimal"
    assert lower_bound(problem, best, 80) <= best + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_two_echelons_equal_brute_force(seed):
    problem = random_problem(seed, echelons=2)
    best = brute_force(problem)
    found = solve_location_routing(problem, FEW)
    assert faults(problem, found.decision) == ()
    assert decision_cost(problem, found.decision) == pytest.approx(best)
    assert found.report.status == "optimal"
    assert lower_bound(problem, best, 80) <= best + 1e-6


def test_skipping_a_tier_is_used_where_it_pays_and_equals_brute_force():
    problem = random_problem(7, echelons=2)
    opening = problem.opening.copy()
    opening[0] = 0.0
    direct = replace(problem, is_direct=(True, False, False), opening=opening)
    best = brute_force(direct)
    found = solve_location_routing(direct, FEW)
    assert 0 in found.decision.open_depots
    assert faults(direct, found.decision) == ()
    assert decision_cost(direct, found.decision) == pytest.approx(best)
    assert lower_bound(direct, best, 80) <= best + 1e-6


def line_problem():
    """Return a hand-made case: satellite at 10, customers at 11 and 12 (load 6 each), platform at 0, trucks of 8, vehicles of 6."""
    x = np.array([10.0, 11.0, 12.0])
    nodes = np.array([0.0, 10.0])
    first = FirstEchelon(np.abs(nodes[:, None] - nodes), np.zeros(1), np.full(1, np.inf), 8.0, 1.0, is_split=True)
    return LocationRoutingProblem(
        np.abs(x[:, None] - x),
        np.array([6.0, 6.0]),
        np.array([3.0]),
        np.full(1, np.inf),
        6.0,
        np.full(1, 0.5),
        2.0,
        first=first,
    )


def test_split_supply_by_hand():
    # Satellite 3, routes 2 x 2 + 2 + 4, handling 0.5 x 12; two trucks of 20 and 1 each because 12 do not go on one of 8.
    found = solve_location_routing(line_problem(), FEW)
    assert decision_cost(line_problem(), found.decision) == pytest.approx(3 + 4 + 2 + 4 + 6 + 2 * 21)
    assert sorted(tour.platform for tour in found.decision.tours) == [0, 0]
    assert found.report.status == "optimal"


def test_without_splits_a_satellite_above_a_truck_has_no_answer():
    problem = line_problem()
    whole = replace(problem, first=replace(problem.first, is_split=False))
    found = solve_location_routing(whole, FEW)
    assert found.decision is None
    assert found.report.status == "unknown"


def test_same_seed_same_answer():
    problem = random_problem(3, n=14, m=4)
    one, two = (solve_location_routing(problem, FEW) for _ in range(2))
    assert one == two


def test_bound_stays_below_the_optimum_where_loads_are_rounded():
    problem = random_problem(5, n=6)
    rng = np.random.default_rng(1)
    uneven = replace(problem, demand=problem.demand + rng.random(6) * 0.37 - 0.2)
    best = brute_force(uneven)
    bound = lower_bound(uneven, best, 150)
    assert 0.75 * best < bound <= best + 1e-6


def good_decision(problem):
    return solve_location_routing(problem, FEW).decision


def test_checker_names_each_broken_rule():
    problem = random_problem(0, echelons=2)
    good = good_decision(problem)
    first, *others = good.routes

    def told(decision, of=problem):
        return " / ".join(faults(of, decision))

    assert told(good) == ""
    assert "visited 0 times" in told(replace(good, routes=tuple(others)))
    twice = LocationRoute(first.depot, (*first.customers, first.customers[0]))
    assert "visited 2 times" in told(replace(good, routes=(twice, *others)))
    everything = LocationRoute(first.depot, tuple(range(problem.customer_count)))
    assert "above 14.0" in told(replace(good, routes=(everything,)))
    assert "depot" in told(good, replace(problem, capacity=np.ones(3)))
    assert "routes above 1" in told(good, replace(problem, routes_most=1))
    assert "without customers" in told(replace(good, routes=(*good.routes, LocationRoute(0, ()))))
    assert "no depot 9" in told(replace(good, routes=(LocationRoute(9, (0,)),)))
    assert "supplied 0" in told(replace(good, tours=()))
    small = replace(problem, first=replace(problem.first, truck_capacity=1.0))
    assert "above 1.0" in told(good, small)
    tour = good.tours[0]
    halves = tuple(TruckTour(tour.platform, tuple((s, q / 2.0) for s, q in tour.stops)) for _ in range(2))
    assert "split" in told(replace(good, tours=(*halves, *good.tours[1:])))
    poor = replace(problem, first=replace(problem.first, capacity=np.ones(2)))
    assert "platform" in told(good, poor)
    slow = replace(problem, minutes=np.full_like(problem.cost, 50.0), longest_min=60.0)
    assert "minutes above" in told(good, slow)


def test_route_times_are_kept():
    problem = random_problem(2, n=6)
    alone = (problem.cost[:3, 3:] + problem.cost[3:, :3].T).min(axis=0).max()
    timed = replace(problem, minutes=problem.cost, longest_min=float(alone) * 1.05, capacity=np.full(3, np.inf))
    found = solve_location_routing(timed, FEW)
    assert faults(timed, found.decision) == ()
    assert len(found.decision.routes) >= len(good_decision(replace(timed, minutes=None)).routes)


def test_bad_problems_are_named_before_solving():
    problem = random_problem(0)
    nan = problem.demand.copy()
    nan[1] = np.nan
    assert next(p.key for p in checks.problems(replace(problem, demand=nan))) == "location_routing_number"
    hole = problem.cost.copy()
    hole[0, 4] = np.inf
    cases = {
        "location_routing_shape": replace(problem, cost=problem.cost[:-1]),
        "location_routing_arc": replace(problem, cost=hole),
        "location_routing_too_heavy": replace(problem, vehicle_capacity=1.0),
        "location_routing_no_room": replace(problem, capacity=np.ones(3)),
        "location_routing_few_vehicles": replace(problem, routes_most=1),
        "location_routing_too_far": replace(problem, minutes=problem.cost, longest_min=0.5),
        "location_routing_empty": replace(problem, demand=np.zeros(0), cost=np.zeros((3, 3))),
    }
    for code, broken in cases.items():
        assert code in [p.key for p in checks.problems(broken)], code
    assert checks.problems(problem) == ()


def test_all_routes_cost_what_brute_force_says():
    problem = random_problem(1)
    routes = all_routes(problem)
    m = problem.depot_count
    for route in routes:
        nodes = [route.depot, *(m + i for i in route.customers), route.depot]
        cost = sum(problem.cost[a, b] for a, b in pairwise(nodes))
        assert cost == pytest.approx(cheapest_loop(problem.cost, route.depot, [m + i for i in route.customers]))
    sets = {(r.depot, frozenset(r.customers)) for r in routes}
    assert len(sets) == len(routes)
    assert all(problem.demand[list(s)].sum() <= 14.0 for _, s in sets)


def test_kernel_twins_agree_with_plain_python():
    problem = random_problem(4, echelons=2)
    decision = good_decision(problem)
    tours, net = tours_from(problem, decision.routes), network_of(problem)
    supply = supply_of(problem, Choice((0, 1, 2), (0, 1)))
    compiled = part_alone(kernels.whole_cost)(net, supply, tours)
    plain = kernels_supply.supply_cost.py_func(supply, tours.used, tours.trips)
    loads = {d: float(v) for d, v in enumerate(tours.used) if v > 0}
    assert plain == pytest.approx(part_alone(kernels_supply.supply_cost)(supply, tours.used, tours.trips))
    both_open = replace(problem.first, opening=np.zeros(2))
    assert plain == pytest.approx(brute_supply(both_open, loads) + problem.first.opening.sum())
    routes = sum(kernels_tours.route_figures.py_func(net, tours, r)[0] for r in range(len(decision.routes)))
    assert compiled == pytest.approx(routes + problem.opening[list(decision.open_depots)].sum() + plain)


def test_choice_among_routes_finds_the_best_of_two_bad_answers():
    problem = random_problem(6, n=6)
    routes = all_routes(problem)
    answer = Partition(problem, routes, (), 1e9, is_complete=True).solve(EngineLimits(0.0, 1000, 30.0, 1))
    assert answer.cost == pytest.approx(brute_force(problem))
    assert answer.bound == pytest.approx(answer.cost)


@pytest.mark.data
def test_published_optimum_of_a_prodhon_instance():
    path = DATA / "06_lrp" / "prins" / "instances" / "coord20-5-1.dat"
    if not path.exists():
        pytest.skip("public instances are not here")
    words = iter(float(word) for word in path.read_text(encoding="utf-8").split())
    n, m = int(next(words)), int(next(words))
    points = np.array([next(words) for _ in range(2 * (n + m))]).reshape(-1, 2)
    capacity = next(words)
    room, demand, opening = (np.array([next(words) for _ in range(k)]) for k in (m, n, m))
    cost = np.ceil(100.0 * euclid(points, points) - 1e-9)
    problem = LocationRoutingProblem(cost, demand, opening, room, capacity, np.zeros(m), route_fixed=next(words))
    found = solve_location_routing(problem, LocationRoutingLimits(iterations=40_000, bound_iterations=0))
    assert decision_cost(problem, found.decision) == 54793.0
