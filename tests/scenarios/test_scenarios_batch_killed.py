"""A batch whose worker, then all of whose processes are killed: it goes on to the same bytes, nothing lost, nothing twice."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from scenarios.batch.answer import answer
from scenarios.batch.cluster import run_batch
from scenarios.batch.jobs import batch_jobs
from scenarios.batch.query import write_tables
from scenarios.batch.shapes import write_shapes
from scenarios.batch.spec import read_batch
from scenarios.batch.store import BatchStore

BATCH = """
name = "killed"
[counties]
a = { county.townships = 2, county.villages = 10 }
b = { county.townships = 2, county.villages = 12, county.seed = 2 }
[scenarios]
poor = { siting.budget_cny = 1 }
[grids.volume.values]
"changes.volume_factor" = [0.6, 0.7, 0.8, 0.9, 1.2, 1.4]
"""
_PATIENCE_S = 120.0


def results(folder: Path) -> dict[str, tuple[str, int]]:
    """Return each result with its hash and when it was written."""
    return {
        p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns)
        for p in folder.glob("results/*/*.json.gz")
    }


def tree(folder: Path) -> dict[str, str]:
    """Return every file of a batch folder but the solved parts, with its hash."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and "parts" not in p.relative_to(folder).parts
    }


def until(met, process: subprocess.Popen) -> None:
    """Wait until a condition holds; a batch that ends before is an error of the test."""
    end = time.monotonic() + _PATIENCE_S
    while not met():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    """Return the worker processes of a batch."""
    return [p for p in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


def command(path: Path, out: Path) -> list[str]:
    run = "import sys; from scenarios.cli.main import run; sys.exit(run())"
    return [sys.executable, "-c", run, "batch", "run", str(path), "--out", str(out), "--workers", "2", "--quiet"]


def undisturbed(path: Path, out: Path) -> dict[str, str]:
    """Return the batch folder as it is when nothing happens, computed in this process."""
    jobs = batch_jobs(read_batch(path))
    store = BatchStore(out)
    for job in {job.job_hash: job for job in jobs}.values():
        store.put(job.job_hash, answer(job)[0])
    store.write_index(jobs, {})
    write_tables(store)
    write_shapes(store, jobs)
    return tree(out)


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_nine_of_a_worker_then_of_the_batch(tmp_path):
    path, out = tmp_path / "batch.toml", tmp_path / "out"
    path.write_text(BATCH, encoding="utf-8")
    expected = undisturbed(path, tmp_path / "expected")
    total = len(results(tmp_path / "expected"))
    draw = np.random.default_rng(20)
    first_kill, more = int(draw.integers(1, 4)), int(draw.integers(2, 5))
    environment = {
        **os.environ,
        "NUMBA_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    first = subprocess.Popen(
        command(path, out), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    mine = [first.pid]
    try:
        until(lambda: len(results(out)) >= first_kill, first)
        known = workers(first)
        victim = known[int(draw.integers(len(known)))]
        victim.send_signal(signal.SIGKILL)
        psutil.wait_procs([victim], timeout=10)
        before = len(results(out))
        until(lambda: len(results(out)) >= min(before + more, total - 3), first)
        mine += [p.pid for p in psutil.Process(first.pid).children(recursive=True)]
        first.send_signal(signal.SIGKILL)
        first.communicate()
        survived = results(out)
        assert 0 < len(survived) < total, "the batch was killed in its middle"
        second = run_batch(path, out, workers=1)
    finally:
        left = [psutil.Process(pid) for pid in mine if psutil.pid_exists(pid)]
        _, alive = psutil.wait_procs(left, timeout=30)
        for process in alive:
            process.kill()
    assert not second.errors
    assert (second.kept, second.computed) == (len(survived), total - len(survived)), "nothing lost, nothing twice"
    assert {name: results(out)[name] for name in survived} == survived, "what was there was not written again"
    assert tree(out) == expected
    assert not list(out.rglob("*.part"))
    assert not alive, "the workers of a killed batch end by themselves"
    third = run_batch(path, out, scheduler="tcp://127.0.0.1:9")
    assert (third.computed, third.kept) == (0, total), "a complete batch starts no worker"
    assert tree(out) == expected
