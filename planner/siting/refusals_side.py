"""Side constraints that contradict each other, the locks, or the sites there are; each with what, where, by how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geodata.errors import Problem
from planner.problems.siting import SitingProblem
from planner.siting.refusals_found import found
from planner.siting.side import conflict_pairs, near_mask, sum_rows


def side_problems(problem: SitingProblem) -> Iterator[Problem]:
    """Yield every contradiction that can be read off without solving."""
    unknown = list(_unknown(problem))
    yield from unknown
    if unknown:
        return
    yield from _locks(problem)
    yield from _groups(problem)
    yield from _money(problem)


def _found(code: str, column: str, value: object = "", **params: object) -> Problem:
    return found(code, "side_constraints", column, value, **params)


def _unknown(problem: SitingProblem) -> Iterator[Problem]:  # noqa: C901 — one check after another
    """Yield constraints on sites or groups that do not exist, and distances that are not there."""
    side, count = problem.side, problem.site_count
    for name, pairs in (("requires", side.requires), ("conflicts", side.conflicts)):
        for pair in pairs:
            if not all(0 <= j < count for j in pair) or pair[0] == pair[1]:
                yield _found("pair_unknown", name, f"{pair[0]}, {pair[1]}", sites=count)
    yield from (_found("site_unknown", "near_sites", j, sites=count) for j in side.near_sites if not 0 <= j < count)
    for group in sorted(set(side.group_minimum) | set(side.group_maximum)):
        if group not in problem.groups:
            yield _found("group_unknown", "groups", group, groups=", ".join(sorted(problem.groups)))
    for group in sorted(problem.groups):
        for j in problem.groups[group]:
            if not 0 <= j < count:
                yield _found("group_site", "groups", group, site=j, sites=count)
    amounts = {
        "exclusion_m": side.exclusion_m,
        "near_m": side.near_m,
        "capex_budget_cny": side.capex_budget_cny,
        "yearly_budget_cny": side.yearly_budget_cny,
        **{f"group_minimum {name}": float(least) for name, least in sorted(side.group_minimum.items())},
        **{f"group_maximum {name}": float(most) for name, most in sorted(side.group_maximum.items())},
    }
    for name, amount in amounts.items():
        if amount is not None and not (np.isfinite(amount) and amount >= 0):
            yield _found("amount", name, float(amount))
    if (side.exclusion_m > 0 or side.near_sites) and problem.site_metres is None:
        yield _found("no_site_metres", "site_metres")


def _locks(problem: SitingProblem) -> Iterator[Problem]:
    locked, names = problem.locked, problem.site_ids
    for j in np.flatnonzero((locked == 1) & ~near_mask(problem)):
        metres = problem.site_metres
        nearest = float(metres[j, list(problem.side.near_sites)].min()) if metres is not None else float("inf")
        yield _found("lock_near", "near_m", names[j], nearest=nearest, over=nearest - problem.side.near_m)
    for a, b in conflict_pairs(problem):
        if locked[a] == 1 and locked[b] == 1:
            yield _found("lock_conflict", "conflicts", names[a], other=names[b])
    for a, b in problem.side.requires:
        if locked[a] == 1 and (locked[b] == -1 or not near_mask(problem)[b]):
            yield _found("lock_requires", "requires", names[a], other=names[b])
    excluded = set(conflict_pairs(problem))
    for a, b in problem.side.requires:
        if (min(a, b), max(a, b)) in excluded and locked[a] != -1:
            yield _found("requires_conflict", "requires", names[a], other=names[b])


def _groups(problem: SitingProblem) -> Iterator[Problem]:
    side, usable = problem.side, (problem.locked >= 0) & near_mask(problem)
    for name in sorted(set(side.group_minimum) | set(side.group_maximum)):
        members = list(problem.groups[name])
        least, most = side.group_minimum.get(name, 0), side.group_maximum.get(name, len(members))
        there, must = int(usable[members].sum()), int((problem.locked[members] == 1).sum())
        if least > most:
            yield _found("group_range", "groups", name, least=least, most=most)
        if least > there:
            yield _found("group_short", "groups", name, least=least, there=there, short=least - there)
        if must > most:
            yield _found("group_locked", "groups", name, most=most, locked=must, over=must - most)
    if problem.p is not None:
        yield from _group_sums(problem, problem.p)


def _group_sums(problem: SitingProblem, p: int) -> Iterator[Problem]:
    """Yield when groups that share no site ask for more sites than p."""
    asked = {name: least for name, least in problem.side.group_minimum.items() if least > 0}
    members = [j for name in asked for j in problem.groups[name]]
    if len(set(members)) == len(members) and sum(asked.values()) > p:
        yield _found("groups_over_p", "groups", sum(asked.values()), p=p, over=sum(asked.values()) - p)


def _money(problem: SitingProblem) -> Iterator[Problem]:
    """Yield budgets that the locks alone overspend (every free site at its cheaper choice)."""
    for row in sum_rows(problem):
        if row.name.startswith("group"):
            continue
        cheapest = np.minimum(row.coefficient, 0.0)
        cheapest = np.where(problem.locked == 1, row.coefficient, np.where(problem.locked == -1, 0.0, cheapest))
        over = float(cheapest.sum()) - row.upper
        budget = getattr(problem.side, row.name)
        if over > 1e-6 * max(1.0, abs(budget)):
            yield _found("budget_locked", row.name, budget, over=over, needed=budget + over)
