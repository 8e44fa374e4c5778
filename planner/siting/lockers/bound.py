"""A proved lower bound on the yearly cost of any choice of lockers that keeps some open and others closed.

For a node of the search with hosts I open and F still free, and for each profit line
(`planner.siting.lockers.profit`) with least costs b_j and worth V of the parcels that lockers get: savings under
``nearest``, ``bnl`` and ``mnl`` are monotone and submodular in the set of lockers (a concave function of a maximum or
a sum); ``threshold`` never exceeds ``mnl`` nor its largest window. Hence both

* ``Σ_I b + Σ_F min(0, b) - V(I ∪ F)``  and
* ``Σ_I b - V(I) + Σ_F min(0, b_j - (V(I + j) - V(I)))``  (Nemhauser, Wolsey and Fisher, 1978)

lie at or below the cost of every set between I and I ∪ F; the largest over all lines is the bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.problems.siting import Bools, Floats
from planner.siting.lockers.choice import ChoiceModel, choice_shares, locker_share_bound
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.lockers.profit import ProfitLine, profit_lines


class LockerBound:
    """Lower bounds of one problem."""

    def __init__(self, evaluator: LockerEvaluator) -> None:
        self.evaluator = evaluator
        problem = evaluator.problem
        self.lines = profit_lines(problem)
        # Under `threshold` fewer lockers count than under `mnl`, never more.
        self.smooth = smooth_choice(problem.settings.choice)
        siting = problem.siting
        closing = np.where(siting.is_existing, siting.closing_cny, 0.0)
        self.closing: Floats = closing * problem.settings.prices.annuity_share

    def bound(self, is_open: Bools, is_free: Bools) -> float:
        """Return the bound of a node; hosts neither open nor free are closed."""
        fixed = float(self.closing[~is_open & ~is_free].sum())
        attractions, choice = self.evaluator.attractions, self.evaluator.problem.settings.choice
        reach = locker_share_bound(attractions, is_open | is_free, choice)
        held = choice_shares(attractions, is_open, self.smooth).sum(axis=1)
        grown = self._grown(is_open)
        best = -np.inf
        for line in self.lines:
            base = fixed + float(line.base[is_open].sum())
            whole = base + float(np.minimum(0.0, line.base[is_free]).sum()) - float(line.worth @ reach)
            best = max(best, whole, base + self._submodular(is_free, line, held, grown))
        return best

    def _submodular(self, is_free: Bools, line: ProfitLine, held: Floats, grown: Floats) -> float:
        now = float(line.worth @ held)
        steps = np.minimum(0.0, line.base - (line.worth @ grown - now))
        return float(steps[is_free].sum()) - now

    def _grown(self, is_open: Bools) -> Floats:
        """Return, for every place and host j, the share lockers get when j is opened besides."""
        a, model = self.evaluator.attractions, self.smooth
        held = np.where(is_open[None, :], a, 0.0)
        if model.kind == "mnl":
            counted = held.sum(axis=1, keepdims=True) + np.where(is_open[None, :], 0.0, a)
        else:
            counted = np.maximum(held.max(axis=1, keepdims=True, initial=0.0), a)
        outside = 0.0 if model.kind == "nearest" else model.outside
        grown: Floats = np.divide(counted, counted + outside, out=np.zeros_like(counted), where=counted > 0.0)
        return grown


def smooth_choice(choice: ChoiceModel) -> ChoiceModel:
    """Return the model itself, or ``mnl`` in place of ``threshold``."""
    return replace(choice, kind="mnl") if choice.kind == "threshold" else choice
