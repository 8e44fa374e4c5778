"""Engine for rounds of the plan too large for `planner.routing.exact`: column generation and enumeration of routes.

A round of the plan is a rich round (`planner.routing.rich`) without windows; the shift is its longest trip. Rounds with limited numbers
of vehicles are refused, since one vehicle makes several trips. Where too many routes would have to be enumerated, OR-Tools looks for
better trips, and the bound of column generation stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geodata import __distribution__
from planner.problems.routing import RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle
from planner.problems.standard import RoutingSettings
from planner.routing.bounds import fewest_trips
from planner.routing.engine import RoundSolution
from planner.routing.exact import ExactEngine
from planner.routing.ortools_engine import OrToolsEngine
from planner.routing.rich.exact import ExactLimits, ExactResult, solve_exact
from planner.routing.rich.generation import GenerationLimits
from planner.routing.round_problem import RoundProblem, Trip

#: Most stops of a round the engine is made for, and stops a trip above which only rounds of `LONG_STOPS` are taken.
MOST_STOPS = 30
STOPS_A_TRIP = 8.0
LONG_STOPS = 16
#: Most stops of a round with long trips that are enumerated by sets.
ENUMERATED_STOPS = 14
#: Work limits: beyond them OR-Tools is the better choice.
LIMITS = ExactLimits(GenerationLimits(exact_rounds=20, labels=200_000), labels=200_000, routes=50_000, sets=1_000_000)


class RouteEngine:
    """Column generation, then the choice among all routes a better plan could use."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"{__distribution__} column generation (numpy {np.__version__})"

    def refuses(self, problem: RoundProblem, settings: RoutingSettings) -> str:
        """Return why this engine cannot take the round."""
        count, most = len(problem.stops), min(settings.column_stops, MOST_STOPS)
        if not problem.vehicles:
            return "no vehicle type"
        if count > most:
            return f"{count} stops are more than {most}"
        if any(v.available is not None for v in problem.vehicles):
            return "the number of vehicles is limited"
        if count > LONG_STOPS and _is_long(problem):
            return f"{count} stops on long trips are more than {LONG_STOPS}"
        return ""

    def solve(self, problem: RoundProblem, settings: RoutingSettings) -> RoundSolution:
        """Solve the round; where few long trips serve few stops the enumeration of `planner.routing.exact` is quicker."""
        if len(problem.stops) <= ENUMERATED_STOPS and _is_long(problem):
            return ExactEngine().solve(problem, settings)
        result = solve_exact(as_rich(problem), LIMITS)
        trips = _trips(result)
        if result.status == "optimal" and all(problem.allows(trip) for trip in trips):
            objective = sum(problem.figures(trip).cny for trip in trips)
            return RoundSolution(trips, (), objective, objective, "optimal", self.name)
        return _better(problem, trips, result, OrToolsEngine().solve(problem, settings))


def _is_long(problem: RoundProblem) -> bool:
    count = len(problem.stops)
    return count > STOPS_A_TRIP * fewest_trips(problem, np.arange(count))


def as_rich(problem: RoundProblem) -> RoutingProblem:
    """Return a round of the plan, with any number of vehicles, as a rich round."""
    return RoutingProblem(
        place_ids=(problem.depot_id, *(s.facility_id for s in problem.stops)),
        minutes=problem.minutes,
        metres=problem.metres,
        depots=(RoutingDepot(problem.depot_id, 0, loading_min=problem.depot_loading_min),),
        stops=tuple(
            RoutingStop(
                s.facility_id, i, (s.delivery_kg, s.delivery_m3), (s.pickup_kg, s.pickup_m3), service_min=s.service_min
            )
            for i, s in enumerate(problem.stops, start=1)
        ),
        vehicles=tuple(
            RoutingVehicle(
                v.vehicle_type_id,
                (v.payload_kg, v.volume_m3),
                cny_per_km=v.cny_per_km,
                cny_per_h=v.cny_per_h,
                longest_min=v.shift_min,
                range_km=v.range_km,
                profile=k,
            )
            for k, v in enumerate(problem.vehicles)
        ),
    )


def _trips(result: ExactResult) -> tuple[Trip, ...]:
    if result.decision is None:
        return ()
    return tuple(Trip(day.vehicle, day.trips[0]) for day in result.decision.days)


def _better(
    problem: RoundProblem, trips: tuple[Trip, ...], result: ExactResult, searched: RoundSolution
) -> RoundSolution:
    """Return the cheaper plan with the better bound."""
    if trips and all(problem.allows(trip) for trip in trips):
        objective = sum(problem.figures(trip).cny for trip in trips)
        if objective < searched.objective:
            searched = replace(searched, trips=trips, objective=objective)
    bounds = [b for b in (result.bound, searched.bound) if b is not None]
    bound = min(max(bounds), searched.objective) if bounds else None
    proved = bound is not None and searched.objective - bound <= 1e-9 * max(1.0, searched.objective)
    return replace(searched, bound=bound, status="optimal" if proved else "feasible")
