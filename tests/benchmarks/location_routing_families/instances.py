"""Reading the public location-routing and two-echelon sets, with their rounding conventions."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from planner.problems.location_routing import FirstEchelon, LocationRoutingProblem


def best_known(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a table of best-known values by instance; none where it is absent."""
    table = folder / "BKS.csv"
    if not table.exists():
        return {}
    with table.open(encoding="utf-8") as source:
        return {row["instance"]: row for row in csv.DictReader(source)}


def distances(points: np.ndarray, *, scale: float = 0.0) -> np.ndarray:
    """Return Euclidean distances; with `scale` each is rounded up after multiplication."""
    apart = np.hypot(points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1])
    # A product such as 100 x 0.29 may lie a hair above the whole number it is.
    return np.ceil(scale * apart - 1e-9) if scale else apart


def numbers(path: Path):
    """Return the numbers of a file one after the other."""
    return iter(float(word) for word in path.read_text(encoding="utf-8", errors="replace").split())


def _take(words, *shape: int) -> np.ndarray:
    return np.array([next(words) for _ in range(math.prod(shape))]).reshape(shape)


def read_lrp(path: Path) -> LocationRoutingProblem:
    """Return a one-echelon instance of the Prodhon format; flag 0: hundredfold distances rounded up, 1: plain ones."""
    words = numbers(path)
    n, m = int(next(words)), int(next(words))
    depots, customers = _take(words, m, 2), _take(words, n, 2)
    capacity, room, demand, opening = next(words), _take(words, m), _take(words, n), _take(words, m)
    fixed, flag = next(words), int(next(words))
    cost = distances(np.vstack([depots, customers]), scale=0.0 if flag else 100.0)
    return LocationRoutingProblem(cost, demand, opening, room, capacity, np.zeros(m), route_fixed=fixed)


def read_prins_2e(path: Path) -> LocationRoutingProblem:
    """Return a two-echelon instance of the Prins-2e set: second level ceil(100 d), first level ceil(200 d)."""
    words = numbers(path)
    n, m = int(next(words)), int(next(words))
    points = _take(words, 1 + m + n, 2)
    capacity, truck = next(words), next(words)
    room, demand, opening = _take(words, m), _take(words, n), _take(words, m)
    fixed, truck_fixed = next(words), next(words)
    first = FirstEchelon(distances(points[: 1 + m], scale=200.0), np.zeros(1), np.full(1, np.inf), truck, truck_fixed)
    cost = distances(points[1:], scale=100.0)
    return LocationRoutingProblem(cost, demand, opening, room, capacity, np.zeros(m), route_fixed=fixed, first=first)


def read_nguyen(path: Path) -> LocationRoutingProblem:
    """Return a two-echelon instance of the Nguyen set: second level ceil(10 d), first level ceil(20 d)."""
    words = numbers(path)
    m, n = int(next(words)), int(next(words))
    truck, capacity, truck_fixed, fixed = (next(words) for _ in range(4))
    centre, satellites, customers = _take(words, 1, 2), _take(words, m, 4), _take(words, n, 3)
    first = FirstEchelon(
        distances(np.vstack([centre, satellites[:, :2]]), scale=20.0),
        np.zeros(1),
        np.full(1, np.inf),
        truck,
        truck_fixed,
    )
    return LocationRoutingProblem(
        distances(np.vstack([satellites[:, :2], customers[:, :2]]), scale=10.0),
        customers[:, 2],
        satellites[:, 3],
        satellites[:, 2],
        capacity,
        np.zeros(m),
        route_fixed=fixed,
        first=first,
    )


def read_contardo(path: Path) -> LocationRoutingProblem:
    """Return a two-echelon instance with platforms (Sterle's format)."""
    words = numbers(path)
    n, m, p = (int(next(words)) for _ in range(3))
    capacity, truck, fixed, truck_fixed, handling = (next(words) for _ in range(5))
    _, _, nature, factor = (next(words) for _ in range(4))
    if int(nature) != 0:
        msg = f"{path}: only Euclidean costs are read"
        raise ValueError(msg)
    customers, satellites, platforms = _take(words, n, 4), _take(words, m, 5), _take(words, p, 5)
    first = FirstEchelon(
        factor * distances(np.vstack([platforms[:, 1:3], satellites[:, 1:3]])),
        platforms[:, 3],
        platforms[:, 4],
        truck,
        truck_fixed,
    )
    return LocationRoutingProblem(
        distances(np.vstack([satellites[:, 1:3], customers[:, 1:3]])),
        customers[:, 3],
        satellites[:, 3],
        satellites[:, 4],
        capacity,
        np.full(m, handling),
        route_fixed=fixed,
        first=first,
    )


def read_two_echelon(path: Path) -> LocationRoutingProblem:
    """Return a 2E-CVRP instance of the unified format; satellites may be split, use is free of charge.

    The tables of sets 4a and 4b give hundredths of the distance.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    trucks, freighters, stores, clients = (line for line in lines if line and not line.startswith("!"))
    truck_count, truck, truck_rate, truck_fixed = (float(word) for word in trucks.split(","))
    per_satellite, count, capacity, rate, fixed = (float(word) for word in freighters.split(","))
    places = [[float(word) for word in entry.split(",")] for entry in stores.split()]
    customers = np.array([[float(word) for word in entry.split(",")] for entry in clients.split()])
    points = np.array([place[:2] for place in places])
    m = len(places) - 1
    if path.name.startswith("Set4"):
        truck_rate, rate = truck_rate / 100.0, rate / 100.0
    handling = np.array([place[2] if len(place) > 2 else 0.0 for place in places[1:]])
    first = FirstEchelon(
        truck_rate * distances(points),
        np.zeros(1),
        np.full(1, np.inf),
        truck,
        truck_fixed,
        int(truck_count),
        is_split=True,
    )
    return LocationRoutingProblem(
        rate * distances(np.vstack([points[1:], customers[:, :2]])),
        customers[:, 2],
        np.zeros(m),
        np.full(m, np.inf),
        capacity,
        handling,
        route_fixed=fixed,
        routes_most=int(count),
        depot_routes_most=int(per_satellite),
        first=first,
    )
