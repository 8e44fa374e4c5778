"""Capacitated fixed charge and capacitated p-median: Lagrangian to knapsacks, reduction by its prices, HiGHS on what remains.

Relaxing the service of each demand point (Geoffrion and McBride 1978; Beasley 1988; Holmberg, Rönnqvist and Yuan 1999 for single
sourcing) leaves one knapsack a site: its bound is that of the strong linear model for split demand and better for single
sourcing. Every pair and site whose best plan, by the bound, cannot beat the plan in hand is taken out; a plan that is better than the
one in hand survives, so the rest solved by HiGHS proves or improves it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from planner.engines.mathopt import ENGINE
from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressEvent, ProgressListener
from planner.siting import milp_serve
from planner.siting.capabilities import Engine
from planner.siting.capacitated import kernels
from planner.siting.capacitated.branch import Branching, Node
from planner.siting.capacitated.data import Capacitated, prepare, reduced_distance
from planner.siting.capacitated.kernels import Climb, Ints, SiteLists
from planner.siting.capacitated.place import place_on
from planner.siting.capacitated.primal import Primal
from planner.siting.capacitated.reduce import part_of, reduce_lists
from planner.siting.clock import Alarm, left_of
from planner.siting.milp import Outcome, read_answer, selection, solve_form
from planner.siting.milp_decide import Allocation
from planner.siting.p_median.problem import refuse_unkept
from planner.siting.refusals import Needs, check_problem
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import without_near

_FAST = Engine("fast", frozenset({"locks", "near", "capacity", "fixed_cost", "single_source"}))
NAME = f"Lagrangian to knapsacks, then {ENGINE}"
_CHUNK = 25
#: First goals of the search lie this much (relative) over the bound.
_GOAL = 0.01
_KICKS = 3
#: Pairs up to which divided demand is left to HiGHS after a short climb.
_SMALL = 5000
_SMALL_PHASE = (75, 1.5, 8.0)
_DESCEND_EVERY = 4
#: Seconds to place clients at a node of the search.
_NODE_S = 1.5
#: Nodes and share of the time for the relaxation with divided demand; nodes and seconds to place clients on given
#: sites, and how many sets are tried.
_SPLIT_NODES, _SPLIT_TIME = 400, 0.25
_PLACE_NODES, _PLACE_S, _PLACED = 500, 5.0, 6
#: Relative slack of every comparison that proves something.
_SLACK = 1e-9
#: A step this short ends a climb.
_SHORT = 5e-3
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
    """Check and solve a capacitated model with locks, nearness and p; other side constraints are refused."""
    options = {"single_source": single_source}
    stop = time.monotonic() + limits.time_limit_s
    check_problem(problem, Needs(p=model == "capacitated_p_median", serves_all=True), options)
    refuse_unkept(problem, model, _FAST)
    problem = without_near(problem)
    data = prepare(problem, single_source=single_source)
    with Alarm(stop - time.monotonic()) as alarm:
        outcome = _Search(data, limits, listener, stop=stop, rung=alarm.rung).run()
    return selection(model, problem, options, outcome, limits, engine=NAME)


class _Search:
    def __init__(
        self, data: Capacitated, limits: SolveLimits, listener: ProgressListener, *, stop: float, rung: Ints
    ) -> None:
        self.data = data
        self.limits = limits
        self.listener = listener
        self.primal = Primal(data, rung=rung)
        self.stop = stop
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

    def run(self) -> Outcome:
        """Search to proof or limit."""
        small = not self.data.is_whole and self.data.lists.cost.size <= _SMALL
        self._phase(_SMALL_PHASE if small else _SPLIT_PHASE, whole=False)
        if not self.closed() and self.data.is_whole:
            self._from_split()
        if not self.closed() and self.data.exact_knapsack:
            self._phase(_WHOLE_PHASE, whole=True)
        if self.data.is_whole:
            for sites in self.primal.promising()[:_PLACED]:
                if not self.closed():
                    self._place(sites)
        if self.closed():
            return self._outcome("")
        if small:
            return self._small()
        return self._finish()

    def _phase(self, phase: tuple[int, float, float], *, whole: bool) -> None:
        """Climb in chunks; after each, try the sites the relaxation opens."""
        rounds, length, patience = phase
        dual, steps = self.dual, np.array([0.0, length, patience, self.dual.bound, 0.0])
        lists = self.data.lists
        often = np.zeros(lists.cost.size)
        often_open, rung = np.zeros(lists.fixed.size), self.primal.rung
        climb = Climb(dual.price.copy(), dual.price.copy(), dual.opened, often_open, often, steps, rung)
        for number in range(rounds // _CHUNK):
            value = self.primal.best.value
            steps[0] = value if np.isfinite(value) else abs(steps[3]) * 1.1 + 1.0 if np.isfinite(steps[3]) else 1e9
            if not np.isfinite(value) and not np.isfinite(steps[3]):
                steps[0] = float(np.abs(dual.price).sum()) * 1.1 + 1.0
            kernels.ascend(self.data.lists, climb, whole=whole, rounds=_CHUNK)
            dual.price, dual.bound = climb.best_price.copy(), float(steps[3])
            found = self.primal.plan_at(self.primal.completed(dual.opened))
            if self.data.is_whole and number % _DESCEND_EVERY == 0:
                self.primal.descend(found, 5)
            self._improve(whole=whole)
            self._tell()
            if self.closed() or steps[1] < _SHORT or time.monotonic() > self.stop:
                return

    def _from_split(self) -> None:
        """Take the sites of the best plan with divided demand, and place the clients on them by HiGHS.

        Dividing demand is a relaxation, so what is proved of it is proved here; its sites are often the right ones.
        """
        left = self.stop - time.monotonic()
        data = prepare(self.data.problem, single_source=False)
        seconds = max(left * _SPLIT_TIME, 0.01)
        limits = replace(self.limits, node_limit=_SPLIT_NODES, time_limit_s=seconds)
        with Alarm(seconds) as alarm:
            stop = time.monotonic() + seconds
            search = _Search(data, limits, lambda _event: None, stop=stop, rung=alarm.rung)
            relaxed = search.run()
        if relaxed.bound is not None:
            self.dual.bound = max(self.dual.bound, min(relaxed.bound, self.primal.best.value))
        for sites in (search.primal.best.sites, self.primal.best.sites):
            if sites.size and not self.closed():
                self._place(sites)
        self._tell()

    def _place(self, sites: Ints) -> None:
        """Offer the best single-source plan on given sites that HiGHS finds within a few nodes."""
        locked = np.full(self.data.lists.fixed.size, -1, dtype=np.int8)
        locked[sites] = 1
        place_on(self.data, self.primal, replace(self.data.problem, locked=locked), self._limits(_PLACE_S))

    def _place_left(self, lists: SiteLists) -> bool:
        """Place clients on the pairs left of a node whose sites are decided; tell whether that settles the node."""
        held = np.zeros(self.data.cost.shape, dtype=np.bool_)
        held[lists.client, np.repeat(np.arange(lists.fixed.size), np.diff(lists.start))] = True
        problem = replace(self.data.problem, distance=reduced_distance(self.data, held), locked=lists.locked)
        return place_on(self.data, self.primal, problem, self._limits(_NODE_S))

    def _limits(self, most_s: float) -> SolveLimits:
        left = max(min(self.stop - time.monotonic(), most_s), 0.01)
        return replace(self.limits, relative_gap=0.0, node_limit=_PLACE_NODES, time_limit_s=left)

    def _improve(self, *, whole: bool) -> None:
        """Search around the best plan: to a local best, and in the second phase from kicked plans."""
        if not np.isfinite(self.primal.best.value):
            return
        if self.data.is_whole or self.data.lists.cost.size > _SMALL:
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

    def _outcome(self, cut: str) -> Outcome:
        best, proved = self.primal.best, self.dual.bound
        if not np.isfinite(best.value):
            return Outcome(bound=proved, cut=cut)
        proved = best.value if proved >= self.target else min(proved, best.value)
        return Outcome(tuple(best.sites.tolist()), _allocation(best.sites, best.share), best.value, proved, cut=cut)

    def _finish(self) -> Outcome:
        """Search what is left for plans below a goal; when there is none the goal is a bound, and the next one is higher.

        A goal near the bound leaves few pairs and sites, so a search that starts low is short; the last goal is the plan in hand.
        """
        cut, nodes = "", 0
        while not cut and not self.closed():
            goal = self._goal()
            search = Branching(self.data, self.primal, partial(self._below, goal), self._tell_bound, self._place_left)
            proved = self._search_below(search, goal, self.limits.node_limit - nodes)
            cut, nodes = search.cut, nodes + search.nodes
            if not np.isfinite(proved) and not np.isfinite(goal) and not np.isfinite(self.primal.best.value):
                return Outcome(infeasible=True)
            self.dual.bound = max(self.dual.bound, min(proved, goal))
        return self._outcome(cut)

    def _left(self, below: float) -> SitingProblem:
        """Return the problem with only what can be part of a plan below a value."""
        lists = self.data.lists
        _, keep, locked = reduce_lists(
            lists, self.dual.price, below, whole=self.data.exact_knapsack, divided=not self.data.is_whole
        )
        held = np.zeros(self.data.cost.shape, dtype=np.bool_)
        site = np.repeat(np.arange(lists.fixed.size), np.diff(lists.start))
        held[lists.client[keep], site[keep]] = True
        return replace(self.data.problem, distance=reduced_distance(self.data, held), locked=locked)

    def _small(self) -> Outcome:
        """Give what is left of a small problem with divided demand to HiGHS."""
        left = self._left(self.target)
        form = milp_serve.facility_location(left, {"single_source": False})
        answer = solve_form(form, left_of(self.limits, self.stop))
        if answer.outcome == "infeasible":
            # Nothing better is left; without a plan in hand nothing was taken out, so there is none at all.
            if not np.isfinite(self.primal.best.value):
                return Outcome(infeasible=True)
            self.dual.bound = self.primal.best.value
            return self._outcome("")
        found = read_answer("facility_location", left, form, answer, {"single_source": False})
        if found.bound is not None:
            self.dual.bound = max(self.dual.bound, min(found.bound, self.primal.best.value))
        if found.objective is None or found.objective >= self.primal.best.value:
            return self._outcome(found.cut)
        return replace(found, bound=min(self.dual.bound, found.objective))

    def _below(self, goal: float) -> float:
        return min(self.target, goal)

    def _goal(self) -> float:
        step = _GOAL * max(abs(self.dual.bound), 1e-9)
        goal = self.dual.bound + step
        return goal if np.isfinite(self.target) and goal + 0.5 * step < self.target else np.inf

    def _search_below(self, search: Branching, goal: float, node_limit: int) -> float:
        """Return the bound proved by a search below the goal, from the root, with what the root's prices rule out taken out."""
        lists = self.data.lists
        below = min(self.target, goal)
        whole, divided = self.data.exact_knapsack, not self.data.is_whole
        bound, keep, locked = reduce_lists(lists, self.dual.price, below, whole=whole, divided=divided)
        root = Node(part_of(lists, keep, locked), self.dual.price)
        if (np.bincount(root.lists.client, minlength=lists.client_count) == 0).any():
            return np.inf
        stop, gap = self.stop, self.limits.relative_gap
        return search.run(root, max(bound, self.dual.bound), node_limit=node_limit, stop=stop, gap=gap)

    def _tell_bound(self, bound: float) -> None:
        self.dual.bound = max(self.dual.bound, min(bound, self.primal.best.value))
        self._tell()


def _first_prices(data: Capacitated) -> Floats:
    """Return each demand point's cheapest service with its part of the site's fixed cost."""
    lists = data.lists
    site_price = lists.fixed / np.maximum(lists.capacity, 1e-9)
    with_site = data.cost + site_price[None, :] * data.problem.demand[:, None]
    cheapest = np.sort(with_site, axis=1)
    second = cheapest[:, min(1, cheapest.shape[1] - 1)]
    return np.where(np.isfinite(second), second, np.where(np.isfinite(cheapest[:, 0]), cheapest[:, 0], 0.0))


def _allocation(sites: Ints, share: Floats) -> Allocation:
    found = {}
    for i in range(share.shape[0]):
        parts = [(int(sites[k]), float(share[i, k])) for k in np.flatnonzero(share[i] > _SLACK)]
        total = sum(part for _, part in parts)
        found[i] = tuple((site, part / total) for site, part in parts)
    return found
