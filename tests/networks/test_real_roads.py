"""The real extracts: lengths, connection, and whole matrices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.osm import read_osm_roads, read_osm_water
from networks.build import build_road_network
from networks.providers import build_travel

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "osm"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (DATA / "vavuniya.osm.pbf").is_file(), reason="real data is not here"),
]


@pytest.mark.parametrize(("name", "km", "crossings"), [("vavuniya", 1174, 14), ("legazpi", 487, 0)])
def test_extract_to_matrices(county, name, km, crossings):
    roads = read_osm_roads(DATA / f"{name}.osm.pbf")
    assert roads["road_id"].is_unique
    network = build_road_network(roads)
    assert network.edges["length_m"].sum() / 1000 == pytest.approx(km, rel=0.01)
    assert network.crossing_count == crossings
    assert (network.strong_component == 0).mean() > 0.95
    places = pd.read_csv(DATA / f"{name}_places.csv")
    rows = [
        (f"p{i}", lon, lat, "village_point") for i, (lon, lat) in enumerate(zip(places.lon, places.lat, strict=True))
    ]
    travel = build_travel(
        county(villages=[(f"v{row[0]}", *row[1:3]) for row in rows], facilities=rows, roads=roads), roads=network
    )
    van = travel.matrices["van"]
    assert np.isfinite(van.minutes).all()
    assert (np.diag(van.metres) == 0).all()
    straight = build_travel(
        county(villages=[(f"v{row[0]}", *row[1:3]) for row in rows], facilities=rows), detour_factor=0.99
    ).matrices["van"]
    assert (van.metres >= straight.metres).all()
    detour = np.median(van.metres[straight.metres > 0] / straight.metres[straight.metres > 0]) * 0.99
    assert 1.2 < detour < 1.5
    # The extract's own list names each place's nearest road node: the nearest road cannot be farther than that.
    snaps = travel.snaps[travel.snaps["profile"] == "van"]
    is_main = snaps["is_connected"].to_numpy()
    assert (snaps["snap_distance_m"].to_numpy()[is_main] <= places["dist_m"].to_numpy()[is_main] + 500).all()
    assert np.median(snaps["snap_distance_m"]) <= np.median(places["dist_m"])


def test_reading_twice_is_the_same():
    one, other = (read_osm_roads(DATA / "legazpi.osm.pbf") for _ in range(2))
    assert one.equals(other)
    assert list(one["road_id"].str.split("-").str[0].astype(int)) == sorted(
        one["road_id"].str.split("-").str[0].astype(int)
    )


def test_water():
    water = read_osm_water(DATA / "vavuniya.osm.pbf")
    assert set(water.geom_type) == {"LineString", "Polygon"}
    assert len(water) > 100
