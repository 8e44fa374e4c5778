"""Solves a roll-out: every year alone for its own best, then all years together; bounds hold whatever the search misses."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import ENGINE, Cut
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.rollout.explain import village_years
from planner.rollout.infeasible import refuse_joint, refuse_year
from planner.rollout.model import YearsModel, build_years
from planner.rollout.problem import RolloutProblem, check_rollout
from planner.rollout.result import Alone, Rollout, YearPlan
from planner.rollout.search import Solved, Solver
from planner.rollout.years import Year, make_years
from planner.siting.checks import check_problem
from planner.siting.decision import Decision, broken, covered_persons, decision_cost, investment, served
from planner.siting.instance import Flags, Instance
from planner.siting.parts import link_count, near_links, without_station_limits
from planner.siting.three_tier import siting_result

DAYS_PER_YEAR = 365.0
#: Cheapest stations a point may choose from where stations turn out too small.
_NEAR = 6
#: A little less than what the first search serves is asked of the second, for rounding.
_LOSS = 1e-9
#: Gap at which the search for the least cost of a need found stops.
_CHEAP = 0.01
#: Part of the time the years alone may take.
_ALONE = 0.6
_NOTES: dict[Cut, str] = {"": "siting_note_gap", "nodes": "siting_note_nodes", "time": "siting_note_time"}


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Decisions of some years with value and bound of the objective asked for."""

    decisions: tuple[Decision, ...]
    value: float
    bound: float
    cut: Cut


def _links(year: Year, decision: Decision) -> Flags:
    """Return every point's cheapest stations and the one a decision uses."""
    near: Flags = near_links(year.instance, _NEAR) & np.isfinite(year.instance.point_links.fixed)
    used = np.flatnonzero(decision.station >= 0)
    near[decision.station[used], used] = True
    return near


def solve_rollout(asked: RolloutProblem, *, listener: ProgressListener = no_progress) -> Rollout:
    """Choose which site opens or closes in which year.

    Parameters
    ----------
    asked
        County, years, money, aims.
    listener
        Told (stage ``siting``) years done and value with bound.

    Returns
    -------
    Rollout
        Years with sites, allocation, spending and regret; every village with its year and reason.

    Raises
    ------
    InputError
        If what is asked makes no sense, or the county cannot be used.
    InfeasibleError
        If it is proved that a year cannot reach its aims, with what would do.
    NoSolutionError
        If none was found within the limits.
    """
    check_rollout(asked)
    check_problem(replace(asked.base, siting=replace(asked.base.siting, budget_cny=None)))
    return _Work(asked, make_years(asked), listener).run()


