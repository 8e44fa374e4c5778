"""The few figures and statements every page leads with, in the planner's words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from geodata.county import Provenance
from networks.road_travel import ROAD_PROVIDER
from scenarios.content import RunContent
from scenarios.outputs.drawing import STRIP_M
from scenarios.outputs.geometry import detour_factor
from scenarios.outputs.shared_places import shared_count
from scenarios.outputs.tables import RunTables
from scenarios.outputs.terms import number, say, share, term


@dataclass(frozen=True, slots=True)
class Fact:
    """One headline figure: label, value, and what it is made of."""

    label: str
    value: str
    detail: str


def joined(words: list[str], content: RunContent) -> str:
    """Join words as the language does."""
    return ("、" if content.lang == "zh" else ", ").join(words)


def parcels_served(tables: RunTables) -> float:
    """Return parcels a day (in + out) of served villages."""
    rows = tables.villages[tables.villages["is_served"].astype(bool)]
    return float(rows["inbound_parcels_per_day"].sum() + rows["outbound_parcels_per_day"].sum())


def headline_facts(content: RunContent, tables: RunTables) -> list[Fact]:
    """Return villages served, cost a day, cost a parcel, investment, and open sites by tier."""
    lang, verified = content.lang, content.verified
    villages = len(tables.villages)
    served = int(tables.villages["is_served"].sum())
    parcels = parcels_served(tables)
    per_parcel = verified.cost_cny_per_day / parcels if parcels else None
    sites = tables.sites[tables.sites["decision"].isin(("kept", "new"))]
    count = sites["kind"].value_counts()
    new = sites[sites["decision"] == "new"]["kind"].value_counts()
    tiers = [("county_centre", "centres"), ("township_station", "stations"), ("village_point", "points")]
    figures = {key: number(int(count.get(kind, 0))) for kind, key in tiers}
    added = {f"new_{key}": number(int(new.get(kind, 0))) for kind, key in tiers}
    return [
        Fact(
            say("fact_served", lang),
            f"{number(served)} / {number(villages)}",
            share(served / villages if villages else None),
        ),
        Fact(
            say("fact_cost", lang),
            say("cny_per_day", lang, {"value": number(verified.cost_cny_per_day)}),
            say("fact_parcels", lang, {"parcels": number(parcels)}),
        ),
        Fact(
            say("fact_per_parcel", lang),
            say("cny", lang, {"value": number(per_parcel, 2)}),
            say("fact_per_parcel_detail", lang),
        ),
        Fact(
            say("fact_investment", lang),
            say("cny", lang, {"value": number(verified.investment_cny)}),
            say("fact_investment_detail", lang),
        ),
        Fact(say("fact_sites", lang), say("fact_sites_value", lang, figures), say("fact_sites_detail", lang, added)),
    ]


def provider_note(content: RunContent) -> str:
    """Say what the distances rest on: the road network, a straight line times a detour factor, or something else."""
    matrix = content.problem.travel["access"]
    if matrix.detour_factor is not None:
        return say("provider_straight", content.lang, {"factor": number(matrix.detour_factor, 2)})
    if matrix.provider == ROAD_PROVIDER:
        return say("provider_roads", content.lang)
    return say("provider_other", content.lang, {"provider": matrix.provider})


def map_notes(content: RunContent, tables: RunTables) -> list[str]:
    """Return the statements a reader of the map must know."""
    lang, standard = content.lang, content.problem.standard
    detour = detour_factor(content.problem)
    figures = {
        "radius": number(standard.access_km / detour, 1),
        "km": number(standard.access_km, 1),
        "factor": number(detour, 2),
        "strip": number(STRIP_M),
    }
    way = "roads" if tables.drawing.follows_roads else "straight"
    notes = [provider_note(content), say(f"note_routes_{way}", lang), say(f"note_coverage_{way}", lang, figures)]
    unplaced = tables.villages[tables.villages["lon"].isna()]
    if len(unplaced):
        served = int(unplaced["is_served"].sum())
        notes.insert(0, say("note_unplaced", lang, {"count": len(unplaced), "served": served}))
    shared = shared_count(tables.villages)
    if shared:
        notes.append(say("note_shared_place", lang, {"count": shared}))
    hidden = int(tables.used_sites["lon"].isna().sum())
    if hidden:
        notes.insert(0, say("note_unplaced_sites", lang, {"count": hidden}))
    if content.problem.county.is_invented:
        notes.insert(0, say("note_invented", lang))
    return notes


def source_lines(content: RunContent) -> list[str]:
    """Return one line a source: tables, source, date, licence and attribution."""
    groups: dict[Provenance, list[str]] = defaultdict(list)
    for name, provenance in sorted(content.problem.county.provenance.items()):
        groups[provenance].append(term(f"table_{name}", content.lang))
    lines = []
    for provenance, tables in groups.items():
        params = {
            "tables": joined(tables, content),
            "source": provenance.source,
            "licence": provenance.licence,
            "kind": term(f"data_kind_{provenance.kind}", content.lang),
        }
        line = say("source_line", content.lang, params)
        extra = [text for text in (provenance.as_of, provenance.attribution) if text]
        lines.append(
            line + ("（" + "；".join(extra) + "）" if content.lang == "zh" else f" ({'; '.join(extra)})")
            if extra
            else line
        )
    return lines
