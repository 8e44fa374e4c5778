"""Which weekdays each point is visited: a master over patterns, cuts from days whose rounds are really solved.

Master: pattern of every point (0/1), θ of every weekday. For a solved day with visits S (g days of parcels each) and proved bound B,
every weekday obeys ``θ ≥ B − Σ_{p∈S} D_p · (1 − [p visited with at least g_p days])``: rounds never get dearer by fewer visits or
less load, and a point left out saves at most its own trip D. Days are alike, so one solved day cuts all seven.
For small rounds prices π with ``Σ_{p∈T} π_p ≤ cost of trip T`` for every set T give ``θ ≥ Σ π_p · [p visited]`` (the dual of
choosing trips), which holds for every plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from planner.engines.linear import LinearModel
from planner.engines.mathopt import ENGINE, EngineLimits, solve_linear
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.routing.exact_tours import TripTable
from planner.routing.frequency import WEEK, FrequencyProblem, gaps

_HALF = 0.5
#: Largest round whose prices are computed from all its trips.
MOST_PRICED = 12
#: Part of the prices given away against the rounding of the linear solver.
_SAFETY = 1e-7


@dataclass(frozen=True, slots=True)
class FrequencyLimits:
    """When to stop: cases (patterns whose rounds are solved), gap and nodes decide the result; seconds are for people."""

    case_limit: int = 6
    relative_gap: float = 0.002
    node_limit: int = 20_000
    time_limit_s: float = 20.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class FrequencyAnswer:
    """Pattern of every point, in the order of the points; `report` is on rounds plus waiting, CNY of a mean day."""

    chosen: tuple[str, ...]
    report: SolveReport


def best_uniform(problem: FrequencyProblem, visits: int) -> tuple[str, float] | None:
    """Return the best pattern of so many visits for all points alike, and its rounds in CNY of a mean day; None: none offered."""
    options = [r for r in problem.patterns if len(r) == visits]
    priced = [(problem.rounds_cny_per_day((r,) * len(problem.points)), r) for r in options]
    return (min(priced)[1], min(priced)[0]) if priced else None


def choose_patterns(problem: FrequencyProblem, limits: FrequencyLimits | None = None) -> FrequencyAnswer:
    """Choose a pattern a point: least rounds plus waiting.

    Returns
    -------
    FrequencyAnswer
        The best choice found; ``optimal`` only if the bound proves it. No bound where rounds have none or ways break the
        triangle rule.
    """
    return _Search(problem, limits or FrequencyLimits()).run()


class _Search:
    def __init__(self, problem: FrequencyProblem, limits: FrequencyLimits) -> None:
        self.problem, self.limits = problem, limits
        self.steer, self.pattern = self.master()
        self.proof, _ = self.master()
        self.cut: set[tuple[tuple[int, int], ...]] = set()
        self.is_bounded = problem.is_monotone

    def master(self) -> tuple[LinearModel, dict[tuple[int, str], int]]:
        """Return the model with θ of the weekdays first, and (point, pattern) → variable."""
        problem, model = self.problem, LinearModel()
        for _ in range(WEEK):
            model.continuous(1.0 / WEEK)
        pattern = {}
        for p, point in enumerate(problem.points):
            for r in problem.allowed(p):
                wait = sum(g * g for g in gaps(r).values()) / (2.0 * WEEK)
                pattern[p, r] = model.binary(problem.waiting_cny_per_parcel_day * point.parcels_per_day * wait)
            model.row([(pattern[p, r], 1.0) for r in problem.allowed(p)], lower=1.0, upper=1.0)
        return model, pattern

    def run(self) -> FrequencyAnswer:
        n = len(self.problem.points)
        starts = [(r,) * n for r in self.problem.patterns if all(r in self.problem.allowed(p) for p in range(n))]
        best = min(((self.case(chosen), chosen) for chosen in starts), default=(np.inf, ()))
        for prices in self.prices():
            self.price_cut(prices)
        for _ in range(self.limits.case_limit):
            answer = solve_linear(self.steer, self.engine_limits())
            if answer.values is None:
                break
            chosen = tuple(
                next(r for r in self.problem.allowed(p) if answer.values[self.pattern[p, r]] > _HALF) for p in range(n)
            )
            before = len(self.cut)
            best = min(best, (self.case(chosen), chosen))
            is_close = answer.bound is not None and best[0] - answer.bound <= self.limits.relative_gap * best[0]
            if is_close or len(self.cut) == before:
                break
        return self.answer(*best)

    def engine_limits(self) -> EngineLimits:
        limit = self.limits
        return EngineLimits(limit.relative_gap / 2.0, limit.node_limit, limit.time_limit_s, limit.seed)

    def case(self, chosen: Sequence[str]) -> float:
        """Solve a choice's week and cut with its days."""
        for visits in self.problem.visits_of(chosen).values():
            key = tuple(sorted(visits.items()))
            if visits and key not in self.cut:
                self.cut.add(key)
                self.day_cut(visits)
        return self.problem.value(chosen) if not self.problem.dropped(chosen) else np.inf

    def day_cut(self, visits: Mapping[int, int]) -> None:
        found = self.problem.day(visits)
        direct = {p: self.problem.direct_cny(p, g) for p, g in visits.items()}
        self.is_bounded = self.is_bounded and found.bound is not None
        if any(cost is None for cost in direct.values()):
            return
        for model, value in ((self.steer, found.cny), (self.proof, found.bound or 0.0)):
            for day in range(1, WEEK + 1):
                terms = [(day - 1, 1.0)]
                for p, g in visits.items():
                    terms += [(v, -float(direct[p] or 0.0)) for v in self.visited(p, day, g)]
                model.row(terms, lower=value - sum(float(cost or 0.0) for cost in direct.values()))

    def visited(self, p: int, day: int, least_gap: int) -> list[int]:
        """Variables of the patterns that visit a point on a day with at least so many days of parcels."""
        return [self.pattern[p, r] for r in self.problem.allowed(p) if gaps(r).get(day, 0) >= least_gap]

    def prices(self) -> list[np.ndarray]:
        """Return price vectors that no trip's cost falls short of, for one day's parcels (more parcels cost more)."""
        n = len(self.problem.points)
        visits = dict.fromkeys(range(n), 1)
        outcome = self.problem.day(visits).outcome
        if n > min(MOST_PRICED, self.problem.settings.exact_stops) or outcome.dropped:
            return []
        cost = TripTable.build(outcome.problem).cost.min(axis=0)
        masks = np.flatnonzero(np.isfinite(cost))
        masks = masks[masks > 0]
        rows = sparse.csr_matrix(((masks[:, None] >> np.arange(n)) & 1).astype(float))
        found = []
        weights = [np.ones(n), *(np.where(np.arange(n) == p, 1.0, 0.01) for p in range(n))]
        for weight in weights:
            solved = linprog(-weight, A_ub=rows, b_ub=cost[masks], bounds=(0.0, None), method="highs")
            if solved.status == 0:
                found.append(np.maximum(solved.x - _SAFETY * np.abs(solved.x), 0.0))
        return found

    def price_cut(self, prices: np.ndarray) -> None:
        for model in (self.steer, self.proof):
            for day in range(1, WEEK + 1):
                terms = [(day - 1, 1.0)]
                terms += [(v, -float(price)) for p, price in enumerate(prices) for v in self.visited(p, day, 1)]
                model.row(terms, lower=0.0)

    def answer(self, value: float, chosen: Sequence[str]) -> FrequencyAnswer:
        bound = solve_linear(self.proof, self.engine_limits()).bound if self.is_bounded else None
        lower = None if bound is None else min(bound, value)
        proved = lower is not None and value - lower <= OPTIMALITY_TOLERANCE * abs(value)
        limits = {"case_limit": float(self.limits.case_limit), "relative_gap": self.limits.relative_gap}
        report = SolveReport("optimal" if proved else "feasible", value, lower, ENGINE, self.limits.seed, limits)
        return FrequencyAnswer(tuple(chosen), report)
