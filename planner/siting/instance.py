"""The siting problem as arrays: sites of each tier, pairs in reach, links, targets. Sorted labels throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.costs import closing_cny_per_day, site_cny_per_day, site_investment_cny
from planner.plan import PlanProblem
from planner.siting.coverage import ReachPairs, reach_pairs
from planner.siting.demand import VillageDemand, village_demand
from planner.siting.links import LinkCosts, link_costs

Vector = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

#: Slack for counting targets, so that 0.9 × 10 villages asks for 9 and not for 10.
_COUNT_TOLERANCE = 1e-9
#: Relative slack of a capacity, so that 18.4 + 4.6 parcels fit where 23 do.
_CAPACITY_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The usable sites of one tier (not locked closed, with a place), sorted by id.

    Attributes
    ----------
    ids
        Facility ids.
    open_cny, closed_cny
        CNY a day if open, and if closed (existing sites only).
    open_investment_cny, closed_investment_cny
        Spent once if opened, if closed.
    capacity
        Parcels a day, ``inf`` where there is no limit.
    must_open
        Locked open, or existing under `keep_existing`.
    is_existing
        Existing sites.
    village
        Position of the site's own village, -1 if none.
    township
        Township code as text.
    """

    ids: tuple[str, ...]
    open_cny: Vector
    closed_cny: Vector
    open_investment_cny: Vector
    closed_investment_cny: Vector
    capacity: Vector
    must_open: Flags
    is_existing: Flags
    village: Index
    township: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Targets:
    """What must hold.

    Attributes
    ----------
    persons
        Covered persons.
    own_point_villages
        Villages with an open point of their own.
    station_townships
        Townships with an open station.
    served_villages
        Villages served.
    budget_cny
        Most that may be spent; ``inf`` without a budget.
    centre_count
        Centres to open.
    """

    persons: float
    own_point_villages: int
    station_townships: int
    served_villages: int
    budget_cny: float
    centre_count: int


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Everything the siting model is built from.

    Attributes
    ----------
    problem
        The problem it was made from.
    demand
        Villages, sorted.
    points, stations, centres
        Sites of each tier.
    pairs
        Village–point pairs within `allocation_km`.
    access_cny
        What villagers bear for each pair, CNY a day.
    point_links
        Station → point costs, shape (stations, points).
    station_links
        Centre → station costs, shape (centres, stations).
    own_pair
        Village position → positions in `pairs` with a point of its own that can hold it.
    shut_ids
        Existing facilities that are shut whatever the model says.
    shut_cny, shut_investment_cny
        Their closing costs: CNY a day and once.
    targets
        Standard, budget and centre count.
    """

    problem: PlanProblem
    demand: VillageDemand
    points: Sites
    stations: Sites
    centres: Sites
    pairs: ReachPairs
    access_cny: Vector
    point_links: LinkCosts
    station_links: LinkCosts
    own_pair: dict[int, tuple[int, ...]]
    shut_ids: tuple[str, ...]
    shut_cny: float
    shut_investment_cny: float
    targets: Targets

    @property
    def tiers(self) -> tuple[Sites, Sites, Sites]:
        """Return points, stations and centres."""
        return self.points, self.stations, self.centres

    def with_tiers(self, points: Sites, stations: Sites, centres: Sites) -> Instance:
        """Return the instance with other sites in the same places."""
        return replace(self, points=points, stations=stations, centres=centres)

    @property
    def day_factor(self) -> float:
        """Return the multiple of the mean day for which capacities hold."""
        return self.problem.siting.capacity_day_factor

    @property
    def sorting_cny_per_parcel(self) -> float:
        """Return the handling cost of a parcel at the county centre."""
        return self.problem.county.parameters["sorting_cny_per_parcel"]


def build_instance(problem: PlanProblem) -> Instance:
    """Turn a checked problem into arrays.

    Notes
    -----
    A candidate without a place cannot be chosen and is left out; a village without a place has no pair.
    """
    demand = village_demand(problem.county)
    usable = _usable_facilities(problem)
    points, stations, centres = (
        _sites(problem, usable[usable["kind"] == kind], demand)
        for kind in ("village_point", "township_station", "county_centre")
    )
    pairs = reach_pairs(problem, demand, points.ids)
    per_km = problem.county.parameters["access_cny_per_parcel_km"]
    parcels = demand.parcels
    located = max(1, int(np.unique(pairs.village).size))
    townships = max(1, len(problem.county.townships))
    shut = _shut(problem)
    parameters = problem.county.parameters
    return Instance(
        problem=problem,
        demand=demand,
        points=points,
        stations=stations,
        centres=centres,
        pairs=pairs,
        access_cny=per_km * parcels[pairs.village] * pairs.km,
        point_links=link_costs(
            problem, "township_village", stations.ids, points.ids, mean_parcels=float(parcels.sum()) / located
        ),
        station_links=link_costs(
            problem, "county_township", centres.ids, stations.ids, mean_parcels=float(parcels.sum()) / townships
        ),
        own_pair=own_pairs(pairs, points, parcels * problem.siting.capacity_day_factor),
        shut_ids=tuple(sorted(str(f) for f in shut["facility_id"])),
        shut_cny=sum(closing_cny_per_day(row, parameters) for _, row in shut.iterrows()),
        shut_investment_cny=sum(site_investment_cny(row, is_open=False) for _, row in shut.iterrows()),
        targets=_targets(problem, demand),
    )


def count_target(share: float, total: int) -> int:
    """Return the least whole number that is at least `share` of `total`."""
    return max(0, math.ceil(share * total - _COUNT_TOLERANCE))


def placed_labels(problem: PlanProblem) -> frozenset[str]:
    """Return the ids of all facilities with coordinates."""
    facilities = problem.county.facilities
    placed = pd.to_numeric(facilities["lon"]).notna() & pd.to_numeric(facilities["lat"]).notna()
    return frozenset(str(label) for label in facilities.loc[placed, "facility_id"])


def _targets(problem: PlanProblem, demand: VillageDemand) -> Targets:
    standard, siting = problem.standard, problem.siting
    return Targets(
        persons=standard.population_share * float(demand.population.sum()),
        own_point_villages=count_target(standard.village_point_share, len(demand.codes)),
        station_townships=count_target(standard.township_station_share, len(problem.county.townships)),
        served_villages=count_target(standard.village_served_share, len(demand.codes)),
        budget_cny=math.inf if siting.budget_cny is None else siting.budget_cny,
        centre_count=siting.centre_count,
    )


def _usable_facilities(problem: PlanProblem) -> pd.DataFrame:
    facilities = problem.county.facilities
    placed = facilities["facility_id"].astype(str).isin(sorted(placed_labels(problem)))
    usable: pd.DataFrame = facilities[placed & (facilities["lock"] != "closed")]
    return usable.sort_values("facility_id", kind="stable")


def _shut(problem: PlanProblem) -> pd.DataFrame:
    facilities = problem.county.facilities
    shut: pd.DataFrame = facilities[(facilities["lock"] == "closed") & (facilities["status"] == "existing")]
    return shut.sort_values("facility_id", kind="stable")


def _sites(problem: PlanProblem, rows: pd.DataFrame, demand: VillageDemand) -> Sites:
    parameters = problem.county.parameters
    position = {code: i for i, code in enumerate(demand.codes)}
    existing = (rows["status"] == "existing").to_numpy(dtype=bool)
    kept = existing & problem.siting.keep_existing
    capacity = pd.to_numeric(rows["capacity_parcels_per_day"]).to_numpy(dtype=np.float64)
    records = [row for _, row in rows.iterrows()]
    return Sites(
        ids=tuple(str(label) for label in rows["facility_id"]),
        open_cny=np.array([site_cny_per_day(row, parameters) for row in records]),
        closed_cny=np.array(
            [closing_cny_per_day(r, parameters) if r["status"] == "existing" else 0.0 for r in records]
        ),
        open_investment_cny=np.array([site_investment_cny(row, is_open=True) for row in records]),
        closed_investment_cny=np.array([site_investment_cny(row, is_open=False) for row in records]),
        capacity=np.where(np.isnan(capacity), np.inf, capacity),
        must_open=(rows["lock"] == "open").to_numpy(dtype=bool) | kept,
        is_existing=existing,
        village=np.array([position.get(str(code), -1) for code in rows["village_code"]], dtype=np.intp),
        township=tuple(str(code) for code in rows["township_code"]),
    )


def fits(load: Vector, capacity: Vector) -> Flags:
    """Tell which loads a capacity can hold; sums of parcels that differ from it in the last digits only still fit."""
    return np.asarray(load <= capacity * (1.0 + _CAPACITY_TOLERANCE))


def own_pairs(pairs: ReachPairs, points: Sites, load: Vector) -> dict[int, tuple[int, ...]]:
    """Return for each village its pairs with points of its own that can hold its `load` of the planned day."""
    if len(pairs) == 0:
        return {}
    holds = fits(load[pairs.village], points.capacity[pairs.point])
    own: dict[int, tuple[int, ...]] = {}
    for i in np.nonzero((points.village[pairs.point] == pairs.village) & holds)[0]:
        village = int(pairs.village[i])
        own[village] = (*own.get(village, ()), int(i))
    return own
