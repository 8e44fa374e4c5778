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

from planner.cooperation.paths import PathTable, build_paths, components
from planner.cooperation.relaxed import Decision, Relaxation
from planner.cooperation.repair import Repair
from planner.problems.cooperation import Bools, CooperationProblem, Floats, Index
from planner.reports import OPTIMALITY_TOLERANCE

#: Steps without a better bound before the step is halved, and steps between two repairs.
_PATIENCE, _REPAIR_EVERY = 3, 3


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
    """Cost of a coalition with the decision behind it, and both by component of townships."""

    cost: CoalitionCost
    table: PathTable
    decision: Decision
    component: Index
    values: Floats
    bounds: Floats


def coalition_cost(
    problem: CooperationProblem, members: Iterable[str], *, relative_gap: float = 1e-3, iterations: int = 60
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
        Good enough; the search for prices stops there.
    iterations
        Most price steps: decides the result reproducibly.

    Raises
    ------
    ValueError
        If an id is unknown.
    """
    return solve_coalition(problem, members, relative_gap=relative_gap, iterations=iterations).cost


class CoalitionCosts:
    """Coalition costs of one problem, each worked out once."""

    def __init__(self, problem: CooperationProblem, *, relative_gap: float = 1e-3, iterations: int = 60) -> None:
        self.problem, self.relative_gap, self.iterations = problem, relative_gap, iterations
        self._known: dict[frozenset[str], CoalitionCost] = {}

    def __call__(self, members: Iterable[str]) -> CoalitionCost:
        """Return the cost of a coalition."""
        key = frozenset(members)
        if key not in self._known:
            self._known[key] = coalition_cost(
                self.problem, key, relative_gap=self.relative_gap, iterations=self.iterations
            )
        return self._known[key]


def solve_coalition(
    problem: CooperationProblem, members: Iterable[str], *, relative_gap: float = 1e-3, iterations: int = 60
) -> CoalitionSolution:
    """As `coalition_cost`, with the decision."""
    inside = sorted(problem.index_of(name) for name in set(members))
    table = build_paths(problem, inside)
    relaxation = Relaxation(problem, table)
    component = components(problem, table)
    search = _Search(relaxation, component)
    search.run(relative_gap, iterations)
    value, bound = table.constant + float(search.best.sum()), table.constant + float(search.bound.sum())
    cost = CoalitionCost(tuple(problem.player_ids[i] for i in inside), value, min(bound, value))
    return CoalitionSolution(cost, table, search.decision(), component, search.best, np.minimum(search.bound, search.best))


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
        return np.bincount(self.component, weights=by_town, minlength=self.count)

    def _offer(self, decision: Decision) -> None:
        """Keep the components in which a decision is the best so far."""
        value = self._sum(self.relaxation.true_cost(decision))
        better = value < self.best - 1e-9
        self.best = np.where(better, value, self.best)
        villages = better[self.component[self.relaxation.town]]
        self.choice[:, villages] = decision.choice[:, villages]

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
