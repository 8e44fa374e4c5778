"""OR-Tools routing as engine of rich routing problems: every rule but charging on the way.

Several first solutions are made and the best is improved by guided local search, ended by a number of solutions. What the
model only approximates (where a rest may lie) is checked by the timetable; a decision that breaks a rule is tried again
with shorter stretches, and is no answer if that does not help.
"""

from __future__ import annotations

import math
from importlib.metadata import version

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.routing.rich.answers import answer_of, nothing_found
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.ortools_model import OrToolsModel

#: Shares of the minutes before a rest tried one after the other.
REST_SHARES = (1.0, 0.85, 0.7)
#: Vehicles per vehicle demanded by loads, and beyond them, of a type without limit: tried in turn until a solution is found.
FLEETS = ((1.25, 3), (2.0, 8), (math.inf, 0))


class OrToolsRichEngine:
    """OR-Tools routing with guided local search."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"OR-Tools routing {version('ortools')}"

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Refuse charging on the way and days without vehicles."""
        reasons = []
        if not any(v.available != 0 for v in problem.vehicles):
            reasons.append(Refusal("routing_refused_no_vehicle"))
        if problem.chargers and any(v.battery is not None for v in problem.vehicles):
            reasons.append(Refusal("routing_refused_charging"))
        return tuple(reasons)

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Search; begin from the best of `start` and OR-Tools' own first solutions."""
        if not problem.stops:
            return answer_of(problem, RoutingDecision(()), self.name, limits)
        has_rests = any(v.break_rule is not None for v in problem.vehicles)
        for fleet in FLEETS:
            for share in REST_SHARES if has_rests else (1.0,):
                model = OrToolsModel(problem, fleet, share, limits.seed)
                found = model.solve(limits, start)
                if found is None:
                    continue
                answer = answer_of(problem, found, self.name, limits, is_cut=math.isfinite(limits.seconds))
                if answer.decision is not None:
                    return answer
        return nothing_found(self.name, limits)