class _Work:
    """One solve with its clock."""

    def __init__(self, asked: RolloutProblem, years: Sequence[Year], listener: ProgressListener) -> None:
        limits = asked.limits
        self.asked, self.years, self.listener = asked, years, listener
        self.solver = Solver(
            limits.relative_gap, limits.node_limit, limits.seed, time.monotonic() + limits.time_limit_s
        )
        links = sum(link_count(year.instance) for year in years)
        self.is_whole = links <= limits.whole_links
        self.sign = 1.0 if asked.objective == "cost" else -1.0

    def run(self) -> Rollout:
        """Solve every year alone, then all together."""
        alone: list[_Answer] = []
        began, limit = self.solver.deadline - self.asked.limits.time_limit_s, self.asked.limits.time_limit_s
        for year in self.years:
            self.solver.deadline = began + limit * _ALONE * (len(alone) + 1) / len(self.years)
            alone.append(self._alone(year))
            self.listener(ProgressEvent("siting", done=len(alone), total=self.asked.year_count + 1))
        self.solver.deadline = began + limit
        joint = self.answered(self.years)
        if joint is None:
            raise refuse_joint(self.asked)
        by_years = math.fsum(self.asked.weight(t) * a.bound for t, a in enumerate(self._plain(alone)))
        bound = min(joint.value, max(joint.bound, by_years))
        self.listener(ProgressEvent("siting", joint.value, bound, done=len(alone) + 1, total=len(alone) + 1))
        return self._rollout(joint, bound, self._plain(alone))

    def _alone(self, year: Year) -> _Answer:
        """Return a year's own best, or that nothing is known of it."""
        try:
            answer = self.answered([year])
        except NoSolutionError:
            return _Answer((), math.inf, -math.inf, "time")
        if answer is None:
            raise refuse_year(self.asked, year)
        return answer

    def _plain(self, alone: Sequence[_Answer]) -> list[_Answer]:
        """Return the years' own answers without their discount."""
        plain = []
        for t, a in enumerate(alone):
            weight = self.asked.weight(t)
            plain.append(replace(a, value=a.value / weight, bound=a.bound / weight))
        return plain

    # --- solving ------------------------------------------------------------------------------------------------

    def answered(self, years: Sequence[Year]) -> _Answer | None:
        """Return the best decisions of some years; None if it is proved that there are none."""
        if self.is_whole:
            return self._solved(years, [year.instance for year in years], [None] * len(years))
        loose = [without_station_limits(year.instance) for year in years]
        answer = self._solved(years, loose, [None] * len(years))
        if answer is None or self._holds(years, answer.decisions):
            return answer
        links = [_links(year, decision) for year, decision in zip(years, answer.decisions, strict=True)]
        tight = self._solved(years, [year.instance for year in years], links, answer)
        if tight is None or not self._holds(years, tight.decisions):
            raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
        return replace(tight, bound=min(tight.value, answer.bound))

    def _holds(self, years: Sequence[Year], decisions: Sequence[Decision]) -> bool:
        return not any(broken(year.instance, decision) for year, decision in zip(years, decisions, strict=True))

    def _solved(
        self,
        years: Sequence[Year],
        instances: Sequence[Instance],
        links: Sequence[Flags | None],
        loose: _Answer | None = None,
    ) -> _Answer | None:
        """Solve some years; `loose` is their answer without capacities of stations: its bound, and its sites to start from."""
        model = build_years(self.asked, years, instances, links)
        bound = -math.inf if loose is None else loose.bound
        if self.asked.objective == "cost":
            found = self.solver.solve(model.linear, hint=self._repaired(model, model.linear, loose), bound=bound)
            return self._read(years, model, found, found.values)
        linear = model.for_need()
        most = self.solver.solve(linear, hint=self._repaired(model, linear, loose), bound=bound)
        if most.values is None:
            return self._read(years, model, most, None)
        return self._read(years, model, most, self._cheapest(model, most))

    def _repaired(self, model: YearsModel, linear: LinearModel, loose: _Answer | None) -> Vector | None:
        """Return the sites of an answer without capacities with the best allocation that keeps them, if there is one."""
        return None if loose is None else self.solver.quick(model.with_sites(linear, loose.decisions))

    def _cheapest(self, model: YearsModel, most: Solved) -> Vector:
        """Return least cost for the need found, with no points but those found; cost is not proved."""
        assert most.values is not None  # noqa: S101 - asked by the caller
        least = -most.objective - _LOSS * max(1.0, abs(most.objective))
        linear = model.without_other_points(model.with_need(least), most.values)
        solver = replace(self.solver, relative_gap=max(self.solver.relative_gap, _CHEAP))
        cheap = solver.solve(linear, hint=most.values)
        return most.values if cheap.values is None else cheap.values

    def _read(self, years: Sequence[Year], model: YearsModel, found: Solved, values: Vector | None) -> _Answer | None:
        if values is None:
            if found.is_none_proved:
                return None
            raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
        decisions = tuple(block.read(values) for block in model.blocks)
        value = math.fsum(
            self.asked.weight(year.number) * self.sign * self._worth(block.instance, decision)
            for year, block, decision in zip(years, model.blocks, decisions, strict=True)
        )
        return _Answer(decisions, value, min(value, found.bound), found.cut)

    def _worth(self, instance: Instance, decision: Decision) -> float:
        return decision_cost(instance, decision) if self.sign > 0 else self._need(instance, decision)

    # --- result -------------------------------------------------------------------------------------------------

    def _rollout(self, joint: _Answer, bound: float, alone: Sequence[_Answer]) -> Rollout:
        years = tuple(self._year(t, joint.decisions, alone[t]) for t in range(len(self.years)))
        days = DAYS_PER_YEAR if self.asked.objective == "cost" else 1.0
        gap = joint.value - bound
        is_proved = gap <= OPTIMALITY_TOLERANCE * abs(joint.value)
        limits = self.asked.limits
        report = SolveReport(
            status="optimal" if is_proved else "feasible",
            objective=joint.value * days,
            bound=bound * days if math.isfinite(bound) else None,
            engine=ENGINE,
            seed=limits.seed,
            limits={
                "relative_gap": limits.relative_gap,
                "node_limit": float(limits.node_limit),
                "time_limit_s": limits.time_limit_s,
            },
            note_key="siting_note_optimal" if is_proved else _NOTES[joint.cut],
        )
        villages = village_years(self.asked, self.years, joint.decisions)
        covered = [
            covered_persons(year.instance, decision) for year, decision in zip(self.years, joint.decisions, strict=True)
        ]
        return Rollout(self.asked, years, villages, tuple(covered), report)

    def _year(self, t: int, decisions: Sequence[Decision], alone: _Answer) -> YearPlan:
        year, decision = self.years[t], decisions[t]
        instance = year.instance
        cost, need = decision_cost(instance, decision), self._need(instance, decision)
        report = SolveReport("feasible", cost, None, ENGINE, self.asked.limits.seed)
        siting = siting_result(instance, decision, report)
        is_open = set(siting.open_ids)
        before = self._open_before(t, decisions)
        before_cny = investment(self.years[t - 1].instance, decisions[t - 1]) if t else 0.0
        value = cost if self.sign > 0 else need
        best = min(self.sign * value, alone.value)
        return YearPlan(
            problem=year.problem,
            siting=siting,
            cost_cny_per_day=cost,
            need=need,
            spent_cny=investment(instance, decision) - before_cny,
            vehicles_cny=0.0,
            opened=tuple(sorted(is_open - before)),
            closed=tuple(sorted(before - is_open)),
            alone=Alone(
                self.sign * best,
                self.sign * min(best, alone.bound),
                siting_result(instance, alone.decisions[0], report).open_ids if alone.decisions else (),
            ),
        )

    def _open_before(self, t: int, decisions: Sequence[Decision]) -> set[str]:
        if t == 0:
            facilities = self.asked.base.county.facilities
            return {str(f) for f in facilities.loc[facilities["status"] == "existing", "facility_id"]}
        report = SolveReport("feasible", 0.0, None, ENGINE, self.asked.limits.seed)
        return set(siting_result(self.years[t - 1].instance, decisions[t - 1], report).open_ids)

    def _need(self, instance: Instance, decision: Decision) -> float:
        if self.asked.need == "persons":
            return covered_persons(instance, decision)
        return float(instance.demand.parcels[served(decision)].sum())
