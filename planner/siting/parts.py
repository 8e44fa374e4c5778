"""Smaller siting problems made from a given one: fixed sets of centres, no station limits, near stations only."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from planner.siting.decision import Decision
from planner.siting.instance import Flags, Index, Instance, Sites
from planner.siting.links import LinkCosts

#: Sets of centres searched one by one; beyond, one programme holds the choice.
CENTRE_SETS_MAX = 24


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The instance with only some of the centres.

    Attributes
    ----------
    instance
        Instance with the kept centres.
    kept
        Their positions in the full instance.
    centre_total
        Centres of the full instance.
    """

    instance: Instance
    kept: tuple[int, ...]
    centre_total: int

    def widen(self, decision: Decision) -> Decision:
        """Return the decision in positions of the full instance."""
        is_open = np.zeros(self.centre_total, dtype=bool)
        is_open[list(self.kept)] = decision.is_centre_open
        centre = np.where(decision.centre >= 0, np.array(self.kept, dtype=np.intp)[decision.centre], -1)
        return replace(decision, centre=centre, is_centre_open=is_open)


def centre_sets(instance: Instance) -> list[Part]:
    """Return one part for every set of centres that may be opened, or one part with all if there are too many sets."""
    total, count = len(instance.centres), instance.targets.centre_count
    locked = {int(c) for c in np.nonzero(instance.centres.must_open)[0]}
    sets = [kept for kept in itertools.combinations(range(total), count) if locked <= set(kept)]
    if len(sets) > CENTRE_SETS_MAX:
        return [Part(instance, tuple(range(total)), total)]
    return [Part(_with_centres(instance, np.array(kept, dtype=np.intp)), kept, total) for kept in sets]


def without_station_limits(instance: Instance) -> Instance:
    """Return the instance with unlimited stations; the same object if they are unlimited already."""
    stations = instance.stations
    if bool(np.isinf(stations.capacity).all()):
        return instance
    return replace(instance, stations=replace(stations, capacity=np.full(len(stations), np.inf)))


def near_links(instance: Instance, count: int) -> Flags:
    """Return every point's `count` cheapest stations for the visits, shape (stations, points)."""
    fixed = instance.point_links.fixed
    near = np.zeros(fixed.shape, dtype=bool)
    np.put_along_axis(near, np.argsort(fixed, axis=0, kind="stable")[:count], values=True, axis=0)
    return near


def link_count(instance: Instance) -> int:
    """Return how many station–point links can be driven."""
    return int(np.isfinite(instance.point_links.fixed).sum())


def trunk_estimate(instance: Instance) -> float:
    """Return what its centres and the trips to all stations would cost a day: a guess which set of centres is best."""
    links = instance.station_links
    parcels = float(instance.demand.parcels.sum()) / max(1, len(instance.stations))
    cost = np.where(
        np.isfinite(links.fixed), links.fixed + np.where(np.isfinite(links.unit), links.unit, 0.0) * parcels, np.inf
    )
    reached = cost.min(axis=0, initial=np.inf)
    far = np.isinf(reached)
    worst = float(reached[~far].max()) if (~far).any() else 0.0
    return (
        float(instance.centres.open_cny.sum()) + instance.shut_cny + float(np.where(far, 10.0 * worst, reached).sum())
    )


def _with_centres(instance: Instance, kept: Index) -> Instance:
    centres = instance.centres
    left = np.setdiff1d(np.arange(len(centres)), kept)
    links = instance.station_links
    return replace(
        instance,
        centres=replace(_take(centres, kept), must_open=np.ones(kept.size, dtype=bool)),
        station_links=LinkCosts(links.fixed[kept], links.unit[kept]),
        shut_cny=instance.shut_cny + float(centres.closed_cny[left].sum()),
        shut_investment_cny=instance.shut_investment_cny + float(centres.closed_investment_cny[left].sum()),
    )


def _take(sites: Sites, kept: Index) -> Sites:
    return Sites(
        ids=tuple(sites.ids[i] for i in kept),
        open_cny=sites.open_cny[kept],
        closed_cny=sites.closed_cny[kept],
        open_investment_cny=sites.open_investment_cny[kept],
        closed_investment_cny=sites.closed_investment_cny[kept],
        capacity=sites.capacity[kept],
        must_open=sites.must_open[kept],
        is_existing=sites.is_existing[kept],
        village=sites.village[kept],
        township=tuple(sites.township[i] for i in kept),
    )
