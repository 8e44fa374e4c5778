"""Operators, parcels and sites of the invented county: separate networks today, joint ones as candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from geodata.default_sites import annual_cost_cny, default_area_m2, default_capex_cny
from geodata.demand import outbound_per_inbound, village_parcels
from geodata.frames import FloatArray, canonical_frame
from geodata.parameters import Parameters
from geodata.reference_settlements import Settlements, to_degrees
from geodata.reference_terrain import Terrain

#: Operator, name, kind; the share is parameter ``brand_share_<operator>``.
BRANDS = (
    ("zto", "中通 ZTO", "courier"),
    ("yto", "圆通 YTO", "courier"),
    ("yunda", "韵达 Yunda", "courier"),
    ("sto", "申通 STO", "courier"),
    ("jt", "极兔 J&T", "courier"),
    ("sf", "顺丰 SF", "courier"),
    ("china_post", "邮政 China Post", "post"),
    ("others", "其他 others", "courier"),
)
POST = "china_post"
_STATION_BRANDS = ("zto", "yto", "yunda", "sto", "jt")
_HUB_BRAND = "zto"
_MARKET_OUTBOUND_FACTOR = 2.0
_HOSTS = (("shop", "商店 shop", 0.0), ("office", "村委会 village office", 0.0), ("home", "民宅 home", 1.0))


def make_operators(parameters: Parameters) -> pd.DataFrame:
    """Return the eight operators with their shares."""
    rows = [
        {"operator_id": brand, "name": name, "kind": kind, "parcel_share": parameters[f"brand_share_{brand}"]}
        for brand, name, kind in BRANDS
    ]
    return canonical_frame(rows, "operators")


def make_demand(
    villages: pd.DataFrame, operators: pd.DataFrame, market_code: str, parameters: Parameters, seed: int
) -> pd.DataFrame:
    """Return parcels by village and operator: rate × people, scattered, with the county's sum as the rate says.

    The market town's villages send twice the usual share out.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    people = villages["population"].to_numpy(dtype=float)
    scatter = people * np.exp(0.25 * rng.standard_normal(len(people)))
    inbound = parameters["village_inbound_parcels_per_resident_day"] * people.sum() * scatter / scatter.sum()
    shares = rng.dirichlet(60.0 * operators["parcel_share"].to_numpy(dtype=float), size=len(people))
    by_brand = inbound[:, None] * shares
    out = np.where(villages["township_code"] == market_code, _MARKET_OUTBOUND_FACTOR, 1.0) * outbound_per_inbound(
        parameters
    )
    rows = pd.DataFrame(
        {
            "village_code": np.repeat(villages["village_code"].to_numpy(), len(operators)),
            "operator_id": np.tile(operators["operator_id"].to_numpy(), len(villages)),
            "inbound_parcels_per_day": np.round(by_brand.ravel(), 3),
            "outbound_parcels_per_day": np.round((by_brand * out[:, None]).ravel(), 3),
        }
    )
    return canonical_frame(rows, "demand")


def make_facilities(
    terrain: Terrain, settlements: Settlements, demand: pd.DataFrame, parameters: Parameters, seed: int
) -> pd.DataFrame:
    """Return all sites: three centre choices, today's stations and points, and joint candidates."""
    rng = np.random.Generator(np.random.PCG64([seed, 4]))
    parcels = village_parcels(demand).sum(axis=1).reindex(settlements.villages["village_code"])
    by_town = parcels.groupby(settlements.villages["township_code"].to_numpy()).sum()
    rows = [
        *_centres(terrain, settlements, float(parcels.sum()), parameters),
        *_stations(terrain, settlements, by_town, parameters, rng),
        *_points(settlements, parcels.to_numpy(dtype=float), parameters, rng),
    ]
    return canonical_frame(rows, "facilities")


def _round_up(value: float, step: float) -> float:
    return math.ceil(value / step) * step


def _centres(
    terrain: Terrain, settlements: Settlements, parcels: float, parameters: Parameters
) -> Sequence[dict[str, object]]:
    """Courier hub in town, idle factory at the edge, greenfield site at the main road."""
    seat = terrain.nodes[settlements.town_nodes[0]]
    town = settlements.townships.iloc[0]
    new_capex, fitted_capex = parameters["centre_new_capex_cny"], parameters["centre_upgrade_capex_cny"]
    facts = (
        ("C1", "快递分拨点 courier hub", "existing", _HUB_BRAND, (0.9, 0.3), 2000.0, 1.25, 0.0, 150_000.0),
        ("C2", "闲置厂房 idle factory", "candidate", "", (-1.6, 0.8), 3000.0, 3.0, fitted_capex, 0.0),
        ("C3", "新建园区 new site", "candidate", "", (3.4, 1.0), 4000.0, 5.0, new_capex, 0.0),
    )
    rows: list[dict[str, object]] = []
    for code, name, status, operator, shift, area, room, capex, closing in facts:
        node = terrain.nodes[terrain.nearest(seat + np.array(shift))]
        lon, lat = to_degrees(node)[0]
        rows.append(
            {
                "facility_id": code,
                "name": name,
                "kind": "county_centre",
                "status": status,
                "lock": "free",
                "operator_id": operator,
                "township_code": town["township_code"],
                "lon": lon,
                "lat": lat,
                "capacity_parcels_per_day": _round_up(room * parcels, 500.0),
                "capex_cny": capex,
                # A centre on its own land pays upkeep at a third of the rent.
                "annual_cost_cny": annual_cost_cny("county_centre", area, parameters) / (3.0 if code == "C3" else 1.0),
                "closing_cost_cny": closing,
                "area_m2": area,
                "host": "",
            }
        )
    return rows


