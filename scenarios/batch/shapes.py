"""Outlines of a batch's counties: their boundary, or the hull of their villages where no boundary is known."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from shapely.geometry import MultiPoint

from geodata.county import County
from geodata.errors import XiangyouError
from scenarios.batch.jobs import Job
from scenarios.batch.store import SHAPES, BatchStore
from scenarios.resolve import REFERENCE_SOURCE
from scenarios.rundir import write_json
from scenarios.runner import load_county

#: Counties beyond which no outlines are written: a map of thousands shows nothing.
_MOST = 200
#: Degrees by which an outline may be simplified.
_TOLERANCE = 0.003

Ring = list[tuple[float, float]]


def write_shapes(store: BatchStore, jobs: Sequence[Job]) -> None:
    """Write the outlines of all counties that have places, unless they are there or too many."""
    first = {job.county: job for job in reversed(jobs)}
    if (store.folder / SHAPES).is_file() or len(first) > _MOST:
        return
    shapes: dict[str, list[Ring]] = {}
    for name, job in reversed(first.items()):
        if job.resolved.source == REFERENCE_SOURCE:
            continue
        try:
            county, _ = load_county(job.resolved, job.data_dir)
        except (XiangyouError, OSError, ValueError):
            continue
        shapes[name] = outline(county)
    write_json(store.folder / SHAPES, shapes)


def outline(county: County) -> list[Ring]:
    """Return the rings of a county's boundary, or of the hull of its villages; empty without either."""
    boundary = county.boundary
    if boundary is not None and (boundary["level"] == "county").any():
        shape = boundary[boundary["level"] == "county"].union_all()
    else:
        places = county.villages[["lon", "lat"]].apply(pd.to_numeric, errors="coerce").dropna()
        shape = MultiPoint(places.to_numpy(dtype=float)).convex_hull
    shape = shape.simplify(_TOLERANCE)
    parts = getattr(shape, "geoms", [shape])
    return [
        [(round(x, 5), round(y, 5)) for x, y in part.exterior.coords] for part in parts if part.geom_type == "Polygon"
    ]
