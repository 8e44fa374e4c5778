"""The county as a locker question: villages, communities and campuses with parcels, points and campuses as hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geodata.errors import InputError, Problem
from geodata.frames import haversine_km
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.problems.siting import Floats, SideConstraints, SitingProblem, distances_from_matrix
from planner.siting.lockers.choice import ChoiceModel
from planner.siting.lockers.places import PlaceDraft, campus, place_of
from planner.siting.lockers.problem import LockerHost, LockerProblem, LockerSettings, PlaceKind
from planner.siting.lockers.sizing import locker_mix, locker_prices
from scenarios.studies.options import ACCESS, Options

_CAMPUS_FIELDS = 4
#: NBS urban–rural codes: 1xx town and city, 210 seat of a township, 220 village.
_TOWN, _SEAT = "1", "210"


@dataclass(frozen=True, slots=True, eq=False)
class LockerQuestion:
    """A locker problem with the places it was made from.

    Attributes
    ----------
    problem
        The problem.
    demand
        Columns ``place_id, name, kind, lon, lat, township_code``, in the order of the places.
    hosts
        The same columns of the hosts.
    left_out
        Place id → name, reason and parcels a day of places without a place on the map.
    """

    problem: LockerProblem
    demand: pd.DataFrame
    hosts: pd.DataFrame
    left_out: dict[str, tuple[str, Message, float]]


def locker_question(problem: PlanProblem, options: Options) -> LockerQuestion:
    """Make the locker problem of a county.

    Raises
    ------
    InputError
        If a campus is not written as ``name;lon;lat;students``.
    """
    parameters = problem.county.parameters
    campuses = _campuses(options)
    drafts, demand, left_out = _places(problem, options, campuses)
    hosts = _hosts(problem, campuses)
    asked = options.number("reach_km")
    reach_m = parameters["locker_reach_m"] if asked is None else asked * 1000.0
    metres = _metres(problem, demand, hosts)
    count = len(hosts)
    siting = SitingProblem(
        demand_ids=tuple(demand["place_id"]),
        site_ids=tuple(hosts["place_id"]),
        weight=np.array([draft.parcels_per_day for draft in drafts], dtype=np.float64),
        distance=distances_from_matrix(metres, cutoff=reach_m),
        demand=np.array([draft.parcels_per_day for draft in drafts], dtype=np.float64),
        fixed_cost=np.zeros(count),
        capacity=np.full(count, np.inf),
        capex_cny=np.full(count, options.figure("connection_cny")),
        yearly_cny=np.full(count, options.figure("rent_cny_per_year")),
        closing_cny=np.zeros(count),
        is_existing=np.zeros(count, np.bool_),
        locked=_locks(options, hosts),
        side=SideConstraints(capex_budget_cny=options.number("budget_cny")),
    )
    room = options.whole("maximum_cells")
    kinds = [LockerHost("campus" if kind == "campus" else "facility", room) for kind in hosts["kind"]]
    asked_of = LockerProblem(siting, tuple(d.place for d in drafts), tuple(kinds), _settings(problem, options))
    return LockerQuestion(asked_of, demand, hosts, left_out)


def _settings(problem: PlanProblem, options: Options) -> LockerSettings:
    parameters = problem.county.parameters
    target = options.number("overflow_share")
    choice = ChoiceModel(
        options.text("choice", "threshold"),  # type: ignore[arg-type]
        parameters["locker_choice_decay_per_km"],
        parameters["locker_choice_outside"],
        parameters["locker_choice_threshold"],
    )
    return LockerSettings(
        prices=locker_prices(parameters),
        mix=locker_mix(parameters),
        choice=choice,
        overflow_target_share=parameters["locker_overflow_target_share"] if target is None else target,
        coverage_share=options.figure("coverage_share"),
        minimum_lockers=options.whole("minimum_lockers") or 0,
        maximum_lockers=options.whole("maximum_lockers"),
        subsidy_capex_share=options.figure("subsidy_capex_share"),
        subsidy_cny_per_parcel=options.figure("subsidy_cny_per_parcel"),
        count_subsidy=options.switch("count_subsidy"),
        rounds_per_day=options.whole("rounds_per_day"),
    )


def _campuses(options: Options) -> list[tuple[str, float, float, float]]:
    found, problems = [], []
    for entry in options.names("campuses"):
        name, *figures = (part.strip() for part in entry.split(";"))
        numbers = pd.to_numeric(pd.Series(figures, dtype=object), errors="coerce").to_numpy(dtype=float)
        if len(figures) != _CAMPUS_FIELDS - 1 or not np.isfinite(numbers).all() or numbers[-1] < 0.0:
            problems.append(Problem("error", "study_campus_form", column="campuses", value=entry))
            continue
        lon, lat, students = map(float, numbers)
        found.append((name, lon, lat, students))
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return found


def _kind(code: str) -> PlaceKind:
    if code.startswith(_TOWN):
        return "community"
    return "town_seat" if code == _SEAT else "village"


def _places(
    problem: PlanProblem, options: Options, campuses: list[tuple[str, float, float, float]]
) -> tuple[list[PlaceDraft], pd.DataFrame, dict[str, tuple[str, Message, float]]]:
    county, parameters = problem.county, problem.county.parameters
    inbound = county.demand.groupby("village_code")["inbound_parcels_per_day"].sum().astype(float)
    drafts: list[PlaceDraft] = []
    rows: list[tuple[object, ...]] = []
    left_out: dict[str, tuple[str, Message, float]] = {}
    known = set(problem.travel[ACCESS].origin_ids)
    for _, row in county.villages.sort_values("village_code", kind="stable").iterrows():
        code, kind = str(row["village_code"]), _kind(str(row["urban_rural_code"]))
        parcels = float(inbound.get(code, 0.0))
        if code not in known:
            left_out[code] = (str(row["name"]), Message("study_reason_no_location"), parcels)
            continue
        households = float(row["population"]) / parameters["household_residents"] if kind == "community" else 0.0
        drafts.append(PlaceDraft(code, parcels, place_of(kind, parameters, households=households)))
        rows.append((code, row["name"], kind, float(row["lon"]), float(row["lat"]), str(row["township_code"])))
    for number, (name, lon, lat, students) in enumerate(campuses, start=1):
        draft = campus(f"campus-{number}", students, parameters)
        drafts.append(draft)
        rows.append((draft.place_id, name, "campus", lon, lat, ""))
    consent = options.number("consent_share")
    if consent is not None:
        drafts = [replace(draft, place=replace(draft.place, consent_share=consent)) for draft in drafts]
    return drafts, _frame(rows), left_out


def _frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["place_id", "name", "kind", "lon", "lat", "township_code"])


def _hosts(problem: PlanProblem, campuses: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    """Return the village points with a place, existing or possible, and one host a campus."""
    known = set(problem.travel[ACCESS].destination_ids)
    facilities = problem.county.facilities
    points = facilities[facilities["kind"] == "village_point"].sort_values("facility_id", kind="stable")
    rows: list[tuple[object, ...]] = [
        (str(r["facility_id"]), r["name"], "facility", float(r["lon"]), float(r["lat"]), str(r["township_code"]))
        for _, r in points.iterrows()
        if str(r["facility_id"]) in known
    ]
    for number, (name, lon, lat, _) in enumerate(campuses, start=1):
        rows.append((f"campus-{number}", name, "campus", lon, lat, ""))
    return _frame(rows)


def _metres(problem: PlanProblem, demand: pd.DataFrame, hosts: pd.DataFrame) -> Floats:
    """Return metres by road between villages and points; from and to a campus as the crow flies."""
    straight = haversine_km(
        demand["lon"].to_numpy(dtype=float)[:, None],
        demand["lat"].to_numpy(dtype=float)[:, None],
        hosts["lon"].to_numpy(dtype=float)[None, :],
        hosts["lat"].to_numpy(dtype=float)[None, :],
    )
    metres: Floats = straight * 1000.0
    villages = (demand["kind"] != "campus").to_numpy()
    points = (hosts["kind"] != "campus").to_numpy()
    by_road = problem.travel[ACCESS].sub(list(demand["place_id"][villages]), list(hosts["place_id"][points]))[1]
    metres[np.ix_(villages, points)] = by_road
    return metres


def _locks(options: Options, hosts: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    locked = np.zeros(len(hosts), dtype=np.int8)
    index = {str(label): i for i, label in enumerate(hosts["place_id"])}
    index.update({str(name): i for i, name in enumerate(hosts["name"]) if hosts["kind"].iloc[i] == "campus"})
    problems = []
    for key, value in (("open", 1), ("closed", -1)):
        for name in options.names(key):
            if name in index:
                locked[index[name]] = value
            else:
                params = {"nearest": next(iter(index), "")}
                problems.append(Problem("error", "study_site_unknown", column=key, value=name, params=params))
    if problems:
        raise InputError(Message("study_sites_unknown", {"count": len(problems)}), problems)
    return locked
