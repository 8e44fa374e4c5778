"""OR-Library capacitated p-median 1 to 20 (Osman and Christofides 1994): single source, distances rounded down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from siting_families.capacitated_sets import read_pmedcap, rows_of, solve_rows, totals

SECONDS = 480.0
QUICK = 6


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    folder, found = data / "02_cflp", []
    for row in rows_of(folder / "BKS_pmedcap.csv"):
        path = folder / row["instance"]
        if path.exists():
            size = float(row["n"]) * float(row["p"])
            found.append(Case(path.stem, size, {"path": path, "best": row["best_known"]}))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    problem = read_pmedcap(Path(str(case.detail["path"])))
    yield from solve_rows(case, options, problem, "capacitated_p_median", single_source=True)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the total."""
    return totals(rows, "pmedcap")
