"""Readers of the public siting instances. Their rounding conventions decide whether a figure can be compared at all."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import floyd_warshall

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BestKnown:
    """A published value: `proved` tells whether the table calls it optimal."""

    instance: str
    value: float
    proved: bool
    p: int | None = None


def best_known(path: Path) -> Iterator[BestKnown]:
    """Read a table that starts with instance, best_known, proven_optimal, source (and may have p)."""
    with path.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            yield BestKnown(
                row["instance"],
                float(row["best_known"]),
                row["proven_optimal"].strip().lower().startswith("y"),
                int(row["p"]) if row.get("p") else None,
            )


def read_pmed(path: Path) -> tuple[Floats, int]:
    """Read an OR-Library p-median graph; return all-pairs shortest paths and p. A repeated edge: the last one counts."""
    numbers = np.array(path.read_text(encoding="utf-8").split(), dtype=np.int64)
    n, m, p = (int(v) for v in numbers[:3])
    edges = numbers[3 : 3 + 3 * m].reshape(m, 3)
    length = np.full((n, n), np.inf)
    for i, j, cost in edges:
        length[i - 1, j - 1] = length[j - 1, i - 1] = cost
    np.fill_diagonal(length, 0.0)
    return np.asarray(floyd_warshall(length, directed=False), dtype=np.float64), p


def read_tsplib_points(path: Path) -> Floats:
    """Read the coordinates of a TSPLIB file (NODE_COORD_SECTION), shape (n, 2)."""
    points: list[tuple[float, float]] = []
    reading = False
    for line in path.read_text(encoding="utf-8").splitlines():
        word = line.strip()
        if word.startswith("NODE_COORD_SECTION"):
            reading = True
        elif reading and (not word or word.startswith("EOF")):
            break
        elif reading:
            _, x, y = word.split()[:3]
            points.append((float(x), float(y)))
    return np.array(points)
