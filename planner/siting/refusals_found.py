"""Maker of one located problem of a siting input."""

from __future__ import annotations

import math

import numpy as np

from geodata.errors import Problem


def found(code: str, table: str, column: str = "", value: object = "", **params: object) -> Problem:
    """Return one problem; numbers are shortened for reading."""
    figures = {name: _short(item) for name, item in params.items()}
    return Problem(
        "error", f"siting_models_{code}", table=table, column=column, value=str(_short(value)), params=figures
    )


def _short(value: object) -> object:
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return int(number) if math.isfinite(number) and number == int(number) else float(f"{number:.6g}")
    return int(value) if isinstance(value, np.integer) else value
