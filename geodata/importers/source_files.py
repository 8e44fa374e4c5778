"""Reading the files of a data set: present, named as expected, with the columns and numbers they should have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geodata.county import TABLE_COLUMNS, empty_table
from geodata.errors import InputError, Problem
from geodata.frames import FloatArray
from geodata.messages import Message


def read_source_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV in utf-8 (a byte-order mark is dropped) as text, and see that it has `columns`.

    Raises
    ------
    InputError
        If the file is missing (files of similar names are listed), is no CSV, or lacks columns.
    """
    refuse_missing(path)
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _unusable(path, [Problem("error", "import_unreadable", file=path.name, value=str(error))]) from error
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        problems = [Problem("error", "import_missing_column", file=path.name, column=column) for column in lacking]
        raise _unusable(path, problems)
    return frame


def refuse_missing(path: Path) -> None:
    """Raise InputError if a file of the data set is not there, naming what is."""
    if path.is_file():
        return
    folder = path.parent
    found = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    params = {"folder": str(folder), "found": "、".join(found) or "—"}
    problem = Problem("error", "import_file_missing", file=path.name, value=path.name, params=params)
    raise _unusable(path, [problem])


def read_source_layer(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoJSON layer in EPSG:4326.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    refuse_missing(path)
    try:
        frame = gpd.GeoDataFrame(pyogrio.read_dataframe(path))
        return frame.to_crs("EPSG:4326")
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        ValueError,
        AttributeError,
    ) as error:
        raise _unusable(path, [Problem("error", "import_unreadable", file=path.name, value=str(error))]) from error


def numbers(frame: pd.DataFrame, column: str, path: Path) -> FloatArray:
    """Return a text column as numbers, NaN where it is empty.

    Raises
    ------
    InputError
        With one problem a cell that is no number, is negative (but for coordinates) or not finite.
    """
    values = pd.to_numeric(frame[column].str.strip().replace("", None), errors="coerce").to_numpy(dtype=float)
    text = frame[column].str.strip()
    low = -180.0 if column.startswith(("lon", "lat")) else 0.0
    wrong = ((text != "").to_numpy() & ~np.isfinite(values)) | (values < low)
    if wrong.any():
        problems = [
            Problem("error", "import_not_a_number", file=path.name, row=int(i) + 2, column=column, value=text.iloc[i])
            for i in np.flatnonzero(wrong)
        ]
        raise _unusable(path, problems)
    return np.asarray(values, dtype=float)


def empty_tables(*given: str) -> dict[str, pd.DataFrame]:
    """Return empty frames for all county tables but those `given`."""
    return {name: empty_table(name) for name in TABLE_COLUMNS if name not in given}


def _unusable(path: Path, problems: Sequence[Problem]) -> InputError:
    return InputError(Message("import_unusable", {"file": path.name}), problems)
