"""Customer choice: which share of a place's parcels goes to which open locker, and which to the door or the counter.

All models start from attractions: ``a_ij = exp(-decay · km)`` of locker j for place i (0: out of reach) and
`outside`, the attraction of the door or the counter.

* ``nearest``: everything goes to the most attractive open locker in reach; nobody declines.
* ``bnl`` (binomial logit): the customer weighs only the most attractive locker against the outside, ``a_max / (a_max
  + a_0)``.
* ``mnl`` (multinomial logit): all open lockers in reach count, ``a_j / (Σ a + a_0)``.
* ``threshold`` (threshold Luce): lockers that are clearly worse than the best drop out: j counts only if ``(1 +
  γ)·a_j ≥ a_max``; among those that count, Luce shares. γ = 0 is the binomial logit (ties apart), γ → ∞ the
  multinomial one.

For the same open lockers the share that lockers get is largest under ``mnl``, smaller under ``threshold`` and
smallest under ``bnl``, because it grows with the sum of attractions counted.

References
----------
R. D. Luce, 1959; F. Echenique and K. Saito, 2019 (general Luce model); Y. H. Lin et al., 2022, Transportation
Research Part E 157, and arXiv 2002.10810 (lockers under threshold Luce: multinomial logit opens too many, binomial
logit too few).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from planner.problems.siting import Bools, Floats

ChoiceKind = Literal["nearest", "bnl", "mnl", "threshold"]
CHOICE_KINDS: tuple[ChoiceKind, ...] = get_args(ChoiceKind)


@dataclass(frozen=True, slots=True)
class ChoiceModel:
    """How people choose.

    Attributes
    ----------
    kind
        Model.
    decay_per_km
        Loss of attraction with distance.
    outside
        Attraction of the door or the counter; a locker at no distance has 1. Not used by ``nearest``.
    threshold
        γ of the threshold Luce model.
    """

    kind: ChoiceKind = "threshold"
    decay_per_km: float = 2.0
    outside: float = 0.5
    threshold: float = 0.5

    def __post_init__(self) -> None:
        figures = (self.decay_per_km, self.outside, self.threshold)
        if self.kind not in CHOICE_KINDS or not all(math.isfinite(v) and v >= 0.0 for v in figures):
            msg = f"not a choice model: {self.kind}, {figures}"
            raise ValueError(msg)


def attraction(metres: Floats, model: ChoiceModel) -> Floats:
    """Return ``exp(-decay · km)``; 0 where the distance is infinite."""
    values: Floats = np.where(np.isfinite(metres), np.exp(-model.decay_per_km * np.minimum(metres, 1e7) / 1000.0), 0.0)
    # A place in reach keeps a trace of attraction however far it lies, so that the nearest locker is defined.
    return np.where(np.isfinite(metres), np.maximum(values, 1e-300), 0.0)


def choice_shares(attractions: Floats, is_open: Bools, model: ChoiceModel) -> Floats:
    """Return the share of each place's parcels at each locker; rows sum to at most 1, the rest goes outside.

    Parameters
    ----------
    attractions
        Shape (n, m), 0 where out of reach.
    is_open
        Shape (m,).
    model
        Choice model.
    """
    held: Floats = np.where(is_open[None, :], attractions, 0.0)
    if held.shape[1] == 0:
        return held
    best = held.max(axis=1, keepdims=True)
    if model.kind in ("nearest", "bnl"):
        first = np.zeros_like(held)
        first[np.arange(held.shape[0]), held.argmax(axis=1)] = 1.0  # ties: the first in the list
        held = np.where(first > 0.0, held, 0.0)
    elif model.kind == "threshold":
        held = np.where((1.0 + model.threshold) * held >= best, held, 0.0)
    outside = 0.0 if model.kind == "nearest" else model.outside
    whole = held.sum(axis=1, keepdims=True) + outside
    shares: Floats = np.divide(held, whole, out=np.zeros_like(held), where=(whole > 0.0) & (best > 0.0))
    return shares


def locker_share_bound(attractions: Floats, is_open: Bools, model: ChoiceModel) -> Floats:
    """Return, for each place, a share no subset of the open lockers exceeds.

    Equal to the share itself except for ``threshold``, where opening a better locker can make others drop out: there
    the largest window ``{j : a_j ≤ a, (1 + γ)·a_j ≥ a}`` over all best attractions a counts.
    """
    if model.kind != "threshold":
        shares: Floats = choice_shares(attractions, is_open, model).sum(axis=1)
        return shares
    held = np.where(is_open[None, :], attractions, 0.0)
    most = np.zeros(held.shape[0])
    for j in np.flatnonzero(is_open):
        best = held[:, j : j + 1]
        window = (held <= best) & ((1.0 + model.threshold) * held >= best) & (best > 0.0)
        most = np.maximum(most, np.where(window, held, 0.0).sum(axis=1))
    bound: Floats = np.divide(most, most + model.outside, out=np.zeros_like(most), where=most > 0.0)
    return bound
