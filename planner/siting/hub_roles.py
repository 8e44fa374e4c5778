"""Hub–corridor layouts with given roles (1+2+7, 1+3+8): which hub serves each zone, which corridors run.

Roles are fixed by policy: *core*, *pilot-first* or *cooperation* places are hubs; *application* places are served by
exactly one hub (a hub that is an application place too serves itself); *gateways* (ports, airports, rail ports) lie
outside and are reached by corridors only.

Model (single allocation p-hub with given hubs and an incomplete corridor network)::

    min  Σ_a Σ_h (O_a + D_a)·c_ah·z_ah + Σ_l fixed_l·y_l + Σ_o Σ_(i,j) cost_ij·f_oij
    s.t. Σ_h z_ah = 1
         Σ_j f_oij - Σ_j f_oji = O_o·z_oi - Σ_d w_od·z_di       for every origin o and node i
         f_oij ≤ O_o·y_l,   Σ_o f_oij ≤ capacity_l·y_l

z of a hub or gateway with itself is 1. Sources: M. E. O'Kelly, 1987 (single allocation); S. Alumur and B. Y. Kara,
2009 (incomplete hub networks); the layouts are those of the plans for Deyang and Mianyang, 川府函〔2021〕9号.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import ENGINE, EngineLimits, solve_linear
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.siting.hub_layout import HubProblem, check_hubs
from planner.siting.selection import SolveLimits

_DAY_MIN = 24 * 60
DEFAULT_LIMITS = SolveLimits()


@dataclass(frozen=True, slots=True)
class HubPlan:
    """Decisions.

    Attributes
    ----------
    hub_of_place
        Every application place → its hub (itself if it is one).
    open_corridors
        Ids of the corridors that run, in the order of the problem.
    flow
        (corridor id, True from start to end) → units a day.
    report
        Status and bound, CNY a day.
    """

    hub_of_place: Mapping[str, str]
    open_corridors: tuple[str, ...]
    flow: Mapping[tuple[str, bool], float]
    report: SolveReport


@dataclass(slots=True)
class _Columns:
    """Variables of the model."""

    choice: dict[tuple[str, str], int] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    flow: dict[tuple[str, int, bool], int] = field(default_factory=dict)


def plan_hubs(problem: HubProblem, *, limits: SolveLimits = DEFAULT_LIMITS) -> HubPlan:
    """Return the least-cost allocation and corridors, exactly at the size of such layouts.

    Raises
    ------
    InputError
        If roles, corridors or flows name unknown places or have bad figures.
    """
    check_hubs(problem)
    model, columns = _model(problem)
    answer = solve_linear(model, EngineLimits(limits.relative_gap, limits.node_limit, limits.time_limit_s, limits.seed))
    told = {"relative_gap": limits.relative_gap, "node_limit": float(limits.node_limit)}
    if answer.values is None:
        status: Literal["infeasible", "unknown"] = "infeasible" if answer.outcome == "infeasible" else "unknown"
        note = f"hub_note_{status}"
        return HubPlan({}, (), {}, SolveReport(status, None, answer.bound, ENGINE, limits.seed, told, note))
    return _read(problem, columns, answer.values, answer.bound, told, limits.seed)


def _model(problem: HubProblem) -> tuple[LinearModel, _Columns]:
    model, columns = LinearModel(), _Columns()
    out, into = _totals(problem)
    for place in problem.served:
        for hub in problem.layout.hubs:
            cost = problem.access_cny_per_unit.get((place, hub))
            if cost is not None:
                columns.choice[place, hub] = model.binary(cost * (out[place] + into[place]))
        own = [(columns.choice[key], 1.0) for key in columns.choice if key[0] == place]
        model.row(own, lower=1.0, upper=1.0)
    for corridor in problem.corridors:
        columns.runs.append(model.binary(corridor.fixed_cny_per_day, lower=1.0 if corridor.must_run else 0.0))
    origins = [place for place in (*problem.layout.zones, *problem.layout.with_role("gateway")) if out[place] > 0.0]
    for number, corridor in enumerate(problem.corridors):
        for forward in (True, False):
            for origin in origins:
                f = model.continuous(corridor.cny_per_unit)
                columns.flow[origin, number, forward] = f
                model.row([(f, 1.0), (columns.runs[number], -out[origin])], upper=0.0)
            _capacity(model, columns, (number, forward), corridor.capacity_per_day, origins)
    for origin in origins:
        for node in problem.nodes:
            _balance(model, columns, problem, origin, node)
    return model, columns


def _capacity(
    model: LinearModel, columns: _Columns, way: tuple[int, bool], capacity: float, origins: Sequence[str]
) -> None:
    number, forward = way
    if math.isfinite(capacity):
        whole = [(columns.flow[origin, number, forward], 1.0) for origin in origins]
        model.row([*whole, (columns.runs[number], -capacity)], upper=0.0)


def _totals(problem: HubProblem) -> tuple[Counter[str], Counter[str]]:
    out: Counter[str] = Counter()
    into: Counter[str] = Counter()
    for (origin, destination), units in problem.flows.items():
        out[origin] += units  # type: ignore[assignment]
        into[destination] += units  # type: ignore[assignment]
    return out, into


def _balance(model: LinearModel, columns: _Columns, problem: HubProblem, origin: str, node: str) -> None:
    terms: list[tuple[int, float]] = []
    constant = 0.0
    for number, corridor in enumerate(problem.corridors):
        for forward, leaves, comes in ((True, corridor.start, corridor.end), (False, corridor.end, corridor.start)):
            if leaves == node:
                terms.append((columns.flow[origin, number, forward], 1.0))
            if comes == node:
                terms.append((columns.flow[origin, number, forward], -1.0))
    for (start, destination), units in sorted(problem.flows.items()):
        if start != origin:
            continue
        for place, sign in ((origin, -1.0), (destination, 1.0)):
            if place == node:
                constant -= sign * units
            elif (place, node) in columns.choice:
                terms.append((columns.choice[place, node], sign * units))
    model.row(terms, lower=constant, upper=constant)


def _read(
    problem: HubProblem, columns: _Columns, values: Vector, bound: float | None, told: Mapping[str, float], seed: int
) -> HubPlan:
    hub_of = {place: place for place in problem.layout.with_role("application") if place in problem.layout.hubs}
    hub_of |= {place: hub for (place, hub), column in columns.choice.items() if values[column] > 0.5}  # noqa: PLR2004
    runs = tuple(c.corridor_id for c, column in zip(problem.corridors, columns.runs, strict=True) if values[column] > 0)
    flow: dict[tuple[str, bool], float] = {}
    for (_, number, forward), column in columns.flow.items():
        key = (problem.corridors[number].corridor_id, forward)
        flow[key] = flow.get(key, 0.0) + float(values[column])
    cost = hub_plan_cny(problem, hub_of, runs, flow)
    least = cost if bound is None or abs(cost - bound) <= OPTIMALITY_TOLERANCE * max(1.0, abs(cost)) else bound
    is_proved = bound is not None and least >= cost * (1 - OPTIMALITY_TOLERANCE)
    report = SolveReport(
        "optimal" if is_proved else "feasible",
        cost,
        min(least, cost) if bound is not None else None,
        ENGINE,
        seed,
        told,
        "hub_note_optimal" if is_proved else "hub_note_cut",
    )
    return HubPlan(dict(sorted(hub_of.items())), runs, flow, report)


def hub_plan_cny(
    problem: HubProblem,
    hub_of_place: Mapping[str, str],
    open_corridors: tuple[str, ...],
    flow: Mapping[tuple[str, bool], float],
) -> float:
    """Return the cost of given decisions, computed from the problem alone."""
    out, into = _totals(problem)
    total = sum(
        (out[place] + into[place]) * problem.access_cny_per_unit[place, hub]
        for place, hub in hub_of_place.items()
        if place != hub
    )
    for corridor in problem.corridors:
        if corridor.corridor_id in open_corridors:
            total += corridor.fixed_cny_per_day
        carried = flow.get((corridor.corridor_id, True), 0.0) + flow.get((corridor.corridor_id, False), 0.0)
        total += corridor.cny_per_unit * carried
    return float(total)


def earliest_arrival(
    problem: HubProblem, plan: HubPlan, origin: str, destination: str, *, ready_min: float, transfer_min: float = 0.0
) -> float | None:
    """Return when a unit that is ready at its hub arrives at the hub (or gateway) of its destination; None: never.

    Minutes after midnight of the first day; every corridor that runs leaves daily at its departures. A corridor
    without a timetable does not carry anything here, for its hand-over cannot be checked.

    Parameters
    ----------
    problem, plan
        Layout and decisions.
    origin, destination
        Zone, hub or gateway.
    ready_min
        When the unit lies ready at its hub.
    transfer_min
        Handling before it can leave again.
    """
    start, goal = (plan.hub_of_place.get(place, place) for place in (origin, destination))
    best = {start: ready_min}
    heap = [(ready_min, start)]
    while heap:
        now, node = heapq.heappop(heap)
        if node == goal:
            return now
        if now > best[node]:
            continue
        for corridor in problem.corridors:
            if corridor.corridor_id not in plan.open_corridors:
                continue
            for leaves, comes, times in (
                (corridor.start, corridor.end, corridor.departures_min),
                (corridor.end, corridor.start, corridor.back_departures_min),
            ):
                if leaves != node or not times:
                    continue
                earliest = now + (transfer_min if node != start else 0.0)
                arrival = _next_departure(times, earliest) + corridor.minutes
                if arrival < best.get(comes, math.inf):
                    best[comes] = arrival
                    heapq.heappush(heap, (arrival, comes))
    return None


def _next_departure(times: tuple[float, ...], now: float) -> float:
    return min(time + _DAY_MIN * max(0, math.ceil((now - time) / _DAY_MIN)) for time in times)
