"""The daily rounds of a plan: centre → stations and station → points, within the vehicles the county has.

Order of work: every depot is solved as if it had all the vehicles it wishes; where the county has fewer, they are
shared out (`planner.routing.rounds_fleet`). A point no vehicle can serve is dropped with its reason, and its parcels
then do not ride to its station either; the points of a dropped station are dropped with it. After a drop the rounds
concerned are built again without it, until nothing more is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import SolveReport
from planner.reuse import PartKeeper, solved_once
from planner.routing.kept import depot_key, depot_part
from planner.routing.result import Route, RoutingResult, Stop
from planner.routing.round_problem import RoundProblem
from planner.routing.rounds_build import build_last_mile, build_trunk, parcel_figures, parcels_of_points, vehicle_counts
from planner.routing.rounds_fleet import share_vehicles, totals
from planner.routing.rounds_solve import ENGINES, DepotOutcome, PlannedTrip, limits, solve_depot
from planner.siting.result import SitingResult


def solve_rounds(
    problem: PlanProblem,
    siting: SitingResult,
    *,
    listener: ProgressListener = no_progress,
    keeper: PartKeeper | None = None,
) -> RoutingResult:
    """Build the rounds of both tiers (docs/model.md §4).

    Parameters
    ----------
    problem
        County, travel, standard and settings.
    siting
        Open sites and allocation.
    listener
        Told after every depot.
    keeper
        Keeps the rounds of depots that were solved before, by everything that decides them.

    Returns
    -------
    RoutingResult
        Trips with their vehicles, one report a depot, and every site no vehicle can serve with its reason.
    """
    desk = _Desk(problem, siting, listener, keeper)
    dropped: dict[str, Message] = {}
    needed: dict[str, int] = {}
    while True:
        rounds = desk.rounds(frozenset(dropped))
        wished = desk.wished(rounds)
        if not needed:
            needed = desk.needed(rounds, wished)
        outcomes = share_vehicles(wished, desk.counts, partial(desk.solve, rounds, wished))
        new = _dropped_now(wished, outcomes)
        new |= desk.cut_off(new, dropped)
        if not new:
            break
        dropped |= new
    # A depot that got fewer vehicles keeps the bound that holds however the vehicles are shared out.
    outcomes = [replace(o, bound=w.bound) for o, w in zip(outcomes, wished, strict=True)]
    return _result(problem, outcomes, dict(sorted(dropped.items())), needed)


def vehicles_needed(problem: PlanProblem, siting: SitingResult) -> dict[str, int]:
    """Return how many vehicles of each type the rounds would use if their number had no limit.

    Every type of the vehicle table is listed, types not used with 0; `vehicle_count` less this is what is missing.
    The same figures stand in `RoutingResult.vehicles_needed`.
    """
    desk = _Desk(problem, siting, no_progress)
    rounds = desk.rounds(frozenset())
    return desk.needed(rounds, desk.wished(rounds))


@dataclass(eq=False)
class _Desk:
    """Builds and solves rounds, remembering what is solved already."""

    problem: PlanProblem
    siting: SitingResult
    listener: ProgressListener
    keeper: PartKeeper | None = None
    solved: dict[tuple[object, ...], DepotOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parcel = parcel_figures(self.problem)
        self.points = parcels_of_points(self.problem, self.siting)
        self.counts = vehicle_counts(self.problem)
        self.none = {kind: 0 for kind, count in self.counts.items() if count == 0}

    def rounds(self, without: frozenset[str]) -> list[RoundProblem]:
        """Centres first, then stations, each by id."""
        return [
            *build_trunk(self.problem, self.siting, self.points, without),
            *build_last_mile(self.problem, self.siting, self.points, without),
        ]

    def depot(self, round_: RoundProblem, caps: Mapping[str, int]) -> DepotOutcome:
        """Solve one depot, once."""
        own = {v.vehicle_type_id for v in round_.vehicles}
        caps = {kind: number for kind, number in sorted(caps.items()) if kind in own}
        key = (round_.depot_id, round_.stops, tuple(caps.items()))
        if key not in self.solved:
            figures = (round_, self.parcel, self.problem.routing, caps)
            self.solved[key] = solved_once(
                self.keeper, depot_part(round_), partial(depot_key, *figures), partial(solve_depot, *figures)
            )
        return self.solved[key]

    def wished(self, rounds: Sequence[RoundProblem]) -> list[DepotOutcome]:
        """Solve every depot with as many vehicles as it wishes of the types the county has."""
        outcomes = []
        objective = 0.0
        self.listener(ProgressEvent("routing", done=0, total=len(rounds)))
        for done, round_ in enumerate(rounds, start=1):
            outcomes.append(self.depot(round_, self.none))
            objective += outcomes[-1].cny_per_day
            self.listener(ProgressEvent("routing", objective=objective, done=done, total=len(rounds)))
        return outcomes

    def solve(
        self, rounds: Sequence[RoundProblem], wished: Sequence[DepotOutcome], depot: int, caps: Mapping[str, int]
    ) -> DepotOutcome:
        """Solve a depot with limited vehicles; what only the limit drops says so."""
        outcome = self.depot(rounds[depot], {**caps, **self.none})
        possible = wished[depot].dropped
        reasons = {f: possible.get(f) or Message("reason_no_vehicle_stop", {"facility_id": f}) for f in outcome.dropped}
        return replace(outcome, dropped=reasons)

    def needed(self, rounds: Sequence[RoundProblem], wished: Sequence[DepotOutcome]) -> dict[str, int]:
        """Vehicles of an unlimited fleet; types the county has none of count where they serve what is dropped else."""
        free = [self.depot(r, {}) if w.dropped and self.none else w for r, w in zip(rounds, wished, strict=True)]
        used = totals(free)
        return {kind: used.get(kind, 0) for kind in self.counts}

    def cut_off(self, new: Mapping[str, Message], dropped: Mapping[str, Message]) -> dict[str, Message]:
        """Points of stations dropped just now, unless they were dropped before."""
        return {
            point: Message("reason_station_cut_off_stop", {"facility_id": point, "station_id": station})
            for point, station in sorted(self.siting.station_of_point.items())
            if station in new and point not in dropped
        }


def _dropped_now(wished: Sequence[DepotOutcome], outcomes: Sequence[DepotOutcome]) -> dict[str, Message]:
    """Return what is dropped first: what no vehicle can serve, else scarce stations, else scarce points.

    A point waits until the stations are settled, because the points of a dropped station leave vehicles free.
    """
    trunk = [o for o in outcomes if o.problem.tier == "county_township"]
    for group in (wished, trunk, outcomes):
        dropped = {f: reason for outcome in group for f, reason in outcome.dropped.items()}
        if dropped:
            return dropped
    return {}


def _result(
    problem: PlanProblem, outcomes: Sequence[DepotOutcome], dropped: Mapping[str, Message], needed: dict[str, int]
) -> RoutingResult:
    reports = {o.problem.depot_id: o.report(problem.routing) for o in outcomes}
    return RoutingResult(
        routes=_routes(outcomes),
        reports=reports,
        report=_sum(problem, list(reports.values()), has_dropped=bool(dropped)),
        dropped={f: reason.key for f, reason in dropped.items()},
        dropped_params={f: dict(reason.params) for f, reason in dropped.items()},
        vehicles_needed=needed,
    )


def _routes(outcomes: Sequence[DepotOutcome]) -> tuple[Route, ...]:
    """Return all trips, numbered within their depot, and vehicles numbered within their type over the county."""
    routes: list[Route] = []
    before: dict[str, int] = {}
    for outcome in outcomes:
        level = 1 if outcome.problem.tier == "county_township" else 2
        routes += [
            _route(outcome, trip, f"{level}-{outcome.problem.depot_id}-{place:03d}", before)
            for place, trip in enumerate(outcome.trips, start=1)
        ]
        for kind, number in outcome.used.items():
            before[kind] = before.get(kind, 0) + number
    return tuple(sorted(routes, key=lambda route: route.route_id))


def _route(outcome: DepotOutcome, trip: PlannedTrip, route_id: str, before: Mapping[str, int]) -> Route:
    return Route(
        route_id=route_id,
        tier=outcome.problem.tier,
        depot_id=outcome.problem.depot_id,
        vehicle_type_id=trip.vehicle_type_id,
        vehicle_number=before.get(trip.vehicle_type_id, 0) + trip.vehicle + 1,
        days_per_week=outcome.problem.days_per_week,
        stops=tuple(Stop(s.facility_id, s.delivery_parcels, s.pickup_parcels) for s in trip.stops),
    )


def _sum(problem: PlanProblem, reports: Sequence[SolveReport], *, has_dropped: bool) -> SolveReport:
    """Add up the depots' reports, each in CNY of a mean day: the total equals the transport cost of the plan."""
    objective = sum(r.objective or 0.0 for r in reports)
    bounds = [r.bound for r in reports]
    bound = None if any(b is None for b in bounds) else min(objective, sum(b or 0.0 for b in bounds))
    is_optimal = not has_dropped and all(r.status == "optimal" for r in reports)
    return SolveReport(
        status="optimal" if is_optimal else "feasible",
        objective=objective,
        bound=bound,
        engine=" + ".join(sorted({r.engine for r in reports} or {ENGINES[0].name})),
        seed=problem.routing.seed,
        limits=limits(problem.routing),
        note_key="routing_note_dropped" if has_dropped else "",
    )
