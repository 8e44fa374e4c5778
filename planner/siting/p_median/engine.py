"""Exact p-median: Lagrangian bound, interchange, reduced-cost reduction and branch and bound.

Model (Hakimi 1964; ReVelle and Swain 1970): choose p of the sites so that ``Σ_i min_{j open} c_ij`` is least. Relaxing the assignment
of each client with a multiplier λ_i (Geoffrion 1974; Narula et al. 1977; Beasley 1985) leaves
``L(λ) = Σ_i λ_i + (sum of the p smallest ρ_j)``, ``ρ_j = Σ_i min(0, c_ij - λ_i)``, a valid lower bound for every λ.

The search alternates bound and interchange until the bound closes the gap; what reduced costs cannot fix is branched on, site open or
closed. A better solution found while branching sends the search back to the root, because a sharper target often closes the root
at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from planner.siting.p_median import kernels
from planner.siting.p_median.lists import CostLists, Floats, Ints

Bools = npt.NDArray[np.bool_]
Status = npt.NDArray[np.int8]
_ROOT_ROUNDS = ((300, 20, 1.5), (600, 30, 1.5), (1000, 30, 1.8), (1000, 40, 1.6))


@dataclass(frozen=True, slots=True)
class PMedianLimits:
    """Limits that decide the result.

    Attributes
    ----------
    nodes
        Branch-and-bound nodes.
    gap
        Relative gap at which the search stops.
    starts
        Random starts of the first interchange.
    """

    nodes: int = 50_000
    gap: float = 0.0
    starts: int = 2


@dataclass(slots=True)
class _State:
    """The best solution and what must be beaten."""

    cost: float
    opened: Ints
    margin: float
    nodes: int = 0
    improved: bool = False

    def offer(self, cost: float, opened: Ints) -> None:
        if cost < self.cost - 1e-9 * max(1.0, abs(cost)):
            self.cost = cost
            self.opened = np.sort(opened).astype(np.int64)
            self.improved = True

    def closes(self, bound: float) -> bool:
        return bound > self.cost - self.margin


@dataclass(slots=True)
class _Dual:
    """Multipliers with the bound they prove."""

    bound: float
    multiplier: Floats
    value: Floats
    frequency: Floats
    seen: Bools = field(repr=False)


@dataclass(frozen=True, slots=True)
class PMedianAnswer:
    """Open sites with cost and proved bound; `nodes` counts branch-and-bound nodes."""

    opened: tuple[int, ...]
    cost: float
    bound: float
    nodes: int


class PMedianSearch:
    """One p-median search over cost lists.

    Parameters
    ----------
    lists
        Costs; every client's list.
    far
        Shape (clients,): what a client costs when no site of its list is open; at least every listed cost.
    p
        Sites to open.
    locked
        Shape (sites,): 1 must be open, -1 must stay closed, 0 free.
    integral
        All costs are whole numbers, so a better solution is better by at least 1.
    seed
        Seed of the random starts.
    """

    def __init__(
        self, lists: CostLists, far: Floats, p: int, *, locked: Status | None = None, integral: bool, seed: int = 1
    ) -> None:
        self.lists = lists
        self.far = far
        self.p = p
        self.locked = np.zeros(lists.site_count, np.int8) if locked is None else locked.astype(np.int8)
        self.margin = 1.0 - 1e-6 if integral else 0.0
        self.rng = np.random.default_rng(seed)

    # -- upper bounds -----------------------------------------------------------------------------------------------

    def complete(self, sites: Ints) -> Ints:
        """Make a set of exactly p sites that honours the locks, starting from `sites` in their order."""
        must = np.flatnonzero(self.locked == 1)
        rest = [int(j) for j in sites if self.locked[j] == 0]
        seen = set(rest)
        rest += [int(j) for j in np.flatnonzero(self.locked == 0) if int(j) not in seen]
        return np.sort(np.concatenate((must, np.array(rest[: self.p - must.size], dtype=np.int64)))).astype(np.int64)

    def improve(self, sites: Ints, state: _State) -> None:
        """Interchange from `sites` to a local optimum and offer it."""
        opened = self.complete(sites)
        is_open = np.zeros(self.lists.site_count, np.bool_)
        is_open[opened] = True
        cost, _ = kernels.interchange(
            self.lists.start, self.lists.site, self.lists.cost, self.far, is_open, opened, self.locked, 100_000
        )
        state.offer(cost, opened)

    # -- lower bounds -----------------------------------------------------------------------------------------------

    def ascend(self, lists: CostLists, locked: Status, dual: _Dual, state: _State, plan: tuple[int, int, float]) -> float:
        """Improve `dual` by subgradient steps; return the cost of the best open set met (kept in ``dual.seen``)."""
        iterations, patience, step = plan
        multiplier, value = dual.multiplier.copy(), dual.value.copy()
        bound, cost, _, _ = kernels.subgradient(
            lists.start, lists.site, lists.cost, self.far, lists.limit, locked, self.p, dual.multiplier.copy(),
            state.cost, step, max(state.margin, 1e-9 * abs(state.cost)), iterations, patience,
            multiplier, value, dual.frequency, dual.seen,
        )  # fmt: skip
        if bound > dual.bound:
            dual.bound, dual.multiplier, dual.value = bound, multiplier, value
        return float(cost)

    def start_dual(self, state: _State) -> _Dual:
        """Set each multiplier between the nearest and second nearest site of the best solution."""
        clients, sites = self.lists.client_count, self.lists.site_count
        is_open = np.zeros(sites, np.bool_)
        is_open[state.opened] = True
        first, second = np.empty(clients, np.int64), np.empty(clients, np.int64)
        near, next_near = np.empty(clients), np.empty(clients)
        kernels.nearest_two(
            self.lists.start, self.lists.site, self.lists.cost, is_open, self.far, first, near, second, next_near
        )
        multiplier = np.minimum((near + next_near) / 2.0, self.lists.limit)
        return _Dual(-np.inf, multiplier, np.zeros(sites), np.zeros(sites), np.zeros(sites, np.bool_))

    def root(self, state: _State) -> _Dual:
        """Alternate bound and interchange until the gap closes or both stall."""
        dual = self.start_dual(state)
        for plan in _ROOT_ROUNDS:
            before_cost, before_bound = state.cost, dual.bound
            # Starting afresh from the best sites beats going on from the best multipliers, which sit in a kink.
            fresh = self.start_dual(state)
            cost = self.ascend(self.lists, self.locked, fresh, state, plan)
            if fresh.bound > dual.bound:
                dual = fresh
            if state.closes(dual.bound):
                break
            state.offer(cost, np.flatnonzero(fresh.seen))
            for sites in (np.flatnonzero(fresh.seen), np.argsort(-fresh.frequency, kind="stable")[: self.p]):
                self.improve(sites, state)
            if state.closes(dual.bound):
                break
            gap = (state.cost - dual.bound) / max(abs(state.cost), 1e-12)
            if gap > 4e-3 and state.cost == before_cost and dual.bound - before_bound < 0.02 * (state.cost - dual.bound):
                break
        return dual

    # -- branch and bound -------------------------------------------------------------------------------------------

    def fix(self, dual: _Dual, locked: Status, state: _State) -> Status:
        """Fix by reduced cost every free site whose change would lift the bound past the target."""
        free = np.flatnonzero(locked == 0)
        need = self.p - int((locked == 1).sum())
        if need <= 0 or free.size <= need:
            return locked
        order = free[np.argsort(dual.value[free], kind="stable")]
        last, following = dual.value[order[need - 1]], dual.value[order[need]]
        base = dual.multiplier.sum() + dual.value[locked == 1].sum() + dual.value[order[:need]].sum()
        target = state.cost - state.margin
        fixed = locked.copy()
        outside, inside = order[need:], order[:need]
        fixed[outside[base + dual.value[outside] - last > target]] = -1
        fixed[inside[base - dual.value[inside] + following > target]] = 1
        return fixed

    def branch(self, root: _Dual, state: _State, limits: PMedianLimits) -> float:
        """Branch depth first; return the proved bound. Stops early when a better solution is found."""
        locked = self.fix(root, self.locked, state)
        lists, old = self.lists.keep(locked >= 0)
        stack = [(root.bound, lists, old, locked[old], root.multiplier, root.frequency[old])]
        state.improved = False
        while stack:
            bound, lists, old, locked, multiplier, frequency = stack.pop()
            if state.closes(bound):
                continue
            if state.nodes >= limits.nodes or state.improved:
                return min(bound, *(entry[0] for entry in stack)) if stack else bound
            state.nodes += 1
            stack.extend(self._expand(bound, lists, old, locked, multiplier, frequency, state))
        return state.cost

    def _expand(self, bound, lists, old, locked, multiplier, frequency, state):  # type: ignore[no-untyped-def]
        """Bound one node, reduce it, and return its children (the better one last)."""
        sites = lists.site_count
        dual = _Dual(-np.inf, multiplier, np.zeros(sites), frequency.copy(), np.zeros(sites, np.bool_))
        cost = self.ascend(lists, locked, dual, state, (100, 8, 0.7))
        if cost < state.cost:
            state.offer(cost, old[dual.seen])
            self.improve(old[dual.seen], state)
        bound = max(bound, dual.bound)
        if state.closes(bound):
            return []
        locked = self.fix(dual, locked, state)
        free = np.flatnonzero(locked == 0)
        need = self.p - int((locked == 1).sum())
        if need < 0 or free.size < need:
            return []
        if need == 0 or free.size == need:
            opened = old[(locked == 1) | ((locked == 0) & (need > 0))]
            is_open = np.zeros(self.lists.site_count, np.bool_)
            is_open[opened] = True
            state.offer(kernels.open_cost(self.lists.start, self.lists.site, self.lists.cost, self.far, is_open), opened)
            return []
        branch_on = free[np.argmin(np.abs(dual.frequency[free] - 0.5))]
        if (locked >= 0).sum() < 0.7 * sites:
            keep = locked >= 0
            lists, kept = lists.keep(keep)
            branch_on = int(np.searchsorted(kept, branch_on))
            old, locked, frequency = old[kept], locked[kept], dual.frequency[kept]
        else:
            frequency = dual.frequency
        children = []
        for side in (-1, 1) if frequency[branch_on] > 0.5 else (1, -1):
            child = locked.copy()
            child[branch_on] = side
            children.append((bound, lists, old, child, dual.multiplier, frequency))
        return children

    def run(self, limits: PMedianLimits) -> PMedianAnswer:
        """Search to proof or limit."""
        state = _State(np.inf, np.empty(0, np.int64), self.margin)
        for _ in range(limits.starts):
            self.improve(self.rng.permutation(self.lists.site_count), state)
        bound = -np.inf
        while True:
            dual = self.root(state)
            bound = max(bound, dual.bound)
            if state.closes(bound) or (state.cost - bound) <= limits.gap * abs(state.cost):
                break
            before = state.cost
            bound = max(bound, self.branch(dual, state, limits))
            if state.cost == before or state.nodes >= limits.nodes:
                break
        if state.closes(bound):
            bound = state.cost
        return PMedianAnswer(tuple(int(j) for j in state.opened), state.cost, min(bound, state.cost), state.nodes)
