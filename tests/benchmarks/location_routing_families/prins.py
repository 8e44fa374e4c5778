"""Location-routing of Prins, Prodhon and Wolfler Calvo (2004): depots and vehicles capacitated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from location_routing_families.instances import read_lrp
from location_routing_families.sets import cases_of, solve_rows, totals

SECONDS = 270.0
QUICK = 4


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    return cases_of(data / "06_lrp", "prins/instances", "coord*.dat")


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    yield from solve_rows(case, options, read_lrp)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return mean and worst gap."""
    return totals(rows, "prins")
