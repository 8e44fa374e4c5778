"""The batch folder: one file a result under the hash of what decided it, written whole or not at all."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from geodata.errors import InputError
from geodata.messages import Message
from scenarios.batch.jobs import Job

INDEX = "batch.csv"
#: Folder of solved parts that jobs share (`scenarios.batch.parts`).
PARTS = "parts"
#: Outlines of the counties, for maps.
SHAPES = "counties.json"
INDEX_COLUMNS = ("county", "scenario", "status", "job_hash")


class BatchStore:
    """Results of a batch.

    Parameters
    ----------
    folder
        Batch folder; made if absent. Results of other batch files may lie in it: each is found by its hash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "results").mkdir(parents=True, exist_ok=True)

    def path(self, job_hash: str) -> Path:
        """Return where a result lies."""
        return self.folder / "results" / job_hash[:2] / f"{job_hash}.json.gz"

    def has(self, job_hash: str) -> bool:
        """Tell whether a result is there and whole."""
        return self.path(job_hash).is_file()

    def put(self, job_hash: str, result: Mapping[str, Any]) -> None:
        """Write a result: whole beside its place, then moved in; the same result gives the same bytes."""
        path = self.path(job_hash)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        part = path.with_name(f".{job_hash}.{os.getpid()}.part")
        part.write_bytes(gzip.compress(text.encode(), mtime=0))
        part.replace(path)

    def get(self, job_hash: str) -> dict[str, Any]:
        """Return a result.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        path = self.path(job_hash)
        try:
            found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, ValueError, EOFError) as error:
            raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": str(error)})) from error
        return found

    def parts(self) -> Path:
        """Return the folder of solved parts; made if absent."""
        folder = self.folder.resolve() / PARTS
        folder.mkdir(exist_ok=True)
        return folder

    def clean(self) -> None:
        """Remove what a stopped batch left half written."""
        for pattern in ("results/*/.*.part", f"{PARTS}/*/*/.*.part", ".*.part"):
            for part in self.folder.glob(pattern):
                part.unlink(missing_ok=True)

    def write_index(self, jobs: Iterable[Job], errors: Mapping[str, str]) -> None:
        """Write ``batch.csv``: which county and scenario lies under which hash."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(INDEX_COLUMNS)
        for job in jobs:
            status = "open"
            if job.job_hash in errors:
                status = "error"
            elif self.has(job.job_hash):
                status = str(self.get(job.job_hash)["status"])
            writer.writerow((job.county, job.scenario, status, job.job_hash))
        part = self.folder / f".{INDEX}.part"
        part.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        part.replace(self.folder / INDEX)

    def index(self) -> Iterator[dict[str, str]]:
        """Yield the rows of ``batch.csv``.

        Raises
        ------
        InputError
            If the folder holds no batch.
        """
        path = self.folder / INDEX
        if not path.is_file():
            raise InputError(Message("batch_no_folder", {"folder": str(self.folder), "file": INDEX}))
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream)
