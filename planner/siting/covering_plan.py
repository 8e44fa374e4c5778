"""Covering plan with a revenue test: forecast parcels, share them out, cover the most of them, see which centres pay.

The four steps of the published plan for rural Lhasa, with this library's own models: seasonal exponential smoothing,
allocation by indicators, maximal covering (`planner.siting.registry`, model ``max_coverage``) and a yearly balance of
every chosen centre. A centre that does not pay is kept in the plan and named: whether it is carried as a public
service is a decision, not a result.

Source of the method: Q. Zhang and H. Mao, Sustainability 14 (2022) 5563. Smoothing: C. C. Holt, 1957; P. R. Winters,
1960.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.problems.siting import Floats, SitingProblem
from planner.siting.registry import solve_model
from planner.siting.selection import SiteSelection, SolveLimits

DAYS_PER_YEAR = 365.0
DEFAULT_LIMITS = SolveLimits()
_GRID = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seasonal forecast.

    Attributes
    ----------
    values
        Forecast periods.
    smoothing
        Weights of level, trend and season that fitted best.
    error_share
        Root mean square of the one-step errors after the first year, over the mean.
    """

    values: tuple[float, ...]
    smoothing: tuple[float, float, float]
    error_share: float


def holt_winters(series: Sequence[float], ahead: int, *, season: int = 12) -> Forecast:
    """Forecast `ahead` periods by Holt–Winters with a linear trend and multiplicative season.

    ``l_t = α·y_t/s_{t-m} + (1-α)(l + b)``, ``b_t = β(l_t - l_{t-1}) + (1-β)b``, ``s_t = γ·y_t/l_t + (1-γ)s_{t-m}``;
    forecast ``(l + h·b)·s``. Start: level and season of the first year, trend between the first two. α, β, γ are
    those of a fixed grid with the least squared one-step error, so the result is reproducible.

    Raises
    ------
    InputError
        If there are fewer than two whole seasons, or a value is not above 0.
    """
    y = np.asarray(series, dtype=np.float64)
    if y.size < 2 * season:
        raise InputError(Message("covering_too_few_months", {"needed": 2 * season, "given": int(y.size)}))
    if not (np.isfinite(y).all() and (y > 0.0).all()):
        problem = Problem("error", "land_bad_number", table="series", column="parcels", params={"id": "series"})
        raise InputError(Message("land_input_refused", {"count": 1}), [problem])
    weights = min(
        itertools.product(_GRID, _GRID, _GRID), key=lambda weights: (_smooth(y, season, weights, ahead)[0], weights)
    )
    squares, found = _smooth(y, season, weights, ahead)
    values = tuple(float(max(0.0, value)) for value in found)
    return Forecast(values, weights, math.sqrt(squares / (y.size - season)) / float(y.mean()))


def _smooth(y: Floats, season: int, weights: tuple[float, float, float], ahead: int) -> tuple[float, Floats]:
    alpha, beta, gamma = weights
    level = float(y[:season].mean())
    trend = (float(y[season : 2 * season].mean()) - level) / season
    factors = [float(v) / level for v in y[:season]]
    # The mean of the first year stands at its middle; bring it to its end.
    level += trend * (season - 1) / 2.0
    factors = [f * float(y[:season].mean()) / (level - trend * (season - 1 - i)) for i, f in enumerate(factors)]
    squares = 0.0
    for t in range(season, y.size):
        expected = (level + trend) * factors[t - season]
        squares += (float(y[t]) - expected) ** 2
        before = level
        level = alpha * float(y[t]) / factors[t - season] + (1.0 - alpha) * (level + trend)
        trend = beta * (level - before) + (1.0 - beta) * trend
        factors.append(gamma * float(y[t]) / level + (1.0 - gamma) * factors[t - season])
    last = factors[-season:]
    found = np.array([(level + (h + 1) * trend) * last[h % season] for h in range(ahead)])
    return squares, found


