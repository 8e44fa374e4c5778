"""Single-source capacitated facility location, the set of Holmberg, Rönnqvist and Yuan (1999)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from siting_families.capacitated_sets import read_single_source, rows_of, solve_rows, totals

SECONDS = 90.0
QUICK = 8


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    folder, found = data / "02_cflp", []
    for row in rows_of(folder / "BKS_sscflp.csv"):
        path = folder / row["instance"]
        if row["instance"].startswith("sscflp_holmberg/") and path.exists():
            size = float(row["facilities"]) * float(row["customers"])
            found.append(Case(row["instance"].removeprefix("sscflp_"), size, {"path": path, "best": row["best_known"]}))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    problem = read_single_source(Path(str(case.detail["path"])))
    yield from solve_rows(case, options, problem, "facility_location", single_source=True)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the total."""
    return totals(rows, "holmberg")
