"""Station mergers with a planted optimum, drawn at random; loaded by path, because tests are no package.

The optimum is planted by linear-programming duality: prices are put on customers that exactly one planted station covers, and the
costs of stations and hosting are set so that every planted station just earns its cost and no other earns more than its own.
Then the planted plan and the prices prove each other.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from planner.cooperation.stations_merge import MergeProblem


def planted(seed: int, *, localities: int, stations: int, customers: int, functions: int = 5, radius_m: float = 1000.0):
    """Return (problem, planted cost): localities far apart, each with its share of stations and customers."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(localities, 2.0))
    numbers = 3 + rng.multinomial(stations - 3 * localities, share)
    people = 4 + rng.multinomial(customers - 4 * localities, numbers / numbers.sum())
    side = int(np.ceil(np.sqrt(localities)))
    places, homes, kinds = [], [], []
    is_planted = np.zeros(stations, dtype=np.bool_)
    done = 0
    for t, (n, m) in enumerate(zip(numbers, people, strict=True)):
        width = 700.0 * np.sqrt(n)
        corner = np.array([t % side, t // side]) * (700.0 * np.sqrt(numbers.max()) + 5.0 * radius_m)
        at = corner + rng.uniform(0.0, width, (n, 2))
        left, chosen = set(range(n)), []
        while left:  # stations no nearer than 1.2 radii from each other are planted
            first = min(left)
            chosen.append(first)
            left = {s for s in left if np.hypot(*(at[s] - at[first])) > 1.2 * radius_m}
        is_planted[done + np.array(chosen)] = True
        angle, length = rng.uniform(0, 2 * np.pi, m), radius_m * np.sqrt(rng.random(m)) * 0.999
        base = at[np.array(chosen)[rng.integers(0, len(chosen), m)]]
        homes.append(base + np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None])
        places.append(at)
        kinds.append(rng.integers(0, functions, m))
        done += n
    places, homes, kinds = np.vstack(places), np.vstack(homes), np.concatenate(kinds)
    pairs = cKDTree(homes).sparse_distance_matrix(cKDTree(places), radius_m, output_type="coo_matrix")
    row, station, metres = pairs.row, pairs.col, np.maximum(pairs.data, 0.5)
    once = np.bincount(row[is_planted[station]], minlength=customers) == 1
    price = np.where(once, np.round(rng.uniform(0.2, 3.0, customers), 3), 0.0)
    earns = np.zeros((stations, functions))
    np.add.at(earns, (station, kinds[row]), price[row])
    customer_there = np.zeros_like(earns, dtype=np.bool_)
    customer_there[station, kinds[row]] = True
    host = np.round(rng.uniform(0.0, 4.0, earns.shape), 3)
    host[is_planted] = np.minimum(host[is_planted], earns[is_planted])
    has_today = rng.random(earns.shape) < 0.3
    first = np.full((customers,), -1)
    order = np.argsort(metres, kind="stable")[::-1]
    first[row[order]] = station[order]  # the nearest station has the customer's function today
    has_today[first, kinds] = True
    fixed = np.maximum(earns - host, 0.0).sum(axis=1)
    fixed[~is_planted] += np.round(rng.uniform(0.0, 8.0, int((~is_planted).sum())), 3)
    need = rng.uniform(2.0, 6.0, earns.shape)
    floor = rng.uniform(6.0, 40.0, stations)
    floor[is_planted] = need[is_planted].sum(axis=1) + 1.0
    optimum = float(fixed[is_planted].sum() + (host * customer_there)[is_planted].sum())
    problem = MergeProblem(
        station_ids=tuple(f"s{j}" for j in range(stations)),
        function_ids=tuple(f"f{k}" for k in range(functions)),
        fixed_cny=fixed,
        floor_m2=floor,
        host_cny=host,
        need_m2=need,
        may_host=np.ones(earns.shape, dtype=np.bool_),
        has_today=has_today,
        customer_function=kinds.astype(np.intp),
        weight=np.ones(customers),
        metres=sparse.csr_array((metres, (row, station)), shape=(customers, stations)),
        standard_m=np.full(functions, radius_m),
        must_stay=np.zeros(stations, dtype=np.bool_),
    )
    assert abs(optimum - price.sum()) <= 1e-6 * max(1.0, optimum)
    return problem, optimum
