"""The answer in plain words: what the plan gives, what it costs, how sure it is, what it leaves out."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from geodata.messages import Lang
from planner.plan import Kpi
from planner.reports import SolveReport
from scenarios.content import RunContent
from scenarios.outputs.facts import joined, parcels_served
from scenarios.outputs.tables import RunTables
from scenarios.outputs.terms import gap_of, number, say, share, term

_EXACT = 1e-9


@cache
def base_standard() -> Mapping[str, float]:
    """Return the figures of the base scenario's service standard."""
    document = (files("scenarios") / "library" / "base.toml").read_text(encoding="utf-8")
    return MappingProxyType({key: float(value) for key, value in tomllib.loads(document)["standard"].items()})


@dataclass(frozen=True, slots=True)
class Target:
    """One condition of the service standard, with what the plan reaches."""

    label: str
    wanted: float
    reached: float
    detail: str
    base: float = 0.0

    @property
    def is_lowered(self) -> bool:
        """Tell whether the scenario asks for less than the base standard."""
        return self.wanted < self.base - 1e-9

    @property
    def digits(self) -> int:
        """Digits after the point: two where one would hide what is asked for or the difference to it."""
        is_hidden = round(self.wanted, 3) == round(self.reached, 3) != round(self.wanted, 9)
        return 2 if is_hidden or abs(round(self.wanted, 3) - self.wanted) > _EXACT else 1

    @property
    def wanted_text(self) -> str:
        """Return what is asked for, as it is printed."""
        return share(self.wanted, self.digits)

    @property
    def reached_text(self) -> str:
        """Return what is reached, as it is printed."""
        return share(self.reached, self.digits)

    @property
    def is_met(self) -> bool:
        """Tell whether the condition holds."""
        return self.reached >= self.wanted - 1e-9


def site_counts(tables: RunTables) -> dict[str, int]:
    """Return open and new sites by tier, and existing sites closed."""
    counts = Counter(zip(tables.sites["kind"], tables.sites["decision"], strict=True))
    out = {"closed": sum(n for (_, decision), n in counts.items() if decision == "closed")}
    for kind, key in (("county_centre", "centres"), ("township_station", "stations"), ("village_point", "points")):
        out[key] = counts[kind, "kept"] + counts[kind, "new"]
        out[f"new_{key}"] = counts[kind, "new"]
    return out


def answer_sentences(content: RunContent, tables: RunTables) -> list[str]:
    """Return the answer paragraph, sentence by sentence."""
    lang, verified = content.lang, content.verified
    villages = len(tables.villages)
    served = int(tables.villages["is_served"].sum())
    parcels = parcels_served(tables)
    figures: dict[str, object] = {
        **{key: number(value) for key, value in site_counts(tables).items()},
        "county": content.problem.county.name,
        "served": number(served),
        "villages": number(villages),
        "share": share(served / villages if villages else None),
        "visits": content.problem.standard.visits_per_week,
        "cost": number(verified.cost_cny_per_day),
        "year": _yearly(verified.cost_cny_per_day * 365.0, lang),
        "per_parcel": number(verified.cost_cny_per_day / parcels if parcels else None, 2),
        "parcels": number(parcels),
        "investment": number(verified.investment_cny),
    }
    sentences = [
        say("answer_serves", lang, figures),
        say("answer_costs", lang, figures),
        say("answer_invests", lang, figures),
    ]
    conditions = targets(content)
    sentences += [_standard_sentence(conditions, lang), lowered_sentence(conditions, lang)]
    sentences += [unserved_sentence(content, tables), siting_sentence(content), routing_sentence(content)]
    return [sentence for sentence in sentences if sentence]


def _yearly(cny: float, lang: Lang) -> str:
    """Return a yearly sum as it is spoken: in tens of thousands in Chinese, to the thousand in English."""
    return f"{number(cny / 10_000.0, 1)}万" if lang == "zh" else number(round(cny, -3))


