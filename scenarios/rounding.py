"""Figures that promise “at most” are rounded up, never to the nearest."""

from __future__ import annotations

import math

#: What a figure may lie above a step by arithmetic alone, in steps.
_NOISE = 1e-6


def up(value: float, digits: int) -> float:
    """Return `value` rounded up to `digits` decimals; noise of the last digits of a float does not count."""
    scale = 10.0**digits
    return round(math.ceil(value * scale - _NOISE) / scale, digits)
