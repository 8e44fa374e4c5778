"""Rules on the service: every village accounted for, within reach, and the standard kept (model, section 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.verification.facts import Facts, access
from planner.verification.measures import is_more


def check_service(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Yield a message for every village out of account or out of reach, and every missed part of the standard."""
    yield from _account(facts, plan)
    yield from _reasons(problem, facts, plan)
    yield from _reach(problem, facts, plan)
    yield from missed_standard(problem, facts, plan)


def _account(facts: Facts, plan: Plan) -> Iterator[Message]:
    listed = {*plan.siting.point_of_village, *(entry.village_code for entry in plan.siting.unserved)}
    for code in sorted(set(facts.villages) - listed):
        yield Message("check_village_missing", {"village": code})
    for code, parcels in facts.unlisted_demand.items():
        yield Message("check_demand_of_unlisted_village", {"village": code, "parcels": parcels})


def _reasons(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Hold the reasons that can be seen from the input against it."""
    usable = [s.facility_id for s in facts.sites.values() if s.kind == "village_point" and s.lock != "closed"]
    for entry in plan.siting.unserved:
        code = entry.village_code
        is_true = (entry.reason == "no_location") != facts.villages[code].is_located
        if is_true and entry.reason == "no_site_in_reach":
            nearest_km = min((access(problem, code, point)[0] for point in usable), default=math.inf)
            is_true = nearest_km > problem.standard.allocation_km
        if not is_true:
            yield Message("check_wrong_reason", {"village": code, "reason": entry.reason})
    for code in sorted(plan.siting.point_of_village):
        if not facts.villages[code].is_located:
            yield Message("check_served_without_place", {"village": code})


def _reach(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    limit = problem.standard.allocation_km
    for code, point in sorted(plan.siting.point_of_village.items()):
        km = access(problem, code, point)[0]
        if facts.villages[code].is_located and is_more(km, limit):
            yield Message("check_too_far", {"village": code, "point": point, "km": km, "limit": limit})


def covered_persons(problem: PlanProblem, facts: Facts, plan: Plan) -> float:
    """Return the persons whose own way to their village's point keeps the standard's distance (and minutes)."""
    standard = problem.standard
    minutes_limit = math.inf if standard.access_min is None else standard.access_min
    counts = []
    for code, point in plan.siting.point_of_village.items():
        for persons in facts.villages[code].persons:
            km, minutes = access(problem, persons.place_id, point)
            if math.isfinite(km) and not is_more(km, standard.access_km) and not is_more(minutes, minutes_limit):
                counts.append(persons.count)
    return math.fsum(counts)


def served_villages(problem: PlanProblem, facts: Facts, plan: Plan) -> tuple[str, ...]:
    """Return the villages sent to an open point that lies within the allowed way and that a vehicle comes to."""
    opened = set(plan.siting.open_ids) - set(plan.routing.dropped)
    limit = problem.standard.allocation_km
    return tuple(
        code
        for code, point in sorted(plan.siting.point_of_village.items())
        if code in facts.villages and point in opened and not is_more(access(problem, code, point)[0], limit)
    )


def missed_standard(problem: PlanProblem, facts: Facts, plan: Plan) -> Iterator[Message]:
    """Yield a message for every part of the service standard the plan does not reach.

    A site no vehicle comes to does not count: a sign is not service.
    """
    standard = problem.standard
    opened = [facts.sites[name] for name in plan.siting.open_ids if name not in plan.routing.dropped]
    own = {s.village_code for s in opened if s.kind == "village_point"} & set(facts.villages)
    seats = {s.township_code for s in opened if s.kind == "township_station"} & set(facts.townships)
    parts = (
        ("population_share", covered_persons(problem, facts, plan), facts.population, standard.population_share),
        ("village_point_share", len(own), len(facts.villages), standard.village_point_share),
        ("township_station_share", len(seats), len(facts.townships), standard.township_station_share),
        (
            "village_served_share",
            len(served_villages(problem, facts, plan)),
            len(facts.villages),
            standard.village_served_share,
        ),
    )
    for part, reached, whole, share in parts:
        if is_more(share * whole, reached):
            yield Message(
                f"check_{part}", {"reached": reached, "whole": whole, "wanted": share * whole, "share": share}
            )
