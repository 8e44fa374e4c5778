"""Exact p-median: Lagrangian bound, interchange, reduced-cost reduction and branch and bound.

Model (Hakimi 1964; ReVelle and Swain 1970): choose p of the sites so that ``Σ_i min_{j open} c_ij`` is least.
Relaxing the assignment of each client with a multiplier λ_i (Geoffrion 1974; Narula et al. 1977; Beasley 1985) leaves
``L(λ) = Σ_i λ_i + (sum of the p smallest ρ_j)``, ``ρ_j = f_j + Σ_i min(0, c_ij - λ_i)``, a valid lower bound for
every λ. Without p, the sum runs over the negative ρ_j: the uncapacitated fixed-charge problem (Balinski 1965;
Erlenkotter 1978).

The search alternates bound and interchange until the bound closes the gap; what reduced costs cannot fix is branched
on, site open or closed. A better solution found while branching sends the search back to the root, because a sharper
target often closes the root at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.siting.clock import Alarm
from planner.siting.p_median import interchange, kernels
from planner.siting.p_median.kernels import Floats, Ints, Status
from planner.siting.p_median.views import Dual, MedianInstance, Search, View

__all__ = ["MedianAnswer", "MedianInstance", "MedianLimits", "solve_median"]

#: (step, iterations, patience) of the rounds at the root and of a node.
_ROOT = ((1.5, 300, 20), (1.5, 600, 30), (1.8, 1000, 30), (1.6, 1000, 40))
_NODE = (0.7, 100, 8)
#: Pairs one ascent may look at (some seconds), so that the clock is looked at often enough, and iterations it has anyway.
_ASCENT_PAIRS, _LEAST_ITERATIONS = 3_000_000_000, 60
#: Above this relative gap a root that stalls is left for branching.
_STALLED = 4e-3
#: Frequency of choice branched on first, and above which the open side is searched first.
_UNDECIDED, _LIKELY = 0.6, 0.5


@dataclass(frozen=True, slots=True)
class MedianLimits:
    """Limits of a search.

    Attributes
    ----------
    nodes
        Branch-and-bound nodes.
    gap
        Relative gap at which the search stops.
    starts
        Random starts of the first interchange.
    seconds
        Wall clock.
    seed
        Seed of the random starts.
    cutoff
        Only solutions cheaper than this are asked for; without one the answer has no sites and `bound` is at most this.
    """

    nodes: int = 100_000
    gap: float = 0.0
    starts: int = 2
    seconds: float = np.inf
    seed: int = 1
    cutoff: float = np.inf


@dataclass(frozen=True, slots=True)
class MedianAnswer:
    """Open sites with cost and proved bound.

    Attributes
    ----------
    opened
        Open sites, ascending; empty: none found.
    cost, bound
        Cost of `opened`, and what no solution can beat.
    nodes
        Branch-and-bound nodes.
    cut
        Which limit ended the search: ``nodes``, ``time`` or nothing.
    """

    opened: tuple[int, ...]
    cost: float
    bound: float
    nodes: int
    cut: str


def _silent(_cost: float, _bound: float) -> None:
    """Tell nobody."""


def solve_median(
    instance: MedianInstance,
    limits: MedianLimits = MedianLimits(),
    *,
    told: Callable[[float, float], None] = _silent,
) -> MedianAnswer:
    """Solve to proof, gap or limit.

    Parameters
    ----------
    instance
        Costs, locks, p.
    limits
        When to stop.
    told
        Called with (cost, bound) when either improves.

    Notes
    -----
    The result depends on instance and limits only, unless `seconds` cut it.
    """
    with Alarm(limits.seconds) as alarm:
        search = Search(instance, limits.gap, limits.seconds, told, cost=limits.cutoff, rung=alarm.rung)
        return _run(search, limits)


def _run(search: Search, limits: MedianLimits) -> MedianAnswer:
    instance, told = search.instance, search.told
    generator = np.random.default_rng(limits.seed)
    sites = instance.lists.site_count
    for _ in range(max(1, limits.starts)):
        order = generator.permutation(sites)
        search.improve(order if instance.p >= 0 else order[: max(1, sites // 10)])
        if search.closes(0.0) or search.late:
            break
    bound = 0.0
    cut = ""
    while True:
        view, dual = _root(search)
        bound = max(bound, dual.bound)
        told(search.cost, min(bound, search.cost))
        if search.closes(bound) or not np.isfinite(search.cost):
            break
        search.improved = False
        proved = branch(search, view, dual, limits.nodes)
        bound = max(bound, min(proved, search.floor))
        if not search.improved or search.late or search.nodes >= limits.nodes:
            break
    if search.nodes >= limits.nodes and bound <= search.target:
        cut = "nodes"
    if search.late and bound <= search.target:
        cut = "time"
    if bound > search.target:
        bound = search.cost if instance.unit > 0.0 else max(min(bound, search.cost), search.target)
    return MedianAnswer(
        tuple(int(j) for j in search.opened), search.cost, float(min(bound, search.cost)), search.nodes, cut
    )


def ascend(search: Search, view: View, locked: Status, dual: Dual, plan: tuple[float, int, int]) -> Dual:
    """Return a better dual solution found by subgradient steps from `dual`."""
    sites = view.lists.site_count
    multiplier = np.minimum(dual.multiplier, view.lists.limit)
    best = Dual(multiplier, dual.frequency.copy(), value=np.zeros(sites), seen=np.zeros(sites, np.bool_))
    step, iterations, patience = plan
    iterations = min(iterations, max(_LEAST_ITERATIONS, _ASCENT_PAIRS // max(1, view.lists.site.size)))
    best.bound, best.seen_cost, _ = kernels.subgradient(
        view.lists.rows,
        view.lists.columns,
        (view.far, view.lists.limit, view.fixed),
        locked,
        search.instance.p,
        (search.cost, search.good_enough, step, iterations, patience),
        (multiplier.copy(), best.multiplier, best.value, best.frequency, best.seen),
        search.rung,
    )
    return best


def _between(search: Search, limit: Floats) -> Floats:
    """Set each multiplier between the nearest and second nearest site of the best solution."""
    instance = search.instance
    is_open = np.zeros(instance.lists.site_count, np.bool_)
    is_open[search.opened if search.opened.size else search.tried] = True
    beyond = instance.far if instance.beyond is None else instance.beyond
    _, near, _, next_near, _ = interchange.measure(instance.lists.rows, beyond, is_open)
    return np.minimum((near + next_near) / 2.0, limit)


def _root(search: Search) -> tuple[View, Dual]:
    """Alternate bound, reduction and interchange until the gap closes or both stall."""
    view = View.whole(search.instance)
    dual = Dual(np.zeros(search.instance.far.size), np.zeros(view.old.size))
    for plan in _ROOT:
        before_cost, before_bound = search.cost, dual.bound
        # Starting afresh from the best sites beats going on from the best multipliers, which sit in a kink.
        fresh = Dual(_between(search, view.lists.limit), np.zeros(view.old.size))
        fresh = ascend(search, view, view.locked, fresh, plan)
        if fresh.bound > dual.bound:
            dual = fresh
        search.told(search.cost, min(dual.bound, search.cost))
        if search.closes(dual.bound):
            break
        search.offer(fresh.seen_cost, view.old[fresh.seen])
        count = search.instance.p if search.instance.p >= 0 else int(fresh.seen.sum())
        for sites in (np.flatnonzero(fresh.seen), np.argsort(-fresh.frequency, kind="stable")[:count]):
            search.improve(view.old[sites])
        if search.closes(dual.bound) or search.late:
            break
        room = search.cost - dual.bound
        if (
            room > _STALLED * abs(search.cost)
            and search.cost == before_cost
            and dual.bound - before_bound < 0.02 * room
        ):
            break
        view, dual = _shrink(search, view, dual)
    return view, dual


def _shrink(search: Search, view: View, dual: Dual) -> tuple[View, Dual]:
    """Leave out what reduced costs exclude, if it is worth the copy."""
    locked = _fix(search, view.locked, dual)
    if (locked >= 0).sum() > 0.7 * locked.size or _is_settled(search, locked):
        return view, dual
    smaller, kept = view.reduced(locked)
    multiplier = np.minimum(dual.multiplier, smaller.lists.limit)
    return smaller, Dual(multiplier, dual.frequency[kept], dual.bound, dual.value[kept], dual.seen[kept])


def _is_settled(search: Search, locked: Status) -> bool:
    """Tell whether locks leave nothing to choose."""
    need = search.instance.p - int((locked > 0).sum())
    free = int((locked == 0).sum())
    return free == 0 or (search.instance.p >= 0 and (need <= 0 or free <= need))


def _fix(search: Search, locked: Status, dual: Dual) -> Status:
    """Fix by reduced cost every free site whose change would lift the bound past the target."""
    if _is_settled(search, locked):
        return locked
    chosen = np.zeros(locked.size, np.bool_)
    part, last, following = kernels.choose_sites(dual.value, locked, search.instance.p, chosen, np.empty(locked.size))
    base = dual.multiplier.sum() + part
    fixed = locked.copy()
    free = locked == 0
    fixed[free & ~chosen & (base + dual.value - last > search.target)] = -1
    fixed[free & chosen & (base - dual.value + following > search.target)] = 1
    return fixed


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """A part of the search: bound, view, locks within the view, and the dual solution to start from."""

    bound: float
    view: View
    locked: Status
    dual: Dual


def branch(search: Search, view: View, dual: Dual, node_limit: int) -> float:
    """Branch depth first; return the proved bound. Stops early when a better solution is found."""
    locked = _fix(search, view.locked, dual)
    stack = [_Node(dual.bound, view, locked, dual)]
    while stack:
        node = stack.pop()
        if search.closes(node.bound):
            continue
        if search.nodes >= node_limit or search.improved or search.late:
            return min(node.bound, *(other.bound for other in stack)) if stack else node.bound
        search.nodes += 1
        stack.extend(_expand(search, node))
        if search.nodes % 64 == 0:
            search.told(search.cost, min([search.cost, *(other.bound for other in stack)]))
    return search.cost


def _expand(search: Search, node: _Node) -> list[_Node]:
    """Bound a node, reduce it, and return its children, the better one last."""
    view, locked = node.view, node.locked
    if _is_settled(search, locked):
        return _settle(search, view, locked)
    dual = ascend(search, view, locked, node.dual, _NODE)
    if dual.seen_cost < search.cost:
        search.offer(dual.seen_cost, view.old[dual.seen])
    if dual.seen_cost <= search.cost or not search.opened.size:
        search.improve(view.old[dual.seen])
    bound = max(node.bound, dual.bound)
    if search.closes(bound):
        return []
    locked = _fix(search, locked, dual)
    if _is_settled(search, locked):
        return _settle(search, view, locked)
    if (locked >= 0).sum() < 0.7 * locked.size:
        view, kept = view.reduced(locked)
        multiplier = np.minimum(dual.multiplier, view.lists.limit)
        dual = Dual(multiplier, dual.frequency[kept], dual.bound, dual.value[kept], dual.seen[kept])
        locked = view.locked
    free = np.flatnonzero(locked == 0)
    site = free[np.argmin(np.abs(dual.frequency[free] - _UNDECIDED))]
    children = []
    for side in (-1, 1) if dual.frequency[site] > _LIKELY else (1, -1):
        child = locked.copy()
        child[site] = side
        children.append(_Node(bound, view, child, dual))
    return children


def _settle(search: Search, view: View, locked: Status) -> list[_Node]:
    """Offer the only set a node leaves, if it leaves one."""
    must, free = np.flatnonzero(locked > 0), np.flatnonzero(locked == 0)
    p = search.instance.p
    chosen: Ints = np.concatenate((must, free)) if p >= 0 and must.size + free.size == p else must
    if chosen.size == 0 or (p >= 0 and chosen.size != p):
        return []
    is_open = np.zeros(search.instance.lists.site_count, np.bool_)
    is_open[view.old[chosen]] = True
    search.offer(search.cost_of(is_open), np.flatnonzero(is_open))
    return []
