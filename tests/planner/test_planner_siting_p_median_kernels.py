"""Kernels of the p-median against plain numpy; the plane against the matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.engines.compiled import part_alone
from planner.siting.clock import never
from planner.siting.p_median import interchange, kernels, plane_kernels
from planner.siting.p_median.engine import MedianInstance, MedianLimits, solve_median
from planner.siting.p_median.lists import CostLists, lists_from_matrix, lists_from_rows
from planner.siting.p_median.plane import solve_plane

SEEDS = st.integers(0, 100_000)


def setting(seed, n=9, m=7):
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 20, (n, m)).astype(float)
    return rng, cost, lists_from_matrix(cost), rng.random(m) * 4


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_site_values_and_relaxed(seed):
    rng, cost, lists, fixed = setting(seed)
    multiplier, value = rng.random(9) * 15, np.empty(7)
    pairs = part_alone(kernels.site_values)(*lists.rows, multiplier, fixed, value)
    assert value == pytest.approx(fixed + np.minimum(0, cost - multiplier[:, None]).sum(axis=0))
    assert pairs == (cost < multiplier[:, None]).sum()
    assert part_alone(kernels.relaxed)(lists.rows, multiplier, fixed, value) == (pytest.approx(multiplier.sum()), pairs)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_excess_by_clients_and_by_sites(seed):
    rng, cost, lists, _ = setting(seed)
    multiplier, chosen, one, two = rng.random(9) * 15, rng.random(7) < 0.5, np.empty(9), np.empty(9)
    part_alone(kernels.assignment_excess)(*lists.rows, multiplier, chosen, one)
    part_alone(kernels.site_excess)(*lists.columns, multiplier, chosen, two)
    expected = 1 - ((cost < multiplier[:, None]) & chosen).sum(axis=1)
    assert one.tolist() == two.tolist() == expected.tolist()


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(-1, 6))
def test_choose_sites(seed, p):
    rng = np.random.default_rng(seed)
    value = rng.integers(-6, 4, 7).astype(float)
    status = rng.choice([-1, 0, 0, 1], 7).astype(np.int8)
    p = -1 if p < 0 else min(max(p, int((status > 0).sum())), int((status >= 0).sum()))
    chosen = np.zeros(7, np.bool_)
    total, last, following = kernels.choose_sites(value, status, p, chosen, np.empty(7))
    free = np.sort(value[status == 0])
    need = p - (status > 0).sum() if p >= 0 else max((free < 0).sum(), 1 - (status > 0).sum())
    need = min(need, free.size)
    assert total == value[status > 0].sum() + free[:need].sum() == value[chosen].sum()
    assert chosen.sum() == (status > 0).sum() + need
    assert not chosen[status < 0].any()
    if p >= 0 and 0 < need < free.size:
        assert (last, following) == (free[need - 1], free[need])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12), st.data())
def test_select(values, data):
    rank = data.draw(st.integers(0, len(values) - 1))
    array = np.array(values, dtype=np.float64)
    assert part_alone(kernels.select)(array, array.size, rank) == sorted(values)[rank]
    assert all(array[:rank] <= array[rank])
    assert all(array[rank + 1 :] >= array[rank])


def test_deflect_and_move():
    direction = np.array([2.0, 2.0, -4.0])
    square = part_alone(kernels.deflect)(np.ones(3), direction, np.array([1.0, 5.0, 1.0]), np.array([9.0, 5.0, 9.0]))
    assert direction.tolist() == [2.0, 0.0, -1.0]
    assert square == 5.0
    multiplier = np.array([1.0, 5.0, 1.0])
    part_alone(kernels.move)(multiplier, direction, np.array([4.0, 5.0, 9.0]), 2.0)
    assert multiplier.tolist() == [4.0, 5.0, 0.0]


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_lists_by_site_and_cut(seed):
    rng, cost, lists, _ = setting(seed)
    start, client, site_cost = lists.columns
    for j in range(7):
        part = slice(start[j], start[j + 1])
        assert client[part].tolist() == list(range(9))
        assert site_cost[part].tolist() == cost[:, j].tolist()
    mask, limit = rng.random(7) < 0.6, np.full(9, 11.0)
    kept, old = lists.keep(mask, limit)
    assert old.tolist() == np.flatnonzero(mask).tolist()
    for i in range(9):
        part = slice(kept.start[i], kept.start[i + 1])
        expected = sorted(c for c in cost[i, mask] if c < 11.0)
        assert kept.cost[part].tolist() == expected
        assert cost[i, old[kept.site[part]]].tolist() == expected
    sparse = lists_from_rows(np.arange(10) * 7, np.tile(np.arange(7), 9), cost.ravel(), 7)
    assert sparse.site.tolist() == lists.site.tolist()
    assert lists.nearest_cost(mask, np.full(9, 99.0)).tolist() == np.where(mask, cost, 99.0).min(axis=1).tolist()


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_open_cost_and_nearest_two(seed):
    rng, cost, lists, fixed = setting(seed)
    is_open, far = rng.random(7) < 0.4, np.full(9, 50.0)
    masked = np.sort(np.where(is_open, cost, 50.0), axis=1)
    assert kernels.open_cost(*lists.rows, far, fixed, is_open) == pytest.approx(
        masked[:, 0].sum() + fixed[is_open].sum()
    )
    first, near, second, next_near, loss = interchange.measure(lists.rows, far, is_open)
    assert near.tolist() == masked[:, 0].tolist()
    assert next_near.tolist() == masked[:, 1].tolist()
    assert all((first < 0) == (not is_open.any()) for first in first)
    expected = np.zeros(7)
    for i in range(9):
        if first[i] >= 0:
            expected[first[i]] += masked[i, 1] - masked[i, 0]
    assert loss.tolist() == expected.tolist()
    assert all(s < 0 or is_open[s] for s in second)


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.booleans())
def test_interchange_ends_where_no_move_helps(seed, resizes):
    rng, cost, lists, fixed = setting(seed)
    is_open = np.zeros(7, np.bool_)
    is_open[rng.permutation(7)[:3]] = True
    locked = np.zeros(7, np.int8)
    locked[np.flatnonzero(is_open)[0]] = 1
    locked[np.flatnonzero(~is_open)[0]] = -1
    far, before = np.full(9, 50.0), is_open.copy()

    def value(mask):
        return np.where(mask, cost, 50.0).min(axis=1).sum() + fixed[mask].sum()

    interchange.interchange(lists.rows, lists.columns, (far, fixed), locked, is_open, int(resizes), never())
    assert value(is_open) <= value(before) + 1e-9
    assert is_open[locked > 0].all() and not is_open[locked < 0].any()
    tries = []
    for come in [None, *np.flatnonzero(~is_open & (locked == 0))]:
        for go in [None, *np.flatnonzero(is_open & (locked == 0))]:
            if not resizes and (come is None or go is None):
                continue
            mask = is_open.copy()
            if come is not None:
                mask[come] = True
            if go is not None:
                mask[go] = False
            tries.append(value(mask))
    assert min(tries, default=np.inf) >= value(is_open) - 1e-6
    assert resizes or is_open.sum() == 3


def test_moves_keep_the_bookkeeping_exact():
    rng, _, lists, fixed = setting(4)
    far = np.full(9, 50.0)
    is_open = np.zeros(7, np.bool_)
    is_open[[0, 3]] = True
    nearest = interchange.measure(lists.rows, far, is_open)
    for come, go in ((1, 0), (5, -1), (-1, 3), (0, 1)):
        part_alone(interchange.make_move)(come, go, lists.rows, lists.columns, far, is_open, nearest)
        fresh = interchange.measure(lists.rows, far, is_open)
        assert [a.tolist() for a in (nearest[1], nearest[3], nearest[4])] == [
            a.tolist() for a in (fresh[1], fresh[3], fresh[4])
        ]
    assert rng is not None and fixed.size == 7


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_subgradient_bound_is_valid(seed):
    rng, cost, lists, fixed = setting(seed)
    status, far, p = np.zeros(7, np.int8), np.full(9, 50.0), 2
    work = (rng.random(9) * 10, np.zeros(9), np.zeros(7), np.zeros(7), np.zeros(7, np.bool_))
    bound, seen, _ = kernels.subgradient(
        lists.rows, lists.columns, (far, lists.limit, fixed), status, p, (200.0, 1e9, 1.5, 80, 8), work, never()
    )
    pairs = [(a, b) for a in range(7) for b in range(a)]
    best = min(cost[:, [a, b]].min(axis=1).sum() + fixed[[a, b]].sum() for a, b in pairs)
    again = work[1].sum() + np.sort(fixed + np.minimum(0, cost - work[1][:, None]).sum(axis=0))[:2].sum()
    assert bound <= best + 1e-9
    assert bound == pytest.approx(again)
    opened = np.flatnonzero(work[4])
    assert seen == pytest.approx(cost[:, opened].min(axis=1).sum() + fixed[opened].sum())


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.booleans())
def test_plane_kernels(seed, whole):
    rng = np.random.default_rng(seed)
    client, site = rng.random((2, 8)) * 30, rng.random((2, 6)) * 30
    site = np.ascontiguousarray(site[:, np.argsort(site[0])])
    weight, reach = rng.random(8) + 0.1, np.ceil(rng.random(8) * 20)
    distance = np.hypot(client[0][:, None] - site[0], client[1][:, None] - site[1])
    cost = weight[:, None] * (np.floor(distance) if whole else distance)
    start = np.zeros(9, np.int64)
    plane_kernels.near_pairs(client, site, reach, weight, int(whole), (start, np.empty(0, np.int32), np.empty(0)))
    assert start[1:].tolist() == (distance < reach[:, None]).sum(axis=1).tolist()
    start = np.cumsum(start)
    index, found = np.empty(start[-1], np.int32), np.empty(start[-1])
    if index.size:
        plane_kernels.near_pairs(client, site, reach, weight, int(whole), (start, index, found))
    rows, columns = np.nonzero(distance < reach[:, None])
    assert index.tolist() == columns.tolist()
    assert found == pytest.approx(cost[rows, columns])
    multiplier, value = rng.random(8) * 20, np.zeros(6)
    plane_kernels.plane_values(client, site, multiplier, weight, int(whole), value)
    assert value == pytest.approx(np.minimum(0, cost - multiplier[:, None]).sum(axis=0))
    median = np.array([5], dtype=np.int64)
    every = (np.array([0, 8]), np.arange(8)), (np.array([0, 6]), np.arange(6))
    plane_kernels.group_medians((client, weight, *every[0]), (site, *every[1]), int(whole), median)
    assert cost[:, median[0]].sum() == pytest.approx(cost.sum(axis=0).min())


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(1, 8), st.booleans())
def test_plane_equals_matrix(seed, p, whole):
    rng = np.random.default_rng(seed)
    points, weight = rng.integers(0, 400, (45, 2)).astype(float), rng.integers(1, 5, 45).astype(float)
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    cost = weight[:, None] * (np.floor(distance) if whole else distance)
    none = np.zeros(45)
    instance = MedianInstance(
        lists_from_matrix(cost), np.full(45, cost.max()), none, none.astype(np.int8), p, float(whole)
    )
    exact = solve_median(instance)
    plane = solve_plane(points, points, p, weight=weight, whole=whole)
    assert exact.bound == pytest.approx(exact.cost, rel=1e-6)
    assert plane.cost == pytest.approx(exact.cost, rel=1e-6)
    assert plane.bound <= exact.cost * (1 + 1e-9)
    assert cost[:, list(plane.opened)].min(axis=1).sum() == pytest.approx(plane.cost)


def test_limits_of_lists_keep_the_bound_valid():
    _, cost, lists, _ = setting(8, 30, 20)
    none = np.zeros(20)
    full = solve_median(MedianInstance(lists, np.full(30, 20.0), none, none.astype(np.int8), 4, 1.0))
    cut, _ = lists.keep(np.ones(20, np.bool_), np.full(30, 3.0))
    assert isinstance(cut, CostLists)
    short = solve_median(
        MedianInstance(cut, np.full(30, 20.0), none, none.astype(np.int8), 4, 1.0), MedianLimits(nodes=0)
    )
    assert short.bound <= full.cost
    assert full.cost == full.bound
    assert cost[:, list(full.opened)].min(axis=1).sum() == full.cost
