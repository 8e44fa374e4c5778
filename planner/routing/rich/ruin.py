"""Ruin and recreate for plain and periodic rounds: arrays for the compiled search, and its answers as vehicle days.

Takes one trip a vehicle, at most one window a stop, and costs of time only where no window makes vehicles wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from planner.problems.routing import (
    RoutingDecision,
    RoutingDepot,
    RoutingProblem,
    RoutingStop,
    RoutingVehicle,
    VehicleDay,
)
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.loads import may_serve
from planner.routing.rich.pyvrp_data import ALWAYS, permit_times, reach_km, stop_windows
from planner.routing.rich.ruin_kernels import anneal, fill
from planner.routing.rich.ruin_state import (
    ABSENT,
    ACTIVE,
    BEST_KIND,
    BEST_LENGTH,
    CAPACITY,
    KIND,
    LEFT,
    LENGTH,
    LIMIT,
    LOADS,
    MASK,
    MONEY,
    MOST,
    PLACE,
    RANDOM,
    ROUTES,
    STAMP,
    TOUCHED_MOST,
    Data,
    State,
)

#: Visits taken out in a turn, on average, and the longest string.
MEAN_OUT = 10.0
STRING_MOST = 10.0
#: First and last temperature, in mean arcs of the first solution.
HOT, COLD = 0.5, 0.005
#: Turns between two looks at the clock.
CHUNK = 1_000
#: When days go into the pool, and how many at the most.
POOL_FROM = 0.5
POOL_MOST = 60_000
#: Neighbours kept of each stop.
NEAR_MOST = 400
#: Price of leaving a mandatory stop out, in the dearest round trips.
MANDATORY = 4.0
#: Routes beyond what loads demand; memory bounds them.
ROUTE_CELLS = 30_000_000


@dataclass(frozen=True, slots=True)
class Visits:
    """When stops are visited: `days`, and for each stop the day patterns allowed (bit ``d``: day ``d``)."""

    days: int
    patterns: tuple[tuple[int, ...], ...]


def ruin_refuses(problem: RoutingProblem) -> Iterator[str]:
    """Yield message keys of what this search cannot express beyond PyVRP's refusals."""
    vehicles = [v for v in problem.vehicles if v.available != 0]
    has_windows = any(math.isfinite(x) for s in problem.stops for w in stop_windows(problem, s) for x in w)
    if any(v.trips_most > 1 for v in vehicles) or any(len(stop_windows(problem, s)) > 1 for s in problem.stops):
        yield "routing_refused_trips"
    if (has_windows or _depots_close(problem)) and any(
        v.cny_per_h > 0.0 or math.isfinite(v.longest_min) for v in vehicles
    ):
        yield "routing_refused_waiting"


def _depots_close(problem: RoutingProblem) -> bool:
    return any(math.isfinite(d.closes_min) for d in problem.depots) or any(
        math.isfinite(v.shift[1]) for v in problem.vehicles
    )


