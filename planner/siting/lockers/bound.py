"""A proved lower bound on the yearly cost of any choice of lockers that keeps some open and others closed.

For a node of the search with hosts I open, F still free: every locker costs at least its smallest set, or at least
its control unit plus, per parcel taken, the compartments the sizing rule needs (carried load ≤ compartments, so ``k_s
≥ a_s·(1 - target)``). What parcels can be worth is the larger of nothing and saving less that share of compartments.
Savings under ``nearest``, ``bnl`` and ``mnl`` are monotone and submodular in the set of lockers (a concave function
of a maximum or a sum); ``threshold`` is bounded by ``mnl`` and by its largest window. Hence, with V the savings and
b_j the least cost of locker j, both

* ``Σ_I b - V(I ∪ F)``  and
* ``Σ_I b - V(I) + Σ_F min(0, b_j - (V(I + j) - V(I)))``  (submodularity; Nemhauser, Wolsey and Fisher, 1978)

lie at or below the cost of every set between I and I ∪ F; the larger one is the bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.problems.siting import Bools, Floats
from planner.siting.lockers.choice import choice_shares, locker_share_bound
from planner.siting.lockers.days import DAYS_PER_YEAR
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.lockers.problem import LockerProblem


class LockerBound:
    """Lower bounds of one problem."""

    def __init__(self, evaluator: LockerEvaluator) -> None:
        self.evaluator = evaluator
        problem = evaluator.problem
        self.pairs = (_smallest_set(problem), _control_and_cells(problem))
        kind = problem.settings.choice.kind
        # Under `threshold` fewer lockers count than under `mnl`, never more.
        self.smooth = replace(problem.settings.choice, kind="mnl") if kind == "threshold" else problem.settings.choice
        siting = problem.siting
        self.closing: Floats = (
            np.where(siting.is_existing, siting.closing_cny, 0.0) * problem.settings.prices.annuity_share
        )

    def bound(self, is_open: Bools, is_free: Bools) -> float:
        """Return the bound of a node; hosts neither open nor free are closed."""
        closed = ~is_open & ~is_free
        fixed = float(self.closing[closed].sum())
        reach = locker_share_bound(
            self.evaluator.attractions, is_open | is_free, self.evaluator.problem.settings.choice
        )
        best = -np.inf
        for least, worth in self.pairs:
            base = fixed + float(least[is_open].sum())
            whole = base - float(worth @ reach)
            best = max(best, whole, base + self._submodular(is_open, is_free, least, worth))
        return best

    def _submodular(self, is_open: Bools, is_free: Bools, least: Floats, worth: Floats) -> float:
        held = float(worth @ choice_shares(self.evaluator.attractions, is_open, self.smooth).sum(axis=1))
        gains = self._gains(is_open, worth) - held
        steps = np.minimum(0.0, least - gains)
        return float(steps[is_free].sum()) - held

    def _gains(self, is_open: Bools, worth: Floats) -> Floats:
        """Return V(I + j) for every host j."""
        a, model = self.evaluator.attractions, self.smooth
        held = np.where(is_open[None, :], a, 0.0)
        if model.kind == "mnl":
            counted = held.sum(axis=1, keepdims=True) + a
        else:
            counted = np.maximum(held.max(axis=1, keepdims=True, initial=0.0), a)
        outside = 0.0 if model.kind == "nearest" else model.outside
        whole = counted + outside
        shares = np.divide(counted, whole, out=np.zeros_like(counted), where=counted > 0.0)
        gains: Floats = worth @ shares
        return gains


def _per_parcel(problem: LockerProblem) -> Floats:
    """Return the saving of a place's parcel, with the subsidy if it counts."""
    settings = problem.settings
    extra = settings.subsidy_cny_per_parcel if settings.count_subsidy else 0.0
    return np.array([place.saving_cny_per_parcel + extra for place in problem.places])


def _subsidised(problem: LockerProblem) -> float:
    return 1.0 - problem.settings.subsidy_capex_share if problem.settings.count_subsidy else 1.0


def _base_costs(problem: LockerProblem, set_price: Floats) -> Floats:
    siting, prices = problem.siting, problem.settings.prices
    connection = np.where(siting.is_existing, 0.0, siting.capex_cny)
    once = prices.annuity_share * _subsidised(problem) * (set_price + connection)
    base: Floats = once + prices.opex_cny_per_year + siting.yearly_cny
    return base


def _smallest_set(problem: LockerProblem) -> tuple[Floats, Floats]:
    """Return (cost of the smallest set at each host, worth of each place's parcels); further compartments are free."""
    prices = problem.settings.prices
    cheapest = min(prices.cell_cny)
    rooms = [min(prices.minimum_cells, problem.maximum_cells(j)) for j in range(problem.siting.site_count)]
    price = prices.control_cny + cheapest * np.array(rooms, dtype=np.float64)
    return _base_costs(problem, price), DAYS_PER_YEAR * _per_parcel(problem) * problem.lockable


def _control_and_cells(problem: LockerProblem) -> tuple[Floats, Floats]:
    """Return (cost without compartments, worth of each place's parcels less the compartments they need)."""
    settings = problem.settings
    price = np.full(problem.siting.site_count, settings.prices.control_cny)
    unit = sum(p * share for p, share in zip(settings.prices.cell_cny, settings.mix, strict=True))
    dwell = np.array([place.dwell_h for place in problem.places])
    cells = (
        settings.prices.annuity_share
        * _subsidised(problem)
        * unit
        * dwell
        / 24.0
        * (1.0 - settings.overflow_target_share)
    )
    worth = np.maximum(0.0, DAYS_PER_YEAR * _per_parcel(problem) - cells) * problem.lockable
    return _base_costs(problem, price), worth
