"""What is to be computed: one job a county and scenario, known by the hash of everything that decides its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geodata.errors import XiangyouError
from geodata.messages import Message
from scenarios.batch.expand import BatchScenario, base_of, expand
from scenarios.batch.spec import Batch
from scenarios.plan_json import plain
from scenarios.resolve import REFERENCE_SOURCE, ResolvedScenario, resolve_scenario
from scenarios.rundir import path_hashes
from scenarios.runner import xiangyou_version
from scenarios.spec import KeyProblem, ScenarioError

#: Raised whenever what a result holds changes its meaning.
RESULT_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One county under one scenario.

    Attributes
    ----------
    county, scenario
        Names in the batch file.
    resolved
        Every setting decided.
    data_dir
        Folder importers read from, or None.
    job_hash
        SHA-256 over settings, input files and version: the name of its result.
    """

    county: str
    scenario: str
    resolved: ResolvedScenario
    data_dir: Path | None
    job_hash: str


def batch_jobs(batch: Batch) -> tuple[Job, ...]:
    """Return all jobs, county by county in the order of the file.

    Raises
    ------
    ScenarioError
        With every setting that cannot be resolved.
    """
    base = base_of(batch)
    scenarios = expand(batch)
    inputs = _Inputs(batch.data_dir)
    jobs: list[Job] = []
    problems: list[KeyProblem] = []
    for county, layer in batch.counties.items():
        for scenario in scenarios:
            try:
                resolved = resolve_scenario(base, layers=(layer, *scenario.layers))
            except ScenarioError as error:
                problems.extend(error.problems)
                continue
            jobs.append(Job(county, scenario.name, resolved, batch.data_dir, _job_hash(resolved, inputs)))
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))
    return tuple(jobs)


class _Inputs:
    """Hashes of the input files, each folder or file read once."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._known: dict[str, Mapping[str, str]] = {}

    def of(self, resolved: ResolvedScenario) -> Mapping[str, str]:
        """Return name → SHA-256 of the files a county is read from."""
        path = resolved.source_path
        if path is None:
            if not resolved.importer or self._data_dir is None:
                return {}
            key = resolved.importer.partition(":")[0]
            folders = sorted(p for p in self._data_dir.iterdir() if p.is_dir()) if self._data_dir.is_dir() else []
            return self._hashes(f"importer {key}", folders)
        return self._hashes(str(path), [path])

    def _hashes(self, key: str, paths: Sequence[Path]) -> Mapping[str, str]:
        if key not in self._known:
            self._known[key] = {f"{p.name}/{n}": sha for p in paths for n, sha in path_hashes(p).items()}
        return self._known[key]


def _job_hash(resolved: ResolvedScenario, inputs: _Inputs) -> str:
    """Hash settings, inputs and version; titles, language and where files lie decide nothing."""
    silent = ("name", "title_en", "title_zh", "lang")
    settings = {key: s.value for key, s in resolved.settings.items() if key not in silent}
    if resolved.source != REFERENCE_SOURCE and not resolved.importer:
        settings.pop("county.source", None)
    identity = {
        "schema": RESULT_SCHEMA,
        "version": xiangyou_version(),
        "settings": plain(settings),
        "inputs": dict(inputs.of(resolved)),
    }
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def failure(error: XiangyouError) -> Mapping[str, object]:
    """Return a proved failure as data: kind, sentence and every single way out, by key and figures."""
    fixes: Sequence[Message] = getattr(error, "fixes", ())
    message = error.message
    return {
        "kind": type(error).__name__,
        "exit_code": error.exit_code,
        "message": plain(message),
        "en": message.text("en"),
        "zh": message.text("zh"),
        "fixes": [plain(fix) for fix in fixes],
        "fixes_en": [fix.text("en") for fix in fixes],
        "fixes_zh": [fix.text("zh") for fix in fixes],
    }


__all__ = ["BatchScenario", "Job", "batch_jobs", "failure"]
