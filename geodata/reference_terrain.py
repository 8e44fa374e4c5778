"""Land of the invented county: outline, hills, a river with few bridges, and the mesh its roads may follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from geodata.frames import FloatArray

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Land for each township: 1,566 km² over 18 townships.
KM2_PER_TOWNSHIP = 87.0
CELL_KM = 0.35
_JITTER = 0.26
_STRETCH = 1.15
_BASE_M = 140.0
_VALLEY_KM = 2.2
_KM2_PER_HILL = 9.0
_TOWNSHIPS_PER_BRIDGE = 3
_STEEP = 0.07
_MAX_CLIMB_FACTOR = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Terrain:
    """Land in kilometres east and north of the county's middle.

    Attributes
    ----------
    outline
        Polygon of the county.
    river
        Line of the river, longer than the county.
    bridges
        Places of the bridges on the river, shape (k, 2).
    nodes
        Mesh nodes inside the outline, shape (n, 2).
    height_m
        Height of each node.
    edges
        Node pairs, shape (m, 2); they cross the river only at bridges and never each other.
    cost_km
        Effort of each edge: its length, dearer the steeper it is.
    """

    outline: shapely.Polygon
    river: shapely.LineString
    bridges: FloatArray
    nodes: FloatArray
    height_m: FloatArray
    edges: IntArray
    cost_km: FloatArray

    @property
    def river_km(self) -> FloatArray:
        """Distance of each node to the river."""
        return np.asarray(shapely.distance(shapely.points(self.nodes), self.river), dtype=float)

    def length_km(self) -> FloatArray:
        """Length of each edge."""
        ends = self.nodes[self.edges]
        return np.asarray(np.hypot(*(ends[:, 0] - ends[:, 1]).T), dtype=float)

    def graph(self, weights: FloatArray) -> csr_matrix:
        """Return the mesh as an undirected sparse graph with `weights` on its edges."""
        count = len(self.nodes)
        return coo_matrix((weights, (self.edges[:, 0], self.edges[:, 1])), shape=(count, count)).tocsr()

    def nearest(self, place: FloatArray) -> int:
        """Return the node nearest to a place."""
        return int(((self.nodes - place) ** 2).sum(axis=1).argmin())


def make_terrain(townships: int, seed: int) -> Terrain:
    """Return the land of a county of so many townships; the same seed gives the same land."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    outline = _outline(townships, rng)
    river = _river(outline, rng)
    grid, pairs = _mesh(outline, rng)
    height = _heights(grid, outline, river, rng)
    bridges, kept = _bridge_edges(grid, pairs, river, outline, townships)
    return _connected(Terrain(outline, river, bridges, grid, height, kept, _effort(grid, kept, height)))


def _outline(townships: int, rng: np.random.Generator) -> shapely.Polygon:
    """Wavy oval of exactly the wanted area."""
    angle = np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False)
    radius = np.ones_like(angle)
    for waves, amplitude in ((2, 0.08), (3, 0.06), (5, 0.04), (9, 0.02)):
        radius += amplitude * np.sin(waves * angle + rng.uniform(0.0, 2.0 * np.pi))
    raw = np.column_stack([_STRETCH * radius * np.cos(angle), radius * np.sin(angle) / _STRETCH])
    scale = np.sqrt(townships * KM2_PER_TOWNSHIP / shapely.Polygon(raw).area)
    return shapely.Polygon(raw * scale)


def _river(outline: shapely.Polygon, rng: np.random.Generator) -> shapely.LineString:
    """Winding line from west to east through the middle."""
    west, south, east, north = outline.bounds
    along = np.linspace(-0.62, 0.62, 260)
    bend = np.zeros_like(along)
    for waves, amplitude in ((0.8, 0.10), (2.1, 0.045), (5.3, 0.014)):
        bend += amplitude * np.sin(2.0 * np.pi * waves * along + rng.uniform(0.0, 2.0 * np.pi))
    bend -= np.interp(0.0, along, bend)
    return shapely.LineString(np.column_stack([along * (east - west), bend * (north - south)]))


