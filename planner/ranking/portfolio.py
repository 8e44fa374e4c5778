"""The queue of pilot counties over years: so many a year, within each year's money, what must come first before what."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.ranking.weights import Floats
from planner.reports import SolveReport, Status

_NOT_FEASIBLE = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A county's place in the queue.

    Attributes
    ----------
    county
        Index.
    year
        1 is the first; None: not within the years planned.
    reason
        Why not a year earlier: ``first`` (it is in the first), ``full`` (the year before is full), ``budget``, ``prerequisite``,
        ``order`` (a year earlier would bring less in all), ``never`` (no year has room).
    """

    county: int
    year: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A queue: one place a county, in the order of the counties, and the report of the choice (minimised: minus the benefit)."""

    places: tuple[Place, ...]
    report: SolveReport


def queue_counties(
    benefit: Floats,
    cost_cny: Floats,
    budgets_cny: Sequence[float],
    *,
    per_year: int = 1,
    before: Mapping[int, Sequence[int]] | None = None,
) -> Portfolio:
    """Return the queue with the most benefit: a county that starts in year t of T counts ``benefit · (T − t + 1)``.

    Parameters
    ----------
    benefit
        Score of each county, not negative.
    cost_cny
        Money a county takes in its year.
    budgets_cny
        Money of each year (``inf``: no limit); their number is T.
    per_year
        Most counties a year.
    before
        County → counties that must have started in an earlier year.

    Returns
    -------
    Portfolio
        Always exists: a county that fits nowhere has no year.
    """
    count, years = benefit.size, len(budgets_cny)
    before = before or {}
    value = np.array([[benefit[c] * (years - t) for t in range(years)] for c in range(count)])
    rows, lows, highs = [], [], []

    def row(entries: Mapping[tuple[int, int], float], high: float) -> None:
        line = np.zeros((count, years))
        for place, number in entries.items():
            line[place] = number
        rows.append(line.ravel())
        lows.append(-np.inf)
        highs.append(high)

    for c in range(count):
        row({(c, t): 1.0 for t in range(years)}, 1.0)
    for t in range(years):
        row({(c, t): 1.0 for c in range(count)}, float(per_year))
        if np.isfinite(budgets_cny[t]):
            row({(c, t): float(cost_cny[c]) for c in range(count)}, float(budgets_cny[t]))
    for c, earlier in before.items():
        for other, t in itertools.product(earlier, range(years)):
            row({**{(c, s): 1.0 for s in range(t + 1)}, **{(other, s): -1.0 for s in range(t)}}, 0.0)
    found = milp(
        -value.ravel(),
        constraints=LinearConstraint(np.array(rows), np.array(lows), np.array(highs)),
        integrality=np.ones(value.size),
        bounds=Bounds(0.0, 1.0),
    )
    chosen = np.round(found.x).reshape(count, years) if found.x is not None else np.zeros((count, years))
    year = [int(np.argmax(line)) + 1 if line.any() else None for line in chosen]
    state = _State(cost_cny, tuple(budgets_cny), per_year, {c: tuple(e) for c, e in before.items()}, tuple(year))
    objective = -float((value * chosen).sum())
    bound = float(found.mip_dual_bound) if found.mip_dual_bound is not None else objective
    status: Status = "optimal" if abs(objective - bound) <= 1e-6 * max(1.0, abs(objective)) else "feasible"
    report = SolveReport(status, objective, objective if status == "optimal" else bound, "HiGHS (scipy)")
    return Portfolio(tuple(Place(c, year[c], state.why(c)) for c in range(count)), report)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """A finished queue, to say why a county does not start a year earlier."""

    cost: Floats
    budgets: tuple[float, ...]
    per_year: int
    before: Mapping[int, tuple[int, ...]]
    year: tuple[int | None, ...]

    def why(self, county: int) -> str:
        own = self.year[county]
        if own == 1:
            return "first"
        if own is None:
            return self._why_never(county)
        earlier = own - 1
        if any((self.year[other] or len(self.budgets) + 1) >= earlier for other in self.before.get(county, ())):
            return "prerequisite"
        there = [c for c, y in enumerate(self.year) if y == earlier]
        if len(there) >= self.per_year:
            return "full"
        if sum(float(self.cost[c]) for c in there) + float(self.cost[county]) > self.budgets[earlier - 1] + 1e-6:
            return "budget"
        return "order"

    def _why_never(self, county: int) -> str:
        if all(float(self.cost[county]) > budget + 1e-6 for budget in self.budgets):
            return "budget"
        if any(self.year[other] is None for other in self.before.get(county, ())):
            return "prerequisite"
        return "never"
