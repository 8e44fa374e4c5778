"""Who would walk out: the core of a cost game by linear programming, with verdicts that stay true where costs carry gaps.

A division ``x`` of the grand coalition's cost is in the core when no coalition S pays more together than it would alone:
``Σ_{i∈S} x_i ≤ c(S)``. The least core allows every coalition the same surplus ε and makes it as small as it can be; the core is empty
exactly where the least ε is positive (Shapley and Shubik 1966; Maschler, Peleg and Shapley 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from planner.cooperation.game import CostGame, Floats

Verdict = Literal["yes", "no", "undecided"]


@dataclass(frozen=True, slots=True, eq=False)
class CoreTest:
    """Whether any division keeps everybody.

    Attributes
    ----------
    has_core
        ``yes`` or ``no`` where proved for the true costs; ``undecided`` where the gaps of the costs leave it open.
    epsilon
        Least surplus that must be asked of some coalition, CNY a day, with the costs of the plans found; at most 0 where the core is
        not empty (then it is how much every coalition at least gains by staying, negative).
    epsilon_low, epsilon_high
        The true least surplus lies between these.
    division
        A division of the least core, by player.
    """

    has_core: Verdict
    epsilon: float
    epsilon_low: float
    epsilon_high: float
    division: Floats


@dataclass(frozen=True, slots=True)
class WalkOut:
    """A coalition that pays too much.

    Attributes
    ----------
    members
        Ids.
    gain_cny_per_day
        What it would save by leaving, with the plan found for it; it certainly leaves if this is positive.
    gain_at_most_cny_per_day
        The most it could save if a better plan of its own were found.
    """

    members: tuple[str, ...]
    gain_cny_per_day: float
    gain_at_most_cny_per_day: float


@dataclass(frozen=True, slots=True)
class Stability:
    """How a division stands against all coalitions.

    Attributes
    ----------
    is_stable
        ``yes``: nobody can gain by leaving; ``no``: somebody surely would; ``undecided``: the gaps leave it open.
    worst
        The coalition that gains most by leaving (least loses, where nobody gains); None for a single player.
    leaving, undecided, coalitions
        Coalitions that surely gain, that perhaps gain, and all but the grand one.
    """

    is_stable: Verdict
    worst: WalkOut | None
    leaving: int
    undecided: int
    coalitions: int


def core_test(game: CostGame) -> CoreTest:
    """Return whether the core is empty, and by how much.

    Notes
    -----
    The least ε grows with the cost of all and falls with the cost of every smaller coalition. With ``bound ≤ c ≤ value`` it lies
    between that of (bound of all, values of the others) and that of (value of all, bounds of the others).
    """
    grand = game.grand
    epsilon, division = least_core(game.value, game.count)
    least, most = game.value.copy(), game.bound.copy()
    least[grand], most[grand] = game.bound[grand], game.value[grand]
    low = epsilon if game.is_proved else least_core(least, game.count)[0]
    high = epsilon if game.is_proved else least_core(most, game.count)[0]
    has_core: Verdict = "yes" if high <= game.tolerance else "no" if low > game.tolerance else "undecided"
    return CoreTest(has_core, epsilon, low, high, division)


def least_core(costs: Floats, count: int, *, is_imputation: bool = False) -> tuple[float, Floats]:
    """Return the least ε with ``x(S) ≤ c(S) + ε`` for all S but none and all, ``x(N) = c(N)``; and such an x.

    With one player there is nobody to leave: ε is 0. Held to imputations, nobody pays more than alone; ``inf`` if that cannot be.
    """
    grand = len(costs) - 1
    if count == 1:
        return 0.0, np.array([costs[grand]])
    alone = costs[[1 << i for i in range(count)]]
    if is_imputation and alone.sum() < costs[grand]:
        return np.inf, np.full(count, np.nan)
    masks = np.arange(1, grand)
    rows = np.empty((len(masks), count + 1))
    rows[:, :count] = (masks[:, None] >> np.arange(count)[None, :]) & 1
    rows[:, count] = -1.0
    scale = max(1.0, float(np.abs(costs).max()))
    objective = np.zeros(count + 1)
    objective[count] = 1.0
    whole = np.ones((1, count + 1))
    whole[0, count] = 0.0
    found = linprog(
        objective,
        A_ub=rows,
        b_ub=costs[1:grand] / scale,
        A_eq=whole,
        b_eq=[costs[grand] / scale],
        bounds=[*((None, top / scale if is_imputation else None) for top in alone), (None, None)],
        method="highs",
    )
    if found.status != 0:
        msg = f"least core: {found.message}"
        raise RuntimeError(msg)
    return float(found.fun) * scale, np.asarray(found.x[:count], dtype=np.float64) * scale


def stability(game: CostGame, shares: Floats | Sequence[float]) -> Stability:
    """Return who would walk out of a division, and for how much."""
    paid = game.membership() @ np.asarray(shares, dtype=np.float64)
    sure, perhaps = (paid - game.value)[1 : game.grand], (paid - game.bound)[1 : game.grand]
    if not sure.size:
        return Stability("yes", None, 0, 0, 0)
    # A division adds up to the cost of all with the rounding of a sum over all players.
    slack = game.tolerance * game.count
    leaving, open_ = int((sure > slack).sum()), int(((perhaps > slack) & (sure <= slack)).sum())
    at = int(np.argmax(sure))
    worst = WalkOut(game.members(at + 1), float(sure[at]), float(perhaps[at]))
    verdict: Verdict = "no" if leaving else "undecided" if open_ else "yes"
    return Stability(verdict, worst, leaving, open_, len(sure))


def walk_outs(game: CostGame, shares: Floats | Sequence[float], *, limit: int = 10) -> tuple[WalkOut, ...]:
    """Return the coalitions that would gain most by leaving, or lose least, the most dissatisfied first."""
    paid = game.membership() @ np.asarray(shares, dtype=np.float64)
    sure, perhaps = paid - game.value, paid - game.bound
    order = sorted(range(1, game.grand), key=lambda mask: (-round(float(sure[mask]), 9), mask))[:limit]
    return tuple(WalkOut(game.members(m), float(sure[m]), float(perhaps[m])) for m in order)
