"""Parcel lockers: which hosts get one, with how many compartments, at least yearly cost; none is an answer too.

Minimise, over sets of open hosts S::

    Σ_{j ∈ S} [annuity·(price(cells_j) + connection_j) + opex + rent_j] - 365·Σ_{j ∈ S} saving_j·λ_j(S)·(1 -
    overflow_j)

subject to the overflow rule of the sizing, coverage of communities where asked, counts, budgets, locks and pairs.
λ_j(S) follows from the customers' choice among the open lockers, so the problem is a non-linear 0–1 programme; it is
solved by branch and bound on bounds of its own (`planner.siting.lockers.bound`). The compartment mix and the choice
model are those of the papers named there and in `planner.siting.lockers.choice`; J. Kahr, Omega 113 (2022), treats
site and layout together by Benders' decomposition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport, Status
from planner.siting.lockers.evaluate import LockerEvaluator, LockerSite
from planner.siting.lockers.problem import LockerHost, LockerPlace, LockerProblem, LockerSettings
from planner.siting.lockers.rules import LockerRules
from planner.siting.lockers.search import LockerAnswer, search
from planner.siting.lockers.sizing import design_overflow_in_rounds
from planner.siting.selection import SiteSelection, SolveLimits

MODEL = "lockers"
ENGINE = "own branch and bound"
DEFAULT_LIMITS = SolveLimits()


@dataclass(frozen=True, slots=True, eq=False)
class LockerPlan:
    """Chosen lockers with everything a planner asks about each.

    Attributes
    ----------
    problem
        The question.
    selection
        Decision and report.
    sites
        One entry an open locker.
    """

    problem: LockerProblem
    selection: SiteSelection
    sites: tuple[LockerSite, ...]


def plan_lockers(
    problem: LockerProblem,
    *,
    limits: SolveLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> LockerPlan:
    """Choose lockers and their sizes.

    Parameters
    ----------
    problem
        The question.
    limits
        When to stop.
    listener
        Told objective and bound.

    Returns
    -------
    LockerPlan
        With status ``optimal`` (proved), ``feasible`` (with its bound), ``infeasible`` (proved) or ``unknown``.
    """

    def tell(cost: float | None, bound: float) -> None:
        shown = bound if math.isfinite(bound) else None
        listener(ProgressEvent("siting", objective=cost, bound=shown))

    answer = search(problem, limits, tell)
    report = _report(answer, limits)
    if answer.open_hosts is None:
        selection = SiteSelection(MODEL, (), {}, {}, report)
        return LockerPlan(problem, selection, ())
    evaluator = LockerEvaluator(problem)
    sites = evaluator.sites(answer.open_hosts)
    return LockerPlan(problem, _selection(evaluator, answer.open_hosts, sites, report), sites)


def solve(
    problem: SitingProblem,
    *,
    places: tuple[LockerPlace, ...],
    hosts: tuple[LockerHost, ...],
    settings: LockerSettings,
    limits: SolveLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Choose lockers as a single-tier siting model; see `plan_lockers` for the full answer."""
    return plan_lockers(LockerProblem(problem, places, hosts, settings), limits=limits, listener=listener).selection


def _report(answer: LockerAnswer, limits: SolveLimits) -> SolveReport:
    told: Mapping[str, float] = {
        "relative_gap": limits.relative_gap,
        "node_limit": float(limits.node_limit),
        "time_limit_s": limits.time_limit_s,
    }
    status: Status
    if answer.open_hosts is None:
        status = "infeasible" if answer.bound == math.inf else "unknown"
        note = "locker_note_infeasible" if status == "infeasible" else "locker_note_unknown"
        return SolveReport(status, None, None, ENGINE, limits.seed, told, note)
    bound = min(answer.bound, answer.cost)
    gap = (answer.cost - bound) / max(abs(answer.cost), 1e-12)
    is_proved = answer.cost == bound or gap <= OPTIMALITY_TOLERANCE
    status = "optimal" if is_proved else "feasible"
    if not is_proved:
        note = "locker_note_time" if answer.was_timed else "locker_note_cut"
    else:
        note = "locker_note_none" if not answer.open_hosts else "locker_note_optimal"
    return SolveReport(status, answer.cost, bound, ENGINE, limits.seed, told, note)


def _selection(
    evaluator: LockerEvaluator, open_hosts: tuple[int, ...], sites: tuple[LockerSite, ...], report: SolveReport
) -> SiteSelection:
    shares = evaluator.shares(open_hosts)
    allocation: dict[int, tuple[tuple[int, float], ...]] = {}
    unserved: dict[int, str] = {}
    for i in range(shares.shape[0]):
        row = shares[i]
        whole = float(row.sum())
        if whole > 0.0:
            allocation[i] = tuple((int(j), float(row[j]) / whole) for j in np.flatnonzero(row))
        elif (evaluator.attractions[i] > 0.0).any():
            unserved[i] = "not_required"
        else:
            unserved[i] = "no_site_in_reach"
    rules = LockerRules(evaluator)
    mask = evaluator.mask(open_hosts)
    counted = float(rules.counted.sum())
    figures = {
        "lockers": float(len(open_hosts)),
        "cells": float(sum(sum(site.size.cells) for site in sites)),
        "parcels_per_day": sum(site.parcels_per_day for site in sites),
        "investment_cny": rules.investment_cny(mask),
        "yearly_cost_cny": sum(site.yearly_cost_cny for site in sites),
        "yearly_saving_cny": sum(site.yearly_saving_cny for site in sites),
        "subsidy_cny_per_year": sum(site.subsidy_cny_per_year for site in sites),
        "overflow_one_round_share": _one_round(sites),
        "covered_share": rules.covered(mask) / counted if counted > 0.0 else 0.0,
    }
    return SiteSelection(MODEL, open_hosts, allocation, unserved, report, figures)


def _one_round(sites: tuple[LockerSite, ...]) -> float:
    """Return the overflow of the design day if every locker were filled in one round, over all parcels."""
    parcels = sum(site.size.design_parcels for site in sites)
    lost = sum(site.size.design_parcels * design_overflow_in_rounds(site.load, site.size.cells) for site in sites)
    return lost / parcels if parcels > 0.0 else 0.0
