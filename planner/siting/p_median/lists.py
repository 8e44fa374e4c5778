"""Cost lists: for every client the sites it may use, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from planner.siting.p_median import kernels
from planner.siting.p_median.kernels import Bools, Floats, Ints, Sites


@dataclass(frozen=True, slots=True, eq=False)
class CostLists:
    """Client → sites in ascending cost, in CSR form, and the same entries by site.

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
    site_start, client, site_cost
        The entries by site, clients ascending.
    """

    start: Ints
    site: Sites
    cost: Floats
    limit: Floats
    site_count: int
    site_start: Ints = field(init=False)
    client: Sites = field(init=False)
    site_cost: Floats = field(init=False)

    def __post_init__(self) -> None:
        columns = by_site(self.start, self.site, self.cost, self.site_count)
        for name, array in zip(("site_start", "client", "site_cost"), columns, strict=True):
            object.__setattr__(self, name, array)

    @property
    def client_count(self) -> int:
        """Number of clients."""
        return int(self.start.size - 1)

    @property
    def rows(self) -> tuple[Ints, Sites, Floats]:
        """The lists by client."""
        return self.start, self.site, self.cost

    @property
    def columns(self) -> tuple[Ints, Sites, Floats]:
        """The lists by site."""
        return self.site_start, self.client, self.site_cost

    def keep(self, mask: Bools, limit: Floats | None = None) -> tuple[CostLists, Ints]:
        """Return the lists over the sites in `mask`, cut at `limit`, and the old index of each new site."""
        old = np.flatnonzero(mask)
        new = np.full(self.site_count, -1, dtype=np.int32)
        new[old] = np.arange(old.size, dtype=np.int32)
        cut = self.limit if limit is None else np.minimum(self.limit, limit)
        start, site, cost = kernels.compact(self.start, self.site, self.cost, new, cut)
        return CostLists(start, site.copy(), cost.copy(), cut, int(old.size)), old

    def nearest_cost(self, is_open: Bools, far: Floats) -> Floats:
        """Return every client's cost to the nearest site of `is_open`, `far` where its list has none."""
        nearest = far.copy()
        where = np.flatnonzero(is_open)
        for j in where:
            part = slice(self.site_start[j], self.site_start[j + 1])
            clients = self.client[part]
            nearest[clients] = np.minimum(nearest[clients], self.site_cost[part])
        return nearest


def by_site(start: Ints, site: Sites, cost: Floats, sites: int) -> tuple[Ints, Sites, Floats]:
    """Return the entries of lists by client as lists by site: start, client (ascending) and cost."""
    columns = sparse.csr_array((cost, site, start), shape=(start.size - 1, sites)).tocsc()
    return columns.indptr.astype(np.int64), columns.indices.astype(np.int32), columns.data


def lists_from_matrix(cost: npt.NDArray[np.float64]) -> CostLists:
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


def lists_from_rows(start: Ints, site: npt.NDArray[np.integer], cost: Floats, site_count: int) -> CostLists:
    """Return the lists of sparse pairs by client (CSR, sites ascending), a pair left out being impossible."""
    sites, costs = site.astype(np.int32), cost.astype(np.float64)
    for i in range(start.size - 1):
        part = slice(start[i], start[i + 1])
        order = np.argsort(costs[part], kind="stable")
        sites[part], costs[part] = sites[part][order], costs[part][order]
    return CostLists(
        start=np.asarray(start, dtype=np.int64),
        site=sites,
        cost=costs,
        limit=np.full(start.size - 1, np.inf),
        site_count=site_count,
    )
