"""Rounds of whole plans: the tiny county by hand, conservation, scarce vehicles, drops, timetable, determinism."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.messages import text
from networks.matrix import TravelMatrix
from planner.plan import Plan, PlanProblem
from planner.reports import SolveReport
from planner.routing.rounds import solve_rounds, vehicles_needed
from planner.routing.schedule import route_timetable
from planner.siting.result import SitingResult
from planner.verify import recompute_costs

SPEC = importlib.util.spec_from_file_location("tiny_county", Path(__file__).parents[1] / "tiny" / "tiny_county.py")
tiny = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tiny)

SITING = SitingResult(
    open_ids=tiny.OPEN,
    closed_ids=(),
    point_of_village=tiny.ALLOCATION,
    station_of_point={"P1": "S1", "P3": "S1", "P4": "S2", "P5": "S2"},
    centre_of_station={"S1": "C1", "S2": "C1"},
    unserved=(),
    report=SolveReport("feasible", 412.0, None, "by hand"),
)


def plan_problem(*, cut: tuple[str, ...] = (), visits: int = 7, **vehicle_changes) -> PlanProblem:
    """The tiny county at 40 km/h; `cut` places have no road; `vehicle_changes` set columns of both types."""
    county = tiny.tiny_county()
    places = tuple(tiny.KM)
    at = np.array([float(tiny.KM[p]) for p in places])
    metres = np.abs(at[:, None] - at[None, :]) * 1000.0
    for place in cut:
        i = places.index(place)
        metres[i, :] = metres[:, i] = math.inf
        metres[i, i] = 0.0
    vehicles = county.vehicles.copy()
    for column, values in vehicle_changes.items():
        vehicles[column] = values
    travel = {
        str(kind): TravelMatrix(places, places, metres / 1000.0 * 1.5, metres.copy(), str(kind), "straight line", 1.0)
        for kind in vehicles["vehicle_type_id"]
    }
    standard = dataclasses.replace(tiny.STANDARD, visits_per_week=visits)
    return PlanProblem(county.replace(vehicles=vehicles), travel, standard, tiny.SITING, tiny.ROUTING)


def carried(result, tier: str) -> dict[str, tuple[float, float]]:
    loads: dict[str, tuple[float, float]] = {}
    for route in result.routes:
        if route.tier == tier:
            for stop in route.stops:
                d, p = loads.get(stop.facility_id, (0.0, 0.0))
                loads[stop.facility_id] = (d + stop.delivery_parcels, p + stop.pickup_parcels)
    return loads


class TestTiny:
    def test_rounds_by_hand(self):
        result = solve_rounds(plan_problem(), SITING)
        assert [(r.route_id, r.vehicle_type_id, {s.facility_id for s in r.stops}) for r in result.routes] == [
            ("1-C1-001", TRUCK, {"S1", "S2"}),
            ("2-S1-001", VAN, {"P1", "P3"}),
            ("2-S2-001", VAN, {"P4", "P5"}),
        ]
        assert result.reports["C1"].objective == pytest.approx(133.0)
        assert result.reports["S1"].objective == pytest.approx(30.0)
        assert result.reports["S2"].objective == pytest.approx(26.5)
        assert result.report.status == "optimal"
        assert result.report.objective == pytest.approx(tiny.TRUNK_CNY_PER_DAY + tiny.ROUNDS_CNY_PER_DAY)
        assert result.report.gap == pytest.approx(0.0)
        assert result.dropped == {}

    def test_rounds_of_some_days_count_by_the_week(self):
        """Three visits a week bring 7/3 of a day's parcels: 50 and 30 become 116.67 and 70, 5.33 and 3.2 minutes more."""
        problem = plan_problem(visits=3)
        told = []
        result = solve_rounds(problem, SITING, listener=told.append)
        s1 = 6 + (43 + 5 * 7 / 3) * 0.5
        s2 = 5 + (40 + 3 * 7 / 3) * 0.5
        assert result.reports["C1"].objective == pytest.approx(133.0)
        assert result.reports["S1"].objective == pytest.approx(s1 * 3 / 7)
        assert result.reports["S2"].bound == pytest.approx(s2 * 3 / 7)
        assert result.report.objective == pytest.approx(133.0 + (s1 + s2) * 3 / 7)
        assert result.report.status == "optimal"
        assert told[-1].objective == pytest.approx(result.report.objective)
        transport = [line for line in recompute_costs(problem, Plan(SITING, result)) if line.item == "transport"]
        assert sum(line.cny_per_day for line in transport) == pytest.approx(result.report.objective)

    def test_loads_and_vehicle_numbers(self):
        result = solve_rounds(plan_problem(), SITING)
        assert carried(result, "county_township") == {
            "S1": pytest.approx((50.0, 12.5)),
            "S2": pytest.approx((30.0, 7.5)),
        }
        assert carried(result, "township_village")["P1"] == pytest.approx((30.0, 7.5))
        vans = sorted(r.vehicle_number for r in result.routes if r.vehicle_type_id == VAN)
        assert vans == [1, 2]
        assert result.vehicles_needed == {TRUCK: 1, VAN: 2}

    def test_visits_a_week_carry_the_days_between(self):
        result = solve_rounds(plan_problem(visits=5), SITING)
        assert carried(result, "township_village")["P1"] == pytest.approx((42.0, 10.5))
        assert carried(result, "county_township")["S1"] == pytest.approx((50.0, 12.5))
        assert {r.days_per_week for r in result.routes if r.tier == "township_village"} == {5}
        assert {r.days_per_week for r in result.routes if r.tier == "county_township"} == {7}

    def test_timetable_by_hand(self):
        """Van S1–P1–P3: leaves at 15 with 50 parcels (100 kg); P1 0 km, 5 + 37.5·4.8 s; P3 after 6 km; back at 48."""
        problem = plan_problem()
        result = solve_rounds(problem, SITING)
        route = next(r for r in result.routes if r.depot_id == "S1")
        rows = route_timetable(problem, route)
        assert rows[0].departure_min == 15.0
        assert rows[0].load_kg == pytest.approx(100.0)
        assert rows[-1].arrival_min == pytest.approx(48.0)
        assert rows[-1].km == pytest.approx(12.0)
        assert rows[-1].load_kg == pytest.approx(25.0)
        assert [row.sequence for row in rows] == [0, 1, 2, 3]
        assert all(b.arrival_min >= a.departure_min for a, b in pairwise(rows))
        assert all(row.departure_min > row.arrival_min for row in rows[:-1])
        first = rows[1]
        assert first.departure_min - first.arrival_min == pytest.approx(
            5.0 + (first.delivery_parcels + first.pickup_parcels) * 0.08
        )
        assert rows[0].load_kg - 2.0 * first.delivery_parcels + 2.0 * first.pickup_parcels == pytest.approx(
            first.load_kg
        )

    def test_same_twice(self):
        assert solve_rounds(plan_problem(), SITING) == solve_rounds(plan_problem(), SITING)

    def test_progress_counts_depots(self):
        events = []
        solve_rounds(plan_problem(), SITING, listener=events.append)
        assert [(e.stage, e.done, e.total) for e in events] == [("routing", done, 3) for done in range(4)]


