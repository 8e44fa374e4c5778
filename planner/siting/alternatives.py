"""Other plans nearly as good as the best, each as different as can be from all before, and the sites that stand in nearly all.

Greedy max-min: the next plan is the one whose least number of differing sites to every plan so far is greatest, among all plans
within the tolerance of the best value (modelling to generate alternatives, Brill, Chang and Hopkins 1982; Hamming distance as in
Danna, Fenelon, Gu and Wunderling 2007). Each step is a MILP, so "no further plan exists" is a proof.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.engines.mathopt import EngineAnswer
from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting import milp_serve
from planner.siting.milp import (
    BUILDERS,
    THRESHOLDS,
    Outcome,
    read_answer,
    selection,
    solve_form,
    threshold_form,
    threshold_values,
)
from planner.siting.milp_cover import is_capacitated
from planner.siting.milp_decide import allocated_distances, gini
from planner.siting.milp_rows import Form
from planner.siting.registry import checked_options, prepared, solve_model
from planner.siting.selection import SiteSelection, SolveLimits

#: A value this much (relative) over the cap still counts as within it: the solver's tolerance.
_SLACK = 1e-7
_GINI_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Alternative:
    """One plan nearly as good as the best.

    Attributes
    ----------
    plan
        The plan; its report's bound is that of the best plan (no plan is better), its status says how its own value compares.
    value
        Objective of the plan.
    differs_by
        Least number of sites (opened or closed) in which it differs from any plan before it.
    jaccard
        Least Jaccard distance to any plan before it (0: the same sites, 1: none in common).
    is_proved
        No other plan within the tolerance differs by more.
    """

    plan: SiteSelection
    value: float
    differs_by: int
    jaccard: float
    is_proved: bool


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The best plan and others.

    Attributes
    ----------
    best
        The best plan.
    plans
        Alternatives in the order found.
    site_share
        Site → share of all plans (best included) in which it is open; every site that is open in any.
    is_complete
        It is proved that no further plan lies within the tolerance.
    """

    best: SiteSelection
    plans: tuple[Alternative, ...]
    site_share: Mapping[int, float]
    is_complete: bool

    def no_regret(self, share: float = 0.9) -> tuple[int, ...]:
        """Return the sites open in at least `share` of the plans: right whichever plan is taken."""
        return tuple(j for j, part in sorted(self.site_share.items()) if part >= share - 1e-9)


def find_alternatives(
    name: str,
    problem: SitingProblem,
    *,
    count: int = 10,
    within: float = 0.05,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
    **options: Any,
) -> Alternatives:
    """Return up to `count` plans within the share `within` of the best value.

    Parameters
    ----------
    name, problem, options
        Model, problem and options as in `solve_model`.
    count, within
        Plans wanted; how much worse than the best they may be (0.05: 5 %).
    limits
        Limits of each solve; `time_limit_s` holds for each.
    listener
        Told the number of plans done.
    """
    best = solve_model(name, problem, limits=limits, **options)
    if best.report.objective is None:
        return Alternatives(best, (), {}, is_complete=best.report.status == "infeasible")
    problem, values = prepared(name, problem, checked_options(name, options))
    cap = best.report.objective + within * abs(best.report.objective)
    form = capped_form(name, problem, values, cap)
    search = _Search(name, problem, values, form, limits)
    sets, is_complete = [best.open_sites], False
    plans: list[Alternative] = []
    while len(plans) < count and not is_complete:
        found, is_complete = search.next(sets, best, cap)
        if found is None:
            break
        plans.append(found)
        sets.append(found.plan.open_sites)
        listener(ProgressEvent("siting", found.value, best.report.bound, None, len(plans), count))
    return Alternatives(best, tuple(plans), _shares(sets), is_complete)


def _shares(sets: Sequence[tuple[int, ...]]) -> Mapping[int, float]:
    every = sorted({j for sites in sets for j in sites})
    return {j: sum(j in sites for sites in sets) / len(sets) for j in every}


