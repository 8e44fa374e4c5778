"""Customer choice by hand, the order of the models, and what a planner builds who assumes the wrong one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.siting.lockers.choice import (
    CHOICE_KINDS,
    ChoiceModel,
    attraction,
    choice_shares,
    locker_share_bound,
)

A = np.array([[0.8, 0.5, 0.1], [0.0, 0.0, 0.4], [0.0, 0.0, 0.0]])
ALL = np.ones(3, dtype=bool)


def model(kind, **fields):
    return ChoiceModel(kind, outside=0.2, **fields)


def test_shares_by_hand():
    assert choice_shares(A, ALL, model("nearest")) == pytest.approx(np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]]))
    assert choice_shares(A, ALL, model("bnl"))[0] == pytest.approx([0.8, 0, 0])
    assert choice_shares(A, ALL, model("mnl"))[0] == pytest.approx([0.5, 0.3125, 0.0625])
    # γ = 0.7: 1.7·0.5 ≥ 0.8 counts, 1.7·0.1 does not.
    assert choice_shares(A, ALL, model("threshold", threshold=0.7))[0] == pytest.approx([0.8 / 1.5, 0.5 / 1.5, 0])
    # Without the best, the second is the best, and the third still does not count.
    closed = np.array([False, True, True])
    assert choice_shares(A, closed, model("threshold", threshold=0.7))[0] == pytest.approx([0, 0.5 / 0.7, 0])


def test_threshold_runs_from_bnl_to_mnl():
    for kind, gamma in (("bnl", 0.0), ("mnl", 1e6)):
        assert choice_shares(A, ALL, model("threshold", threshold=gamma)) == pytest.approx(
            choice_shares(A, ALL, model(kind))
        )


def test_attraction_falls_with_distance_and_ends_with_reach():
    values = attraction(np.array([[0.0, 500.0, np.inf, 1e9]]), ChoiceModel(decay_per_km=2.0))[0]
    assert values[:3] == pytest.approx([1.0, np.exp(-1.0), 0.0])
    assert values[3] > 0.0


def test_no_locker_no_share():
    assert choice_shares(np.zeros((2, 0)), np.zeros(0, dtype=bool), model("mnl")).shape == (2, 0)
    for kind in CHOICE_KINDS:
        assert choice_shares(A, np.zeros(3, dtype=bool), model(kind)).sum() == 0.0


@pytest.mark.parametrize("fields", [{"kind": "best"}, {"outside": -1.0}, {"decay_per_km": float("nan")}])
def test_impossible_models_are_refused(fields):
    with pytest.raises(ValueError, match="not a choice model"):
        ChoiceModel(**fields)


matrices = st.integers(1, 5).flatmap(
    lambda m: st.lists(st.lists(st.floats(0.0, 1.0), min_size=m, max_size=m), min_size=1, max_size=4)
)


@given(matrices, st.floats(0.05, 2.0), st.floats(0.0, 2.0))
@settings(max_examples=80, deadline=None)
def test_lockers_get_least_under_bnl_and_most_under_mnl(rows, outside, gamma):
    a = np.array(rows)
    is_open = np.ones(a.shape[1], dtype=bool)
    bnl, luce, mnl = (
        choice_shares(a, is_open, ChoiceModel(kind, outside=outside, threshold=gamma)).sum(axis=1)
        for kind in ("bnl", "threshold", "mnl")
    )
    assert (bnl <= luce + 1e-12).all()
    assert (luce <= mnl + 1e-12).all()
    assert (mnl <= 1.0).all()


@given(matrices, st.floats(0.05, 2.0), st.floats(0.0, 2.0), st.sampled_from(CHOICE_KINDS))
@settings(max_examples=60, deadline=None)
def test_share_bound_holds_for_every_subset(rows, outside, gamma, kind):
    a = np.array(rows)
    choice = ChoiceModel(kind, outside=outside, threshold=gamma)
    bound = locker_share_bound(a, np.ones(a.shape[1], dtype=bool), choice)
    for bits in itertools.product((False, True), repeat=a.shape[1]):
        assert (choice_shares(a, np.array(bits), choice).sum(axis=1) <= bound + 1e-12).all()


def profit(a, parcels, opened, choice, cost):
    mask = np.zeros(a.shape[1], dtype=bool)
    mask[list(opened)] = True
    return float(parcels @ choice_shares(a, mask, choice).sum(axis=1)) - cost * len(opened)


def best_set(a, parcels, choice, cost):
    sets = [s for k in range(a.shape[1] + 1) for s in itertools.combinations(range(a.shape[1]), k)]
    return max(sets, key=lambda s: (profit(a, parcels, s, choice, cost), -len(s)))


def test_mnl_builds_too_many_and_bnl_too_few_when_people_follow_threshold_luce():
    """The direction of the published finding, over 30 seeded towns with one price for every locker (enumeration)."""
    built = {kind: [] for kind in ("bnl", "threshold", "mnl", "nearest")}
    lost = {kind: [] for kind in built}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        places, hosts = rng.uniform(0, 3, (25, 2)), rng.uniform(0, 3, (8, 2))
        km = np.hypot(*(places[:, None] - hosts[None]).transpose(2, 0, 1))
        a, parcels = np.exp(-km), rng.uniform(5, 50, 25)
        truth = ChoiceModel("threshold", outside=0.5, threshold=0.5)
        top = profit(a, parcels, best_set(a, parcels, truth, 25.0), truth, 25.0)
        for kind, counts in built.items():
            chosen = best_set(a, parcels, ChoiceModel(kind, outside=0.5, threshold=0.5), 25.0)
            counts.append(len(chosen))
            lost[kind].append(top - profit(a, parcels, chosen, truth, 25.0))
    mean = {kind: np.mean(values) for kind, values in built.items()}
    assert mean["mnl"] > mean["threshold"] + 0.5
    assert mean["bnl"] < mean["threshold"] - 0.2
    assert mean["nearest"] < mean["threshold"]
    # Assuming anything but the truth never earns more, and assuming MNL loses money.
    assert min(min(values) for values in lost.values()) >= -1e-9
    assert np.mean(lost["mnl"]) > 0.0
    assert np.mean(lost["bnl"]) > 0.0
    assert all(m >= t for m, t in zip(built["mnl"], built["threshold"], strict=True))
