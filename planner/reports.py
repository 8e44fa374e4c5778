"""What every solve says about itself: status, objective, bound, gap, engine and limits — never a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["optimal", "feasible", "infeasible", "unknown"]

#: Relative gap at or below which an answer may be called optimal, given a valid bound.
OPTIMALITY_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class SolveReport:
    """Status of one solve (always a minimisation).

    Attributes
    ----------
    status
        ``optimal`` only if proved by `bound`; ``feasible`` with bound and gap (bound may be None: none is known);
        ``infeasible`` if proved; else ``unknown``.
    objective
        Value of the returned decision, or None.
    bound
        Proved lower bound on the best possible value, or None.
    engine
        Engine with its version.
    seed
        Seed in force.
    limits
        Limits that decide the result (iterations, solutions, gap); wall-clock limits are marked ``_s`` and
        exist for people.
    note_key
        Message key that explains the status in a sentence, or empty.
    """

    status: Status
    objective: float | None
    bound: float | None
    engine: str
    seed: int = 0
    limits: Mapping[str, float] = field(default_factory=dict)
    note_key: str = ""

    def __post_init__(self) -> None:
        if self.status == "optimal" and (self.gap is None or self.gap > OPTIMALITY_TOLERANCE):
            msg = f"optimal needs a bound that proves it, not objective {self.objective}, bound {self.bound}"
            raise ValueError(msg)
        if self.status in ("optimal", "feasible") and self.objective is None:
            msg = f"status {self.status} needs an objective"
            raise ValueError(msg)

    @property
    def gap(self) -> float | None:
        """Relative gap (objective - bound) / |objective|, at least 0; None without a bound."""
        if self.objective is None or self.bound is None or not math.isfinite(self.bound):
            return None
        if self.objective == self.bound:
            return 0.0
        return max(0.0, (self.objective - self.bound) / max(abs(self.objective), 1e-12))
