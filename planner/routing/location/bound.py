"""A lower bound for any problem of joint siting and routing: loads in whole units, q-routes, rooms, and a share of the supply.

Rounding loads down (and letting vehicles and rooms take the units so gained) only widens the choice. Truck tours are bounded from below
twice: each unit bears its share of the way to its satellite and back, and the satellites in use need a tour through all of them; any mean
of the two is a bound. Both need arcs that keep the triangle inequality, so the shortest ways are taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse.csgraph import floyd_warshall

from planner.problems.location_routing import FirstEchelon, LocationRoutingProblem
from planner.problems.siting import Floats
from planner.routing.exact_tours import held_karp
from planner.routing.location.kernels_bound import Labels, Priced, climb

#: Units of load of a full vehicle at the most; satellites up to which sets of them are told apart.
_UNITS, _SETS_MOST = 160, 6
#: Weights of the tour through all satellites that are tried, and the part of all steps for each try.
_WEIGHTS, _TRY = (1.0, 0.5, 0.0), 0.2
_LENGTH = 0.5
#: Arcs and sums looked at by all steps together, and steps taken in any case.
_WORK, _LEAST = 8e9, 20
_SLACK = 1e-9


def lower_bound(problem: LocationRoutingProblem, roof: float, iterations: int) -> float:
    """Return a value no answer can be below, by `iterations` steps or as many as are affordable.

    `roof` is the cost of a known answer (or a guess) that guides the steps.
    """
    target = roof if math.isfinite(roof) else 2.0 * float(problem.cost.max()) * problem.customer_count
    variants = _variants(problem)
    n, data = problem.customer_count, variants[0].data
    work = float(problem.depot_count) * data.vehicle * n * n + float(data.total) * float(data.room.sum())
    iterations = min(iterations, max(_LEAST, int(_WORK / work)))
    start = np.full(n, 0.5 * target / n)
    found: list[tuple[float, int, Floats]] = []
    tries = max(5, int(_TRY * iterations)) if len(variants) > 1 else 0
    for k, variant in enumerate(variants):
        price = start.copy()
        value = _climb(variant, price, tries, target) if tries else 0.0
        found.append((value, -k, price))
    _, k, price = max(found, key=lambda entry: entry[:2])
    last = _climb(variants[-k], price, max(iterations - tries * len(variants), 1), target)
    best = max(last, *(value for value, _, _ in found))
    return min(best - _SLACK * abs(best), roof)


@dataclass(frozen=True, slots=True, eq=False)
class _Variant:
    """One relaxation: problem in units, cost of each set of depots (empty: none told apart), and what is paid in any case."""

    data: Priced
    set_cost: Floats
    constant: float


def _climb(variant: _Variant, price: Floats, iterations: int, target: float) -> float:
    n, rows = len(price), variant.data.vehicle + 1
    labels = Labels(
        np.empty((rows, n)), np.empty((rows, n), np.int64), np.empty((rows, n)), np.empty((rows, n), np.int64)
    )
    steps = np.array([float(iterations), target - variant.constant, _LENGTH])
    return float(climb(variant.data, price, steps, labels, variant.set_cost)) + variant.constant


def _variants(problem: LocationRoutingProblem) -> list[_Variant]:
    first = problem.first
    none = np.zeros(0)
    if first is None:
        return [_Variant(_priced(problem, np.zeros(problem.depot_count), np.zeros(problem.depot_count)), none, 0.0)]
    supply = _Supply(problem, first)
    if problem.depot_count <= _SETS_MOST:
        table, weights = supply.set_costs(), _WEIGHTS
        return [
            _Variant(
                _priced(problem, (1.0 - w) * supply.rate, np.zeros(problem.depot_count)), w * table, supply.constant
            )
            for w in weights
        ]
    return [
        _Variant(_priced(problem, (1.0 - w) * supply.rate, w * supply.entry), none, supply.constant + w * supply.whole)
        for w in _WEIGHTS
    ]


def _priced(problem: LocationRoutingProblem, rate: Floats, entry: Floats) -> Priced:
    """Return the problem in whole units of load; `rate` and `entry` add to a unit of load at a depot and to an open depot."""
    unit = _unit(problem)
    load = np.floor(problem.demand / unit + _SLACK).astype(np.int64)
    gained = int((load == 0).sum())
    load = np.maximum(load, 1)
    total = int(load.sum())
    vehicle = math.floor(problem.vehicle_capacity / unit + _SLACK) + gained
    room = np.minimum(np.floor(np.minimum(problem.capacity / unit, 1e15) + _SLACK) + gained, total).astype(np.int64)
    return Priced(
        np.ascontiguousarray(problem.cost, dtype=np.float64),
        load,
        problem.demand.astype(np.float64),
        room,
        int(min(vehicle, total)),
        problem.opening.astype(np.float64) + entry,
        problem.unit_cost + rate,
        problem.route_fixed,
        total,
    )


def _unit(problem: LocationRoutingProblem) -> float:
    """Return the largest unit that rounds nothing if that is fine enough, else one that leaves a vehicle `_UNITS` units."""
    whole = np.concatenate([problem.demand, [problem.vehicle_capacity]])
    if np.all(whole == np.round(whole)):
        common = float(np.gcd.reduce(problem.demand.astype(np.int64)))
        if common > 0 and problem.vehicle_capacity / common <= 1.5 * _UNITS:
            return common
    return problem.vehicle_capacity / _UNITS


class _Supply:
    """Lower bounds of the truck tours."""

    def __init__(self, problem: LocationRoutingProblem, first: FirstEchelon) -> None:
        self.first = first
        m, p = problem.depot_count, first.platform_count
        self.cost = floyd_warshall(first.cost)
        self.supplied = [problem.needs_supply(d) for d in range(m)]
        out, back = self.cost[:p, p:], self.cost[p:, :p].T
        total = float(problem.demand.sum()) if all(self.supplied) else 0.0
        self.rate = np.where(self.supplied, ((out + back).min(axis=0) + first.truck_fixed) / first.truck_capacity, 0.0)
        apart = self.cost + np.where(np.eye(p + m, dtype=np.bool_), np.inf, 0.0)
        # A truck does not drive from platform to platform.
        apart[:p, :p] = np.inf
        ends = 0.5 * (apart.min(axis=0) + apart.min(axis=1))
        self.entry = np.where(self.supplied, ends[p:], 0.0)
        self.leave = float(ends[:p].min()) if total else 0.0
        self.constant = _platforms(first, total)
        self.whole = self.leave + first.truck_fixed * math.ceil(total / first.truck_capacity - _SLACK)
        self.total = total
        self.m = m

    def set_costs(self) -> Floats:
        """Return for every set of depots the cheapest tour through those that are supplied, with its truck."""
        p, first = self.first.platform_count, self.first
        members = [d for d in range(self.m) if self.supplied[d]]
        table = np.full(1 << self.m, np.inf)
        tables = []
        for platform in range(p):
            nodes = [platform, *(p + d for d in members)]
            tables.append(held_karp(self.cost[np.ix_(nodes, nodes)]).weight)
        trucks = max(1, math.ceil(self.total / first.truck_capacity - _SLACK))
        tours = covers(tables[0], trucks) if p == 1 else np.zeros(1 << len(members))
        for mask in range(1 << self.m):
            inner = sum(1 << k for k, d in enumerate(members) if mask >> d & 1)
            # Several platforms may share a set, so no single tour goes through all of it: only the ends of arcs are counted.
            entries = sum(self.entry[d] for k, d in enumerate(members) if inner >> k & 1) + self.leave
            table[mask] = (tours[inner] if p == 1 else entries) + first.truck_fixed * trucks if inner else 0.0
        return table


def covers(tour: Floats, count: int) -> Floats:
    """Return for every set the least cost of `count` tours that cover it, each through some of its members.

    With more tours it costs no less, by the triangle inequality; the vehicles a load needs at least therefore give a bound.
    """
    size = len(tour)
    cover = np.full(size, np.inf)
    cover[0] = 0.0
    for _ in range(count):
        fewer, cover = cover, np.full(size, np.inf)
        for mask in range(1, size):
            sub = mask
            while sub:
                # What the other tours must still cover; they may come back to members of this one.
                for left in (mask ^ sub, mask):
                    cover[mask] = min(cover[mask], tour[sub] + fewer[left])
                sub = (sub - 1) & mask
    return cover


def _platforms(first: FirstEchelon, total: float) -> float:
    """Return the least cost of platforms that hold the whole load; nothing where some load may need none."""
    if total <= 0.0:
        return 0.0
    best = math.inf
    for size in range(1, first.platform_count + 1):
        for chosen in combinations(range(first.platform_count), size):
            if float(first.capacity[list(chosen)].sum()) >= total - 1e-9:
                best = min(best, float(first.opening[list(chosen)].sum()))
    return best if math.isfinite(best) else 0.0
