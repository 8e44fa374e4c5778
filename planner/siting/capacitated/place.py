"""Single-source placing of clients on sites already decided: a generalised assignment, solved by HiGHS within a few nodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.problems.siting import SitingProblem
from planner.siting import milp_serve
from planner.siting.capacitated.data import Capacitated
from planner.siting.capacitated.primal import Plan, Primal
from planner.siting.milp import solve_form
from planner.siting.selection import SolveLimits


def place_on(data: Capacitated, primal: Primal, problem: SitingProblem, limits: SolveLimits) -> bool:
    """Offer the best plan on the open sites of `problem` (every site locked); tell whether it is proved best or none exists.

    Parameters
    ----------
    data, primal
        The whole problem, and the plan in hand.
    problem
        The problem with its sites decided, and perhaps fewer pairs.
    limits
        Limits of the solve.
    """
    form = milp_serve.facility_location(replace(problem, p=None), {"single_source": True})
    answer = solve_form(form, limits)
    if answer.values is None or form.pairs is None:
        return answer.outcome == "infeasible"
    sites = np.flatnonzero(problem.locked == 1).astype(np.int64)
    share = np.zeros(data.cost.shape)
    share[form.pairs.demand, form.pairs.site] = np.round(answer.values[form.pairs.column])
    placed = share[:, sites]
    fits = bool((placed.T @ problem.demand <= problem.capacity[sites] * (1 + 1e-9)).all())
    if not fits or (placed.sum(axis=1) != 1).any():
        return False
    primal.take(Plan(primal.value_of(sites, placed), sites, placed))
    return answer.outcome == "optimal"
