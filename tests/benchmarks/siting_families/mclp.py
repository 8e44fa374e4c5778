"""Maximal covering: seeded plane instances (proof, hard band) and published city instances."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, cpu_seconds, peak_memory_mb
from scipy import sparse
from scipy.spatial import cKDTree

from planner.siting.coverage_engine.cover import Cover, cover_of
from planner.siting.coverage_engine.engine import CoverLimits, maximise

SECONDS = 60.0
QUICK = 4
EARTH_M = 6_378_137.0
#: (n, p, mean cover) → (largest gap, most CPU seconds).
PLANE = {
    (5_000, 50, 30): (0.0, 10.0),
    (20_000, 200, 30): (0.0, 10.0),
    (5_000, 100, 40): (0.004, 60.0),
    (20_000, 400, 40): (0.012, 60.0),
}


def plane(n: int, mean_cover: int, seed: int = 1) -> Cover:
    """Return n uniform points that are demand and candidates, weights 1 … 100, discs of `mean_cover` points (edges apart)."""
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2))
    weight = rng.integers(1, 101, n).astype(float)
    near = cKDTree(points).query_pairs(np.sqrt(mean_cover / (np.pi * n)), output_type="ndarray")
    row = np.concatenate((near[:, 0], near[:, 1], np.arange(n)))
    column = np.concatenate((near[:, 1], near[:, 0], np.arange(n)))
    return cover_of(sparse.csr_array((np.ones(row.size, np.int8), (row, column)), shape=(n, n)), weight)


def city(path: Path, radius_m: float) -> Cover:
    """Return a published city: latitude and longitude, population; all points are candidates; great-circle distance."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    count = int(next(line.split(":")[1] for line in lines if line.startswith("DIMENSION")))
    at = next(k for k, line in enumerate(lines) if line.startswith("NODE_COORD_SECTION")) + 1
    latitude, longitude = np.radians(np.array([line.split()[:2] for line in lines[at : at + count]], dtype=float)).T
    at = next(k for k, line in enumerate(lines) if line.startswith("DEMAND_SECTION")) + 1
    weight = np.array(lines[at : at + count], dtype=float)
    rows = []
    for i in range(count):
        half = np.sin((latitude - latitude[i]) / 2) ** 2
        half += np.cos(latitude[i]) * np.cos(latitude) * np.sin((longitude - longitude[i]) / 2) ** 2
        rows.append(np.flatnonzero(2 * EARTH_M * np.arcsin(np.sqrt(half)) <= radius_m))
    start = np.concatenate(([0], np.cumsum([row.size for row in rows])))
    indices = np.concatenate(rows)
    return cover_of(sparse.csr_array((np.ones(indices.size, np.int8), indices, start), shape=(count, count)), weight)


def cases(data: Path) -> list[Case]:
    """Return the plane instances, and the cities present."""
    found = [Case(f"plane {n} p{p} cover{c}", n * p, {"plane": (n, p, c)}) for n, p, c in PLANE]
    table = data / "09_large" / "BKS_mclp.csv"
    if not table.exists():
        return found
    with table.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            path = data / "09_large" / row["instance"]
            if path.exists() and row["instance"].startswith("mclp_ails"):
                p, best = int(row["p"]), float(row["best_known"])
                detail = {"path": path, "p": p, "radius": float(row["radius_m"]), "best": best}
                found.append(Case(f"{path.stem} p{p}", p, detail))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one case."""
    limits = CoverLimits(time_limit_s=0.93 * options.seconds, clock=time.process_time)
    if "plane" in case.detail:
        n, p, mean = case.detail["plane"]  # type: ignore[misc]
        cover = plane(int(n), int(mean))
        most_gap, most_cpu = PLANE[(int(n), int(p), int(mean))]
        answer, cpu = cpu_seconds(lambda: maximise(cover, float(p), limits, whole=True))
        gap = (answer.bound - answer.weight) / answer.weight
        status = "optimal" if gap == 0 else "feasible"
        yield Row(case.name, "covered", answer.weight, status=status, bound=answer.bound)
        yield Row(case.name, "gap", 100 * gap, "%", bound=100 * most_gap, status=status, ok=gap <= most_gap)
        yield Row(case.name, "cpu", cpu, "s", bound=most_cpu, ok=cpu <= most_cpu)
        yield Row(case.name, "memory", peak_memory_mb(), "MB")
        return
    cover = city(Path(str(case.detail["path"])), float(str(case.detail["radius"])))
    best = float(str(case.detail["best"]))
    answer, cpu = cpu_seconds(lambda: maximise(cover, float(str(case.detail["p"])), limits, whole=True))
    gap = (answer.bound - answer.weight) / answer.weight
    status = "optimal" if gap == 0 else "feasible"
    yield Row(
        case.name, "covered", answer.weight, peer="best known", peer_value=best, status=status, ok=answer.weight >= best
    )
    yield Row(case.name, "gap", 100 * gap, "%", status=status)
    yield Row(case.name, "cpu", cpu, "s")
