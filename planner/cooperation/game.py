"""The cost game of a cooperation: what every coalition of operators would pay a day on its own, each cost with its proved bound.

Coalitions are bit masks over the players in their order: bit i is player i. All money is CNY a day; a cost may be negative
(a gain), so that published value games can be written as cost games.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from typing import Protocol

import numpy as np
import numpy.typing as npt

from planner.progress import ProgressEvent, ProgressListener, no_progress

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Players whose coalitions are all written down: 2¹⁴ costs.
MAXIMUM_PLAYERS = 14
#: Part of the grand coalition's cost below which two sums of money are the same.
TOLERANCE = 1e-9
STAGE = "coalitions"


class CostAnswer(Protocol):
    """What a coalition costs: a cost that can be had, and one that cannot be undercut."""

    @property
    def value(self) -> float:
        """CNY a day of a plan that keeps every rule."""

    @property
    def bound(self) -> float:
        """CNY a day below which no plan of the coalition is."""


#: Says what a coalition of player ids costs.
CostFunction = Callable[[tuple[str, ...]], CostAnswer]


@dataclass(frozen=True, slots=True)
class KnownCost:
    """A cost that is exactly known, or known to lie between `bound` and `value`."""

    value: float
    bound: float


@dataclass(frozen=True, slots=True, eq=False)
class CostGame:
    """Costs of all coalitions.

    Attributes
    ----------
    players
        Ids in order; bit i of a mask is player i.
    value
        Shape (2ⁿ,): CNY a day of the best plan found by mask; ``value[0]`` is 0.
    bound
        Same shape: the least the coalition's best plan can cost. Where it equals `value` the cost is proved.
    """

    players: tuple[str, ...]
    value: Floats
    bound: Floats

    def __post_init__(self) -> None:
        shape = (1 << len(self.players),)
        if not 1 <= len(self.players) <= MAXIMUM_PLAYERS or len(set(self.players)) < len(self.players):
            msg = f"1 to {MAXIMUM_PLAYERS} different players, not {len(self.players)}"
            raise ValueError(msg)
        if self.value.shape != shape or self.bound.shape != shape:
            msg = f"value and bound must have shape {shape}"
            raise ValueError(msg)
        if self.value[0] or self.bound[0] or not np.isfinite(self.value).all() or not np.isfinite(self.bound).all():
            msg = "all costs must be finite, and nobody costs nothing"
            raise ValueError(msg)
        if (self.bound > self.value + self.tolerance).any():
            msg = "a bound must not exceed its value"
            raise ValueError(msg)

    def __call__(self, members: Iterable[str]) -> KnownCost:
        """Return the cost of a coalition: a game is itself a cost function."""
        mask = self.mask(members)
        return KnownCost(float(self.value[mask]), float(self.bound[mask]))

    @property
    def count(self) -> int:
        """Return the number of players."""
        return len(self.players)

    @property
    def grand(self) -> int:
        """Return the mask of all players."""
        return len(self.value) - 1

    @property
    def tolerance(self) -> float:
        """Return the CNY a day below which two sums are the same."""
        return TOLERANCE * max(1.0, float(np.abs(self.value).max()))

    @property
    def is_proved(self) -> bool:
        """Tell whether every coalition's cost is proved."""
        return bool((self.value - self.bound <= self.tolerance).all())

    @property
    def singles(self) -> list[int]:
        """Return the mask of every player alone."""
        return [1 << i for i in range(self.count)]

    def members(self, mask: int) -> tuple[str, ...]:
        """Return the ids of a coalition."""
        return tuple(name for i, name in enumerate(self.players) if mask >> i & 1)

    def mask(self, members: Iterable[str]) -> int:
        """Return the mask of a coalition; ValueError if an id is unknown."""
        return sum(1 << self.players.index(name) for name in set(members))

    def membership(self) -> Floats:
        """Return a matrix of shape (2ⁿ, n): 1 where the coalition of the row has the player of the column."""
        masks = np.arange(len(self.value))
        found: Floats = ((masks[:, None] >> np.arange(self.count)[None, :]) & 1).astype(np.float64)
        return found


