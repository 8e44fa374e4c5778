"""Roads, boundary and water as lines and areas: canonical columns, EPSG:4326, whatever file they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geodata.aliases import LAYER_COLUMNS, resolve_choice, resolve_column, resolve_sheet
from geodata.codes import clean_identifier
from geodata.errors import InputError, Problem
from geodata.osm import read_osm_roads, read_osm_water
from geodata.parse import parse_number, parse_text
from geodata.raw import RawSource
from geodata.schemas import LAYERS

SUFFIXES = (".gpkg", ".geojson", ".json", ".pbf", ".osm")
#: Endings of OpenStreetMap extracts, and what is read from one.
_EXTRACT_SUFFIXES = frozenset({".pbf", ".osm"})
_EXTRACT_READERS: Mapping[str, Callable[[Path], gpd.GeoDataFrame]] = {"roads": read_osm_roads, "water": read_osm_water}
_REFUSED = frozenset({".shp", ".dbf"})
_KINDS: Mapping[str, frozenset[str]] = {
    "roads": frozenset({"LineString", "MultiLineString"}),
    "boundary": frozenset({"Polygon", "MultiPolygon"}),
    "water": frozenset({"LineString", "MultiLineString", "Polygon", "MultiPolygon", "Point", "MultiPoint"}),
}
_TOWNSHIP_DIGITS = 9
_ONEWAY = {"yes": 1.0, "true": 1.0, "1": 1.0, "是": 1.0, "单行": 1.0, "-1": -1.0, "reverse": -1.0, "反向": -1.0}


def add_layer_file(source: RawSource, layer: str, path: Path) -> None:
    """Read the file of one layer into `source`; problems are collected there."""
    if path.suffix.lower() in _REFUSED:
        source.problems.append(Problem("error", "shapefile_refused", layer, path.name))
        return
    if not path.is_file():
        source.problems.append(Problem("error", "file_not_found", layer, str(path.name), value=str(path)))
        return
    if path.suffix.lower() in _EXTRACT_SUFFIXES:
        _add_extract(source, layer, path)
        return
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        chosen = [n for n in names if resolve_sheet(n) == layer] or names
        if len(chosen) != 1:
            params = {"layers": ", ".join(names), "layer": layer}
            source.problems.append(Problem("error", "layer_not_clear", layer, path.name, params=params))
            return
        frame = pyogrio.read_dataframe(path, layer=chosen[0])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        source.problems.append(Problem("error", "unreadable_file", layer, path.name, params={"reason": str(error)}))
        return
    add_layer(source, layer, frame, path.name)


def _add_extract(source: RawSource, layer: str, path: Path) -> None:
    """Read roads or water from an OpenStreetMap extract."""
    if layer not in _EXTRACT_READERS:
        source.problems.append(Problem("error", "extract_without_layer", layer, path.name))
        return
    try:
        frame = _EXTRACT_READERS[layer](path)
    except InputError as error:
        source.problems += error.problems or (
            Problem("error", "unreadable_file", layer, path.name, params={"reason": str(error)}),
        )
        return
    source.extract_layers.add(layer)
    add_layer(source, layer, frame, path.name)


def add_layer(source: RawSource, layer: str, frame: Any, file: str) -> None:
    """Add a layer that was read, brought to EPSG:4326 and canonical columns; what cannot be used is reported."""
    if not isinstance(frame, gpd.GeoDataFrame):
        source.problems.append(Problem("error", "layer_without_geometry", layer, file))
        return
    if frame.crs is None:
        source.problems.append(Problem("error", "undeclared_crs", layer, file))
        return
    if layer in source.layers:
        source.problems.append(Problem("error", "duplicate_sheet", layer, file, params={"other": layer}))
        return
    clean = canonical_layer(layer, frame)
    if len(clean) == 0:
        source.problems.append(Problem("warning", "layer_empty", layer, file))
        return
    dropped = int((~_usable(layer, frame)).sum())
    if dropped:
        source.problems.append(Problem("warning", "wrong_geometry", layer, file, params={"count": dropped}))
    source.layers[layer] = clean
    source.layer_files[layer] = file


def canonical_layer(layer: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer with the columns `County` promises: EPSG:4326, two dimensions, roads as single lines."""
    kept = frame[_usable(layer, frame)].reset_index(drop=True)
    # WGS84 and CGCS2000 differ by centimetres: relabelled, not moved.
    kept = kept.set_crs(4326, allow_override=True) if kept.crs.to_epsg() == _CGCS2000 else kept.to_crs(4326)
    columns: dict[str, Any] = {}
    for heading in kept.columns:
        column = resolve_column(layer, str(heading))
        if column is not None and column not in columns and heading != kept.geometry.name:
            columns[column] = kept[heading]
    data = {name: _column(layer, name, columns.get(name), len(kept)) for name in LAYER_COLUMNS[layer]}
    if layer == "roads" and "road_id" in kept.columns:
        data = {"road_id": pd.Series([clean_identifier(v) for v in kept["road_id"]], dtype=object), **data}
    if layer == "boundary":
        data["level"] = _levels(data["level"], data["code"])
    geometry = shapely.force_2d(kept.geometry.to_numpy())
    clean = gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(geometry, crs=4326), crs=4326)
    return _single_lines(clean) if layer == "roads" else clean


