"""How a locker's parcels vary from day to day: the day a locker is sized for.

The number of parcels of a day is Poisson around a level; the level itself varies from day to day with a coefficient
of variation and from month to month with the season. A gamma-distributed level makes the day's number negative
binomial: variance = mean + (cv·mean)².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import optimize, special

DAYS_PER_YEAR = 365
#: ``count``: Poisson, or negative binomial with cv > 0; ``normal``: normal with the same mean and variance.
DayKind = Literal["count", "normal"]
_FLAT = (1.0,)


@dataclass(frozen=True, slots=True)
class DayVariation:
    """Variation of a day's parcels around the yearly mean.

    Attributes
    ----------
    cv
        Coefficient of variation of the day's level (0: pure Poisson).
    season
        Level of equally long periods of the year (twelve months, or one entry), scaled to mean 1.
    kind
        Distribution.
    """

    cv: float = 0.0
    season: tuple[float, ...] = _FLAT
    kind: DayKind = "count"

    def __post_init__(self) -> None:
        is_fine = (
            math.isfinite(self.cv) and self.cv >= 0.0 and self.season and all(0.0 <= v < math.inf for v in self.season)
        )
        if not is_fine or sum(self.season) <= 0.0:
            msg = f"not a variation of days: cv {self.cv}, season {self.season}"
            raise ValueError(msg)
        mean = sum(self.season) / len(self.season)
        object.__setattr__(self, "season", tuple(v / mean for v in self.season))

    def share_up_to(self, parcels: int, mean: float) -> float:
        """Return the share of days with at most `parcels`, when the yearly mean is `mean`."""
        return sum(self._below(parcels, mean * level) for level in self.season) / len(self.season)

    def _below(self, parcels: int, mean: float) -> float:
        if parcels < 0:
            return 0.0
        if mean <= 0.0:
            return 1.0
        if self.kind == "normal":
            spread = math.sqrt(mean + (self.cv * mean) ** 2)
            return float(special.ndtr((parcels + 0.5 - mean) / spread))
        if self.cv < 1e-6:  # noqa: PLR2004 - below that the level hardly moves
            return float(special.pdtr(parcels, mean))
        size = 1.0 / self.cv**2
        return float(special.betainc(size, parcels + 1.0, size / (size + mean)))

    def quantile(self, mean: float, share: float) -> int:
        """Return the fewest parcels that are not exceeded on `share` of the days of the year (0 < share < 1)."""
        return _quantile(self, float(mean), float(share))

    def largest_mean(self, parcels: int, share: float) -> float:
        """Return the largest yearly mean with at most `parcels` on `share` of the days (rounded down by bisection)."""
        return _largest_mean(self, parcels, share)

    def days(self, mean: float, count: int = 20) -> tuple[float, ...]:
        """Return `count` equally likely days (quantiles at the middles), scaled so that their mean is `mean`."""
        found = [float(self.quantile(mean, (i + 0.5) / count)) for i in range(count)]
        whole = sum(found)
        return tuple(value * mean * count / whole for value in found) if whole > 0.0 else (float(mean),)


@lru_cache(maxsize=200_000)
def _quantile(variation: DayVariation, mean: float, share: float) -> int:
    if not (0.0 < share < 1.0 and mean >= 0.0 and math.isfinite(mean)):
        msg = f"a share strictly between 0 and 1 and a mean at or above 0, not {share} and {mean}"
        raise ValueError(msg)
    low, high = -1, max(8, math.ceil(2 * mean * max(variation.season)))
    while variation.share_up_to(high, mean) < share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if variation.share_up_to(middle, mean) >= share:
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=50_000)
def _largest_mean(variation: DayVariation, parcels: int, share: float) -> float:
    low, high = 0.0, parcels + 1.0
    while variation.share_up_to(parcels, high) >= share:
        high *= 2.0
    for _ in range(50):
        middle = (low + high) / 2.0
        if variation.share_up_to(parcels, middle) >= share:
            low = middle
        else:
            high = middle
    return low


#: No variation but chance.
EVERY_DAY_ALIKE = DayVariation()


def cv_of_peak(peak_factor: float, *, days: int = DAYS_PER_YEAR) -> float:
    """Return the coefficient of variation with which the highest of `days` days is `peak_factor` times the mean.

    The level is gamma distributed with mean 1; its quantile at ``1 - 1/days`` is the peak. A factor of 1 or less
    gives 0.

    Raises
    ------
    ValueError
        If no gamma level has such a peak (above about 20 for a year).
    """
    if peak_factor <= 1.0:
        return 0.0
    share = 1.0 - 1.0 / days

    def excess(cv: float) -> float:
        size = 1.0 / cv**2
        return float(special.gammaincinv(size, share)) / size - peak_factor

    grid = np.geomspace(1e-3, 3.0, 60)
    above = next((i for i, cv in enumerate(grid) if excess(float(cv)) >= 0.0), None)
    if above is None:
        msg = f"no day-to-day variation gives a peak day of {peak_factor} times the mean"
        raise ValueError(msg)
    if above == 0:
        return float(grid[0])
    return float(optimize.brentq(excess, float(grid[above - 1]), float(grid[above]), xtol=1e-12))
