"""Buses and truck rounds decided together: a master over the bus side, cuts from truck rounds really solved again.

The master chooses which points ride on which buses against what is known so far about the truck rounds (θ of every depot).
The rounds are then solved without these points; that gives a plan with its true cost, and two cuts a depot (logic-based
Benders, Hooker & Ottosson 2003). Where all rounds are proved the master's bound holds for every plan; else the cuts steer with
the costs found, and a last master with cuts from the proved bounds gives the bound of the joint choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.engines.mathopt import ENGINE, EngineLimits, solve_linear
from planner.problems.buses import (
    BusDecision,
    BusSaving,
    BusSide,
    PassengerDelay,
    hours_until,
    passenger_delay,
)
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport, Status
from planner.routing.buses.model import BusModel, add_cuts, add_keep_cut, build_model, bus_cny_per_day, read_decision
from planner.routing.buses.rides import possible_rides
from planner.routing.buses.trucks import TruckCost, TruckDepot

#: Gap asked of the first master.
_FIRST_GAP = 0.01
#: Relative gap up to which rounds count as proved.
_PROVED = 1e-9


@dataclass(frozen=True, slots=True)
class BusLimits:
    """When to stop: cases whose rounds are solved, nodes and gap of the master (they decide the result), and the clock."""

    case_limit: int = 40
    relative_gap: float = 0.002
    node_limit: int = 100_000
    time_limit_s: float = 60.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class BusPlan:
    """The joint answer.

    Attributes
    ----------
    decision
        What rides.
    trucks
        Depot → its rounds without the riding points.
    before
        Depot → its rounds with all points (trucks only).
    bus_cny
        Cash of the bus side by item, CNY of a mean day.
    delay
        Passengers' delay of one service day.
    report
        Of the joint choice: cash plus what passengers' and parcels' time counts.
    reasons
        Run → why it carries nothing at all.
    cases
        Cases whose rounds were solved.
    """

    decision: BusDecision
    trucks: Mapping[str, TruckCost]
    before: Mapping[str, TruckCost]
    bus_cny: Mapping[str, float]
    delay: PassengerDelay
    report: SolveReport
    reasons: Mapping[str, Message]
    cases: int

    @property
    def cny_per_day(self) -> float:
        """Cash of a mean day: trucks and buses."""
        return math.fsum(t.objective for t in self.trucks.values()) + math.fsum(self.bus_cny.values())

    @property
    def trucks_only_cny_per_day(self) -> float:
        """Cash of a mean day without buses."""
        return math.fsum(t.objective for t in self.before.values())

    @property
    def saving(self) -> BusSaving:
        """Saving with its passenger delay.

        Raises
        ------
        SavingWithoutDelayError
            If the passengers of a delayed run were not counted.
        """
        return BusSaving(self.trucks_only_cny_per_day - self.cny_per_day, self.delay)


def solve_buses(
    side: BusSide,
    depots: Sequence[TruckDepot],
    *,
    limits: BusLimits | None = None,
    listener: ProgressListener = no_progress,
) -> BusPlan:
    """Choose which points ride on buses, together with the truck rounds of the others.

    Parameters
    ----------
    side
        Runs, points, origins and rules.
    depots
        Truck depots whose rounds the points stand on.
    limits
        When to stop.
    listener
        Told of every case.

    Returns
    -------
    BusPlan
        The best plan found; ``optimal`` only if the joint bound proves it. Without a bound of some rounds, or where ways break
        the triangle rule, the report has no bound.

    Raises
    ------
    NoSolutionError
        If the master finds nothing within its limits (trucks only is always a plan, so this is the solver's failure).
    """
    return _Search(side, tuple(depots), limits or BusLimits(), listener).run()


class _Search:
    def __init__(
        self, side: BusSide, depots: tuple[TruckDepot, ...], limits: BusLimits, listener: ProgressListener
    ) -> None:
        self.side, self.depots, self.limits, self.listener = side, depots, limits, listener
        rides, self.reasons = possible_rides(side)
        self.model = build_model(side, rides, depots)
        riding = {self.side.points[p].point_id for p, _ in self.model.origin}
        self.could = {d.depot_id: frozenset(d.relievers) & riding for d in depots}
        self.cases: dict[tuple[str, frozenset[str]], tuple[TruckDepot, TruckCost, TruckCost]] = {}
        self.best: tuple[float, BusDecision, dict[str, TruckCost]] | None = None
        self.seen: set[tuple[frozenset[str], ...]] = set()
        self.tried = 0

    def run(self) -> BusPlan:
        before = self.solve_case(BusDecision(), "first")
        self.keep_cuts(self.model, is_proved=False)
        lower: float | None = None
        is_sharp = False
        for _ in range(self.limits.case_limit):
            answer = solve_linear(self.model.linear, self.engine_limits(0.0 if is_sharp else self.gap(lower)))
            if answer.values is None:
                break
            lower = answer.bound if lower is None or answer.bound is None else max(lower, answer.bound)
            decision = read_decision(self.model, answer.values)
            case = tuple(self.without(d, decision) for d in self.depots)
            is_new = case not in self.seen
            self.solve_case(decision)
            self.listener(ProgressEvent("routing", self.value, lower, self.gap(lower), self.tried))
            if (is_sharp and not is_new) or (self.gap(lower) or math.inf) <= self.limits.relative_gap:
                break
            is_sharp = not is_new  # a case solved before needs no cut: only a sharper master can go on
        if self.best is None or lower is None:
            raise NoSolutionError(Message("bus_no_answer"), [Message("study_fix_limits")])
        return self.plan(before, lower)

    @property
    def value(self) -> float:
        """Best joint value so far."""
        return math.inf if self.best is None else self.best[0]

    def gap(self, lower: float | None) -> float | None:
        return None if lower is None else max(1e-15, (self.value - lower) / max(abs(self.value), 1e-12))

    def engine_limits(self, gap: float | None = 0.0) -> EngineLimits:
        """Ask the master for a quarter of the gap still open: more would be wasted before the next cut."""
        limit = self.limits
        wanted = min(_FIRST_GAP, max(limit.relative_gap / 2.0, (_FIRST_GAP if gap is None else gap) / 4.0))
        return EngineLimits(wanted, limit.node_limit, limit.time_limit_s, limit.seed)

    def without(self, depot: TruckDepot, decision: BusDecision) -> frozenset[str]:
        """Points whose parcels the decision takes off a depot's rounds."""
        origins = decision.origin_of_point
        return frozenset(p for p, by in depot.relievers.items() if p in origins and origins[p] in by)

    def solve_case(self, decision: BusDecision, which: str = "") -> dict[str, TruckCost]:
        """Solve the truck rounds beside a decision, keep it if it is the best, and cut."""
        costs: dict[str, TruckCost] = {}
        for depot in self.depots:
            gone = self.without(depot, decision)
            costs[depot.depot_id] = depot.cost(gone)
            least = depot.cost(self.could[depot.depot_id])
            if which:
                self.cut(depot, self.could[depot.depot_id], least, least)
            self.cut(depot, gone, costs[depot.depot_id], least)
        self.seen.add(tuple(self.without(d, decision) for d in self.depots))
        self.tried += 1
        value = math.fsum(c.objective for c in costs.values()) + self.bus_value(decision)
        if value < self.value - OPTIMALITY_TOLERANCE * abs(value):
            self.best = (value, decision, costs)
        return costs

    def cut(self, depot: TruckDepot, gone: frozenset[str], found: TruckCost, least: TruckCost) -> None:
        """Hold θ at the cost found; the cut from what is proved waits for the last master."""
        if (depot.depot_id, gone) not in self.cases:
            self.cases[depot.depot_id, gone] = (depot, found, least)
            add_cuts(self.model, depot, gone, least=min(least.objective, found.objective), bound=found.objective)

    def keep_cuts(self, model: BusModel, *, is_proved: bool) -> None:
        """Cut with the rounds that only one of the points that could ride still stands on."""
        for depot in self.depots:
            could = self.could[depot.depot_id]
            least = depot.cost(could)
            low = (least.bound or 0.0) if is_proved else least.objective
            for point in sorted(could):
                found = depot.cost(could - {point})
                bound = (found.bound or 0.0) if is_proved else found.objective
                add_keep_cut(model, depot, point, least=low, bound=bound)

    def proved_bound(self, lower: float) -> float | None:
        """Return the lower bound on every plan, or None where rounds have none or dropping stops may cost more."""
        pairs = [cost for _, found, least in self.cases.values() for cost in (found, least)]
        if not all(d.is_monotone for d in self.depots) or any(cost.bound is None for cost in pairs):
            return None
        if all(cost.bound is not None and cost.objective - cost.bound <= _PROVED * cost.objective for cost in pairs):
            return lower
        model = build_model(self.side, possible_rides(self.side)[0], self.depots)
        for (_, gone), (depot, found, least) in self.cases.items():
            add_cuts(model, depot, gone, least=least.bound or 0.0, bound=found.bound or 0.0)
        self.keep_cuts(model, is_proved=True)
        return solve_linear(model.linear, self.engine_limits()).bound

    def bus_value(self, decision: BusDecision) -> float:
        """Cash of the bus side plus what time counts in the choice."""
        rules = self.side.rules
        week = rules.share_of_week
        runs = {run.run_id: run for run in self.side.runs}
        ready = {origin.origin_id: origin.ready_min for origin in self.side.origins}
        delay = passenger_delay(self.side, decision)
        people = math.fsum(
            minutes * (rules.passengers_of(runs[run]) or 0.0) for run, minutes in delay.minutes_of_run.items()
        )
        hours = 0.0
        for load in decision.loads:
            calls = runs[load.run_id].calls
            on, off = calls[load.board].departure_min, calls[load.alight].arrival_min
            one = hours_until(ready[load.origin_id], on, off) if load.kind == "delivery" else (off - on) / 60.0
            hours += load.parcels * one
        cash = math.fsum(bus_cny_per_day(self.side, decision).values())
        time = people / 60.0 * rules.passenger_cny_per_h + hours * rules.waiting_cny_per_parcel_h
        return cash + week * time

    def plan(self, before: dict[str, TruckCost], lower: float) -> BusPlan:
        assert self.best is not None  # noqa: S101 - told above
        value, decision, costs = self.best
        proved = self.proved_bound(lower)
        bound = None if proved is None else min(proved, value)
        is_proved = bound is not None and value - bound <= OPTIMALITY_TOLERANCE * abs(value)
        status: Status = "optimal" if is_proved else "feasible"
        engines = {ENGINE, *(c.outcome.engine for c in costs.values())}
        limits = {
            "case_limit": float(self.limits.case_limit),
            "node_limit": float(self.limits.node_limit),
            "relative_gap": self.limits.relative_gap,
            "time_limit_s": self.limits.time_limit_s,
        }
        report = SolveReport(status, value, bound, " + ".join(sorted(engines)), self.limits.seed, limits)
        return BusPlan(
            decision=decision,
            trucks=costs,
            before=before,
            bus_cny=bus_cny_per_day(self.side, decision),
            delay=passenger_delay(self.side, decision),
            report=report,
            reasons=self.reasons,
            cases=self.tried,
        )
