"""Driver of the benchmarks: cases, rows, selection, resuming, command line and table.

A family is a module with ``cases(data: Path) -> list[Case]`` and ``run(case, options) -> Iterator[Row]``. It may also have
``SECONDS`` (limit of one case without ``--seconds``), ``QUICK`` (cases of ``--quick``) and
``summary(rows: list[Row], options: Options) -> list[Row]`` (totals; the means are added by the driver).

Every row is written to the ``--json`` file as it comes, one JSON object a line. A stopped run started again with the same
options and file goes on after the last finished case.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import TypeVar

Result = TypeVar("Result")
_ELAPSED = "elapsed"
_COLUMNS = ("case", "metric", "value", "unit", "peer", "peer_value", "ratio", "bound", "status", "ok")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    case, metric, value, unit
        What was measured on what; `value` None: no result.
    peer, peer_value
        Name and figure of what it is compared with (a best-known value, another solver).
    ratio
        ``value / peer_value`` unless given otherwise.
    bound
        What `value` must not exceed (or must reach; `ok` says whether it did).
    status
        Status of the solve or a word about the case.
    ok
        Whether the demand on this row is met; None when nothing is demanded.
    """

    case: str
    metric: str
    value: float | None
    unit: str = ""
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    bound: float | None = None
    status: str = ""
    ok: bool | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a family; `size` orders cases, `detail` is the family's own (paths, p, best-known values)."""

    name: str
    size: float = 0.0
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run; `seconds` is the limit of one case, already filled with the family's own default."""

    data: Path
    quick: bool = False
    seconds: float = 60.0
    limit: int | None = None
    peers: bool = False
    json: Path | None = None