def _single_lines(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut roads of several lines apart; the second part of road ``7`` gets the id ``7-2``."""
    single = roads.explode(index_parts=False)
    part = single.groupby(level=0).cumcount()
    single = single.reset_index(drop=True)
    if "road_id" in single.columns:
        suffix = ["" if n == 0 else f"-{n + 1}" for n in part]
        single["road_id"] = [f"{road}{end}" for road, end in zip(single["road_id"], suffix, strict=True)]
    return single


_CGCS2000 = 4490


def _usable(layer: str, frame: gpd.GeoDataFrame) -> pd.Series[bool]:
    usable: pd.Series[bool] = frame.geometry.geom_type.isin(_KINDS[layer]) & ~frame.geometry.is_empty
    return usable


def _column(layer: str, name: str, values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    converters: Mapping[str, Callable[[object], Any]] = {
        "is_oneway": _oneway,
        "speed_kmh": _speed,
        "road_class": lambda cell: _road_class(layer, cell),
        "level": lambda cell: _level_name(layer, cell),
    }
    convert = converters.get(name, parse_text)
    cells = [None] * length if values is None else list(values)
    made = pd.Series([convert(None if _is_missing(cell) else cell) for cell in cells], dtype=object)
    if name == "speed_kmh":
        return made.astype("float64")
    return made.astype("int64") if name == "is_oneway" else made


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _oneway(cell: object) -> int:
    if isinstance(cell, (bool, np.bool_)):
        return int(cell)
    return int(_ONEWAY.get(parse_text(cell).lower().removesuffix(".0"), 0.0))


def _speed(cell: object) -> float:
    number, problem, _ = parse_number(str(cell).lower().replace("km/h", "").replace("kmh", "") if cell else None)
    return float(number) if number is not None and not problem and number > 0 else float("nan")


def _road_class(layer: str, cell: object) -> str:
    word = parse_text(cell)
    return resolve_choice(layer, "road_class", (), word) or word


def _level_name(layer: str, cell: object) -> str:
    return resolve_choice(layer, "level", ("county", "township"), parse_text(cell)) or ""


def _levels(levels: pd.Series[Any], codes: pd.Series[Any]) -> pd.Series[Any]:
    """Fill a missing level from the length of the code: nine digits is a township, everything else the county."""
    guessed = codes.map(lambda code: "township" if len(str(code)) == _TOWNSHIP_DIGITS else "county")
    return levels.where(levels != "", guessed)


def find_beside(folder: Path, prefix: str = "") -> dict[str, list[Path]]:
    """Return layer → files named after it (``roads.geojson``, ``NAME_道路.gpkg``) in a folder, sorted."""
    found: dict[str, list[Path]] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES):
        if not path.stem.startswith(prefix):
            continue
        layer = resolve_sheet(path.stem.removeprefix(prefix).removesuffix(".osm"))
        if layer in LAYERS:
            found.setdefault(layer, []).append(path)
    return found
