"""A county's stations as a merging question: stations and functions from its sheets, customers from its villages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.frames import is_placed
from geodata.messages import Message
from networks.walking import walking_matrix
from planner.cooperation.merge_functions import (
    FUNCTIONS,
    OWN,
    FunctionNeed,
    forbidden_ways,
    function_need,
    may_be_guest,
    operator_of,
    word_of,
)
from planner.cooperation.operators import clock_minutes
from planner.cooperation.stations_merge import MergeProblem, Room
from planner.costs import DAYS_PER_YEAR
from planner.problems.cooperation import Bools, Floats

_MONTHS = 12.0
#: Ways up to this many standards are looked at, so that who is worse off is known beyond the standard too.
LOOK = 3.0
_COLUMNS = (
    "station_id",
    "name",
    "lon",
    "lat",
    "township_code",
    "operator_id",
    "functions",
    "area_m2",
    "shelf_m2",
    "keeper_h_per_day",
    "opens_at",
    "closes_at",
    "rent",
    "keeper",
)


@dataclass(frozen=True, slots=True, eq=False)
class MergeCase:
    """A merging question with its stations and customers.

    Attributes
    ----------
    problem
        The question.
    stations
        Columns ``station_id, name, lon, lat, township_code, operator_id, functions, area_m2, shelf_m2, keeper_h, open_h, rent, keeper`` in
        the order of the problem; rent and keeper are CNY a day; hours are NaN where not known.
    customers
        Columns ``village_code, name, function, weight`` in the order of the problem.
    needs
        What each function needs, in the order of the problem.
    provider
        Where ways come from: ``road graph`` or ``straight line``.
    assumptions
        What was assumed.
    """

    problem: MergeProblem
    stations: pd.DataFrame
    customers: pd.DataFrame
    needs: tuple[FunctionNeed, ...]
    provider: str
    assumptions: tuple[Message, ...]


def build_merge(
    county: County, *, standard_km: float, keep: tuple[str, ...] = (), detour_factor: float | None = None
) -> MergeCase:
    """Make the merging question of a county.

    Parameters
    ----------
    county
        Completed county. Stations are the sheet ``operator_stations`` and the existing township stations and village points.
    standard_km
        Farthest way at which a function counts as near: by road where the county has roads, else straight line × detour factor.
    keep
        Ids of stations that must stay.
    detour_factor
        Road over straight line for a county without roads; None: the parameter.

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
    has_today = _today(stations, function_ids)
    customers = _customers(county, function_ids)
    each = _parcels_each(customers, function_ids, has_today)
    needs = tuple(function_need(county.parameters, label, q) for label, q in zip(function_ids, each, strict=True))
    metres, provider = _ways(county, stations, customers, LOOK * standard_km, detour_factor)
    floor, shelf, keeper = _rooms(stations, needs, has_today)
    index = {label: k for k, label in enumerate(function_ids)}
    problem = MergeProblem(
        station_ids=tuple(stations["station_id"]),
        function_ids=tuple(function_ids),
        fixed_cny=(stations["rent"] + stations["keeper"]).to_numpy(dtype=float),
        floor_m2=floor.there,
        host_cny=np.where(has_today, 0.0, _host_cny(county, function_ids, each)[None, :]),
        need_m2=floor.need,
        may_host=_may_host(county, stations, function_ids, needs),
        has_today=has_today,
        customer_function=np.array([index[label] for label in customers["function"]], dtype=np.intp),
        weight=customers["weight"].to_numpy(dtype=float),
        metres=metres,
        standard_m=np.full(len(function_ids), standard_km * 1000.0),
        must_stay=stations["station_id"].isin(keep).to_numpy(dtype=np.bool_),
        more_room=(shelf, keeper),
    )
    return MergeCase(problem, stations, customers, needs, provider, _notes(stations, provider))


def _notes(stations: pd.DataFrame, provider: str) -> tuple[Message, ...]:
    hours = int((~np.isfinite(stations["open_h"])).sum())
    rents = int(stations["is_rent_assumed"].sum())
    told = [
        Message("merge_assumed_costs"),
        Message("merge_assumed_needs"),
        Message("merge_assumed_road" if provider == "road graph" else "merge_assumed_ways"),
    ]
    if hours or rents:
        told.append(Message("merge_assumed_stations", {"hours": hours, "rents": rents, "all": len(stations)}))
    return tuple(told)


