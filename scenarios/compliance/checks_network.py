"""Checks on the county and its plan: reach, tiers, sites, vehicles, ways, produce."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geodata.messages import Message
from planner.siting.land import land_of_plan
from planner.verification.measures import drive, flow_of
from scenarios.compliance.finding import Case, Finding, Outcome, missing
from scenarios.studies.shown import percent, rounded

_TIERS = ("county_centre", "township_station", "village_point")
#: Hosts that share nothing: premises rented for parcels alone, and the keeper's home.
_SHARED_NOT = ("租用门面", "rented shop", "民宅", "home")


def village_demand(case: Case, _argument: str) -> Finding:
    """Check that villages have inbound parcels in the plan's input."""
    villages = case.facts.villages.values()
    count, all_count = sum(v.inbound > 0.0 for v in villages), len(villages)
    told = Message("compliance_village_demand", {"count": count, "all": all_count})
    return Finding("yes" if count == all_count else "no", told, count, all_count, case.villages_id, "table_demand")


def village_reach(case: Case, _argument: str) -> Finding:
    """Check K1 against the plan's own standard: the document sets no figure."""
    row, bar = case.kpi("K1"), case.problem.standard.village_served_share
    if row is None or row.value is None:
        return missing("villages")
    figures = {"count": round(row.numerator or 0), "all": round(row.denominator or 0)}
    told = {**figures, "percent": percent(row.value), "bar_percent": percent(bar), "list": row.list_id}
    outcome: Outcome = "yes" if row.value >= bar > 0.0 or row.value >= 1.0 else "no"
    return Finding(
        outcome, Message("compliance_village_reach", told), row.numerator, row.denominator, row.list_id, "kpi_K1"
    )


def three_tiers(case: Case, _argument: str) -> Finding:
    """Check that all three tiers are there; the checker has seen that every point hangs on a station and a centre."""
    counts = [len(case.open_sites(kind)) for kind in _TIERS]
    told = dict(zip(("centres", "stations", "points"), counts, strict=True))
    outcome: Outcome = "yes" if all(counts) else "no"
    return Finding(outcome, Message("compliance_three_tiers", told), source="table_facilities")


def two_way(case: Case, argument: str) -> Finding:
    """Check the three tiers, and that parcels run in both directions."""
    tiers = three_tiers(case, argument)
    flow = flow_of(case.facts, case.verified.plan.siting.point_of_village)
    told = {**tiers.evidence.params, "inbound": rounded(flow.inbound), "outbound": rounded(flow.outbound)}
    outcome: Outcome = "yes" if tiers.outcome == "yes" and min(flow.inbound, flow.outbound) > 0.0 else "no"
    return Finding(outcome, Message("compliance_two_way", told), flow.outbound, flow.inbound, "", "kpi_K19")


def end_points(case: Case, _argument: str) -> Finding:
    """Check that the plan hands over a list of end points with their places."""
    points = case.open_sites("village_point") + case.open_sites("township_station")
    placed = sum(all(map(math.isfinite, case.facts.sites[name].place)) for name in points)
    told = Message("compliance_end_points", {"count": placed, "all": len(points)})
    return Finding(
        "yes" if points and placed == len(points) else "no", told, placed, len(points), "", "table_facilities"
    )


def shared_hosts(case: Case, argument: str) -> Finding:
    """Check whether stations and points share premises with a host; `argument`: words of the hosts meant."""
    sites = case.open_sites("township_station") + case.open_sites("village_point")
    frame = case.problem.county.facilities
    hosts = dict(zip(frame["facility_id"].astype(str), frame["host"].fillna("").astype(str), strict=True))
    words = argument.split("|") if argument else [""]
    shared = [name for name in sites if _is_shared(hosts.get(name, ""), words)]
    if not any(hosts.values()) or (argument and not shared):
        return missing("hosts")
    told = Message("compliance_shared_hosts", {"count": len(shared), "all": len(sites)})
    return Finding("yes" if shared else "no", told, len(shared), len(sites), "", "table_facilities")


def _is_shared(host: str, words: Sequence[str]) -> bool:
    return bool(host) and not any(word in host for word in _SHARED_NOT) and any(word in host for word in words)


def land_list(case: Case, _argument: str) -> Finding:
    """Check that floor and land can be listed for every open site."""
    factor = case.problem.county.parameters["peak_day_factor"]
    rows = land_of_plan(case.problem.county, case.verified.plan.siting, design_day_factor=factor)
    land = sum(row.land_m2 for row in rows)
    told = Message("compliance_land_list", {"count": len(rows), "land_m2": round(land)})
    return Finding("yes" if rows else "no", told, source="study_land")


def joint_network(case: Case, _argument: str) -> Finding:
    """Check that one network carries the parcels of several operators."""
    operators = len(case.facts.operators)
    served = flow_of(case.facts, case.verified.plan.siting.point_of_village).parcels
    whole = flow_of(case.facts, case.facts.villages).parcels
    told = Message("compliance_joint_network", {"operators": operators, "percent": percent(served / max(whole, 1e-12))})
    outcome: Outcome = "yes" if operators > 1 and served > 0.0 else "no"
    return Finding(outcome, told, served, whole, case.villages_id, "table_demand")


