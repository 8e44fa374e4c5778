"""What a run has to show: the one value every output (map, report, workbook, GeoPackage) is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geodata.messages import Lang
from planner.plan import PlanProblem, VerifiedPlan
from scenarios.studies.study import Study


@dataclass(frozen=True, slots=True, eq=False)
class RunContent:
    """A verified plan with its problem and the scenario it answers.

    Attributes
    ----------
    run_name
        Scenario name.
    run_hash
        First eight hex digits of the hash over resolved scenario and county content.
    title
        Scenario title in `lang`, for the heading.
    lang
        Language of everything the planner sees.
    problem, verified
        Input and checked answer.
    resolved
        Flat resolved settings: dotted key → (value, origin), in file order.
    version
        Version of xiangyou.
    studies
        Answers to the further questions of the scenario.
    """

    run_name: str
    run_hash: str
    title: str
    lang: Lang
    problem: PlanProblem
    verified: VerifiedPlan
    resolved: Mapping[str, tuple[object, str]]
    version: str
    studies: tuple[Study, ...] = ()
