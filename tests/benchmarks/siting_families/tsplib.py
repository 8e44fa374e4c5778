"""p-median on TSPLIB and national point sets: cost beside the best known, proved gap, seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row, peak_memory_mb

from planner.siting.p_median.engine import MedianLimits
from planner.siting.p_median.plane import solve_plane
from siting_families.parsers import best_known, read_tsplib_points

SECONDS = 300.0
QUICK = 6
#: Gap asked for, and gap and distance to the best known demanded.
_ASKED, _DEMANDED = 0.005, 0.01
#: Points times p, in this order cases are sorted: larger files take longer.
_TABLE = "BKS_pmedian_tsplib.csv"


def cases(data: Path) -> list[Case]:
    """Return every listed (file, p) whose file is present."""
    folder = data / "09_large"
    found = []
    for row in best_known(folder / _TABLE) if (folder / _TABLE).exists() else ():
        path = folder / row.instance
        if path.exists() and row.p is not None:
            points = read_tsplib_points(path).shape[0]
            detail = {"path": path, "p": row.p, "best": row.value, "proved": row.proved}
            found.append(Case(f"{path.stem} p={row.p}", points + row.p / 1e6, detail))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one (file, p): Euclidean distances rounded down, every point client and site."""
    points = read_tsplib_points(Path(str(case.detail["path"])))
    p, best = int(str(case.detail["p"])), float(str(case.detail["best"]))
    limits = MedianLimits(gap=_ASKED, seconds=options.seconds, nodes=2_000)
    wall, cpu = time.perf_counter(), time.process_time()
    answer = solve_plane(points, points, p, whole=True, limits=limits)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gap = (answer.cost - answer.bound) / answer.cost
    near = answer.cost <= best * (1 + _DEMANDED)
    known = "best known" if case.detail["proved"] else "best known (not proved)"
    status = "optimal" if answer.bound >= answer.cost else "feasible"
    sane = answer.bound <= best + 1e-6
    yield Row(case.name, "cost", answer.cost, "", known, best, None, None, status, near)
    yield Row(case.name, "bound", answer.bound, "", known, best, None, None, "must not pass the best known", sane)
    yield Row(case.name, "gap", 100 * gap, "%", bound=100 * _DEMANDED, status=answer.cut, ok=gap <= _DEMANDED)
    yield Row(case.name, "wall", wall, "s", bound=300.0, ok=wall <= (600.0 if points.shape[0] > 10_000 else 300.0))
    yield Row(case.name, "cpu", cpu, "s")
    yield Row(case.name, "memory", peak_memory_mb(), "MB")
