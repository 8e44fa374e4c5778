"""One cost changed in a batch that is done: what is computed again, against a cold run of the changed batch.

A case is one real county. It is planned once, then with one cost changed: cold (nothing kept) and warm (the solved parts of the first run on
disk, nothing in memory). Both must give the same bytes. Three costs stand for three kinds: one only the settlement between operators uses,
one of the sites, one of the vehicles; only what depends on it may be solved again. CPU seconds of the job, without the start of the process.
The last rows count the jobs of the whole example that one changed cost of one scenario, or of one county, touches.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from batch_families.common import EXAMPLE, example_jobs, forget, measured, real_data
from scenarios.batch.jobs import Job
from scenarios.batch.memory import county_size

QUICK = 1
GAIN = 10.0
#: Kind of cost → parameter and its changed value.
COSTS = {
    "settlement cost": ("handover_cny_per_parcel", 0.12),
    "site cost": ("village_keeper_cny_per_month", 470.0),
    "vehicle cost": ("diesel_cny_per_l", 7.5),
}


def cases(data: Path) -> list[Case]:
    """Return the counties of the example by their villages."""
    if not (real_data(data) / "hunan_counties").is_dir():
        return []
    jobs = [job for job in example_jobs(data) if job.scenario == "baseline"]
    return [Case(job.county, county_size(job)[0]) for job in jobs]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Plan once, change one cost, plan cold and warm."""
    base = _job(options, case.name, "")
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder)
        forget()
        measured(base, parts)
        for kind, (parameter, value) in COSTS.items():
            changed = _job(options, case.name, f"parameters.{parameter} = {value}")
            forget()
            cold_result, cold = measured(changed)
            forget()
            warm_result, warm = measured(changed, parts)
            same = json.dumps(cold_result) == json.dumps(warm_result)
            yield Row(case.name, f"{kind}: same bytes warm and cold", float(same), "", ok=same)
            gain = cold / max(warm, 1e-9)
            status = f"{parameter}; {warm:.2f} s warm, {cold:.2f} s cold"
            yield Row(case.name, f"{kind}: times faster", gain, "", bound=GAIN, status=status, ok=gain >= GAIN)


def _job(options: Options, county: str, setting: str) -> Job:
    """Return the baseline of a county with a setting more."""
    with tempfile.TemporaryDirectory() as folder:
        for file in EXAMPLE.parent.glob("twelve_counties*.toml"):
            text = file.read_text(encoding="utf-8")
            if file.name == EXAMPLE.name and setting:
                text = text.replace(f'"{county}" = {{ ', f'"{county}" = {{ {setting}, ')
            (Path(folder) / file.name).write_text(text, encoding="utf-8")
        jobs = example_jobs(options.data, Path(folder) / EXAMPLE.name)
    return next(job for job in jobs if (job.county, job.scenario) == (county, "baseline"))


def summary(rows: list[Row], options: Options) -> list[Row]:
    """Count the jobs of the example that one changed cost touches."""
    jobs = example_jobs(options.data)
    distinct = {job.job_hash for job in jobs}
    counts = {"one cost of one scenario": {}, "one cost of one county": {}}
    for job in jobs:
        counts["one cost of one scenario"].setdefault(job.scenario, set()).add(job.job_hash)  # type: ignore[attr-defined]
        counts["one cost of one county"].setdefault(job.county, set()).add(job.job_hash)  # type: ignore[attr-defined]
    found = []
    for name, groups in counts.items():
        most = max(len(group) for group in groups.values())
        gain = len(distinct) / most
        status = f"{most} of {len(distinct)} results computed anew"
        found.append(
            Row("whole example", f"{name}: times fewer jobs", gain, "", bound=GAIN, status=status, ok=gain >= GAIN)
        )
    return [*_together(rows), *found]


def _together(rows: list[Row]) -> Iterator[Row]:
    """Yield, for each kind of cost, the CPU of all counties together, cold over warm."""
    for kind, (parameter, _) in COSTS.items():
        taken = [re.findall(r"([\d.]+) s", row.status) for row in rows if row.metric == f"{kind}: times faster"]
        if taken:
            warm, cold = (sum(float(pair[k]) for pair in taken) for k in (0, 1))
            status = f"{parameter}; {warm:.1f} s warm, {cold:.1f} s cold in {len(taken)} counties"
            gain = cold / max(warm, 1e-9)
            yield Row("all counties", f"{kind}: times faster", gain, "", bound=GAIN, status=status, ok=gain >= GAIN)
