"""First pass of the checker: everything a plan names must exist, once, and be of the right kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.routing.result import RouteTier
from planner.siting.result import ReasonCode
from planner.verification.facts import Facts


def check_references(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Yield a message for every unknown, repeated or misplaced name.

    While any of these stand, the other rules cannot be evaluated.
    """
    yield from _sites(facts, plan)
    yield from _villages(facts, plan)
    yield from _routes(problem, facts, plan)


def _sites(facts: Facts, plan: Plan) -> Iterator[Message]:
    siting = plan.siting
    yield from _unknown(
        "check_unknown_site", (*siting.open_ids, *siting.closed_ids, *plan.routing.dropped), facts.sites
    )
    yield from _repeated("check_repeated_site", (*siting.open_ids, *siting.closed_ids))
    yield from _kind(facts, siting.point_of_village.values(), "village_point")
    yield from _kind(facts, siting.station_of_point, "village_point")
    yield from _kind(facts, siting.station_of_point.values(), "township_station")
    yield from _kind(facts, siting.centre_of_station, "township_station")
    yield from _kind(facts, siting.centre_of_station.values(), "county_centre")


def _villages(facts: Facts, plan: Plan) -> Iterator[Message]:
    unserved = [entry.village_code for entry in plan.siting.unserved]
    yield from _unknown("check_unknown_village", (*plan.siting.point_of_village, *unserved), facts.villages)
    yield from _repeated("check_repeated_village", (*plan.siting.point_of_village, *unserved))
    known = get_args(ReasonCode)
    for entry in plan.siting.unserved:
        if entry.reason not in known:
            yield Message("check_unknown_reason", {"village": entry.village_code, "reason": str(entry.reason)})


def _routes(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    routes = plan.routing.routes
    yield from _repeated("check_repeated_route", (route.route_id for route in routes))
    if [route.route_id for route in routes] != sorted(route.route_id for route in routes):
        yield Message("check_route_order", {})
    for route in routes:
        stops = [stop.facility_id for stop in route.stops]
        if route.tier not in get_args(RouteTier):
            yield Message("check_unknown_tier", {"route": route.route_id, "tier": str(route.tier)})
        yield from _unknown("check_unknown_site", (route.depot_id, *stops), facts.sites)
        yield from _unknown("check_unknown_vehicle", (route.vehicle_type_id,), facts.vehicles)
        yield from _unknown("check_no_travel_times", (route.vehicle_type_id,), problem.travel)
        yield from _missing_places(problem, route.vehicle_type_id, {route.depot_id, *stops})


def _missing_places(problem: PlanProblem, profile: str, places: set[str]) -> Iterator[Message]:
    if profile in problem.travel:
        matrix = problem.travel[profile]
        for place in sorted(places - (set(matrix.origin_ids) & set(matrix.destination_ids))):
            yield Message("check_place_without_travel", {"site": place, "vehicle": profile})


def _unknown(key: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Message]:
    for name in sorted(set(names) - set(known)):
        yield Message(key, {"name": name})


def _repeated(key: str, names: Iterable[str]) -> Iterator[Message]:
    for name, count in sorted(Counter(names).items()):
        if count > 1:
            yield Message(key, {"name": name, "count": count})


def _kind(facts: Facts, names: Iterable[str], kind: str) -> Iterator[Message]:
    for name in sorted(set(names)):
        site = facts.sites.get(name)
        if site is None:
            yield Message("check_unknown_site", {"name": name})
        elif site.kind != kind:
            yield Message("check_wrong_kind", {"name": name, "kind": site.kind, "wanted": kind})
