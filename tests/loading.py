"""Helper modules of the tests, loaded by their place: tests are no packages."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parent


@cache
def load(place: str) -> Any:
    """Return the module at `place` below the tests' folder, loaded once in a process."""
    path = _TESTS / place
    name = f"tests_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
