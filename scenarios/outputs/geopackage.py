"""The GeoPackage of a run: the plan as GIS layers, with the styles QGIS opens them in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from scenarios.content import RunContent
from scenarios.outputs.columns import COLUMNS, header
from scenarios.outputs.gis_styles import layer_style
from scenarios.outputs.studies_gis import layer_name, study_description, study_frames, study_style
from scenarios.outputs.studies_lines import line_frames, line_style
from scenarios.outputs.tables import RunTables, run_tables
from scenarios.outputs.terms import say

CRS = "EPSG:4326"
GEOMETRY_COLUMN = "geom"
#: No clock: the same run gives the same content.
_CHANGED = "2000-01-01T00:00:00.000Z"
_SITE_LAYERS = {
    "village_points": "village_point",
    "township_stations": "township_station",
    "county_centres": "county_centre",
}
_STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME
)
"""


@dataclass(frozen=True, slots=True, eq=False)
class GisLayer:
    """One table of the GeoPackage: a GeoDataFrame, or a plain frame for a table without places.

    `style` and `description` are given where they do not follow from the name.
    """

    name: str
    frame: pd.DataFrame
    style: str = ""
    description: str = ""


def write_geopackage(content: RunContent, path: Path, tables: RunTables | None = None) -> None:
    """Write the GeoPackage of a run; an existing file is replaced.

    Column names are ASCII and carry their units; the styles give the headings in the reader's language. Villages and
    sites without a known place are kept, without geometry.

    Parameters
    ----------
    content
        The run.
    path
        File to write.
    tables
        Tables of the run, if they are made already.
    """
    layers = list(gis_layers(content, tables or run_tables(content)))
    path.unlink(missing_ok=True)
    for layer in layers:
        is_map = isinstance(layer.frame, gpd.GeoDataFrame)
        options = {"GEOMETRY_NAME": GEOMETRY_COLUMN} if is_map else {}
        pyogrio.write_dataframe(layer.frame, path, layer=layer.name, driver="GPKG", layer_options=options)
    with closing(sqlite3.connect(path)) as database, database:
        _finish(database, layers, content)


def _finish(database: sqlite3.Connection, layers: Sequence[GisLayer], content: RunContent) -> None:
    """Add styles and descriptions, and take the clock out."""
    database.execute(_STYLES_TABLE)
    for layer in layers:
        description = layer.description or say(f"gpkg_layer_{layer.name}", content.lang)
        database.execute("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (description, layer.name))
        style = layer.style or layer_style(layer.name, _aliases(layer, content), content.lang)
        if style and isinstance(layer.frame, gpd.GeoDataFrame):
            values = (layer.name, GEOMETRY_COLUMN, layer.name, style, True, description, _CHANGED)
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
                " styleQML, useAsDefault, description, update_time) VALUES ('', '', ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
        " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        (_CHANGED,),
    )
    database.execute("UPDATE gpkg_contents SET last_change = ?", (_CHANGED,))


def _aliases(layer: GisLayer, content: RunContent) -> dict[str, str]:
    columns = [str(column) for column in layer.frame.columns if column in COLUMNS]
    return {column: header(column, content.lang) for column in columns}


def gis_layers(content: RunContent, tables: RunTables) -> Iterator[GisLayer]:
    """Yield every layer and table, background first."""
    county = content.problem.county
    yield from _water(content)
    for name, source in (("roads", county.roads), ("boundary", county.boundary)):
        if source is not None and len(source):
            yield GisLayer(name, _one_kind(source))
    yield from _bus_lines(content)
    yield from _routes(content, tables)
    villages = tables.villages.assign(service=["served" if s else "unserved" for s in tables.villages["is_served"]])
    yield GisLayer("villages", _points(villages))
    for name, kind in _SITE_LAYERS.items():
        rows = tables.sites[tables.sites["kind"] == kind].reset_index(drop=True)
        if len(rows):
            yield GisLayer(name, _points(rows))
    for study, number, frame in study_frames(content):
        words = (study_style(study, content.lang), study_description(study, number, content.lang))
        yield GisLayer(layer_name(study, number), frame, *words)
    for study, number, frame in line_frames(content):
        words = (line_style(study, content.lang), study_description(study, number, content.lang))
        yield GisLayer(f"{layer_name(study, number)}_lines", frame, *words)
    yield GisLayer("kpis", _typed(tables.kpis.drop(columns="part_id")))
    yield GisLayer("sources", _typed(tables.sources))
    if len(tables.assumptions):
        yield GisLayer("assumptions", _typed(tables.assumptions))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with plain column types: text, number, true or false."""
    out = {}
    for name in frame.columns:
        column = COLUMNS.get(str(name))
        if column is not None and column.kind in ("number", "share", "figure"):
            out[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
        elif column is not None and column.kind == "flag":
            out[name] = frame[name].astype(bool)
        else:
            out[name] = frame[name].map(lambda value: "" if pd.isna(value) else str(value)).astype(object)
    return pd.DataFrame(out)


def _points(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    places: list[BaseGeometry | None] = [
        shapely.Point(lon, lat) if lon == lon and lat == lat else None  # noqa: PLR0124  NaN
        for lon, lat in zip(frame["lon"].astype(float), frame["lat"].astype(float), strict=True)
    ]
    return gpd.GeoDataFrame(_typed(frame.drop(columns=["lon", "lat"])), geometry=places, crs=CRS)


def _one_kind(source: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer with multi-geometries throughout where single and multi are mixed: a layer has one kind."""
    frame = source.reset_index(drop=True)
    if frame.geometry.geom_type.dropna().nunique() < 2:  # noqa: PLR2004
        return frame
    multi = {"Point": shapely.MultiPoint, "LineString": shapely.MultiLineString, "Polygon": shapely.MultiPolygon}
    shapes = [multi[g.geom_type]([g]) if g is not None and g.geom_type in multi else g for g in frame.geometry]
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))


def _water(content: RunContent) -> Iterator[GisLayer]:
    water = content.problem.county.water
    if water is None:
        return
    kinds = water.geometry.geom_type
    for name, kind in (("water_areas", "Polygon"), ("water_lines", "LineString")):
        rows = water[kinds.isin([kind, f"Multi{kind}"])]
        if len(rows):
            yield GisLayer(name, _one_kind(rows))


def _routes(content: RunContent, tables: RunTables) -> Iterator[GisLayer]:
    lines = [tables.drawing.trips[route.route_id] for route in content.verified.plan.routing.routes]
    shapes = [shapely.LineString(line) if len(line) > 1 else None for line in lines]
    if shapes:
        yield GisLayer("routes", gpd.GeoDataFrame(_typed(tables.routes), geometry=shapes, crs=CRS))


def _bus_lines(content: RunContent) -> Iterator[GisLayer]:
    county = content.problem.county
    rows, shapes = [], []
    for line in county.bus_lines.to_dict("records"):
        stops = county.bus_stops[county.bus_stops["line_id"] == line["line_id"]].sort_values("stop_sequence")
        placed = stops[stops["lon"].notna() & stops["lat"].notna()]
        if len(placed) > 1:
            rows.append({"line_id": str(line["line_id"]), "name": str(line["name"]), "stop_count": float(len(placed))})
            shapes.append(shapely.LineString(placed[["lon", "lat"]].astype(float).to_numpy()))
    if rows:
        yield GisLayer("bus_lines", gpd.GeoDataFrame(pd.DataFrame(rows), geometry=shapes, crs=CRS))
