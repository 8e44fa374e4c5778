"""Builder of one siting MILP in blocks of numpy arrays: open-site columns first, shares of demand next, then whatever a model adds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from planner.engines.linear import LinearModel, Vector
from planner.problems.siting import Bools, Floats, SitingProblem
from planner.siting.side import conflict_pairs, effective_locks, sum_rows

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Usable pairs of demand point and site, by demand point, then site; `column` is the share variable (or -1)."""

    demand: Ints
    site: Ints
    distance: Floats
    column: Ints

    def at(self, column: int) -> Pairs:
        """Return the same pairs with share columns from `column` on."""
        return Pairs(self.demand, self.site, self.distance, np.arange(column, column + self.demand.size))


def usable_pairs(problem: SitingProblem, radius: float = math.inf, among: Bools | None = None) -> Pairs:
    """Return the pairs within `radius` whose site is not locked closed and, where given, is one of `among`."""
    demand = np.repeat(np.arange(problem.demand_count), np.diff(problem.distance.indptr)).astype(np.int64)
    site = problem.distance.indices.astype(np.int64)
    distance = problem.distance.data.astype(np.float64)
    keep = (distance <= radius) & (effective_locks(problem)[site] >= 0)
    if among is not None:
        keep &= among[site]
    if not keep.all():
        demand, site, distance = demand[keep], site[keep], distance[keep]
    if ((demand[1:] == demand[:-1]) & (site[1:] < site[:-1])).any():
        order = np.lexsort((site, demand))
        demand, site, distance = demand[order], site[order], distance[order]
    return Pairs(demand, site, distance, np.full(demand.size, -1, dtype=np.int64))


@dataclass(slots=True, eq=False)
class Form:
    """One MILP of a siting model: columns ``0 … m-1`` say which sites are open.

    Attributes
    ----------
    linear
        The minimisation.
    pairs
        Pairs with share columns, or None when the model needs none.
    """

    linear: LinearModel
    site_count: int
    pairs: Pairs | None = None
    extra: dict[str, Ints] = field(default_factory=dict)

    def columns(self, cost: Floats, *, upper: float = 1.0, is_integer: bool = False, lower: float = 0.0) -> Ints:
        """Add one variable an entry of `cost`; return their columns."""
        model, first = self.linear, len(self.linear.costs)
        count = len(cost)
        model.costs += np.asarray(cost, dtype=np.float64).tolist()
        model.lower += [lower] * count
        model.upper += [upper] * count
        model.is_integer += [is_integer] * count
        return np.arange(first, first + count, dtype=np.int64)

    def rows(
        self,
        entries: tuple[Ints, Ints, Floats],
        count: int,
        *,
        lower: float | Floats = -math.inf,
        upper: float | Floats = math.inf,
    ) -> None:
        """Add `count` rows; `entries` are (row within the block, column, coefficient)."""
        model, first = self.linear, len(self.linear.row_lower)
        model.row_lower += np.broadcast_to(np.asarray(lower, dtype=np.float64), (count,)).tolist()
        model.row_upper += np.broadcast_to(np.asarray(upper, dtype=np.float64), (count,)).tolist()
        row, column, coefficient = _summed(*entries)
        model.row_index += (row + first).tolist()
        model.column_index += column.tolist()
        model.coefficients += coefficient.tolist()

    def row(self, column: Ints, coefficient: Floats, *, lower: float = -math.inf, upper: float = math.inf) -> None:
        """Add one row."""
        self.rows((np.zeros(column.size, dtype=np.int64), column, coefficient), 1, lower=lower, upper=upper)

    def open_sites(self, values: Vector) -> tuple[int, ...]:
        """Return the sites open in a solution."""
        return tuple(int(j) for j in np.flatnonzero(values[: self.site_count] > 0.5))  # noqa: PLR2004 - a rounded 0/1


