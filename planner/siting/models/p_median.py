"""p-median: open p sites so that the weighted distance of everybody to the nearest open site is least.

``min Σ_i w_i Σ_j d_ij x_ij + Σ_j f_j y_j`` with ``Σ_j x_ij = 1``, ``x_ij ≤ y_j``, ``Σ_j y_j = p``, ``y`` 0/1: w
weight, d distance, f fixed cost (0 in the classical model). Hakimi (1964), ReVelle and Swain (1970); with existing
sites locked open it is the conditional p-median of Minieka (1980). Solved by the Lagrangian relaxation of the
assignment (Narula, Ogbu and Samuelsson 1977; Beasley 1985) with interchange, reduced-cost fixing and branch and
bound.
"""

from __future__ import annotations

from planner.problems.siting import SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.p_median.problem import solve_lagrangian
from planner.siting.selection import SiteSelection, SolveLimits


def solve(
    problem: SitingProblem, *, limits: SolveLimits = SolveLimits(), listener: ProgressListener = no_progress
) -> SiteSelection:
    """Solve the p-median problem.

    Parameters
    ----------
    problem
        Locked and existing sites count in `p`. A pair beyond the cut-off of the distances is never used.
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
    return solve_lagrangian("p_median", problem, limits, listener)
