"""The frequency question of every station of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from planner.plan import Plan, PlanProblem
from planner.routing.frequency import FrequencyPoint, FrequencyProblem
from planner.routing.rounds_build import build_last_mile, parcel_figures, parcels_of_points, vehicle_counts


def station_frequencies(
    problem: PlanProblem,
    plan: Plan,
    *,
    patterns: Sequence[str],
    least_visits: int,
    waiting_cny_per_parcel_day: float,
    stations: Sequence[str] = (),
) -> tuple[FrequencyProblem, ...]:
    """Return one frequency question a station, by id.

    Points dropped by the plan's rounds stay out; so do vehicle types the county has none of. Numbers of vehicles are not limited.

    Parameters
    ----------
    stations
        Only these; empty: all.
    """
    parcels, counts = parcels_of_points(problem, plan.siting), vehicle_counts(problem)
    made = []
    for round_ in build_last_mile(problem, plan.siting, parcels, frozenset(plan.routing.dropped)):
        if stations and round_.depot_id not in stations:
            continue
        kinds = tuple(k for k, v in enumerate(round_.vehicles) if counts.get(v.vehicle_type_id) != 0)
        points = tuple(
            FrequencyPoint(s.facility_id, parcels[s.facility_id].delivery, parcels[s.facility_id].pickup, least_visits)
            for s in round_.stops
        )
        made.append(
            FrequencyProblem(
                round_.with_vehicles(kinds, (None,) * len(kinds)),
                points,
                tuple(patterns),
                parcel_figures(problem),
                problem.routing,
                waiting_cny_per_parcel_day,
            )
        )
    return tuple(made)
