"""Models that serve everybody as rows: p-median, fixed charge, equity, and one threshold of p-center and p-dispersion.

p-median: Hakimi (1964), ReVelle and Swain (1970). Fixed charge: Balinski (1965); the links share ≤ open make the relaxation strong.
p-center by thresholds: Minieka (1970); p-dispersion by thresholds: Kuby (1987), Sayah and Irnich (2017). Worst-share mean:
Rockafellar and Uryasev (2000), as a location measure Ogryczak and Zawadzki (2002). Gini: Drezner, Drezner and Guyse (2009).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from planner.problems.siting import Floats, SitingProblem
from planner.siting.milp_cover import Options, is_capacitated
from planner.siting.milp_rows import Form, Ints, Pairs, add_capacity_rows, add_shares, base_form, usable_pairs


def p_median(problem: SitingProblem, options: Options) -> Form:
    """Return: least Σ weight × distance with exactly p sites (plus fixed costs, where given)."""
    return _serving(problem, options, p_rule="exactly", single_source=True)


def facility_location(problem: SitingProblem, options: Options) -> Form:
    """Return: least fixed cost + Σ weight × distance; modular capacities where `modules` are given."""
    return _serving(problem, options, p_rule="exactly", single_source=False)


def _serving(problem: SitingProblem, options: Options, *, p_rule: str, single_source: bool) -> Form:
    modules = tuple(options.get("modules") or ())
    form = base_form(problem, problem.fixed_cost, p_rule=p_rule)
    pairs = usable_pairs(problem)
    cost = problem.weight[pairs.demand] * pairs.distance
    whole = bool(options.get("single_source", single_source))
    bounded = replace(problem, capacity=np.zeros(problem.site_count)) if modules else problem
    placed = add_shares(form, bounded, pairs, cost, must_serve=True, whole=whole)
    if modules:
        _module_rows(form, problem, placed, modules)
    else:
        add_capacity_rows(form, problem, placed)
        _total_capacity(form, problem)
    return form


def _total_capacity(form: Form, problem: SitingProblem) -> None:
    """Add the row that open sites must hold all demand: implied, and it sharpens the relaxation."""
    if not np.isfinite(problem.capacity).all():
        return
    form.row(
        np.arange(problem.site_count, dtype=np.int64),
        np.minimum(problem.capacity, problem.demand.sum()),
        lower=float(problem.demand.sum()) * (1 - 1e-9),
    )


def _module_rows(form: Form, problem: SitingProblem, pairs: Pairs, modules: tuple[tuple[float, float], ...]) -> None:
    """Add the choice of one module an open site: ``Σ module = open``, ``Σ demand · share ≤ Σ module capacity``.

    A site's own capacity, where it has one, is the most any module may use there.
    """
    every, count = np.arange(problem.site_count, dtype=np.int64), problem.site_count
    chosen: list[Ints] = []
    room: list[Floats] = []
    for capacity, cost in modules:
        chosen.append(form.columns(np.full(count, float(cost)), is_integer=True))
        room.append(np.minimum(float(capacity), problem.capacity))
    ones = np.ones(count)
    row, column = np.tile(every, len(chosen) + 1), np.concatenate((*chosen, every))
    form.rows((row, column, np.concatenate((*([ones] * len(chosen)), -ones))), count, lower=0.0, upper=0.0)
    row = np.concatenate((pairs.site, np.tile(every, len(chosen))))
    column = np.concatenate((pairs.column, *chosen))
    coefficient = np.concatenate((problem.demand[pairs.demand], *(-r for r in room)))
    form.rows((row, column, coefficient), count, upper=0.0)


def within_threshold(problem: SitingProblem, options: Options, threshold: float) -> Form:
    """Return: everybody within `threshold` of an open site (p-center asked as a question; fewest sites help the search)."""
    form = base_form(problem, np.zeros(problem.site_count), p_rule="exactly")
    pairs = usable_pairs(problem)
    held = farness(problem, pairs, options) <= threshold
    pairs = Pairs(pairs.demand[held], pairs.site[held], pairs.distance[held], pairs.column[held])
    form.rows((pairs.demand, pairs.site, np.ones(pairs.demand.size)), problem.demand_count, lower=1.0)
    if is_capacitated(problem):
        whole = bool(options.get("single_source", True))
        placed = add_shares(form, problem, pairs, np.zeros(pairs.demand.size), must_serve=True, whole=whole)
        add_capacity_rows(form, problem, placed)
    return form


def farness(problem: SitingProblem, pairs: Pairs, options: Options) -> Floats:
    """Return what p-center makes least for each pair: its distance, or weight × distance."""
    return problem.weight[pairs.demand] * pairs.distance if options.get("weighted") else pairs.distance


def apart_by_threshold(problem: SitingProblem, threshold: float) -> Form:
    """Return: p open sites, no two closer than `threshold` (p-dispersion asked as a question)."""
    side = replace(problem.side, exclusion_m=max(problem.side.exclusion_m, threshold))
    form = base_form(replace(problem, side=side), np.zeros(problem.site_count), p_rule="exactly")
    _clique_rows(form, problem, side.exclusion_m)
    return form


def _clique_rows(form: Form, problem: SitingProblem, threshold: float) -> None:
    """Add ``Σ open ≤ 1`` over greedily grown sets of sites pairwise too close: implied, and it sharpens the relaxation."""
    if problem.site_metres is None:
        return
    close = np.minimum(problem.site_metres, problem.site_metres.T) < threshold
    np.fill_diagonal(close, val=False)
    seen: set[tuple[int, ...]] = set()
    for start in range(problem.site_count):
        clique = [start]
        shared = close[start].copy()
        while shared.any():
            candidates = np.flatnonzero(shared)
            best = int(candidates[np.argmax(close[candidates][:, candidates].sum(axis=1))])
            clique.append(best)
            shared &= close[best]
        key = tuple(sorted(clique))
        if len(key) > 2 and key not in seen:  # noqa: PLR2004 - pairs stand as conflicts already
            seen.add(key)
            form.row(np.array(key, dtype=np.int64), np.ones(len(key)), upper=1.0)


def equity(problem: SitingProblem, options: Options) -> Form:
    """Return: least worst-share mean distance, or least mean distance under a bound on it or on the Gini index.

    The Gini bound is completed by cuts (`gini_cut`) and holds for the allocation of everybody to the nearest open site.
    """
    bound, measure = options.get("bound"), options.get("measure", "worst_share")
    total = float(problem.weight.sum())
    form = base_form(problem, np.zeros(problem.site_count), p_rule="exactly")
    pairs = usable_pairs(problem)
    mean = problem.weight[pairs.demand] * pairs.distance / total
    is_mean = bound is not None
    whole = bool(options.get("single_source", True))
    placed = add_shares(form, problem, pairs, mean if is_mean else np.zeros(mean.size), must_serve=True, whole=whole)
    add_capacity_rows(form, problem, placed)
    if measure == "gini":
        _nearest_rows(form, problem, placed)
    else:
        _worst_share(form, problem, placed, (float(options.get("share", 0.1)), bound))
    return form


def _worst_share(form: Form, problem: SitingProblem, pairs: Pairs, asked: tuple[float, float | None]) -> None:
    """Add ``worst = level + Σ weight · excess / (share · Σ weight)``, excess ≥ distance - level, and its bound or price."""
    share, bound = asked
    count, tail = problem.demand_count, share * float(problem.weight.sum())
    priced = 0.0 if bound is not None else 1.0
    level = form.columns(np.array([priced]), upper=math.inf)
    excess = form.columns(priced * problem.weight / tail, upper=math.inf)
    every = np.arange(count, dtype=np.int64)
    row = np.concatenate((pairs.demand, every, every))
    column = np.concatenate((pairs.column, np.repeat(level, count), excess))
    coefficient = np.concatenate((pairs.distance, -np.ones(2 * count)))
    form.rows((row, column, coefficient), count, upper=0.0)
    if bound is not None:
        form.row(np.concatenate((level, excess)), np.concatenate(([1.0], problem.weight / tail)), upper=float(bound))


def _nearest_rows(form: Form, problem: SitingProblem, pairs: Pairs) -> None:
    """Add closest assignment (Rojeski and ReVelle 1970): if a site is open, nobody goes past it.

    ``Σ_{k no farther than j} share_ik ≥ open_j`` for every pair (i, j).
    """
    order = np.lexsort((pairs.distance, pairs.demand))
    demand, distance = pairs.demand[order], pairs.distance[order]
    starts = np.searchsorted(demand, np.arange(problem.demand_count))
    ends = np.append(starts[1:], demand.size)
    rows, columns, values = [], [], []
    for number, place in enumerate(order):
        i = int(demand[number])
        stop = int(starts[i] + np.searchsorted(distance[starts[i] : ends[i]], distance[number], side="right"))
        nearer = pairs.column[order[starts[i] : stop]]
        rows.append(np.full(nearer.size + 1, number, dtype=np.int64))
        columns.append(np.append(nearer, pairs.site[place]))
        values.append(np.append(np.ones(nearer.size), -1.0))
    form.rows((np.concatenate(rows), np.concatenate(columns), np.concatenate(values)), order.size, lower=0.0)


def gini_cut(form: Form, problem: SitingProblem, distances: Floats, bound: float) -> None:
    """Add the inequality of the Gini bound that `distances` break.

    ``Σ_{i<k} w_i w_k |d_i - d_k| ≤ G · W · Σ w_i d_i``. For a fixed order of the demand points the left side is linear in the
    distances, and it is the greatest of these over all orders, so the cut of any order holds for every plan that keeps the bound.
    """
    pairs = form.pairs
    if pairs is None:
        return
    coefficient = gini_coefficients(problem.weight, distances) - bound * problem.weight.sum() * problem.weight
    scale = max(float(np.abs(coefficient).max()), 1e-300)
    form.row(pairs.column, (coefficient / scale)[pairs.demand] * pairs.distance, upper=0.0)


def gini_coefficients(weight: Floats, distances: Floats) -> Floats:
    """Return c with ``Σ_{i<k} w_i w_k |d_i - d_k| = Σ c_i d_i``: weight times (weight before minus weight after) in order of distance."""
    order = np.argsort(distances, kind="stable")
    ranked = weight[order]
    before = np.concatenate(([0.0], np.cumsum(ranked)[:-1]))
    after = ranked.sum() - before - ranked
    coefficients = np.empty(weight.size)
    coefficients[order] = ranked * (before - after)
    return coefficients
