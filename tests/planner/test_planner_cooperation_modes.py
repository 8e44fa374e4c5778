"""The mix of modes: brute force on small cases, bounds, the checker, and what sharing may never do."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.cooperation.baseline import (
    calibrated,
    cost_with_lines,
    lines_per_village,
    restricted,
    separate_cny,
    separate_networks,
)
from planner.cooperation.coalition_cost import CoalitionCosts, coalition_cost
from planner.cooperation.modes import Carriage, ModePlan, incremental_cny, part_of, saving_steps, solve_modes
from planner.cooperation.two_waves import with_morning_wave
from planner.problems.cooperation import CooperationProblem
from planner.reports import SolveReport
from planner.siting.selection import SolveLimits
from planner.verification.cooperation import check_cooperation


def _load() -> Any:
    name = "cooperation_cases"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


random_problem = _load().random_problem
PROVED = SolveLimits(relative_gap=0.0)


def brute(problem: CooperationProblem, kinds: tuple[str, ...]) -> float:
    """Return the least checked cost over all ways to give every operator and village one of `kinds` (one wave, same arrival)."""
    items = [
        (o.operator_id, v)
        for i, o in enumerate(problem.operators)
        if o.kind == "courier"
        for k, v in enumerate(problem.village_ids)
        if problem.parcels[i, k] > 0.0
    ]
    town = dict(zip(problem.village_ids, problem.village_township, strict=True))
    probe = solve_modes(problem, limits=PROVED)
    waves = {minute for _, minute in probe.waves} or {600.0}
    assert len(waves) == 1
    leaves = waves.pop()
    best = np.inf
    for kinds_of in itertools.product(kinds, repeat=len(items)):
        carriages = tuple(
            Carriage(o, v, kind, leaves if kind.startswith("joint") else -1.0)
            for (o, v), kind in zip(items, kinds_of, strict=True)
        )
        run = {(problem.township_ids[town[c.village_id]], leaves) for c in carriages if c.leaves_min >= 0.0}
        visits = {(c.village_id, leaves) for c in carriages if c.kind == "joint"}
        report = SolveReport("feasible", 0.0, None, "brute")
        plan = ModePlan(problem, problem.player_ids, carriages, tuple(run), tuple(visits), report)
        check = check_cooperation(plan)
        if all(v.rule == "cost" for v in check.violations):
            best = min(best, check.cny_per_day)
    return best


def same_arrival(problem: CooperationProblem) -> CooperationProblem:
    return replace(problem, operators=tuple(replace(o, arrival_min=420.0) for o in problem.operators))


@pytest.mark.parametrize("seed", range(4))
def test_brute_force_of_one_courier_six_villages_three_modes(seed: int) -> None:
    problem = same_arrival(random_problem(seed, couriers=1, villages=6))
    assert solve_modes(problem, limits=PROVED).cny_per_day == pytest.approx(brute(problem, ("own", "post", "own_post")))


@pytest.mark.parametrize("seed", range(4))
def test_brute_force_of_two_couriers_three_villages_three_modes(seed: int) -> None:
    problem = same_arrival(random_problem(seed, couriers=2, villages=3, townships=1, maximum_waves=1))
    problem = restricted(problem, frozenset({"joint", "post"}))
    found = solve_modes(problem, limits=PROVED)
    assert found.waves, "a case without a joint line would test nothing: choose another seed"
    assert found.cny_per_day == pytest.approx(
        brute(problem, ("own", "joint", "post", "own_post", "joint_post")), abs=1e-6
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.sampled_from(["bus", "shop", "post"])))
def test_every_plan_passes_the_checker_and_its_bound_holds(seed: int, lenders: set[str]) -> None:
    bus, shop, post = (name in lenders for name in ("bus", "shop", "post"))
    problem = random_problem(seed, couriers=3, villages=8, bus=bus, shop=shop, post=post)
    plan = solve_modes(problem, limits=PROVED)
    assert check_cooperation(plan).violations == ()
    assert plan.report.status == "optimal"
    quick = coalition_cost(problem, problem.player_ids, node_limit=0)
    assert quick.bound <= plan.cny_per_day + 1e-6 <= quick.value + 2e-6


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_nobody_pays_more_together_than_apart(seed: int) -> None:
    problem = random_problem(seed, couriers=3, villages=6, bus=True)
    costs = CoalitionCosts(problem, relative_gap=0.0)
    for k in (1, 2, 3):
        for left in itertools.combinations(problem.player_ids, k):
            right = tuple(p for p in problem.player_ids if p not in left)
            assert costs(problem.player_ids).value <= costs(left).value + costs(right).value + 1e-6
    # One operator alone shares nothing: its cost is that of its own network.
    alone = {network.operator_id: network.cny_per_day for network in separate_networks(problem)}
    for name, cost in alone.items():
        assert costs([name]).value == pytest.approx(cost)
    assert costs(["bus"]).value == 0.0


def test_a_village_with_one_operator_saves_nothing_by_sharing() -> None:
    problem = random_problem(3, couriers=1, villages=5, post=False)
    plan = solve_modes(problem, limits=PROVED)
    assert {c.kind for c in plan.carriages} == {"own"}
    assert plan.cny_per_day == pytest.approx(separate_cny(problem))


def test_a_forbidden_mode_is_not_used_and_costs_at_least_as_much() -> None:
    problem = random_problem(5, couriers=3, villages=8, bus=True, shop=True)
    free = solve_modes(problem, limits=PROVED)
    last = free.cny_per_day
    for allowed in (frozenset({"joint", "post", "bus"}), frozenset({"joint"}), frozenset()):
        plan = solve_modes(restricted(problem, allowed), limits=PROVED)
        assert {c.kind for c in plan.carriages} <= {
            "own",
            "joint",
            *(("post", "own_post", "joint_post", "bus") if len(allowed) > 1 else ()),
        }
        assert plan.cny_per_day >= last - 1e-6
        last = plan.cny_per_day
    assert last == pytest.approx(separate_cny(problem))


def test_two_waves_are_used_where_one_breaks_the_promise() -> None:
    problem = random_problem(2, couriers=4, villages=6, townships=1, post=False)
    early, late = problem.operators[0], problem.operators[3]
    operators = (
        replace(early, arrival_min=360.0, deadline_h=8.0), replace(problem.operators[1], arrival_min=360.0, deadline_h=8.0),
        replace(problem.operators[2], arrival_min=840.0, deadline_h=30.0), replace(late, arrival_min=840.0, deadline_h=30.0),
    )  # fmt: skip
    problem = replace(problem, operators=operators)
    two = solve_modes(problem, limits=PROVED)
    one = solve_modes(replace(problem, settings=replace(problem.settings, maximum_waves=1)), limits=PROVED)
    assert len({minute for _, minute in two.waves}) == 2
    assert two.cny_per_day < one.cny_per_day
    for plan in (one, two):
        assert check_cooperation(plan).violations == ()
        assert all(c.hours <= 8.0 for c in plan.carriages if c.operator_id == "c0" and c.kind == "joint")


@pytest.mark.parametrize("seed", range(4))
def test_a_morning_departure_shortens_the_wait_and_is_priced_to_the_cent(seed: int) -> None:
    problem = random_problem(seed, couriers=4, villages=7, townships=2, bus=seed % 2 == 0, maximum_waves=1)
    arrivals = [360.0, 420.0, 480.0, 700.0]
    late = tuple(
        replace(o, arrival_min=arrivals[i]) if o.kind == "courier" else o for i, o in enumerate(problem.operators)
    )
    one = solve_modes(replace(problem, operators=late), limits=PROVED)
    two = with_morning_wave(one)
    if not any(c.kind == "joint" and c.operator_id != "c3" for c in one.carriages):
        assert two is None
        return
    assert two is not None
    assert check_cooperation(two).violations == ()
    way = lambda plan: {(c.operator_id, c.village_id): c.kind for c in plan.carriages}  # noqa: E731
    assert way(two) == way(one)
    wait = lambda plan: sum(c.leaves_min for c in plan.carriages if c.leaves_min >= 0.0)  # noqa: E731
    assert wait(two) < wait(one)
    # Only trips and visits are added: a trip a township with both departures, a visit a village with both.
    town = {v: problem.township_ids[int(t)] for v, t in zip(problem.village_ids, problem.village_township, strict=True)}
    more = sum(float(problem.line_visit_cny[problem.township_ids.index(t)]) for t, _ in two.waves)
    more -= sum(float(problem.line_visit_cny[problem.township_ids.index(t)]) for t, _ in one.waves)
    visit = lambda plan: sum(  # noqa: E731
        float(problem.round_visit_cny[problem.village_ids.index(v)]) for v, _ in plan.visits
    )
    more += (visit(two) - visit(one)) * problem.settings.joint_visits_per_week / 7.0
    assert two.cny_per_day - one.cny_per_day == pytest.approx(more)
    assert {town[v] for v, _ in two.visits} <= {t for t, _ in two.waves}


def test_the_checker_finds_what_is_wrong() -> None:
    problem = random_problem(1, couriers=3, villages=8, bus=True)
    plan = solve_modes(problem, limits=PROVED)
    rules = lambda changed: {v.rule for v in check_cooperation(changed).violations}  # noqa: E731
    assert rules(replace(plan, carriages=plan.carriages[1:])) >= {"nobody_left_out"}
    assert rules(replace(plan, carriages=(*plan.carriages, plan.carriages[0]))) >= {"one_way_each"}
    assert rules(replace(plan, members=("c0", "c1", "c2"))) >= {"outsider"}
    assert rules(replace(plan, report=replace(plan.report, objective=1.0, bound=1.0))) == {"cost"}
    if plan.waves:
        assert "no_wave" in rules(replace(plan, waves=()))
    everything = tuple(replace(c, kind="post", leaves_min=-1.0, bus_call=-1) for c in plan.carriages)
    assert "room" in rules(replace(plan, carriages=everything))
    strict = replace(
        problem, operators=tuple(replace(o, deadline_h=0.1, visits_per_week=7.0) for o in problem.operators)
    )
    assert rules(replace(plan, problem=strict)) >= {"promise", "frequency"}
    banned = restricted(problem, frozenset())
    assert rules(replace(plan, problem=banned)) >= {"not_shared"}


def test_the_waterfall_sums_exactly() -> None:
    problem = random_problem(7, couriers=3, villages=8, bus=True, shop=True)
    reached = problem.reached.copy()
    reached[0, :3] = False
    problem = replace(problem, reached=reached)
    plan = solve_modes(problem, limits=PROVED)
    steps = saving_steps(problem, plan, limits=PROVED)
    assert [s.key for s in steps] == ["today", "reach", "joint", "post", "bus", "shop"]
    assert sum(s.cny_per_day for s in steps) == pytest.approx(plan.cny_per_day, abs=1e-9)
    assert steps[0].cny_per_day == pytest.approx(separate_cny(problem, only_reached=True))
    assert steps[1].cny_per_day >= 0.0
    assert all(s.cny_per_day <= 1e-6 for s in steps[2:])


def test_incremental_costs_are_differences() -> None:
    problem = random_problem(4, couriers=2, villages=5)
    found = incremental_cny(solve_modes(problem, limits=PROVED))
    whole = solve_modes(problem, limits=PROVED).cny_per_day
    for v, name in enumerate(problem.village_ids):
        rest = part_of(problem, [k for k in range(5) if k != v])
        assert found[name] == pytest.approx(whole - solve_modes(rest, limits=PROVED).cny_per_day, rel=1e-3, abs=0.2)


def test_separate_network_by_hand() -> None:
    problem = random_problem(0, couriers=1, villages=2, townships=1, post=False)
    operator, parcels = problem.operators[0], problem.parcels[0]
    (network,) = separate_networks(problem)
    by_hand = {
        "line_haul": problem.line_visit_cny[0] + problem.line_unit_cny[0] * parcels.sum(),
        "outlet": operator.outlet_cny_per_day,
        "rounds": problem.round_visit_cny[parcels > 0].sum() * 5 / 7 + problem.round_unit_cny @ parcels,
        "handling": operator.handling_cny_per_parcel * parcels.sum(),
    }
    assert dict(network.costs) == pytest.approx(by_hand)


def test_calibration_brings_the_cost_into_the_band() -> None:
    problem = random_problem(6, couriers=2, villages=6)
    (first, *_) = separate_networks(problem)
    today = first.cny_per_day / first.parcels
    same, (inside,) = calibrated(problem, {"c0": (today * 0.9, today * 1.1)})
    assert inside.scale == 1.0
    assert separate_cny(same) == pytest.approx(separate_cny(problem))
    for band in ((today * 1.3, today * 1.6), (today * 0.7, today * 0.8)):
        changed, (told,) = calibrated(problem, {"c0": band})
        (now, *_) = separate_networks(changed)
        assert now.cny_per_day / now.parcels == pytest.approx(band[0] if band[0] > today else band[1])
        assert told.modelled_cny == pytest.approx(today)


def test_fewer_lines_a_village_cost_less_and_all_lines_the_same() -> None:
    problem = random_problem(8, couriers=4, villages=6)
    most = float(lines_per_village(problem).max())
    assert cost_with_lines(problem, most) == pytest.approx(separate_cny(problem))
    assert cost_with_lines(problem, 1.0) < cost_with_lines(problem, 2.0) < separate_cny(problem)


def test_the_same_question_has_the_same_answer() -> None:
    problem = random_problem(9, couriers=3, villages=8, bus=True)
    first, again = (coalition_cost(problem, problem.player_ids) for _ in range(2))
    assert first == again
    with pytest.raises(ValueError, match="nobody"):
        coalition_cost(problem, ["nobody"])
