"""A plan under other scenarios, sites that are right whatever comes, and siting for many scenarios at once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geodata.errors import InputError, NoSolutionError, Problem
from geodata.messages import Message
from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import ENGINE
from planner.plan import PlanProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.robust.model import ScenariosModel, build_scenarios, kept_open, with_no_other, with_sites
from planner.rollout.search import Solver
from planner.siting.decision import Decision, broken, decision_cost, investment
from planner.siting.instance import Flags, Instance, build_instance
from planner.siting.parts import link_count, near_links, without_station_limits
from planner.siting.result import SitingResult
from planner.siting.three_tier import siting_result

#: What leaving a parcel out counts where a plan is fixed: serving comes before cost.
_LEFT_OUT_CNY = 1000.0
_NEAR = 6
#: Part of the time for the questions about one scenario.
_ALONE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One thing that may come: its name, the county then, and how likely it is against the others."""

    name: str
    problem: PlanProblem
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class RobustLimits:
    """When to stop: proved gap, nodes of each solve, seconds in all, links up to which nothing is left out, seed."""

    relative_gap: float = 0.01
    node_limit: int = 100
    time_limit_s: float = 60.0
    whole_links: int = 3_000
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The best a scenario could have been planned for, had it been known: None where the standard cannot be met at all."""

    siting: SitingResult | None
    decision: Decision | None
    cost: float
    bound: float


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A fixed plan in one scenario.

    Attributes
    ----------
    siting, cost
        The best allocation over the plan's sites (serving first, then cost), and its cost a day; None where what is left of the plan
        serves nobody (its centre is lost).
    relapsed
        Villages the plan serves and that are not served then.
    lost
        Sites of the plan that do not exist then.
    missed
        Parts of the standard that are missed.
    hold_cost, hold_investment, added
        Cost a day, investment and sites with which the standard is met again, the plan's sites kept; None, None and nothing where no
        such plan was found.
    is_none_proved
        It is proved that there is no such plan.
    """

    siting: SitingResult | None
    cost: float | None
    relapsed: tuple[str, ...]
    lost: tuple[str, ...]
    missed: tuple[str, ...]
    hold_cost: float | None
    hold_investment: float | None
    added: tuple[str, ...]
    is_none_proved: bool


@dataclass(frozen=True, slots=True, eq=False)
class Robust:
    """Stations for many scenarios.

    Attributes
    ----------
    decisions
        One a scenario.
    stations
        Stations and centres open in all.
    value, bound
        Mean cost, or greatest regret, CNY a day, and the proved lower bound.
    costs
        Cost a day of every scenario.
    """

    decisions: tuple[SitingResult, ...]
    stations: tuple[str, ...]
    value: float
    bound: float
    costs: tuple[float, ...]


