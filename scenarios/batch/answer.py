"""What a worker does: one job to one result, plain data; a county that fails is a result with its reason."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from geodata.county import County
from geodata.errors import InputError, Problem, XiangyouError
from scenarios.batch.jobs import RESULT_SCHEMA, Job, failure
from scenarios.batch.parts import Recent, sharing_steps
from scenarios.plan_json import plain, plan_document
from scenarios.resolve import ResolvedScenario
from scenarios.runner import completed_county, evaluate

#: Completed counties a worker keeps.
_KEPT = 4
_COUNTIES = Recent(_KEPT)


def answer(job: Job, parts: Path | None = None) -> tuple[dict[str, Any], dict[str, float]]:
    """Return a job's result, the same bytes wherever and whenever it is computed, and what it took.

    Proved failures (no plan, unusable data) are results too. Anything else is an error of ours and is raised.

    Parameters
    ----------
    job
        What to compute.
    parts
        Folder of solved parts; None, or a folder this machine does not have: parts are shared in memory only.
    """
    begun, cpu = time.perf_counter(), time.process_time()
    result: dict[str, Any] = {"schema_version": RESULT_SCHEMA, "job_hash": job.job_hash}
    try:
        county, problems = _county(job)
        content, more = evaluate(job.resolved, job.data_dir, loaded=county, steps=sharing_steps(parts))
    except XiangyouError as error:
        if error.exit_code == 1:
            raise
        listed = error.problems if isinstance(error, InputError) else ()
        shown = [{"en": p.text("en"), "zh": p.text("zh")} for p in listed]
        result |= {"status": "failed", "failure": dict(failure(error)), "problems": shown}
    else:
        document = plan_document(content, (*problems, *more))
        del document["run"]
        result |= {"status": "ok", "plan": document}
    took = {
        "seconds": round(time.perf_counter() - begun, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "memory_mb": round(_peak_mb(), 1),
    }
    return result, took


def _county(job: Job) -> tuple[County, Sequence[Problem]]:
    """Return the completed county; scenarios of one county share it."""
    found: tuple[County, Sequence[Problem]] = _COUNTIES.made(
        _county_key(job.resolved), partial(completed_county, job.resolved, job.data_dir)
    )
    return found


def _county_key(resolved: ResolvedScenario) -> str:
    """Return what decides the completed county: its source, parameters and seed."""
    heads = ("county.", "parameters.")
    settings: Mapping[str, Any] = {
        k: s.value for k, s in resolved.settings.items() if k.startswith(heads) or k == "seed"
    }
    return json.dumps([str(resolved.source_path), plain(settings)], sort_keys=True)


def _peak_mb() -> float:
    """Return the memory this process holds."""
    return float(psutil.Process().memory_info().rss) / 1e6
