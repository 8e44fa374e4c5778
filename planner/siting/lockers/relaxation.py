"""A mixed-integer relaxation of the locker problem for HiGHS: proved bounds and good sets for larger problems.

Binary y_j opens host j; x_ij are parcels of place i in locker j; t_j ≥ 0 is how far host j stays behind its best
profit H_j::

    min  Σ_j (t_j - H_j·y_j)
    s.t. t_j ≥ (H_j + b_j(κ))·y_j - Σ_i κ_i·x_ij                       every profit line κ
         x_ij ≤ w_i·p_ij·y_j,     p_ij = a_ij / (a_ij + a_0)            no locker gets more than if it were alone
         Σ_k≺j x_ik ≤ w_i·(1 - y_j)                                      lockers that drop out beside j (nearest, bnl,
         threshold) Σ_j x_ij ≤ w_i·[g(s) + g'(s)·(Σ_j a_ij·y_j - s)]                tangents of g(s) = s / (s + a_0)
         (mnl, threshold) Σ_j x_ij / p_ij ≤ w_i                                           only the best counts
         (nearest, bnl)

and the rules. Every true plan satisfies all rows, so the optimum is a lower bound. Sets already evaluated are cut off
one by one, which moves the bound until it meets the best plan or the rounds end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from planner.engines.linear import LinearModel
from planner.problems.siting import Bools
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.lockers.profit import profit_lines
from planner.siting.lockers.rules import LockerRules

_TANGENTS = (0.0, 0.25, 0.6, 1.2, 2.4, 5.0)


class LockerRelaxation:
    """The relaxation of one problem; columns ``0 … m-1`` are the hosts."""

    def __init__(self, evaluator: LockerEvaluator, rules: LockerRules) -> None:
        self.evaluator, self.rules = evaluator, rules
        self.problem = evaluator.problem
        self.model = LinearModel()
        self.lines = profit_lines(self.problem)
        self.hosts = range(self.problem.siting.site_count)
        self._add_hosts()
        self._add_parcels()
        self._add_profits()
        self._add_rules()

    def cut_off(self, mask: Bools) -> None:
        """Forbid exactly this set of open hosts."""
        terms = [(j, 1.0 if not mask[j] else -1.0) for j in self.hosts]
        self.model.row(terms, lower=1.0 - float(mask.sum()))

    def _add_hosts(self) -> None:
        siting, prices = self.problem.siting, self.problem.settings.prices
        reach = self.rules.reach
        best = [line.worth @ reach - line.base for line in self.lines]
        self.best = np.minimum.reduce(best)
        closing = np.where(siting.is_existing, siting.closing_cny, 0.0) * prices.annuity_share
        self.model.offset = float(closing.sum())
        for j in self.hosts:
            lock = self.rules.locks[j]
            cost = float(-self.best[j] - closing[j])
            self.model.binary(cost, lower=1.0 if lock == 1 else 0.0, upper=0.0 if lock == -1 else 1.0)

    def _add_parcels(self) -> None:
        a, choice = self.evaluator.attractions, self.problem.settings.choice
        outside = 0.0 if choice.kind == "nearest" else choice.outside
        self.parcels: list[dict[int, int]] = []
        for i in range(a.shape[0]):
            # x counts shares of a place's lockable parcels, which keeps the coefficients near 1.
            near = [int(j) for j in np.flatnonzero(a[i]) if self.rules.locks[j] != -1]
            if self.problem.lockable[i] == 0.0:
                near = []
            column = {j: self.model.continuous(upper=1.0) for j in near}
            alone = {j: float(a[i, j] / (a[i, j] + outside)) for j in near}
            for j in near:
                self.model.row([(column[j], 1.0), (j, -alone[j])], upper=0.0)
                worse = [k for k in near if self._drops_out(i, k, j)]
                if worse:
                    most = max(alone[k] for k in worse) if choice.kind != "threshold" else 1.0
                    self.model.row([*((column[k], 1.0) for k in worse), (j, most)], upper=most)
            if near and choice.kind in ("nearest", "bnl"):
                self.model.row([(column[j], 1.0 / alone[j]) for j in near], upper=1.0)
            elif near:
                self._add_tangents(i, near, column)
            self.parcels.append(column)

    def _drops_out(self, i: int, worse: int, better: int) -> bool:
        """Tell whether a place never uses one host beside an open other one."""
        a, choice = self.evaluator.attractions, self.problem.settings.choice
        if choice.kind == "mnl":
            return False
        if choice.kind == "threshold":
            return bool((1.0 + choice.threshold) * a[i, worse] < a[i, better])
        return bool(a[i, worse] < a[i, better] or (a[i, worse] == a[i, better] and worse > better))

    def _add_tangents(self, i: int, near: Sequence[int], column: dict[int, int]) -> None:
        a, outside = self.evaluator.attractions[i], self.problem.settings.choice.outside
        if outside == 0.0:
            self.model.row([(column[j], 1.0) for j in near], upper=1.0)
            return
        for multiple in _TANGENTS:
            s = multiple * outside
            value, slope = s / (s + outside), outside / (s + outside) ** 2
            terms = [(column[j], 1.0) for j in near] + [(j, -slope * float(a[j])) for j in near]
            self.model.row(terms, upper=value - slope * s)

    def _add_profits(self) -> None:
        for j in self.hosts:
            behind = self.model.continuous(1.0)
            users = [(i, column[j]) for i, column in enumerate(self.parcels) if j in column]
            for line in self.lines:
                gains = [(column, float(line.worth[i])) for i, column in users if line.worth[i] != 0.0]
                terms = [(behind, 1.0), (j, -float(self.best[j] + line.base[j])), *gains]
                self.model.row(terms, lower=0.0)

    def _add_rules(self) -> None:
        rules, settings = self.rules, self.problem.settings
        every = [(j, 1.0) for j in self.hosts]
        if settings.minimum_lockers > 0:
            self.model.row(every, lower=float(settings.minimum_lockers))
        if settings.maximum_lockers is not None:
            self.model.row(every, upper=float(settings.maximum_lockers))
        for row in rules.groups:
            self.model.row(_pairs(row.coefficient), lower=row.lower, upper=row.upper)
        for a, b in rules.conflicts:
            self.model.row([(a, 1.0), (b, 1.0)], upper=1.0)
        for a, b in rules.requires:
            self.model.row([(a, 1.0), (b, -1.0)], upper=0.0)
        self._add_money()
        if rules.needed > 0.0:
            self._add_coverage()

    def _add_money(self) -> None:
        siting, prices, side = self.problem.siting, self.problem.settings.prices, self.problem.siting.side
        if side.yearly_budget_cny is not None:
            self.model.row(
                _pairs(siting.yearly_cny + prices.opex_cny_per_year), upper=side.yearly_budget_cny * (1 + 1e-9)
            )
        if side.capex_budget_cny is not None:
            closing = np.where(siting.is_existing, siting.closing_cny, 0.0)
            least = prices.control_cny + np.where(siting.is_existing, 0.0, siting.capex_cny) - closing
            room = side.capex_budget_cny - float(closing.sum())
            self.model.row(_pairs(least), upper=room + 1e-6 * max(1.0, abs(room)))

    def _add_coverage(self) -> None:
        counted, reach = self.rules.counted, self.rules.reach
        terms = []
        for i in np.flatnonzero(counted):
            covered = self.model.continuous(upper=1.0)
            near = [(int(j), -1.0) for j in np.flatnonzero(reach[i])]
            self.model.row([(covered, 1.0), *near], upper=0.0)
            terms.append((covered, float(counted[i])))
        self.model.row(terms, lower=self.rules.needed * (1.0 - 1e-9))


def _pairs(coefficients: Iterable[float]) -> list[tuple[int, float]]:
    return [(j, float(c)) for j, c in enumerate(coefficients) if c != 0.0]
