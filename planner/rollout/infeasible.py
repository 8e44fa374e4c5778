"""Why there is no roll-out: the year that cannot reach its aims, and the money or the shares that would do."""

from __future__ import annotations

import math
from dataclasses import replace

from geodata.errors import InfeasibleError
from geodata.messages import Message
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.rollout.model import build_years, investment_terms
from planner.rollout.problem import RolloutProblem
from planner.rollout.years import Year, make_years
from planner.siting.infeasible import diagnose
from planner.siting.instance import Instance

_GAP = 1e-4
#: More money than any county spends, CNY a year.
_PLENTY = 1e12


def refuse_year(asked: RolloutProblem, year: Year) -> InfeasibleError:
    """Return the error for a year whose aims are out of reach even if it had not to wait for the years before it."""
    rich = make_years(replace(asked, budgets_cny=(_PLENTY,) * asked.year_count))[year.number]
    least = least_money(asked, rich)
    number = year.number + 1
    if least is not None:
        money = asked.money_by(year.number)
        figures = {"year": number, "cny": round(money), "least_cny": math.ceil(least / 100.0) * 100}
        return InfeasibleError(
            Message("rollout_money_short", figures),
            [Message("fix_rollout_money", figures), Message("fix_rollout_aims", {"year": number})],
        )
    cause = diagnose(_without_budget(rich))
    return InfeasibleError(Message("rollout_year_unreachable", {"year": number}), [cause.message, *cause.fixes])


def least_money(asked: RolloutProblem, year: Year) -> float | None:
    """Return the least investment with which a year's aims can be met, by a plan that was found; None if none was."""
    model = build_years(asked, [year], [_without_budget(year)], [None])
    terms, fixed = investment_terms(model.blocks[0])
    costs = [0.0] * len(model.linear.costs)
    for column, amount in terms:
        costs[column] += amount
    linear = replace(model.linear, costs=costs, offset=fixed)
    limits = asked.limits
    answer = solve_linear(linear, EngineLimits(_GAP, limits.node_limit, limits.time_limit_s, limits.seed))
    return answer.objective


def _without_budget(year: Year) -> Instance:
    return replace(year.instance, targets=replace(year.instance.targets, budget_cny=math.inf))


def refuse_joint(asked: RolloutProblem) -> InfeasibleError:
    """Return the error for years that reach their aims alone but not one after the other."""
    fixes = [Message("fix_rollout_aims_any")]
    if not asked.carries_over:
        fixes.insert(0, Message("fix_rollout_carry_over"))
    return InfeasibleError(Message("rollout_order_impossible"), fixes)
