"""The Shapley value of a cost game: exact from all coalitions, weighted, or sampled with confidence intervals.

Every player pays its mean additional cost over all orders in which the players may join (Shapley 1953):
``φ_i = Σ_{S∌i} |S|!(n-|S|-1)!/n! · (c(S∪i) - c(S))``. Weighted (Kalai and Samet 1987): every dividend
``d(S) = Σ_{T⊆S} (-1)^{|S|-|T|} c(T)`` is divided among the members of S by weight. Both
are linear in the costs, so a cost known between bound and value gives the exact
interval of each share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from planner.cooperation.game import CostAnswer, CostFunction, CostGame, Floats

#: Fewest independent blocks a confidence interval is made from.
LEAST_BLOCKS = 4


def shapley_coefficients(count: int) -> Floats:
    """Return a matrix A of shape (n, 2ⁿ): the Shapley value is ``A @ costs``."""
    masks = np.arange(1 << count)
    size = np.array([int(mask).bit_count() for mask in masks])
    weight = np.array([1.0 / (count * math.comb(count - 1, k)) for k in range(count)])
    found = np.empty((count, len(masks)))
    for i in range(count):
        inside = (masks >> i & 1).astype(np.bool_)
        found[i] = np.where(inside, weight[np.maximum(size - 1, 0)], -weight[np.minimum(size, count - 1)])
    return found


def weighted_coefficients(weights: Sequence[float]) -> Floats:
    """Return a matrix A of shape (n, 2ⁿ): the weighted Shapley value is ``A @ costs``. Weights must be positive."""
    share = np.asarray(weights, dtype=np.float64)
    if (share <= 0.0).any() or not np.isfinite(share).all():
        msg = "weights must be positive"
        raise ValueError(msg)
    count = len(share)
    masks = np.arange(1 << count)
    inside = ((masks[None, :] >> np.arange(count)[:, None]) & 1).astype(np.float64)
    total = share @ inside
    total[0] = 1.0
    found: Floats = share[:, None] * inside / total
    # Σ over supersets S of T with sign (-1)^{|S|-|T|}: one player at a time.
    for i in range(count):
        without = masks[(masks >> i & 1) == 0]
        found[:, without] -= found[:, without | 1 << i]
    return found


def interval(coefficients: Floats, game: CostGame) -> tuple[Floats, Floats, Floats]:
    """Return shares at the costs found, and the least and greatest they can be for any costs between bound and value."""
    up, down = np.maximum(coefficients, 0.0), np.minimum(coefficients, 0.0)
    shares = coefficients @ game.value
    return shares, up @ game.bound + down @ game.value, up @ game.value + down @ game.bound


def shapley(game: CostGame) -> Floats:
    """Return the exact Shapley value at the costs found."""
    found: Floats = shapley_coefficients(game.count) @ game.value
    return found


@dataclass(frozen=True, slots=True, eq=False)
class SampledShapley:
    """A sampled Shapley value.

    Attributes
    ----------
    shares
        Estimate by player; they sum to the cost of all.
    low, high
        Confidence interval of each share with the costs found, widened by what gaps of the asked costs can move it.
    confidence
        Probability with which each interval holds its share.
    blocks, coalitions
        Independent circles drawn, and coalitions asked for.
    """

    shares: Floats
    low: Floats
    high: Floats
    confidence: float
    blocks: int
    coalitions: int


def sample_shapley(
    players: Sequence[str],
    cost_of: CostFunction,
    *,
    blocks: int = 40,
    seed: int = 1,
    confidence: float = 0.95,
) -> SampledShapley:
    """Estimate the Shapley value where all coalitions are too many.

    Parameters
    ----------
    players
        Ids, at least two.
    cost_of
        Cost of a coalition.
    blocks
        Circles drawn; at least `LEAST_BLOCKS`. A circle asks for at most ``n(n-1)+1`` coalitions.
    seed
        Decides the circles.
    confidence
        Of each player's interval.

    Notes
    -----
    A block sets the players on a circle in random order and averages the ``2n`` orders read from every start in both directions:
    every player stands once at every place in each direction (stratified), each order is met with its reverse (antithetic), and all
    their coalitions are the arcs of the circle. Blocks are independent and unbiased, so Student's t on the block means gives the
    interval.
    """
    count = len(players)
    if count < 2 or blocks < LEAST_BLOCKS:  # noqa: PLR2004 - one player alone pays all
        msg = f"at least two players and {LEAST_BLOCKS} blocks"
        raise ValueError(msg)
    known: dict[int, CostAnswer] = {}

    def ask(mask: int) -> CostAnswer:
        if mask not in known:
            known[mask] = cost_of(tuple(name for i, name in enumerate(players) if mask >> i & 1))
        return known[mask]

    generator = np.random.default_rng(seed)
    found = [_circle([int(i) for i in generator.permutation(count)], ask) for _ in range(blocks)]
    drawn = np.array([shares for shares, _ in found])
    mean, gap = drawn.mean(axis=0), np.mean([widths for _, widths in found], axis=0)
    error = drawn.std(axis=0, ddof=1) / math.sqrt(blocks)
    reach = float(stats.t.ppf(0.5 + confidence / 2.0, blocks - 1)) * error
    return SampledShapley(mean, mean - reach - gap, mean + reach + gap, confidence, blocks, len(known))


def _circle(order: list[int], ask: Callable[[int], CostAnswer]) -> tuple[Floats, Floats]:
    """Return the mean additional cost of every player over all orders of a circle, and how far gaps can move it."""
    count = len(order)
    shares, gaps = np.zeros(count), np.zeros(count)
    for start in range(count):
        for step in (1, -1):
            mask, before, slack = 0, 0.0, 0.0
            for place in range(count):
                player = order[(start + step * place) % count]
                mask |= 1 << player
                cost = ask(mask)
                shares[player] += cost.value - before
                gaps[player] += slack + (cost.value - cost.bound)
                before, slack = cost.value, cost.value - cost.bound
    return shares / (2.0 * count), gaps / (2.0 * count)
