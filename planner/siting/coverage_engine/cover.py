"""The cover an engine works on: rows with a weight, sites with a cost, who covers what; and its reductions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from planner.siting.coverage_engine import kernels
from planner.siting.coverage_engine.arrays import Arrays, Bools, Floats, Indices, Ints

#: Seed of the random labels behind the hash of a row; hashes only group, equality is checked.
_HASH_SEED = 20_260_101
#: Most pairs of row and site an index of 32 bits can hold.
MOST_PAIRS = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Rows to be covered and the sites that cover them.

    Attributes
    ----------
    weight
        Weight of each row.
    row_start, row_site
        Sites of each row, ascending.
    site_start, site_row
        Rows of each site, ascending.
    cost
        Cost of each site, or empty when every site costs 1.
    site
        The caller's number of each site.
    base
        Weight that is covered whatever is chosen.
    """

    weight: Floats
    row_start: Indices
    row_site: Indices
    site_start: Indices
    site_row: Indices
    cost: Floats
    site: Ints
    base: float = 0.0

    @property
    def arrays(self) -> Arrays:
        """The arrays for the kernels."""
        return Arrays(self.row_start, self.row_site, self.site_start, self.site_row, self.weight, self.cost)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self.row_start.size - 1

    @property
    def site_count(self) -> int:
        """Number of sites."""
        return self.site_start.size - 1

    @property
    def pair_count(self) -> int:
        """Number of pairs."""
        return self.row_site.size

    def covered(self, chosen: Ints) -> float:
        """Return the weight that `chosen` sites (numbers within this cover) cover, without the base."""
        return float(self.weight[self.covered_rows(chosen)].sum())

    def covered_rows(self, chosen: Ints) -> Bools:
        """Tell which rows `chosen` sites cover."""
        hit = np.zeros(self.row_count, dtype=np.bool_)
        for j in chosen:
            hit[self.site_row[self.site_start[j] : self.site_start[j + 1]]] = True
        return hit

    def spent(self, chosen: Ints) -> float:
        """Return what `chosen` sites cost."""
        return float(chosen.size if self.cost.size == 0 else self.cost[chosen].sum())


def cover_of(
    pairs: sparse.csr_array, weight: Floats, *, cost: Floats | None = None, site: Ints | None = None, base: float = 0.0
) -> Cover:
    """Return the cover of a sparse row × site pattern (stored entries count, whatever their value).

    Raises
    ------
    ValueError
        If there are more pairs than 32-bit indices can number.
    """
    if pairs.nnz > MOST_PAIRS:
        msg = f"{pairs.nnz} pairs are more than {MOST_PAIRS}"
        raise ValueError(msg)
    pattern = sparse.csr_array((np.ones(pairs.nnz, dtype=np.int8), pairs.indices, pairs.indptr), shape=pairs.shape)
    pattern.sort_indices()
    by_site = pattern.tocsc()
    by_site.sort_indices()
    return Cover(
        np.ascontiguousarray(weight, dtype=np.float64),
        pattern.indptr.astype(np.int32),
        pattern.indices.astype(np.int32),
        by_site.indptr.astype(np.int32),
        by_site.indices.astype(np.int32),
        np.zeros(0) if cost is None else np.ascontiguousarray(cost, dtype=np.float64),
        np.arange(pairs.shape[1], dtype=np.int64) if site is None else site,
        base,
    )


def _pattern(cover: Cover) -> sparse.csr_array:
    data = np.ones(cover.pair_count, dtype=np.int8)
    return sparse.csr_array((data, cover.row_site, cover.row_start), shape=(cover.row_count, cover.site_count))


def part_of(cover: Cover, sites: Bools, *, opened: Ints | None = None, rows: Bools | None = None) -> Cover:
    """Return the cover over `sites` and `rows` (None: all); rows that `opened` sites cover move into the base."""
    return part_with(cover, sites, cover.weight, opened=opened, rows=rows)[0]


