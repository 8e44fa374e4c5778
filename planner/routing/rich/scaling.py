"""Whole numbers for search engines that know no others: units of length, time, load and money that keep a problem's costs exact.

Where all figures of a kind are whole in some small unit (metres, tenths of a minute …) that unit is taken and nothing is
rounded. Otherwise minutes become hundredths of a second, rounded against the vehicle, and metres decimetres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntMatrix = npt.NDArray[np.int64]

#: Units tried before rounding.
EXACT_FACTORS = (1, 10, 60, 100, 1000)
#: Units per minute and per metre where nothing fits.
FINE_TIME = 6_000
FINE_LENGTH = 10
#: Units of the largest capacity where loads are not whole.
FINE_LOAD = 1_000_000
#: Largest number of money units of the cheapest rate.
FINE_MONEY = 1_000
#: What rounds to a whole number.
WHOLE = 1e-6
#: An arc that does not exist, in any unit: far above every real one, far below overflow.
NO_ARC = 10**11
#: A time or load that never binds.
NEVER = 10**13


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` whole units are one of ours; `is_exact`: nothing is rounded."""

    factor: float
    is_exact: bool

    def up(self, value: float) -> int:
        """Return `value` in whole units, rounded up (``inf``: `NEVER`)."""
        return _bounded(value, self.factor, math.ceil, -WHOLE)

    def down(self, value: float) -> int:
        """Return `value` in whole units, rounded down (``inf``: `NEVER`)."""
        return _bounded(value, self.factor, math.floor, WHOLE)

    def arcs(self, values: npt.NDArray[np.floating]) -> IntMatrix:
        """Return arcs in whole units, rounded up where rounding is needed; `NO_ARC` where there is no way."""
        scaled = values * self.factor
        known = np.isfinite(scaled)
        with np.errstate(invalid="ignore"):
            whole = np.where(known, np.ceil(scaled - (0.5 if self.is_exact else WHOLE)), NO_ARC)
        return np.minimum(whole, NO_ARC).astype(np.int64)


def _bounded(value: float, factor: float, rounding: type[int] | object, slack: float) -> int:
    if not math.isfinite(value):
        return NEVER if value > 0 else 0
    return int(min(NEVER, rounding(value * factor + slack)))  # type: ignore[operator]


def fitting_unit(values: Iterable[npt.ArrayLike], fine: float) -> Unit:
    """Return the coarsest of `EXACT_FACTORS` in which all finite `values` are whole, or else `fine`."""
    arrays = [np.asarray(v, dtype=float).ravel() for v in values]
    finite = [a[np.isfinite(a)] for a in arrays]
    for factor in EXACT_FACTORS:
        if all(_is_whole(a, factor) for a in finite):
            return Unit(float(factor), is_exact=True)
    return Unit(float(fine), is_exact=False)


def _is_whole(values: npt.NDArray[np.float64], factor: float) -> bool:
    head = values[:1000] * factor  # most refusals show early
    if np.any(np.abs(head - np.round(head)) > WHOLE):
        return False
    scaled = values * factor
    return bool(np.all(np.abs(scaled - np.round(scaled)) <= WHOLE))


def load_unit(loads: Sequence[float], capacities: Sequence[float]) -> Unit:
    """Return the unit of one load dimension: whole loads divided by their common measure, or millionths of a vehicle."""
    finite = [c for c in capacities if math.isfinite(c)]
    unit = fitting_unit([np.array(loads, dtype=float)], 0.0)
    if unit.is_exact:
        whole = [round(q * unit.factor) for q in loads]
        return Unit(unit.factor / max(1, math.gcd(*whole)), is_exact=True)
    return Unit(FINE_LOAD / max([*finite, 1e-9]), is_exact=False)


def money_unit(rates: Iterable[float]) -> float:
    """Return money units per CNY such that rates (CNY per whole unit of length or time) are whole, or nearly so.

    Rates in small whole proportions stay exact; others keep three digits of the smallest.
    """
    known = sorted({rate for rate in rates if rate > 0.0})
    if not known:
        return 1.0
    for count in range(1, 101):
        scaled = [rate / known[0] * count for rate in known]
        if all(abs(s - round(s)) <= WHOLE * s for s in scaled):
            return count / known[0]
    return FINE_MONEY / known[0]
