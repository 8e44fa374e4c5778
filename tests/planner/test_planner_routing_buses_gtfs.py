"""Parcels ride on a real rural bus network (read by path): checked, bounded, and told with the passengers' delay."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from geodata.gtfs import read_gtfs
from planner.routing.buses.rides import possible_rides
from planner.routing.buses.solve import solve_buses
from planner.verification.buses import check_buses

ROOT = Path(__file__).parents[2]
FEED = ROOT.parent / "shared" / "data" / "gtfs" / "fresnocounty-ca-us.zip"
pytestmark = [pytest.mark.data, pytest.mark.skipif(not FEED.exists(), reason="the timetable is absent")]


def load() -> Any:
    path = ROOT / "tests" / "benchmarks" / "routing_families" / "bus_cases.py"
    spec = importlib.util.spec_from_file_location("bus_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bus_cases"] = module
    spec.loader.exec_module(module)
    return module


def test_feed_is_read_whole() -> None:
    feed = read_gtfs(FEED)
    assert (len(feed.stops), len(feed.trips), len(feed.lines)) == (109, 40, 7)
    # Two of the 42 trips run on single dates only.
    assert [w.code for w in feed.warnings] == ["gtfs_trip_never"] * 2
    assert set(feed.trips["days"]) <= {"12345", "123456"}
    for _, calls in feed.calls.groupby("trip_id"):
        times = calls[["arrival_min", "departure_min"]].to_numpy().ravel()
        assert (times[1:] >= times[:-1]).all()


def test_rural_lines_carry_parcels() -> None:
    side, depot = load().bus_question(FEED, room=80.0, villages=8)
    rides, reasons = possible_rides(side)
    assert rides
    plan = solve_buses(side, [depot])
    assert check_buses(side, plan.decision) == ()
    assert plan.decision.origin_of_point
    assert plan.report.gap is not None
    assert plan.report.gap <= 0.002
    assert plan.saving.cny_per_day > 0.0
    assert plan.saving.delay.passenger_min is not None
    assert {load.run_id for load in plan.decision.loads}.isdisjoint(reasons)
