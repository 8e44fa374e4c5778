"""Which QGIS style each layer of the GeoPackage gets."""

from __future__ import annotations

from collections.abc import Mapping

from geodata.messages import Lang
from scenarios.outputs.map_layers import COLOURS, ROADS
from scenarios.outputs.qgis import Category, GeometryKind, Symbol, style_qml
from scenarios.outputs.terms import say, term

_SITES = {
    "village_points": ("square", 2.6),
    "township_stations": ("pentagon", 4.0),
    "county_centres": ("star", 6.0),
}


def layer_style(name: str, aliases: Mapping[str, str], lang: Lang) -> str:
    """Return the QGIS style of a layer; empty for a table without places."""
    if name in _SITES:
        return style_qml("Point", "decision", _sites(name, lang), aliases, "" if name == "village_points" else "name")
    found = _plain(lang).get(name)
    return style_qml(found[0], found[1], found[2], aliases) if found else ""


def _sites(name: str, lang: Lang) -> list[Category]:
    shape, size = _SITES[name]
    looks = {
        "kept": Symbol(COLOURS["kept"], "#ffffff", size, shape),
        "new": Symbol(COLOURS["new"], "#ffffff", size, shape),
        "closed": Symbol("#ffffff", COLOURS["closed"], size, shape, 0.4),
        "not_chosen": Symbol("#ffffff", "#d0d5d9", size * 0.5, shape, 0.2),
    }
    return [Category(decision, term(f"decision_{decision}", lang), symbol) for decision, symbol in looks.items()]


def _plain(lang: Lang) -> dict[str, tuple[GeometryKind, str, list[Category]]]:
    road = COLOURS["county"]
    return {
        "villages": (
            "Point",
            "service",
            [
                Category("served", say("style_served", lang), Symbol(COLOURS["served"], "#ffffff", 1.8)),
                Category("unserved", say("style_unserved", lang), Symbol("", COLOURS["unserved"], 2.6, "cross2", 0.6)),
            ],
        ),
        "routes": (
            "Line",
            "tier",
            [
                Category(
                    "county_township",
                    say("map_routes_county_township", lang),
                    Symbol(stroke=COLOURS["tier1"], size=0.9),
                ),
                Category(
                    "township_village",
                    say("map_routes_township_village", lang),
                    Symbol(stroke=COLOURS["tier2"], size=0.5),
                ),
            ],
        ),
        "boundary": (
            "Polygon",
            "level",
            [
                Category("county", say("map_boundary_county", lang), Symbol("", road, width=0.6)),
                Category(
                    "township",
                    say("map_boundary_township", lang),
                    Symbol("", COLOURS["township"], width=0.3, dash="dash"),
                ),
            ],
        ),
        "roads": (
            "Line",
            "road_class",
            [
                *(
                    Category(name, name, Symbol(stroke=colour, size=width * 0.3))
                    for name, (colour, width) in ROADS.items()
                ),
                Category("", say("map_roads", lang), Symbol(stroke="#C9C3B4", size=0.25)),
            ],
        ),
        "water_areas": (
            "Polygon",
            "name",
            [Category("", say("map_water", lang), Symbol(COLOURS["water"], COLOURS["water"]))],
        ),
        "water_lines": (
            "Line",
            "name",
            [Category("", say("map_rivers", lang), Symbol(stroke=COLOURS["water"], size=0.5))],
        ),
        "bus_lines": (
            "Line",
            "name",
            [Category("", say("map_bus_lines", lang), Symbol(stroke=COLOURS["bus"], size=0.6, dash="dash"))],
        ),
    }
