"""Cost lists: for every client the sites it may use, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CostLists:
    """Client → sites in ascending cost, in CSR form.

    Attributes
    ----------
    start
        Shape (clients + 1,); client ``i`` owns entries ``start[i]:start[i+1]``.
    site, cost
        Site index and cost (weight × distance) of each entry.
    limit
        Shape (clients,): a client's list holds every site cheaper than this; ``inf`` when it holds all sites.
    site_count
        Number of sites.
    """

    start: Ints
    site: npt.NDArray[np.int32]
    cost: Floats
    limit: Floats
    site_count: int

    @property
    def client_count(self) -> int:
        """Number of clients."""
        return int(self.start.size - 1)

    def keep(self, mask: npt.NDArray[np.bool_]) -> tuple[CostLists, Ints]:
        """Return the lists over the sites in `mask` only, and the old index of each new site."""
        old = np.flatnonzero(mask)
        new = np.full(self.site_count, -1, dtype=np.int32)
        new[old] = np.arange(old.size, dtype=np.int32)
        held = mask[self.site]
        counts = np.add.reduceat(held, self.start[:-1]) if held.size else np.zeros(self.client_count)
        counts = np.where(np.diff(self.start) > 0, counts, 0)
        start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return CostLists(start, new[self.site[held]], self.cost[held], self.limit, old.size), old


def lists_from_matrix(cost: Floats) -> CostLists:
    """Return the complete lists of a dense matrix, clients × sites; ties by site index."""
    clients, sites = cost.shape
    order = np.argsort(cost, axis=1, kind="stable")
    return CostLists(
        start=np.arange(clients + 1, dtype=np.int64) * sites,
        site=order.astype(np.int32).ravel(),
        cost=np.take_along_axis(cost, order, axis=1).astype(np.float64).ravel(),
        limit=np.full(clients, np.inf),
        site_count=sites,
    )
