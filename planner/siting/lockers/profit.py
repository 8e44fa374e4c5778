"""Straight lines above the yearly profit of a locker as a function of the parcels it takes.

The profit of a locker before rent and connection, ``h(λ) = 365·saving·λ·(1 - overflow) - annuity·price(cells(λ)) -
opex``, jumps with every further parcel of the design day. For any price κ a parcel, ``h(λ) ≤ κ·λ - b(κ)`` with ``b(κ)
= min_λ (κ·λ - h(λ))``: the lines of a few κ enclose h from above, and κ = 0 gives the best profit any locker there
can have.

With one kind of place (same days, dwell and saving) b(κ) is exact but for the overflow, which is bounded by that of
the mean day (carried load is concave, Jensen). With several kinds two weaker lines are used: the smallest set with
all further compartments free, and the control unit with the compartments the sizing rule needs (carried load ≤
compartments, so ``k_s ≥ a_s·(1 - target)``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.problems.siting import Floats
from planner.siting.lockers.days import DAYS_PER_YEAR, DayVariation
from planner.siting.lockers.problem import LockerProblem
from planner.siting.lockers.queue import erlang_b, erlangs
from planner.siting.lockers.sizing import LockerLoad, size_locker

_PRICES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1.0)
_MARGIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ProfitLine:
    """One line for every host.

    Attributes
    ----------
    base
        Shape (m,): what an open host costs a year at least, rent and connection inside; may be negative (κ = 0).
    worth
        Shape (n,): yearly worth of all lockable parcels of a place at this price.
    """

    base: Floats
    worth: Floats


def profit_lines(problem: LockerProblem) -> tuple[ProfitLine, ...]:
    """Return valid lines: net cost of host j ≥ base_j - Σ_i worth_i·(share of place i it takes)."""
    kinds = {(place.days, place.dwell_h, place.saving_cny_per_parcel) for place in problem.places}
    if len(kinds) == 1:
        return _exact_lines(problem, next(iter(kinds)))
    return _crude_lines(problem)


def _host_costs(problem: LockerProblem) -> Floats:
    """Return rent, running and the instalment of the connection."""
    siting, prices = problem.siting, problem.settings.prices
    connection = np.where(siting.is_existing, 0.0, siting.capex_cny)
    yearly: Floats = prices.annuity_share * paid_share(problem) * connection
    return yearly + siting.yearly_cny + prices.opex_cny_per_year


def paid_share(problem: LockerProblem) -> float:
    """Return the part of the price that counts: all of it, unless subsidies decide."""
    return 1.0 - problem.settings.subsidy_capex_share if problem.settings.count_subsidy else 1.0


def _extra(problem: LockerProblem) -> float:
    return problem.settings.subsidy_cny_per_parcel if problem.settings.count_subsidy else 0.0


def _exact_lines(problem: LockerProblem, kind: tuple[DayVariation, float, float]) -> tuple[ProfitLine, ...]:
    rooms = [problem.maximum_cells(j) for j in range(problem.siting.site_count)]
    points = {room: _points(problem, kind, room) for room in sorted(set(rooms))}
    full = DAYS_PER_YEAR * (kind[2] + _extra(problem))
    costs = _host_costs(problem)
    lines = []
    for share in _PRICES:
        price = share * full
        least = {room: float((price * load - profit).min()) for room, (load, profit) in points.items()}
        base = costs + np.array([least[room] for room in rooms])
        lines.append(ProfitLine(base, price * problem.lockable))
    return tuple(lines)


def _points(problem: LockerProblem, kind: tuple[DayVariation, float, float], room: int) -> tuple[Floats, Floats]:
    """Return (parcels a day, highest profit up to there) at every jump of the design day, up to a full room."""
    settings, (days, dwell, saving) = problem.settings, kind
    annuity = settings.prices.annuity_share * paid_share(problem)
    loads, q = [0.0], 0
    profits: list[float] = []
    whole = float(problem.lockable.sum())
    while True:
        top = days.largest_mean(q, settings.design_quantile) * (1.0 + _MARGIN)
        before = loads[-1]
        size = size_locker(
            LockerLoad(before, dwell, days, settings.mix, settings.rounds_per_day),
            settings.overflow_target_share,
            minimum_cells=min(settings.prices.minimum_cells, room),
            maximum_cells=room,
            quantile=settings.design_quantile,
        )
        if size is None:
            break
        cost = annuity * settings.prices.price_cny(size.cells)
        if not profits:
            profits.append(-cost)
        carried = 0.0
        for k, share in zip(size.cells, settings.mix, strict=True):
            # Below one parcel the design day is the mean itself; there, and for rounds, overflow is left out.
            is_known = top <= q and settings.rounds_per_day is None
            lost = erlang_b(k, erlangs(top * share, dwell)) if is_known else 0.0
            carried += top * share * (1.0 - lost)
        loads.append(top)
        profits.append(DAYS_PER_YEAR * (saving + _extra(problem)) * carried - cost)
        if top >= whole:
            break
        q += 1
    if not profits:
        profits.append(0.0)
    return np.array(loads), np.array(profits)


def _crude_lines(problem: LockerProblem) -> tuple[ProfitLine, ...]:
    settings, costs = problem.settings, _host_costs(problem)
    annuity = settings.prices.annuity_share * paid_share(problem)
    saving = np.array([place.saving_cny_per_parcel + _extra(problem) for place in problem.places])
    dwell = np.array([place.dwell_h for place in problem.places])
    rooms = [min(settings.prices.minimum_cells, problem.maximum_cells(j)) for j in range(problem.siting.site_count)]
    smallest = costs + annuity * (settings.prices.control_cny + min(settings.prices.cell_cny) * np.array(rooms))
    unit = sum(p * share for p, share in zip(settings.prices.cell_cny, settings.mix, strict=True))
    cells = annuity * unit * dwell / 24.0 * (1.0 - settings.overflow_target_share)
    whole = DAYS_PER_YEAR * saving
    return (
        ProfitLine(smallest, whole * problem.lockable),
        ProfitLine(costs + annuity * settings.prices.control_cny, np.maximum(0.0, whole - cells) * problem.lockable),
    )
