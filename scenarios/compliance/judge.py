"""Every requirement put to its check: a result with status and evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geodata.messages import Message
from scenarios.compliance import checks_network, checks_other
from scenarios.compliance.finding import STATUSES, Case, Check, Finding, Status, status_of
from scenarios.compliance.given_facts import conditions
from scenarios.compliance.requirements import Requirement, requirements

_FACT = "fact"
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.__name__: check
        for check in (
            checks_network.village_demand,
            checks_network.village_reach,
            checks_network.three_tiers,
            checks_network.two_way,
            checks_network.end_points,
            checks_network.shared_hosts,
            checks_network.land_list,
            checks_network.joint_network,
            checks_network.clean_fleet,
            checks_network.vehicle_need,
            checks_network.routes_and_spots,
            checks_network.equity,
            checks_network.objectives,
            checks_network.produce_flow,
            checks_network.cold_chain,
            checks_network.named_project,
            checks_other.cooperation_modes,
            checks_other.end_points_and_lockers,
            checks_other.lockers_study,
            checks_other.campuses,
            checks_other.delivery_mix,
            checks_other.chargers_study,
            checks_other.upper_hub,
            checks_other.corridors,
            checks_other.hub_layout,
            checks_other.terminals,
            checks_other.outside,
        )
    }
    | {_FACT: checks_other.stated}
)


@dataclass(frozen=True, slots=True)
class Result:
    """A requirement with what was found and what is reported."""

    requirement: Requirement
    status: Status
    finding: Finding

    @property
    def is_counted(self) -> bool:
        """Whether it counts: a repetition of another requirement does not."""
        return not self.requirement.same_as


def fact_keys() -> tuple[str, ...]:
    """Return the facts a bureau may state, sorted."""
    arguments = (r.argument for r in requirements() if r.check == _FACT)
    return tuple(sorted({condition.key for argument in arguments for condition in conditions(argument)}))


def judge(case: Case, chosen: Collection[str] = ()) -> tuple[Result, ...]:
    """Put every requirement to its check.

    Parameters
    ----------
    case
        County, plan, studies, stated facts.
    chosen
        Documents that are taken to apply whatever their area; empty: those addressed to the county.

    Returns
    -------
    tuple of Result
        One a requirement, in the order of the ids.
    """
    results: dict[str, Result] = {}
    for requirement in requirements():
        applies = requirement.document.document_id in chosen if chosen else requirement.is_for(_code(case))
        if not applies:
            told = Message("compliance_elsewhere", {"area": requirement.area_code})
            results[requirement.requirement_id] = Result(requirement, "not_applicable", Finding("outside", told))
        elif requirement.same_as:
            first = results[requirement.same_as]
            told = Message("compliance_same_as", {"other": requirement.same_as})
            finding = Finding(first.finding.outcome, told)
            results[requirement.requirement_id] = Result(requirement, first.status, finding)
        else:
            finding = CHECKS[requirement.check](case, requirement.argument)
            results[requirement.requirement_id] = Result(requirement, status_of(requirement, finding.outcome), finding)
    return tuple(results.values())


def _code(case: Case) -> str:
    return case.problem.county.county_code


def counts(results: Collection[Result]) -> dict[Status, int]:
    """Count the results by status; repetitions are left out."""
    return {status: sum(r.status == status and r.is_counted for r in results) for status in STATUSES}
