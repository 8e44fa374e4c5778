"""Capacitated p-median: p sites, everybody at one of them (or split), no site beyond its capacity, least Σ weight × distance.

``min Σ_ij w_i d_ij x_ij`` with ``Σ_j x_ij = 1``, ``Σ_i q_i x_ij ≤ Q_j y_j``, ``Σ_j y_j = p``. Osman and Christofides (1994);
Lagrangian bound by knapsacks: Maniezzo, Mingozzi and Baldacci (1998); Ceselli and Righini (2005).
"""

from __future__ import annotations

from planner.problems.siting import SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.capacitated.engine import solve_capacitated
from planner.siting.selection import SiteSelection, SolveLimits


def solve(
    problem: SitingProblem,
    *,
    single_source: bool = True,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Solve the capacitated p-median (locks and fixed costs are kept; other side constraints go to the MILP).

    Parameters
    ----------
    problem
        Checked problem with `p`.
    single_source
        Nobody's demand is split.
    limits, listener
        When to stop; who is told.
    """
    return solve_capacitated(
        "capacitated_p_median", problem, single_source=single_source, limits=limits, listener=listener
    )
