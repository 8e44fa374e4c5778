"""Ways to divide the cost of all among the operators, each with the interval that gaps of the costs leave open.

``shapley``: mean additional cost; ``weighted_shapley``: the same with weights; ``nucleolus``; ``volume``: by parcels;
``stand_alone``: by what each pays alone; ``equal_savings`` and ``weighted_savings``: what each pays alone less its part of the saving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.cooperation.core import CoreTest, Stability, Verdict, core_test, stability
from planner.cooperation.game import CostGame, Floats
from planner.cooperation.nucleolus import nucleolus
from planner.cooperation.shapley import interval, shapley_coefficients, weighted_coefficients

Rule = Literal["shapley", "weighted_shapley", "nucleolus", "volume", "stand_alone", "equal_savings", "weighted_savings"]
RULES: tuple[Rule, ...] = (
    "shapley",
    "nucleolus",
    "volume",
    "stand_alone",
    "equal_savings",
    "weighted_shapley",
    "weighted_savings",
)
WEIGHTED: tuple[Rule, ...] = ("weighted_shapley", "weighted_savings")


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """The cost of all divided by one rule.

    Attributes
    ----------
    rule
        How.
    shares
        CNY a day by player at the costs of the plans found; they sum to the cost of all. Negative: the player is paid.
    low, high
        The rule's share for the true costs lies between these.
    rational
        By player: whether it pays no more than alone.
    stability
        Who would walk out.
    """

    rule: Rule
    shares: Floats
    low: Floats
    high: Floats
    rational: tuple[Verdict, ...]
    stability: Stability


@dataclass(frozen=True, slots=True, eq=False)
class SettlementResult:
    """Everything about how one cost can be divided.

    Attributes
    ----------
    game
        The costs.
    core
        Whether any division keeps everybody.
    divisions
        By rule, in the order of `RULES`.
    """

    game: CostGame
    core: CoreTest
    divisions: Mapping[Rule, Division]

    @property
    def alone(self) -> Floats:
        """Return what each player pays alone, CNY a day."""
        found: Floats = self.game.value[self.game.singles]
        return found

    @property
    def saving(self) -> float:
        """Return what all save together, CNY a day."""
        return float(self.alone.sum() - self.game.value[self.game.grand])


def settle(game: CostGame, *, volumes: Sequence[float], weights: Sequence[float] | None = None) -> SettlementResult:
    """Divide the cost of all by every rule.

    Parameters
    ----------
    game
        Costs of all coalitions.
    volumes
        Parcels a day by player; their sum must be positive.
    weights
        Positive weights (resources put in, risk, service) by player, for the weighted rules; None: those rules are left out.
    """
    count = game.count
    if len(volumes) != count or min(volumes) < 0.0 or sum(volumes) <= 0.0:
        msg = "volumes must be one figure a player, none negative, not all zero"
        raise ValueError(msg)
    if weights is not None and (len(weights) != count or min(weights) <= 0.0):
        msg = "weights must be one positive figure a player"
        raise ValueError(msg)
    chosen = [rule for rule in RULES if weights is not None or rule not in WEIGHTED]
    found = {rule: _division(game, rule, volumes, weights) for rule in chosen}
    return SettlementResult(game, core_test(game), found)


def divide(game: CostGame, rule: Rule, *, volumes: Sequence[float], weights: Sequence[float] | None = None) -> Division:
    """Divide the cost of all by one rule; parameters as in `settle`."""
    return _division(game, rule, volumes, weights)


def _division(game: CostGame, rule: Rule, volumes: Sequence[float], weights: Sequence[float] | None) -> Division:
    if rule == "nucleolus":
        answer = nucleolus(game)
        shares, low, high = answer.shares, answer.low, answer.high
    elif rule == "stand_alone":
        shares, low, high = _by_stand_alone(game)
    else:
        shares, low, high = interval(_coefficients(game, rule, volumes, weights), game)
    return Division(rule, shares, low, high, rationality(game, shares), stability(game, shares))


def rationality(game: CostGame, shares: Floats) -> tuple[Verdict, ...]:
    """Return by player whether its share is no more than what it pays alone."""
    slack = game.tolerance * game.count
    found: list[Verdict] = []
    for share, mask in zip(shares, game.singles, strict=True):
        value, bound = float(game.value[mask]), float(game.bound[mask])
        found.append("no" if share > value + slack else "yes" if share <= bound + slack else "undecided")
    return tuple(found)


def _coefficients(game: CostGame, rule: Rule, volumes: Sequence[float], weights: Sequence[float] | None) -> Floats:
    """Return a matrix A with ``shares = A @ costs``."""
    if rule == "shapley":
        return shapley_coefficients(game.count)
    given = np.ones(game.count) if weights is None else np.asarray(weights, dtype=np.float64)
    if rule == "weighted_shapley":
        return weighted_coefficients([float(w) for w in given])
    found = np.zeros((game.count, len(game.value)))
    if rule == "volume":
        found[:, game.grand] = np.asarray(volumes, dtype=np.float64) / float(sum(volumes))
        return found
    part = given / given.sum() if rule == "weighted_savings" else np.full(game.count, 1.0 / game.count)
    found[:, game.grand] += part
    found[:, game.singles] += np.eye(game.count) - part[:, None]
    return found


def _by_stand_alone(game: CostGame) -> tuple[Floats, Floats, Floats]:
    """Return shares in proportion to what each pays alone, and their limits.

    A share ``c(N)·c_i/Σc_j`` of costs that are not negative rises with ``c_i`` and ``c(N)`` and falls with the others. With nothing to
    go by (all alone pay nothing) it is equal.
    """
    value, bound = np.maximum(game.value[game.singles], 0.0), np.maximum(game.bound[game.singles], 0.0)
    whole, least = float(game.value[game.grand]), float(game.bound[game.grand])
    if value.sum() <= 0.0:
        even = np.full(game.count, 1.0 / game.count)
        return even * whole, even * least, even * whole
    own = value / value.sum()
    others_most, others_least = value.sum() - value, bound.sum() - bound
    low_part = bound / np.maximum(bound + others_most, 1e-12)
    high_part = np.minimum(1.0, value / np.maximum(value + others_least, 1e-12))
    low = np.minimum(least * low_part, least * high_part)
    return own * whole, low, np.maximum(whole * high_part, whole * low_part)


def savings_fairness(result: SettlementResult, rule: Rule) -> Floats:
    """Return K29: each player's saving under a rule over its Shapley saving; NaN where the latter is nothing."""
    game = result.game
    alone = result.alone
    own = alone - result.divisions[rule].shares
    fair = alone - result.divisions["shapley"].shares
    is_there = np.abs(fair) > game.tolerance * game.count
    found: Floats = np.where(is_there, own / np.where(is_there, fair, 1.0), np.nan)
    return found
