"""A siting decision in positions, what it costs, and what it breaks — apart from any solver."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from planner.siting.instance import Flags, Index, Instance, Sites, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Who is served from where, as positions in the instance.

    Attributes
    ----------
    pair
        Position in `Instance.pairs` of each village, -1 if it is not served.
    station
        Station of each point, -1 if the point is closed.
    centre
        Centre of each station, -1 if the station is closed.
    is_centre_open
        Open centres.
    """

    pair: Index
    station: Index
    centre: Index
    is_centre_open: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Mean parcels a day at each site of each tier."""

    points: Vector
    stations: Vector
    centres: Vector


def tiers(instance: Instance, decision: Decision) -> tuple[tuple[Sites, Flags], ...]:
    """Return the sites of each tier with the flags of those that are open, points first."""
    return (
        (instance.points, decision.station >= 0),
        (instance.stations, decision.centre >= 0),
        (instance.centres, decision.is_centre_open),
    )


def served(decision: Decision) -> Index:
    """Return the positions of the served villages."""
    return np.nonzero(decision.pair >= 0)[0]


def loads(instance: Instance, decision: Decision) -> Loads:
    """Return what every site carries."""
    parcels = instance.demand.parcels
    villages = served(decision)
    points = _sums(instance.pairs.point[decision.pair[villages]], parcels[villages], instance.points)
    used = np.nonzero(decision.station >= 0)[0]
    stations = _sums(decision.station[used], points[used], instance.stations)
    running = np.nonzero(decision.centre >= 0)[0]
    return Loads(points, stations, _sums(decision.centre[running], stations[running], instance.centres))


def _sums(at: Index, parcels: Vector, sites: Sites) -> Vector:
    return np.bincount(at, weights=parcels, minlength=len(sites)).astype(np.float64)


def site_loads(instance: Instance, load: Loads) -> tuple[tuple[Vector, Sites], ...]:
    """Return the loads of each tier beside its sites."""
    return (load.points, instance.points), (load.stations, instance.stations), (load.centres, instance.centres)


def missing_parcels(instance: Instance, decision: Decision) -> float:
    """Return by how many parcels of the planned day the capacities of all sites are exceeded together."""
    return sum(
        float(np.maximum(values * instance.day_factor - sites.capacity, 0.0).sum())
        for values, sites in site_loads(instance, loads(instance, decision))
    )


def decision_cost(instance: Instance, decision: Decision) -> float:
    """Return the siting objective of a decision, CNY a day (docs/model.md §3)."""
    load = loads(instance, decision)
    villages = served(decision)
    pairs = decision.pair[villages]
    used = np.nonzero(decision.station >= 0)[0]
    running = np.nonzero(decision.centre >= 0)[0]
    total = instance.shut_cny + _site_costs(instance, decision)
    total += float(instance.access_cny[pairs].sum())
    total += instance.sorting_cny_per_parcel * float(instance.demand.parcels[villages].sum())
    links = instance.point_links
    at = (decision.station[used], used)
    total += float((links.fixed[at] + links.unit[at] * load.points[used]).sum())
    trunk = instance.station_links
    at = (decision.centre[running], running)
    return total + float((trunk.fixed[at] + trunk.unit[at] * load.stations[running]).sum())


def investment(instance: Instance, decision: Decision) -> float:
    """Return what the decision spends once, CNY."""
    total = instance.shut_investment_cny
    for sites, is_open in tiers(instance, decision):
        total += float(np.where(is_open, sites.open_investment_cny, sites.closed_investment_cny).sum())
    return total


def covered_persons(instance: Instance, decision: Decision) -> float:
    """Return the persons within the access standard of the point they are sent to."""
    return float(instance.pairs.covered[decision.pair[served(decision)]].sum())


def own_point_villages(instance: Instance, decision: Decision) -> int:
    """Return how many villages have an open point of their own."""
    own = instance.points.village[decision.station >= 0]
    return int(np.unique(own[own >= 0]).size)


def station_townships(instance: Instance, decision: Decision) -> int:
    """Return how many townships of the list have an open station."""
    listed = {str(code) for code in instance.problem.county.townships["township_code"]}
    return len({instance.stations.township[s] for s in np.nonzero(decision.centre >= 0)[0]} & listed)


def broken(instance: Instance, decision: Decision, *, tolerance: float = 1e-6) -> tuple[str, ...]:
    """Return the names of the constraints of docs/model.md §2 a decision breaks."""
    targets, load = instance.targets, loads(instance, decision)
    checks = {
        "persons": covered_persons(instance, decision) < targets.persons - tolerance * max(1.0, targets.persons),
        "own_points": own_point_villages(instance, decision) < targets.own_point_villages,
        "stations": station_townships(instance, decision) < targets.station_townships,
        "served": served(decision).size < targets.served_villages,
        "budget": investment(instance, decision) > targets.budget_cny + tolerance * max(1.0, targets.budget_cny)
        if np.isfinite(targets.budget_cny)
        else False,
        "centre_count": int(decision.is_centre_open.sum()) != targets.centre_count,
        "capacity": any(
            bool((values * instance.day_factor > sites.capacity * (1.0 + tolerance)).any())
            for values, sites in site_loads(instance, load)
        ),
        "locks": any(bool((sites.must_open & ~is_open).any()) for sites, is_open in tiers(instance, decision)),
        "tree": _tree_broken(instance, decision),
        "own_first": _own_rule_broken(instance, decision),
    }
    return tuple(name for name, is_broken in checks.items() if is_broken)


def _site_costs(instance: Instance, decision: Decision) -> float:
    return sum(
        float(np.where(is_open, sites.open_cny, sites.closed_cny).sum()) for sites, is_open in tiers(instance, decision)
    )


def _tree_broken(instance: Instance, decision: Decision) -> bool:
    """Tell whether a served village, an open point or a running station lacks what it hangs on."""
    points = instance.pairs.point[decision.pair[served(decision)]]
    stations = decision.station[decision.station >= 0]
    centres = decision.centre[decision.centre >= 0]
    return bool(
        (decision.station[points] < 0).any()
        or (decision.centre[stations] < 0).any()
        or not decision.is_centre_open[centres].all()
    )


def _own_rule_broken(instance: Instance, decision: Decision) -> bool:
    """Tell whether a village with an open point of its own that can hold it is sent elsewhere."""
    own = np.fromiter(chain.from_iterable(instance.own_pair.values()), dtype=np.intp)
    opened = own[decision.station[instance.pairs.point[own]] >= 0]
    return bool((~np.isin(decision.pair[instance.pairs.village[opened]], opened)).any())
