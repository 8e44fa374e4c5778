"""p-dispersion: enumeration with locks and conflicts, proof of a no, status under limits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import UsageError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.models import p_dispersion
from planner.siting.selection import SolveLimits


def problem_of(metres, p, **fields):
    m = metres.shape[0]
    return make_problem(np.ones(m), distances_from_matrix(metres), p=p, site_metres=metres, **fields)


def least(metres, opened):
    return min(min(metres[a, b], metres[b, a]) for a, b in combinations(opened, 2))


@settings(max_examples=100, deadline=None)
@given(m=st.integers(2, 8), p=st.integers(2, 8), seed=st.integers(0, 9999), lock=st.booleans())
def test_equals_enumeration(m, p, seed, lock):
    rng = np.random.default_rng(seed)
    metres = rng.integers(1, 25, (m, m)).astype(float)
    np.fill_diagonal(metres, 0.0)
    locked = np.zeros(m, np.int8)
    if lock:
        locked[rng.integers(0, m)] = 1
    conflict = (0, 1) if seed % 3 == 0 else None
    side = SideConstraints(conflicts=(conflict,) if conflict else ())
    p = min(p, m)
    sets = [s for s in combinations(range(m), p) if set(np.flatnonzero(locked > 0)) <= set(s)]
    sets = [s for s in sets if conflict is None or not set(conflict) <= set(s)]
    found = p_dispersion.solve(problem_of(metres, p, locked=locked, side=side))
    if not sets:
        assert found.report.status == "infeasible"
        return
    best = max(least(metres, s) for s in sets)
    assert (found.report.status, found.report.objective) == ("optimal", -best)
    assert least(metres, found.open_sites) == best
    assert len(found.open_sites) == p


def test_plane_with_a_question_for_the_solver():
    points = np.random.default_rng(2).random((60, 2)) * 1000
    metres = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    full = p_dispersion.solve(problem_of(metres, 9))
    assert full.report.status == "optimal"
    assert least(metres, full.open_sites) == -full.report.objective
    cut = p_dispersion.solve(problem_of(metres, 9), limits=SolveLimits(iteration_limit=0, time_limit_s=0.0))
    assert cut.report.bound <= full.report.objective <= cut.report.objective


def test_other_side_constraints_are_refused():
    metres = np.ones((4, 4))
    with pytest.raises(UsageError):
        p_dispersion.solve(problem_of(metres, 2, side=SideConstraints(requires=((0, 1),))))
