"""OR-Library capacitated warehouse location, demand may be split: cap41 to cap134, and capa, capb, capc at four capacities each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from siting_families.capacitated_sets import read_orlib_cap, rows_of, solve_rows, totals

SECONDS = 240.0
QUICK = 8


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    folder, found = data / "02_cflp", []
    for row in rows_of(folder / "BKS_orlib_cap_multisource.csv"):
        override = float(row["capacity_override"]) if row["capacity_override"] else None
        path = folder / "orlib_cap" / f"{row['instance'].split('_')[0]}.txt"
        if path.exists():
            sites, clients = map(int, path.read_text(encoding="utf-8").split(maxsplit=2)[:2])
            detail = {"path": path, "best": row["best_known"], "capacity": override}
            found.append(Case(row["instance"], float(sites * clients), detail))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    problem = read_orlib_cap(Path(str(case.detail["path"])), case.detail["capacity"])
    yield from solve_rows(case, options, problem, "facility_location", single_source=False)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the total."""
    return totals(rows, "cap")