def _summed(row: Ints, column: Ints, coefficient: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the entries by row and column, each once, without zeros (MathOpt asks for this order)."""
    order = np.lexsort((column, row))
    row, column, coefficient = row[order], column[order], coefficient[order]
    if row.size == 0:
        return row, column, coefficient
    is_first = np.append(True, (np.diff(row) != 0) | (np.diff(column) != 0))
    total = np.add.reduceat(coefficient, np.flatnonzero(is_first))
    row, column = row[is_first], column[is_first]
    held = total != 0.0
    return row[held], column[held], total[held]


def base_form(problem: SitingProblem, site_cost: Floats, *, p_rule: str) -> Form:
    """Return open-site columns with locks, p and every side constraint.

    Parameters
    ----------
    problem
        The problem.
    site_cost
        Objective coefficient of each site.
    p_rule
        ``exactly`` or ``at_most`` (or ``ignored``) `problem.p` open sites.
    """
    form = Form(LinearModel(), problem.site_count)
    sites = form.columns(site_cost, is_integer=True)
    for j, lock in enumerate(effective_locks(problem)):
        if lock == 1:
            form.linear.lower[j] = 1.0
        elif lock == -1:
            form.linear.upper[j] = 0.0
    if problem.p is not None and p_rule != "ignored":
        least = float(problem.p) if p_rule == "exactly" else -math.inf
        form.row(sites, np.ones(sites.size), lower=least, upper=float(problem.p))
    add_side_rows(form, problem)
    return form


def add_side_rows(form: Form, problem: SitingProblem) -> None:
    """Add budgets, group counts, conflicts (with exclusion distances) and requirements."""
    sites = np.arange(problem.site_count, dtype=np.int64)
    for row in sum_rows(problem):
        form.row(sites, row.coefficient, lower=row.lower, upper=row.upper)
    _pair_rows(form, conflict_pairs(problem), 1.0, upper=1.0)
    _pair_rows(form, problem.side.requires, -1.0, upper=0.0)


def _pair_rows(form: Form, pairs: tuple[tuple[int, int], ...], second: float, *, upper: float) -> None:
    """Add ``open_a + second · open_b ≤ upper`` for every pair."""
    if not pairs:
        return
    count = len(pairs)
    row = np.repeat(np.arange(count, dtype=np.int64), 2)
    column = np.array(pairs, dtype=np.int64).ravel()
    form.rows((row, column, np.tile([1.0, second], count)), count, upper=upper)


def add_shares(
    form: Form, problem: SitingProblem, pairs: Pairs, cost: Floats, *, must_serve: bool, whole: bool
) -> Pairs:
    """Add one share a pair: each demand point shares 1 (or at most 1) over open sites, within capacities.

    Parameters
    ----------
    form, problem
        What is built, and from what.
    pairs, cost
        Pairs and the objective coefficient of a full share.
    must_serve
        Every demand point must be served in full.
    whole
        Shares are 0 or 1 (single sourcing); only asked where capacities bind, for without them the nearest site takes all.

    Returns
    -------
    Pairs
        The pairs with their columns.
    """
    capacitated = bool(np.isfinite(problem.capacity).any())
    placed = pairs.at(int(form.columns(cost, is_integer=whole and capacitated)[0]) if cost.size else 0)
    ones = np.ones(placed.demand.size)
    least = 1.0 if must_serve else -math.inf
    form.rows((placed.demand, placed.column, ones), problem.demand_count, lower=least, upper=1.0)
    number = np.arange(placed.demand.size, dtype=np.int64)
    link = (np.tile(number, 2), np.concatenate((placed.column, placed.site)), np.concatenate((ones, -ones)))
    form.rows(link, placed.demand.size, upper=0.0)
    form.pairs = placed
    return placed


def add_capacity_rows(form: Form, problem: SitingProblem, pairs: Pairs) -> None:
    """Add ``Σ demand · share ≤ capacity · open`` at every site with a capacity."""
    limited = np.flatnonzero(np.isfinite(problem.capacity)).astype(np.int64)
    if limited.size == 0:
        return
    new = np.full(problem.site_count, -1, dtype=np.int64)
    new[limited] = np.arange(limited.size)
    held = new[pairs.site] >= 0
    row = np.concatenate((new[pairs.site[held]], np.arange(limited.size, dtype=np.int64)))
    column = np.concatenate((pairs.column[held], limited))
    coefficient = np.concatenate((problem.demand[pairs.demand[held]], -problem.capacity[limited]))
    form.rows((row, column, coefficient), limited.size, upper=0.0)
