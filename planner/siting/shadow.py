"""What a little more of something buys: the model solved again at the next step, in whole sites and not by linear prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geodata.errors import InputError, UsageError
from geodata.messages import Message
from planner.problems.siting import SideConstraints, SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting.milp_decide import site_loads
from planner.siting.registry import solve_model
from planner.siting.selection import SiteSelection, SolveLimits

_BUDGETS = ("capex_budget_cny", "yearly_budget_cny")
#: Step of a budget, in CNY.
BUDGET_STEP_CNY = 100_000.0
#: Step of a capacity or radius, as a share of what it is.
_STEP_SHARE = 0.1
#: A site this full counts as full.
_FULL = 0.95


@dataclass(frozen=True, slots=True)
class Step:
    """One more step of something.

    Attributes
    ----------
    what
        ``capex_budget_cny``, ``yearly_budget_cny``, ``p``, ``capacity`` (of `site`, or of every site), or the name of a number option
        (``radius``,
        ``bound``), or ``group_maximum`` / ``group_minimum`` (of `group`; a minimum is loosened by a negative amount).
    amount
        How much more.
    site, group
        Which site or group.
    """

    what: str
    amount: float
    site: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class ShadowPrice:
    """What one step buys.

    Attributes
    ----------
    step
        The step.
    before, after
        Plans without and with it.
    gain
        Fall of the objective between the two plans found (coverage: weight won); never below 0 where the step only loosens.
    gain_low, gain_high
        The true gain lies between these; equal when both are proved. None: not bounded.
    served_more
        Demand points served more (negative: fewer).
    """

    step: Step
    before: SiteSelection
    after: SiteSelection
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    served_more: int

    @property
    def opened(self) -> tuple[int, ...]:
        """Return the sites the step opens."""
        return tuple(sorted(set(self.after.open_sites) - set(self.before.open_sites)))


def default_steps(problem: SitingProblem, best: SiteSelection, options: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the steps worth asking about: each budget, p, each full site, the radius or bound in force."""
    steps = [Step(name, BUDGET_STEP_CNY) for name in _BUDGETS if getattr(problem.side, name) is not None]
    if problem.p is not None and problem.p < problem.site_count:
        steps.append(Step("p", 1.0))
    loads = site_loads(problem, best.allocation)
    limited = np.isfinite(problem.capacity) & (loads >= _FULL * problem.capacity) & (loads > 0)
    steps += [Step("capacity", float(problem.capacity[j]) * _STEP_SHARE, site=int(j)) for j in np.flatnonzero(limited)]
    steps += [Step(name, float(options[name]) * _STEP_SHARE) for name in ("radius", "bound") if options.get(name)]
    return tuple(steps)


def shadow_prices(
    name: str,
    problem: SitingProblem,
    *,
    steps: Iterable[Step] | None = None,
    best: SiteSelection | None = None,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
    **options: Any,
) -> tuple[ShadowPrice, ...]:
    """Solve again one step further in each direction of `steps`.

    Parameters
    ----------
    name, problem, options
        Model, problem and options as in `solve_model`.
    steps
        Steps; None: `default_steps`.
    best
        The plan without any step, if it is in hand.
    limits
        Limits of each solve.
    listener
        Told the number of steps done.

    Raises
    ------
    UsageError
        If a step loosens what is not limited at all.
    """
    before = solve_model(name, problem, limits=limits, **options) if best is None else best
    asked = default_steps(problem, before, options) if steps is None else tuple(steps)
    found = []
    for number, step in enumerate(asked, 1):
        further, changed = one_step(problem, options, step)
        try:
            after = solve_model(name, further, limits=limits, **changed)
        except InputError:
            after = before
        found.append(_price(step, before, after))
        listener(ProgressEvent("siting", before.report.objective, before.report.bound, None, number, len(asked)))
    return tuple(found)


def one_step(problem: SitingProblem, options: Mapping[str, Any], step: Step) -> tuple[SitingProblem, Mapping[str, Any]]:
    """Return problem and options after a step.

    Raises
    ------
    UsageError
        If what is to be loosened is not limited.
    """
    side = problem.side
    if step.what in _BUDGETS and getattr(side, step.what) is not None:
        money = {step.what: getattr(side, step.what) + step.amount}
        return replace(problem, side=replace(side, **money)), options
    if step.what == "p" and problem.p is not None:
        return replace(problem, p=problem.p + int(step.amount)), options
    places = slice(None) if step.site is None else slice(step.site, step.site + 1)
    if step.what == "capacity" and np.isfinite(problem.capacity[places]).any():
        capacity = problem.capacity.copy()
        capacity[places] += step.amount
        return replace(problem, capacity=capacity), options
    if step.what in ("group_maximum", "group_minimum") and step.group in getattr(side, step.what):
        counts = dict(getattr(side, step.what))
        counts[step.group] += int(step.amount)
        return replace(problem, side=_with_counts(side, step.what, counts)), options
    if isinstance(options.get(step.what), (int, float)):
        return problem, {**options, step.what: options[step.what] + step.amount}
    raise UsageError(Message("siting_models_step_unlimited", {"what": step.what}))


def _price(step: Step, before: SiteSelection, after: SiteSelection) -> ShadowPrice:
    old, new = before.report, after.report
    served = len(after.allocation) - len(before.allocation)
    if old.objective is None or new.objective is None:
        return ShadowPrice(step, before, after, None, None, None, served)
    loosens = step.what != "p"
    floor = 0.0 if loosens else -np.inf
    gain = max(floor, old.objective - new.objective)
    low = None if old.bound is None else max(floor, old.bound - new.objective)
    high = None if new.bound is None else max(floor, old.objective - new.bound)
    return ShadowPrice(step, before, after, gain, low, high, served)


def _with_counts(side: SideConstraints, what: str, counts: Mapping[str, int]) -> SideConstraints:
    """Return the side constraints with other least or most counts of open sites a group."""
    if what == "group_minimum":
        return replace(side, group_minimum=counts)
    return replace(side, group_maximum=counts)
