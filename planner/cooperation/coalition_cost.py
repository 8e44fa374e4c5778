"""What a coalition of operators costs a day when it shares in the best way, with a proved bound: the cost game's function.

The priced problem (`planner.cooperation.relaxed`) gives a lower bound at any prices; prices rise where room is overfull
(subgradient steps, each component of townships on its own), and repaired decisions give the cost. If no room is overfull at
price zero the answer is proved at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.cooperation.exact import solve_component
from planner.cooperation.paths import PathTable, build_paths, components
from planner.cooperation.relaxed import Decision, Relaxation
from planner.cooperation.repair import Repair
from planner.engines.mathopt import EngineLimits
from planner.problems.cooperation import Bools, CooperationProblem, Floats, Index
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE

#: Steps without a better bound before the step is halved, and steps between two repairs.
_PATIENCE, _REPAIR_EVERY = 3, 3
#: Clock of one component's branch and bound, for people: nodes and gap decide.
_EXACT_S = 60.0
#: Gap that floating sums leave even where every component is proved.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CoalitionCost:
    """Cost of a coalition.

    Attributes
    ----------
    members
        Operator ids, in the order of the problem.
    value
        CNY a day of a decision that keeps every rule.
    bound
        No decision costs less.
    status
        ``optimal`` if the gap is at most 1e-6, else ``feasible``.
    """

    members: tuple[str, ...]
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """Return (value - bound) / value; 0 for a coalition that costs nothing."""
        return max(0.0, self.value - self.bound) / self.value if self.value > 0.0 else 0.0

    @property
    def status(self) -> Literal["optimal", "feasible"]:
        """Return how sure the value is."""
        return "optimal" if self.gap <= OPTIMALITY_TOLERANCE else "feasible"


@dataclass(frozen=True, slots=True, eq=False)
class CoalitionSolution:
    """Cost of a coalition with the decision behind it and the component of each township."""

    cost: CoalitionCost
    table: PathTable
    decision: Decision
    component: Index


def coalition_cost(
    problem: CooperationProblem,
    members: Iterable[str],
    *,
    relative_gap: float = 1e-3,
    iterations: int = 15,
    node_limit: int = 1000,
) -> CoalitionCost:
    """Return the least daily cost at which a coalition brings its parcels to all its villages, with a bound.

    Parameters
    ----------
    problem
        The question.
    members
        Operator ids. Bus companies and shops in it lend their room; those outside do not. No one pays anyone: fees are
        transfers inside.
    relative_gap
        Good enough in every component of townships; the search stops there.
    iterations, node_limit
        Most price steps, and branch-and-bound nodes of a component that prices leave open (0: none): they decide the result
        reproducibly.

    Raises
    ------
    ValueError
        If an id is unknown.
    """
    limits = EngineLimits(relative_gap, node_limit, _EXACT_S, 1) if node_limit else None
    return solve_coalition(problem, members, relative_gap=relative_gap, iterations=iterations, exact=limits).cost


class CoalitionCosts:
    """Coalition costs of one problem, each worked out once."""

    def __init__(
        self, problem: CooperationProblem, *, relative_gap: float = 1e-3, iterations: int = 15, node_limit: int = 1000
    ) -> None:
        self.problem, self.relative_gap = problem, relative_gap
        self.iterations, self.node_limit = iterations, node_limit
        self._known: dict[frozenset[str], CoalitionCost] = {}

    def __call__(self, members: Iterable[str]) -> CoalitionCost:
        """Return the cost of a coalition."""
        key = frozenset(members)
        if key not in self._known:
            self._known[key] = coalition_cost(
                self.problem,
                key,
                relative_gap=self.relative_gap,
                iterations=self.iterations,
                node_limit=self.node_limit,
            )
        return self._known[key]


def solve_coalition(
    problem: CooperationProblem,
    members: Iterable[str],
    *,
    relative_gap: float = 1e-3,
    iterations: int = 15,
    exact: EngineLimits | None = None,
    listener: ProgressListener = no_progress,
) -> CoalitionSolution:
    """As `coalition_cost`, with the decision; components that prices leave open are solved by `exact` limits, if given."""
    inside = sorted(problem.index_of(name) for name in set(members))
    table = build_paths(problem, inside)
    relaxation = Relaxation(problem, table)
    component = components(problem, table)
    search = _Search(relaxation, component)
    search.run(relative_gap, iterations)
    if exact is not None:
        for number in range(search.count):
            listener(ProgressEvent("cooperation", done=number, total=search.count))
            search.prove(number, relative_gap, exact)
    value, bound = table.constant + float(search.best.sum()), table.constant + float(search.bound.sum())
    if value - bound <= _ROUNDING * max(value, 1.0):
        bound = value
    cost = CoalitionCost(tuple(problem.player_ids[i] for i in inside), value, min(bound, value))
    return CoalitionSolution(cost, table, search.decision(), component)


class _Search:
    """Prices, bounds and decisions of one coalition, by component."""

    def __init__(self, relaxation: Relaxation, component: Index) -> None:
        self.relaxation, self.component = relaxation, component
        self.repair = Repair(relaxation)
        self.count = int(component.max()) + 1 if component.size else 0
        self.row_town, self.is_shared = self._row_places()
        self.row_component = component[self.row_town] if component.size else self.row_town
        self.bound = np.full(self.count, -np.inf)
        self.best = np.full(self.count, np.inf)
        self.choice = np.full(relaxation.table.is_item.shape, -1, dtype=np.int16)
        own = next(p for p, path in enumerate(relaxation.table.paths) if path.kind == "own")
        self._offer(relaxation.used(np.where(relaxation.table.is_item, own, -1).astype(np.int16)))

    def _row_places(self) -> tuple[Index, Bools]:
        """Return a township of every row, and whether it has several."""
        villages, town = max(self.relaxation.villages, 1), self.relaxation.town
        spans = [np.unique(town[cells % villages]) for cells in self.repair.cells]
        first = np.array([int(span[0]) for span in spans], dtype=np.intp)
        return first, np.array([len(span) > 1 for span in spans], dtype=np.bool_)

    def _sum(self, by_town: Floats) -> Floats:
        found: Floats = np.bincount(self.component, weights=by_town, minlength=self.count).astype(np.float64)
        return found

    def _offer(self, decision: Decision) -> None:
        """Keep the components in which a decision is the best so far."""
        value = self._sum(self.relaxation.true_cost(decision))
        better = value < self.best - 1e-9
        self.best = np.where(better, value, self.best)
        villages = better[self.component[self.relaxation.town]]
        self.choice[:, villages] = decision.choice[:, villages]

    def prove(self, number: int, relative_gap: float, limits: EngineLimits) -> None:
        """Close the gap of a component by branch and bound, if it is still open."""
        if self.best[number] - self.bound[number] <= relative_gap * max(self.best[number], 1e-9):
            return
        towns = np.flatnonzero(self.component == number)
        answer = solve_component(self.relaxation, towns, self.decision(), limits)
        self.bound[number] = max(self.bound[number], answer.bound)
        if answer.value < self.best[number]:
            choice = self.choice.copy()
            for (o, v), path in answer.choice.items():
                choice[o, v] = path
            self._offer(self.relaxation.used(choice))

    def decision(self) -> Decision:
        """Return the best decision of every component, joined."""
        return self.relaxation.used(self.choice)

    def run(self, relative_gap: float, iterations: int) -> None:
        """Raise prices until the gap is small enough or the steps are used up.

        Every setting of a township keeps the best bound that any prices gave it, and the prices are moved for the setting whose bound
        is lowest: so fixed costs are not averaged over settings. Prices of room shared by several townships move in the first third
        of the steps only, because a setting's bounds hold for one price of shared room.
        """
        if not self.count:
            return
        prices = np.zeros(len(self.relaxation.table.room))
        shared_steps = iterations // 3 if self.is_shared.any() else 0
        prices = self._steps(prices, shared_steps, relative_gap, moves_shared=True)
        self._steps(prices, iterations - shared_steps, relative_gap, moves_shared=False)

    def _steps(self, prices: Floats, iterations: int, relative_gap: float, *, moves_shared: bool) -> Floats:
        relaxation, table = self.relaxation, self.relaxation.table
        towns = np.arange(relaxation.towns)
        moved = np.ones_like(self.is_shared) if moves_shared else ~self.is_shared
        kept: Floats | None = None
        step = np.full(self.count, 1.0)
        stale = np.zeros(self.count)
        for number in range(iterations):
            cost = relaxation.priced(prices)
            income = prices * table.room
            local = np.bincount(self.row_town, weights=np.where(moved, income, 0.0), minlength=relaxation.towns)
            rest = np.bincount(self.row_component, weights=np.where(moved, 0.0, income), minlength=self.count)
            found = relaxation.values(cost)
            now = found - local
            kept = now if kept is None or moves_shared else np.maximum(kept, now)
            flat = kept.reshape(-1, relaxation.towns).argmin(axis=0)
            wave_set, own_set = np.divmod(flat, kept.shape[1])
            reached = self._sum(kept[wave_set, own_set, towns]) - rest
            rises = reached > self.bound + 1e-7 * np.abs(reached)
            self.bound = np.maximum(self.bound, reached)
            stale = np.where(rises, 0, stale + 1)
            step = np.where(stale >= _PATIENCE, step / 2.0, step)
            stale = np.where(stale >= _PATIENCE, 0, stale)
            decision = relaxation.decide(cost, wave_set, own_set)
            over = relaxation.usage(decision.choice) - table.room
            if number % _REPAIR_EVERY == 0 or number == iterations - 1:
                self._offer(self.repair.feasible(decision))
            is_open = self.best - self.bound > relative_gap * np.maximum(self.best, 1e-9)
            if not is_open.any():
                break
            move = np.where(moved & ((over > 0.0) | (prices > 0.0)), over, 0.0)
            norm = np.bincount(self.row_component, weights=move**2, minlength=self.count)
            value = self._sum(now[wave_set, own_set, towns]) - rest
            length = np.where(is_open, step * np.maximum(self.best - value, 0.0) / np.maximum(norm, 1e-12), 0.0)
            prices = np.maximum(0.0, prices + length[self.row_component] * move)
        return prices
