"""What a rule says about a plan, and what a plan is looked at with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from geodata.messages import Message
from planner.cooperation.subsidy import Grant
from planner.plan import PlanProblem, VerifiedPlan
from planner.rules.facts import RuleFacts

#: ``hard`` rules reject a plan; ``soft`` rules, ``target``s and ``data`` demands are reported only.
Force = Literal["hard", "soft", "target", "data"]
#: ``missed``: an aim that is not reached, which is no breach.
Status = Literal["met", "broken", "missed", "not_checked", "not_applicable"]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """The answer of one rule.

    Attributes
    ----------
    rule_id
        ``Q1`` … ``Q20``; glossary key ``rule_q1`` …
    force
        How far it binds.
    status
        What was found.
    evidence
        Why, with figures.
    items
        What offends, by id.
    missing
        Facts it could not be checked without (names of `planner.rules.facts.FACTS` or tables).
    """

    rule_id: str
    force: Force
    status: Status
    evidence: Message
    items: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RuleInput:
    """What the rules look at.

    Attributes
    ----------
    problem, verified
        County and checked plan.
    facts
        What the county declares.
    bus_villages
        Villages to which buses carry parcels; None: the plan at hand uses none.
    appointed
        Operators that the plan at hand requires by name.
    grants
        Subsidies asked for; None: none are, or no scheme is adopted.
    """

    problem: PlanProblem
    verified: VerifiedPlan
    facts: RuleFacts = field(default_factory=RuleFacts)
    bus_villages: tuple[str, ...] | None = None
    appointed: tuple[str, ...] = ()
    grants: tuple[Grant, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Head of an answer: the rule and its force."""

    rule_id: str
    force: Force

    def _key(self, ending: str) -> str:
        return f"rule_{self.rule_id.lower()}_{ending}"

    def met(self, **figures: object) -> RuleCheck:
        """Say that it holds."""
        return RuleCheck(self.rule_id, self.force, "met", Message(self._key("met"), figures))

    def failed(self, items: Sequence[str], **figures: object) -> RuleCheck:
        """Say that it does not hold: broken if hard, else missed."""
        status: Status = "broken" if self.force == "hard" else "missed"
        figures = {"count": len(items), **figures}
        return RuleCheck(self.rule_id, self.force, status, Message(self._key("failed"), figures), tuple(items))

    def not_checked(self, missing: Sequence[str]) -> RuleCheck:
        """Say which inputs are absent."""
        told = Message("rule_not_checked", {"count": len(missing)})
        return RuleCheck(self.rule_id, self.force, "not_checked", told, missing=tuple(missing))

    def not_applicable(self, **figures: object) -> RuleCheck:
        """Say that the plan does not have what the rule is about."""
        return RuleCheck(self.rule_id, self.force, "not_applicable", Message(self._key("none"), figures))
