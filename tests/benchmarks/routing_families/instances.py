"""Public instances as rich routing problems, with the cost their reference uses recomputed apart from the planner.

One unit of a reference distance is `scale` metres and one CNY, so a cost in CNY is a cost of the reference.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from planner.problems.routing import RoutingDecision, RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle

Distances = npt.NDArray[np.float64]

#: Metres of one unit of a real-valued reference distance.
FINE_METRES = 1000.0


@dataclass(frozen=True, eq=False)
class Instance:
    """A public instance.

    Attributes
    ----------
    name, best
        Name and best known cost.
    problem
        The same as a rich routing problem.
    distances
        Reference distances between places, computed from the file; depots first.
    """

    name: str
    best: float
    problem: RoutingProblem
    distances: Distances

    def reference_cost(self, decision: RoutingDecision) -> float:
        """Return the sum of reference distances along all trips."""
        total = 0.0
        for day in decision.days:
            vehicle = self.problem.vehicles[day.vehicle]
            start, end = (self.problem.depots[d].place for d in (vehicle.start_depot, vehicle.end_depot))
            for trip in day.trips:
                way = [start, *(self.problem.stops[i].place for i in trip), end]
                total += sum(float(self.distances[a, b]) for a, b in pairwise(way))
        return total


def nearest_integer(values: Distances) -> Distances:
    """Round as CVRPLIB does: ``int(d + 0.5)``."""
    return np.floor(values + 0.5)


def one_decimal(values: Distances) -> Distances:
    """Cut after one decimal, as the DIMACS challenge does for time windows."""
    return np.floor(values * 10.0 + 1e-9) / 10.0


def as_is(values: Distances) -> Distances:
    """Leave double precision."""
    return values


def euclidean(points: Sequence[tuple[float, float]], convention: Callable[[Distances], Distances]) -> Distances:
    """Return distances between points in the convention of the reference."""
    xy = np.array(points, dtype=float)
    return convention(np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1]))


def best_known(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a table of best known values by instance."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as source:
        return {row["instance"]: row for row in csv.DictReader(source)}


def make_problem(
    distances: Distances,
    stops: Sequence[RoutingStop],
    vehicles: Sequence[RoutingVehicle],
    depots: Sequence[RoutingDepot],
    *,
    scale: float,
    with_time: bool = False,
    is_linehaul_first: bool = False,
    minutes: Distances | None = None,
) -> RoutingProblem:
    """Return the problem; without time the travel takes none."""
    count = len(distances)
    travel = minutes if minutes is not None else (distances if with_time else np.zeros((count, count)))
    return RoutingProblem(
        tuple(map(str, range(count))),
        (np.asarray(travel, dtype=float),),
        (distances * scale,),
        tuple(depots),
        tuple(stops),
        tuple(vehicles),
        dimensions=("load",),
        is_linehaul_first=is_linehaul_first,
    )


def vehicle(capacity: float, scale: float, **more: object) -> RoutingVehicle:
    """Return a vehicle type that costs one CNY a unit of reference distance."""
    return RoutingVehicle("vehicle", (capacity,), cny_per_km=1000.0 / scale, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Sections:
    """A file of the VRPLIB kind: single values and sections of number rows."""

    values: dict[str, str]
    rows: dict[str, list[list[float]]]


def read_sections(path: Path) -> Sections:
    """Read ``KEY : value`` lines and ``…_SECTION`` blocks."""
    values: dict[str, str] = {}
    rows: dict[str, list[list[float]]] = {}
    current = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.strip()
        if not text or text == "EOF":
            continue
        if text.endswith("_SECTION"):
            current = text
            rows[current] = []
        elif ":" in text and not _is_number(text.split(maxsplit=1)[0]):
            key, _, value = text.partition(":")
            values[key.strip()] = value.strip()
        elif current:
            rows[current].append([float(word) for word in text.split()])
    return Sections(values, rows)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def read_cvrp(path: Path, best: float, convention: Callable[[Distances], Distances] = nearest_integer) -> Instance:
    """Read a capacitated routing instance (depot first, any number of vehicles)."""
    found = read_sections(path)
    points = [(row[1], row[2]) for row in found.rows["NODE_COORD_SECTION"]]
    demand = [row[1] for row in found.rows["DEMAND_SECTION"]]
    distances = euclidean(points, convention)
    scale = 1.0 if convention is nearest_integer else FINE_METRES
    stops = [RoutingStop(str(i), i, (demand[i],), (0.0,)) for i in range(1, len(points))]
    fleet = [vehicle(float(found.values["CAPACITY"]), scale)]
    problem = make_problem(distances, stops, fleet, [RoutingDepot("depot", 0)], scale=scale)
    return Instance(path.stem, best, problem, distances)


def read_vrptw(path: Path, best: float) -> Instance:
    """Read a Solomon or Homberger instance: distances and travel times cut after one decimal, distance is the cost."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    numbers = [row for row in lines if row and all(_is_number(word) for word in row)]
    capacity, rows = float(numbers[0][1]), [[float(x) for x in row] for row in numbers[1:]]
    distances = euclidean([(row[1], row[2]) for row in rows], one_decimal)
    stops = [
        RoutingStop(str(i), i, (row[3],), (0.0,), service_min=row[6], windows=((row[4], row[5]),))
        for i, row in enumerate(rows)
        if i
    ]
    depot = RoutingDepot("depot", 0, rows[0][4], rows[0][5])
    fleet = [vehicle(capacity, 10.0, available=int(numbers[0][0]), shift=(rows[0][4], rows[0][5]))]
    problem = make_problem(distances, stops, fleet, [depot], scale=10.0, with_time=True)
    return Instance(path.stem, best, problem, distances)


def is_close(one: float, other: float) -> bool:
    """Tell whether two costs agree to a millionth."""
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
