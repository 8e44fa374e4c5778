"""p-median on the plane at any size: lists as far as memory allows, bounds over all sites.

A first answer comes from weighted seeding and alternating location and allocation (Cooper 1964; Arthur and
Vassilvitskii 2007). Each round then works on a core of sites (Avella, Boccia, Salerno and Vasilyev 2012): interchange
and subgradient steps on lists cut at a radius; the multipliers are then priced over *all* sites without any list,
which makes the bound valid for the whole problem; sites whose reduced cost excludes them leave, and the best of the
others form the next core. Open sets are measured through a k-d tree, never by a cut list.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from planner.siting.clock import Alarm
from planner.siting.p_median import engine, plane_kernels
from planner.siting.p_median.engine import MedianAnswer, MedianLimits
from planner.siting.p_median.kernels import Bools, Floats, Ints, Sites
from planner.siting.p_median.lists import CostLists
from planner.siting.p_median.views import Dual, MedianInstance, Search, View

#: Pairs a core's lists may hold: about 24 bytes each.
_PAIRS = 12_000_000
_ROUNDS = 12
#: A round that leaves more of the gap than this is the last.
_STALLED = 0.9
#: (step, iterations, patience) of the first and the later rounds.
_PLANS = ((1.5, 300, 15), (1.0, 300, 15))
#: Most random kicks a round, and the pairs they may look through in all.
_KICKS = 400
_KICK_PAIRS = 40_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Clients and sites on a plane.

    Attributes
    ----------
    client, site
        Shape (2, clients) and (2, sites); sites ascending in x.
    weight
        Shape (clients,).
    whole
        Distances are rounded down to whole numbers.
    """

    client: Floats
    site: Floats
    weight: Floats
    whole: bool

    def cost_of(self, opened: Ints) -> float:
        """Return the exact cost of an open set."""
        return float(self.nearest(opened, 1)[0] @ self.weight)

    def nearest(self, opened: Ints, count: int) -> Floats:
        """Return distances to the `count` nearest open sites (or all), nearest first; (count, clients)."""
        tree = cKDTree(self.site[:, opened].T)
        distance = tree.query(self.client.T, k=list(range(1, min(count, opened.size) + 1)))[0].T
        return np.asarray(np.floor(distance) if self.whole else distance)

    def farthest(self) -> Floats:
        """Return for each client a distance no site exceeds."""
        low, high = self.site.min(axis=1)[:, None], self.site.max(axis=1)[:, None]
        corner = np.maximum(np.abs(self.client - low), np.abs(self.client - high))
        return np.asarray(np.ceil(np.hypot(corner[0], corner[1])))

    def values(self, multiplier: Floats) -> Floats:
        """Return the Lagrangian value of every site."""
        value = np.zeros(self.site.shape[1])
        plane_kernels.plane_values(self.client, self.site, multiplier, self.weight, int(self.whole), value)
        return value

    def pairs_within(self, core: Ints, reach: Floats) -> Ints:
        """Return the number of sites of `core` closer than `reach` to each client."""
        start = np.zeros(reach.size + 1, np.int64)
        self._near(core, reach, (start, np.empty(0, np.int32), np.empty(0)))
        return start[1:]

    def _near(self, core: Ints, reach: Floats, entries: tuple[Ints, Sites, Floats]) -> None:
        near = np.ascontiguousarray(self.site[:, core])
        plane_kernels.near_pairs(self.client, near, reach, self.weight, int(self.whole), entries)

    def lists(self, core: Ints, reach: Floats) -> CostLists:
        """Return the cost lists over `core`, cut at `reach` (whole numbers, if distances are)."""
        start = np.concatenate(([0], np.cumsum(self.pairs_within(core, reach))))
        index, cost = np.empty(start[-1], np.int32), np.empty(start[-1])
        if index.size:
            self._near(core, reach, (start, index, cost))
        for i in range(reach.size):
            part = slice(start[i], start[i + 1])
            order = np.argsort(cost[part])
            index[part], cost[part] = index[part][order], cost[part][order]
        return CostLists(start, index, cost, reach * self.weight, core.size)


def solve_plane(
    client: Floats,
    site: Floats,
    p: int,
    *,
    weight: Floats | None = None,
    whole: bool = False,
    limits: MedianLimits = MedianLimits(),
    told: Callable[[float, float], None] = lambda _cost, _bound: None,
) -> MedianAnswer:
    """Solve a p-median with Euclidean distances.

    Parameters
    ----------
    client, site
        Coordinates, shape (clients, 2) and (sites, 2).
    p
        Sites to open.
    weight
        Weights of the clients; ones by default.
    whole
        Round distances down to whole numbers.
    limits
        Gap, nodes of the last phase, clock and seed.
    told
        Called with (cost, bound).

    Returns
    -------
    MedianAnswer
        `opened` are indices into `site`; the bound holds for the whole problem.
    """
    order = np.lexsort((site[:, 1], site[:, 0]))
    weights = np.ones(client.shape[0]) if weight is None else np.asarray(weight, dtype=np.float64)
    plane = Plane(
        np.ascontiguousarray(client.T, dtype=np.float64),
        np.ascontiguousarray(site[order].T, dtype=np.float64),
        weights,
        whole,
    )
    integral = whole and bool((weights == np.round(weights)).all())
    with Alarm(limits.seconds) as alarm:
        search = _Rounds(plane, p, 1.0 if integral else 0.0, limits, told, alarm.rung)
        search.run()
    opened = tuple(sorted(int(order[j]) for j in search.opened))
    bound = search.cost if search.bound > search.target and integral else min(search.bound, search.cost)
    return MedianAnswer(opened, search.cost, bound, search.nodes, search.cut)


