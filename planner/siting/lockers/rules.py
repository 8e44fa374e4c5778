"""What a set of open lockers must keep: locks, budgets, counts, pairs and coverage."""

from __future__ import annotations

import numpy as np

from planner.problems.siting import Bools, Floats
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.side import MONEY_TOLERANCE_CNY, conflict_pairs, effective_locks, sum_rows

_SHARE_TOLERANCE = 1e-9


class LockerRules:
    """Requirements of one problem.

    The one-off budget counts the set and its connection (nothing for an existing host's connection) and the closing
    of existing lockers; the yearly budget counts rent and running.
    """

    def __init__(self, evaluator: LockerEvaluator) -> None:
        self.evaluator = evaluator
        problem = evaluator.problem
        self.problem, self.siting, self.settings = problem, problem.siting, problem.settings
        self.locks = effective_locks(self.siting)
        self.conflicts = conflict_pairs(self.siting)
        self.requires = self.siting.side.requires
        self.groups = tuple(row for row in sum_rows(self.siting) if row.name.startswith("group "))
        self.reach = evaluator.attractions > 0.0
        self.counted: Floats = problem.counts_for_coverage()
        self.needed = self.settings.coverage_share * float(self.counted.sum()) * (1.0 - _SHARE_TOLERANCE)

    @property
    def is_coupled(self) -> bool:
        """Tell whether anything ties hosts together that share no place."""
        side, settings = self.siting.side, self.settings
        money = side.capex_budget_cny is not None or side.yearly_budget_cny is not None
        counts = settings.minimum_lockers > 0 or settings.maximum_lockers is not None or bool(self.groups)
        return money or counts or bool(self.conflicts) or bool(self.requires) or self.needed > 0.0

    def covered(self, mask: Bools) -> float:
        """Return the lockable parcels (of the kinds that count) with an open locker in reach."""
        if not mask.any():
            return 0.0
        return float(self.counted[self.reach[:, mask].any(axis=1)].sum())

    def is_kept(self, mask: Bools) -> bool:
        """Tell whether exactly these open hosts keep everything."""
        if not self.can_be_kept(mask, np.zeros_like(mask)):
            return False
        budget = self.siting.side.capex_budget_cny
        if budget is None:
            return True
        spent = self.investment_cny(mask)
        return spent <= budget + MONEY_TOLERANCE_CNY * max(1.0, abs(budget))

    def investment_cny(self, mask: Bools) -> float:
        """Return what is spent once: sets, connections of new hosts, closings."""
        sites = self.evaluator.sites(np.flatnonzero(mask).tolist())
        sets = sum(self.settings.prices.price_cny(site.size.cells) for site in sites)
        siting = self.siting
        connections = float(siting.capex_cny[mask & ~siting.is_existing].sum())
        return sets + connections + float(siting.closing_cny[siting.is_existing & ~mask].sum())

    def can_be_kept(self, is_open: Bools, is_free: Bools) -> bool:
        """Tell whether some set between `is_open` and `is_open ∪ is_free` may keep everything (False is proved)."""
        whole = is_open | is_free
        if (is_open & (self.locks == -1)).any() or (~whole & (self.locks == 1)).any():
            return False
        if any(is_open[a] and is_open[b] for a, b in self.conflicts):
            return False
        if any(is_open[a] and not whole[b] for a, b in self.requires):
            return False
        return (
            self._counts_fit(is_open, whole) and self._money_fits(is_open, whole) and self.covered(whole) >= self.needed
        )

    def _counts_fit(self, is_open: Bools, whole: Bools) -> bool:
        most = self.settings.maximum_lockers
        if (most is not None and int(is_open.sum()) > most) or int(whole.sum()) < self.settings.minimum_lockers:
            return False
        return all(
            float(row.coefficient[whole].sum()) >= row.lower and float(row.coefficient[is_open].sum()) <= row.upper
            for row in self.groups
        )

    def _money_fits(self, is_open: Bools, whole: Bools) -> bool:
        side, siting, prices = self.siting.side, self.siting, self.settings.prices
        if side.yearly_budget_cny is not None:
            yearly = float(siting.yearly_cny[is_open].sum()) + prices.opex_cny_per_year * int(is_open.sum())
            if yearly > side.yearly_budget_cny + MONEY_TOLERANCE_CNY * max(1.0, abs(side.yearly_budget_cny)):
                return False
        if side.capex_budget_cny is None:
            return True
        # A lower bound: control units only, and closings already decided.
        least = prices.control_cny * int(is_open.sum()) + float(siting.capex_cny[is_open & ~siting.is_existing].sum())
        least += float(siting.closing_cny[siting.is_existing & ~whole].sum())
        return least <= side.capex_budget_cny + MONEY_TOLERANCE_CNY * max(1.0, abs(side.capex_budget_cny))
