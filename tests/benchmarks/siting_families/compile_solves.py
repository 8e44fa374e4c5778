"""One small solve of every engine that has compiled kernels; together they use nearly all of them."""

from __future__ import annotations

import numpy as np
from routing_families.rounds import township_round

from planner.problems.siting import distances_from_matrix, make_problem
from planner.routing.rich.exact import solve_exact
from planner.siting.coverage_engine.engine import CoverLimits, maximise
from planner.siting.frontier import coverage_frontier
from planner.siting.p_median.engine import solve_median
from planner.siting.p_median.lists import lists_from_matrix
from planner.siting.p_median.plane import solve_plane
from planner.siting.p_median.views import MedianInstance
from planner.siting.registry import solve_model
from siting_families.frontier import instance
from siting_families.instances import plane_problem
from siting_families.mclp import plane


def p_median() -> None:
    """Solve a p-median from a matrix and one on the plane."""
    points = np.random.default_rng(1).integers(0, 999, (40, 2)).astype(float)
    metres = np.floor(np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)))
    none = np.zeros(40)
    solve_median(MedianInstance(lists_from_matrix(metres), none + 9999.0, none, none.astype(np.int8), 4, 1.0))
    solve_plane(points, points, 4, whole=True)


def max_coverage() -> None:
    """Solve a maximal covering, and a frontier."""
    maximise(plane(400, 12), 12.0, CoverLimits(rounds=2), whole=True)
    coverage_frontier(instance(300, 200, 3000, "uniform"))


def set_coverage() -> None:
    """Solve a set covering with unequal costs."""
    rng = np.random.default_rng(3)
    people, places = rng.integers(0, 10_000, (150, 2)), rng.integers(0, 10_000, (90, 2))
    metres = np.hypot(*(people[:, None] - places[None]).transpose(2, 0, 1))
    fixed = rng.integers(1, 9, 90).astype(float)
    problem = make_problem(np.ones(150), distances_from_matrix(metres), fixed_cost=fixed)
    solve_model("set_coverage", problem, radius=float(metres.min(axis=1).max() + 1.0))


def capacitated() -> None:
    """Solve fixed-charge location with divided and with undivided demand, and a capacitated p-median."""
    rng = np.random.default_rng(3)
    fixed = rng.integers(20_000, 90_000, 15).astype(float)
    problem = plane_problem(rng, 40, 15, capacity=0.2, fixed_cost=fixed)
    solve_model("facility_location", problem)
    solve_model("facility_location", problem, single_source=True)
    solve_model("capacitated_p_median", plane_problem(rng, 40, 15, capacity=0.3, p=5))


def labels() -> None:
    """Solve a round exactly, as the plan of a county does."""
    solve_exact(township_round(8, 8))
