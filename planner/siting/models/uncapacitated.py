"""Uncapacitated fixed charge: open as many sites as pay.

``min Σ_j f_j y_j + Σ_i w_i Σ_j d_ij x_ij`` with ``Σ_j x_ij = 1``, ``x_ij ≤ y_j``, ``y`` 0/1: f fixed cost in the unit
of weight × distance. Balinski (1965), Erlenkotter (1978). Relaxing the assignment leaves ``L(λ) = Σ λ_i + Σ_j min(0,
f_j + Σ_i min(0, c_ij - λ_i))``, whose best λ is the dual of the linear relaxation; the rest is the search of the
p-median.
"""

from __future__ import annotations

from planner.problems.siting import SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.p_median.problem import solve_lagrangian
from planner.siting.selection import SiteSelection, SolveLimits


def solve(
    problem: SitingProblem, *, limits: SolveLimits = SolveLimits(), listener: ProgressListener = no_progress
) -> SiteSelection:
    """Solve the uncapacitated fixed-charge problem (with `p` given: exactly p sites).

    Parameters
    ----------
    problem
        `fixed_cost` counts for every open site, locked ones too.
    limits
        When to stop; without a limit reached the answer is proved.
    listener
        Told cost and bound.

    Returns
    -------
    SiteSelection
        ``optimal`` only if the bound proves it.

    Raises
    ------
    InputError
        For bad input, naming every point that no usable site reaches.
    UsageError
        For a side constraint other than locks and nearness: `solve_model` takes the MILP for those.
    """
    return solve_lagrangian("uncapacitated", problem, limits, listener)
