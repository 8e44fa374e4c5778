"""What a county declares for the rules: facts that no plan contains (consent, permits, inspection, income of points …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from geodata.errors import InputError, Problem
from geodata.messages import Message

FactKind = Literal["share", "number", "switch", "names"]
YES, NO = "yes", "no"

#: Every fact that may be declared. ``names`` may be declared several times; glossary key ``fact_<name>``.
FACTS: Mapping[str, FactKind] = MappingProxyType(
    {
        "recipient_charge_cny": "number",
        "income_payer": "names",
        "complaints": "number",
        "complaint_parcels": "number",
        "consent_share": "share",
        "door_share": "share",
        "mail_access": "switch",
        "no_mail_access": "names",
        "within_24h_share": "share",
        "bus_segregated": "switch",
        "bus_sealed": "switch",
        "bus_goods_checked": "switch",
        "bus_weight_limited": "switch",
        "bus_aisle_clear": "switch",
        "bus_tracked": "switch",
        "inspection_real_name": "switch",
        "inspection_opened": "switch",
        "inspection_screened": "switch",
        "not_inspected": "names",
        "appointed": "names",
        "tender": "names",
        "same_tariff": "switch",
        "workers_insured": "switch",
        "permits": "switch",
        "no_permit": "names",
        "cold_limit_h": "number",
        "cold_h": "number",
        "cold_insulated": "switch",
        "recovery_bins": "switch",
        "no_second_packing_share": "share",
        "no_plastic": "switch",
        "point_sign": "switch",
        "point_shelf": "switch",
        "point_scanner": "switch",
        "point_camera": "switch",
        "point_extinguisher": "switch",
        "village_address_share": "share",
        "hold_h": "number",
        "return_flow": "switch",
    }
)
RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """Declared facts; what is not there is unknown."""

    figures: Mapping[str, float] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def figure(self, name: str) -> float | None:
        """Return a figure, or None where it is unknown."""
        return self.figures.get(name)

    def switch(self, name: str) -> bool | None:
        """Return yes or no, or None where it is unknown."""
        return self.switches.get(name)

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the names declared; empty where there are none."""
        return self.names.get(name, ())

    def missing(self, *names: str) -> tuple[str, ...]:
        """Return which of some facts are unknown."""
        return tuple(n for n in names if n not in self.figures and n not in self.switches and n not in self.names)


def read_facts(entries: Sequence[str], *, where: str = "facts") -> RuleFacts:
    """Read facts written as ``name;value`` or ``name;value;source``.

    Parameters
    ----------
    entries
        ``consent_share;0.8``, ``bus_sealed;yes``, ``appointed;post`` …; full-width semicolons are read alike.
    where
        Name of the option, for messages.

    Raises
    ------
    InputError
        With every entry that cannot be read.
    """
    figures: dict[str, float] = {}
    switches: dict[str, bool] = {}
    names: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for row, entry in enumerate(entries, start=1):
        name, value, *_source = (part.strip() for part in f"{entry};;".replace("；", ";").split(";", 2))
        kind = FACTS.get(name)
        if kind is None:
            near = next(iter(get_close_matches(name, list(FACTS), n=1, cutoff=0.0)), "")
            problems.append(Problem("error", "rule_fact_unknown", where, row=row, value=name, params={"nearest": near}))
        elif kind in ("share", "number"):
            found = _number(value, kind)
            if found is None:
                problems.append(
                    Problem("error", f"rule_fact_{kind}", where, row=row, value=value, params={"name": name})
                )
            else:
                figures[name] = found
        elif kind == "switch":
            if value not in (YES, NO):
                problems.append(
                    Problem("error", "rule_fact_switch", where, row=row, value=value, params={"name": name})
                )
            switches[name] = value == YES
        elif value:
            names.setdefault(name, []).append(value)
        else:
            problems.append(Problem("error", "rule_fact_empty", where, row=row, value=entry, params={"name": name}))
    if problems:
        raise InputError(Message("rule_facts_bad", {"count": len(problems)}), problems)
    return RuleFacts(figures, switches, {name: tuple(values) for name, values in names.items()})


def _number(value: str, kind: FactKind) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if 0.0 <= found <= (1.0 if kind == "share" else 1e12) else None
