"""Rounds over several days: every stop has a number of allowed day patterns; patterns and rounds are chosen together.

Ruin and recreate puts a stop back on all days of its cheapest pattern, so patterns change wherever that pays; afterwards every
day is searched alone by PyVRP, its visits fixed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.metadata import version

from planner.problems.routing import RoutingDecision, RoutingProblem
from planner.reports import SolveReport
from planner.routing.rich.answers import keeps_rules, limit_figures
from planner.routing.rich.decompose import Part, part_of
from planner.routing.rich.engine import Refusal, RoutingLimits
from planner.routing.rich.pyvrp_data import pyvrp_problem
from planner.routing.rich.pyvrp_engine import PyVrpEngine
from planner.routing.rich.pyvrp_search import search
from planner.routing.rich.ruin import Ruin, Visits, prepare, ruin_refuses
from planner.routing.rich.schedule import decision_cost

#: Share of the iterations and seconds in which patterns may change.
PATTERN_SHARE = 0.8
#: Turns of ruin and recreate in place of one PyVRP iteration.
TURNS_PER_ITERATION = 10


@dataclass(frozen=True, eq=False)
class PeriodicProblem:
    """Rounds over several days.

    Attributes
    ----------
    day
        The problem of a day if every stop were visited (loads of one visit, vehicles of one day).
    days
        Number of days.
    patterns
        Of each stop the patterns allowed; a pattern is the set of days of its visits (from 0).
    """

    day: RoutingProblem
    days: int
    patterns: tuple[tuple[frozenset[int], ...], ...]


@dataclass(frozen=True, slots=True)
class PeriodicDecision:
    """Pattern of every stop, and the rounds of every day (stops by their index; stops not due are left out)."""

    patterns: tuple[frozenset[int], ...]
    days: tuple[RoutingDecision, ...]


@dataclass(frozen=True, slots=True)
class PeriodicAnswer:
    """The decision (None: none found) with its report; CNY over all days."""

    decision: PeriodicDecision | None
    report: SolveReport


class PeriodicEngine:
    """Ruin and recreate over patterns and rounds, then PyVRP day by day."""

    @property
    def name(self) -> str:
        """Engine with its version."""
        return f"ruin and recreate + PyVRP {version('pyvrp')}"

    def refuses(self, problem: PeriodicProblem) -> tuple[Refusal, ...]:
        """Return why the problem cannot be taken."""
        own = [Refusal(key) for key in ruin_refuses(problem.day)]
        if any(s.penalty_cny is not None for s in problem.day.stops):
            own.append(Refusal("routing_refused_optional"))
        if any(not patterns or frozenset() in patterns for patterns in problem.patterns):
            own.append(Refusal("routing_refused_no_pattern"))
        return (*PyVrpEngine().refuses(problem.day), *own)

    def solve(self, problem: PeriodicProblem, limits: RoutingLimits) -> PeriodicAnswer:
        """Search patterns and rounds."""
        prepare()
        begun = limits.clock()
        masks = tuple(tuple(sum(1 << d for d in p) for p in own) for own in problem.patterns)
        ruin = Ruin(problem.day, limits.seed, Visits(problem.days, masks))
        ruin.start()
        turns = min(10**12, round(limits.iterations * PATTERN_SHARE * TURNS_PER_ITERATION))
        share = limits.seconds * PATTERN_SHARE - (limits.clock() - begun)
        is_cut = ruin.run(replace(limits, iterations=turns, seconds=share))
        if not ruin.is_complete:
            return self._nothing(limits)
        days = [_decision(problem, own) for own in ruin.days()]
        each = (limits.seconds - (limits.clock() - begun)) / problem.days
        iterations = max(1, round(limits.iterations * (1.0 - PATTERN_SHARE) / problem.days))
        days = [
            self._searched(problem, d, replace(limits, iterations=iterations, seconds=max(0.0, each))) for d in days
        ]
        return self._answer(problem, days, limits, is_cut=is_cut)

    def _searched(self, problem: PeriodicProblem, day: RoutingDecision, limits: RoutingLimits) -> RoutingDecision:
        if not day.days:
            return day
        part = day_part(problem, day)
        start = RoutingDecision(part.inner(day.days))
        native = pyvrp_problem(part.problem)
        found = search(native.data, limits, start=native.solution(start))
        better = native.decision(found.best)
        is_better = keeps_rules(part.problem, better) and decision_cost(part.problem, better) < decision_cost(
            part.problem, start
        )
        return replace(day, days=part.outer(better.days)) if is_better else day

    def _answer(
        self, problem: PeriodicProblem, days: list[RoutingDecision], limits: RoutingLimits, *, is_cut: bool
    ) -> PeriodicAnswer:
        patterns = tuple(
            frozenset(d for d, day in enumerate(days) if i not in day.left_out) for i in range(len(problem.day.stops))
        )
        decision = PeriodicDecision(patterns, tuple(days))
        if broken_periodic(problem, decision):
            return self._nothing(limits)
        cost = periodic_cost(problem, decision)
        note = "routing_note_cut_by_clock" if is_cut else "routing_note_no_bound"
        figures = limit_figures(limits)
        return PeriodicAnswer(decision, SolveReport("feasible", cost, None, self.name, limits.seed, figures, note))

    def _nothing(self, limits: RoutingLimits) -> PeriodicAnswer:
        figures = limit_figures(limits)
        note = "routing_note_nothing_found"
        return PeriodicAnswer(None, SolveReport("unknown", None, None, self.name, limits.seed, figures, note))


def _decision(problem: PeriodicProblem, days: tuple[object, ...]) -> RoutingDecision:
    own = RoutingDecision(days)  # type: ignore[arg-type]
    seen = {i for day in own.days for trip in day.trips for i in trip}
    return replace(own, left_out=tuple(i for i in range(len(problem.day.stops)) if i not in seen))


def day_part(problem: PeriodicProblem, day: RoutingDecision) -> Part:
    """Return the problem of the stops visited on a day."""
    stops = sorted(i for own in day.days for trip in own.trips for i in trip)
    return part_of(problem.day, stops, [v.available for v in problem.day.vehicles])


def broken_periodic(problem: PeriodicProblem, decision: PeriodicDecision) -> tuple[str, ...]:
    """Return what a decision breaks: patterns not allowed, visits off the pattern, or rules of a day."""
    broken = []
    for i, pattern in enumerate(decision.patterns):
        if pattern not in problem.patterns[i]:
            broken.append(f"pattern {problem.day.stops[i].stop_id}")
        due = frozenset(d for d, day in enumerate(decision.days) if i not in day.left_out)
        if due != pattern:
            broken.append(f"visits {problem.day.stops[i].stop_id}")
    for d, day in enumerate(decision.days):
        part = day_part(problem, day)
        if not keeps_rules(part.problem, RoutingDecision(part.inner(day.days))):
            broken.append(f"day {d}")
    return tuple(broken)


def periodic_cost(problem: PeriodicProblem, decision: PeriodicDecision) -> float:
    """Return the cost over all days in CNY."""
    return math.fsum(decision_cost(problem.day, RoutingDecision(day.days)) for day in decision.days)
