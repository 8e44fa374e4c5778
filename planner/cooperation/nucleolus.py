"""The nucleolus: the division that makes the most dissatisfied coalition as content as can be, then the next, and so on.

A sequence of linear programs (Kopelowitz 1967; Maschler, Peleg and Shapley 1979): maximise the least content ``t = c(S) - x(S)`` over the
coalitions not yet settled; those whose dual price is positive are as discontent in every best division, so their payment is settled;
repeat until one division is left. Coalitions enter each program only when they are violated (Hallefjord, Helming and Jørnsten 1995).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult, linprog

from planner.cooperation.core import least_core
from planner.cooperation.game import CostGame, Floats

_FEASIBLE, _DUAL, _RANK = 1e-9, 1e-7, 1e-8
#: Coalitions taken into a program at once.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True, eq=False)
class NucleolusAnswer:
    """The nucleolus of a game.

    Attributes
    ----------
    shares
        CNY a day by player, at the costs found.
    low, high
        Limits that hold whatever the true costs between bound and value are; equal to `shares` where all costs are proved. They
        are wide (every division of a least core lies inside), because the nucleolus has no simple law of error; infinite where the
        gaps leave open whether anybody can be held to what it pays alone.
    is_imputation
        Whether shares are held to what each pays alone. False where that cannot be (the players alone pay less than all together);
        then it is the prenucleolus.
    levels
        Least content of each program solved, falling satisfaction first, CNY a day.
    """

    shares: Floats
    low: Floats
    high: Floats
    is_imputation: bool
    levels: tuple[float, ...]


def nucleolus(game: CostGame, *, has_limits: bool = True) -> NucleolusAnswer:
    """Return the nucleolus over the divisions in which nobody pays more than alone.

    Parameters
    ----------
    game
        At most `planner.cooperation.game.MAXIMUM_PLAYERS` players.
    has_limits
        Whether to work out `low` and `high` where costs carry gaps (two linear programs a player).
    """
    scale = max(1.0, float(np.abs(game.value).max()))
    search = _Search(game.value / scale, game.membership())
    while search.rank < game.count:
        search.settle()
    shares = search.division * scale
    levels = tuple(level * scale for level in search.levels)
    if game.is_proved or not has_limits:
        return NucleolusAnswer(shares, shares, shares, search.is_imputation, levels)
    low, high = _limits(game)
    return NucleolusAnswer(shares, np.minimum(low, shares), np.maximum(high, shares), search.is_imputation, levels)


def nucleolus_spread(game: CostGame, *, draws: int = 12, seed: int = 1) -> float:
    """Return the farthest that any share of the nucleolus moved over games drawn between bounds and values, CNY a day.

    Parameters
    ----------
    game
        Costs with their bounds; proved costs do not move.
    draws
        Games drawn: every coalition's cost is its value, its bound or anything between, each on its own.
    seed
        Decides the draws.

    Notes
    -----
    A measure and no limit: the limits that always hold (`NucleolusAnswer.low`, `high`) come from the least core and are wide, because
    the smallest gap lets go of everything but the first of the programs.
    """
    if game.is_proved:
        return 0.0
    generator = np.random.default_rng(seed)
    centre, farthest = nucleolus(game, has_limits=False).shares, 0.0
    for _ in range(draws):
        part = generator.choice([0.0, 0.5, 1.0], size=len(game.value))
        cost = game.bound + part * (game.value - game.bound)
        shares = nucleolus(CostGame(game.players, cost, cost), has_limits=False).shares
        farthest = max(farthest, float(np.abs(shares - centre).max()))
    return farthest


@dataclass(slots=True)
class _Search:
    """The programs so far: what is settled, and at which payment."""

    costs: Floats
    inside: Floats
    rows: list[int] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    division: Floats = field(default_factory=lambda: np.zeros(0))
    is_imputation: bool = True

    def __post_init__(self) -> None:
        grand = len(self.costs) - 1
        self.rows, self.paid = [grand], [float(self.costs[grand])]
        count = self.inside.shape[1]
        alone = self.costs[[1 << i for i in range(count)]]
        self.is_imputation = bool(alone.sum() >= self.costs[grand] - _FEASIBLE)
        self.division = np.full(count, self.costs[grand] / count)

    @property
    def rank(self) -> int:
        return int(np.linalg.matrix_rank(self.inside[self.rows], tol=_RANK))

    def settle(self) -> None:
        """Solve one program and settle the coalitions that are equally discontent in all its best divisions."""
        open_ = self._not_settled()
        first = [m for m in open_ if self.inside[m].sum() in (1.0, self.inside.shape[1] - 1.0)]
        used = sorted(set(first))
        while True:
            found = self._solve(used)
            content = self.costs[open_] - self.inside[open_] @ found.x[:-1] - found.x[-1]
            order = np.argsort(content, kind="stable")[:_AT_ONCE]
            new = sorted({int(open_[k]) for k in order if content[k] < -_FEASIBLE} - set(used))
            if not new:
                break
            used = sorted({*used, *new})
        self.division = np.asarray(found.x[:-1], dtype=np.float64)
        level = float(found.x[-1])
        self.levels.append(level)
        prices = -np.asarray(found.ineqlin.marginals)
        for k in np.argsort(-prices, kind="stable"):
            if prices[k] <= _DUAL:
                break
            self._fix(used[int(k)], level)

    def _fix(self, mask: int, level: float) -> None:
        before = self.rank
        self.rows.append(mask)
        self.paid.append(float(self.costs[mask]) - level)
        if self.rank == before:
            self.rows.pop()
            self.paid.pop()

    def _not_settled(self) -> npt.NDArray[np.intp]:
        """Return the coalitions whose payment does not follow from what is settled."""
        basis = np.linalg.qr(self.inside[self.rows].T)[0]
        rest = self.inside - (self.inside @ basis) @ basis.T
        is_open = np.abs(rest).max(axis=1) > _RANK
        is_open[0] = is_open[-1] = False
        return np.flatnonzero(is_open)

    def _solve(self, used: list[int]) -> OptimizeResult:
        count = self.inside.shape[1]
        rows = np.ones((len(used), count + 1))
        rows[:, :count] = self.inside[used]
        fixed = np.zeros((len(self.rows), count + 1))
        fixed[:, :count] = self.inside[self.rows]
        objective = np.zeros(count + 1)
        objective[count] = -1.0
        tops = [float(self.costs[1 << i]) + _FEASIBLE if self.is_imputation else None for i in range(count)]
        found = linprog(
            objective,
            A_ub=rows,
            b_ub=self.costs[used],
            A_eq=fixed,
            b_eq=self.paid,
            bounds=[*((None, top) for top in tops), (None, None)],
            method="highs",
        )
        if found.status != 0:
            msg = f"nucleolus: {found.message}"
            raise RuntimeError(msg)
        return found


def _limits(game: CostGame) -> tuple[Floats, Floats]:
    """Return limits from the least core: ``x(S) ≤ value(S) + ε_high``, ``bound(N) ≤ x(N) ≤ value(N)``; the nucleolus is always in it."""
    most = game.bound.copy()
    most[game.grand] = game.value[game.grand]
    epsilon = least_core(most, game.count, is_imputation=True)[0]
    if not np.isfinite(epsilon):
        return np.full(game.count, -np.inf), np.full(game.count, np.inf)
    inside = game.membership()
    rows = np.vstack([inside[1:], -inside[-1:]])
    tops = np.append(game.value[1:] + epsilon, -game.bound[game.grand])
    tops[game.grand - 1] = game.value[game.grand]
    alone = np.array(game.singles) - 1
    tops[alone] = np.minimum(tops[alone], game.value[game.singles])
    scale = max(1.0, float(np.abs(game.value).max()))
    found = np.empty((2, game.count))
    for i in range(game.count):
        for side, sign in enumerate((1.0, -1.0)):
            objective = np.zeros(game.count)
            objective[i] = sign
            answer = linprog(objective, A_ub=rows, b_ub=tops / scale, bounds=(None, None), method="highs")
            found[side, i] = sign * answer.fun * scale if answer.status == 0 else -sign * np.inf
    return found[0], found[1]
