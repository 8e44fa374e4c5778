"""Bus lines, fleet and produce of the invented county."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from geodata.default_vehicles import default_vehicles
from geodata.frames import canonical_frame
from geodata.parameters import Parameters
from geodata.reference_roads import RoadPlan, plan_lengths
from geodata.reference_settlements import Settlements, to_degrees
from geodata.reference_terrain import IntArray, Terrain

_BUS_KMH = 28.0
_STOP_MIN = 1.0
#: People on board, mean over the ride.
_PASSENGERS = 12.0
#: Vehicles of each type for every township, rounded up.
_FLEET = {"box_truck": 0.7, "minivan": 3.0, "tricycle": 2.0}
_DEPARTURES = {
    "outbound": ("06:50", "09:30", "13:20", "16:10"),
    "inbound": ("08:10", "10:50", "14:40", "17:30"),
}
PRODUCT = "柑橘 oranges"
#: Kilograms a resident and day in season, in the villages of the market town.
_PRODUCE_KG = 0.35


def make_vehicles(townships: int, parameters: Parameters) -> pd.DataFrame:
    """Return the default types in numbers that grow with the county."""
    vehicles = default_vehicles(parameters)
    counts = [float(np.ceil(_FLEET[type_id] * townships)) + 1.0 for type_id in vehicles["vehicle_type_id"]]
    return vehicles.assign(vehicle_count=counts)


def market_town(townships: pd.DataFrame) -> str:
    """Return the code of the market town: the largest township after the county town's."""
    others = townships.iloc[1:] if len(townships) > 1 else townships
    return str(others.sort_values(["population", "township_code"], ascending=[False, True])["township_code"].iloc[0])


def make_produce(villages: pd.DataFrame, market_code: str) -> pd.DataFrame:
    """Return the oranges of the market town's villages, October to December."""
    growing = villages[villages["township_code"] == market_code]
    rows = [
        {
            "village_code": village["village_code"],
            "product": PRODUCT,
            "first_month": 10,
            "last_month": 12,
            "kg_per_day": round(_PRODUCE_KG * village["population"], 1),
            "temperature_class": "ambient",
        }
        for village in growing.to_dict("records")
    ]
    return canonical_frame(rows, "produce")


def make_buses(
    terrain: Terrain, settlements: Settlements, plan: RoadPlan, parameters: Parameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return lines, stops and departures of two bus lines from the county town to the farthest towns, west and east."""
    ways = _ways(terrain, settlements, plan)
    lines: list[dict[str, object]] = []
    stops: list[dict[str, object]] = []
    departures: list[dict[str, object]] = []
    for number, (town, way) in enumerate(ways, start=1):
        line = f"L{number}"
        lines.append(
            {
                "line_id": line,
                "name": f"{settlements.townships['name'].iloc[0]}—{settlements.townships['name'].iloc[town]}",
                "operator_id": "",
                "spare_parcels_per_departure": parameters["bus_spare_parcels_per_departure"],
            }
        )
        stops.extend(_stops(terrain, settlements, line, way))
        departures.extend(
            {
                "line_id": line,
                "direction": direction,
                "departure_time": time,
                "days": "1234567",
                "passengers": _PASSENGERS,
            }
            for direction, times in _DEPARTURES.items()
            for time in times[: 5 - number]
        )
    return (
        canonical_frame(lines, "bus_lines"),
        canonical_frame(stops, "bus_stops"),
        canonical_frame(departures, "bus_departures"),
    )


def _ways(terrain: Terrain, settlements: Settlements, plan: RoadPlan) -> list[tuple[int, list[int]]]:
    """Return (town, nodes of the shortest way) for the farthest town by road on each side of the county town."""
    pairs, length = plan_lengths(terrain, plan)
    count = len(terrain.nodes)
    graph = coo_matrix((length, (pairs[:, 0], pairs[:, 1])), shape=(count, count)).tocsr()
    seat = int(settlements.town_nodes[0])
    km, before = dijkstra(graph, directed=False, indices=seat, return_predecessors=True)
    towns = np.arange(1, len(settlements.town_nodes))
    east = terrain.nodes[settlements.town_nodes[towns], 0] > terrain.nodes[seat, 0]
    by_side = [side for side in (towns[~east], towns[east]) if len(side)]
    if len(by_side) == 1 and len(towns) > 1:
        far = towns[np.argsort(-km[settlements.town_nodes[towns]], kind="stable")]
        by_side = [far[:1], far[1:2]]
    ends = [int(side[km[settlements.town_nodes[side]].argmax()]) for side in by_side]
    return [(town, _way(before, int(settlements.town_nodes[town]))) for town in ends]


def _way(before: IntArray, end: int) -> list[int]:
    way = [end]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way[::-1]


def _stops(terrain: Terrain, settlements: Settlements, line: str, way: Sequence[int]) -> list[dict[str, object]]:
    """Return a stop at every village the way passes."""
    village_at = {int(node): row for row, node in enumerate(settlements.village_nodes)}
    places = terrain.nodes[list(way)]
    km = np.concatenate([[0.0], np.cumsum(np.hypot(*(places[1:] - places[:-1]).T))])
    rows: list[dict[str, object]] = []
    for node, along in zip(way, km, strict=True):
        if node not in village_at:
            continue
        village = settlements.villages.iloc[village_at[node]]
        lon, lat = to_degrees(terrain.nodes[node])[0]
        rows.append(
            {
                "line_id": line,
                "stop_sequence": len(rows) + 1,
                "name": village["name"],
                "lon": lon,
                "lat": lat,
                "minutes_from_start": float(round(60.0 * along / _BUS_KMH + _STOP_MIN * len(rows))),
                "village_code": village["village_code"],
            }
        )
    return rows
