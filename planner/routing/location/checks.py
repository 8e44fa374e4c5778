"""What makes a problem of joint siting and routing unanswerable, found before solving."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geodata.messages import Message
from planner.problems.location_routing import LocationRoutingProblem

_SLACK = 1e-9


def problems(problem: LocationRoutingProblem) -> tuple[Message, ...]:
    """Return everything wrong with a problem, one message each; rows and columns are counted from 0."""
    shape = (problem.depot_count + problem.customer_count,) * 2
    if problem.cost.shape != shape or (problem.minutes is not None and problem.minutes.shape != shape):
        return (Message("location_routing_shape", {"wanted": f"{shape[0]} x {shape[1]}"}),)
    if problem.customer_count == 0 or problem.depot_count == 0:
        return (Message("location_routing_empty"),)
    return (*_numbers(problem), *_arcs(problem), *_loads(problem), *_trucks(problem))


def _numbers(problem: LocationRoutingProblem) -> Iterator[Message]:
    columns = {"demand": problem.demand, "opening": problem.opening, "unit_cost": problem.unit_cost}
    for name, values in columns.items():
        for k in np.flatnonzero(~np.isfinite(values) | (values < 0.0)):
            yield Message("location_routing_number", {"column": name, "row": int(k), "value": float(values[k])})
    for k in np.flatnonzero(np.isnan(problem.capacity) | (problem.capacity < 0.0)):
        yield Message(
            "location_routing_number", {"column": "capacity", "row": int(k), "value": float(problem.capacity[k])}
        )


def _arcs(problem: LocationRoutingProblem) -> Iterator[Message]:
    for a, b in np.argwhere(~np.isfinite(problem.cost) | (problem.cost < 0.0))[:20]:
        if a != b:
            figures = {"row": int(a), "column": int(b), "value": float(problem.cost[a, b])}
            yield Message("location_routing_arc", figures)


def _loads(problem: LocationRoutingProblem) -> Iterator[Message]:
    for i in np.flatnonzero(problem.demand > problem.vehicle_capacity + _SLACK):
        figures = {"row": int(i), "load": float(problem.demand[i]), "room": problem.vehicle_capacity}
        yield Message("location_routing_too_heavy", figures)
    total, room = float(problem.demand.sum()), float(problem.capacity.sum())
    if total > room * (1.0 + _SLACK):
        yield Message("location_routing_no_room", {"load": total, "room": room})
    if problem.routes_most is not None and total > problem.routes_most * problem.vehicle_capacity * (1.0 + _SLACK):
        figures = {"load": total, "vehicles": problem.routes_most, "room": problem.vehicle_capacity}
        yield Message("location_routing_few_vehicles", figures)
    if problem.minutes is not None:
        m = problem.depot_count
        alone = (problem.minutes[:m, m:] + problem.minutes[m:, :m].T).min(axis=0)
        for i in np.flatnonzero(alone > problem.longest_min + _SLACK):
            figures = {"row": int(i), "minutes": float(alone[i]), "longest": problem.longest_min}
            yield Message("location_routing_too_far", figures)


def _trucks(problem: LocationRoutingProblem) -> Iterator[Message]:
    first = problem.first
    if first is None:
        return
    size = first.platform_count + problem.depot_count
    if first.cost.shape != (size, size):
        yield Message("location_routing_shape", {"wanted": f"{size} x {size}"})
        return
    total = float(problem.demand.sum())
    if all(problem.needs_supply(d) for d in range(problem.depot_count)):
        if total > float(first.capacity.sum()) * (1.0 + _SLACK):
            yield Message("location_routing_no_room", {"load": total, "room": float(first.capacity.sum())})
        if first.trucks_most is not None and total > first.trucks_most * first.truck_capacity * (1.0 + _SLACK):
            figures = {"load": total, "vehicles": first.trucks_most, "room": first.truck_capacity}
            yield Message("location_routing_few_vehicles", figures)
