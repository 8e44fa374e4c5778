"""How trips and coverage are drawn: along the roads where distances come from roads, else straight and as circles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from networks.build import build_road_network
from networks.isochrones import coverage_area
from networks.matrix import TravelMatrix
from networks.plane import geodesic_m
from networks.providers import vehicle_profiles
from networks.road_network import RoadNetwork
from networks.road_travel import ROAD_PROVIDER, edge_minutes
from networks.shortest_paths import EdgePoints, SplitRoads, split_graph, split_roads
from networks.snapping import snap_places
from networks.speeds import SpeedProfile
from planner.routing.result import Route
from scenarios.content import RunContent
from scenarios.outputs.geometry import Position, detour_factor, positions, trip_line
from scenarios.studies.study import Study, StudyLine

#: Half width of the strip that shows a road within reach of a point.
STRIP_M = 250.0
#: Bends smaller than about three metres are left out.
_BEND_DEGREES = 3e-5

#: A leg this much longer than the straight line is still drawn as one.
_STRAIGHT = 1.005

Leg = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Lines of trips and the area within reach.

    Attributes
    ----------
    trips
        Route id → (lon, lat) along the trip; fewer than two places: not drawn.
    coverage
        Area within the standard's distance of an open point; None without one.
    follows_roads
        True if trips follow the fastest way on the roads and the area is made of roads reached.
    legs
        (Vehicle type, (from, to)) → (lon, lat) along the fastest way, of the trips and of the studies' lines.
    """

    trips: Mapping[str, list[Position]]
    coverage: BaseGeometry | None
    follows_roads: bool
    legs: Mapping[tuple[str, Leg], list[Position]]


def draw(content: RunContent) -> Drawing:
    """Make the drawing of a run."""
    county = content.problem.county
    has_roads = county.roads is not None and content.problem.travel["access"].provider == ROAD_PROVIDER
    network = build_road_network(county.roads) if has_roads else None
    routes = content.verified.plan.routing.routes
    places = positions(county.facilities, "facility_id")
    legs = _road_legs(content, network, places) if network is not None else {}
    return Drawing(
        trips={route.route_id: _trip(route, places, legs) for route in routes},
        coverage=_coverage(content, network),
        follows_roads=network is not None,
        legs=legs,
    )


def along_roads(studies: Sequence[Study], drawing: Drawing) -> tuple[Study, ...]:
    """Return the studies with their lines along the roads, where the drawing knows the way."""
    return tuple(replace(s, lines=tuple(_along(line, drawing.legs) for line in s.lines)) for s in studies)


def _along(line: StudyLine, legs: Mapping[tuple[str, Leg], list[Position]]) -> StudyLine:
    if not line.facility_ids or not legs:
        return line
    places = dict(zip(line.facility_ids, line.path, strict=True))
    return replace(line, path=tuple(_way(line.vehicle_type_id, _pairs(line.facility_ids), places, legs)))


def _coverage(content: RunContent, network: RoadNetwork | None) -> BaseGeometry | None:
    problem = content.problem
    facilities = problem.county.facilities
    points = facilities[facilities["facility_id"].isin(set(content.verified.plan.siting.station_of_point))]
    radius_m = problem.standard.access_km * 1000.0
    area = coverage_area(network, points, radius_m, detour_factor(problem), strip_m=STRIP_M)
    return area.geometry.iloc[0] if len(area) else None


def _legs(route: Route) -> list[Leg]:
    return _pairs([route.depot_id, *(stop.facility_id for stop in route.stops), route.depot_id])


def _pairs(ids: Sequence[str]) -> list[Leg]:
    return [(a, b) for a, b in pairwise(ids) if a != b]


def _trip(
    route: Route, places: Mapping[str, Position], legs: Mapping[tuple[str, Leg], list[Position]]
) -> list[Position]:
    """Join the legs of a trip; a leg without a way on the roads is a straight line."""
    return _way(route.vehicle_type_id, _legs(route), places, legs) if legs else trip_line(route, places)


def _way(
    vehicle_type_id: str,
    wanted: Sequence[Leg],
    places: Mapping[str, Position],
    legs: Mapping[tuple[str, Leg], list[Position]],
) -> list[Position]:
    line: list[Position] = []
    for leg in wanted:
        straight = [places[place] for place in leg if place in places]
        part = legs.get((vehicle_type_id, leg), straight)
        line += part[1:] if line and part and part[0] == line[-1] else part
    if len(line) < 2:  # noqa: PLR2004
        return line
    bent = shapely.simplify(shapely.LineString(line), _BEND_DEGREES)
    return [(float(lon), float(lat)) for lon, lat in bent.coords]


