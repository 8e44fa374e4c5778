"""Benchmarks of joint siting and routing: ``python tests/benchmarks/location_routing.py --family prins``."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1])]

from bench import main  # noqa: E402  (the folder must be on the path first)

if __name__ == "__main__":
    sys.exit(main("location_routing_families", _HERE / "location_routing_families"))
