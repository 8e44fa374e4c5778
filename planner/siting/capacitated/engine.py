"""Capacitated fixed charge and capacitated p-median: Lagrangian to knapsacks, reduction by its prices, HiGHS on what remains.

Relaxing the service of each demand point (Geoffrion and McBride 1978; Beasley 1988; Holmberg, Rönnqvist and Yuan 1999 for single
sourcing) leaves one knapsack a site: its bound is that of the strong linear model for split demand and better for single
sourcing. Every pair and site whose best plan, by the bound, cannot beat the plan in hand is taken out; a plan that is better than the
one in hand survives, so the rest solved by HiGHS proves or improves it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from planner.engines.mathopt import ENGINE
from planner.problems.siting import Bools, Floats, Locks, SitingProblem
from planner.progress import ProgressEvent, ProgressListener
from planner.siting import milp_serve
from planner.siting.capacitated import kernels
from planner.siting.capacitated.data import Capacitated, prepare, reduced_distance
from planner.siting.capacitated.primal import Primal
from planner.siting.milp import Outcome, read_answer, selection, solve_form
from planner.siting.milp_decide import Allocation
from planner.siting.selection import SiteSelection, SolveLimits

NAME = f"Lagrangian to knapsacks, then {ENGINE}"
_CHUNK = 25
_KICKS = 6
#: Relative slack of every comparison that proves something.
_SLACK = 1e-9
_SPLIT_PHASE = (400, 1.5, 12.0)
_WHOLE_PHASE = (250, 0.5, 8.0)


@dataclass(slots=True, eq=False)
class _Dual:
    """Prices with the bound they prove and the sites their relaxation opens."""

    price: Floats
    opened: Floats
    bound: float = -np.inf


def solve_capacitated(
    model: str,
    problem: SitingProblem,
    *,
    single_source: bool,
    limits: SolveLimits,
    listener: ProgressListener,
) -> SiteSelection:
    """Solve a capacitated model with locks and p, without other side constraints."""
    options = {"single_source": single_source}
    search = _Search(prepare(problem, single_source=single_source), limits, listener)
    outcome = search.run(model, options)
    return selection(model, problem, options, outcome, limits, engine=NAME)


class _Search:
    def __init__(self, data: Capacitated, limits: SolveLimits, listener: ProgressListener) -> None:
        self.data = data
        self.limits = limits
        self.listener = listener
        self.primal = Primal(data)
        self.stop = time.monotonic() + limits.time_limit_s
        self.rng = np.random.default_rng(limits.seed)
        self.dual = _Dual(_first_prices(data), np.zeros(data.lists.fixed.size))

    @property
    def target(self) -> float:
        """Return the value from which on a plan is no better than the one in hand."""
        value = self.primal.best.value
        return value - self.data.step + 1e-6 if self.data.step else value * (1 - _SLACK) if value > 0 else value

    def closed(self) -> bool:
        """Tell whether the bound proves the plan, or comes as near as asked."""
        value = self.primal.best.value
        return self.dual.bound >= self.target or value - self.dual.bound <= self.limits.relative_gap * abs(value)

    def run(self, model: str, options: dict[str, bool]) -> Outcome:
        """Search to proof or limit."""
        self._phase(_SPLIT_PHASE, whole=False)
        if not self.closed() and self.data.exact_knapsack:
            self._phase(_WHOLE_PHASE, whole=True)
        if self.closed():
            return self._outcome("")
        return self._finish(model, options)

    def _phase(self, phase: tuple[int, float, float], *, whole: bool) -> None:
        """Climb in chunks; after each, try the sites the relaxation opens."""
        rounds, length, patience = phase
        dual, steps = self.dual, np.array([0.0, length, patience, self.dual.bound, 0.0])
        price, best = dual.price.copy(), dual.price.copy()
        for _ in range(0, rounds, _CHUNK):
            value = self.primal.best.value
            steps[0] = value if np.isfinite(value) else abs(steps[3]) * 1.1 + 1.0 if np.isfinite(steps[3]) else 1e9
            if not np.isfinite(value) and not np.isfinite(steps[3]):
                steps[0] = float(np.abs(dual.price).sum()) * 1.1 + 1.0
            kernels.ascend(self.data.lists, price, best, dual.opened, steps, whole=whole, rounds=_CHUNK)
            dual.price, dual.bound = best.copy(), float(steps[3])
            self.primal.offer(self.primal.completed(dual.opened))
            self._improve(whole=whole)
            self._tell()
            if self.closed() or steps[1] < 5e-3 or time.monotonic() > self.stop:
                return

    def _improve(self, *, whole: bool) -> None:
        """Search around the best plan: to a local best, and in the second phase from kicked plans."""
        if not np.isfinite(self.primal.best.value):
            return
        self.primal.descend(self.primal.best, 50 if self.data.is_whole else 1)
        if not whole:
            return
        for number in range(_KICKS):
            kicked = self.primal.kick(self.rng, 2 + number % 2)
            if np.isfinite(kicked.value):
                self.primal.descend(kicked, 30)
            if time.monotonic() > self.stop:
                return

    def _tell(self) -> None:
        value, bound = self.primal.best.value, self.dual.bound
        known = value if np.isfinite(value) else None
        gap = None if known is None else max(0.0, (known - bound) / max(abs(known), 1e-12))
        self.listener(ProgressEvent("siting", known, min(bound, value), gap))

    def _outcome(self, cut: str, bound: float | None = None) -> Outcome:
        best, proved = self.primal.best, self.dual.bound if bound is None else bound
        if not np.isfinite(best.value):
            return Outcome(bound=proved, cut=cut)
        proved = best.value if proved >= self.target else min(proved, best.value)
        return Outcome(tuple(best.sites.tolist()), _allocation(best.sites, best.share), best.value, proved, cut=cut)

    def _finish(self, model: str, options: dict[str, bool]) -> Outcome:
        """Give HiGHS the pairs and sites that can still be part of a better plan."""
        keep, locked = self._reduce()
        left = self.stop - time.monotonic()
        if left <= 0:
            return self._outcome("time")
        reduced = replace(self.data.problem, distance=reduced_distance(self.data, keep), locked=locked)
        form = milp_serve.facility_location(reduced, options)
        inner = replace(self.limits, time_limit_s=left)
        answer = solve_form(form, inner, hint=self._hint(form), tell=self._hear)
        found = read_answer(model, reduced, form, answer, options)
        if found.infeasible:
            # Nothing better than the plan in hand is left; without a plan nothing was taken out, so there is none.
            has_plan = np.isfinite(self.primal.best.value)
            return self._outcome("", self.primal.best.value) if has_plan else Outcome(infeasible=True)
        rest = -np.inf if found.bound is None else found.bound
        bound = max(self.dual.bound, rest)
        if found.objective is not None and found.objective < self.primal.best.value:
            proved = min(bound, found.objective)
            return Outcome(found.open_sites, found.allocation, found.objective, proved, cut=found.cut)
        return self._outcome(found.cut, bound)

    def _hear(self, objective: float | None, bound: float | None) -> None:
        value = min(self.primal.best.value, np.inf if objective is None else objective)
        proved = max(self.dual.bound, -np.inf if bound is None else min(bound, value))
        if np.isfinite(value):
            gap = max(0.0, (value - proved) / max(abs(value), 1e-12))
            self.listener(ProgressEvent("siting", value, proved, gap))

    def _hint(self, form: milp_serve.Form) -> Floats | None:
        """Return the plan in hand as a first solution, if all its pairs are still there."""
        best, pairs = self.primal.best, form.pairs
        if not np.isfinite(best.value) or pairs is None:
            return None
        share = np.zeros(self.data.cost.shape)
        share[:, best.sites] = best.share
        values = np.zeros(len(form.linear.costs))
        values[best.sites] = 1.0
        values[pairs.column] = share[pairs.demand, pairs.site]
        return values

    def _reduce(self) -> tuple[Bools, Locks]:
        """Return the pairs that can be part of a better plan, and the locks it must have."""
        lists, dual = self.data.lists, self.dual
        keep: Bools = np.isfinite(self.data.cost)
        locked = lists.locked.copy()
        if not np.isfinite(self.primal.best.value):
            return keep, locked
        value, room_price = np.empty(lists.fixed.size), np.empty(lists.fixed.size)
        share = np.zeros(lists.cost.size)
        kernels.split_values(lists, dual.price, value, share, room_price)
        opened = np.zeros(lists.fixed.size)
        total, last, following = kernels.choose_sites(lists, value, opened)
        bound = float(dual.price.sum()) + total
        scale = np.ones(lists.fixed.size) if lists.p >= 0 else lists.capacity
        opening = np.where(opened > 0, 0.0, np.maximum(value - last * scale, 0.0))
        closing = np.where(opened > 0, np.maximum(following * scale - value, 0.0), 0.0)
        free = locked == 0
        locked[free & (bound + opening >= self.target)] = -1
        locked[free & (opened >= 1) & (bound + closing >= self.target)] = 1
        site = np.repeat(np.arange(lists.fixed.size), np.diff(lists.start))
        forced = lists.cost - dual.price[lists.client] + room_price[site] * lists.quantity
        gone = bound + opening[site] + np.maximum(forced, 0.0) >= self.target
        keep[lists.client[gone], site[gone]] = False
        return keep, locked


def _first_prices(data: Capacitated) -> Floats:
    """Return each demand point's cheapest service with its part of the site's fixed cost."""
    lists = data.lists
    site_price = lists.fixed / np.maximum(lists.capacity, 1e-9)
    with_site = data.cost + site_price[None, :] * data.problem.demand[:, None]
    cheapest = np.sort(with_site, axis=1)
    second = cheapest[:, min(1, cheapest.shape[1] - 1)]
    return np.where(np.isfinite(second), second, np.where(np.isfinite(cheapest[:, 0]), cheapest[:, 0], 0.0))


def _allocation(sites: Floats, share: Floats) -> Allocation:
    found = {}
    for i in range(share.shape[0]):
        parts = [(int(sites[k]), float(share[i, k])) for k in np.flatnonzero(share[i] > 1e-9)]
        total = sum(part for _, part in parts)
        found[i] = tuple((site, part / total) for site, part in parts)
    return found

