"""Checks on other studies of the run, on facts the bureau stated, and on what no county plan can do."""

from __future__ import annotations

from geodata.messages import Message
from planner.siting.hub_layout import known_layouts, role_counts
from scenarios.compliance.checks_network import end_points
from scenarios.compliance.finding import Case, Finding, missing
from scenarios.compliance.given_facts import Condition, conditions
from scenarios.studies.shown import percent, rounded

#: Kinds of study that set the ways of working together side by side.
_MODE_KINDS = ("cooperation", "buses")


def cooperation_modes(case: Case, _argument: str) -> Finding:
    """Check that the ways of working together are compared, or at least that one is in use (K5)."""
    kind = next((kind for kind in _MODE_KINDS if kind in case.studies), None)
    if kind is not None:
        return Finding("yes", Message("compliance_study_there"), source=f"study_{kind}")
    row = case.kpi("K5")
    if row is not None and row.numerator:
        told = Message("compliance_modes", {"count": round(row.numerator), "all": round(row.denominator or 0)})
        return Finding("yes", told, row.numerator, row.denominator, row.list_id, "kpi_K5")
    return missing("modes")


def end_points_and_lockers(case: Case, argument: str) -> Finding:
    """Check the wider list of end points: places of stations and points, and where lockers would stand."""
    if "lockers" not in case.studies:
        return missing("lockers")
    points, sets = end_points(case, argument), _locker_sets(case)
    told = Message("compliance_end_points_lockers", {**points.evidence.params, "lockers": sets})
    return Finding(points.outcome, told, points.numerator, points.denominator, "", "study_lockers")


def _locker_sets(case: Case) -> int:
    return max((int(str(study.figures.get("lockers", 0))) for study in case.studies.get("lockers", ())), default=0)


def lockers_study(case: Case, _argument: str) -> Finding:
    """Check that lockers were examined; none is an answer too."""
    if "lockers" not in case.studies:
        return missing("lockers")
    return Finding("yes", Message("compliance_lockers", {"lockers": _locker_sets(case)}), source="study_lockers")


def campuses(case: Case, _argument: str) -> Finding:
    """Check whether the locker study looks at campuses."""
    if "lockers" not in case.studies:
        return missing("lockers")
    told = [message.key for study in case.studies["lockers"] for message in study.assumptions]
    if "study_assumption_campus" not in told:
        return missing("campuses")
    return Finding("yes", Message("compliance_campuses"), source="study_lockers")


def delivery_mix(case: Case, _argument: str) -> Finding:
    """Check that door, point and locker are told apart (K12)."""
    rows = {part: case.kpi("K12", part) for part in ("locker", "point", "other")}
    shares = {part: row.value for part, row in rows.items() if row is not None and row.value is not None}
    point = rows["point"]
    if len(shares) < len(rows) or point is None:
        return missing("lockers")
    told = Message("compliance_delivery_mix", {part: percent(value) for part, value in shares.items()})
    return Finding("yes", told, point.numerator, point.denominator, point.list_id, "kpi_K12")


def chargers_study(case: Case, _argument: str) -> Finding:
    """Check that charging was planned."""
    if "chargers" not in case.studies:
        return missing("chargers")
    return Finding("yes", Message("compliance_study_there"), source="study_chargers")


def upper_hub(case: Case, _argument: str) -> Finding:
    """Check that a tier above the county was planned."""
    if not _planned_hubs(case):
        return missing("hubs")
    return Finding("yes", Message("compliance_study_there"), source="study_hub_roles")


def corridors(case: Case, _argument: str) -> Finding:
    """Check that corridors between hubs and gateways were planned."""
    planned = _planned_hubs(case)
    if not planned:
        return missing("hubs")
    told = Message("compliance_corridors", {"count": planned[0]})
    return Finding("yes" if planned[0] else "no", told, source="study_hub_roles")


def _planned_hubs(case: Case) -> list[int]:
    studies = case.studies.get("hub_roles", ())
    return [int(str(study.figures["corridors"])) for study in studies if "corridors" in study.figures]


def hub_layout(case: Case, argument: str) -> Finding:
    """Count the roles and the places of a published layout; a place with two roles is one place."""
    name, _, role = argument.partition(":")
    layout = known_layouts()[name]
    counts = role_counts(layout)
    told = {"pattern": counts.pattern, "roles": counts.role_count, "places": counts.place_count}
    if role:
        told = {**told, "own": counts.by_role[role]}
    asked = [study for study in case.studies.get("hub_roles", ()) if study.figures.get("hub_pattern") == counts.pattern]
    if not asked:
        return Finding("unknown", Message("compliance_missing_layout", told), source="study_hub_roles")
    key = "compliance_layout_role" if role else "compliance_layout"
    return Finding("yes", Message(key, told), counts.place_count, counts.role_count, "", "study_hub_roles")


def terminals(case: Case, argument: str) -> Finding:
    """Refuse to compare a province's target for residential communities with one county."""
    told = {"target": int(argument), "lockers": _locker_sets(case)}
    return Finding("outside", Message("compliance_terminals", told))


def outside(_case: Case, argument: str) -> Finding:
    """Say why no plan of a county's courier network can meet it."""
    return Finding("outside", Message(f"compliance_outside_{argument}"))


def stated(case: Case, argument: str) -> Finding:
    """Check facts the bureau stated against every reading of the text.

    All readings met: yes; none: no; some: unknown, for the document contradicts itself.
    """
    asked = conditions(argument)
    if any(condition.key not in case.given for condition in asked):
        keys = ", ".join(condition.key for condition in asked if condition.key not in case.given)
        return Finding("unknown", Message("compliance_missing_fact", {"facts": keys}))
    results = [result for condition in asked for result in _results(condition, case)]
    told = "; ".join(_said(condition, case) for condition in asked)
    source = "; ".join(dict.fromkeys(case.given[condition.key].source for condition in asked))
    figures = {"facts": told, "source": source}
    first = case.given[asked[0].key].value
    if not results:
        return Finding("outside", Message("compliance_fact_not_due", figures), first)
    if all(results):
        return Finding("yes", Message("compliance_fact", figures), first)
    readings = [_results(condition, case) for condition in asked]
    is_mixed = all(any(reading) for reading in readings)
    key = "compliance_fact_readings" if is_mixed else "compliance_fact"
    return Finding("unknown" if is_mixed else "no", Message(key, figures), first)


def _results(condition: Condition, case: Case) -> list[bool]:
    value = case.given[condition.key].value
    if not condition.readings and not condition.stages:
        return [value > 0.0]
    return [value >= bar for bar in condition.bars(case.year)]


def _said(condition: Condition, case: Case) -> str:
    """Return ``key 7 (>= 5 | >= 10)``: figures and signs only, for it stands in sentences of every language."""
    value = f"{condition.key} {rounded(case.given[condition.key].value)}"
    bars = " | ".join(f"≥ {rounded(bar)}" for bar in condition.bars(case.year))
    return f"{value} ({bars})" if bars else value
