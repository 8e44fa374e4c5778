"""Every way a coalition's parcels can take to every village, with cost, promise kept or not, and the room it uses.

A path is a pair of modes, one a tier: own or joint or the post's trunk, then own or joint or the post's round; buses and
merchandise trucks ride through both tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from planner.problems.cooperation import (
    DAYS_PER_WEEK,
    LINE_VISITS_PER_WEEK,
    Bools,
    CooperationProblem,
    Floats,
    Index,
)

PathKind = Literal["own", "own_post", "post", "joint", "joint_post", "bus", "shop"]
DAY_MIN = 1440.0


@dataclass(frozen=True, slots=True)
class Path:
    """One way: its kind, the joint wave it needs (index into `PathTable.waves`; -1: none), and its rank among the buses of a village."""

    kind: PathKind
    wave: int = -1
    rank: int = -1

    @property
    def needs_own(self) -> bool:
        """Tell whether the operator's own trunk trip and outlet in the township are needed."""
        return self.kind in ("own", "own_post")

    @property
    def needs_visit(self) -> bool:
        """Tell whether a joint round must come to the village."""
        return self.kind == "joint"


@dataclass(frozen=True, slots=True, eq=False)
class PathTable:
    """All paths of a coalition.

    Attributes
    ----------
    members
        Operator indices of the coalition, ascending.
    carriers
        Those whose parcels are to be decided on: all couriers of the coalition.
    paths
        Ways; axis 0 of `cost`.
    cost
        Shape (paths, carriers, villages): CNY a day; ``inf`` where the path does not exist, breaks the promise or is not allowed.
        Zero where the carrier has no parcels for the village (it is then no item: `is_item`).
    hours
        Same shape: hours from the trunk truck's arrival to the village point.
    is_item
        Shape (carriers, villages): parcels to carry.
    own_fixed
        Shape (carriers, townships): own trunk trips and outlet.
    waves
        Minute each joint wave may leave the centre, ascending.
    wave_fixed, station_fixed, visit_fixed
        A wave of a township; the joint station of a township; the joint visits of a village.
    rows_in, rows_out
        Sparse (rows × paths·villages): room a parcel in or out takes. Column ``path · villages + village``.
    room
        Shape (rows,).
    row_township
        Township of a row, or -1 for rows of buses that run through several.
    constant
        What the coalition pays whatever is decided: the post's own network.
    """

    members: tuple[int, ...]
    carriers: tuple[int, ...]
    paths: tuple[Path, ...]
    cost: Floats
    hours: Floats
    is_item: Bools
    own_fixed: Floats
    waves: tuple[float, ...]
    wave_fixed: Floats
    station_fixed: Floats
    visit_fixed: Floats
    rows_in: sparse.csr_array
    rows_out: sparse.csr_array
    room: Floats
    constant: float


def post_network_cny(problem: CooperationProblem) -> float:
    """Return what the post's own network costs a day: by its duty it runs to every village, with or without parcels."""
    post = problem.post
    if post is None:
        return 0.0
    operator, parcels, goes = problem.operators[post], problem.parcels[post], problem.goes_to(post)
    town = problem.village_township
    visited = np.zeros(len(problem.township_ids), dtype=np.bool_)
    visited[town[goes]] = True
    line = float((operator.line_scale * problem.line_visit_cny * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK)[visited].sum())
    outlets = operator.outlet_cny_per_day * int(visited.sum())
    often = operator.visits_per_week / DAYS_PER_WEEK
    rounds = operator.round_scale * float(problem.round_visit_cny[goes].sum()) * often
    unit = problem.line_unit_cny[town] + problem.round_unit_cny + operator.handling_cny_per_parcel
    return line + outlets + rounds + float(unit @ parcels)


def build_paths(problem: CooperationProblem, members: Iterable[int]) -> PathTable:
    """Return every path of a coalition.

    Parameters
    ----------
    problem
        The question.
    members
        Indices of the operators that cooperate; what the others could lend is not there.
    """
    inside = tuple(sorted(set(members)))
    carriers = tuple(i for i in inside if problem.operators[i].kind == "courier")
    makers = _Maker(problem, inside, carriers)
    makers.own()
    makers.joint()
    makers.post()
    makers.bus()
    makers.shop()
    return makers.table()


def _where_any(each: Floats, parcels: Floats) -> Floats:
    """Return cost a parcel times parcels; nothing without parcels, even where a parcel cannot go."""
    found: Floats = np.where(parcels > 0.0, each * np.where(parcels > 0.0, parcels, 1.0), 0.0)
    return found


