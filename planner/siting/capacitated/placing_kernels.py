"""Compiled loops that place whole clients on open sites: greedy by regret, then moves and exchanges."""

from __future__ import annotations

import numpy as np

from planner.engines.compiled import compiled, compiled_part
from planner.siting.capacitated.kernels import Floats, Ints

_GAIN = 1e-9


@compiled_part
def two_best(cost: Floats, quantity: float, room: Floats) -> tuple[float, float, int]:
    """Return the least and second least cost of a client among columns with room, and the column of the least (-1: none)."""
    first, second, site = np.inf, np.inf, -1
    for j in range(cost.size):
        if room[j] >= quantity:
            if cost[j] < first:
                first, second, site = cost[j], first, j
            elif cost[j] < second:
                second = cost[j]
    return first, second, site


@compiled
def assign(cost: Floats, quantity: Floats, room: Floats, choice: Ints, bulk: float) -> float:
    """Give every client one column of `cost` within `room` by largest regret first; return the cost (inf: stuck).

    `cost` is (clients × open sites). Unplaced clients keep choice -1. `bulk` is how much a unit of quantity adds to the regret: the
    more, the earlier large clients are placed.
    """
    clients = cost.shape[0]
    total = 0.0
    for i in range(clients):
        choice[i] = -1
    for _ in range(clients):
        pick, pick_site, pick_regret = -1, -1, -np.inf
        for i in range(clients):
            if choice[i] >= 0:
                continue
            first, second, site = two_best(cost[i], quantity[i], room)
            if site < 0:
                return np.inf
            regret = 1e300 + quantity[i] if second == np.inf else (second - first) + bulk * quantity[i]
            if regret > pick_regret:
                pick, pick_site, pick_regret = i, site, regret
        choice[pick] = pick_site
        room[pick_site] -= quantity[pick]
        total += cost[pick, pick_site]
    return total


@compiled
def polish(cost: Floats, quantity: Floats, room: Floats, choice: Ints) -> float:
    """Shift single clients and swap pairs while that is cheaper and fits; return the saving."""
    clients, sites = cost.shape
    saved = 0.0
    improved = True
    while improved:
        improved = False
        for i in range(clients):
            here = choice[i]
            for j in range(sites):
                gain = cost[i, here] - cost[i, j]
                if gain > _GAIN and room[j] >= quantity[i]:
                    room[here] += quantity[i]
                    room[j] -= quantity[i]
                    choice[i] = j
                    here = j
                    saved += gain
                    improved = True
        for a in range(clients):
            for b in range(a + 1, clients):
                at_a, at_b = choice[a], choice[b]
                if at_a == at_b:
                    continue
                gain = cost[a, at_a] + cost[b, at_b] - cost[a, at_b] - cost[b, at_a]
                more = quantity[a] - quantity[b]
                if gain > _GAIN and room[at_b] >= more and room[at_a] >= -more:
                    room[at_a] += more
                    room[at_b] -= more
                    choice[a], choice[b] = at_b, at_a
                    saved += gain
                    improved = True
    return saved
