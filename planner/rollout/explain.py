"""When each village is reached, and why not a year earlier: it is really added to the year before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.rollout.problem import RolloutProblem
from planner.rollout.result import VillageYear
from planner.rollout.years import Year
from planner.siting.decision import Decision, investment
from planner.siting.explain import explain_unserved
from planner.siting.instance import Instance
from planner.siting.result import Unserved


def village_years(
    rollout: RolloutProblem, years: Sequence[Year], decisions: Sequence[Decision]
) -> tuple[VillageYear, ...]:
    """Return every village of the list with its years and reason, sorted by code."""
    first = years[0].instance
    served = np.array([decision.pair >= 0 for decision in decisions])
    own = np.array([_own(year.instance, d) for year, d in zip(years, decisions, strict=True)])
    today = _own_today(first, decisions[0])
    reasons = [
        {r.village_code: r for r in explain_unserved(_as_spent(rollout, years, decisions, t), decisions[t])}
        for t in range(len(years))
    ]
    found = []
    for v, code in enumerate(first.demand.codes):
        year, point = _first(served[:, v], is_today=bool(today[v])), _first(own[:, v], is_today=bool(today[v]))
        found.append(VillageYear(code, year, point, _reason(reasons, code, year)))
    return tuple(found)


def _own(instance: Instance, decision: Decision) -> np.ndarray:
    has = np.zeros(len(instance.demand.codes), dtype=np.bool_)
    villages = instance.points.village[decision.station >= 0]
    has[villages[villages >= 0]] = True
    return has


def _own_today(instance: Instance, decision: Decision) -> np.ndarray:
    """Tell which villages have a point today that stays and serves them."""
    points = instance.points
    stays = points.is_existing & (decision.station >= 0)
    has = np.zeros(len(instance.demand.codes), dtype=np.bool_)
    villages = points.village[stays]
    has[villages[villages >= 0]] = True
    return has & (decision.pair >= 0)


def _first(flags: np.ndarray, *, is_today: bool) -> int | None:
    if is_today:
        return 0
    return int(np.argmax(flags)) + 1 if flags.any() else None


def _reason(reasons: Sequence[dict[str, Unserved]], code: str, year: int | None) -> Unserved | None:
    if year is None:
        return reasons[-1].get(code)
    return reasons[year - 2].get(code) if year >= 2 else None  # noqa: PLR2004 - before the first year there is none


def _as_spent(rollout: RolloutProblem, years: Sequence[Year], decisions: Sequence[Decision], t: int) -> Instance:
    """Return the year with the money it really had: without carrying over, what was spent before and its own."""
    instance = years[t].instance
    if rollout.carries_over or t == 0:
        return instance
    money = investment(years[t - 1].instance, decisions[t - 1]) + rollout.budgets_cny[t]
    return replace(instance, targets=replace(instance.targets, budget_cny=money))
