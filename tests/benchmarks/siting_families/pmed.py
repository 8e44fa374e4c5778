"""OR-Library p-median 1-40: proved optima, CPU seconds, memory; with peers: the radius model on HiGHS, and spopt with CBC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, cpu_seconds, peak_memory_mb

from planner.siting.p_median.engine import MedianLimits, solve_median
from planner.siting.p_median.lists import lists_from_matrix
from planner.siting.p_median.views import MedianInstance
from siting_families.compile import cold_compile_seconds
from siting_families.parsers import best_known, read_pmed
from siting_families.peers_pmed import radius_highs, spopt_cbc

SECONDS = 60.0
QUICK = 8
_REPEATS = 3
#: CPU seconds allowed for all forty, memory, CPU seconds of compiling all kernels.
_TOTAL_S, _MEMORY_MB, _COMPILE_S = 20.0, 400.0, 15.0


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    table = data / "01_pmed" / "BKS.csv"
    found = []
    for row in best_known(table) if table.exists() else ():
        path = table.parent / "instances" / f"{row.instance}.txt"
        if path.exists():
            found.append(Case(row.instance, float(row.instance[4:]), {"path": path, "best": row.value}))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance from its matrix of distances; best of three."""
    metres, p = read_pmed(Path(str(case.detail["path"])))
    best = float(str(case.detail["best"]))
    far, none = np.full(metres.shape[0], metres.max()), np.zeros(metres.shape[1])

    def solve() -> object:
        lists = lists_from_matrix(metres)
        instance = MedianInstance(lists, far, none, none.astype(np.int8), p, 1.0)
        return solve_median(instance, MedianLimits(seconds=options.seconds))

    solve()  # loads the compiled kernels
    answer, cpu = cpu_seconds(solve, _REPEATS)
    proved = answer.cost == best and answer.bound >= best
    status = "optimal" if answer.bound >= answer.cost else "feasible"
    yield Row(case.name, "cost", answer.cost, "", "best known", best, None, None, status, proved)
    yield Row(case.name, "nodes", answer.nodes)
    yield Row(case.name, "cpu", cpu, "s")
    yield Row(case.name, "memory", peak_memory_mb(), "MB", bound=_MEMORY_MB, ok=peak_memory_mb() <= _MEMORY_MB)
    if options.peers:
        for name, peer in (("radius model, HiGHS", radius_highs), ("spopt, CBC", spopt_cbc)):
            found = peer(Path(str(case.detail["path"])), options.seconds)
            yield Row(case.name, "cpu", cpu, "s", name, found.cpu, status=found.status)
            yield Row(case.name, "cost", answer.cost, "", name, found.cost, status=found.status)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the totals and the cold compile time."""
    seconds = sum(row.value for row in rows if row.metric == "cpu" and not row.peer and row.value is not None)
    proved = [bool(row.ok) for row in rows if row.metric == "cost" and row.peer == "best known"]
    word = f"{sum(proved)} of {len(proved)} proved"
    compiling = cold_compile_seconds(("p_median",))
    return [
        Row("total", "cpu", seconds, "s", bound=_TOTAL_S, status=word, ok=seconds <= _TOTAL_S and all(proved)),
        Row("kernels", "cold compile", compiling, "s", bound=_COMPILE_S, ok=compiling <= _COMPILE_S),
    ]
