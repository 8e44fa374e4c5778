"""Days of thousands of stops: neighbouring stops first apart, then part by part around ever other seeds.

Stops are grouped from the far end towards the depots, each group is solved alone, and the vehicle days together are a first
decision. Then neighbouring days are taken out, searched again and put back wherever that is cheaper
(`planner.routing.rich.decompose`). Only parts are ever turned into an engine's own figures, so memory stays with the travel
arrays.
"""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay
from planner.routing.rich.answers import answer_of, nothing_found
from planner.routing.rich.decompose import part_around, part_of, put_back, vehicles_left
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.pyvrp_data import pyvrp_problem
from planner.routing.rich.pyvrp_engine import PyVrpEngine
from planner.routing.rich.pyvrp_search import search
from planner.routing.rich.schedule import decision_cost

#: Stops of a group and of a part.
GROUP_SIZE, PART_SIZE = 200, 250
#: Share of the iterations and seconds for the groups; iterations of one part.
GROUP_SHARE = 0.5
PART_ITERATIONS = 1_500
#: Iterations and seconds of one more try of a group without a feasible answer.
AGAIN = 5


class LargeEngine:
    """PyVRP in groups and parts."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"PyVRP {version('pyvrp')} in parts"

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Refuse what PyVRP refuses."""
        return PyVrpEngine().refuses(problem)

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Search; begin from `start` instead of the groups if given."""
        begun = limits.clock()
        decision = start or _first(problem, limits)
        if decision is None:
            return nothing_found(self.name, limits)
        left = replace(limits, seconds=limits.seconds - (limits.clock() - begun))
        decision, is_cut = improve_in_parts(problem, decision, left)
        return answer_of(problem, decision, self.name, limits, is_cut=is_cut)


def groups_of(problem: RoutingProblem, size: int = GROUP_SIZE) -> list[list[int]]:
    """Return groups of neighbouring stops: the furthest stop left from all depots, with those nearest to it."""
    metres = problem.metres[problem.vehicles[0].profile]
    places = np.array([s.place for s in problem.stops])
    away = np.min(np.stack([metres[d.place][places] for d in problem.depots]), axis=0)
    is_left = np.ones(len(places), dtype=bool)
    count = math.ceil(len(places) / size)
    groups = []
    for number in range(count):
        rest = np.flatnonzero(is_left)
        seed = rest[int(np.argmax(away[rest]))]
        near = rest[np.argsort(metres[places[seed]][places[rest]], kind="stable")]
        own = near[: math.ceil(len(rest) / (count - number))]
        is_left[own] = False
        groups.append(sorted(int(i) for i in own))
    return groups


def _first(problem: RoutingProblem, limits: RoutingLimits) -> RoutingDecision | None:
    """Return the days of all groups together; None: a group has none."""
    groups = groups_of(problem)
    iterations = max(1, round(limits.iterations * GROUP_SHARE / len(groups)))
    seconds = limits.seconds * GROUP_SHARE / len(groups)
    days: list[VehicleDay] = []
    left: list[int] = []
    for number, stops in enumerate(groups):
        part = part_of(problem, stops, vehicles_left(problem, RoutingDecision(tuple(days)), set()))
        native = pyvrp_problem(part.problem)
        own = replace(limits, iterations=iterations, seconds=seconds, seed=limits.seed + number)
        best = search(native.data, own).best
        if not best.is_feasible():
            best = search(native.data, replace(own, iterations=iterations * AGAIN, seconds=seconds * AGAIN)).best
        if not best.is_feasible():
            return None
        found = native.decision(best)
        days += part.outer(found.days)
        left += [part.stops[i] for i in found.left_out]
    return RoutingDecision(tuple(sorted(days, key=lambda d: (d.vehicle, d.trips))), tuple(sorted(left)))


def improve_in_parts(
    problem: RoutingProblem, decision: RoutingDecision, limits: RoutingLimits, size: int = PART_SIZE
) -> tuple[RoutingDecision, bool]:
    """Search part after part, the stops least often looked at first; return the decision, never dearer, and whether time cut it."""
    rng = np.random.default_rng(limits.seed)
    looks = np.zeros(len(problem.stops))
    begun = limits.clock()
    parts = max(1, round(limits.iterations * (1.0 - GROUP_SHARE) / PART_ITERATIONS))
    for number in range(parts):
        left = limits.seconds - (limits.clock() - begun)
        if left <= 0.0:
            return decision, True
        seed = int(np.argmin(looks + rng.random(len(looks))))
        part, taken = part_around(problem, decision, seed, size)
        looks[list(part.stops)] += 1.0
        native = pyvrp_problem(part.problem)
        inside = set(part.stops)
        out = tuple(k for k, i in enumerate(part.stops) if i in set(decision.left_out) & inside)
        before = RoutingDecision(part.inner(decision.days[t] for t in taken), out)
        own = replace(limits, iterations=PART_ITERATIONS, seconds=left, seed=limits.seed + number)
        found = search(native.data, own, start=native.solution(before)).best
        if not found.is_feasible():
            continue
        after = native.decision(found)
        if decision_cost(part.problem, after) < decision_cost(part.problem, before) - 1e-9:
            decision = put_back(decision, part, taken, after)
    return decision, False
