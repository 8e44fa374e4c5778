"""Upper bound of maximal covering from its linear relaxation, tightened block by block with cuts on triples of rows.

For rows i, j, k let ``c_s`` of them be covered by site s. Adding up ``y ≤ Σ x`` of the three rows and ``y_i + y_j + y_k ≤ 3``,
halving, and rounding (Chvátal and Gomory) gives

    ``y_i + y_j + y_k ≤ 1 + Σ_s ceil(c_s / 2) x_s``

in words: three rows of which no site covers all cannot hang on halves of three sites that cover two each. With any
multipliers ``λ, π ≥ 0`` of rows and triples, and v the value of the sites,

    ``v_s = Σ_{i∈s} λ_i + Σ_c π_c ceil(c_s / 2)``,
    ``Σ_c π_c + Σ_i max(0, w_i - λ_i - Σ_{c∋i} π_c) + max { Σ_s v_s x_s : Σ_s c_s x_s ≤ B, 0 ≤ x ≤ 1 }``

is an upper bound over all sites. The multipliers of a block of neighbouring rows are bettered at a time, all others held, by the
linear relaxation of the block at the present price of the budget; its triples are added to it. What is proved is computed
from the multipliers here and does not hang on the solver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from planner.siting.coverage_engine import kernels
from planner.siting.coverage_engine.arrays import Bools, Floats, Ints
from planner.siting.coverage_engine.cover import Cover
from planner.siting.coverage_engine.cut_kernels import Fraction, grow_block, violated_triples
from planner.siting.coverage_engine.dual import SAFETY, excess_of, price_of_budget, site_values

_TINY = 1e-9
#: Shares below this are no part of a fractional choice; a triple violated by less is not added.
_SHARE, _LEAST = 1e-6, 0.02
#: Most triples listed at a time; most added at a time that may hold the same row.
_LISTED, _SAME_ROW = 100_000, 3
#: Rows up to which all are one block.
_WHOLE_ROWS = 6_000
#: Part of a row's weight that counts beside its multiplier when triples are ranked.
_RANK_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class CutEffort:
    """Effort of the cuts, in counts.

    Attributes
    ----------
    block_rows
        Rows of a block.
    sweeps
        Times every row is in a block.
    rounds
        Relaxations of a block in a sweep; triples are added after each.
    near
        Sites enter the relaxation if their value is at most this share of the price below it.
    """

    block_rows: int = 600
    sweeps: int = 2
    rounds: int = 2
    near: float = 0.07


def effort_for(cover: Cover) -> CutEffort:
    """Return the effort that suits a cover: one relaxation of all rows where that is not too large."""
    return CutEffort(cover.row_count, 5, 1) if cover.row_count <= _WHOLE_ROWS else CutEffort()


@dataclass(frozen=True, slots=True, eq=False)
class CutBound:
    """What the cuts prove.

    Attributes
    ----------
    bound
        Upper bound on the weight covered (without the cover's base).
    excess
        What each site is worth beyond the price of its cost; `level` - |excess| bounds choices without a site of
        positive excess, and choices with one of negative excess.
    level
        The bound at the price of `excess`.
    was_cut
        The clock ended the sweeps early.
    """

    bound: float
    excess: Floats
    level: float
    was_cut: bool = False


@dataclass(slots=True, eq=False)
class CutSearch:
    """Multipliers of rows and triples, bettered block by block.

    Attributes
    ----------
    cover, budget
        What is covered, and what may be spent.
    multiplier
        Multipliers of the rows.
    effort
        Counts.
    triples, price
        Rows of the triples, ascending, and their multipliers.
    """

    cover: Cover
    budget: float
    multiplier: Floats
    effort: CutEffort
    triples: Ints = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    price: Floats = field(default_factory=lambda: np.zeros(0))
    _pattern: sparse.csr_array = field(init=False)
    _value: Floats = field(init=False)
    _was_near: Bools = field(init=False)

    def __post_init__(self) -> None:
        """Lay out rows × sites."""
        c = self.cover
        self.multiplier = self.multiplier.copy()
        data = np.ones(c.pair_count)
        self._pattern = sparse.csr_array((data, c.row_site, c.row_start), shape=(c.row_count, c.site_count))
        self._value = site_values(c, self.multiplier)
        self._was_near = np.zeros(c.site_count, dtype=np.bool_)

    def run(self, seconds_left: Callable[[], float], tell: Callable[[float], None] = lambda _bound: None) -> CutBound:
        """Return the best bound met; `tell` hears the bound after every sweep."""
        best = self.proof()
        first = np.zeros(self.cover.row_count)
        for _ in range(self.effort.sweeps):
            place = np.zeros(self.cover.row_count, dtype=np.int64)
            is_left = np.ones(self.cover.row_count, dtype=np.bool_)
            mu = price_of_budget(self.cover, self.budget, self._value)
            while is_left.any():
                seconds = seconds_left()
                if seconds <= 0.0:
                    found = self.proof()
                    best = found if found.bound < best.bound else best
                    return CutBound(best.bound, best.excess, best.level, was_cut=True)
                # A sweep begins its blocks in the middle of where those of the sweep before met.
                seed = int(np.argmax(np.where(is_left, first, -1.0)))
                rows = grow_block(self.cover.arrays, seed, is_left, place[: self.effort.block_rows])
                block = np.sort(place[:rows])
                self._better(block, mu, seconds)
                first[place[:rows]] = np.arange(rows)
            self._value = site_values(self.cover, self.multiplier) + self._matrices()[1].T @ self.price
            found = self.proof()
            best = found if found.bound < best.bound else best
            tell(best.bound)
        return best

    def proof(self) -> CutBound:
        """Return what the present multipliers prove over all sites."""
        c = self.cover
        member, coefficient = self._matrices()
        value = site_values(c, self.multiplier) + coefficient.T @ self.price
        left = float(np.maximum(c.weight - self.multiplier - member.T @ self.price, 0.0).sum() + self.price.sum())
        share = np.empty(c.site_count)
        bound = left + float(kernels.choose_sites(c.arrays, value, float(self.budget), share))
        excess, level = excess_of(c, self.budget, value, left)
        return CutBound(bound * (1.0 + SAFETY), excess, level)

    def _matrices(self) -> tuple[sparse.csr_array, sparse.csr_array]:
        return cut_matrices(self._pattern, self.triples)

    def _better(self, rows: Ints, mu: float, seconds: float) -> None:
        """Better the multipliers of `rows`, and of the triples within them, at the price `mu` of the budget."""
        c = self.cover
        pattern = self._pattern[rows]
        place = np.full(c.row_count, -1, dtype=np.int64)
        place[rows] = np.arange(rows.size)
        is_inside = (place[self.triples] >= 0).all(axis=1)
        touching = (place[self.triples] >= 0).any(axis=1) & ~is_inside
        held = np.bincount(self.triples[touching].ravel(), np.repeat(self.price[touching], 3), c.row_count)[rows]
        triples, price = place[self.triples[is_inside]], self.price[is_inside]
        outside = self._value - pattern.T @ self.multiplier[rows] - cut_matrices(pattern, triples)[1].T @ price
        cost = c.cost if c.cost.size else np.ones(c.site_count)
        is_near = np.zeros(c.site_count, dtype=np.bool_)
        is_near[pattern.indices] = True
        # Sites that were once near stay in, so that multipliers do not swing between their absence and presence.
        is_near &= self._was_near | (self._value >= (1.0 - self.effort.near) * mu * cost)
        self._was_near |= is_near
        sites = np.flatnonzero(is_near)
        block = _Block(pattern[:, sites].tocsr(), c.weight[rows] - held, (outside - mu * cost)[sites], triples)
        if rows.size == c.row_count:
            block.worth, block.cost, block.budget = outside[sites], cost[sites], self.budget
        solved = block.run(self.effort.rounds, self.multiplier[rows], seconds)
        if solved is None:
            return
        lam, price = solved
        self.multiplier[rows] = lam
        self._value = outside + pattern.T @ lam + cut_matrices(pattern, block.triples)[1].T @ price
        self.triples = np.vstack((self.triples[~is_inside], rows[block.triples]))
        self.price = np.concatenate((self.price[~is_inside], price))


@dataclass(slots=True, eq=False)
class _Block:
    """Relaxation of some rows and the sites near the price that cover them, all other multipliers held.

    `worth` of a site is beyond the price of the budget, unless the relaxation itself keeps a `budget`.
    """

    pattern: sparse.csr_array
    weight: Floats
    worth: Floats
    triples: Ints
    cost: Floats = field(default_factory=lambda: np.zeros(0))
    budget: float = np.inf
    is_idle: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def run(self, rounds: int, multiplier: Floats, seconds: float) -> tuple[Floats, Floats] | None:
        """Return multipliers of rows and triples; rows that no site here covers keep their `multiplier`."""
        covered = np.diff(self.pattern.indptr) > 0
        best = None
        for _ in range(rounds):
            found = self._solve(covered, seconds)
            if found is None:
                break
            share, counted, price = found
            best = self._extended(
                share, counted, np.where(covered, price[: covered.size], multiplier), price[covered.size :]
            )
        return best

    def _solve(self, covered: Bools, seconds: float) -> tuple[Floats, Floats, Floats] | None:
        member, coefficient = cut_matrices(self.pattern, self.triples)
        count, sites = covered.size, self.worth.size
        own = sparse.hstack([-self.pattern, sparse.eye_array(count)])
        parts, limit = [own, sparse.hstack([-coefficient, member])], np.ones(count + len(self.triples))
        limit[:count] = 0.0
        is_whole = np.isfinite(self.budget)
        if is_whole:
            parts.append(sparse.csr_array(np.concatenate((self.cost, np.zeros(count)))[None, :]))
            limit = np.append(limit, self.budget)
        gain = np.concatenate((self.worth, np.where(covered, self.weight, 0.0)))
        method, options = "highs-ipm" if is_whole else "highs-ds", {"time_limit": max(seconds, 0.01)}
        answer = linprog(
            -gain, A_ub=sparse.vstack(parts).tocsr(), b_ub=limit, bounds=(0.0, 1.0), method=method, options=options
        )
        if answer.status != 0:
            return None
        price = np.maximum(-answer.ineqlin.marginals, 0.0)
        self.is_idle = answer.slack[count : count + len(self.triples)] > _LEAST
        return answer.x[:sites], answer.x[sites:], price[: count + len(self.triples)]

    def _extended(self, share: Floats, counted: Floats, lam: Floats, price: Floats) -> tuple[Floats, Floats]:
        """Drop idle triples, add violated ones at price 0; return the multipliers."""
        triples, violation = violated(self.pattern, share, counted)
        worth = (lam + _RANK_WEIGHT * self.weight)[triples].min(axis=1)
        used = np.zeros(lam.size, dtype=np.int64)
        kept = (price > _TINY) | ~self.is_idle
        added = [self.triples[kept]]
        for at in np.argsort(-violation * worth, kind="stable"):
            rows = triples[at]
            if used[rows].max() < _SAME_ROW:
                used[rows] += 1
                added.append(rows[None, :])
        self.triples = np.vstack(added)
        return lam, np.concatenate((price[kept], np.zeros(len(added) - 1)))


def cut_matrices(pattern: sparse.csr_array, triples: Ints) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return triple × row (who is in it) and triple × site (``ceil(c_s / 2)``)."""
    count = len(triples)
    start = 3 * np.arange(count + 1)
    member = sparse.csr_array((np.ones(3 * count), triples.ravel(), start), shape=(count, pattern.shape[0]))
    coefficient = (member @ pattern).tocsr()
    coefficient.data = np.ceil(coefficient.data / 2.0)
    return member, coefficient


def violated(pattern: sparse.csr_array, share: Floats, counted: Floats) -> tuple[Ints, Floats]:
    """Return the triples that shares of sites and of rows counted violate, and by how much."""
    sites = np.flatnonzero(share > _SHARE)
    part = pattern[:, sites].tocsr()
    part.sort_indices()
    inside = share[sites]
    common = ((part * inside[None, :]).tocsr() @ part.T).tocsr()
    common.sort_indices()
    slack = part @ inside - counted
    layout = [array.astype(np.int64) for array in (part.indptr, part.indices, common.indptr, common.indices)]
    given = Fraction(layout[0], layout[1], inside, layout[2], layout[3], common.data, slack)
    found, violation = np.empty((_LISTED, 3), dtype=np.int64), np.empty(_LISTED)
    count = violated_triples(given, _LEAST, found, violation)
    return found[:count], violation[:count]
