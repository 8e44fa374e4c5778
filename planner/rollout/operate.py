"""The rounds of every year: its true cost by the independent checker, and the vehicles that come into use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.design_settle import settle
from planner.plan import Plan, PlanProblem, VerifiedPlan
from planner.problems.standard import RoutingSettings
from planner.progress import ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE
from planner.rollout.problem import RolloutProblem
from planner.rollout.result import Alone, Rollout, YearPlan
from planner.rollout.solve import solve_rollout
from planner.routing.rounds import solve_rounds
from planner.verify import missed_parts, verify

#: Rounds of many years are built with less effort than those of the plan.
QUICK = {"exact_stops": 8, "column_stops": 0, "solution_limit": 30}

#: How often sites are chosen again when vehicles need money.
_TRIES = 3
_CENT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class YearRounds:
    """The rounds of one year.

    Attributes
    ----------
    verified
        The year as a plan that passed the checker, with costs and KPIs.
    needed
        Vehicle type → vehicles its rounds use.
    bought
        Vehicle type → vehicles more than the county has and than any year before used.
    """

    verified: VerifiedPlan
    needed: Mapping[str, int]
    bought: Mapping[str, int]


def roll_out(
    asked: RolloutProblem, *, listener: ProgressListener = no_progress
) -> tuple[Rollout, tuple[YearRounds, ...]]:
    """Solve a roll-out and its rounds; vehicles with a price are paid from the same money.

    Money for the vehicles the rounds turn out to need is set aside and the sites chosen again with the rest, until both fit. The
    bound stays that of the first choice: no roll-out without vehicles to pay is better, so none with them is.

    Raises
    ------
    InfeasibleError, NoSolutionError, VerificationError
        As `solve_rollout` and `run_years`; and if sites and vehicles do not fit the money together.
    """
    first = solve_rollout(asked, listener=listener)
    rollout, rounds = first, run_years(first, listener=listener)
    reserve = [0.0] * asked.year_count
    for _ in range(_TRIES):
        paid = [_money(asked, year) for year in rounds]
        if all(now <= kept + _CENT for now, kept in zip(paid, reserve, strict=True)):
            return _with_vehicles(asked, first, rollout, paid), rounds
        reserve = [max(now, kept) for now, kept in zip(paid, reserve, strict=True)]
        rollout = solve_rollout(replace(asked, budgets_cny=_left(asked, reserve)), listener=listener)
        rounds = run_years(rollout, listener=listener)
    raise NoSolutionError(Message("rollout_vehicles_too_dear"), [Message("fix_rollout_vehicle_money")])


def _money(asked: RolloutProblem, year: YearRounds) -> float:
    prices = asked.vehicle_prices_cny
    return math.fsum(prices.get(kind, 0.0) * count for kind, count in sorted(year.bought.items()))


def _left(asked: RolloutProblem, reserve: Sequence[float]) -> tuple[float, ...]:
    """Return the years' money without what is set aside; what a year lacks is saved in the years before it."""
    left = [budget - kept for budget, kept in zip(asked.budgets_cny, reserve, strict=True)]
    for t in range(len(left) - 1, 0, -1):
        if left[t] < 0.0 and asked.carries_over:
            left[t - 1], left[t] = left[t - 1] + left[t], 0.0
    if min(left) < 0.0:
        raise NoSolutionError(Message("rollout_vehicles_too_dear"), [Message("fix_rollout_vehicle_money")])
    return tuple(left)


def _with_vehicles(asked: RolloutProblem, first: Rollout, rollout: Rollout, paid: Sequence[float]) -> Rollout:
    """Return the roll-out with what its vehicles cost, measured against the bounds of the first choice."""
    years = tuple(
        replace(year, vehicles_cny=cny, alone=_alone(asked, year, start))
        for year, start, cny in zip(rollout.years, first.years, paid, strict=True)
    )
    report, value = rollout.report, float(rollout.report.objective or 0.0)
    if rollout is not first:
        bound = first.report.bound
        low = None if bound is None else min(bound, value)
        proved = low is not None and value - low <= OPTIMALITY_TOLERANCE * abs(value)
        report = replace(report, status="optimal" if proved else "feasible", bound=low)
    return replace(rollout, asked=asked, years=years, report=report)


def _alone(asked: RolloutProblem, year: YearPlan, first: YearPlan) -> Alone:
    sign, value = (1.0, year.cost_cny_per_day) if asked.objective == "cost" else (-1.0, year.need)
    best = min(sign * value, sign * first.alone.value)
    return replace(first.alone, value=sign * best, bound=sign * min(best, sign * first.alone.bound))


def run_years(rollout: Rollout, *, listener: ProgressListener = no_progress) -> tuple[YearRounds, ...]:
    """Build and check the rounds of every year.

    The number of vehicles is not limited here: what the county lacks is what has to be bought. Vehicles are kept once they are
    there.

    Raises
    ------
    NoSolutionError
        If a year misses its aims because no vehicle comes to a site.
    VerificationError
        If a year does not pass the checker.
    """
    counts = rollout.asked.base.county.vehicles.set_index("vehicle_type_id")["vehicle_count"]
    owned = {str(kind): 0 if pd.isna(count) else int(count) for kind, count in counts.items()}
    found = []
    for number, year in enumerate(rollout.years, start=1):
        problem = _free_fleet(year.problem)
        routing = solve_rounds(problem, year.siting, listener=listener)
        plan = settle(problem, Plan(year.siting, routing))
        if missed_parts(problem, plan):
            raise NoSolutionError(Message("rollout_rounds_miss", {"year": number}), [Message("fix_rollout_vehicles")])
        bought = {kind: max(0, count - owned.get(kind, 0)) for kind, count in routing.vehicles_needed.items()}
        owned = {kind: owned.get(kind, 0) + bought.get(kind, 0) for kind in {*owned, *bought}}
        found.append(YearRounds(verify(problem, plan), dict(sorted(routing.vehicles_needed.items())), bought))
    return tuple(found)


def _free_fleet(problem: PlanProblem) -> PlanProblem:
    vehicles = problem.county.vehicles.copy()
    counts = vehicles["vehicle_count"].astype(float)
    vehicles["vehicle_count"] = counts.where(counts == 0.0, other=float("nan"))
    routing: RoutingSettings = replace(problem.routing, **QUICK)
    return replace(problem, county=problem.county.replace(vehicles=vehicles), routing=routing)
