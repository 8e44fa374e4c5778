"""PyVRP's iterated local search with our start of the penalties, our stop and a pool of the routes it meets.

PyVRP's own start sets every penalty to half its maximum, far above any arc of a usual problem, and needs tens of thousands
of iterations to come down, which is too long for small days. We begin at the price of a middling arc for a mean load (or a
middling arc's minutes), higher the more stops there are: with low penalties large days wander among decisions that keep no limit.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyvrp
import pyvrp.search
from pyvrp.exceptions import PenaltyBoundWarning

from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.scaling import NO_ARC

#: Iterations between two looks at the candidate for the pool; routes kept at the most.
POOL_EVERY = 25
POOL_MOST = 40_000
#: Solutions between two changes of the penalties: often, for short runs.
PENALTY_EVERY = 100
#: First penalties, in prices of a middling arc: one for so many stops, and at the most.
PENALTY_STOPS, PENALTY_ARCS = 60, 10.0
#: Highest penalty, unless the first ones are already near it.
PENALTY_MOST = 100_000.0
#: Arcs looked at for the price of a middling one.
SAMPLE = 2_000

#: Visits of a feasible route (activities as PyVRP numbers them, −1 a reload) and its type → its cost.
RoutePool = dict[tuple[int, tuple[int, ...]], int]


@dataclass(slots=True)
class Stop:
    """Ends a search after so many iterations, or when `clock` passes `deadline`, or without improvement for long."""

    iterations: int
    deadline: float
    clock: Callable[[], float] = time.perf_counter
    done: int = 0
    is_cut: bool = False

    def __call__(self, best_cost: int) -> bool:
        """Tell whether to stop; called once before every iteration."""
        del best_cost
        if self.done >= self.iterations:
            return True
        self.done += 1
        self.is_cut = self.clock() >= self.deadline
        return self.is_cut


@dataclass(slots=True)
class PoolKeeper(pyvrp.IteratedLocalSearchCallbacks):
    """Collects the feasible routes of candidates met on the way, with their costs."""

    data: pyvrp.ProblemData
    pool: RoutePool = field(default_factory=dict)
    seen: int = 0
    last: pyvrp.Solution | None = None

    def on_iteration(
        self,
        current: pyvrp.Solution,  # noqa: ARG002 - PyVRP's interface
        candidate: pyvrp.Solution,
        best: pyvrp.Solution,
        cost_evaluator: pyvrp.CostEvaluator,  # noqa: ARG002 - PyVRP's interface
    ) -> None:
        """Look at every so many candidates, and at the best if it is new (early bests come in droves: not at each)."""
        self.seen += 1
        if self.seen % POOL_EVERY == 0 and len(self.pool) < POOL_MOST:
            self.add(candidate)
            if best is not self.last:
                self.add(best)
                self.last = best

    def on_end(self, result: pyvrp.Result) -> None:
        """Keep the routes of the best of all."""
        self.add(result.best)

    def add(self, solution: pyvrp.Solution) -> None:
        """Add the feasible routes of a solution."""
        for route in solution.routes():
            if route.is_feasible():
                visits = tuple(a.idx if a.is_client() else -1 for a in route)[1:-1]
                key = (route.vehicle_type(), visits)
                if key not in self.pool:
                    self.pool[key] = route_cost(route)


def route_cost(route: pyvrp.Route) -> int:
    """Return the cost of a route in money units."""
    return route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()


def first_penalties(data: pyvrp.ProblemData) -> tuple[list[float], float, float]:
    """Return the penalties to begin with: per unit of load, of time and of length."""
    kind = data.vehicle_type(0)
    lengths = _middling(data.distance_matrix(kind.profile))
    times = _middling(data.duration_matrix(kind.profile))
    arc = lengths * max(v.unit_distance_cost for v in data.vehicle_types())
    arc += times * max(v.unit_duration_cost for v in data.vehicle_types())
    arc = max(arc, 1.0) + max(v.fixed_cost for v in data.vehicle_types())
    arc *= min(PENALTY_ARCS, max(1.0, data.num_clients / PENALTY_STOPS))
    loads = []
    for r in range(data.num_load_dimensions):
        known = [q for c in data.clients() for q in (c.delivery[r], c.pickup[r]) if q > 0]
        loads.append(max(1.0, arc / float(np.mean(known))) if known else 1.0)
    return loads, max(1.0, arc / max(times, 1.0)), max(1.0, arc / max(lengths, 1.0))


def _middling(matrix: Any) -> float:
    count = len(matrix)
    step = max(1, count * count // SAMPLE)
    sample = matrix.ravel()[:: step if step % max(count, 1) or step == 1 else step + 1]
    real = sample[(sample > 0) & (sample < NO_ARC)]
    return float(np.median(real)) if real.size else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """Best solution of a search, iterations done, and whether the clock cut it short."""

    best: pyvrp.Solution
    iterations: int
    is_cut: bool


def search(
    data: pyvrp.ProblemData,
    limits: RoutingLimits,
    *,
    start: pyvrp.Solution | None = None,
    keeper: PoolKeeper | None = None,
) -> Found:
    """Run one search; the same data, iterations, seed and start give the same solution."""
    deadline = limits.clock() + limits.seconds
    rng = pyvrp.RandomNumberGenerator(seed=limits.seed)
    local = pyvrp.search.LocalSearch(
        data,
        rng,
        pyvrp.search.compute_neighbours(data),
        pyvrp.search.PerturbationManager(pyvrp.search.PerturbationParams()),
    )
    for operator in pyvrp.search.OPERATORS:
        if operator.supports(data):
            local.add_operator(operator(data))
    first = first_penalties(data)
    most = max(PENALTY_MOST, 100.0 * max(*first[0], *first[1:]))
    penalties = pyvrp.PenaltyManager(first, pyvrp.PenaltyParams(PENALTY_EVERY, max_penalty=most))
    if start is None:
        random = pyvrp.Solution.make_random(data, rng)
        start = local(random, penalties.max_cost_evaluator(), exhaustive=True)
    parameters = pyvrp.IteratedLocalSearchParams(callbacks=keeper or pyvrp.IteratedLocalSearchCallbacks())
    stop = Stop(limits.iterations, deadline, limits.clock)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        result = pyvrp.IteratedLocalSearch(data, penalties, local, start, parameters).run(stop, collect_stats=False)
    return Found(result.best, result.num_iterations, stop.is_cut)
