"""OR-Library p-center 1-40 (the graphs of the p-median): proved optima and CPU seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, cpu_seconds

from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.models import p_center
from planner.siting.selection import SolveLimits
from siting_families.parsers import best_known, read_pmed

SECONDS = 60.0
QUICK = 8


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    table = data / "01_pmed" / "BKS_pcenter.csv"
    found = []
    for row in best_known(table) if table.exists() else ():
        path = table.parent / "instances" / f"{row.instance}.txt"
        if path.exists():
            found.append(Case(row.instance, float(row.instance[4:]), {"path": path, "best": row.value}))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    metres, p = read_pmed(Path(str(case.detail["path"])))
    problem = make_problem(np.ones(metres.shape[0]), distances_from_matrix(metres), p=p)
    limits = SolveLimits(time_limit_s=options.seconds)
    answer, cpu = cpu_seconds(lambda: p_center.solve(problem, limits=limits))
    best, report = float(str(case.detail["best"])), answer.report
    proved = report.status == "optimal" and report.objective == best
    yield Row(case.name, "radius", report.objective, "", "best known", best, None, None, report.status, proved)
    yield Row(case.name, "cpu", cpu, "s")


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the total of the family."""
    seconds = [row.value for row in rows if row.metric == "cpu" and row.value is not None]
    proved = [row.ok for row in rows if row.metric == "radius"]
    return [Row("total", "cpu", sum(seconds), "s", status=f"{sum(map(bool, proved))} of {len(proved)} proved")]
