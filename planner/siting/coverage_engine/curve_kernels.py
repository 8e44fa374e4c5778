"""Compiled inner loops of the bound over all budgets: best site of a row, sites that differ, packing of a core."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Indices, Ints


class Stamps(NamedTuple):
    """Rows taken in the present pass: those stamped with `mark`."""

    row: Ints
    mark: int


@compiled
def fill_row_best(arrays: Arrays, score: Floats, best: Floats) -> None:
    """Fill ``best_i = max { score_j : j covers i }`` (0 for rows nobody covers)."""
    for i in range(best.size):
        best[i] = 0.0
    for j in range(score.size):
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            best[i] = max(best[i], score[j])


@compiled
def differing(arrays: Arrays, multiplier: Floats, ranked: Ints, is_core: Bools, stamps: Stamps) -> Ints:
    """Return the sites of `ranked` outside the core that hold at least half of their value in rows not taken before.

    Neighbouring sites cover nearly the same rows; a core takes one of each such cluster at a time.
    """
    taken = np.empty(ranked.size, np.int64)
    count = 0
    for j in ranked:
        if is_core[j]:
            continue
        value = 0.0
        fresh = 0.0
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            i = arrays.site_row[k]
            value += multiplier[i]
            if stamps.row[i] != stamps.mark:
                fresh += multiplier[i]
        if fresh < 0.5 * value:
            continue
        for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
            stamps.row[arrays.site_row[k]] = stamps.mark
        taken[count] = j
        count += 1
    return taken[:count]


@compiled
def packed(arrays: Arrays, sites: Ints) -> tuple[Indices, Indices]:
    """Return (start, rows) of `sites` only, one after the other."""
    start = np.zeros(sites.size + 1, np.int32)
    for q in range(sites.size):
        start[q + 1] = start[q] + arrays.site_start[sites[q] + 1] - arrays.site_start[sites[q]]
    row = np.empty(start[-1], np.int32)
    for q in range(sites.size):
        first = arrays.site_start[sites[q]]
        for k in range(start[q + 1] - start[q]):
            row[start[q] + k] = arrays.site_row[first + k]
    return start, row
