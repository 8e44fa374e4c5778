"""Every county unit of the country with a population as a reference county of its townships, villages and rural people.

Units come from the public list ``china/county_counts.csv``. Units without a population are listed, not invented; districts without rural people
are a group apart. A case is one unit of a sample of 200, evenly by size; ``--limit N`` takes fewer. The first case runs one small batch with
one and two workers, and again with a scheduler and two worker processes on loopback, as on two machines, and demands the same bytes. The
summary extrapolates from the sample: CPU of all units by size, and the wall time on 2, 16 and 64 cores.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from bench import Case, Options, Row, peak_memory_mb, select

from batch_families.common import busy, forget, interpolated, measured, real_data
from scenarios.batch.cluster import BatchOutcome, run_batch
from scenarios.batch.jobs import batch_jobs
from scenarios.batch.spec import read_batch

QUICK = 4
SAMPLE = 200
CORES = (2, 16, 64)
WORKERS = "workers"
#: People of a reference county for each of its townships, and least villages of a township (geodata.reference).
_PEOPLE, _LEAST = 17_400.0, 4
_RURAL, _URBAN = "rural", "district without rural people"
#: Sizes of the counties of the small batch: townships, villages.
_SMALL = ((3, 20), (4, 30), (5, 40), (6, 50), (3, 24), (4, 36), (5, 45), (6, 60))


def units(data: Path) -> pd.DataFrame:
    """Return all units; without the file none."""
    path = real_data(data) / "china" / "county_counts.csv"
    if not path.is_file():
        return pd.DataFrame({"population_2020": []})
    return pd.read_csv(path, encoding="utf-8-sig", dtype={"county_code": str})


def cases(data: Path) -> list[Case]:
    """Return the small batch and a sample of the units with a population."""
    frame = units(data)
    known = frame[frame["population_2020"].notna()]
    every = [
        Case(f"{row['county_code']} {row['county']}", row["villages_2023"], {"row": row})
        for row in known.to_dict("records")
    ]
    return [Case(WORKERS, -1.0), *select(every, SAMPLE)] if every else []


def settings(row: Mapping[str, object]) -> str:
    """Return the settings of a unit's reference county."""
    townships = int(str(row["townships_2023"]))
    villages = max(int(str(row["villages_2023"])), _LEAST * townships)
    factor = float(str(row["rural_population_2020"])) / (_PEOPLE * townships) or 1.0
    return (
        f"{{ county.townships = {townships}, county.villages = {villages}, county.seed = {int(str(row['county_code']))}, "
        f"changes.volume_factor = {factor:.4f} }}"
    )


