"""The whole day: the centre's rounds first, then every station's from the minute its parcels are there, wave by wave."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from geodata.errors import VerificationError
from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.problems.routing import RoutingDecision, VehicleDay
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.routing.bounds import lower_bound
from planner.routing.day.build import DayRound, build_round, produce_kg
from planner.routing.day.settings import DaySettings
from planner.routing.rich.alone import obstacle
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.engine import RoutingAnswer, RoutingLimits
from planner.routing.rich.explain import UnservedStop, explain_stop
from planner.routing.rich.input_checks import require_usable
from planner.routing.rich.schedule import DayTimes, day_times
from planner.routing.round_problem import RoundProblem
from planner.routing.rounds_build import (
    build_last_mile,
    build_trunk,
    parcel_figures,
    parcels_of_points,
    vehicle_counts,
)
from planner.verification.routing import check_decision

#: Larger rounds get no bound of the linear relaxation.
_MOST_BOUNDED = 40
_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class VehicleRun:
    """One vehicle's work in one round: round, day of the decision, timetable, and its number within its type."""

    round: int
    day: VehicleDay
    times: DayTimes
    number: int


@dataclass(frozen=True, eq=False)
class DayPlan:
    """The day.

    Attributes
    ----------
    rounds, answers
        Every depot's problem and answer, wave by wave.
    runs
        Vehicles at work, in the order of their numbers.
    unserved
        Facility → why (some of) its parcels are not carried.
    changes
        Facility → the smallest change that would serve it, carried out and checked; absent: no single change does.
    report
        Sum over the rounds; the bound is for serving every stop that can be served at all.
    produce
        Point → kilograms of produce a visit.
    """

    rounds: tuple[DayRound, ...]
    answers: tuple[RoutingAnswer, ...]
    runs: tuple[VehicleRun, ...]
    unserved: Mapping[str, Message]
    changes: Mapping[str, Message]
    report: SolveReport
    produce: Mapping[str, float]


def solve_day(
    problem: PlanProblem,
    plan: Plan,
    settings: DaySettings,
    *,
    limits: RoutingLimits | None = None,
    listener: ProgressListener = no_progress,
) -> DayPlan:
    """Build and solve a day's rounds of a plan.

    Parameters
    ----------
    problem, plan
        The county and its sites; allocation and loads are the plan's.
    settings
        Rules of the day.
    limits
        Of each round.
    listener
        Told of every round.

    Raises
    ------
    InputError
        With every impossible figure of the day (windows, shifts, loads).
    VerificationError
        If a round does not pass the independent checker: our fault.
    """
    return _Day(problem, plan, settings, limits or RoutingLimits(iterations=2000), listener).run()


