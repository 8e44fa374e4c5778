"""The tiny county as a value, with the standard and settings its hand calculation (README.md beside this) is made for.

Tests are no package, so load this file by path::

    spec = importlib.util.spec_from_file_location("tiny_county", Path(__file__).parents[1] / "tiny" / "tiny_county.py")
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from geodata.county import TABLE_COLUMNS, County, Provenance, empty_table
from geodata.frames import canonical_frame
from geodata.parameters import default_parameters
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings

FOLDER = Path(__file__).parent / "county"

#: Base case: two stations, four points, objective 412.0.
STANDARD = ServiceStandard(
    access_km=3.0,
    population_share=0.95,
    village_point_share=0.6,
    township_station_share=1.0,
    allocation_km=8.0,
    visits_per_week=7,
)
#: One station is enough: objective 334.625.
ONE_STATION = ServiceStandard(
    access_km=3.0,
    population_share=0.95,
    village_point_share=0.6,
    township_station_share=0.5,
    allocation_km=8.0,
    visits_per_week=7,
)
#: Every village a point of its own: objective 424.75.
ALL_POINTS = ServiceStandard(
    access_km=3.0,
    population_share=0.95,
    village_point_share=1.0,
    township_station_share=1.0,
    allocation_km=8.0,
    visits_per_week=7,
)
#: Every village served, one of them over 5 km: objective 406.375.
SERVED = ServiceStandard(
    access_km=3.0,
    population_share=0.6,
    village_point_share=0.4,
    township_station_share=1.0,
    village_served_share=1.0,
    allocation_km=8.0,
    visits_per_week=7,
)
#: Villages that must be served, of five → objective.
SERVED_OBJECTIVES_CNY_PER_DAY = {0: 347.125, 3: 347.125, 4: 371.125, 5: 406.375}
SERVED_ALLOCATION = {
    "990009001201": "P1",
    "990009001202": "P1",
    "990009001203": "P3",
    "990009002201": "P4",
    "990009002202": "P4",
}
SITING = SitingSettings(line_haul_share=0.7, round_share=0.5, relative_gap=0.0)
ROUTING = RoutingSettings(depot_loading_min=15.0)

#: Kilometres from the centre along the meridian.
KM = {"C1": 0, "S1": 6, "S2": 20, "P1": 6, "P2": 8, "P3": 12, "P4": 20, "P5": 25}
OPEN = ("C1", "P1", "P3", "P4", "P5", "S1", "S2")
ALLOCATION = {
    "990009001201": "P1",
    "990009001202": "P1",
    "990009001203": "P3",
    "990009002201": "P4",
    "990009002202": "P5",
}
OBJECTIVE_CNY_PER_DAY = 412.0
ONE_STATION_OBJECTIVE_CNY_PER_DAY = 334.625
ALL_POINTS_OBJECTIVE_CNY_PER_DAY = 424.75
INVESTMENT_CNY = 219_000.0
SITE_CNY_PER_DAY = 240.0
HANDLING_CNY_PER_DAY = 20.0
TRUNK_CNY_PER_DAY = 133.0
ROUNDS_CNY_PER_DAY = 56.5
NETWORK_CNY_PER_DAY = 449.5
PARCELS_PER_DAY = 100.0


def _read(name: str) -> pd.DataFrame:
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        return empty_table(name)
    return canonical_frame(pd.read_csv(path, dtype=str, keep_default_na=False).replace("", None), name)


def tiny_county() -> County:
    """Return the tiny county, complete as it stands."""
    figures = pd.read_csv(FOLDER / "parameters.csv")
    values = dict(zip(figures["parameter_id"], figures["value"].astype(float), strict=True))
    tables = {name: _read(name) for name in TABLE_COLUMNS}
    source = Provenance("invented for tests", "CC0-1.0", datum="WGS84", kind="invented")
    return County(
        county_code="990009",
        name="小示例县 Tiny County",
        village_list_id="villages 990009@2024-01-01",
        village_list_date="2024-01-01",
        roads=None,
        boundary=None,
        water=None,
        parameters=default_parameters().with_values(values, "tiny county"),
        provenance={name: source for name, frame in tables.items() if len(frame)},
        is_invented=True,
        **tables,
    )