def clean_fleet(case: Case, _argument: str) -> Finding:
    """Check whether any kilometre is driven electrically or by human power."""
    trips = drive(case.problem, case.facts, case.verified.plan.routing.routes)
    km = math.fsum(trip.km * trip.runs_per_day for trip in trips)
    clean = [trip for trip in trips if trip.vehicle.energy_kind in ("electric", "human")]
    own = math.fsum(trip.km * trip.runs_per_day for trip in clean)
    told = Message("compliance_clean_fleet", {"clean_km": rounded(own), "all_km": rounded(km)})
    return Finding("yes" if own > 0.0 else "no", told, own, km, "", "table_vehicles")


def vehicle_need(case: Case, _argument: str) -> Finding:
    """Check that the vehicles the rounds need are counted by type and there are enough."""
    needed, there = case.verified.plan.routing.vehicles_needed, case.facts.vehicles
    short = {name: count for name, count in needed.items() if count > there[name].count}
    told = {"needed": sum(needed.values()), "types": sum(count > 0 for count in needed.values()), "short": len(short)}
    return Finding("no" if short else "yes", Message("compliance_vehicle_need", told), source="table_vehicles")


def routes_and_spots(case: Case, _argument: str) -> Finding:
    """Check that every place where a vehicle stops is listed with its position."""
    routes = case.verified.plan.routing.routes
    spots = {stop.facility_id for route in routes for stop in route.stops} | {route.depot_id for route in routes}
    placed = sum(all(map(math.isfinite, case.facts.sites[name].place)) for name in spots)
    told = Message("compliance_routes_and_spots", {"routes": len(routes), "count": placed, "all": len(spots)})
    outcome: Outcome = "yes" if routes and placed == len(spots) else "no"
    return Finding(outcome, told, placed, len(spots), "", "table_facilities")


def equity(case: Case, _argument: str) -> Finding:
    """Check that the worst-off tenth is shown beside the mean."""
    worst, mean = case.kpi("K27", "access_worst_tenth"), case.kpi("K7", "mean")
    if worst is None or mean is None or worst.value is None or mean.value is None:
        return missing("access")
    told = Message("compliance_equity", {"worst_km": round(worst.value, 2), "mean_km": round(mean.value, 2)})
    return Finding("yes", told, worst.numerator, worst.denominator, worst.list_id, "kpi_K27")


def objectives(case: Case, _argument: str) -> Finding:
    """Check that cost, way and frequency are measured; the document sets no figure."""
    rows = [case.kpi(*key) for key in (("K13", "total"), ("K7", "mean"), ("K8", "visits_ge_5"))]
    cost, way, often = (None if row is None else row.value for row in rows)
    if cost is None or way is None or often is None:
        return missing("access")
    told = {"cost": round(cost, 2), "km": round(way, 2), "percent": percent(often)}
    return Finding("yes", Message("compliance_objectives", told), source="kpi_K13")


def produce_flow(case: Case, _argument: str) -> Finding:
    """Check that villages with produce of their own can send it."""
    growers = {str(code) for code in case.problem.county.produce["village_code"]} & set(case.facts.villages)
    if not growers:
        return missing("produce")
    served = len(growers & set(case.verified.plan.siting.point_of_village))
    told = Message("compliance_produce_flow", {"count": served, "all": len(growers)})
    outcome: Outcome = "yes" if served == len(growers) else "no"
    return Finding(outcome, told, served, len(growers), case.villages_id, "table_produce")


def cold_chain(case: Case, _argument: str) -> Finding:
    """Say whether any produce needs cold; the plan holds no cold capacity to check it against."""
    produce = case.problem.county.produce
    if not len(produce):
        return missing("produce")
    cold = produce[produce["temperature_class"].astype(str).isin(("chilled", "frozen"))]
    if not len(cold):
        return Finding("outside", Message("compliance_no_cold"), source="table_produce")
    return missing("cold")


def named_project(case: Case, argument: str) -> Finding:
    """Check named projects ``county:name|other name;name``: each project once, whatever it is called."""
    county, _, listed = argument.partition(":")
    if case.problem.county.county_code != county:
        return Finding("outside", Message("compliance_other_county", {"county": county}))
    frame = case.problem.county.facilities
    opened = set(case.verified.plan.siting.open_ids)
    names = [str(n) for f, n in zip(frame["facility_id"], frame["name"], strict=True) if str(f) in opened]
    projects = [project.split("|") for project in listed.split(";")]
    found = sum(any(alias in name for alias in aliases for name in names) for aliases in projects)
    told = Message("compliance_named_project", {"count": found, "all": len(projects)})
    return Finding("yes" if found == len(projects) else "no", told, found, len(projects), "", "table_facilities")
