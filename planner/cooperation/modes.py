"""The mix of modes of a whole county at least cost: proved component by component, with what it saves and by which mode."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.cooperation.baseline import restricted, separate_cny
from planner.cooperation.coalition_cost import CoalitionCost, CoalitionSolution, solve_coalition
from planner.cooperation.paths import PathTable
from planner.engines.mathopt import ENGINE, EngineLimits
from planner.problems.cooperation import DAYS_PER_WEEK, SHARED_MODES, CooperationProblem, Floats
from planner.progress import ProgressListener, no_progress
from planner.reports import SolveReport
from planner.siting.selection import SolveLimits

#: Smallest gap worth asking a solver for.
_LEAST_GAP = 1e-7


@dataclass(frozen=True, slots=True)
class Carriage:
    """How one operator's parcels get to one village.

    Attributes
    ----------
    operator_id, village_id
        Whose parcels, where to.
    kind
        Path (`planner.cooperation.paths.PathKind`); the post's own parcels go by ``post``.
    leaves_min
        When the joint wave leaves the centre; -1 where none is used.
    bus_call
        Index into `CooperationProblem.bus_calls`; -1 where no bus is used.
    hours
        Hours from the operator's truck at the centre to the village point.
    """

    operator_id: str
    village_id: str
    kind: str
    leaves_min: float = -1.0
    bus_call: int = -1
    hours: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ModePlan:
    """The chosen mix.

    Attributes
    ----------
    problem
        The question.
    members
        Operators that cooperate.
    carriages
        One for every operator and village with parcels.
    waves
        (township id, minute) of joint departures.
    visits
        (village id, minute of the wave) of joint visits.
    report
        Cost, bound and gap, CNY a day.
    """

    problem: CooperationProblem
    members: tuple[str, ...]
    carriages: tuple[Carriage, ...]
    waves: tuple[tuple[str, float], ...]
    visits: tuple[tuple[str, float], ...]
    report: SolveReport

    @property
    def cny_per_day(self) -> float:
        """Return the cost of the plan."""
        return float(self.report.objective or 0.0)


def solve_modes(
    problem: CooperationProblem,
    *,
    members: tuple[str, ...] | None = None,
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
) -> ModePlan:
    """Choose for every operator and village how its parcels get there, at least daily cost.

    Parameters
    ----------
    problem
        The question.
    members
        Operators that cooperate; None: all.
    limits
        Gap, nodes of each component's branch and bound, and clock.
    listener
        Told of every component (stage ``cooperation``).

    Raises
    ------
    NoSolutionError
        If the solver fails.
    """
    names = problem.player_ids if members is None else members
    gap = max(limits.relative_gap, _LEAST_GAP)
    exact = EngineLimits(gap, limits.node_limit, limits.time_limit_s, limits.seed)
    solution = solve_coalition(problem, names, relative_gap=gap, exact=exact, listener=listener)
    return _plan(problem, solution, _report(solution.cost, limits))


def _report(cost: CoalitionCost, limits: SolveLimits) -> SolveReport:
    figures = {"relative_gap": limits.relative_gap, "node_limit": float(limits.node_limit)}
    return SolveReport(cost.status, cost.value, cost.bound, ENGINE, limits.seed, figures)


def _plan(problem: CooperationProblem, solution: CoalitionSolution, report: SolveReport) -> ModePlan:
    decision = solution.decision
    table = solution.table
    calls = _bus_calls(problem, table)
    found = []
    for o, v in zip(*np.nonzero(decision.choice >= 0), strict=True):
        p = int(decision.choice[o, v])
        path = table.paths[p]
        found.append(
            Carriage(
                problem.player_ids[table.carriers[o]],
                problem.village_ids[v],
                path.kind,
                table.waves[path.wave] if path.wave >= 0 else -1.0,
                calls.get((path.rank, int(v)), -1) if path.kind == "bus" else -1,
                float(table.hours[p, o, v]),
            )
        )
    towns, villages = problem.township_ids, problem.village_ids
    waves = tuple((towns[t], table.waves[w]) for w, t in zip(*np.nonzero(decision.waves), strict=True))
    visits = tuple((villages[v], table.waves[w]) for w, v in zip(*np.nonzero(decision.visits), strict=True))
    return ModePlan(problem, solution.cost.members, tuple(found), tuple(sorted(waves)), tuple(sorted(visits)), report)


def _bus_calls(problem: CooperationProblem, table: PathTable) -> dict[tuple[int, int], int]:
    """Return (rank, village) → call, as `planner.cooperation.paths` ranks them."""
    ranks: dict[int, int] = {}
    found = {}
    for number, call in enumerate(problem.bus_calls):
        if problem.bus_runs[call.run].operator in table.members:
            found[ranks.get(call.village, 0), call.village] = number
            ranks[call.village] = ranks.get(call.village, 0) + 1
    return found


@dataclass(frozen=True, slots=True)
class SavingStep:
    """One block of the waterfall: what allowing one more thing changes, CNY a day (negative: cheaper), and the proved range of its end."""

    key: str
    cny_per_day: float
    total_cny_per_day: float
    bound_cny_per_day: float


def saving_steps(
    problem: CooperationProblem, plan: ModePlan, *, limits: SolveLimits = SolveLimits()
) -> tuple[SavingStep, ...]:
    """Return the waterfall from today's networks to the plan; the blocks sum exactly to the difference.

    Notes
    -----
    ``today`` (villages each operator drives to) → ``reach`` (own lines to every village it has parcels for) → joint lines → the post →
    buses → merchandise trucks, each the best mix with the modes allowed so far; the order is part of the definition.
    """
    today, separate = separate_cny(problem, only_reached=True), separate_cny(problem)
    steps = [
        SavingStep("today", today, today, today),
        SavingStep("reach", separate - today, separate, separate),
    ]
    allowed: frozenset[str] = frozenset()
    last = separate
    for mode in SHARED_MODES:
        allowed |= {mode}
        if mode == SHARED_MODES[-1]:
            report = plan.report
        else:
            report = solve_modes(restricted(problem, allowed), members=plan.members, limits=limits).report
        # A proved plan with fewer modes is a plan with more: within the gap the better of the two is told.
        total = (
            plan.cny_per_day
            if mode == SHARED_MODES[-1]
            else max(plan.cny_per_day, min(last, float(report.objective or last)))
        )
        steps.append(SavingStep(mode, total - last, total, min(total, float(report.bound or total))))
        last = total
    return tuple(steps)


def part_of(problem: CooperationProblem, villages: list[int]) -> CooperationProblem:
    """Return the problem over some villages only (indices, ascending); townships stay as they are."""
    position = {v: k for k, v in enumerate(villages)}
    return replace(
        problem,
        sorted_parcels=problem.volume,
        village_ids=tuple(problem.village_ids[v] for v in villages),
        village_township=problem.village_township[villages],
        inbound=problem.inbound[:, villages],
        outbound=problem.outbound[:, villages],
        reached=problem.reached[:, villages],
        round_visit_cny=problem.round_visit_cny[villages],
        round_unit_cny=problem.round_unit_cny[villages],
        round_min=problem.round_min[villages],
        bus_calls=tuple(replace(c, village=position[c.village]) for c in problem.bus_calls if c.village in position),
        shop_calls=tuple(replace(c, village=position[c.village]) for c in problem.shop_calls if c.village in position),
    )


def incremental_cny(plan: ModePlan) -> dict[str, float]:
    """Return K14: for every village ``C(with it) - C(without it)``, CNY a day, each within 0.01 % of its township's cost.

    The village's township is solved again with and without it; the other townships stay as planned, with the bus room they use.
    """
    problem, limits = plan.problem, SolveLimits(relative_gap=1e-4, node_limit=200)
    found: dict[str, float] = {}
    for town in np.unique(problem.village_township):
        inside = [int(v) for v in np.flatnonzero(problem.village_township == town)]
        left = _room_left(plan, set(inside))
        base = solve_modes(part_of(left, inside), members=plan.members, limits=limits).cny_per_day
        for v in inside:
            rest = [other for other in inside if other != v]
            less = solve_modes(part_of(left, rest), members=plan.members, limits=limits).cny_per_day if rest else 0.0
            found[problem.village_ids[v]] = base - less
    return found


def _room_left(plan: ModePlan, inside: set[int]) -> CooperationProblem:
    """Return the problem with the bus room that villages outside a set do not use in the plan."""
    problem = plan.problem
    out = [np.array(run.room_out) for run in problem.bus_runs]
    back = {entry.line_id: np.array(entry.room_in) for entry in problem.bus_returns}
    village = {name: v for v, name in enumerate(problem.village_ids)}
    for item in plan.carriages:
        v = village[item.village_id]
        if item.bus_call < 0 or v in inside:
            continue
        call = problem.bus_calls[item.bus_call]
        run, o = problem.bus_runs[call.run], problem.index_of(item.operator_id)
        out[call.run][: call.stop] -= problem.inbound[o, v] * DAYS_PER_WEEK / run.visits_per_week
        if run.line_id in back:
            back[run.line_id][: call.stop] -= problem.outbound[o, v]
    runs = tuple(replace(run, room_out=_floor(room)) for run, room in zip(problem.bus_runs, out, strict=True))
    returns = tuple(replace(entry, room_in=_floor(back[entry.line_id])) for entry in problem.bus_returns)
    return replace(problem, bus_runs=runs, bus_returns=returns)


def _floor(room: Floats) -> tuple[float, ...]:
    return tuple(np.maximum(room, 0.0).tolist())