def _today(stations: pd.DataFrame, function_ids: Sequence[str]) -> Bools:
    index = {label: k for k, label in enumerate(function_ids)}
    found = np.zeros((len(stations), len(function_ids)), dtype=np.bool_)
    for j, labels in enumerate(stations["labels"]):
        found[j, [index[label] for label in labels]] = True
    return found


def _stations(county: County) -> pd.DataFrame:
    """Return the stations of the sheet and the existing township stations and village points, by id."""
    frames = [frame for frame in (_listed(county), _sites(county)) if len(frame)]
    columns = [*_COLUMNS, "is_rent_assumed"]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    parameters = county.parameters
    found["area_m2"] = found["area_m2"].astype(float).fillna(parameters["village_point_area_m2"])
    found["shelf_m2"] = found["shelf_m2"].astype(float)
    found = found.sort_values("station_id", kind="stable").reset_index(drop=True)
    found["labels"] = [_labels(f, o) for f, o in zip(found["functions"], found["operator_id"], strict=True)]
    found["open_h"] = [_open_h(str(o), str(c)) for o, c in zip(found["opens_at"], found["closes_at"], strict=True)]
    given = found["keeper_h_per_day"].astype(float)
    found["keeper_h"] = given.fillna(found["open_h"].astype(float)).fillna(parameters["merge_keeper_h_per_day"])
    return found


def _listed(county: County) -> pd.DataFrame:
    parameters = county.parameters
    listed = county.operator_stations[is_placed(county.operator_stations)].copy()
    usual = (
        _MONTHS
        * parameters["rent_village_cny_per_m2_month"]
        * listed["area_m2"].astype(float).fillna(parameters["village_point_area_m2"])
    )
    listed["is_rent_assumed"] = listed["rent_cny_per_year"].isna() | listed["keeper_cny_per_month"].isna()
    listed["rent"] = listed["rent_cny_per_year"].astype(float).fillna(usual) / DAYS_PER_YEAR
    pay = listed["keeper_cny_per_month"].astype(float).fillna(parameters["village_keeper_cny_per_month"])
    listed["keeper"] = pay * _MONTHS / DAYS_PER_YEAR
    return listed[[*_COLUMNS, "is_rent_assumed"]]


def _sites(county: County) -> pd.DataFrame:
    """Return the existing sites that the stations' sheet does not list; their yearly cost is rent as usual and else the keeper's."""
    facilities = county.facilities
    sites = facilities[(facilities["status"] == "existing") & (facilities["kind"] != "county_centre")]
    sites = sites[is_placed(sites) & ~sites["facility_id"].isin(county.operator_stations["station_id"])].copy()
    kinds = county.operators.set_index("operator_id")["kind"]
    sites["functions"] = ["post_office" if kinds.get(o, "") == "post" else "courier" for o in sites["operator_id"]]
    yearly = sites["annual_cost_cny"].astype(float).fillna(0.0)
    usual = _MONTHS * county.parameters["rent_village_cny_per_m2_month"] * sites["area_m2"].astype(float).fillna(0.0)
    sites["rent"] = np.minimum(yearly, usual) / DAYS_PER_YEAR
    sites["keeper"] = yearly / DAYS_PER_YEAR - sites["rent"]
    sites = sites.rename(columns={"facility_id": "station_id"})
    sites = sites.assign(opens_at="", closes_at="", shelf_m2=np.nan, keeper_h_per_day=np.nan, is_rent_assumed=False)
    return sites[[*_COLUMNS, "is_rent_assumed"]]


def _labels(functions: str, operator: str) -> list[str]:
    """Return the functions of a station; counters of operators carry the operator's id."""
    words = [word.strip() for word in functions.replace("；", ";").split(";") if word.strip()] or ["courier"]
    return [f"{word}:{operator}" if word in OWN and operator else word for word in words]


def _open_h(opens: str, closes: str) -> float:
    """Return the hours a day a station is open; NaN where not known."""
    start, end = clock_minutes(opens), clock_minutes(closes)
    return np.nan if start is None or end is None else (end - start) / 60.0


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
        if word_of(label) not in FUNCTIONS
    ]
    ids = set(stations["station_id"])
    return problems + [
        Problem("error", "merge_unknown_station", column="keep", value=name) for name in keep if name not in ids
    ]


