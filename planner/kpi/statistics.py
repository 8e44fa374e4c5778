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


def weight_up_to(sample: Sample, limit: float) -> float:
    """Return the weight of all values at or below `limit`."""
    return math.fsum(w for x, w in sample if x <= limit)


def whole_weight(sample: Sample) -> float:
    """Return ``Σ w``."""
    return math.fsum(w for _, w in sample)


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

    None without weight; 0 when every value is 0.
    """
    above, below = gini_parts(sample)
    if whole_weight(sample) <= 0.0:
        return None
    return above / below if below > 0.0 else 0.0


def gini_parts(sample: Sample) -> tuple[float, float]:
    """Return numerator ``Σᵢ Σⱼ wᵢ wⱼ |xᵢ - xⱼ| / 2`` and denominator ``W² μ = W Σ w x`` of the Gini coefficient.

    The numerator is computed from the sorted sample as ``Σᵢ wᵢ xᵢ (2 Cᵢ - wᵢ - W)`` with the weight ``Cᵢ`` up to and
    including i.
    """
    ordered = sorted((x, w) for x, w in sample if w > 0.0)
    weight = math.fsum(w for _, w in ordered)
    total = math.fsum(x * w for x, w in ordered)
    terms, reached = [], 0.0
    for value, part in ordered:
        reached += part
        terms.append(part * value * (2.0 * reached - part - weight))
    return max(0.0, math.fsum(terms)), weight * total


def worst_tenth(sample: Sample, *, is_high_bad: bool) -> float | None:
    """Return the weighted mean over the worst tenth of the weight; the entry on the edge counts in part."""
    total, tenth = worst_tenth_parts(sample, is_high_bad=is_high_bad)
    return total / tenth if tenth > 0.0 else None


def worst_tenth_parts(sample: Sample, *, is_high_bad: bool) -> tuple[float, float]:
    """Return ``Σ w x`` over the worst tenth of the weight, and that tenth ``W / 10``."""
    tenth = whole_weight(sample) / 10.0
    left, parts = tenth, []
    for value, weight in sorted(((x, w) for x, w in sample if w > 0.0), reverse=is_high_bad):
        taken = min(weight, left)
        parts.append(value * taken)
        left -= taken
        if left <= 0.0:
            break
    return math.fsum(parts), tenth
