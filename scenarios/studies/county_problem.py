"""A county as a single-tier siting problem: demand points, sites, ways between them, money, locks and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geodata.errors import InputError, Problem, UsageError
from geodata.frames import haversine_km
from geodata.messages import Message
from planner.costs import closing_cny_per_day, site_cny_per_day
from planner.plan import PlanProblem
from planner.problems.siting import Floats, SideConstraints, SitingProblem, distances_from_matrix
from scenarios.spec import nearest
from scenarios.studies.county_demand import Place, county_demand
from scenarios.studies.options import ACCESS, AUTO, Options

_KINDS: Mapping[str, str] = {
    "village_points": "village_point",
    "villages": "village_point",
    "township_stations": "township_station",
    "county_centres": "county_centre",
}
_TIERS: Mapping[str, str] = {"township_station": "township_village", "county_centre": "county_township"}
_ARROW = ">"


@dataclass(frozen=True, slots=True, eq=False)
class CountyProblem:
    """A siting problem with the places it was made from.

    Attributes
    ----------
    siting
        The problem over every demand point that has a way to some site.
    demand, sites
        Places, in the order of the siting problem.
    left_out
        Demand points that no site can be reached from, with the reason; they stay in every denominator.
    reasons
        Demand id → why it is left out.
    facilities
        Rows of the county's facilities, in the order of the sites.
    unit
        ``km`` or ``min``, unit of all distances.
    weight
        ``population`` or ``parcels``.
    """

    siting: SitingProblem
    demand: tuple[Place, ...]
    sites: tuple[Place, ...]
    left_out: tuple[Place, ...]
    reasons: Mapping[str, Message]
    facilities: pd.DataFrame
    unit: str
    weight: str

    @property
    def total_weight(self) -> float:
        """Return the weight of all demand points, also of those left out."""
        return float(self.siting.weight.sum()) + sum(place.weight for place in self.left_out)

    def dense(self) -> Floats:
        """Return the distances as a dense matrix; ``inf``: out of reach."""
        distance = self.siting.distance
        dense = np.full(distance.shape, np.inf)
        rows = np.repeat(np.arange(distance.shape[0]), np.diff(distance.indptr))
        dense[rows, distance.indices] = distance.data
        return dense

    def replace_siting(self, **changes: object) -> CountyProblem:
        """Return a copy with another siting problem over the same places."""
        return replace(self, siting=replace(self.siting, **changes))  # type: ignore[arg-type]


def county_problem(problem: PlanProblem, values: Mapping[str, object]) -> CountyProblem:
    """Make the siting problem a study asks about.

    Parameters
    ----------
    problem
        The county with its travel times.
    values
        Options of `scenarios.studies.options` (those a kind does not take may be absent).

    Raises
    ------
    UsageError
        If a profile of travel does not exist, or does not lead to the sites asked for.
    InputError
        If a list names sites that do not exist; all of them at once.
    """
    options = Options(values)
    rows = _site_rows(problem, options.text("sites", "village_points"))
    profile = _profile(problem, options)
    wanted = county_demand(problem, options, profile)
    ways = _ways(problem, options, profile, wanted.labels, tuple(rows["facility_id"].astype(str)))
    scaled = ways * _scale(problem, options)
    cutoff = options.number("cutoff")
    distance = distances_from_matrix(scaled, cutoff=np.inf if cutoff is None else cutoff)
    reached = np.diff(distance.indptr) > 0
    placed = np.array(wanted.places, dtype=object)
    out = [*wanted.missing, *placed[~reached]]
    reasons = {**wanted.reasons, **_out_of_reach(placed[~reached], ways[~reached], options)}
    demand = tuple(placed[reached])
    siting = SitingProblem(
        demand_ids=tuple(place.place_id for place in demand),
        site_ids=tuple(rows["facility_id"].astype(str)),
        weight=np.array([place.weight for place in demand], dtype=np.float64),
        distance=distance[reached],
        demand=np.array([place.parcels for place in demand], dtype=np.float64),
        **_site_fields(problem, options, rows),
    )
    sites = tuple(_site_place(row) for _, row in rows.iterrows())
    weight = options.text("weight", "population")
    return CountyProblem(siting, demand, sites, tuple(out), reasons, rows, options.text("unit", "km"), weight)


def _site_rows(problem: PlanProblem, sites: str) -> pd.DataFrame:
    """Return the facilities that may be sites: of the tier, with a place, sorted by id."""
    facilities = problem.county.facilities
    placed = pd.to_numeric(facilities["lon"]).notna() & pd.to_numeric(facilities["lat"]).notna()
    rows: pd.DataFrame = facilities[placed & (facilities["kind"] == _KINDS[sites])]
    rows = rows.sort_values("facility_id", kind="stable")
    if sites == "villages":
        rows = rows[rows["village_code"].astype(str) != ""].drop_duplicates("village_code")
    return rows.reset_index(drop=True)


def _site_place(row: pd.Series) -> Place:
    name = str(row["name"]) or str(row["facility_id"])
    return Place(
        str(row["facility_id"]), name, float(row["lon"]), float(row["lat"]), 0.0, 0.0, str(row["township_code"])
    )


def _profile(problem: PlanProblem, options: Options) -> str:
    """Return the travel profile asked for, or the one that fits the sites."""
    kind = _KINDS[options.text("sites", "village_points")]
    asked = options.text("travel", AUTO)
    if asked == AUTO:
        if kind == "village_point":
            return ACCESS
        vehicles = problem.county.vehicles.sort_values("vehicle_type_id", kind="stable")
        fits = vehicles[vehicles["tier"].isin((_TIERS[kind], "both"))]
        known = [str(v) for v in fits["vehicle_type_id"] if str(v) in problem.travel]
        asked = known[0] if known else ""
    if asked not in problem.travel:
        figures = {
            "travel": asked,
            "nearest": nearest(asked, problem.travel),
            "known": ", ".join(sorted(problem.travel)),
        }
        raise UsageError(Message("study_travel_unknown", figures))
    if asked == ACCESS and kind != "village_point":
        raise UsageError(Message("study_travel_access", {"sites": options.text("sites")}))
    if asked != ACCESS and options.text("demand") == "hamlets" and options.text("travel") != AUTO:
        raise UsageError(Message("study_travel_hamlets", {"travel": asked}))
    return asked


def _ways(
    problem: PlanProblem, options: Options, profile: str, labels: Sequence[str], site_ids: Sequence[str]
) -> Floats:
    """Return km or minutes from demand (rows) to sites: villagers go to the site, vehicles come from it."""
    matrix = problem.travel[profile]
    is_km = options.text("unit", "km") == "km"
    if profile == ACCESS:
        minutes, metres = matrix.sub(labels, site_ids)
        return metres / 1000.0 if is_km else minutes
    minutes, metres = matrix.sub(site_ids, labels)
    return (metres / 1000.0 if is_km else minutes).T


def _scale(problem: PlanProblem, options: Options) -> float:
    """Return CNY a unit of weight and km where the study counts in money, else 1."""
    if options.text("fixed_cost", "none") == "none":
        return 1.0
    asked = options.number("cny_per_km")
    return problem.county.parameters["access_cny_per_parcel_km"] if asked is None else asked


def _out_of_reach(places: Sequence[Place], ways: Floats, options: Options) -> dict[str, Message]:
    """Return why places have no site: none by any road, or the nearest beyond the cut-off."""
    reasons: dict[str, Message] = {}
    unit, cutoff = options.text("unit", "km"), options.number("cutoff")
    for place, row in zip(places, ways, strict=True):
        best = float(row.min()) if row.size else np.inf
        if np.isfinite(best) and cutoff is not None:
            figures = {"nearest": round(best, 2), "cutoff": cutoff, "unit": unit}
            reasons[place.place_id] = Message("study_reason_beyond_cutoff", figures)
        else:
            reasons[place.place_id] = Message("study_reason_off_road")
    return reasons


def _site_fields(problem: PlanProblem, options: Options, rows: pd.DataFrame) -> dict[str, Any]:
    """Return money, room, locks, groups and side constraints of the sites."""
    parameters = problem.county.parameters
    records = [row for _, row in rows.iterrows()]
    existing = (rows["status"] == "existing").to_numpy(dtype=np.bool_)
    by_day = options.text("fixed_cost", "none") == "day"
    room = _numbers(rows, "capacity_parcels_per_day")
    has_room = options.switch("use_capacity")
    limit = np.where(np.isnan(room), np.inf, room) / options.figure("capacity_factor") if has_room else np.inf
    fixed = [site_cny_per_day(row, parameters) for row in records]
    closing = [closing_cny_per_day(r, parameters) if r["status"] == "existing" else 0.0 for r in records]
    return {
        "fixed_cost": np.maximum(0.0, np.subtract(fixed, closing)) if by_day else np.zeros(len(rows)),
        "capacity": np.broadcast_to(np.asarray(limit, dtype=np.float64), (len(rows),)).copy(),
        "capex_cny": np.where(existing, 0.0, np.nan_to_num(_numbers(rows, "capex_cny"))),
        "yearly_cny": np.nan_to_num(_numbers(rows, "annual_cost_cny")),
        "closing_cny": np.where(existing, np.nan_to_num(_numbers(rows, "closing_cost_cny")), 0.0),
        "is_existing": existing,
        "locked": _locks(options, rows),
        "groups": _groups(rows),
        "site_metres": _straight_metres(rows),
        "side": _side(options, rows),
        "p": options.whole("p"),
    }


def _numbers(rows: pd.DataFrame, column: str) -> Floats:
    values: Floats = pd.to_numeric(rows[column]).to_numpy(dtype=np.float64)
    return values


def _locks(options: Options, rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    locked = np.zeros(len(rows), dtype=np.int8)
    if options.switch("use_locks", otherwise=True):
        locked[(rows["lock"] == "open").to_numpy()] = 1
        locked[(rows["lock"] == "closed").to_numpy()] = -1
    if options.switch("keep_existing"):
        locked[(rows["status"] == "existing").to_numpy() & (locked == 0)] = 1
    positions = site_positions(options, rows, "open", "closed")
    locked[list(positions["open"])] = 1
    locked[list(positions["closed"])] = -1
    return locked


def site_positions(options: Options, rows: pd.DataFrame, *keys: str) -> dict[str, tuple[int, ...]]:
    """Return positions of the sites that lists name, by facility id or by village code.

    Raises
    ------
    InputError
        With every name that is no site.
    """
    index = {str(code): i for i, code in enumerate(rows["village_code"]) if str(code)}
    index.update({str(label): i for i, label in enumerate(rows["facility_id"])})
    unknown = [(key, name) for key in keys for name in options.names(key) if name not in index]
    if unknown:
        problems = [
            Problem("error", "study_site_unknown", column=key, value=name, params={"nearest": nearest(name, index)})
            for key, name in unknown
        ]
        raise InputError(Message("study_sites_unknown", {"count": len(problems)}), problems)
    return {key: tuple(index[name] for name in options.names(key)) for key in keys}


def _groups(rows: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Return sites by ``township CODE`` and ``operator ID``."""
    groups: dict[str, list[int]] = {}
    for word, column in (("township", "township_code"), ("operator", "operator_id")):
        for i, label in enumerate(rows[column].astype(str)):
            if label:
                groups.setdefault(f"{word} {label}", []).append(i)
    return {name: tuple(members) for name, members in sorted(groups.items())}


