"""Every kind of study by name. A new kind is one module with its ``KINDS``, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from scenarios.studies.study import StudyKind

#: Modules with a tuple ``KINDS``, in the order the kinds are listed.
_MODULES = (
    "models",
    "lockers",
    "chargers",
    "land",
    "hub_roles",
    "covering_plan",
    "frontier",
    "around",
    "plan_importance",
    "plan_shadow",
    "cooperation",
    "merging",
    "settlement",
    "post_offer",
    "rules",
    "location_routing",
    "compliance",
    "buses",
    "frequency",
    "day_rounds",
    "rollout",
    "robustness",
)


@cache
def study_kinds() -> Mapping[str, StudyKind]:
    """Return every kind of study by its name in a scenario file."""
    modules = [import_module(f"scenarios.studies.{name}") for name in _MODULES]
    kinds: list[StudyKind] = [kind for module in modules for kind in module.KINDS]
    return MappingProxyType({kind.kind: kind for kind in kinds})
