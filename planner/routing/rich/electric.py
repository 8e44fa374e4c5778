"""Engine for electric vehicles that charge on the way: ruin and recreate with charging planned anew for every order.

One vehicle type, one trip a day, full charges; deliveries only. Waiting is not priced while searching; the answer's cost is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from planner.problems.routing import (
    Battery,
    RoutingDecision,
    RoutingDepot,
    RoutingProblem,
    RoutingStop,
    RoutingVehicle,
    VehicleDay,
)
from planner.routing.rich.answers import answer_of
from planner.routing.rich.electric_kernels import Rounds, anneal_electric
from planner.routing.rich.electric_plan import LABELS, VIA, Electric, charging, plan
from planner.routing.rich.engine import Refusal, RoutingAnswer, RoutingLimits
from planner.routing.rich.pyvrp_data import ALWAYS, stop_windows

#: First and last temperature, in mean arcs; turns between two looks at the clock.
HOT, COLD = 0.3, 0.003
CHUNK = 100
#: Turns in place of one iteration of the limits.
TURNS_PER_ITERATION = 1
#: Price of a mandatory stop left out, in the dearest round trips.
MANDATORY = 3.0
#: Most stops: the chargers to try are kept for every pair.
STOPS_MOST = 1_500
NEAR_MOST = 200


class ElectricEngine:
    """Ruin and recreate with charging on the way."""

    @property
    def name(self) -> str:
        """Engine."""
        return "ruin and recreate with charging"

    def refuses(self, problem: RoutingProblem) -> tuple[Refusal, ...]:
        """Return why the engine cannot take the problem."""
        return tuple(Refusal(key) for key in dict.fromkeys(_reasons(problem)))

    def solve(
        self, problem: RoutingProblem, limits: RoutingLimits, *, start: RoutingDecision | None = None
    ) -> RoutingAnswer:
        """Search; `start` gives the first orders, their chargers are planned anew."""
        if not problem.stops:
            return answer_of(problem, RoutingDecision(()), self.name, limits)
        prepare()
        run = _Search(problem, limits, start)
        is_cut = run.go()
        return answer_of(problem, run.decision(), self.name, limits, is_cut=is_cut)


def _reasons(problem: RoutingProblem) -> Iterator[str]:
    vehicles = [v for v in problem.vehicles if v.available != 0]
    if not any(v.battery for v in vehicles):
        yield "routing_refused_no_battery"
    if len(vehicles) != 1 or len(problem.stops) > STOPS_MOST or any(v.trips_most > 1 for v in vehicles):
        yield "routing_refused_mixed_electric"
    stops = problem.stops
    if any(len(stop_windows(problem, s)) != 1 for s in stops) or any(q > 0.0 for s in stops for q in s.pickup):
        yield "routing_refused_mixed_electric"
    if any(math.isfinite(v.longest_min) or v.stops_most is not None for v in vehicles):
        yield "routing_refused_mixed_electric"
    if any(v.break_rule is not None for v in vehicles) or problem.incompatible or problem.balance_min is not None:
        yield "routing_refused_mixed_electric"
    if any(math.isfinite(s.cold_max_min) for s in stops) or problem.is_linehaul_first or _has_many_loads(problem):
        yield "routing_refused_mixed_electric"


def _has_many_loads(problem: RoutingProblem) -> bool:
    return sum(any(s.delivery[r] > 0.0 for s in problem.stops) for r in range(len(problem.dimensions))) > 1


class _Search:
    """One search: arrays in, vehicle days out."""

    def __init__(self, problem: RoutingProblem, limits: RoutingLimits, start: RoutingDecision | None) -> None:
        self.problem, self.limits = problem, limits
        self.kind = next(k for k, v in enumerate(problem.vehicles) if v.available != 0)
        self.vehicle = problem.vehicles[self.kind]
        self.data = self._data()
        self.rounds = self._rounds(start)

    def go(self) -> bool:
        """Search until the limits; tell whether the clock ended it."""
        limits, done = self.limits, 0
        turns = limits.iterations * TURNS_PER_ITERATION
        begun = limits.clock()
        real = self.data.arcs[0][np.isfinite(self.data.arcs[0]) & (self.data.arcs[0] > 0.0)]
        mean_arc = float(np.percentile(real, 20)) if real.size else 1.0
        while done < turns:
            spent = (limits.clock() - begun) / max(limits.seconds, 1e-9) if math.isfinite(limits.seconds) else 0.0
            if spent >= 1.0:
                return True
            share = max(spent, done / turns)
            size = min(CHUNK, turns - done)
            heat = mean_arc * HOT * (COLD / HOT) ** share
            anneal_electric(self.data, self.rounds, size, heat, heat)
            done += size
        return False

    def decision(self) -> RoutingDecision:
        """Return the best found, with its chargers."""
        s, d = self.rounds, self.data
        width = s.seq.shape[1]
        rows, traces = np.zeros((width + 2, LABELS + 1, 3)), np.zeros((width + 2, LABELS + 1, 3), dtype=np.int64)
        out = np.zeros(3 * width + 3, dtype=np.int64)
        days = []
        for r in np.flatnonzero(s.best_length):
            count = int(s.best_length[r])
            if not math.isfinite(plan(d, s.best_seq[r], count, rows, traces, math.inf)):
                continue
            size = charging(s.best_seq[r], count, rows, traces, out)
            trip = tuple(int(i) if i < d.number else int(i) - 2 for i in out[:size])  # two places are the depots
            days.append(VehicleDay(self.kind, (trip,)))
        seen = {i for day in days for i in day.trips[0]}
        left = tuple(i for i in range(d.number) if i not in seen)
        return RoutingDecision(tuple(sorted(days, key=lambda x: x.trips)), left)

    def _data(self) -> Electric:
        problem, v, count = self.problem, self.vehicle, len(self.problem.stops)
        start, end = problem.depots[v.start_depot], problem.depots[v.end_depot]
        places = [s.place for s in problem.stops] + [start.place, end.place] + [c.place for c in problem.chargers]
        grid = np.ix_(places, places)
        metres = np.asarray(problem.metres[v.profile][grid], dtype=float)
        minutes = np.asarray(problem.minutes[v.profile][grid], dtype=float)
        battery = v.battery
        per_km = 0.0 if battery is None else battery.kwh_per_km
        cost = metres / 1000.0 * v.cny_per_km + minutes / 60.0 * v.cny_per_h
        arcs = np.stack([cost, minutes, metres / 1000.0 * per_km])
        arcs[~np.isfinite(arcs)] = 1e15
        return Electric(
            arcs,
            self._table(cost, len(places)),
            _via(arcs[0], count),
            _near(arcs[0], count),
            _figures(problem, v),
            count,
        )

    def _table(self, cost: np.ndarray, size: int) -> np.ndarray:
        problem, v, count = self.problem, self.vehicle, len(self.problem.stops)
        table = np.zeros((5, size))
        table[2] = math.inf
        away = cost[count, :count][np.isfinite(cost[count, :count])]
        dear = MANDATORY * (2.0 * float(np.max(away, initial=1.0)) + v.fixed_cny)
        load = next((r for r in range(len(problem.dimensions)) if any(s.delivery[r] > 0 for s in problem.stops)), 0)
        for i, stop in enumerate(problem.stops):
            low, high = (stop_windows(problem, stop) or (ALWAYS,))[0]
            price = dear if stop.penalty_cny is None else stop.penalty_cny
            table[:, i] = (stop.service_min, max(0.0, low), high, stop.delivery[load], price)
        end = problem.depots[v.end_depot]
        table[2, count + 1] = min(end.closes_min, v.shift[1])
        return table

    def _rounds(self, start: RoutingDecision | None) -> Rounds:
        d, count = self.data, len(self.problem.stops)
        most = count if self.vehicle.available is None else min(count, self.vehicle.available)
        shape = (most, count + 2)
        s = Rounds(
            np.zeros(shape, dtype=np.int64),
            np.zeros(most, dtype=np.int64),
            np.zeros((most, 3)),
            np.zeros(shape, dtype=np.int64),
            np.zeros(most, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
            d.stops[4, :count].copy(),
            np.zeros(4, dtype=np.int64),
            np.array([math.inf, math.inf]),
        )
        s.meta[3] = 88_172_645_463_325_252 + 7_919 * self.limits.seed
        s.meta[1] = count + 1
        self._load(s, start)
        return s

    def _load(self, s: Rounds, start: RoutingDecision | None) -> None:
        count, width = len(self.problem.stops), s.seq.shape[1]
        rows, traces = np.zeros((width + 2, LABELS + 1, 3)), np.zeros((width + 2, LABELS + 1, 3), dtype=np.int64)
        seen = set[int]()
        for r, day in enumerate(start.days if start else ()):
            stops = [i for t in day.trips for i in t if i < count]
            if r >= len(s.length) or not stops:
                continue
            s.seq[r, : len(stops)] = stops
            cost = plan(self.data, s.seq[r], len(stops), rows, traces, math.inf)
            if math.isfinite(cost):
                s.length[r], s.sums[r, 0], s.sums[r, 1] = len(stops), cost, self.data.stops[3, stops].sum()
                seen.update(stops)
        missing = [i for i in range(count) if i not in seen]
        s.left[: len(missing)] = missing
        s.meta[0] = len(missing)


def _figures(problem: RoutingProblem, v: RoutingVehicle) -> np.ndarray:
    start, end = problem.depots[v.start_depot], problem.depots[v.end_depot]
    load = next((r for r in range(len(problem.dimensions)) if any(s.delivery[r] > 0 for s in problem.stops)), 0)
    battery = v.battery
    kwh, per_kwh = (1e15, 0.0) if battery is None else (battery.kwh, battery.min_per_kwh)
    begin = max(start.opens_min, v.shift[0] + start.loading_min)
    fixed = v.fixed_cny + start.loading_min / 60.0 * v.cny_per_h
    until = min(end.closes_min, v.shift[1])
    return np.array([v.capacity[load], kwh, per_kwh, begin, until, fixed, v.cny_per_h / 60.0])


def _via(cost: np.ndarray, count: int) -> np.ndarray:
    """Return for every pair of stops and depots the chargers with the shortest detour (−1: no more)."""
    size, chargers = count + 2, cost.shape[0] - count - 2
    via = np.full((size, size, VIA), -1, dtype=np.int64)
    for a in range(size if chargers else 0):
        detour = cost[a, size:][:, None] + cost[size:, :size]
        best = np.argsort(detour, axis=0, kind="stable")[:VIA]
        via[a, :, : len(best)] = best.T + size
    return via


def _near(cost: np.ndarray, count: int) -> np.ndarray:
    own = np.minimum(cost[:count, :count], cost[:count, :count].T)
    np.fill_diagonal(own, -1.0)
    return np.argsort(own, axis=1, kind="stable")[:, :NEAR_MOST].astype(np.int64)


@cache
def prepare() -> None:
    """Compile the kernels on a round of one stop, before any clock starts: once, then read from the disk."""
    nothing = np.zeros((2, 2))
    stop = RoutingStop("stop", 1, (1.0,), (0.0,))
    van = RoutingVehicle("van", (1.0,), battery=Battery(1.0, 1.0, 1.0))
    depot = RoutingDepot("depot", 0)
    problem = RoutingProblem(("0", "1"), (nothing,), (nothing,), (depot,), (stop,), (van,), dimensions=("kg",))
    run = _Search(problem, RoutingLimits(1), None)
    run.go()
    run.decision()
