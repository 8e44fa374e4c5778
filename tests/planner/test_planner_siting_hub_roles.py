"""Roles and places counted apart; hub plans against enumeration; timetables by hand."""

import itertools
import math

import numpy as np
import pytest

from geodata.errors import InputError
from planner.siting.hub_layout import Corridor, HubProblem, RoleLayout, known_layouts, role_counts
from planner.siting.hub_roles import earliest_arrival, hub_plan_cny, plan_hubs


def test_deyang_has_ten_roles_and_nine_places():
    layout = known_layouts()["deyang_1_2_7"]
    counts = role_counts(layout)
    assert counts.pattern == "1+2+7"
    assert (counts.role_count, counts.place_count) == (10, 9)
    assert counts.overlaps == (("dy_development_zone", ("cooperation", "application")),)
    assert layout.names["dy_development_zone"][0] == "德阳经济技术开发区"
    assert len(layout.hubs) == 3


def test_mianyang_has_twelve_roles_and_twelve_places():
    counts = role_counts(known_layouts()["mianyang_1_3_8"])
    assert counts.pattern == "1+3+8"
    assert (counts.role_count, counts.place_count, counts.overlaps) == (12, 12, ())


def test_a_role_twice_or_unknown_is_refused():
    for roles in ((("a", "core"), ("a", "core")), (("a", "king"),)):
        with pytest.raises(InputError) as error:
            role_counts(RoleLayout("x", roles))
        assert len(error.value.problems) == 1
        assert all(error.value.problems[0].text(lang) for lang in ("en", "zh"))


LAYOUT = RoleLayout(
    "small",
    (
        ("C", "core"),
        ("H", "cooperation"),
        ("H", "application"),
        ("a", "application"),
        ("b", "application"),
        ("G", "gateway"),
    ),
)


def small(**fields):
    given = {
        "corridors": (
            Corridor("CG", "C", "G", 100.0, 1.0),
            Corridor("HG", "H", "G", 100.0, 1.0),
            Corridor("CH", "C", "H", 30.0, 0.5),
        ),
        "access": {("a", "C"): 1.0, ("a", "H"): 5.0, ("b", "H"): 1.0, ("b", "C"): 4.0},
        "flows": {("a", "G"): 10.0, ("b", "G"): 20.0, ("G", "a"): 5.0, ("H", "G"): 8.0},
        **fields,
    }
    return HubProblem(LAYOUT, given["corridors"], given["access"], given["flows"])


def test_plan_by_hand():
    plan = plan_hubs(small())
    # One gateway corridor (100) and the link C–H (30); all 43 units pass the gateway corridor (43). Through H: a's 15 units cross (7.5);
    # access: a 15 · 1, b 20 · 1. With a at H the link is saved (37.5) but access costs 60 more.
    assert plan.report.status == "optimal"
    assert plan.hub_of_place == {"H": "H", "a": "C", "b": "H"}
    assert plan.open_corridors == ("HG", "CH")
    assert plan.report.objective == pytest.approx(100 + 30 + 43 + 7.5 + 15 + 20)
    assert plan.flow["HG", True] == pytest.approx(38.0)
    assert plan.flow["HG", False] == pytest.approx(5.0)


def shortest(problem, corridors):
    """Return least unit costs between nodes over open corridors."""
    cost = {(i, j): 0.0 if i == j else math.inf for i in problem.nodes for j in problem.nodes}
    for c in corridors:
        for pair in ((c.start, c.end), (c.end, c.start)):
            cost[pair] = min(cost[pair], c.cny_per_unit)
    for k, i, j in itertools.product(problem.nodes, repeat=3):
        cost[i, j] = min(cost[i, j], cost[i, k] + cost[k, j])
    return cost


def brute_force(problem):
    best = math.inf
    free = [c for c in problem.corridors if not c.must_run]
    fixed = [c for c in problem.corridors if c.must_run]
    options = [[h for h in problem.layout.hubs if (p, h) in problem.access_cny_per_unit] for p in problem.served]
    for bits in itertools.product((False, True), repeat=len(free)):
        opened = fixed + [c for c, bit in zip(free, bits, strict=True) if bit]
        cost = shortest(problem, opened)
        for hubs in itertools.product(*options):
            hub = dict(zip(problem.served, hubs, strict=True))
            total = sum(c.fixed_cny_per_day for c in opened)
            for (o, d), units in problem.flows.items():
                total += units * cost[hub.get(o, o), hub.get(d, d)] if units else 0.0
                total += units * sum(problem.access_cny_per_unit[p, hub[p]] for p in (o, d) if p in hub)
            best = min(best, total)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_plans_match_enumeration(seed):
    rng = np.random.default_rng(seed)
    roles = [
        ("h0", "core"),
        ("h1", "pilot_first"),
        ("h2", "cooperation"),
        ("h2", "application"),
        ("g0", "gateway"),
        ("g1", "gateway"),
    ]
    roles += [(f"a{k}", "application") for k in range(4)]
    layout = RoleLayout("random", tuple(roles))
    nodes = ["h0", "h1", "h2", "g0", "g1"]
    corridors = tuple(
        Corridor(
            f"{i}-{j}", i, j, float(rng.uniform(5, 80)), float(rng.uniform(0.2, 3.0)), must_run=bool(rng.random() < 0.1)
        )
        for i, j in itertools.combinations(nodes, 2)
        if (i, j) != ("g0", "g1")
    )
    access = {(f"a{k}", h): float(rng.uniform(0.5, 4.0)) for k in range(4) for h in ("h0", "h1", "h2")}
    places = ["h2", "a0", "a1", "a2", "a3", "g0", "g1"]
    flows = {(o, d): float(rng.integers(0, 12)) for o in places for d in places if o != d and rng.random() < 0.5}
    problem = HubProblem(layout, corridors, access, flows)
    plan = plan_hubs(problem)
    assert plan.report.status == "optimal"
    assert plan.report.objective == pytest.approx(brute_force(problem), rel=1e-6)
    assert hub_plan_cny(problem, plan.hub_of_place, plan.open_corridors, plan.flow) == pytest.approx(
        plan.report.objective
    )
    assert plan.hub_of_place["h2"] == "h2"


