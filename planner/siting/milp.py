"""One MILP engine for every siting model and every side constraint, solved by HiGHS, with honest status and bound.

Slower than the models' own engines, and the reference they are tested against. Models whose objective is a threshold (p-center,
p-dispersion) are solved by bisection over the distances that occur; each refusal of a threshold is a proof and moves the bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.engines.linear import Vector
from planner.engines.mathopt import ENGINE, EngineAnswer, EngineLimits, solve_linear
from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport, Status
from planner.siting import milp_cover, milp_serve
from planner.siting.clock import left_of
from planner.siting.milp_cover import Options
from planner.siting.milp_decide import (
    Allocation,
    allocate,
    allocated_distances,
    covered_weight,
    gini,
    left_out,
    objective_of,
    worst_share_mean,
)
from planner.siting.milp_rows import Form, usable_pairs
from planner.siting.selection import SiteSelection, SolveLimits

Builder = Callable[[SitingProblem, Options], Form]
BUILDERS: Mapping[str, Builder] = {
    "set_coverage": milp_cover.set_coverage,
    "max_coverage": milp_cover.max_coverage,
    "backup_coverage": milp_cover.backup_coverage,
    "p_median": milp_serve.p_median,
    "capacitated_p_median": milp_serve.p_median,
    "facility_location": milp_serve.facility_location,
    "uncapacitated": milp_serve.facility_location,
    "equity": milp_serve.equity,
}
#: Models solved by thresholds.
THRESHOLDS = ("p_center", "p_dispersion")
COVERAGE = ("set_coverage", "max_coverage", "backup_coverage")
MODELS = (*BUILDERS, *THRESHOLDS)
#: Cuts of the Gini bound added before the bound is given up as not met.
_GINI_ROUNDS = 60
_GINI_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A decision, its value and what is proved: `bound` is a lower bound or None; `infeasible` is a proof."""

    open_sites: tuple[int, ...] = ()
    allocation: Allocation | None = None
    objective: float | None = None
    bound: float | None = None
    infeasible: bool = False
    cut: str = ""


