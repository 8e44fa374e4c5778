"""What a search of maximal covering may do, what it answers, and who is told meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from planner.siting.coverage_engine.arrays import Ints

#: Called with (weight covered, bound), both with the base, whenever one improves.
Tell = Callable[[float, float], None]


@dataclass(frozen=True, slots=True)
class CoverLimits:
    """Limits of a search.

    Attributes
    ----------
    relative_gap
        Good enough.
    node_limit
        Nodes of the exact finish.
    time_limit_s
        Wall clock, for people.
    seed
        Seed of the annealing and of the windows.
    rounds
        Rounds of annealing and bounding.
    moves_per_site
        Annealing moves a site of the budget in the last round.
    most_moves
        Annealing moves of any one round.
    finish_pairs
        Most pairs of row and site at which HiGHS is asked to finish.
    window_sites
        Open sites freed in a window.
    windows_per_site
        Windows a site of the budget.
    clock
        Clock of `time_limit_s`; a benchmark may count processor seconds instead.
    """

    relative_gap: float = 0.0
    node_limit: int = 100_000
    time_limit_s: float = 60.0
    seed: int = 1
    rounds: int = 3
    moves_per_site: int = 4500
    most_moves: int = 3_000_000
    finish_pairs: int = 40_000
    window_sites: int = 12
    windows_per_site: float = 4.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, eq=False)
class CoverAnswer:
    """Chosen sites (the caller's numbers, ascending), weight covered, proved upper bound, and what cut the search."""

    chosen: Ints
    weight: float
    bound: float
    cut: str = ""
