"""The tables every output shows: villages, sites, costs, KPIs, sources, settings, made once from a run.

The columns are canonical (units in the names), the values plain; words are put in by `terms` at the edge.
Trips and stops are in `route_tables`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from geodata.county import FACILITY_KINDS
from planner.costs import closing_cny_per_day, site_cny_per_day, site_investment_cny
from planner.plan import PlanProblem
from scenarios.content import RunContent
from scenarios.outputs.drawing import Drawing, draw
from scenarios.outputs.route_tables import route_frames
from scenarios.outputs.statement_tables import (
    assumptions_frame,
    costs_frame,
    kpis_frame,
    names_by_id,
    parameters_frame,
    reports_frame,
    settings_frame,
    sources_frame,
    table_frame,
)
from scenarios.outputs.terms import note

VILLAGE_COLUMNS = (
    "village_code",
    "name",
    "township_code",
    "township",
    "population",
    "inbound_parcels_per_day",
    "outbound_parcels_per_day",
    "is_served",
    "has_own_point",
    "point_id",
    "point_name",
    "station_id",
    "station_name",
    "access_km",
    "access_min",
    "services_per_week",
    "reason",
    "location_note",
    "lon",
    "lat",
)
SITE_COLUMNS = (
    "facility_id",
    "name",
    "kind",
    "decision",
    "township",
    "upper_site_id",
    "upper_site_name",
    "served_villages",
    "parcels_per_day",
    "capacity_parcels_per_day",
    "site_cost_cny_per_day",
    "closing_cost_cny_per_day",
    "site_investment_cny",
    "operator",
    "host",
    "lon",
    "lat",
)
#: What the plan does with a site, in the order the planner reads them.
DECISIONS = ("kept", "new", "closed", "not_chosen")


@dataclass(frozen=True, slots=True, eq=False)
class RunTables:
    """Every table of a run, one frame each; see the column constants.

    Attributes
    ----------
    villages
        One row a village of the list, with allocation, distance and reason.
    sites
        One row a facility, with what the plan does with it.
    routes, stops
        One row a trip, one row a stop.
    costs, kpis, reports, parameters, assumptions, sources, settings
        The rest of what the report prints.
    drawing
        Lines of the trips and the area within reach, for the maps.
    """

    villages: pd.DataFrame
    sites: pd.DataFrame
    routes: pd.DataFrame
    stops: pd.DataFrame
    costs: pd.DataFrame
    kpis: pd.DataFrame
    reports: pd.DataFrame
    parameters: pd.DataFrame
    assumptions: pd.DataFrame
    sources: pd.DataFrame
    settings: pd.DataFrame
    drawing: Drawing

    @property
    def unserved(self) -> pd.DataFrame:
        """Villages without service, with their reason."""
        return self.villages[~self.villages["is_served"].astype(bool)].reset_index(drop=True)

    @property
    def used_sites(self) -> pd.DataFrame:
        """Sites the plan opens, keeps or closes (candidates not chosen are left out)."""
        return self.sites[self.sites["decision"] != "not_chosen"].reset_index(drop=True)


def run_tables(content: RunContent) -> RunTables:
    """Make all tables of a run."""
    routes, stops = route_frames(content.problem, content.verified.plan)
    villages = _villages(content, stops)
    return RunTables(
        villages=villages,
        sites=_sites(content.problem, content, villages),
        routes=routes,
        stops=stops,
        costs=costs_frame(content),
        kpis=kpis_frame(content),
        reports=reports_frame(content),
        parameters=parameters_frame(content),
        assumptions=assumptions_frame(content),
        sources=sources_frame(content),
        settings=settings_frame(content),
        drawing=draw(content),
    )


def demand_by_village(problem: PlanProblem) -> dict[str, tuple[float, float]]:
    """Return village code → parcels a day (inbound, outbound), summed over operators."""
    columns = ["inbound_parcels_per_day", "outbound_parcels_per_day"]
    demand = problem.county.demand
    if demand.empty:
        return {}
    sums = demand.assign(**{c: demand[c].astype(float) for c in columns}).groupby("village_code", sort=True)[columns]
    total = sums.sum()
    return {
        str(code): (float(i), float(o))
        for code, i, o in zip(total.index, total[columns[0]], total[columns[1]], strict=True)
    }


def access(problem: PlanProblem, origin: str, point: str) -> tuple[float | None, float | None]:
    """Return (km, minutes) a villager travels from `origin` to `point`; None where the travel matrix has no answer."""
    matrix = problem.travel["access"]
    try:
        metres, minutes = matrix.metres_between(origin, point), matrix.minutes_between(origin, point)
    except KeyError:
        return None, None
    return (metres / 1000.0, minutes) if math.isfinite(metres) else (None, None)


def _optional(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type]


def _villages(content: RunContent, stops: pd.DataFrame) -> pd.DataFrame:
    problem, siting = content.problem, content.verified.plan.siting
    county = problem.county
    demand = demand_by_village(problem)
    townships = names_by_id(county.townships, "township_code")
    sites = names_by_id(county.facilities, "facility_id")
    home = dict(
        zip(county.facilities["facility_id"].astype(str), county.facilities["village_code"].astype(str), strict=True)
    )
    reasons = {u.village_code: note(f"reason_{u.reason}", content.lang, u.params) for u in siting.unserved}
    services = stops.groupby("facility_id")["days_per_week"].max().to_dict() if len(stops) else {}
    rows = []
    for row in county.villages.to_dict("records"):
        code = str(row["village_code"])
        point = siting.point_of_village.get(code, "")
        station = siting.station_of_point.get(point, "")
        km, minutes = access(problem, code, point) if point else (None, None)
        inbound, outbound = demand.get(code, (0.0, 0.0))
        rows.append(
            {
                "village_code": code,
                "name": str(row["name"]),
                "township_code": str(row["township_code"]),
                "township": townships.get(str(row["township_code"]), ""),
                "population": _optional(row["population"]),
                "inbound_parcels_per_day": inbound,
                "outbound_parcels_per_day": outbound,
                "is_served": bool(point),
                "has_own_point": bool(point) and home.get(point) == code,
                "point_id": point,
                "point_name": sites.get(point, ""),
                "station_id": station,
                "station_name": sites.get(station, ""),
                "access_km": km,
                "access_min": minutes,
                "services_per_week": services.get(point) if point else None,
                "reason": reasons.get(code, ""),
                "location_note": "" if pd.isna(row["location_note"]) else str(row["location_note"]),
                "lon": _optional(row["lon"]),
                "lat": _optional(row["lat"]),
            }
        )
    return table_frame(rows, VILLAGE_COLUMNS)


def _decision(status: str, *, is_open: bool) -> str:
    if status == "existing":
        return "kept" if is_open else "closed"
    return "new" if is_open else "not_chosen"


def _site_loads(content: RunContent, villages: pd.DataFrame) -> tuple[dict[str, float], dict[str, int]]:
    """Return parcels a day (in + out) and number of villages served through each open site, all tiers."""
    siting = content.verified.plan.siting
    parcels: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for row in villages[villages["is_served"].astype(bool)].to_dict("records"):
        station = siting.station_of_point.get(row["point_id"], "")
        chain = (row["point_id"], station, siting.centre_of_station.get(station, ""))
        for site in filter(None, chain):
            parcels[site] += row["inbound_parcels_per_day"] + row["outbound_parcels_per_day"]
            count[site] += 1
    return parcels, count


def _sites(problem: PlanProblem, content: RunContent, villages: pd.DataFrame) -> pd.DataFrame:
    county, siting = problem.county, content.verified.plan.siting
    parcels, count = _site_loads(content, villages)
    open_ids = set(siting.open_ids)
    upper = {**siting.station_of_point, **siting.centre_of_station}
    names = names_by_id(county.facilities, "facility_id")
    townships = names_by_id(county.townships, "township_code")
    operators = names_by_id(county.operators, "operator_id")
    rows = []
    for site in county.facilities.to_dict("records"):
        facility_id = str(site["facility_id"])
        decision = _decision(str(site["status"]), is_open=facility_id in open_ids)
        is_open = decision in ("kept", "new")
        closing = closing_cny_per_day(site, county.parameters) if decision == "closed" else 0.0
        rows.append(
            {
                "facility_id": facility_id,
                "name": names[facility_id],
                "kind": str(site["kind"]),
                "decision": decision,
                "township": townships.get(str(site["township_code"]), ""),
                "upper_site_id": upper.get(facility_id, ""),
                "upper_site_name": names.get(upper.get(facility_id, ""), ""),
                "served_villages": count.get(facility_id, 0),
                "parcels_per_day": parcels.get(facility_id, 0.0),
                "capacity_parcels_per_day": _optional(site["capacity_parcels_per_day"]),
                "site_cost_cny_per_day": site_cny_per_day(site, county.parameters) if is_open else 0.0,
                "closing_cost_cny_per_day": closing,
                "site_investment_cny": site_investment_cny(site, is_open=is_open),
                "operator": operators.get(str(site["operator_id"]), ""),
                "host": "" if pd.isna(site["host"]) else str(site["host"]),
                "lon": _optional(site["lon"]),
                "lat": _optional(site["lat"]),
            }
        )
    frame = table_frame(rows, SITE_COLUMNS)
    tier = frame["kind"].map({kind: i for i, kind in enumerate(FACILITY_KINDS)})
    rank = frame["decision"].map({decision: i for i, decision in enumerate(DECISIONS)})
    order = frame.assign(_tier=tier, _rank=rank).sort_values(["_tier", "_rank", "facility_id"]).index
    return frame.loc[order].reset_index(drop=True)
