"""The search: one programme a set of centres, relaxed first, then searched around the relaxation; bounds stay valid.

1. The choice of centres makes the programme weak, so every possible set of centres is solved on its own (where there
   are few); the bound of the whole is the least of theirs. Sets whose relaxation already costs more than the best plan
   are not searched.
2. The linear relaxation gives the bound and nearly the plan: what it decides is fixed and the rest solved by branch
   and bound (relaxation enforced neighbourhood search, Berthold 2014, doi:10.1007/s10107-013-0655-3).
3. Station capacities are left out at first: most links can then be left out exactly (`planner.siting.prune`), and the
   bound holds in any case. If the plan breaks a capacity, one is sought over every point's cheapest stations and those
   its relaxation uses; the relaxation over all links gives the bound.
4. Where there are many links, such a search over few of them comes first of all, so that a usable plan is early at hand.
5. Only if the gap asked for is not reached, the whole programme is searched, started from the best plan.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import Cut, EngineAnswer, EngineLimits, solve_linear
from planner.siting.decision import Decision, broken, decision_cost
from planner.siting.encode import encode
from planner.siting.instance import Flags, Instance
from planner.siting.model import SitingModel, build_model, read_decision
from planner.siting.parts import Part, centre_sets, link_count, near_links, trunk_estimate, without_station_limits
from planner.siting.polish import polish

#: Values of a relaxation this near to 0 or 1 are taken as decided.
_DECIDED = 1e-6
#: Cheapest stations a point may choose from: for an early plan, for a relaxation instead of too many links, and beside
#: the links a relaxation uses.
_FEW, _MANY, _BESIDE = 6, 20, 4
#: Up to this many links the relaxation is solved over all of them at once.
_LINKS_WHOLE = 30_000

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
        #: The set of centres already searched over few links.
        self.early: tuple[int, ...] | None = None
        self.by_part: dict[tuple[int, ...], Decision] = {}
        #: Least bound of the other sets of centres, and the bound of the one at hand.
        self.others = math.inf
        self.floor = -math.inf

    def run(self) -> Found:
        """Search every set of centres, the most promising first."""
        parts = centre_sets(self.instance)
        if link_count(self.instance) > _LINKS_WHOLE:
            self._early(min(parts, key=lambda part: trunk_estimate(part.instance)))
        starts = [self._relax(without_station_limits(part.instance)) for part in parts]
        order = sorted(range(len(parts)), key=lambda k: (starts[k].bound, k))
        bounds = [starts[k].bound for k in order]
        for i, k in enumerate(order):
            if bounds[i] < self._good_enough():
                self.others = min([*bounds[:i], *bounds[i + 1 :]], default=math.inf)
                self.floor = bounds[i]
                bounds[i] = max(bounds[i], self._one_set(parts[k], starts[k]))
        return Found(self.best, self.cost, min([*bounds, self.cost]), self.cut)

    def _good_enough(self) -> float:
        """Return the bound at which a set of centres need not be searched further."""
        return self.cost - self.gap * abs(self.cost) if math.isfinite(self.cost) else math.inf

    def _one_set(self, part: Part, start: _Relaxed) -> float:
        """Search one set of centres; return its bound."""
        self._around(part, start)
        if start.of is not part.instance and self._is_open():
            self._with_capacities(part)
        if self._is_open():
            self._raise(self._branch(part, part.instance))
        return self.floor

    def _early(self, part: Part) -> None:
        """Look for a usable plan over few links before anything is proved."""
        self._around(part, self._relax(part.instance, near_links(part.instance, _FEW)))
        self.early = part.kept

    def _with_capacities(self, part: Part) -> None:
        """Search one set of centres with station capacities, over few links first."""
        full = part.instance
        if part.kept != self.early:
            self._around(part, self._relax(full, near_links(full, _FEW)))
        is_whole = link_count(full) <= _LINKS_WHOLE
        relaxed = self._relax(full, None if is_whole else near_links(full, _MANY))
        if is_whole:
            self._raise(relaxed.bound)
        if self._is_open():
            self._around(part, relaxed)
        if self._is_open() and not is_whole:
            self._raise(self._relax(full).bound)
        if self._is_open():
            self._beside(part, relaxed)

    def _is_open(self) -> bool:
        """Tell whether the set of centres at hand may still hold a plan worth searching for."""
        return self.floor < self._good_enough()

    def _raise(self, bound: float) -> None:
        """Take note of a better bound of the set of centres at hand."""
        self.floor = max(self.floor, bound)
        self._say(None)

    def _say(self, objective: float | None) -> None:
        """Tell the best plan and the least bound of all sets of centres."""
        if self.tell is not None:
            best = min(self.cost, math.inf if objective is None else objective)
            least = min(self.others, self.floor, best)
            self.tell(best if math.isfinite(best) else None, least if math.isfinite(least) else None)

    # --- solver calls -------------------------------------------------------------------------------------------

    def _relax(self, of: Instance, links: Flags | None = None) -> _Relaxed:
        """Solve the linear relaxation."""
        model = build_model(of, links=links)
        count = len(model.linear.costs)
        answer = self._solve(replace(model.linear, is_integer=[False] * count))
        return _Relaxed(of, model, answer)

    def _around(self, part: Part, relaxed: _Relaxed) -> None:
        """Fix what the relaxation has decided, solve the rest, keep the plan."""
        if relaxed.answer.values is None:
            return
        linear, values = relaxed.model.linear, relaxed.answer.values
        whole = np.asarray(linear.is_integer)
        lower = np.where(whole & (values >= 1.0 - _DECIDED), 1.0, linear.lower)
        upper = np.where(whole & (values <= _DECIDED), 0.0, linear.upper)
        fixed = replace(linear, lower=lower.tolist(), upper=upper.tolist())
        answer = self._solve(fixed, gap=self.gap / 4.0)
        if answer.values is not None:
            self._offer(part, read_decision(relaxed.of, relaxed.model, answer.values))

    def _beside(self, part: Part, relaxed: _Relaxed) -> None:
        """Search over the links the relaxation uses and every point's cheapest few; keep the plan."""
        if relaxed.answer.values is None:
            return
        links = near_links(relaxed.of, _BESIDE)
        for (s, p), column in relaxed.model.point_link.items():
            links[s, p] |= relaxed.answer.values[column] > _DECIDED
        model = build_model(relaxed.of, links=links)
        answer = self._solve(model.linear, gap=self.gap / 4.0, hint=self._hint(part, relaxed.of, model))
        if answer.values is not None:
            self._offer(part, read_decision(relaxed.of, model, answer.values))

    def _hint(self, part: Part, of: Instance, model: SitingModel) -> Vector | None:
        known = self.by_part.get(part.kept)
        return None if known is None else encode(of, model, known)

    def _branch(self, part: Part, of: Instance) -> float:
        """Search the whole programme from the best plan so far; return its bound."""
        model = build_model(of)
        hint = self._hint(part, of, model)

        def listen(objective: float | None, bound: float | None) -> None:
            self.floor = max(self.floor, -math.inf if bound is None else bound)
            self._say(objective)

        answer = self._solve(model.linear, hint=hint, listener=listen if self.tell is not None else None)
        if answer.cut and self.cut != "time":
            self.cut = answer.cut
        if answer.values is not None:
            self._offer(part, read_decision(of, model, answer.values))
        return _bound(answer)

    def _solve(
        self, linear: LinearModel, *, gap: float | None = None, hint: Vector | None = None, listener: Tell | None = None
    ) -> EngineAnswer:
        settings = self.instance.problem.siting
        left = self.deadline - time.monotonic()
        if left <= 0.0:
            self.cut = "time"
            return EngineAnswer("unknown", None, None, None, "time")
        limits = EngineLimits(self.gap if gap is None else gap, settings.node_limit, left, settings.seed)
        answer = solve_linear(linear, limits, hint=hint, listener=listener)
        if answer.cut == "time":
            self.cut = "time"
        return answer

    def _offer(self, part: Part, decision: Decision) -> None:
        """Keep a decision of a part if it keeps all constraints and is the best so far."""
        if broken(part.instance, decision):
            return
        # A plan is told before it is polished: people wait for the first one.
        self._keep(part, decision)
        self._keep(part, polish(part.instance, decision))

    def _keep(self, part: Part, decision: Decision) -> None:
        cost = decision_cost(part.instance, decision)
        if cost < self.cost:
            self.cost, self.best = cost, part.widen(decision)
            self.by_part[part.kept] = decision
            self._say(cost)


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxed:
    """A linear relaxation with its answer."""

    of: Instance
    model: SitingModel
    answer: EngineAnswer

    @property
    def bound(self) -> float:
        return _bound(self.answer)


def _bound(answer: EngineAnswer) -> float:
    if answer.outcome == "infeasible":
        return math.inf
    return -math.inf if answer.bound is None else answer.bound
