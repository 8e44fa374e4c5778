"""Backhauls of Goetschalckx and Jacobs-Blecha: 20 instances, double precision, vehicles as given, linehauls first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from routing_families.compare import family_rows, public_cases, public_rows
from routing_families.instances import read_pickups

SECONDS = 60.0
QUICK = 4
#: Cases without --limit.
CASES = 20
#: Folders of the family.
FOLDERS = ("VRPB_goetschalckx",)


def cases(data: Path) -> list[Case]:
    """Return the instances present, evenly spaced by size and name."""
    return public_cases(data / "05_vrpspd_vrpb", FOLDERS, CASES)


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance."""
    yield from public_rows(case, options, read_pickups)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the mean gap beside the better peer."""
    return family_rows(rows, "vrpb")
