"""What the maps of a comparison draw: one pane a run, the villages of every later pane by what changes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geodata.messages import Lang, text
from scenarios.comparison.runs import FinishedRun, Site, Trip, Village
from scenarios.comparison.villages import CRITERIA, VillageChange
from scenarios.outputs import geometry
from scenarios.outputs.map_layers import COLOURS
from scenarios.outputs.terms import MISSING, figure, number, term

#: Looks of villages: better and worse differ in shape as well as in colour.
_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "better": {"shape": "circle", "size": 5.2, "fill": "#009E73", "stroke": "#ffffff", "weight": 0.9},
    "worse": {"shape": "diamond", "size": 5.8, "fill": "#D55E00", "stroke": "#ffffff", "weight": 0.9},
    "mixed": {"shape": "square", "size": 4.6, "fill": "#E69F00", "stroke": "#ffffff", "weight": 0.9},
    "same": {"shape": "circle", "size": 3.4, "fill": "#0072B2", "stroke": "#ffffff", "weight": 0.8},
    "unserved": {"shape": "cross", "size": 4.4, "fill": "", "stroke": "#66727c", "weight": 2.2},
}
_SHAPES = {"county_centre": ("star", 12.0), "township_station": ("house", 8.0), "village_point": ("square", 5.6)}
#: Layer → shown when the page opens.
_LAYERS = {
    "villages": True,
    "sites_open": True,
    "sites_closed": False,
    "line_haul": True,
    "rounds": False,
    "base": True,
}
#: What is told of a village in either run.
TOLD = ("served", "access_km", "per_week", "point", "vehicles", "cost_parcel")
#: Headings of the rows of a tip, by what it is about.
_TIPS: Mapping[str, tuple[str, ...]] = {
    "villages": ("township", *TOLD, "reason"),
    "sites": ("head_kind", "head_decision", "township"),
    "trips": ("head_depot", "vehicles", "trips_runs", "trip_km", "trip_stops"),
}
_VERDICTS = {"wins": "better", "loses": "worse", "mixed": "mixed", "same": ""}
_SIGNS = {1: "better", -1: "worse", 0: ""}
#: More villages than this are drawn smaller.
_MANY, _VERY_MANY = 500, 2000


def map_data(runs: Sequence[FinishedRun], changes: Sequence[Sequence[VillageChange]], lang: Lang) -> dict[str, Any]:
    """Return everything the maps draw and say, as plain values.

    Parameters
    ----------
    runs
        The runs, the first is the base.
    changes
        What changes for the villages, one sequence for every run but the first.
    lang
        Language of tips and switches.
    """
    west, south, east, north = _bounds(runs)
    villages = max(len(run.villages) for run in runs)
    return {
        "bounds": [[south, west], [north, east]],
        "density": 1.0 if villages <= _MANY else 0.8 if villages <= _VERY_MANY else 0.55,
        "background": runs[0].background,
        "colours": {key: COLOURS[key] for key in ("county", "ground", "water", "township")},
        "lines": {
            "line_haul": {"stroke": COLOURS["tier1"], "weight": 2.8},
            "rounds": {"stroke": COLOURS["tier2"], "weight": 1.6},
        },
        "looks": _LOOKS,
        "marks": [[key, text(f"compare_mark_{key}", lang)] for key in _LOOKS],
        "heads": {kind: [text(f"compare_{key}", lang) for key in keys] for kind, keys in _TIPS.items()},
        "siteKeys": _site_keys(lang),
        "servedWord": text("compare_served", lang),
        "colourBy": text("compare_colour_by", lang),
        "criteria": [[key, text(f"compare_by_{key}", lang)] for key in ("verdict", *CRITERIA)],
        "layers": [[key, text(f"compare_layer_{key}", lang), is_shown] for key, is_shown in _LAYERS.items()],
        "runs": [_pane(run, changes[i - 1] if i else (), lang) for i, run in enumerate(runs)],
    }


def _site_keys(lang: Lang) -> list[list[Any]]:
    """Return look and words of every kind of site, and of every decision."""
    kinds = [[_look(kind, "kept"), term(f"kind_{kind}", lang)] for kind in _SHAPES]
    return kinds + [[_look("village_point", d), term(f"decision_{d}", lang)] for d in ("kept", "new", "closed")]


def _look(kind: str, decision: str) -> dict[str, Any]:
    """Return how a site is drawn."""
    shape, size = _SHAPES[kind]
    look: dict[str, Any] = {"shape": shape, "size": size, "fill": COLOURS[decision], "stroke": "#ffffff", "weight": 1.2}
    closed = {"fill": "#ffffff", "stroke": COLOURS["closed"], "weight": 1.8, "is_struck": True}
    return look | (closed if decision == "closed" else {})


def _bounds(runs: Sequence[FinishedRun]) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) of everything placed."""
    things: list[Village | Site] = []
    for run in runs:
        things += [*run.villages.values()]
        things += [*run.sites.values()]
    places = [(thing.lon, thing.lat) for thing in things if thing.lon is not None and thing.lat is not None]
    shapes = runs[0].background.get("county", ())
    places += [(lon, lat) for shape in shapes for part in shape for ring in part for lat, lon in ring]
    if not places:
        return (73.0, 18.0, 135.0, 54.0)
    lons, lats = [p[0] for p in places], [p[1] for p in places]
    return min(lons), min(lats), max(lons), max(lats)


