"""The cheapest way to serve one more stop: inserted into a trip, as a trip more, or by a vehicle still free."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay
from planner.routing.rich.alone import days_alone
from planner.routing.rich.answers import keeps_rules
from planner.routing.rich.schedule import day_cost, day_is_feasible

#: Most stops left out that are tried: with more, leaving out is the decision's nature and no oversight of a search.
MOST_TRIED = 40
#: A stop is inserted only if it saves this much, CNY.
_LEAST_SAVED = 1e-6


@dataclass(frozen=True, slots=True)
class Insertion:
    """One more stop served.

    Attributes
    ----------
    added_cny
        What it adds to the decision's cost, without the penalty saved.
    at
        Number of the day it changes; None: a day more.
    day
        The changed or new day.
    """

    added_cny: float
    at: int | None
    day: VehicleDay

    def applied(self, decision: RoutingDecision, stop: int) -> RoutingDecision:
        """Return the decision with the stop served."""
        days = list(decision.days)
        if self.at is None:
            days.append(self.day)
        else:
            days[self.at] = self.day
        return replace(decision, days=tuple(days), left_out=tuple(i for i in decision.left_out if i != stop))


def cheapest_insertion(problem: RoutingProblem, decision: RoutingDecision, stop: int) -> Insertion | None:
    """Return the cheapest way to serve one more stop with all other days as they are; None: there is none.

    Parameters
    ----------
    problem, decision
        The problem and its days; every vehicle not used yet may come.
    stop
        Stop left out of the decision.
    """
    best: Insertion | None = None
    for at, day in enumerate(decision.days):
        before = day_cost(problem, day)
        for changed in _insertions(day, stop):
            best = _cheaper(best, problem, changed, at, before)
    used = [sum(day.vehicle == k for day in decision.days) for k in range(len(problem.vehicles))]
    for day in days_alone(problem, stop):
        available = problem.vehicles[day.vehicle].available
        if available is None or used[day.vehicle] < available:
            best = _cheaper(best, problem, day, None, 0.0)
    return best


def _cheaper(
    best: Insertion | None, problem: RoutingProblem, day: VehicleDay, at: int | None, before: float
) -> Insertion | None:
    if not day_is_feasible(problem, day):
        return best
    added = day_cost(problem, day) - before
    return Insertion(added, at, day) if math.isfinite(added) and (best is None or added < best.added_cny) else best


def _insertions(day: VehicleDay, stop: int) -> Iterator[VehicleDay]:
    for t, trip in enumerate(day.trips):
        for at in range(len(trip) + 1):
            changed = (*trip[:at], stop, *trip[at:])
            yield replace(day, trips=(*day.trips[:t], changed, *day.trips[t + 1 :]))
    yield replace(day, trips=(*day.trips, (stop,)))


def with_left_out_served(problem: RoutingProblem, decision: RoutingDecision) -> RoutingDecision:
    """Serve every stop left out that costs less to serve than to leave out, the greatest saving first.

    A search may end with such a stop; no planner would accept “too costly” for it.
    """
    if len(decision.left_out) > MOST_TRIED:
        return decision
    refused: set[int] = set()
    while True:
        found = _most_saving(problem, decision, refused)
        if found is None:
            return decision
        stop, way = found
        changed = way.applied(decision, stop)
        if keeps_rules(problem, changed):
            decision = changed
        else:  # the balance of vehicle days, which single days do not show
            refused.add(stop)


def _most_saving(problem: RoutingProblem, decision: RoutingDecision, refused: set[int]) -> tuple[int, Insertion] | None:
    best: tuple[int, Insertion] | None = None
    most = _LEAST_SAVED
    for stop in sorted(set(decision.left_out) - refused):
        way = cheapest_insertion(problem, decision, stop)
        saved = 0.0 if way is None else (problem.stops[stop].penalty_cny or 0.0) - way.added_cny
        if way is not None and saved > most:
            best, most = (stop, way), saved
    return best
