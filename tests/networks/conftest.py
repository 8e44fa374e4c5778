"""Small hand-made roads: one degree of latitude near the equator's meridian is about 110.6 km."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.county import TABLE_COLUMNS, County, empty_table
from geodata.parameters import default_parameters

#: One step of the hand-made grids in degrees: 1105.74 m north, 1113.19 m east at the equator.
STEP = 0.01


def make_roads(*lines, **columns):
    """Lines given in steps of `STEP` → road layer."""
    geometry = [shapely.LineString(np.asarray(line, dtype=float) * STEP) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")


def make_places(**places):
    """`name=(x, y)` in steps → frame place_id, lon, lat."""
    return pd.DataFrame(
        {
            "place_id": list(places),
            "lon": [place[0] * STEP for place in places.values()],
            "lat": [place[1] * STEP for place in places.values()],
        }
    )


def make_county(*, villages, facilities, hamlets=(), vehicles=(("van", np.nan),), roads=None, parameters=None):
    """Rows of (id, lon, lat[, kind]) → County."""
    tables = {name: empty_table(name) for name in TABLE_COLUMNS}

    def fill(name, rows, columns):
        if rows:
            tables[name] = pd.DataFrame(rows, columns=columns).reindex(columns=list(TABLE_COLUMNS[name]))

    fill("villages", villages, ["village_code", "lon", "lat"])
    fill("hamlets", hamlets, ["hamlet_id", "lon", "lat"])
    fill("facilities", facilities, ["facility_id", "lon", "lat", "kind"])
    fill("vehicles", vehicles, ["vehicle_type_id", "max_speed_kmh"])
    return County(
        county_code="990001",
        name="tiny",
        village_list_id="t",
        village_list_date="2023-06-30",
        **tables,
        roads=roads,
        boundary=None,
        water=None,
        parameters=parameters or default_parameters(),
    )


@pytest.fixture
def roads():
    return make_roads


@pytest.fixture
def places():
    return make_places


@pytest.fixture
def county():
    return make_county
