"""A county's stations as a merging question: stations and functions from its sheets, customers from its villages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.frames import haversine_km, is_placed
from geodata.messages import Message
from planner.cooperation.operators import clock_minutes
from planner.cooperation.stations_merge import MergeProblem
from planner.costs import DAYS_PER_YEAR
from planner.problems.cooperation import Bools, Floats

FUNCTIONS = ("post_office", "courier", "bus_stop", "shop", "info")
#: Functions that belong to one operator each; the others are for everybody.
_OWN = frozenset({"post_office", "courier"})
_MONTHS = 12.0
#: Ways up to this many standards are looked at, so that who is worse off is known beyond the standard too.
LOOK = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class MergeCase:
    """A merging question with its stations and customers.

    Attributes
    ----------
    problem
        The question.
    stations
        Columns ``station_id, name, lon, lat, township_code, operator_id, functions`` in the order of the problem.
    customers
        Columns ``village_code, name, function`` in the order of the problem.
    assumptions
        What was assumed.
    """

    problem: MergeProblem
    stations: pd.DataFrame
    customers: pd.DataFrame
    assumptions: tuple[Message, ...]


def build_merge(county: County, *, standard_km: float, keep: tuple[str, ...] = ()) -> MergeCase:
    """Make the merging question of a county.

    Parameters
    ----------
    county
        Completed county. Stations are the sheet ``operator_stations`` and the existing township stations and village points.
    standard_km
        Farthest way (straight line × detour factor) at which a function counts as near.
    keep
        Ids of stations that must stay.

    Raises
    ------
    InputError
        If there is no existing station, an unknown function, or an unknown id under `keep`.
    """
    stations = _stations(county)
    problems = _wrong(stations, keep)
    if problems:
        raise InputError(Message("cooperation_input_bad", {"count": len(problems)}), problems)
    if stations.empty:
        raise InputError(Message("merge_no_station"))
    function_ids = sorted({label for labels in stations["labels"] for label in labels})
    index = {label: k for k, label in enumerate(function_ids)}
    has_today = np.zeros((len(stations), len(function_ids)), dtype=np.bool_)
    for j, labels in enumerate(stations["labels"]):
        has_today[j, [index[label] for label in labels]] = True
    customers = _customers(county, function_ids)
    parameters = county.parameters
    standard = np.full(len(function_ids), standard_km * 1000.0)
    need = np.full(has_today.shape, parameters["merge_shelf_m2"])
    problem = MergeProblem(
        station_ids=tuple(stations["station_id"]),
        function_ids=tuple(function_ids),
        fixed_cny=stations["fixed"].to_numpy(dtype=float),
        floor_m2=np.maximum(stations["area_m2"].to_numpy(dtype=float), (need * has_today).sum(axis=1)),
        host_cny=np.where(has_today, 0.0, _host_cny(county, has_today, customers, function_ids)[None, :]),
        need_m2=need,
        may_host=_open_enough(stations, parameters["merge_open_h"])[:, None] | np.zeros_like(has_today),
        has_today=has_today,
        customer_function=np.array([index[label] for label in customers["function"]], dtype=np.intp),
        weight=customers["weight"].to_numpy(dtype=float),
        metres=_ways(county, stations, customers, LOOK * standard_km * 1000.0),
        standard_m=standard,
        must_stay=stations["station_id"].isin(keep).to_numpy(dtype=np.bool_),
    )
    notes = (Message("merge_assumed_costs"), Message("merge_assumed_ways"))
    return MergeCase(problem, stations, customers, notes)


def _stations(county: County) -> pd.DataFrame:
    parameters = county.parameters
    listed = county.operator_stations[is_placed(county.operator_stations)].copy()
    rent = listed["rent_cny_per_year"].fillna(
        _MONTHS
        * parameters["rent_village_cny_per_m2_month"]
        * listed["area_m2"].fillna(parameters["village_point_area_m2"])
    )
    pay = listed["keeper_cny_per_month"].fillna(parameters["village_keeper_cny_per_month"]) * _MONTHS
    listed["fixed"] = (rent + pay).astype(float) / DAYS_PER_YEAR
    sites = county.facilities[
        (county.facilities["status"] == "existing") & (county.facilities["kind"] != "county_centre")
    ]
    sites = sites[is_placed(sites) & ~sites["facility_id"].isin(listed["station_id"])].copy()
    kinds = county.operators.set_index("operator_id")["kind"]
    sites["functions"] = ["post_office" if kinds.get(o, "") == "post" else "courier" for o in sites["operator_id"]]
    sites["fixed"] = sites["annual_cost_cny"].astype(float) / DAYS_PER_YEAR
    sites = sites.rename(columns={"facility_id": "station_id"}).assign(opens_at="", closes_at="")
    columns = [
        "station_id",
        "name",
        "lon",
        "lat",
        "township_code",
        "operator_id",
        "functions",
        "area_m2",
        "opens_at",
        "closes_at",
        "fixed",
    ]
    frames = [frame[columns] for frame in (listed, sites) if len(frame)]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    found["area_m2"] = found["area_m2"].astype(float).fillna(parameters["village_point_area_m2"])
    found = found.sort_values("station_id", kind="stable").reset_index(drop=True)
    found["labels"] = [_labels(f, o) for f, o in zip(found["functions"], found["operator_id"], strict=True)]
    return found


def _labels(functions: str, operator: str) -> list[str]:
    """Return the functions of a station; counters of operators carry the operator's id."""
    words = [word.strip() for word in functions.replace("；", ";").split(";") if word.strip()] or ["courier"]
    return [f"{word}:{operator}" if word in _OWN and operator else word for word in words]


