"""Compiled choice of routes that together visit every stop once, by dynamic programming over sets of stops.

Routes carry what they cost above the prices of their stops, which is never below nothing; a set of stops is given up when
its routes together exceed what a better solution may cost. Every step covers the first stop not covered yet.
"""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.graph import Floats, Ints


@compiled_part
def find_state(keys: Ints, table: Ints, key: int) -> int:
    """Return the place of `key` in the open table, or of the free place where it belongs."""
    size = table.size
    spot = ((key * 2654435761) & ((1 << 61) - 1)) % size
    while table[spot] >= 0 and keys[table[spot]] != key:
        spot += 1
        if spot == size:
            spot = 0
    return spot


@compiled
def partition(  # noqa: C901 - compiled loops stand in one place
    start: Ints, route_set: Ints, extra: Floats, most: float, room: int
) -> tuple[float, Ints]:
    """Return the least sum of `extra` at or below `most` and the routes chosen.

    `start[i]:start[i + 1]` are the routes whose first stop is ``i``, cheapest first; `route_set` their stops as bits.
    The sum is ``inf`` if there is no choice, and −1 if the sets met exceed `room`.
    """
    count = start.size - 1
    keys, by_route = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    before, following = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    value = np.empty(room)
    keys[0], by_route[0], before[0], following[0], value[0] = 0, -1, -1, -1, 0.0
    table = np.full(2 * room + 1, -1, dtype=np.int64)
    first = np.full(count + 1, -1, dtype=np.int64)
    first[0] = 0
    used = 1
    table[find_state(keys, table, 0)] = 0
    for i in range(count):
        at = first[i]
        while at >= 0:
            for r in range(start[i], start[i + 1]):
                total = value[at] + extra[r]
                if total > most:
                    break
                if keys[at] & route_set[r]:
                    continue
                key = keys[at] | route_set[r]
                spot = find_state(keys, table, key)
                state = table[spot]
                if state < 0:
                    if used == room:
                        return -1.0, before[:0]
                    state = used
                    used += 1
                    table[spot] = state
                    keys[state] = key
                    value[state] = np.inf
                    free = i + 1
                    while free < count and (key >> free) & 1:
                        free += 1
                    following[state] = first[free]
                    first[free] = state
                if total < value[state]:
                    value[state] = total
                    by_route[state] = r
                    before[state] = at
            at = following[at]
    end = first[count]
    chosen = np.full(count, -1, dtype=np.int64)
    if end < 0:
        return np.inf, chosen[:0]
    found = 0
    at = end
    while by_route[at] >= 0:
        chosen[found] = by_route[at]
        found += 1
        at = before[at]
    return value[end], chosen[:found]
