"""Three-tier siting: which centre, stations and points to use, and who is served from where, at least cost.

The model is docs/model.md §2 and §3; how it is solved stands in docs/siting.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.engines.mathopt import ENGINE, Cut
from planner.plan import PlanProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.reuse import PartKeeper, solved_once
from planner.siting.checks import check_locks, check_problem
from planner.siting.decision import Decision, tiers
from planner.siting.explain import explain_unserved
from planner.siting.infeasible import diagnose
from planner.siting.instance import Instance, build_instance
from planner.siting.kept import SITING_PART, siting_key
from planner.siting.result import SitingResult
from planner.siting.search import Found, Search

_NOTES: dict[Cut, str] = {
    "": "siting_note_gap",
    "nodes": "siting_note_nodes",
    "time": "siting_note_time",
}


def solve_three_tier(
    problem: PlanProblem, *, listener: ProgressListener = no_progress, keeper: PartKeeper | None = None
) -> SitingResult:
    """Choose sites of all three tiers and allocate villages, at least daily cost under the service standard.

    Parameters
    ----------
    problem
        A completed county with travel matrices, standard and settings.
    listener
        Told every improvement of objective and bound (stage ``siting``).
    keeper
        Keeps sitings that were solved before, by everything that decides them.

    Returns
    -------
    SitingResult
        Open and closed sites, the tree village → point → station → centre, every unserved village with its reason,
        and a report: ``optimal`` only if the gap is proved to be at most 1e-6, else ``feasible`` with bound and gap.

    Raises
    ------
    InputError
        If figures, places, candidates or vehicles are missing or out of range; every problem is listed.
    InfeasibleError
        If it is proved that no plan meets the standard; `fixes` are the smallest changes that do, proved by a plan.
    NoSolutionError
        If no plan was found within the limits and nothing is proved, or the solver failed.
    """
    instance = _checked(problem)
    listener(ProgressEvent("siting"))
    result = solved_once(keeper, SITING_PART, partial(siting_key, instance), partial(_solved, instance, listener))
    report = result.report
    listener(ProgressEvent("siting", report.objective, report.bound, report.gap))
    return result


def _solved(instance: Instance, listener: ProgressListener) -> SitingResult:
    found = Search(instance, _Teller(listener)).run()
    if found.decision is None:
        if math.isinf(found.bound) and found.bound > 0:
            raise diagnose(instance)
        raise NoSolutionError(Message("siting_no_solution"), [Message("fix_siting_limits")])
    return siting_result(instance, found.decision, _report(instance.problem, found))


@dataclass(frozen=True, slots=True)
class Tried:
    """Answer to the question whether there is a plan at all.

    Attributes
    ----------
    plan
        The best plan found, or None.
    is_none_proved
        Whether it is proved that there is none; without a plan and without this nothing is known.
    """

    plan: SitingResult | None
    is_none_proved: bool


def find_three_tier(problem: PlanProblem, *, listener: ProgressListener = no_progress) -> Tried:
    """Return the plan `solve_three_tier` returns, or that there is none: the reason is not looked for.

    Raises
    ------
    InputError, InfeasibleError
        As `solve_three_tier` before it searches: figures missing, no candidate left, locks that contradict each other.
    """
    instance = _checked(problem)
    listener(ProgressEvent("siting"))
    found = Search(instance, _Teller(listener)).run()
    if found.decision is None:
        return Tried(None, math.isinf(found.bound) and found.bound > 0)
    return Tried(siting_result(instance, found.decision, _report(problem, found)), is_none_proved=False)


def _checked(problem: PlanProblem) -> Instance:
    check_problem(problem)
    instance = build_instance(problem)
    check_locks(instance)
    return instance


class _Teller:
    """Passes improvements on with their gap, never a worse objective or bound than told before."""

    def __init__(self, listener: ProgressListener) -> None:
        self.listener = listener
        self.objective: float | None = None
        self.bound: float | None = None

    def __call__(self, objective: float | None, bound: float | None) -> None:
        if objective is not None and (self.objective is None or objective < self.objective):
            self.objective = objective
        if bound is not None and (self.bound is None or bound > self.bound):
            self.bound = bound
        gap = None
        if self.objective is not None and self.bound is not None:
            gap = max(0.0, (self.objective - self.bound) / max(abs(self.objective), 1e-12))
        self.listener(ProgressEvent("siting", self.objective, self.bound, gap))


def _report(problem: PlanProblem, found: Found) -> SolveReport:
    siting = problem.siting
    bound = min(found.bound, found.cost) if math.isfinite(found.bound) else None
    is_proved = bound is not None and found.cost - bound <= OPTIMALITY_TOLERANCE * abs(found.cost)
    return SolveReport(
        status="optimal" if is_proved else "feasible",
        objective=found.cost,
        bound=bound,
        engine=ENGINE,
        seed=siting.seed,
        limits={
            "relative_gap": siting.relative_gap,
            "node_limit": float(siting.node_limit),
            "time_limit_s": siting.time_limit_s,
        },
        note_key="siting_note_optimal" if is_proved else _NOTES[found.cut],
    )


def siting_result(instance: Instance, decision: Decision, report: SolveReport) -> SitingResult:
    """Return a decision by name, every village it does not serve with its reason."""
    points, stations, centres = instance.points.ids, instance.stations.ids, instance.centres.ids
    opened: list[str] = []
    closed = list(instance.shut_ids)
    for sites, is_open in tiers(instance, decision):
        opened += [sites.ids[i] for i in np.nonzero(is_open)[0]]
        closed += [sites.ids[i] for i in np.nonzero(sites.is_existing & ~is_open)[0]]
    return SitingResult(
        open_ids=tuple(sorted(opened)),
        closed_ids=tuple(sorted(closed)),
        point_of_village={
            code: points[instance.pairs.point[i]]
            for code, i in zip(instance.demand.codes, decision.pair, strict=True)
            if i >= 0
        },
        station_of_point={points[p]: stations[s] for p, s in enumerate(decision.station) if s >= 0},
        centre_of_station={stations[s]: centres[c] for s, c in enumerate(decision.centre) if c >= 0},
        unserved=explain_unserved(instance, decision),
        report=report,
    )
