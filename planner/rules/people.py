"""Q1, Q2, Q10, Q11, Q19: no charge to recipients, consent, open choice of operators, labour, privacy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.rules.check import Rule, RuleCheck, RuleInput
from planner.rules.facts import RECIPIENT

_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")
#: Words of a recipient in the two languages, as a payer may be written.
_RECIPIENTS = frozenset({RECIPIENT, "recipients", "villager", "villagers", "收件人", "村民", "用户"})


def no_charge(given: RuleInput) -> RuleCheck:
    """Q1: nobody pays for collecting a parcel. An income of a point that recipients pay rejects the plan."""
    rule, facts = Rule("Q1", "hard"), given.facts
    charge = facts.figure("recipient_charge_cny")
    payers = facts.listed("income_payer")
    bad = [payer for payer in payers if is_recipient(payer)]
    if charge is not None and charge > 0.0:
        bad.append("recipient_charge_cny")
    if bad:
        return rule.failed(bad, charge=charge or 0.0)
    if charge is None and not payers:
        return rule.not_checked(("recipient_charge_cny", "income_payer"))
    return rule.met(payers=len(payers))


def is_recipient(payer: str) -> bool:
    """Tell whether an income is paid by those who receive parcels."""
    return payer.strip().lower() in _RECIPIENTS


def consent(given: RuleInput) -> RuleCheck:
    """Q2: a point or locker only with consent: enough delivery to the door for all who do not consent."""
    rule, facts = Rule("Q2", "hard"), given.facts
    missing = facts.missing("consent_share", "door_share")
    if missing:
        return rule.not_checked(missing)
    agreed, door = facts.figure("consent_share") or 0.0, facts.figure("door_share") or 0.0
    told = {"door": round(100.0 * door, 1), "needed": round(100.0 * (1.0 - agreed), 1)}
    return rule.failed(["door_share"], **told) if door < 1.0 - agreed - 1e-9 else rule.met(**told)


def neutrality(given: RuleInput) -> RuleCheck:
    """Q10: no operator is required by name without a tender, and all may enter at the same tariff."""
    rule, facts = Rule("Q10", "hard"), given.facts
    required = sorted({*given.appointed, *facts.listed("appointed")})
    bad = [name for name in required if name not in facts.listed("tender")]
    if facts.switch("same_tariff") is False:
        bad.append("same_tariff")
    if bad:
        return rule.failed(bad)
    if facts.switch("same_tariff") is None:
        return rule.not_checked(("same_tariff",))
    return rule.met(tendered=len(required))


def labour(given: RuleInput) -> RuleCheck:
    """Q11: no vehicle runs longer than the legal day, and wages include insurance."""
    rule, parameters = Rule("Q11", "hard"), given.problem.county.parameters
    entry = parameters.entry("driver_hours_per_day")
    limit = max(parameters["driver_hours_per_day"], float(entry.high or 0.0))
    vehicles = given.problem.county.vehicles.set_index("vehicle_type_id")
    used = sorted({route.vehicle_type_id for route in given.verified.plan.routing.routes})
    bad = [name for name in used if float(vehicles.loc[name, "shift_h"]) > limit]
    rate = parameters["social_insurance_share"]
    if rate <= 0.0 or given.facts.switch("workers_insured") is False:
        bad.append("workers_insured")
    told = {"hours": limit, "percent": round(100.0 * rate, 1)}
    if bad:
        return rule.failed(bad, **told)
    if given.facts.switch("workers_insured") is None:
        return rule.not_checked(("workers_insured",))
    return rule.met(**told)


def privacy(given: RuleInput) -> RuleCheck:
    """Q19: no telephone or identity numbers in the planning tables."""
    rule = Rule("Q19", "hard")
    found = list(_personal(given))
    return rule.failed(found) if found else rule.met()


def _personal(given: RuleInput) -> Iterator[str]:
    county = given.problem.county
    for table in ("villages", "hamlets", "townships", "facilities", "operators", "bus_lines", "operator_stations"):
        frame = getattr(county, table)
        for column in frame.columns:
            if frame[column].dtype.kind in "if" or str(column).endswith("_code"):
                continue
            for row, value in enumerate(frame[column].astype(str), start=2):
                if _MOBILE.search(value) or _IDENTITY.search(value):
                    yield f"{table}.{column}:{row}"
