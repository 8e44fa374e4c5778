"""A finished run as a comparison reads it, from its folder alone; what is no finished run is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from geodata.errors import InputError, UsageError
from geodata.messages import Message
from scenarios.outputs import geometry
from scenarios.overrides import flatten
from scenarios.plan_json import PLAN_SCHEMA, RESOLVED_FILE, read_plan
from scenarios.rundir import MANIFEST, read_manifest

LAYERS = "plan.gpkg"
SITE_LAYERS = ("county_centres", "township_stations", "village_points")
LEAST_RUNS, MOST_RUNS = 2, 4
Path2 = list[list[float]]


@dataclass(frozen=True, slots=True)
class Village:
    """A village of the list in one run.

    Attributes
    ----------
    village_code, name, township
        Which village.
    population, parcels_per_day
        Residents, None where not known; parcels in and out.
    is_served, has_own_point, point_id, point_name, reason
        Whether and where it is served; why not.
    access_km, services_per_week
        Way to the point; services a week, 0 where unserved.
    vehicles
        What brings its parcels to the point.
    lon, lat
        Place, None where not known.
    """

    village_code: str
    name: str
    township: str
    population: float | None
    parcels_per_day: float
    is_served: bool
    has_own_point: bool
    point_id: str
    point_name: str
    reason: str
    access_km: float | None
    services_per_week: float
    vehicles: str
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """A site in one run; `decision`: kept, new, closed or not_chosen."""

    facility_id: str
    name: str
    kind: str
    decision: str
    township: str
    cost_cny_per_day: float
    investment_cny: float
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip in one run, with its path as (lat, lon)."""

    route_id: str
    tier: str
    depot_id: str
    depot_name: str
    vehicle: str
    days_per_week: float
    stop_ids: tuple[str, ...]
    trip_km: float | None
    trip_min: float | None
    cny_per_day: float
    path: Path2


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """A run folder, read.

    Attributes
    ----------
    label
        Short unique name.
    title
        Title of the scenario in the language asked for.
    folder
        Where it lies.
    plan, manifest, settings
        ``plan.json``, ``manifest.json``, ``resolved.toml`` by dotted key.
    villages, sites, trips
        By id, in the run's order.
    background
        Layer → paths or rings as (lat, lon): ``county``, ``township``, ``water``, ``roads``.
    """

    label: str
    title: str
    folder: Path
    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]
    settings: Mapping[str, Any]
    villages: Mapping[str, Village]
    sites: Mapping[str, Site]
    trips: Mapping[str, Trip]
    background: Mapping[str, Sequence[Any]]


def read_runs(folders: Sequence[Path], lang: str) -> tuple[FinishedRun, ...]:
    """Read two to four finished runs of one county.

    Raises
    ------
    UsageError
        If there are fewer than two, or more than four.
    InputError
        If one is no run folder, is not finished, was changed or cannot be read, or the runs are of different counties.
    """
    check_count(folders)
    documents = [_documents(folder) for folder in folders]
    refuse_other_county([plan for plan, _, _ in documents])
    labels = unique_labels([plan for plan, _, _ in documents])
    return tuple(
        _run(folder, label, documents[i], lang) for i, (folder, label) in enumerate(zip(folders, labels, strict=True))
    )


def check_count(folders: Sequence[Path]) -> None:
    """Refuse fewer than two runs, and more than four."""
    if len(folders) < LEAST_RUNS:
        raise UsageError(Message("compare_needs_two"))
    if len(folders) > MOST_RUNS:
        raise UsageError(Message("compare_too_many", {"count": len(folders), "most": MOST_RUNS}))


def unique_labels(plans: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return a short name a run, numbered where two would be the same."""
    names = [f"{plan['run']['name']}-{plan['run']['hash']}" for plan in plans]
    return tuple(name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, start=1))


def refuse_other_county(plans: Iterable[Mapping[str, Any]]) -> None:
    """Refuse runs of different counties: their villages, and so their figures, are not the same list."""
    counties = dict.fromkeys(f"{plan['county']['name']} ({plan['county']['code']})" for plan in plans)
    if len(counties) > 1:
        raise InputError(Message("compare_other_county", {"counties": ", ".join(counties)}))


def data_warnings(plans: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Return a warning where the county's data are not the same in all runs."""
    is_same = len({plan["county"]["content_hash"] for plan in plans}) == 1
    return () if is_same else (Message("compare_other_data"),)


def finished_manifest(folder: Path) -> Mapping[str, Any]:
    """Return the manifest of a finished run: it is written last, and lists every file.

    Raises
    ------
    InputError
        If there is none, or a file it lists is missing.
    """
    manifest = read_manifest(folder)
    outputs = None if manifest is None else manifest.get("outputs")
    if manifest is None or not isinstance(outputs, dict):
        raise InputError(Message("compare_unfinished", {"folder": str(folder), "file": MANIFEST}))
    missing = [name for name in outputs if not (folder / name).is_file()]
    if missing:
        raise InputError(Message("compare_files_missing", {"folder": str(folder), "files": ", ".join(sorted(missing))}))
    return manifest


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a run by dotted key.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    path = folder / RESOLVED_FILE
    try:
        return flatten(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(Message("run_not_a_run_folder", {"folder": str(folder), "file": RESOLVED_FILE})) from error
    except (OSError, ValueError) as error:
        raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": str(error)})) from error


Documents = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def _documents(folder: Path) -> Documents:
    plan = read_plan(folder)
    if plan.get("schema_version") != PLAN_SCHEMA:
        raise InputError(Message("compare_unknown_plan", {"folders": str(folder)}))
    return plan, finished_manifest(folder), read_settings(folder)


def _run(folder: Path, label: str, documents: Documents, lang: str) -> FinishedRun:
    plan, manifest, settings = documents
    path = folder / LAYERS
    try:
        layers = {str(name): pyogrio.read_dataframe(path, layer=name) for name, _ in pyogrio.list_layers(path)}
        trips = _trips(layers.get("routes"), plan)
        return FinishedRun(
            label=label,
            title=str(settings.get(f"title_{lang}") or plan["run"]["name"]),
            folder=folder,
            plan=plan,
            manifest=manifest,
            settings=settings,
            villages=_villages(layers["villages"], trips),
            sites=_sites([layers[name] for name in SITE_LAYERS if name in layers]),
            trips=trips,
            background=_background(layers),
        )
    except (DataLayerError, DataSourceError, KeyError, TypeError, ValueError) as error:
        raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": str(error)})) from error


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type]


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)


