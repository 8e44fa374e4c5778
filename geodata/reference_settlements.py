"""Towns, villages and hamlets of the invented county: where they lie and how many people live there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.frames import FloatArray, canonical_frame
from geodata.reference_names import hamlet_name, town_names, village_names
from geodata.reference_terrain import IntArray, Terrain

COUNTY_CODE = "990001"
#: Middle of the invented county in degrees.
LON0, LAT0 = 109.0, 27.0
_KM_PER_DEGREE = 6371.0088 * np.pi / 180.0
#: People of the county town's township, for each township of the county (131,467 of 18), and mean people of the others.
_SEAT_PEOPLE_PER_TOWNSHIP = 7300.0
_TOWN_PEOPLE, _TOWN_LOW, _TOWN_HIGH = 10_700.0, 5800.0, 22_000.0
_TOWN_SPREAD = 0.38
_VILLAGE_SPREAD = 0.33
#: Villages that are quarters of the county town, as a share of all, and their weight in its population.
_QUARTER_SHARE = 0.07
_QUARTER_RADIUS_KM = 2.4
_SEAT_PULL = 1.3
_TOWN_SHARE = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Settlements:
    """Settlements in tables, and the mesh nodes they lie at.

    Attributes
    ----------
    townships, villages, hamlets
        County tables; the first township is that of the county town.
    town_nodes, village_nodes
        Mesh node of each row of `townships` and `villages`.
    """

    townships: pd.DataFrame
    villages: pd.DataFrame
    hamlets: pd.DataFrame
    town_nodes: IntArray
    village_nodes: IntArray


def to_degrees(places_km: npt.ArrayLike) -> FloatArray:
    """Return longitude and latitude, rounded to a decimetre, of kilometres east and north of the middle."""
    xy = np.asarray(places_km, dtype=float).reshape(-1, 2)
    lon = LON0 + xy[:, 0] / (_KM_PER_DEGREE * np.cos(np.radians(LAT0)))
    return np.round(np.column_stack([lon, LAT0 + xy[:, 1] / _KM_PER_DEGREE]), 6)


def make_settlements(terrain: Terrain, townships: int, villages: int, seed: int) -> Settlements:
    """Return towns, villages and hamlets; the same seed gives the same ones."""
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    towns = _town_nodes(terrain, townships, rng)
    quarters = _quarter_nodes(terrain, towns, villages, rng)
    own = np.concatenate([towns, quarters])
    rural = _village_nodes(terrain, own, villages - len(own), rng)
    nodes = np.concatenate([own, rural])
    town_of = _town_of(terrain, towns, quarters, rural)
    is_core = np.arange(villages) < len(own)
    people = _town_people(townships, rng)
    residents = _village_people(people, town_of, is_core, rng)
    town_table = _town_table(terrain, towns, people, rng)
    village_table = _village_table(terrain, town_table, nodes, town_of, len(quarters), residents, rng)
    order = np.argsort(village_table["village_code"].to_numpy(), kind="stable")
    village_table = village_table.iloc[order].reset_index(drop=True)
    hamlets = _hamlet_table(terrain, village_table, nodes[order], is_core[order], rng)
    return Settlements(town_table, village_table, hamlets, towns, nodes[order])


def _town_nodes(terrain: Terrain, count: int, rng: np.random.Generator) -> IntArray:
    """County town near the middle bridge; the others far apart, low, and not on the border."""
    middle = terrain.bridges[len(terrain.bridges) // 2]
    river_km = terrain.river_km
    seat = int(np.abs(np.hypot(*(terrain.nodes - middle).T) - 1.0).argmin())
    inner = shapely.contains_xy(terrain.outline.buffer(-1.8), terrain.nodes[:, 0], terrain.nodes[:, 1])
    pool = np.flatnonzero(np.asarray(inner) & (river_km > CLEAR_KM))
    spacing = 0.82 * np.sqrt(terrain.outline.area / count)
    chosen = [seat]
    while len(chosen) < count:
        drawn = rng.choice(pool, size=min(80, len(pool)), replace=False)
        gaps = terrain.nodes[drawn][:, None, :] - terrain.nodes[chosen][None, :, :]
        score = np.minimum(np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1), spacing) - terrain.height_m[drawn] / 150.0
        chosen.append(int(drawn[score.argmax()]))
    return np.array(chosen, dtype=np.intp)


#: Settlements keep this far from the river.
CLEAR_KM = 0.2


def _quarter_nodes(terrain: Terrain, towns: IntArray, villages: int, rng: np.random.Generator) -> IntArray:
    count = min(max(2, round(_QUARTER_SHARE * villages)), villages - len(towns))
    gap = np.hypot(*(terrain.nodes - terrain.nodes[towns[0]]).T)
    near = np.flatnonzero((gap < _QUARTER_RADIUS_KM) & (gap > 0) & (terrain.river_km > CLEAR_KM))
    return _spaced(terrain, near[rng.permutation(len(near))], towns[:1], count, 0.45)


def _village_nodes(terrain: Terrain, taken: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw villages at random, rather low than high, with room between them."""
    river_km = terrain.river_km
    chance = np.exp(-terrain.height_m / 260.0) * (river_km > CLEAR_KM)
    inner = shapely.contains_xy(terrain.outline.buffer(-0.4), terrain.nodes[:, 0], terrain.nodes[:, 1])
    chance = chance * np.asarray(inner)
    draws = rng.choice(len(chance), size=int((chance > 0).sum()), replace=False, p=chance / chance.sum())
    return _spaced(terrain, draws, taken, count, 0.7)


