"""What each chosen site is worth: the model solved again without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from geodata.errors import InputError
from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting.registry import solve_model
from planner.siting.selection import SiteSelection, SolveLimits

#: ``replaced``: a plan without it was found; ``irreplaceable``: proved that none exists; ``unknown``: none found within the
#: limits; ``locked``: it must be open, so the question was not asked.
Fate = Literal["replaced", "irreplaceable", "unknown", "locked"]


@dataclass(frozen=True, slots=True)
class SiteImportance:
    """One chosen site.

    Attributes
    ----------
    site
        Site index.
    fate
        What happens without it.
    loss
        How much worse the best plan found without it is, in the unit of the objective; None without a plan.
    loss_low, loss_high
        The true loss lies between these (equal when both solves are proved); None: no such bound is known.
    instead
        Sites opened in its place.
    """

    site: int
    fate: Fate
    loss: float | None = None
    loss_low: float | None = None
    loss_high: float | None = None
    instead: tuple[int, ...] = ()


def site_importance(
    name: str,
    problem: SitingProblem,
    best: SiteSelection,
    *,
    sites: Sequence[int] | None = None,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
    **options: Any,
) -> tuple[SiteImportance, ...]:
    """Solve again without each open site of `best`; greatest loss first.

    Parameters
    ----------
    name, problem, options
        Model, problem and options `best` was solved with.
    best
        The plan.
    sites
        Sites to ask about; None: all open ones.
    limits
        Limits of each solve.
    listener
        Told the number of sites done.
    """
    asked = best.open_sites if sites is None else tuple(sites)
    found = []
    for number, j in enumerate(asked, 1):
        found.append(_without(name, problem, best, j, (limits, options)))
        listener(ProgressEvent("siting", best.report.objective, best.report.bound, None, number, len(asked)))
    rank = {"irreplaceable": 0, "unknown": 1, "replaced": 2, "locked": 3}
    return tuple(sorted(found, key=lambda item: (rank[item.fate], -(item.loss or 0.0), item.site)))


def _without(
    name: str, problem: SitingProblem, best: SiteSelection, j: int, run: tuple[SolveLimits, dict[str, Any]]
) -> SiteImportance:
    if problem.locked[j] == 1:
        return SiteImportance(j, "locked")
    locked = problem.locked.copy()
    locked[j] = -1
    try:
        other = solve_model(name, replace(problem, locked=locked), limits=run[0], **run[1])
    except InputError:
        # What is refused without the site cannot be kept without it: a demand point stranded, a capacity short.
        return SiteImportance(j, "irreplaceable")
    if other.report.status == "infeasible":
        return SiteImportance(j, "irreplaceable")
    value, old = other.report.objective, best.report.objective
    if value is None or old is None:
        return SiteImportance(j, "unknown")
    # Closing a site never helps, so a plan without it that is better only shows that the first was not proved best.
    low = None if other.report.bound is None else max(0.0, other.report.bound - old)
    high = None if best.report.bound is None else max(0.0, value - best.report.bound)
    instead = tuple(sorted(set(other.open_sites) - set(best.open_sites)))
    return SiteImportance(j, "replaced", max(0.0, value - old), low, high, instead)