def write_batch(path: Path, counties: Mapping[str, str]) -> Path:
    """Write a batch file of counties with their settings."""
    lines = ['name = "nation"', "[counties]", *(f'"{name}" = {text}' for name, text in counties.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(case: Case, options: Options) -> Iterator[Row]:
    """Plan one unit, or run the small batch in its three ways."""
    if case.name == WORKERS:
        yield from _workers(options)
        return
    row = case.detail["row"]
    assert isinstance(row, Mapping)
    with tempfile.TemporaryDirectory() as folder:
        file = write_batch(Path(folder) / "unit.toml", {str(row["county_code"]): settings(row)})
        [job] = batch_jobs(read_batch(file))
        forget()
        result, cpu = measured(job)
    group = _RURAL if row["rural_population_2020"] else _URBAN
    villages = int(job.resolved.value("county.villages"))
    raised = ", raised to four villages a township" if villages > int(str(row["villages_2023"])) else ""
    status = f"{group}; {villages} villages, {row['townships_2023']} townships{raised}; {result['status']}"
    if result["status"] == "failed":
        status += f": {result['failure']['kind']}"
    yield Row(case.name, "CPU of one county", cpu, "s", status=status)
    yield Row(case.name, "memory", peak_memory_mb(), "MB", status="of the process so far")


def _workers(options: Options) -> Iterator[Row]:
    """Measure a small batch on one worker, two workers, and two workers of a scheduler on loopback."""
    frame = units(options.data)
    known = frame[frame["population_2020"].notna()]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        start = time.process_time()
        rows = {str(row["county_code"]): settings(row) for row in known.to_dict("records")}
        jobs = batch_jobs(read_batch(write_batch(place / "nation.toml", rows)))
        yield Row(WORKERS, "listing all jobs", time.process_time() - start, "s", status=f"{len(jobs)} jobs")
        small = {
            str(n): f"{{ county.townships = {t}, county.villages = {v}, county.seed = {n} }}"
            for n, (t, v) in enumerate(_SMALL, start=1)
        }
        file = write_batch(place / "small.toml", small)
        bytes_of = {}
        for count in (1, 2):
            outcome, cpu, own = _run(file, place / f"w{count}", workers=count)
            bytes_of[count] = tree(place / f"w{count}")
            yield from _rows(f"{count} workers", outcome, cpu, own)
        with loopback(place) as address:
            outcome, cpu, own = _run(file, place / "loopback", scheduler=address)
        yield from _rows("scheduler and two workers on loopback", outcome, cpu, own)
        same = bytes_of[1] == bytes_of[2] == tree(place / "loopback")
        yield Row(WORKERS, "same bytes in all three ways", float(same), "", ok=same)


def _run(file: Path, out: Path, workers: int = 2, scheduler: str = "") -> tuple[BatchOutcome, float, float]:
    """Return the outcome, the CPU seconds of its jobs, and those of this process."""
    cpu: list[float] = []
    start = time.process_time()
    outcome = run_batch(
        file,
        out,
        workers=workers,
        scheduler=scheduler,
        shares_parts=False,
        listener=lambda at: cpu.append(at.took.get("cpu_s", 0.0)),
    )
    return outcome, sum(cpu), time.process_time() - start


def _rows(name: str, outcome: BatchOutcome, cpu: float, own: float) -> Iterator[Row]:
    yield Row(WORKERS, f"{name}: wall", outcome.seconds[0], "s", status=busy(), ok=not outcome.errors)
    yield Row(WORKERS, f"{name}: CPU of the jobs", cpu, "s", status=f"{outcome.jobs} jobs")
    yield Row(WORKERS, f"{name}: CPU of the one that hands out", own, "s", status="with the start of the workers")


@contextmanager
def loopback(place: Path) -> Iterator[str]:
    """Start a scheduler and two workers as processes of their own; yield the scheduler's address."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            env=environment,
            cwd=place,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        return process

    try:
        scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = ""
        while not address:
            assert scheduler.stderr is not None
            line = scheduler.stderr.readline()
            assert line, "the scheduler ended"
            found = re.search(r"Scheduler at:\s*(tcp://127\.0\.0\.1:\d+)", line)
            address = found[1] if found else ""
        for name in ("a", "b"):
            start(
                "dask_worker", address, "--nthreads", "1", "--name", name, "--no-dashboard", "--no-nanny",
                "--memory-limit", "0", "--local-directory", str(place / f"machine_{name}"), "--host", "127.0.0.1",
            )  # fmt: skip
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.communicate(timeout=60)


def tree(folder: Path) -> dict[str, str]:
    """Return the files of a batch folder with their hashes."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def summary(rows: list[Row], options: Options) -> list[Row]:
    """List the units left out, and extrapolate to all the others."""
    frame = units(options.data)
    without = frame[frame["population_2020"].isna()]
    found = [
        Row(f"{row['county_code']} {row['county']}", "left out", None, "", status="no population in the source")
        for row in without.to_dict("records")
    ]
    known = frame[frame["population_2020"].notna()]
    points = [
        (float(re.findall(r"; (\d+) villages", row.status)[0]), float(row.value or 0.0))
        for row in rows
        if row.metric == "CPU of one county"
    ]
    if not points:
        return found
    totals = {}
    for name, part in (
        (_RURAL, known[known["rural_population_2020"] > 0]),
        (_URBAN, known[known["rural_population_2020"] == 0]),
    ):
        totals[name] = sum(interpolated(points, max(size, 1)) for size in part["villages_2023"])
        status = f"{len(part)} units, extrapolated by size from {len(points)} planned"
        found.append(Row("all units", f"CPU, {name}", totals[name] / 3600.0, "h", status=status))
    return [*found, *_walls(rows, len(known), sum(totals.values()))]


def _walls(rows: list[Row], jobs: int, total_s: float) -> list[Row]:
    """Wall = the jobs over the cores at the efficiency measured, or what the one that hands out needs, whichever is more."""
    figures = {row.metric: float(row.value or 0.0) for row in rows if row.case == WORKERS}
    one, two = figures.get("1 workers: CPU of the jobs"), figures.get("2 workers: CPU of the jobs")
    own = figures.get("2 workers: CPU of the one that hands out", 0.0) / len(_SMALL)
    efficiency = min(1.0, one / two) if one and two else 1.0
    found = [
        Row(
            "all units", "efficiency of two workers", efficiency, "", status="CPU of the same jobs, one worker over two"
        )
    ]
    for cores in CORES:
        wall = max(total_s / cores / efficiency, jobs * own)
        status = (
            "extrapolated" if total_s / cores / efficiency >= jobs * own else "extrapolated; handing out is the limit"
        )
        found.append(Row("all units", f"wall on {cores} cores", wall / 3600.0, "h", status=status))
    return found