def _spaced(terrain: Terrain, draws: IntArray, taken: IntArray, count: int, gap_km: float) -> IntArray:
    """Return the first `count` of `draws` that keep `gap_km` from each other and from `taken` (less, if they must)."""
    places = np.empty((len(taken) + count, 2))
    places[: len(taken)] = terrain.nodes[taken]
    filled = len(taken)
    chosen: list[int] = []
    while len(chosen) < count and gap_km > 0.05:  # noqa: PLR2004
        for node in draws:
            if len(chosen) == count:
                break
            place = terrain.nodes[node]
            if filled == 0 or ((places[:filled] - place) ** 2).sum(axis=1).min() > gap_km**2:
                places[filled] = place
                filled += 1
                chosen.append(int(node))
        gap_km /= 1.5
    return np.array(chosen, dtype=np.intp)


def _town_of(terrain: Terrain, towns: IntArray, quarters: IntArray, rural: IntArray) -> IntArray:
    """Return the township of every village: its own, the county town's, or the nearest (the county town pulls more)."""
    gap = terrain.nodes[rural][:, None, :] - terrain.nodes[towns][None, :, :]
    distance = np.hypot(gap[..., 0], gap[..., 1])
    distance[:, 0] /= _SEAT_PULL
    nearest = distance.argmin(axis=1)
    joined = np.concatenate([np.arange(len(towns)), np.zeros(len(quarters), dtype=np.intp), nearest])
    return np.asarray(joined, dtype=np.intp)


def _town_people(count: int, rng: np.random.Generator) -> IntArray:
    """Return people by township: evenly spread ranks of a log-normal, the county town apart."""
    others = np.exp(_TOWN_SPREAD * rng.standard_normal(count - 1))
    others = others * _TOWN_PEOPLE / (others.mean() if count > 1 else 1.0)
    others = np.clip(others, _TOWN_LOW, _TOWN_HIGH)
    return np.asarray(np.round(np.concatenate([[_SEAT_PEOPLE_PER_TOWNSHIP * count], others])), dtype=np.intp)


def _village_people(
    people: IntArray, town_of: IntArray, is_core: npt.NDArray[np.bool_], rng: np.random.Generator
) -> IntArray:
    """Divide each township's people over its villages; seats and quarters are larger."""
    weight = np.exp(_VILLAGE_SPREAD * rng.standard_normal(len(town_of)))
    weight[is_core] *= np.where(town_of[is_core] == 0, 3.0, 2.0)
    residents: IntArray = np.zeros(len(town_of), dtype=np.intp)
    for town, total in enumerate(people):
        rows = np.flatnonzero(town_of == town)
        residents[rows] = whole_shares(int(total), weight[rows])
    return residents


