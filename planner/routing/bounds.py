"""Lower bound on a round's cost: a linear relaxation with load flow, strengthened by cuts.

Legend: stops 1…n, depot 0, vehicle types k with their rates inside the arc cost ``c``;
``x[k,i,j]`` how often type k drives arc (i, j); ``f[i,j]``, ``g[i,j]`` kilograms (or m³) of deliveries not yet made
and of pick-ups made that ride on the arc.

::

    min  Σ c[k,i,j] · x[k,i,j]                     driving + stop time at j + loading when i is the depot
    Σ_k Σ_i x[k,i,j] = 1                           every stop is entered once
    Σ_i x[k,i,j] = Σ_i x[k,j,i]                    and left by the type that came
    Σ_i f[i,j] − Σ_i f[j,i] = delivery[j]          deliveries stay where they belong
    Σ_i g[j,i] − Σ_i g[i,j] = pickup[j]
    f[i,j] + g[i,j] ≤ Σ_k capacity[k] · x[k,i,j]
    Σ minutes[k] · x ≤ shift[k] · trips of k       likewise kilometres within the range
    Σ_k Σ_{i∉S, j∈S} x[k,i,j] ≥ r(S)               r(S) = most of 1 and the vehicles the loads of S fill, rounded up

Every true plan satisfies all rows, so the least value of the relaxation is a valid bound. Arcs with no way, and types
too small for a stop, are left out, which removes no true plan either. The gap of such a bound is a few per cent, not
zero: it says how much better the best plan could be at most. The model is the two-commodity flow formulation of the
vehicle routing problem with simultaneous pick-up and delivery; the cuts are the rounded capacity inequalities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components, maximum_flow

from planner.routing.round_problem import LIMIT_TOLERANCE, FloatArray, RoundProblem

#: Rounds of cutting planes; decides the bound reproducibly.
CUT_ROUNDS = 12
#: Above this many arcs times types the load flow and the cuts are left out, which keeps the bound valid but weaker.
MOST_COLUMNS = 12_000
#: Arc values below this count as zero; a stop is linked to the depot if this much flow of a unit reaches it.
USED_ARC = 1e-6
FLOW_UNITS = 1_000_000.0
LINKED_UNITS = 999_000
#: Part of the value given away against the rounding of the linear solver.
SAFETY_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class _Columns:
    """Arc variables: type, from, to, cost and minutes of each."""

    kind: FloatArray
    tail: FloatArray
    head: FloatArray
    cost: FloatArray
    minutes: FloatArray
    km: FloatArray


class _Rows:
    """Rows collected for the linear model."""

    def __init__(self) -> None:
        self.index: list[np.ndarray] = []
        self.value: list[np.ndarray] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, index: np.ndarray, value: np.ndarray | float, low: float, high: float) -> None:
        self.index.append(np.asarray(index, dtype=np.int32))
        self.value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), (len(index),)).copy())
        self.low.append(low)
        self.high.append(high)


def lower_bound(problem: RoundProblem, *, cut_rounds: int = CUT_ROUNDS) -> float:
    """Return a proved lower bound on the cost of serving every stop of a round, with any number of vehicles.

    Every stop must be servable alone by some vehicle type (`split_round` sees to it).
    """
    if not problem.stops:
        return 0.0
    columns = _columns(problem)
    is_small = len(columns.cost) <= MOST_COLUMNS
    model = _Model(problem, columns, with_flow=is_small)
    value = model.solve()
    for _ in range(cut_rounds if is_small else 0):
        if not model.add_cuts():
            break
        value = max(value, model.solve())
    return max(0.0, value - SAFETY_SHARE * max(1.0, abs(value)))


def fewest_trips(problem: RoundProblem, members: np.ndarray) -> int:
    """Return how many trips the loads of some stops fill at least, on the largest vehicle."""
    largest = problem.capacity.max(axis=0)
    load = np.maximum(problem.deliveries[:, members].sum(axis=1), problem.pickups[:, members].sum(axis=1))
    return max(1, *(math.ceil(float(q) / float(c) - 1e-6) for q, c in zip(load, largest, strict=True) if c > 0.0))


def _columns(problem: RoundProblem) -> _Columns:
    parts: list[tuple[np.ndarray, ...]] = []
    service = np.concatenate([[0.0], problem.service_min])
    for k, vehicle in enumerate(problem.vehicles):
        load = np.maximum(problem.deliveries, problem.pickups)
        serves = np.concatenate([[True], (load <= problem.capacity[k][:, None] + LIMIT_TOLERANCE).all(axis=0)])
        usable = np.isfinite(problem.travel_cny[k]) & serves[:, None] & serves[None, :]
        np.fill_diagonal(usable, val=False)
        tail, head = np.nonzero(usable)
        extra_min = service[head] + np.where(tail == 0, problem.depot_loading_min, 0.0)
        parts.append(
            (
                np.full(len(tail), k),
                tail,
                head,
                problem.travel_cny[k][tail, head] + extra_min / 60.0 * vehicle.cny_per_h,
                problem.minutes[k][tail, head] + extra_min,
                problem.metres[k][tail, head] / 1000.0,
            )
        )
    return _Columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Model:
    """The relaxation with its cuts, solved by the HiGHS that comes with SciPy."""

    def __init__(self, problem: RoundProblem, columns: _Columns, *, with_flow: bool) -> None:
        self.problem = problem
        self.columns = columns
        self.solution = np.zeros(len(columns.cost))
        self.cut_sets: set[tuple[int, ...]] = set()
        rows = _Rows()
        self._degree_rows(rows)
        self._limit_rows(rows)
        count = len(columns.cost)
        if with_flow:
            for resource in self._resources():
                count = self._flow_rows(rows, resource, count)
        self.rows = rows
        self.count = count

    def _degree_rows(self, rows: _Rows) -> None:
        c = self.columns
        for j in range(1, len(self.problem.stops) + 1):
            rows.add(np.flatnonzero(c.head == j), 1.0, 1.0, 1.0)
            for k in range(len(self.problem.vehicles)):
                into = np.flatnonzero((c.head == j) & (c.kind == k))
                out = np.flatnonzero((c.tail == j) & (c.kind == k))
                signs = np.concatenate([np.ones(len(into)), -np.ones(len(out))])
                rows.add(np.concatenate([into, out]), signs, 0.0, 0.0)
        starts = np.flatnonzero(c.tail == 0)
        rows.add(starts, 1.0, fewest_trips(self.problem, np.arange(len(self.problem.stops))), np.inf)

    def _limit_rows(self, rows: _Rows) -> None:
        """Minutes and kilometres of a type fit the shifts and ranges of its trips together."""
        c = self.columns
        for k, vehicle in enumerate(self.problem.vehicles):
            own = np.flatnonzero(c.kind == k)
            for spent, limit in ((c.minutes, vehicle.shift_min), (c.km, vehicle.range_km)):
                if np.isfinite(limit) and len(own):
                    slack = limit + LIMIT_TOLERANCE
                    rows.add(own, spent[own] - np.where(c.tail[own] == 0, slack, 0.0), -np.inf, 0.0)

    def _resources(self) -> list[int]:
        """Weight and volume; volume only where it can bind before weight."""
        p = self.problem
        with np.errstate(divide="ignore", invalid="ignore"):
            share = [
                np.stack([p.deliveries[r], p.pickups[r]])[None] / p.capacity[:, r][:, None, None] for r in range(2)
            ]
        if np.all(share[0] >= share[1]):
            return [0]
        return [1] if np.all(share[1] >= share[0]) else [0, 1]

    def _flow_rows(self, rows: _Rows, resource: int, count: int) -> int:
        """Load on arcs; returns the new number of columns (deliveries, then pick-ups, per arc)."""
        c, p = self.columns, self.problem
        n = len(p.stops)
        arcs, arc_of = np.unique(c.tail * (n + 1) + c.head, return_inverse=True)
        tail, head = arcs // (n + 1), arcs % (n + 1)
        deliver, pick = count + np.arange(len(arcs)), count + len(arcs) + np.arange(len(arcs))
        unit = max(float(p.capacity[:, resource].max()), 1e-9)
        for j in range(1, n + 1):
            into, out = np.flatnonzero(head == j), np.flatnonzero(tail == j)
            signs = np.concatenate([np.ones(len(into)), -np.ones(len(out))])
            given = float(p.deliveries[resource, j - 1]) / unit
            taken = float(p.pickups[resource, j - 1]) / unit
            rows.add(np.concatenate([deliver[into], deliver[out]]), signs, given, given)
            back = np.concatenate([np.ones(len(out)), -np.ones(len(into))])
            rows.add(np.concatenate([pick[out], pick[into]]), back, taken, taken)
        size = p.capacity[c.kind.astype(np.intp), resource] / unit
        order = np.argsort(arc_of, kind="stable")
        starts = np.searchsorted(arc_of[order], np.arange(len(arcs) + 1))
        for a in range(len(arcs)):
            own = order[starts[a] : starts[a + 1]]
            index = np.concatenate([own, [deliver[a], pick[a]]])
            rows.add(index, np.concatenate([-size[own], [1.0, 1.0]]), -np.inf, LIMIT_TOLERANCE)
        return count + 2 * len(arcs)

    def solve(self) -> float:
        """Return the value of the relaxation; 0 if the solver does not finish (a valid bound all the same)."""
        low, high = np.array(self.rows.low), np.array(self.rows.high)
        matrix = sparse.csr_matrix(
            (
                np.concatenate(self.rows.value),
                np.concatenate(self.rows.index),
                np.concatenate([[0], np.cumsum([len(i) for i in self.rows.index])]),
            ),
            shape=(len(low), self.count),
        )
        same, upper, lower = low == high, np.isfinite(high) & (low < high), np.isfinite(low) & (low < high)
        result = linprog(
            np.concatenate([self.columns.cost, np.zeros(self.count - len(self.columns.cost))]),
            A_ub=sparse.vstack([matrix[upper], -matrix[lower]]),
            b_ub=np.concatenate([high[upper], -low[lower]]),
            A_eq=matrix[same],
            b_eq=low[same],
            method="highs-ds",
        )
        if result.status != 0:
            return 0.0
        self.solution = np.maximum(result.x[: len(self.columns.cost)], 0.0)
        return float(result.fun)

    def add_cuts(self) -> bool:
        """Add the violated cuts found; False if there are none."""
        c = self.columns
        found = False
        for members in self._candidate_sets():
            if members in self.cut_sets:
                continue
            inside = np.zeros(len(self.problem.stops) + 1, dtype=np.bool_)
            inside[list(members)] = True
            cut = np.flatnonzero(~inside[c.tail.astype(np.intp)] & inside[c.head.astype(np.intp)])
            need = fewest_trips(self.problem, np.array(members) - 1)
            if float(self.solution[cut].sum()) < need - 1e-4:
                self.cut_sets.add(members)
                self.rows.add(cut, 1.0, need, np.inf)
                found = True
        return found

    def _candidate_sets(self) -> list[tuple[int, ...]]:
        """Return sets of stops poorly linked to the depot: components without it, and minimum cuts to each stop."""
        c, n = self.columns, len(self.problem.stops)
        flow = sparse.coo_matrix((self.solution, (c.tail, c.head)), shape=(n + 1, n + 1)).tocsr()
        inner = flow[1:, 1:]
        inner.data[inner.data < USED_ARC] = 0.0
        inner.eliminate_zeros()
        _, part = connected_components(inner, directed=False)
        sets = {tuple(int(i) + 1 for i in np.flatnonzero(part == label)) for label in range(int(part.max()) + 1)}
        whole = flow.copy()
        whole.data = np.round(whole.data * FLOW_UNITS)
        whole = whole.astype(np.int32)
        whole.eliminate_zeros()
        for sink in range(1, n + 1):
            result = maximum_flow(whole, 0, sink)
            if result.flow_value < LINKED_UNITS:
                residual = (whole - result.flow).tocsr()
                residual.data = np.where(residual.data > 0, 1, 0)
                residual.eliminate_zeros()
                reached = sparse.csgraph.breadth_first_order(residual, 0, return_predecessors=False)
                sets.add(tuple(sorted(set(range(1, n + 1)) - {int(i) for i in reached})))
        return sorted(s for s in sets if s)