def game_of(players: Sequence[str], costs: Mapping[frozenset[str], float | CostAnswer]) -> CostGame:
    """Return a game from a table of costs; a coalition that is missing acts as cheaply as its best parts (`with_parts`).

    Parameters
    ----------
    players
        Ids in order.
    costs
        Coalition → cost; every player alone must be there.
    """
    count = 1 << len(players)
    value, bound = np.full(count, np.inf), np.full(count, np.inf)
    value[0] = bound[0] = 0.0
    for members, cost in costs.items():
        mask = sum(1 << players.index(name) for name in members)
        value[mask], bound[mask] = (cost, cost) if isinstance(cost, float | int) else (cost.value, cost.bound)
    return CostGame(tuple(players), _cover(value), _cover(bound))


def with_parts(game: CostGame) -> CostGame:
    """Return the game in which a coalition may also act in parts, each on its own.

    Notes
    -----
    ``c'(S) = min over partitions P of S of Σ c(T), T ∈ P``, for values and for bounds; then ``c'(S ∪ T) ≤ c'(S) + c'(T)``.
    """
    return CostGame(game.players, _cover(game.value), _cover(game.bound))


def _cover(costs: Floats) -> Floats:
    """Return the least cost of every coalition over all its partitions."""
    found = costs.copy()
    for mask in range(1, len(costs)):
        low = mask & -mask
        part = (mask - 1) & mask
        while part:
            if part & low:
                found[mask] = min(found[mask], found[part] + found[mask ^ part])
            part = (part - 1) & mask
    return found


def by_size(count: int) -> list[int]:
    """Return all masks but the empty one, small coalitions first."""
    return [sum(1 << i for i in who) for size in range(1, count + 1) for who in combinations(range(count), size)]


def tabulate(
    players: Sequence[str],
    cost_of: CostFunction,
    *,
    workers: int = 1,
    may_part: bool = True,
    listener: ProgressListener = no_progress,
) -> CostGame:
    """Ask for the cost of every coalition.

    Parameters
    ----------
    players
        Ids in order, at most `MAXIMUM_PLAYERS`.
    cost_of
        Cost of a coalition; with several workers it must be picklable.
    workers
        Processes; the result does not depend on it.
    may_part
        Whether a coalition may also act in parts (`with_parts`), as operators may.
    listener
        Told of every coalition (stage ``coalitions``).
    """
    if len(players) > MAXIMUM_PLAYERS:
        msg = f"all coalitions of {len(players)} players are too many; at most {MAXIMUM_PLAYERS}, or sample"
        raise ValueError(msg)
    masks = by_size(len(players))
    named = [tuple(name for i, name in enumerate(players) if mask >> i & 1) for mask in masks]
    value, bound = np.zeros(1 << len(players)), np.zeros(1 << len(players))
    for done, (mask, cost) in enumerate(zip(masks, _answers(cost_of, named, workers), strict=True)):
        value[mask], bound[mask] = cost.value, min(cost.bound, cost.value)
        listener(ProgressEvent(STAGE, done=done + 1, total=len(masks)))
    game = CostGame(tuple(players), value, bound)
    return with_parts(game) if may_part else game


def _answers(cost_of: CostFunction, named: list[tuple[str, ...]], workers: int) -> Iterable[CostAnswer]:
    if workers <= 1:
        yield from map(cost_of, named)
        return
    # Spawned, not forked: the same on Windows, and solver threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), _keep, (cost_of,)) as pool:
        yield from pool.map(_ask, named, chunksize=8)


#: The cost function of this worker process.
_KEPT: list[CostFunction] = []


def _keep(cost_of: CostFunction) -> None:
    _KEPT[:] = [cost_of]


def _ask(members: tuple[str, ...]) -> KnownCost:
    found = _KEPT[0](members)
    return KnownCost(float(found.value), float(found.bound))
