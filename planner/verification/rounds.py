"""Rules on rounds: each open site visited by exactly its loads, from its own depot, as often as promised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.verification.facts import DAYS_PER_WEEK, Facts
from planner.verification.measures import NO_FLOW, Flow, daily_flows, differs, flow_of


@dataclass(frozen=True, slots=True)
class Echelon:
    """What one tier of rounds has to do: who serves whom, how often, with how much at a visit, and what needs no trip."""

    tier: str
    depot_of: Mapping[str, str]
    days_per_week: int
    load: Mapping[str, Flow]
    without_trip: float = 0.0


def check_rounds(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Yield a message for every load or visit that does not add up."""
    flows = daily_flows(facts, plan)
    for echelon in _echelons(problem, facts, plan, flows):
        yield from _visits(echelon, plan)
        yield from _routes(echelon, plan)
        yield from _total(echelon, facts, plan)
    yield from _dropped(plan)


def stations_at_centre(facts: Facts, plan: Plan) -> frozenset[str]:
    """Return the stations at their centre's own place: no trunk trip goes there."""
    sites = facts.sites
    links = plan.siting.centre_of_station.items()
    return frozenset(s for s, c in links if s in sites and c in sites and sites[s].place == sites[c].place)


def _echelons(problem: PlanProblem, facts: Facts, plan: Plan, flows: Mapping[str, Flow]) -> tuple[Echelon, Echelon]:
    siting, visits = plan.siting, problem.standard.visits_per_week
    per_visit = DAYS_PER_WEEK / visits
    direct = stations_at_centre(facts, plan)
    away = {s: c for s, c in siting.centre_of_station.items() if s not in direct}
    trunk = {station: flows.get(station, NO_FLOW) for station in away}
    beside = math.fsum(flows.get(station, NO_FLOW).parcels for station in sorted(direct))
    last = {point: flows.get(point, NO_FLOW).times(per_visit) for point in siting.station_of_point}
    return (
        Echelon("county_township", away, DAYS_PER_WEEK, trunk, beside),
        Echelon("township_village", siting.station_of_point, visits, last),
    )


def _brought(tier: str, plan: Plan) -> dict[str, Flow]:
    stops: dict[str, list[tuple[float, float]]] = {}
    for route in plan.routing.routes:
        if route.tier == tier:
            for stop in route.stops:
                stops.setdefault(stop.facility_id, []).append((stop.delivery_parcels, stop.pickup_parcels))
    return {site: Flow(math.fsum(d for d, _ in loads), math.fsum(p for _, p in loads)) for site, loads in stops.items()}


def _visits(echelon: Echelon, plan: Plan) -> Iterator[Message]:
    brought = _brought(echelon.tier, plan)
    for site, load in sorted(echelon.load.items()):
        if site not in brought:
            if site not in plan.routing.dropped or load.parcels > 0.0:
                yield Message("check_not_visited", {"site": site})
            continue
        found = brought[site]
        if differs(found.inbound, load.inbound):
            yield Message("check_delivery_load", {"site": site, "found": found.inbound, "wanted": load.inbound})
        if differs(found.outbound, load.outbound):
            yield Message("check_pickup_load", {"site": site, "found": found.outbound, "wanted": load.outbound})


def _routes(echelon: Echelon, plan: Plan) -> Iterator[Message]:
    for route in plan.routing.routes:
        if route.tier != echelon.tier:
            continue
        where = {"route": route.route_id}
        if not route.stops:
            yield Message("check_route_without_stops", where)
        if route.days_per_week != echelon.days_per_week:
            yield Message(
                "check_days_per_week", {**where, "found": route.days_per_week, "wanted": echelon.days_per_week}
            )
        for stop in route.stops:
            if echelon.depot_of.get(stop.facility_id) != route.depot_id:
                yield Message("check_wrong_depot", {**where, "site": stop.facility_id, "depot": route.depot_id})
            if stop.delivery_parcels < 0.0 or stop.pickup_parcels < 0.0:
                yield Message("check_negative_load", {**where, "site": stop.facility_id})


def _total(echelon: Echelon, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Σ demand = Σ served + Σ unserved, as it rides in this tier."""
    brought = _brought(echelon.tier, plan).values()
    carried = math.fsum(flow.parcels for flow in brought) * echelon.days_per_week / DAYS_PER_WEEK + echelon.without_trip
    everyone = flow_of(facts, facts.villages).parcels
    unserved = flow_of(facts, (entry.village_code for entry in plan.siting.unserved)).parcels
    if differs(carried + unserved, everyone):
        yield Message(
            "check_parcel_balance",
            {"tier": echelon.tier, "carried": carried, "unserved": unserved, "demand": everyone},
        )


def _dropped(plan: Plan) -> Iterator[Message]:
    """Let a left-out site stand as a sign, but let nothing that moves lean on it."""
    dropped = set(plan.routing.dropped)
    used = {
        *plan.siting.point_of_village.values(),
        *(station for point, station in plan.siting.station_of_point.items() if point not in dropped),
        *(stop.facility_id for route in plan.routing.routes for stop in route.stops),
    }
    for site in sorted(used & dropped):
        yield Message("check_dropped_in_use", {"site": site})
