"""Independent check of a joint siting and routing decision: feasibility and cost recomputed from the problem alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from planner.problems.location_routing import FirstEchelon, LocationRoutingDecision, LocationRoutingProblem

#: Slack for sums of floats when a limit is compared, relative to the limit.
_SLACK = 1e-6


def faults(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> tuple[str, ...]:
    """Return every rule a decision breaks, in words for developers; none: it is feasible."""
    found = list(_names(problem, decision))
    if not found:
        found = [*_customers(problem, decision), *_routes(problem, decision), *_depots(problem, decision)]
        found += _trucks(problem, problem.first, decision) if problem.first is not None else _no_trucks(decision)
    return tuple(found)


def decision_cost(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> float:
    """Return the cost of a decision: openings, routes with handling, platforms and trucks."""
    lines: list[float] = [float(problem.opening[d]) for d in {route.depot for route in decision.routes}]
    m = len(problem.opening)
    for route in decision.routes:
        lines.append(problem.route_fixed)
        at = route.depot
        for i in route.customers:
            lines += [float(problem.cost[at][m + i]), float(problem.unit_cost[route.depot]) * float(problem.demand[i])]
            at = m + i
        lines.append(float(problem.cost[at][route.depot]))
    if problem.first is not None:
        lines += [float(problem.first.opening[p]) for p in {tour.platform for tour in decision.tours}]
        for tour in decision.tours:
            lines.append(problem.first.truck_fixed)
            at = tour.platform
            for satellite, _ in tour.stops:
                node = len(problem.first.opening) + satellite
                lines.append(float(problem.first.cost[at][node]))
                at = node
            lines.append(float(problem.first.cost[at][tour.platform]))
    return math.fsum(lines)


def _is_above(value: float, limit: float) -> bool:
    return value > limit + _SLACK * max(1.0, abs(limit))


def _names(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> Iterator[str]:
    n, m = len(problem.demand), len(problem.opening)
    for k, route in enumerate(decision.routes):
        if not 0 <= route.depot < m:
            yield f"route {k}: no depot {route.depot}"
        if not route.customers:
            yield f"route {k}: without customers"
        yield from (f"route {k}: no customer {i}" for i in route.customers if not 0 <= i < n)
    platforms = 0 if problem.first is None else len(problem.first.opening)
    for k, tour in enumerate(decision.tours):
        if not 0 <= tour.platform < platforms:
            yield f"tour {k}: no platform {tour.platform}"
        yield from (f"tour {k}: no satellite {s}" for s, _ in tour.stops if not 0 <= s < m)


def _customers(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> Iterator[str]:
    visits = [0] * len(problem.demand)
    for route in decision.routes:
        for i in route.customers:
            visits[i] += 1
    yield from (f"customer {i}: visited {count} times" for i, count in enumerate(visits) if count != 1)


def _routes(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> Iterator[str]:
    m = len(problem.opening)
    for k, route in enumerate(decision.routes):
        load = math.fsum(float(problem.demand[i]) for i in route.customers)
        if _is_above(load, problem.vehicle_capacity):
            yield f"route {k}: load {load} above {problem.vehicle_capacity}"
        stations = [route.depot, *(m + i for i in route.customers), route.depot]
        if not all(math.isfinite(float(problem.cost[a][b])) for a, b in pairwise(stations)):
            yield f"route {k}: uses a way that does not exist"
        if problem.minutes is not None:
            spent = math.fsum(float(problem.minutes[a][b]) for a, b in pairwise(stations))
            if _is_above(spent, problem.longest_min):
                yield f"route {k}: {spent} minutes above {problem.longest_min}"
    if problem.routes_most is not None and len(decision.routes) > problem.routes_most:
        yield f"{len(decision.routes)} routes above {problem.routes_most}"


def _depots(problem: LocationRoutingProblem, decision: LocationRoutingDecision) -> Iterator[str]:
    loads, count = _loads(problem, decision)
    for d in sorted(loads):
        if _is_above(loads[d], float(problem.capacity[d])):
            yield f"depot {d}: load {loads[d]} above {problem.capacity[d]}"
        if problem.depot_routes_most is not None and count[d] > problem.depot_routes_most:
            yield f"depot {d}: {count[d]} routes above {problem.depot_routes_most}"


def _loads(
    problem: LocationRoutingProblem, decision: LocationRoutingDecision
) -> tuple[dict[int, float], dict[int, int]]:
    parts: dict[int, list[float]] = defaultdict(list)
    count: dict[int, int] = defaultdict(int)
    for route in decision.routes:
        count[route.depot] += 1
        parts[route.depot] += [float(problem.demand[i]) for i in route.customers]
    return {d: math.fsum(values) for d, values in parts.items()}, count


def _trucks(problem: LocationRoutingProblem, first: FirstEchelon, decision: LocationRoutingDecision) -> Iterator[str]:
    for k, tour in enumerate(decision.tours):
        total = math.fsum(load for _, load in tour.stops)
        if _is_above(total, first.truck_capacity):
            yield f"tour {k}: load {total} above {first.truck_capacity}"
        if not tour.stops or any(load <= 0.0 for _, load in tour.stops):
            yield f"tour {k}: a stop without load"
        if len({s for s, _ in tour.stops}) < len(tour.stops):
            yield f"tour {k}: a satellite twice"
    if first.trucks_most is not None and len(decision.tours) > first.trucks_most:
        yield f"{len(decision.tours)} truck tours above {first.trucks_most}"
    yield from _supplies(problem, first, decision)


def _supplies(problem: LocationRoutingProblem, first: FirstEchelon, decision: LocationRoutingDecision) -> Iterator[str]:
    loads, _ = _loads(problem, decision)
    handed: dict[int, list[float]] = defaultdict(list)
    sent: dict[int, list[float]] = defaultdict(list)
    for tour in decision.tours:
        for s, load in tour.stops:
            handed[s].append(load)
            sent[tour.platform].append(load)
    for s in sorted({*loads, *handed}):
        needs = loads.get(s, 0.0) if problem.needs_supply(s) else 0.0
        if abs(math.fsum(handed[s]) - needs) > _SLACK * max(1.0, needs):
            yield f"satellite {s}: supplied {math.fsum(handed[s])}, needs {needs}"
        if not first.is_split and len(handed[s]) > 1:
            yield f"satellite {s}: split between {len(handed[s])} trucks"
    for p in sorted(sent):
        if _is_above(math.fsum(sent[p]), float(first.capacity[p])):
            yield f"platform {p}: sends {math.fsum(sent[p])} above {first.capacity[p]}"


def _no_trucks(decision: LocationRoutingDecision) -> Iterator[str]:
    if decision.tours:
        yield "truck tours without a first echelon"