class TestDrops:
    def test_point_off_the_road(self):
        """P5 is dropped; S2 then gets the parcels of P4 alone."""
        result = solve_rounds(plan_problem(cut=("P5",)), SITING)
        assert result.dropped == {"P5": "reason_off_road_stop"}
        assert carried(result, "county_township")["S2"] == pytest.approx((20.0, 5.0))
        assert "P5" not in carried(result, "township_village")
        assert result.report.status == "feasible"
        assert result.report.note_key == "routing_note_dropped"

    def test_station_off_the_road_takes_its_points_along(self):
        result = solve_rounds(plan_problem(cut=("S2",)), SITING)
        assert result.dropped == {
            "P4": "reason_station_cut_off_stop", "P5": "reason_station_cut_off_stop", "S2": "reason_off_road_stop"
        }  # fmt: skip
        assert {r.depot_id for r in result.routes} == {"C1", "S1"}

    def test_every_reason_has_its_sentence(self):
        result = solve_rounds(plan_problem(cut=("S2",)), SITING)
        for site, key in result.dropped.items():
            assert site in text(key, "en", result.dropped_params[site])
            assert site in text(key, "zh", result.dropped_params[site])


class TestScarceVehicles:
    def test_one_van_for_two_stations(self):
        """S1 has more parcels, so it gets the van; the points of S2 go without."""
        result = solve_rounds(plan_problem(vehicle_count=[1.0, 1.0]), SITING)
        assert result.dropped == {"P4": "reason_no_vehicle_stop", "P5": "reason_no_vehicle_stop"}
        assert result.vehicles_needed[VAN] == 2
        assert vehicles_needed(plan_problem(vehicle_count=[1.0, 1.0]), SITING) == result.vehicles_needed
        assert carried(result, "county_township")["S2"] == (0.0, 0.0)

    def test_no_van_at_all(self):
        counts = [0.0 if kind == VAN else math.nan for kind in tiny.tiny_county().vehicles["vehicle_type_id"]]
        result = solve_rounds(plan_problem(vehicle_count=counts), SITING)
        assert set(result.dropped) == {"P1", "P3", "P4", "P5"}
        assert result.vehicles_needed[VAN] == 2

    def test_another_type_serves_where_the_cheap_one_is_scarce(self):
        """With trucks allowed everywhere, one van is enough: a truck serves the station where it costs less more."""
        tiers = [
            "both" if kind == TRUCK else "township_village" for kind in tiny.tiny_county().vehicles["vehicle_type_id"]
        ]
        counts = [1.0 if kind == VAN else math.nan for kind in tiny.tiny_county().vehicles["vehicle_type_id"]]
        problem = plan_problem(tier=tiers, vehicle_count=counts)
        result = solve_rounds(problem, SITING)
        assert result.dropped == {}
        by_depot = {r.depot_id: r.vehicle_type_id for r in result.routes}
        assert by_depot == {"C1": TRUCK, "S1": VAN, "S2": TRUCK}
        trucks = {(r.depot_id, r.vehicle_number) for r in result.routes if r.vehicle_type_id == TRUCK}
        assert trucks == {("C1", 1), ("S2", 2)}
        assert result.reports["S2"].status == "feasible"
        assert result.reports["S2"].bound == pytest.approx(26.5)


