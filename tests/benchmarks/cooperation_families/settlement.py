"""A whole settlement among ten operators: all coalition costs, core, every rule, fees, ranges for the post, lines without subsidy.

The county is 麻阳 where its data are at hand (else a reference county of six townships), with the eight brands, a bus company and a shop chain (both
assumed where the county names none). Demands: 300 s on two processes, no more than 300 CPU seconds in all (on a busy machine the clock tells little), every coalition's cost proved or within 0.1 %, shares that sum to
the cost of all, and the same answer with one process (a sample of coalitions is asked again) and in a second division.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from bench import Case, Options, Row

from geodata.brands import with_brands
from geodata.completion import complete
from geodata.importers.registry import IMPORTERS
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.cooperation.assumed import with_assumed_buses, with_assumed_shops
from planner.cooperation.build import build_cooperation
from planner.cooperation.carriage_costs import plan_costs
from planner.cooperation.coalition_cost import coalition_cost, solve_coalition
from planner.cooperation.fees import clearings, package
from planner.cooperation.game import CostGame, tabulate
from planner.cooperation.handover import post_offers
from planner.cooperation.sharing import SettlementResult, settle
from planner.engines.mathopt import EngineLimits
from planner.plan import PlanProblem
from planner.problems.cooperation import CooperationProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings

SECONDS = 300.0
QUICK = 1
GAP = 0.001
_WORKERS = 2
_LEG_FEE = 0.4


def cases(data: Path) -> list[Case]:
    """Return 麻阳, or the small reference county where its data are not at hand."""
    folder = data.parent / "data"
    if (folder / "mayang").exists():
        return [Case("麻阳", 1.0, {"data": str(folder)})]
    return [Case("reference county of six townships", 1.0, {"data": ""})]


def question(case: Case) -> CooperationProblem:
    """Return the county's question with ten parties."""
    if case.detail["data"]:
        folder = Path(str(case.detail["data"]))
        county = complete(IMPORTERS["mayang"](folder)[0], place_unlocated="township_seat")
    else:
        county = complete(reference_county(townships=6))
    travel = build_travel(county).matrices
    for step in (with_brands, with_assumed_buses, with_assumed_shops):
        county = step(county)[0]
    problem = PlanProblem(county, travel, ServiceStandard(), SitingSettings(), RoutingSettings())
    return build_cooperation(problem, visits=3.0).problem


def run(case: Case, options: Options) -> Iterator[Row]:
    """Settle one county."""
    problem = question(case)
    cost_of = partial(coalition_cost, problem, relative_gap=GAP)
    volumes = [float(row) for row in problem.parcels.sum(axis=1)]
    started, used = time.perf_counter(), _cpu()
    game = tabulate(problem.player_ids, cost_of, workers=_WORKERS)
    costing = time.perf_counter() - started
    result = settle(game, volumes=volumes, weights=[1.0 + i % 2 for i in range(game.count)])
    owed = _fees(problem, result)
    offer = package(post_offers(problem, income_cny_per_parcel=_LEG_FEE))
    seconds, cpu = time.perf_counter() - started, _cpu() - used
    yield Row(case.name, "operators", float(game.count), "operators")
    yield Row(case.name, "villages", float(len(problem.village_ids)), "villages")
    yield Row(case.name, "coalitions", float(game.grand), "coalitions")
    yield Row(case.name, "coalition costs", costing, "s")
    yield Row(case.name, "whole settlement", seconds, "s", bound=options.seconds, ok=seconds <= options.seconds)
    yield Row(case.name, "CPU seconds of all processes", cpu, "s", bound=options.seconds, ok=cpu <= options.seconds)
    gaps = (game.value - game.bound)[1:] / np.maximum(game.value[1:], 1e-9)
    yield Row(case.name, "worst gap", float(gaps.max()), "share", bound=GAP, ok=bool(gaps.max() <= GAP))
    yield Row(case.name, "proved", float((gaps <= 1e-6).sum()), "coalitions")
    together = float(game.value[game.grand])
    yield Row(case.name, "cost together", together, "CNY/day", "apart", float(result.alone.sum()))
    yield Row(case.name, "least surplus", result.core.epsilon, "CNY/day", status=result.core.has_core)
    for rule, division in result.divisions.items():
        off = abs(float(division.shares.sum()) - together)
        width = float((division.high - division.low).max())
        leaving = f"{division.stability.is_stable}, {division.stability.leaving} leave"
        yield Row(case.name, f"{rule}: sum of shares", off, "CNY/day", bound=1e-6, status=leaving, ok=off <= 1e-6)
        yield Row(case.name, f"{rule}: widest limits", width, "CNY/day")
    yield Row(case.name, "fees less dues", owed, "CNY/day", bound=1e-6, ok=owed <= 1e-6)
    if offer is not None:
        yield Row(case.name, "post must get", offer.floor_cny_per_parcel, "CNY/parcel")
        yield Row(case.name, "couriers gain up to", offer.ceiling_cny_per_parcel, "CNY/parcel")
    yield _again(case, game, cost_of)


def _cpu() -> float:
    """Return the CPU seconds of this process and of its workers that have ended."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def _fees(problem: CooperationProblem, result: SettlementResult) -> float:
    """Return the greatest difference between what an operator owes and what its fees sum to."""
    plan = solve_coalition(problem, problem.player_ids, relative_gap=GAP, exact=EngineLimits(GAP, 1000, 60.0, 1))
    costs = plan_costs(problem, plan)
    shares = [float(s) for s in result.divisions["shapley"].shares]
    cleared = clearings(problem.player_ids, shares, [float(s) for s in costs.spends], costs.uses)
    return max(
        abs(sum(fee.parcels_per_day * fee.fee_cny_per_parcel for fee in entry.fees) - max(entry.due, 0.0))
        for entry in cleared
    )


def _again(case: Case, game: CostGame, cost_of: partial[object]) -> Row:
    """Ask every 64th coalition once more in this process: its plain cost may not lie below the game's, nor its bound above."""
    plain = partial(coalition_cost, *cost_of.args, **cost_of.keywords)
    same = True
    for mask in range(64, game.grand, 64):
        found = plain(game.members(mask))
        same &= found.value >= game.value[mask] - game.tolerance and game.bound[mask] <= found.bound + game.tolerance
    return Row(case.name, "asked again", float(same), "", status="every 64th coalition", ok=bool(same))
