"""What the map draws: layers as columns, with the counts the legend prints.

A layer is one value with everything the page needs: what is drawn, how it looks, how many there are and what the
tooltip says. Thousands of things are one layer, not thousands of objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from geodata.messages import Lang
from scenarios.content import RunContent
from scenarios.outputs import geometry
from scenarios.outputs.columns import cell, header
from scenarios.outputs.shared_places import mark_shifts
from scenarios.outputs.tables import RunTables
from scenarios.outputs.terms import capital, is_missing, number, say, term

#: Colours that stay apart for colour-blind readers (after Okabe and Ito); shape and fill differ too.
COLOURS = {
    "served": "#0072B2",
    "unserved": "#D55E00",
    "kept": "#4A5560",
    "new": "#009E73",
    "closed": "#8A8F94",
    "tier1": "#3B2A6B",
    "tier2": "#9579C6",
    "coverage": "#56B4E9",
    "bus": "#C98A00",
    "county": "#55606B",
    "township": "#A3ABB3",
    "water": "#B9D6EA",
    "ground": "#FDFCF9",
}
#: Road class → (colour, width); other classes are drawn as `_MINOR_ROAD`.
ROADS = {
    "motorway": ("#B5A98F", 2.6),
    "trunk": ("#B5A98F", 2.4),
    "primary": ("#BDB29A", 2.1),
    "secondary": ("#C6BDA9", 1.6),
    "tertiary": ("#CFC7B6", 1.2),
}
_MINOR_ROAD = ("#DBD6CA", 0.8)
_SHAPES = {"county_centre": "star", "township_station": "house", "village_point": "square"}
_SIZES = {"county_centre": 13.0, "township_station": 8.5, "village_point": 6.5}

#: Legend groups from top to bottom.
GROUPS = ("sites", "villages", "routes", "studies", "base")
_VILLAGE_TIPS = (
    "village_code",
    "township",
    "population",
    "inbound_parcels_per_day",
    "outbound_parcels_per_day",
    "point_name",
    "access_km",
    "services_per_week",
    "reason",
    "location_note",
)
_SITE_TIPS = (
    "decision",
    "facility_id",
    "township",
    "operator",
    "host",
    "upper_site_name",
    "served_villages",
    "parcels_per_day",
    "capacity_parcels_per_day",
    "site_investment_cny",
)
_ROUTE_TIPS = (
    "depot_name",
    "stop_names",
    "vehicle",
    "days_per_week",
    "trip_km",
    "trip_min",
    "delivery_parcels",
    "pickup_parcels",
    "load_share",
)

LayerKind = Literal["marks", "lines", "area"]


@dataclass(frozen=True, slots=True)
class MarkClass:
    """Marks of one kind within a layer; ``data["look"]`` gives each mark the position of its class."""

    label: str
    count: int
    style: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MapLayer:
    """One layer of the map.

    Attributes
    ----------
    layer_id, group
        Identifier, and legend group it stands in.
    kind
        ``marks`` (places), ``lines`` or ``area``.
    label
        Legend text.
    count
        Things drawn; the page counts again what it really drew.
    style
        Shape, colours, widths.
    data
        Columns: ``lat``/``lon`` of marks, ``dx``/``dy`` their shift in pixels where several share a place;
        ``paths`` of lines; ``rings`` of areas.
    names, tips
        Heading of each thing's tooltip, and rows of (label, one text a thing; empty: row left out).
    is_shown
        Drawn when the page opens.
    is_interactive
        Answers the mouse.
    classes
        Kinds of marks in one layer, each with its own look and count; empty: all look alike.
    """

    layer_id: str
    group: str
    kind: LayerKind
    label: str
    count: int
    style: dict[str, Any]
    data: dict[str, Any]
    names: list[str] = field(default_factory=list)
    tips: list[tuple[str, list[str]]] = field(default_factory=list)
    is_shown: bool = True
    is_interactive: bool = True
    classes: tuple[MarkClass, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the layer as plain values for the page."""
        return {
            "id": self.layer_id,
            "group": self.group,
            "kind": self.kind,
            "label": self.label,
            "count": self.count,
            "style": self.style,
            "data": self.data,
            "names": self.names,
            "tips": [[label, values] for label, values in self.tips],
            "shown": self.is_shown,
            "interactive": self.is_interactive,
            "classes": [[one.label, one.count, one.style] for one in self.classes],
        }


