"""Straight ways that go round cuts: a closed road or bridge in a county without a road layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geodata.changes import Cut
from networks.plane import Floats, haversine_m


def straight_metres(origins: Floats, destinations: Floats, cuts: Sequence[Cut] = ()) -> Floats:
    """Return great-circle metres from every origin to every destination, round every cut that lies between.

    Parameters
    ----------
    origins, destinations
        ``(n, 2)`` and ``(m, 2)``: longitude and latitude.
    cuts
        Lines; a way that crosses one goes over the nearer of its ends; with several, the longest of these ways counts.
    """
    metres = _metres(origins, destinations)
    for cut in cuts:
        ends = np.array(cut, dtype=float)
        to_end, from_end = _metres(origins, ends), _metres(ends, destinations)
        around = np.minimum(to_end[:, [0]] + from_end[[0], :], to_end[:, [1]] + from_end[[1], :])
        metres = np.maximum(metres, np.where(crosses(origins, destinations, cut), around, 0.0))
    return metres


def crosses(origins: Floats, destinations: Floats, cut: Cut) -> npt.NDArray[np.bool_]:
    """Tell which straight ways cross a cut, shape (n, m); touching an end is no crossing."""
    p, q = (np.array(end, dtype=float) for end in cut)
    side_a, side_b = _side(p, q, origins)[:, None], _side(p, q, destinations)[None, :]
    a, b = origins[:, None, :], destinations[None, :, :]
    side_p, side_q = _side(a, b, p), _side(a, b, q)
    crossed: npt.NDArray[np.bool_] = (side_a * side_b < 0) & (side_p * side_q < 0)
    return crossed


def _side(a: Floats, b: Floats, point: Floats) -> Floats:
    side: Floats = (b[..., 0] - a[..., 0]) * (point[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
        point[..., 0] - a[..., 0]
    )
    return side


def _metres(a: Floats, b: Floats) -> Floats:
    return haversine_m(a[:, None, 0], a[:, None, 1], b[None, :, 0], b[None, :, 1])
