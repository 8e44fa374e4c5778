"""A mixed-integer programme of many years: its relaxation gives the bound, what it decides is fixed, the rest is searched.

Relaxation enforced neighbourhood search (Berthold 2014, doi:10.1007/s10107-013-0655-3), then branch and bound from its plan where
the gap asked for is not reached.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import Cut, EngineAnswer, EngineLimits, solve_linear

_DECIDED = 1e-6
#: Part of the gap the first search may use up.
_PART = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What is known of a programme.

    Attributes
    ----------
    values
        Columns of the best solution, or None.
    objective, bound
        Its value (``inf`` without one), and the proved lower bound (``inf``: proved that there is no solution).
    cut
        The limit that ended the search early.
    """

    values: Vector | None
    objective: float
    bound: float
    cut: Cut

    @property
    def is_none_proved(self) -> bool:
        """Tell whether it is proved that there is no solution."""
        return math.isinf(self.bound) and self.bound > 0

    def is_within(self, gap: float) -> bool:
        """Tell whether the gap is proved to be at most `gap`."""
        return self.values is not None and self.objective - self.bound <= gap * abs(self.objective)


@dataclass(eq=False)
class Solver:
    """Solves programmes within one clock.

    Parameters
    ----------
    relative_gap, node_limit, seed
        As `EngineLimits`.
    deadline
        Moment of the monotonic clock at which everything ends.
    tell
        Told objective and bound of every programme after each of its steps.
    """

    relative_gap: float
    node_limit: int
    seed: int
    deadline: float
    tell: Callable[[float | None, float | None], None] | None = None

    def solve(self, linear: LinearModel, *, hint: Vector | None = None, bound: float = -math.inf) -> Solved:
        """Return the best solution found and the best bound proved.

        Parameters
        ----------
        linear
            The programme.
        hint
            A known solution.
        bound
            A bound known already.
        """
        relaxed = self._run(replace(linear, is_integer=[False] * len(linear.costs)), 0.0)
        if relaxed.outcome == "infeasible":
            return Solved(None, math.inf, math.inf, "")
        low = max(bound, -math.inf if relaxed.bound is None else relaxed.bound)
        best = Solved(hint, math.inf if hint is None else linear.objective(hint), low, relaxed.cut)
        if best.is_within(self.relative_gap):
            return self._told(best)
        if relaxed.values is not None:
            best = _better(best, self._run(_fixed(linear, relaxed.values), self.relative_gap * _PART))
        if not best.is_within(self.relative_gap):
            answer = self._run(linear, self.relative_gap, best.values)
            if answer.outcome == "infeasible":
                return Solved(None, math.inf, math.inf, "")
            proved = max(best.bound, -math.inf if answer.bound is None else answer.bound)
            best = replace(_better(best, answer), bound=proved, cut=answer.cut)
        return self._told(best)

    def quick(self, linear: LinearModel) -> Vector | None:
        """Return a solution within the gap, if one is found; nothing is proved."""
        return self._run(linear, self.relative_gap * _PART).values

    def _told(self, solved: Solved) -> Solved:
        if self.tell is not None:
            value = solved.objective if solved.values is not None else None
            self.tell(value, solved.bound if math.isfinite(solved.bound) else None)
        return solved

    def _run(self, linear: LinearModel, gap: float, hint: Vector | None = None) -> EngineAnswer:
        left = self.deadline - time.monotonic()
        if left <= 0.0:
            return EngineAnswer("unknown", None, None, None, "time")
        return solve_linear(linear, EngineLimits(gap, self.node_limit, left, self.seed), hint=hint)


def _better(best: Solved, answer: EngineAnswer) -> Solved:
    if answer.values is None or answer.objective is None or answer.objective >= best.objective:
        return best
    return Solved(answer.values, answer.objective, min(best.bound, answer.objective), answer.cut)


def _fixed(linear: LinearModel, values: Vector) -> LinearModel:
    """Return the programme with the whole columns the relaxation has decided fixed."""
    whole = np.asarray(linear.is_integer)
    nearest = np.round(values)
    decided = whole & (np.abs(values - nearest) <= _DECIDED)
    lower = np.where(decided, nearest, linear.lower)
    upper = np.where(decided, nearest, linear.upper)
    return replace(linear, lower=lower.tolist(), upper=upper.tolist())
