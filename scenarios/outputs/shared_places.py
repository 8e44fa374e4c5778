"""Villages that share a place: their marks stand side by side, those without service first."""

from __future__ import annotations

import math
from collections import defaultdict

import pandas as pd

#: Places equal to this many digits of a degree (about ten metres) lie on one another.
SAME_PLACE_DIGITS = 4
#: Pixels between neighbouring marks at the opening zoom.
_STEP = 7.5
#: Turn between neighbours that never puts two marks in line.
_TURN = math.pi * (3.0 - math.sqrt(5.0))
#: Marks that start this far out clear the mark of a station or centre.
_BESIDE_SITE = 4

Shift = tuple[float, float]


def _place(lon: float, lat: float) -> tuple[float, float]:
    return round(lon, SAME_PLACE_DIGITS), round(lat, SAME_PLACE_DIGITS)


def shared_count(villages: pd.DataFrame) -> int:
    """Return how many placed villages share their place with another."""
    placed = villages[villages["lon"].notna()]
    return int(placed[["lon", "lat"]].round(SAME_PLACE_DIGITS).duplicated(keep=False).sum())


def mark_shifts(villages: pd.DataFrame, sites: pd.DataFrame) -> dict[str, Shift]:
    """Return village code → shift of its mark in pixels (right, down) for the villages whose mark is moved.

    Villages at one place stand on a widening spiral, those without service first; where a township station or county
    centre stands there too, they stand around its mark.

    Parameters
    ----------
    villages
        Villages of the run, with ``is_served``.
    sites
        Sites in use.
    """
    placed_sites = sites[sites["lon"].notna() & (sites["kind"] != "village_point")]
    taken = {_place(x, y) for x, y in zip(placed_sites["lon"], placed_sites["lat"], strict=True)}
    groups: dict[tuple[float, float], list[tuple[bool, str]]] = defaultdict(list)
    placed = villages[villages["lon"].notna() & villages["lat"].notna()]
    for code, is_served, lon, lat in zip(
        placed["village_code"], placed["is_served"], placed["lon"], placed["lat"], strict=True
    ):
        groups[_place(lon, lat)].append((bool(is_served), str(code)))
    shifts = {}
    for place, group in groups.items():
        if len(group) == 1 and (place not in taken or group[0][0]):
            continue  # a village with service under its station is where one expects it
        first = _BESIDE_SITE if place in taken else 0
        for i, (_, code) in enumerate(sorted(group), start=first):
            if i:
                shifts[code] = (
                    round(_STEP * math.sqrt(i) * math.cos(i * _TURN), 1),
                    round(_STEP * math.sqrt(i) * math.sin(i * _TURN), 1),
                )
    return shifts
