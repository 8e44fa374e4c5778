"""All rules in order, the answer to each, and the gate that hard rules are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from geodata.errors import InfeasibleError
from geodata.messages import Message
from planner.rules import carriage, people, service
from planner.rules.check import RuleCheck, RuleInput

RULES: tuple[Callable[[RuleInput], RuleCheck], ...] = (
    people.no_charge,
    people.consent,
    service.mail_access,
    service.frequency,
    service.within_a_day,
    service.coverage_goal,
    service.three_tiers,
    carriage.buses,
    carriage.inspection,
    people.neutrality,
    people.labour,
    carriage.tricycles,
    carriage.permits,
    carriage.cold_chain,
    carriage.packaging,
    carriage.points,
    service.addresses,
    service.holding,
    people.privacy,
    carriage.subsidies,
)
#: Offending items named in a refusal.
_SHOWN = 8


def check_rules(given: RuleInput) -> tuple[RuleCheck, ...]:
    """Return the answers of Q1–Q20 in order."""
    return tuple(rule(given) for rule in RULES)


def refuse_broken(checks: Sequence[RuleCheck]) -> None:
    """Refuse a plan that breaks a hard rule.

    Raises
    ------
    InfeasibleError
        Naming every broken hard rule with its evidence and the offending items.
    """
    broken = [check for check in checks if check.status == "broken"]
    if not broken:
        return
    told = [
        message
        for check in broken
        for message in (
            Message(f"rule_broken_{check.rule_id.lower()}", {"items": ", ".join(shown_items(check))}),
            check.evidence,
        )
    ]
    names = ", ".join(check.rule_id for check in broken)
    raise InfeasibleError(Message("rules_refuse_plan", {"count": len(broken), "rules": names}), told)


def shown_items(check: RuleCheck) -> list[str]:
    """Return the offending items as they are named in a sentence: the first few, then how many more."""
    rest = len(check.items) - _SHOWN
    return [*check.items[:_SHOWN], *([f"… +{rest}"] if rest > 0 else [])]
