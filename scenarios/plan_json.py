"""``plan.json`` and ``kpis.csv``: the plan as data, the same bytes for the same input and seed.

No sentence stands in ``plan.json``: what a planner reads is given as message key and figures.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from geodata.county import TABLE_COLUMNS, County
from geodata.errors import InputError, Problem
from geodata.messages import Lang, Message, has_label, label
from planner.plan import CostLine, Kpi, VerifiedPlan
from planner.reports import SolveReport
from planner.routing.result import Route, RoutingResult
from planner.siting.result import SitingResult
from scenarios.content import RunContent
from scenarios.outputs.studies_json import study_document

PLAN_FILE = "plan.json"
RESOLVED_FILE = "resolved.toml"
KPI_FILE = "kpis.csv"
PLAN_SCHEMA = 1
#: Significant digits kept of every figure, fewer than the last bits in which two machines may differ.
DIGITS = 9
KPI_COLUMNS = (
    "kpi_id",
    "part",
    "name",
    "part_name",
    "value",
    "unit",
    "numerator",
    "denominator",
    "list_id",
    "note",
)


def plain(value: Any) -> Any:
    """Return a value as plain JSON data: rounded figures, None for NaN and infinity, tuples as lists."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Message):
        return {"key": value.key, "params": plain(value.params)}
    if isinstance(value, str | int | type(None)):
        return value
    if isinstance(value, Iterable):
        return [plain(inner) for inner in value]
    return str(value)


