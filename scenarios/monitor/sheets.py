"""The sheets of a quarterly return: what every column holds, with units and choice lists."""

from __future__ import annotations

from geodata.schema_types import ColumnSpec, TableSpec

#: How a figure was come by.
DATA_SOURCES = ("scan_system", "register", "sample_visit", "estimate")
#: Part of a village in the check of savings, fixed in the template.
GROUPS = ("changed", "comparison")
ACTIONS = ("open_site", "close_site")
PROJECT_STATUSES = ("not_started", "running", "done", "stopped")

_SOURCE = ColumnSpec("data_source", "choice", choices=DATA_SOURCES)


def _id(name: str) -> ColumnSpec:
    return ColumnSpec(name, "id", is_required=True, is_nullable=False)


def _count(name: str, unit: str = "", high: float = 1e8) -> ColumnSpec:
    return ColumnSpec(name, "integer", unit=unit, low=0.0, high=high)


INFO = TableSpec(
    "return_info",
    (
        _id("return_quarter"),
        _id("county_code"),
        _id("run_hash"),
        _id("list_id"),
        _id("definition_version"),
        _id("template_id"),
        ColumnSpec("filled_by"),
    ),
    is_required=True,
)
VILLAGES = TableSpec(
    "return_villages",
    (
        _id("village_code"),
        ColumnSpec("name"),
        ColumnSpec("township_code", "id"),
        ColumnSpec("compared_as", "choice", is_required=True, is_nullable=False, choices=GROUPS),
        ColumnSpec("has_sign", "boolean"),
        ColumnSpec("is_active", "boolean"),
        ColumnSpec("has_bus", "boolean"),
        _count("visits_per_week", high=7.0),
        _count("quarter_parcels", "parcels"),
        _count("village_parcels", "parcels"),
        _count("on_time_parcels", "parcels"),
        _count("excused_parcels", "parcels"),
        _count("cartons_received"),
        _count("cartons_recovered"),
        _count("complaints"),
        ColumnSpec("baseline_cny_per_parcel", "number", unit="cny_per_parcel", low=0.0, high=1000.0),
        ColumnSpec("now_cny_per_parcel", "number", unit="cny_per_parcel", low=0.0, high=1000.0),
        _SOURCE,
    ),
    key=("village_code",),
    is_required=True,
)
TOWNSHIPS = TableSpec(
    "return_townships",
    (
        _id("township_code"),
        ColumnSpec("name"),
        _count("quarter_parcels", "parcels"),
        _count("nodes"),
        ColumnSpec("online_share", "number", unit="share", low=0.0, high=1.0),
        _count("records"),
        _count("records_complete"),
        _count("interface_calls"),
        _count("interface_ok"),
        _count("accidents"),
        _SOURCE,
    ),
    key=("township_code",),
    is_required=True,
)
PROJECTS = TableSpec(
    "return_projects",
    (
        _id("project_id"),
        ColumnSpec("name"),
        ColumnSpec("project_action", "choice", is_required=True, is_nullable=False, choices=ACTIONS),
        _id("planned_quarter"),
        ColumnSpec("project_status", "choice", choices=PROJECT_STATUSES),
        ColumnSpec("done_quarter", "id"),
        ColumnSpec("spent_cny", "number", unit="cny", low=0.0, high=1e10),
        _SOURCE,
    ),
    key=("project_id",),
    is_required=True,
)
#: All sheets of a return, in order.
SHEETS: tuple[TableSpec, ...] = (INFO, VILLAGES, TOWNSHIPS, PROJECTS)
