"""Race of depot sets: many sets searched briefly, their neighbours too, the best ones longer, the last few thoroughly."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from planner.problems.location_routing import (
    LocationRoute,
    LocationRoutingDecision,
    LocationRoutingLimits,
    LocationRoutingProblem,
)
from planner.routing.location.kernels import anneal
from planner.routing.location.kernels_tours import Pool, Tours
from planner.routing.location.prepare import (
    Choice,
    allow,
    copy_tours,
    empty_pool,
    empty_tours,
    network_of,
    pool_routes,
    routes_of,
    supply_of,
    temperature_unit,
    tours_from,
)
from planner.routing.location.sets import Estimator, candidate_sets, neighbours

#: Sets of the first heat, and of its two rounds of neighbours.
_FIRST, _NEXT = 40, 24
#: Later heats: sets and share of all iterations.
_HEATS = ((12, 0.2), (4, 0.25), (2, 0.4))
_SHARE_FIRST, _SHARE_LAST = 0.15, 0.2
#: Runners handed on.
_SHOWN = 6
#: First and last temperature in units of `temperature_unit`, for a start from nothing and from a solution.
_COLD, _HOT_START, _HOT_AGAIN = 0.01, 1.0, 0.3
_LEAST_ITERATIONS = 300


@dataclass(slots=True)
class Runner:
    """One choice of depots with the best tours found for it."""

    choice: Choice
    value: float
    tours: Tours


@dataclass(eq=False)
class Search:
    """The race: arrays, pool of routes and clock."""

    problem: LocationRoutingProblem
    limits: LocationRoutingLimits
    pool: Pool = field(init=False)
    runners: list[Runner] = field(default_factory=list)
    is_cut: bool = False

    def __post_init__(self) -> None:
        self.pool = empty_pool(self.problem)
        self._net = network_of(self.problem)
        self._unit = temperature_unit(self.problem)
        self._end = time.monotonic() + self.limits.time_limit_s
        self._calls = 0

    def run(self) -> list[Runner]:
        """Return the runners of the last heat and some before, best first."""
        estimator = Estimator(self.problem)
        total = self.limits.iterations
        quick = max(_LEAST_ITERATIONS, int(_SHARE_FIRST * total / (_FIRST + 2 * _NEXT)))
        runners = {c.depots: self._start(c, quick) for _, c in candidate_sets(estimator, _FIRST)}
        for _ in range(2):
            near = self._near(estimator, runners)
            runners |= {c.depots: self._start(c, quick) for c in near}
        field_ = _ranked(runners)
        for count, share in _HEATS:
            chosen = field_[:count]
            steps = max(_LEAST_ITERATIONS, int(share * total / max(len(chosen), 1)))
            field_ = (
                sorted((self._again(r, steps) for r in chosen), key=lambda r: (r.value, r.choice.depots))
                + field_[count:]
            )
        self.runners = sorted(field_[:_SHOWN], key=lambda r: (r.value, r.choice.depots))
        return self.runners

    def resume(self, decision: LocationRoutingDecision) -> Runner:
        """Search on from a decision, with its depots and platforms."""
        platforms = decision.open_platforms or self.runners[0].choice.platforms
        tours = tours_from(self.problem, decision.routes)
        runner = self._heat(
            Runner(Choice(decision.open_depots, platforms), np.inf, tours),
            int(_SHARE_LAST * self.limits.iterations),
            _HOT_AGAIN,
        )
        self.runners = [runner, *self.runners]
        return runner

    def _near(self, estimator: Estimator, runners: dict[tuple[int, ...], Runner]) -> list[Choice]:
        m, found = self.problem.depot_count, {}
        for runner in _ranked(runners)[:4]:
            # A set may have been searched with depots it did not use: its neighbours are those of what it used.
            used = tuple(int(d) for d in np.flatnonzero(runner.tours.trips))
            for depots in ({used} | neighbours(used, m)) - runners.keys():
                if depots and estimator.is_roomy(depots):
                    found[depots] = estimator.estimate(depots)
        ranked = sorted(found.values(), key=lambda entry: (entry[0], entry[1].depots))
        return [choice for _, choice in ranked[:_NEXT]]

    def _start(self, choice: Choice, steps: int) -> Runner:
        return self._heat(Runner(choice, np.inf, empty_tours(self.problem)), steps, _HOT_START)

    def _again(self, runner: Runner, steps: int) -> Runner:
        return self._heat(runner, steps, _HOT_AGAIN)

    def _heat(self, runner: Runner, steps: int, hot: float) -> Runner:
        if time.monotonic() > self._end:
            self.is_cut = True
            return runner
        self._calls += 1
        net, supply = allow(self._net, runner.choice), supply_of(self.problem, runner.choice)
        state = np.array([self.limits.seed * 1_000_003 + self._calls * 7_919 + 12_345], np.uint64)
        heat = np.array([float(steps), hot * self._unit, _COLD * self._unit])
        best = copy_tours(runner.tours)
        value = anneal(net, supply, copy_tours(runner.tours), copy_tours(runner.tours), best, self.pool, heat, state)
        return Runner(runner.choice, float(value), best)

    def routes(self) -> list[LocationRoute]:
        """Return all routes kept."""
        return pool_routes(self.pool)


def _ranked(runners: dict[tuple[int, ...], Runner]) -> list[Runner]:
    return sorted(runners.values(), key=lambda r: (r.value, r.choice.depots))


def routes_of_runner(runner: Runner) -> tuple[LocationRoute, ...]:
    """Return the routes of a runner's best tours."""
    return routes_of(runner.tours)
