"""The arrays kernels work on, bundled by name so that a kernel takes few arguments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]


class Arrays(NamedTuple):
    """A cover in both orders.

    The sites that cover row ``i`` are ``row_site[row_start[i]:row_start[i+1]]``, the rows that site ``j`` covers are
    ``site_row[site_start[j]:site_start[j+1]]``; `cost` is empty when every site costs 1.
    """

    row_start: Indices
    row_site: Indices
    site_start: Indices
    site_row: Indices
    weight: Floats
    cost: Floats


class State(NamedTuple):
    """A choice being changed site by site.

    `times` a row is covered, `holder`: sum of the open sites that cover it (the site itself when it is one), `gain`
    of opening
    a closed site, `loss` of closing an open one.
    """

    times: Indices
    holder: Ints
    gain: Floats
    loss: Floats


class Touched(NamedTuple):
    """Sites whose gain the last closing raised.

    `site` lists them, `stamp` tells which closing each was last listed in.
    """

    site: Ints
    stamp: Ints


class Roster(NamedTuple):
    """Open sites: `opened` lists them, `slot` says where each stands in it (-1: closed)."""

    opened: Ints
    slot: Ints
