"""Set covering at any size: reductions, Lagrangian bound, row-weighting search, fixing, exact finish by HiGHS.

Lagrangian heuristic after Caprara, Fischetti and Toth (1999), row weighting after Gao, Weise and Li (2015); both re-
thought
here for rows that must be covered several times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.siting.coverage_engine import covering_kernels, kernels
from planner.siting.coverage_engine.arrays import Bools, Floats, Ints
from planner.siting.coverage_engine.cover import Cover, cover_of
from planner.siting.coverage_engine.engine import CoverAnswer, CoverLimits, Tell

_TINY = 1e-9
#: A bound is lowered by this relative amount, so that rounding in sums of floats can never make it too high.
_SAFETY = 1e-10
#: Steps of the row-weighting search in the first round; every further round has ten times more.
_FIRST_STEPS = 2000
#: Seconds a pair of row and site takes in a compiled loop, for the clock only.
_PAIR_SECONDS = 3e-9
#: Most pairs at which HiGHS is asked before the last round.
_EARLY_PAIRS = 40_000


def minimise(
    cover: Cover, need: Floats, limits: CoverLimits, *, whole: bool, tell: Tell = lambda _cost, _bound: None
) -> CoverAnswer:
    """Cover every row ``need_i`` times at least cost; `weight` of the answer is the cost, `bound` a lower bound.

    Parameters
    ----------
    cover
        Rows and sites with their costs; row weights do not matter. Every row must have enough sites.
    need
        How often each row must be covered.
    limits
        When to stop.
    whole
        All costs are whole numbers, so that a bound may be rounded up.
    tell
        Told (cost, bound) whenever one improves.
    """
    return _Search(cover, need, limits, whole, tell).run()


@dataclass(slots=True, eq=False)
class _Search:
    """State of one search: the incumbent in the caller's numbers.

    The cover shrinks as sites are proved open or closed.
    """

    cover: Cover
    need: Floats
    limits: CoverLimits
    whole: bool
    tell: Tell
    fixed: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    paid: float = 0.0
    chosen: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    cost: float = math.inf
    bound: float = 0.0
    multiplier: Floats = field(default_factory=lambda: np.zeros(0))
    cut: str = ""
    stop: float = math.inf

    def run(self) -> CoverAnswer:
        self.stop = self.limits.clock() + self.limits.time_limit_s
        self._reduce()
        self._start()
        for number in range(self.limits.rounds):
            if self._is_done():
                break
            self._round(number)
        if not self._is_done():
            self._finish(4 * self.limits.finish_pairs, self.limits.node_limit)
        cut = self.cut if self.cost - self.bound > _TINY * max(1.0, self.cost) else ""
        return CoverAnswer(np.sort(self.chosen), self.cost, min(self.bound, self.cost), cut)

    def _is_done(self) -> bool:
        if self.cost - self.bound <= max(_TINY, self.limits.relative_gap) * max(1.0, self.cost):
            return True
        if self.limits.clock() >= self.stop:
            self.cut = "time"
            return True
        return False

    def _found(self, is_open: Bools) -> None:
        cost = self.paid + float(self.cover.cost[is_open].sum())
        if cost < self.cost - _TINY:
            self.cost = cost
            self.chosen = np.concatenate((self.fixed, self.cover.site[is_open])).astype(np.int64)
            self.tell(self.cost, self.bound)

    def _proves(self, beyond_paid: float) -> None:
        bound = self.paid + beyond_paid
        bound = min(self.cost, math.ceil(bound - 1e-6) if self.whole else bound)
        if bound > self.bound:
            self.bound = float(bound)
            self.tell(self.cost, self.bound)

    def _reduce(self) -> None:
        """Leave out rows covered whenever others are and, where once is enough, sites another one can stand for."""
        for _ in range(3):
            before = self.cover.pair_count
            rows = self.need > 0
            covering_kernels.mark_implied(self.cover.arrays, self.need, rows)
            sites = np.ones(self.cover.site_count, dtype=np.bool_)
            self._narrow(rows, sites)
            if (self.need == 1).all():
                kernels.mark_dominated(self.cover.arrays, sites := np.ones(self.cover.site_count, dtype=np.bool_))
                self._narrow(np.ones(self.cover.row_count, dtype=np.bool_), sites)
            if self.cover.pair_count > 0.95 * before:
                return

    def _narrow(self, rows: Bools, sites: Bools) -> None:
        if rows.all() and sites.all():
            return
        c = self.cover
        data = np.ones(c.pair_count, dtype=np.int8)
        pattern = sparse.csr_array((data, c.row_site, c.row_start), shape=(c.row_count, c.site_count))[rows][:, sites]
        self.cover = cover_of(pattern, c.weight[rows], cost=c.cost[sites], site=c.site[sites])
        self.need = self.need[rows]
        self.multiplier = self.multiplier[rows] if self.multiplier.size else self.multiplier

    def _start(self) -> None:
        """Cover greedily, once by cost alone and once by first multipliers."""
        if self.cover.row_count == 0:
            self._found(np.zeros(self.cover.site_count, dtype=np.bool_))
            self._proves(0.0)
            return
        self._greedy(np.zeros(self.cover.row_count))
        size = np.maximum(np.diff(self.cover.site_start), 1)
        share = self.cover.cost / size
        self.multiplier = np.minimum.reduceat(share[self.cover.row_site], self.cover.row_start[:-1])
        self._greedy(self.multiplier)

    def _greedy(self, multiplier: Floats) -> Bools:
        is_open = np.zeros(self.cover.site_count, dtype=np.bool_)
        covering_kernels.greedy_cover(self.cover.arrays, self.need, multiplier, is_open)
        order = np.argsort(-self.cover.cost, kind="stable")
        covering_kernels.drop_spare(self.cover.arrays, self.need, order, is_open)
        self._found(is_open)
        return is_open

    def _round(self, number: int) -> None:
        """Raise the bound, cover greedily by its multipliers, search.

        Each round ten times longer than the one before.
        """
        patience = (10, 40, 150)[min(number, 2)]
        self._raise(50 * patience, patience)
        if self._is_done():
            return
        start = self._greedy(self.multiplier)
        steps = min(_FIRST_STEPS * 10**number, self.limits.most_moves)
        degree = self.cover.pair_count / max(1, self.cover.site_count)
        allowed = max(
            1, int((self.stop - self.limits.clock()) / (_PAIR_SECONDS * (4 * degree**2 + 2 * self.cover.site_count)))
        )
        self.cut = "time" if allowed < steps else self.cut
        rng = np.random.default_rng((self.limits.seed, number)).integers(1, 2**63, 1, dtype=np.uint64)
        held = np.isin(self.cover.site, self.chosen)
        first = held if self._is_cover(held) else start
        self._found(covering_kernels.weigh_rows(self.cover.arrays, self.need, first, min(steps, allowed), rng))
        if not self._is_done():
            self._finish(_EARLY_PAIRS if number + 1 < self.limits.rounds else self.limits.finish_pairs, 200)

    def _is_cover(self, is_open: Bools) -> bool:
        times = np.add.reduceat(is_open[self.cover.row_site].astype(np.int64), self.cover.row_start[:-1])
        return bool((times >= self.need).all())

    def _raise(self, steps: int, patience: int) -> None:
        step_seconds = _PAIR_SECONDS * (self.cover.pair_count + 10 * self.cover.site_count + 1)
        allowed = max(1, int((self.stop - self.limits.clock()) / step_seconds))
        self.cut = "time" if allowed < steps else self.cut
        settings = np.array([min(steps, allowed), 1.0, patience, 1e-5])
        u = self.multiplier.copy()
        covering_kernels.raise_bound(self.cover.arrays, self.need, u, self.cost - self.paid, settings)
        self.multiplier = u
        self._proves(self._bound_at()[0])

    def _bound_at(self) -> tuple[float, Floats]:
        reduced = np.empty(self.cover.site_count)
        bound = covering_kernels.lower_bound(self.cover.arrays, self.need, self.multiplier, reduced)
        return bound - _SAFETY * max(1.0, abs(bound)), reduced

    def _finish(self, most_pairs: int, node_limit: int) -> None:
        """Fix sites by their reduced costs; let HiGHS solve what remains if it is small enough."""
        self._fix()
        if self.cover.row_count == 0:
            self._found(np.zeros(self.cover.site_count, dtype=np.bool_))
            self._proves(0.0)
            return
        if (np.diff(self.cover.row_start) < self.need).any():
            self._proves(self.cost - self.paid)
            return
        if self.cover.pair_count > most_pairs:
            return
        left = max(self.stop - self.limits.clock(), 0.01)
        held = np.isin(self.cover.site, self.chosen)
        hint = held.astype(np.float64) if self._is_cover(held) else None
        answer = solve_linear(self._model(), EngineLimits(0.0, node_limit, left, self.limits.seed), hint=hint)
        if answer.outcome == "infeasible":
            self._proves(self.cost - self.paid)
            return
        if answer.values is not None:
            self._found(np.round(answer.values) > 0)
        if answer.bound is not None:
            self._proves(answer.bound)
        self.cut = answer.cut or self.cut

    def _fix(self) -> None:
        """Shrink the cover to what a cheaper choice may still change."""
        bound, reduced = self._bound_at()
        wanted = self.cost - self.paid - (1.0 - 1e-6 if self.whole else 1e-7 * max(1.0, self.cost))
        must = (reduced < 0) & (bound - reduced > wanted)
        never = (reduced > 0) & (bound + reduced > wanted)
        if not must.any() and not never.any():
            return
        opened = np.flatnonzero(must).astype(np.int64)
        times = np.zeros(self.cover.row_count)
        for j in opened:
            times[self.cover.site_row[self.cover.site_start[j] : self.cover.site_start[j + 1]]] += 1.0
        self.need = np.maximum(self.need - times, 0.0)
        self.fixed = np.concatenate((self.fixed, self.cover.site[opened]))
        self.paid += float(self.cover.cost[opened].sum())
        self._narrow(self.need > 0, ~(must | never))

    def _model(self) -> LinearModel:
        c = self.cover
        return LinearModel(
            costs=c.cost.tolist(),
            lower=[0.0] * c.site_count,
            upper=[1.0] * c.site_count,
            is_integer=[True] * c.site_count,
            row_lower=self.need.tolist(),
            row_upper=[math.inf] * c.row_count,
            row_index=np.repeat(np.arange(c.row_count), np.diff(c.row_start)).tolist(),
            column_index=c.row_site.tolist(),
            coefficients=[1.0] * c.pair_count,
        )
