"""One depot solved from beginning to end: split, choose an engine, join full loads and tours, pack onto vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from geodata.messages import Message
from planner.problems.standard import RoutingSettings
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.routing.engine import RoundEngine, choose_engine
from planner.routing.exact import ExactEngine
from planner.routing.ortools_engine import OrToolsEngine
from planner.routing.packing import pack
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundStop, Trip
from planner.routing.route_engine import RouteEngine
from planner.routing.split import FullLoad, SplitRound, split_round

DAYS_PER_WEEK = 7.0

#: Engines in the order they are asked.
ENGINES: tuple[RoundEngine, ...] = (ExactEngine(), RouteEngine(), OrToolsEngine())


@dataclass(frozen=True, slots=True)
class PlannedTrip:
    """One trip of a depot: vehicle type, vehicle (0… within depot and type), stops in order, minutes and CNY."""

    vehicle_type_id: str
    vehicle: int
    stops: tuple[RoundStop, ...]
    minutes: float
    cny: float


@dataclass(frozen=True, slots=True)
class DepotOutcome:
    """A depot's trips.

    Attributes
    ----------
    problem
        The depot's round, before the split.
    trips
        Trips with their vehicles.
    dropped
        Facility id → reason.
    bound
        Proved lower bound on the CNY of a running day that serves the same stops with any number of vehicles, full
        loads as given.
    engine
        Engine with its version.
    """

    problem: RoundProblem
    trips: tuple[PlannedTrip, ...]
    dropped: dict[str, Message]
    bound: float | None
    engine: str

    @property
    def cny(self) -> float:
        """CNY of a running day."""
        return sum(trip.cny for trip in self.trips)

    @property
    def runs_per_day(self) -> float:
        """Running days over days: 1 for rounds of every day, 3/7 for three visits a week."""
        return self.problem.days_per_week / DAYS_PER_WEEK

    @property
    def cny_per_day(self) -> float:
        """CNY of a mean day over the week."""
        return self.cny * self.runs_per_day

    @property
    def used(self) -> dict[str, int]:
        """Vehicles used, by type."""
        used: dict[str, int] = {}
        for trip in self.trips:
            used[trip.vehicle_type_id] = max(used.get(trip.vehicle_type_id, 0), trip.vehicle + 1)
        return used

    @property
    def lost(self) -> float:
        """Weight of what is dropped: parcels, and one for each stop."""
        return sum(
            1.0 + s.delivery_parcels + s.pickup_parcels for s in self.problem.stops if s.facility_id in self.dropped
        )

    def report(self, settings: RoutingSettings) -> SolveReport:
        """Return status, objective and bound of the depot's rounds, both in CNY of a mean day over the week."""
        objective = self.cny_per_day
        bound = None if self.bound is None else min(self.bound * self.runs_per_day, objective)
        proved = bound is not None and objective - bound <= OPTIMALITY_TOLERANCE * abs(objective)
        return SolveReport(
            status="optimal" if proved and not self.dropped else "feasible",
            objective=objective,
            bound=bound,
            engine=self.engine,
            seed=settings.seed,
            limits=limits(settings),
            note_key="routing_note_dropped" if self.dropped else "",
        )


def limits(settings: RoutingSettings) -> dict[str, float]:
    """Return the limits a report carries."""
    return {
        "exact_stops": float(settings.exact_stops),
        "column_stops": float(settings.column_stops),
        "solution_limit": float(settings.solution_limit),
        "time_limit_s": settings.time_limit_s,
    }


def solve_depot(
    problem: RoundProblem,
    parcel: ParcelFigures,
    settings: RoutingSettings,
    caps: Mapping[str, int] | None = None,
) -> DepotOutcome:
    """Solve one depot.

    Parameters
    ----------
    problem
        The depot's round as built from the county.
    parcel
        What a parcel weighs, fills and takes.
    settings
        Limits.
    caps
        Vehicles the depot may use, for the types that are limited.
    """
    limited = _with_caps(problem, caps or {})
    split = split_round(limited, parcel)
    loads, refused = _affordable_loads(limited, split)
    dropped = {**split.dropped, **{f: _no_vehicle(f) for f in refused}}
    keep = tuple(i for i, stop in enumerate(split.rest.stops) if stop.facility_id not in refused)
    rest = _without_busy(split.rest.select(keep), loads, limited)
    trips = [_planned(limited, load) for load in loads]
    bound: float | None = sum(trip.cny for trip in trips)
    engine = ENGINES[0].name
    if rest.stops and rest.vehicles:
        solver = choose_engine(ENGINES, rest, settings)
        solution = solver.solve(rest, settings)
        engine = solution.engine
        left = {i for i in solution.left_out if rest.stops[i].facility_id not in dropped}
        dropped |= {rest.stops[i].facility_id: _no_vehicle(rest.stops[i].facility_id) for i in sorted(left)}
        trips += [_tour(rest, trip) for trip in solution.trips]
        bound = None if bound is None or solution.bound is None else bound + solution.bound
    elif rest.stops:
        dropped |= {s.facility_id: _no_vehicle(s.facility_id) for s in rest.stops}
    wasted = {load.stop.facility_id for load in loads} & set(dropped)
    if wasted:
        # A stop is served whole or not at all: without its full loads there may be room for others.
        others = tuple(i for i, stop in enumerate(problem.stops) if stop.facility_id not in wasted)
        again = solve_depot(problem.select(others), parcel, settings, caps)
        dropped = {**again.dropped, **{f: dropped[f] for f in sorted(wasted)}}
        return replace(again, problem=problem, dropped=dict(sorted(dropped.items())))
    return DepotOutcome(problem, _packed(limited, trips), dict(sorted(dropped.items())), bound, engine)


