"""Ranges of the planner's settings in a scenario file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SEED_MAX = 2_147_483_647


class Range(NamedTuple):
    """Least, greatest, and value to exceed; None: no limit."""

    low: float | None = None
    high: float | None = None
    above: float | None = None


#: Ranges of the planner's settings; a field without an entry has its type checked only.
RANGES: Mapping[str, Range] = {
    "changes.volume_factor": Range(low=0, high=100),
    "changes.outbound_factor": Range(low=0, high=100),
    "changes.harvest_month": Range(low=1, high=12),
    "changes.handover_fee_factor": Range(low=0, high=100),
    "standard.access_km": Range(above=0),
    "standard.access_min": Range(above=0),
    "standard.population_share": Range(low=0, high=1),
    "standard.village_point_share": Range(low=0, high=1),
    "standard.township_station_share": Range(low=0, high=1),
    "standard.village_served_share": Range(low=0, high=1),
    "standard.allocation_km": Range(above=0),
    "standard.visits_per_week": Range(low=1, high=7),
    "siting.centre_count": Range(low=1),
    "siting.budget_cny": Range(low=0),
    "siting.relative_gap": Range(low=0, high=1),
    "siting.node_limit": Range(low=1),
    "siting.time_limit_s": Range(above=0),
    "siting.line_haul_share": Range(low=0, high=1),
    "siting.round_share": Range(low=0, high=1),
    "siting.capacity_day_factor": Range(above=0),
    "siting.seed": Range(low=0, high=SEED_MAX),
    "routing.solution_limit": Range(low=1),
    "routing.time_limit_s": Range(above=0),
    "routing.exact_stops": Range(low=0, high=12),
    "routing.column_stops": Range(low=0, high=30),
    "routing.depot_loading_min": Range(low=0),
    "routing.seed": Range(low=0, high=SEED_MAX),
}
