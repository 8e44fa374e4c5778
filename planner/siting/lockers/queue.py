"""Queues of locker compartments: how often a parcel finds every compartment taken.

A parcel that finds no free compartment goes to the counter or the door: it is lost to the locker (Erlang B), it does
not wait. Erlang C is for compartments that parcels do wait for (a van that comes again). Loads are in erlangs:
parcels a day × dwell h / 24.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

Floats = npt.NDArray[np.float64]
#: Largest Markov chain `shared_overflow` and `round_overflow` build.
STATE_LIMIT = 60_000
_SWEEPS = 20_000
_SETTLED = 1e-13


def erlangs(parcels_per_day: float, dwell_h: float) -> float:
    """Return the offered load: parcels that would lie in compartments at a time if there were no end of them."""
    return parcels_per_day * dwell_h / 24.0


def erlang_b(cells: int, load: float) -> float:
    """Return the share of parcels that find all `cells` compartments taken (M/M/k/k).

    ``B(0) = 1``, ``B(k) = a·B(k-1) / (k + a·B(k-1))``: every step lies in [0, 1], so nothing overflows. The value
    holds for any dwell time with the same mean, not for the exponential alone (insensitivity).

    Parameters
    ----------
    cells
        Compartments, at least 0.
    load
        Offered load in erlangs, at least 0.

    References
    ----------
    A. K. Erlang, 1917; insensitivity: B. A. Sevastyanov, 1957.
    """
    _check(cells, load)
    if load == 0.0:
        return 1.0 if cells == 0 else 0.0
    loss = 1.0
    for k in range(1, cells + 1):
        loss = load * loss / (k + load * loss)
    return loss


def erlang_c(cells: int, load: float) -> float:
    """Return the share of parcels that wait when none is turned away (M/M/k): ``B / (1 - ρ(1 - B))``, ``ρ = a/k``.

    1 when the load is not below the number of compartments: the queue then grows without end.
    """
    if load >= cells:
        _check(cells, load)
        return 1.0
    loss = erlang_b(cells, load)
    return loss / (1.0 - load / cells * (1.0 - loss))


def mean_wait_h(cells: int, load: float, dwell_h: float) -> float:
    """Return the mean hours a parcel waits for a compartment (M/M/k): ``C·dwell / (k - a)``; inf when overloaded."""
    if load >= cells:
        return math.inf
    return erlang_c(cells, load) * dwell_h / (cells - load)


def cells_for_overflow(load: float, target_share: float, *, limit: int = 100_000) -> int | None:
    """Return the fewest compartments with ``B(k, load) ≤ target_share``, or None beyond `limit`.

    B falls as k grows, so the first k of the recursion that meets the target is the least.
    """
    _check(0, load)
    if load == 0.0:
        return 0
    loss = 1.0
    for k in range(limit + 1):
        if k:
            loss = load * loss / (k + load * loss)
        if loss <= target_share:
            return k
    return None


def load_for_overflow(cells: int, target_share: float) -> float:
    """Return the largest load (erlangs) `cells` compartments take with ``B ≤ target_share`` (< 1), by bisection."""
    if cells == 0:
        return 0.0
    low, high = 0.0, (cells + 1.0) / (1.0 - target_share)  # carried load a(1-B) ≤ k
    for _ in range(200):
        middle = (low + high) / 2.0
        if erlang_b(cells, middle) <= target_share:
            low = middle
        else:
            high = middle
    return low


def overflow_bounds(
    cells: Sequence[int], loads: Sequence[float], loss: Callable[[int, float], float] = erlang_b
) -> tuple[float, float]:
    """Bound the overflow share when a parcel may use its own size of compartment or a larger one.

    *Upper*: every size on its own, ``Σ a_s·B(k_s, a_s) / Σ a_s``. *Lower*: the largest over s of what all parcels of
    size ≥ s lose in one pool of all compartments of size ≥ s, ``a_{≥s}·B(k_{≥s}, a_{≥s}) / Σ a``. Both are proved for
    exponential dwell times of one mean by coupling: the more freely used system never holds fewer parcels, and its
    lead in parcels taken is at least its lead in parcels held.

    Parameters
    ----------
    cells, loads
        Compartments and loads by size, smallest first.
    loss
        Overflow share of compartments of one size under a load: `erlang_b`, or one for rounds (the coupling does not
        ask how parcels arrive).
    """
    total = sum(loads)
    if total == 0.0:
        return 0.0, 0.0
    upper = sum(a * loss(k, a) for k, a in zip(cells, loads, strict=True)) / total
    lower = 0.0
    for s in range(len(cells)):
        pooled = sum(loads[s:])
        lower = max(lower, pooled * loss(sum(cells[s:]), pooled) / total)
    return min(lower, upper), upper


def shared_overflow(cells: Sequence[int], loads: Sequence[float]) -> float | None:
    """Return the exact overflow share when a parcel takes the smallest free compartment that holds it.

    Stationary law of the Markov chain of taken compartments by size (Poisson arrivals, exponential dwell of one
    mean); it lies within `overflow_bounds`. None above `STATE_LIMIT` states.
    """
    total = sum(loads)
    shape = tuple(k + 1 for k in cells)
    if total == 0.0:
        return 0.0
    if math.prod(shape) > STATE_LIMIT:
        return None
    chain = _shared_chain(shape, loads)
    law = _stationary(chain)
    full = np.indices(shape) == (np.array(shape) - 1).reshape(-1, *([1] * len(shape)))
    lost = 0.0
    for s, load in enumerate(loads):
        lost += load * float(law.reshape(shape)[full[s:].all(axis=0)].sum())
    return lost / total


def _shared_chain(shape: tuple[int, ...], loads: Sequence[float]) -> sparse.csr_array:
    """Return the transposed jump matrix of the uniformised chain."""
    states = np.indices(shape).reshape(len(shape), -1)
    number = np.arange(states.shape[1])
    step = [math.prod(shape[s + 1 :]) for s in range(len(shape))]
    rows, columns, rates = [], [], []
    for s, load in enumerate(loads):
        is_free = np.ones(number.size, dtype=bool)
        for t in range(s, len(shape)):
            takes = is_free & (states[t] < shape[t] - 1)
            rows.append(number[takes])
            columns.append(number[takes] + step[t])
            rates.append(np.full(int(takes.sum()), float(load)))
            is_free &= ~takes
    for t in range(len(shape)):
        held = states[t] > 0
        rows.append(number[held])
        columns.append(number[held] - step[t])
        rates.append(states[t][held].astype(np.float64))
    row, column, rate = np.concatenate(rows), np.concatenate(columns), np.concatenate(rates)
    pace = float(sum(loads) + sum(k - 1 for k in shape))
    out = np.bincount(row, weights=rate, minlength=number.size)
    stay = sparse.diags_array(1.0 - out / pace)
    moves = sparse.csr_array((rate / pace, (column, row)), shape=(number.size, number.size))
    return sparse.csr_array(moves + stay)


def _stationary(chain: sparse.csr_array | Floats) -> Floats:
    """Return the law a column-stochastic matrix leaves unchanged, by repeated steps."""
    law: Floats = np.full(chain.shape[1], 1.0 / chain.shape[1])
    for _ in itertools.repeat(None, _SWEEPS):
        moved = chain @ law
        change = float(np.abs(moved - law).sum())
        law = moved / moved.sum()
        if change < _SETTLED:
            break
    return law


def round_overflow(cells: int, parcels_per_day: float, dwell_h: float, *, rounds_per_day: int = 1) -> float:
    """Return the overflow share when the courier brings a day's parcels in a few rounds instead of one by one.

    Before each round a parcel is still there with probability ``exp(-24/(rounds·dwell))``; a Poisson number of
    parcels comes at once and fills what is free. Parcels that come together find the locker fuller than parcels that
    come one by one, so a locker sized by Erlang B is checked against this figure.

    Raises
    ------
    ValueError
        If a figure is negative or not finite, or there is no round.
    """
    _check(cells, parcels_per_day)
    if rounds_per_day < 1 or not dwell_h > 0.0:
        msg = f"a round a day at least and a dwell above 0, not {rounds_per_day} and {dwell_h}"
        raise ValueError(msg)
    mean = parcels_per_day / rounds_per_day
    if mean == 0.0 or cells == 0:
        return 0.0 if mean == 0.0 else 1.0
    stays = math.exp(-24.0 / (rounds_per_day * dwell_h))
    held = np.arange(cells + 1)
    survive = _survivors(cells, stays)
    come: Floats = np.exp(held * math.log(mean) - mean - special.gammaln(held + 1.0))
    law: Floats = np.full(cells + 1, 1.0 / (cells + 1))  # parcels left when the courier comes
    for _ in itertools.repeat(None, _SWEEPS):
        filled = np.convolve(law, come)[: cells + 1]
        filled[cells] = 1.0 - filled[:cells].sum()
        moved = survive @ filled
        change = float(np.abs(moved - law).sum())
        law = moved / moved.sum()
        if change < _SETTLED:
            break
    free = cells - held
    # E[min(free, N)] = mean·P(N ≤ free - 1) + free·P(N > free).
    taken = mean * special.pdtr(free - 1.0, mean) * (free > 0) + free * special.pdtrc(free.astype(float), mean)
    return float(max(0.0, 1.0 - (law * np.where(free > 0, taken, 0.0)).sum() / mean))


@lru_cache(maxsize=2_000)
def _survivors(cells: int, stays: float) -> Floats:
    """Return the law of parcels left (rows) of parcels held (columns) when each stays with probability `stays`."""
    held = np.arange(cells + 1, dtype=np.float64)
    left, before = held[:, None], held[None, :]
    is_possible = left <= before
    ways = special.gammaln(before + 1.0) - special.gammaln(left + 1.0) - special.gammaln(np.abs(before - left) + 1.0)
    logs = ways + left * math.log(stays) + np.abs(before - left) * math.log1p(-stays)
    law: Floats = np.where(is_possible, np.exp(np.where(is_possible, logs, -np.inf)), 0.0)
    law.flags.writeable = False
    return law


def _check(cells: int, load: float) -> None:
    if cells < 0 or not (math.isfinite(load) and load >= 0.0):
        msg = f"compartments and load must be numbers at or above 0, not {cells} and {load}"
        raise ValueError(msg)