def _mesh(outline: shapely.Polygon, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Shaken square grid with one diagonal a cell, cut to the outline."""
    west, south, east, north = outline.bounds
    xs, ys = np.arange(west, east + CELL_KM, CELL_KM), np.arange(south, north + CELL_KM, CELL_KM)
    nx, ny = len(xs), len(ys)
    grid = np.column_stack([np.tile(xs, ny), np.repeat(ys, nx)])
    grid = grid + rng.uniform(-_JITTER * CELL_KM, _JITTER * CELL_KM, size=grid.shape)
    index = np.arange(nx * ny).reshape(ny, nx)
    rising = rng.random((ny - 1, nx - 1)) < 0.5  # noqa: PLR2004
    diagonal = np.where(
        rising[..., None],
        np.stack([index[:-1, :-1], index[1:, 1:]], axis=-1),
        np.stack([index[:-1, 1:], index[1:, :-1]], axis=-1),
    )
    across = np.stack([index[:, :-1], index[:, 1:]], axis=-1)
    upward = np.stack([index[:-1, :], index[1:, :]], axis=-1)
    pairs = np.concatenate([part.reshape(-1, 2) for part in (across, upward, diagonal)])
    inside = np.asarray(shapely.contains_xy(outline, grid[:, 0], grid[:, 1]))
    return _subset(grid, pairs, inside)


def _subset(grid: FloatArray, pairs: IntArray, keep: BoolArray) -> tuple[FloatArray, IntArray]:
    number = np.cumsum(keep) - 1
    kept = pairs[keep[pairs].all(axis=1)]
    return grid[keep], np.asarray(number[kept], dtype=np.intp)


def _heights(
    grid: FloatArray, outline: shapely.Polygon, river: shapely.LineString, rng: np.random.Generator
) -> FloatArray:
    """Bell-shaped hills everywhere, flattened along the river and its side valleys."""
    west, south, east, north = outline.bounds
    count = max(6, round(outline.area / _KM2_PER_HILL))
    tops = rng.uniform((west, south), (east, north), size=(count, 2))
    size_km, rise_m = rng.uniform(1.2, 3.2, count), rng.uniform(120.0, 420.0, count)
    height = np.zeros(len(grid))
    for top, size, rise in zip(tops, size_km, rise_m, strict=True):
        height += rise * np.exp(-((grid - top) ** 2).sum(axis=1) / (2.0 * size**2))
    distance = shapely.distance(shapely.points(grid), river)
    flat = 1.0 - np.exp(-((np.asarray(distance) / _VALLEY_KM) ** 2))
    return np.asarray(_BASE_M + flat * height, dtype=float)


def _bridge_edges(
    grid: FloatArray, pairs: IntArray, river: shapely.LineString, outline: shapely.Polygon, townships: int
) -> tuple[FloatArray, IntArray]:
    """Drop the edges that cross the river, but for the one nearest to each bridge."""
    lines = shapely.linestrings(grid[pairs])
    crosses = np.asarray(shapely.intersects(lines, river))
    crossing = np.flatnonzero(crosses)
    places = np.array([shapely.get_coordinates(shapely.intersection(lines[i], river))[0] for i in crossing])
    single = np.array([len(shapely.get_coordinates(shapely.intersection(lines[i], river))) == 1 for i in crossing])
    inner = shapely.intersection(river, outline.buffer(-1.0))
    wanted = shapely.get_coordinates(
        shapely.line_interpolate_point(_longest(inner), _spread(townships), normalized=True)
    )
    gaps = ((places[:, None, :] - wanted[None, :, :]) ** 2).sum(axis=2) + np.where(single, 0.0, 1e6)[:, None]
    chosen = np.unique(gaps.argmin(axis=0))
    keep = ~crosses
    keep[crossing[chosen]] = True
    return places[chosen], pairs[keep]


def _longest(line: shapely.Geometry) -> shapely.LineString:
    return max(shapely.get_parts(line), key=lambda part: part.length)


def _spread(townships: int) -> FloatArray:
    """Shares of the river's length at which bridges stand; one is in the middle, near the county town."""
    count = max(3, round(townships / _TOWNSHIPS_PER_BRIDGE)) // 2 * 2 + 1
    return np.linspace(0.06, 0.94, count)


def _effort(grid: FloatArray, pairs: IntArray, height: FloatArray) -> FloatArray:
    length = np.hypot(*(grid[pairs[:, 0]] - grid[pairs[:, 1]]).T)
    slope = np.abs(height[pairs[:, 0]] - height[pairs[:, 1]]) / (1000.0 * length)
    return np.asarray(length * np.minimum(1.0 + (slope / _STEEP) ** 2, _MAX_CLIMB_FACTOR), dtype=float)


def _connected(terrain: Terrain) -> Terrain:
    """Keep the largest connected part of the mesh."""
    _, part = connected_components(terrain.graph(terrain.cost_km), directed=False)
    keep = part == np.bincount(part).argmax()
    on = keep[terrain.edges].all(axis=1)
    nodes, edges = _subset(terrain.nodes, terrain.edges, keep)
    return Terrain(
        terrain.outline, terrain.river, terrain.bridges, nodes, terrain.height_m[keep], edges, terrain.cost_km[on]
    )
