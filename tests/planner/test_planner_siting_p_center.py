"""p-center: enumeration with weights and locks, cut-offs, status under limits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InputError, UsageError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.models import p_center
from planner.siting.selection import SolveLimits


@settings(max_examples=120, deadline=None)
@given(n=st.integers(1, 9), m=st.integers(2, 7), p=st.integers(1, 7), seed=st.integers(0, 9999), weighted=st.booleans())
def test_equals_enumeration(n, m, p, seed, weighted):
    rng = np.random.default_rng(seed)
    metres = rng.integers(1, 30, (n, m)).astype(float)
    metres[rng.random((n, m)) < 0.2] = np.inf
    metres[np.arange(n), rng.integers(0, m, n)] = 7.0
    locked = np.zeros(m, np.int8)
    locked[rng.integers(0, m)] = rng.choice([0, 1, -1])
    p = min(p, int((locked >= 0).sum()))
    weight = rng.integers(1, 4, n).astype(float)
    problem = make_problem(weight, distances_from_matrix(metres), p=p, locked=locked)
    if not np.isfinite(metres[:, locked >= 0]).any(axis=1).all():
        with pytest.raises(InputError):
            p_center.solve(problem, weighted=weighted)
        return
    value = metres * weight[:, None] if weighted else metres
    must = set(np.flatnonzero(locked > 0))
    sets = [s for s in combinations(np.flatnonzero(locked >= 0), p) if must <= set(s)]
    best = min(value[:, list(s)].min(axis=1).max() for s in sets)
    found = p_center.solve(problem, weighted=weighted)
    if not np.isfinite(best):
        assert found.report.status == "infeasible"
        return
    assert (found.report.status, found.report.objective) == ("optimal", best)
    assert value[:, list(found.open_sites)].min(axis=1).max() == best
    serving = {j for parts in found.allocation.values() for j, _ in parts}
    assert set(found.open_sites) == serving | must
    assert len(found.open_sites) <= p
    assert must <= set(found.open_sites)


def test_limits_keep_the_bound_true():
    points = np.random.default_rng(5).integers(0, 1000, (150, 2)).astype(float)
    metres = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    problem = make_problem(np.ones(150), distances_from_matrix(metres), p=7)
    full = p_center.solve(problem)
    assert full.report.status == "optimal"
    for limits in (SolveLimits(node_limit=0), SolveLimits(time_limit_s=0.0), SolveLimits(relative_gap=0.3)):
        cut = p_center.solve(problem, limits=limits)
        if cut.report.objective is not None:
            assert cut.report.bound <= full.report.objective <= cut.report.objective
    assert full == p_center.solve(problem)


def test_side_constraints_are_refused():
    problem = make_problem(
        np.ones(4), distances_from_matrix(np.ones((4, 4))), p=2, side=SideConstraints(conflicts=((0, 1),))
    )
    with pytest.raises(UsageError):
        p_center.solve(problem)


def test_a_site_that_would_serve_nobody_stays_closed():
    metres = np.array([[100.0, 900.0, 950.0], [200.0, 900.0, 950.0]])
    found = p_center.solve(make_problem(np.ones(2), distances_from_matrix(metres), p=2))
    assert (found.open_sites, found.report.status, found.report.objective) == ((0,), "optimal", 200.0)
    locked = p_center.solve(make_problem(np.ones(2), distances_from_matrix(metres), p=2, locked=np.array([0, 0, 1])))
    assert (locked.open_sites, locked.report.objective) == ((0, 2), 200.0)