class _Day:
    def __init__(
        self,
        problem: PlanProblem,
        plan: Plan,
        settings: DaySettings,
        limits: RoutingLimits,
        listener: ProgressListener,
    ) -> None:
        self.problem, self.plan, self.settings = problem, plan, settings
        self.limits, self.listener = limits, listener
        self.parcel = parcel_figures(problem)
        self.rounds: list[DayRound] = []
        self.answers: list[RoutingAnswer] = []
        self.bounds: list[float | None] = []
        self.unserved: dict[str, Message] = {}
        self.changes: dict[str, Message] = {}
        self.points_behind = Counter(plan.siting.station_of_point.values())
        rows = problem.county.vehicles
        self.vehicle_names = dict(zip(rows["vehicle_type_id"].astype(str), rows["name"].astype(str), strict=True))

    def run(self) -> DayPlan:
        parcels = parcels_of_points(self.problem, self.plan.siting)
        dropped = frozenset(self.plan.routing.dropped)
        days = _WEEK / self.problem.standard.visits_per_week
        grown = produce_kg(self.problem, self.plan, self.settings)
        visit = {point: (kg * days, is_cold) for point, (kg, is_cold) in grown.items() if point not in dropped}
        trunk = build_trunk(self.problem, self.plan.siting, parcels, dropped)
        last = build_last_mile(self.problem, self.plan.siting, parcels, dropped)
        total = len(self.settings.waves) * (len(trunk) + len(last))
        for wave in range(len(self.settings.waves)):
            ready: dict[str, float] = {}
            for round_ in trunk:
                start = self.settings.waves[wave].sorted_min
                ready |= self.solve(round_, wave, start, self._of_stations(grown, dropped), total)
            for round_ in last:
                if round_.depot_id in ready:
                    self.solve(round_, wave, ready[round_.depot_id], visit, total)
                else:
                    self._cut_off(round_)
        return DayPlan(
            rounds=tuple(self.rounds),
            answers=tuple(self.answers),
            runs=tuple(numbered(self.rounds, self.answers)),
            unserved=dict(sorted(self.unserved.items())),
            changes=dict(sorted(self.changes.items())),
            report=self.report(),
            produce={point: kg for point, (kg, _) in sorted(visit.items())},
        )

    def _of_stations(
        self, grown: Mapping[str, tuple[float, bool]], dropped: frozenset[str]
    ) -> dict[str, tuple[float, bool]]:
        """Return station → produce a day of its points."""
        found: dict[str, tuple[float, bool]] = {}
        for point, (kg, is_cold) in sorted(grown.items()):
            station = self.plan.siting.station_of_point[point]
            if point not in dropped:
                before = found.get(station, (0.0, False))
                found[station] = (before[0] + kg, before[1] or is_cold)
        return found

    def _cut_off(self, round_: RoundProblem) -> None:
        for stop in round_.stops:
            figures = {"facility_id": stop.facility_id, "station_id": round_.depot_id}
            self.unserved.setdefault(stop.facility_id, Message("reason_station_cut_off_stop", figures))

    def solve(
        self, round_: RoundProblem, wave: int, ready_min: float, produce: Mapping[str, tuple[float, bool]], total: int
    ) -> dict[str, float]:
        """Solve one round; return the minute from which each served facility's own rounds may load."""
        counts = vehicle_counts(self.problem)
        kinds = tuple(k for k, v in enumerate(round_.vehicles) if counts.get(v.vehicle_type_id) != 0)
        # As many as the county has, and never more than stops: other depots may want them too, which is told afterwards.
        known = [counts.get(round_.vehicles[k].vehicle_type_id) for k in kinds]
        usable = round_.with_vehicles(kinds, tuple(known))
        made = build_round(
            self.problem,
            usable,
            self.settings,
            wave=wave,
            ready_min=ready_min,
            produce=produce,
            parcel=self.parcel,
            points_behind=self.points_behind,
        )
        made = self._servable(made)
        require_usable(made.problem)
        answer = solve_routing(made.problem, self.limits)
        self._check(made, answer)
        self.rounds.append(made)
        self.answers.append(answer)
        self.bounds.append(_bound(made, answer))
        self.listener(ProgressEvent("routing", done=len(self.rounds), total=total))
        return self._ready(made, answer)

    def _servable(self, made: DayRound) -> DayRound:
        """Take out the stops no vehicle could serve even alone, each with its reason."""
        keep = []
        for i in range(len(made.loads)):
            if obstacle(made.problem, i) is None:
                keep.append(i)
            else:
                self._tell(made, explain_stop(made.problem, RoutingDecision(()), i), i)
        stops = tuple(made.problem.stops[i] for i in keep)
        zones = {stop.zone for stop in stops}  # a permit for a zone no stop of this round lies in is no mistake here
        vehicles = tuple(
            replace(v, permits=tuple(p for p in v.permits if p.zone in zones)) for v in made.problem.vehicles
        )
        return replace(
            made,
            problem=replace(made.problem, stops=stops, vehicles=vehicles),
            loads=tuple(made.loads[i] for i in keep),
            plain=made.plain.select(tuple(keep)),
        )

    def _check(self, made: DayRound, answer: RoutingAnswer) -> None:
        if answer.decision is None:
            for load in made.loads:
                found = Message("day_reason_nothing_found", {"facility_id": load.facility_id})
                self.unserved.setdefault(load.facility_id, found)
            return
        broken = check_decision(made.problem, answer.decision)
        if broken:
            raise VerificationError(Message("plan_refused", {"count": len(broken)}), [v.message for v in broken])
        for i in answer.decision.left_out:
            self._tell(made, explain_stop(made.problem, answer.decision, i), i)

    def _tell(self, made: DayRound, found: UnservedStop, stop: int) -> None:
        """Keep the reason of a stop and the change that would serve it."""
        facility = made.loads[stop].facility_id
        if facility in self.unserved:
            return
        self.unserved[facility] = self._said(found.message)
        if found.fix is not None:
            self.changes[facility] = self._said(found.fix.message)

    def _said(self, message: Message) -> Message:
        """Return the sentence with figures fit to be read and vehicles by name."""
        figures: dict[str, object] = {}
        for key, value in message.params.items():
            figures[key] = round(value, 1) if isinstance(value, float) else value
        if "vehicle" in figures:
            figures["vehicle"] = self.vehicle_names.get(str(figures["vehicle"]), figures["vehicle"])
        return Message(message.key, figures)

    def _ready(self, made: DayRound, answer: RoutingAnswer) -> dict[str, float]:
        ready: dict[str, float] = {}
        for day in (answer.decision or RoutingDecision(())).days:
            times = day_times(made.problem, day)
            for trip in times.trips if times else ():
                for visit in trip.visits:
                    if visit.index < len(made.loads):
                        facility = made.loads[visit.index].facility_id
                        ready[facility] = max(
                            ready.get(facility, 0.0), visit.end_min + self.settings.station_handling_min
                        )
        return ready

    def report(self) -> SolveReport:
        """Add up the rounds; a bound only where every round has one and nothing was left out."""
        reports = [answer.report for answer in self.answers]
        objective = math.fsum(r.objective or 0.0 for r in reports)
        has_all = all(b is not None for b in self.bounds) and not self.unserved
        bound = min(objective, math.fsum(b or 0.0 for b in self.bounds)) if has_all else None
        proved = bound is not None and objective - bound <= OPTIMALITY_TOLERANCE * abs(objective)
        engine = " + ".join(sorted({r.engine for r in reports if r.engine}))
        limits = {"iterations": float(self.limits.iterations)}
        return SolveReport("optimal" if proved else "feasible", objective, bound, engine, self.limits.seed, limits)


