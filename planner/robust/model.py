"""One programme over many scenarios: each has its own points, links and allocation; the stations and centres are the same in all.

Two-stage: ``min Σ_k p_k · cost_k``. Min-max regret: ``min r, cost_k - r ≤ best_k`` for every scenario k (Kouvelis and Yu 1997).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planner.engines.linear import LinearModel, Vector
from planner.rollout.model import append_programme
from planner.siting.decision import Decision
from planner.siting.instance import Flags, Instance
from planner.siting.model import SitingModel, build_model, read_decision


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One scenario in the programme: its arrays, its own columns, where they start, and its cost."""

    instance: Instance
    model: SitingModel
    start: int

    @property
    def width(self) -> int:
        """Number of its columns."""
        return len(self.model.linear.costs)

    def read(self, values: Vector) -> Decision:
        """Return the scenario's decision."""
        return read_decision(self.instance, self.model, values[self.start : self.start + self.width])


@dataclass(frozen=True, slots=True, eq=False)
class ScenariosModel:
    """The programme and its scenarios."""

    linear: LinearModel
    parts: tuple[Part, ...]


def build_scenarios(
    instances: Sequence[Instance],
    links: Sequence[Flags | None],
    weights: Sequence[float],
    best: Sequence[float] | None = None,
) -> ScenariosModel:
    """Build the programme.

    Parameters
    ----------
    instances, links
        Arrays of every scenario and the station–point links to keep (None: all useful ones).
    weights
        Probability of every scenario.
    best
        Best cost of every scenario; given, the greatest regret against them is minimised instead of the mean cost.
    """
    linear = LinearModel()
    parts = []
    for instance, kept, weight in zip(instances, links, weights, strict=True):
        model = build_model(instance, links=kept)
        parts.append(Part(instance, model, len(linear.costs)))
        append_programme(linear, model.linear, weight if best is None else 0.0)
    _tie(linear, parts)
    if best is not None:
        regret = linear.continuous(1.0)
        for part, value in zip(parts, best, strict=True):
            own = part.model.linear
            terms = [(part.start + i, cost) for i, cost in enumerate(own.costs) if cost]
            linear.row([*terms, (regret, -1.0)], upper=value - own.offset)
    return ScenariosModel(linear, tuple(parts))


def _tie(linear: LinearModel, parts: Sequence[Part]) -> None:
    """Make every station and centre alike in all scenarios in which it exists."""
    first: dict[str, int] = {}
    for part in parts:
        tiers = ((part.instance.stations, part.model.station), (part.instance.centres, part.model.centre))
        for sites, columns in tiers:
            for name, column in zip(sites.ids, columns, strict=True):
                own = part.start + column
                if first.setdefault(name, own) != own:
                    linear.row([(own, 1.0), (first[name], -1.0)], lower=0.0, upper=0.0)


def with_sites(model: ScenariosModel, decisions: Sequence[Decision]) -> LinearModel:
    """Return the programme with the open sites of given decisions."""
    lower, upper = [*model.linear.lower], [*model.linear.upper]
    for part, decision in zip(model.parts, decisions, strict=True):
        own = part.model
        tiers = ((own.point, decision.station >= 0), (own.station, decision.centre >= 0))
        for columns, flags in (*tiers, (own.centre, decision.is_centre_open)):
            for column, flag in zip(columns, flags, strict=True):
                lower[part.start + column] = upper[part.start + column] = float(flag)
    return replace(model.linear, lower=lower, upper=upper)


def kept_open(model: ScenariosModel, names: frozenset[str], linear: LinearModel) -> LinearModel:
    """Return a programme of these columns with the named sites open."""
    lower = [*linear.lower]
    for name, column in _columns(model):
        if name in names:
            lower[column] = linear.upper[column]
    return replace(linear, lower=lower)


def with_no_other(model: ScenariosModel, names: frozenset[str]) -> LinearModel:
    """Return the programme in which no site opens but the named ones; of these some may stand idle."""
    upper = [*model.linear.upper]
    for name, column in _columns(model):
        if name not in names:
            upper[column] = model.linear.lower[column]
    return replace(model.linear, upper=upper)


def _columns(model: ScenariosModel) -> Iterator[tuple[str, int]]:
    """Yield the opening column of every site of every scenario."""
    for part in model.parts:
        own = part.model
        for sites, columns in zip(part.instance.tiers, (own.point, own.station, own.centre), strict=True):
            for name, column in zip(sites.ids, columns, strict=True):
                yield name, part.start + column


def finite(value: float) -> float | None:
    """Return a figure, or None where nothing is known."""
    return value if math.isfinite(value) else None
