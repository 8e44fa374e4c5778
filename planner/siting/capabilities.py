"""What a problem asks for, what an engine can keep, and the refusal that names engines which can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from geodata.errors import UsageError
from geodata.messages import Message
from planner.problems.siting import SitingProblem

#: Something a problem or an option may ask of an engine. Glossary: ``feature_<name>``.
Feature = Literal[
    "locks",
    "near",
    "fixed_cost",
    "capacity",
    "budget",
    "groups",
    "conflicts",
    "requires",
    "single_source",
    "modules",
    "decay",
    "floors",
    "bound",
]
FEATURES: tuple[Feature, ...] = get_args(Feature)
ALL_FEATURES: frozenset[Feature] = frozenset(FEATURES)


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to solve a model.

    Attributes
    ----------
    name
        ``milp`` or the name of a fast engine.
    features
        What it keeps; anything else is refused.
    """

    name: str
    features: frozenset[Feature]

    def lacks(self, needed: Iterable[Feature]) -> tuple[Feature, ...]:
        """Return what is needed and not kept, in the order of `FEATURES`."""
        missing = frozenset(needed) - self.features
        return tuple(feature for feature in FEATURES if feature in missing)


def needed_features(problem: SitingProblem, *, relevant: frozenset[Feature] = ALL_FEATURES) -> frozenset[Feature]:
    """Return what `problem` asks for, of what matters to the model (`relevant`)."""
    side = problem.side
    asked: dict[Feature, bool] = {
        "locks": bool((problem.locked != 0).any()),
        "near": bool(side.near_sites),
        "fixed_cost": bool((problem.fixed_cost != 0).any()),
        "capacity": bool(np.isfinite(problem.capacity).any()),
        "budget": side.capex_budget_cny is not None or side.yearly_budget_cny is not None,
        "groups": bool(side.group_minimum or side.group_maximum),
        "conflicts": bool(side.conflicts) or side.exclusion_m > 0,
        "requires": bool(side.requires),
    }
    return frozenset(name for name, is_asked in asked.items() if is_asked) & relevant


def choose(engines: Sequence[Engine], needed: frozenset[Feature], *, model: str, asked: str = "auto") -> Engine:
    """Return the engine asked for, or (``auto``) the first of `engines` that keeps everything needed.

    Raises
    ------
    UsageError
        If the engine is unknown, or cannot keep something the problem needs; the message names engines that can.
    """
    able = [engine for engine in engines if not engine.lacks(needed)]
    if asked == "auto":
        return able[0]
    named = next((engine for engine in engines if engine.name == asked), None)
    if named is None:
        known = ", ".join(engine.name for engine in engines)
        raise UsageError(Message("siting_models_engine_unknown", {"engine": asked, "model": model, "engines": known}))
    missing = named.lacks(needed)
    if missing:
        params = {
            "engine": asked,
            "model": model,
            "features": ", ".join(missing),
            "engines": ", ".join(engine.name for engine in able),
        }
        raise UsageError(Message("siting_models_engine_lacks", params))
    return named
