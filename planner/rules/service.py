"""Q3–Q7, Q17, Q18: mail access, frequency, time, the three tiers, addresses, holding time."""

from __future__ import annotations

from planner.plan import KpiSet
from planner.rules.check import Rule, RuleCheck, RuleInput

MINIMUM_VISITS, NORMAL_VISITS, DAILY_VISITS = 3, 5, 7
POST = "post"


def mail_access(given: RuleInput) -> RuleCheck:
    """Q3: the post reaches every village with mail. Parcels say nothing about it, in either direction.

    The duty is the post's: it counts as bound unless its terms say that it has no universal duty. Without anybody bound the rule cannot
    be checked.
    """
    rule, facts = Rule("Q3", "hard"), given.facts
    if not bound_to_mail(given):
        return rule.not_checked(("has_universal_duty",))
    villages = {str(code) for code in given.problem.county.villages["village_code"]}
    without = list(facts.listed("no_mail_access"))
    if without or facts.switch("mail_access") is False:
        return rule.failed(without or ["mail_access"], reached=len(villages - set(without)), villages=len(villages))
    if facts.switch("mail_access"):
        return rule.met(villages=len(villages))
    return rule.not_checked(("mail_access",))


def bound_to_mail(given: RuleInput) -> tuple[str, ...]:
    """Return who must bring mail to every village: posts whose terms do not deny the duty; a county that names none has the post."""
    county = given.problem.county
    posts = county.operators.loc[county.operators["kind"] == POST, "operator_id"].astype(str)
    terms = county.operator_terms
    denied = set(terms.loc[terms["has_universal_duty"] == "false", "operator_id"].astype(str))
    return tuple(name for name in posts if name not in denied) if len(posts) else (POST,)


def frequency(given: RuleInput) -> RuleCheck:
    """Q4: villages that are served are served at least three times a week; bands are told."""
    rule, visits = Rule("Q4", "hard"), given.problem.standard.visits_per_week
    served = sorted(given.verified.plan.siting.point_of_village)
    villages = len(given.problem.county.villages)
    slow = [code for code in served if visits < MINIMUM_VISITS]
    terms = given.problem.county.operator_terms
    for _, row in terms.iterrows():
        if row["visits_per_week"] == row["visits_per_week"] and float(row["visits_per_week"]) < MINIMUM_VISITS:
            slow.append(str(row["operator_id"]))
    bands = {
        "villages": villages,
        "unserved": villages - len(served),
        "three": len(served) if visits >= MINIMUM_VISITS else 0,
        "five": len(served) if visits >= NORMAL_VISITS else 0,
        "daily": len(served) if visits >= DAILY_VISITS else 0,
    }
    return rule.failed(slow, **bands) if slow else rule.met(**bands)


def within_a_day(given: RuleInput) -> RuleCheck:
    """Q5: items reach the village within 24 hours of the county centre."""
    rule, share = Rule("Q5", "soft"), given.facts.figure("within_24h_share")
    if share is None:
        return rule.not_checked(("within_24h_share",))
    told = {"percent": round(100.0 * share, 1)}
    return rule.met(**told) if share >= 1.0 else rule.failed(["within_24h_share"], **told)


def _without(given: RuleInput) -> tuple[list[str], list[str]]:
    """Return townships without an open station and villages without a point of their own."""
    county, plan = given.problem.county, given.verified.plan.siting
    sites = county.facilities[county.facilities["facility_id"].isin(plan.open_ids)]
    stations = set(sites.loc[sites["kind"] == "township_station", "township_code"].astype(str))
    points = set(sites.loc[sites["kind"] == "village_point", "village_code"].astype(str))
    towns = sorted(set(county.townships["township_code"].astype(str)) - stations)
    villages = sorted(set(county.villages["village_code"].astype(str)) - points)
    return towns, villages


def coverage_goal(given: RuleInput) -> RuleCheck:
    """Q6: every township an outlet, every village service (乡乡有网点、村村有服务)."""
    rule, kpis = Rule("Q6", "target"), given.verified.kpis
    towns, _ = _without(given)
    unserved = [entry.village_code for entry in given.verified.plan.siting.unserved]
    told = {"townships": _percent(kpis, "K3"), "villages": _percent(kpis, "K4"), "unserved": len(unserved)}
    return rule.failed([*towns, *unserved], **told) if towns or unserved else rule.met(**told)


def three_tiers(given: RuleInput) -> RuleCheck:
    """Q7: a county centre, a station in each township, a point in each village."""
    rule = Rule("Q7", "target")
    towns, villages = _without(given)
    county, plan = given.problem.county, given.verified.plan.siting
    centres = county.facilities[county.facilities["kind"] == "county_centre"]["facility_id"]
    missing = [] if set(centres) & set(plan.open_ids) else ["county_centre"]
    told = {"towns": len(towns), "villages": len(villages)}
    bad = [*missing, *towns, *villages]
    return rule.failed(bad, **told) if bad else rule.met(**told)


def _percent(kpis: KpiSet, kpi_id: str) -> float:
    value = kpis.get(kpi_id).value
    return round(100.0 * value, 1) if value is not None else 0.0


def addresses(given: RuleInput) -> RuleCheck:
    """Q17: labels name the village, not only the township."""
    rule, share = Rule("Q17", "data"), given.facts.figure("village_address_share")
    if share is None:
        return rule.not_checked(("village_address_share",))
    told = {"percent": round(100.0 * share, 1)}
    return rule.met(**told) if share >= 1.0 else rule.failed(["village_address_share"], **told)


def holding(given: RuleInput) -> RuleCheck:
    """Q18: how long a parcel is held, and the way back after that; points must hold the parcels that wait."""
    rule, facts = Rule("Q18", "soft"), given.facts
    missing = facts.missing("hold_h", "return_flow")
    if missing:
        return rule.not_checked(missing)
    if not facts.switch("return_flow"):
        return rule.failed(["return_flow"], hours=facts.figure("hold_h"))
    return rule.met(hours=facts.figure("hold_h"))
