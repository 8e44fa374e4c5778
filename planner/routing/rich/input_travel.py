"""Checks of the travel arrays of a `RoutingProblem`: shape, impossible and missing cells, directions that differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geodata.errors import Problem
from networks.matrix import FloatMatrix
from planner.problems.routing import RoutingProblem

#: Relative difference of the two directions above which a pair of places is told.
DIRECTIONS_DIFFER = 0.5
#: Rows compared at a time.
_BLOCK = 512


def check_travel(problem: RoutingProblem) -> tuple[Problem, ...]:
    """Return what is wrong with the travel arrays: one problem a kind, array and profile, with the first or worst cell."""
    found: list[Problem] = []
    count = len(problem.place_ids)
    if len(problem.minutes) != len(problem.metres) or not problem.minutes:
        sizes = {"minutes": len(problem.minutes), "metres": len(problem.metres)}
        return (Problem("error", "routing_profiles", table="travel", params=sizes),)
    for column, arrays in (("minutes", problem.minutes), ("metres", problem.metres)):
        for array in arrays:
            if array.shape != (count, count):
                shape = "×".join(str(n) for n in array.shape)
                params = {"count": count}
                found.append(
                    Problem("error", "routing_shape", table="travel", column=column, value=shape, params=params)
                )
            else:
                found += _cells(problem, column, array)
    return tuple(found)


def _cells(problem: RoutingProblem, column: str, array: FloatMatrix) -> Iterator[Problem]:
    bad = np.argwhere(np.isnan(array) | (array < 0.0))
    if len(bad):
        yield _cell(problem, "error", "routing_cell", column, array, bad)
        return
    places = {s.place for s in problem.stops} | {d.place for d in problem.depots}
    used = np.array(sorted(place for place in places if 0 <= place < len(array)), dtype=np.intp)
    part = array[np.ix_(used, used)]
    missing = np.argwhere(~np.isfinite(part))
    if len(missing):
        yield _cell(problem, "warning", "routing_cell_missing", column, array, used[missing])
    worst, at = 0.0, (0, 0)
    for first in range(0, len(used), _BLOCK):
        out, back = part[first : first + _BLOCK], part[:, first : first + _BLOCK].T
        low, high = np.minimum(out, back), np.maximum(out, back)
        with np.errstate(invalid="ignore"):
            share = np.where(np.isfinite(high) & (high > 0.0), (high - low) / np.maximum(high, 1e-12), 0.0)
        place = np.unravel_index(int(share.argmax()), share.shape)
        if share[place] > worst:
            worst, at = float(share[place]), (int(used[first + place[0]]), int(used[place[1]]))
    if worst > DIRECTIONS_DIFFER:
        figures = {
            "origin": problem.place_ids[at[0]],
            "destination": problem.place_ids[at[1]],
            "back": float(array[at[::-1]]),
        }
        yield Problem(
            "warning", "routing_asymmetric", table="travel", column=column, value=f"{array[at]:g}", params=figures
        )


def _cell(
    problem: RoutingProblem, severity: str, code: str, column: str, array: FloatMatrix, cells: np.ndarray
) -> Problem:
    a, b = (int(i) for i in cells[0])
    params = {"count": len(cells), "origin": problem.place_ids[a], "destination": problem.place_ids[b]}
    return Problem(severity, code, table="travel", row=a + 2, column=column, value=f"{array[a, b]:g}", params=params)  # type: ignore[arg-type]
