"""Small improvements of a decision that keep every constraint: cheaper links, cheaper points, sites nobody needs.

A search that stops at a gap leaves such slips behind; points, stations and villages end at their cheapest open choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.siting.decision import Decision, broken, decision_cost, loads
from planner.siting.instance import Index, Instance, Vector

ROUNDS_MAX = 5
#: Improvements below this many CNY a day are no improvement.
_LEAST = 1e-7

Move = Callable[[Instance, Decision, int], Decision | None]


def polish(instance: Instance, decision: Decision) -> Decision:
    """Return a decision at most as costly; the given one must keep every constraint, and so does the answer."""
    cost = decision_cost(instance, decision)
    for _ in range(ROUNDS_MAX):
        before = cost
        for move, count in (
            (_cheaper_centre, len(instance.stations)),
            (_cheaper_station, len(instance.points)),
            (_cheaper_point, len(instance.demand.codes)),
            (_without_point, len(instance.points)),
        ):
            for i in range(count):
                other = move(instance, decision, i)
                if other is None:
                    continue
                changed = decision_cost(instance, other)
                if changed < cost - _LEAST and not broken(instance, other):
                    decision, cost = other, changed
        if cost >= before - _LEAST:
            break
    return decision


def _cheaper_centre(instance: Instance, decision: Decision, s: int) -> Decision | None:
    """Move a station to the open centre that serves it at least cost."""
    if decision.centre[s] < 0:
        return None
    load = float(loads(instance, decision).stations[s])
    cost = instance.station_links.fixed[:, s] + carried(instance.station_links.unit[:, s], load)
    best = _least(np.where(decision.is_centre_open, cost, np.inf), int(decision.centre[s]))
    return None if best is None else replace(decision, centre=_changed(decision.centre, s, best))


def _cheaper_station(instance: Instance, decision: Decision, p: int) -> Decision | None:
    """Move a point to the open station that serves it at least cost up to the centre."""
    if decision.station[p] < 0:
        return None
    load = float(loads(instance, decision).points[p])
    unit = instance.point_links.unit[:, p] + trunk_unit(instance, decision)
    cost = instance.point_links.fixed[:, p] + carried(unit, load)
    best = _least(cost, int(decision.station[p]))
    return None if best is None else replace(decision, station=_changed(decision.station, p, best))


def _cheaper_point(instance: Instance, decision: Decision, v: int) -> Decision | None:
    """Move a village to the open point that serves it at least cost and covers no fewer of its people."""
    now = int(decision.pair[v])
    if now < 0:
        return None
    first, last = village_pairs(instance, v)
    choices = np.arange(first, last)
    cost = pair_cost(instance, decision, choices)
    cost[instance.pairs.covered[choices] < instance.pairs.covered[now]] = np.inf
    best = _least(cost, now - first)
    return None if best is None else replace(decision, pair=_changed(decision.pair, v, first + best))


def _without_point(instance: Instance, decision: Decision, p: int) -> Decision | None:
    """Close a point; its villages go to their cheapest other open point that covers somebody, or nowhere.

    Where villages count as served wherever they are sent, those it covers nobody of go to their cheapest.
    """
    if decision.station[p] < 0 or instance.points.must_open[p]:
        return None
    left = replace(decision, station=_changed(decision.station, p, -1), pair=decision.pair.copy())
    for v in np.nonzero((decision.pair >= 0) & (instance.pairs.point[decision.pair] == p))[0]:
        first, last = village_pairs(instance, int(v))
        choices = np.arange(first, last)
        cost = _next_best(instance, left, choices)
        left.pair[v] = first + int(cost.argmin()) if np.isfinite(cost).any() else -1
    return left


def _next_best(instance: Instance, decision: Decision, choices: Index) -> Vector:
    """Return the cost of the choices that cover somebody; of all, if none does and villages are to be served."""
    cost = pair_cost(instance, decision, choices)
    covering: Vector = np.where(instance.pairs.covered[choices] > 0.0, cost, np.inf)
    is_any = instance.targets.served_villages > 0 and not np.isfinite(covering).any()
    return cost if is_any else covering


def village_pairs(instance: Instance, v: int) -> tuple[int, int]:
    """Return the half-open range of the village's pairs."""
    return (
        int(np.searchsorted(instance.pairs.village, v, side="left")),
        int(np.searchsorted(instance.pairs.village, v, side="right")),
    )


def trunk_unit(instance: Instance, decision: Decision) -> Vector:
    """Return the cost of one parcel from the centre to each station, ``inf`` for closed stations."""
    unit = np.full(len(instance.stations), np.inf)
    running = np.nonzero(decision.centre >= 0)[0]
    unit[running] = instance.station_links.unit[decision.centre[running], running]
    return unit


def pair_cost(instance: Instance, decision: Decision, choices: Index) -> Vector:
    """Return what serving a village over each of its pairs adds, given the open points; ``inf`` over closed ones."""
    points = instance.pairs.point[choices]
    stations = decision.station[points]
    open_ = stations >= 0
    cost = np.full(choices.size, np.inf)
    used, via = points[open_], stations[open_]
    unit = instance.point_links.unit[via, used] + trunk_unit(instance, decision)[via] + instance.sorting_cny_per_parcel
    parcels = instance.demand.parcels[instance.pairs.village[choices[open_]]]
    cost[open_] = instance.access_cny[choices[open_]] + carried(unit, parcels)
    return cost


def carried(unit: Vector, parcels: Vector | float) -> Vector:
    """Return unit cost times parcels; what cannot be carried costs ``inf`` even for no parcels."""
    possible = np.isfinite(unit)
    cost: Vector = np.where(possible, np.where(possible, unit, 0.0) * parcels, np.inf)
    return cost


def _least(cost: Vector, now: int) -> int | None:
    """Return the position of the least cost if it beats the one in use, the first of equals."""
    if not cost.size:
        return None
    best = int(cost.argmin())
    return best if cost[best] < cost[now] - _LEAST else None


def _changed(values: Index, position: int, value: int) -> Index:
    changed = values.copy()
    changed[position] = value
    return changed
