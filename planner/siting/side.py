"""Side constraints reduced to four kinds every engine understands: locks, conflicts, requirements, linear sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.problems.siting import Bools, Floats, Locks, SitingProblem

Pairs = tuple[tuple[int, int], ...]
#: Money is compared to this precision.
MONEY_TOLERANCE_CNY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SumRow:
    """``lower ≤ Σ coefficient_j · open_j ≤ upper`` over all sites."""

    name: str
    coefficient: Floats
    lower: float
    upper: float


def near_mask(problem: SitingProblem) -> Bools:
    """Tell for every site whether it lies within `near_m` of one of `near_sites` (all, if nothing is asked)."""
    side = problem.side
    if not side.near_sites or problem.site_metres is None:
        return np.ones(problem.site_count, dtype=np.bool_)
    is_near: Bools = np.asarray(problem.site_metres[:, list(side.near_sites)] <= side.near_m, dtype=np.bool_)
    return np.asarray(is_near.any(axis=1), dtype=np.bool_)


def effective_locks(problem: SitingProblem) -> Locks:
    """Return the locks, with sites too far from what they must be near closed."""
    locked = problem.locked.astype(np.int8).copy()
    locked[~near_mask(problem) & (locked == 0)] = -1
    return locked


def conflict_pairs(problem: SitingProblem) -> Pairs:
    """Return all pairs (a < b) that may not both be open: the conflicts asked for and the exclusion distance."""
    pairs = {(min(a, b), max(a, b)) for a, b in problem.side.conflicts}
    if problem.side.exclusion_m > 0 and problem.site_metres is not None:
        closest = np.minimum(problem.site_metres, problem.site_metres.T)
        first, second = np.nonzero(np.triu(closest < problem.side.exclusion_m, k=1))
        pairs |= set(zip(first.tolist(), second.tolist(), strict=True))
    return tuple(sorted(pairs))


def without_near(problem: SitingProblem) -> SitingProblem:
    """Return the same problem with nearness turned into locks, for engines that know locks only."""
    if not problem.side.near_sites:
        return problem
    side = replace(problem.side, near_sites=(), near_m=0.0)
    return replace(problem, locked=effective_locks(problem), side=side)


def sum_rows(problem: SitingProblem) -> tuple[SumRow, ...]:
    """Return budgets and group counts as sums over open sites.

    An opened candidate costs its capex, a closed existing site its closing cost, an open site its yearly cost.
    """
    side, rows = problem.side, []
    existing = problem.is_existing
    if side.capex_budget_cny is not None:
        spent = np.where(existing, -problem.closing_cny, problem.capex_cny)
        base = float(problem.closing_cny[existing].sum())
        rows.append(SumRow("capex_budget_cny", spent, -np.inf, side.capex_budget_cny - base))
    if side.yearly_budget_cny is not None:
        rows.append(SumRow("yearly_budget_cny", problem.yearly_cny, -np.inf, side.yearly_budget_cny))
    for group in sorted(set(side.group_minimum) | set(side.group_maximum)):
        members = np.zeros(problem.site_count)
        members[list(problem.groups[group])] = 1.0
        low = float(side.group_minimum.get(group, -np.inf))
        rows.append(SumRow(f"group {group}", members, low, float(side.group_maximum.get(group, np.inf))))
    return tuple(rows)


def broken_side(problem: SitingProblem, open_sites: Sequence[int]) -> tuple[str, ...]:
    """Name every lock and side constraint a choice of sites breaks (a check apart from the engines' rows)."""
    chosen, side, broken = set(open_sites), problem.side, []
    locks = {j: int(lock) for j, lock in enumerate(problem.locked)}
    if any((lock == 1 and j not in chosen) or (lock == -1 and j in chosen) for j, lock in locks.items()):
        broken.append("locks")
    broken += [f"requires {a} {b}" for a, b in side.requires if a in chosen and b not in chosen]
    broken += [f"conflicts {a} {b}" for a, b in side.conflicts if a in chosen and b in chosen]
    broken += [f"group {name}" for name, low in side.group_minimum.items() if _inside(problem, name, chosen) < low]
    broken += [f"group {name}" for name, top in side.group_maximum.items() if _inside(problem, name, chosen) > top]
    broken += _broken_money(problem, chosen)
    broken += _broken_distances(problem, chosen)
    return tuple(broken)


def _inside(problem: SitingProblem, group: str, chosen: set[int]) -> int:
    return len(chosen & set(problem.groups[group]))


def _broken_money(problem: SitingProblem, chosen: set[int]) -> list[str]:
    once = sum(float(problem.capex_cny[j]) for j in chosen if not problem.is_existing[j])
    once += sum(float(problem.closing_cny[j]) for j in np.flatnonzero(problem.is_existing) if int(j) not in chosen)
    yearly = sum(float(problem.yearly_cny[j]) for j in chosen)
    limits = (
        ("capex_budget_cny", once, problem.side.capex_budget_cny),
        ("yearly_budget_cny", yearly, problem.side.yearly_budget_cny),
    )
    return [
        name
        for name, spent, most in limits
        if most is not None and spent > most + MONEY_TOLERANCE_CNY * max(1.0, abs(most))
    ]


def _broken_distances(problem: SitingProblem, chosen: set[int]) -> list[str]:
    metres, side, broken = problem.site_metres, problem.side, []
    if metres is None:
        return []
    if any(metres[a, b] < side.exclusion_m for a in chosen for b in chosen if a != b):
        broken.append("exclusion_m")
    if side.near_sites and any(min(metres[j, k] for k in side.near_sites) > side.near_m for j in chosen):
        broken.append("near_m")
    return broken