def whole_shares(total: int, weights: FloatArray) -> IntArray:
    """Divide `total` into whole parts by `weights`; largest remainders first, so that the parts sum to it."""
    exact = total * weights / weights.sum()
    parts = np.floor(exact).astype(np.intp)
    rest = np.argsort(-(exact - parts), kind="stable")[: total - int(parts.sum())]
    parts[rest] += 1
    return np.asarray(parts, dtype=np.intp)


def _town_table(terrain: Terrain, towns: IntArray, people: IntArray, rng: np.random.Generator) -> pd.DataFrame:
    """Name and number the townships: the larger ones towns (镇, 1xx), the others townships (乡, 2xx)."""
    rank = np.argsort(np.argsort(-people, kind="stable"), kind="stable")
    town_count = max(1, round(_TOWN_SHARE * len(towns)))
    places = to_degrees(terrain.nodes[towns])
    rows = [
        {
            "township_code": f"{COUNTY_CODE}{101 + r if r < town_count else 201 + r - town_count:03d}",
            "name": name + ("镇" if r < town_count else "乡"),
            "population": people[i],
            "lon": places[i, 0],
            "lat": places[i, 1],
        }
        for i, (r, name) in enumerate(zip(rank, town_names(len(towns), rng), strict=True))
    ]
    return canonical_frame(rows, "townships")


def _village_table(
    terrain: Terrain,
    towns: pd.DataFrame,
    nodes: IntArray,
    town_of: IntArray,
    quarters: int,
    residents: IntArray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows in the order seats, quarters, villages."""
    core = len(towns) + quarters
    names = village_names(len(nodes), set(), rng)
    angle, gap = rng.uniform(0.0, 2.0 * np.pi, len(nodes)), rng.uniform(0.03, 0.11, len(nodes))
    places = to_degrees(terrain.nodes[nodes] + np.column_stack([np.cos(angle), np.sin(angle)]) * gap[:, None])
    running: dict[tuple[int, bool], int] = {}
    rows = []
    for i, town in enumerate(town_of):
        is_core, code = i < core, str(towns["township_code"].iloc[town])
        running[town, is_core] = number = running.get((town, is_core), 0) + 1
        is_town = str(towns["name"].iloc[town]).endswith("镇")
        rows.append(
            {
                "village_code": f"{code}{number if is_core else 200 + number:03d}",
                "name": names[i] + ("社区" if is_core else "村"),
                "township_code": code,
                "population": residents[i],
                "lon": places[i, 0],
                "lat": places[i, 1],
                "urban_rural_code": ("121" if is_town else "210") if is_core else "220",
            }
        )
    return canonical_frame(rows, "villages")


def _hamlet_table(
    terrain: Terrain,
    villages: pd.DataFrame,
    nodes: IntArray,
    is_core: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One to three villagers' groups a village, on the village's side of the river and inside the county."""
    rows = []
    for i, village in enumerate(villages.to_dict("records")):
        count = int(rng.integers(1, 4))
        parts = whole_shares(int(village["population"]), rng.uniform(0.5, 1.5, count))
        for number, part in enumerate(parts):
            place = _hamlet_place(terrain, terrain.nodes[nodes[i]], 0.15 if is_core[i] else 0.7, rng)
            lon, lat = to_degrees(place)[0]
            rows.append(
                {
                    "hamlet_id": f"{village['village_code']}-{number + 1}",
                    "village_code": village["village_code"],
                    "name": hamlet_name(str(village["name"]), number),
                    "population": part,
                    "lon": lon,
                    "lat": lat,
                }
            )
    return canonical_frame(rows, "hamlets")


def _hamlet_place(terrain: Terrain, village: FloatArray, middle_km: float, rng: np.random.Generator) -> FloatArray:
    for _ in range(20):
        angle = rng.uniform(0.0, 2.0 * np.pi)
        gap = min(middle_km * float(np.exp(0.5 * rng.standard_normal())), 3.0 * middle_km)
        place = np.asarray(village + gap * np.array([np.cos(angle), np.sin(angle)]), dtype=float)
        way = shapely.LineString([village, place])
        if not way.intersects(terrain.river) and terrain.outline.contains(shapely.Point(place)):
            return place
    return village
