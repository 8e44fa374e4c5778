"""Coverage frontier at the size of a province: 186,719 candidates, 100,000 demand points, 16.8 million pairs (seeded)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, peak_memory_mb
from scipy import sparse
from scipy.spatial import cKDTree

from planner.siting.coverage_engine.cover import Cover, cover_of
from planner.siting.frontier import FrontierLimits, coverage_frontier

SECONDS = 60.0
QUICK = 1
#: Case → (demand points, candidates, pairs, layout).
SIZES = {
    "small 10000": (10_000, 18_672, 420_000, "towns"),
    "towns 100000": (100_000, 186_719, 16_800_000, "towns"),
    "uniform 100000": (100_000, 186_719, 16_800_000, "uniform"),
}


def points(layout: str, demand: int, sites: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places of demand and sites in the unit square, and weights.

    ``uniform``: everything uniform, weights 1 … 100. ``towns``: 70 % of the demand and half of the sites lie around 3,000 towns
    of heavy-tailed size, the rest anywhere; weights are log-normal (median 90, σ = 1).
    """
    rng = np.random.default_rng(seed)
    if layout == "uniform":
        return rng.random((demand, 2)), rng.random((sites, 2)), rng.integers(1, 101, demand).astype(float)
    towns, size = rng.random((3000, 2)), rng.pareto(1.2, 3000) + 0.2
    size /= size.sum()
    spread = np.sqrt(size * 3000)[:, None] ** 0.9

    def around(count: int, width: float, share: float) -> np.ndarray:
        inside = int(count * share)
        town = rng.choice(3000, inside, p=size)
        near = towns[town] + rng.normal(0, 1, (inside, 2)) * width * spread[town]
        return np.vstack((near, rng.random((count - inside, 2))))

    where = around(demand, 0.0035, 0.7)
    return where, around(sites, 0.005, 0.5), np.ceil(np.exp(rng.normal(4.5, 1.0, demand)))


def instance(demand: int, sites: int, pairs: int, layout: str) -> Cover:
    """Return the cover whose radius gives as many pairs as asked, as nearly as halving finds it."""
    where, places, weight = points(layout, demand, sites)
    tree, other = cKDTree(where), cKDTree(places)
    low, high = 0.0, 0.2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if tree.count_neighbors(other, middle) > pairs else (middle, high)
    counts, indices = [], []
    for first in range(0, demand, 10_000):
        lists = other.query_ball_point(where[first : first + 10_000], low, return_sorted=True)
        counts += [len(row) for row in lists]
        indices.append(np.concatenate([np.asarray(row, dtype=np.int32) for row in lists]))
    start = np.concatenate(([0], np.cumsum(counts)))
    found = np.concatenate(indices)
    return cover_of(sparse.csr_array((np.ones(found.size, np.int8), found, start), shape=(demand, sites)), weight)


def cases(_data: Path) -> list[Case]:
    """Return the seeded instances."""
    return [Case(name, float(size[2]) + k, {"size": size}) for k, (name, size) in enumerate(SIZES.items())]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Build one frontier."""
    demand, sites, pairs, layout = case.detail["size"]  # type: ignore[misc]
    cover = instance(int(demand), int(sites), int(pairs), str(layout))
    coverage_frontier(instance(500, 300, 3000, "uniform"), limits=FrontierLimits(knots=1, moves=1000, steps=5))
    start = time.process_time()
    found = coverage_frontier(cover)
    cpu = time.process_time() - start
    yield Row(case.name, "pairs", float(cover.pair_count))
    yield Row(case.name, "cpu", cpu, "s", bound=60.0, ok=cpu <= options.seconds)
    yield Row(case.name, "memory", peak_memory_mb(), "MB")
    yield Row(case.name, "budgets", float(found.budgets.size))
    one = found.certified_share(0.01)
    yield Row(case.name, "certified 1 %", 100 * one, "%", bound=90.0, ok=one >= 0.9)
    yield Row(case.name, "certified 5 %", 100 * found.certified_share(0.05), "%")
    yield Row(case.name, "mean gap", 100 * float(found.gap.mean()), "%")
    yield Row(case.name, "largest gap", 100 * float(found.gap.max()), "%")
    yield Row(case.name, "mean regret", 100 * float(found.regret.mean()), "%")
    yield Row(case.name, "largest regret", 100 * float(found.regret.max()), "%")