class _Maker:
    """Collects paths of one coalition."""

    def __init__(self, problem: CooperationProblem, members: tuple[int, ...], carriers: tuple[int, ...]) -> None:
        self.problem, self.members, self.carriers = problem, members, carriers
        self.town = problem.village_township
        rows = list(carriers)
        self.parcels = problem.parcels[rows]
        self.operators = [problem.operators[i] for i in rows]
        self.is_item = self.parcels > 0.0
        self.arrival = np.array([o.arrival_min for o in self.operators])
        self.deadline = np.array([o.deadline_h for o in self.operators])
        self.frequency = np.array([o.visits_per_week for o in self.operators])
        self.handling = np.array([o.handling_cny_per_parcel for o in self.operators])
        volume = problem.volume[rows]
        rate = np.array([o.sort_parcels_per_h for o in self.operators])
        #: Minute each carrier's parcels are sorted and bagged.
        self.ready = self.arrival + 60.0 * volume / rate
        self.unit = problem.line_unit_cny[self.town] + problem.round_unit_cny
        self.paths: list[Path] = []
        self.cost: list[Floats] = []
        self.hours: list[Floats] = []
        self.rows: list[tuple[list[tuple[int, int]], float, bool, bool, float]] = []
        self.waves = self._waves(volume)

    def _waves(self, volume: Floats) -> tuple[float, ...]:
        """Return when joint waves may leave: after each arrival, when everything that has come is sorted."""
        settings = self.problem.settings
        may = np.array(["joint" not in o.not_shared for o in self.operators], dtype=np.bool_)
        if may.sum() < 2:  # noqa: PLR2004 - one alone shares nothing
            return ()
        times = []
        self.wave_arrival = np.unique(self.arrival[may])
        for arrival in self.wave_arrival:
            come = may & (self.arrival <= arrival)
            sorting = 60.0 * float(volume[come].sum()) / settings.joint_sort_parcels_per_h
            times.append(float(arrival) + sorting + settings.loading_min)
        return tuple(times)

    def _add(self, path: Path, cost: Floats, available: Floats, frequency: Floats | float) -> None:
        """Add a path; cells that break promise or frequency are struck out (never on the own line: it runs today)."""
        hours = (available - self.arrival[:, None]) / 60.0
        if path.kind != "own":
            mode = {"own_post": "post", "joint_post": "post"}.get(path.kind, path.kind)
            banned = np.array([mode in o.not_shared for o in self.operators], dtype=np.bool_)
            if path.kind == "joint_post":
                banned |= np.array(["joint" in o.not_shared for o in self.operators], dtype=np.bool_)
            kept = (hours <= self.deadline[:, None] + 1e-9) & (
                frequency + np.zeros_like(cost) >= self.frequency[:, None] - 1e-9
            )
            cost = np.where(kept & ~banned[:, None], cost, np.inf)
        self.paths.append(path)
        self.cost.append(np.where(self.is_item, cost, 0.0))
        self.hours.append(hours)

    def _arrive(self, departure: Floats) -> Floats:
        """Return when parcels that leave the centre at a minute are at each village; too late means the next morning."""
        problem, settings = self.problem, self.problem.settings
        at_town = departure + problem.line_min[self.town] + settings.transfer_min
        there = at_town + problem.round_min
        next_day = DAY_MIN + settings.day_start_min + problem.round_min
        return np.where(there <= settings.day_end_min, there, np.maximum(there, next_day))

    def own(self) -> None:
        problem = self.problem
        scale = np.array([o.round_scale for o in self.operators])
        visits = (scale * self.frequency)[:, None] / DAYS_PER_WEEK * problem.round_visit_cny[None, :]
        cost = visits + (self.unit[None, :] + self.handling[:, None]) * self.parcels
        leave = (self.ready + problem.settings.loading_min)[:, None] + np.zeros_like(cost)
        self._add(Path("own"), cost, self._arrive(leave), self.frequency[:, None])

    def joint(self) -> None:
        settings = self.problem.settings
        for wave, leave in enumerate(self.waves):
            cost = (self.unit[None, :] + settings.joint_handling_cny_per_parcel) * self.parcels
            in_time = self.arrival <= self.wave_arrival[wave]
            cost = np.where(in_time[:, None], cost, np.inf)
            available = self._arrive(np.full_like(cost, leave))
            self._add(Path("joint", wave), cost, available, settings.joint_visits_per_week)

    def post(self) -> None:
        problem, settings = self.problem, self.problem.settings
        post = problem.post
        if post is None or post not in self.members:
            return
        operator = problem.operators[post]
        sorting = 60.0 * float(problem.volume[post]) / operator.sort_parcels_per_h
        leave = operator.arrival_min + sorting + settings.loading_min
        unit = self.unit[None, :] + settings.handover_cny_per_parcel
        # Where the post does not run there is nothing to ride along with.
        unit = np.where(problem.goes_to(post)[None, :], unit, np.inf)
        own_cost = _where_any(unit + self.handling[:, None], self.parcels)
        catch = np.where(self.ready[:, None] <= leave, leave, leave + DAY_MIN) + np.zeros_like(own_cost)
        first = len(self.paths)
        self._add(Path("post"), own_cost, self._late(catch), operator.visits_per_week)
        at_town = leave + problem.line_min[self.town]
        own_there = (self.ready + settings.loading_min)[:, None] + problem.line_min[self.town]
        catch = np.where(own_there <= at_town + 1e-9, leave, leave + DAY_MIN)
        self._add(Path("own_post"), own_cost, self._late(catch), operator.visits_per_week)
        for wave, wave_leave in enumerate(self.waves):
            cost = _where_any(unit + settings.joint_handling_cny_per_parcel, self.parcels)
            in_time = self.arrival <= self.wave_arrival[wave]
            cost = np.where(in_time[:, None], cost, np.inf)
            catch = np.full_like(cost, leave if wave_leave <= leave + 1e-9 else leave + DAY_MIN)
            self._add(Path("joint_post", wave), cost, self._late(catch), operator.visits_per_week)
        used = range(first, len(self.paths))
        for town in range(len(problem.township_ids)):
            own = np.flatnonzero(self.town == town)
            if not own.size:
                continue
            cells = [(path, int(v)) for path in used for v in own]
            self.rows.append((cells, 1.0, True, True, float(problem.post_round_room[town])))
            trunk = [(first, int(v)) for v in own]
            self.rows.append((trunk, 1.0, True, True, float(problem.post_line_room[town])))

    def _late(self, departure: Floats) -> Floats:
        """As `_arrive`, for departures that may be tomorrow's."""
        tomorrow = departure >= DAY_MIN
        there = self._arrive(np.where(tomorrow, departure - DAY_MIN, departure))
        return np.where(tomorrow, there + DAY_MIN, there)

    def bus(self) -> None:
        problem, settings = self.problem, self.problem.settings
        by_village: dict[int, list[int]] = {}
        for number, call in enumerate(problem.bus_calls):
            if problem.bus_runs[call.run].operator in self.members:
                by_village.setdefault(call.village, []).append(number)
        ranks = max((len(calls) for calls in by_village.values()), default=0)
        shape = self.parcels.shape
        used: dict[tuple[int, int], int] = {}
        for rank in range(ranks):
            cost, available, often = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape)
            for village, calls in by_village.items():
                if rank >= len(calls):
                    continue
                call = problem.bus_calls[calls[rank]]
                run = problem.bus_runs[call.run]
                bag = settings.bus_bag_min / 60.0 * settings.bus_cny_per_h * run.visits_per_week / DAYS_PER_WEEK
                cost[:, village] = bag + (self.handling + settings.handover_cny_per_parcel) * self.parcels[:, village]
                in_time = self.ready + settings.loading_min <= run.departure_min
                leave = np.where(in_time, run.departure_min, run.departure_min + DAY_MIN)
                available[:, village] = leave + call.minutes
                often[:, village] = run.visits_per_week
                used[len(self.paths), village] = calls[rank]
            self._add(Path("bus", rank=rank), cost, available, often)
        self._bus_rows(used)

    def _bus_rows(self, used: dict[tuple[int, int], int]) -> None:
        """One row a run and segment out, one a line and segment back; rows that a tighter row before them implies are left out."""
        problem = self.problem
        back = {entry.line_id: entry for entry in problem.bus_returns}
        runs: dict[int, list[tuple[tuple[int, int], int]]] = {}
        lines: dict[str, list[tuple[tuple[int, int], int]]] = {}
        for cell, number in used.items():
            call = problem.bus_calls[number]
            runs.setdefault(call.run, []).append((cell, call.stop))
            lines.setdefault(problem.bus_runs[call.run].line_id, []).append((cell, call.stop))
        for run, cells in sorted(runs.items()):
            weight = DAYS_PER_WEEK / problem.bus_runs[run].visits_per_week
            for segment, room in _binding(problem.bus_runs[run].room_out):
                past = [cell for cell, stop in cells if stop > segment]
                if past:
                    self.rows.append((past, weight, True, False, room))
        for line, cells in sorted(lines.items()):
            if line in back:
                for segment, room in _binding(back[line].room_in):
                    past = [cell for cell, stop in cells if stop > segment]
                    if past:
                        self.rows.append((past, 1.0, False, True, room))

    def shop(self) -> None:
        problem, settings = self.problem, self.problem.settings
        calls = [call for call in problem.shop_calls if call.operator in self.members]
        if not calls:
            return
        shape = self.parcels.shape
        cost, available, often = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape)
        path = len(self.paths)
        for call in calls:
            v = call.village
            cost[:, v] = (self.handling + settings.handover_cny_per_parcel) * self.parcels[:, v]
            in_time = self.ready + settings.loading_min <= call.departure_min
            available[:, v] = np.where(in_time, call.arrival_min, call.arrival_min + DAY_MIN)
            often[:, v] = call.visits_per_week
            weight = DAYS_PER_WEEK / call.visits_per_week
            self.rows.append(([(path, v)], weight, True, True, call.parcels_per_visit))
        self._add(Path("shop"), cost, available, often)

    def table(self) -> PathTable:
        problem, count = self.problem, len(self.town)
        towns = len(problem.township_ids)
        scale = np.array([o.line_scale for o in self.operators]).reshape(-1, 1)
        outlet = np.array([o.outlet_cny_per_day for o in self.operators]).reshape(-1, 1)
        own_fixed = scale * problem.line_visit_cny[None, :] * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK + outlet
        shape = (len(self.rows), len(self.paths) * count)
        post = problem.post
        return PathTable(
            members=self.members,
            carriers=self.carriers,
            paths=tuple(self.paths),
            cost=np.array(self.cost).reshape(len(self.paths), len(self.carriers), count),
            hours=np.array(self.hours).reshape(len(self.paths), len(self.carriers), count),
            is_item=self.is_item,
            own_fixed=own_fixed.reshape(len(self.carriers), towns),
            waves=self.waves,
            wave_fixed=problem.line_visit_cny * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK,
            station_fixed=problem.joint_station_cny,
            visit_fixed=problem.round_visit_cny * problem.settings.joint_visits_per_week / DAYS_PER_WEEK,
            rows_in=_matrix(self.rows, shape, count, is_in=True),
            rows_out=_matrix(self.rows, shape, count, is_in=False),
            room=np.array([row[4] for row in self.rows], dtype=np.float64),
            constant=post_network_cny(problem) if post is not None and post in self.members else 0.0,
        )


