"""A siting problem over any demand and any sites: what every siting model of `planner.siting.models` is given.

The three-tier county plan has its own problem (`planner.plan.PlanProblem`). This one is for single-tier questions: coverage, medians,
centres, fixed charge, lockers, chargers. All figures are arrays in the order of `demand_ids` and `site_ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Locks = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class SideConstraints:
    """Constraints every model accepts; an engine that cannot keep one is refused by name.

    Attributes
    ----------
    capex_budget_cny, yearly_budget_cny
        Most that may be spent once (capex of opened candidates, closing cost of closed existing sites), and a year.
    group_minimum, group_maximum
        Group label (township or operator, as in `SitingProblem.groups`) → least / most open sites.
    exclusion_m
        No two open sites closer than this (metres, `SitingProblem.site_metres`); 0: none.
    near_sites, near_m
        Every open site must lie within `near_m` of one of these already existing things (indices into site ids).
    requires
        Pairs (a, b): if site a is open, site b must be open.
    conflicts
        Pairs (a, b): not both open.
    """

    capex_budget_cny: float | None = None
    yearly_budget_cny: float | None = None
    group_minimum: Mapping[str, int] = field(default_factory=dict)
    group_maximum: Mapping[str, int] = field(default_factory=dict)
    exclusion_m: float = 0.0
    near_sites: tuple[int, ...] = ()
    near_m: float = 0.0
    requires: tuple[tuple[int, int], ...] = ()
    conflicts: tuple[tuple[int, int], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is constrained."""
        return self == SideConstraints()


@dataclass(frozen=True, slots=True, eq=False)
class SitingProblem:
    """Demand, sites and the distances between them.

    Attributes
    ----------
    demand_ids, site_ids
        Labels; unique each.
    weight
        Shape (n,): importance of each demand point (persons or parcels), ≥ 0, finite.
    distance
        Sparse CSR (n × m) of distances (or costs per unit of weight) within the cut-off; an absent pair is out of reach. A stored
        zero is a distance of zero. Built with `distances_from_matrix`; every row sorted by column.
    demand
        Shape (n,): quantity that uses capacity (defaults to `weight`).
    fixed_cost
        Shape (m,): cost of an open site in the unit of the objective.
    capacity
        Shape (m,): most demand a site can take; ``inf``: no limit.
    capex_cny, yearly_cny, closing_cny
        Shape (m,): money of an opened candidate, of a year's operation, of closing an existing site.
    is_existing
        Shape (m,).
    locked
        Shape (m,): 1 must be open, -1 must stay closed, 0 free.
    groups
        Group name → site indices (townships, operators).
    site_metres
        Site × site distances for exclusion and nearness, dense, or None.
    side
        Side constraints.
    p
        Sites to open (existing open ones count), or None.
    """

    demand_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    weight: Floats
    distance: sparse.csr_array
    demand: Floats
    fixed_cost: Floats
    capacity: Floats
    capex_cny: Floats
    yearly_cny: Floats
    closing_cny: Floats
    is_existing: Bools
    locked: Locks
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    site_metres: Floats | None = None
    side: SideConstraints = SideConstraints()
    p: int | None = None

    @property
    def demand_count(self) -> int:
        """Number of demand points n."""
        return len(self.demand_ids)

    @property
    def site_count(self) -> int:
        """Number of sites m."""
        return len(self.site_ids)


def distances_from_matrix(metres: Floats, *, cutoff: float = np.inf) -> sparse.csr_array:
    """Return the pairs of a dense matrix at most `cutoff` (and finite), keeping true zeros as stored entries.

    Raises
    ------
    ValueError
        If a value is NaN or negative.
    """
    if np.isnan(metres).any() or (metres < 0).any():
        msg = "distances must be non-negative numbers; unreachable is inf"
        raise ValueError(msg)
    rows, columns = np.nonzero((metres <= cutoff) & np.isfinite(metres))
    start = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=metres.shape[0]))))
    return sparse.csr_array((metres[rows, columns].astype(np.float64), columns, start), shape=metres.shape)


def make_problem(
    weight: Floats,
    distance: sparse.csr_array,
    *,
    p: int | None = None,
    **fields: object,
) -> SitingProblem:
    """Return a problem with defaults for everything not given: free candidates without cost, capacity or side constraints."""
    n, m = distance.shape
    given: dict[str, object] = {
        "demand_ids": tuple(f"d{i}" for i in range(n)),
        "site_ids": tuple(f"s{j}" for j in range(m)),
        "demand": np.asarray(weight, dtype=np.float64),
        "fixed_cost": np.zeros(m),
        "capacity": np.full(m, np.inf),
        "capex_cny": np.zeros(m),
        "yearly_cny": np.zeros(m),
        "closing_cny": np.zeros(m),
        "is_existing": np.zeros(m, np.bool_),
        "locked": np.zeros(m, np.int8),
    }
    given.update(fields)
    return SitingProblem(weight=np.asarray(weight, dtype=np.float64), distance=distance, p=p, **given)  # type: ignore[arg-type]
