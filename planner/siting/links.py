"""What it costs a day to serve one site from another, before rounds are built (docs/model.md §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.costs import vehicle_cny_per_h, vehicle_cny_per_km
from planner.plan import PlanProblem
from planner.routing.result import RouteTier
from planner.siting.coverage import travel_block
from planner.siting.demand import mean_parcel_kg

Matrix = npt.NDArray[np.float64]

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class LinkCosts:
    """Cost of every depot–stop link; ``inf`` in both where no vehicle type can make the trip.

    Attributes
    ----------
    fixed
        CNY a day for the visits themselves, shape (depots, stops).
    unit
        CNY for each parcel a day carried over the link, same shape.
    """

    fixed: Matrix
    unit: Matrix


def usable_vehicles(vehicles: pd.DataFrame, tier: RouteTier) -> pd.DataFrame:
    """Return the vehicle types of `tier` of which there is at least one, sorted by id."""
    counts = pd.to_numeric(vehicles["vehicle_count"], errors="coerce")
    usable = vehicles[vehicles["tier"].isin([tier, "both"]) & ~(counts == 0)]
    return usable.sort_values("vehicle_type_id", kind="stable")


def link_costs(
    problem: PlanProblem, tier: RouteTier, depots: Sequence[str], stops: Sequence[str], *, mean_parcels: float
) -> LinkCosts:
    """Return the cost of every link of a tier by the vehicle type cheapest at the tier's mean load.

    ``fixed = f/7 · [share · (km · c_km + h · c_h) + stop_base · c_h]`` and
    ``unit = stop_s · c_h + (km · c_km + h · c_h) / parcels of a full vehicle`` with the kilometres and hours out and
    back. A type whose range or shift does not allow a trip to that stop alone is no choice for the link. A station at its
    centre's own place (no way between them) needs no trunk trip: both are zero there.

    Parameters
    ----------
    problem
        Problem with one travel matrix a vehicle type.
    tier
        ``county_township`` (7 days a week) or ``township_village`` (`visits_per_week`).
    depots, stops
        Facility ids.
    mean_parcels
        Parcels a day of a mean stop of the tier; only chooses the vehicle type.
    """
    shape = (len(depots), len(stops))
    best = LinkCosts(np.full(shape, np.inf), np.full(shape, np.inf))
    for _, vehicle in usable_vehicles(problem.county.vehicles, tier).iterrows():
        cost = _vehicle_links(problem, tier, vehicle, depots, stops)
        better = _at_load(cost, mean_parcels) < _at_load(best, mean_parcels)
        best = LinkCosts(np.where(better, cost.fixed, best.fixed), np.where(better, cost.unit, best.unit))
    if tier == "county_township":
        here = same_place(problem, depots, stops)
        foreign = _hosted_elsewhere(problem, depots, stops)
        costs = (np.where(foreign, np.inf, np.where(here, 0.0, cost)) for cost in (best.fixed, best.unit))
        best = LinkCosts(*costs)
    return best


def _hosted_elsewhere(problem: PlanProblem, depots: Sequence[str], stops: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which stations are a part of another centre than the depot: they work with their own centre only."""
    rows = problem.county.facilities.set_index("facility_id")
    hosts = rows["host"].reindex(list(stops)).fillna("").astype(str)
    centres = set(rows.index[rows["kind"] == "county_centre"])
    foreign: npt.NDArray[np.bool_] = np.array(
        [[host in centres and host != depot for host in hosts] for depot in depots], dtype=np.bool_
    ).reshape(len(depots), len(stops))
    return foreign


def same_place(problem: PlanProblem, depots: Sequence[str], stops: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which stops stand at the very place of which depots, shape (depots, stops)."""
    places = problem.county.facilities.set_index("facility_id")[["lon", "lat"]].astype(float)
    a, b = places.loc[list(depots)].to_numpy(), places.loc[list(stops)].to_numpy()
    same: npt.NDArray[np.bool_] = (a[:, None, :] == b[None, :, :]).all(axis=2)
    return same


def _at_load(cost: LinkCosts, parcels: float) -> Matrix:
    """Return the cost of every link at a load; a link no vehicle can make costs ``inf`` even for no parcels."""
    possible = np.isfinite(cost.unit)
    loaded: Matrix = np.where(possible, cost.fixed, np.inf) + np.where(possible, cost.unit, 0.0) * parcels
    return loaded


def visits_per_week(problem: PlanProblem, tier: RouteTier) -> float:
    """Return how often a week a tier runs."""
    return DAYS_PER_WEEK if tier == "county_township" else float(problem.standard.visits_per_week)


def full_vehicle_parcels(vehicle: Mapping[str, object] | pd.Series, problem: PlanProblem) -> float:
    """Return how many mean parcels fill the vehicle by weight or volume, whichever binds."""
    by_weight = float(vehicle["payload_kg"]) / mean_parcel_kg(problem.county)  # type: ignore[arg-type]
    by_volume = float(vehicle["volume_m3"]) / problem.county.parameters["parcel_volume_m3"]  # type: ignore[arg-type]
    return min(by_weight, by_volume)


def _vehicle_links(
    problem: PlanProblem, tier: RouteTier, vehicle: pd.Series, depots: Sequence[str], stops: Sequence[str]
) -> LinkCosts:
    parameters, matrix = problem.county.parameters, problem.travel[str(vehicle["vehicle_type_id"])]
    minutes_out, metres_out = travel_block(matrix, depots, stops)
    minutes_back, metres_back = travel_block(matrix, stops, depots)
    km, hours = (metres_out + metres_back.T) / 1000.0, (minutes_out + minutes_back.T) / 60.0
    possible = np.isfinite(km)
    km, hours = np.where(possible, km, 0.0), np.where(possible, hours, 0.0)
    per_hour = vehicle_cny_per_h(vehicle, parameters)
    drive = km * vehicle_cny_per_km(vehicle, parameters) + hours * per_hour
    stop_h = parameters["stop_base_min"] / 60.0
    range_km, loading_h = float(vehicle["range_km"]), problem.routing.depot_loading_min / 60.0
    possible &= hours + loading_h + stop_h <= float(vehicle["shift_h"])
    if np.isfinite(range_km):
        possible &= km <= range_km
    share = problem.siting.line_haul_share if tier == "county_township" else problem.siting.round_share
    fixed = visits_per_week(problem, tier) / DAYS_PER_WEEK * (share * drive + stop_h * per_hour)
    unit = parameters["stop_s_per_parcel"] / 3600.0 * per_hour + drive / full_vehicle_parcels(vehicle, problem)
    return LinkCosts(np.where(possible, fixed, np.inf), np.where(possible, unit, np.inf))
