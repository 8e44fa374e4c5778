"""Compiled search for triples of rows whose cut a fractional choice of sites violates (see `cut_bound`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.engines.compiled import compiled
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Ints


class Fraction(NamedTuple):
    """A fractional choice: the sites of each row that are partly open, and what each row shares with others.

    `start`, `site`: sites of each row, ascending, of share `share`; `other_start`, `other`, `common`: the rows that share
    open sites with each row, ascending, and the shares of those sites summed; `slack`: by how much a row is covered beyond
    what it counts.
    """

    start: Ints
    site: Ints
    share: Floats
    other_start: Ints
    other: Ints
    common: Floats
    slack: Floats


@compiled
def share_of_all(given: Fraction, i: int, j: int, k: int) -> float:
    """Return the summed shares of the sites that cover all three rows."""
    a, b, c = given.start[i], given.start[j], given.start[k]
    total = 0.0
    while a < given.start[i + 1] and b < given.start[j + 1] and c < given.start[k + 1]:
        first, second, third = given.site[a], given.site[b], given.site[c]
        largest = max(first, second, third)
        if first == largest and second == largest and third == largest:
            total += given.share[first]
        a += 1 if first < largest or third == largest == second == first else 0
        b += 1 if second < largest or third == largest == second == first else 0
        c += 1 if third < largest or third == largest == second == first else 0
    return total


@compiled
def violated_triples(given: Fraction, least: float, found: Ints, violation: Floats) -> int:
    """Fill `found` with triples i < j < k violated by more than `least`; return how many (at most what fits).

    The violation is: shares of the sites common to each pair, less twice those common to all three, less 1, less the slack
    of the three rows. (Without a site common to each of the pairs it is never positive.)
    """
    count = 0
    mass = np.zeros(given.start.size - 1)
    for i in range(mass.size):
        for t in range(given.other_start[i], given.other_start[i + 1]):
            mass[given.other[t]] = given.common[t]
        for t in range(given.other_start[i], given.other_start[i + 1]):
            j = given.other[t]
            if j <= i:
                continue
            for u in range(given.other_start[j], given.other_start[j + 1]):
                k = given.other[u]
                if k <= j or mass[k] == 0.0:
                    continue
                excess = given.common[t] + given.common[u] + mass[k] - 1.0
                excess -= given.slack[i] + given.slack[j] + given.slack[k]
                if excess <= least:
                    continue
                excess -= 2.0 * share_of_all(given, i, j, k)
                if excess > least and count < violation.size:
                    found[count, 0] = i
                    found[count, 1] = j
                    found[count, 2] = k
                    violation[count] = excess
                    count += 1
        for t in range(given.other_start[i], given.other_start[i + 1]):
            mass[given.other[t]] = 0.0
    return count


@compiled
def grow_block(arrays: Arrays, seed: int, is_left: Bools, block: Ints) -> int:
    """Fill `block` with rows met breadth-first from row `seed` (over shared sites) that are left; take them off; count them."""
    is_seen = np.zeros(arrays.site_start.size - 1, np.bool_)
    block[0] = seed
    is_left[seed] = False
    head, tail = 0, 1
    while head < tail < block.size:
        i = block[head]
        head += 1
        for q in range(arrays.row_start[i], arrays.row_start[i + 1]):
            j = arrays.row_site[q]
            if is_seen[j]:
                continue
            is_seen[j] = True
            for k in range(arrays.site_start[j], arrays.site_start[j + 1]):
                other = arrays.site_row[k]
                if is_left[other] and tail < block.size:
                    is_left[other] = False
                    block[tail] = other
                    tail += 1
    return tail
