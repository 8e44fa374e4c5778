"""Search for the least-cost set of lockers: a good start, then best-first branch and bound on proved bounds.

Without anything that ties far-apart hosts together (budget, counts, coverage, pairs), hosts and places that are
linked by reach form independent parts, each searched by itself; a county's lockers fall into many small parts.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.siting import Bools, SitingProblem
from planner.siting.lockers.bound import LockerBound
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.lockers.problem import LockerProblem
from planner.siting.lockers.relaxation import LockerRelaxation
from planner.siting.lockers.rules import LockerRules
from planner.siting.selection import SolveLimits

#: Told (best cost or None, proved bound).
Listener = Callable[[float | None, float], None]
_TOLERANCE = 1e-9
_HALF = 0.5
#: Free hosts up to which the own search goes on to the end; with more it hands over to HiGHS after `OWN_NODES`.
OWN_HOSTS = 11
OWN_NODES = 150
#: Sets HiGHS may propose; it stops earlier when the bound moves by less than `SLOW_SHARE` in two rounds running.
ROUNDS = 40
SLOW_SHARE = 5e-4
#: HiGHS keeps rows to a tolerance; its bounds are lowered by this share.
ROUNDING = 1e-7


@dataclass(frozen=True, slots=True)
class LockerAnswer:
    """What a search found.

    Attributes
    ----------
    open_hosts
        Best set, or None.
    cost
        Its cost, or inf.
    bound
        Proved lower bound; inf if no set keeps the rules.
    nodes
        Nodes looked at.
    was_timed
        The clock ended it.
    """

    open_hosts: tuple[int, ...] | None
    cost: float
    bound: float
    nodes: int
    was_timed: bool


def search(problem: LockerProblem, limits: SolveLimits, listener: Listener) -> LockerAnswer:
    """Return the best set of lockers within the limits, part by part where parts are independent."""
    evaluator = LockerEvaluator(problem)
    if LockerRules(evaluator).is_coupled:
        return _Search(evaluator, limits, listener).run()
    chosen: list[int] = []
    cost = bound = 0.0
    nodes, was_timed = 0, False
    end = time.monotonic() + limits.time_limit_s
    for places, hosts in parts(problem):
        left = replace(
            limits, time_limit_s=max(0.0, end - time.monotonic()), node_limit=max(1, limits.node_limit - nodes)
        )
        answer = _Search(LockerEvaluator(part(problem, places, hosts)), left, lambda _cost, _bound: None).run()
        if answer.open_hosts is None:
            return LockerAnswer(None, np.inf, answer.bound, nodes + answer.nodes, answer.was_timed)
        chosen += [hosts[j] for j in answer.open_hosts]
        cost, bound = cost + answer.cost, bound + answer.bound
        nodes, was_timed = nodes + answer.nodes, was_timed or answer.was_timed
    listener(cost, bound)
    return LockerAnswer(tuple(sorted(chosen)), cost, bound, nodes, was_timed)


def parts(problem: LockerProblem) -> list[tuple[list[int], list[int]]]:
    """Return independent parts as (places, hosts); places without a host in reach belong to none."""
    reach = problem.siting.distance.tocsr()
    n, m = reach.shape
    links = sparse.csr_array((np.ones(reach.data.size), reach.indices, reach.indptr), shape=(n, m))
    graph = (
        sparse.block_array([[None, links], [links.T, None]], format="csr")
        if links.nnz
        else sparse.csr_array((n + m, n + m))
    )
    _, names = sparse.csgraph.connected_components(graph, directed=False)
    found: dict[int, tuple[list[int], list[int]]] = {}
    for j in range(m):
        found.setdefault(int(names[n + j]), ([], []))[1].append(j)
    for i in range(n):
        if int(names[i]) in found:
            found[int(names[i])][0].append(i)
    return [found[name] for name in sorted(found, key=lambda name: found[name][1][0])]


def part(problem: LockerProblem, places: list[int], hosts: list[int]) -> LockerProblem:
    """Return the problem of some places and hosts; what ties hosts together is left out."""
    siting = problem.siting
    rows, columns = np.array(places, dtype=np.intp), np.array(hosts, dtype=np.intp)
    small = SitingProblem(
        demand_ids=tuple(siting.demand_ids[i] for i in places),
        site_ids=tuple(siting.site_ids[j] for j in hosts),
        weight=siting.weight[rows],
        distance=sparse.csr_array(siting.distance.tocsr()[rows][:, columns]),
        demand=siting.demand[rows],
        fixed_cost=siting.fixed_cost[columns],
        capacity=siting.capacity[columns],
        capex_cny=siting.capex_cny[columns],
        yearly_cny=siting.yearly_cny[columns],
        closing_cny=siting.closing_cny[columns],
        is_existing=siting.is_existing[columns],
        locked=LockerRules(LockerEvaluator(problem)).locks[columns]
        if siting.side.near_sites
        else siting.locked[columns],
    )
    return LockerProblem(
        small, tuple(problem.places[i] for i in places), tuple(problem.hosts[j] for j in hosts), problem.settings
    )


class _Search:
    def __init__(self, evaluator: LockerEvaluator, limits: SolveLimits, listener: Listener) -> None:
        self.evaluator, self.limits, self.listener = evaluator, limits, listener
        self.rules, self.bounds = LockerRules(evaluator), LockerBound(evaluator)
        self.best: Bools | None = None
        self.cost = np.inf
        self.nodes = 0
        self.end = time.monotonic() + limits.time_limit_s
        self.was_timed = False

    def run(self) -> LockerAnswer:
        locks = self.rules.locks
        start, free = locks == 1, locks == 0
        if not self.rules.can_be_kept(start, free):
            return LockerAnswer(None, np.inf, np.inf, 0, False)
        self._improve(start, free)
        bound = self._branch(start, free)
        if not self._enough(bound) and not self._late():
            bound = max(bound, self._relax(free))
        chosen = None if self.best is None else tuple(int(j) for j in np.flatnonzero(self.best))
        return LockerAnswer(chosen, float(self.cost), float(min(bound, self.cost)), self.nodes, self.was_timed)

    def _try(self, mask: Bools) -> bool:
        """Keep `mask` if it is the best so far."""
        if not self.rules.is_kept(mask):
            return False
        cost = self.evaluator.yearly_cny(np.flatnonzero(mask).tolist())
        if cost >= self.cost - _TOLERANCE * max(1.0, abs(self.cost) if np.isfinite(self.cost) else 1.0):
            return False
        self.best, self.cost = mask.copy(), cost
        return True

    def _improve(self, start: Bools, free: Bools) -> None:
        """Open, close and swap one host at a time while it pays."""
        self._try(start)
        if self.best is None:
            self._cover(start, free)
        while self.best is not None and not self._late():
            before = self.cost
            base = self.best.copy()
            for mask in _neighbours(base, free):
                self._try(mask)
                if self._late():
                    break
            if self.cost >= before:
                return

    def _cover(self, start: Bools, free: Bools) -> None:
        """Find a first set by opening, one after the other, the host that covers most."""
        mask = start.copy()
        while self.best is None and (free & ~mask).any():
            gains = []
            for j in np.flatnonzero(free & ~mask):
                trial = mask.copy()
                trial[j] = True
                if self.rules.can_be_kept(trial, free & ~trial):
                    gains.append(
                        (-self.rules.covered(trial), self.evaluator.yearly_cny(np.flatnonzero(trial).tolist()), int(j))
                    )
            if not gains:
                return
            mask[min(gains)[2]] = True
            self._try(mask)

    def _late(self) -> bool:
        if time.monotonic() >= self.end:
            self.was_timed = True
        return self.was_timed

    def _enough(self, bound: float, tolerance: float = _TOLERANCE) -> bool:
        if not np.isfinite(self.cost):
            return False
        slack = max(tolerance * max(1.0, abs(self.cost)), self.limits.relative_gap * abs(self.cost))
        return bound >= self.cost - slack

    def _branch(self, start: Bools, free: Bools) -> float:
        """Return the proved bound after the search."""
        heap = [(self.bounds.bound(start, free), 0, start, free)]
        pushed = 0
        is_small = int(free.sum()) <= OWN_HOSTS
        most = self.limits.node_limit if is_small else min(self.limits.node_limit, OWN_NODES)
        while heap:
            bound, _, is_open, is_free = heap[0]
            self.listener(None if self.best is None else float(self.cost), float(min(bound, self.cost)))
            if self._enough(bound) or self.nodes >= most or self._late():
                return bound
            heapq.heappop(heap)
            self.nodes += 1
            j = self._branch_host(is_open, is_free)
            rest = is_free.copy()
            rest[j] = False
            more = is_open.copy()
            more[j] = True
            for child in (more, is_open):
                if not self.rules.can_be_kept(child, rest):
                    continue
                self._try(child)
                if rest.any():
                    least = max(bound, self.bounds.bound(child, rest))
                    if not self._enough(least):
                        pushed += 1
                        heapq.heappush(heap, (least, pushed, child, rest))
        return float(self.cost)

    def _relax(self, free: Bools) -> float:
        """Return a bound by HiGHS, cutting off one evaluated set after the other."""
        relaxation = LockerRelaxation(self.evaluator, self.rules)
        bound = -np.inf
        slow = 0
        for _ in range(ROUNDS):
            left = self.end - time.monotonic()
            if left <= 0.0 or self.nodes >= self.limits.node_limit:
                break
            limits = EngineLimits(self.limits.relative_gap, self.limits.node_limit - self.nodes, left, self.limits.seed)
            answer = solve_linear(relaxation.model, limits)
            self.nodes += 1
            if answer.outcome == "infeasible":
                return float(self.cost)
            if answer.bound is not None:
                least = answer.bound - ROUNDING * abs(answer.bound)
                slow = slow + 1 if np.isfinite(bound) and least - bound < SLOW_SHARE * abs(bound) else 0
                bound = max(bound, least)
            self.was_timed = self.was_timed or answer.cut == "time"
            if answer.values is None or self._enough(bound, 3.0 * ROUNDING):
                break
            mask = answer.values[: free.size] > _HALF
            if self._try(mask):
                self._improve(mask, free)
            self.listener(None if self.best is None else float(self.cost), float(min(bound, self.cost)))
            if self._enough(bound, 3.0 * ROUNDING) or slow > 1:
                break
            relaxation.cut_off(mask)
        return float(min(bound, self.cost))

    def _branch_host(self, is_open: Bools, is_free: Bools) -> int:
        """Branch on the free host with the largest catchment not yet served by an open one."""
        reach, lockable = self.rules.reach, self.evaluator.problem.lockable
        fresh = ~reach[:, is_open].any(axis=1)
        catchment = lockable @ reach + 2.0 * ((lockable * fresh) @ reach)
        return int(np.argmax(np.where(is_free, catchment, -1.0)))


def _neighbours(base: Bools, free: Bools) -> list[Bools]:
    flips = [int(j) for j in np.flatnonzero(free)]
    found = []
    for j in flips:
        mask = base.copy()
        mask[j] = ~mask[j]
        found.append(mask)
    for out in flips:
        for into in flips:
            if base[out] and not base[into]:
                mask = base.copy()
                mask[out], mask[into] = False, True
                found.append(mask)
    return found
