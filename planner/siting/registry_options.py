"""Options of the siting models: type, default, range, and what an option asks of an engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from planner.siting.capabilities import Feature

Kind = Literal["number", "flag", "choice", "numbers", "pairs", "shares", "members"]


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option.

    Attributes
    ----------
    kind
        ``number``, ``flag``, ``choice`` (one of `choices`), ``numbers`` (a list), ``pairs`` (a list of two numbers each),
        ``shares`` (name → number) or ``members`` (name → list of indices).
    default
        Value when not given; None: may be left out.
    lower, upper
        Range of every number.
    choices
        Words of a choice.
    is_whole
        Only whole numbers.
    """

    kind: Kind
    default: Any = None
    lower: float = 0.0
    upper: float = math.inf
    choices: tuple[str, ...] = ()
    is_whole: bool = False

    @property
    def wanted(self) -> str:
        """Say the range, as ``0 … 1`` or as the list of choices."""
        if self.kind == "choice":
            return " / ".join(self.choices)
        if self.kind == "flag":
            return "true / false"
        return f"{self.kind}: {self.lower:g} … {self.upper:g}"

    def accepts(self, value: Any) -> bool:  # noqa: PLR0911 — one answer a kind
        """Tell whether `value` is of the type and in the range."""
        if value is None:
            return self.default is None
        if self.kind == "flag":
            return isinstance(value, bool)
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "number":
            return self._in_range(value)
        if self.kind == "numbers":
            return _is_list(value) and all(self._in_range(v) for v in value)
        if self.kind == "pairs":
            return _is_list(value) and all(_is_list(v) and len(v) == 2 and all(map(self._in_range, v)) for v in value)  # noqa: PLR2004 - a pair
        return isinstance(value, Mapping) and all(self._accepts_entry(entry) for entry in value.values())

    def _accepts_entry(self, entry: Any) -> bool:
        if self.kind == "shares":
            return self._in_range(entry)
        return _is_list(entry) and all(isinstance(index, int) and index >= 0 for index in entry)

    def _in_range(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        whole = not self.is_whole or float(value).is_integer()
        return math.isfinite(value) and self.lower <= value <= self.upper and whole


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


_RADIUS = OptionSpec("number")
_SINGLE = OptionSpec("flag", default=True)
_SPLIT = OptionSpec("flag", default=False)
_COVER = {
    "radius": _RADIUS,
    "single_source": _SINGLE,
    "site_radius": OptionSpec("numbers", ()),
    "demand_radius": OptionSpec("numbers", ()),
}

#: Model → option → specification.
OPTIONS: Mapping[str, Mapping[str, OptionSpec]] = {
    "set_coverage": {**_COVER, "times": OptionSpec("number", 1, 1, is_whole=True)},
    "max_coverage": {
        **_COVER,
        "decay_end": _RADIUS,
        "radii": OptionSpec("numbers", ()),
        "radius_shares": OptionSpec("numbers", (), 0.0, 1.0),
        "demand_groups": OptionSpec("members"),
        "floors": OptionSpec("shares", None, 0.0, 1.0),
    },
    "backup_coverage": {
        **{name: option for name, option in _COVER.items() if name != "single_source"},
        "first_share": OptionSpec("number", 0.5, 0.0, 1.0),
        "mandatory": OptionSpec("flag", default=False),
    },
    "p_median": {"single_source": _SINGLE},
    "p_center": {"single_source": _SINGLE, "weighted": OptionSpec("flag", default=False)},
    "p_dispersion": {},
    "uncapacitated": {},
    "facility_location": {"single_source": _SPLIT, "modules": OptionSpec("pairs", ())},
    "capacitated_p_median": {"single_source": _SINGLE},
    "equity": {
        "measure": OptionSpec("choice", "worst_share", choices=("worst_share", "gini")),
        "share": OptionSpec("number", 0.1, 1e-6, 1.0),
        "bound": _RADIUS,
        "single_source": _SINGLE,
    },
}


def option_features(options: Mapping[str, Any]) -> frozenset[Feature]:
    """Return what the options ask of an engine."""
    asked: dict[Feature, bool] = {
        "decay": bool(options.get("radii")) or options.get("decay_end") is not None,
        "floors": bool(options.get("floors")),
        "modules": bool(options.get("modules")),
        "bound": options.get("bound") is not None,
    }
    return frozenset(name for name, is_asked in asked.items() if is_asked)
