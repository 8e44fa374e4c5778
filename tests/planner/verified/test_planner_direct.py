"""Direct service: what a counter at the centre's own place costs to reach, and from where."""

import numpy as np

from planner.routing.rounds_build import build_trunk, parcels_of_points
from planner.siting.links import link_costs, same_place


def test_counter_of_a_centre_is_free_there_and_out_of_reach_elsewhere(hand_problem, change):
    problem = change(hand_problem, "facilities", "SA", lon=109.0, lat=27.0, host="C1")
    assert same_place(problem, ["C1", "C2"], ["SA", "SB"]).tolist() == [[True, False], [False, False]]
    costs = link_costs(problem, "county_township", ["C1", "C2"], ["SA", "SB"], mean_parcels=50.0)
    assert costs.fixed[0, 0] == costs.unit[0, 0] == 0.0
    assert np.isinf(costs.fixed[1, 0])
    assert np.isinf(costs.unit[1, 0])
    assert (costs.fixed[:, 1] > 0).all()


def test_trunk_leaves_the_counter_out(hand_problem, hand_plan, change):
    problem = change(hand_problem, "facilities", "SA", lon=109.0, lat=27.0, host="C1")
    rounds = build_trunk(problem, hand_plan.siting, parcels_of_points(problem, hand_plan.siting))
    assert [[stop.facility_id for stop in r.stops] for r in rounds] == [["SB"]]