def part_with(
    cover: Cover, sites: Bools, extra: Floats, *, opened: Ints | None = None, rows: Bools | None = None
) -> tuple[Cover, Floats]:
    """Return `part_of`, and `extra` (a figure a row) added up over the rows that became one."""
    hit = cover.covered_rows(np.zeros(0, np.int64) if opened is None else opened)
    base = cover.base + float(cover.weight[hit].sum())
    kept = ~hit if rows is None else rows & ~hit
    pattern = _pattern(cover)[kept][:, sites]
    reached = np.diff(pattern.indptr) > 0
    cost = cover.cost[sites] if cover.cost.size else None
    weight = cover.weight[kept][reached]
    small = cover_of(pattern[reached], weight, cost=cost, site=cover.site[sites], base=base)
    return merged_with(small, extra[kept][reached])


def merged(cover: Cover) -> Cover:
    """Return the cover with rows of the same sites added up and rows without weight or sites left out."""
    return merged_with(cover, cover.weight)[0]


def merged_with(cover: Cover, extra: Floats) -> tuple[Cover, Floats]:
    """Return `merged`, and `extra` (a figure a row) added up likewise."""
    degree = np.diff(cover.row_start)
    useful = (cover.weight > 0) & (degree > 0)
    if useful.any():
        target = _targets(cover, useful)
        kept = np.flatnonzero(useful & (target == np.arange(cover.row_count)))
        if kept.size == cover.row_count:
            return cover, extra
        weight, total = (_grouped(values, target, useful)[kept] for values in (cover.weight, extra))
    else:
        kept = np.zeros(0, np.int64)
        weight, total = np.zeros(0), np.zeros(0)
    small = cover_of(_pattern(cover)[kept], weight, cost=_cost(cover), site=cover.site, base=cover.base)
    return small, total


def _grouped(values: Floats, target: Ints, useful: Bools) -> Floats:
    """Return the sums of useful `values` by their target."""
    return np.bincount(target[useful], weights=values[useful], minlength=values.size).astype(np.float64)


def _targets(cover: Cover, useful: Bools) -> Ints:
    """Return for every useful row the first row with the same sites."""
    label = np.random.default_rng(_HASH_SEED).integers(1, 2**63, cover.site_count, dtype=np.uint64)
    running = np.concatenate((np.zeros(1, np.uint64), np.cumsum(label[cover.row_site], dtype=np.uint64)))
    key = running[cover.row_start[1:]] - running[cover.row_start[:-1]]
    order = np.lexsort((key, ~useful))[: int(useful.sum())]
    is_new = np.append(True, np.diff(key[order]) != 0)
    group_start = np.append(np.flatnonzero(is_new), order.size).astype(np.int64)
    first = order[group_start[:-1]][np.cumsum(is_new) - 1]
    target = np.arange(cover.row_count)
    target[order] = np.where(_same_sites(cover, order, first), first, order)
    return target


def _same_sites(cover: Cover, rows: Ints, others: Ints) -> Bools:
    """Tell of each row whether its sites are exactly those of the other row."""
    size = np.diff(cover.row_start)
    same = size[rows] == size[others]
    asked = np.flatnonzero(same & (rows != others) & (size[rows] > 0))
    if asked.size:
        width = size[rows[asked]].astype(np.int64)
        begin = np.cumsum(width) - width
        within = np.arange(int(width.sum())) - np.repeat(begin, width)
        one, two = (np.repeat(cover.row_start[part[asked]], width) + within for part in (rows, others))
        same[asked] = ~np.logical_or.reduceat(cover.row_site[one] != cover.row_site[two], begin)
    return np.asarray(same)


def _cost(cover: Cover) -> Floats | None:
    return cover.cost if cover.cost.size else None


def without_dominated(cover: Cover) -> Cover:
    """Return the cover without the sites whose rows another site of no higher cost covers too."""
    keep = np.ones(cover.site_count, dtype=np.bool_)
    kernels.mark_dominated(cover.arrays, keep)
    if keep.all():
        return cover
    return part_of(cover, keep)


def columns_of(cover: Cover, sites: Bools) -> Cover:
    """Return the cover over `sites` only with all rows in place, reached or not, so that multipliers fit."""
    pattern = sparse.csc_array(
        (np.ones(cover.pair_count, np.int8), cover.site_row, cover.site_start),
        shape=(cover.row_count, cover.site_count),
    )[:, sites]
    cost = cover.cost[sites] if cover.cost.size else None
    return cover_of(pattern.tocsr(), cover.weight, cost=cost, site=cover.site[sites], base=cover.base)
