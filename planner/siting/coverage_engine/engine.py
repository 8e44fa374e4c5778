"""Maximal covering at any size: anneal, bound, fix, finish exactly; where that is too much, improve window by window.

Stages, each ended by counts (the clock only cuts): reduction; greedy and a short annealing; Lagrangian bound; sites
fixed by their
reduced values; HiGHS on what remains if it is small enough; else longer annealing and bounds; else windows of a few
open sites, each
solved to the end with all else fixed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from planner.engines.mathopt import EngineLimits
from planner.siting.coverage_engine import moves
from planner.siting.coverage_engine.arrays import Floats, Ints
from planner.siting.coverage_engine.choices import affordable, least_losses, narrowed
from planner.siting.coverage_engine.cover import Cover, columns_of, merged, part_of, part_with, without_dominated
from planner.siting.coverage_engine.dual import (
    Ascent,
    Dual,
    bound_at,
    core_goal,
    first_multipliers,
    fixable,
    improve,
    worthiest,
)
from planner.siting.coverage_engine.exact import solve_cover

_TINY = 1e-9
#: First temperatures of annealings (early rounds take the first, the last round the others) and the last one, in what
#: the least open sites are worth.
_HOT = (0.05, 0.25, 0.25)
_COLD = 0.015
#: Portions an annealing is cut into, each from the best choice of the one before; share of the clock it may take.
_PORTIONS = 10
_ANNEALING_SHARE = 0.4
#: Nodes of the exact finish of a window, and the most open sites in one.
_WINDOW_NODES = 100
_LARGEST_WINDOW = 45.0
#: Seconds a pair of row and site takes in a compiled loop, for the clock only.
_PAIR_SECONDS = 3e-9
#: Relative gap below which windows are searched before the last round.
_NEARLY = 0.005
#: Nodes of an exact finish that may still be followed by other stages.
_EARLY_NODES = 500
#: Share of the sites a long annealing is kept to; pairs of a core that is solved apart.
_ANNEALED_SHARE = 0.35
_CORE_PAIRS = 40_000
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


def maximise(
    cover: Cover, budget: float, limits: CoverLimits, *, whole: bool, tell: Tell = lambda _weight, _bound: None
) -> CoverAnswer:
    """Cover the most weight with sites of a total cost of at most `budget`.

    Parameters
    ----------
    cover
        Rows and sites; without costs every site costs 1 and `budget` is the number of sites.
    budget
        What may be spent.
    limits
        When to stop.
    whole
        All weights are whole numbers, so that a bound may be rounded down.
    tell
        Told every improvement.
    """
    return _Search(cover, budget, limits, whole, tell).run()


@dataclass(slots=True, eq=False)
class _Search:
    """State of one search: the incumbent in the caller's numbers, and the cover of what is still open to choice.

    `weight` and `bound` hold the cover's base; `cover` shrinks as sites are proved open (`fixed`, paid from `budget`)
    or closed.
    """

    cover: Cover
    budget: float
    limits: CoverLimits
    whole: bool
    tell: Tell
    fixed: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    chosen: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    weight: float = -math.inf
    bound: float = math.inf
    multiplier: Floats = field(default_factory=lambda: np.zeros(0))
    cut: str = ""
    stop: float = math.inf
    begun: float = 0.0

    def run(self) -> CoverAnswer:
        """Run all stages."""
        self.begun = self.limits.clock()
        self.stop = self.begun + self.limits.time_limit_s
        self.cover = without_dominated(merged(affordable(self.cover, self.budget)))
        self.weight = self.cover.base
        self.bound = self.cover.base + float(self.cover.weight.sum())
        self._found(fill(self.cover, self.budget, np.zeros(0, np.int64)))
        for number in range(self.limits.rounds):
            if self._is_done():
                break
            self._round(number)
        self._last()
        gap = self.bound - self.weight
        cut = self.cut if gap > _TINY * max(1.0, self.weight) else ""
        return CoverAnswer(np.sort(self.chosen), self.weight, max(self.bound, self.weight), cut)

    def _last(self) -> None:
        """Search ever larger windows; then finish whatever is left."""
        size = float(self.limits.window_sites)
        left = math.ceil(self.limits.windows_per_site * self._inside().size)
        while left > 0 and size <= _LARGEST_WINDOW and not self._is_done():
            share = min(left, self._inside().size)
            left -= share
            if not self._windows(int(size), share):
                size *= 1.5
        if not self._is_done():
            self._finish(4 * self.limits.finish_pairs, self.limits.node_limit)

    def _gap(self) -> float:
        return (self.bound - self.weight) / max(1.0, self.weight)

    def _within_clock(self, steps: int, step_seconds: float) -> int:
        """Return as many steps as the clock is likely to allow, at least one; fewer than asked is a cut."""
        allowed = max(1, int((self.stop - self.limits.clock()) / step_seconds))
        if allowed < steps:
            self.cut = "time"
        return min(steps, allowed)

    def _is_done(self) -> bool:
        if self.bound - self.weight <= max(_TINY, self.limits.relative_gap) * max(1.0, self.weight):
            return True
        if self.limits.clock() >= self.stop:
            self.cut = "time"
            return True
        return False

    def _wanted(self) -> float:
        """Return the least weight, beyond the base, of a better choice."""
        return self.weight - self.cover.base + (1.0 - 1e-6 if self.whole else 1e-7 * max(1.0, self.weight))

    def _found(self, inside: Ints) -> None:
        """Keep a choice (numbers within the cover) if it is the best so far."""
        weight = self.cover.base + self.cover.covered(inside)
        if weight > self.weight + _TINY:
            self.weight = weight
            self.chosen = np.concatenate((self.fixed, self.cover.site[inside])).astype(np.int64)
            self._say()

    def _proves(self, beyond_base: float) -> None:
        """Lower the bound: no choice within the cover covers more than `beyond_base`.

        None outside it is better than the best.
        """
        bound = self.cover.base + beyond_base
        bound = max(self.weight, math.floor(bound + 1e-6) if self.whole else bound)
        if bound < self.bound:
            self.bound = float(bound)
            self._say()

    def _say(self) -> None:
        self.tell(self.weight, self.bound)

    def _inside(self) -> Ints:
        """Return the incumbent's sites that are still within the cover."""
        return np.flatnonzero(np.isin(self.cover.site, self.chosen)).astype(np.int64)

    def _round(self, number: int) -> None:
        """Anneal and bound ten times longer than in the round before, search windows, then try to finish."""
        is_last = number + 1 == self.limits.rounds
        if is_last and self._gap() < _NEARLY:
            self._close_in(math.ceil(1.5 * self.limits.window_sites))
        scale = 10.0 ** (number + 1 - self.limits.rounds)
        steps = max(500, int(self.limits.moves_per_site * scale * max(1, self._inside().size)))
        for run, hot in enumerate(_HOT[1:] if is_last else _HOT[:1]):
            if self._is_done():
                return
            self._anneal(steps, 10 * number + run, hot)
        if self._is_done():
            return
        patience = int(np.clip(150 * scale, 10, 150))
        self._bound_more(Ascent(50 * patience, 1.0, patience, 1e-5))
        if self._gap() < _NEARLY and not self._is_done():
            self._core()
        if number > 0 and self._gap() < _NEARLY:
            self._close_in(self.limits.window_sites)
        elif not self._is_done():
            self._finish(self.limits.finish_pairs, _EARLY_NODES)

    def _close_in(self, size: int) -> None:
        """Search windows among what fixing leaves, then try to finish."""
        self._fix()
        if not self._is_done():
            self._windows(size, self._inside().size)
        if not self._is_done():
            self._finish(self.limits.finish_pairs, _EARLY_NODES)

    def _bound_more(self, ascent: Ascent) -> None:
        """Tighten the bound; multipliers start afresh, because a long ascent from a good point gets stuck there."""
        target = self.weight - self.cover.base
        pair_seconds = _PAIR_SECONDS * (self.cover.pair_count + 10 * self.cover.site_count + 1)
        ascent = replace(ascent, steps=self._within_clock(ascent.steps, pair_seconds))
        dual = improve(self.cover, self.budget, target, first_multipliers(self.cover), ascent)
        if self.multiplier.size == 0 or dual.bound <= bound_at(self.cover, self.budget, self.multiplier):
            self.multiplier = dual.multiplier
        self._proves(dual.bound)

    def _anneal(self, steps: int, number: int, hot: float) -> None:
        """Anneal from the incumbent; the temperature follows what the sites that matter least are worth."""
        if self.cover.site_count == 0 or self.cover.row_count == 0:
            return
        opened = fill(self.cover, self.budget, self._inside())
        c = self._worthy(opened, narrow=hot != _HOT[0])
        start = np.flatnonzero(np.isin(c.site, self.cover.site[opened])).astype(np.int64)
        scale = least_losses(c, start)
        rng = np.random.default_rng((self.limits.seed, number)).integers(1, 2**63, 1, dtype=np.uint64)
        steps = min(steps, self.limits.most_moves)
        portions = max(1, min(_PORTIONS, steps // 1000))
        for portion in range(portions):
            if portion and (self.limits.clock() - self.begun) > _ANNEALING_SHARE * self.limits.time_limit_s:
                self.cut = "time"
                return
            warm, cool = ((_COLD / hot) ** ((portion + k) / portions) * hot * scale for k in (0, 1))
            settings = np.array([steps // portions, warm, cool])
            _, start = moves.anneal(c.arrays, float(self.budget), start, settings, rng)
            self._found(np.flatnonzero(np.isin(self.cover.site, c.site[start])).astype(np.int64))

    def _worthy(self, opened: Ints, *, narrow: bool) -> Cover:
        """Return the cover over the sites of most worth at the multipliers, and those open; all of it if not `narrow`."""
        if not narrow or self.multiplier.size == 0:
            return self.cover
        keep = worthiest(self.cover, self.multiplier, _ANNEALED_SHARE)
        keep[opened] = True
        return merged(columns_of(self.cover, keep))

    def _finish(self, most_pairs: int, node_limit: int) -> None:
        """Fix sites by their reduced values; let HiGHS solve what remains if it is small enough."""
        self._fix()
        if self.cover.row_count == 0 or self.cover.site_count == 0:
            self._found(np.zeros(0, np.int64))
            self._proves(0.0)
            return
        if self.cover.pair_count > most_pairs:
            return
        left = max(self.stop - self.limits.clock(), 0.01)
        limits = EngineLimits(0.0, node_limit, left, self.limits.seed)
        finish = solve_cover(self.cover, self.budget, self._hint(), limits)
        if finish.chosen is not None:
            self._found(finish.chosen)
        self._proves(finish.bound)
        self.cut = finish.cut or self.cut

    def _core(self) -> None:
        """Solve the choices that could reach a goal close under the bound; what is left out cannot reach it."""
        dual = Dual(bound_at(self.cover, self.budget, self.multiplier), self.multiplier)
        goal = core_goal(self.cover, self.budget, dual, min(_CORE_PAIRS, self.limits.finish_pairs))
        if goal <= self._wanted():
            return
        must, never = fixable(self.cover, self.budget, dual, goal)
        opened = np.flatnonzero(must).astype(np.int64)
        spent = self.cover.spent(opened)
        local = replace(self.cover, site=np.arange(self.cover.site_count), base=0.0)
        small = without_dominated(part_of(local, ~(must | never), opened=opened))
        left = max(self.stop - self.limits.clock(), 0.01)
        limits = EngineLimits(0.0, _EARLY_NODES, left, self.limits.seed)
        finish = solve_cover(small, self.budget - spent, None, limits)
        if finish.chosen is not None:
            self._found(np.concatenate((opened, small.site[finish.chosen])).astype(np.int64))
        self._proves(max(goal, small.base + finish.bound))

    def _hint(self) -> Ints | None:
        """Return the incumbent within the cover if it is there in full."""
        inside = self._inside()
        return inside if inside.size + self.fixed.size == self.chosen.size else None

    def _fix(self) -> None:
        """Shrink the cover to what a better choice may still change."""
        dual = Dual(bound_at(self.cover, self.budget, self.multiplier), self.multiplier)
        must, never = fixable(self.cover, self.budget, dual, self._wanted())
        if not must.any() and not never.any():
            return
        opened = np.flatnonzero(must).astype(np.int64)
        self.fixed = np.concatenate((self.fixed, self.cover.site[opened]))
        self.budget -= self.cover.spent(opened)
        small, lam = part_with(self.cover, ~(must | never), self.multiplier, opened=opened)
        self.cover, self.multiplier = narrowed(small, lam)

    def polish(self, start: Ints, weight: float) -> Ints | None:
        """Solve a window in which `start` covers `weight`: bound, fix, finish; return something better or None."""
        self.weight, self.chosen = weight, self.cover.site[start]
        self.bound = float(self.cover.weight.sum())
        if self._is_done():
            return None
        self._bound_more(Ascent(400, 1.0, 15, 1e-3))
        if not self._is_done():
            self._finish(self.limits.finish_pairs // 4, _WINDOW_NODES)
        return self.chosen if self.weight > weight + _TINY else None

    def _windows(self, size: int, most: int) -> bool:
        """Free the `size` open sites around each open site in turn and solve what they could cover; all else stays.

        Ends after a pass without a find, or `most` windows; tells whether anything was found.
        """
        rng = np.random.default_rng(self.limits.seed + size)
        opened = fill(self.cover, self.budget, self._inside())
        self._found(opened)
        waiting = list(rng.permutation(opened))
        has_found = False
        for _ in range(most):
            if not waiting or self._is_done():
                break
            seed_site = int(waiting.pop())
            found = _window(self.cover, self.budget, opened, seed_site, (size, self.limits, self.stop))
            if found is None:
                continue
            new = np.setdiff1d(found, opened)
            held = set(found.tolist())
            waiting = [j for j in waiting if int(j) in held] + rng.permutation(new).tolist()
            opened, has_found = found, True
            self._found(opened)
        return has_found


def fill(cover: Cover, budget: float, first: Ints) -> Ints:
    """Return `first` and the sites a greedy choice adds to it."""
    most = cover.site_count if cover.cost.size else min(cover.site_count, int(budget + 0.5))
    if cover.row_count == 0 or most == 0:
        return np.zeros(0, np.int64)
    worth = np.empty(most)
    return moves.greedy(cover.arrays, float(budget), first, worth)


def _window(
    cover: Cover, budget: float, opened: Ints, seed_site: int, how: tuple[int, CoverLimits, float]
) -> Ints | None:
    """Return a better choice that differs around `seed_site` only, or None; `how`.

    Open sites to free, limits, when to stop.
    """
    size, limits, stop = how
    is_open = np.zeros(cover.site_count, dtype=np.bool_)
    is_open[opened] = True
    inside = np.zeros(cover.site_count, dtype=np.bool_)
    moves.spread(cover.arrays, is_open, seed_site, size, inside)
    outside = np.flatnonzero(is_open & ~inside).astype(np.int64)
    local = replace(cover, site=np.arange(cover.site_count), base=0.0)
    small = part_of(local, inside, opened=outside)
    room = budget - cover.spent(outside)
    now = cover.covered(opened) - small.base
    start = np.flatnonzero(is_open[small.site]).astype(np.int64)
    search = _Search(replace(small, base=0.0), room, limits, whole=False, tell=lambda _weight, _bound: None, stop=stop)
    found = search.polish(start, now)
    return None if found is None else np.concatenate((outside, found))