def test_capacity_forces_a_second_corridor_or_proves_it_impossible():
    corridors = (
        Corridor("CG", "C", "G", 100.0, 1.0, capacity_per_day=30.0),
        Corridor("HG", "H", "G", 100.0, 1.0, capacity_per_day=30.0),
        Corridor("CH", "C", "H", 30.0, 0.5),
    )
    plan = plan_hubs(small(corridors=corridors))
    assert {"CG", "HG"} <= set(plan.open_corridors)
    assert max(plan.flow[c, True] for c in ("CG", "HG")) <= 30.0 + 1e-6
    nothing = plan_hubs(small(corridors=corridors[2:]))
    assert nothing.report.status == "infeasible"
    assert nothing.report.note_key == "hub_note_infeasible"


def test_existing_services_run_in_any_plan():
    corridors = (*small().corridors[:2], Corridor("CH", "C", "H", 30.0, 0.5, must_run=True))
    assert "CH" in plan_hubs(small(corridors=corridors, flows={})).open_corridors


def test_hand_over_follows_the_timetable():
    corridors = (
        Corridor(
            "CH", "C", "H", 1.0, 0.1, minutes=60, departures_min=(480, 960), back_departures_min=(700,), must_run=True
        ),
        Corridor("HG", "H", "G", 1.0, 0.1, minutes=120, departures_min=(545, 1200), must_run=True),
    )
    problem = small(corridors=corridors, flows={("a", "G"): 1.0, ("G", "a"): 1.0})
    plan = plan_hubs(problem)
    assert plan.hub_of_place["a"] == "C"
    # Ready at 7:30, the 8:00 reaches H at 9:00; the 9:05 is caught with 5 minutes of transfer, missed with 6.
    assert earliest_arrival(problem, plan, "a", "G", ready_min=450, transfer_min=5) == 545 + 120
    assert earliest_arrival(problem, plan, "a", "G", ready_min=450, transfer_min=6) == 1200 + 120
    # Ready at 17:00: the next morning's 8:00, 9:05.
    assert earliest_arrival(problem, plan, "a", "G", ready_min=1020) == 1440 + 545 + 120
    # No timetable back from G: the hand-over cannot be shown.
    assert earliest_arrival(problem, plan, "G", "a", ready_min=0) is None
    assert earliest_arrival(problem, plan, "a", "C", ready_min=7) == 7


def test_bad_input_is_refused_with_every_problem():
    bad = HubProblem(
        LAYOUT,
        (Corridor("x", "C", "nowhere", -1.0, 1.0), Corridor("x", "C", "G", 1.0, 1.0)),
        {("a", "C"): 1.0},
        {("a", "mars"): 1.0},
    )
    with pytest.raises(InputError) as error:
        plan_hubs(bad)
    codes = {p.code for p in error.value.problems}
    assert codes == {
        "hub_corridor_end",
        "hub_bad_number",
        "hub_corridor_twice",
        "hub_place_unknown",
        "hub_place_without_access",
    }
    assert all(problem.text(lang) for problem in error.value.problems for lang in ("en", "zh"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_every_bad_figure_is_named_with_its_table_and_column(value):
    corridor = Corridor("x", "C", "G", value, 1.0, capacity_per_day=math.nan)
    problem = HubProblem(LAYOUT, (corridor,), {("a", "G"): value}, {**small().access_cny_per_unit, ("a", "C"): value})
    with pytest.raises(InputError) as error:
        plan_hubs(problem)
    assert [(p.table, p.column) for p in error.value.problems if p.code == "hub_bad_number"] == [
        ("corridors", "fixed_cny_per_day"),
        ("corridors", "capacity_per_day"),
        ("flows", "units_per_day"),
        ("access", "cny_per_unit"),
    ]
    assert all(problem.text(lang) for problem in error.value.problems for lang in ("en", "zh"))
