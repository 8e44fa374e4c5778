"""Cold compile of the kernels: CPU seconds of a first solve with nothing in the cache, each case in a process of its own.

Cases are the engines apart and all siting engines in one process, which is what is held against the demand. Of each the solves
with everything compiled are taken off.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

SECONDS = 120.0
QUICK = 1
_COMPILE_S = 15.0
#: Engines of siting, and kernels of routing that are measured beside them.
SITING, ROUTING = ("p_median", "max_coverage", "set_coverage", "capacitated"), ("labels",)

_COLD = """
import sys, time
sys.path[:0] = [{root!r}, {here!r}]
from siting_families import compile_solves
chosen = {names!r}
def seconds():
    start = time.process_time()
    for name in chosen:
        getattr(compile_solves, name)()
    return time.process_time() - start
first = seconds()
print(first - seconds())
"""


def cases(_data: Path) -> list[Case]:
    """Return all siting engines together, then every engine by itself."""
    every = Case("siting engines together", 0.0, {"names": SITING})
    return [every, *(Case(name, float(k), {"names": (name,)}) for k, name in enumerate((*SITING, *ROUTING), 1))]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Compile what a case needs."""
    names = tuple(str(name) for name in case.detail["names"])  # type: ignore[attr-defined]
    value = cold_compile_seconds(names, options.seconds)
    limit = _COMPILE_S if names == SITING else None
    yield Row(case.name, "cold compile", value, "s", bound=limit, ok=None if limit is None else value <= limit)


def cold_compile_seconds(names: tuple[str, ...], seconds: float = SECONDS) -> float:
    """Return the CPU seconds that the first solves of a fresh process with an empty cache take longer than its second ones."""
    here = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        script = _COLD.format(root=str(here.parents[1]), here=str(here), names=names)
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=20 * seconds,
        )
    return float(done.stdout.split()[-1])