def map_layers(content: RunContent, tables: RunTables) -> list[MapLayer]:
    """Return all layers of the plan from bottom to top; empty ones are left out."""
    layers = [
        _boundary(content, "county"),
        *_water(content),
        *_roads(content),
        _boundary(content, "township"),
        _coverage(content, tables),
        _bus_lines(content),
        _routes(content, tables, "county_township"),
        _routes(content, tables, "township_village"),
        *_sites(content, tables, "village_point"),
        _villages(content, tables, is_served=True),
        _villages(content, tables, is_served=False),
        *_sites(content, tables, "township_station"),
        *_sites(content, tables, "county_centre"),
    ]
    return [layer for layer in layers if layer is not None and layer.count]


def _tips(frame: pd.DataFrame, columns: Iterable[str], lang: Lang) -> list[tuple[str, list[str]]]:
    """Return tooltip rows: heading with unit, and one text a thing; empty where there is nothing to say."""
    return [
        (
            header(column, lang),
            ["" if is_missing(value) else cell(column, value, lang) for value in frame[column].tolist()],
        )
        for column in columns
    ]


def _round(values: Iterable[Any]) -> list[float]:
    return [round(float(value), geometry.DIGITS) for value in values]


def _shifts(tables: RunTables, rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the pixel shifts of the marks of villages that share a place; nothing where none is shifted."""
    shifts = mark_shifts(tables.villages, tables.used_sites)
    found = [shifts.get(code, (0.0, 0.0)) for code in rows["village_code"]]
    if not any(dx or dy for dx, dy in found):
        return {}
    return {"dx": [dx for dx, _ in found], "dy": [dy for _, dy in found]}


def _villages(content: RunContent, tables: RunTables, *, is_served: bool) -> MapLayer:
    lang = content.lang
    villages = tables.villages
    rows = villages[(villages["is_served"].astype(bool) == is_served) & villages["lon"].notna()]
    key = "served" if is_served else "unserved"
    style: dict[str, Any] = {"shape": "circle", "size": 3.6, "fill": COLOURS[key], "stroke": "#ffffff", "weight": 0.8}
    if not is_served:
        style = {"shape": "cross", "size": 5.0, "fill": "", "stroke": COLOURS[key], "weight": 2.6}
    return MapLayer(
        layer_id=f"villages_{key}",
        group="villages",
        kind="marks",
        label=say(f"map_villages_{key}", lang),
        count=len(rows),
        style=style,
        data={"lat": _round(rows["lat"]), "lon": _round(rows["lon"]), **_shifts(tables, rows)},
        names=rows["name"].tolist(),
        tips=_tips(rows, _VILLAGE_TIPS, lang),
    )


def _site_style(kind: str, decision: str) -> dict[str, Any]:
    style: dict[str, Any] = {"shape": _SHAPES[kind], "size": _SIZES[kind], "weight": 1.2}
    if decision == "closed":
        return {**style, "fill": "#ffffff", "stroke": COLOURS["closed"], "weight": 1.8, "is_struck": True}
    return {**style, "fill": COLOURS[decision], "stroke": "#ffffff"}


def _sites(content: RunContent, tables: RunTables, kind: str) -> list[MapLayer]:
    lang = content.lang
    layers = []
    for decision in ("closed", "kept", "new"):
        chosen = (tables.sites["kind"] == kind) & (tables.sites["decision"] == decision)
        rows = tables.sites[chosen & tables.sites["lon"].notna()]
        name = (": " if lang == "en" else "：").join(
            (capital(term(f"kind_{kind}", lang)), term(f"decision_{decision}", lang))
        )
        layers.append(
            MapLayer(
                layer_id=f"{kind}_{decision}",
                group="sites",
                kind="marks",
                label=name,
                count=len(rows),
                style=_site_style(kind, decision),
                data={"lat": _round(rows["lat"]), "lon": _round(rows["lon"])},
                names=rows["name"].tolist(),
                tips=_tips(rows, _SITE_TIPS, lang),
            )
        )
    return layers


def _routes(content: RunContent, tables: RunTables, tier: str) -> MapLayer:
    lang = content.lang
    lines = {
        route.route_id: geometry.flat_path(tables.drawing.trips[route.route_id])
        for route in content.verified.plan.routing.routes
        if route.tier == tier
    }
    rows = tables.routes[[len(lines.get(i, ())) > 1 for i in tables.routes["route_id"]]]
    is_trunk = tier == "county_township"
    colour, weight = (COLOURS["tier1"], 3.2) if is_trunk else (COLOURS["tier2"], 1.7)
    return MapLayer(
        layer_id=f"routes_{tier}",
        group="routes",
        kind="lines",
        label=say(f"map_routes_{tier}", lang),
        count=len(rows),
        style={"stroke": colour, "weight": weight, "opacity": 1.0},
        data={"paths": [[lines[i]] for i in rows["route_id"]]},
        names=rows["route_id"].tolist(),
        tips=_tips(rows, _ROUTE_TIPS, lang),
    )


def _coverage(content: RunContent, tables: RunTables) -> MapLayer:
    sites = tables.used_sites
    points = sites[sites["decision"].isin(("kept", "new")) & (sites["kind"] == "village_point") & sites["lon"].notna()]
    rings = geometry.rings(tables.drawing.coverage)
    km = number(content.problem.standard.access_km, 1)
    return MapLayer(
        layer_id="coverage",
        group="routes",
        kind="area",
        label=say("map_coverage", content.lang, {"km": km}),
        count=len(points) if rings else 0,
        style={"fill": COLOURS["coverage"], "opacity": 0.16, "stroke": COLOURS["coverage"], "weight": 0.8},
        data={"rings": [rings]},
        is_interactive=False,
    )


def _bus_lines(content: RunContent) -> MapLayer:
    county, lang = content.problem.county, content.lang
    stops = county.bus_stops
    placed = stops[stops["lon"].notna() & stops["lat"].notna()] if len(stops) else stops
    drawn: list[tuple[str, list[list[float]], int]] = []
    for line_id, name in zip(county.bus_lines["line_id"], county.bus_lines["name"], strict=True):
        rows = placed[placed["line_id"] == line_id].sort_values("stop_sequence")
        path = geometry.flat_path(zip(rows["lon"].astype(float), rows["lat"].astype(float), strict=True))
        if len(path) > 1:
            drawn.append((str(name), path, len(rows)))
    return MapLayer(
        layer_id="bus_lines",
        group="routes",
        kind="lines",
        label=say("map_bus_lines", lang),
        count=len(drawn),
        style={"stroke": COLOURS["bus"], "weight": 2.0, "dash": "6 5", "opacity": 0.9},
        data={"paths": [[path] for _, path, _ in drawn]},
        names=[name for name, _, _ in drawn],
        tips=[(header("stop_count", lang), [number(count) for _, _, count in drawn])],
        is_shown=False,
    )


def _base(
    layer_id: str, kind: LayerKind, label: str, count: int, look: tuple[dict[str, Any], dict[str, Any]]
) -> MapLayer:
    style, data = look
    return MapLayer(layer_id, "base", kind, label, count, style, data, is_interactive=False)


def _water(content: RunContent) -> list[MapLayer]:
    union = geometry.layer_union(content.problem.county.water)
    rings, paths = [[ring] for ring in geometry.rings(union)], geometry.paths(union)
    style = {"fill": COLOURS["water"], "stroke": COLOURS["water"], "weight": 1.6, "opacity": 1.0}
    label = say("map_water", content.lang)
    layers = []
    if rings:
        layers.append(_base("water_areas", "area", label, len(rings), (style, {"rings": rings})))
    if paths:
        layers.append(
            _base("water_lines", "lines", say("map_rivers", content.lang), len(paths), (style, {"paths": [paths]}))
        )
    return layers


def _road_rank(road_class: str) -> tuple[int, str]:
    order: Sequence[str] = list(ROADS)
    return (order.index(road_class) if road_class in order else len(order), road_class)


def _roads(content: RunContent) -> list[MapLayer]:
    """One layer for all roads, one multi-line a class, small classes first."""
    roads = content.problem.county.roads
    if roads is None or not len(roads):
        return []
    classes = sorted({str(c) for c in roads["road_class"]}, key=_road_rank, reverse=True)
    paths, colours, weights, count = [], [], [], 0
    for road_class in classes:
        rows = roads[roads["road_class"].astype(str) == road_class]
        paths.append(geometry.paths(geometry.layer_union(rows)))
        colour, weight = ROADS.get(road_class, _MINOR_ROAD)
        colours.append(colour)
        weights.append(weight)
        count += len(paths[-1])
    style = {"stroke": ROADS["primary"][0], "weight": 2.0, "opacity": 1.0, "strokes": colours, "weights": weights}
    return [_base("roads", "lines", say("map_roads", content.lang), count, (style, {"paths": paths}))]


def _boundary(content: RunContent, level: str) -> MapLayer | None:
    boundary = content.problem.county.boundary
    if boundary is None:
        return None
    rows = boundary[boundary["level"] == level]
    rings = [ring for ring in map(geometry.rings, rows.geometry) if ring]
    style = {"stroke": COLOURS[level], "weight": 0.9, "dash": "3 3", "fill": "", "opacity": 1.0}
    if level == "county":
        style |= {"weight": 1.8, "dash": "", "fill": COLOURS["ground"]}
    label = say(f"map_boundary_{level}", content.lang)
    return _base(f"boundary_{level}", "area", label, len(rings), (style, {"rings": rings}))
