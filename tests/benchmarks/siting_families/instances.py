"""Small seeded instances of every siting model with random side constraints, for the honesty runs and the brute-force tests."""

from __future__ import annotations

import numpy as np

from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem


def plane_problem(rng, n, m, *, capacity=None, cutoff=np.inf, side=None, p=None, **fields):
    """Return n demand points and m sites in a plane of 10 km, distances in whole metres."""
    people, places = rng.integers(0, 10_000, (n, 2)), rng.integers(0, 10_000, (m, 2))
    metres = np.floor(np.hypot(*(people[:, None] - places[None]).transpose(2, 0, 1)))
    between = np.floor(np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)))
    weight = rng.integers(1, 60, n).astype(float)
    fields.setdefault("site_metres", between)
    if capacity is not None:
        fields["capacity"] = np.ceil(rng.uniform(0.7, 1.3, m) * capacity * weight.sum())
    return make_problem(
        weight, distances_from_matrix(metres, cutoff=cutoff), p=p, side=side or SideConstraints(), **fields
    )


def random_side(rng, m, groups):
    """Return one or two random side constraints (and the arrays they need)."""
    money = rng.integers(10, 100, m).astype(float)
    kinds = rng.choice(["capex", "yearly", "least", "most", "apart", "near", "requires", "conflicts"], 2, replace=False)
    made = {
        "capex": {"capex_budget_cny": float(money.sum() * rng.uniform(0.4, 0.9))},
        "yearly": {"yearly_budget_cny": float(money.sum() * rng.uniform(0.3, 0.9))},
        "least": {"group_minimum": {"a": 1}},
        "most": {"group_maximum": {"b": int(rng.integers(1, 3))}},
        "apart": {"exclusion_m": float(rng.integers(500, 4000))},
        "near": {"near_sites": (0,), "near_m": float(rng.integers(5000, 12_000))},
        "requires": {"requires": ((0, m - 1),)},
        "conflicts": {"conflicts": ((0, 1), (1, m - 1))},
    }
    chosen = {key: value for kind in kinds for key, value in made[kind].items()}
    fields = {
        "capex_cny": money,
        "yearly_cny": money[::-1].copy(),
        "closing_cny": np.full(m, 5.0),
        "is_existing": np.arange(m) % 3 == 0,
        "groups": groups,
    }
    return SideConstraints(**chosen), fields


def random_case(rng, model, n, m, *, with_side):
    """Return (problem, options) of a model."""
    fields, side = {}, SideConstraints()
    if with_side:
        half = m // 2
        side, fields = random_side(rng, m, {"a": tuple(range(half)), "b": tuple(range(half, m))})
        fields["locked"] = rng.choice([0, 0, 0, 0, 1, -1], m).astype(np.int8)
    p = int(rng.integers(2, max(3, m // 2)))
    options = {}
    if model in ("facility_location", "uncapacitated", "set_coverage"):
        fields["fixed_cost"] = rng.integers(20_000, 90_000, m).astype(float)
        p = None if rng.random() < 0.7 else p
    if model in ("set_coverage", "max_coverage", "backup_coverage"):
        options["radius"] = float(rng.integers(6000, 9000) if model == "set_coverage" else rng.integers(3000, 6000))
    if model == "max_coverage" and rng.random() < 0.3:
        options["decay_end"] = options["radius"] + 2000.0
    if model == "facility_location":
        options["single_source"] = bool(rng.random() < 0.5)
    if model == "p_center" and rng.random() < 0.3:
        options["weighted"] = True
    capacity = None
    if model in ("facility_location", "capacitated_p_median"):
        capacity = 1.0 / (p or 3) * 1.5
    elif model in ("p_median", "max_coverage") and rng.random() < 0.3:
        capacity = 1.2 / p
    if model == "equity":
        kind = rng.integers(0, 3)
        options = ({}, {"bound": 4500.0, "share": 0.2}, {"measure": "gini", "bound": 0.3})[kind]
    return plane_problem(rng, n, m, capacity=capacity, side=side, p=p, **fields), options
