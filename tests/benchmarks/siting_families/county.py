"""County size: the three-tier model on reference counties up to 50 townships with 600 villages.

Demands: gap at most 0.1 % within 60 s, a usable plan within 5 s, and a gap that never rises in the progress line. Seconds are wall
clock from the start of siting (CPU seconds beside them); reading the county and travel times are apart. Every county is sited without
a budget, and with one below what that plan spends.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from bench import Case, Options, Row

from geodata.reference import reference_county
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.progress import ProgressEvent
from planner.siting.result import SitingResult
from planner.siting.three_tier import find_three_tier
from scenarios.studies.plan_changes import with_budget
from scenarios.studies.plan_shadow import plan_investment

SECONDS = 60.0
QUICK = 1
GAP = 0.001
USABLE_SECONDS = 5.0
#: The budget, as a share of what the plan without one spends.
BUDGET_SHARE = 0.95
_SIZES = ((3, 36), (18, 220), (50, 600))


def cases(data: Path) -> list[Case]:
    """Return the counties by size."""
    return [
        Case(f"{townships} townships", villages, {"townships": townships, "villages": villages})
        for townships, villages in _SIZES
    ]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Site one county and watch its progress line; then once more with a budget below what that plan spends."""
    started = time.perf_counter()
    county = reference_county(townships=int(str(case.detail["townships"])), villages=int(str(case.detail["villages"])))
    problem = PlanProblem(
        county,
        build_travel(county).matrices,
        ServiceStandard(population_share=0.9, village_served_share=1.0),
        replace(SitingSettings(), relative_gap=GAP, time_limit_s=options.seconds),
        RoutingSettings(),
    )
    yield Row(case.name, "read and travel", time.perf_counter() - started, "s")
    result = yield from _solved(case.name, problem)
    if result is not None:
        budget = BUDGET_SHARE * plan_investment(problem, result)
        yield from _solved(f"{case.name}, budget", with_budget(problem, budget))


def _solved(name: str, problem: PlanProblem) -> Generator[Row, None, SitingResult | None]:
    events: list[tuple[float, float, ProgressEvent]] = []
    started, cpu = time.perf_counter(), time.process_time()

    def listen(event: ProgressEvent) -> None:
        events.append((time.perf_counter() - started, time.process_time() - cpu, event))

    tried = find_three_tier(problem, listener=listen)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    if tried.plan is None:
        yield Row(name, "gap", None, "share", bound=GAP, status="no plan", ok=False)
        return None
    gap, status = tried.plan.report.gap, tried.plan.report.status
    first = next(((wall, used) for wall, used, event in events if event.objective is not None), (None, None))
    gaps = [event.gap for _, _, event in events if event.gap is not None]
    falls = all(later <= earlier + 1e-12 for earlier, later in pairwise(gaps))
    yield Row(name, "gap", gap, "share", bound=GAP, status=status, ok=gap is not None and gap <= GAP)
    yield Row(name, "siting", seconds, "s", bound=SECONDS, status=status, ok=seconds <= SECONDS)
    yield Row(name, "siting, CPU", cpu_seconds, "s")
    yield Row(name, "first plan", first[0], "s", bound=USABLE_SECONDS, ok=(first[0] or 1e9) <= USABLE_SECONDS)
    yield Row(name, "first plan, CPU", first[1], "s")
    yield Row(name, "gap falls", float(falls), "", status=f"{len(gaps)} gaps told", ok=falls)
    return tried.plan
