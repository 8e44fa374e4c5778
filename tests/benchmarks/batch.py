"""Benchmarks of batches: ``python tests/benchmarks/batch.py --family counties``."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1])]

from bench import main  # noqa: E402  (the folder must be on the path first)

if __name__ == "__main__":
    sys.exit(main("batch_families", _HERE / "batch_families"))
