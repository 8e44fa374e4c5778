"""Capacitated fixed-charge location: which sites to open, and who is served from where, at least total cost.

``min Σ_j f_j y_j + Σ_ij w_i d_ij x_ij`` with ``Σ_j x_ij = 1``, ``x_ij ≤ y_j``, ``Σ_i q_i x_ij ≤ Q_j y_j``, ``y`` 0/1 and ``x``
between 0 and 1 (split demand) or 0/1 (single sourcing): f fixed cost, w weight, d distance, q demand, Q capacity. Balinski (1965);
capacitated: Sá (1969), Geoffrion and McBride (1978); single sourcing: Barceló and Casanovas (1984), Holmberg, Rönnqvist, Yuan (1999).
"""

from __future__ import annotations

from planner.problems.siting import SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.capacitated.engine import solve_capacitated
from planner.siting.selection import SiteSelection, SolveLimits


def solve(
    problem: SitingProblem,
    *,
    single_source: bool = False,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
) -> SiteSelection:
    """Solve capacitated fixed-charge location (locks and p are kept; other side constraints go to the MILP).

    Parameters
    ----------
    problem
        Checked problem; `p`, where given, is the exact number of open sites.
    single_source
        Nobody's demand is split.
    limits, listener
        When to stop; who is told.
    """
    return solve_capacitated(
        "facility_location", problem, single_source=single_source, limits=limits, listener=listener
    )
