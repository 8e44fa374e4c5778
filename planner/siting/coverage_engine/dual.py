"""Lagrangian bound of maximal covering.

Relax "a row counts only if one of its sites is open", better the multipliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.siting.coverage_engine import kernels
from planner.siting.coverage_engine.arrays import Bools, Floats
from planner.siting.coverage_engine.cover import Cover

#: A bound is raised by this relative amount, so that rounding in sums of floats can never make it too low.
SAFETY = 1e-10


@dataclass(frozen=True, slots=True)
class Ascent:
    """Settings of an ascent: most steps, first step length, patience, and the step length at which to stop."""

    steps: int = 2000
    theta: float = 1.0
    patience: int = 20
    least_theta: float = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """A proved upper bound (without the cover's base) and the multipliers that prove it."""

    bound: float
    multiplier: Floats


def first_multipliers(cover: Cover) -> Floats:
    """Return multipliers to start from: half of each weight."""
    return 0.5 * cover.weight


def improve(cover: Cover, budget: float, target: float, multiplier: Floats, ascent: Ascent) -> Dual:
    """Return the best bound met in `ascent` from `multiplier`."""
    lam = np.clip(multiplier, 0.0, cover.weight)
    settings = np.array([ascent.steps, ascent.theta, ascent.patience, ascent.least_theta], dtype=np.float64)
    kernels.ascend(cover.arrays, float(budget), lam, target, settings)
    return Dual(bound_at(cover, budget, lam), lam)


def site_values(cover: Cover, multiplier: Floats) -> Floats:
    """Return ``Σ_i a_ij λ_i`` of every site."""
    value = np.empty(cover.site_count)
    kernels.fill_values(cover.arrays, multiplier, value)
    return value


def bound_at(cover: Cover, budget: float, multiplier: Floats) -> float:
    """Return the bound at `multiplier` (any multipliers between 0 and the weights prove one)."""
    share = np.empty(cover.site_count)
    value = site_values(cover, multiplier)
    chosen = kernels.choose_sites(cover.arrays, value, float(budget), share)
    return float(((cover.weight - multiplier).sum() + chosen) * (1.0 + SAFETY))


def fixable(cover: Cover, budget: float, dual: Dual, wanted: float) -> tuple[Bools, Bools]:
    """Return (sites that must be open, sites that must stay closed) in every choice that covers at least `wanted`.

    With the price μ of the budget at the bound, opening a site of value below ``μ c_j`` lowers the bound by the
    difference,
    and so does closing one above.
    """
    return decided(*excess_at(cover, budget, dual.multiplier), wanted)


def decided(excess: Floats, bound: float, wanted: float) -> tuple[Bools, Bools]:
    """Return (must be open, must stay closed) of sites whose excess moves `bound` below `wanted`."""
    must = (excess > 0) & (bound - excess < wanted)
    never = (excess < 0) & (bound + excess < wanted)
    return must, never


def core_goal(cover: Cover, budget: float, dual: Dual, most_pairs: int) -> float:
    """Return the weight that only choices within a core of about `most_pairs` pairs can reach (see `fixable`)."""
    excess, bound = excess_at(cover, budget, dual.multiplier)
    order = np.argsort(np.abs(excess), kind="stable")
    inside = int(np.searchsorted(np.cumsum(np.diff(cover.site_start)[order]), most_pairs, side="right"))
    return bound - float(np.abs(excess)[order[min(inside, order.size - 1)]])


def worthiest(cover: Cover, multiplier: Floats, share: float) -> Bools:
    """Tell which sites are in the `share` of most value per cost at `multiplier`."""
    value = site_values(cover, multiplier)
    if cover.cost.size:
        value = value / np.maximum(cover.cost, 1e-9)
    kept: Bools = value >= np.quantile(value, 1.0 - share)
    return kept


def excess_at(cover: Cover, budget: float, multiplier: Floats) -> tuple[Floats, float]:
    """Return what each site is worth beyond the price of its cost, and the bound at that price."""
    return excess_of(cover, budget, site_values(cover, multiplier), float((cover.weight - multiplier).sum()))


def excess_of(cover: Cover, budget: float, value: Floats, left: float) -> tuple[Floats, float]:
    """Return what sites of `value` are worth beyond the price of their cost, and the bound at that price.

    `left` is the part of the bound that does not depend on the choice.
    """
    price = price_of_budget(cover, budget, value)
    cost = cover.cost if cover.cost.size else np.ones(cover.site_count)
    excess = value - price * cost
    bound = left + price * budget + float(np.maximum(excess, 0.0).sum())
    return excess, bound * (1.0 + SAFETY)


def price_of_budget(cover: Cover, budget: float, value: Floats) -> float:
    """Return the price of a unit of budget that makes the bound least: the value per cost of the last site taken."""
    if cover.cost.size == 0:
        p = int(budget)
        if p >= value.size:
            return 0.0
        if p <= 0:
            return float(value.max())
        ranked = np.partition(value, (value.size - p - 1, value.size - p))
        return float((ranked[value.size - p - 1] + ranked[value.size - p]) / 2.0)
    return float(kernels.price_within(value, cover.cost, budget)[1])