def _standard_sentence(rows: list[Target], lang: Lang) -> str:
    if not rows:
        return ""
    missed = [row for row in rows if not row.is_met]
    if not missed:
        return say("answer_standard_met", lang, {"count": len(rows)})
    stop = "；" if lang == "zh" else "; "
    details = [
        say("answer_missed_part", lang, {"label": r.label, "reached": r.reached_text, "wanted": r.wanted_text})
        for r in missed
    ]
    return say("answer_standard_missed", lang, {"parts": stop.join(details)})


def lowered_sentence(rows: list[Target], lang: Lang) -> str:
    """Say which conditions the scenario set below the base standard; empty where none is."""
    parts = [
        say(
            "answer_lowered_part",
            lang,
            {"label": row.label, "wanted": row.wanted_text, "base": share(row.base, 0)},
        )
        for row in rows
        if row.is_lowered
    ]
    return say("answer_lowered", lang, {"parts": ("；" if lang == "zh" else "; ").join(parts)}) if parts else ""


def unserved_sentence(content: RunContent, tables: RunTables) -> str:
    """Say how many villages stay without service, and why."""
    lang = content.lang
    if not len(tables.unserved):
        return say("answer_all_served", lang)
    reasons = Counter(u.reason for u in content.verified.plan.siting.unserved)
    parts = [
        say("answer_reason_part", lang, {"count": number(count), "reason": term(f"reason_short_{reason}", lang)})
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    return say("answer_unserved", lang, {"count": number(len(tables.unserved)), "parts": joined(parts, content)})


def status_key(report: SolveReport) -> str:
    """Return how a solve's answer is to be read: optimal, bounded, unproved, infeasible or unknown."""
    if report.status == "feasible":
        return "unproved" if report.gap is None else "bounded"
    return report.status


def _gap(report: SolveReport) -> Mapping[str, object]:
    return {"gap": gap_of(report)}


def siting_sentence(content: RunContent) -> str:
    """Say how good the choice of sites is proved to be."""
    report = content.verified.plan.siting.report
    return say(f"answer_siting_{status_key(report)}", content.lang, _gap(report))


def routing_sentence(content: RunContent) -> str:
    """Say how good the rounds are proved to be."""
    routing = content.verified.plan.routing
    proved = sum(report.status == "optimal" for report in routing.reports.values())
    figures = {**_gap(routing.report), "proved": number(proved), "rounds": number(len(routing.reports))}
    return say(f"answer_routing_{status_key(routing.report)}", content.lang, figures) if routing.reports else ""


def targets(content: RunContent) -> list[Target]:
    """Return the conditions of the service standard, those that a KPI measures first."""
    standard, lang = content.problem.standard, content.lang
    wanted = (
        ("K6", "within_standard", "population_share", "target_population"),
        ("K4", "total", "village_point_share", "target_points"),
        ("K3", "total", "township_station_share", "target_stations"),
    )
    rows = []
    for kpi_id, part, setting, key in wanted:
        kpi = _find(content, kpi_id, part)
        if kpi is None or kpi.value is None:
            continue
        figures = {"km": number(standard.access_km, 1)}
        detail = f"{number(kpi.numerator)} / {number(kpi.denominator)}"
        rows.append(
            Target(say(key, lang, figures), getattr(standard, setting), kpi.value, detail, base_standard()[setting])
        )
    return [*rows, *_served_target(content)]


def _served_target(content: RunContent) -> list[Target]:
    """Return the condition on villages served, which holds for any number of services a week (K1 asks for three)."""
    served, villages = len(content.verified.plan.siting.point_of_village), len(content.problem.county.villages)
    if not villages:
        return []
    detail = f"{number(served)} / {number(villages)}"
    least = content.problem.standard.village_served_share
    base = base_standard()["village_served_share"]
    return [Target(say("target_served", content.lang), least, served / villages, detail, base)]


def _find(content: RunContent, kpi_id: str, part: str) -> Kpi | None:
    try:
        return content.verified.kpis.get(kpi_id, part)
    except KeyError:
        return None
