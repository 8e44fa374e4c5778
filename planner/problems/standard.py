"""What the plan must reach and what it may use: service standard, siting and routing settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceStandard:
    """The service the county promises.

    Attributes
    ----------
    access_km
        A person counts as covered when the point of their village or hamlet lies within this road distance.
    access_min
        Or within these minutes of travel (walking or by motorcycle as the matrix says); None: distance only.
    population_share
        Least share of the population that must be covered (0–1).
    village_point_share
        Least share of villages on the list that must have a point of their own (0–1).
    township_station_share
        Least share of townships that must have an open station (0–1).
    village_served_share
        Least share of villages on the list that must be served: sent to an open point within `allocation_km` (0–1).
    allocation_km
        A village may be sent to a point in another village at most this far away by road; beyond it is unserved.
    visits_per_week
        Services a week at every village point (1–7).
    """

    access_km: float = 3.0
    access_min: float | None = None
    population_share: float = 0.95
    village_point_share: float = 0.9
    township_station_share: float = 1.0
    village_served_share: float = 0.0
    allocation_km: float = 8.0
    visits_per_week: int = 5


@dataclass(frozen=True, slots=True)
class SitingSettings:
    """How sites are chosen.

    Attributes
    ----------
    centre_count
        County centres to open.
    budget_cny
        Most that may be spent on new sites and closings (capex); None: no limit.
    relative_gap
        The search stops when the gap is proved below this.
    node_limit
        Branch-and-bound nodes; decides the result reproducibly.
    time_limit_s
        For people; a run cut by it says so.
    keep_existing
        If true, every existing site with lock ``free`` stays open.
    line_haul_share, round_share
        Part of a direct return trip that a stop costs on a shared tour (county→township, township→village);
        used only to choose sites; true routes are costed afterwards.
    capacity_day_factor
        Day the capacities are checked for, as a multiple of the mean day.
    seed
        Seed of the solver.
    """

    centre_count: int = 1
    budget_cny: float | None = None
    relative_gap: float = 0.002
    node_limit: int = 20_000
    time_limit_s: float = 60.0
    keep_existing: bool = False
    line_haul_share: float = 0.7
    round_share: float = 0.5
    capacity_day_factor: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """How rounds are built.

    Attributes
    ----------
    solution_limit
        Improving solutions per round after which the search stops: decides the result reproducibly.
    time_limit_s
        For people, per round.
    exact_stops
        Rounds with at most this many stops are solved exactly and proved.
    column_stops
        Larger rounds with at most this many stops are solved by column generation and mostly proved.
    depot_loading_min
        Loading time at the depot before each trip.
    seed
        Seed, where the engine has one.
    """

    solution_limit: int = 200
    time_limit_s: float = 30.0
    exact_stops: int = 12
    column_stops: int = 30
    depot_loading_min: float = 15.0
    seed: int = 1
