"""Roads of the invented county: least-effort ways over the mesh, bending around hills and crossing at bridges only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra

from geodata.frames import FloatArray
from geodata.reference_settlements import Settlements, to_degrees
from geodata.reference_terrain import IntArray, Terrain

#: Road classes from the county's main road down; the first that uses a stretch names it.
CLASSES = ("trunk", "secondary", "tertiary", "unclassified")
_SURFACE = {"trunk": "asphalt", "secondary": "asphalt", "tertiary": "concrete", "unclassified": "concrete"}
_NAMES = {"trunk": "示例国道", "secondary": "示例县道", "tertiary": "示例乡道", "unclassified": "示例村道"}
#: Effort on a stretch that is already a road: later roads join it.
_JOIN_FACTOR = 0.6
#: Neighbouring villages are linked only if the way is no more effort than this.
_LOCAL_EFFORT_KM = 16.0
_CHUNK = 64
_GRAVEL_SLOPE = 0.14

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class RoadPlan:
    """Road stretches on the mesh.

    Attributes
    ----------
    rank
        Mesh edge (smaller node first) → position in `CLASSES`.
    """

    rank: dict[Stretch, int]


def plan_roads(terrain: Terrain, settlements: Settlements) -> RoadPlan:
    """Return the stretches of all roads: main road, roads between towns, then between neighbouring villages."""
    rank: dict[Stretch, int] = {}
    towns, villages = settlements.town_nodes, settlements.village_nodes
    _add(rank, _routes(terrain, rank, [(towns[0], end) for end in _exits(terrain, towns[0])]), 0)
    _add(rank, _routes(terrain, rank, _neighbours(terrain, rank, towns, np.inf)), 1)
    places = np.unique(np.concatenate([towns, villages]))
    pairs = _neighbours(terrain, rank, places, _LOCAL_EFFORT_KM)
    in_town = set(towns.tolist())
    local = [pair for pair in pairs if not in_town & set(pair)]
    main = [pair for pair in pairs if in_town & set(pair)]
    main_routes = _routes(terrain, rank, main, limit=_LOCAL_EFFORT_KM)
    local_routes = _routes(terrain, rank, local, limit=_LOCAL_EFFORT_KM)
    _add(rank, main_routes, 2)
    _add(rank, local_routes, 3)
    _join_rest(terrain, rank, places)
    return RoadPlan(rank)


def road_table(terrain: Terrain, plan: RoadPlan, settlements: Settlements) -> gpd.GeoDataFrame:
    """Return the roads as lines between junctions, settlements and changes of class, in EPSG:4326."""
    stops = set(settlements.town_nodes.tolist()) | set(settlements.village_nodes.tolist())
    rows = []
    for number, (rank, nodes) in enumerate(_chains(plan.rank, stops)):
        name = CLASSES[rank]
        steep = rank == len(CLASSES) - 1 and _slope(terrain, nodes) > _GRAVEL_SLOPE
        rows.append(
            {
                "road_id": f"R{number + 1:05d}",
                "road_class": name,
                "surface": "gravel" if steep else _SURFACE[name],
                "is_oneway": 0,
                "speed_kmh": np.nan,
                "name": _NAMES[name],
                "geometry": shapely.LineString(to_degrees(_rounded(terrain, nodes))),
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")


def plan_lengths(terrain: Terrain, plan: RoadPlan) -> tuple[IntArray, FloatArray]:
    """Return the stretches as node pairs, and their lengths in km."""
    pairs = np.array(sorted(plan.rank), dtype=np.intp)
    ends = terrain.nodes[pairs]
    return pairs, np.asarray(np.hypot(*(ends[:, 0] - ends[:, 1]).T), dtype=float)


def _weights(terrain: Terrain, rank: dict[Stretch, int]) -> FloatArray:
    is_road = np.array([_key(a, b) in rank for a, b in terrain.edges.tolist()])
    return np.where(is_road, terrain.cost_km * _JOIN_FACTOR, terrain.cost_km)


def _key(a: int, b: int) -> Stretch:
    return (a, b) if a < b else (b, a)


def _exits(terrain: Terrain, seat: int) -> list[int]:
    """Return the border nodes west, east and north-east of the county town where the main road leaves."""
    ways = np.array([[-1.0, 0.0], [1.0, 0.05], [0.45, 0.9]])
    away = (terrain.nodes - terrain.nodes[seat]) @ ways.T
    side = (terrain.nodes - terrain.nodes[seat]) @ np.column_stack([-ways[:, 1], ways[:, 0]]).T
    return [int(node) for node in (away - 0.7 * np.abs(side)).argmax(axis=0)]


def _neighbours(terrain: Terrain, rank: dict[Stretch, int], places: IntArray, limit: float) -> list[Stretch]:
    """Return pairs with no third place nearer to both (relative neighbours), measured in effort along the mesh."""
    graph = terrain.graph(_weights(terrain, rank))
    rows = [
        dijkstra(graph, directed=False, indices=places[start : start + _CHUNK], limit=limit)[:, places]
        for start in range(0, len(places), _CHUNK)
    ]
    effort = np.concatenate(rows)
    pairs: list[Stretch] = []
    for i in range(len(places)):
        between = np.maximum(effort[i][None, :], effort)
        between[:, i] = np.inf
        np.fill_diagonal(between, np.inf)
        nearest = between.min(axis=1)
        found = np.flatnonzero(np.isfinite(effort[i]) & (effort[i] <= nearest))
        pairs.extend((int(places[i]), int(places[j])) for j in found if j > i)
    return pairs


def _routes(
    terrain: Terrain, rank: dict[Stretch, int], pairs: Iterable[Stretch], *, limit: float = np.inf
) -> list[list[int]]:
    """Return the nodes of the least-effort way of each pair, none dearer than `limit`."""
    targets: dict[int, list[int]] = defaultdict(list)
    for start, end in pairs:
        targets[int(start)].append(int(end))
    graph = terrain.graph(_weights(terrain, rank))
    routes: list[list[int]] = []
    sources = sorted(targets)
    for first in range(0, len(sources), _CHUNK):
        chunk = sources[first : first + _CHUNK]
        _, before = dijkstra(graph, directed=False, indices=chunk, return_predecessors=True, limit=limit)
        for row, start in enumerate(chunk):
            routes.extend(_trace(before[row], end) for end in targets[start])
    return routes


def _trace(before: IntArray, end: int) -> list[int]:
    way = [end]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way[::-1]


def _add(rank: dict[Stretch, int], routes: Iterable[list[int]], class_rank: int) -> None:
    for way in routes:
        for a, b in pairwise(way):
            rank.setdefault(_key(a, b), class_rank)


def _join_rest(terrain: Terrain, rank: dict[Stretch, int], places: IntArray) -> None:
    """Link places the roads do not reach yet, nearest first, until one network holds all."""
    while True:
        reached = _reached(rank, int(places[0]))
        rest = [int(p) for p in places if int(p) not in reached]
        if not rest:
            return
        graph = terrain.graph(_weights(terrain, rank))
        effort, before, _ = dijkstra(
            graph, directed=False, indices=sorted(reached), min_only=True, return_predecessors=True
        )
        nearest = min(rest, key=lambda p: (float(effort[p]), p))
        _add(rank, [_trace(before, nearest)], len(CLASSES) - 1)


def _reached(rank: dict[Stretch, int], start: int) -> set[int]:
    beside = _adjacency(rank)
    seen, stack = {start}, [start]
    while stack:
        for node in beside[stack.pop()]:
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return seen


def _adjacency(rank: Iterable[Stretch]) -> dict[int, list[int]]:
    beside: dict[int, list[int]] = defaultdict(list)
    for a, b in sorted(rank):
        beside[a].append(b)
        beside[b].append(a)
    return beside


def _chains(rank: dict[Stretch, int], stops: set[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield (class, nodes) of the pieces between junctions, settlements and changes of class."""
    beside = _adjacency(rank)
    done: set[Stretch] = set()

    def is_end(node: int) -> bool:
        ranks = {rank[_key(node, other)] for other in beside[node]}
        return node in stops or len(beside[node]) != 2 or len(ranks) > 1  # noqa: PLR2004

    def walk(start: int, step: int) -> list[int]:
        way = [start, step]
        done.add(_key(start, step))
        while not is_end(way[-1]):
            ahead = next(n for n in beside[way[-1]] if n != way[-2])
            if _key(way[-1], ahead) in done:
                break
            done.add(_key(way[-1], ahead))
            way.append(ahead)
        return way

    starts = [node for node in sorted(beside) if is_end(node)]
    for node in [*starts, *sorted(set(beside) - set(starts))]:
        for other in beside[node]:
            if _key(node, other) not in done:
                yield rank[_key(node, other)], walk(node, other)


def _slope(terrain: Terrain, nodes: list[int]) -> float:
    places, height = terrain.nodes[nodes], terrain.height_m[nodes]
    length = np.hypot(*(places[1:] - places[:-1]).T).sum()
    return float(np.abs(np.diff(height)).sum() / (1000.0 * length))


def _rounded(terrain: Terrain, nodes: list[int]) -> FloatArray:
    """Round the corners of a piece, but where that would take it across the river."""
    way = terrain.nodes[nodes]
    if len(way) < 3 or shapely.LineString(way).intersects(terrain.river):  # noqa: PLR2004
        return way
    inner = np.empty((2 * (len(way) - 2), 2))
    inner[0::2] = 0.25 * way[:-2] + 0.75 * way[1:-1]
    inner[1::2] = 0.75 * way[1:-1] + 0.25 * way[2:]
    smooth = np.vstack([way[:1], inner, way[-1:]])
    return way if shapely.LineString(smooth).intersects(terrain.river) else smooth
