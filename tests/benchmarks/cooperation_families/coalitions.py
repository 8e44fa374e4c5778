"""All 1,023 coalitions of ten parties on a county: every cost with its bound, in time for a settlement.

The county is the reference county, or 麻阳 where its data are at hand, with the eight brands, buses and merchandise trucks (both assumed
where the county names none). Demands: 240 CPU seconds, and no gap above 0.1 %.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import Case, Options, Row

from geodata.brands import with_brands
from geodata.completion import complete
from geodata.importers.registry import IMPORTERS
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.cooperation.assumed import with_assumed_buses, with_assumed_shops
from planner.cooperation.build import build_cooperation
from planner.cooperation.coalition_cost import CoalitionCosts
from planner.plan import PlanProblem
from planner.problems.cooperation import CooperationProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings

SECONDS = 240.0
QUICK = 1
GAP = 0.001


def cases(data: Path) -> list[Case]:
    """Return the counties that are at hand."""
    found = [Case("reference county", 1.0, {"data": ""})]
    folder = data.parent / "data"
    return [*found, Case("麻阳", 2.0, {"data": str(folder)})] if (folder / "mayang").exists() else found


def question(case: Case) -> CooperationProblem:
    """Return the county's question with ten parties."""
    if case.detail["data"]:
        folder = Path(str(case.detail["data"]))
        county = complete(IMPORTERS["mayang"](folder)[0], place_unlocated="township_seat")
    else:
        county = complete(reference_county())
    travel = build_travel(county).matrices
    for step in (with_brands, with_assumed_buses, with_assumed_shops):
        county = step(county)[0]
    problem = PlanProblem(county, travel, ServiceStandard(), SitingSettings(), RoutingSettings())
    return replace(build_cooperation(problem, visits=3.0).problem)


def run(case: Case, options: Options) -> Iterator[Row]:
    """Work out every coalition's cost."""
    problem = question(case)
    names = problem.player_ids
    costs = CoalitionCosts(problem)
    started, used = time.perf_counter(), time.process_time()
    found = [costs(members) for k in range(1, len(names) + 1) for members in itertools.combinations(names, k)]
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    worst = max(cost.gap for cost in found)
    yield Row(case.name, "coalitions", float(len(found)), "coalitions")
    yield Row(case.name, "villages", float(len(problem.village_ids)), "villages")
    yield Row(case.name, "CPU seconds", cpu, "s", bound=options.seconds, ok=cpu <= options.seconds)
    yield Row(case.name, "seconds", seconds, "s")
    yield Row(case.name, "worst gap", worst, "share", bound=GAP, ok=worst <= GAP)
    yield Row(case.name, "proved", float(sum(cost.status == "optimal" for cost in found)), "coalitions")
    yield Row(
        case.name, "cost together", found[-1].value, "CNY/day", "apart", sum(costs([name]).value for name in names)
    )
