"""The composed engine: ruin and recreate, PyVRP from its answer, and the best choice among all vehicle days met.

PyVRP has nearly all of the time on days of up to a few hundred stops and wherever there are windows. On larger days without
windows ruin and recreate is ahead of it, if it has time to cool, and has the lion's share; PyVRP then looks for what is left. The
pool joins good days of different solutions. The answer is the cheapest of all that was seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.metadata import version

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay
from planner.routing.rich.answers import answer_of, keeps_rules, nothing_found
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.polish import DayPool, best_of_pool, is_pool_useful
from planner.routing.rich.pyvrp_data import PyVrpProblem, pyvrp_problem
from planner.routing.rich.pyvrp_engine import PyVrpEngine
from planner.routing.rich.pyvrp_search import PoolKeeper, search
from planner.routing.rich.ruin import Ruin, prepare, ruin_refuses
from planner.routing.rich.schedule import decision_cost

#: Share of the iterations' worth and of the seconds for ruin and recreate where it comes first, and of the seconds for the pool.
RUIN_SHARE = 0.85
POOL_SHARE = 0.04
#: Turns of ruin and recreate in place of one PyVRP iteration.
TURNS_PER_ITERATION = 10
#: Smallest number of stops at which ruin and recreate is ahead of PyVRP.
RUIN_STOPS = 400
#: Turns a stop below which ruin and recreate has no time to cool, and PyVRP is ahead of it.
RUIN_TURNS = 300
#: Turns whose time tells how many there will be.
TURNS_TIMED = 1_000
#: Most stops for a choice among the days met: beyond, HiGHS takes its time and finds nothing.
POOL_STOPS = 400
#: Most stops searched whole (`planner.routing.rich.large` takes more).
STOPS_MOST = 2_000


class ComposedEngine:
    """Ruin and recreate, then PyVRP, then the pool."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"ruin and recreate + PyVRP {version('pyvrp')} + route pool"

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Refuse what PyVRP refuses, and days too large to be searched whole."""
        size = len(problem.stops)
        is_large = (Refusal("routing_refused_large", {"count": size, "most": STOPS_MOST}),) if size > STOPS_MOST else ()
        return (*PyVrpEngine().refuses(problem), *is_large)

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Search; begin from `start` if given."""
        if not problem.stops:
            return answer_of(problem, RoutingDecision(()), self.name, limits)
        if can_be_ruined(problem):
            prepare()
        run = _Run(problem, limits)
        best = run.better(run.ruined(start), start)
        best = run.better(run.searched(best), best)
        best = run.better(run.chosen(best), best)
        name = run.name
        if best is None:
            return nothing_found(name, limits)
        return answer_of(problem, best, name, limits, is_cut=run.is_cut)


def can_be_ruined(problem: RoutingProblem) -> bool:
    """Tell whether ruin and recreate may come first: large days without windows."""
    has_windows = any(s.windows or s.zone for s in problem.stops)
    return not has_windows and len(problem.stops) >= RUIN_STOPS and not next(ruin_refuses(problem), "")


@dataclass(slots=True)
class _Run:
    problem: RoutingProblem
    limits: RoutingLimits
    begun: float = 0.0
    is_cut: bool = False
    is_ruined: bool = False
    pool: DayPool | None = None
    native: PyVrpProblem | None = None

    def __post_init__(self) -> None:
        self.begun = self.limits.clock()
        self.pool = {}

    @property
    def name(self) -> str:
        """The searches that ran, with their version."""
        first = "ruin and recreate + " if self.is_ruined else ""
        return f"{first}PyVRP {version('pyvrp')}{' + route pool' if self.has_pool else ''}"

    @property
    def has_pool(self) -> bool:
        """Whether the days met are kept for a choice among them."""
        return len(self.problem.stops) <= POOL_STOPS

    def left(self, share: float) -> float:
        """Return the seconds until `share` of all are spent."""
        if not math.isfinite(self.limits.seconds):
            return math.inf
        return max(0.0, self.limits.seconds * share - (self.limits.clock() - self.begun))

    def ruined(self, start: RoutingDecision | None) -> RoutingDecision | None:
        """Return the answer of ruin and recreate; None: it does not apply or found none that keeps every rule."""
        if not can_be_ruined(self.problem):
            return None
        ruin = Ruin(self.problem, self.limits.seed)
        ruin.start(start)
        turns = min(10**12, round(self.limits.iterations * RUIN_SHARE * TURNS_PER_ITERATION))
        before = self.limits.clock()
        ruin.run(replace(self.limits, iterations=TURNS_TIMED, seconds=math.inf))
        spent = max(self.limits.clock() - before, 1e-9)
        if min(turns, self.left(RUIN_SHARE) / spent * TURNS_TIMED) < RUIN_TURNS * len(self.problem.stops):
            return None
        self.is_ruined = True
        self.is_cut |= ruin.run(
            replace(self.limits, iterations=turns, seconds=self.left(RUIN_SHARE)),
            pool=self.pool if self.has_pool else None,
        )
        found = ruin.decision()
        return found if keeps_rules(self.problem, found) else None

    def searched(self, start: RoutingDecision | None) -> RoutingDecision | None:
        """Return PyVRP's answer from `start`."""
        self.native = pyvrp_problem(self.problem)
        first = None if start is None else self.native.solution(start)
        keeper = PoolKeeper(self.native.data) if self.has_pool else None
        share = 1.0 - RUIN_SHARE if self.is_ruined else 1.0
        before_pool = 1.0 - POOL_SHARE * self.has_pool
        limits = replace(
            self.limits, iterations=max(1, round(self.limits.iterations * share)), seconds=self.left(before_pool)
        )
        found = search(self.native.data, limits, start=first, keeper=keeper)
        self.is_cut |= found.is_cut
        if keeper is not None:
            self._keep(keeper)
        decision = self.native.decision(found.best)
        return decision if found.best.is_feasible() and keeps_rules(self.problem, decision) else None

    def _keep(self, keeper: PoolKeeper) -> None:
        if self.native is None or self.pool is None:
            return
        for (kind, visits), money in keeper.pool.items():
            trips, trip = list[tuple[int, ...]](), list[int]()
            for client in (*visits, -1):
                if client >= 0:
                    trip.append(self.native.stop_of[client])
                elif trip:
                    trips.append(tuple(trip))
                    trip = []
            day = VehicleDay(self.native.kinds[kind], tuple(trips))
            cost = money / self.native.units.money
            if cost < self.pool.get(day, math.inf):
                self.pool[day] = cost

    def chosen(self, start: RoutingDecision | None) -> RoutingDecision | None:
        """Return the best choice from the pool."""
        if start is None or not self.pool or not is_pool_useful(self.problem, self.pool):
            return None
        seconds = self.left(1.0)
        found = best_of_pool(self.problem, self.pool, start, seconds)
        return found if found is not None and keeps_rules(self.problem, found) else None

    def better(self, one: RoutingDecision | None, other: RoutingDecision | None) -> RoutingDecision | None:
        """Return the cheaper of two decisions."""
        if one is None or other is None:
            return one if one is not None else other
        return one if decision_cost(self.problem, one) <= decision_cost(self.problem, other) else other
