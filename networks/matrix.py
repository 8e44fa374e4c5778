"""Travel matrix: minutes and metres between labelled places, read by label only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.errors import InputError, Problem
from geodata.messages import Message

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TravelMatrix:
    """Minutes and metres along the fastest way from every origin to every destination.

    Attributes
    ----------
    origin_ids, destination_ids
        Labels of rows and columns; unique each.
    minutes, metres
        Arrays of shape ``(len(origin_ids), len(destination_ids))``. `metres` is the length of the fastest way.
        ``inf`` in both: not reachable, or beyond `cutoff_min`. Never NaN, never a filled zero.
    profile
        Speed profile the minutes hold for (``truck``, ``minivan``, ``tricycle`` …).
    provider
        ``road graph`` or ``straight line``: printed on every output.
    detour_factor
        Road over straight-line length assumed by the straight-line provider; None for a road graph.
    cutoff_min
        Cut-off in minutes, or None.
    """

    origin_ids: tuple[str, ...]
    destination_ids: tuple[str, ...]
    minutes: FloatMatrix
    metres: FloatMatrix
    profile: str
    provider: str
    detour_factor: float | None = None
    cutoff_min: float | None = None

    def __post_init__(self) -> None:
        shape = (len(self.origin_ids), len(self.destination_ids))
        if self.minutes.shape != shape or self.metres.shape != shape:
            msg = f"matrix shape {self.minutes.shape}/{self.metres.shape} does not fit labels {shape}"
            raise ValueError(msg)
        if len(set(self.origin_ids)) != shape[0] or len(set(self.destination_ids)) != shape[1]:
            msg = "labels of a travel matrix must be unique"
            raise ValueError(msg)
        for values in (self.minutes, self.metres):
            if np.isnan(values).any() or (values < 0).any():
                msg = "a travel matrix holds no NaN and no negative value"
                raise ValueError(msg)
            values.flags.writeable = False
        if not np.array_equal(np.isinf(self.minutes), np.isinf(self.metres)):
            msg = "minutes and metres must be unreachable together"
            raise ValueError(msg)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.origin_ids)}

    @cached_property
    def _columns(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.destination_ids)}

    def minutes_between(self, origin: str, destination: str) -> float:
        """Return the minutes from `origin` to `destination`; ``inf`` if unreachable. KeyError on unknown labels."""
        return float(self.minutes[self._rows[origin], self._columns[destination]])

    def metres_between(self, origin: str, destination: str) -> float:
        """Return the metres from `origin` to `destination`; ``inf`` if unreachable. KeyError on unknown labels."""
        return float(self.metres[self._rows[origin], self._columns[destination]])

    def sub(self, origins: Sequence[str], destinations: Sequence[str]) -> tuple[FloatMatrix, FloatMatrix]:
        """Return (minutes, metres) for the given labels in the given order."""
        rows = np.array([self._rows[label] for label in origins], dtype=np.intp)
        columns = np.array([self._columns[label] for label in destinations], dtype=np.intp)
        index = np.ix_(rows, columns)
        return self.minutes[index], self.metres[index]


#: Columns of a travel table from elsewhere.
FRAME_COLUMNS = ("origin_id", "destination_id", "minutes", "metres")
EXTERNAL_PROVIDER = "external matrix"


def matrix_from_frame(
    frame: pd.DataFrame, *, profile: str = "external", provider: str = EXTERNAL_PROVIDER
) -> TravelMatrix:
    """Return the matrix of a long table made elsewhere, for example by a map service.

    Parameters
    ----------
    frame
        One row a pair with the columns of `FRAME_COLUMNS`. A pair that is missing, or has neither minutes nor
        metres, is not reachable; nothing is filled in, not even the way of a place to itself.
    profile, provider
        As in `TravelMatrix`.

    Returns
    -------
    TravelMatrix
        Labels in the order of their first appearance.

    Raises
    ------
    InputError
        If a column is missing, a pair stands twice, or a value is negative, no number, or given only half.
    """
    missing = [name for name in FRAME_COLUMNS if name not in frame.columns]
    if missing:
        raise _refuse([Problem("error", "matrix_column_missing", table="travel", column=name) for name in missing])
    origin, destination = frame["origin_id"].astype(str), frame["destination_id"].astype(str)
    values = [pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float) for name in FRAME_COLUMNS[2:]]
    problems = _frame_problems(frame, origin, destination, values)
    if problems:
        raise _refuse(problems)
    row, origin_ids = pd.factorize(origin)
    column, destination_ids = pd.factorize(destination)
    matrices = []
    for value in values:
        matrix = np.full((len(origin_ids), len(destination_ids)), np.inf)
        matrix[row, column] = np.where(np.isnan(value), np.inf, value)
        matrices.append(matrix)
    return TravelMatrix(tuple(origin_ids), tuple(destination_ids), matrices[0], matrices[1], profile, provider)


def _frame_problems(
    frame: pd.DataFrame, origin: pd.Series, destination: pd.Series, values: Sequence[FloatMatrix]
) -> list[Problem]:
    """List duplicate pairs and bad values; rows as a person counts them, the heading being row 1."""
    minutes, metres = values
    is_text = np.zeros(len(frame), dtype=bool)
    for name, value in zip(FRAME_COLUMNS[2:], values, strict=True):
        is_text |= np.isnan(value) & frame[name].notna().to_numpy()
    is_bad = is_text | (minutes < 0) | (metres < 0)
    is_bad |= (np.isnan(minutes) | np.isinf(minutes)) != (np.isnan(metres) | np.isinf(metres))
    is_double = pd.DataFrame({"origin": origin, "destination": destination}).duplicated().to_numpy()
    return [
        Problem(
            "error",
            code,
            table="travel",
            row=int(i) + 2,
            params={
                "origin": origin.iloc[i],
                "destination": destination.iloc[i],
                "minutes": str(frame["minutes"].iloc[i]),
                "metres": str(frame["metres"].iloc[i]),
            },
        )
        for code, mask in (("matrix_value_invalid", is_bad), ("matrix_pair_duplicate", is_double))
        for i in np.flatnonzero(mask)
    ]


def _refuse(problems: Sequence[Problem]) -> InputError:
    return InputError(Message("matrix_unusable", {"count": len(problems)}), problems)
