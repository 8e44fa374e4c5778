"""What a search works on: the instance, a reduced view of it, the best solution so far and a dual solution."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from planner.siting.clock import never
from planner.siting.p_median import interchange, kernels
from planner.siting.p_median.kernels import Bools, Floats, Ints, Status
from planner.siting.p_median.lists import CostLists

#: Relative distance at which bound and cost of an instance without a unit are the same.
RELATIVE_MARGIN = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class MedianInstance:
    """A p-median or uncapacitated fixed-charge instance.

    Attributes
    ----------
    lists
        Costs; every client's list.
    far
        Shape (clients,): what a client costs when no site of its list is open; at least every listed cost.
    fixed
        Shape (sites,): cost of an open site.
    locked
        Shape (sites,): 1 must be open, -1 must stay closed, 0 free.
    p
        Sites to open, locked ones included; negative: as many as pay (at least one).
    unit
        Every solution's cost is a multiple of this; 0: nothing is known.
    beyond
        What stands in for `far` when multipliers are first set; None: `far`, which may be a mere penalty.
    """

    lists: CostLists
    far: Floats
    fixed: Floats
    locked: Status
    p: int
    unit: float = 0.0
    beyond: Floats | None = None

    def margin(self, cost: float) -> float:
        """Return by how much the next better solution beats `cost` at least (a little less, for rounding)."""
        if self.unit > 0.0:
            return self.unit - min(0.5 * self.unit, max(1e-6 * self.unit, 1e-11 * abs(cost)))
        return RELATIVE_MARGIN * abs(cost)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The instance over the sites that still matter; `old` gives their numbers in the instance."""

    lists: CostLists
    far: Floats
    fixed: Floats
    locked: Status
    old: Ints

    @classmethod
    def whole(cls, instance: MedianInstance) -> View:
        """Return the view that leaves nothing out."""
        old = np.arange(instance.lists.site_count)
        return cls(instance.lists, instance.far, instance.fixed, instance.locked, old)

    def reduced(self, locked: Status) -> tuple[View, Ints]:
        """Leave out sites locked out and pairs costlier than a site that is open anyway; return the kept sites too."""
        must = locked > 0
        far = self.lists.nearest_cost(must, self.far) if must.any() else self.far
        # With a site k open anyway, λ_i above c_ik never helps: what λ_i pays k comes back, others only lose.
        lists, kept = self.lists.keep(locked >= 0, far if must.any() else None)
        return View(lists, far, self.fixed[kept], locked[kept], self.old[kept]), kept


@dataclass(slots=True, eq=False)
class Dual:
    """Multipliers, the bound they prove, site values, frequency of choice, and the cheapest set of chosen sites met."""

    multiplier: Floats
    frequency: Floats
    bound: float = -np.inf
    value: Floats = field(default_factory=lambda: np.empty(0))
    seen: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    seen_cost: float = np.inf


@dataclass(slots=True, eq=False)
class Search:
    """State of one search: best solution, target, nodes and the clock.

    `exact` measures an open set where cut lists cannot; `tried` is the last local optimum; `floor` is the least bound
    of a node given up because the gap asked for was reached there; `rung` stops compiled loops (`planner.siting.clock`).
    """

    instance: MedianInstance
    gap: float
    seconds: float
    told: Callable[[float, float], None]
    cost: float = np.inf
    opened: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    tried: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    floor: float = np.inf
    nodes: int = 0
    improved: bool = False
    began: float = field(default_factory=time.monotonic)
    exact: Callable[[Ints], float] | None = None
    rung: Ints = field(default_factory=never)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return bool(self.rung[0]) or time.monotonic() - self.began > self.seconds

    @property
    def target(self) -> float:
        """A bound above this shows that no better solution exists."""
        return self.cost - self.instance.margin(self.cost)

    @property
    def good_enough(self) -> float:
        """A bound above this is enough."""
        return min(self.target, self.cost - self.gap * abs(self.cost))

    def closes(self, bound: float) -> bool:
        """Tell whether a part with this bound may be given up; remember the bound if proof is not full."""
        if bound > self.target:
            return True
        if bound >= self.good_enough and self.gap > 0.0:
            self.floor = min(self.floor, bound)
            return True
        return False

    def offer(self, cost: float, opened: Ints) -> None:
        """Keep a solution if it is better."""
        if cost < self.cost - 1e-12 * abs(cost) if np.isfinite(self.cost) else np.isfinite(cost):
            self.cost = float(cost)
            self.opened = np.sort(opened).astype(np.int64)
            self.improved = True

    def improve(self, sites: Ints) -> None:
        """Make `sites` a solution, interchange to a local optimum and offer it."""
        instance = self.instance
        is_open = np.zeros(instance.lists.site_count, np.bool_)
        is_open[complete(instance, sites)] = True
        interchange.interchange(
            instance.lists.rows,
            instance.lists.columns,
            (instance.far, instance.fixed),
            instance.locked,
            is_open,
            int(instance.p < 0),
            self.rung,
        )
        self.tried = np.flatnonzero(is_open)
        self.offer(self.cost_of(is_open), self.tried)

    def cost_of(self, is_open: Bools) -> float:
        """Return the cost of an open set."""
        instance = self.instance
        if self.exact is not None:
            return self.exact(np.flatnonzero(is_open))
        return kernels.open_cost(*instance.lists.rows, instance.far, instance.fixed, is_open)


def complete(instance: MedianInstance, sites: Ints) -> Ints:
    """Make an allowed set from `sites`, taken in their order: locks kept, exactly p (at least one where p is free)."""
    must = np.flatnonzero(instance.locked > 0)
    allowed = sites[instance.locked[sites] == 0]
    if instance.p < 0:
        chosen = np.concatenate((must, allowed))
        return chosen if chosen.size else np.flatnonzero(instance.locked == 0)[:1]
    others = np.setdiff1d(np.flatnonzero(instance.locked == 0), allowed)
    return np.concatenate((must, np.concatenate((allowed, others))[: instance.p - must.size]))
