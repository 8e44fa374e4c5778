"""Options that the settlement and the offer to the post share; they mean the same in both."""

from __future__ import annotations

from typing import Any

from scenarios.studies.study import OptionKind, StudyOption


def settlement_option(key: str, kind: OptionKind, default: object, **more: Any) -> StudyOption:
    """Return an option whose meaning is that of settlements."""
    return StudyOption(key, kind, default, meaning=f"study_option_settlement_{key}", **more)


#: Which villages, how the gain is divided, and who may carry.
OFFER_OPTIONS = (
    settlement_option("villages", "names", ()),
    settlement_option("offer_part", "number", 0.5, low=0, high=1),
    settlement_option("village_leg_fee", "number", None, low=0, is_optional=True),
    settlement_option("minimum_visits", "number", 3.0, above=0),
    settlement_option("visits_per_week", "number", None, low=1, high=7, is_optional=True),
    settlement_option("assume_buses", "switch", default=False),
    settlement_option("assume_shops", "switch", default=False),
)
#: What public money is paid for, and how closely the plans behind the costs are solved.
MONEY_OPTIONS = (
    settlement_option("performance", "names", ()),
    settlement_option("subsidy_cny_per_year", "number", None, low=0, is_optional=True),
    settlement_option("gap", "number", 0.001, low=0, high=0.1),
)
