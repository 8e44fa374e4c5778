"""Ways round cuts, by hand."""

import numpy as np
import pytest

from networks.cuts import crosses, straight_metres
from networks.plane import haversine_m

A, B = np.array([[109.0, 27.0]]), np.array([[109.1, 27.0]])
CUT = ((109.05, 26.99), (109.05, 27.03))


def test_a_way_goes_round_the_nearer_end():
    by_hand = haversine_m(109.0, 27.0, 109.05, 26.99) + haversine_m(109.05, 26.99, 109.1, 27.0)
    assert straight_metres(A, B, [CUT])[0, 0] == pytest.approx(float(by_hand))
    assert straight_metres(A, B)[0, 0] == pytest.approx(float(haversine_m(109.0, 27.0, 109.1, 27.0)))


def test_only_ways_across_are_longer():
    beside = np.array([[109.0, 27.1]])
    assert not crosses(A, beside, CUT).any()
    assert straight_metres(A, beside, [CUT])[0, 0] == straight_metres(A, beside)[0, 0]
    assert crosses(B, A, CUT).all()


def test_several_cuts_take_the_longest_way():
    other = ((109.07, 26.9), (109.07, 27.05))
    both = straight_metres(A, B, [CUT, other])[0, 0]
    assert both == max(straight_metres(A, B, [CUT])[0, 0], straight_metres(A, B, [other])[0, 0])
