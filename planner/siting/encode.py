"""Column values of a known decision, to start the solver from."""

from __future__ import annotations

import numpy as np

from planner.engines.linear import Vector
from planner.siting.decision import Decision, loads, served
from planner.siting.instance import Instance
from planner.siting.model import SitingModel


def encode(instance: Instance, model: SitingModel, decision: Decision) -> Vector | None:
    """Return the values of all columns for `decision`, or None if the programme left one of its links out."""
    values = np.zeros(len(model.linear.costs))
    for columns, is_open in (
        (model.centre, decision.is_centre_open),
        (model.station, decision.centre >= 0),
        (model.point, decision.station >= 0),
    ):
        values[columns] = is_open
    pairs = [int(decision.pair[village]) for village in served(decision)]
    point_links = [(int(s), p) for p, s in enumerate(decision.station) if s >= 0]
    station_links = [(int(c), s) for s, c in enumerate(decision.centre) if c >= 0]
    if not _are_known(model, pairs, point_links, station_links):
        return None
    values[[model.pair[i] for i in pairs]] = 1.0
    values[[model.point_link[key] for key in point_links]] = 1.0
    values[[model.station_link[key] for key in station_links]] = 1.0
    _set_flows(instance, model, decision, values)
    _set_counts(instance, model, decision, values)
    return values


def _are_known(
    model: SitingModel, pairs: list[int], point_links: list[tuple[int, int]], station_links: list[tuple[int, int]]
) -> bool:
    return (
        all(i in model.pair for i in pairs)
        and all(key in model.point_link for key in point_links)
        and all(key in model.station_link for key in station_links)
    )


def _set_flows(instance: Instance, model: SitingModel, decision: Decision, values: Vector) -> None:
    load = loads(instance, decision)
    for (s, p), column in model.extra_flow.items():
        if decision.station[p] == s:
            values[column] = load.points[p] - model.base.get(p, 0.0)
    for (c, s), column in model.trunk_flow.items():
        if decision.centre[s] == c:
            values[column] = load.stations[s]


def _set_counts(instance: Instance, model: SitingModel, decision: Decision, values: Vector) -> None:
    owners = set(instance.points.village[decision.station >= 0].tolist())
    for village, column in model.own_village.items():
        values[column] = float(village in owners)
    townships = {instance.stations.township[s] for s in np.nonzero(decision.centre >= 0)[0]}
    for township, column in model.served_township.items():
        values[column] = float(township in townships)
