"""Frames in canonical form: the table's columns in order, numbers as float64, texts as str with "" for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.county import TABLE_COLUMNS
from geodata.schemas import TABLES

EARTH_RADIUS_KM = 6371.0088
_KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180.0

FloatArray = npt.NDArray[np.float64]


def canonical_frame(rows: pd.DataFrame | Iterable[Mapping[str, object]], name: str) -> pd.DataFrame:
    """Return `rows` as the table `name`: all its columns in order, typed, index 0…n-1; absent columns are empty."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    columns = {}
    for spec in TABLES[name].columns:
        values = frame[spec.name] if spec.name in frame.columns else pd.Series([None] * len(frame), dtype=object)
        if spec.is_numeric:
            columns[spec.name] = pd.to_numeric(values).to_numpy(dtype=float)
        else:
            columns[spec.name] = np.array(["" if pd.isna(v) else str(v) for v in values], dtype=object)
    return pd.DataFrame(columns, columns=list(TABLE_COLUMNS[name]))


def is_placed(frame: pd.DataFrame) -> pd.Series:
    """Tell for each row whether it has a place."""
    return frame["lon"].notna() & frame["lat"].notna()


def plane_km(lon: npt.ArrayLike, lat: npt.ArrayLike, *, lat0: float) -> FloatArray:
    """Return east and north kilometres, shape (n, 2), true at latitude `lat0`; for places of one county."""
    x = np.asarray(lon, dtype=float) * np.cos(np.radians(lat0)) * _KM_PER_DEGREE
    return np.column_stack([x, np.asarray(lat, dtype=float) * _KM_PER_DEGREE])


def haversine_km(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> FloatArray:
    """Return great-circle kilometres (mean Earth radius), element by element; NaN where a place is missing."""
    a, b, c, d = (np.radians(np.asarray(v, dtype=float)) for v in (lon1, lat1, lon2, lat2))
    h = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h)), dtype=float)