def share_out(total: float, indicators: Mapping[str, Sequence[float]], weights: Mapping[str, float]) -> Floats:
    """Return `total` shared over places by weighted indicators, each scaled to sum 1 (population, output, …).

    ``q_i = total · Σ_k w_k · x_ik / Σ_i x_ik``, weights scaled to sum 1.

    Raises
    ------
    ValueError
        If an indicator or the weights sum to 0, or a value is negative.
    """
    whole = sum(weights[name] for name in indicators)
    parts = np.zeros(len(next(iter(indicators.values()))))
    for name in sorted(indicators):
        values = np.asarray(indicators[name], dtype=np.float64)
        if whole <= 0.0 or weights[name] < 0.0 or (values < 0.0).any() or values.sum() <= 0.0:
            msg = f"indicator {name} or the weights cannot share anything out"
            raise ValueError(msg)
        parts += weights[name] / whole * values / values.sum()
    return total * parts


@dataclass(frozen=True, slots=True)
class CentreEconomy:
    """Money of a centre.

    Attributes
    ----------
    margin_cny_per_parcel
        What a parcel leaves after its own handling and transport.
    base_cny_per_year
        Fixed cost of the smallest centre (instalment, rent, one clerk).
    step_cny_per_year, step_parcels_per_day
        Fixed cost of every further clerk and van, and the parcels a day each takes.
    """

    margin_cny_per_parcel: float
    base_cny_per_year: float
    step_cny_per_year: float = 0.0
    step_parcels_per_day: float = math.inf

    def balance_cny_per_year(self, parcels_per_day: float) -> float:
        """Return revenue less cost of a year."""
        steps = max(0, math.ceil(parcels_per_day / self.step_parcels_per_day) - 1)
        return (
            DAYS_PER_YEAR * parcels_per_day * self.margin_cny_per_parcel
            - self.base_cny_per_year
            - steps * self.step_cny_per_year
        )


@dataclass(frozen=True, slots=True)
class CentreBalance:
    """A chosen centre: its parcels and its balance."""

    site: int
    parcels_per_day: float
    balance_cny_per_year: float

    @property
    def is_profitable(self) -> bool:
        """Tell whether it pays."""
        return self.balance_cny_per_year >= 0.0


@dataclass(frozen=True, slots=True)
class CoveringPlan:
    """Chosen centres with their balance, and the share of parcels covered."""

    selection: SiteSelection
    centres: tuple[CentreBalance, ...]
    covered_share: float

    @property
    def profitable_count(self) -> int:
        """Return the centres that pay."""
        return sum(centre.is_profitable for centre in self.centres)


def plan_covering(
    problem: SitingProblem,
    radius_m: float,
    economy: CentreEconomy,
    *,
    limits: SolveLimits = DEFAULT_LIMITS,
) -> CoveringPlan:
    """Choose `problem.p` centres that cover the most parcels within `radius_m`, and test each one's revenue.

    A covered place goes to its nearest open centre.
    """
    found = solve_model("max_coverage", problem, limits=limits, radius=radius_m)
    metres = np.full(problem.distance.shape, np.inf)
    rows = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr))
    metres[rows, problem.distance.indices] = problem.distance.data
    taken = dict.fromkeys(found.open_sites, 0.0)
    for i in range(problem.demand_count):
        near = [(float(metres[i, j]), j) for j in found.open_sites if metres[i, j] <= radius_m]
        if near:
            taken[min(near)[1]] += float(problem.weight[i])
    centres = tuple(CentreBalance(j, load, economy.balance_cny_per_year(load)) for j, load in sorted(taken.items()))
    whole = float(problem.weight.sum())
    return CoveringPlan(found, centres, sum(taken.values()) / whole if whole > 0.0 else 0.0)


def coverage_table(
    problem: SitingProblem, radii_m: Sequence[float], counts: Sequence[int], *, limits: SolveLimits = DEFAULT_LIMITS
) -> tuple[tuple[float, int, float], ...]:
    """Return (radius, number of centres, covered share) for every pair: the table to choose the number from."""
    whole = float(problem.weight.sum())
    table = []
    for radius in radii_m:
        for count in counts:
            found = solve_model("max_coverage", replace(problem, p=count), limits=limits, radius=radius)
            covered = -(found.report.objective or 0.0)
            table.append((float(radius), int(count), covered / whole))
    return tuple(table)
