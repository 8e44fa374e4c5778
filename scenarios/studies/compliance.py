"""The policy compliance table: what documents ask of a network, and whether the plan meets it."""

from __future__ import annotations

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.progress import ProgressListener
from planner.verification.facts import gather
from scenarios.compliance.finding import STATUSES, Case
from scenarios.compliance.given_facts import given_facts
from scenarios.compliance.judge import Result, counts, fact_keys, judge
from scenarios.compliance.requirements import SYNTHETIC_PREFIX, policy_documents
from scenarios.studies.options import Options
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyTable

_COLUMNS = (
    StudyColumn("requirement_id"),
    StudyColumn("requirement", "message"),
    StudyColumn("requirement_force", "label"),
    StudyColumn("compliance", "label"),
    StudyColumn("evidence", "message"),
)
_EVIDENCE_COLUMNS = (
    StudyColumn("requirement_id"),
    StudyColumn("policy_document", "label"),
    StudyColumn("policy_section"),
    StudyColumn("requirement_kind", "label"),
    StudyColumn("lead", "label"),
    StudyColumn("compliance", "label"),
    StudyColumn("numerator", "number"),
    StudyColumn("denominator", "number"),
    StudyColumn("list_id"),
    StudyColumn("evidence_table", "label"),
    StudyColumn("reading_trap"),
)


def answer_compliance(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a compliance study: nothing is optimised, every requirement is put to its check."""
    options = Options(given.options)
    chosen = _documents(options)
    studies: dict[str, tuple[Study, ...]] = {}
    for study in given.earlier:
        if not study.has_failed:
            studies[study.kind] = (*studies.get(study.kind, ()), study)
    facts = given_facts(options.names("facts"), fact_keys())
    case = Case(given.problem, given.verified, gather(given.problem), studies, facts, options.whole("year"))
    results = judge(case, chosen)
    return Study(
        name=given.name,
        kind="compliance",
        report=None,
        answer=_answer(results),
        figures=_figures(results),
        tables=_tables(results),
        assumptions=_assumptions(given.problem.county.county_code, chosen),
    )


def _documents(options: Options) -> tuple[str, ...]:
    chosen, known = options.names("documents"), policy_documents()
    wrong = [name for name in chosen if name not in known]
    if wrong:
        problems = [
            Problem("error", "compliance_document", column="documents", value=name, params={"known": ", ".join(known)})
            for name in wrong
        ]
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return chosen


def _answer(results: tuple[Result, ...]) -> tuple[Message, ...]:
    count: dict[str, object] = {str(status): n for status, n in counts(results).items()}
    count["all"] = sum(result.is_counted for result in results)
    first = "compliance_answer_met" if not count["not_met"] else "compliance_answer_not_met"
    return (Message(first, count), Message("compliance_answer_counts", count), Message("compliance_answer_force"))


def _figures(results: tuple[Result, ...]) -> dict[str, Cell]:
    count = counts(results)
    return {f"compliance_{status}": count[status] for status in STATUSES}


def _tables(results: tuple[Result, ...]) -> tuple[StudyTable, StudyTable]:
    """Return the table for readers, what is not met first, and the table of evidence in the order of the ids."""
    ordered = sorted(results, key=lambda r: (STATUSES.index(r.status), r.requirement.requirement_id))
    return (
        StudyTable("table_compliance", _COLUMNS, tuple(_row(result) for result in ordered)),
        StudyTable("table_compliance_evidence", _EVIDENCE_COLUMNS, tuple(_evidence(result) for result in results)),
    )


def _row(result: Result) -> tuple[Cell, ...]:
    asked = result.requirement
    force = "force_draft" if asked.document.is_draft else f"force_{asked.force}"
    text = Message(asked.requirement_id)
    return (asked.requirement_id, text, force, f"compliance_{result.status}", result.finding.evidence)


def _evidence(result: Result) -> tuple[Cell, ...]:
    asked, found = result.requirement, result.finding
    return (
        asked.requirement_id,
        f"policy_document_{asked.document.document_id}",
        asked.section,
        f"requirement_kind_{asked.kind}",
        f"lead_{asked.lead}" if asked.lead else None,
        f"compliance_{result.status}",
        found.numerator,
        found.denominator,
        found.list_id,
        found.source,
        asked.trap,
    )


def _assumptions(county_code: str, chosen: tuple[str, ...]) -> tuple[Message, ...]:
    told = [Message("compliance_note_words"), Message("compliance_note_force")]
    if chosen:
        told.append(Message("compliance_note_chosen", {"documents": ", ".join(chosen)}))
    elif county_code.startswith(SYNTHETIC_PREFIX):
        told.append(Message("compliance_note_exercise"))
    else:
        told.append(Message("compliance_note_area"))
    return tuple(told)


KINDS = (
    StudyKind(
        "compliance",
        (
            StudyOption("documents", "names", ()),
            StudyOption("facts", "names", ()),
            StudyOption("year", "whole", None, low=2000, high=2100, is_optional=True),
        ),
        answer_compliance,
        reads_studies=True,
    ),
)