def solve_milp(
    model: str,
    problem: SitingProblem,
    options: Options,
    *,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Solve `model` over `problem` with all its side constraints.

    Parameters
    ----------
    model
        One of `MODELS`.
    problem, options
        Checked input (`planner.siting.refusals`), and the options of the model (`planner.siting.registry`).
    limits
        When to stop.
    listener
        Told objective and bound.

    Returns
    -------
    SiteSelection
        With status ``infeasible`` (nothing open) when no choice of sites keeps everything asked, ``unknown`` when none was found.
    """
    tell, stop = _tell(listener), time.monotonic() + limits.time_limit_s
    if model in THRESHOLDS:
        outcome = _bisect(model, problem, options, limits, tell)
    elif model == "equity" and options.get("measure") == "gini":
        outcome = _solve_gini(problem, options, limits, tell)
    else:
        form = BUILDERS[model](problem, options)
        answer = solve_form(form, left_of(limits, stop), tell=tell)
        outcome = read_answer(model, problem, form, answer, options)
    return selection(model, problem, options, outcome, limits)


def _tell(listener: ProgressListener) -> Callable[[float | None, float | None], None]:
    def tell(objective: float | None, bound: float | None) -> None:
        gap = None
        if objective is not None and bound is not None:
            gap = max(0.0, (objective - bound) / max(abs(objective), 1e-12))
        listener(ProgressEvent("siting", objective, bound, gap))

    return tell


def solve_form(
    form: Form,
    limits: SolveLimits,
    *,
    hint: Vector | None = None,
    tell: Callable[[float | None, float | None], None] | None = None,
) -> EngineAnswer:
    """Solve one form within `limits`."""
    inner = EngineLimits(limits.relative_gap, limits.node_limit, max(limits.time_limit_s, 0.0), limits.seed)
    return solve_linear(form.linear, inner, hint=hint, listener=tell)


def read_answer(model: str, problem: SitingProblem, form: Form, answer: EngineAnswer, options: Options) -> Outcome:
    """Return the decision of a solver's answer, its objective recomputed."""
    if answer.outcome == "infeasible":
        return Outcome(infeasible=True)
    if answer.values is None:
        return Outcome(bound=answer.bound, cut=answer.cut)
    opened = form.open_sites(answer.values)
    allocation = allocate(model, problem, form, answer.values, options)
    value = objective_of(model, problem, opened, allocation, options)
    if not math.isfinite(value):
        return Outcome(bound=answer.bound, cut=answer.cut)
    return Outcome(opened, allocation, value, answer.bound, cut=answer.cut)


def selection(
    model: str, problem: SitingProblem, options: Options, outcome: Outcome, limits: SolveLimits, *, engine: str = ENGINE
) -> SiteSelection:
    """Return the selection of an outcome, with status, bound and the figures of the model."""
    report = report_of(outcome, limits, engine)
    if outcome.objective is None:
        return SiteSelection(model, (), {}, {}, report)
    allocation = outcome.allocation or {}
    unserved = left_out(problem, outcome.open_sites, allocation, options) if model in COVERAGE else {}
    figures = figures_of(model, problem, outcome.open_sites, allocation, options)
    return SiteSelection(model, outcome.open_sites, allocation, unserved, report, figures)


def report_of(outcome: Outcome, limits: SolveLimits, engine: str) -> SolveReport:
    """Return the report: ``optimal`` only when the bound reaches the objective."""
    numbers = {
        "relative_gap": limits.relative_gap,
        "node_limit": float(limits.node_limit),
        "time_limit_s": limits.time_limit_s,
    }
    objective, bound = outcome.objective, outcome.bound
    status: Status = "infeasible" if outcome.infeasible else "unknown"
    if objective is not None:
        bound = None if bound is None else min(bound, objective)
        closed = bound is not None and objective - bound <= OPTIMALITY_TOLERANCE * abs(objective)
        status = "optimal" if closed else "feasible"
    note = {"time": "siting_note_time", "nodes": "siting_note_nodes"}.get(outcome.cut, "siting_note_gap")
    keys = {"optimal": "siting_note_optimal", "feasible": note, "infeasible": "siting_models_note_infeasible"}
    key = keys.get(status, "siting_no_solution")
    return SolveReport(status, objective, bound, engine, limits.seed, numbers, key)


def figures_of(
    model: str, problem: SitingProblem, opened: tuple[int, ...], allocation: Allocation, options: Mapping[str, Any]
) -> Mapping[str, float]:
    """Return the model's further numbers."""
    figures = {"open_sites": float(len(opened)), "capex_cny": _capex(problem, opened)}
    if model in COVERAGE:
        figures["covered_weight"] = covered_weight(problem, allocation, options)
        figures["total_weight"] = float(problem.weight.sum())
    elif model == "p_dispersion":
        figures["least_distance"] = -objective_of(model, problem, opened, allocation, options)
    elif allocation:
        distances = allocated_distances(problem, allocation)
        total = max(float(problem.weight.sum()), 1e-12)
        figures["mean_distance"] = float(problem.weight @ distances) / total
        figures["worst_distance"] = float(distances.max())
        figures["gini"] = gini(distances, problem.weight)
        figures["worst_tenth_distance"] = worst_share_mean(distances, problem.weight, 0.1)
    return figures


def _capex(problem: SitingProblem, opened: tuple[int, ...]) -> float:
    chosen = np.zeros(problem.site_count, dtype=np.bool_)
    chosen[list(opened)] = True
    spent = problem.capex_cny[chosen & ~problem.is_existing].sum()
    return float(spent + problem.closing_cny[~chosen & problem.is_existing].sum())


def threshold_values(model: str, problem: SitingProblem, options: Options) -> Floats:
    """Return the thresholds that can be the answer, best first (p-center: shortest, p-dispersion: longest)."""
    if model == "p_center":
        return np.unique(milp_serve.farness(problem, usable_pairs(problem), options))
    metres = problem.site_metres if problem.site_metres is not None else np.zeros((0, 0))
    upper = np.triu_indices(metres.shape[0], k=1)
    return -np.unique(-np.minimum(metres, metres.T)[upper])


def threshold_form(model: str, problem: SitingProblem, options: Options, threshold: float) -> Form:
    """Return the question whether `threshold` can be kept."""
    if model == "p_center":
        return milp_serve.within_threshold(problem, options, threshold)
    return milp_serve.apart_by_threshold(problem, threshold)


def _bisect(
    model: str,
    problem: SitingProblem,
    options: Options,
    limits: SolveLimits,
    tell: Callable[[float | None, float | None], None],
) -> Outcome:
    """Search the thresholds: `low` is the first not refused, `high` the best one found."""
    values = threshold_values(model, problem, options)
    sign = 1.0 if model == "p_center" else -1.0
    best, cut, stop = Outcome(), "", time.monotonic() + limits.time_limit_s
    low, high, asked = 0, len(values), len(values) - 1
    while low < high:
        left = stop - time.monotonic()
        if left <= 0 and asked != len(values) - 1:
            cut = "time"
            break
        inner = replace(limits, relative_gap=0.0)
        form = threshold_form(model, problem, options, float(values[asked]))
        answer = read_answer(model, problem, form, solve_form(form, left_of(inner, stop)), options)
        if answer.infeasible:
            low = asked + 1
        elif answer.objective is not None:
            best = answer
            high = min(high, int(np.searchsorted(sign * values, answer.objective - 1e-12 * abs(answer.objective))))
        else:
            cut = answer.cut or "nodes"
            break
        tell(best.objective, sign * float(values[low]) if low < len(values) else None)
        asked = (low + high) // 2
    if low >= len(values):
        return Outcome(infeasible=True)
    bound = min(sign * float(values[low]), math.inf if best.objective is None else best.objective)
    return Outcome(best.open_sites, best.allocation, best.objective, bound, cut=cut)


def _solve_gini(
    problem: SitingProblem,
    options: Options,
    limits: SolveLimits,
    tell: Callable[[float | None, float | None], None],
) -> Outcome:
    """Solve under a Gini bound by cuts: every solve without a cut yet to be added is a relaxation, so its bound holds."""
    form, asked = milp_serve.equity(problem, options), float(options["bound"])
    stop, bound, cut = time.monotonic() + limits.time_limit_s, None, "nodes"
    for _ in range(_GINI_ROUNDS):
        answer = read_answer("equity", problem, form, solve_form(form, left_of(limits, stop)), options)
        if answer.infeasible:
            return answer
        bound = max((b for b in (bound, answer.bound) if b is not None), default=None)
        if answer.allocation is None:
            return Outcome(bound=bound, cut=answer.cut)
        tell(answer.objective, bound)
        distances = allocated_distances(problem, answer.allocation)
        if gini(distances, problem.weight) <= asked + _GINI_TOLERANCE:
            return Outcome(answer.open_sites, answer.allocation, answer.objective, bound, cut=answer.cut)
        milp_serve.gini_cut(form, problem, distances, asked)
        if time.monotonic() >= stop:
            cut = "time"
            break
    return Outcome(bound=bound, cut=cut)
