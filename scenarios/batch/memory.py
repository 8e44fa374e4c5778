"""How much memory a batch needs, before it runs: refused with what would fit rather than killed half-way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

from geodata.errors import InputError
from geodata.messages import Message
from scenarios.batch.jobs import Job
from scenarios.resolve import REFERENCE_SOURCE
from scenarios.runner import load_county

#: Megabytes of a worker with its libraries; of a village in models and tables; bytes of a pair of places in all matrices and
#: their copies. Fitted to measured workers (docs/batch.md).
_WORKER_MB, _VILLAGE_MB, _PAIR_BYTES = 620.0, 0.6, 400.0
_VILLAGES_A_TOWNSHIP = 12
#: Share of the free memory that may be used.
_USABLE = 0.85


def needed_mb(villages: int, townships: int) -> float:
    """Return the estimated megabytes of a worker that plans a county of this size."""
    places = villages + 6 * townships
    return _WORKER_MB + _VILLAGE_MB * villages + _PAIR_BYTES * places * places / 1e6


def county_size(job: Job) -> tuple[int, int]:
    """Return villages and townships of a job's county; (0, 0) where its data cannot be read (the job will say why)."""
    resolved = job.resolved
    if resolved.source == REFERENCE_SOURCE:
        townships = int(resolved.value("county.townships"))
        villages = resolved.value("county.villages")
        return (townships * _VILLAGES_A_TOWNSHIP if villages is None else int(villages)), townships
    try:
        county, _ = load_county(resolved, job.data_dir)
    except (OSError, ValueError):
        return 0, 0
    return len(county.villages), len(county.townships)


def check_memory(jobs: Sequence[Job], workers: int) -> float:
    """Return the estimated megabytes of the whole batch.

    Raises
    ------
    InputError
        If it does not fit into the free memory; says how many workers would, or that not even one would.
    """
    sizes: dict[tuple[str, Path | None], tuple[int, int]] = {}
    for job in jobs:
        key = (f"{job.county} {job.resolved.source}", job.resolved.source_path)
        if key not in sizes:
            sizes[key] = county_size(job)
    most = max((needed_mb(*size) for size in sizes.values()), default=_WORKER_MB)
    free = psutil.virtual_memory().available / 1e6 * _USABLE
    if workers * most > free:
        fitting = int(free // most)
        sentence = "batch_memory_workers" if fitting else "batch_memory_none"
        raise InputError(
            Message(
                sentence, {"need": round(workers * most), "free": round(free), "workers": fitting, "one": round(most)}
            )
        )
    return workers * most
