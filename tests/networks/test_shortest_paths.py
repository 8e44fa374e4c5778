"""Many-to-many against networkx on random roads, and hand-made cases."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import shortest_paths
from networks.build import build_road_network
from networks.shortest_paths import EdgePoints, many_to_many

CELLS = [(x, y) for x in range(4) for y in range(4)]


@st.composite
def cases(draw, *, oneway=(-1, 0, 1)):
    """Random road lines with facts, and points on their pieces as shares of the length."""
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(CELLS), st.sampled_from(CELLS)).filter(lambda pair: pair[0] != pair[1]),
            min_size=1,
            max_size=14,
        )
    )
    ways = [draw(st.sampled_from(oneway)) for _ in pairs]
    pace = [draw(st.floats(0.2, 5.0)) for _ in range(40)]
    share = st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.75, 1.0]) | st.floats(0, 1)
    points = draw(st.lists(st.tuples(st.integers(0, 39), share), min_size=2, max_size=7))
    return pairs, ways, pace, points


def setting(roads, case):
    pairs, ways, pace, points = case
    network = build_road_network(roads(*pairs, is_oneway=ways))
    length = network.edges["length_m"].to_numpy()
    edge = np.array([point[0] % network.edge_count for point in points])
    offset = np.array([point[1] for point in points]) * length[edge]
    minutes = length / 1000 * np.resize(pace, network.edge_count)
    return network, minutes, EdgePoints(edge, offset)


def oracle(network, minutes, points, *, ignores_oneway=False):
    """Minutes by networkx on a graph in which every piece is cut by hand, point by point."""
    graph = nx.MultiDiGraph()
    for e, row in network.edges.iterrows():
        inner = [(offset, ("p", i)) for i, offset in enumerate(points.offset_m) if points.edge[i] == e]
        stops = [(0.0, row["from_node"]), *sorted(inner), (row["length_m"], row["to_node"])]
        for (a, tail), (b, head) in itertools.pairwise(stops):
            weight = {"minutes": minutes[e] * (b - a) / row["length_m"], "metres": b - a}
            if row["is_oneway"] >= 0 or ignores_oneway:
                graph.add_edge(tail, head, **weight)
            if row["is_oneway"] <= 0 or ignores_oneway:
                graph.add_edge(head, tail, **weight)
            if a == b:  # two names of one place
                graph.add_edge(tail, head, minutes=0.0, metres=0.0)
                graph.add_edge(head, tail, minutes=0.0, metres=0.0)
    count = len(points.edge)
    result = np.full((count, count), np.inf)
    for i in range(count):
        found = nx.single_source_dijkstra_path_length(graph, ("p", i), weight="minutes")
        result[i] = [found.get(("p", j), np.inf) for j in range(count)]
    return result


@settings(max_examples=50, deadline=None)
@given(case=cases(), ignores_oneway=st.booleans())
def test_equals_networkx(case, ignores_oneway):
    network, minutes, points = setting(make, case)
    got, metres = many_to_many(network, minutes, points, points, ignores_oneway=ignores_oneway)
    expected = oracle(network, minutes, points, ignores_oneway=ignores_oneway)
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.array_equal(np.isinf(got), np.isinf(metres))
    assert (np.diag(got) == 0).all()


@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_metres_are_those_of_the_fastest_way(case):
    """With one pace everywhere minutes are metres; with several, metres stay between the possible paces."""
    network, minutes, points = setting(make, case)
    length = network.edges["length_m"].to_numpy()
    got, metres = many_to_many(network, length / 500, points, points)
    assert metres == pytest.approx(got * 500, rel=1e-9, abs=1e-6)
    got, metres = many_to_many(network, minutes, points, points)
    pace = minutes / length
    known = np.isfinite(got)
    assert (got[known] <= metres[known] * pace.max() + 1e-9).all()
    assert (got[known] >= metres[known] * pace.min() - 1e-9).all()


@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_triangle_inequality(case):
    network, minutes, points = setting(make, case)
    got, _ = many_to_many(network, minutes, points, points)
    assert (got[:, None, :] <= got[:, :, None] + got[None, :, :] + 1e-9).all()


@settings(max_examples=25, deadline=None)
@given(case=cases(oneway=(0,)))
def test_symmetric_without_oneway(case):
    network, minutes, points = setting(make, case)
    got, _ = many_to_many(network, minutes, points, points)
    assert got == pytest.approx(got.T, rel=1e-9, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(case=cases(), limit=st.floats(0.1, 10))
def test_cutoff_only_removes_longer_ways(case, limit):
    network, minutes, points = setting(make, case)
    full, _ = many_to_many(network, minutes, points, points)
    cut, metres = many_to_many(network, minutes, points, points, cutoff_min=limit)
    near = full < limit - 1e-9
    assert cut[near] == pytest.approx(full[near])
    assert np.isinf(cut[full > limit + 1e-9]).all()
    assert np.array_equal(np.isinf(cut), np.isinf(metres))


@settings(max_examples=15, deadline=None)
@given(case=cases(), size=st.integers(1, 60))
def test_batches_and_direction_of_search_change_nothing(case, size):
    network, minutes, points = setting(make, case)
    full, metres = many_to_many(network, minutes, points, points)
    old, shortest_paths._BATCH_CELLS = shortest_paths._BATCH_CELLS, size
    try:
        again, metres_again = many_to_many(network, minutes, points, points)
    finally:
        shortest_paths._BATCH_CELLS = old
    assert np.array_equal(full, again)
    assert np.array_equal(metres, metres_again)
    one = EdgePoints(points.edge[:1], points.offset_m[:1])
    column, _ = many_to_many(network, minutes, points, one)  # searched backwards
    assert column[:, 0] == pytest.approx(full[:, 0], rel=1e-9, abs=1e-9)


def make(*lines, **columns):
    import geopandas as gpd
    import shapely

    geometry = [shapely.LineString(np.asarray(line, dtype=float) * 0.01) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")


def one_piece(roads, oneway):
    network = build_road_network(roads([(0, 0), (1, 0)], is_oneway=[oneway]))
    length = float(network.edges["length_m"][0])
    return network, np.array([10.0]), EdgePoints(np.array([0, 0]), np.array([0.2, 0.7]) * length)


def test_two_points_on_one_two_way_piece(roads):
    network, minutes, points = one_piece(roads, 0)
    got, metres = many_to_many(network, minutes, points, points)
    assert got == pytest.approx(np.array([[0, 5.0], [5.0, 0]]))
    assert metres[0, 1] == pytest.approx(0.5 * network.edges["length_m"][0])


@pytest.mark.parametrize("oneway", [1, -1])
def test_two_points_on_one_one_way_piece(roads, oneway):
    network, minutes, points = one_piece(roads, oneway)
    got, metres = many_to_many(network, minutes, points, points)
    forth, back = ((0, 1), (1, 0)) if oneway == 1 else ((1, 0), (0, 1))
    assert got[forth] == pytest.approx(5.0)
    assert got[back] == np.inf
    assert metres[back] == np.inf


def test_separate_roads_are_unreachable_not_zero(roads):
    network = build_road_network(roads([(0, 0), (1, 0)], [(0, 5), (1, 5)]))
    points = EdgePoints(np.array([0, 1]), np.array([100.0, 100.0]))
    got, metres = many_to_many(network, np.array([1.0, 1.0]), points, points)
    assert np.isinf(got[0, 1])
    assert np.isinf(metres[1, 0])


def test_the_faster_of_two_parallel_pieces(roads):
    network = build_road_network(roads([(0, 0), (1, 0)], [(0, 0), (0.5, 1), (1, 0)]))
    ends = EdgePoints(np.array([0, 0]), np.array([0.0, 1e9]))
    got, metres = many_to_many(network, np.array([9.0, 4.0]), ends, ends)
    assert got[0, 1] == 4.0
    assert metres[0, 1] == network.edges["length_m"][1]
    got, metres = many_to_many(network, np.array([9.0, np.inf]), ends, ends)
    assert got[0, 1] == 9.0


def test_nothing_asked(roads):
    network, minutes, points = one_piece(roads, 0)
    none = EdgePoints(np.empty(0, dtype=np.int64), np.empty(0))
    assert many_to_many(network, minutes, none, points)[0].shape == (0, 2)
    assert many_to_many(network, minutes, points, none)[1].shape == (2, 0)
