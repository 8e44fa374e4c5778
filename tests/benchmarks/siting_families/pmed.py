"""OR-Library p-median 1-40: proved optima, CPU seconds, memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, cpu_seconds, peak_memory_mb

from planner.siting.p_median.engine import PMedianLimits, PMedianSearch
from planner.siting.p_median.lists import lists_from_matrix
from siting_families.parsers import best_known, read_pmed

SECONDS = 60.0


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    folder = data / "01_pmed"
    found = []
    for row in best_known(folder / "BKS.csv") if (folder / "BKS.csv").exists() else ():
        path = folder / "instances" / f"{row.instance}.txt"
        if path.exists():
            found.append(Case(row.instance, float(row.instance[4:]), {"path": path, "best": row.value}))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    cost, p = read_pmed(Path(str(case.detail["path"])))
    far = np.full(cost.shape[0], cost.max() * 2)
    answer, cpu = cpu_seconds(
        lambda: PMedianSearch(lists_from_matrix(cost), far, p, integral=True).run(PMedianLimits())
    )
    best = float(str(case.detail["best"]))
    yield Row(case.name, "cost", answer.cost, peer="best known", peer_value=best, ok=answer.cost == best)
    yield Row(case.name, "cpu", cpu, "s")
    yield Row(case.name, "memory", peak_memory_mb(), "MB", bound=400.0)
