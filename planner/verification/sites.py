"""Rules on the sites: chain, locks, capacity, budget, number of centres (model, section 2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.verification.facts import Facts, Site
from planner.verification.measures import NO_FLOW, daily_flows, is_more
from planner.verification.money import investment_cny


def check_sites(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Yield a message for every broken rule on open and closed sites."""
    yield from _chain(facts, plan)
    yield from _locks(problem, facts, plan)
    yield from _closed(facts, plan)
    yield from _centres(problem, facts, plan)
    yield from _capacity(problem, facts, plan)
    yield from _budget(problem, facts, plan)


def _open_of(facts: Facts, plan: Plan, kind: str) -> set[str]:
    return {name for name in plan.siting.open_ids if facts.sites[name].kind == kind}


def _chain(facts: Facts, plan: Plan) -> Iterator[Message]:
    siting = plan.siting
    points, stations = _open_of(facts, plan, "village_point"), _open_of(facts, plan, "township_station")
    centres = _open_of(facts, plan, "county_centre")
    yield from _not_open(siting.point_of_village, points)
    yield from _not_open(siting.station_of_point, stations)
    yield from _not_open(siting.centre_of_station, centres)
    yield from _links(siting.station_of_point, points)
    yield from _links(siting.centre_of_station, stations)
    for station, centre in sorted(siting.centre_of_station.items()):
        host = facts.sites[station].host if station in facts.sites else ""
        if host in facts.sites and facts.sites[host].kind == "county_centre" and host != centre:
            yield Message("check_part_of_other_centre", {"site": station, "host": host, "centre": centre})


def _not_open(links: Mapping[str, str], open_ids: set[str]) -> Iterator[Message]:
    for name, site in sorted(links.items()):
        if site not in open_ids:
            yield Message("check_not_open", {"name": name, "site": site})


def _links(links: Iterable[str], open_ids: set[str]) -> Iterator[Message]:
    linked = set(links)
    for name in sorted(open_ids - linked):
        yield Message("check_link_missing", {"site": name})
    for name in sorted(linked - open_ids):
        yield Message("check_link_of_closed_site", {"site": name})


def _locks(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    is_open = set(plan.siting.open_ids)
    for site in facts.sites.values():
        must_open = site.lock == "open" or (problem.siting.keep_existing and site.is_existing and site.lock == "free")
        if must_open and site.facility_id not in is_open:
            yield Message("check_lock_open", {"site": site.facility_id})
        if site.lock == "closed" and site.facility_id in is_open:
            yield Message("check_lock_closed", {"site": site.facility_id})


def _closed(facts: Facts, plan: Plan) -> Iterator[Message]:
    is_open = set(plan.siting.open_ids)
    expected = {site.facility_id for site in facts.sites.values() if site.is_existing} - is_open
    for name in sorted(expected ^ set(plan.siting.closed_ids)):
        yield Message("check_closed_list", {"site": name})


def _centres(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    found = len(_open_of(facts, plan, "county_centre"))
    if found != problem.siting.centre_count:
        yield Message("check_centre_count", {"found": found, "wanted": problem.siting.centre_count})


def _capacity(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    flows = daily_flows(facts, plan)
    for name in plan.siting.open_ids:
        site: Site = facts.sites[name]
        load = flows.get(name, NO_FLOW).parcels * problem.siting.capacity_day_factor
        if is_more(load, site.capacity):
            yield Message("check_capacity", {"site": name, "load": load, "capacity": site.capacity})


def _budget(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    budget = math.inf if problem.siting.budget_cny is None else problem.siting.budget_cny
    spent = investment_cny(facts, plan)
    if is_more(spent, budget):
        yield Message("check_budget", {"spent": spent, "budget": budget})
