"""Branch and bound on the Lagrangian to knapsacks: sites open or closed, then which half of its sites serves a client.

Best bound first, so that the least open bound is a valid bound whenever the search stops. Branching on halves of a client's sites:
Ceselli and Righini (2005).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.problems.siting import Bools, Floats, Locks
from planner.siting.capacitated import kernels
from planner.siting.capacitated.data import Capacitated
from planner.siting.capacitated.kernels import Climb, Ints, SiteLists
from planner.siting.capacitated.primal import Plan, Primal
from planner.siting.capacitated.reduce import part_of, reduce_lists

#: Rounds, step length and patience of a node's climb.
_ROUNDS, _LENGTH, _PATIENCE = 45, 0.5, 5.0
#: A running mean this near to 0 or 1 counts as decided.
_DECIDED = 0.03
#: A site this often open is taken into a plan with divided demand.
_LIKELY = 0.4
#: Placing by HiGHS is tried again when this share of the pairs is left.
_FEWER = 0.6
#: Every so many nodes the sites of the relaxation are tried as a plan.
_TRY_EVERY = 10


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of the problem: the pairs left, locks, prices to start from, and how many pairs were left when placing failed."""

    lists: SiteLists
    price: Floats
    unplaced: float = np.inf


@dataclass(slots=True, eq=False)
class Branching:
    """Branch and bound from a root.

    Attributes
    ----------
    data, primal
        The problem, and the plan in hand (improved while searching).
    target
        Returns the value from which on a plan is no better than the one in hand.
    tell
        Told the bound now and then.
    place
        Places clients where all sites are decided; tells whether that settles the node.
    """

    data: Capacitated
    primal: Primal
    target: Callable[[], float]
    tell: Callable[[float], None]
    place: Callable[[SiteLists], bool]
    nodes: int = 0
    cut: str = ""

    def run(self, root: Node, bound: float, *, node_limit: int, stop: float, gap: float) -> float:
        """Search to proof or limit; return the bound proved (at least the target when the plan in hand is proved)."""
        heap: list[tuple[float, int, Node]] = [(bound, 0, root)]
        number = 0
        while heap:
            bound, _, node = heapq.heappop(heap)
            if bound >= self.target() or self.primal.best.value - bound <= gap * abs(self.primal.best.value):
                return bound
            if self.nodes >= node_limit or time.monotonic() > stop:
                self.cut = "nodes" if self.nodes >= node_limit else "time"
                return bound
            self.nodes += 1
            if self.nodes % 20 == 1:
                self.tell(bound)
            for child_bound, child in self._expand(node, bound):
                number += 1
                heapq.heappush(heap, (child_bound, number, child))
        return np.inf

    def _expand(self, node: Node, bound: float) -> list[tuple[float, Node]]:
        """Bound a node, take out what cannot be better, and split the rest."""
        lists, whole = node.lists, self.data.exact_knapsack
        count = lists.fixed.size
        goal = self.target()
        goal = goal if np.isfinite(goal) else abs(bound) * 1.1 + 1.0
        steps = np.array([goal, _LENGTH, _PATIENCE, -1e300, 0.0])
        climb = Climb(
            node.price.copy(),
            node.price.copy(),
            np.zeros(count),
            np.zeros(count),
            np.zeros(lists.cost.size),
            steps,
            self.primal.rung,
        )
        bound = max(bound, kernels.ascend(lists, climb, whole=whole, rounds=_ROUNDS))
        if bound >= self.target():
            return []
        if self.nodes % _TRY_EVERY == 1 or not self.data.is_whole:
            often = climb.often_open
            likely = often if self.data.is_whole else np.where(often > _LIKELY, often, 0.0)
            found = self.primal.plan_at(self.primal.completed(likely))
            self.primal.descend(found, 5 if self.nodes % _TRY_EVERY == 1 else 0)
        _, keep, locked = reduce_lists(
            lists, climb.best_price, self.target(), whole=whole, divided=not self.data.is_whole
        )
        left = part_of(lists, keep, locked)
        choices = np.bincount(left.client, minlength=lists.client_count)
        if (choices == 0).any() or (lists.p >= 0 and not _fits(locked, lists.p)):
            return []
        if self._is_leaf(left, choices):
            return []
        unplaced = node.unplaced
        if self.data.is_whole and not _undecided(left) and left.cost.size <= _FEWER * unplaced:
            if self.place(left):
                return []
            unplaced = float(left.cost.size)
        return [(bound, Node(child, climb.best_price, unplaced)) for child in self._split(left, climb, keep)]

    def _is_leaf(self, lists: SiteLists, choices: Ints) -> bool:
        """Solve a node without choice left: all sites decided (split demand) or all clients placed."""
        if not self.data.is_whole:
            if _undecided(lists):
                return False
            self.primal.plan_at(np.flatnonzero(lists.locked == 1).astype(np.int64))
            return True
        if (choices > 1).any():
            return False
        site = np.repeat(np.arange(lists.fixed.size), np.diff(lists.start))
        choice = np.empty(lists.client_count, dtype=np.int64)
        choice[lists.client] = site
        self._offer_placed(lists, choice)
        return True

    def _offer_placed(self, lists: SiteLists, choice: Ints) -> None:
        """Offer the plan in which every client has one site left (other sites opened only where they must be)."""
        problem = self.data.problem
        loads = np.bincount(choice, weights=problem.demand, minlength=lists.fixed.size)
        if (loads > problem.capacity * (1 + 1e-9)).any():
            return
        must = (lists.locked == 1) | (np.bincount(choice, minlength=lists.fixed.size) > 0)
        if lists.p >= 0:
            missing = lists.p - int(must.sum())
            free = np.flatnonzero(~must & (lists.locked == 0))
            if missing < 0 or free.size < missing:
                return
            must[free[np.argsort(lists.fixed[free], kind="stable")[:missing]]] = True
        sites = np.flatnonzero(must).astype(np.int64)
        share = (sites[None, :] == choice[:, None]).astype(np.float64)
        self.primal.take(Plan(self.primal.value_of(sites, share), sites, share))

    def _split(self, lists: SiteLists, climb: Climb, keep: Bools) -> list[SiteLists]:
        free = np.flatnonzero(lists.locked == 0)
        doubt = np.minimum(climb.often_open[free], 1.0 - climb.often_open[free])
        if free.size and (doubt.max() > _DECIDED or not self.data.is_whole):
            return _site_children(lists, int(free[np.argmax(doubt)]))
        return _client_children(lists, climb.often_share[keep])


