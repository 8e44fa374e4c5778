"""What every year must reach, when a planner names only the end: even steps from today's network to the standard."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from planner.plan import PlanProblem
from planner.rollout.problem import YearAim
from planner.siting.instance import build_instance


def today(problem: PlanProblem) -> YearAim:
    """Return what existing sites that may stay reach today: villages with a point of their own, their persons within the standard."""
    instance = build_instance(problem)
    points, stations = instance.points, instance.stations
    pairs = [i for own in instance.own_pair.values() for i in own if points.is_existing[int(instance.pairs.point[i])]]
    villages = len(instance.demand.codes)
    own = {int(instance.pairs.village[i]) for i in pairs}
    covered = dict.fromkeys(own, 0.0)
    for i in pairs:
        village = int(instance.pairs.village[i])
        covered[village] = max(covered[village], float(instance.pairs.covered[i]))
    listed = {str(code) for code in problem.county.townships["township_code"]}
    with_station = {stations.township[int(s)] for s in np.flatnonzero(stations.is_existing)} & listed
    share = len(own) / max(1, villages)
    return YearAim(
        population_share=sum(covered.values()) / max(1.0, float(instance.demand.population.sum())),
        village_point_share=share,
        township_station_share=len(with_station) / max(1, len(listed)),
        village_served_share=share,
    )


def standard_aim(problem: PlanProblem) -> YearAim:
    """Return the problem's service standard as a year's aim."""
    return YearAim(**{part.name: getattr(problem.standard, part.name) for part in fields(YearAim)})


def even_aims(problem: PlanProblem, years: int) -> tuple[YearAim, ...]:
    """Return aims in even steps from today to the standard in the last year; where today is beyond the standard, the standard."""
    start, end = today(problem), standard_aim(problem)
    return tuple(_between(start, end, (t + 1) / years) for t in range(years))


def _between(start: YearAim, end: YearAim, part: float) -> YearAim:
    shares = {}
    for name in (field.name for field in fields(YearAim)):
        low, high = getattr(start, name), getattr(end, name)
        # Rounded down, so that a share of 0.3 is not missed by the last digit of a sum.
        shares[name] = high if low >= high or part >= 1.0 else np.floor((low + (high - low) * part) * 1e4) / 1e4
    return YearAim(**{name: float(share) for name, share in shares.items()})
