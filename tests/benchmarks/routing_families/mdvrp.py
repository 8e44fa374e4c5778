"""Several depots of Cordeau: all instances present, double precision, vehicles of each depot as given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import Case, Options, Row, select

from routing_families.compare import compare_rows, family_rows
from routing_families.instances import best_known, read_mdvrp

SECONDS = 60.0
QUICK = 4
#: Cases without --limit.
CASES = 20
#: Folders of the family.
FOLDERS = ("mdvrp_cordeau",)


def cases(data: Path) -> list[Case]:
    """Return the instances present, evenly spaced by size and name."""
    folder, found = data / "08_pvrp_mdvrp", []
    for name, row in best_known(folder / "BKS.csv").items():
        path = folder / name
        if name.startswith(FOLDERS) and path.exists():
            detail = {"path": path, "best": float(row["best_known"])}
            found.append(Case(f"{path.parent.name}/{path.stem}", float(path.stat().st_size), detail))
    return select(found, CASES)


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    instance = read_mdvrp(Path(str(case.detail["path"])), float(str(case.detail["best"])))
    yield from compare_rows(replace(instance, name=case.name), options)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the mean gap beside the better peer."""
    return family_rows(rows, "mdvrp")