def _undecided(lists: SiteLists) -> bool:
    """Tell whether a site that matters may still be open or closed."""
    return bool(((lists.locked == 0) & ((lists.p < 0) | (np.diff(lists.start) > 0))).any())


def _fits(locked: Locks, p: int) -> bool:
    return bool((locked == 1).sum() <= p <= (locked >= 0).sum())


def _site_children(lists: SiteLists, j: int) -> list[SiteLists]:
    closed, opened = lists.locked.copy(), lists.locked.copy()
    closed[j], opened[j] = -1, 1
    keep = np.ones(lists.cost.size, dtype=np.bool_)
    without = keep.copy()
    without[lists.start[j] : lists.start[j + 1]] = False
    return [part_of(lists, without, closed), part_of(lists, keep, opened)]


def _client_children(lists: SiteLists, often: Floats) -> list[SiteLists]:
    """Split the sites of the client the relaxation divides most into two halves of about equal use."""
    choices = np.bincount(lists.client, minlength=lists.client_count)
    most = np.zeros(lists.client_count)
    np.maximum.at(most, lists.client, often)
    most[choices < 2] = np.inf  # noqa: PLR2004 - nothing to choose
    client = int(np.argmin(most))
    mine = np.flatnonzero(lists.client == client)
    order = mine[np.argsort(-often[mine], kind="stable")]
    first = order[::2] if often[order[0]] < 1 - _DECIDED else order[:1]
    if often[order[0]] >= 0.5:  # noqa: PLR2004 - one site takes more than half
        first = order[:1]
    children = []
    for half in (first, np.setdiff1d(mine, first)):
        keep = np.ones(lists.cost.size, dtype=np.bool_)
        keep[mine] = False
        keep[half] = True
        children.append(part_of(lists, keep, lists.locked))
    return children
