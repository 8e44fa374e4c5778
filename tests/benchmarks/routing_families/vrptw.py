"""Gehring and Homberger with time windows: 12 instances, one of every size and class, distance cut after one decimal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row, select

from routing_families.compare import compare_rows, family_rows
from routing_families.instances import best_known, read_vrptw

SECONDS = 60.0
QUICK = 3
#: Cases without --limit.
CASES = 12


def cases(data: Path) -> list[Case]:
    """Return the instances present, evenly spaced by size and name."""
    folder, found = data / "04_vrptw", []
    for name, row in best_known(folder / "BKS.csv").items():
        if name.startswith("homberger") and (folder / name).exists():
            detail = {"path": folder / name, "best": float(row["best_known"])}
            found.append(Case(Path(name).stem, float(row["customers"]), detail))
    return select(found, CASES)


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    yield from compare_rows(read_vrptw(Path(str(case.detail["path"])), float(str(case.detail["best"]))), options)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the mean gap beside the better peer."""
    return family_rows(rows, "vrptw")