def _binding(room: Sequence[float]) -> list[tuple[int, float]]:
    """Return the segments that can bind: a segment behind a tighter or equal one never does (loads only fall along the line)."""
    found: list[tuple[int, float]] = []
    for segment, parcels in enumerate(room):
        if not found or parcels < found[-1][1]:
            found.append((segment, float(parcels)))
    return found


def _matrix(
    rows: Sequence[tuple[list[tuple[int, int]], float, bool, bool, float]],
    shape: tuple[int, int],
    villages: int,
    *,
    is_in: bool,
) -> sparse.csr_array:
    index: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for number, (cells, weight, counts_in, counts_out, _) in enumerate(rows):
        if counts_in if is_in else counts_out:
            columns += [path * villages + village for path, village in cells]
            index += [number] * len(cells)
            values += [weight] * len(cells)
    return sparse.csr_array((values, (index, columns)), shape=shape)


def components(problem: CooperationProblem, table: PathTable) -> Index:
    """Return for each township the number of its component: townships that share room are decided together."""
    towns, count = len(problem.township_ids), len(problem.village_ids)
    parent = list(range(towns))

    def root(t: int) -> int:
        while parent[t] != t:
            parent[t] = parent[parent[t]]
            t = parent[t]
        return t

    both = (abs(table.rows_in) + abs(table.rows_out)).tocsr()
    for row in range(both.shape[0]):
        cells = both.indices[both.indptr[row] : both.indptr[row + 1]]
        linked = np.unique(problem.village_township[cells % max(count, 1)])
        for t in linked[1:]:
            parent[root(int(t))] = root(int(linked[0]))
    roots = [root(t) for t in range(towns)]
    numbers = {r: i for i, r in enumerate(sorted(set(roots)))}
    return np.array([numbers[r] for r in roots], dtype=np.intp)
