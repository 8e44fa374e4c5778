"""The clock: a solve ends when its time is over, whatever it was doing; and no answer depends on threads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.clock import Alarm, left_of, never
from planner.siting.milp_decide import allocated_distances, worst_share_mean
from planner.siting.models import p_median
from planner.siting.p_median import interchange
from planner.siting.p_median import problem as median_problem
from planner.siting.p_median.engine import MedianAnswer
from planner.siting.p_median.lists import lists_from_matrix
from planner.siting.registry import solve_model
from planner.siting.selection import SolveLimits


def _plane(n, m, seed=5):
    rng = np.random.default_rng(seed)
    people, places = rng.integers(0, 10_000, (n, 2)), rng.integers(0, 10_000, (m, 2))
    return np.floor(np.hypot(*(people[:, None] - places[None]).transpose(2, 0, 1)))


def test_an_alarm_rings_once_its_time_is_over():
    with Alarm(0.02) as alarm:
        assert alarm.rung[0] == 0
        time.sleep(0.2)
        assert alarm.rung[0] == 1
    with Alarm(0.05) as stopped:
        pass
    time.sleep(0.15)
    assert stopped.rung[0] == 0
    with Alarm(0.0) as late:
        assert late.rung[0] == 1
    with Alarm(np.inf) as endless:
        assert endless.rung[0] == 0


def test_what_is_left_is_told_in_limits():
    limits = SolveLimits(time_limit_s=50.0, node_limit=7)
    left = left_of(limits, time.monotonic() + 3.0)
    assert 2.5 < left.time_limit_s <= 3.0
    assert left.node_limit == 7
    assert left_of(limits, time.monotonic() - 5.0).time_limit_s == 0.01


def test_a_rung_alarm_stops_the_interchange_with_p_sites_open():
    lists = lists_from_matrix(_plane(40, 20))
    is_open, far = np.zeros(20, np.bool_), np.full(40, 1e6)
    is_open[:3] = True
    rung = never()
    rung[0] = 1
    prices = (far, np.zeros(20))
    assert interchange.interchange(lists.rows, lists.columns, prices, np.zeros(20, np.int8), is_open, 0, rung) == 0
    assert np.flatnonzero(is_open).tolist() == [0, 1, 2]
    assert interchange.interchange(lists.rows, lists.columns, prices, np.zeros(20, np.int8), is_open, 0, never()) > 0


@pytest.mark.parametrize("model", ["p_median", "uncapacitated", "p_center", "capacitated_p_median"])
def test_the_time_limit_holds(model):
    n = 300 if model == "capacitated_p_median" else 900
    metres = _plane(n, n) + np.random.default_rng(2).random((n, n))
    fields = {"capacity": np.full(n, 22.0)} if model == "capacitated_p_median" else {}
    if model == "uncapacitated":
        fields = {"fixed_cost": np.full(n, 40_000.0)}
    p = {"uncapacitated": None, "capacitated_p_median": 15}.get(model, 12)
    problem = make_problem(np.ones(n), distances_from_matrix(metres), p=p, **fields)
    small = make_problem(
        np.ones(30),
        distances_from_matrix(metres[:30, :30]),
        p=p and 3,
        **{name: values[:30] for name, values in fields.items()},
    )
    solve_model(model, small)  # compiles
    began = time.monotonic()
    found = solve_model(model, problem, limits=SolveLimits(time_limit_s=0.4))
    # Reading the input and writing the answer down are on top; another process may hold the machine.
    assert time.monotonic() - began < 4.0
    assert found.report.limits["time_limit_s"] == 0.4
    if found.report.status == "optimal":
        assert found.report.gap <= 1e-6


def test_the_milp_gets_only_the_time_left(monkeypatch):
    given = []

    def slow(_instance, limits, **_told):
        time.sleep(0.3)
        given.append(limits.seconds)
        return MedianAnswer((), np.inf, 0.0, 0, "time")

    def milp(_model, _problem, _options, *, limits, listener):
        given.append(limits.time_limit_s)
        return listener

    monkeypatch.setattr(median_problem, "solve_median", slow)
    monkeypatch.setattr(median_problem, "solve_milp", milp)
    p_median.solve(
        make_problem(np.ones(4), distances_from_matrix(_plane(4, 4)), p=2), limits=SolveLimits(time_limit_s=2.0)
    )
    assert 0 < given[1] <= given[0] - 0.29


_ASK = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.registry import solve_model
rng = np.random.default_rng(4)
places = rng.integers(0, 10_000, (40, 2))
metres = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
weight = rng.integers(1, 50, 40).astype(float)
room = np.full(40, weight.sum() / 3)
for model, options in (("p_median", {}), ("p_center", {}), ("max_coverage", {"radius": 1500.0}), ("capacitated_p_median", {})):
    problem = make_problem(weight, distances_from_matrix(metres), p=4)
    if model == "capacitated_p_median":
        problem = make_problem(weight, distances_from_matrix(metres), p=4, capacity=room)
    for engine in ("fast", "milp"):
        found = solve_model(model, problem, engine=engine, **options)
        print(model, engine, found.open_sites, repr(found.report.objective), repr(found.report.bound), sorted(found.allocation.items()))
"""


def test_the_answer_does_not_depend_on_the_number_of_threads():
    root = str(Path(__file__).parents[2])
    answers = []
    for count in ("1", "2", "4"):
        threads = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count)
        done = subprocess.run(
            [sys.executable, "-c", _ASK, root],
            env={**os.environ, **threads},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(done.stdout)
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].count("\n") == 8


def test_worst_share_mean_without_weight_is_zero():
    distances = np.array([3.0, 1.0, 2.0])
    assert worst_share_mean(distances, np.zeros(3), 0.1) == 0.0
    assert worst_share_mean(distances, np.ones(3), 0.5) == pytest.approx((3.0 + 0.5 * 2.0) / 1.5)
    found = solve_model("p_median", make_problem(np.zeros(5), distances_from_matrix(_plane(5, 5)), p=2))
    assert (found.report.status, found.figures["worst_tenth_distance"]) == ("optimal", 0.0)


def test_distances_along_an_allocation_are_looked_up_in_any_order_of_columns():
    metres = _plane(6, 5)
    metres[2, 3] = np.inf
    problem = make_problem(np.ones(6), distances_from_matrix(metres), p=2)
    allocation = {0: ((1, 0.25), (4, 0.75)), 2: ((3, 1.0),), 5: ((0, 1.0),)}
    expected = [0.25 * metres[0, 1] + 0.75 * metres[0, 4], np.inf, np.inf, np.inf, np.inf, metres[5, 0]]
    assert allocated_distances(problem, allocation).tolist() == pytest.approx(expected)
    rows = problem.distance
    for i in range(6):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        rows.indices[part], rows.data[part] = rows.indices[part][::-1].copy(), rows.data[part][::-1].copy()
    rows.has_sorted_indices = False
    assert allocated_distances(problem, allocation).tolist() == pytest.approx(expected)
