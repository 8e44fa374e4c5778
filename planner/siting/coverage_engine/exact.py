"""What is left after fixing, as a mixed-integer model for HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.engines.linear import LinearModel
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.siting.coverage_engine.arrays import Floats, Ints
from planner.siting.coverage_engine.cover import Cover


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """Best choice found (numbers within the cover) or None, the proved bound, and what cut the search."""

    chosen: Ints | None
    bound: float
    cut: str


def solve_cover(cover: Cover, budget: float, hint: Ints | None, limits: EngineLimits) -> Finish:
    """Cover the most weight within `budget`, by HiGHS; weights without the cover's base."""
    total = float(cover.weight.sum())
    if cover.site_count == 0 or cover.row_count == 0:
        return Finish(np.zeros(0, np.int64), 0.0, "")
    model, alone = _model(cover, budget)
    first: Floats | None = None
    if hint is not None:
        first = np.zeros(len(model.costs))
        first[hint] = 1.0
        hit = cover.covered_rows(hint)
        first[cover.site_count :] = hit[~alone]
    answer = solve_linear(model, limits, hint=first)
    bound = total if answer.bound is None else min(total, -answer.bound)
    if answer.values is None:
        return Finish(None, bound, answer.cut or "nodes")
    chosen = np.flatnonzero(np.round(answer.values[: cover.site_count]) > 0).astype(np.int64)
    return Finish(chosen, max(bound, cover.covered(chosen)), answer.cut)


def _model(cover: Cover, budget: float) -> tuple[LinearModel, np.ndarray]:
    """Return the model; rows of a single site need no variable of their own."""
    degree = np.diff(cover.row_start)
    alone = degree == 1
    price = np.zeros(cover.site_count)
    np.add.at(price, cover.row_site[cover.row_start[:-1][alone]], -cover.weight[alone])
    rows = np.flatnonzero(~alone)
    sites, count = cover.site_count, rows.size
    columns = sites + count
    number = np.cumsum(~alone) - 1
    row_of = np.repeat(np.arange(cover.row_count), degree)
    held = ~alone[row_of]
    row = np.concatenate((number[row_of[held]], np.arange(count), np.full(sites, count)))
    column = np.concatenate((cover.row_site[held], np.arange(sites, columns), np.arange(sites)))
    cost = cover.cost if cover.cost.size else np.ones(sites)
    value = np.concatenate((-np.ones(int(held.sum())), np.ones(count), cost))
    order = np.lexsort((column, row))
    order = order[value[order] != 0.0]
    model = LinearModel(
        costs=np.concatenate((price, -cover.weight[rows])).tolist(),
        lower=[0.0] * columns,
        upper=[1.0] * columns,
        is_integer=[True] * sites + [False] * count,
        row_lower=[-np.inf] * (count + 1),
        row_upper=[0.0] * count + [float(budget)],
        row_index=row[order].tolist(),
        column_index=column[order].tolist(),
        coefficients=value[order].tolist(),
    )
    return model, alone
