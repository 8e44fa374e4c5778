"""Published cooperative games with their published answers, and answers by plain enumeration, for the tests of the settlement."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from planner.cooperation.game import CostGame, with_parts


def game(count: int, cost: Callable[[frozenset[int]], float], slack: float = 0.0) -> CostGame:
    """Return the game of a formula; bounds are `slack` (share) below the costs."""
    value = np.zeros(1 << count)
    for mask in range(1, 1 << count):
        value[mask] = cost(frozenset(i for i in range(count) if mask >> i & 1))
    return CostGame(tuple(f"p{i}" for i in range(count)), value, value - slack * np.abs(value))


#: Littlechild and Owen 1973, "A simple expression for the Shapley value in a special case": planes of four sizes on one runway.
AIRPORT = game(4, lambda s: max((12.0, 20.0, 33.0, 41.0)[i] for i in s))


def airport_shapley(costs: Sequence[float]) -> list[float]:
    """Return Littlechild and Owen's formula: every piece of runway is shared equally by those who need it."""
    found, before, paid = [], 0.0, 0.0
    for k, cost in enumerate(costs):
        paid += (cost - before) / (len(costs) - k)
        before = cost
        found.append(paid)
    return found


#: Shapley and Shubik 1969, "Pure competition, coalitional power, and fair division": one left glove, two right gloves; a pair is worth 1.
GLOVES = game(3, lambda s: -float(min(len(s & {0}), len(s & {1, 2}))))
#: Three players, any two win 1 (simple majority): the core is empty, least surplus 1/3 (Maschler, Peleg and Shapley 1979).
MAJORITY = game(3, lambda s: -1.0 if len(s) >= 2 else 0.0)


def bankruptcy(estate: float, claims: Sequence[float]) -> CostGame:
    """Return O'Neill's bankruptcy game as a cost game: a coalition gets what the others' claims leave."""
    return game(len(claims), lambda s: -max(0.0, estate - sum(c for i, c in enumerate(claims) if i not in s)))


#: Aumann and Maschler 1985, "Game theoretic analysis of a bankruptcy problem from the Talmud": estate → nucleolus, claims 100, 200, 300.
TALMUD = {100.0: (100 / 3, 100 / 3, 100 / 3), 200.0: (50.0, 75.0, 75.0), 300.0: (50.0, 100.0, 150.0)}


def shapley_by_orders(costs: CostGame) -> list[float]:
    """Return the Shapley value by walking through all orders."""
    n = costs.count
    total = [0.0] * n
    for order in itertools.permutations(range(n)):
        mask = 0
        for i in order:
            total[i] += costs.value[mask | 1 << i] - costs.value[mask]
            mask |= 1 << i
    return [t / math.factorial(n) for t in total]


def contents(costs: CostGame, shares: Sequence[float]) -> list[float]:
    """Return how content every coalition is (its own cost less what it pays), least first."""
    return sorted(
        float(costs.value[m]) - sum(shares[i] for i in range(costs.count) if m >> i & 1) for m in range(1, costs.grand)
    )


def random_game(seed: int, count: int, *, is_subadditive: bool = True) -> CostGame:
    """Return a game of random costs; subadditive by letting coalitions part."""
    rng = np.random.default_rng(seed)
    value = np.concatenate([[0.0], rng.uniform(5.0, 50.0, (1 << count) - 1)])
    plain = CostGame(tuple(f"p{i}" for i in range(count)), value, value * rng.uniform(0.9, 1.0, 1 << count))
    return with_parts(plain) if is_subadditive else plain