def plan_document(content: RunContent, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """Return the plan as plain JSON data.

    Parameters
    ----------
    content
        The run.
    problems
        Warnings of the reader about the input.
    """
    county, verified = content.problem.county, content.verified
    siting = verified.plan.siting
    names = dict(zip(county.villages["village_code"], county.villages["name"], strict=True))
    document = {
        "schema_version": PLAN_SCHEMA,
        "run": {"name": content.run_name, "hash": content.run_hash, "version": content.version},
        "settings": {key: value for key, (value, _) in content.resolved.items()},
        "county": _county(county),
        "travel": _travel(content),
        "siting": _siting(siting, county),
        "routing": _routing(verified.plan.routing),
        "unserved": [
            {
                "village_code": u.village_code,
                "name": names.get(u.village_code, ""),
                "reason": u.reason,
                "params": u.params,
            }
            for u in sorted(siting.unserved, key=lambda u: u.village_code)
        ],
        "costs": [_cost(line) for line in verified.costs],
        "cost_cny_per_day": verified.cost_cny_per_day,
        "investment_cny": verified.investment_cny,
        "kpis": [_kpi(row) for row in verified.kpis.rows],
        "studies": [study_document(study) for study in content.studies],
        "warnings": list(verified.plan.warnings),
        "input_warnings": [_problem(p) for p in problems if p.severity == "warning"],
    }
    checked: dict[str, Any] = plain(document)
    return checked


def _county(county: County) -> dict[str, Any]:
    return {
        "code": county.county_code,
        "name": county.name,
        "village_list_id": county.village_list_id,
        "village_list_date": county.village_list_date,
        "content_hash": county.content_hash(),
        "is_invented": county.is_invented,
        "rows": {name: len(county.table(name)) for name in TABLE_COLUMNS},
        "provenance": {
            table: {
                "source": p.source,
                "licence": p.licence,
                "attribution": p.attribution,
                "as_of": p.as_of,
                "datum": p.datum,
                "kind": p.kind,
            }
            for table, p in county.provenance.items()
        },
        "assumptions": list(county.assumptions),
    }


def _travel(content: RunContent) -> dict[str, Any]:
    return {
        profile: {"provider": m.provider, "detour_factor": m.detour_factor, "cutoff_min": m.cutoff_min}
        for profile, m in content.problem.travel.items()
    }


def _siting(siting: SitingResult, county: County) -> dict[str, Any]:
    facilities = county.facilities.set_index("facility_id")
    return {
        "open": [
            {
                "facility_id": facility_id,
                "kind": facilities.loc[facility_id, "kind"],
                "status": facilities.loc[facility_id, "status"],
            }
            for facility_id in siting.open_ids
        ],
        "closed": siting.closed_ids,
        "point_of_village": siting.point_of_village,
        "station_of_point": siting.station_of_point,
        "centre_of_station": siting.centre_of_station,
        "report": _report(siting.report),
    }


def _report(report: SolveReport) -> dict[str, Any]:
    return {
        "status": report.status,
        "objective": report.objective,
        "bound": report.bound,
        "gap": report.gap,
        "engine": report.engine,
        "seed": report.seed,
        "limits": report.limits,
        "note_key": report.note_key,
    }


def _routing(routing: RoutingResult) -> dict[str, Any]:
    return {
        "routes": [_route(route) for route in routing.routes],
        "report": _report(routing.report),
        "reports": {depot: _report(report) for depot, report in routing.reports.items()},
        "dropped": routing.dropped,
    }


def _route(route: Route) -> dict[str, Any]:
    return {
        "route_id": route.route_id,
        "tier": route.tier,
        "depot_id": route.depot_id,
        "vehicle_type_id": route.vehicle_type_id,
        "vehicle_number": route.vehicle_number,
        "days_per_week": route.days_per_week,
        "stops": [
            {
                "facility_id": stop.facility_id,
                "delivery_parcels": stop.delivery_parcels,
                "pickup_parcels": stop.pickup_parcels,
            }
            for stop in route.stops
        ],
    }


def _cost(line: CostLine) -> dict[str, Any]:
    return {"tier": line.tier, "item": line.item, "cny_per_day": line.cny_per_day}


def _kpi(row: Kpi) -> dict[str, Any]:
    return {
        "kpi_id": row.kpi_id,
        "part": row.part,
        "value": row.value,
        "unit": row.unit,
        "numerator": row.numerator,
        "denominator": row.denominator,
        "list_id": row.list_id,
        "note_key": row.note_key,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "file": problem.file,
        "table": problem.table,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "cell": problem.cell,
        "value": problem.value,
        "params": problem.params,
    }


def write_kpis(verified: VerifiedPlan, lang: Lang, path: Path) -> None:
    """Write ``kpis.csv`` (utf-8 with byte-order mark, for Excel): one row a KPI part, names and notes in `lang`."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(KPI_COLUMNS)
    for row in verified.kpis.rows:
        note = Message(row.note_key).text(lang) if row.note_key else ""
        names = (term(f"kpi_{row.kpi_id}", lang, row.kpi_id), term(f"kpi_part_{row.part}", lang, row.part))
        figures = (_cell(row.value), row.unit, _cell(row.numerator), _cell(row.denominator))
        writer.writerow((row.kpi_id, row.part, *names, *figures, row.list_id, note))
    path.write_bytes(stream.getvalue().encode("utf-8-sig"))


def term(key: str, lang: Lang, otherwise: str) -> str:
    """Return the glossary's term, or `otherwise` if it has none."""
    return label(key, lang) if has_label(key) else otherwise


def _cell(value: float | None) -> str:
    rounded = plain(value)
    if rounded is None:
        return ""
    return f"{rounded:.{DIGITS}g}" if isinstance(rounded, float) else str(rounded)


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head of a plan document: what the command prints, and ``--json`` gives to scripts."""
    reasons = Counter(entry["reason"] for entry in document["unserved"])
    villages = document["county"]["rows"]["villages"]
    return {
        "run": document["run"]["name"],
        "run_hash": document["run"]["hash"],
        "county": document["county"]["name"],
        "county_code": document["county"]["code"],
        "is_invented": document["county"]["is_invented"],
        "villages": villages,
        "villages_served": villages - len(document["unserved"]),
        "villages_unserved": len(document["unserved"]),
        "unserved_reasons": dict(sorted(reasons.items())),
        "open_sites": dict(sorted(Counter(site["kind"] for site in document["siting"]["open"]).items())),
        "routes": dict(sorted(Counter(route["tier"] for route in document["routing"]["routes"]).items())),
        "cost_cny_per_day": document["cost_cny_per_day"],
        "investment_cny": document["investment_cny"],
        "siting": {key: document["siting"]["report"][key] for key in ("status", "objective", "bound", "gap")},
        "routing": {key: document["routing"]["report"][key] for key in ("status", "objective", "bound", "gap")},
        "studies": {
            study["name"]: {"kind": study["kind"], "report": study["report"], "answer": study["answer"]}
            for study in document.get("studies", ())
        },
        "warnings": document["warnings"],
        "input_warnings": document["input_warnings"],
    }


def read_plan(folder: Path) -> dict[str, Any]:
    """Read ``plan.json`` of a run folder.

    Raises
    ------
    InputError
        If the folder is no run folder, or its plan cannot be read.
    """
    path = folder / PLAN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(Message("run_not_a_run_folder", {"folder": str(folder), "file": PLAN_FILE})) from error
    except (OSError, ValueError) as error:
        raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": str(error)})) from error
    if not isinstance(document, dict):
        raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": "JSON"}))
    return document