def _no_vehicle(facility_id: str) -> Message:
    return Message("reason_no_vehicle_stop", {"facility_id": facility_id})


def _with_caps(problem: RoundProblem, caps: Mapping[str, int]) -> RoundProblem:
    kinds = tuple(k for k, v in enumerate(problem.vehicles) if caps.get(v.vehicle_type_id, 1) > 0)
    return problem.with_vehicles(kinds, tuple(caps.get(problem.vehicles[k].vehicle_type_id) for k in kinds))


def _affordable_loads(problem: RoundProblem, split: SplitRound) -> tuple[list[FullLoad], set[str]]:
    """Give up stops, those with most full loads first, until the full loads fit the available vehicles."""
    loads, refused = list(split.full_loads), set[str]()
    for k, vehicle in enumerate(problem.vehicles):
        while vehicle.available is not None and _busy(problem, loads, k) > vehicle.available:
            count: dict[str, int] = {}
            for load in loads:
                if load.vehicle == k:
                    count[load.stop.facility_id] = count.get(load.stop.facility_id, 0) + 1
            worst = min(count, key=lambda f: (-count[f], f))
            refused.add(worst)
            loads = [load for load in loads if load.stop.facility_id != worst]
    return loads, refused


def _busy(problem: RoundProblem, loads: list[FullLoad], k: int) -> int:
    """Vehicles of a type that full loads take."""
    minutes = [problem.figures_of_direct(load.node, k, load.stop).minutes for load in loads if load.vehicle == k]
    return max(pack(minutes, problem.vehicles[k].shift_min), default=-1) + 1


def _without_busy(rest: RoundProblem, loads: list[FullLoad], problem: RoundProblem) -> RoundProblem:
    """Leave to the tours the vehicles that no full load takes; every stop must still fit some type left."""
    left = tuple(
        None if vehicle.available is None else vehicle.available - _busy(problem, loads, k)
        for k, vehicle in enumerate(rest.vehicles)
    )
    kinds = tuple(k for k, number in enumerate(left) if number != 0)
    return rest.with_vehicles(kinds, tuple(left[k] for k in kinds))


def _planned(problem: RoundProblem, load: FullLoad) -> PlannedTrip:
    figures = problem.figures_of_direct(load.node, load.vehicle, load.stop)
    kind = problem.vehicles[load.vehicle].vehicle_type_id
    return PlannedTrip(kind, 0, (load.stop,), figures.minutes, figures.cny)


def _tour(rest: RoundProblem, trip: Trip) -> PlannedTrip:
    figures = rest.figures(trip)
    stops = tuple(rest.stops[i] for i in trip.stops)
    return PlannedTrip(rest.vehicles[trip.vehicle].vehicle_type_id, 0, stops, figures.minutes, figures.cny)


def _packed(problem: RoundProblem, trips: list[PlannedTrip]) -> tuple[PlannedTrip, ...]:
    """Give every trip its vehicle, types in the order of the table."""
    packed: list[PlannedTrip] = []
    for kind in problem.vehicles:
        own = sorted(
            (t for t in trips if t.vehicle_type_id == kind.vehicle_type_id),
            key=lambda t: (-t.minutes, [s.facility_id for s in t.stops]),
        )
        places = pack([t.minutes for t in own], kind.shift_min)
        packed += [
            PlannedTrip(t.vehicle_type_id, place, t.stops, t.minutes, t.cny)
            for place, t in sorted(zip(places, own, strict=True), key=lambda pair: pair[0])
        ]
    return tuple(packed)
