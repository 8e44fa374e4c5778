"""The exact engine behind the interface of all engines (`planner.routing.rich.engine`)."""

from __future__ import annotations

import numba

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.reports import SolveReport
from planner.routing.rich.answers import answer_of, nothing_found
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.exact import ExactLimits, refusals, solve_exact

ENGINE = f"column generation and route enumeration / numba {numba.__version__}"


class ExactRichEngine:
    """Proves the best decision of small rounds; its work limits are its own, so seconds and iterations do not matter."""

    def __init__(self, limits: ExactLimits | None = None) -> None:
        self.limits = limits or ExactLimits()

    @property
    def name(self) -> str:
        """Engine with its version."""
        return ENGINE

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Return every reason why this engine cannot take the problem; none: it can."""
        return tuple(Refusal(key, figures) for key, figures in refusals(problem))

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Solve the problem; a decision that is not proved carries its bound."""
        result = solve_exact(problem, self.limits, start=start)
        if result.decision is None:
            nothing = nothing_found(self.name, limits)
            if result.status != "infeasible":
                return nothing
            report = SolveReport("infeasible", None, None, self.name, limits.seed, nothing.report.limits)
            return RoutingAnswer(None, report)
        return answer_of(problem, result.decision, self.name, limits, bound=result.bound)