@dataclass(slots=True, eq=False)
class _Rounds:
    """State of a search on the plane; site numbers are those of `plane`."""

    plane: Plane
    p: int
    unit: float
    limits: MedianLimits
    told: Callable[[float, float], None]
    rung: Ints
    opened: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cost: float = np.inf
    bound: float = 0.0
    nodes: int = 0
    cut: str = ""
    began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Alternate rounds until the gap asked for is proved or nothing moves, then branch."""
        rng = np.random.default_rng(self.limits.seed)
        usable = np.ones(self.plane.site.shape[1], np.bool_)
        self.opened = alternate(self.plane, seed_sites(self.plane, self.p, rng))
        self.cost = self.plane.cost_of(self.opened)
        reach = self._reach(None)
        core = self._core(usable, reach, rng.random(usable.size))
        multiplier = self._between()
        for number in range(_ROUNDS):
            before = self.cost - self.bound
            search, view = self._search(core, reach)
            if number == 0:
                self._interchange(search, core, self.opened)
                multiplier = self._between()
            dual = engine.ascend(search, view, view.locked, Dual(multiplier, np.zeros(core.size)), _PLANS[number > 0])
            multiplier = dual.multiplier
            for sites in (np.flatnonzero(dual.seen), np.argsort(-dual.frequency, kind="stable")[: self.p]):
                self._interchange(search, core, core[sites])
            value = self._price(multiplier, usable)
            self.told(self.cost, min(self.bound, self.cost))
            if self._over:
                break
            stalled = core.size >= usable.sum() and self.cost - self.bound > _STALLED * before
            is_last = stalled or number == _ROUNDS - 1
            if is_last or number > 0:
                self._kick(search, core, rng)
            if is_last or self._over:
                break
            reach = self._reach(multiplier)
            core = self._core(usable, reach, value)
        if not self._over:
            self._finish(usable, multiplier)
        if not self._enough:
            self.cut = "time" if self._late else "nodes"

    def _finish(self, usable: Bools, multiplier: Floats) -> None:
        """Branch over the sites left, if their pairs fit in memory, starting again with every better answer."""
        while not self._over and self.nodes < self.limits.nodes:
            reach = self._reach(multiplier)
            core = np.union1d(np.flatnonzero(usable), self.opened)
            if self.plane.pairs_within(core, reach).sum() > _PAIRS:
                return
            search, view = self._search(core, reach)
            search.nodes = self.nodes
            dual = engine.ascend(search, view, view.locked, Dual(multiplier, np.zeros(core.size)), _PLANS[True])
            multiplier = dual.multiplier
            self._price(multiplier, usable)
            search.improved = False
            proved = engine.branch(search, view, dual, self.limits.nodes)
            self.nodes = search.nodes
            self._take(search, core)
            if not search.improved:
                # All that could beat the answer lies in the core.
                self.bound = max(self.bound, min(proved, search.floor))
                return

    def _kick(self, search: Search, core: Ints, rng: np.random.Generator) -> None:
        """Change a few open sites at random and improve again, as often as the work allowed for it lasts."""
        count = int(min(_KICKS, _KICK_PAIRS // max(1, search.instance.lists.site.size)))
        for _ in range(count):
            if self._over:
                return
            size = min(self.p, max(2, min(8, self.p // 20)))
            kept = rng.permutation(self.opened)[size:]
            added = rng.permutation(np.setdiff1d(core, kept))[:size]
            self._interchange(search, core, np.concatenate((kept, added)))

    @property
    def _late(self) -> bool:
        return bool(self.rung[0]) or time.monotonic() - self.began > self.limits.seconds

    @property
    def target(self) -> float:
        """A bound above this proves the answer."""
        return self.cost - (self.unit * (1.0 - 1e-6) if self.unit > 0.0 else 1e-7 * self.cost)

    @property
    def _enough(self) -> bool:
        return self.bound > min(self.target, self.cost * (1.0 - self.limits.gap))

    @property
    def _over(self) -> bool:
        return self._enough or self._late

    def _reach(self, multiplier: Floats | None) -> Floats:
        """Return how far lists must go: past the second nearest open site and past the multipliers."""
        distance = self.plane.nearest(self.opened, 2)
        reach = np.ceil(1.2 * distance[-1]) + 1.0
        if multiplier is not None:
            reach = np.maximum(reach, np.ceil(1.2 * multiplier / np.maximum(self.plane.weight, 1e-300)) + 1.0)
        return np.asarray(np.minimum(reach, self.plane.farthest() + 1.0))

    def _core(self, usable: Bools, reach: Floats, value: Floats) -> Ints:
        """Return as many usable sites as memory allows, those of least value first, and the open ones."""
        sites = np.flatnonzero(usable)
        pairs = float(self.plane.pairs_within(sites, reach).sum())
        size = int(min(sites.size, sites.size * _PAIRS / max(pairs, 1.0)))
        chosen = sites[np.argsort(value[sites], kind="stable")[:size]]
        return np.union1d(chosen, self.opened)

    def _search(self, core: Ints, reach: Floats) -> tuple[Search, View]:
        """Return a search over the core that has to beat the best answer."""
        lists = self.plane.lists(core, reach)
        free = np.zeros(core.size, np.int8)
        far = self.plane.farthest() * self.plane.weight
        instance = MedianInstance(lists, far, np.zeros(core.size), free, self.p, self.unit)
        seconds = self.limits.seconds - (time.monotonic() - self.began)
        search = Search(
            instance,
            self.limits.gap,
            seconds,
            self.told,
            cost=self.cost,
            opened=np.searchsorted(core, self.opened),
            exact=lambda opened: self.plane.cost_of(core[opened]),
            rung=self.rung,
        )
        return search, View.whole(instance)

    def _interchange(self, search: Search, core: Ints, sites: Ints) -> None:
        """Improve a set of core sites and keep it if it is better."""
        search.improve(np.searchsorted(core, sites))
        self._take(search, core)

    def _take(self, search: Search, core: Ints) -> None:
        if search.cost < self.cost:
            self.cost, self.opened = search.cost, core[search.opened]

    def _between(self) -> Floats:
        """Set each multiplier between the nearest and second nearest open site."""
        return np.asarray(self.plane.nearest(self.opened, 2).mean(axis=0) * self.plane.weight)

    def _price(self, multiplier: Floats, usable: Bools) -> Floats:
        """Return the value of every site; raise the bound by them and drop from `usable` what it excludes."""
        value = self.plane.values(multiplier)
        value[~usable] = np.inf
        if usable.sum() < self.p:
            # Nothing is left that could beat the answer.
            self.bound = self.cost
            return value
        ranked = np.partition(value, self.p - 1)
        base = float(multiplier.sum() + ranked[: self.p].sum())
        self.bound = max(self.bound, base)
        usable &= ~(base + value - ranked[self.p - 1] > self.target)
        return value


def seed_sites(plane: Plane, p: int, rng: np.random.Generator) -> Ints:
    """Return p sites near clients drawn one by one, each with a chance in proportion to its cost so far."""
    tree = cKDTree(plane.site.T)
    opened: list[int] = []
    taken = np.zeros(plane.site.shape[1], np.bool_)
    cost = plane.weight.copy()
    nearest = np.full(plane.weight.size, np.inf)
    while len(opened) < p:
        total = np.cumsum(cost)
        i = int(np.searchsorted(total, rng.random() * total[-1])) if total[-1] > 0 else plane.weight.size
        j = int(tree.query(plane.client[:, i])[1]) if i < plane.weight.size else int(np.argmin(taken))
        if taken[j]:
            j = int(np.argmin(taken))
        taken[j] = True
        opened.append(j)
        offset = plane.client - plane.site[:, j : j + 1]
        nearest = np.minimum(nearest, np.hypot(offset[0], offset[1]))
        cost = nearest * plane.weight
    return np.array(sorted(opened), dtype=np.int64)


def alternate(plane: Plane, opened: Ints, rounds: int = 25) -> Ints:
    """Send everybody to the nearest open site, move each to the best place in its group, and so on."""
    best = np.inf
    for _ in range(rounds):
        cost = plane.cost_of(opened)
        if cost >= best * (1.0 - 1e-4):
            break
        best, kept = cost, opened
        tree = cKDTree(plane.site[:, opened].T)
        clients, start = _groups(tree.query(plane.client.T)[1], opened.size)
        sites, site_start = _groups(tree.query(plane.site.T)[1], opened.size)
        moved = opened.copy()
        plane_kernels.group_medians(
            (plane.client, plane.weight, start, clients), (plane.site, site_start, sites), int(plane.whole), moved
        )
        if np.unique(moved).size < opened.size:
            break
        opened = moved
    return kept


def _groups(group: Ints, count: int) -> tuple[Ints, Ints]:
    """Return members sorted by group, and where each group starts."""
    start = np.concatenate(([0], np.cumsum(np.bincount(group, minlength=count))))
    return np.argsort(group, kind="stable"), start.astype(np.int64)
