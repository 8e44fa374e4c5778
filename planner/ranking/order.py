"""TOPSIS, dominance, and how sure an order is: rank probabilities and what would flip it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.ranking.weights import Floats

Ints = npt.NDArray[np.int64]
_STEPS = 400


def unit_range(values: Floats, is_benefit: npt.NDArray[np.bool_]) -> Floats:
    """Return each column from 0 (worst county) to 1 (best); a column in which all are alike is 1 throughout."""
    low, high = values.min(axis=0), values.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    up = (values - low) / span
    scaled: Floats = np.where(high > low, np.where(is_benefit, up, 1.0 - up), 1.0)
    return scaled


def topsis(values: Floats, weights: Floats, is_benefit: npt.NDArray[np.bool_]) -> Floats:
    """Return each county's closeness to the ideal, 0 to 1 (Hwang, Yoon 1981).

    ``v_ij = w_j x_ij / √Σ_i x_ij²``; the ideal takes the best of each column, the worst the worst; closeness = d⁻ / (d⁺ + d⁻) with
    Euclidean distances. The unit of an indicator does not matter: a column times a positive number gives the same.

    Parameters
    ----------
    values
        ``(counties, indicators)``.
    weights
        Weights that sum to 1.
    is_benefit
        Whether more is better.
    """
    length = np.sqrt((values**2).sum(axis=0))
    v = weights * values / np.where(length > 0, length, 1.0)
    best = np.where(is_benefit, v.max(axis=0), v.min(axis=0))
    worst = np.where(is_benefit, v.min(axis=0), v.max(axis=0))
    to_best = np.sqrt(((v - best) ** 2).sum(axis=1))
    to_worst = np.sqrt(((v - worst) ** 2).sum(axis=1))
    whole = to_best + to_worst
    closeness: Floats = np.where(whole > 0, to_worst / np.where(whole > 0, whole, 1.0), 0.5)
    return closeness


def ranks(scores: Floats) -> Ints:
    """Return the rank of each county, 1 for the highest score; equal scores in the order given."""
    order = np.argsort(-scores, kind="stable")
    place = np.empty(scores.size, dtype=np.int64)
    place[order] = np.arange(1, scores.size + 1)
    return place


def dominates(values: Floats, is_benefit: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which county (row) is at least as good as which (column) in everything and better in something, whatever the weights."""
    good = np.where(is_benefit, values, -values)
    no_worse = (good[:, None, :] >= good[None, :, :]).all(axis=2)
    better = (good[:, None, :] > good[None, :, :]).any(axis=2)
    return np.asarray(no_worse & better, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class RankProbabilities:
    """How often each county takes each place.

    Attributes
    ----------
    share
        ``(counties, places)``: share of the draws.
    mean_rank
        Mean place.
    draws
        Draws made.
    """

    share: Floats
    mean_rank: Floats
    draws: int


def rank_probabilities(
    cases: Sequence[Floats],
    weights: Floats,
    is_benefit: npt.NDArray[np.bool_],
    *,
    draws: int = 10_000,
    concentration: float = 50.0,
    seed: int = 1,
) -> RankProbabilities:
    """Return how often each county takes each place when inputs and weights are uncertain.

    Each draw takes one of the cases (the same for all counties: assumptions are shared) and weights from a Dirichlet distribution
    around the given ones.

    Parameters
    ----------
    cases
        Indicator values under each scenario.
    weights
        Weights that sum to 1; one of weight 0 stays 0.
    is_benefit
        Whether more is better.
    draws, seed
        Number of draws and their seed.
    concentration
        How near the drawn weights stay: a weight w varies by about √(w (1 − w) / (concentration + 1)).
    """
    rng = np.random.default_rng(seed)
    count = cases[0].shape[0]
    used = weights > 0
    drawn = np.zeros((draws, weights.size))
    drawn[:, used] = rng.dirichlet(concentration * weights[used], draws) if used.sum() > 1 else 1.0
    which = rng.integers(0, len(cases), draws)
    share = np.zeros((count, count))
    for case, own in zip(which, drawn, strict=True):
        place = ranks(topsis(cases[case], own, is_benefit))
        share[np.arange(count), place - 1] += 1.0
    share /= draws
    return RankProbabilities(share, share @ np.arange(1, count + 1, dtype=float), draws)


@dataclass(frozen=True, slots=True)
class Flip:
    """The weight at which an indicator would put another county first: from what to what, and whom."""

    indicator: int
    weight: float
    first: int


def flips_by_weight(values: Floats, weights: Floats, is_benefit: npt.NDArray[np.bool_]) -> tuple[Flip, ...]:
    """Return, for each indicator, the nearest weight of it that puts another county first (the others keep their proportions).

    An indicator that never does is not listed.
    """
    today = int(np.argmin(ranks(topsis(values, weights, is_benefit))))
    found = []
    grid = np.linspace(0.0, 1.0, _STEPS + 1)
    for j in range(weights.size):
        rest = weights.copy()
        rest[j] = 0.0
        if rest.sum() <= 0:
            continue
        best: Flip | None = None
        for weight in sorted(grid, key=lambda w, own=weights[j]: (abs(w - own), w)):  # type: ignore[misc]
            trial = rest / rest.sum() * (1.0 - weight)
            trial[j] = weight
            first = int(np.argmin(ranks(topsis(values, trial, is_benefit))))
            if first != today:
                best = Flip(j, float(weight), first)
                break
        if best is not None:
            found.append(best)
    return tuple(found)
