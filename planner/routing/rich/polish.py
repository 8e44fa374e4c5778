"""The best choice of vehicle days among all those met in a search: set partitioning over the pool, solved by HiGHS.

A search forgets good days that stood in poor solutions; picking among all of them often closes part of the gap left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from geodata.errors import NoSolutionError
from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay

#: Nodes and seconds of the choice; the nodes decide.
NODES = 500
SECONDS = 20.0
#: Days taken into the choice: the cheapest per stop first.
DAYS_MOST = 8_000

#: Vehicle day → its cost in CNY.
DayPool = dict[VehicleDay, float]


def best_of_pool(
    problem: RoutingProblem, pool: Mapping[VehicleDay, float], start: RoutingDecision, seconds: float = SECONDS
) -> RoutingDecision | None:
    """Return the cheapest decision made of days in the pool and in `start`; None: none cheaper was found."""
    own = {day for day in start.days if day in pool}
    if len(own) < len(start.days) or seconds <= 0.0:
        return None
    others = sorted((d for d in pool if d not in own), key=lambda d: (pool[d] / max(1, _size(d)), d.vehicle, d.trips))
    days = [*sorted(own, key=lambda d: (d.vehicle, d.trips)), *others[: DAYS_MOST - len(own)]]
    model = LinearModel()
    columns = [model.binary(pool[day]) for day in days]
    _add_rows(problem, model, days, columns)
    hint = np.zeros(len(model.costs))
    hint[: len(own)] = 1.0
    for place, i in enumerate(i for i, s in enumerate(problem.stops) if s.penalty_cny is not None):
        hint[len(columns) + place] = float(i in start.left_out)
    try:
        answer = solve_linear(model, EngineLimits(1e-6, NODES, min(seconds, SECONDS), 0), hint=hint)
    except NoSolutionError:
        return None
    before = float(np.dot(model.costs, hint))
    if answer.values is None or answer.objective is None or answer.objective >= before - 1e-9 * max(1.0, abs(before)):
        return None
    chosen = [days[k] for k, column in enumerate(columns) if answer.values[column] > 0.5]  # noqa: PLR2004
    seen = {i for day in chosen for trip in day.trips for i in trip}
    left = tuple(i for i in range(len(problem.stops)) if i not in seen)
    return RoutingDecision(tuple(sorted(chosen, key=lambda d: (d.vehicle, d.trips))), left)


def _size(day: VehicleDay) -> int:
    return sum(map(len, day.trips))


def _add_rows(problem: RoutingProblem, model: LinearModel, days: list[VehicleDay], columns: list[int]) -> None:
    covers: list[list[tuple[int, float]]] = [[] for _ in problem.stops]
    used: list[list[tuple[int, float]]] = [[] for _ in problem.vehicles]
    for day, column in zip(days, columns, strict=True):
        used[day.vehicle].append((column, 1.0))
        for trip in day.trips:
            for i in trip:
                covers[i].append((column, 1.0))
    for i, stop in enumerate(problem.stops):
        left = [] if stop.penalty_cny is None else [(model.binary(stop.penalty_cny), 1.0)]
        model.row([*covers[i], *left], lower=1.0, upper=1.0)
    for vehicle, terms in zip(problem.vehicles, used, strict=True):
        if vehicle.available is not None and terms:
            model.row(terms, upper=float(vehicle.available))


def is_pool_useful(problem: RoutingProblem, pool: Mapping[VehicleDay, float]) -> bool:
    """Tell whether the pool is worth a choice: not hopelessly long days, and more than one solution's worth."""
    sizes = [_size(day) for day in pool]
    return bool(sizes) and len(pool) > 1 and math.fsum(sizes) / len(sizes) <= max(40.0, len(problem.stops) / 4.0)
