"""The check of savings afterwards: each village against itself, less what happened where nothing changed.

::

    d_v     = baseline_v - now_v                                   (CNY a parcel, a pair a village)
    saving  = mean of d over changed villages - mean of d over comparison villages
    95 %    = saving ± t(0.975, ν) · sqrt(s1²/n1 + s0²/n0)          ν by Welch and Satterthwaite

Without two comparison villages the second term is left out (plain paired t interval) and the report says that what
would have happened anyway is not taken off. Groups are fixed in the template, before any figure is known. Villages
that lack one of the two figures are left out and counted; every village counts the same, whatever its parcels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Savings:
    """What was found.

    Attributes
    ----------
    saving_cny_per_parcel, low, high
        Estimate and interval; None where fewer than two changed villages have both figures.
    changed, comparison
        Villages with both figures.
    left_out
        Villages that lack one.
    uses_comparison
        Whether comparison villages were taken off.
    """

    saving_cny_per_parcel: float | None
    low: float | None
    high: float | None
    changed: int
    comparison: int
    left_out: int
    uses_comparison: bool

    @property
    def is_shown(self) -> bool:
        """Whether the interval lies above zero: a saving is shown."""
        return self.low is not None and self.low > 0.0


def savings(villages: pd.DataFrame) -> Savings:
    """Estimate the saving a parcel from the sheet of villages."""
    ordered = villages.sort_values("village_code")
    drop = ordered["baseline_cny_per_parcel"] - ordered["now_cny_per_parcel"]
    groups = [
        drop[(ordered["compared_as"] == name) & drop.notna()].to_numpy(float) for name in ("changed", "comparison")
    ]
    changed, comparison = groups
    uses = len(comparison) >= _LEAST
    counts = (len(changed), len(comparison), int(drop.isna().sum()), uses)
    if len(changed) < _LEAST:
        return Savings(None, None, None, *counts)
    mean = float(changed.mean()) - (float(comparison.mean()) if uses else 0.0)
    half = _half_width(changed, comparison if uses else None)
    return Savings(mean, mean - half, mean + half, *counts)


def _half_width(changed: npt.NDArray[np.float64], comparison: npt.NDArray[np.float64] | None) -> float:
    parts = [
        (float(group.var(ddof=1)) / len(group), len(group) - 1) for group in (changed, comparison) if group is not None
    ]
    variance = math.fsum(part for part, _ in parts)
    if variance <= 0.0:
        return 0.0
    freedom = variance**2 / math.fsum(part**2 / free for part, free in parts)
    return float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, freedom)) * math.sqrt(variance)
