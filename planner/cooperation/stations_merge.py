"""Several stations in one (多站合一): which sites stay and which functions each of them hosts, at least daily cost.

Model. A site j that stays costs ``fixed_j``; hosting function k there costs ``host_jk`` more (0 where it is at home) and takes
``need_jk`` of its floor, of its shelf and of its keeper's hours. Every customer group that has its function within the standard
today must have it within the standard afterwards. Minimise ``Σ fixed_j z_j + Σ host_jk h_jk`` with ``h_jk ≤ z_j``,
``Σ_k need_jk h_jk ≤ room_j z_j`` for each kind of room and ``Σ_{j near i} h_jk ≥ 1`` for every group i of function k. Sites that no
customer links are decided apart, each part to proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from planner.engines.linear import LinearModel
from planner.engines.mathopt import ENGINE, EngineLimits, solve_linear
from planner.problems.cooperation import Bools, Floats, Index
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.siting.selection import SolveLimits

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Something that functions share at a station: floor, shelf, keeper's hours.

    Attributes
    ----------
    name
        ``floor``, ``shelf``, ``keeper``.
    there
        Shape (stations,): how much there is.
    need
        Shape (stations, functions): how much a function takes there.
    """

    name: str
    there: Floats
    need: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MergeProblem:
    """Stations of all operators, functions, and customers.

    Attributes
    ----------
    station_ids, function_ids
        Labels. A function is what customers come for: an operator's counter, the post, the bus stop, the shop, the information desk.
    fixed_cny
        Shape (stations,): rent and keeper a day of a site that stays.
    floor_m2
        Shape (stations,): floor there is for functions.
    host_cny, need_m2
        Shape (stations, functions): what a function costs there a day, and the floor it takes.
    may_host
        Same shape: opening hours and rules allow it.
    has_today
        Same shape: the function is there today.
    customer_function
        Shape (customers,): function a customer group comes for.
    weight
        Shape (customers,): parcels or persons a day.
    metres
        Sparse (customers × stations): way to every station worth looking at; a stored zero is no way at all.
    standard_m
        Shape (functions,): farthest way that counts as served.
    must_stay
        Shape (stations,): sites that may not close.
    more_room
        What functions share beside the floor.
    """

    station_ids: tuple[str, ...]
    function_ids: tuple[str, ...]
    fixed_cny: Floats
    floor_m2: Floats
    host_cny: Floats
    need_m2: Floats
    may_host: Bools
    has_today: Bools
    customer_function: Index
    weight: Floats
    metres: sparse.csr_array
    standard_m: Floats
    must_stay: Bools
    more_room: tuple[Room, ...] = ()

    @property
    def rooms(self) -> tuple[Room, ...]:
        """Return the floor and everything else that functions share."""
        return (Room("floor", self.floor_m2, self.need_m2), *self.more_room)


@dataclass(frozen=True, slots=True, eq=False)
class MergePlan:
    """What stays and who hosts whom.

    Attributes
    ----------
    stays
        Shape (stations,).
    hosts
        Shape (stations, functions).
    report
        Cost, bound and gap, CNY a day.
    today_cny
        Cost of all stations as they are.
    parts
        Parts decided on their own.
    """

    stays: Bools
    hosts: Bools
    report: SolveReport
    today_cny: float
    parts: int


@dataclass(frozen=True, slots=True, eq=False)
class MergeEffect:
    """Way of every customer group before and after; ``inf``: none among the ways looked at, which happens only beyond the standard."""

    before_m: Floats
    after_m: Floats

    @property
    def longer_m(self) -> Floats:
        """Return how many metres farther each group has to go (0: not farther)."""
        with np.errstate(invalid="ignore"):
            more = self.after_m - self.before_m
        return np.where(np.isfinite(self.before_m) & (more > 0.0), more, 0.0)


