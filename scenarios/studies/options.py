"""Options that many kinds of study share, and reading of decided options by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from scenarios.studies.study import StudyOption

#: What the sites may be.
SITE_CHOICES = ("village_points", "township_stations", "county_centres", "villages")
DEMAND_CHOICES = ("hamlets", "villages")
WEIGHT_CHOICES = ("population", "parcels")
UNIT_CHOICES = ("km", "min")
#: Word for the travel that fits the sites.
AUTO = "auto"
ACCESS = "access"

#: Which demand, which sites, how far.
PLACE_OPTIONS = (
    StudyOption("sites", "choice", "village_points", choices=SITE_CHOICES),
    StudyOption("demand", "choice", "hamlets", choices=DEMAND_CHOICES),
    StudyOption("weight", "choice", "population", choices=WEIGHT_CHOICES),
    StudyOption("travel", "text", AUTO),
    StudyOption("unit", "choice", "km", choices=UNIT_CHOICES),
    StudyOption("cutoff", "number", None, above=0, is_optional=True),
)
#: What must hold besides, for every model.
SIDE_OPTIONS = (
    StudyOption("p", "whole", None, low=1, is_optional=True),
    StudyOption("keep_existing", "switch", False),
    StudyOption("use_locks", "switch", True),
    StudyOption("open", "names", ()),
    StudyOption("closed", "names", ()),
    StudyOption("budget_cny", "number", None, low=0, is_optional=True),
    StudyOption("yearly_budget_cny", "number", None, low=0, is_optional=True),
    StudyOption("township_minimum", "whole", None, low=0, is_optional=True),
    StudyOption("township_maximum", "whole", None, low=0, is_optional=True),
    StudyOption("operator_maximum", "whole", None, low=0, is_optional=True),
    StudyOption("exclusion_km", "number", None, above=0, is_optional=True),
    StudyOption("near", "names", ()),
    StudyOption("near_km", "number", None, above=0, is_optional=True),
    StudyOption("requires", "names", ()),
    StudyOption("conflicts", "names", ()),
)
#: Money in the objective, and room at the sites.
COST_OPTIONS = (
    StudyOption("fixed_cost", "choice", "none", choices=("none", "day")),
    StudyOption("cny_per_km", "number", None, above=0, is_optional=True),
    StudyOption("use_capacity", "switch", False),
    StudyOption("capacity_factor", "number", 1.0, above=0),
)


def with_defaults(options: Sequence[StudyOption], **defaults: object) -> tuple[StudyOption, ...]:
    """Return options with other defaults; a default of None makes nothing optional that was not."""
    return tuple(replace(o, default=defaults[o.key]) if o.key in defaults else o for o in options)


def without(options: Sequence[StudyOption], *keys: str) -> tuple[StudyOption, ...]:
    """Return options but those of `keys`."""
    return tuple(o for o in options if o.key not in keys)


@dataclass(frozen=True, slots=True)
class Options:
    """Decided options, read by type; an option the kind does not have is None."""

    values: Mapping[str, object]

    def number(self, key: str) -> float | None:
        """Return a figure, or None."""
        value = self.values.get(key)
        return None if value is None else float(cast("float", value))

    def figure(self, key: str) -> float:
        """Return a figure that is always there."""
        return float(cast("float", self.values[key]))

    def whole(self, key: str) -> int | None:
        """Return a whole number, or None."""
        value = self.values.get(key)
        return None if value is None else int(cast("int", value))

    def text(self, key: str, otherwise: str = "") -> str:
        """Return a text or choice."""
        return str(self.values.get(key) or otherwise)

    def switch(self, key: str, *, otherwise: bool = False) -> bool:
        """Return a switch."""
        value = self.values.get(key)
        return otherwise if value is None else bool(value)

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of names."""
        return tuple(str(v) for v in cast("Sequence[Any]", self.values.get(key) or ()))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of figures."""
        return tuple(float(v) for v in cast("Sequence[Any]", self.values.get(key) or ()))