def _bound(made: DayRound, answer: RoutingAnswer) -> float | None:
    """Return the engine's bound, or that of the round without the day's rules, which all only add cost."""
    if answer.decision is None or answer.decision.left_out:
        return None
    if answer.report.bound is not None:
        return answer.report.bound
    if not made.loads:
        return 0.0
    if len(made.loads) > _MOST_BOUNDED:
        return None
    return min(lower_bound(made.plain), answer.report.objective or 0.0)


def numbered(rounds: Sequence[DayRound], answers: Sequence[RoutingAnswer]) -> list[VehicleRun]:
    """Give every vehicle day a vehicle: of the same depot and type, back before it starts, within its hours; else a new one."""
    busy: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    count: dict[str, int] = {}
    runs = []
    for r, (made, answer) in enumerate(zip(rounds, answers, strict=True)):
        for day in (answer.decision or RoutingDecision(())).days:
            vehicle, times = made.problem.vehicles[day.vehicle], day_times(made.problem, day)
            if times is None:
                continue
            own = busy.setdefault((made.depot_id, vehicle.vehicle_type_id), [])
            free = (
                i
                for i, (_, end, duty) in enumerate(own)
                if end <= times.start_min and duty + times.duty_min <= vehicle.longest_min
            )
            at = next(free, None)
            if at is None:
                count[vehicle.vehicle_type_id] = count.get(vehicle.vehicle_type_id, 0) + 1
                own.append((count[vehicle.vehicle_type_id], times.end_min, times.duty_min))
                at = len(own) - 1
            else:
                own[at] = (own[at][0], times.end_min, own[at][2] + times.duty_min)
            runs.append(VehicleRun(r, day, times, own[at][0]))
    return runs
