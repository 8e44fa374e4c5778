"""Cheapest split of every set of stops into trips."""

from __future__ import annotations

import numpy as np

from planner.routing.exact_tours import IntArray
from planner.routing.round_problem import FloatArray


def partition(cost: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return for every set of stops the least cost of splitting it into trips, and the trip with its lowest stop.

    Parameters
    ----------
    cost
        Cost of one trip through each set, ``inf`` if impossible; shape ``(2ⁿ,)``.
    """
    size = len(cost)
    n = size.bit_length() - 1
    lowest = np.arange(size) & -np.arange(size)
    by_lowest = {1 << j: np.flatnonzero((lowest == 1 << j) & np.isfinite(cost)) for j in range(n)}
    best = np.full(size, np.inf)
    best[0] = 0.0
    choice = np.zeros(size, dtype=np.intp)
    for mask in range(1, size):
        sets = by_lowest[mask & -mask]
        sets = sets[(sets & ~mask) == 0]
        if len(sets) == 0:
            continue
        total = best[mask ^ sets] + cost[sets]
        place = int(np.argmin(total))
        best[mask], choice[mask] = total[place], sets[place]
    return best, choice
