"""Merging stations of a synthetic nation with a planted optimum: gap, time and memory up to 24,000 stations and 250,000 customers.

Demands of the largest case: within 1 % of the planted optimum by a proved bound, at most an hour, at most 8 GB.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import Case, Options, Row, peak_memory_mb

from planner.cooperation.stations_merge import check_merge, figures_of, merge_stations
from planner.siting.selection import SolveLimits

SECONDS = 3600.0
QUICK = 2
GAP, MEMORY_MB = 0.01, 8192.0
#: Localities, stations, customers; the last is of the size of a nation.
_SIZES = ((20, 300, 3_000), (100, 2_400, 25_000), (1_000, 24_000, 250_000))


def _generator() -> Any:
    path = Path(__file__).resolve().parents[2] / "planner" / "merge_cases.py"
    spec = importlib.util.spec_from_file_location("merge_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["merge_cases"] = module
    spec.loader.exec_module(module)
    return module


def cases(data: Path) -> list[Case]:
    """Return the mergers by number of stations."""
    return [
        Case(f"{n} stations, {m} customers", n, {"localities": k, "stations": n, "customers": m}) for k, n, m in _SIZES
    ]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one merger and hold it to the planted optimum."""
    sizes = {key: int(str(value)) for key, value in case.detail.items()}
    problem, optimum = _generator().planted(1, **sizes)
    started, used = time.perf_counter(), time.process_time()
    plan = merge_stations(problem, limits=SolveLimits(relative_gap=1e-4, time_limit_s=60.0))
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    value, bound = float(plan.report.objective or 0.0), float(plan.report.bound or 0.0)
    wrong = check_merge(problem, plan)
    status = plan.report.status if not wrong else f"broken: {', '.join(wrong)}"
    yield Row(case.name, "cost", value, "CNY/day", "planted optimum", optimum, None, bound, status, not wrong)
    yield Row(
        case.name, "gap to the bound", (value - bound) / value, "share", bound=GAP, ok=(value - bound) / value <= GAP
    )
    yield Row(case.name, "gap to planted", value / optimum - 1.0, "share", bound=GAP, ok=value / optimum - 1.0 <= GAP)
    yield Row(
        case.name, "bound over planted", bound / optimum - 1.0, "share", bound=1e-6, ok=bound / optimum - 1.0 <= 1e-6
    )
    yield Row(case.name, "parts", float(plan.parts), "parts")
    yield Row(case.name, "seconds", seconds, "s", bound=options.seconds, ok=seconds <= options.seconds)
    yield Row(case.name, "CPU seconds", cpu, "s")
    yield Row(case.name, "peak memory", peak_memory_mb(), "MB", bound=MEMORY_MB, ok=peak_memory_mb() <= MEMORY_MB)
    for name, figure in figures_of(problem, plan).items():
        yield Row(case.name, name, figure)