class Ruin:
    """A search on one problem that can be run on in pieces.

    Parameters
    ----------
    problem
        The problem of a day; with `visits`, of every day alike.
    seed
        Seed of every random choice.
    visits
        Days and patterns; None: one day.
    """

    def __init__(self, problem: RoutingProblem, seed: int, visits: Visits | None = None) -> None:
        self.problem = problem
        self.visits = visits or Visits(1, tuple((1,) for _ in problem.stops))
        self.kinds = [
            (k, day) for k, v in enumerate(problem.vehicles) for day in range(self.visits.days) if v.available != 0
        ]
        self.data = self._data()
        self.state = self._state(seed)
        self.turn = 0
        self.mean_arc = 1.0

    @property
    def is_complete(self) -> bool:
        """Whether the best solution leaves no mandatory stop out."""
        seen = {i for days in self.days() for day in days for trip in day.trips for i in trip}
        return all(i in seen or s.penalty_cny is not None for i, s in enumerate(self.problem.stops))

    def start(self, decision: RoutingDecision | None = None) -> None:
        """Begin from a decision of a one-day problem (or from nothing) and put every missing stop in."""
        s, d = self.state, self.data
        if decision is not None:
            self._load(decision)
        fill(d, s)
        if decision is None:
            anneal(d, s, (0, CHUNK), (1e-9, 1e-9), MEAN_OUT, STRING_MOST)
            self.turn = CHUNK
        arcs = len(self.problem.stops) + int(np.count_nonzero(s.route[:, BEST_LENGTH]))
        self.mean_arc = max(1e-9, float(s.best[0]) / max(1, arcs))

    def run(
        self, limits: RoutingLimits, hot: float = HOT, cold: float = COLD, pool: dict[VehicleDay, float] | None = None
    ) -> bool:
        """Search with temperatures (in mean arcs) falling over the iterations or the seconds; tell whether time cut it.

        `pool` takes the vehicle days met once in a while in the colder half.
        """
        begun, done = limits.clock(), 0
        while done < limits.iterations:
            spent = (limits.clock() - begun) / max(limits.seconds, 1e-9) if math.isfinite(limits.seconds) else 0.0
            share = max(spent, done / limits.iterations)
            if spent >= 1.0:
                return True
            size = min(CHUNK, limits.iterations - done)
            heat = self.mean_arc * hot * (cold / hot) ** share
            anneal(self.data, self.state, (self.turn, self.turn + size), (heat, heat), MEAN_OUT, STRING_MOST)
            self.turn += size
            done += size
            if pool is not None and share > POOL_FROM and len(pool) < POOL_MOST:
                self._add_days(pool)
        return False

    def _add_days(self, pool: dict[VehicleDay, float]) -> None:
        s = self.state
        for r in s.route[: s.meta[ROUTES], ACTIVE]:
            k, _ = self.kinds[int(s.route[r, KIND])]
            trip = tuple(int(i) for i in s.seq[0, r, 1 : s.route[r, LENGTH] + 1])
            pool[VehicleDay(k, (trip,))] = float(s.sums[r, MONEY])

    def days(self) -> list[tuple[VehicleDay, ...]]:
        """Return the best solution: vehicle days of every day."""
        found: list[list[VehicleDay]] = [[] for _ in range(self.visits.days)]
        s = self.state
        for r in np.flatnonzero(s.route[:, BEST_LENGTH]):
            k, day = self.kinds[int(s.route[r, BEST_KIND])]
            trip = tuple(int(i) for i in s.seq[1, r, 1 : s.route[r, BEST_LENGTH] + 1])
            found[day].append(VehicleDay(k, (trip,)))
        return [tuple(sorted(days, key=lambda x: (x.vehicle, x.trips))) for days in found]

    def decision(self) -> RoutingDecision:
        """Return the best solution of a one-day problem."""
        days = self.days()[0]
        seen = {i for day in days for trip in day.trips for i in trip}
        return RoutingDecision(days, tuple(i for i in range(len(self.problem.stops)) if i not in seen))

    def _load(self, decision: RoutingDecision) -> None:
        s = self.state
        kind_of = {key: n for n, key in enumerate(self.kinds)}
        used = set[int]()
        for r, day in enumerate(decision.days):
            trip = [i for t in day.trips for i in t]
            if r >= len(s.route) or len(trip) + 2 > s.seq.shape[2] or not trip:
                continue
            s.route[r, KIND], s.route[r, LENGTH] = kind_of[day.vehicle, 0], len(trip)
            s.seq[0, r, 1 : len(trip) + 1] = trip
            s.stops[trip, MASK] = 1
            used.update(trip)
        missing = [i for i in range(len(self.problem.stops)) if i not in used]
        s.stops[: len(missing), LEFT] = missing
        s.meta[ABSENT] = len(missing)

    def _data(self) -> Data:
        problem, stops = self.problem, self.problem.stops
        places = [s.place for s in stops] + [d.place for d in problem.depots]
        grid = np.ix_(places, places)
        classes: dict[tuple[int, float, float], int] = {}
        of = []
        for k, _ in self.kinds:
            v = problem.vehicles[k]
            of.append(classes.setdefault((v.profile, v.cny_per_km, v.cny_per_h), len(classes)))
        service = np.array([s.service_min for s in stops] + [0.0] * len(problem.depots))
        minutes = np.stack([np.asarray(problem.minutes[p][grid], dtype=float) for p, _, _ in classes])
        metres = np.stack([np.asarray(problem.metres[p][grid], dtype=float) for p, _, _ in classes])
        cost = np.empty_like(metres)
        for n, (_, per_km, per_h) in enumerate(classes):
            cost[n] = metres[n] / 1000.0 * per_km
            if per_h:
                cost[n] += (minutes[n] + service[None, :]) / 60.0 * per_h
            self._cut(cost[n])
        windows = [(stop_windows(problem, s) or (ALWAYS,))[0] for s in stops]
        windows += [(d.opens_min, d.closes_min) for d in problem.depots]
        has_windows = any(math.isfinite(x) for _, x in windows) or _depots_close(problem)
        penalties = [*self._penalties(cost), *([0.0] * len(problem.depots))]
        early, late = [max(0.0, low) for low, _ in windows], [high for _, high in windows]
        return Data(
            np.stack([cost, cost.transpose(0, 2, 1), minutes, metres]),
            np.array([service, early, late, penalties]).T.copy(),
            np.stack([self._loads("delivery"), self._loads("pickup")]),
            self._near(metres[0] if np.any(metres) else minutes[0], len(stops)),
            self._masks(),
            self._kind_table(of, len(stops)),
            self._figures(),
            np.array([[may_serve(problem, problem.vehicles[k], i) for i in range(len(stops))] for k, _ in self.kinds]),
            np.array(
                [
                    has_windows,
                    any(q > 0.0 for s in stops for q in s.pickup),
                    any(math.isfinite(v.longest_min) or math.isfinite(reach_km(v)) for v in problem.vehicles),
                ]
            ),
            self.visits.days,
        )

    def _cut(self, cost: np.ndarray) -> None:
        stops, depots = self.problem.stops, len(self.problem.depots)
        if self.problem.is_linehaul_first:
            takes = np.array([max(s.pickup, default=0.0) > 0.0 for s in stops] + [False] * depots)
            gives = np.array([max(s.delivery, default=0.0) > 0.0 for s in stops] + [False] * depots)
            cost[takes[:, None] & gives[None, :]] = math.inf
        cost[~np.isfinite(cost)] = math.inf

    def _loads(self, name: str) -> np.ndarray:
        rows = [getattr(s, name) for s in self.problem.stops]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.problem.dimensions))

    def _penalties(self, cost: np.ndarray) -> np.ndarray:
        """Price mandatory stops a few times the dearest round trip: dear, yet not beyond what annealing can cross."""
        count = len(self.problem.stops)
        away = cost[:, count:, :count]
        there = float(np.max(away[np.isfinite(away)], initial=1.0))
        fixed = max((v.fixed_cny for v in self.problem.vehicles), default=0.0)
        price = MANDATORY * (2.0 * there + fixed)
        return np.array([price if s.penalty_cny is None else s.penalty_cny for s in self.problem.stops])

    def _near(self, away: np.ndarray, count: int) -> np.ndarray:
        own = away[:count, :count]
        both = np.minimum(own, own.T)
        np.fill_diagonal(both, -1.0)
        return np.argsort(both, axis=1, kind="stable")[:, : min(count, NEAR_MOST)].astype(np.int64)

    def _masks(self) -> np.ndarray:
        width = max(len(p) for p in self.visits.patterns) + 1
        masks = np.zeros((len(self.problem.stops), width), dtype=np.int64)
        for i, patterns in enumerate(self.visits.patterns):
            masks[i, : len(patterns)] = patterns
        return masks

    def _kind_table(self, of: Sequence[int], count: int) -> np.ndarray:
        rows = []
        for (k, day), own in zip(self.kinds, of, strict=True):
            v = self.problem.vehicles[k]
            most = count if v.stops_most is None else v.stops_most
            limit = count if v.available is None else v.available
            rows.append([own, count + v.start_depot, count + v.end_depot, day, limit, most])
        return np.array(rows, dtype=np.int64)

    def _figures(self) -> np.ndarray:
        rows = []
        for k, _ in self.kinds:
            v = self.problem.vehicles[k]
            loading = self.problem.depots[v.start_depot].loading_min
            fixed = v.fixed_cny + loading / 60.0 * v.cny_per_h
            limits = [v.shift[0] + loading, v.shift[1], v.longest_min - loading, reach_km(v) * 1000.0]
            rows.append([fixed, *limits, *v.capacity])
        return np.array(rows, dtype=float)

    def _state(self, seed: int) -> State:
        d, count = self.data, len(self.problem.stops)
        longest, routes = self._longest(), self._routes()
        dims, visits = d.loads.shape[2], count * self.visits.days
        width = longest + 3
        meta = np.zeros(8, dtype=np.int64)
        meta[ABSENT], meta[RANDOM] = count, 88_172_645_463_325_252 + 7_919 * seed
        route = np.zeros((routes, 7), dtype=np.int64)
        route[:, PLACE] = route[:, STAMP] = -1
        stops = np.zeros((count, 4), dtype=np.int64)
        stops[:, LEFT] = np.arange(count)
        return State(
            seq=np.zeros((2, routes, width), dtype=np.int64),
            route=route,
            legs=np.zeros((routes, width, 3)),
            peaks=np.zeros((2, routes, width, dims) if d.flags[1] else (2, 1, 1, dims)),
            sums=np.zeros((routes, LOADS + dims)),
            visits=np.full(visits, -1, dtype=np.int64),
            stops=stops,
            used=np.zeros(len(self.kinds), dtype=np.int64),
            meta=meta,
            touched=np.zeros((TOUCHED_MOST + 32, 3), dtype=np.int64),
            backup=np.zeros((TOUCHED_MOST + 32, width), dtype=np.int64),
            scratch=np.zeros(max(count, longest) + 3),
            best=np.zeros(2),
        )

    def _longest(self) -> int:
        """Return the most stops a route can hold: as many of the smallest loads as fit the largest vehicle."""
        d, count = self.data, len(self.problem.stops)
        longest = count
        for q in range(d.loads.shape[2]):
            for loads in d.loads[:, :, q]:
                sums, most = np.cumsum(np.sort(loads)), d.figures[:, CAPACITY + q].max() + 1e-6
                longest = min(longest, int(np.searchsorted(sums, most, side="right")))
        return max(1, min(longest, int(d.kinds[:, MOST].max())))

    def _routes(self) -> int:
        limits = int(np.minimum(self.data.kinds[:, LIMIT], len(self.problem.stops)).sum())
        visits = len(self.problem.stops) * self.visits.days
        return max(1, min(limits, visits, max(64, ROUTE_CELLS // (self._longest() + 3))))


def zones_differ(problem: RoutingProblem) -> bool:
    """Tell whether permits differ between vehicle types in more than having one at all."""
    zones = {s.zone for s in problem.stops if s.zone}
    return any(len({permit_times(v, zone) for v in problem.vehicles} - {()}) > 1 for zone in zones)


@cache
def prepare() -> None:
    """Compile the kernels on a round of one stop, before any clock starts: half a minute once, then read from the disk."""
    nothing = np.zeros((2, 2))
    stop, van = RoutingStop("stop", 1, (1.0,), (0.0,)), RoutingVehicle("van", (1.0,))
    depot = RoutingDepot("depot", 0)
    Ruin(RoutingProblem(("0", "1"), (nothing,), (nothing,), (depot,), (stop,), (van,), dimensions=("kg",)), 1).start()
