"""Plain facts for the checker and the KPIs, read once from the county's tables, in an order of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from geodata.county import County
from geodata.parameters import Parameters
from planner.plan import PlanProblem

DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Persons:
    """Persons who set out for their point from one place: a hamlet, or the whole village."""

    place_id: str
    count: float


@dataclass(frozen=True, slots=True)
class Village:
    """A village of the list with its mean parcels a day over all operators."""

    code: str
    township_code: str
    population: float
    is_located: bool
    inbound: float
    outbound: float
    persons: tuple[Persons, ...]

    @property
    def parcels(self) -> float:
        """Parcels a day, both directions."""
        return self.inbound + self.outbound


@dataclass(frozen=True, slots=True)
class Site:
    """A facility; money in CNY, `capacity` in parcels a day (``inf``: no limit), `place` in degrees; `host`: the site it is a part of."""

    facility_id: str
    kind: str
    is_existing: bool
    lock: str
    township_code: str
    village_code: str
    capacity: float
    capex: float
    annual_cost: float
    closing_cost: float
    place: tuple[float, float]
    host: str = ""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle type; limits are ``inf`` where the table is empty."""

    type_id: str
    tier: str
    count: float
    payload_kg: float
    volume_m3: float
    fixed_cny_per_day: float
    wear_cny_per_km: float
    energy_kind: str
    energy_per_km: float
    range_km: float
    shift_h: float


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Everything the rules look up, by id, in ascending order of id.

    Attributes
    ----------
    villages, sites, vehicles
        By code or id.
    townships
        Township codes, sorted.
    operators
        Operators that have any demand, sorted.
    unlisted_demand
        Village codes that have demand but stand on no list, with their parcels a day.
    parameters
        Figures in force.
    """

    villages: Mapping[str, Village]
    sites: Mapping[str, Site]
    vehicles: Mapping[str, Vehicle]
    townships: tuple[str, ...]
    operators: tuple[str, ...]
    unlisted_demand: Mapping[str, float]
    parameters: Parameters

    @property
    def population(self) -> float:
        """All persons of the list."""
        return math.fsum(v.population for v in self.villages.values())


def gather(problem: PlanProblem) -> Facts:
    """Read the facts of `problem`'s county."""
    county = problem.county
    inbound, outbound = _demand(county, "inbound_parcels_per_day"), _demand(county, "outbound_parcels_per_day")
    hamlets = _hamlets(county)
    villages = {
        code: Village(
            code=code,
            township_code=_text(row["township_code"]),
            population=_number(row["population"], 0.0),
            is_located=not (pd.isna(row["lon"]) or pd.isna(row["lat"])),
            inbound=inbound.get(code, 0.0),
            outbound=outbound.get(code, 0.0),
            persons=_persons(code, _number(row["population"], 0.0), hamlets.get(code, {})),
        )
        for code, row in _by_id(county.villages, "village_code").items()
    }
    parcels = {code: inbound.get(code, 0.0) + outbound.get(code, 0.0) for code in sorted({*inbound, *outbound})}
    return Facts(
        villages=villages,
        sites={key: _site(key, row) for key, row in _by_id(county.facilities, "facility_id").items()},
        vehicles={key: _vehicle(key, row) for key, row in _by_id(county.vehicles, "vehicle_type_id").items()},
        townships=tuple(sorted(str(code) for code in county.townships["township_code"])),
        operators=_operators_with_demand(county),
        unlisted_demand={code: sum_ for code, sum_ in parcels.items() if code not in villages and sum_ > 0.0},
        parameters=county.parameters,
    )


def access(problem: PlanProblem, place_id: str, point_id: str) -> tuple[float, float]:
    """Return (km, minutes) of a villager's way from a village or hamlet to a point; ``inf`` where there is none."""
    try:
        metres = problem.travel["access"].metres_between(place_id, point_id)
        return metres / 1000.0, problem.travel["access"].minutes_between(place_id, point_id)
    except KeyError:
        return math.inf, math.inf


def _by_id(frame: pd.DataFrame, key: str) -> dict[str, Mapping[str, object]]:
    records = {str(row[key]): row for row in frame.to_dict("records")}
    return dict(sorted(records.items()))


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)


def _number(value: object, missing: float) -> float:
    return missing if pd.isna(value) else float(value)  # type: ignore[arg-type]


def _demand(county: County, column: str) -> dict[str, float]:
    parts: dict[str, list[float]] = {}
    for code, value in zip(county.demand["village_code"], county.demand[column], strict=True):
        parts.setdefault(str(code), []).append(_number(value, 0.0))
    return {code: math.fsum(values) for code, values in parts.items()}


def _operators_with_demand(county: County) -> tuple[str, ...]:
    rows = county.demand
    return tuple(
        sorted(
            {
                str(operator)
                for operator, inbound, outbound in zip(
                    rows["operator_id"],
                    rows["inbound_parcels_per_day"],
                    rows["outbound_parcels_per_day"],
                    strict=True,
                )
                if _number(inbound, 0.0) + _number(outbound, 0.0) > 0.0
            }
        )
    )


def _hamlets(county: County) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for hamlet_id, row in _by_id(county.hamlets, "hamlet_id").items():
        groups.setdefault(str(row["village_code"]), {})[hamlet_id] = _number(row["population"], 0.0)
    return groups


def _persons(code: str, population: float, hamlets: Mapping[str, float]) -> tuple[Persons, ...]:
    """Spread the village's persons over its hamlets; without hamlets they all start at the village's own place."""
    counted = math.fsum(hamlets.values())
    if counted <= 0.0:
        return (Persons(code, population),)
    return tuple(Persons(hamlet_id, population * part / counted) for hamlet_id, part in hamlets.items())


def _site(facility_id: str, row: Mapping[str, object]) -> Site:
    return Site(
        facility_id=facility_id,
        kind=_text(row["kind"]),
        is_existing=row["status"] == "existing",
        lock=_text(row["lock"]),
        township_code=_text(row["township_code"]),
        village_code=_text(row["village_code"]),
        capacity=_number(row["capacity_parcels_per_day"], math.inf),
        capex=_number(row["capex_cny"], 0.0),
        annual_cost=_number(row["annual_cost_cny"], 0.0),
        closing_cost=_number(row["closing_cost_cny"], 0.0),
        place=(_number(row["lon"], math.nan), _number(row["lat"], math.nan)),
        host=_text(row["host"]),
    )


def _vehicle(type_id: str, row: Mapping[str, object]) -> Vehicle:
    return Vehicle(
        type_id=type_id,
        tier=_text(row["tier"]),
        count=_number(row["vehicle_count"], math.inf),
        payload_kg=_number(row["payload_kg"], math.inf),
        volume_m3=_number(row["volume_m3"], math.inf),
        fixed_cny_per_day=_number(row["fixed_cny_per_day"], 0.0),
        wear_cny_per_km=_number(row["wear_cny_per_km"], 0.0),
        energy_kind=_text(row["energy_kind"]),
        energy_per_km=_number(row["energy_per_km"], 0.0),
        range_km=_number(row["range_km"], math.inf),
        shift_h=_number(row["shift_h"], math.inf),
    )
