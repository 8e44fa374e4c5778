"""Public instances as rich routing problems, with the cost their reference uses recomputed apart from the planner.

One unit of a reference distance is `scale` metres and one CNY, so a cost in CNY is a cost of the reference.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from planner.problems.routing import (
    Battery,
    Charger,
    RoutingDecision,
    RoutingDepot,
    RoutingProblem,
    RoutingStop,
    RoutingVehicle,
)
from planner.routing.rich.periodic import PeriodicProblem

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


def read_pickups(path: Path, best: float) -> Instance:
    """Read a file with deliveries and pick-ups: simultaneous, mixed or backhauls after linehauls.

    A ``DISTANCE`` limit counts service; backhaul files fix the number of vehicles and allow no vehicle without linehaul.
    """
    found = read_sections(path)
    distances = _matrix(found)
    count, capacity = len(distances), float(found.values["CAPACITY"])
    is_backhaul = found.values["TYPE"] == "VRPB"
    gives, takes, service = _pickup_columns(found, count, is_backhaul=is_backhaul)
    stops = [RoutingStop(str(i), i, (gives[i],), (takes[i],), service_min=service[i]) for i in range(1, count)]
    longest = float(found.values.get("DISTANCE", "0"))
    has_limit = 0.0 < longest < LONGEST_KNOWN
    fleet: dict[str, object] = {"longest_min": longest} if has_limit else {}
    if is_backhaul:
        fleet["available"] = int(found.values["VEHICLES"])
    problem = make_problem(
        distances,
        stops,
        [vehicle(capacity, FINE_METRES, **fleet)],
        [RoutingDepot("depot", 0)],
        scale=FINE_METRES,
        with_time=has_limit,
        is_linehaul_first=is_backhaul,
    )
    if is_backhaul:
        problem.metres[0][0, [i for i in range(1, count) if takes[i] > 0.0]] = math.inf
    return Instance(path.stem, best, problem, distances)


#: A limit of the way at or above this is none.
LONGEST_KNOWN = 900_000.0
#: Explicit matrices are given in ten-thousandths.
EXPLICIT_UNITS = 10_000.0


def _matrix(found: Sections) -> Distances:
    if found.values["EDGE_WEIGHT_TYPE"] == "EXPLICIT":
        numbers = [x for row in found.rows["EDGE_WEIGHT_SECTION"] for x in row]
        count = int(found.values["DIMENSION"])
        return np.array(numbers).reshape(count, count) / EXPLICIT_UNITS
    return euclidean([(row[1], row[2]) for row in found.rows["NODE_COORD_SECTION"]], as_is)


def _pickup_columns(found: Sections, count: int, *, is_backhaul: bool) -> tuple[list[float], list[float], list[float]]:
    if not is_backhaul:
        rows = sorted(found.rows["PICKUP_AND_DELIVERY_SECTION"])
        return [row[6] for row in rows], [row[5] for row in rows], [row[4] for row in rows]
    demand = {int(row[0]): row[1] for row in found.rows["DEMAND_SECTION"]}
    back = {int(x) for row in found.rows["BACKHAUL_SECTION"] for x in row if x > 0}
    gives = [0.0 if i in back else demand[i] for i in range(1, count + 1)]
    takes = [demand[i] if i in back else 0.0 for i in range(1, count + 1)]
    return gives, takes, [0.0] * count


@dataclass(frozen=True)
class CordeauRow:
    """A node of a Cordeau file: place, service, demand, and the day patterns its visits may have."""

    x: float
    y: float
    service: float
    demand: float
    patterns: tuple[int, ...]


@dataclass(frozen=True)
class Cordeau:
    """A Cordeau file: vehicles a depot or day, (longest, capacity) of each depot or day, nodes in the file's order."""

    vehicles: int
    count: int
    limits: tuple[tuple[float, float], ...]
    rows: tuple[CordeauRow, ...]


def read_cordeau(path: Path) -> Cordeau:
    """Read a periodic or multi-depot file."""
    lines = [[float(x) for x in line.split()] for line in path.read_text(encoding="utf-8").splitlines() if line.split()]
    _, vehicles, count, parts = (int(x) for x in lines[0][:4])
    limits = tuple((row[0] if row[0] > 0 else math.inf, row[1]) for row in lines[1 : parts + 1])
    rows = []
    for row in lines[parts + 1 :]:
        number = int(row[6]) if len(row) > 6 else 0
        patterns = tuple(int(x) for x in row[7 : 7 + number])
        rows.append(CordeauRow(row[1], row[2], row[3], row[4], patterns))
    return Cordeau(vehicles, count, limits, tuple(rows))


