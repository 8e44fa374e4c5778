"""Parcels on buses: two lines by hand, every choice enumerated, each rule broken once, no saving without the delay."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.messages import LANGS
from networks.timetable import BusRun, Call
from planner.problems.buses import (
    BusDecision,
    BusLoad,
    BusOrigin,
    BusPoint,
    BusRules,
    BusSaving,
    BusSide,
    PassengerDelay,
    SavingWithoutDelayError,
    passenger_delay,
)
from planner.problems.standard import RoutingSettings
from planner.routing.buses.rides import possible_rides
from planner.routing.buses.solve import BusLimits, BusPlan, solve_buses
from planner.routing.buses.trucks import TruckDepot
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundVehicle
from planner.verification.buses import check_buses

PARCEL = ParcelFigures(1.0, 1.0, 0.01, 0.0, 0.0)
FREE = BusRules(
    line_cny_per_day=5.0, bag_cny=0.0, passenger_cny_per_h=0.0, waiting_cny_per_parcel_h=0.0, passengers=12.0
)
EXACT = BusLimits(relative_gap=1e-9)


def run(run_id: str, line: str, calls: Sequence[tuple[str, float]], room: float, **more: object) -> BusRun:
    visits = tuple(Call(stop, at, at) for stop, at in calls)
    days = more.pop("days", frozenset(range(1, 8)))
    return BusRun(run_id, line, "outbound", days, visits, (room,) * (len(visits) - 1), **more)  # type: ignore[arg-type]


def truck(
    places: dict[str, complex], parcels: dict[str, tuple[float, float]], *, range_km: float = math.inf
) -> TruckDepot:
    """A depot at 0 whose van costs 1 CNY a km on straight lines and carries everything."""
    at = np.array([0.0, *(places[p] for p in parcels)])
    metres = np.abs(at[:, None] - at[None, :]) * 1000.0
    van = RoundVehicle("van", 1.0, 0.0, 1e6, 1e6, 1e6, range_km)
    stops = tuple(PARCEL.stop(p, *load) for p, load in parcels.items())
    round_ = RoundProblem("township_village", "C", stops, (van,), (metres / 500.0,), (metres,), 0.0, 7)
    return TruckDepot(round_, PARCEL, RoutingSettings(), {p: frozenset({"C"}) for p in parcels})


def two_lines(room: float) -> tuple[BusSide, TruckDepot]:
    """Line 1 passes A (10 km) and B (20 km, same road) and goes on; line 2 ends at D (10 km, another road)."""
    places = {"A": 10.0 + 0j, "B": 20.0 + 0j, "D": -10.0 + 0j}
    points = tuple(BusPoint(p, 10.0, 0.0, frozenset({p})) for p in places)
    runs = (
        run("1 08:30", "L1", [("C", 510), ("A", 530), ("B", 550), ("E", 570)], room),
        run("2 09:00", "L2", [("C", 540), ("D", 560)], 10.0),
    )
    origin = BusOrigin("C", frozenset({"C"}), 480.0, frozenset(places))
    return BusSide(runs, points, (origin,), FREE), truck(places, dict.fromkeys(places, (10.0, 0.0)))


def test_two_lines_by_hand() -> None:
    """Trucks only: 40 + 20 km. Room for one village on line 1: B rides (20 km saved), A alone would save nothing; D rides."""
    side, depot = two_lines(room=15.0)
    plan = solve_buses(side, [depot], limits=EXACT)
    assert plan.trucks_only_cny_per_day == pytest.approx(60.0)
    assert dict(plan.decision.origin_of_point) == {"B": "C", "D": "C"}
    assert plan.cny_per_day == pytest.approx(60.0 - 20.0 - 20.0 + 2 * 5.0)
    assert plan.report.status == "optimal"
    # One bag each: 20 + 10 s at B for 12 people; D is the last stop and holds nobody up.
    assert plan.delay.minutes_of_run == pytest.approx({"1 08:30": 0.5, "2 09:00": 0.0})
    assert plan.saving.cny_per_day == pytest.approx(30.0)
    assert plan.saving.delay.passenger_min == pytest.approx(6.0)
    assert check_buses(side, plan.decision) == ()


def test_room_for_both_takes_the_whole_road() -> None:
    side, depot = two_lines(room=20.0)
    plan = solve_buses(side, [depot], limits=EXACT)
    assert set(plan.decision.origin_of_point) == {"A", "B", "D"}
    assert plan.cny_per_day == pytest.approx(10.0)


def test_dear_passengers_keep_parcels_on_the_truck() -> None:
    """Half a minute of 12 people at B costs 0.1 h x price; above 150 CNY/h it eats the 15 CNY B saves."""
    side, depot = two_lines(room=15.0)
    for price, rides in ((140.0, {"B", "D"}), (160.0, {"D"})):
        rules = replace(FREE, passenger_cny_per_h=price)
        plan = solve_buses(replace(side, rules=rules), [depot], limits=EXACT)
        assert set(plan.decision.origin_of_point) == rides


def test_no_saving_without_the_passengers_delay() -> None:
    side, depot = two_lines(room=15.0)
    plan = solve_buses(replace(side, rules=replace(FREE, passengers=None)), [depot], limits=EXACT)
    assert plan.delay.worst_min == pytest.approx(0.5)
    with pytest.raises(SavingWithoutDelayError):
        _ = plan.saving
    for delay in (None, PassengerDelay({}, None), PassengerDelay({}, math.nan)):
        with pytest.raises(SavingWithoutDelayError):
            BusSaving(10.0, delay)  # type: ignore[arg-type]


def test_passengers_first_nothing_rides_when_the_luggage_fills_the_bus() -> None:
    side, depot = two_lines(room=15.0)
    full = replace(side.runs[0], spare_parcels=(15.0, 0.0, 15.0))
    plan = solve_buses(replace(side, runs=(full, side.runs[1])), [depot], limits=EXACT)
    assert set(plan.decision.origin_of_point) == {"D"}


def test_runs_that_carry_nothing_say_why() -> None:
    side, _ = two_lines(room=15.0)
    week = frozenset({1, 2, 3, 4, 5})
    runs = (
        run("weekend", "L1", [("C", 510), ("A", 530)], 9.0, days=frozenset({6, 7})),
        run("full", "L1", [("C", 510), ("A", 530)], 0.0),
        run("elsewhere", "L1", [("X", 510), ("A", 530)], 9.0),
        run("night", "L1", [("C", 1430), ("A", 1450)], 9.0),
        run("early", "L1", [("C", 470), ("A", 490)], 9.0),
    )
    rules = replace(FREE, weekdays=week, hours_most=12.0)
    _, reasons = possible_rides(replace(side, runs=runs, rules=rules))
    keys = {name: message.key for name, message in reasons.items()}
    assert keys == {
        "weekend": "bus_reason_days",
        "full": "bus_reason_no_room",
        "elsewhere": "bus_reason_no_stop",
        "night": "bus_reason_hours",
        "early": "bus_reason_hours",
    }
    assert reasons["weekend"].params["missing"] == "12345"
    assert reasons["early"].params["hours"] == pytest.approx(
        24.2
    )  # the bus at 07:50 takes what was ready at 08:00 a day before
    assert all(message.text(lang) for message in reasons.values() for lang in LANGS)


GOOD = BusLoad("1 08:30", "B", "C", "delivery", 0, 2, 10.0, 1)
BROKEN: dict[str, tuple[BusLoad, BusRules]] = {
    "check_bus_parcels": (replace(GOOD, parcels=0.0), FREE),
    "check_bus_bags": (replace(GOOD, bags=0), FREE),
    "check_bus_origin": (replace(GOOD, origin_id="S"), FREE),
    "check_bus_balance_delivery": (replace(GOOD, parcels=9.0), FREE),
    "check_bus_run": (replace(GOOD, run_id="3 10:00"), FREE),
    "check_bus_day": (GOOD, replace(FREE, weekdays=frozenset({6}))),
    "check_bus_calls": (replace(GOOD, board=2), FREE),
    "check_bus_stop": (replace(GOOD, alight=3), FREE),
    "check_bus_night": (GOOD, replace(FREE, open_min=520.0)),
    "check_bus_hours": (GOOD, replace(FREE, hours_most=1.0)),
    "check_bus_room": (GOOD, FREE),
    "check_bus_dwell": (GOOD, replace(FREE, dwell_max_min=0.4)),
    "check_bus_delay": (GOOD, replace(FREE, delay_max_min=0.4)),
}


@pytest.mark.parametrize("key", list(BROKEN))
def test_checker_names_each_broken_rule(key: str) -> None:
    load, rules = BROKEN[key]
    side, _ = two_lines(room=9.0 if key == "check_bus_room" else 15.0)
    runs = tuple(replace(r, days=frozenset({1, 2, 3, 4, 5})) if key == "check_bus_day" else r for r in side.runs)
    side = replace(side, rules=rules, runs=runs)
    found = check_buses(side, BusDecision((load,), {"B": "C"}))
    assert key in {message.key for message in found}
    assert all(message.text(lang) for message in found for lang in LANGS)
    if key not in ("check_bus_room", "check_bus_day"):
        assert check_buses(two_lines(15.0)[0], BusDecision((GOOD,), {"B": "C"})) == ()


def test_checker_sees_a_stop_where_the_bus_does_not_unload() -> None:
    side, _ = two_lines(room=15.0)
    calls = tuple(replace(c, can_unload=c.stop_id != "B") for c in side.runs[0].calls)
    side = replace(side, runs=(replace(side.runs[0], calls=calls), side.runs[1]))
    found = check_buses(side, BusDecision((GOOD,), {"B": "C"}))
    assert {message.key for message in found} == {"check_bus_no_service"}
    assert possible_rides(side)[0] == tuple(r for r in possible_rides(side)[0] if r.point != 1)


def test_pickups_ride_back_and_wait_for_no_other_bus() -> None:
    """Line out 08:30, back 09:30: the pick-up of B rides back; without the bus back B stays with the truck."""
    side, _ = two_lines(room=15.0)
    back = run("1 09:30", "L1", [("E", 570), ("B", 590), ("A", 610), ("C", 630)], 15.0)
    points = tuple(replace(p, pickup_parcels=4.0) for p in side.points)
    depot = truck({"A": 10.0, "B": 20.0, "D": -10.0}, dict.fromkeys(("A", "B", "D"), (10.0, 4.0)))
    for runs, rides in (((*side.runs, back), {"B"}), (side.runs, set())):
        own = replace(side, runs=runs, points=points)
        plan = solve_buses(own, [depot], limits=EXACT)
        assert set(plan.decision.origin_of_point) == rides
        assert check_buses(own, plan.decision) == ()


def best_by_enumeration(side: BusSide, depot: TruckDepot) -> float:
    """Try every set of riding points; each point takes one run whole (bags are larger than any load)."""
    names = [point.point_id for point in side.points]
    best = math.inf
    for picks in itertools.product([None, *range(len(side.runs))], repeat=len(names)):
        loads, known = [], True
        for point, r in zip(side.points, picks, strict=True):
            if r is None:
                continue
            stops = [c.stop_id for c in side.runs[r].calls]
            if point.point_id not in stops:
                known = False
                break
            call = stops.index(point.point_id)
            loads.append(
                BusLoad(side.runs[r].run_id, point.point_id, "C", "delivery", 0, call, point.delivery_parcels, 1)
            )
        decision = BusDecision(tuple(loads), {load.point_id: "C" for load in loads})
        if not known or check_buses(side, decision):
            continue
        lines = {side.runs[r].line_id for r in picks if r is not None}
        delay = passenger_delay(side, decision).passenger_min or 0.0
        cost = depot.cost(frozenset(load.point_id for load in loads)).objective
        cost += side.rules.line_cny_per_day * len(lines) + delay / 60.0 * side.rules.passenger_cny_per_h
        best = min(best, cost)
    return best


@given(seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_joint_optimum_equals_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = {f"P{i}": complex(*rng.uniform(-20, 20, 2)) for i in range(5)}
    loads = {p: float(rng.integers(2, 9)) for p in places}
    runs = []
    for r in range(3):
        calls = [*rng.choice(list(places), 3, replace=False)]
        visits = [("C", 500.0 + r), *((str(p), 520.0 + 10 * k + r) for k, p in enumerate(calls)), ("E", 600.0 + r)]
        runs.append(run(f"r{r}", f"L{r % 2}", visits, float(rng.integers(5, 16))))
    points = tuple(BusPoint(p, loads[p], 0.0, frozenset({p})) for p in places)
    rules = replace(FREE, passenger_cny_per_h=60.0, line_cny_per_day=4.0)
    # A load is never divided here, so that the enumeration is complete: bags hold any load, a second ride only costs more.
    side = BusSide(tuple(runs), points, (BusOrigin("C", frozenset({"C"}), 480.0, frozenset(places)),), rules)
    depot = truck(places, {p: (loads[p], 0.0) for p in places})
    plan: BusPlan = solve_buses(side, [depot], limits=EXACT)
    assert check_buses(side, plan.decision) == ()
    assert plan.report.status == "optimal"
    whole = best_by_enumeration(side, depot)
    value = plan.report.objective
    assert value is not None
    if all(len([x for x in plan.decision.loads if x.point_id == p]) <= 1 for p in places):
        assert value == pytest.approx(whole, abs=1e-4)
    else:
        assert value <= whole + 1e-4


def test_ranges_that_break_the_triangle_rule_keep_the_bound_valid() -> None:
    side, depot = two_lines(room=15.0)
    bent = depot.problem.metres[0].copy()
    bent[1, 2] += 30_000.0  # the straight way A → B is longer in km than past any other stop
    round_ = replace(
        depot.problem,
        metres=(bent,),
        vehicles=(replace(depot.problem.vehicles[0], range_km=90.0, cny_per_km=0.0, cny_per_h=60.0),),
    )
    other = TruckDepot(round_, PARCEL, RoutingSettings(), depot.relievers)
    assert other.is_monotone
    plan = solve_buses(side, [other], limits=EXACT)
    assert plan.report.bound is not None
    assert plan.report.bound <= (plan.report.objective or 0.0) + 1e-9
