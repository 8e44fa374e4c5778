"""One upper bound for every budget at once, tightened budget by budget over a growing core of sites.

With multipliers λ, ``L(λ, B) = Σ_i (w_i - λ_i) + max { Σ_j x_j Σ_i a_ij λ_i : Σ_j c_j x_j ≤ B, 0 ≤ x ≤ 1 }`` bounds what a
budget B can cover, for all B together: sites sorted by value per cost give a concave curve. Subgradient steps run over a
core only; then all sites are priced, which makes the bound valid, and those worth more than the core's last chosen site
enter it, one of each cluster of nearly equal ones (column generation, as for the linear relaxation).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from planner.siting.coverage_engine import kernels
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Ints
from planner.siting.coverage_engine.cover import Cover
from planner.siting.coverage_engine.curve_kernels import Stamps, differing, fill_row_best, packed
from planner.siting.coverage_engine.dual import SAFETY, site_values

_TINY = 1e-9
#: First step length and patience of an ascent over the core; the bound is expected this much above what is covered.
_FIRST_STEP, _PATIENCE, _AIM = 0.3, 10.0, 1.003
#: Sites below this share of the price stay out of an ascent; sites above that share of it may enter the core.
_NEAR, _ENTER = 0.7, 0.98
#: Passes over the sites that may enter, each taking one of a cluster; raising passes of the first multipliers.
_PASSES, _RAISES = 2, 3
#: Prices tried for the first multipliers, in what the last site of a choice won.
_PRICES = (1.0, 1.2)


@dataclass(frozen=True, slots=True, eq=False)
class _Proof:
    """What multipliers give: value per cost of every site, and the bound at every budget."""

    score: Floats
    curve: Floats


@dataclass(slots=True, eq=False)
class CurveBound:
    """Bound at every budget, the multipliers last found, and the core.

    Attributes
    ----------
    cover
        Rows and sites.
    budgets
        Rising budgets.
    is_core
        Sites the ascents run over; grows. Should cover all rows from the beginning.
    bound
        Proved upper bound at every budget (without the cover's base).
    multiplier
        Multipliers that prove most at the budget last improved.
    """

    cover: Cover
    budgets: Floats
    is_core: Bools
    bound: Floats = field(init=False)
    multiplier: Floats = field(init=False)
    _cost: Floats = field(init=False)
    _divisor: Floats = field(init=False)
    _held: _Proof = field(init=False)
    _stamp: Ints = field(init=False)
    _mark: int = 0

    def __post_init__(self) -> None:
        """Begin with what the whole weights prove."""
        c = self.cover
        self._cost = c.cost if c.cost.size else np.ones(c.site_count)
        self._divisor = np.maximum(self._cost, _TINY)
        self._stamp = np.zeros(c.row_count, dtype=np.int64)
        self.bound = np.full(self.budgets.size, c.weight.sum() * (1.0 + SAFETY))
        self.multiplier = c.weight.copy()
        self._held = self._prove(self.multiplier)

    @property
    def score(self) -> Floats:
        """Value per cost of every site at the multipliers last found."""
        return self._held.score

    def start(self, knot: float, price: float) -> None:
        """Take multipliers at which no site is worth more than about `price` per cost, if they prove more at `knot`."""
        c = self.cover
        best, top = np.empty(c.row_count), np.empty(c.row_count)
        fill_row_best(c.arrays, site_values(c, c.weight) / self._divisor, best)
        for share in _PRICES:
            lam = c.weight * np.minimum(1.0, share * price / np.maximum(best, _TINY))
            for _ in range(_RAISES):
                fill_row_best(c.arrays, site_values(c, lam) / self._divisor, top)
                lam = np.minimum(c.weight, lam * np.maximum(1.0, share * price / np.maximum(top, _TINY)))
            self._keep_better(knot, lam)

    def improve(self, knot: float, covered: float, steps: int, rounds: int) -> None:
        """Tighten the bound at `knot`, where `covered` is known to be possible: `rounds` of `steps` over the core."""
        for _ in range(rounds):
            price = self.price(self.score, knot)
            self._extend(self.score, self.multiplier, price)
            near = np.flatnonzero(self.is_core & (self.score >= _NEAR * price)).astype(np.int64)
            lam = self._ascend(near, knot, covered, steps)
            proof = self._keep_better(knot, lam)
            self._extend(proof.score, lam, self.price(np.where(self.is_core, proof.score, 0.0), knot))

    def _prove(self, multiplier: Floats) -> _Proof:
        """Lower the bound to what `multiplier` proves."""
        value = site_values(self.cover, multiplier)
        score = value / self._divisor
        order = np.argsort(-score, kind="stable")
        spent = np.concatenate(([0.0], np.cumsum(self._cost[order])))
        worth = np.concatenate(([0.0], np.cumsum(value[order])))
        base = float((self.cover.weight - multiplier).sum())
        curve = (base + np.interp(self.budgets, spent, worth)) * (1.0 + SAFETY)
        self.bound = np.minimum(self.bound, curve)
        return _Proof(score, curve)

    def _keep_better(self, knot: float, lam: Floats) -> _Proof:
        """Keep `lam`, or the middle between it and the present multipliers, if it proves more; return what `lam` proves."""
        place = min(int(np.searchsorted(self.budgets, knot - _TINY)), self.budgets.size - 1)
        proof = self._prove(lam)
        tried = [(lam, proof)]
        if proof.curve[place] > self._held.curve[place]:
            middle = 0.5 * (lam + self.multiplier)
            tried.append((middle, self._prove(middle)))
        for multiplier, found in tried:
            if found.curve[place] < self._held.curve[place]:
                self.multiplier, self._held = multiplier, found
        return proof

    def price(self, score: Floats, knot: float) -> float:
        """Return the value per cost of the last site that `knot` pays for."""
        if self.cover.cost.size == 0:
            rank = min(max(int(knot + 0.5), 1), score.size)
            return float(np.partition(score, score.size - rank)[score.size - rank])
        order = np.argsort(-score, kind="stable")
        place = int(np.searchsorted(np.cumsum(self._cost[order]), knot - _TINY))
        return float(score[order[min(place, order.size - 1)]])

    def _extend(self, score: Floats, lam: Floats, price: float) -> None:
        over = np.flatnonzero((score > _ENTER * price) & ~self.is_core)
        ranked = over[np.argsort(-score[over], kind="stable")].astype(np.int64)
        for _ in range(_PASSES):
            self._mark += 1
            found = differing(self.cover.arrays, lam, ranked, self.is_core, Stamps(self._stamp, self._mark))
            self.is_core[found] = True

    def _ascend(self, sites: Ints, knot: float, covered: float, steps: int) -> Floats:
        c = self.cover
        start, row = packed(c.arrays, sites)
        nothing = np.zeros(0, dtype=np.int32)
        core = Arrays(nothing, nothing, start, row, c.weight, c.cost[sites] if c.cost.size else c.cost)
        lam = self.multiplier.copy()
        settings = np.array([float(steps), _FIRST_STEP, _PATIENCE, 1e-4])
        kernels.ascend(core, knot, lam, _AIM * covered, settings)
        return lam
