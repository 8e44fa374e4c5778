"""A run built by hand: small county, simple rule for sites and rounds, no planner needed.

Village i of township t is called 村t-i. The first village of a township has the station; every second village has a point;
its neighbour goes there. The last village of the county has no place, the one before it nothing in reach.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Polygon, box

from geodata.county import TABLE_COLUMNS, County, Provenance, empty_table
from geodata.messages import Lang, Message
from geodata.parameters import default_parameters
from networks.matrix import TravelMatrix
from planner.plan import CostLine, Kpi, KpiSet, Plan, PlanProblem, VerifiedPlan
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.routing.result import Route, RouteTier, RoutingResult, Stop
from planner.siting.result import SitingResult, Unserved
from scenarios.content import RunContent

WEST, SOUTH = 109.6, 27.6
DETOUR = 1.3
#: Texts that must reach a page only as text.
HOSTILE = (
    "{{7*7}}",
    "{% import os %}",
    "<img src=x onerror=\"document.title='hacked'\">",
    "`${document.title='hacked'}`",
    "</script><script>document.title='hacked'</script>",
    "=1+1",
    "张家湾&<b>\u2028李",
)


@dataclass(frozen=True)
class Size:
    townships: int = 2
    villages: int = 6
    has_travel: bool = True


def frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    if not rows:
        return empty_table(table)
    return pd.DataFrame(rows).reindex(columns=list(TABLE_COLUMNS[table]))


def place(township: int, village: int, size: Size) -> tuple[float, float]:
    """Return a place on a jittered ring around the township's seat; seats stand on a grid."""
    columns = max(1, math.ceil(math.sqrt(size.townships)))
    seat = (WEST + 0.12 * (township % columns) + 0.06, SOUTH + 0.1 * (township // columns) + 0.05)
    if village == 0:
        return seat
    angle = 2.399963 * village
    radius = 0.042 * math.sqrt(village / size.villages)
    return seat[0] + radius * math.cos(angle) * 1.1, seat[1] + radius * math.sin(angle)


def village_rows(size: Size, names: dict[int, str]) -> list[dict[str, Any]]:
    rows = []
    total = size.townships * size.villages
    for t in range(size.townships):
        for v in range(size.villages):
            i = t * size.villages + v
            lon, lat = place(t, v, size)
            rows.append(
                {
                    "village_code": f"{990000001 + t:09d}{v:03d}",
                    "name": names.get(i, f"村{t + 1}-{v + 1}"),
                    "township_code": f"{990000001 + t:09d}",
                    "population": 800 + 37 * (i % 29),
                    "lon": lon if i < total - 1 else math.nan,
                    "lat": lat if i < total - 1 else math.nan,
                    "urban_rural_code": "220",
                    "location_note": "",
                }
            )
    return rows


def facility(kind: str, facility_id: str, village: dict[str, Any], **more: Any) -> dict[str, Any]:
    costs = {"county_centre": (900000, 400000), "township_station": (80000, 60000), "village_point": (8000, 6000)}[kind]
    words = {"county_centre": "共配中心", "township_station": "综合服务站", "village_point": "村级服务点"}[kind]
    return {
        "facility_id": facility_id,
        "name": f"{village['name']}{words}",
        "kind": kind,
        "status": "candidate",
        "lock": "free",
        "operator_id": "post",
        "township_code": village["township_code"],
        "village_code": village["village_code"],
        "lon": village["lon"],
        "lat": village["lat"],
        "capacity_parcels_per_day": {"county_centre": 20000, "township_station": 3000, "village_point": 200}[kind],
        "capex_cny": costs[0],
        "annual_cost_cny": costs[1],
        "closing_cost_cny": 1000.0,
        "area_m2": math.nan,
        "host": "村委会" if kind == "village_point" else "",
    } | more


def facility_rows(size: Size, villages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [facility("county_centre", "C1", villages[0], status="existing")]
    for t in range(size.townships):
        first = villages[t * size.villages]
        rows.append(facility("township_station", f"S{t:04d}", first, status="existing" if t % 2 == 0 else "candidate"))
        for v in range(0, size.villages, 2):
            village = villages[t * size.villages + v]
            status = "existing" if v % 4 == 0 else "candidate"
            rows.append(facility("village_point", f"P{t:04d}-{v:04d}", village, status=status))
    rows.append(facility("village_point", "X-closed", villages[1], status="existing"))
    rows.append(facility("village_point", "X-unused", villages[3]))
    return rows


def travel(places: dict[str, tuple[float, float]]) -> TravelMatrix:
    ids = tuple(places)
    xy = np.array([places[i] for i in ids]).reshape(-1, 2) * np.array([111.195 * math.cos(math.radians(27.7)), 111.195])
    km = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1)) * DETOUR
    return TravelMatrix(ids, ids, km * 2.0, km * 1000.0, "any", "straight line", DETOUR)


def make_county(size: Size, names: dict[int, str]) -> County:
    villages = village_rows(size, names)
    seats = [villages[t * size.villages] for t in range(size.townships)]
    columns = max(1, math.ceil(math.sqrt(size.townships)))
    cells = [
        box(
            WEST + 0.12 * (t % columns),
            SOUTH + 0.1 * (t // columns),
            WEST + 0.12 * (t % columns + 1),
            SOUTH + 0.1 * (t // columns + 1),
        )
        for t in range(size.townships)
    ]
    outline = gpd.GeoSeries(cells).union_all()
    rows = math.ceil(size.townships / columns)
    river = LineString(
        [(WEST + 0.12 * columns * k / 20, SOUTH + 0.05 * rows * (1 + 0.5 * math.sin(k / 2))) for k in range(21)]
    )
    roads = [
        (
            "primary",
            LineString(
                [(s["lon"], s["lat"]) for s in seats]
                if size.townships > 1
                else [(WEST, SOUTH), (WEST + 0.1, SOUTH + 0.1)]
            ),
        ),
        *(
            ("unclassified", LineString([place(t, 0, size), place(t, v, size)]))
            for t in range(size.townships)
            for v in range(1, min(4, size.villages))
        ),
    ]
    invented = Provenance("xiangyou reference county", "CC0-1.0", "", "2025", "WGS84", "invented")
    osm = Provenance("OpenStreetMap extract <b>", "ODbL 1.0", "© OpenStreetMap contributors", "2024", "WGS84", "real")
    empty = {name: empty_table(name) for name in TABLE_COLUMNS}
    tables = empty | {
        "villages": frame("villages", villages),
        "townships": frame(
            "townships",
            [
                {
                    "township_code": s["township_code"],
                    "name": f"第{t + 1}镇",
                    "population": 9000,
                    "lon": s["lon"],
                    "lat": s["lat"],
                }
                for t, s in enumerate(seats)
            ],
        ),
        "facilities": frame("facilities", facility_rows(size, villages)),
        "operators": frame("operators", [{"operator_id": "post", "name": "邮政", "kind": "post", "parcel_share": 1.0}]),
        "demand": frame(
            "demand",
            [
                {
                    "village_code": v["village_code"],
                    "operator_id": "post",
                    "inbound_parcels_per_day": 30.0,
                    "outbound_parcels_per_day": 6.0,
                }
                for v in villages
            ],
        ),
        "vehicles": frame(
            "vehicles", [vehicle("truck", "county_township", 1500, 16), vehicle("van", "township_village", 800, 4.5)]
        ),
        "bus_lines": frame(
            "bus_lines", [{"line_id": "B1", "name": "城乡1路", "operator_id": "bus", "spare_parcels_per_departure": 60}]
        ),
        "bus_stops": frame(
            "bus_stops",
            [
                {
                    "line_id": "B1",
                    "stop_sequence": i + 1,
                    "name": s["name"],
                    "lon": s["lon"],
                    "lat": s["lat"],
                    "minutes_from_start": 20 * i,
                    "village_code": s["village_code"],
                }
                for i, s in enumerate(seats)
            ],
        ),
    }
    return County(
        county_code="990000",
        name="样例县",
        village_list_id="villages 990000@2025",
        village_list_date="2025",
        **tables,
        roads=gpd.GeoDataFrame(
            {
                "road_class": [c for c, _ in roads],
                "surface": "asphalt",
                "is_oneway": 0,
                "speed_kmh": math.nan,
                "name": "",
                "geometry": [g for _, g in roads],
            },
            crs=4326,
        ),
        boundary=gpd.GeoDataFrame(
            {
                "level": ["county", *["township"] * size.townships],
                "code": ["990000", *[s["township_code"] for s in seats]],
                "name": ["样例县", *[f"第{t + 1}镇" for t in range(size.townships)]],
                "geometry": [outline, *cells],
            },
            crs=4326,
        ),
        water=gpd.GeoDataFrame(
            {"name": ["清水河", "水库"], "geometry": [river, Polygon(river.interpolate(0.05).buffer(0.008).exterior)]},
            crs=4326,
        ),
        parameters=default_parameters(),
        provenance={
            "villages": invented,
            "demand": replace(invented, kind="assumed"),
            "facilities": invented,
            "roads": osm,
        },
        assumptions=(Message("bad_key_without_text", {}),) if names else (),
        is_invented=True,
    )


def vehicle(vehicle_type_id: str, tier: str, payload_kg: float, volume_m3: float) -> dict[str, Any]:
    return {
        "vehicle_type_id": vehicle_type_id,
        "name": {"truck": "4.2米厢货", "van": "微面"}[vehicle_type_id],
        "tier": tier,
        "payload_kg": payload_kg,
        "volume_m3": volume_m3,
        "fixed_cny_per_day": 60.0,
        "wear_cny_per_km": 0.3,
        "energy_kind": "diesel",
        "energy_per_km": 0.12,
        "shift_h": 8.0,
    }


def make_plan(size: Size, county: County) -> Plan:
    codes = county.villages["village_code"].tolist()
    point_of_village, station_of_point, unserved = {}, {}, []
    for t in range(size.townships):
        for v in range(size.villages):
            i, point = t * size.villages + v, f"P{t:04d}-{v - v % 2:04d}"
            if i >= len(codes) - 2:
                reason = "no_location" if i == len(codes) - 1 else "no_site_in_reach"
                unserved.append(
                    Unserved(codes[i], reason, {"km": 9.3, "allocation_km": 8.0, "nearest_km": 9.3, "limit_km": 8.0})
                )  # type: ignore[arg-type]
            else:
                point_of_village[codes[i]] = point
                station_of_point[point] = f"S{t:04d}"
    centre_of_station = {f"S{t:04d}": "C1" for t in range(size.townships)}
    existing = county.facilities[county.facilities["status"] == "existing"]["facility_id"]
    report = SolveReport("feasible", 1000.0, 990.0, "HiGHS 1.11", 1, {"node_limit": 20000.0})
    open_ids = {*station_of_point, *centre_of_station, "C1"}
    siting = SitingResult(
        open_ids=tuple(sorted(open_ids)),
        closed_ids=tuple(sorted(set(existing) - open_ids)),
        point_of_village=point_of_village,
        station_of_point=station_of_point,
        centre_of_station=centre_of_station,
        unserved=tuple(unserved),
        report=report,
    )
    routes = [trip("T1", "county_township", "C1", "truck", list(centre_of_station))]
    for station in centre_of_station:
        points = [p for p, s in station_of_point.items() if s == station]
        chunks = [points[n : n + 6] for n in range(0, len(points), 6)]
        routes += [trip(f"{station}-{n + 1:02d}", "township_village", station, "van", c) for n, c in enumerate(chunks)]
    routing_report = SolveReport("optimal", 500.0, 500.0, "OR-Tools 9.14", 1)
    routing = RoutingResult(
        tuple(routes), dict.fromkeys(("C1", *centre_of_station), routing_report), routing_report, {}
    )
    return Plan(siting, routing)


def trip(route_id: str, tier: RouteTier, depot: str, vehicle_type_id: str, stops: list[str]) -> Route:
    visits = tuple(Stop(s, 42.0, 8.4) for s in stops)
    return Route(route_id, tier, depot, vehicle_type_id, 1, 7 if tier == "county_township" else 5, visits)


def make_content(
    lang: Lang = "zh", size: Size | None = None, names: dict[int, str] | None = None, title: str = ""
) -> RunContent:
    """Return a run of a hand-made county; `names` replaces village names by position."""
    size = size or Size()
    county = make_county(size, names or {})
    places = {}
    if size.has_travel:
        for table, key in ((county.villages, "village_code"), (county.facilities, "facility_id")):
            placed = table[table["lon"].notna()]
            places |= {str(i): (x, y) for i, x, y in zip(placed[key], placed["lon"], placed["lat"], strict=True)}
    matrix = travel(places)
    problem = PlanProblem(
        county,
        {"access": matrix, "truck": matrix, "van": matrix},
        ServiceStandard(),
        SitingSettings(),
        RoutingSettings(),
    )
    plan = make_plan(size, county)
    costs = (
        CostLine("county_centre", "site", 1095.9),
        CostLine("county_centre", "handling", 54.0),
        CostLine("township_station", "site", 350.0),
        CostLine("village_point", "site", 110.0),
        CostLine("village_point", "closing", 0.4),
        CostLine("county_township", "transport", 90.0),
        CostLine("township_village", "transport", 140.0),
    )
    served, total = len(plan.siting.point_of_village), len(county.villages)
    list_id = county.village_list_id
    kpis = KpiSet(
        (
            Kpi("K1", "total", served / total, "share", served, total, list_id),
            Kpi("K3", "total", 1.0, "share", size.townships, size.townships, "townships 990000@2025"),
            Kpi("K4", "total", 0.5, "share", total / 2, total, list_id),
            Kpi("K6", "within_3_km", 0.93, "share", 9300, 10000, list_id),
            Kpi("K7", "mean", 1.42, "km", 14200, 10000, list_id),
            Kpi("K13", "total", 1840.3 / (36 * served), "cny_per_parcel", 1840.3, 36.0 * served, list_id),
            Kpi("K19", "total", 0.2, "ratio", 6.0, 30.0, list_id),
        )
    )
    verified = VerifiedPlan(plan, costs, sum(c.cny_per_day for c in costs), 250000.0, kpis)
    return RunContent(
        run_name="reference",
        run_hash="0a1b2c3d",
        title=title or ("样例县三级寄递物流规划" if lang == "zh" else "Sample county plan"),
        lang=lang,
        problem=problem,
        verified=verified,
        resolved={"standard.access_km": (3.0, "default"), "siting.keep_existing": (False, "scenario reference")},
        version="0.1.0",
    )
