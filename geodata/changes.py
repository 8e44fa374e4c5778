"""What-if changes of a county, each a pure function: volumes, operators, bus lines, roads, sites, seasons, tiers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString

from geodata.brands import with_brands
from geodata.changes_direct import with_direct_service, without_stations
from geodata.changes_money import changed_money
from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.messages import Message

#: Words that stand for the operator or bus line with most or least, and for the road that matters most.
LARGEST, SMALLEST, MAIN = "@largest", "@smallest", "@main"
SEASONS = ("mean", "spring_festival", "double_eleven")
#: Half the length of the cut that closes the main road, km, and km of a degree of latitude.
_CUT_KM, _KM_OF_DEGREE = 2.5, 111.195
_IN, _OUT = "inbound_parcels_per_day", "outbound_parcels_per_day"

#: A cut: two ends (lon, lat) of a line that no road crosses any more.
Cut = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class CountyChanges:
    """What is to be different from the county as given.

    Attributes
    ----------
    brands
        Share the parcels of a county without operators over eight stand-in brands, so that one of them can leave.
    volume_factor, outbound_factor
        All parcels, and outbound parcels besides, times this.
    season
        ``mean``, ``spring_festival`` (inbound at its peak) or ``double_eleven`` (both directions at their peak): times the parameter
        ``peak_day_factor``.
    harvest_month
        Month (1–12) whose produce is added to the outbound parcels; None: none.
    operators_leave
        Operators that stop serving the county: their parcels, stations and points go; ``@largest``, ``@smallest`` by parcels.
    bus_lines_cut
        Bus lines that no longer run; ``@largest``, ``@smallest`` by stops.
    roads_closed
        Roads closed: names of roads, cuts ``lon,lat lon,lat`` that no road crosses any more, or ``@main``: a cut of 5 km across the
        way from the centre to the township with most people, half-way.
    sites_closed, sites_opened
        Facility ids that must be closed, or open.
    sites_added
        New possible sites, each ``kind lon lat name``.
    direct_from_centre
        Villages may also be served straight from a county centre, without a township station.
    two_tiers
        No township stations at all: villages are served straight from the centres.
    handover_fee_factor
        The fee a courier pays the post for a parcel (parameter ``post_handover_fee_cny_per_parcel``), times this.
    subsidy_ends
        No public money any more for village lines, points and investments; studies of settlement and hand-over then say what is lost.
    """

    brands: bool = False
    volume_factor: float = 1.0
    outbound_factor: float = 1.0
    season: str = "mean"
    harvest_month: int | None = None
    operators_leave: tuple[str, ...] = ()
    bus_lines_cut: tuple[str, ...] = ()
    roads_closed: tuple[str, ...] = ()
    sites_closed: tuple[str, ...] = ()
    sites_opened: tuple[str, ...] = ()
    sites_added: tuple[str, ...] = ()
    direct_from_centre: bool = False
    two_tiers: bool = False
    handover_fee_factor: float = 1.0
    subsidy_ends: bool = False


@dataclass(slots=True)
class _Work:
    """A county being changed, what was done, and what could not be."""

    county: County
    notes: list[Message] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def unknown(self, key: str, value: str, known: Iterable[str]) -> None:
        near = next(iter(get_close_matches(value, sorted(known), n=1, cutoff=0.0)), "")
        self.problems.append(Problem("error", "change_unknown", column=key, value=value, params={"nearest": near}))


def apply_changes(county: County, changes: CountyChanges) -> tuple[County, tuple[Cut, ...]]:
    """Return the county with the changes made, and the cuts no way may cross (for a county without roads).

    Parameters
    ----------
    county
        Completed county.
    changes
        What is to be different.

    Raises
    ------
    InputError
        With every change that cannot be made: an unknown operator, line, road or site, a place that cannot be read.

    Notes
    -----
    Changes are made in the order of the attributes of `CountyChanges`; what was done is added to the county's assumptions.
    """
    work = _Work(county)
    if changes.brands:
        _brands(work)
    _volumes(work, changes)
    for name, step in _STEPS.items():
        values: tuple[str, ...] = getattr(changes, name)
        if values:
            step(work, values)
    cuts = _roads(work, changes.roads_closed)
    if changes.direct_from_centre or changes.two_tiers:
        work.county = with_direct_service(work.county)
        work.notes.append(Message("change_direct"))
    if changes.two_tiers:
        work.county = work.county.replace(facilities=without_stations(work.county.facilities))
        work.notes.append(Message("change_two_tiers"))
    parameters, told = changed_money(
        work.county.parameters, handover_fee_factor=changes.handover_fee_factor, subsidy_ends=changes.subsidy_ends
    )
    work.county = work.county.replace(parameters=parameters)
    work.notes += told
    if work.problems:
        raise InputError(Message("changes_unusable", {"count": len(work.problems)}), work.problems)
    return work.county.replace(assumptions=(*county.assumptions, *work.notes)), cuts


def _brands(work: _Work) -> None:
    work.county, notes = with_brands(work.county)
    work.notes += notes


def _volumes(work: _Work, changes: CountyChanges) -> None:
    demand = work.county.demand.copy()
    parameters = work.county.parameters
    both = changes.volume_factor
    inbound = both * (parameters["peak_day_factor"] if changes.season != "mean" else 1.0)
    outbound = both * changes.outbound_factor
    outbound *= parameters["peak_day_factor"] if changes.season == "double_eleven" else 1.0
    if inbound == outbound == 1.0 and changes.harvest_month is None:
        return
    demand[_IN], demand[_OUT] = demand[_IN].astype(float) * inbound, demand[_OUT].astype(float) * outbound
    if (inbound, outbound) != (1.0, 1.0):
        work.notes.append(Message("change_volume", {"inbound": round(inbound, 4), "outbound": round(outbound, 4)}))
    work.county = work.county.replace(demand=demand)
    if changes.harvest_month is not None:
        _harvest(work, changes.harvest_month)


def _harvest(work: _Work, month: int) -> None:
    """Add the produce of a month to the outbound parcels of its villages, shared over operators as their outbound is."""
    produce, demand = work.county.produce, work.county.demand.copy()
    first, last = produce["first_month"].astype(float), produce["last_month"].astype(float)
    within = ((first <= last) & (first <= month) & (month <= last)) | (
        (first > last) & ((month >= first) | (month <= last))
    )
    kg = produce[within].groupby("village_code")["kg_per_day"].sum().astype(float)
    parcels = demand["village_code"].map(kg / work.county.parameters["outbound_parcel_kg"]).fillna(0.0)
    own = demand[_OUT].astype(float) + demand[_IN].astype(float)
    whole = own.groupby(demand["village_code"]).transform("sum")
    rows = demand.groupby("village_code")["village_code"].transform("size")
    share = np.where(whole > 0, own / whole.where(whole > 0, 1.0), 1.0 / rows)
    demand[_OUT] = demand[_OUT].astype(float) + parcels * share
    work.county = work.county.replace(demand=demand)
    if kg.empty:
        work.notes.append(Message("change_no_harvest", {"month": month}))
    else:
        work.notes.append(
            Message("change_harvest", {"month": month, "villages": len(kg), "kg": round(float(kg.sum()))})
        )


def _chosen(work: _Work, key: str, words: Sequence[str], sizes: Mapping[str, float]) -> list[str]:
    """Return the ids meant by words, unknown ones reported; ties go to the first id."""
    found: list[str] = []
    for word in words:
        if word in (LARGEST, SMALLEST) and sizes:
            sign = -1.0 if word == LARGEST else 1.0
            found.append(min(sorted(sizes), key=lambda name: sign * sizes[name]))
        elif word in sizes:
            found.append(word)
        else:
            work.unknown(key, word, [*sizes, LARGEST, SMALLEST])
    return sorted(set(found))


def _operators(work: _Work, words: tuple[str, ...]) -> None:
    county = work.county
    parcels = (
        (county.demand[_IN].astype(float) + county.demand[_OUT].astype(float))
        .groupby(county.demand["operator_id"])
        .sum()
    )
    sizes = {str(name): float(parcels.get(name, 0.0)) for name in county.operators["operator_id"]}
    gone = _chosen(work, "operators_leave", words, {k: v for k, v in sizes.items() if v > 0} or sizes)
    if set(gone) == set(sizes):
        work.problems.append(Problem("error", "change_last_operator", column="operators_leave", value=", ".join(words)))
        return
    if not gone:
        return
    operators = county.operators[~county.operators["operator_id"].isin(gone)]
    facilities = county.facilities.copy()
    is_theirs = facilities["operator_id"].isin(gone) & (facilities["lock"] == "free")
    facilities.loc[is_theirs, "lock"] = "closed"
    facilities.loc[is_theirs, "closing_cost_cny"] = 0.0
    demand = county.demand[~county.demand["operator_id"].isin(gone)].reset_index(drop=True)
    left = operators["parcel_share"].astype(float).sum()
    share = operators["parcel_share"].astype(float) / left if left > 0 else operators["parcel_share"]
    work.county = county.replace(
        operators=operators.assign(parcel_share=share).reset_index(drop=True), facilities=facilities, demand=demand
    )
    figures = {
        "operators": ", ".join(gone),
        "parcels": round(sum(sizes[name] for name in gone), 1),
        "sites": int(is_theirs.sum()),
    }
    work.notes.append(Message("change_operators_leave", figures))


def _bus_lines(work: _Work, words: tuple[str, ...]) -> None:
    county = work.county
    stops = county.bus_stops.groupby("line_id").size()
    gone = _chosen(work, "bus_lines_cut", words, {str(i): float(stops.get(i, 0)) for i in county.bus_lines["line_id"]})
    if county.bus_lines.empty and not gone:
        work.problems.clear()
        work.notes.append(Message("change_no_bus_lines"))
        return
    keep = {
        name: frame[~frame["line_id"].isin(gone)].reset_index(drop=True) for name, frame in _bus_tables(county).items()
    }
    work.county = county.replace(**keep)
    work.notes.append(Message("change_bus_lines_cut", {"lines": ", ".join(gone)}))


def _bus_tables(county: County) -> dict[str, pd.DataFrame]:
    return {name: county.table(name) for name in ("bus_lines", "bus_stops", "bus_departures")}


def _lock(lock: str, key: str) -> Callable[[_Work, tuple[str, ...]], None]:
    def change(work: _Work, words: tuple[str, ...]) -> None:
        facilities = work.county.facilities.copy()
        known = {str(name) for name in facilities["facility_id"]}
        for word in words:
            if word not in known:
                work.unknown(key, word, known)
        facilities.loc[facilities["facility_id"].isin(words), "lock"] = lock
        work.county = work.county.replace(facilities=facilities)
        work.notes.append(Message(f"change_{key}", {"sites": ", ".join(words)}))

    return change


def _sites_added(work: _Work, words: tuple[str, ...]) -> None:
    facilities = work.county.facilities
    rows = []
    for number, word in enumerate(words, start=1):
        row = _new_site(facilities, word, number)
        if row is None:
            work.problems.append(Problem("error", "change_site_form", column="sites_added", value=word))
        else:
            rows.append(row)
    if rows:
        frame = pd.concat([facilities, pd.DataFrame(rows, columns=facilities.columns)], ignore_index=True)
        work.county = work.county.replace(facilities=frame)
        work.notes.append(Message("change_sites_added", {"sites": ", ".join(str(row["name"]) for row in rows)}))


def _new_site(facilities: pd.DataFrame, word: str, number: int) -> dict[str, object] | None:
    """Return the row of a new site: costs and capacity of the typical possible site of its kind."""
    parts = word.split(maxsplit=3)
    try:
        kind, lon, lat = parts[0], float(parts[1]), float(parts[2])
    except (IndexError, ValueError):
        return None
    alike = facilities[facilities["kind"] == kind]
    if alike.empty or not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):  # noqa: PLR2004
        return None
    candidates = alike[alike["status"] == "candidate"]
    model = (candidates if not candidates.empty else alike).iloc[0]
    row = {str(column): value for column, value in model.items()}
    near = np.hypot(alike["lon"].astype(float) - lon, alike["lat"].astype(float) - lat)
    nearest = alike.loc[near.idxmin()] if near.notna().any() else model
    return {
        **row,
        "facility_id": f"added-{number}",
        "name": parts[3] if len(parts) > 3 else f"added {number}",  # noqa: PLR2004
        "status": "candidate",
        "lock": "free",
        "operator_id": "",
        "township_code": nearest["township_code"],
        "village_code": nearest["village_code"],
        "lon": lon,
        "lat": lat,
        "host": "",
    }


_STEPS: Mapping[str, Callable[[_Work, tuple[str, ...]], None]] = {
    "operators_leave": _operators,
    "bus_lines_cut": _bus_lines,
    "sites_added": _sites_added,
    "sites_closed": _lock("closed", "sites_closed"),
    "sites_opened": _lock("open", "sites_opened"),
}


def _roads(work: _Work, words: tuple[str, ...]) -> tuple[Cut, ...]:
    """Close named roads and make cuts; return the cuts."""
    roads = work.county.roads
    names = set() if roads is None else {str(name) for name in roads["name"].dropna()} - {""}
    cuts: list[Cut] = []
    closed: list[str] = []
    for word in words:
        cut = _main_cut(work.county) if word == MAIN else _read_cut(word)
        if cut is not None:
            cuts.append(cut)
        elif word in names:
            closed.append(word)
        else:
            work.unknown("roads_closed", word, [*names, MAIN])
    if roads is not None:
        roads = roads[~roads["name"].isin(closed)]
        for cut in cuts:
            roads = roads[~roads.intersects(LineString(cut))]
        work.county = work.county.replace(roads=gpd.GeoDataFrame(roads.reset_index(drop=True)))
    if words:
        shown = [*closed, *(_shown(cut) for cut in cuts)]
        work.notes.append(Message("change_roads_closed", {"roads": "; ".join(shown)}))
    return tuple(cuts)


def _read_cut(word: str) -> Cut | None:
    try:
        ends = [tuple(float(number) for number in end.split(",")) for end in word.split()]
    except ValueError:
        return None
    if len(ends) != 2 or any(len(end) != 2 for end in ends):  # noqa: PLR2004
        return None
    (a, b), (c, d) = ends
    return (a, b), (c, d)


def _main_cut(county: County) -> Cut | None:
    """Return a cut across the straight line from the first open centre to the township with most people, half-way."""
    centres = county.facilities[county.facilities["kind"] == "county_centre"].dropna(subset=["lon", "lat"])
    centres = centres.sort_values(["status", "facility_id"], ascending=[False, True])
    people = county.villages["population"].astype(float).groupby(county.villages["township_code"]).sum()
    towns = county.villages.dropna(subset=["lon", "lat"]).groupby("township_code")[["lon", "lat"]].mean().astype(float)
    if centres.empty or towns.empty:
        return None
    x, y = float(centres.iloc[0]["lon"]), float(centres.iloc[0]["lat"])
    scale = math.cos(math.radians(y))
    away = np.hypot((towns["lon"] - x) * scale, towns["lat"] - y) * _KM_OF_DEGREE
    far = people.reindex(towns.index).where(away > 2 * _CUT_KM).dropna()
    if far.empty:
        return None
    code = min(far.index, key=lambda c: (-float(far[c]), str(c)))
    dx, dy = (float(towns.loc[code, "lon"]) - x) * scale, float(towns.loc[code, "lat"]) - y
    size = math.hypot(dx, dy)
    mid_x, mid_y = x + dx / scale / 2, y + dy / 2
    step_x, step_y = -dy / size * _CUT_KM / _KM_OF_DEGREE / scale, dx / size * _CUT_KM / _KM_OF_DEGREE
    return (
        (round(mid_x - step_x, 6), round(mid_y - step_y, 6)),
        (round(mid_x + step_x, 6), round(mid_y + step_y, 6)),
    )


def _shown(cut: Cut) -> str:
    return " ".join(f"{lon:g},{lat:g}" for lon, lat in cut)