def _pane(run: FinishedRun, changes: Sequence[VillageChange], lang: Lang) -> dict[str, Any]:
    by_code = {change.village.village_code: change for change in changes}
    sites = [site for site in run.sites.values() if site.lon is not None and site.lat is not None]
    return {
        "title": f"{run.title} · {run.label}",
        "villages": [
            _village(village, by_code.get(village.village_code), lang)
            for village in run.villages.values()
            if village.lon is not None and village.lat is not None
        ],
        "sites_open": [_site(site, lang) for site in sites if site.decision in ("kept", "new")],
        "sites_closed": [_site(site, lang) for site in sites if site.decision == "closed"],
        "line_haul": [_trip(trip) for trip in run.trips.values() if trip.tier == "county_township"],
        "rounds": [_trip(trip) for trip in run.trips.values() if trip.tier != "county_township"],
    }


def _place(lon: float | None, lat: float | None) -> dict[str, float]:
    return {"lat": round(lat or 0.0, geometry.DIGITS), "lon": round(lon or 0.0, geometry.DIGITS)}


def _village(village: Village, change: VillageChange | None, lang: Lang) -> dict[str, Any]:
    by = {} if change is None else {key: _SIGNS[change.better[key]] for key in CRITERIA}
    if change is not None:
        by["verdict"] = _VERDICTS[change.verdict]
    rows = [before_after(change, village, key, lang) for key in TOLD]
    return {
        "name": village.name,
        **_place(village.lon, village.lat),
        "served": village.is_served,
        "by": by,
        "rows": [village.township, *rows, village.reason],
    }


def before_after(change: VillageChange | None, village: Village, key: str, lang: Lang) -> str:
    """Return a figure of a village: in this run alone, or first run → this run where it changes."""
    if change is None:
        return told(village, None, key, lang)
    before, after = told(change.before, change.cost_before, key, lang), told(change.after, change.cost_after, key, lang)
    return after if before == after else f"{before} → {after}"


def told(village: Village | None, cost: float | None, key: str, lang: Lang) -> str:
    """Return one figure of a village in one run, as text."""
    if village is None:
        return MISSING
    if key == "served":
        return text("compare_yes" if village.is_served else "compare_no", lang)
    values: Mapping[str, str] = {
        "access_km": number(village.access_km, 2),
        "per_week": figure(village.services_per_week, ""),
        "point": village.point_name or MISSING,
        "vehicles": village.vehicles or MISSING,
        "cost_parcel": number(cost, 3),
    }
    return values[key]


def _site(site: Site, lang: Lang) -> dict[str, Any]:
    rows = [term(f"kind_{site.kind}", lang), term(f"decision_{site.decision}", lang), site.township]
    return {"name": site.name, **_place(site.lon, site.lat), "look": _look(site.kind, site.decision), "rows": rows}


def _trip(trip: Trip) -> dict[str, Any]:
    runs, km = figure(trip.days_per_week, ""), number(trip.trip_km, 1)
    rows = [trip.depot_name, trip.vehicle, runs, km, str(len(trip.stop_ids))]
    return {"name": trip.route_id, "path": trip.path, "rows": rows}
