"""What a roll-out decides, year by year, and how far each year is from the best it could have been alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.plan import PlanProblem
from planner.reports import SolveReport
from planner.rollout.problem import RolloutProblem
from planner.siting.result import SitingResult, Unserved


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """The best a year could be if nothing bound it but today's network and all money up to it.

    Attributes
    ----------
    value
        Best value known (CNY of a mean day, or need served), never worse than the roll-out's own.
    bound
        No plan of the year is better: below `value` for cost, above it for need.
    open_ids
        Sites of that plan.
    """

    value: float
    bound: float
    open_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class YearPlan:
    """One year of the roll-out.

    Attributes
    ----------
    problem, siting
        The year as a problem, and its sites and allocation.
    cost_cny_per_day
        The siting model's cost (docs/model.md §3) of a mean day of the year.
    need
        Persons or parcels a day served.
    spent_cny
        Investment of the year: new sites and closings.
    vehicles_cny
        Investment of the year in vehicles.
    opened, closed
        Sites that open, or close, in the year; today's network is where the first year starts.
    alone
        The year's own best.
    """

    problem: PlanProblem
    siting: SitingResult
    cost_cny_per_day: float
    need: float
    spent_cny: float
    vehicles_cny: float
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    alone: Alone


@dataclass(frozen=True, slots=True)
class VillageYear:
    """When a village is reached.

    Attributes
    ----------
    village_code
        Village.
    served
        Year from which it is served, counted from 1; 0: today, at a point of its own that stays; None: not within the years.
    own_point
        Year from which it has a point of its own, counted alike; None: not within the years.
    reason
        Why it is not served a year earlier (or not at all), found by really adding it to the year before; None: there is no earlier.
    """

    village_code: str
    served: int | None
    own_point: int | None
    reason: Unserved | None


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """A roll-out.

    Attributes
    ----------
    asked
        The problem.
    years
        One a year.
    villages
        One a village of the list, sorted by code.
    covered
        Persons within the access standard of their point, a year.
    report
        Discounted cost over all years in CNY, or minus the discounted need, with the proved bound.
    """

    asked: RolloutProblem
    years: tuple[YearPlan, ...]
    villages: tuple[VillageYear, ...]
    covered: tuple[float, ...]
    report: SolveReport

    def year_of_site(self) -> Mapping[str, int]:
        """Return site → year (from 1) in which it opens."""
        return {site: t for t, year in enumerate(self.years, start=1) for site in year.opened}

    def regret(self, year: int) -> tuple[float, float]:
        """Return how much worse a year (from 0) is than its own best: found, and at most (by the bound)."""
        plan = self.years[year]
        sign, value = (1.0, plan.cost_cny_per_day) if self.asked.objective == "cost" else (-1.0, plan.need)
        return max(0.0, sign * (value - plan.alone.value)), max(0.0, sign * (value - plan.alone.bound))
