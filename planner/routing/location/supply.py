"""Truck tours for given satellite loads: an exact choice among all sets of satellites, or a search where they are too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.location_routing import FirstEchelon, LocationRoutingProblem, TruckTour
from planner.problems.siting import Floats
from planner.routing.exact_tours import held_karp
from planner.routing.location.kernels_supply import TABLE_MOST

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class TourColumn:
    """A truck tour that may be used: variable of its number, variables of what it hands over to each satellite."""

    platform: int
    satellites: tuple[int, ...]
    used: int
    handed: tuple[int, ...]


def add_supply(
    model: LinearModel, problem: LocationRoutingProblem, satellites: Sequence[int], most: Mapping[int, float]
) -> list[TourColumn]:
    """Add truck tours over all sets of `satellites` to a model; `most` is the largest load of each.

    The caller ties what is handed over to each satellite to the satellite's load.
    """
    first = problem.first
    assert first is not None  # noqa: S101 - only called with a first echelon
    trucks = (
        first.trucks_most
        if first.trucks_most is not None
        else len(satellites) + int(sum(most.values()) / first.truck_capacity)
    )
    columns: list[TourColumn] = []
    opened = [model.binary(float(cost)) for cost in first.opening]
    for platform in range(first.platform_count):
        for chosen, cost in _tours(first, platform, satellites):
            roof = float(trucks) if first.is_split else 1.0
            used = model.binary(cost + first.truck_fixed, upper=roof)
            handed = tuple(model.continuous() for _ in chosen)
            columns.append(TourColumn(platform, chosen, used, handed))
            model.row([*((h, 1.0) for h in handed), (used, -first.truck_capacity)], upper=0.0)
            if len(chosen) > 1 or first.truck_capacity > most[chosen[0]]:
                for s, h in zip(chosen, handed, strict=True):
                    model.row([(h, 1.0), (used, -min(most[s], first.truck_capacity))], upper=0.0)
            model.row([(used, 1.0), (opened[platform], -roof)], upper=0.0)
    _limits(model, first, columns, opened)
    if not first.is_split:
        for s in satellites:
            model.row([(c.used, 1.0) for c in columns if s in c.satellites], upper=1.0)
    return columns


def _limits(model: LinearModel, first: FirstEchelon, columns: Sequence[TourColumn], opened: Sequence[int]) -> None:
    if first.trucks_most is not None:
        model.row([(c.used, 1.0) for c in columns], upper=float(first.trucks_most))
    for platform, variable in enumerate(opened):
        if np.isfinite(first.capacity[platform]):
            terms = [(h, 1.0) for c in columns if c.platform == platform for h in c.handed]
            model.row([*terms, (variable, -float(first.capacity[platform]))], upper=0.0)


def _tours(first: FirstEchelon, platform: int, satellites: Sequence[int]) -> list[tuple[tuple[int, ...], float]]:
    nodes = [platform, *(first.platform_count + s for s in satellites)]
    table = held_karp(first.cost[np.ix_(nodes, nodes)]).weight
    sets = []
    for size in range(1, len(satellites) + 1):
        for places in combinations(range(len(satellites)), size):
            mask = sum(1 << k for k in places)
            sets.append((tuple(satellites[k] for k in places), float(table[mask])))
    return sets


def tours_of(problem: LocationRoutingProblem, columns: Sequence[TourColumn], values: Floats) -> tuple[TruckTour, ...]:
    """Return the truck tours of a solution; a set used by several trucks is filled truck by truck."""
    first = problem.first
    assert first is not None  # noqa: S101 - only called with a first echelon
    tours: list[TruckTour] = []
    for column in columns:
        rest = {s: float(values[h]) for s, h in zip(column.satellites, column.handed, strict=True)}
        for _ in range(round(float(values[column.used]))):
            room, loads = first.truck_capacity, {}
            for s, load in rest.items():
                given = min(load, room)
                if given > _TINY:
                    loads[s] = given
                    room -= given
            rest = {s: load - loads.get(s, 0.0) for s, load in rest.items()}
            if loads:
                tours.append(ordered_tour(first, column.platform, loads))
    return tuple(tours)


def ordered_tour(first: FirstEchelon, platform: int, loads: Mapping[int, float]) -> TruckTour:
    """Return the cheapest tour through these satellites."""
    satellites = sorted(loads)
    nodes = [platform, *(first.platform_count + s for s in satellites)]
    table = held_karp(first.cost[np.ix_(nodes, nodes)])
    order = table.order((1 << len(satellites)) - 1)
    return TruckTour(platform, tuple((satellites[k], loads[satellites[k]]) for k in order))


def supply_tours(
    problem: LocationRoutingProblem, loads: Mapping[int, float], limits: EngineLimits
) -> tuple[TruckTour, ...] | None:
    """Return the cheapest truck tours for satellite loads; None if there are none or too many satellites."""
    if problem.first is None or not loads:
        return ()
    satellites = sorted(loads)
    if len(satellites) > TABLE_MOST:
        return None
    model = LinearModel()
    columns = add_supply(model, problem, satellites, loads)
    for s in satellites:
        terms = [(h, 1.0) for c in columns for at, h in zip(c.satellites, c.handed, strict=True) if at == s]
        model.row(terms, lower=loads[s], upper=loads[s])
    answer = solve_linear(model, limits)
    if answer.values is None:
        return None
    return _exact(tours_of(problem, columns, answer.values), loads)


def _exact(tours: tuple[TruckTour, ...], loads: Mapping[int, float]) -> tuple[TruckTour, ...]:
    """Return the tours with loads that add up exactly: solvers answer within a tolerance."""
    handed: dict[int, float] = {}
    for tour in tours:
        for s, load in tour.stops:
            handed[s] = handed.get(s, 0.0) + load
    seen: set[int] = set()
    fixed = []
    for tour in tours:
        stops = []
        for s, load in tour.stops:
            extra = 0.0 if s in seen else loads[s] - handed[s]
            seen.add(s)
            stops.append((s, load + extra))
        fixed.append(TruckTour(tour.platform, tuple(stops)))
    return tuple(fixed)
