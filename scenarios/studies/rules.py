"""The rules Q1–Q20 as a study: what the plan meets, breaks, misses, and what nobody could check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from geodata.messages import Message
from planner.plan import Kpi
from planner.progress import ProgressListener
from planner.rules.check import RuleCheck, RuleInput
from planner.rules.facts import FACTS, RuleFacts, read_facts
from planner.rules.registry import check_rules, refuse_broken, shown_items
from scenarios.studies.options import Options
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyTable

_COLUMNS = (
    StudyColumn("rule_id"),
    StudyColumn("rule", "label"),
    StudyColumn("rule_force", "label"),
    StudyColumn("rule_status", "label"),
    StudyColumn("evidence", "message"),
    StudyColumn("offending_items"),
    StudyColumn("missing_inputs"),
)
_INPUT_COLUMNS = (
    StudyColumn("rule_id"),
    StudyColumn("fact_key"),
    StudyColumn("fact", "label"),
    StudyColumn("fact_form", "label"),
)
STATUSES = ("broken", "missed", "met", "not_checked", "not_applicable")
FACTS_OPTION = StudyOption("facts", "names", (), meaning="study_option_rule_facts")
ENFORCE_OPTION = StudyOption("enforce", "switch", True, meaning="study_option_rule_enforce")


def answer_rules(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a rules study.

    Raises
    ------
    InfeasibleError
        If the plan breaks a hard rule and `enforce` is set.
    """
    options = Options(given.options)
    facts = read_facts(options.names("facts"))
    buses = options.names("bus_villages")
    checks = check_rules(RuleInput(given.problem, given.verified, facts, bus_villages=buses or None))
    if options.switch("enforce"):
        refuse_broken(checks)
    return Study(
        name=given.name,
        kind="rules",
        report=None,
        answer=rule_sentences(checks),
        figures=rule_figures(checks),
        tables=rule_tables(checks),
        assumptions=(Message("rules_note_mail"), Message("rules_note_aims")),
        kpis=charge_kpis(facts, given.problem.county.county_code),
    )


def rule_sentences(checks: Sequence[RuleCheck]) -> tuple[Message, ...]:
    """Say how many rules hold, then every broken one with its items."""
    count: dict[str, object] = dict(Counter(check.status for check in checks))
    figures = {status: count.get(status, 0) for status in STATUSES}
    broken = [check for check in checks if check.status == "broken"]
    told = [
        Message(f"rule_broken_{check.rule_id.lower()}", {"items": ", ".join(shown_items(check))}) for check in broken
    ]
    return (Message("rules_answer_broken" if broken else "rules_answer", figures), *told)


def rule_figures(checks: Sequence[RuleCheck]) -> dict[str, Cell]:
    """Return the number of rules by status."""
    count = Counter(str(check.status) for check in checks)
    return {f"rules_{status}": count[status] for status in STATUSES}


def rule_tables(checks: Sequence[RuleCheck]) -> tuple[StudyTable, ...]:
    """Return the table of all rules, and the inputs that would let the unchecked ones be checked."""
    rows = tuple(
        (
            check.rule_id,
            f"rule_{check.rule_id.lower()}",
            f"rule_force_{check.force}",
            f"rule_status_{check.status}",
            check.evidence,
            ", ".join(shown_items(check)),
            ", ".join(check.missing),
        )
        for check in checks
    )
    inputs = tuple(
        (check.rule_id, name, f"fact_{name}" if name in FACTS else name, f"fact_form_{FACTS.get(name, 'table')}")
        for check in checks
        for name in check.missing
    )
    found = [StudyTable("table_study_rules", _COLUMNS, rows)]
    if inputs:
        found.append(StudyTable("table_study_rule_inputs", _INPUT_COLUMNS, inputs))
    return tuple(found)


def charge_kpis(facts: RuleFacts, county_code: str) -> tuple[Kpi, ...]:
    """Return K30: complaints about illegal charges a hundred thousand parcels; None without both figures."""
    complaints, parcels = facts.figure("complaints"), facts.figure("complaint_parcels")
    value = complaints / parcels * 1e5 if complaints is not None and parcels else None
    row = Kpi(
        "K30", "total", value, "per_100k_parcels", complaints, parcels, f"complaints {county_code}", "kpi_note_k30"
    )
    return (row,)


KINDS = (
    StudyKind(
        "rules",
        (
            FACTS_OPTION,
            ENFORCE_OPTION,
            StudyOption("bus_villages", "names", (), meaning="study_option_rule_bus_villages"),
        ),
        answer_rules,
    ),
)
