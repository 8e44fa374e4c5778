"""Travel matrix: minutes and metres between labelled places, read by label only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

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