def _straight_metres(rows: pd.DataFrame) -> Floats:
    """Return straight-line metres between sites: apart and near are meant as the crow flies."""
    lon, lat = _numbers(rows, "lon"), _numbers(rows, "lat")
    one_way = haversine_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :]) * 1000.0
    np.fill_diagonal(one_way, 0.0)
    both_ways: Floats = (one_way + one_way.T) / 2.0
    return both_ways


def _side(options: Options, rows: pd.DataFrame) -> SideConstraints:
    groups = _groups(rows)
    low, high, operators = (options.whole(k) for k in ("township_minimum", "township_maximum", "operator_maximum"))
    minimum = {name: low for name in groups if low is not None and name.startswith("township ")}
    maximum = {name: high for name in groups if high is not None and name.startswith("township ")}
    maximum |= {name: operators for name in groups if operators is not None and name.startswith("operator ")}
    near = site_positions(options, rows, "near")["near"]
    pairs = {key: _pairs(options, rows, key) for key in ("requires", "conflicts")}
    return SideConstraints(
        capex_budget_cny=options.number("budget_cny"),
        yearly_budget_cny=options.number("yearly_budget_cny"),
        group_minimum=minimum,
        group_maximum=maximum,
        exclusion_m=1000.0 * (options.number("exclusion_km") or 0.0),
        near_sites=near,
        near_m=1000.0 * (options.number("near_km") or 0.0),
        requires=pairs["requires"],
        conflicts=pairs["conflicts"],
    )


def _pairs(options: Options, rows: pd.DataFrame, key: str) -> tuple[tuple[int, int], ...]:
    """Return pairs of sites written as ``A>B``."""
    found = []
    for entry in options.names(key):
        first, sign, second = (part.strip() for part in entry.partition(_ARROW))
        if not sign:
            problem = Problem("error", "study_pair_form", column=key, value=entry)
            raise InputError(Message("study_sites_unknown", {"count": 1}), [problem])
        members = site_positions(Options({key: (first, second)}), rows, key)[key]
        found.append((members[0], members[1]))
    return tuple(found)