def _parcels_each(customers: pd.DataFrame, function_ids: Sequence[str], has_today: Bools) -> Floats:
    """Return the parcels a day of a function at one station: an operator's parcels over the stations that have its counter today."""
    weights = customers.groupby("function")["weight"].sum()
    whole = [float(weights.get(label, 0.0)) if operator_of(label) else 0.0 for label in function_ids]
    found: Floats = np.array(whole) / np.maximum(1, has_today.sum(axis=0))
    return found


def _host_cny(county: County, function_ids: Sequence[str], each: Floats) -> Floats:
    """Return what a function pays a new host a day: the keeper's time, and a commission on an operator's parcels."""
    parameters = county.parameters
    hours = [function_need(parameters, label, 0.0).keeper_h for label in function_ids]
    pay = parameters["merge_keeper_cny_per_h"] * np.array(hours)
    found: Floats = pay + parameters["station_commission_cny_per_parcel"] * each
    return found


def _rooms(stations: pd.DataFrame, needs: Sequence[FunctionNeed], has_today: Bools) -> tuple[Room, Room, Room]:
    """Return floor, shelf and keeper's hours; what is there today fits, whatever the figures say."""
    shape = has_today.shape
    found = []
    for name, column, each in (
        ("floor", "area_m2", [need.floor_m2 for need in needs]),
        ("shelf", "shelf_m2", [need.shelf_m2 for need in needs]),
        ("keeper", "keeper_h", [need.keeper_h for need in needs]),
    ):
        need = np.broadcast_to(np.array(each), shape).copy()
        # Shelves that are not listed may stand anywhere on the floor.
        there = stations[column].astype(float).fillna(stations["area_m2"].astype(float)).to_numpy(dtype=float)
        found.append(Room(name, np.maximum(there, (need * has_today).sum(axis=1)), need))
    return found[0], found[1], found[2]


def _may_host(
    county: County, stations: pd.DataFrame, function_ids: Sequence[str], needs: Sequence[FunctionNeed]
) -> Bools:
    """Tell which stations are open long enough for a function (unknown hours are) and have a partner it may share with."""
    forbidden = forbidden_ways(county.operator_terms)
    hours = stations["open_h"].to_numpy(dtype=float)
    asked = np.array([need.open_h for need in needs])
    open_enough = ~(hours[:, None] < asked[None, :])
    partner = [[may_be_guest(label, labels, forbidden) for label in function_ids] for labels in stations["labels"]]
    found: Bools = open_enough & np.array(partner, dtype=np.bool_)
    return found


def _customers(county: County, function_ids: Sequence[str]) -> pd.DataFrame:
    """Return who comes for each function: an operator's parcels by village; for the rest everybody by population."""
    placed = county.villages[is_placed(county.villages)].sort_values("village_code", kind="stable")
    flows = county.demand.groupby(["village_code", "operator_id"])["inbound_parcels_per_day"].sum()
    rows = []
    for label in function_ids:
        operator = operator_of(label)
        for code, name, people in zip(placed["village_code"], placed["name"], placed["population"], strict=True):
            weight = float(flows.get((code, operator), 0.0)) if operator else float(people)
            if weight > 0.0:
                rows.append((code, name, label, weight))
    return pd.DataFrame(rows, columns=["village_code", "name", "function", "weight"])


def _ways(
    county: County, stations: pd.DataFrame, customers: pd.DataFrame, most_km: float, detour_factor: float | None
) -> tuple[sparse.csr_array, str]:
    """Return metres (customers × stations) and where they come from; a village's own station counts as one metre away."""
    codes = sorted(set(customers["village_code"]))
    villages = county.villages.set_index("village_code").loc[codes]
    origins = pd.DataFrame(
        {
            "place_id": codes,
            "lon": villages["lon"].astype(float).tolist(),
            "lat": villages["lat"].astype(float).tolist(),
        }
    )
    places = stations.rename(columns={"station_id": "place_id"})[["place_id", "lon", "lat"]].astype(
        {"lon": float, "lat": float}
    )
    found = walking_matrix(county, origins, places, cutoff_km=most_km, detour_factor=detour_factor)
    near = np.where(np.isfinite(found.metres), np.maximum(found.metres, 1.0), 0.0)
    row = {code: i for i, code in enumerate(codes)}
    rows = [row[code] for code in customers["village_code"]]
    return sparse.csr_array(near[rows]), found.provider
