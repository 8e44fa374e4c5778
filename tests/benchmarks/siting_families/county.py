"""County size: the three-tier model on reference counties up to 50 townships with 600 villages.

Demands: gap at most 0.1 % within 60 s, a usable plan within 5 s, and a gap that never rises in the progress line. Seconds are wall
clock from the start of siting; reading the county and travel times are apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from bench import Case, Options, Row

from geodata.reference import reference_county
from networks.providers import build_travel
from planner.plan import PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.progress import ProgressEvent
from planner.siting.three_tier import solve_three_tier

SECONDS = 60.0
QUICK = 1
GAP = 0.001
USABLE_SECONDS = 5.0
_SIZES = ((3, 36), (18, 220), (50, 600))


def cases(data: Path) -> list[Case]:
    """Return the counties by size."""
    return [
        Case(f"{townships} townships", villages, {"townships": townships, "villages": villages})
        for townships, villages in _SIZES
    ]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Site one county and watch its progress line."""
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
    events: list[tuple[float, ProgressEvent]] = []
    started = time.perf_counter()
    result = solve_three_tier(problem, listener=lambda event: events.append((time.perf_counter() - started, event)))
    seconds = time.perf_counter() - started
    gap, status = result.report.gap, result.report.status
    first = next((at for at, event in events if event.objective is not None), None)
    gaps = [event.gap for _, event in events if event.gap is not None]
    falls = all(later <= earlier + 1e-12 for earlier, later in pairwise(gaps))
    yield Row(case.name, "gap", gap, "share", bound=GAP, status=status, ok=gap is not None and gap <= GAP)
    yield Row(case.name, "siting", seconds, "s", bound=60.0, status=status, ok=seconds <= 60.0)
    yield Row(
        case.name, "first plan", first, "s", bound=USABLE_SECONDS, ok=first is not None and first <= USABLE_SECONDS
    )
    yield Row(case.name, "gap falls", float(falls), "", status=f"{len(gaps)} gaps told", ok=falls)