def capped_form(name: str, problem: SitingProblem, options: Mapping[str, Any], cap: float) -> Form:
    """Return the form of a model with its objective at most `cap`, and no objective."""
    slack = _SLACK * max(1.0, abs(cap))
    if name in THRESHOLDS:
        sign = 1.0 if name == "p_center" else -1.0
        values = threshold_values(name, problem, options)
        allowed = values[sign * values <= cap + slack]
        return threshold_form(name, problem, options, float(allowed[-1]) if allowed.size else sign * cap)
    form = BUILDERS[name](problem, options)
    costs = np.array(form.linear.costs)
    priced = np.flatnonzero(costs).astype(np.int64)
    if priced.size:
        scale = float(np.abs(costs).max())
        form.row(priced, costs[priced] / scale, upper=(cap + slack - form.linear.offset) / scale)
    form.linear.costs = [0.0] * costs.size
    return form


class _Search:
    """Finds the plan most different from those in hand."""

    def __init__(
        self, name: str, problem: SitingProblem, options: Mapping[str, Any], form: Form, limits: SolveLimits
    ) -> None:
        self.name = name
        self.problem = problem
        self.options = options
        self.form = form
        self.limits = replace(limits, relative_gap=0.0)
        sites = float(problem.site_count)
        self.least = form.columns(np.array([-1.0]), upper=sites, is_integer=True)
        self.known = 0

    def next(self, sets: Sequence[tuple[int, ...]], best: SiteSelection, cap: float) -> tuple[Alternative | None, bool]:
        """Return the next plan, and whether it is proved that there is none."""
        for sites in sets[self.known :]:
            self._add_distance(sites)
        self.known = len(sets)
        answer, outcome = self._solve()
        if answer.outcome == "infeasible" or (answer.bound is not None and answer.bound > -1 + 1e-6):
            return None, True
        if outcome.objective is None or outcome.open_sites in sets:
            return None, False
        plan = self._completed(outcome, best, cap)
        if plan is None or plan.report.objective is None:
            return None, False
        chosen = set(plan.open_sites)
        apart = min(len(chosen ^ set(sites)) for sites in sets)
        jaccard = min(len(chosen ^ set(sites)) / max(len(chosen | set(sites)), 1) for sites in sets)
        is_proved = answer.bound is not None and math.floor(-answer.bound + 1e-6) <= apart
        return Alternative(plan, plan.report.objective, apart, jaccard, is_proved), False

    def _add_distance(self, sites: tuple[int, ...]) -> None:
        """Add ``least ≤ number of sites that differ from this plan``."""
        every = np.arange(self.problem.site_count, dtype=np.int64)
        sign = np.ones(every.size)
        sign[list(sites)] = -1.0
        column = np.concatenate((self.least, every))
        self.form.row(column, np.concatenate(([1.0], -sign)), upper=float(len(sites)))

    def _solve(self) -> tuple[EngineAnswer, Outcome]:
        """Solve the next step; under a Gini bound, add the cuts its answer breaks and solve again."""
        stop = time.monotonic() + self.limits.time_limit_s
        for _ in range(_GINI_ROUNDS):
            left = max(stop - time.monotonic(), 0.01)
            answer = solve_form(self.form, replace(self.limits, time_limit_s=left))
            outcome = read_answer(self.name, self.problem, self.form, answer, self.options)
            if self.options.get("measure") != "gini" or outcome.allocation is None:
                return answer, outcome
            distances = allocated_distances(self.problem, outcome.allocation)
            if gini(distances, self.problem.weight) <= float(self.options["bound"]) + 1e-6:
                return answer, outcome
            milp_serve.gini_cut(self.form, self.problem, distances, float(self.options["bound"]))
        return answer, Outcome()

    def _completed(self, outcome: Outcome, best: SiteSelection, cap: float) -> SiteSelection | None:
        """Return the plan with the best allocation for its sites; its bound is that of the best plan."""
        if is_capacitated(self.problem) or self.options.get("modules"):
            locked = np.full(self.problem.site_count, -1, dtype=np.int8)
            locked[list(outcome.open_sites)] = 1
            fixed = replace(self.problem, locked=locked)
            plan = solve_model(self.name, fixed, engine="milp", limits=self.limits, **self.options)
            value = plan.report.objective
            if value is None or value > cap + _SLACK * max(1.0, abs(cap)) * 10:
                return None
            outcome = Outcome(plan.open_sites, plan.allocation, value)
        bounded = replace(outcome, bound=best.report.bound)
        return selection(self.name, self.problem, self.options, bounded, self.limits)
