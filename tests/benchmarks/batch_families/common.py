"""What the batch families share: where the data lies, a process that has forgotten everything, one job measured."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from scenarios.batch import answer as answer_module
from scenarios.batch import parts
from scenarios.batch.answer import answer
from scenarios.batch.jobs import Job, batch_jobs
from scenarios.batch.spec import read_batch

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "twelve_counties.toml"


def real_data(data: Path) -> Path:
    """Return the folder of real data: the one given, or the one beside the public instances."""
    return data if (data / "china").is_dir() or (data / "hunan_counties").is_dir() else data.parent / "data"


def example_jobs(data: Path, file: Path = EXAMPLE) -> tuple[Job, ...]:
    """Return all jobs of the example of twelve counties."""
    return batch_jobs(replace(read_batch(file), data_dir=real_data(data).resolve()))


def forget() -> None:
    """Drop what this process holds of counties, travel times and parts, as a new process would."""
    parts.part_store.cache_clear()
    parts._TRAVEL = parts.Recent(parts._TRAVEL_HELD)
    answer_module._COUNTIES = parts.Recent(answer_module._KEPT)


def measured(job: Job, folder: Path | None = None) -> tuple[dict[str, Any], float]:
    """Return the result of a job and its CPU seconds."""
    start = time.process_time()
    result, _ = answer(job, folder)
    return result, time.process_time() - start


def busy() -> str:
    """Return how busy the machine is, for wall times."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def interpolated(known: Sequence[tuple[float, float]], size: float) -> float:
    """Return the figure at a size: linear between the sizes known, in proportion beyond them."""
    points = sorted(known)
    if size <= points[0][0]:
        return points[0][1] * size / points[0][0]
    for (low, a), (high, b) in pairwise(points):
        if size <= high:
            return a if high == low else a + (b - a) * (size - low) / (high - low)
    return points[-1][1] * size / points[-1][0]
