"""Compiled loops of the p-median on the plane: nothing of size clients × sites is ever stored.

Sites are sorted by x, so a client with reach r looks only at the sites with ``|x - x_i| < r``. A distance is
Euclidean, rounded down to a whole number if `whole`.
"""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.p_median.kernels import Floats, Ints, Sites


@compiled_part
def first_at_least(values: Floats, level: float) -> int:
    """Return the first index of ascending `values` that is at least `level`."""
    low = 0
    high = values.size
    while low < high:
        middle = (low + high) // 2
        if values[middle] < level:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def near_pairs(
    client: Floats, site: Floats, reach: Floats, weight: Floats, whole: int, entries: tuple[Ints, Sites, Floats]
) -> None:
    """Find the sites closer than its `reach` to each client; points have shape (2, size).

    `entries` are start, index and cost. Without room in the last two the number of each client's sites is written behind its
    start; else its sites, ascending, and what they cost are written from its start on.
    """
    start, index, cost = entries
    for i in range(reach.size):
        square = reach[i] * reach[i]
        low = first_at_least(site[0], client[0, i] - reach[i])
        high = first_at_least(site[0], client[0, i] + reach[i])
        place = start[i] if index.size > 0 else 0
        for j in range(low, high):
            dx = site[0, j] - client[0, i]
            dy = site[1, j] - client[1, i]
            d = dx * dx + dy * dy
            if d < square:
                if index.size > 0:
                    d = np.sqrt(d)
                    index[place] = j
                    cost[place] = weight[i] * (np.floor(d) if whole != 0 else d)
                place += 1
        if index.size == 0:
            start[i + 1] = place


@compiled
def plane_values(client: Floats, site: Floats, multiplier: Floats, weight: Floats, whole: int, value: Floats) -> None:
    """Add ``Σ_i min(0, c_ij - λ_i)`` to `value` for every site."""
    for i in range(multiplier.size):
        level = multiplier[i]
        if level <= 0.0 or weight[i] <= 0.0:
            continue
        reach = level / weight[i] + 1.0
        low = first_at_least(site[0], client[0, i] - reach)
        high = first_at_least(site[0], client[0, i] + reach)
        for j in range(low, high):
            dx = site[0, j] - client[0, i]
            dy = site[1, j] - client[1, i]
            d = np.sqrt(dx * dx + dy * dy)
            if whole != 0:
                d = np.floor(d)
            value[j] += min(0.0, weight[i] * d - level)


@compiled
def group_medians(
    clients: tuple[Floats, Floats, Ints, Ints], sites: tuple[Floats, Ints, Ints], whole: int, median: Ints
) -> None:
    """Set `median` of each group to the site of the group nearest to its clients in all (kept where there is none).

    `clients` is (points, weight, start by group, index), `sites` (points, start by group, index).
    """
    client, weight, start, who = clients
    site, site_start, which = sites
    for g in range(median.size):
        best = np.inf
        for s in range(site_start[g], site_start[g + 1]):
            j = which[s]
            total = 0.0
            for k in range(start[g], start[g + 1]):
                i = who[k]
                dx = site[0, j] - client[0, i]
                dy = site[1, j] - client[1, i]
                d = np.sqrt(dx * dx + dy * dy)
                total += weight[i] * (np.floor(d) if whole != 0 else d)
                if total >= best:
                    break
            if total < best:
                best = total
                median[g] = j
