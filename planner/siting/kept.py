"""A siting as a part that can be kept: what decides it, and how it is written (see `planner.reuse`)."""

from __future__ import annotations

import dataclasses
from typing import Any

from planner.engines.mathopt import ENGINE
from planner.reports import SolveReport
from planner.reuse import PartKind, fingerprint
from planner.siting.instance import Instance
from planner.siting.result import SitingResult, Unserved

_TIME_NOTE = "siting_note_time"
#: Tables the search, the reasons and the sentences read beside the arrays.
_TABLES = ("villages", "hamlets", "townships", "facilities", "vehicles")


def siting_key(instance: Instance) -> str:
    """Return the fingerprint of everything a siting follows from.

    Parameters count by the arrays made from them: after `build_instance` none is read but `sorting_cny_per_parcel`.
    """
    problem = instance.problem
    arrays = [getattr(instance, f.name) for f in dataclasses.fields(instance) if f.name != "problem"]
    tables = [problem.county.table(name) for name in _TABLES]
    return fingerprint(
        ENGINE, arrays, tables, problem.standard, problem.siting, instance.sorting_cny_per_parcel, problem.travel
    )


def _encode(result: SitingResult) -> Any:
    return dataclasses.asdict(result)


def _decode(data: Any) -> SitingResult:
    return SitingResult(
        open_ids=tuple(data["open_ids"]),
        closed_ids=tuple(data["closed_ids"]),
        point_of_village=data["point_of_village"],
        station_of_point=data["station_of_point"],
        centre_of_station=data["centre_of_station"],
        unserved=tuple(Unserved(**entry) for entry in data["unserved"]),
        report=SolveReport(**data["report"]),
    )


SITING_PART: PartKind[SitingResult] = PartKind(
    "siting", _encode, _decode, lambda result: result.report.note_key != _TIME_NOTE
)
