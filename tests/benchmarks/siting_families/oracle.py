"""Brute force for every siting model: all sets of sites, every side constraint checked in plain Python, every value by definition.

Nothing of the engines is used, only the problem. For instances of up to about ten sites.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.optimize import linprog

EPS = 1e-7


def dense(problem):
    """Return the distances as a matrix; out of reach: inf."""
    full = np.full((problem.demand_count, problem.site_count), np.inf)
    start = problem.distance.indptr
    for i in range(problem.demand_count):
        for k in range(start[i], start[i + 1]):
            full[i, problem.distance.indices[k]] = problem.distance.data[k]
    return full


def allowed(problem, chosen):  # noqa: C901, PLR0911, PLR0912 — one plain check a constraint
    """Tell whether a set of open sites keeps locks and side constraints."""
    side, opened = problem.side, set(chosen)
    for j in range(problem.site_count):
        if (problem.locked[j] == 1 and j not in opened) or (problem.locked[j] == -1 and j in opened):
            return False
    once = 0.0
    for j in range(problem.site_count):
        if problem.is_existing[j]:
            once += 0.0 if j in opened else problem.closing_cny[j]
        elif j in opened:
            once += problem.capex_cny[j]
    if side.capex_budget_cny is not None and once > side.capex_budget_cny + EPS:
        return False
    if side.yearly_budget_cny is not None and sum(problem.yearly_cny[j] for j in opened) > side.yearly_budget_cny + EPS:
        return False
    for group, least in side.group_minimum.items():
        if len(opened & set(problem.groups[group])) < least:
            return False
    for group, most in side.group_maximum.items():
        if len(opened & set(problem.groups[group])) > most:
            return False
    for a, b in side.requires:
        if a in opened and b not in opened:
            return False
    for a, b in side.conflicts:
        if a in opened and b in opened:
            return False
    for a, b in itertools.combinations(sorted(opened), 2):
        if side.exclusion_m > 0 and min(problem.site_metres[a, b], problem.site_metres[b, a]) < side.exclusion_m:
            return False
    if side.near_sites:
        return all(min(problem.site_metres[j, k] for k in side.near_sites) <= side.near_m for j in opened)
    return True


def best(model, problem, options):
    """Return the least value of the model, or None when nothing is allowed."""
    found = [value(model, problem, chosen, options) for chosen in sets(model, problem)]
    found = [v for v in found if v is not None]
    return min(found) if found else None


def sets(model, problem):
    """Yield every allowed set of sites of the right size."""
    exactly = model not in ("set_coverage", "max_coverage", "backup_coverage")
    for count in range(problem.site_count + 1):
        if problem.p is not None and (count > problem.p or (exactly and count != problem.p)):
            continue
        for chosen in itertools.combinations(range(problem.site_count), count):
            if allowed(problem, chosen):
                yield chosen


def value(model, problem, chosen, options):
    """Return the best value of an open set, or None when it cannot serve as asked."""
    return _VALUES[model](problem, chosen, options)


def _capacitated(problem):
    return bool(np.isfinite(problem.capacity).any())


def _least(problem, chosen, cost, whole, *, must=True, demand=None):
    """Return the least Σ cost over shares of demand on the chosen sites within capacities (inf: pair not usable)."""
    n, sites = problem.demand_count, list(chosen)
    if not _capacitated(problem):
        total = 0.0
        for i in range(n):
            here = min((cost[i, j] for j in sites), default=math.inf)
            here = min(here, 0.0) if not must else here
            if not math.isfinite(here):
                return None
            total += here
        return total
    if whole:
        return _whole(problem, sites, cost, must)
    return _split(problem, sites, cost, must)


def _whole(problem, sites, cost, must):
    best_value = [math.inf]
    order = sorted(range(problem.demand_count), key=lambda i: -problem.demand[i])
    floor = [min([cost[i, j] for j in sites] + ([] if must else [0.0]), default=math.inf) for i in order]
    rest = [sum(floor[k:]) for k in range(len(order) + 1)]

    def place(k, room, total):
        if total + rest[k] >= best_value[0] - 1e-12:
            return
        if k == len(order):
            best_value[0] = total
            return
        i = order[k]
        for j in sorted(sites, key=lambda site: cost[i, site]):
            if math.isfinite(cost[i, j]) and room[j] >= problem.demand[i] - EPS:
                room[j] -= problem.demand[i]
                place(k + 1, room, total + cost[i, j])
                room[j] += problem.demand[i]
        if not must:
            place(k + 1, room, total)

    place(0, {j: problem.capacity[j] for j in sites}, 0.0)
    return best_value[0] if math.isfinite(best_value[0]) else None


def _split(problem, sites, cost, must):
    n = problem.demand_count
    pairs = [(i, j) for i in range(n) for j in sites if math.isfinite(cost[i, j])]
    if not pairs:
        return None if must else 0.0
    rows = np.zeros((n, len(pairs)))
    load = np.zeros((len(sites), len(pairs)))
    for k, (i, j) in enumerate(pairs):
        rows[i, k] = 1.0
        load[sites.index(j), k] = problem.demand[i]
    limit = np.array([min(problem.capacity[j], 1e12) for j in sites])
    price = [cost[i, j] for i, j in pairs]
    if must:
        answer = linprog(price, A_ub=load, b_ub=limit, A_eq=rows, b_eq=np.ones(n), bounds=(0, 1))
    else:
        answer = linprog(price, A_ub=np.vstack((load, rows)), b_ub=np.concatenate((limit, np.ones(n))), bounds=(0, 1))
    return float(answer.fun) if answer.status == 0 else None


def _serving(problem, chosen, options, whole):
    cost = dense(problem) * problem.weight[:, None]
    cost[~np.isfinite(dense(problem))] = np.inf
    fixed = sum(problem.fixed_cost[j] for j in chosen)
    if not options.get("modules"):
        travel = _least(problem, chosen, cost, whole)
        return None if travel is None else travel + fixed
    best_value = None
    from dataclasses import replace

    for picked in itertools.product(options["modules"], repeat=len(chosen)):
        room = problem.capacity.copy()
        for j, (size, _) in zip(chosen, picked, strict=True):
            room[j] = min(room[j], size)
        travel = _least(replace(problem, capacity=room), chosen, cost, whole)
        if travel is not None:
            total = travel + fixed + sum(price for _, price in picked)
            best_value = total if best_value is None else min(best_value, total)
    return best_value


def _median(problem, chosen, options):
    return _serving(problem, chosen, options, options.get("single_source", True))


def _fixed_charge(problem, chosen, options):
    return _serving(problem, chosen, options, options.get("single_source", False))


def _share(distance, options):
    if options.get("radii"):
        for radius, share in zip(options["radii"], options["radius_shares"], strict=True):
            if distance <= radius:
                return share
        return 0.0
    radius, end = options.get("radius"), options.get("decay_end")
    if radius is None or distance <= radius:
        return 1.0 if math.isfinite(distance) else 0.0
    return max(0.0, (end - distance) / (end - radius)) if end else 0.0


def _cover_cost(problem, options):
    full = dense(problem)
    return np.array([[-problem.weight[i] * _share(d, options) for d in row] for i, row in enumerate(full)])


def _max_coverage(problem, chosen, options):
    cost = _cover_cost(problem, options)
    floors = options.get("floors") or {}
    if floors and not _capacitated(problem):
        covered = [-min([cost[i, j] for j in chosen], default=0.0) for i in range(problem.demand_count)]
        for name, floor in floors.items():
            members = options["demand_groups"][name]
            if sum(covered[i] for i in members) < floor * sum(problem.weight[i] for i in members) - 1e-6:
                return None
    if _capacitated(problem):
        cost = np.where(cost < 0, cost, np.inf)
    return _least(problem, chosen, cost, options.get("single_source", True), must=False)


def _set_coverage(problem, chosen, options):
    full = dense(problem)
    reach = math.inf if options.get("radius") is None else options["radius"]
    times = options.get("times", 1)
    for row in full:
        if sum(1 for j in chosen if row[j] <= reach and math.isfinite(row[j])) < times:
            return None
    if _capacitated(problem):
        cost = np.where((full <= reach) & np.isfinite(full), 0.0, np.inf)
        if _least(problem, chosen, cost, options.get("single_source", True)) is None:
            return None
    priced = any(c != 0 for c in problem.fixed_cost)
    return float(sum(problem.fixed_cost[j] if priced else 1.0 for j in chosen))


def _backup(problem, chosen, options):
    full, reach, first = dense(problem), options["radius"], options.get("first_share", 0.5)
    total = 0.0
    for i, row in enumerate(full):
        times = sum(1 for j in chosen if row[j] <= reach)
        if times == 0 and options.get("mandatory"):
            return None
        total += problem.weight[i] * ((first if times >= 1 else 0.0) + (1 - first if times >= 2 else 0.0))
    return -total


def _p_center(problem, chosen, options):
    full = dense(problem) * (problem.weight[:, None] if options.get("weighted") else 1.0)
    if not _capacitated(problem):
        worst = max(min((row[j] for j in chosen), default=math.inf) for row in full)
        return worst if math.isfinite(worst) else None
    for reach in np.unique(full[np.isfinite(full)]):
        cost = np.where(full <= reach, 0.0, np.inf)
        if _least(problem, chosen, cost, options.get("single_source", True)) is not None:
            return float(reach)
    return None


def _p_dispersion(problem, chosen, _options):
    pairs = itertools.combinations(chosen, 2)
    return -min(min(problem.site_metres[a, b], problem.site_metres[b, a]) for a, b in pairs)


def worst_mean(distances, weight, share):
    """Return the mean distance of the worst-off share of the weight."""
    tail = left = share * sum(weight)
    total = 0.0
    for d, w in sorted(zip(distances, weight, strict=True), reverse=True):
        taken = min(left, w)
        total, left = total + taken * d, left - taken
    return total / tail


def gini(distances, weight):
    """Return the Gini index by its definition over all pairs."""
    mean = sum(w * d for w, d in zip(weight, distances, strict=True)) / sum(weight)
    if mean == 0:
        return 0.0
    spread = sum(
        wa * wb * abs(da - db)
        for da, wa in zip(distances, weight, strict=True)
        for db, wb in zip(distances, weight, strict=True)
    )
    return spread / (2 * sum(weight) ** 2 * mean)


def _equity(problem, chosen, options):
    """Everybody at the nearest open site (which is best for both measures asked); with capacities every whole placing is tried."""
    full = dense(problem)
    if _capacitated(problem):
        found = [_equity_of(problem, row, options) for row in _placings(problem, chosen, full)]
        return min((value for value in found if value is not None), default=None)
    return _equity_of(problem, [min((row[j] for j in chosen), default=math.inf) for row in full], options)


def _placings(problem, chosen, full):
    """Yield the distances of every placing of whole demand points within capacities."""
    n = problem.demand_count
    for sites in itertools.product(chosen, repeat=n):
        loads = np.bincount(sites, weights=problem.demand, minlength=problem.site_count)
        if (loads <= problem.capacity + EPS).all():
            yield [full[i, j] for i, j in enumerate(sites)]


def _equity_of(problem, distances, options):
    if not all(map(math.isfinite, distances)):
        return None
    worst = worst_mean(distances, problem.weight, options.get("share", 0.1))
    if options.get("bound") is None:
        return worst
    measured = gini(distances, problem.weight) if options.get("measure") == "gini" else worst
    if measured > options["bound"] + EPS:
        return None
    return float(np.dot(problem.weight, distances) / problem.weight.sum())


_VALUES = {
    "set_coverage": _set_coverage,
    "max_coverage": _max_coverage,
    "backup_coverage": _backup,
    "p_median": _median,
    "capacitated_p_median": _median,
    "facility_location": _fixed_charge,
    "uncapacitated": _fixed_charge,
    "p_center": _p_center,
    "p_dispersion": _p_dispersion,
    "equity": _equity,
}
