"""Plans for given open sites: assignment with capacities (single sourcing) or transport (split), and better sites around them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from planner.problems.siting import Bools, Floats
from planner.siting.capacitated import placing_kernels
from planner.siting.capacitated.data import Capacitated
from planner.siting.capacitated.kernels import Ints
from planner.siting.clock import never

#: Sites tried in place of an open one, and sets tried in all before a plan counts as locally best.
_SAME = 1e-9
#: Ways of placing clients, the first that fits: by regret alone, then with large clients earlier (in mean costs a mean demand).
_BULKS = (1e-9, 0.3, 5.0)
_NEAR = 12
#: Sets of sites kept as promising.
_POOL = 10
_SETS = 250


@dataclass(slots=True, eq=False)
class Plan:
    """The best plan so far: value, open sites, shares (n × open sites)."""

    value: float = np.inf
    sites: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    share: Floats = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(slots=True, eq=False)
class Primal:
    """Tries sets of sites, each once, until `rung` is set."""

    data: Capacitated
    best: Plan = field(default_factory=Plan)
    seen: set[bytes] = field(default_factory=set)
    pool: list[tuple[float, bytes]] = field(default_factory=list)
    rung: Ints = field(default_factory=never)
    finite: Floats = field(init=False)
    unit: float = field(init=False)

    def __post_init__(self) -> None:
        costs, problem = self.data.lists.cost, self.data.problem
        self.unit = float(costs.mean() / max(problem.demand.mean(), 1e-9)) if costs.size else 0.0
        self.finite = np.where(np.isfinite(self.data.cost), self.data.cost, 1e15)

    def completed(self, opened: Floats) -> Ints:
        """Return whole open sites from a relaxed choice: the most open first, until p or all demand is met."""
        lists, problem = self.data.lists, self.data.problem
        chosen = lists.locked == 1
        free = np.flatnonzero(lists.locked == 0)
        order = free[np.lexsort((lists.fixed[free] / np.maximum(lists.capacity[free], 1e-9), -opened[free]))]
        if lists.p >= 0:
            chosen[order[: max(0, lists.p - int(chosen.sum()))]] = True
            return np.flatnonzero(chosen).astype(np.int64)
        chosen[order[opened[order] > _SAME]] = True
        slack = 1.0 if not self.data.is_whole else 1.02
        for j in order:
            if problem.capacity[chosen].sum() >= lists.total * slack:
                break
            chosen[j] = True
        return np.flatnonzero(chosen).astype(np.int64)

    def offer(self, sites: Ints) -> float:
        """Try a set of sites; return its value (inf: no plan found, or tried before)."""
        return self.plan_at(sites).value

    def plan_at(self, sites: Ints) -> Plan:
        """Return the plan with these sites, or one of infinite value if there is none or it was tried before."""
        key = sites.tobytes()
        if key in self.seen or sites.size == 0:
            return Plan()
        self.seen.add(key)
        if self.data.problem.capacity[sites].sum() < self.data.lists.total * (1 - 1e-9):
            return Plan()
        value, share = self._whole(sites) if self.data.is_whole else self._split(sites)
        return self.take(Plan(value, sites, share))

    def take(self, found: Plan) -> Plan:
        """Keep a plan if it is the best so far, and its sites among the promising ones."""
        if np.isfinite(found.value) and (len(self.pool) < _POOL or found.value < self.pool[-1][0]):
            self.pool = sorted([*self.pool, (found.value, found.sites.tobytes())])[:_POOL]
        if found.value < self.best.value - _SAME * max(1.0, abs(found.value)):
            self.best = found
        return found

    def _whole(self, sites: Ints) -> tuple[float, Floats]:
        cost = np.ascontiguousarray(self.data.cost[:, sites])
        demand, clients = self.data.problem.demand, np.arange(cost.shape[0])
        for bulk in _BULKS:
            room = self.data.problem.capacity[sites].copy()
            choice = np.empty(cost.shape[0], dtype=np.int64)
            if not np.isfinite(placing_kernels.assign(cost, demand, room, choice, bulk * self.unit)):
                continue
            placing_kernels.polish(cost, demand, room, choice)
            share = np.zeros(cost.shape)
            share[clients, choice] = 1.0
            return self.value_of(sites, share), share
        return np.inf, np.empty((0, 0))

    def value_of(self, sites: Ints, share: Floats) -> float:
        """Return what a plan costs."""
        cost = np.where(share > 0, self.data.cost[:, sites], 0.0)
        return float((cost * share).sum() + self.data.problem.fixed_cost[sites].sum())

    def _split(self, sites: Ints) -> tuple[float, Floats]:
        problem = self.data.problem
        cost = self.data.cost[:, sites]
        demand, place = np.nonzero(np.isfinite(cost))
        one = np.ones(demand.size)
        number = np.arange(demand.size)
        shape = (problem.demand_count, demand.size)
        served = sparse.csr_array((one, (demand, number)), shape=shape)
        load = sparse.csr_array((problem.demand[demand], (place, number)), shape=(sites.size, demand.size))
        room = np.minimum(problem.capacity[sites], problem.demand.sum())
        answer = linprog(cost[demand, place], A_ub=load, b_ub=room, A_eq=served, b_eq=np.ones(shape[0]), method="highs")
        if answer.status != 0:
            return np.inf, np.empty((0, 0))
        share = np.zeros(cost.shape)
        share[demand, place] = answer.x
        return self.value_of(sites, share), share

    def promising(self) -> list[Ints]:
        """Return the sets of sites of the best plans, best first."""
        return [np.frombuffer(key, dtype=np.int64) for _, key in self.pool]

    def descend(self, start: Plan, tries: int) -> Plan:
        """Move, close and open single sites of `start` while that is cheaper; return the end of the way."""
        here = start
        for _ in range(tries if np.isfinite(start.value) else 0):
            better = self._first_better(here)
            if better is None:
                return here
            here = better
        return here

    def _first_better(self, here: Plan) -> Plan | None:
        for sites in self._neighbours(here):
            if self.rung[0]:
                return None
            found = self.plan_at(sites)
            if found.value < here.value - 1e-9 * abs(here.value):
                return found
        return None

    def kick(self, rng: np.random.Generator, count: int) -> Plan:
        """Return a plan with `count` sites of the best one replaced by others, drawn at random from near their clients."""
        lists, sites = self.data.lists, self.best.sites
        movable = sites[lists.locked[sites] != 1]
        free = np.setdiff1d(np.flatnonzero(lists.locked == 0), sites)
        count = min(count, movable.size, free.size)
        gone = rng.choice(movable, count, replace=False)
        come = rng.choice(free, count, replace=False)
        return self.plan_at(np.sort(np.concatenate((np.setdiff1d(sites, gone), come))).astype(np.int64))

    def _neighbours(self, here: Plan) -> list[Ints]:
        """Return sets with one site moved (cheapest estimate first) and, without p, one closed or one opened."""
        lists = self.data.lists
        is_open: Bools = np.zeros(lists.fixed.size, dtype=np.bool_)
        is_open[here.sites] = True
        blocked = is_open | (lists.locked != 0)
        moved = here.share.T @ self.finite  # open site × site: its clients served from there
        near = _NEAR if self.data.is_whole else 2
        gains: list[tuple[float, Ints]] = []
        for row, j in enumerate(here.sites):
            if lists.locked[j] == 1:
                continue
            there = moved[row] + lists.fixed - (moved[row, j] + lists.fixed[j])
            there[blocked] = np.inf
            others = here.sites[here.sites != j]
            nearest = np.argsort(there, kind="stable")[:near]
            gains += [(float(there[k]), _with(others, int(k))) for k in nearest if np.isfinite(there[k])]
            if lists.p < 0 and others.size:
                gains.append((0.0, others))
        if lists.p < 0 and self.data.is_whole:
            gains += [(0.0, _with(here.sites, int(k))) for k in np.flatnonzero(~blocked)]
        limit = _SETS if self.data.is_whole else 12
        return [sites for _, sites in sorted(gains, key=lambda pair: pair[0])[:limit]]


def _with(sites: Ints, k: int) -> Ints:
    """Return sorted sites with one more."""
    return np.sort(np.append(sites, k)).astype(np.int64)
