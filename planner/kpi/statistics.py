"""Weighted statistics: mean, percentile, Gini, mean of the worst tenth. Formulas stand in docs/kpis.md."""

from __future__ import annotations

import math
from collections.abc import Sequence

_ROUNDING = 1e-12

#: Pairs (value, weight); weights are never negative.
Sample = Sequence[tuple[float, float]]


def mean(sample: Sample) -> float | None:
    """Return ``Σ w·x / Σ w``; None without weight."""
    weight = math.fsum(w for _, w in sample)
    return math.fsum(x * w for x, w in sample) / weight if weight > 0.0 else None


def percentile(sample: Sample, share: float) -> float | None:
    """Return the smallest value at or below which at least `share` of the weight lies; None without weight."""
    whole = math.fsum(w for _, w in sample)
    if whole <= 0.0:
        return None
    reached = 0.0
    ordered = sorted((x, w) for x, w in sample if w > 0.0)
    for value, weight in ordered:
        reached += weight
        if reached >= share * whole * (1.0 - _ROUNDING):
            return value
    return ordered[-1][0]


def gini(sample: Sample) -> float | None:
    """Return ``Σᵢ Σⱼ wᵢ wⱼ |xᵢ - xⱼ| / (2 W² μ)`` for values ≥ 0: 0 when all are equal, always below 1.

    Computed from the sorted sample as ``Σᵢ wᵢ xᵢ (2 Cᵢ - wᵢ - W) / (W² μ)`` with the weight ``Cᵢ`` up to and
    including i. None without weight; 0 when every value is 0.
    """
    ordered = sorted((x, w) for x, w in sample if w > 0.0)
    weight = math.fsum(w for _, w in ordered)
    if weight <= 0.0:
        return None
    total = math.fsum(x * w for x, w in ordered)
    if total <= 0.0:
        return 0.0
    terms, reached = [], 0.0
    for value, part in ordered:
        reached += part
        terms.append(part * value * (2.0 * reached - part - weight))
    return max(0.0, math.fsum(terms) / (weight * total))


def worst_tenth(sample: Sample, *, is_high_bad: bool) -> float | None:
    """Return the weighted mean over the worst tenth of the weight; the entry on the edge counts in part."""
    whole = math.fsum(w for _, w in sample)
    if whole <= 0.0:
        return None
    left, parts = whole / 10.0, []
    for value, weight in sorted(((x, w) for x, w in sample if w > 0.0), reverse=is_high_bad):
        taken = min(weight, left)
        parts.append(value * taken)
        left -= taken
        if left <= 0.0:
            break
    return math.fsum(parts) / (whole / 10.0)
