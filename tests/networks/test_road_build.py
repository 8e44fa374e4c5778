"""Building the network from lines: junctions, lengths, components, and refusals."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geodata.errors import InputError
from networks.build import build_road_network
from networks.closures import close_roads

EAST_M = 1113.1949  # 0.01 degree along the equator (6378137 m · π / 18000)


def test_lines_are_cut_where_they_share_a_vertex(roads):
    network = build_road_network(roads([(0, 0), (1, 0), (2, 0)], [(1, 0), (1, 1)]))
    assert (network.node_count, network.edge_count) == (4, 3)
    assert list(network.edges["road_id"]) == ["0", "0", "1"]
    assert network.edges["length_m"][:2].to_numpy() == pytest.approx([EAST_M, EAST_M], abs=1e-3)
    assert set(network.weak_component) == {0}


def test_interior_vertices_are_no_junctions(roads):
    network = build_road_network(roads([(0, 0), (1, 0), (2, 0)]))
    assert (network.node_count, network.edge_count) == (2, 1)
    assert network.vertex_offset_m == pytest.approx([0, EAST_M, 2 * EAST_M], abs=1e-3)
    (line,) = network.edge_lines()
    assert [x for x, _ in line.coords] == pytest.approx([0, 0.01, 0.02])


def test_crossing_is_a_bridge_unless_asked(roads):
    layer = roads([(0, 0), (2, 0)], [(1, -1), (1, 1)])
    apart = build_road_network(layer)
    assert apart.crossing_count == 1
    assert [problem.code for problem in apart.warnings] == ["roads_crossing_unconnected"]
    assert sorted(apart.weak_component) == [0, 0, 1, 1]
    joined = build_road_network(layer, connect_crossings=True)
    assert joined.crossing_count == 0
    assert joined.warnings == ()
    assert (joined.node_count, joined.edge_count) == (5, 4)
    assert set(joined.weak_component) == {0}
    assert joined.edges["length_m"].sum() == pytest.approx(apart.edges["length_m"].sum(), rel=1e-6)


def test_three_lines_crossing_in_one_place_make_one_junction(roads):
    layer = roads([(-1, 0), (1, 0)], [(0, -1), (0, 1)], [(-1, -1), (1, 1)])
    assert build_road_network(layer).crossing_count == 1
    joined = build_road_network(layer, connect_crossings=True)
    assert (joined.node_count, joined.edge_count) == (7, 6)


def test_near_ends_are_merged_and_far_ones_are_not(roads):
    near = 0.5 / EAST_M  # half a metre in steps
    assert build_road_network(roads([(0, 0), (1, 0)], [(1 + near, 0), (2, 0)])).node_count == 3
    assert build_road_network(roads([(0, 0), (1, 0)], [(1 + 4 * near, 0), (2, 0)])).node_count == 4


def test_end_on_another_line_makes_a_junction(roads):
    network = build_road_network(roads([(0, 0), (2, 0)], [(1, 0), (1, 1)]))
    assert (network.node_count, network.edge_count) == (4, 3)
    assert set(network.weak_component) == {0}
    assert network.crossing_count == 0


def test_ring_is_cut_in_two_and_keeps_its_length(roads):
    ring = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    network = build_road_network(roads(ring, [(0, 0), (-1, 0)]))
    edges = network.edges
    assert (edges["from_node"] != edges["to_node"]).all()
    assert network.edge_count == 3
    around = Geod(ellps="WGS84").line_length(*(np.array(ring) * 0.01).T)
    assert edges.loc[edges["road_id"] == "0", "length_m"].sum() == pytest.approx(around)


def test_multi_lines_are_taken_apart(roads):
    layer = roads([(0, 0), (1, 0)])
    layer.geometry = [shapely.MultiLineString([[(0, 0), (0.01, 0)], [(0.01, 0), (0.02, 0)]])]
    network = build_road_network(layer)
    assert list(network.edges["road_id"]) == ["0", "0"]
    assert network.node_count == 3


def test_parallel_pieces_shortest_first(roads):
    network = build_road_network(roads([(0, 0), (0, 1), (1, 0)], [(0, 0), (1, 0)], is_oneway=[0, 1]))
    start = int(network.edges["from_node"][1])
    arcs = network.arc_edge[network.arc_first[start] : network.arc_first[start + 1]]
    assert list(arcs) == [1, 0]
    assert len(network.arc_edge) == 3  # both ways on the long one, one way on the short one


def test_strong_components_respect_oneway(roads):
    network = build_road_network(roads([(0, 0), (1, 0)], [(1, 0), (2, 0)], is_oneway=[0, -1]))
    assert sorted(network.weak_component) == [0, 0, 0]
    assert sorted(network.strong_component) == [0, 0, 1]


def test_other_coordinate_system_gives_the_same_lengths(roads):
    layer = roads([(0, 0), (1, 0), (1, 1)])
    projected = build_road_network(layer.to_crs("EPSG:32631"))
    assert projected.edges["length_m"].sum() == pytest.approx(
        build_road_network(layer).edges["length_m"].sum(), abs=0.02
    )


def test_road_class_and_surface_names(roads):
    network = build_road_network(
        roads([(0, 0), (1, 0)], [(1, 0), (2, 0)], road_class=["国道", "cowpath"], surface=["asphalt;gravel", "lava"])
    )
    assert list(network.edges["road_class"]) == ["trunk", "unclassified"]
    assert list(network.edges["surface"]) == ["paved", ""]
    assert [(problem.code, problem.value) for problem in network.warnings] == [
        ("road_class_unknown", "cowpath"),
        ("road_surface_unknown", "lava"),
    ]
    assert all(problem.text("zh") for problem in network.warnings)


def refused(layer):
    with pytest.raises(InputError) as error:
        build_road_network(layer)
    assert all(problem.text("en") and problem.text("zh") for problem in error.value.problems)
    return [problem.code for problem in error.value.problems]


def test_all_problems_at_once(roads):
    layer = roads(
        *[[(0, 0), (1, 0)]] * 5, road_id=list("abcdd"), speed_kmh=[0.0, -5.0, 30, np.nan, 30], is_oneway=[0, 0, 7, 0, 1]
    )
    assert refused(layer) == [
        "road_speed_not_positive",
        "road_speed_not_positive",
        "road_oneway_unknown",
        "road_id_duplicate",
    ]


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        (None, "road_geometry_empty"),
        (shapely.LineString(), "road_geometry_empty"),
        (shapely.LineString([(0, 0), (0, 0)]), "road_geometry_empty"),
        (shapely.Point(0, 0), "road_not_a_line"),
        (shapely.Polygon([(0, 0), (1, 0), (1, 1)]), "road_not_a_line"),
        (shapely.LineString([(0, 0), (500000, 3000000)]), "road_outside_world"),
    ],
)
def test_bad_geometry(roads, geometry, code):
    layer = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 0)]), geometry], crs="EPSG:4326")
    assert refused(layer) == [code]


def test_coordinates_that_are_no_numbers():
    with np.errstate(invalid="ignore"):
        layer = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (np.nan, 1)])], crs="EPSG:4326")
    assert refused(layer) == ["road_outside_world"]


def test_no_coordinate_system_and_no_lines(roads):
    layer = roads([(0, 0), (1, 0)])
    assert refused(gpd.GeoDataFrame(geometry=list(layer.geometry))) == ["roads_no_crs"]
    assert refused(layer.iloc[:0]) == ["roads_empty"]


def test_closing_roads(roads):
    layer = roads([(0, 0), (1, 0)], [(1, 0), (2, 0)], [(1, 0), (1, 1)], road_id=["a", "b", "c"])
    network = build_road_network(layer)
    closed = close_roads(network, ["b"])
    assert list(closed.edges["road_id"]) == ["a", "c"]
    assert list(network.edges["road_id"]) == ["a", "b", "c"]
    assert sorted(closed.weak_component) == [0, 0, 0, 1]
    assert closed.edges["length_m"].sum() == pytest.approx(
        build_road_network(layer.iloc[[0, 2]]).edges["length_m"].sum()
    )
    assert [len(line.coords) for line in closed.edge_lines()] == [2, 2]
    with pytest.raises(InputError) as error:
        close_roads(network, ["d", "b"])
    assert [problem.value for problem in error.value.problems] == ["d"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=6), min_size=1, max_size=8
    ).filter(lambda lines: all(len(set(line)) > 1 for line in lines)),
    st.booleans(),
)
def test_no_length_is_lost_and_no_loop_is_left(roads_of, connect):
    lines = [shapely.LineString(np.array(line) * 0.01) for line in roads_of]
    layer = gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326")
    network = build_road_network(layer, connect_crossings=connect)
    total = sum(Geod(ellps="WGS84").geometry_length(line) for line in lines)
    edges = network.edges
    assert edges["length_m"].sum() == pytest.approx(total, rel=1e-6)
    assert (edges["length_m"] > 0).all()
    assert (edges["from_node"] != edges["to_node"]).all()
    first = network.edge_first_vertex[:-1]
    assert network.vertex_lon[first] == pytest.approx(network.node_lon[edges["from_node"].to_numpy()])
    again = build_road_network(layer, connect_crossings=connect)
    assert again.edges.equals(edges)
    if connect:
        # Noding by an independent library gives the same number of connected parts.
        merged = shapely.union_all(lines)
        ends = shapely.get_parts(merged)
        groups = shapely.get_parts(shapely.union_all(shapely.buffer(ends, 1e-7)))
        assert network.weak_component.max() + 1 == len(groups)