def _stations(
    terrain: Terrain, settlements: Settlements, by_town: pd.Series, parameters: Parameters, rng: np.random.Generator
) -> Sequence[dict[str, object]]:
    """In every town the post, one to five couriers by size, and a joint candidate."""
    rows: list[dict[str, object]] = []
    for i, town in enumerate(settlements.townships.to_dict("records")):
        code, people, parcels = (
            str(town["township_code"]),
            float(town["population"]),
            float(by_town[town["township_code"]]),
        )
        couriers = 5 if i == 0 else 1 + int(people > 9_000) + int(people > 15_000)  # noqa: PLR2004
        drawn = sorted(rng.permutation(len(_STATION_BRANDS))[:couriers].tolist())
        place = terrain.nodes[settlements.town_nodes[i]]
        base = {"kind": "township_station", "township_code": code, "lock": "free"}
        for brand in (POST, *(_STATION_BRANDS[j] for j in drawn)):
            room = 2.0 if brand == POST else 0.6
            area = float(rng.integers(60, 101))
            lon, lat = to_degrees(_beside(place, rng))[0]
            rows.append(
                {
                    **base,
                    "facility_id": f"S{code}-{brand}",
                    "name": f"{town['name']} {brand}",
                    "status": "existing",
                    "operator_id": brand,
                    "lon": lon,
                    "lat": lat,
                    "capacity_parcels_per_day": _round_up(room * parcels, 10.0),
                    "capex_cny": 0.0,
                    "annual_cost_cny": round(annual_cost_cny("township_station", area, parameters), 2),
                    "closing_cost_cny": 8_000.0,
                    "area_m2": area,
                    "host": "邮政网点 post office" if brand == POST else "租用门面 rented shop",
                }
            )
        area = default_area_m2("township_station", parameters)
        rows.append(
            {
                **base,
                "facility_id": f"S{code}",
                "name": f"{town['name']} 共配站 joint station",
                "status": "candidate",
                "operator_id": "",
                "lon": town["lon"],
                "lat": town["lat"],
                "capacity_parcels_per_day": _round_up(4.0 * parcels, 10.0),
                "capex_cny": default_capex_cny("township_station", parameters),
                "annual_cost_cny": round(annual_cost_cny("township_station", area, parameters), 2),
                "closing_cost_cny": 0.0,
                "area_m2": area,
                "host": "",
            }
        )
    return rows


def _beside(place: FloatArray, rng: np.random.Generator) -> FloatArray:
    angle, gap = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.04, 0.15)
    return place + gap * np.array([np.cos(angle), np.sin(angle)])


def _points(
    settlements: Settlements, parcels: FloatArray, parameters: Parameters, rng: np.random.Generator
) -> Sequence[dict[str, object]]:
    """Two villages of five have a point today; in the others one may be set up."""
    rows: list[dict[str, object]] = []
    for village, load in zip(settlements.villages.to_dict("records"), parcels, strict=True):
        is_existing = bool(rng.random() < 0.4)  # noqa: PLR2004
        is_post = bool(rng.random() < 0.5)  # noqa: PLR2004
        host_id, host, rent_share = _HOSTS[int(rng.integers(len(_HOSTS)))]
        brand = POST if is_post else _STATION_BRANDS[int(rng.integers(len(_STATION_BRANDS)))]
        area = float(rng.integers(10, 21)) if is_existing else default_area_m2("village_point", parameters)
        yearly = annual_cost_cny("village_point", area * (rent_share if is_existing else 1.0), parameters)
        rows.append(
            {
                "facility_id": f"P{village['village_code']}",
                "name": f"{village['name']} {'村点 point' if is_existing else '候选点 candidate'}",
                "kind": "village_point",
                "status": "existing" if is_existing else "candidate",
                "lock": "free",
                "operator_id": brand if is_existing else "",
                "township_code": village["township_code"],
                "village_code": village["village_code"],
                "lon": village["lon"],
                "lat": village["lat"],
                "capacity_parcels_per_day": max(120.0, _round_up(3.0 * load, 10.0)),
                "capex_cny": 0.0 if is_existing else default_capex_cny("village_point", parameters),
                "annual_cost_cny": round(yearly, 2),
                "closing_cost_cny": 0.0,
                "area_m2": area,
                "host": host if is_existing and host_id else "",
            }
        )
    return rows