def types() -> tuple[str, str]:
    vehicles = tiny.tiny_county().vehicles
    trunk = vehicles["tier"] == "county_township"
    return str(vehicles.loc[trunk, "vehicle_type_id"].iloc[0]), str(vehicles.loc[~trunk, "vehicle_type_id"].iloc[0])


TRUCK, VAN = types()


def test_random_county_conserves_every_parcel_and_keeps_counts():
    """30 points at 4 stations, some with more than a vehicle takes; every parcel arrives exactly once."""
    rng = np.random.default_rng(5)
    base = plan_problem()
    stations = [f"S{i}" for i in range(4)]
    points = [f"P{i:02d}" for i in range(30)]
    at = rng.uniform(-20.0, 20.0, (35, 2))
    places = ("C1", *stations, *points)
    metres = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1)) * 1300.0
    parcels = rng.integers(0, 400, 30).astype(float)
    demand = pd.DataFrame(
        {
            "village_code": points,
            "operator_id": "o",
            "inbound_parcels_per_day": parcels,
            "outbound_parcels_per_day": np.round(parcels * 0.2, 1),
        }
    )
    siting = SitingResult(
        open_ids=places,
        closed_ids=(),
        point_of_village={p: p for p in points},
        station_of_point={p: stations[i % 4] for i, p in enumerate(points)},
        centre_of_station=dict.fromkeys(stations, "C1"),
        unserved=(),
        report=SITING.report,
    )
    travel = {
        str(kind): TravelMatrix(places, places, metres / 1000.0 * 1.5, metres.copy(), str(kind), "straight line", 1.3)
        for kind in base.county.vehicles["vehicle_type_id"]
    }
    problem = dataclasses.replace(
        base,
        county=base.county.replace(demand=demand),
        travel=travel,
        standard=dataclasses.replace(base.standard, visits_per_week=3),
        routing=dataclasses.replace(base.routing, exact_stops=7, column_stops=0, solution_limit=50, time_limit_s=600.0),
    )
    result = solve_rounds(problem, siting)
    assert result.dropped == {}
    last = carried(result, "township_village")
    for i, point in enumerate(points):
        assert last[point] == pytest.approx((parcels[i] * 7 / 3, round(parcels[i] * 0.2, 1) * 7 / 3))
    trunk = carried(result, "county_township")
    assert sum(d for d, _ in trunk.values()) == pytest.approx(parcels.sum())
    assert result == solve_rounds(problem, siting)
    assert "OR-Tools" in result.report.engine
    assert result.report.bound is not None
    assert result.report.objective == pytest.approx(sum(r.objective for r in result.reports.values()))
    owners = {}
    for route in result.routes:
        owners.setdefault((route.vehicle_type_id, route.vehicle_number), set()).add(route.depot_id)
    assert all(len(depots) == 1 for depots in owners.values())
    for kind, number in result.vehicles_needed.items():
        assert len([key for key in owners if key[0] == kind]) == number
