"""Runs a batch on dask.distributed: a local cluster, or any scheduler by its address; a stopped batch goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster, as_completed

from geodata.errors import UsageError
from geodata.messages import Message
from scenarios.batch.answer import answer
from scenarios.batch.jobs import Job, batch_jobs
from scenarios.batch.memory import check_memory
from scenarios.batch.query import write_tables
from scenarios.batch.shapes import write_shapes
from scenarios.batch.spec import read_batch
from scenarios.batch.store import BatchStore

#: Times a job is tried again when its worker died.
_RETRIES = 2
_CONNECT_S = 20


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Where a batch stands: jobs done of all, the last one, and the seconds it may still take (None: not known yet).

    `took` tells of the last job its wall and CPU seconds and the megabytes its worker holds (``seconds, cpu_s, memory_mb``).
    """

    done: int
    total: int
    county: str
    scenario: str
    status: str
    eta_s: float | None
    took: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class BatchOutcome:
    """A batch that ended.

    Attributes
    ----------
    folder
        Batch folder.
    jobs, computed, kept
        Jobs in all, computed now, found from before.
    failed
        County / scenario → reason by language (proved: no plan, unusable data).
    errors
        The same for jobs that broke by our fault or died; they are tried again next time.
    seconds
        Wall time and the sum over jobs.
    """

    folder: Path
    jobs: int
    computed: int = 0
    kept: int = 0
    failed: dict[str, dict[str, str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)


Listener = Callable[[BatchProgress], None]


def run_batch(
    file: Path,
    out: Path,
    *,
    data_dir: Path | None = None,
    workers: int = 2,
    scheduler: str = "",
    shares_parts: bool = True,
    listener: Listener = lambda _: None,
) -> BatchOutcome:
    """Run a batch file; results that are there already are kept.

    Parameters
    ----------
    file
        Batch file.
    out
        Batch folder.
    data_dir
        Folder importers read from; None: the one the file names.
    workers
        Processes of the local cluster; without meaning for a `scheduler`.
    scheduler
        Address (``tcp://host:port``) of a running scheduler; empty: a cluster of this machine alone.
    shares_parts
        Whether solved parts are kept in the batch folder, so that a changed cost computes anew only what depends on it.
    listener
        Told of every job that ends.

    Raises
    ------
    UsageError, InputError
        The file is wrong, the memory too small, or the scheduler does not answer.
    """
    batch = read_batch(file)
    jobs = batch_jobs(batch if data_dir is None else replace(batch, data_dir=data_dir.resolve()))
    store = BatchStore(out)
    store.clean()
    by_hash = {job.job_hash: job for job in reversed(jobs)}
    todo = [job for job_hash, job in reversed(by_hash.items()) if not store.has(job_hash)]
    outcome = BatchOutcome(out, len(jobs), kept=len(by_hash) - len(todo))
    begun = time.perf_counter()
    spent = 0.0
    if todo:
        if not scheduler:
            check_memory(todo, workers)
        with _client(min(workers, len(todo)), scheduler) as client:
            parts = store.parts() if shares_parts else None
            spent = _compute(client, todo, store, outcome, (parts, listener))
    for job in jobs:
        where = f"{job.county} / {job.scenario}"
        if job.job_hash not in outcome.errors and (found := store.get(job.job_hash))["status"] == "failed":
            outcome.failed[where] = {lang: found["failure"][lang] for lang in ("en", "zh")}
    store.write_index(jobs, outcome.errors)
    outcome.errors = {f"{by_hash[h].county} / {by_hash[h].scenario}": why for h, why in outcome.errors.items()}
    write_tables(store)
    write_shapes(store, jobs)
    outcome.seconds = (time.perf_counter() - begun, spent)
    return outcome


def _compute(
    client: Client,
    todo: Sequence[Job],
    store: BatchStore,
    outcome: BatchOutcome,
    shared: tuple[Path | None, Listener],
) -> float:
    """Compute all jobs, store each result as it comes; return the seconds they took in all.

    `shared` is the folder of solved parts and who is told of every job.
    """
    parts, listener = shared
    futures = {client.submit(answer, job, parts, key=job.job_hash, pure=False, retries=_RETRIES): job for job in todo}
    begun, spent = time.perf_counter(), 0.0
    for done, future in enumerate(as_completed(list(futures)), start=1):
        job = futures[future]
        status = "error"
        took: Mapping[str, float] = {}
        try:
            result, took = future.result()
        except Exception as error:  # noqa: BLE001 - whatever broke one job must not stop the others
            outcome.errors[job.job_hash] = f"{type(error).__name__}: {error}"
        else:
            store.put(job.job_hash, result)
            outcome.computed += 1
            spent += took["seconds"]
            status = result["status"]
        future.release()
        left = (time.perf_counter() - begun) / done * (len(todo) - done)
        listener(BatchProgress(done, len(todo), job.county, job.scenario, status, left, took))
    return spent


@contextmanager
def _client(workers: int, scheduler: str) -> Iterator[Client]:
    """Open a client on a scheduler, or on a local cluster that ends with it."""
    settings: dict[str, Any] = {
        "distributed.worker.daemon": True,
        "distributed.comm.timeouts.connect": f"{_CONNECT_S}s",
    }
    with dask.config.set(settings):
        if scheduler:
            try:
                client = Client(scheduler, timeout=_CONNECT_S)
            except (OSError, ValueError) as error:
                raise UsageError(Message("batch_no_scheduler", {"address": scheduler, "reason": str(error)})) from error
            with client:
                yield client
            return
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # any free port of this machine: a second batch beside this one is no clash
                host="127.0.0.1",
                memory_limit=0,
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