def check_scenarios(scenarios: Sequence[Scenario]) -> None:
    """Refuse a set that is empty, names one twice, or gives a weight that is not above 0.

    Raises
    ------
    InputError
        With every problem found.
    """
    found = [] if scenarios else [Problem("error", "robust_no_scenarios", column="scenarios", value="[]")]
    names = [scenario.name for scenario in scenarios]
    found += [
        Problem("error", "robust_name_twice", column="scenarios", value=name)
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    found += [
        Problem("error", "robust_bad_weight", column="scenarios", value=f"{s.name};weight={s.weight:g}")
        for s in scenarios
        if not 0.0 < s.weight < math.inf
    ]
    if found:
        raise InputError(Message("robust_refused", {"count": len(found)}), found)


class Robustness:
    """All questions about one plan and one set of scenarios, within one clock.

    Parameters
    ----------
    scenarios
        What may come.
    plan
        Open sites and allocation of the fixed plan; its names must be those of the county.
    limits
        When to stop.

    Raises
    ------
    InputError
        For a set of scenarios or a plan that cannot be used.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        plan: SitingResult,
        limits: RobustLimits = RobustLimits(),
        *,
        listener: ProgressListener = no_progress,
    ) -> None:
        check_scenarios(scenarios)
        _check_plan(scenarios[0].problem, plan)
        self.scenarios, self.plan, self.limits, self.listener = tuple(scenarios), plan, limits, listener
        self.instances = [build_instance(scenario.problem) for scenario in scenarios]
        self.end = time.monotonic() + limits.time_limit_s
        self.solver = Solver(limits.relative_gap, limits.node_limit, limits.seed, self.end)

    def _slice(self) -> None:
        """Give the next question about one scenario its part of the time; what is left is for all scenarios together."""
        part = _ALONE * self.limits.time_limit_s / (2 * len(self.scenarios))
        self.solver.deadline = min(self.end, time.monotonic() + part)

    def best(self) -> tuple[Best, ...]:
        """Return every scenario's own best."""
        found = []
        for done, instance in enumerate(self.instances, start=1):
            self._slice()
            answer, is_proved = self._tried(instance)
            if answer is None:
                found.append(Best(None, None, math.inf, math.inf if is_proved else -math.inf))
            else:
                (decision,), _, bound = answer
                cost = decision_cost(instance, decision)
                found.append(Best(_named(instance, decision), decision, cost, min(cost, bound)))
            self.listener(ProgressEvent("siting", done=done, total=len(self.instances)))
        return tuple(found)

    def held(self) -> tuple[Held, ...]:
        """Return the fixed plan in every scenario."""
        return tuple(self._held(instance) for instance in self.instances)

    def _held(self, instance: Instance) -> Held:
        targets = replace(
            instance.targets,
            persons=0.0,
            own_point_villages=0,
            station_townships=0,
            served_villages=1,
            budget_cny=math.inf,
        )
        free = replace(instance, targets=targets)
        names = frozenset(self.plan.open_ids)
        model = build_scenarios([free], [None], [1.0])
        linear = with_no_other(model, names)
        costs = [*linear.costs]
        for i, column in model.parts[0].model.pair.items():
            costs[column] -= _LEFT_OUT_CNY * float(free.demand.parcels[free.pairs.village[i]])
        linear = replace(linear, costs=costs)
        stations = frozenset(name for tier in (free.stations, free.centres) for name in tier.ids if name in names)
        self.solver.deadline = self.end
        # All its sites open; where that cannot be, points may stand idle, then stations too.
        for kept in (names, stations, frozenset[str]()):
            found = self.solver.solve(kept_open(model, kept, linear))
            if not found.is_none_proved:
                break
        if found.values is None and not found.is_none_proved:
            raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
        usable = {name for tier in instance.tiers for name in tier.ids}
        strict = replace(instance, targets=replace(instance.targets, budget_cny=math.inf))
        self._slice()
        hold, is_proved = self._tried(strict, names)
        decision = None if found.values is None else model.parts[0].read(found.values)
        siting = None if decision is None else _named(free, decision)
        served = set() if siting is None else set(siting.point_of_village)
        return Held(
            siting,
            None if decision is None else decision_cost(free, decision),
            tuple(sorted(set(self.plan.point_of_village) - served)),
            tuple(sorted(names - usable)),
            ("centre_count",) if decision is None else broken(strict, decision),
            None if hold is None else decision_cost(strict, hold[0][0]),
            None if hold is None else investment(strict, hold[0][0]),
            () if hold is None else tuple(sorted(set(_named(strict, hold[0][0]).open_ids) - names)),
            is_proved,
        )

    def two_stage(self, best: Sequence[Best]) -> Robust | None:
        """Return the stations of least mean cost over all scenarios that can meet the standard, points and links adapting."""
        return self._robust(best, is_regret=False)

    def least_regret(self, best: Sequence[Best]) -> Robust | None:
        """Return the stations whose greatest regret over the scenarios is least, points and links adapting."""
        return self._robust(best, is_regret=True)

    def _robust(self, best: Sequence[Best], *, is_regret: bool) -> Robust | None:
        kept = [k for k, one in enumerate(best) if one.siting is not None]
        if not kept:
            return None
        self.solver.deadline = self.end if is_regret else time.monotonic() + (self.end - time.monotonic()) / 2
        instances = [self.instances[k] for k in kept]
        total = math.fsum(self.scenarios[k].weight for k in kept)
        weights = [self.scenarios[k].weight / total for k in kept]
        try:
            answer = self._solved(instances, weights, best=[best[k].cost for k in kept] if is_regret else None)
        except NoSolutionError:
            return None
        if answer is None:
            return None
        decisions, _, bound = answer
        costs = [decision_cost(i, d) for i, d in zip(instances, decisions, strict=True)]
        if is_regret:
            # Against proved bounds: the true regret is at most this.
            value = max(cost - best[k].bound for cost, k in zip(costs, kept, strict=True))
            bound = max(0.0, bound)
        else:
            value = math.fsum(w * c for w, c in zip(weights, costs, strict=True))
        named = tuple(_named(i, d) for i, d in zip(instances, decisions, strict=True))
        stations = tuple(sorted({s for one in named for s in one.centre_of_station}))
        return Robust(named, stations, value, min(value, bound), tuple(costs))

    def near_best(self, first: Decision | None, count: int, within: float) -> tuple[SitingResult, ...]:
        """Return up to `count` plans of the first scenario within the share `within` of its best `first`, with other sites."""
        instance = self.instances[0]
        if first is None:
            return ()
        # Only links near or in use: such plans need no proof.
        model = build_scenarios([instance], [_links(instance, first)], [1.0])
        cap = decision_cost(instance, first) * (1.0 + within)
        plans, used = [_named(instance, first)], [first]
        for _ in range(count):
            other = self._other(model, instance, used, cap)
            if other is None:
                break
            used.append(other)
            plans.append(_named(instance, other))
        return tuple(plans)

    def _other(
        self, model: ScenariosModel, instance: Instance, used: Sequence[Decision], cap: float
    ) -> Decision | None:
        """Return a plan within the cap that uses as few as can be of the sites used so far."""
        part = model.parts[0]
        linear, own = model.linear, part.model
        priced = replace(
            linear,
            costs=[0.0] * len(linear.costs),
            offset=0.0,
            row_lower=[*linear.row_lower],
            row_upper=[*linear.row_upper],
            row_index=[*linear.row_index],
            column_index=[*linear.column_index],
            coefficients=[*linear.coefficients],
        )
        priced.row([(i, c / cap) for i, c in enumerate(linear.costs) if c], upper=(cap - linear.offset) / cap)
        for decision in used:
            for columns, is_open in ((own.point, decision.station >= 0), (own.station, decision.centre >= 0)):
                for column, flag in zip(columns, is_open, strict=True):
                    priced.costs[column] += float(flag)
        values = replace(self.solver, relative_gap=0.1).quick(priced)
        if values is None:
            return None
        decision = part.read(values)
        return None if broken(instance, decision) or decision_cost(instance, decision) > cap * 1.000001 else decision

    def _tried(
        self, instance: Instance, keep: frozenset[str] = frozenset()
    ) -> tuple[tuple[tuple[Decision, ...], ScenariosModel, float] | None, bool]:
        """Return the answer for one scenario, and whether it is proved that there is none."""
        try:
            answer = self._solved([instance], [1.0], keep=keep)
        except NoSolutionError:
            return None, False
        return answer, answer is None

    # --- solving ------------------------------------------------------------------------------------------------

    def _solved(
        self,
        instances: Sequence[Instance],
        weights: Sequence[float],
        *,
        best: Sequence[float] | None = None,
        keep: frozenset[str] = frozenset(),
    ) -> tuple[tuple[Decision, ...], ScenariosModel, float] | None:
        """Return decisions, the programme and its bound; None if it is proved that there are none."""
        is_whole = sum(link_count(instance) for instance in instances) <= self.limits.whole_links
        loose = list(instances) if is_whole else [without_station_limits(instance) for instance in instances]
        model = build_scenarios(loose, [None] * len(loose), weights, best)
        found = self.solver.solve(kept_open(model, keep, model.linear))
        if found.values is None:
            if not found.is_none_proved:
                raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
            return None
        decisions = tuple(part.read(found.values) for part in model.parts)
        if not any(broken(i, d) for i, d in zip(instances, decisions, strict=True)):
            return decisions, model, found.bound
        links = [_links(instance, decision) for instance, decision in zip(instances, decisions, strict=True)]
        tight = build_scenarios(list(instances), links, weights, best)
        linear: LinearModel = kept_open(tight, keep, tight.linear)
        start: Vector | None = self.solver.quick(with_sites(tight, decisions))
        again = self.solver.solve(linear, hint=start, bound=found.bound)
        if again.values is None:
            raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
        return tuple(part.read(again.values) for part in tight.parts), tight, found.bound


def _links(instance: Instance, decision: Decision) -> Flags:
    near: Flags = near_links(instance, _NEAR) & np.isfinite(instance.point_links.fixed)
    used = np.flatnonzero(decision.station >= 0)
    near[decision.station[used], used] = True
    return near


def _named(instance: Instance, decision: Decision) -> SitingResult:
    return siting_result(instance, decision, SolveReport("feasible", decision_cost(instance, decision), None, ENGINE))


def _check_plan(problem: PlanProblem, plan: SitingResult) -> None:
    known = {str(name) for name in problem.county.facilities["facility_id"]}
    foreign = sorted(set(plan.open_ids) - known)
    if foreign:
        figures = {"count": len(foreign), "names": ", ".join(foreign[:5])}
        problems = [Problem("error", "robust_foreign_plan", column="plan", value=foreign[0], params=figures)]
        raise InputError(Message("robust_refused", {"count": 1}), problems)


def first_to_break(instance: Instance, plan: SitingResult) -> tuple[tuple[str, float, float, float], ...]:
    """Return (site, parcels a day, capacity, volume at which it is full as a multiple) of every limited site, the first first."""
    position = {code: i for i, code in enumerate(instance.demand.codes)}
    load: dict[str, float] = {}
    for village, point in plan.point_of_village.items():
        station = plan.station_of_point[point]
        for site in (point, station, plan.centre_of_station[station]):
            load[site] = load.get(site, 0.0) + float(instance.demand.parcels[position[village]]) * instance.day_factor
    capacity = {
        name: float(limit) for tier in instance.tiers for name, limit in zip(tier.ids, tier.capacity, strict=True)
    }
    rows = [
        (name, parcels, capacity[name], capacity[name] / parcels)
        for name, parcels in load.items()
        if parcels > 0.0 and math.isfinite(capacity.get(name, math.inf))
    ]
    return tuple(sorted(rows, key=lambda row: (row[3], row[0])))


def report_of(robust: Robust, limits: RobustLimits) -> SolveReport:
    """Return status, value and bound of a siting for many scenarios."""
    proved = robust.value - robust.bound <= OPTIMALITY_TOLERANCE * abs(robust.value)
    shown = {
        "relative_gap": limits.relative_gap,
        "node_limit": float(limits.node_limit),
        "time_limit_s": limits.time_limit_s,
    }
    status = "optimal" if proved else "feasible"
    return SolveReport(status, robust.value, robust.bound, ENGINE, limits.seed, shown)  # type: ignore[arg-type]
