"""What a roll-out is asked: years, money, growth, what every year must reach, and what counts as best."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.plan import PlanProblem

#: ``cost``: least discounted cost; ``served``: most need served, then least cost.
Objective = Literal["cost", "served"]
#: What is served counts by: parcels a day of served villages, or persons within the access standard of their point.
Need = Literal["parcels", "persons"]
#: Which existing sites stay open whatever happens: all; all but stations; none.
Existing = Literal["stay", "stations_may_close", "may_close"]
_SHARES = ("population_share", "village_point_share", "township_station_share", "village_served_share")


@dataclass(frozen=True, slots=True)
class YearAim:
    """What a year must reach, as shares (0–1) like those of `ServiceStandard`."""

    population_share: float = 0.0
    village_point_share: float = 0.0
    township_station_share: float = 0.0
    village_served_share: float = 0.0


@dataclass(frozen=True, slots=True)
class RolloutLimits:
    """When to stop.

    Attributes
    ----------
    relative_gap
        The search stops when the gap is proved below this.
    node_limit
        Branch-and-bound nodes of each solve; decides the result reproducibly.
    time_limit_s
        For people, in all.
    whole_links
        Up to this many station–point links over all years the model is solved with everything in it; beyond, links that can be
        left out are, and station capacities only come in where a plan breaks one.
    seed
        Seed of the solver.
    """

    relative_gap: float = 0.01
    node_limit: int = 100
    time_limit_s: float = 60.0
    whole_links: int = 3_000
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class RolloutProblem:
    """A county, and how it may be built up over years.

    Attributes
    ----------
    base
        County, travel, standard and settings of the end; its budget is not used.
    budgets_cny
        Money of each year for new sites, closings and vehicles; their number is that of the years.
    volume
        Parcels of each year as a multiple of the county's demand.
    aims
        What each year must reach.
    objective, need
        What is best; what counts as served.
    carries_over
        Whether money not spent may be spent later.
    existing
        Which existing sites stay open whatever happens.
    discount_rate
        A year; the first year counts in full.
    vehicle_prices_cny
        Vehicle type → price of one more vehicle; types not named cost no investment.
    limits
        When to stop.
    """

    base: PlanProblem
    budgets_cny: tuple[float, ...]
    volume: tuple[float, ...]
    aims: tuple[YearAim, ...]
    objective: Objective = "cost"
    need: Need = "persons"
    carries_over: bool = True
    existing: Existing = "stations_may_close"
    discount_rate: float = 0.05
    vehicle_prices_cny: dict[str, float] = field(default_factory=dict)
    limits: RolloutLimits = RolloutLimits()

    @property
    def year_count(self) -> int:
        """Number of years T."""
        return len(self.budgets_cny)

    def weight(self, year: int) -> float:
        """Return the discount factor of a year, counted from 0: ``(1 + r)^-year``."""
        return float((1.0 + self.discount_rate) ** -year)

    def money_by(self, year: int) -> float:
        """Return the money of all years up to `year`, counted from 0."""
        return math.fsum(self.budgets_cny[: year + 1])


def check_rollout(problem: RolloutProblem) -> None:
    """Refuse a roll-out that makes no sense.

    Raises
    ------
    InputError
        With every problem: no year, lists of other lengths, budgets, factors, shares, rates or prices out of range, unknown vehicles.
    """
    found = list(_problems(problem))
    if found:
        raise InputError(Message("rollout_refused", {"count": len(found)}), found)


def _problems(problem: RolloutProblem) -> Iterator[Problem]:
    if not problem.budgets_cny:
        yield Problem("error", "rollout_no_years", column="budgets_cny", value="[]")
    for name, values in (("volume_factors", problem.volume), ("aims", problem.aims)):
        if len(values) != problem.year_count:
            figures = {"years": problem.year_count, "count": len(values)}
            yield Problem("error", "rollout_other_length", column=name, value=str(len(values)), params=figures)
    yield from _figures(problem)
    if not 0.0 <= problem.discount_rate < math.inf:
        yield Problem("error", "rollout_bad_rate", column="discount_rate", value=f"{problem.discount_rate:g}")
    yield from _prices(problem)


def _figures(problem: RolloutProblem) -> Iterator[Problem]:
    for value in problem.budgets_cny:
        if not 0.0 <= value < math.inf:
            yield Problem("error", "rollout_bad_budget", column="budgets_cny", value=f"{value:g}")
    for value in problem.volume:
        if not 0.0 < value < math.inf:
            yield Problem("error", "rollout_bad_volume", column="volume_factors", value=f"{value:g}")
    for aim in problem.aims:
        for name in _SHARES:
            if not 0.0 <= getattr(aim, name) <= 1.0:
                yield Problem("error", "rollout_bad_share", column=f"{name}s", value=f"{getattr(aim, name):g}")


def _prices(problem: RolloutProblem) -> Iterator[Problem]:
    known = sorted(str(name) for name in problem.base.county.vehicles["vehicle_type_id"])
    for name, price in sorted(problem.vehicle_prices_cny.items()):
        if name not in known:
            figures = {"known": ", ".join(known)}
            yield Problem("error", "rollout_unknown_vehicle", column="vehicle_prices", value=name, params=figures)
        if not 0.0 <= price < math.inf:
            yield Problem("error", "rollout_bad_price", column="vehicle_prices", value=f"{name};{price:g}")