def _place(shape: Any) -> tuple[float | None, float | None]:
    return (None, None) if shape is None or shape.is_empty else (float(shape.x), float(shape.y))


def _villages(frame: pd.DataFrame, trips: Mapping[str, Trip]) -> dict[str, Village]:
    vehicles: dict[str, list[str]] = {}
    for trip in trips.values():
        for stop in trip.stop_ids:
            vehicles.setdefault(stop, []).append(trip.vehicle)
    villages = {}
    for row in frame.to_dict("records"):
        code, point = _text(row["village_code"]), _text(row["point_id"])
        lon, lat = _place(row["geometry"])
        villages[code] = Village(
            village_code=code,
            name=_text(row["name"]),
            township=_text(row["township"]),
            population=_number(row["population"]),
            parcels_per_day=(_number(row["inbound_parcels_per_day"]) or 0.0)
            + (_number(row["outbound_parcels_per_day"]) or 0.0),
            is_served=bool(row["is_served"]),
            has_own_point=bool(row["has_own_point"]),
            point_id=point,
            point_name=_text(row["point_name"]),
            reason=_text(row["reason"]),
            access_km=_number(row["access_km"]),
            services_per_week=_number(row["services_per_week"]) or 0.0,
            vehicles=" / ".join(dict.fromkeys(vehicles.get(point, ()))),
            lon=lon,
            lat=lat,
        )
    return villages


def _sites(frames: Sequence[pd.DataFrame]) -> dict[str, Site]:
    sites = {}
    for frame in frames:
        for row in frame.to_dict("records"):
            lon, lat = _place(row["geometry"])
            sites[_text(row["facility_id"])] = Site(
                facility_id=_text(row["facility_id"]),
                name=_text(row["name"]),
                kind=_text(row["kind"]),
                decision=_text(row["decision"]),
                township=_text(row["township"]),
                cost_cny_per_day=_number(row["site_cost_cny_per_day"]) or 0.0,
                investment_cny=_number(row["site_investment_cny"]) or 0.0,
                lon=lon,
                lat=lat,
            )
    return sites


def _trips(frame: pd.DataFrame | None, plan: Mapping[str, Any]) -> dict[str, Trip]:
    stops = {r["route_id"]: tuple(s["facility_id"] for s in r["stops"]) for r in plan["routing"]["routes"]}
    if frame is None:
        return {}
    trips = {}
    for row in frame.to_dict("records"):
        shape = row["geometry"]
        trips[_text(row["route_id"])] = Trip(
            route_id=_text(row["route_id"]),
            tier=_text(row["tier"]),
            depot_id=_text(row["depot_id"]),
            depot_name=_text(row["depot_name"]),
            vehicle=_text(row["vehicle"]),
            days_per_week=_number(row["days_per_week"]) or 0.0,
            stop_ids=stops[_text(row["route_id"])],
            trip_km=_number(row["trip_km"]),
            trip_min=_number(row["trip_min"]),
            cny_per_day=_number(row["cny_per_day"]) or 0.0,
            path=[] if shape is None else geometry.flat_path(shape.coords),
        )
    return trips


def _background(layers: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    found: dict[str, Sequence[Any]] = {}
    boundary = layers.get("boundary")
    for level in ("county", "township"):
        if boundary is not None:
            shapes = boundary.loc[boundary["level"] == level, "geometry"]
            found[level] = [ring for ring in map(geometry.rings, shapes) if ring]
    if "roads" in layers:
        found["roads"] = geometry.paths(geometry.layer_union(layers["roads"]))
    if "water_lines" in layers:
        found["rivers"] = geometry.paths(geometry.layer_union(layers["water_lines"]))
    if "water_areas" in layers:
        found["water"] = [[ring] for ring in geometry.rings(geometry.layer_union(layers["water_areas"]))]
    return found
