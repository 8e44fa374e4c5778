"""What must be right before a siting model is built: figures, places, candidates, locks that fit each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from geodata.errors import InfeasibleError, InputError, Problem
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.siting.instance import Instance, placed_labels
from planner.siting.links import usable_vehicles
from planner.siting.prune import reachable_stations

_SHARES = ("population_share", "village_point_share", "township_station_share", "village_served_share")
_KINDS = ("county_centre", "township_station", "village_point")
_FIGURES = {"annual_cost_cny": None, "capex_cny": "candidate", "closing_cost_cny": "existing"}
#: Figures in force that must be above 0, and those that must be at or above 0.
_POSITIVE_PARAMETERS = ("site_life_years", "inbound_parcel_kg", "outbound_parcel_kg", "parcel_volume_m3")
_PARAMETERS = (
    "discount_rate_share",
    "driver_cny_per_month",
    "social_insurance_share",
    "diesel_cny_per_l",
    "petrol_cny_per_l",
    "electricity_cny_per_kwh",
    "sorting_cny_per_parcel",
    "access_cny_per_parcel_km",
    "stop_base_min",
    "stop_s_per_parcel",
)
_POSITIVE_VEHICLE_FIGURES = ("payload_kg", "volume_m3", "shift_h")
_VEHICLE_FIGURES = ("fixed_cny_per_day", "wear_cny_per_km", "energy_per_km")
#: Excel row of the first record.
_FIRST_ROW = 2


def check_problem(problem: PlanProblem) -> None:
    """Refuse a problem no siting model can be built from.

    Raises
    ------
    InputError
        With every problem found: settings out of range, missing or negative figures, sites without a place,
        no candidate of a kind, no vehicle of a tier.
    """
    found = [
        *_settings(problem),
        *_parameters(problem),
        *_villages(problem),
        *_facilities(problem),
        *_vehicles(problem),
        *_candidates(problem),
        *_travel(problem),
    ]
    if found:
        raise InputError(Message("siting_input_refused", {"count": len(found)}), found)


def check_locks(instance: Instance) -> None:
    """Refuse locks that contradict the centre count or each other's reach.

    Raises
    ------
    InfeasibleError
        With the facilities named and what to change.
    """
    centres, count = instance.centres, instance.targets.centre_count
    locked = [centres.ids[i] for i in np.nonzero(centres.must_open)[0]]
    if count > len(centres):
        raise InfeasibleError(
            Message("siting_centres_too_few", {"count": count, "available": len(centres)}),
            [Message("fix_siting_centre_count", {"count": len(centres)})],
        )
    if len(locked) > count:
        raise InfeasibleError(
            Message("siting_centres_locked", {"count": count, "locked": len(locked), "facilities": ", ".join(locked)}),
            [
                Message("fix_siting_centre_count", {"count": len(locked)}),
                Message("fix_siting_unlock", {"count": len(locked) - count, "facilities": ", ".join(locked)}),
            ],
        )
    cut_off = _locked_out_of_reach(instance)
    if cut_off:
        names = ", ".join(cut_off)
        raise InfeasibleError(
            Message("siting_lock_out_of_reach", {"count": len(cut_off), "facilities": names}),
            [Message("fix_siting_close", {"count": len(cut_off), "facilities": names})],
        )


def _locked_out_of_reach(instance: Instance) -> list[str]:
    """Return the sites that must be open although no vehicle can come to them."""
    reachable = reachable_stations(instance)
    stations = instance.stations.must_open & ~reachable
    served = (np.isfinite(instance.point_links.fixed) & reachable[:, None]).any(axis=0)
    points = instance.points.must_open & ~served
    return [instance.stations.ids[i] for i in np.nonzero(stations)[0]] + [
        instance.points.ids[i] for i in np.nonzero(points)[0]
    ]


def _settings(problem: PlanProblem) -> Iterator[Problem]:
    standard, siting = problem.standard, problem.siting
    rules: list[tuple[str, float, bool]] = [
        *((name, getattr(standard, name), 0.0 <= getattr(standard, name) <= 1.0) for name in _SHARES),
        ("access_km", standard.access_km, standard.access_km >= 0.0),
        ("allocation_km", standard.allocation_km, standard.allocation_km >= 0.0),
        ("visits_per_week", standard.visits_per_week, 1 <= standard.visits_per_week <= 7),  # noqa: PLR2004 - days
        ("centre_count", siting.centre_count, siting.centre_count >= 1),
        ("relative_gap", siting.relative_gap, 0.0 <= siting.relative_gap < 1.0),
        ("node_limit", siting.node_limit, siting.node_limit >= 0),
        ("time_limit_s", siting.time_limit_s, siting.time_limit_s > 0.0),
        ("capacity_day_factor", siting.capacity_day_factor, 0.0 < siting.capacity_day_factor < math.inf),
        ("line_haul_share", siting.line_haul_share, 0.0 <= siting.line_haul_share < math.inf),
        ("round_share", siting.round_share, 0.0 <= siting.round_share < math.inf),
    ]
    loading = problem.routing.depot_loading_min
    rules.append(("depot_loading_min", loading, 0.0 <= loading < math.inf))
    if standard.access_min is not None:
        rules.append(("access_min", standard.access_min, standard.access_min >= 0.0))
    if siting.budget_cny is not None:
        rules.append(("budget_cny", siting.budget_cny, siting.budget_cny >= 0.0))
    for name, value, is_right in rules:
        if not is_right:
            yield Problem("error", "siting_setting_range", column=name, value=f"{value:g}")


def _parameters(problem: PlanProblem) -> Iterator[Problem]:
    figures = problem.county.parameters
    for name in _POSITIVE_PARAMETERS:
        if not 0.0 < figures[name] < math.inf:
            yield Problem("error", "siting_parameter_not_positive", column=name, value=f"{figures[name]:g}")
    for name in _PARAMETERS:
        if not 0.0 <= figures[name] < math.inf:
            yield Problem("error", "siting_parameter_negative", column=name, value=f"{figures[name]:g}")


def _vehicles(problem: PlanProblem) -> Iterator[Problem]:
    vehicles = problem.county.vehicles
    for column in _VEHICLE_FIGURES:
        yield from _bad_numbers(vehicles, "vehicles", column)
    for column in ("range_km", "vehicle_count"):
        yield from _bad_numbers(vehicles, "vehicles", column, may_lack=True)
    for column in _POSITIVE_VEHICLE_FIGURES:
        numbers = pd.to_numeric(vehicles[column], errors="coerce")
        for index in vehicles.index[~(numbers > 0.0) | np.isinf(numbers)]:
            value = str(vehicles.loc[index, column])
            yield Problem(
                "error", "siting_number_not_positive", table="vehicles", row=_row(index), column=column, value=value
            )


def _villages(problem: PlanProblem) -> Iterator[Problem]:
    villages, demand = problem.county.villages, problem.county.demand
    if not len(villages):
        yield Problem("error", "siting_no_villages", table="villages")
    yield from _bad_numbers(villages, "villages", "population")
    for column in ("inbound_parcels_per_day", "outbound_parcels_per_day"):
        yield from _bad_numbers(demand, "demand", column)


def _facilities(problem: PlanProblem) -> Iterator[Problem]:
    facilities = problem.county.facilities
    used = facilities[facilities["lock"] != "closed"]
    for column, status in _FIGURES.items():
        rows = used if status is None else facilities[facilities["status"] == status]
        yield from _bad_numbers(rows, "facilities", column)
    yield from _bad_numbers(used, "facilities", "capacity_parcels_per_day", may_lack=True)
    placed = placed_labels(problem)
    for index, row in used.iterrows():
        is_needed = row["status"] == "existing" or row["lock"] == "open"
        if is_needed and str(row["facility_id"]) not in placed:
            yield Problem(
                "error", "siting_site_without_place", table="facilities", row=_row(index), value=str(row["facility_id"])
            )


def _bad_numbers(frame: pd.DataFrame, table: str, column: str, *, may_lack: bool = False) -> Iterator[Problem]:
    """Yield a problem for every missing, infinite or negative figure of a column."""
    numbers = pd.to_numeric(frame[column], errors="coerce")
    bad = ~(numbers >= 0.0) | np.isinf(numbers)
    if may_lack:
        bad &= frame[column].notna()
    for index in frame.index[bad]:
        value = str(frame.loc[index, column])
        yield Problem("error", "siting_bad_number", table=table, row=_row(index), column=column, value=value)


def _row(index: object) -> int:
    return int(str(index)) + _FIRST_ROW


def _candidates(problem: PlanProblem) -> Iterator[Problem]:
    facilities = problem.county.facilities
    usable = facilities[facilities["lock"] != "closed"]
    for kind in _KINDS:
        if not (usable["kind"] == kind).any():
            yield Problem("error", f"siting_no_{kind}", table="facilities", column="kind", value=kind)


def _travel(problem: PlanProblem) -> Iterator[Problem]:
    if "access" not in problem.travel:
        yield Problem("error", "siting_no_travel", value="access")
    for tier in ("county_township", "township_village"):
        vehicles = usable_vehicles(problem.county.vehicles, tier)
        if not len(vehicles):
            yield Problem("error", f"siting_no_vehicle_{tier}", table="vehicles", column="tier", value=tier)
        for profile in map(str, vehicles["vehicle_type_id"]):
            if profile not in problem.travel:
                yield Problem("error", "siting_no_travel", table="vehicles", value=profile)
