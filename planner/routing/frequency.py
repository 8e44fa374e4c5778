"""Visit frequency as a decision: weekday patterns of a station's points, what a week of rounds costs, how long parcels wait.

A visit carries the parcels of all days since the visit before it. Legend: q daily parcels, g days between two visits; a parcel
that arrives at any moment of the week waits ``Σ g² / 14`` days on the mean, and ``q · Σ g² / 14`` parcels lie in stock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from planner.problems.standard import RoutingSettings
from planner.routing.buses.trucks import breaks_triangle
from planner.routing.round_problem import ParcelFigures, RoundProblem
from planner.routing.rounds_solve import DepotOutcome, solve_depot

WEEK = 7
#: Patterns offered where the scenario names none: evenly spread days, 1 Monday to 7 Sunday.
PATTERNS = ("14", "25", "36", "135", "246", "1246", "1356", "12345", "123456", "1234567")


def gaps(pattern: str) -> dict[int, int]:
    """Return visiting weekday → days since the visit before (a single visit: 7)."""
    days = sorted(int(d) for d in pattern)
    return {day: (day - days[i - 1]) % WEEK or WEEK for i, day in enumerate(days)}


def waiting_days(pattern: str) -> float:
    """Return the mean days a parcel waits for the next visit: ``Σ g² / 14``."""
    return sum(g * g for g in gaps(pattern).values()) / (2.0 * WEEK)


@dataclass(frozen=True, slots=True)
class FrequencyPoint:
    """A point with its parcels a day and the fewest visits it must get."""

    point_id: str
    delivery_per_day: float
    pickup_per_day: float
    least_visits: int = 2

    @property
    def parcels_per_day(self) -> float:
        """Both directions."""
        return self.delivery_per_day + self.pickup_per_day


@dataclass(frozen=True, slots=True)
class DayCost:
    """Rounds of one weekday: CNY, proved lower bound (None: none), and the trips."""

    cny: float
    bound: float | None
    outcome: DepotOutcome


@dataclass(eq=False)
class FrequencyProblem:
    """A station's points, the patterns they may take, and its round (loads are replaced day by day).

    Attributes
    ----------
    round
        Depot, ways and vehicle types; a stop a point, in the same order.
    points
        Points.
    patterns
        Weekdays as digits.
    waiting_cny_per_parcel_day
        What a day of a parcel's waiting counts in the choice.
    """

    round: RoundProblem
    points: tuple[FrequencyPoint, ...]
    patterns: tuple[str, ...]
    parcel: ParcelFigures
    settings: RoutingSettings
    waiting_cny_per_parcel_day: float = 0.0
    solved: dict[tuple[tuple[int, int], ...], DayCost] = field(default_factory=dict)

    def allowed(self, p: int) -> tuple[str, ...]:
        """Return the patterns a point may take."""
        return tuple(r for r in self.patterns if len(r) >= self.points[p].least_visits)

    def day(self, visits: Mapping[int, int]) -> DayCost:
        """Solve a day's rounds, once; `visits` is point → days of parcels."""
        key = tuple(sorted(visits.items()))
        if key not in self.solved:
            stops = tuple(
                self.parcel.stop(
                    self.points[p].point_id, g * self.points[p].delivery_per_day, g * self.points[p].pickup_per_day
                )
                for p, g in key
            )
            round_ = replace(self.round.select(tuple(p for p, _ in key)), stops=stops, days_per_week=WEEK)
            outcome = solve_depot(round_, self.parcel, self.settings)
            bound = None if outcome.dropped else outcome.bound
            self.solved[key] = DayCost(outcome.cny, bound, outcome)
        return self.solved[key]

    def visits_of(self, chosen: Sequence[str]) -> dict[int, dict[int, int]]:
        """Return weekday → point → days of parcels for a pattern a point."""
        days: dict[int, dict[int, int]] = {day: {} for day in range(1, WEEK + 1)}
        for p, pattern in enumerate(chosen):
            for day, gap in gaps(pattern).items():
                days[day][p] = gap
        return days

    def rounds_cny_per_day(self, chosen: Sequence[str]) -> float:
        """Return the rounds of the week over 7, CNY of a mean day."""
        return math.fsum(self.day(visits).cny for visits in self.visits_of(chosen).values() if visits) / WEEK

    def dropped(self, chosen: Sequence[str]) -> frozenset[str]:
        """Return points some visit of which no vehicle can make."""
        days = (self.day(visits).outcome.dropped for visits in self.visits_of(chosen).values() if visits)
        return frozenset(point for lost in days for point in lost)

    def waiting_parcel_days(self, chosen: Sequence[str]) -> float:
        """Return the days a mean day's parcels wait in all; equally the parcels in stock on the mean."""
        return math.fsum(p.parcels_per_day * waiting_days(r) for p, r in zip(self.points, chosen, strict=True))

    def peak_stock(self, chosen: Sequence[str]) -> float:
        """Return the parcels that lie waiting before the fullest day's rounds."""
        most = 0.0
        for day in range(1, WEEK + 1):
            lying = 0.0
            for point, pattern in zip(self.points, chosen, strict=True):
                before = [(day - int(d)) % WEEK or WEEK for d in pattern]
                lying += min(before) * point.parcels_per_day
            most = max(most, lying)
        return most

    def value(self, chosen: Sequence[str]) -> float:
        """Return rounds plus what waiting counts, CNY of a mean day."""
        return self.rounds_cny_per_day(chosen) + self.waiting_cny_per_parcel_day * self.waiting_parcel_days(chosen)

    def direct_cny(self, p: int, gap: int) -> float | None:
        """Return what own trips of a point with so many days of parcels cost; None: no vehicle can make them."""
        found = self.day({p: gap})
        return None if found.outcome.dropped else found.cny

    @cached_property
    def is_monotone(self) -> bool:
        """Tell whether fewer visits on a day can never cost more (then the bounds hold)."""
        dear, far = breaks_triangle(self.round, frozenset(point.point_id for point in self.points))
        return not dear and not far
