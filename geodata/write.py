"""Writing a county back to the files it can be read from: workbook, folder of CSV, GeoPackage."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from geodata.county import County
from geodata.frames import is_placed
from geodata.messages import Lang
from geodata.raw import value_text
from geodata.schemas import LAYERS, SHEETS
from geodata.tables import county_frames
from geodata.workbook import write_frames


def write_workbook(county: County, path: Path, lang: Lang, *, has_layers: bool = True) -> None:
    """Write a county as a workbook in the format of the template.

    Parameters
    ----------
    county
        County to write; empty tables are left out.
    path
        ``.xlsx`` file to write. Roads, boundary and water go beside it, as ``NAME_roads.gpkg`` and so on, where
        `geodata.read.read_county` finds them.
    lang
        Language of sheet names, headings and choices.
    has_layers
        Write the layers too; if false, use `write_layers` yourself.
    """
    path = Path(path)
    write_frames(path, county_frames(county, lang), lang)
    if has_layers:
        write_layers(county, path.parent, prefix=f"{path.stem}_")


def write_csv_folder(county: County, folder: Path, lang: Lang = "zh") -> None:
    """Write a county as a folder of CSV files (utf-8 with mark, canonical headings) and layers beside them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in county_frames(county, lang).items():
        shown = _items(frame) if name == "county" else frame.map(_csv_text)
        shown.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig", lineterminator="\n")
    write_layers(county, folder)


def _csv_text(value: object) -> str:
    return "" if isinstance(value, float) and math.isnan(value) else value_text(value)


def _items(frame: pd.DataFrame) -> pd.DataFrame:
    row = frame.iloc[0]
    return pd.DataFrame({"item": list(frame.columns), "value": [value_text(row[c]) for c in frame.columns]})


def write_gpkg(county: County, path: Path, lang: Lang = "zh") -> None:
    """Write a county as one GeoPackage: tables with places as point layers (EPSG:4326), others as attribute tables."""
    path = Path(path)
    path.unlink(missing_ok=True)
    for name, frame in county_frames(county, lang).items():
        spec = SHEETS[name]
        if spec.has_places:
            points = gpd.points_from_xy(frame["lon"].fillna(0.0), frame["lat"].fillna(0.0), crs=4326)
            known = is_placed(frame)
            places = gpd.GeoSeries(points, crs=4326).where(known)
            written: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=places)
            pyogrio.write_dataframe(written, path, layer=name, driver="GPKG", geometry_type="Point")
        else:
            pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG")
    for layer in LAYERS:
        _write_layer(county, layer, path)


def write_layers(county: County, folder: Path, prefix: str = "") -> tuple[Path, ...]:
    """Write roads, boundary and water, where there are any, as ``<prefix>roads.gpkg`` and so on; return the files."""
    made = []
    for layer in LAYERS:
        path = Path(folder) / f"{prefix}{layer}.gpkg"
        if getattr(county, layer) is not None and len(getattr(county, layer)):
            path.unlink(missing_ok=True)
            _write_layer(county, layer, path)
            made.append(path)
    return tuple(made)


def _write_layer(county: County, layer: str, path: Path) -> None:
    frame = getattr(county, layer)
    if frame is not None and len(frame):
        kinds = sorted(set(frame.geometry.geom_type))
        kind = kinds[0] if len(kinds) == 1 else "Unknown"
        pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", geometry_type=kind)
