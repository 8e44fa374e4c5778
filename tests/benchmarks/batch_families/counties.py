"""Twelve real counties under all scenarios of docs/examples/twelve_counties.toml: one batch a county, two workers.

Demand: all counties and scenarios within two hours on two cores, counted in CPU seconds of the jobs halved, because a wall clock measures
what else the machine does. Every job ends with a plan or with its reason. ``--limit N`` takes N counties, evenly by size; the total is
then extrapolated and says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from batch_families.common import EXAMPLE, busy, example_jobs, interpolated, real_data
from scenarios.batch.cluster import run_batch
from scenarios.batch.memory import county_size, needed_mb
from scenarios.batch.query import read_table

SECONDS = 7200.0
QUICK = 2
CORES = 2


def cases(data: Path) -> list[Case]:
    """Return the counties by their villages."""
    if not (real_data(data) / "hunan_counties").is_dir():
        return []
    sizes = {job.county: county_size(job) for job in example_jobs(data)}
    return [Case(name, villages, {"townships": townships}) for name, (villages, townships) in sizes.items()]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Run one county under all scenarios."""
    cpu, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        outcome = run_batch(
            one_county(case.name, Path(folder)),
            out,
            data_dir=real_data(options.data),
            workers=CORES,
            listener=lambda at: (cpu.append(at.took.get("cpu_s", 0.0)), memory.append(at.took.get("memory_mb", 0.0))),
        )
        runs = read_table(out, "runs")
    size = f"{case.size:.0f} villages"
    yield Row(case.name, "jobs", outcome.jobs, "", status=size, ok=not outcome.errors)
    yield Row(case.name, "jobs with a proved reason instead of a plan", len(outcome.failed), "", status=_reasons(runs))
    yield Row(case.name, "CPU of all jobs", sum(cpu), "s", status=size)
    yield Row(case.name, "wall", outcome.seconds[0], "s", status=busy())
    need = needed_mb(int(case.size), int(str(case.detail["townships"])))
    yield Row(case.name, "memory of a worker", max(memory, default=0.0), "MB", bound=need, ok=max(memory) <= need)


def one_county(name: str, folder: Path) -> Path:
    """Write the example with one county only; return the file."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith('"') or line.startswith(f'"{name}"')]
    for file in EXAMPLE.parent.glob("twelve_counties_*.toml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / EXAMPLE.name
    path.write_text("\n".join(kept), encoding="utf-8")
    return path


def _reasons(runs: object) -> str:
    failed = runs[runs["status"] == "failed"]  # type: ignore[index]
    return ", ".join(failed["scenario"])


def summary(rows: list[Row], options: Options) -> list[Row]:
    """Return the time of all counties on two cores."""
    known = [(row.status.split()[0], row.value) for row in rows if row.metric == "CPU of all jobs"]
    points = [(float(size), float(value or 0.0)) for size, value in known]
    every = cases(options.data)
    total = sum(interpolated(points, case.size) for case in every)
    status = "measured" if len(points) == len(every) else f"extrapolated from {len(points)} of {len(every)} counties"
    wall = total / CORES
    return [
        Row("all counties", "CPU of all jobs", total, "s", status=status),
        Row("all counties", f"on {CORES} cores", wall, "s", bound=SECONDS, status=status, ok=wall <= SECONDS),
    ]
