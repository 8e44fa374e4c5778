"""What may be chosen and what a choice is worth: sites within a budget, narrowed covers, losses of open sites."""

from __future__ import annotations

import numpy as np

from planner.siting.coverage_engine import kernels, moves
from planner.siting.coverage_engine.arrays import Floats, Ints
from planner.siting.coverage_engine.cover import Cover, part_of, part_with

_TINY = 1e-9


def affordable(cover: Cover, budget: float) -> Cover:
    """Return the cover without sites dearer than the whole budget."""
    if cover.cost.size == 0 or (cover.cost <= budget + _TINY).all():
        return cover
    return part_of(cover, cover.cost <= budget + _TINY)


def narrowed(cover: Cover, multiplier: Floats) -> tuple[Cover, Floats]:
    """Return the cover without dominated sites, with its multipliers."""
    keep = np.ones(cover.site_count, dtype=np.bool_)
    kernels.mark_dominated(cover.arrays, keep)
    return (cover, multiplier) if keep.all() else part_with(cover, keep, multiplier)


def least_losses(cover: Cover, opened: Ints) -> float:
    """Return what a site is worth that a tenth of the open sites stay below."""
    state = moves.fresh_state(cover.arrays)
    for j in opened:
        moves.open_site(cover.arrays, state, int(j))
    losses = state.loss[opened]
    worth = float(np.quantile(losses, 0.1)) if losses.size else 0.0
    return max(worth, 0.1 * float(cover.weight.mean()))