def _wrong(stations: pd.DataFrame, keep: tuple[str, ...]) -> list[Problem]:
    known = ", ".join(FUNCTIONS)
    problems = [
        Problem(
            "error",
            "merge_unknown_function",
            "operator_stations",
            column="functions",
            value=label,
            params={"known": known},
        )
        for labels in stations["labels"]
        for label in labels
        if label.split(":")[0] not in FUNCTIONS
    ]
    ids = set(stations["station_id"])
    problems += [
        Problem("error", "merge_unknown_station", column="keep", value=name) for name in keep if name not in ids
    ]
    return problems


def _host_cny(county: County, has_today: Bools, customers: pd.DataFrame, function_ids: list[str]) -> Floats:
    """Return what a function costs a new host a day: counter and keeper, and a commission on an operator's parcels at one station."""
    parameters = county.parameters
    found = []
    for k, label in enumerate(function_ids):
        parcels = float(customers.loc[customers["function"] == label, "weight"].sum()) if ":" in label else 0.0
        each = parcels / max(1, int(has_today[:, k].sum()))
        found.append(parameters["merge_host_cny_per_day"] + parameters["station_commission_cny_per_parcel"] * each)
    return np.array(found)


def _customers(county: County, function_ids: list[str]) -> pd.DataFrame:
    """Return who comes for each function: an operator's parcels by village; for the rest everybody by population."""
    placed = county.villages[is_placed(county.villages)].sort_values("village_code", kind="stable")
    flows = county.demand.groupby(["village_code", "operator_id"])["inbound_parcels_per_day"].sum()
    rows = []
    for label in function_ids:
        word, _, operator = label.partition(":")
        for code, name, people in zip(placed["village_code"], placed["name"], placed["population"], strict=True):
            weight = float(flows.get((code, operator), 0.0)) if operator else float(people)
            if word in FUNCTIONS and weight > 0.0:
                rows.append((code, name, label, weight))
    return pd.DataFrame(rows, columns=["village_code", "name", "function", "weight"])


def _ways(county: County, stations: pd.DataFrame, customers: pd.DataFrame, most_m: float) -> sparse.csr_array:
    """Return metres, straight line × detour factor; a village's own station counts as one metre away."""
    places = (
        county.villages.set_index("village_code").loc[customers["village_code"], ["lon", "lat"]].to_numpy(dtype=float)
    )
    straight = haversine_km(
        places[:, :1],
        places[:, 1:],
        stations["lon"].to_numpy(dtype=float)[None, :],
        stations["lat"].to_numpy(dtype=float)[None, :],
    )
    metres: Floats = np.maximum(1.0, 1000.0 * county.parameters["detour_factor_plains"] * straight)
    return sparse.csr_array(np.where(metres <= most_m, metres, 0.0))


def _open_enough(stations: pd.DataFrame, hours: float) -> Bools:
    """Tell which stations are open long enough to host; unknown hours are taken as long enough."""
    found = []
    for opens, closes in zip(stations["opens_at"], stations["closes_at"], strict=True):
        start, end = clock_minutes(str(opens)), clock_minutes(str(closes))
        found.append(start is None or end is None or end - start >= 60.0 * hours)
    return np.array(found, dtype=np.bool_)
