"""The reference county 示例县: an invented county, drawn by a seed, with the proportions of a real one.

Nothing in it is real: places, names, people, roads and sites are drawn at random. Only its proportions are those of a
hill county in Hunan, 麻阳苗族自治县 (village list of 2023; census communiqué of 2020; village points of an open data
set under CC BY 4.0). The figures, and what the generator does with them:

=============================================  ==========================  =================================
figure                                         real                        here
=============================================  ==========================  =================================
townships, villages                            18, 223                     18, 220 unless asked otherwise
area                                           1,566 km²                   87 km² a township
people                                         313,305                     about 313,000 (17,400 a township)
township of the county town                    131,467 people, 39 villages  7,300 people for each township
other townships                                5,785–21,740, mean 10,700   5,800–22,000, mean 10,700
straight line village – township seat          median 3.6 km, 90 % 6.8 km  tested within 2.4–4.5 and 4.5–8.5
nearest other village                          median 1.7 km (of 161)      at least 0.7 km, median 1.2 km
county town – township seat                    6–37 km                     about the same
road over straight line                        1.24–1.36 plains and hills  tested within 1.3–1.7
                                               (five extracts), 1.70 in
                                               mountains (one extract)
=============================================  ==========================  =================================
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from geodata.county import TABLE_COLUMNS, County, Provenance
from geodata.errors import UsageError
from geodata.messages import Message
from geodata.parameters import default_parameters
from geodata.reference_cooperation import make_other_stations, make_terms
from geodata.reference_roads import plan_roads, road_table
from geodata.reference_services import make_buses, make_produce, make_vehicles, market_town
from geodata.reference_settlements import COUNTY_CODE, Settlements, make_settlements, to_degrees
from geodata.reference_sites import make_demand, make_facilities, make_operators
from geodata.reference_terrain import Terrain, make_terrain

COUNTY_NAME = "示例县（虚构） Example County (invented)"
LIST_DATE = "2024-01-01"
VILLAGES_PER_TOWNSHIP = 220 / 18
_RIVER_NAME = "示例河"


def reference_county(*, townships: int = 18, villages: int | None = None, seed: int = 1) -> County:
    """Return the invented reference county; the same arguments give the same bytes.

    Parameters
    ----------
    townships
        Number of townships; the first is the county town's.
    villages
        Number of villages in total, at least four a township; None: about twelve a township (220 for 18).
    seed
        Seed of everything that is drawn.

    Returns
    -------
    County
        With all tables, roads, boundaries and river; provenance kind ``invented``. `geodata.completion.complete` has
        nothing to add to it.

    Raises
    ------
    UsageError
        If there is no township, or fewer than four villages a township.
    """
    count = round(townships * VILLAGES_PER_TOWNSHIP) if villages is None else villages
    if townships < 1 or count < 4 * townships:
        raise UsageError(Message("reference_too_small", {"townships": townships, "villages": count}))
    parameters = default_parameters()
    terrain = make_terrain(townships, seed)
    settled = make_settlements(terrain, townships, count, seed)
    plan = plan_roads(terrain, settled)
    market = market_town(settled.townships)
    operators = make_operators(parameters)
    demand = make_demand(settled.villages, operators, market, parameters, seed)
    lines, stops, departures = make_buses(terrain, settled, plan, parameters)
    return County(
        county_code=COUNTY_CODE,
        name=COUNTY_NAME,
        village_list_id=f"villages {COUNTY_CODE}@{LIST_DATE}",
        village_list_date=LIST_DATE,
        villages=settled.villages,
        hamlets=settled.hamlets,
        townships=settled.townships,
        facilities=make_facilities(terrain, settled, demand, parameters, seed),
        operators=operators,
        demand=demand,
        vehicles=make_vehicles(townships, parameters),
        bus_lines=lines,
        bus_stops=stops,
        bus_departures=departures,
        produce=make_produce(settled.villages, market),
        roads=road_table(terrain, plan, settled),
        boundary=_boundary(terrain, settled),
        water=_water(terrain),
        parameters=parameters,
        provenance=_provenance(townships, count, seed),
        is_invented=True,
        operator_terms=make_terms(operators),
        operator_stations=make_other_stations(settled.villages),
    )


def _provenance(townships: int, villages: int, seed: int) -> dict[str, Provenance]:
    source = f"xiangyou geodata.reference (townships {townships}, villages {villages}, seed {seed})"
    made = Provenance(source, licence="Apache-2.0", as_of=LIST_DATE, datum="WGS84", kind="invented")
    return dict.fromkeys((*TABLE_COLUMNS, "roads", "boundary", "water"), made)


def _boundary(terrain: Terrain, settled: Settlements) -> gpd.GeoDataFrame:
    """County outline, and townships as the land nearest to their villages."""
    nodes = terrain.nodes[settled.village_nodes]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(nodes), extend_to=terrain.outline.buffer(5.0), ordered=True)
    )
    codes = settled.villages["township_code"].to_numpy()
    rows: list[dict[str, object]] = [
        {"level": "county", "code": COUNTY_CODE, "name": COUNTY_NAME, "geometry": _degrees(terrain.outline)}
    ]
    for town in settled.townships.sort_values("township_code").to_dict("records"):
        land = shapely.union_all(cells[codes == town["township_code"]])
        rows.append(
            {
                "level": "township",
                "code": town["township_code"],
                "name": town["name"],
                "geometry": _degrees(shapely.intersection(land, terrain.outline)),
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")


def _water(terrain: Terrain) -> gpd.GeoDataFrame:
    """Return the river inside the county, as a line."""
    river = shapely.intersection(terrain.river, terrain.outline.buffer(1.0))
    row = {"name": _RIVER_NAME, "geometry": _degrees(river)}
    return gpd.GeoDataFrame([row], geometry="geometry", crs="EPSG:4326")


def _degrees(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda places: np.asarray(to_degrees(places)))
