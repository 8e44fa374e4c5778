"""Q8, Q9, Q12–Q16, Q20: buses, inspection, tricycles, permits, cold chain, packaging, points, subsidies."""

from __future__ import annotations

import math

from planner.rules.check import Rule, RuleCheck, RuleInput

TRICYCLE_KMH, TRICYCLE_KG, TRICYCLE_KM = 15.0, 180.0, 60.0
_TRICYCLE_WORDS = ("tricycle", "三轮")
_BUS = ("bus_segregated", "bus_sealed", "bus_goods_checked", "bus_weight_limited", "bus_aisle_clear", "bus_tracked")
_INSPECTION = ("inspection_real_name", "inspection_opened", "inspection_screened")
_POINT = ("point_sign", "point_shelf", "point_scanner", "point_camera", "point_extinguisher")


def _checklist(rule: Rule, given: RuleInput, names: tuple[str, ...], **figures: object) -> RuleCheck:
    """Answer a list of yes and no: one no breaks it, one unknown leaves it unchecked."""
    bad = [name for name in names if given.facts.switch(name) is False]
    if bad:
        return rule.failed(bad, **figures)
    missing = given.facts.missing(*names)
    return rule.not_checked(missing) if missing else rule.met(**figures)


def buses(given: RuleInput) -> RuleCheck:
    """Q8: parcels on passenger buses: passengers first, apart, sealed, checked, limited, tracked."""
    rule = Rule("Q8", "hard")
    if not given.bus_villages:
        return rule.not_applicable()
    return _checklist(rule, given, _BUS, villages=len(given.bus_villages))


def inspection(given: RuleInput) -> RuleCheck:
    """Q9: real name, open inspection and screening wherever parcels are taken in."""
    rule, bad = Rule("Q9", "hard"), list(given.facts.listed("not_inspected"))
    if bad:
        return rule.failed(bad)
    return _checklist(rule, given, _INSPECTION)


def tricycles(given: RuleInput) -> RuleCheck:
    """Q12: an electric tricycle drives at most 15 km/h, carries at most 180 kg, and goes at least 60 km."""
    rule, vehicles = Rule("Q12", "hard"), given.problem.county.vehicles
    used = {route.vehicle_type_id for route in given.verified.plan.routing.routes}
    found, bad, unknown = [], [], []
    for _, row in vehicles.iterrows():
        name = str(row["vehicle_type_id"])
        if name not in used or not any(w in f"{name} {row['name']}".lower() for w in _TRICYCLE_WORDS):
            continue
        found.append(name)
        speed, load, reach = (float(row[key]) for key in ("max_speed_kmh", "payload_kg", "range_km"))
        unknown += [key for key, v in (("max_speed_kmh", speed), ("range_km", reach)) if math.isnan(v)]
        if speed > TRICYCLE_KMH or load > TRICYCLE_KG or reach < TRICYCLE_KM:
            bad.append(name)
    if not found:
        return rule.not_applicable()
    if bad:
        return rule.failed(bad)
    return rule.not_checked(sorted(set(unknown))) if unknown else rule.met(count=len(found))


def permits(given: RuleInput) -> RuleCheck:
    """Q13: every vehicle may enter where and when it does."""
    rule, bad = Rule("Q13", "hard"), list(given.facts.listed("no_permit"))
    if given.facts.switch("permits") is False:
        bad.append("permits")
    if bad:
        return rule.failed(bad)
    return rule.met() if given.facts.switch("permits") else rule.not_checked(("permits",))


def cold_chain(given: RuleInput) -> RuleCheck:
    """Q14: chilled and frozen produce arrives in time and on insulated legs only."""
    rule, produce = Rule("Q14", "hard"), given.problem.county.produce
    if produce.empty:
        return rule.not_checked(("table_produce",))
    if not (produce["temperature_class"].isin(["chilled", "frozen"])).any():
        return rule.not_applicable(count=len(produce))
    missing = given.facts.missing("cold_limit_h", "cold_h", "cold_insulated")
    hours, limit = given.facts.figure("cold_h"), given.facts.figure("cold_limit_h")
    bad = ["cold_insulated"] if given.facts.switch("cold_insulated") is False else []
    if hours is not None and limit is not None and hours > limit:
        bad.append("cold_h")
    if bad:
        return rule.failed(bad)
    return rule.not_checked(missing) if missing else rule.met(hours=hours, limit=limit)


def packaging(given: RuleInput) -> RuleCheck:
    """Q15: bins to take packaging back, no second packing, no plastic that stays."""
    return _checklist(Rule("Q15", "soft"), given, ("recovery_bins", "no_plastic"))


def points(given: RuleInput) -> RuleCheck:
    """Q16: a point has sign, shelf, scanner, camera and extinguisher."""
    return _checklist(Rule("Q16", "soft"), given, _POINT)


def subsidies(given: RuleInput) -> RuleCheck:
    """Q20: nothing is paid for twice, only new investment counts, and grade D is paid nothing."""
    rule = Rule("Q20", "hard")
    if given.grants is None:
        return rule.not_applicable()
    bad = [
        f"{grant.investment.investment_id} ({grant.investment.item})"
        for grant in given.grants
        if grant.refusal in ("double", "not_new", "unknown_item")
    ]
    paid = round(sum(grant.paid_cny for grant in given.grants))
    return rule.failed(bad, paid=paid) if bad else rule.met(claims=len(given.grants), paid=paid)
