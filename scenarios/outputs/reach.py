"""How far people are from their point: persons by distance, from hamlets where they are known."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator

from scenarios.content import RunContent
from scenarios.outputs.tables import RunTables, access

#: Upper ends of the distance classes in km; the last class is open.
CLASSES_KM = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)


def persons_by_distance(content: RunContent, tables: RunTables) -> tuple[list[float], float]:
    """Return persons in each class of `CLASSES_KM` (and beyond), and persons without a known distance.

    Hamlets' populations are scaled to the village's population. Persons of unserved villages, or without a known way
    to their point, are counted apart.
    """
    classes = [0.0] * (len(CLASSES_KM) + 1)
    unknown = 0.0
    for persons, km in _persons(content, tables):
        if km is None:
            unknown += persons
        else:
            classes[bisect.bisect_left(CLASSES_KM, round(km, 9))] += persons
    return classes, unknown


def _persons(content: RunContent, tables: RunTables) -> Iterator[tuple[float, float | None]]:
    hamlets = _hamlets(content)
    for code, persons, point, km in zip(
        tables.villages["village_code"],
        tables.villages["population"],
        tables.villages["point_id"],
        tables.villages["access_km"],
        strict=True,
    ):
        whole = 0.0 if math.isnan(persons) else float(persons)
        parts = hamlets.get(code, [])
        total = sum(count for _, count in parts)
        if not point:
            yield whole, None
        elif total > 0:
            for hamlet, count in parts:
                yield whole * count / total, access(content.problem, hamlet, point)[0]
        else:
            yield whole, None if math.isnan(km) else float(km)


def _hamlets(content: RunContent) -> dict[str, list[tuple[str, float]]]:
    out: dict[str, list[tuple[str, float]]] = {}
    table = content.problem.county.hamlets
    for code, hamlet, persons in zip(table["village_code"], table["hamlet_id"], table["population"], strict=True):
        out.setdefault(str(code), []).append((str(hamlet), float(persons)))
    return out
