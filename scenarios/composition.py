"""Named parts put together: a part may be made of others, none of itself, and no key is set by two of them.

Overrides of a scenario file and scenarios of a batch follow the same three rules, so that the order in which parts are
named decides nothing: a part counts once however often it is named; parts it is made of come with it; two parts that
set one key are refused, both by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from geodata.messages import Message
from scenarios.overrides import Layer
from scenarios.spec import KeyProblem, ScenarioError, nearest


@dataclass(frozen=True, slots=True)
class Part:
    """A named set of values, and the names of the parts it is made of besides."""

    layer: Layer
    made_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is said when parts do not fit together.

    Attributes
    ----------
    unknown
        Says that a name is not known.
    circle
        Says that parts, in this order, are made of each other.
    """

    unknown: Callable[[str], Message]
    circle: Callable[[tuple[str, ...]], Message]


@dataclass(slots=True)
class _Walk:
    known: Mapping[str, Part]
    rules: Rules
    found: dict[str, Layer] = field(default_factory=dict)
    problems: list[KeyProblem] = field(default_factory=list)

    def visit(self, name: str, before: tuple[str, ...], origin: str) -> None:
        if name in before:
            names = (*before[before.index(name) :], name)
            self.problems.append(KeyProblem(origin, name, self.rules.circle(names)))
        elif name not in self.known:
            self.problems.append(KeyProblem(origin, name, self.rules.unknown(name)))
        elif name not in self.found:
            part = self.known[name]
            for inner in part.made_of:
                self.visit(inner, (*before, name), part.layer.origin)
            self.found[name] = part.layer


def compose(
    asked: Mapping[str, str], known: Mapping[str, Part], rules: Rules
) -> tuple[dict[str, Layer], tuple[KeyProblem, ...]]:
    """Return the parts that the names come to, by name, what a part is made of before itself; and every problem.

    Parameters
    ----------
    asked
        Name of each part asked for → file or option that asks.
    known
        Every part there is.
    rules
        What is said when parts do not fit together.
    """
    walk = _Walk(known, rules)
    for name, origin in asked.items():
        walk.visit(name, (), origin)
    return walk.found, (*walk.problems, *_conflicts(walk.found))


def _conflicts(parts: Mapping[str, Layer]) -> Iterable[KeyProblem]:
    """Find keys that two parts set."""
    touched: dict[str, str] = {}
    for name, layer in parts.items():
        for key in layer.values:
            if key in touched:
                figures = {"key": key, "first": touched[key], "second": name}
                yield KeyProblem(layer.origin, key, Message("scenario_override_conflict", figures))
            touched.setdefault(key, name)


def chosen_overrides(asked: Mapping[str, str], known: Mapping[str, Part]) -> list[Layer]:
    """Return the layers of the named overrides.

    Parameters
    ----------
    asked
        Name of each override asked for → file or option that asks.
    known
        Overrides the scenario and its parents define.

    Raises
    ------
    ScenarioError
        If a name is unknown, overrides are made of each other, or two touch one key (both are named).
    """

    def unknown(name: str) -> Message:
        if not known:
            return Message("scenario_no_overrides", {"name": name})
        figures = {"name": name, "nearest": nearest(name, known), "known": ", ".join(sorted(known))}
        return Message("scenario_unknown_override", figures)

    def circle(names: tuple[str, ...]) -> Message:
        return Message("scenario_override_circle", {"names": " → ".join(names)})

    found, problems = compose(asked, known, Rules(unknown, circle))
    if problems:
        raise ScenarioError(problems)
    return list(found.values())
