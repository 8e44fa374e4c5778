"""Coverage models as rows: location set covering, maximal covering with decay and floors, backup coverage.

Location set covering: Toregas, Swain, ReVelle and Bergman (1971). Maximal covering: Church and ReVelle (1974); decay with
distance: Church and Roberts (1983), Berman and Krass (2002). Backup coverage: Hogan and ReVelle (1986).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from planner.problems.siting import Floats, SitingProblem
from planner.siting.milp_rows import Form, Pairs, add_capacity_rows, add_shares, base_form, usable_pairs

Options = Mapping[str, Any]


def cover_shares(distance: Floats, options: Options) -> Floats:
    """Return how much of a demand point's weight counts as covered at each distance (1: all, 0: nothing).

    With ``radii`` and ``radius_shares``: the share of the smallest radius that holds. Else 1 up to ``radius`` (None: any distance
    stored), then falling in a straight line to 0 at ``decay_end``.
    """
    if options.get("radii"):
        shares = np.zeros(distance.size)
        for radius, share in sorted(zip(options["radii"], options["radius_shares"], strict=True), reverse=True):
            shares[distance <= radius] = share
        return shares
    radius, end = options.get("radius"), options.get("decay_end")
    if radius is None:
        return np.ones(distance.size)
    if end is None or end <= radius:
        return np.asarray(distance <= radius, dtype=np.float64)
    return np.asarray(np.clip((end - distance) / (end - radius), 0.0, 1.0), dtype=np.float64)


def cover_radius(options: Options) -> float:
    """Return the distance from which on nothing is covered."""
    if options.get("radii"):
        return float(max(options["radii"]))
    radius = options.get("radius")
    return math.inf if radius is None else float(max(radius, options.get("decay_end") or radius))


def covering_pairs(problem: SitingProblem, options: Options) -> tuple[Pairs, Floats]:
    """Return the pairs that cover at all, and their shares."""
    pairs = usable_pairs(problem, cover_radius(options))
    share = cover_shares(pairs.distance, options)
    keep = share > 0
    return Pairs(pairs.demand[keep], pairs.site[keep], pairs.distance[keep], pairs.column[keep]), share[keep]


def is_capacitated(problem: SitingProblem) -> bool:
    """Tell whether any site has a capacity."""
    return bool(np.isfinite(problem.capacity).any())


def site_prices(problem: SitingProblem) -> Floats:
    """Return what a site costs in set covering: its fixed cost, or 1 each when no site has any."""
    return problem.fixed_cost if (problem.fixed_cost != 0).any() else np.ones(problem.site_count)


def set_coverage(problem: SitingProblem, options: Options) -> Form:
    """Return: fewest (cheapest) sites so that everybody lies within the radius of `times` open ones."""
    form = base_form(problem, site_prices(problem), p_rule="at_most")
    pairs, _ = covering_pairs(problem, options)
    _cover_rows(form, problem, pairs, float(options.get("times", 1)))
    if is_capacitated(problem):
        placed = add_shares(
            form,
            problem,
            pairs,
            np.zeros(pairs.demand.size),
            must_serve=True,
            whole=bool(options.get("single_source", True)),
        )
        add_capacity_rows(form, problem, placed)
    return form


def _cover_rows(form: Form, problem: SitingProblem, pairs: Pairs, least: float) -> None:
    form.rows((pairs.demand, pairs.site, np.ones(pairs.demand.size)), problem.demand_count, lower=least)


def max_coverage(problem: SitingProblem, options: Options) -> Form:
    """Return: most weight covered by at most p sites (the minimisation of its negative)."""
    form = base_form(problem, np.zeros(problem.site_count), p_rule="at_most")
    pairs, share = covering_pairs(problem, options)
    if is_capacitated(problem) or (share < 1).any():
        whole = bool(options.get("single_source", True))
        cost = -problem.weight[pairs.demand] * share
        placed = add_shares(form, problem, pairs, cost, must_serve=False, whole=whole)
        add_capacity_rows(form, problem, placed)
        _floors(form, problem, options, (placed.demand, placed.column, share))
        return form
    covered = form.columns(-problem.weight)
    every = np.arange(problem.demand_count, dtype=np.int64)
    row, column = np.concatenate((every, pairs.demand)), np.concatenate((covered, pairs.site))
    coefficient = np.concatenate((np.ones(every.size), -np.ones(pairs.demand.size)))
    form.rows((row, column, coefficient), every.size, upper=0.0)
    _floors(form, problem, options, (every, covered, np.ones(every.size)))
    return form


def _floors(form: Form, problem: SitingProblem, options: Options, terms: tuple[Any, Any, Floats]) -> None:
    """Add ``Σ covered weight of a demand group ≥ floor × its weight``."""
    demand, column, share = terms
    groups, floors = options.get("demand_groups") or {}, options.get("floors") or {}
    for name in sorted(floors):
        members = np.zeros(problem.demand_count, dtype=np.bool_)
        members[list(groups[name])] = True
        held = members[demand]
        least = float(floors[name]) * float(problem.weight[members].sum())
        form.row(column[held], problem.weight[demand[held]] * share[held], lower=least - 1e-9 * max(1.0, least))


def backup_coverage(problem: SitingProblem, options: Options) -> Form:
    """Return: most weight covered once (times `first_share`) and twice (times the rest) by at most p sites.

    With `mandatory` everybody must be covered once.
    """
    form = base_form(problem, np.zeros(problem.site_count), p_rule="at_most")
    pairs, _ = covering_pairs(problem, options)
    first_share = float(options.get("first_share", 0.5))
    mandatory = 1.0 if options.get("mandatory") else 0.0
    once = form.columns(-first_share * problem.weight, lower=mandatory)
    twice = form.columns(-(1.0 - first_share) * problem.weight)
    every, count = np.arange(problem.demand_count, dtype=np.int64), problem.demand_count
    row = np.concatenate((every, every, pairs.demand))
    column = np.concatenate((once, twice, pairs.site))
    coefficient = np.concatenate((np.ones(2 * count), -np.ones(pairs.demand.size)))
    form.rows((row, column, coefficient), count, upper=0.0)
    order = (np.tile(every, 2), np.concatenate((twice, once)), np.concatenate((np.ones(count), -np.ones(count))))
    form.rows(order, count, upper=0.0)
    return form