def select(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """Return `limit` cases, evenly spaced over all sorted by size and name (first and last included)."""
    ranked = sorted(cases, key=lambda case: (case.size, case.name))
    if limit is None or limit >= len(ranked):
        return ranked
    if limit <= 1:
        return ranked[: max(limit, 0)]
    return [ranked[round(k * (len(ranked) - 1) / (limit - 1))] for k in range(limit)]


def cpu_seconds(work: Callable[[], Result], repeats: int = 1) -> tuple[Result, float]:
    """Return the last result of `work` and its least CPU seconds over `repeats` calls."""
    best = math.inf
    for _ in range(max(1, repeats)):
        gc.collect()
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return result, best


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB (2²⁰ bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def means(rows: Iterable[Row]) -> list[Row]:
    """Return one row a (metric, peer) met in at least two cases: arithmetic mean of values, geometric mean of ratios."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        compared = not row.peer or row.peer_value is not None
        if row.metric != _ELAPSED and row.value is not None and compared:
            groups.setdefault((row.metric, row.unit, row.peer), []).append(row)
    found = []
    for (metric, unit, peer), group in groups.items():
        if len(group) < 2:
            continue
        peers = [row.peer_value for row in group if row.peer_value is not None]
        ratios = [row.ratio for row in group if row.ratio is not None and row.ratio > 0]
        demanded = [row.ok for row in group if row.ok is not None]
        found.append(
            Row(
                "mean",
                metric,
                sum(row.value for row in group if row.value is not None) / len(group),
                unit,
                peer,
                sum(peers) / len(peers) if peers else None,
                math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None,
                None,
                f"{sum(demanded)}/{len(demanded)} ok" if demanded else f"{len(group)} cases",
                all(demanded) if demanded else None,
            )
        )
    return found


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    lines += ["| " + " | ".join(_text(getattr(row, name)) for name in _COLUMNS) + " |" for row in rows]
    return "\n".join(lines)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.5g}"
    return str(value)


class _Record:
    """The JSON-lines file of a run: a header with the options, rows, and an ``elapsed`` row that ends each case."""

    def __init__(self, path: Path | None, header: dict[str, object]) -> None:
        self.path = path
        self.done: dict[str, list[Row]] = {}
        if path is None:
            return
        if path.exists() and path.stat().st_size:
            self._read(path.read_text(encoding="utf-8").splitlines(), header)
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [row for rows in self.done.values() for row in rows]
        lines = [json.dumps(header), *(json.dumps(_plain(row), allow_nan=False) for row in kept)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _read(self, lines: list[str], header: dict[str, object]) -> None:
        if json.loads(lines[0]) != header:
            sys.exit(f"{self.path} was written with other options ({lines[0]}); name another --json file")
        names = {item.name for item in fields(Row)}
        pending: list[Row] = []
        for line in lines[1:]:
            try:
                row = Row(**{key: value for key, value in json.loads(line).items() if key in names})
            except (json.JSONDecodeError, TypeError):
                break  # the line being written when the run was stopped
            pending.append(row)
            if row.metric == _ELAPSED:
                self.done[row.case] = pending
                pending = []

    def add(self, row: Row) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as sink:
                sink.write(json.dumps(_plain(row), allow_nan=False) + "\n")


def _plain(row: Row) -> dict[str, object]:
    values = asdict(row)
    return {key: None if isinstance(v, float) and not math.isfinite(v) else _scalar(v) for key, v in values.items()}


def _scalar(value: object) -> object:
    return value.item() if hasattr(value, "item") else value


def _complete(row: Row) -> Row:
    plain = _plain(row)
    value, peer = plain["value"], plain["peer_value"]
    if plain["ratio"] is None and isinstance(value, (int, float)) and isinstance(peer, (int, float)) and peer:
        plain["ratio"] = value / peer
    return Row(**plain)  # type: ignore[arg-type]


def run_family(family: ModuleType, name: str, options: Options) -> list[Row]:
    """Run the chosen cases of `family`, printing rows as they come; return all rows with totals and means."""
    limit = options.limit
    if limit is None and options.quick:
        limit = int(getattr(family, "QUICK", 5))
    cases = select(family.cases(options.data), limit)
    if not cases:
        sys.exit(f"no cases of family {name} under {options.data}")
    header = {"family": name, "quick": options.quick, "seconds": options.seconds, "peers": options.peers}
    record = _Record(options.json, header)
    rows: list[Row] = []
    for case in cases:
        if case.name in record.done:
            rows += record.done[case.name]
            continue
        rows += _run_case(family, case, options, record)
    measured = [row for row in rows if row.metric != _ELAPSED]
    totals = [_complete(row) for row in getattr(family, "summary", lambda _rows, _options: [])(measured, options)]
    return [*measured, *totals, *means(measured)]


def _run_case(family: ModuleType, case: Case, options: Options, record: _Record) -> Iterator[Row]:
    start = time.perf_counter()
    for found in family.run(case, options):
        row = _complete(found)
        record.add(row)
        print(" | ".join(_text(getattr(row, name)) for name in _COLUMNS), flush=True)
        yield row
    end = Row(case.name, _ELAPSED, round(time.perf_counter() - start, 3), "s")
    record.add(end)
    yield end


def main(package: str, folder: Path, arguments: Sequence[str] | None = None) -> int:
    """Command line over the families of `package`, found as modules of `folder` that define ``cases`` and ``run``."""
    names = sorted(path.stem for path in folder.glob("*.py") if "def cases(" in path.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description="Run one family of benchmarks and print its table.")
    parser.add_argument("--family", required=True, choices=names)
    default = Path(__file__).resolve().parents[2].parent / "shared" / "benchmarks"
    parser.add_argument("--data", type=Path, default=default, help="folder with the public instances")
    parser.add_argument("--quick", action="store_true", help="a few cases only")
    parser.add_argument("--seconds", type=float, help="limit of one case, in seconds")
    parser.add_argument("--limit", type=int, help="number of cases, chosen evenly by size and name")
    parser.add_argument("--peers", action="store_true", help="run the compared solvers too")
    parser.add_argument("--json", type=Path, help="file for the rows (JSON lines); an interrupted run resumes from it")
    given = parser.parse_args(arguments)
    family = importlib.import_module(f"{package}.{given.family}")
    seconds = given.seconds if given.seconds is not None else float(getattr(family, "SECONDS", 60.0))
    options = Options(given.data, given.quick, seconds, given.limit, given.peers, given.json)
    rows = run_family(family, given.family, options)
    print()
    print(table(rows))
    return 0 if all(row.ok is not False for row in rows) else 1
