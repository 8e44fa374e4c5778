"""Land and floor area of every node: the list in m² that is handed to spatial planning.

Floor of a node on its design day::

    work    = parcels in the busiest hour × m²·h per parcel           (unloading, sorting, loading)
    holding = parcels that wait × m³ per parcel / m³ on shelves per m²  (stations and points)
    counter = counter and customers' space                             (stations and points)
    floor   = max(work + holding + counter, least floor of the kind)

The centre's m²·h per parcel is derived from one published centre: 1,639 m² for the yearly capacity its investment and
investment per parcel imply, in the busiest hour. Land of a new centre = floor × (site / building) of the same centre.
Stations and points stand in existing buildings: they need floor, not land. Every figure is a parameter the county may
replace.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.messages import Message
from geodata.parameters import Parameters
from planner.costs import DAYS_PER_YEAR
from planner.siting.result import SitingResult

#: How the need is met; glossary keys ``land_<way>``.
LandWay = Literal["enough", "extend", "rent", "new_build"]
#: More than this in a day, or on one site, is in another unit (parcels of a year, cm²).
_MOST = {"through_parcels_per_day": 1e7, "waiting_parcels_per_day": 1e7, "existing_floor_m2": 1e6}
#: Columns of `land_rows`, in order.
LAND_COLUMNS = (
    "facility_id",
    "kind",
    "design_parcels_per_day",
    "busiest_hour_parcels",
    "work_m2",
    "holding_m2",
    "counter_m2",
    "floor_m2",
    "existing_floor_m2",
    "missing_floor_m2",
    "land_m2",
    "way",
)


@dataclass(frozen=True, slots=True)
class KindNorm:
    """Area figures of one kind of node.

    Attributes
    ----------
    hour_share
        Share of the day's parcels in the busiest hour.
    m2_per_parcel_h
        Working floor for each parcel of that hour.
    hold_days
        Days a parcel waits here.
    counter_m2, least_m2
        Counter space; least floor.
    land_per_floor
        m² of land for each m² of new building; 0: stands in an existing building.
    """

    hour_share: float
    m2_per_parcel_h: float
    hold_days: float
    counter_m2: float
    least_m2: float
    land_per_floor: float


@dataclass(frozen=True, slots=True)
class LandNorms:
    """Area figures by kind of node, with the volume of a parcel and the density of shelves."""

    county_centre: KindNorm
    township_station: KindNorm
    village_point: KindNorm
    parcel_m3: float
    shelf_m3_per_m2: float

    def of(self, kind: str) -> KindNorm:
        """Return the figures of a facility kind."""
        norm: KindNorm = getattr(self, kind)
        return norm


def land_norms(parameters: Parameters) -> LandNorms:
    """Return the area figures of the parameters."""
    store = parameters.entry("centre_area_m2")
    # Yearly capacity of the published centre: its investment over the investment for each yearly parcel.
    daily = parameters["centre_new_capex_cny"] / parameters["centre_capex_cny_per_annual_parcel"] / DAYS_PER_YEAR
    hour_share = parameters["centre_peak_hour_share"]
    site_ratio = (store.high or store.value) / store.value
    return LandNorms(
        county_centre=KindNorm(hour_share, store.value / (daily * hour_share), 0.0, 0.0, store.low or 0.0, site_ratio),
        township_station=KindNorm(
            parameters["station_peak_hour_share"],
            parameters["station_m2_per_parcel_h"],
            1.0,
            parameters["counter_m2"],
            parameters.entry("township_station_area_m2").low or 0.0,
            0.0,
        ),
        village_point=KindNorm(
            0.0,
            0.0,
            parameters["point_hold_days"],
            parameters["counter_m2"],
            parameters.entry("village_point_area_m2").low or 0.0,
            0.0,
        ),
        parcel_m3=parameters["parcel_volume_m3"],
        shelf_m3_per_m2=parameters["shelf_m3_per_m2"],
    )


@dataclass(frozen=True, slots=True)
class LandNode:
    """A node to be built or kept.

    Attributes
    ----------
    facility_id, kind
        Facility and its kind.
    through_parcels_per_day
        Parcels in and out that pass it on the design day.
    waiting_parcels_per_day
        Parcels that are collected here on the design day (they wait; the others pass through).
    existing_floor_m2
        Floor there is; 0 for a candidate without a building.
    is_existing
        The building is in use today.
    """

    facility_id: str
    kind: str
    through_parcels_per_day: float
    waiting_parcels_per_day: float
    existing_floor_m2: float
    is_existing: bool


@dataclass(frozen=True, slots=True)
class LandRow:
    """One line of the list; fields as in `LAND_COLUMNS`, all areas in m²."""

    facility_id: str
    kind: str
    design_parcels_per_day: float
    busiest_hour_parcels: float
    work_m2: float
    holding_m2: float
    counter_m2: float
    floor_m2: float
    existing_floor_m2: float
    missing_floor_m2: float
    land_m2: float
    way: LandWay


def land_list(nodes: Sequence[LandNode], norms: LandNorms) -> tuple[LandRow, ...]:
    """Return one row a node, in the order given.

    Raises
    ------
    InputError
        If a figure is negative or not finite, or a kind unknown.
    """
    problems = [*_problems(nodes), *_norm_problems(norms)]
    if problems:
        raise InputError(Message("land_input_refused", {"count": len(problems)}), problems)
    return tuple(_row(node, norms) for node in nodes)


def land_of_plan(county: County, siting: SitingResult, *, design_day_factor: float = 1.0) -> tuple[LandRow, ...]:
    """Return the list for the open sites of a plan, centres first.

    Parameters
    ----------
    county
        The completed county.
    siting
        The sites and who is served from where.
    design_day_factor
        Design day over mean day (for example `peak_day_factor`).
    """
    return land_list(_plan_nodes(county, siting, design_day_factor), land_norms(county.parameters))


def _plan_nodes(county: County, siting: SitingResult, factor: float) -> list[LandNode]:
    sums = county.demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    through: dict[str, float] = {}
    waiting: dict[str, float] = {}
    for village, point in sorted(siting.point_of_village.items()):
        if village not in sums.index:
            continue
        inbound, outbound = (float(v) * factor for v in sums.loc[village])
        station = siting.station_of_point[point]
        for site in (point, station, siting.centre_of_station[station]):
            through[site] = through.get(site, 0.0) + inbound + outbound
        waiting[point] = waiting.get(point, 0.0) + inbound
    nodes = []
    known = county.facilities.set_index("facility_id")
    for kind in ("county_centre", "township_station", "village_point"):
        for name in siting.open_ids:
            if known.at[name, "kind"] != kind:
                continue
            is_existing = known.at[name, "status"] == "existing"
            area = float(known.at[name, "area_m2"])
            floor = area if is_existing and math.isfinite(area) else 0.0
            nodes.append(LandNode(name, kind, through.get(name, 0.0), waiting.get(name, 0.0), floor, is_existing))
    return nodes


def _row(node: LandNode, norms: LandNorms) -> LandRow:
    norm = norms.of(node.kind)
    hour = node.through_parcels_per_day * norm.hour_share
    work = hour * norm.m2_per_parcel_h
    # A station keeps overnight what its villages receive; a point keeps what is not collected yet.
    kept = node.waiting_parcels_per_day if node.kind == "village_point" else node.through_parcels_per_day
    holding = kept * norm.hold_days * norms.parcel_m3 / norms.shelf_m3_per_m2
    floor = max(work + holding + norm.counter_m2, norm.least_m2)
    missing = max(0.0, floor - node.existing_floor_m2)
    way: LandWay = "enough"
    if missing > 0.0:
        way = "extend" if node.is_existing else "new_build" if norm.land_per_floor > 0.0 else "rent"
    return LandRow(
        facility_id=node.facility_id,
        kind=node.kind,
        design_parcels_per_day=node.through_parcels_per_day,
        busiest_hour_parcels=hour,
        work_m2=work,
        holding_m2=holding,
        counter_m2=norm.counter_m2,
        floor_m2=floor,
        existing_floor_m2=node.existing_floor_m2,
        missing_floor_m2=missing,
        land_m2=missing * norm.land_per_floor,
        way=way,
    )


def _problems(nodes: Sequence[LandNode]) -> Iterable[Problem]:
    for node in nodes:
        figures = {
            "through_parcels_per_day": node.through_parcels_per_day,
            "waiting_parcels_per_day": node.waiting_parcels_per_day,
            "existing_floor_m2": node.existing_floor_m2,
        }
        for column, value in figures.items():
            if not (math.isfinite(value) and value >= 0.0):
                params = {"id": node.facility_id}
                yield Problem("error", "land_bad_number", table="land", column=column, value=str(value), params=params)
            elif value > _MOST[column]:
                unit: dict[str, object] = {"id": node.facility_id, "most": _MOST[column]}
                yield Problem("error", "land_unit", table="land", column=column, value=f"{value:g}", params=unit)
        if node.kind not in ("county_centre", "township_station", "village_point"):
            params = {"id": node.facility_id}
            yield Problem("error", "land_bad_number", table="land", column="kind", value=node.kind, params=params)


def _norm_problems(norms: LandNorms) -> Iterable[Problem]:
    for kind in ("county_centre", "township_station", "village_point"):
        for figure in fields(KindNorm):
            value = getattr(norms.of(kind), figure.name)
            if not 0.0 <= value < math.inf:
                yield _norm_problem(figure.name, value, kind)
    for name in ("parcel_m3", "shelf_m3_per_m2"):
        value = getattr(norms, name)
        if not 0.0 < value < math.inf:
            yield _norm_problem(name, value, "land")


def _norm_problem(name: str, value: float, where: str) -> Problem:
    return Problem("error", "land_norm_bad", table="parameters", column=name, value=f"{value:g}", params={"id": where})
