"""Trips within the numbers of vehicles a round may use."""

from __future__ import annotations

from collections.abc import Sequence

from planner.routing.packing import pack
from planner.routing.round_problem import RoundProblem, Trip


def fits_numbers(problem: RoundProblem, trips: Sequence[Trip]) -> bool:
    """Tell whether the trips can be packed onto the available vehicles."""
    for k, vehicle in enumerate(problem.vehicles):
        if vehicle.available is None:
            continue
        minutes = [problem.figures(trip).minutes for trip in trips if trip.vehicle == k]
        if max(pack(minutes, vehicle.shift_min), default=-1) + 1 > vehicle.available:
            return False
    return True


def within_numbers(problem: RoundProblem, trips: tuple[Trip, ...]) -> tuple[Trip, ...]:
    """Give up the trips with the fewest parcels and stops until the rest fits the available vehicles."""
    kept = list(trips)
    for k, vehicle in enumerate(problem.vehicles):
        while vehicle.available is not None and not fits_numbers(problem, [t for t in kept if t.vehicle == k]):
            own = [t for t in kept if t.vehicle == k]
            kept.remove(min(own, key=lambda t: (parcels_and_stops(problem, t), t.stops)))
    return tuple(kept)


def parcels_and_stops(problem: RoundProblem, trip: Trip) -> float:
    """Return what a trip is worth where not all can be served: its parcels, and one for each stop."""
    return sum(1.0 + problem.stops[i].delivery_parcels + problem.stops[i].pickup_parcels for i in trip.stops)
