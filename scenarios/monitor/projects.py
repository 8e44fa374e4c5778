"""Projects against their planned quarters: done, late, not due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from scenarios.monitor.quarter import Quarter, parse_quarter

ProjectState = Literal["done", "done_late", "late", "stopped", "not_due"]


@dataclass(frozen=True, slots=True)
class Project:
    """A project as returned; `quarters_late`: how many quarters behind, 0 where it is not."""

    project_id: str
    name: str
    action: str
    planned: Quarter
    done: Quarter | None
    state: ProjectState
    quarters_late: int
    spent_cny: float | None


def projects(frame: pd.DataFrame, quarter: Quarter) -> tuple[Project, ...]:
    """Return all projects by id. A project without an answer counts as not done."""
    found = []
    for _, row in frame.sort_values("project_id").iterrows():
        planned, done = parse_quarter(str(row["planned_quarter"])), parse_quarter(str(row["done_quarter"]))
        if planned is None:
            continue
        state, late = _state(str(row["project_status"]), planned, done, quarter)
        spent = None if pd.isna(row["spent_cny"]) else float(row["spent_cny"])
        identity = (str(row["project_id"]), str(row["name"]), str(row["project_action"]))
        found.append(Project(*identity, planned, done, state, late, spent))
    return tuple(found)


def _state(status: str, planned: Quarter, done: Quarter | None, quarter: Quarter) -> tuple[ProjectState, int]:
    behind = _quarters_between(planned, done or quarter)
    if done is not None:
        return ("done_late", behind) if behind > 0 else ("done", 0)
    if status == "stopped":
        return "stopped", max(behind, 0)
    return ("late", behind + 1) if behind >= 0 else ("not_due", 0)


def _quarters_between(first: Quarter, last: Quarter) -> int:
    return (last.year - first.year) * 4 + last.number - first.number
