"""Who can be sent where: village–point pairs in reach, and the persons each pair covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from networks.matrix import TravelMatrix
from planner.plan import PlanProblem
from planner.problems.standard import ServiceStandard
from planner.siting.demand import VillageDemand

Vector = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ReachPairs:
    """Village–point pairs within `allocation_km`, sorted by village, then point.

    Attributes
    ----------
    village, point
        Positions in the sorted lists of villages and points.
    km
        Road kilometres village → point.
    covered
        Persons of the village within the access standard of that point.
    """

    village: Index
    point: Index
    km: Vector
    covered: Vector

    def __len__(self) -> int:
        return int(self.village.size)


def travel_block(
    matrix: TravelMatrix, origins: Sequence[str], destinations: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (minutes, metres) by label; labels the matrix lacks are unreachable (``inf``)."""
    known_rows = set(matrix.origin_ids)
    known_columns = set(matrix.destination_ids)
    rows = [i for i, label in enumerate(origins) if label in known_rows]
    columns = [j for j, label in enumerate(destinations) if label in known_columns]
    minutes = np.full((len(origins), len(destinations)), np.inf)
    metres = minutes.copy()
    if rows and columns:
        block = matrix.sub([origins[i] for i in rows], [destinations[j] for j in columns])
        index = np.ix_(rows, columns)
        minutes[index], metres[index] = block
    return minutes, metres


def reach_pairs(problem: PlanProblem, demand: VillageDemand, points: Sequence[str]) -> ReachPairs:
    """Return all pairs within `allocation_km` on the ``access`` matrix with the persons they cover."""
    matrix, standard = problem.travel["access"], problem.standard
    minutes, metres = travel_block(matrix, demand.codes, points)
    village, point = np.nonzero(metres <= standard.allocation_km * 1000.0)
    covered = np.where(within(minutes, metres, standard), demand.population[:, None], 0.0)
    rows = {code: row for row, code in enumerate(demand.codes)}
    for code, part in hamlet_groups(problem.county.hamlets).items():
        if (row := rows.get(code)) is not None:
            covered[row] = _hamlet_cover(part, demand.population[row], matrix, standard, points)
    return ReachPairs(village, point, metres[village, point] / 1000.0, covered[village, point])


def within(minutes: Vector, metres: Vector, standard: ServiceStandard) -> npt.NDArray[np.bool_]:
    """Tell which travels meet `access_km` and, when given, `access_min`."""
    near: npt.NDArray[np.bool_] = metres <= standard.access_km * 1000.0
    if standard.access_min is not None:
        near &= minutes <= standard.access_min
    return near


def hamlet_groups(hamlets: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the hamlets of each village that has hamlets with residents, by village code."""
    groups = {str(code): part for code, part in hamlets.groupby("village_code", sort=True)}
    return {code: part for code, part in groups.items() if float(part["population"].astype(float).sum()) > 0.0}


def _hamlet_cover(
    part: pd.DataFrame, population: float, matrix: TravelMatrix, standard: ServiceStandard, points: Sequence[str]
) -> Vector:
    """Persons of one village covered by each point: its hamlets' residents scaled to the village's population."""
    residents = part["population"].to_numpy(dtype=np.float64)
    near = within(*travel_block(matrix, [str(label) for label in part["hamlet_id"]], points), standard)
    scaled: Vector = (residents * (population / residents.sum())) @ near
    return scaled
