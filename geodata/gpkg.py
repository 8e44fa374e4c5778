"""Reader of a GeoPackage: attribute tables and point layers as tables, roads, boundary and water as layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geodata.aliases import nearest_sheet, resolve_column, resolve_sheet
from geodata.county_sheet import add_table
from geodata.errors import Problem
from geodata.layers import add_layer
from geodata.raw import RawSource
from geodata.schemas import LAYERS, SHEETS

_WGS84, _CGCS2000 = 4326, 4490
#: Tables other programs keep in the file; never county data.
_FOREIGN = ("layer_styles", "qgis_projects")


def read_gpkg(path: Path) -> RawSource:
    """Read every known table and layer of a GeoPackage; problems are collected in the result."""
    source = RawSource(path.name)
    if path.stat().st_size == 0:
        source.problems.append(Problem("error", "empty_file", file=path.name))
        return source
    try:
        names = sorted(str(name) for name in pyogrio.list_layers(path)[:, 0])
        frames = {name: pyogrio.read_dataframe(path, layer=name) for name in names if name not in _FOREIGN}
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        source.problems.append(Problem("error", "unreadable_file", file=path.name, params={"reason": str(error)}))
        return source
    for name, frame in frames.items():
        _add(source, name, frame)
    return source


def _add(source: RawSource, name: str, frame: Any) -> None:
    table = resolve_sheet(name)
    if table in LAYERS:
        add_layer(source, table, frame, source.file)
    elif table is None or table not in SHEETS:
        params = {"nearest": nearest_sheet(name)}
        source.problems.append(Problem("warning", "unknown_sheet", file=source.file, value=name, params=params))
    elif table in source.tables:
        source.problems.append(Problem("error", "duplicate_sheet", table, source.file, params={"other": table}))
    else:
        if isinstance(frame, gpd.GeoDataFrame):
            frame = _with_places(source, table, frame)
        add_table(table, _grid(frame), (source.file, ""), source)


def _with_places(source: RawSource, table: str, frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Turn point geometry into lon and lat, unless the table has such columns already."""
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    known = {resolve_column(table, str(heading)) for heading in plain.columns}
    if {"lon", "lat"} <= known:
        return plain
    if frame.crs is None:
        source.problems.append(Problem("error", "undeclared_crs", table, source.file))
        return plain
    points = frame.geometry if frame.crs.to_epsg() in {_WGS84, _CGCS2000} else frame.geometry.to_crs(_WGS84)
    points = points.where(
        points.isna() | points.is_empty | (points.geom_type == "Point"), points.representative_point()
    )
    source.crs_datums[table] = "CGCS2000" if frame.crs.to_epsg() == _CGCS2000 else "WGS84"
    return plain.assign(lon=points.x.to_numpy(), lat=points.y.to_numpy())


def _grid(frame: pd.DataFrame) -> list[list[object]]:
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return [[str(name) for name in frame.columns], *rows]


def _plain(value: object) -> object:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
