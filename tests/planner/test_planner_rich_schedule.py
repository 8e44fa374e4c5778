"""Timetables by hand, and against the checker's own method on random days."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loading import load
from planner.problems.routing import (
    Battery,
    BreakRule,
    Charger,
    Permit,
    RoutingDecision,
    RoutingDepot,
    VehicleDay,
)
from planner.routing.rich.schedule import day_cost, day_duty, day_is_feasible, day_times, decision_cost
from planner.verification.routing import cost_of
from planner.verification.routing_times import least_minutes

cases = load("planner/routing_cases.py")
line, stop, van = cases.line, cases.stop, cases.van


def test_leaves_late_to_save_waiting():
    # Stop at km 10 from minute 100, service 5: leave at 90 (loading from 80), back at 115: 35 minutes on duty.
    problem = line(
        [10.0], [stop("A", 1, service_min=5.0, windows=((100.0, 200.0),))], depot=RoutingDepot("D", 0, loading_min=10.0)
    )
    times = day_times(problem, VehicleDay(0, ((0,),)))
    assert (times.start_min, times.trips[0].departure_min, times.end_min) == (80.0, 90.0, 115.0)
    assert times.waiting_min == 0.0
    assert day_cost(problem, VehicleDay(0, ((0,),))) == pytest.approx(20.0 + 35.0)


def test_two_windows_shorten_the_day():
    # A at km 10 in [0, 10] or [300, 310]; B at km 20 from 300 on: the later window of A saves almost all waiting.
    stops = [stop("A", 1, windows=((0.0, 10.0), (300.0, 310.0))), stop("B", 2, windows=((300.0, 400.0),))]
    times = day_times(line([10.0, 20.0], stops), VehicleDay(0, ((0, 1),)))
    assert times.duty_min == pytest.approx(40.0)
    assert times.trips[0].visits[0].begin_min == pytest.approx(300.0)


def test_reload_loads_again_and_counts_once():
    problem = line(
        [10.0, 20.0],
        [stop("A", 1), stop("B", 2)],
        [van(trips_most=2, fixed_cny=7.0)],
        RoutingDepot("D", 0, loading_min=5.0),
    )
    day = VehicleDay(0, ((0,), (1,)))
    assert day_duty(problem, day) == pytest.approx(5 + 20 + 5 + 40)
    assert decision_cost(problem, RoutingDecision((day,))) == pytest.approx(7 + 60 + 70)
    assert day_is_feasible(problem, day)


def test_permit_covers_the_whole_service():
    permits = (Permit("old town", ((100.0, 130.0),)),)
    late = stop("A", 1, zone="old town", service_min=20.0, windows=((105.0, 999.0),))
    problem = line([10.0], [late], [van(permits=permits)])
    assert day_times(problem, VehicleDay(0, ((0,),))).trips[0].visits[0].begin_min == pytest.approx(105.0)
    longer = line([10.0], [stop("A", 1, zone="old town", service_min=31.0)], [van(permits=permits)])
    assert day_times(longer, VehicleDay(0, ((0,),))) is None


def test_rest_fills_the_waiting():
    # 60 out, window from 200, 60 back: without rest 120+ on duty; rest of 30 on arrival while waiting costs nothing.
    rule = BreakRule(after_min=100.0, minutes=30.0)
    problem = line([60.0], [stop("A", 1)], [van(break_rule=rule)])
    times = day_times(problem, VehicleDay(0, ((0,),)))
    assert times.duty_min == pytest.approx(150.0)
    assert len(times.rests) == 1 and times.rests[0].index == 0
    two = [stop("A", 1), stop("B", 2, windows=((200.0, 300.0),))]
    waits = line([10.0, 60.0], [stop("A", 1, windows=((10.0, 20.0),)), two[1]], [van(break_rule=rule)])
    times = day_times(waits, VehicleDay(0, ((0, 1),)))
    assert times.duty_min == pytest.approx(250.0)  # leaves at 10: A at 20, rests till B at 200, back at 260


def test_day_without_room_for_the_rest_has_no_timetable():
    rule = BreakRule(after_min=50.0, minutes=30.0)
    problem = line([60.0], [stop("A", 1)], [van(break_rule=rule)])
    assert day_times(problem, VehicleDay(0, ((0,),))) is None


def test_cold_goods_wait_at_the_depot():
    # Two trips: the second one's goods may be 15 minutes on the way and its stop opens at 200.
    stops = [stop("A", 1, windows=((10.0, 20.0),)), stop("B", 2, windows=((200.0, 300.0),), cold_max_min=15.0)]
    problem = line([10.0, 15.0], stops, [van(trips_most=2)])
    times = day_times(problem, VehicleDay(0, ((0,), (1,))))
    assert times.trips[1].departure_min == pytest.approx(185.0)
    far = line([10.0, 16.0], stops, [van(trips_most=2)])
    assert day_times(far, VehicleDay(0, ((0,), (1,)))) is None
    cooled = line([10.0, 16.0], stops, [van(trips_most=2, is_refrigerated=True)])
    assert day_times(cooled, VehicleDay(0, ((0,), (1,)))) is not None


def test_charging_takes_the_missing_energy():
    # 40 km out and back at 1 kWh/km with 50 kWh: charger at km 40 refills 40 kWh in 80 minutes.
    battery = Battery(kwh=50.0, kwh_per_km=1.0, min_per_kwh=2.0)
    problem = line([40.0, 40.0], [stop("A", 1)], [van(battery=battery)], chargers=(Charger("C", 2),))
    assert not day_is_feasible(problem, VehicleDay(0, ((0,),)))
    assert day_is_feasible(problem, VehicleDay(0, ((0, 1),)))
    assert day_duty(problem, VehicleDay(0, ((0, 1),))) == pytest.approx(160.0)


def test_reload_charges_while_loading():
    battery = Battery(kwh=50.0, kwh_per_km=1.0, min_per_kwh=2.0)
    problem = line(
        [20.0],
        [stop("A", 1), stop("B", 1)],
        [van(battery=battery, trips_most=2)],
        RoutingDepot("D", 0, loading_min=10.0),
    )
    assert day_duty(problem, VehicleDay(0, ((0,), (1,)))) == pytest.approx(10 + 40 + 80 + 40)


WINDOWS = st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True).map(
    lambda edges: tuple((20.0 * a, 20.0 * a + 10.0 + a % 3) for a in sorted(edges))
)


@st.composite
def days(draw, *, with_rests):
    count = draw(st.integers(1, 4))
    positions = [float(draw(st.integers(-40, 40))) for _ in range(count)]
    cold = st.sampled_from([math.inf, math.inf, 30.0, 60.0]) if with_rests else st.just(math.inf)
    stops = [
        stop(
            f"S{i}",
            i + 1,
            delivery=draw(st.sampled_from([0.0, 1.0])),
            pickup=draw(st.sampled_from([0.0, 1.0])),
            service_min=float(draw(st.integers(0, 20))),
            windows=draw(st.one_of(st.just(()), WINDOWS)),
            cold_max_min=draw(cold),
        )
        for i in range(count)
    ]
    rule = BreakRule(float(draw(st.integers(40, 120))), 15.0) if with_rests and draw(st.booleans()) else None
    depot = RoutingDepot("D", 0, opens_min=20.0, closes_min=600.0, loading_min=float(draw(st.integers(0, 10))))
    vehicle = van(
        shift=(0.0, float(draw(st.integers(200, 600)))),
        longest_min=float(draw(st.integers(100, 600))),
        break_rule=rule,
        trips_most=2,
    )
    cut = draw(st.integers(0, count - 1))
    order = tuple(range(count))
    trips = tuple(t for t in (order[:cut], order[cut:]) if t)
    return line(positions, stops, [vehicle], depot), VehicleDay(0, trips)


def agree(problem, day):
    found, checked = day_duty(problem, day), least_minutes(problem, day)
    assert (checked is None) == math.isinf(found)
    if checked is not None:
        assert found == pytest.approx(checked, abs=1e-4)
        times = day_times(problem, day)
        assert times.duty_min == pytest.approx(found)
        assert cost_of(problem, RoutingDecision((day,))) == pytest.approx(day_cost(problem, day), abs=1e-3)
        for trip in times.trips:
            for visit in trip.visits:
                windows = problem.stops[visit.index].windows
                assert not windows or any(a - 1e-4 <= visit.begin_min <= b + 1e-4 for a, b in windows)


@given(days(with_rests=False))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_least_duty_agrees_with_the_checker(case):
    agree(*case)


@given(days(with_rests=True))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_least_duty_with_rests_and_cold_agrees_with_the_checker(case):
    agree(*case)


def test_least_duty_by_trying_every_minute():
    rng = np.random.default_rng(5)
    for _ in range(200):
        positions = [float(p) for p in rng.integers(-20, 20, 3)]
        stops = [
            stop(
                f"S{i}",
                i + 1,
                service_min=float(rng.integers(0, 5)),
                windows=tuple(
                    (float(a), float(a + 6)) for a in sorted(rng.choice(np.arange(0, 200, 10), 3, replace=False))
                ),
            )
            for i in range(3)
        ]
        problem = line(positions, stops)
        legs = [
            abs(positions[0]),
            abs(positions[0] - positions[1]),
            abs(positions[1] - positions[2]),
            abs(positions[2]),
        ]
        best = math.inf
        for start in range(260):
            clock = float(start)
            for i in range(3):
                begins = [max(clock + legs[i], a) for a, b in stops[i].windows if b >= clock + legs[i]]
                clock = min(begins, default=math.inf) + stops[i].service_min
            best = min(best, clock + legs[3] - start)
        assert day_duty(problem, VehicleDay(0, ((0, 1, 2),))) == pytest.approx(best)
