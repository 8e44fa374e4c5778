"""Column generation on rounds of the plan: against the enumeration, against OR-Tools, and cut short."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.problems.standard import RoutingSettings
from planner.routing import route_engine
from planner.routing.engine import choose_engine
from planner.routing.exact import ExactEngine
from planner.routing.ortools_engine import OrToolsEngine
from planner.routing.rich.exact import ExactLimits
from planner.routing.rounds_solve import ENGINES
from planner.routing.route_engine import RouteEngine

_SPEC = importlib.util.spec_from_file_location(
    "engine_tests", Path(__file__).parent / "test_planner_routing_engines.py"
)
small = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(small)
random_round, round_of, on_a_line, served, van = (
    small.random_round,
    small.round_of,
    small.on_a_line,
    small.served,
    small.van,
)
SETTINGS = small.SETTINGS


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    stops=st.integers(1, 8),
    share=st.sampled_from([0.0, 0.15, 0.5]),
    kinds=st.integers(1, 3),
)
def test_columns_equal_the_enumeration(seed, stops, share, kinds):
    problem = random_round(seed, stops, share, kinds)
    exact = ExactEngine().solve(problem, SETTINGS)
    found = RouteEngine().solve(problem, SETTINGS)
    assert served(found) == list(range(len(problem.stops)))
    assert all(problem.allows(trip) for trip in found.trips)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(exact.objective, abs=1e-6)


@pytest.mark.parametrize("seed", [11, 12])
def test_columns_are_never_dearer_than_the_search(seed):
    problem = random_round(seed, 18, 0.15, 3)
    found, searched = RouteEngine().solve(problem, SETTINGS), OrToolsEngine().solve(problem, SETTINGS)
    assert found.status == "optimal"
    assert searched.bound <= found.objective <= searched.objective + 1e-6
    assert found == RouteEngine().solve(problem, SETTINGS)


def test_cut_short_it_gives_the_better_plan_and_bound(monkeypatch):
    problem = random_round(13, 14, 0.15, 3)
    best = RouteEngine().solve(problem, SETTINGS)
    searched = OrToolsEngine().solve(problem, SETTINGS)
    monkeypatch.setattr(route_engine, "LIMITS", ExactLimits(labels=3, routes=1, sets=1, nodes=1))
    found = RouteEngine().solve(problem, SETTINGS)
    assert served(found) == list(range(len(problem.stops)))
    assert searched.bound - 1e-6 <= found.bound <= best.objective + 1e-6
    assert best.objective - 1e-6 <= found.objective <= searched.objective + 1e-6


def test_it_stands_between_enumeration_and_search():
    problem = random_round(11, 14, 0.15, 3)
    assert isinstance(choose_engine(ENGINES, problem, RoutingSettings()), RouteEngine)
    assert isinstance(choose_engine(ENGINES, problem, RoutingSettings(column_stops=0)), OrToolsEngine)
    assert isinstance(choose_engine(ENGINES, problem.select((0, 1)), RoutingSettings()), ExactEngine)


def test_what_it_refuses():
    line = round_of([(1, 0)] * 17, on_a_line(*range(1, 18)))
    limited = round_of([(1, 0)] * 3, on_a_line(1, 2, 3), [van(available=1)])
    engine, usual = RouteEngine(), RoutingSettings()
    assert "17 stops on long trips" in engine.refuses(line, usual)
    assert "17 stops are more than 9" in engine.refuses(line, replace(usual, column_stops=9))
    assert "number of vehicles" in engine.refuses(limited, usual)
    assert engine.refuses(line.select(tuple(range(16))), usual) == ""
