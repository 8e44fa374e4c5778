"""Links and pairs that some best plan does without: exact, so that a proof for what is left holds for the whole."""

from __future__ import annotations

import numpy as np

from planner.siting.instance import Flags, Instance, fits


def useful_pairs(instance: Instance, *, is_capacity_hard: bool = True) -> Flags:
    """Return the pairs a least-cost plan can use.

    A pair that covers nobody and is not the village's own point only adds cost and load, unless villages are counted
    as served wherever they are sent; a village heavier than the point's whole capacity cannot be sent there.
    """
    pairs = instance.pairs
    own = np.zeros(len(pairs), dtype=bool)
    for positions in instance.own_pair.values():
        own[list(positions)] = True
    useful: Flags = (pairs.covered > 0.0) | own | (instance.targets.served_villages > 0)
    if is_capacity_hard:
        load = instance.demand.parcels[pairs.village] * instance.day_factor
        useful &= fits(load, instance.points.capacity[pairs.point])
    return useful


def useful_links(instance: Instance, *, are_stations_hard: bool = True) -> Flags:
    """Return the station–point links a least-cost plan can use, shape (stations, points).

    If one station of a group is certainly open (a locked station; any of a township that must have one) and every
    station of the group is without a capacity limit, a point need not go to a station outside the group that costs
    strictly more than the dearest of the group, both for its visits and for each parcel up to the centre: sending
    it to the group's open station is feasible and cheaper. The strict order of the fixed costs rules out circles.
    Only used when one centre is opened without a capacity limit or there is one centre, so that the centre stays
    the same.
    """
    fixed, unit = instance.point_links.fixed, instance.point_links.unit
    possible: Flags = np.isfinite(fixed) & reachable_stations(instance)[:, None]
    if instance.targets.centre_count != 1 or fixed.size == 0:
        return possible
    trunk = instance.station_links.unit
    for group in _certain_groups(instance, are_stations_hard=are_stations_hard):
        if not np.isfinite(instance.station_links.fixed[:, group]).all():
            continue
        dearest_fixed = fixed[group].max(axis=0)
        worse = fixed > dearest_fixed
        for centre in range(trunk.shape[0]):
            through = unit + trunk[centre][:, None]
            worse &= through >= through[group].max(axis=0)
        worse[group] = False
        possible &= ~worse
    return possible


def reachable_stations(instance: Instance) -> Flags:
    """Return the stations some centre can drive to."""
    reachable: Flags = np.asarray(np.isfinite(instance.station_links.fixed).any(axis=0))
    return reachable


def _certain_groups(instance: Instance, *, are_stations_hard: bool) -> list[list[int]]:
    """Return sets of unlimited stations of which at least one is open in every plan."""
    stations = instance.stations
    groups = [[int(s)] for s in np.nonzero(stations.must_open)[0]]
    townships = sorted(str(code) for code in instance.problem.county.townships["township_code"])
    if are_stations_hard and instance.targets.station_townships >= len(townships):
        groups += [[s for s, code in enumerate(stations.township) if code == township] for township in townships]
    return [group for group in groups if group and np.isinf(stations.capacity[group]).all()]