def merge_stations(
    problem: MergeProblem, *, limits: SolveLimits = SolveLimits(), listener: ProgressListener = no_progress
) -> MergePlan:
    """Choose which stations stay and what each of them hosts.

    Parameters
    ----------
    problem
        Stations, functions and customers.
    limits
        Gap, nodes of each part and clock of each part.
    listener
        Told of every part (stage ``merge``).

    Returns
    -------
    MergePlan
        ``optimal`` only if every part is proved.

    Raises
    ------
    NoSolutionError
        If the solver fails.
    """
    rows = _needs(problem)
    parts, label = _parts(problem, rows)
    stays, hosts = problem.must_stay.copy(), np.zeros_like(problem.has_today)
    value = bound = 0.0
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(parts + 1))
    row_label = (
        label[rows.indices[rows.indptr[:-1]] // len(problem.function_ids)]
        if rows.shape[0]
        else np.zeros(0, dtype=np.intp)
    )
    row_order = np.argsort(row_label, kind="stable")
    row_ends = np.searchsorted(row_label[row_order], np.arange(parts + 1))
    for part in range(parts):
        listener(ProgressEvent("merge", done=part, total=parts))
        sites, mine = order[ends[part] : ends[part + 1]], row_order[row_ends[part] : row_ends[part + 1]]
        if not mine.size:
            value += float(problem.fixed_cny[sites][problem.must_stay[sites]].sum())
            bound += float(problem.fixed_cny[sites][problem.must_stay[sites]].sum())
            continue
        answer = _solve_part(problem, rows, sites, mine, limits)
        stays[sites], hosts[sites] = answer[0], answer[1]
        value, bound = value + answer[2], bound + answer[3]
    bound = value if value - bound <= _TOLERANCE * max(1.0, value) else bound
    proved = value - bound <= OPTIMALITY_TOLERANCE * max(value, 1e-12)
    figures = {"relative_gap": limits.relative_gap, "node_limit": float(limits.node_limit)}
    report = SolveReport("optimal" if proved else "feasible", value, bound, ENGINE, limits.seed, figures)
    return MergePlan(stays, hosts, report, today_cny(problem), parts)


def today_cny(problem: MergeProblem) -> float:
    """Return what all stations cost a day as they are."""
    return float(problem.fixed_cny.sum() + problem.host_cny[problem.has_today].sum())


def _needs(problem: MergeProblem) -> sparse.csr_array:
    """Return the rows that must be covered: column ``station · functions + function``, equal rows once.

    A customer group is looked at only if a station with its function lies within the standard today.
    """
    count = len(problem.function_ids)
    data = problem.metres.tocoo()
    function = problem.customer_function[data.row]
    near = (data.data > 0.0) & (data.data <= problem.standard_m[function])
    row, station, function = data.row[near], data.col[near].astype(np.intp), function[near]
    served = np.zeros(problem.metres.shape[0], dtype=np.bool_)
    served[row[problem.has_today[station, function]]] = True
    able = served[row] & (problem.may_host[station, function] | problem.has_today[station, function])
    column = station * count + function
    shape = (problem.metres.shape[0], len(problem.station_ids) * count)
    cells = sparse.csr_array((np.ones(int(able.sum())), (row[able], column[able])), shape=shape)
    cells.sort_indices()
    return _distinct(cells)


def _distinct(cells: sparse.csr_array) -> sparse.csr_array:
    """Return the rows that are not empty, each set of columns once, in the order of their first appearance."""
    seen: dict[bytes, int] = {}
    for row in range(cells.shape[0]):
        key = cells.indices[cells.indptr[row] : cells.indptr[row + 1]].tobytes()
        if key and key not in seen:
            seen[key] = row
    kept = np.fromiter(seen.values(), dtype=np.intp, count=len(seen))
    found = cells[kept, :]
    found.sort_indices()
    return found


def _parts(problem: MergeProblem, rows: sparse.csr_array) -> tuple[int, Index]:
    """Return the number of parts, and the part of each column: stations are linked by rows they share."""
    stations, count = len(problem.station_ids), len(problem.function_ids)
    number = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    at = rows.indices // count
    size = stations + rows.shape[0]
    links = sparse.coo_array((np.ones(len(at)), (at, stations + number)), shape=(size, size))
    parts, label = connected_components(links, directed=False)
    return int(parts), label[:stations].astype(np.intp)


def _solve_part(
    problem: MergeProblem, rows: sparse.csr_array, sites: Index, mine: Index, limits: SolveLimits
) -> tuple[Bools, Bools, float, float]:
    """Solve one part; return stays, hosts, cost and bound of its sites."""
    count = len(problem.function_ids)
    needs = _undominated([rows.indices[rows.indptr[r] : rows.indptr[r + 1]] for r in mine])
    model = LinearModel()
    stay = {int(j): model.binary(problem.fixed_cny[j], lower=float(problem.must_stay[j])) for j in sites}
    host: dict[int, int] = {}
    for cell in sorted({int(c) for need in needs for c in need}):
        j, k = divmod(cell, count)
        host[cell] = model.binary(problem.host_cny[j, k])
        model.row([(stay[j], 1.0), (host[cell], -1.0)], lower=0.0)
    for j, column in stay.items():
        here = [k for k in range(count) if j * count + k in host]
        for room in problem.rooms:
            takes = [(host[j * count + k], float(room.need[j, k])) for k in here]
            if sum(need for _, need in takes) > room.there[j]:
                model.row([*takes, (column, -float(room.there[j]))], upper=0.0)
    for need in needs:
        model.row([(host[int(cell)], 1.0) for cell in need], lower=1.0)
    gap = max(limits.relative_gap, 1e-7)
    answer = solve_linear(model, EngineLimits(gap, limits.node_limit, limits.time_limit_s, limits.seed))
    stays, hosts = np.zeros(len(sites), dtype=np.bool_), np.zeros((len(sites), count), dtype=np.bool_)
    position = {int(j): i for i, j in enumerate(sites)}
    if answer.values is None:
        # As it is today: always possible where today's stations fit their own floor.
        stays[:], hosts[:] = True, problem.has_today[sites]
        value = float(problem.fixed_cny[sites].sum() + problem.host_cny[sites][hosts].sum())
        return stays, hosts, value, 0.0 if answer.bound is None else answer.bound
    for j, column in stay.items():
        stays[position[j]] = answer.values[column] > 0.5  # noqa: PLR2004
    for cell, column in host.items():
        hosts[position[cell // count], cell % count] = answer.values[column] > 0.5  # noqa: PLR2004
    value = float(problem.fixed_cny[sites][stays].sum() + problem.host_cny[sites][hosts].sum())
    return stays, hosts, value, value if answer.bound is None else min(value, answer.bound)


def _undominated(needs: list[npt.NDArray[np.int32]]) -> list[tuple[int, ...]]:
    """Return the needs that no smaller need implies."""
    sets = sorted({tuple(int(c) for c in need) for need in needs}, key=lambda need: (len(need), need))
    kept: list[tuple[int, ...]] = []
    by_cell: dict[int, list[frozenset[int]]] = {}
    for need in sets:
        cells = frozenset(need)
        if any(other <= cells for cell in need for other in by_cell.get(cell, ())):
            continue
        kept.append(need)
        by_cell.setdefault(need[0], []).append(cells)
    return kept


def merge_effect(problem: MergeProblem, plan: MergePlan) -> MergeEffect:
    """Return every customer group's way to the nearest station with its function, today and in the plan."""
    data = problem.metres.tocoo()
    function = problem.customer_function[data.row]
    before, after = np.full(problem.metres.shape[0], np.inf), np.full(problem.metres.shape[0], np.inf)
    real = data.data > 0.0
    for ways, there in ((before, problem.has_today), (after, plan.hosts & plan.stays[:, None])):
        on = real & there[data.col, function]
        np.minimum.at(ways, data.row[on], data.data[on])
    return MergeEffect(before, after)


def check_merge(problem: MergeProblem, plan: MergePlan) -> tuple[str, ...]:
    """Return what is wrong with a plan: names of broken rules, recomputed row by row on a path of its own."""
    found = []
    if (plan.hosts & ~plan.stays[:, None]).any():
        found.append("host_closed")
    if (problem.must_stay & ~plan.stays).any():
        found.append("must_stay")
    changed = ~(plan.hosts == problem.has_today).all(axis=1)
    found += [
        room.name for room in problem.rooms if ((plan.hosts * room.need).sum(axis=1) > room.there + 1e-6)[changed].any()
    ]
    if (plan.hosts & ~(problem.may_host | problem.has_today)).any():
        found.append("may_not_host")
    effect = merge_effect(problem, plan)
    standard = problem.standard_m[problem.customer_function]
    if ((effect.before_m <= standard) & ~(effect.after_m <= standard)).any():
        found.append("standard")
    cost = float(problem.fixed_cny[plan.stays].sum() + problem.host_cny[plan.hosts].sum())
    if abs(cost - float(plan.report.objective or 0.0)) > 1e-6 * max(1.0, cost):
        found.append("cost")
    return tuple(found)


def figures_of(problem: MergeProblem, plan: MergePlan) -> Mapping[str, float]:
    """Return the figures of a merge: stations before and after, closings, saving, and who is worse off by how far."""
    effect, weight = merge_effect(problem, plan), problem.weight
    longer, total = effect.longer_m, max(float(problem.weight.sum()), 1e-12)
    worse, lost = (longer > 0.0) & np.isfinite(longer), np.isinf(longer)
    return {
        "stations_today": float(len(problem.station_ids)),
        "stations_after": float(plan.stays.sum()),
        "stations_closed": float((~plan.stays).sum()),
        "saving_cny_per_day": plan.today_cny - float(plan.report.objective or 0.0),
        "worse_off_share": float(weight[worse].sum()) / total,
        "worse_off_mean_m": float(np.average(longer[worse], weights=weight[worse]))
        if weight[worse].sum() > 0.0
        else 0.0,
        "worse_off_most_m": float(longer[worse].max(initial=0.0)),
        "lost_sight_share": float(weight[lost].sum()) / total,
    }
