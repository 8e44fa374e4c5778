"""The search: one programme a set of centres, capacities first left out, then brought in; bounds stay valid.

* The choice of centres makes the programme weak, so every possible set of centres is solved on its own (where there
  are few); the bound of the whole is the least of theirs. Sets whose relaxation already costs more than the best plan
  are not searched.
* Without station capacities most links can be left out exactly (`planner.siting.prune`). That plan is the answer if it
  keeps the capacities; its bound holds in any case. Otherwise a plan is sought over every point's cheapest stations,
  and improved over all links.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from planner.engines.mathopt import Cut, EngineAnswer, EngineLimits, solve_linear
from planner.siting.decision import Decision, broken, decision_cost
from planner.siting.encode import encode
from planner.siting.instance import Flags, Instance
from planner.siting.model import build_model, read_decision
from planner.siting.parts import Part, centre_sets, near_links, without_station_limits
from planner.siting.polish import polish

Tell = Callable[[float | None, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Outcome of the search.

    Attributes
    ----------
    decision
        Best decision, or None.
    cost
        Its objective; ``inf`` without one.
    bound
        Proved lower bound; ``inf`` if it is proved that there is no decision, ``-inf`` if nothing is known.
    cut
        The limit that ended the search early; the clock is named before the nodes.
    """

    decision: Decision | None
    cost: float
    bound: float
    cut: Cut


class Search:
    """One search with its limits and clock.

    Parameters
    ----------
    instance
        What to solve.
    tell
        Told of every improvement of objective or bound.
    """

    def __init__(self, instance: Instance, tell: Tell | None = None) -> None:
        settings = instance.problem.siting
        self.instance = instance
        self.tell = tell
        self.gap = max(settings.relative_gap, 0.0)
        self.deadline = time.monotonic() + settings.time_limit_s
        self.best: Decision | None = None
        self.cost = math.inf
        self.cut: Cut = ""
        self.by_part: dict[tuple[int, ...], Decision] = {}

    def run(self) -> Found:
        """Search every set of centres, the most promising first."""
        parts = centre_sets(self.instance)
        floors = [self._relaxation(part) for part in parts] if len(parts) > 1 else [-math.inf] * len(parts)
        order = sorted(range(len(parts)), key=lambda k: (floors[k], k))
        bounds = [floors[k] for k in order]
        for i, k in enumerate(order):
            if bounds[i] < self._good_enough():
                others = min([*bounds[:i], *bounds[i + 1 :]], default=math.inf)
                bounds[i] = max(bounds[i], self._one_set(parts[k], others))
        return Found(self.best, self.cost, min([*bounds, self.cost]), self.cut)

    def _good_enough(self) -> float:
        """Return the bound at which a set of centres need not be searched further."""
        return self.cost - self.gap * abs(self.cost) if math.isfinite(self.cost) else math.inf

    def _relaxation(self, part: Part) -> float:
        """Return the bound of the linear relaxation of one set of centres."""
        model = build_model(without_station_limits(part.instance)).linear
        relaxed = replace(model, is_integer=[False] * len(model.is_integer))
        return _bound(solve_linear(relaxed, self._limits(), listener=None))

    def _one_set(self, part: Part, others: float) -> float:
        """Search one set of centres; return its bound."""
        full, free = part.instance, without_station_limits(part.instance)
        bound = self._attempt(part, free, others)
        if free is full or math.isinf(bound) or bound >= self._good_enough():
            return bound
        self._attempt(part, full, others, links=near_links(full), floor=bound)
        if bound >= self._good_enough():
            return bound
        return max(bound, self._attempt(part, full, others, floor=bound))

    def _attempt(
        self, part: Part, model_of: Instance, others: float, *, links: Flags | None = None, floor: float = -math.inf
    ) -> float:
        """Solve one programme, keep its plan if it is the best so far; return its bound."""
        if time.monotonic() >= self.deadline:
            self.cut = "time"
            return -math.inf
        model = build_model(model_of, links=links)
        known = self.by_part.get(part.kept)
        hint = None if known is None else encode(model_of, model, known)
        answer = solve_linear(model.linear, self._limits(), hint=hint, listener=self._listener(others, floor))
        if answer.cut and self.cut != "time":
            self.cut = answer.cut
        if answer.values is not None:
            self._offer(part, read_decision(model_of, model, answer.values))
        return _bound(answer)

    def _offer(self, part: Part, decision: Decision) -> None:
        """Keep a decision of a part if it keeps all constraints and is the best so far."""
        if broken(part.instance, decision):
            return
        decision = polish(part.instance, decision)
        cost = decision_cost(part.instance, decision)
        if cost < self.cost:
            self.cost, self.best = cost, part.widen(decision)
            self.by_part[part.kept] = decision

    def _limits(self) -> EngineLimits:
        settings = self.instance.problem.siting
        left = self.deadline - time.monotonic()
        return EngineLimits(self.gap, settings.node_limit, left, settings.seed)

    def _listener(self, others: float, floor: float) -> Tell | None:
        """Return a listener that speaks for the whole: best plan so far, least bound of all sets of centres."""
        tell = self.tell
        if tell is None:
            return None

        def listen(objective: float | None, bound: float | None) -> None:
            best = min(self.cost, math.inf if objective is None else objective)
            least = min(others, max(floor, -math.inf if bound is None else bound), best)
            tell(best if math.isfinite(best) else None, least if math.isfinite(least) else None)

        return listen


def _bound(answer: EngineAnswer) -> float:
    if answer.outcome == "infeasible":
        return math.inf
    return -math.inf if answer.bound is None else answer.bound
