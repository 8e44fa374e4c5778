"""What a merger means to everybody in it: who hosts whom, what each function pays for rent and keeper, who is served how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.cooperation.merge_build import MergeCase
from planner.cooperation.stations_merge import MergePlan, MergeProblem
from planner.problems.cooperation import Bools, Floats, Index


@dataclass(frozen=True, slots=True)
class Move:
    """A function that leaves a station.

    Attributes
    ----------
    station, function
        Indices: what leaves where.
    host
        Index of the station at which its customers find it now; -1: none within the ways looked at, or nobody came to it.
    weight
        Parcels or persons a day that went there.
    before_m, after_m
        Their mean way, today and now; NaN where nobody came.
    """

    station: int
    function: int
    host: int
    weight: float
    before_m: float
    after_m: float


@dataclass(frozen=True, slots=True)
class FunctionShare:
    """What one function takes and pays at one station that stays, CNY a day.

    Attributes
    ----------
    station, function
        Indices.
    floor_share, time_share
        Its part of the floor and of the keeper's time that all functions there take.
    rent_cny, keeper_cny
        Rent by floor and keeper by time; over all functions of a station they sum to what it pays.
    hosting_cny
        What it costs on top as a guest: keeper's time and commission; 0 at home.
    """

    station: int
    function: int
    floor_share: float
    time_share: float
    rent_cny: float
    keeper_cny: float
    hosting_cny: float

    @property
    def cny_per_day(self) -> float:
        """Return all it pays."""
        return self.rent_cny + self.keeper_cny + self.hosting_cny


@dataclass(frozen=True, slots=True)
class FunctionService:
    """How customers of one function are served: stations, share within the standard, mean way (of those in sight), today and after."""

    function: int
    stations_before: int
    stations_after: int
    near_before: float
    near_after: float
    mean_before_m: float
    mean_after_m: float


def nearest(problem: MergeProblem, there: Bools) -> tuple[Index, Floats]:
    """Return each customer group's nearest station with its function (-1: none in sight) and the metres to it (``inf``)."""
    data = problem.metres.tocoo()
    real = (data.data > 0.0) & there[data.col, problem.customer_function[data.row]]
    row, column, metres = data.row[real], data.col[real], data.data[real]
    order = np.lexsort((column, metres, row))
    row, column, metres = row[order], column[order], metres[order]
    first = np.ones(len(row), dtype=np.bool_)
    first[1:] = row[1:] != row[:-1]
    found = np.full(problem.metres.shape[0], -1, dtype=np.intp)
    ways = np.full(problem.metres.shape[0], np.inf)
    found[row[first]], ways[row[first]] = column[first], metres[first]
    return found, ways


def moves_of(problem: MergeProblem, plan: MergePlan) -> tuple[Move, ...]:
    """Return every function that leaves a station, and to which hosts its customers go; by station, function, most customers first."""
    before, before_m = nearest(problem, problem.has_today)
    after, after_m = nearest(problem, plan.hosts & plan.stays[:, None])
    leaves = problem.has_today & ~(plan.hosts & plan.stays[:, None])
    found: list[Move] = []
    for j, k in zip(*np.nonzero(leaves), strict=True):
        mine = np.flatnonzero((before == j) & (problem.customer_function == k))
        if not mine.size:
            found.append(Move(int(j), int(k), -1, 0.0, np.nan, np.nan))
            continue
        parts = []
        for host in np.unique(after[mine]):
            group = mine[after[mine] == host]
            weight = problem.weight[group]
            ways = [float(np.average(m[group], weights=weight)) for m in (before_m, after_m)]
            parts.append(Move(int(j), int(k), int(host), float(weight.sum()), *ways))
        found += sorted(parts, key=lambda move: (-move.weight, move.host))
    return tuple(found)


def shares_of(case: MergeCase, plan: MergePlan) -> tuple[FunctionShare, ...]:
    """Return what each function pays at every station that stays: rent by floor, keeper by time, hosting on top.

    Notes
    -----
    ``rent_j · a_k / Σ a`` and ``keeper_j · h_k / Σ h`` over the functions at station j, so that the shares of a station sum to one.
    """
    problem, found = case.problem, []
    floor, hours = problem.need_m2, {room.name: room.need for room in problem.rooms}["keeper"]
    rent, keeper = (case.stations[column].to_numpy(dtype=float) for column in ("rent", "keeper"))
    for j in np.flatnonzero(plan.stays):
        here = np.flatnonzero(plan.hosts[j])
        for k in here:
            by_floor = float(floor[j, k] / floor[j, here].sum())
            by_time = float(hours[j, k] / hours[j, here].sum())
            money = by_floor * float(rent[j]), by_time * float(keeper[j]), float(problem.host_cny[j, k])
            found.append(FunctionShare(int(j), int(k), by_floor, by_time, *money))
    return tuple(found)


def services_of(problem: MergeProblem, plan: MergePlan) -> tuple[FunctionService, ...]:
    """Return how customers of every function are served today and after."""
    there = plan.hosts & plan.stays[:, None]
    ways = nearest(problem, problem.has_today)[1], nearest(problem, there)[1]
    found = []
    for k in range(len(problem.function_ids)):
        mine = problem.customer_function == k
        weight = problem.weight[mine]
        total = max(float(weight.sum()), 1e-12)
        near, mean = [], []
        for metres in ways:
            own = metres[mine]
            near.append(float(weight[own <= problem.standard_m[k]].sum()) / total)
            seen = np.isfinite(own) & np.isfinite(ways[0][mine]) & np.isfinite(ways[1][mine])
            mean.append(float(np.average(own[seen], weights=weight[seen])) if weight[seen].sum() > 0.0 else np.nan)
        number = int(problem.has_today[:, k].sum()), int(there[:, k].sum())
        found.append(FunctionService(k, *number, *near, *mean))
    return tuple(found)


def merge_blocks(case: MergeCase, plan: MergePlan) -> Mapping[str, float]:
    """Return the way from today's cost to the plan's: rent and keepers saved (negative), hosting added; the blocks sum exactly."""
    closed = ~plan.stays
    rent, keeper = (float(case.stations[column].to_numpy(dtype=float)[closed].sum()) for column in ("rent", "keeper"))
    hosting = float(case.problem.host_cny[plan.hosts].sum())
    return {"merge_today": plan.today_cny, "merge_rent": -rent, "merge_keeper": -keeper, "merge_hosting": hosting}