def read_mdvrp(path: Path, best: float) -> Instance:
    """Read a multi-depot instance: depots are the last rows, so many vehicles each, the longest tour counts service."""
    file = read_cordeau(path)
    distances = euclidean([(row.x, row.y) for row in file.rows], as_is)
    stops = [
        RoutingStop(str(i + 1), i, (row.demand,), (0.0,), service_min=row.service)
        for i, row in enumerate(file.rows[: file.count])
    ]
    depots = [RoutingDepot(str(d), file.count + d) for d in range(len(file.limits))]
    fleet = [
        vehicle(load, FINE_METRES, available=file.vehicles, longest_min=longest, start_depot=d, end_depot=d)
        for d, (longest, load) in enumerate(file.limits)
    ]
    fleet = [replace(v, vehicle_type_id=f"vehicle {d + 1}") for d, v in enumerate(fleet)]
    has_limit = any(math.isfinite(longest) for longest, _ in file.limits)
    problem = make_problem(distances, stops, fleet, depots, scale=FINE_METRES, with_time=has_limit)
    return Instance(path.stem, best, problem, distances)


def read_pvrp(path: Path, best: float) -> tuple[PeriodicProblem, Instance]:
    """Read a periodic instance: the first row is the depot, so many vehicles each day; and its single day for pricing."""
    file = read_cordeau(path)
    distances = euclidean([(row.x, row.y) for row in file.rows], as_is)
    stops = [
        RoutingStop(str(i), i, (row.demand,), (0.0,), service_min=row.service)
        for i, row in enumerate(file.rows)
        if i and row.patterns
    ]
    longest, load = file.limits[0]
    fleet = [vehicle(load, FINE_METRES, available=file.vehicles, longest_min=longest)]
    has_limit = math.isfinite(longest)
    day = make_problem(distances, stops, fleet, [RoutingDepot("depot", 0)], scale=FINE_METRES, with_time=has_limit)
    days = len(file.limits)
    patterns = tuple(
        tuple(frozenset(d for d in range(days) if p >> (days - 1 - d) & 1) for p in file.rows[s.place].patterns)
        for s in stops
    )
    return PeriodicProblem(day, days, patterns), Instance(path.stem, best, day, distances)


def read_evrptw(path: Path, best: float, vehicles: int) -> Instance:
    """Read a Schneider instance: full recharge, so many vehicles, double precision; a kWh is a unit of its battery."""
    text = path.read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines()[1:] if len(line.split()) == 8]
    figures = {line[0]: float(line.split("/")[1]) for line in text.splitlines() if line.count("/") == 2}
    order = [row for kind in "dcf" for row in rows if row[1] == kind]
    distances = euclidean([(float(row[2]), float(row[3])) for row in order], as_is)
    stops = [
        RoutingStop(
            row[0], i, (float(row[4]),), (0.0,), service_min=float(row[7]), windows=((float(row[5]), float(row[6])),)
        )
        for i, row in enumerate(order)
        if row[1] == "c"
    ]
    chargers = tuple(Charger(row[0], i) for i, row in enumerate(order) if row[1] == "f")
    opens, closes = float(order[0][5]), float(order[0][6])
    battery = Battery(figures["Q"], figures["r"], figures["g"])
    fleet = [vehicle(figures["C"], FINE_METRES, available=vehicles, battery=battery, shift=(opens, closes))]
    depot = RoutingDepot("depot", 0, opens, closes)
    minutes = distances / figures["v"]
    problem = make_problem(distances, stops, fleet, [depot], scale=FINE_METRES, minutes=minutes)
    return EvInstance(path.stem, best, replace(problem, chargers=chargers), distances)


class EvInstance(Instance):
    """An instance whose trips also pass chargers."""

    def reference_cost(self, decision: RoutingDecision) -> float:
        """Return the sum of reference distances along all trips, chargers included."""
        count, total = len(self.problem.stops), 0.0
        for day in decision.days:
            for trip in day.trips:
                inner = [
                    self.problem.stops[i].place if i < count else self.problem.chargers[i - count].place for i in trip
                ]
                total += sum(float(self.distances[a, b]) for a, b in pairwise([0, *inner, 0]))
        return total
