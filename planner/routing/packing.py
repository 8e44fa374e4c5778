"""Trips onto vehicles: a vehicle's trips of one depot fit its shift together."""

from __future__ import annotations

from collections.abc import Sequence

from planner.routing.round_problem import LIMIT_TOLERANCE

#: Up to this many trips of one type at one depot the fewest vehicles are proved, within `NODE_LIMIT` nodes.
EXACT_TRIPS = 14
NODE_LIMIT = 200_000


def pack(minutes: Sequence[float], shift_min: float) -> tuple[int, ...]:
    """Assign trips to as few vehicles as possible.

    First-fit decreasing; up to `EXACT_TRIPS` trips are then packed by branch and bound.

    Parameters
    ----------
    minutes
        Minutes of each trip, each at most `shift_min`.
    shift_min
        Minutes a vehicle may work.

    Returns
    -------
    tuple of int
        Vehicle of each trip, 0…; numbered in the order of first use.
    """
    order = sorted(range(len(minutes)), key=lambda i: (-minutes[i], i))
    assigned = _first_fit(minutes, order, shift_min)
    least = -(-sum(minutes) // shift_min) if minutes and shift_min > 0 else 0
    used = len(set(assigned.values()))
    if used > least and len(minutes) <= EXACT_TRIPS:
        assigned = _branch(minutes, order, shift_min, assigned)
    return _renumber([assigned[i] for i in range(len(minutes))])


def _first_fit(minutes: Sequence[float], order: Sequence[int], shift_min: float) -> dict[int, int]:
    free: list[float] = []
    assigned: dict[int, int] = {}
    for i in order:
        place = next((b for b, room in enumerate(free) if minutes[i] <= room + LIMIT_TOLERANCE), None)
        if place is None:
            place = len(free)
            free.append(shift_min)
        free[place] -= minutes[i]
        assigned[i] = place
    return assigned


def _branch(
    minutes: Sequence[float], order: Sequence[int], shift_min: float, incumbent: dict[int, int]
) -> dict[int, int]:
    """Depth-first search over the decreasing trips; equal free rooms are tried once."""
    best = dict(incumbent)
    best_used = len(set(best.values()))
    nodes = 0
    stack: list[tuple[int, tuple[float, ...], tuple[int, ...]]] = [(0, (), ())]
    while stack and nodes < NODE_LIMIT:
        depth, free, chosen = stack.pop()
        nodes += 1
        if len(free) >= best_used:
            continue
        if depth == len(order):
            best, best_used = dict(zip(order, chosen, strict=True)), len(free)
            continue
        need = minutes[order[depth]]
        children = []
        seen: set[float] = set()
        for b, room in enumerate(free):
            if need <= room + LIMIT_TOLERANCE and room not in seen:
                seen.add(room)
                children.append((depth + 1, (*free[:b], room - need, *free[b + 1 :]), (*chosen, b)))
        children.append((depth + 1, (*free, shift_min - need), (*chosen, len(free))))
        stack.extend(reversed(children))
    return best


def _renumber(bins: Sequence[int]) -> tuple[int, ...]:
    names: dict[int, int] = {}
    return tuple(names.setdefault(b, len(names)) for b in bins)
