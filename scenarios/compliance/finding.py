"""What a check is given and what it finds, and which status follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from geodata.messages import Message
from planner.plan import Kpi, PlanProblem, VerifiedPlan
from planner.verification.facts import Facts
from scenarios.compliance.given_facts import GivenFact
from scenarios.compliance.requirements import Requirement
from scenarios.studies.study import Study

#: What a check finds: fulfilled, not fulfilled, inputs are missing, nothing a county's network plan can do.
Outcome = Literal["yes", "no", "unknown", "outside"]
#: What is reported; glossary keys ``compliance_<status>``.
Status = Literal["not_met", "not_checked", "met", "not_taken_up", "not_applicable"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    outcome
        What was found.
    evidence
        The figure in a sentence; where inputs are missing, which ones and what to do.
    numerator, denominator, list_id
        What a share was divided from, and the dated list its denominator counts.
    source
        Glossary key of the table, KPI or study the figure comes from.
    """

    outcome: Outcome
    evidence: Message
    numerator: float | None = None
    denominator: float | None = None
    list_id: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything a check may look at.

    Attributes
    ----------
    problem, verified, facts
        County, checked plan, and the county's plain facts.
    studies
        Kind → studies of the run that have an answer.
    given
        Facts the bureau stated, by key.
    year
        Year for which running targets are read; None: the last.
    """

    problem: PlanProblem
    verified: VerifiedPlan
    facts: Facts
    studies: Mapping[str, tuple[Study, ...]]
    given: Mapping[str, GivenFact]
    year: int | None = None

    @property
    def villages_id(self) -> str:
        """Identity of the dated village list."""
        county = self.problem.county
        return f"villages {county.county_code}@{county.village_list_date}"

    def kpi(self, kpi_id: str, part: str = "total") -> Kpi | None:
        """Return a KPI row of the plan or of a study; None if absent."""
        rows = [*self.verified.kpis.rows, *(row for told in self.studies.values() for s in told for row in s.kpis)]
        return next((row for row in rows if (row.kpi_id, row.part) == (kpi_id, part)), None)

    def open_sites(self, kind: str) -> list[str]:
        """Return the open sites of a kind, sorted."""
        return [name for name in self.verified.plan.siting.open_ids if self.facts.sites[name].kind == kind]


#: A check: what it is given, and the argument in the table of requirements.
Check = Callable[[Case, str], Finding]


def status_of(requirement: Requirement, outcome: Outcome) -> Status:
    """Return what is reported: only a duty of an issued document can be ``not_met``."""
    if outcome == "no":
        is_duty = requirement.force == "must" and not requirement.document.is_draft
        return "not_met" if is_duty else "not_taken_up"
    told: dict[Outcome, Status] = {"yes": "met", "unknown": "not_checked", "outside": "not_applicable"}
    return told[outcome]


def missing(key: str) -> Finding:
    """Return that inputs are missing; `key` names the message that says which, and what to do."""
    return Finding("unknown", Message(f"compliance_missing_{key}"))
