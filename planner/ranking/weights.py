"""Weights of indicators: from how much they tell counties apart (entropy), or from pairwise comparison (AHP)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Mean consistency index of random comparison matrices of size 1 … 10 (Saaty 1980).
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
#: Greatest consistency ratio at which comparisons may be used.
CONSISTENT = 0.1


def entropy_weights(benefit: Floats) -> Floats:
    """Return weights by Shannon's entropy: an indicator in which all counties are alike weighs nothing.

    ``p_ij = x_ij / Σ_i x_ij``, ``e_j = − Σ_i p_ij ln p_ij / ln n``, ``w_j = (1 − e_j) / Σ (1 − e_j)`` (Shannon 1948; as a weight:
    Zeleny 1982).

    Parameters
    ----------
    benefit
        ``(counties, indicators)``, each column from 0 (worst) to 1 (best), see `planner.ranking.order.unit_range`.

    Returns
    -------
    ndarray
        Weights that sum to 1; all equal where no indicator tells any county apart.
    """
    count = benefit.shape[0]
    whole = benefit.sum(axis=0)
    spread = np.zeros(benefit.shape[1])
    for j in np.flatnonzero((whole > 0) & (np.ptp(benefit, axis=0) > 0)):
        p = benefit[benefit[:, j] > 0, j] / whole[j]
        spread[j] = 1.0 + float((p * np.log(p)).sum()) / np.log(count)
    if spread.sum() <= 0:
        return np.full(benefit.shape[1], 1.0 / benefit.shape[1])
    weights: Floats = spread / spread.sum()
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class AhpWeights:
    """Weights from pairwise comparison, and how consistent the comparisons are (ratio at most 0.1: usable)."""

    weights: Floats
    consistency_ratio: float

    @property
    def is_consistent(self) -> bool:
        """Whether the comparisons may be used."""
        return self.consistency_ratio <= CONSISTENT


def ahp_weights(comparisons: Floats) -> AhpWeights:
    """Return the weights of an analytic hierarchy process: the principal eigenvector of the comparison matrix (Saaty 1980).

    ``CI = (λ_max − n) / (n − 1)``, ``CR = CI / RI(n)``.

    Parameters
    ----------
    comparisons
        ``(n, n)``: how many times as important row is as column; positive and reciprocal, n ≤ 10.

    Raises
    ------
    ValueError
        If the matrix is not square, positive and reciprocal, or too large.
    """
    size = comparisons.shape[0]
    if comparisons.shape != (size, size) or not 1 <= size <= len(RANDOM_INDEX):
        msg = f"comparisons must be a square matrix of 1 to {len(RANDOM_INDEX)} indicators"
        raise ValueError(msg)
    if not (np.isfinite(comparisons).all() and (comparisons > 0).all()):
        msg = "comparisons must be positive"
        raise ValueError(msg)
    if not np.allclose(comparisons * comparisons.T, 1.0, rtol=1e-6):
        msg = "comparisons must be reciprocal: if A is 3 times as important as B, B is 1/3 as important as A"
        raise ValueError(msg)
    values, vectors = np.linalg.eig(comparisons)
    first = int(np.argmax(values.real))
    weights = np.abs(vectors[:, first].real)
    random = RANDOM_INDEX[size - 1]
    index = (float(values[first].real) - size) / (size - 1) if size > 1 else 0.0
    return AhpWeights(weights / weights.sum(), max(0.0, index / random) if random else 0.0)
