"""Which sets of depots are worth a search: a quick estimate of what each costs, and a beam over sets of growing size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations

import numpy as np

from planner.problems.location_routing import LocationRoutingProblem
from planner.problems.siting import Floats
from planner.routing.location.kernels_tours import Ints
from planner.routing.location.prepare import Choice, supplied

#: Sets kept of each size, and sizes in a row without progress after which larger sets are not tried.
_BEAM, _PATIENCE = 24, 3
#: Estimates of one size at the most, and sets kept in any case.
_ESTIMATES, _KEPT_LEAST = 480, 4
#: Sets of platforms whose joining with the satellites is looked at.
_PLATFORMS_TRIED = 3


class Estimator:
    """Estimates the cost of a set of depots: openings, routes by load, ways by the radial share of each customer, and supply."""

    def __init__(self, problem: LocationRoutingProblem) -> None:
        m = problem.depot_count
        self.problem = problem
        out, back = problem.cost[:m, m:], problem.cost[m:, :m].T
        share = problem.demand / problem.vehicle_capacity
        # A route's way to its area is shared by load; a customer also bears the way to its nearest neighbour, alike for all sets.
        self.way: Floats = (out + back) * np.maximum(share, 0.02) + problem.unit_cost[:, None] * problem.demand
        self.total = float(problem.demand.sum())
        self.platform_sets = _platform_sets(problem)

    def is_roomy(self, depots: Iterable[int]) -> bool:
        """Tell whether the depots' rooms add up to the demand."""
        return float(self.problem.capacity[list(depots)].sum()) >= self.total - 1e-9

    def estimate(self, depots: tuple[int, ...]) -> tuple[float, Choice]:
        """Return the estimate and the choice with the platforms that seem cheapest."""
        problem, chosen = self.problem, list(depots)
        ways = self.way[chosen]
        at = ways.argmin(axis=0)
        room = problem.capacity[chosen]
        load: Floats = np.bincount(at, weights=problem.demand, minlength=len(chosen)).astype(np.float64)
        if (load > room).any() and self.is_roomy(depots):
            at = self._fit(ways, room)
            load = np.bincount(at, weights=problem.demand, minlength=len(chosen)).astype(np.float64)
        value = float(problem.opening[chosen].sum()) + float(ways[at, np.arange(len(at))].sum())
        value += problem.route_fixed * math.ceil(self.total / problem.vehicle_capacity)
        value += float(np.maximum(load - room, 0.0).sum()) / self.total * float(problem.opening.max() + ways.sum())
        supply, platforms = self._supply(depots, load)
        return value + supply, Choice(depots, platforms)

    def _fit(self, ways: Floats, room: Floats) -> Ints:
        """Assign customers to depots with room, those with most to lose first."""
        best = np.sort(ways, axis=0)
        regret = best[1] - best[0] if len(ways) > 1 else best[0]
        left = room.copy()
        at: Ints = ways.argmin(axis=0).astype(np.int64)
        for i in np.argsort(-regret, kind="stable"):
            q = self.problem.demand[i]
            fits = left >= q - 1e-9
            column = np.where(fits, ways[:, i], np.inf)
            at[i] = int(column.argmin()) if fits.any() else int(left.argmax())
            left[at[i]] -= q
        return at

    def _supply(self, depots: tuple[int, ...], load: Floats) -> tuple[float, tuple[int, ...]]:
        problem, first = self.problem, self.problem.first
        if first is None:
            return 0.0, ()
        p, satellites = first.platform_count, supplied(problem, depots)
        if not satellites:
            return 0.0, self.platform_sets[0]
        loads = load[[depots.index(s) for s in satellites]]
        nodes = [p + s for s in satellites]
        trucks = first.truck_fixed * math.ceil(max(float(loads.sum()) / first.truck_capacity - 1e-9, 1.0))
        out, back = first.cost[:p, nodes], first.cost[nodes, :p].T
        ranked = []
        for platforms in self.platform_sets:
            ends = list(platforms)
            radial = float(((out + back)[ends].min(axis=0) * loads).sum()) / first.truck_capacity
            ranked.append((float(first.opening[ends].sum()), radial, platforms))
        ranked.sort(key=lambda entry: (entry[0] + entry[1], entry[2]))
        # The joining of all satellites is dear to compute: only for the platforms that look best by load.
        tried = [
            (paid + max(radial, _chain(first.cost, list(platforms), nodes)), platforms)
            for paid, radial, platforms in ranked[:_PLATFORMS_TRIED]
        ]
        value, platforms = min(tried)
        return value + trucks, platforms


