"""Exact engine for small rich rounds: column generation, then every route a better solution could use, then the choice.

Order of work: the relaxation over all routes gives a bound and prices (`generation`). A route that costs more than the
difference between solution and bound at these prices is in no better solution, so all others are enumerated and the choice among
them is optimal (Baldacci, Christofides, Mingozzi 2008). The difference is not known beforehand: small ones are tried first; a
choice found within one is optimal, and if there is none the bound rises by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from planner.problems.routing import RoutingDecision, RoutingProblem, RoutingVehicle, VehicleDay
from planner.reports import OPTIMALITY_TOLERANCE, Status
from planner.routing.rich.generation import GenerationLimits, Relaxation, generate
from planner.routing.rich.master import Choice, choose
from planner.routing.rich.pick import pick
from planner.routing.rich.routes import Labels, PricedRoute, enumerate_routes
from planner.routing.rich.schedule import day_is_feasible, decision_cost

#: Most stops the engine is meant for; township rounds have 8 to 20.
MOST_STOPS = 30
#: Shares of the bound tried as differences between bound and solution, one after the other.
DIFFERENCES = (0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.6)
#: Share from which on a solution is looked for first, so that no wider difference than needed is tried.
WIDE = 0.05
#: Slack in CNY of a comparison of solution and bound.
SLACK_CNY = 1e-6


@dataclass(frozen=True, slots=True)
class ExactLimits:
    """Limits of the exact engine; all decide the result.

    Attributes
    ----------
    generation
        Of the column generation.
    labels
        Partial routes kept in an enumeration.
    routes
        Routes of an enumeration.
    sets, nodes
        Sets of stops in the choice among them, and nodes of the integer program.
    """

    generation: GenerationLimits = field(default_factory=GenerationLimits)
    labels: int = 1_000_000
    routes: int = 400_000
    sets: int = 4_000_000
    nodes: int = 2_000


@dataclass(frozen=True, slots=True)
class ExactResult:
    """Decision (None: none found), its cost, the proved bound, and the status."""

    decision: RoutingDecision | None
    cny: float | None
    bound: float | None
    status: Status


def refusals(problem: RoutingProblem) -> tuple[tuple[str, dict[str, object]], ...]:
    """Return message key and figures of everything the exact engine cannot take; empty: it can.

    It takes deliveries with simultaneous pick-ups in any number of dimensions, several depots and vehicle types, limited
    numbers of vehicles, windows (several a stop), permits, shifts, longest days, range, most stops, goods that may not
    ride together, deliveries first, and optional stops.
    """
    count, vehicles = len(problem.stops), problem.vehicles
    is_cold = any(math.isfinite(s.cold_max_min) for s in problem.stops)
    rules = {
        "routing_exact_too_many_stops": count > MOST_STOPS,
        "routing_exact_trips": any(v.trips_most > 1 for v in vehicles),
        "routing_exact_break": any(v.break_rule is not None and _may_rest(v) for v in vehicles),
        "routing_exact_chargers": bool(problem.chargers) and any(v.battery is not None for v in vehicles),
        "routing_exact_cold": is_cold and not all(v.is_refrigerated for v in vehicles),
        "routing_exact_balance": problem.balance_min is not None,
    }
    figures: dict[str, object] = {"count": count, "most": MOST_STOPS}
    return tuple((key, figures) for key, holds in rules.items() if holds)


def _may_rest(vehicle: RoutingVehicle) -> bool:
    longest = min(vehicle.longest_min, vehicle.shift[1] - vehicle.shift[0])
    return vehicle.break_rule is not None and longest > vehicle.break_rule.after_min


def solve_exact(
    problem: RoutingProblem, limits: ExactLimits | None = None, *, start: RoutingDecision | None = None
) -> ExactResult:
    """Solve a round the engine does not refuse.

    Parameters
    ----------
    problem
        The round.
    limits
        Limits; the defaults suit rounds of up to about 40 stops.
    start
        A known decision to improve on.

    Returns
    -------
    ExactResult
        ``optimal`` with the bound equal to the cost, ``feasible`` with a valid bound if the enumeration was too large,
        ``infeasible`` if no routes visit all mandatory stops, ``unknown`` if none was found within the limits.
    """
    limits = limits or ExactLimits()
    if not problem.stops:
        return ExactResult(RoutingDecision(()), 0.0, 0.0, "optimal")
    relaxation = generate(problem, limits.generation, start=start.days if start else ())
    if relaxation.is_missing:
        return ExactResult(None, None, None, "infeasible")
    if relaxation.is_converged:
        best, bound = _close_gap(problem, relaxation, limits)
    else:
        best, bound = choose(problem, relaxation.master.routes, nodes=limits.nodes)[0], relaxation.bound
    return _result(problem, best, bound)


def _close_gap(problem: RoutingProblem, relaxation: Relaxation, limits: ExactLimits) -> tuple[Choice | None, float]:
    """Return the best choice found and the proved bound, allowing wider and wider differences from the bound."""
    best: Choice | None = None
    bound = relaxation.bound
    for share in DIFFERENCES:
        if best is None and share > WIDE:
            best = choose(problem, relaxation.master.routes, nodes=limits.nodes)[0]
        known = math.inf if best is None else best.cny
        difference = min(share * max(abs(relaxation.bound), 1.0), known - relaxation.bound)
        routes = _within(relaxation, difference + SLACK_CNY, limits)
        if routes is None:
            break
        within = (relaxation.bound, difference + SLACK_CNY)
        found = pick(problem, relaxation.prices, routes, within, (limits.sets, limits.nodes))
        if found.choice is not None and found.choice.cny < known:
            best = found.choice
        bound = max(bound, found.bound)
        if best is not None and best.cny <= bound + 2 * SLACK_CNY:
            return best, bound
    if best is None:
        best = choose(problem, relaxation.master.routes, nodes=limits.nodes)[0]
    return best, bound


def _within(relaxation: Relaxation, difference: float, limits: ExactLimits) -> list[PricedRoute] | None:
    prices, routes = relaxation.prices, list[PricedRoute]()
    for own in relaxation.graphs:
        if own.vehicle not in relaxation.ends:
            return None
        room, vehicle = Labels.room(own.graph, limits.labels), float(prices.vehicle[own.vehicle])
        found = enumerate_routes(own, prices.stop, vehicle, difference, room, relaxation.ends[own.vehicle])
        if found is None or len(routes) + len(found) > limits.routes:
            return None
        routes += found
    return routes


def _result(problem: RoutingProblem, best: Choice | None, bound: float) -> ExactResult:
    lower = bound if math.isfinite(bound) else None
    if best is None:
        return ExactResult(None, None, lower, "unknown")
    days = tuple(VehicleDay(r.vehicle, (r.stops,)) for r in sorted(best.routes, key=lambda r: (r.vehicle, r.stops)))
    decision = RoutingDecision(days, best.left_out)
    if not all(day_is_feasible(problem, day) for day in days):
        msg = "a route of the exact engine breaks a rule"
        raise AssertionError(msg)
    cny = decision_cost(problem, decision)
    lower = None if lower is None else min(lower, cny)
    is_proved = lower is not None and cny - lower <= OPTIMALITY_TOLERANCE * max(1.0, abs(cny))
    return ExactResult(decision, cny, cny if is_proved else lower, "optimal" if is_proved else "feasible")
