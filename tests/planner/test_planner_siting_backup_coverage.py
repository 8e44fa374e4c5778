"""Backup coverage: brute force, BACOP1 and BACOP2, options, refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InputError
from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.models import backup_coverage
from planner.siting.selection import SolveLimits

#: Villages at 0, 1, 2, 10 km with 10, 20, 30, 40 persons; sites at the same places.
LINE = np.abs(np.array([0.0, 1.0, 2.0, 10.0])[:, None] - np.array([0.0, 1.0, 2.0, 10.0])[None])
PEOPLE = np.array([10.0, 20.0, 30.0, 40.0])


def line(**fields):
    return make_problem(PEOPLE, distances_from_matrix(LINE), **{"p": 2, **fields})


def test_once_or_twice_by_the_share():
    wide = backup_coverage.solve(line(), radius=1.0, first_share=1.0)
    assert wide.open_sites == (1, 3)
    assert wide.report.objective == -100.0
    deep = backup_coverage.solve(line(), radius=1.0, first_share=0.2)
    # Sites at 1 and 2 km: all three near villages once, the last two twice.
    assert deep.open_sites == (1, 2)
    assert deep.report.objective == pytest.approx(-(0.2 * 60 + 0.8 * 50))


def test_everybody_once_first():
    found = backup_coverage.solve(line(p=3), radius=1.0, first_share=0.0, mandatory=True)
    assert found.open_sites == (1, 2, 3)
    assert found.report.objective == -50.0
    assert backup_coverage.solve(line(p=1), radius=1.0, mandatory=True).report.status == "infeasible"
    far = make_problem(PEOPLE, distances_from_matrix(LINE[:, :3]), p=3)
    assert backup_coverage.solve(far, radius=1.0, mandatory=True).report.status == "infeasible"


def test_a_village_without_people_must_be_covered_too():
    nobody = make_problem(np.array([10.0, 20.0, 30.0, 0.0]), distances_from_matrix(LINE), p=2)
    assert backup_coverage.solve(nobody, radius=1.0, mandatory=True).open_sites == (1, 3)


def test_locks_and_own_radii():
    held = line(locked=np.array([1, 0, -1, 0], np.int8))
    assert backup_coverage.solve(held, radius=1.0, first_share=1.0).open_sites == (0, 3)
    own = backup_coverage.solve(line(p=1), radius=1.0, first_share=1.0, site_radius=(1.0, 0.0, 0.0, 0.0))
    assert own.open_sites == (3,)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0]), st.booleans())
def test_equals_enumeration(seed, first_share, mandatory):
    rng = np.random.default_rng(seed)
    metres = np.floor(rng.random((8, 7)) * 100)
    weight = rng.integers(0, 9, 8).astype(float)
    values = []
    for count in range(4):
        for chosen in map(list, itertools.combinations(range(7), count)):
            times = (metres[:, chosen] <= 45).sum(axis=1)
            if not mandatory or (times >= 1).all():
                values.append(weight @ (first_share * (times >= 1) + (1 - first_share) * (times >= 2)))
    problem = make_problem(weight, distances_from_matrix(metres), p=3)
    found = backup_coverage.solve(problem, radius=45.0, first_share=first_share, mandatory=mandatory)
    if not values:
        assert found.report.status == "infeasible"
    else:
        assert found.report.status == "optimal"
        assert -found.report.objective == pytest.approx(max(values), abs=1e-6)


def test_tiny_limits_stay_honest():
    rng = np.random.default_rng(2)
    points = rng.random((80, 2))
    metres = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    problem = make_problem(rng.integers(1, 50, 80).astype(float), distances_from_matrix(metres), p=8)
    sure = backup_coverage.solve(problem, radius=0.15, first_share=0.6)
    assert sure.report.status == "optimal"
    cut = backup_coverage.solve(
        problem, radius=0.15, first_share=0.6, limits=SolveLimits(node_limit=1, time_limit_s=0.05)
    )
    if cut.report.objective is not None:
        assert cut.report.objective >= sure.report.objective - 1e-6
    if cut.report.bound is not None:
        assert cut.report.bound <= sure.report.objective + 1e-6


def test_bad_figures_are_refused():
    with pytest.raises(InputError):
        backup_coverage.solve(make_problem(PEOPLE - 20, distances_from_matrix(LINE), p=1), radius=1.0)
    with pytest.raises(InputError):
        backup_coverage.solve(line(p=9), radius=1.0)
