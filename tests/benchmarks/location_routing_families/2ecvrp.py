"""Two-echelon vehicle routing, sets 2 to 6 in the unified format of Breunig et al. (2016)."""  # noqa: N999 - the family's name

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from location_routing_families.instances import read_two_echelon
from location_routing_families.sets import cases_of, solve_rows, totals

SECONDS = 270.0
QUICK = 4


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    return cases_of(data / "07_two_echelon", "2ecvrp_unified_breunig", "Set*.dat")


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    yield from solve_rows(case, options, read_two_echelon)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return mean and worst gap."""
    return totals(rows, "2ecvrp")
