"""The map of a run: one file, offline, every layer with its legend and counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import folium
from branca.element import Element, Figure, MacroElement
from jinja2 import Template

from scenarios.content import RunContent
from scenarios.outputs import geometry
from scenarios.outputs.facts import headline_facts, map_notes, source_lines
from scenarios.outputs.map_layers import GROUPS, MapLayer, map_layers
from scenarios.outputs.offline import CONTENT_POLICY, RawElement, asset, font_stack, json_block, render_offline
from scenarios.outputs.studies_map import study_layers, unplaced_notes
from scenarios.outputs.tables import RunTables, run_tables
from scenarios.outputs.terms import say

#: Closest zoom; Leaflet needs one where there are no tiles.
MAX_ZOOM = 18
#: Village names are drawn only where at most this many fit the view.
MAX_VILLAGE_LABELS = 70

_DATA_ID = "xiangyou-data"
#: Most characters of a name drawn on the map.
_LONGEST_LABEL = 60
_PANEL = '<aside id="xiangyou-panel" class="xy-panel"></aside>'


class DataLayer(MacroElement):
    """A map layer drawn by our own script from the columns of the page's data block.

    Parameters
    ----------
    index
        Position of the layer in the data block; the only thing written into the script.
    """

    _template = Template("{% macro script(this, kwargs) %}xiangyou.add({{ this.index }});{% endmacro %}")

    def __init__(self, index: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "DataLayer"
        self._id = str(index)
        self.index = int(index)


class _Start(MacroElement):
    """Hands the map to our script before the layers, and finishes the page after them."""

    _template = Template(
        "{% macro script(this, kwargs) %}{% if this.is_first %}xiangyou.start({{ this._parent.get_name() }});"
        "{% else %}xiangyou.finish();{% endif %}{% endmacro %}"
    )

    def __init__(self, *, is_first: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Start" if is_first else "Finish"
        self._id = "page"
        self.is_first = is_first


def write_map(content: RunContent, path: Path, tables: RunTables | None = None) -> None:
    """Write the map of a run as one HTML file that loads nothing from anywhere.

    Parameters
    ----------
    content
        The run.
    path
        File to write.
    tables
        Tables of the run, if they are made already.
    """
    tables = tables or run_tables(content)
    layers = [*map_layers(content, tables), *study_layers(content)]
    path.write_text(map_page(content, tables, layers), encoding="utf-8", newline="\n")


def map_page(content: RunContent, tables: RunTables, layers: list[MapLayer]) -> str:
    """Return the page: folium's map, our layers, assets inside, input text only in the data block."""
    payload = map_payload(content, tables, layers)
    (south, west), (north, east) = payload["bounds"]
    page = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        prefer_canvas=True,
        zoom_control="topright",
        zoom_snap=0.25,
    )
    page.options["max_zoom"] = MAX_ZOOM
    page._id = "county"  # noqa: SLF001  branca draws random ids; the same run must give the same page
    page.add_child(_Start(is_first=True))
    for index in range(len(layers)):
        page.add_child(DataLayer(index))
    page.add_child(_Start(is_first=False))
    figure = cast("Figure", page.get_root())
    _add_page_parts(figure, payload, content)
    return _with_language(render_offline(figure), content.lang)


def _add_page_parts(figure: Figure, payload: dict[str, Any], content: RunContent) -> None:
    style = asset("map.css").replace("__FONTS__", font_stack(content.lang))
    head: list[Element] = [
        RawElement(f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'),
        RawElement(f"<title>{say('map_title_tag', content.lang)}</title>"),
    ]
    for i, element in enumerate(head):
        figure.header.add_child(element, name=f"xiangyou_head_{i}", index=i)
    figure.html.add_child(RawElement(f"<style>{style}</style>"), name="xiangyou_style")
    figure.html.add_child(RawElement(_PANEL), name="xiangyou_panel")
    figure.html.add_child(RawElement(json_block(_DATA_ID, payload)), name="xiangyou_data")
    figure.html.add_child(RawElement(f"<script>{asset('marks.js')}{asset('map.js')}</script>"), name="xiangyou_script")


def _with_language(html: str, lang: str) -> str:
    return html.replace("<html>", f'<html lang="{"zh-CN" if lang == "zh" else "en"}">', 1)


def map_payload(content: RunContent, tables: RunTables, layers: list[MapLayer]) -> dict[str, Any]:
    """Return everything the page says and draws, as plain values."""
    lang, county = content.lang, content.problem.county
    places = [
        *geometry.positions(county.villages, "village_code").values(),
        *geometry.positions(tables.used_sites, "facility_id").values(),
    ]
    west, south, east, north = geometry.bounds(county, places)
    return {
        "title": content.title or county.name,
        "subtitle": say(
            "map_subtitle", lang, {"county": county.name, "run": content.run_name, "hash": content.run_hash}
        ),
        "invented": say("invented", lang) if county.is_invented else "",
        "facts": [[fact.label, fact.value, fact.detail] for fact in headline_facts(content, tables)],
        "groups": [[group, say(f"map_group_{group}", lang)] for group in GROUPS],
        "layers": [layer.payload() for layer in layers],
        "labels": _labels(content),
        "maxVillageLabels": MAX_VILLAGE_LABELS,
        "bounds": [[south, west], [north, east]],
        "notesTitle": say("map_notes_title", lang),
        "notes": [*map_notes(content, tables), *unplaced_notes(content)],
        "sourcesTitle": say("sources_title", lang),
        "sources": source_lines(content),
        "attributions": sorted({p.attribution for p in county.provenance.values() if p.attribution}),
        "legendTitle": say("map_legend_title", lang),
        "fold": say("map_fold", lang),
        "version": say("map_version", lang, {"version": content.version}),
    }


def _short(name: str) -> str:
    """Return a name as it may stand on the map; its whole length stands in tables and data."""
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"


def _labels(content: RunContent) -> dict[str, list[Any]]:
    """Return place names by rank: 0 open centres, 1 townships, 2 villages."""
    county, siting = content.problem.county, content.verified.plan.siting
    centres = county.facilities[county.facilities["facility_id"].isin(set(siting.centre_of_station.values()))]
    columns: dict[str, list[Any]] = {"text": [], "lat": [], "lon": [], "rank": []}
    for rank, frame in enumerate((centres, county.townships, county.villages)):
        placed = frame[frame["lon"].notna() & frame["lat"].notna()]
        columns["text"] += [_short(str(name)) for name in placed["name"]]
        columns["lat"] += [round(float(v), geometry.DIGITS) for v in placed["lat"]]
        columns["lon"] += [round(float(v), geometry.DIGITS) for v in placed["lon"]]
        columns["rank"] += [rank] * len(placed)
    return columns
