"""What a run folder says about its plan, as far as monitoring needs it: villages, sites, targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from geodata.errors import InputError
from geodata.messages import Message
from scenarios.plan_json import read_plan

_PLAN_LAYERS = "plan.gpkg"
_SITE_LAYERS = ("county_centres", "township_stations", "village_points")


@dataclass(frozen=True, slots=True)
class PlannedVillage:
    """A village of the plan's list; `is_changed`: its point is new in the plan."""

    village_code: str
    name: str
    township_code: str
    township: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A site of the plan that is open, or that it closes.

    Attributes
    ----------
    facility_id, name, kind, township
        As in the facilities table; `township` is a name.
    is_open, is_existing
        Open in the plan; there today.
    """

    facility_id: str
    name: str
    kind: str
    township: str
    is_open: bool
    is_existing: bool


@dataclass(frozen=True, slots=True, eq=False)
class RunFacts:
    """The plan a return is read against.

    Attributes
    ----------
    run_hash, run_name, county_code, county_name, list_id
        Identity of run, county and village list.
    villages
        By code.
    townships
        Township code → name, of the listed villages.
    sites
        Open sites and closings, by id.
    targets
        (KPI, part) → value of the plan.
    is_invented
        Whether the county is invented.
    """

    run_hash: str
    run_name: str
    county_code: str
    county_name: str
    list_id: str
    villages: Mapping[str, PlannedVillage]
    townships: Mapping[str, str]
    sites: Mapping[str, PlannedSite]
    targets: Mapping[tuple[str, str], float]
    is_invented: bool = False


def read_run_facts(folder: Path) -> RunFacts:
    """Read what monitoring needs from a run folder.

    Raises
    ------
    InputError
        If the folder is no run folder, or a file of it cannot be read.
    """
    plan = read_plan(folder)
    try:
        return _facts(plan, folder)
    except (DataLayerError, DataSourceError, KeyError, TypeError) as error:
        figures = {"file": str(folder / _PLAN_LAYERS), "reason": str(error)}
        raise InputError(Message("run_file_unreadable", figures)) from error


def _facts(plan: Mapping[str, Any], folder: Path) -> RunFacts:
    siting, county = plan["siting"], plan["county"]
    status = {site["facility_id"]: site["status"] for site in siting["open"]}
    closed = set(siting["closed"])
    villages = {
        str(row["village_code"]): PlannedVillage(
            str(row["village_code"]),
            str(row["name"] or ""),
            str(row["township_code"] or ""),
            str(row["township"] or ""),
            status.get(siting["point_of_village"].get(str(row["village_code"]), "")) == "candidate",
        )
        for row in _layer(folder, "villages")
    }
    sites = {
        str(row["facility_id"]): PlannedSite(
            str(row["facility_id"]),
            str(row["name"] or ""),
            str(row["kind"]),
            str(row["township"] or ""),
            row["facility_id"] in status,
            row["facility_id"] in closed or status.get(row["facility_id"]) == "existing",
        )
        for layer in _SITE_LAYERS
        for row in _layer(folder, layer)
        if row["facility_id"] in status or row["facility_id"] in closed
    }
    kinds = {site["facility_id"]: site["kind"] for site in siting["open"]}
    return RunFacts(
        run_hash=plan["run"]["hash"],
        run_name=plan["run"]["name"],
        county_code=county["code"],
        county_name=county["name"],
        list_id=f"villages {county['code']}@{county['village_list_date']}",
        villages=dict(sorted(villages.items())),
        townships=dict(sorted({v.township_code: v.township for v in villages.values()}.items())),
        sites={key: _with_kind(site, kinds) for key, site in sorted(sites.items())},
        targets={(k["kpi_id"], k["part"]): k["value"] for k in plan["kpis"] if k["value"] is not None},
        is_invented=bool(county["is_invented"]),
    )


def _with_kind(site: PlannedSite, kinds: Mapping[str, str]) -> PlannedSite:
    """Return a site with its kind by key: the layers may print it in the reader's language."""
    kind = kinds.get(site.facility_id, site.kind)
    return PlannedSite(site.facility_id, site.name, kind, site.township, site.is_open, site.is_existing)


def _layer(folder: Path, layer: str) -> list[dict[str, Any]]:
    path = folder / _PLAN_LAYERS
    if layer not in {str(name) for name, _ in pyogrio.list_layers(path)}:
        return []
    frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
    rows: list[dict[str, Any]] = frame.to_dict("records")
    return rows