def _road_legs(
    content: RunContent, network: RoadNetwork, places: Mapping[str, Position]
) -> dict[tuple[str, Leg], list[Position]]:
    """Return (vehicle type, leg) → (lon, lat) along the fastest way, for every leg that has one."""
    wanted: dict[str, set[Leg]] = defaultdict(set)
    for route in content.verified.plan.routing.routes:
        wanted[route.vehicle_type_id].update(leg for leg in _legs(route) if leg[0] in places and leg[1] in places)
    for line in (line for study in content.studies for line in study.lines):
        own = _pairs(line.facility_ids)
        wanted[line.vehicle_type_id].update(leg for leg in own if leg[0] in places and leg[1] in places)
    out: dict[tuple[str, Leg], list[Position]] = {}
    for profile in vehicle_profiles(content.problem.county):
        matrix = content.problem.travel[profile.profile_id]
        legs = [leg for leg in sorted(wanted.get(profile.profile_id, ())) if not _is_straight(matrix, leg, places)]
        if legs:
            ways = _Ways(content, network, profile, _frame(legs, places))
            out |= {(profile.profile_id, leg): line for leg, line in ways.lines(legs)}
    return out


def _is_straight(matrix: TravelMatrix, leg: Leg, places: Mapping[str, Position]) -> bool:
    """Tell whether a leg is as long as the straight line: near places off the road are joined directly."""
    (start_lon, start_lat), (stop_lon, stop_lat) = places[leg[0]], places[leg[1]]
    ends = (np.array([value]) for value in (start_lon, start_lat, stop_lon, stop_lat))
    return matrix.metres_between(*leg) <= float(geodesic_m(*ends)[0]) * _STRAIGHT


def _frame(legs: Iterable[Leg], places: Mapping[str, Position]) -> pd.DataFrame:
    ids = sorted({place for leg in legs for place in leg})
    return pd.DataFrame(
        {"place_id": ids, "lon": [places[i][0] for i in ids], "lat": [places[i][1] for i in ids]},
    )


class _Ways:
    """Fastest ways of one vehicle type between its places, as lines."""

    def __init__(self, content: RunContent, network: RoadNetwork, profile: SpeedProfile, frame: pd.DataFrame) -> None:
        minutes = edge_minutes(network, profile, content.problem.county.parameters)
        snaps = snap_places(network, frame, is_usable=np.isfinite(minutes), ignores_oneway=profile.ignores_oneway)
        snaps = snaps[snaps["edge"] >= 0]
        points = EdgePoints(snaps["edge"].to_numpy(dtype=np.int64), snaps["offset_m"].to_numpy(dtype=float))
        self._network = network
        self._split = split_roads(network, points)
        graph = split_graph(network, self._split, minutes, ignores_oneway=profile.ignores_oneway)
        count = graph.node_count
        self._graph = csr_array((graph.minutes, graph.head, graph.first), shape=(count, count))
        self._part = _fastest_parts(self._split, minutes / network.edges["length_m"].to_numpy(dtype=float))
        self._node = dict(zip(snaps["place_id"], self._split.point_node.tolist(), strict=True))
        self._place = {i: (lon, lat) for i, lon, lat in frame.itertuples(index=False)}

    def lines(self, legs: Sequence[Leg]) -> list[tuple[Leg, list[Position]]]:
        """Return the line of every leg that has a way."""
        by_origin: dict[str, list[str]] = defaultdict(list)
        for origin, destination in legs:
            if origin in self._node and destination in self._node:
                by_origin[origin].append(destination)
        out = []
        for origin, destinations in by_origin.items():
            _, previous = dijkstra(self._graph, indices=self._node[origin], return_predecessors=True)
            for destination in destinations:
                line = self._line(previous, origin, destination)
                if line:
                    out.append(((origin, destination), line))
        return out

    def _line(self, previous: npt.NDArray[np.int32], origin: str, destination: str) -> list[Position]:
        start, node = self._node[origin], self._node[destination]
        nodes = [node]
        while node != start:
            node = int(previous[node])
            if node < 0:
                return []
            nodes.append(node)
        nodes.reverse()
        line = [self._place[origin]]
        for tail, head in pairwise(nodes):
            line += self._stretch(tail, head)
        return [*line, self._place[destination]]

    def _stretch(self, tail: int, head: int) -> list[Position]:
        """Return the vertices of the road from node to neighbouring node, in the direction driven."""
        part = self._part[min(tail, head), max(tail, head)]
        split, network = self._split, self._network
        edge, start, stop = int(split.edge[part]), float(split.start_m[part]), float(split.stop_m[part])
        rows = slice(int(network.edge_first_vertex[edge]), int(network.edge_first_vertex[edge + 1]))
        offsets = network.vertex_offset_m[rows]
        at = np.concatenate([[start], offsets[(offsets > start) & (offsets < stop)], [stop]])
        lon, lat = np.interp(at, offsets, network.vertex_lon[rows]), np.interp(at, offsets, network.vertex_lat[rows])
        line = list(zip(lon.tolist(), lat.tolist(), strict=True))
        return line if int(split.tail[part]) == tail else line[::-1]


def _fastest_parts(split: SplitRoads, minutes_per_m: npt.NDArray[np.float64]) -> dict[tuple[int, int], int]:
    """Return (lower node, higher node) → fastest part between them."""
    minutes = (split.stop_m - split.start_m) * minutes_per_m[split.edge]
    low, high = np.minimum(split.tail, split.head), np.maximum(split.tail, split.head)
    order = np.argsort(-minutes, kind="stable")
    return {(int(low[i]), int(high[i])): int(i) for i in order if np.isfinite(minutes[i])}
