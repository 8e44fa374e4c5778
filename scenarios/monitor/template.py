"""The return's workbook: rows of every village, township and project of a plan, units, lists, and the rules beforehand.

What decides the check of savings (which villages count as changed) and what counts as late (planned quarters) is
written into the template and sealed by `template_id`, so that neither can be chosen once the figures are known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from geodata.messages import Lang, text
from geodata.schema_types import TableSpec, canonical_frame
from geodata.workbook import WorkbookWriter
from scenarios.monitor.indicators import DEFINITION_VERSION
from scenarios.monitor.quarter import Quarter
from scenarios.monitor.run_facts import RunFacts
from scenarios.monitor.sheets import INFO, PROJECTS, SHEETS, TOWNSHIPS, VILLAGES

_GUIDE = ("title", "purpose", "rows", "empty", "counts", "signs", "savings", "late", "gates", "privacy")
#: Quarters after the first return in which projects are due unless said otherwise.
DUE_QUARTERS = 4


def template_id(quarter_of: Iterable[tuple[str, str]], group_of: Iterable[tuple[str, str]]) -> str:
    """Return the seal over (project, planned quarter) and (village, group), whatever their order."""
    sealed = [sorted(quarter_of), sorted(group_of)]
    return hashlib.sha256(json.dumps(sealed, ensure_ascii=False).encode()).hexdigest()[:12]


def return_frames(run: RunFacts, quarter: Quarter, due: Quarter) -> dict[str, pd.DataFrame]:
    """Return the prefilled rows of every sheet.

    Parameters
    ----------
    run
        Plan to be monitored.
    quarter
        Quarter the return is for.
    due
        Quarter in which every project is planned to be done.
    """
    villages = [
        {
            "village_code": v.village_code,
            "name": v.name,
            "township_code": v.township_code,
            "compared_as": "changed" if v.is_changed else "comparison",
        }
        for v in run.villages.values()
    ]
    projects = [
        {
            "project_id": s.facility_id,
            "name": s.name,
            "project_action": "open_site" if s.is_open else "close_site",
            "planned_quarter": str(due),
        }
        for s in run.sites.values()
        if s.is_open != s.is_existing
    ]
    seal = template_id(
        ((p["project_id"], p["planned_quarter"]) for p in projects),
        ((v["village_code"], v["compared_as"]) for v in villages),
    )
    info = {
        "return_quarter": str(quarter),
        "county_code": run.county_code,
        "run_hash": run.run_hash,
        "list_id": run.list_id,
        "definition_version": DEFINITION_VERSION,
        "template_id": seal,
    }
    townships = [{"township_code": code, "name": name} for code, name in run.townships.items()]
    rows = {INFO: [info], VILLAGES: villages, TOWNSHIPS: townships, PROJECTS: projects}
    return {spec.name: _frame(spec, found) for spec, found in rows.items()}


def _frame(spec: TableSpec, rows: Iterable[dict[str, str]]) -> pd.DataFrame:
    return canonical_frame(spec, pd.DataFrame(list(rows), columns=list(spec.column_names), dtype=object))


def write_returns(path: Path, frames: dict[str, pd.DataFrame], lang: Lang) -> None:
    """Write a return as a workbook; `frames` by sheet, as `return_frames` gives them."""
    with WorkbookWriter(path, lang) as writer:
        writer.guide([text(f"return_guide_{key}", lang) for key in _GUIDE])
        for spec in SHEETS:
            writer.table(spec, frames[spec.name])