def _chain(cost: Floats, ends: list[int], nodes: list[int]) -> float:
    """Return the cost of joining all nodes to the ends one after the other, there and back, halved: about a tour."""
    joined, left, value = list(ends), list(nodes), 0.0
    while left:
        arcs = cost[np.ix_(joined, left)]
        at = int(arcs.min(axis=0).argmin())
        value += float(arcs[:, at].min())
        joined.append(left.pop(at))
    return value + float(cost[np.ix_(nodes, ends)].min())


def _platform_sets(problem: LocationRoutingProblem) -> tuple[tuple[int, ...], ...]:
    first = problem.first
    if first is None:
        return ((),)
    total = 0.0 if problem.is_direct and any(problem.is_direct) else float(problem.demand.sum())
    found: list[tuple[int, ...]] = []
    for size in range(1, first.platform_count + 1):
        sets = combinations(range(first.platform_count), size)
        found += [chosen for chosen in sets if float(first.capacity[list(chosen)].sum()) >= total - 1e-9]
    return tuple(found)


def candidate_sets(estimator: Estimator, most: int) -> list[tuple[float, Choice]]:
    """Return up to `most` sets with room for all demand, the best estimates first."""
    m = estimator.problem.depot_count
    known: dict[tuple[int, ...], tuple[float, Choice]] = {}
    # What needs no supply and costs nothing to open belongs to every set.
    problem = estimator.problem
    free = {
        d for d in range(m) if problem.first is not None and not problem.needs_supply(d) and problem.opening[d] == 0.0
    }
    level: list[tuple[int, ...]] = sorted({tuple(sorted(free | {d})) for d in range(m)})
    best, idle = math.inf, 0
    while level:
        estimates = {depots: estimator.estimate(depots) for depots in level}
        valued = sorted((value, depots) for depots, (value, _) in estimates.items())
        known |= {depots: estimates[depots] for depots in level if estimator.is_roomy(depots)}
        least = min((value for value, depots in valued if estimator.is_roomy(depots)), default=math.inf)
        idle = 0 if least < best or math.isinf(best) else idle + 1
        best = min(best, least)
        if idle >= _PATIENCE:
            break
        kept = [depots for _, depots in valued[: min(_BEAM, max(_KEPT_LEAST, _ESTIMATES // m))]]
        level = sorted({tuple(sorted((*s, d))) for s in kept for d in range(m) if d not in s})
    ranked = sorted(known.values(), key=lambda entry: (entry[0], entry[1].depots))
    return _spread(ranked, most)


def _spread(ranked: list[tuple[float, Choice]], most: int) -> list[tuple[float, Choice]]:
    """Return the best, with at least a few of every size."""
    per_size: dict[int, int] = {}
    first: list[tuple[float, Choice]] = []
    later: list[tuple[float, Choice]] = []
    for entry in ranked:
        size = len(entry[1].depots)
        per_size[size] = per_size.get(size, 0) + 1
        (first if per_size[size] <= max(2, most // 8) else later).append(entry)
    chosen = (first + later)[:most] if len(first) <= most else first[:most]
    return sorted(chosen, key=lambda entry: (entry[0], entry[1].depots))


def neighbours(depots: tuple[int, ...], m: int) -> set[tuple[int, ...]]:
    """Return the sets one opening, closing or exchange away."""
    here, others = set(depots), [d for d in range(m) if d not in depots]
    found = {tuple(sorted(here | {d})) for d in others}
    if len(here) > 1:
        found |= {tuple(sorted(here - {d})) for d in here}
    found |= {tuple(sorted((here - {a}) | {b})) for a in here for b in others}
    return found
