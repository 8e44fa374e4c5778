"""Small cooperation problems, drawn at random, for the tests; loaded by path, because tests are no package."""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.problems.cooperation import (
    BusCall,
    BusReturn,
    BusRun,
    CooperationProblem,
    CooperationSettings,
    Operator,
    ShopCall,
)


def random_problem(  # noqa: PLR0913 - one switch a feature
    seed: int,
    *,
    couriers: int = 2,
    villages: int = 5,
    townships: int = 2,
    post: bool = True,
    bus: bool = False,
    shop: bool = False,
    tight: bool = True,
    deadline_h: float = 48.0,
    **settings: Any,
) -> CooperationProblem:
    """Return a problem of a few townships; `tight`: the post has room for about a third of the couriers' parcels."""
    rng = np.random.default_rng(seed)
    operators = [
        Operator(
            f"c{i}", f"C{i}", "courier", arrival_min=float(rng.choice([360, 420, 660])), deadline_h=deadline_h,
            handling_cny_per_parcel=float(rng.uniform(0.1, 0.4)), outlet_cny_per_day=float(rng.uniform(5, 60)),
        )
        for i in range(couriers)
    ]  # fmt: skip
    if post:
        operators.append(Operator("post", "Post", "post", arrival_min=480.0, handling_cny_per_parcel=0.2))
    if bus:
        operators.append(Operator("bus", "Bus", "bus"))
    if shop:
        operators.append(Operator("shop", "Shop", "shop"))
    town = np.sort(np.concatenate([np.arange(townships), rng.integers(0, townships, villages - townships)]))
    parcels = np.round(rng.uniform(2, 20, (len(operators), villages)), 2)
    parcels[rng.random(parcels.shape) < 0.1] = 0.0
    for i, operator in enumerate(operators):
        if not operator.has_parcels:
            parcels[i] = 0.0
    out = np.round(parcels * rng.uniform(0.0, 0.5, villages), 2)
    by_town = np.array([parcels[:couriers][:, town == t].sum() for t in range(townships)])
    room = by_town * (0.4 if tight else 100.0)
    at = {operator.operator_id: i for i, operator in enumerate(operators)}
    runs, calls, returns, shops = (), (), (), ()
    if bus:
        served = sorted(rng.permutation(villages)[: max(1, villages // 2)].tolist())
        most = float(parcels[:couriers].sum()) * 0.3
        runs = tuple(
            BusRun(
                f"L1-{k}",
                "L1",
                at["bus"],
                500.0 + 240.0 * k,
                7.0,
                tuple(np.linspace(most, most / 2, len(served))),
                12.0,
            )
            for k in range(2)
        )
        calls = tuple(
            BusCall(k, v, position + 1, 20.0 * (position + 1)) for k in range(2) for position, v in enumerate(served)
        )
        returns = (BusReturn("L1", tuple(np.full(len(served), most / 3))),)
    if shop:
        shops = tuple(
            ShopCall(v, at["shop"], 5.0, float(rng.uniform(3, 15)), 480.0, 600.0) for v in range(0, villages, 2)
        )
    return CooperationProblem(
        operators=tuple(operators),
        township_ids=tuple(f"T{t}" for t in range(townships)),
        village_ids=tuple(f"v{v}" for v in range(villages)),
        village_township=town.astype(np.intp),
        inbound=parcels,
        outbound=out,
        reached=np.ones(parcels.shape, dtype=np.bool_),
        line_visit_cny=rng.uniform(30, 120, townships),
        line_unit_cny=rng.uniform(0.01, 0.1, townships),
        line_min=rng.uniform(20, 60, townships),
        round_visit_cny=rng.uniform(3, 25, villages),
        round_unit_cny=rng.uniform(0.02, 0.2, villages),
        round_min=rng.uniform(5, 40, villages),
        joint_station_cny=rng.uniform(10, 80, townships),
        post_line_room=room * 0.7,
        post_round_room=room,
        bus_runs=runs,
        bus_calls=calls,
        bus_returns=returns,
        shop_calls=shops,
        settings=CooperationSettings(**settings),
    )  # fmt: skip
