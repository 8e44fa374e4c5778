"""A proof that the vehicles cannot keep the standard, whatever sites are opened and however the rounds are built."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from geodata.messages import Message
from planner.plan import PlanProblem

_ROUNDING = 1e-9


def fleet_too_small(problem: PlanProblem) -> Message | None:
    """Return why no plan can meet the standard with the vehicles there are, or None if this does not prove it.

    The standard asks for ``n = ⌈village_point_share · |V|⌉`` villages with a point of their own, each visited on every
    running day. A visit takes at least ``stop_base_min`` and the shortest drive by which any usable vehicle comes to
    that point from any other site. The sum over the n nearest villages is a lower bound on the minutes that all
    vehicles work; each of them offers at most its shift less one loading. If the bound exceeds what they offer, the
    standard is impossible. (Parcels, ways home and the trunk come on top: the bound is weak but never wrong.)
    """
    standard, villages = problem.standard, problem.county.villages
    count = max(0, math.ceil(standard.village_point_share * len(villages) - _ROUNDING))
    vehicles = _last_mile_vehicles(problem)
    least = sorted(_visit_min(problem, vehicles))
    if count == 0 or len(least) < count:
        return None
    needed, offered = math.fsum(least[:count]), _offered_min(problem, vehicles)
    if needed <= offered + _ROUNDING:
        return None
    return Message("fleet_too_small", {"villages": count, "needed": needed, "offered": offered})


def _last_mile_vehicles(problem: PlanProblem) -> pd.DataFrame:
    vehicles = problem.county.vehicles
    usable: pd.DataFrame = vehicles[
        vehicles["tier"].isin(["township_village", "both"]) & ~(vehicles["vehicle_count"] == 0)
    ]
    return usable


def _offered_min(problem: PlanProblem, vehicles: pd.DataFrame) -> float:
    minutes = vehicles["shift_h"].astype(float) * 60.0 - problem.routing.depot_loading_min
    counts = vehicles["vehicle_count"].astype(float).fillna(math.inf)
    return float((minutes.clip(lower=0.0) * counts).where(minutes > 0.0, 0.0).sum())


def _visit_min(problem: PlanProblem, vehicles: pd.DataFrame) -> list[float]:
    """Return the least minutes of a visit to each village that could have a point of its own."""
    facilities = problem.county.facilities
    points = facilities[(facilities["kind"] == "village_point") & (facilities["lock"] != "closed")]
    listed = set(problem.county.villages["village_code"])
    least: dict[str, float] = {}
    for point, village in zip(points["facility_id"], points["village_code"], strict=True):
        if village in listed:
            drive = min(
                (_arrival_min(problem, str(v), str(point)) for v in vehicles["vehicle_type_id"]), default=math.inf
            )
            least[village] = min(least.get(village, math.inf), problem.county.parameters["stop_base_min"] + drive)
    return [minutes for minutes in least.values() if math.isfinite(minutes)]


def _arrival_min(problem: PlanProblem, vehicle_type_id: str, point: str) -> float:
    matrix = problem.travel[vehicle_type_id]
    if point not in matrix.destination_ids:
        return math.inf
    column = matrix.minutes[:, matrix.destination_ids.index(point)]
    others = np.array([origin != point for origin in matrix.origin_ids])
    return float(np.min(column[others], initial=math.inf))
