"""Size of a locker: compartments of each size for the design day, their overflow, use and price.

Sizing rule: on the design day (95 % of the days of the year have no more parcels) every size of parcel finds its own
size of compartment taken for at most the target share, ``B(k_s, a_s) ≤ target`` with ``a_s =
parcels·share_s·dwell/24``. Since larger compartments may also take smaller parcels, the true overflow is below that
(`planner.siting.lockers.queue.overflow_bounds`): the rule is on the safe side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from geodata.parameters import Parameters
from planner.costs import annuity_factor
from planner.siting.lockers.days import DAYS_PER_YEAR, EVERY_DAY_ALIKE, DayVariation
from planner.siting.lockers.queue import (
    cells_for_overflow,
    erlang_b,
    erlangs,
    overflow_bounds,
    round_overflow,
    shared_overflow,
)

#: Sizes of compartments, smallest first; glossary keys ``cell_<size>``.
CELL_SIZES = ("small", "medium", "large")
Cells = tuple[int, int, int]
Mix = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LockerLoad:
    """What comes to a locker.

    Attributes
    ----------
    parcels_per_day
        Mean over the year.
    dwell_h
        Mean hours in the compartment.
    days
        Variation of days.
    mix
        Shares of small, medium and large parcels; sum 1.
    rounds_per_day
        Rounds in which the courier fills the locker; None: one by one over the day (M/M/k).
    """

    parcels_per_day: float
    dwell_h: float
    days: DayVariation = EVERY_DAY_ALIKE
    mix: Mix = (0.5, 0.35, 0.15)
    rounds_per_day: int | None = None

    def loads(self, parcels: float) -> tuple[float, ...]:
        """Return the erlangs of each size on a day with `parcels`."""
        return tuple(erlangs(parcels * share, self.dwell_h) for share in self.mix)

    def design_parcels(self, quantile: float = 0.95) -> float:
        """Return the parcels of the design day, never below the mean (tiny lockers have a quantile of 0)."""
        return max(float(self.days.quantile(self.parcels_per_day, quantile)), self.parcels_per_day)


@dataclass(frozen=True, slots=True)
class LockerPrices:
    """What a locker costs.

    Attributes
    ----------
    control_cny
        Price of the control unit (screen, computer, power), whatever the number of compartments.
    cell_cny
        Price of a compartment of each size.
    opex_cny_per_year
        Running a set: power, network, cleaning.
    minimum_cells, maximum_cells
        Smallest and largest set on the market.
    annuity_share
        Yearly instalment of one yuan of price.
    """

    control_cny: float
    cell_cny: Mix
    opex_cny_per_year: float
    minimum_cells: int
    maximum_cells: int
    annuity_share: float

    def price_cny(self, cells: Cells) -> float:
        """Return the price of a set."""
        return self.control_cny + sum(k * price for k, price in zip(cells, self.cell_cny, strict=True))


def locker_prices(parameters: Parameters) -> LockerPrices:
    """Return prices: the set of `locker_compartments_count` in the usual mix costs `locker_price_cny`.

    The control unit takes `locker_control_share` of it; the rest is spread over the compartments in proportion to 1
    (small), `locker_medium_price_ratio` and `locker_large_price_ratio`.
    """
    mix = locker_mix(parameters)
    ratio = (1.0, parameters["locker_medium_price_ratio"], parameters["locker_large_price_ratio"])
    count = parameters["locker_compartments_count"]
    control = parameters["locker_price_cny"] * parameters["locker_control_share"]
    unit = (parameters["locker_price_cny"] - control) / (count * sum(m * r for m, r in zip(mix, ratio, strict=True)))
    entry = parameters.entry("locker_compartments_count")
    return LockerPrices(
        control_cny=control,
        cell_cny=(unit * ratio[0], unit * ratio[1], unit * ratio[2]),
        opex_cny_per_year=parameters["locker_opex_cny_per_year"],
        minimum_cells=int(entry.low or 1),
        maximum_cells=int(entry.high or count),
        annuity_share=annuity_factor(parameters["discount_rate_share"], parameters["site_life_years"]),
    )


def locker_mix(parameters: Parameters) -> Mix:
    """Return the shares of small, medium and large among the parcels that fit."""
    small, medium = parameters["locker_small_share"], parameters["locker_medium_share"]
    return small, medium, 1.0 - small - medium


@dataclass(frozen=True, slots=True)
class LockerSize:
    """A sized locker.

    Attributes
    ----------
    cells
        Compartments by size (`CELL_SIZES`).
    design_parcels
        Parcels of the design day.
    overflow_upper_share, overflow_lower_share
        Bounds on the overflow of the design day.
    overflow_year_share
        Overflow over all days of the year, every size on its own (an upper bound too).
    utilisation_share
        Occupied compartment-hours over available ones, mean of the year (K22).
    turns_per_day
        Parcels a compartment takes a day (K22).
    """

    cells: Cells
    design_parcels: float
    overflow_upper_share: float
    overflow_lower_share: float
    overflow_year_share: float
    utilisation_share: float
    turns_per_day: float


def needed_cells(load: LockerLoad, target_share: float, *, quantile: float = 0.95) -> Cells:
    """Return the fewest compartments of each size that keep the sizing rule."""
    design = load.design_parcels(quantile)
    needed = [_cells_for(load, design * share, target_share) for share in load.mix]
    return needed[0], needed[1], needed[2]


def loss_share(load: LockerLoad, cells: int, parcels: float) -> float:
    """Return the overflow of `cells` compartments of one size on a day with `parcels` of that size.

    Erlang B, or the overflow of rounds; for these parcels are rounded up to quarters, so that days share results.
    """
    if load.rounds_per_day is None:
        return erlang_b(cells, erlangs(parcels, load.dwell_h))
    return _round_loss(cells, math.ceil(4.0 * parcels - 1e-9) / 4.0, load.dwell_h, load.rounds_per_day)


@lru_cache(maxsize=200_000)
def _round_loss(cells: int, parcels: float, dwell_h: float, rounds: int) -> float:
    return round_overflow(cells, parcels, dwell_h, rounds_per_day=rounds)


def _cells_for(load: LockerLoad, parcels: float, target_share: float) -> int:
    """Return the fewest compartments of one size that take `parcels` a day within the target."""
    least = cells_for_overflow(erlangs(parcels, load.dwell_h), target_share) or 0
    if load.rounds_per_day is None or parcels == 0.0:
        return least
    low, high = -1, max(least, 1)
    while loss_share(load, high, parcels) > target_share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if loss_share(load, middle, parcels) <= target_share else (middle, high)
    return high


def fill_up(cells: Cells, minimum: int, mix: Mix) -> Cells:
    """Return `cells` raised to `minimum` in all; what is added follows the parcel mix (larger remainders first)."""
    spare = minimum - sum(cells)
    if spare <= 0:
        return cells
    parts = [spare * share for share in mix]
    added = [math.floor(part) for part in parts]
    order = sorted(range(3), key=lambda s: (added[s] - parts[s], s))
    for s in order[: spare - sum(added)]:
        added[s] += 1
    return cells[0] + added[0], cells[1] + added[1], cells[2] + added[2]


@lru_cache(maxsize=100_000)
def size_locker(
    load: LockerLoad,
    target_share: float,
    *,
    minimum_cells: int = 0,
    maximum_cells: int = 100_000,
    quantile: float = 0.95,
) -> LockerSize | None:
    """Return the smallest locker that keeps the sizing rule, or None if it needs more than `maximum_cells`."""
    cells = fill_up(needed_cells(load, target_share, quantile=quantile), minimum_cells, load.mix)
    return describe(load, cells, quantile=quantile) if sum(cells) <= maximum_cells else None


@lru_cache(maxsize=50_000)
def largest_mean(
    days: DayVariation,
    dwell_h: float,
    mix: Mix,
    maximum_cells: int,
    rule: tuple[float, float] = (0.05, 0.95),
    rounds_per_day: int | None = None,
) -> float:
    """Return the largest yearly mean that `maximum_cells` compartments take within the sizing rule.

    Parameters
    ----------
    days, dwell_h, mix, rounds_per_day
        As in `LockerLoad`.
    maximum_cells
        Compartments in all.
    rule
        (target share, quantile of the design day).
    """
    target, quantile = rule
    load = LockerLoad(0.0, dwell_h, days, mix, rounds_per_day)

    def fits(parcels: int) -> bool:
        return sum(_cells_for(load, parcels * share, target) for share in mix) <= maximum_cells

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return min(days.largest_mean(low, quantile), float(low))


def describe(load: LockerLoad, cells: Cells, *, quantile: float = 0.95) -> LockerSize:
    """Return overflow and use of given compartments under a load."""
    design = load.design_parcels(quantile)
    lower, upper = overflow_bounds(cells, [design * s for s in load.mix], lambda k, n: loss_share(load, k, n))
    lost = overflow_of_year(load, cells)
    held = erlangs(load.parcels_per_day * (1.0 - lost), load.dwell_h)
    count = sum(cells)
    return LockerSize(
        cells=cells,
        design_parcels=design,
        overflow_upper_share=upper,
        overflow_lower_share=lower,
        overflow_year_share=lost,
        utilisation_share=held / count if count else 0.0,
        turns_per_day=load.parcels_per_day * (1.0 - lost) / count if count else 0.0,
    )


def overflow_of_year(load: LockerLoad, cells: Cells, *, days: int = 20) -> float:
    """Return Σ lost parcels / Σ parcels over `days` equally likely days, every size on its own."""
    if load.parcels_per_day == 0.0:
        return 0.0
    lost = total = 0.0
    for parcels in load.days.days(load.parcels_per_day, days):
        total += parcels
        for k, share in zip(cells, load.mix, strict=True):
            lost += parcels * share * loss_share(load, k, parcels * share)
    return lost / total


def exact_design_overflow(load: LockerLoad, cells: Cells, *, quantile: float = 0.95) -> float | None:
    """Return the exact overflow of the design day, larger compartments taking smaller parcels; None if too large.

    For parcels that come one by one (M/M/k).
    """
    return shared_overflow(cells, load.loads(load.design_parcels(quantile)))


def design_overflow_in_rounds(
    load: LockerLoad, cells: Cells, *, rounds_per_day: int = 1, quantile: float = 0.95
) -> float:
    """Return the overflow of the design day if all parcels came in a few rounds, every size on its own.

    A check of lockers sized by M/M/k: the more parcels come at once, the more find no compartment.
    """
    rounds = LockerLoad(load.parcels_per_day, load.dwell_h, load.days, load.mix, rounds_per_day)
    design = load.design_parcels(quantile)
    return sum(share * loss_share(rounds, k, design * share) for k, share in zip(cells, load.mix, strict=True))


def cells_for_served_share(load: LockerLoad, served_share: float) -> int:
    """Return the fewest compartments (one size) that take `served_share` of a year's parcels.

    Below 1: the year's overflow over a grid of 365 days is at most ``1 - served_share``. At 1: the busiest day of the
    year (quantile ``1 - 1/365``) overflows by at most one parcel in a hundred, for no finite locker takes every
    parcel of every year.

    The published London study found that taking 100 % instead of 80 % of the parcels about doubles the compartments.
    Here the reason is the variation of days: the last parcels come on few days, and compartments bought for them
    stand empty on the others. The ratio is 1.2–1.5 when all days are alike, and about 2 at a peak day of 1.5–2 times
    the mean.
    """
    if served_share >= 1.0:
        peak = load.days.quantile(load.parcels_per_day, 1.0 - 1.0 / DAYS_PER_YEAR)
        return cells_for_overflow(erlangs(peak, load.dwell_h), 0.01) or 0
    days = load.days.days(load.parcels_per_day, DAYS_PER_YEAR)
    low, high = 0, max(1, math.ceil(erlangs(max(days), load.dwell_h)) * 4)
    while high - low > 1:
        middle = (low + high) // 2
        lost = sum(d * erlang_b(middle, erlangs(d, load.dwell_h)) for d in days) / sum(days)
        if lost <= 1.0 - served_share:
            high = middle
        else:
            low = middle
    return high
