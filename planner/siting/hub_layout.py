"""Layouts of hubs with roles (1+2+7, 1+3+8), the corridors between them, and the question asked of them.

A place may have several roles: roles and distinct places are counted apart.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Literal, cast, get_args

from geodata.errors import InputError, Problem
from geodata.messages import Message

#: Roles of places; glossary keys ``role_<role>``.
HubRole = Literal["core", "pilot_first", "cooperation", "application", "gateway"]
ROLES: tuple[HubRole, ...] = get_args(HubRole)
#: Roles that make a place a hub.
HUB_ROLES: tuple[HubRole, ...] = ("core", "pilot_first", "cooperation")


@dataclass(frozen=True, slots=True)
class RoleLayout:
    """Places with their roles; a place may have several.

    Attributes
    ----------
    layout_id
        Name.
    roles
        (place id, role) in the order of the plan; no pair twice.
    names
        Place id → (Chinese, English) name.
    """

    layout_id: str
    roles: tuple[tuple[str, HubRole], ...]
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def with_role(self, *wanted: HubRole) -> tuple[str, ...]:
        """Return the places with any of the roles, each once, in order."""
        return tuple(dict.fromkeys(place for place, role in self.roles if role in wanted))

    @property
    def hubs(self) -> tuple[str, ...]:
        """Return the hubs."""
        return self.with_role(*HUB_ROLES)

    @property
    def zones(self) -> tuple[str, ...]:
        """Return the places with a role inside the area (no gateways), each once."""
        return self.with_role(*HUB_ROLES, "application")


@dataclass(frozen=True, slots=True)
class RoleCounts:
    """Roles and places, counted apart, for a place with two roles is still one place.

    Attributes
    ----------
    by_role
        Role → number of places that have it.
    role_count, place_count
        Σ roles; distinct places (gateways are in neither).
    overlaps
        Places with more than one role, with them.
    """

    by_role: Mapping[str, int]
    role_count: int
    place_count: int
    overlaps: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def pattern(self) -> str:
        """Return the pattern as plans write it, for example ``1+2+7``."""
        return "+".join(str(self.by_role[role]) for role in ROLES if role != "gateway" and self.by_role.get(role))


def role_counts(layout: RoleLayout) -> RoleCounts:
    """Count roles and distinct places.

    Raises
    ------
    InputError
        If the same place has the same role twice, or an unknown role.
    """
    twice = [pair for pair, count in Counter(layout.roles).items() if count > 1]
    unknown = [pair for pair in layout.roles if pair[1] not in ROLES]
    problems = [
        Problem("error", code, table="hub_roles", value=place, params={"role": role})
        for code, pairs in (("hub_role_twice", twice), ("hub_role_unknown", unknown))
        for place, role in pairs
    ]
    if problems:
        raise InputError(Message("hub_input_refused", {"count": len(problems)}), problems)
    inside = [(place, role) for place, role in layout.roles if role != "gateway"]
    held: dict[str, list[str]] = {}
    for place, role in inside:
        held.setdefault(place, []).append(role)
    overlaps = tuple((place, tuple(roles)) for place, roles in held.items() if len(roles) > 1)
    return RoleCounts(dict(Counter(role for _, role in inside)), len(inside), len(held), overlaps)


@cache
def known_layouts() -> Mapping[str, RoleLayout]:
    """Return the layouts of the founding documents: ``deyang_1_2_7`` and ``mianyang_1_3_8``."""
    source = (files("geodata") / "data" / "hub_layouts.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(StringIO(source)))
    return {
        name: RoleLayout(
            name,
            tuple((row["place_id"], cast("HubRole", row["role"])) for row in rows if row["layout"] == name),
            {row["place_id"]: (row["name_zh"], row["name_en"]) for row in rows if row["layout"] == name},
        )
        for name in dict.fromkeys(row["layout"] for row in rows)
    }


@dataclass(frozen=True, slots=True)
class Corridor:
    """A link between two hubs or gateways that may be run, in both directions.

    Attributes
    ----------
    corridor_id, start, end
        Name and ends.
    fixed_cny_per_day, cny_per_unit
        Cost of running it, and of each unit carried on it.
    minutes
        Running time.
    capacity_per_day
        Units a day in each direction.
    departures_min, back_departures_min
        Departures from `start` and from `end`, minutes after midnight, every day.
    must_run
        It runs in any plan (an existing service).
    """

    corridor_id: str
    start: str
    end: str
    fixed_cny_per_day: float
    cny_per_unit: float
    minutes: float = 0.0
    capacity_per_day: float = math.inf
    departures_min: tuple[float, ...] = ()
    back_departures_min: tuple[float, ...] = ()
    must_run: bool = False


@dataclass(frozen=True, slots=True)
class HubProblem:
    """Layout, links and flows.

    Attributes
    ----------
    layout
        Places with roles.
    corridors
        Corridors that may run.
    access_cny_per_unit
        (application place, hub) → cost of a unit between them; an absent pair is not allowed.
    flows
        (origin, destination) → units a day, both directions apart.
    """

    layout: RoleLayout
    corridors: tuple[Corridor, ...]
    access_cny_per_unit: Mapping[tuple[str, str], float]
    flows: Mapping[tuple[str, str], float]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return hubs and gateways."""
        return (*self.layout.hubs, *self.layout.with_role("gateway"))

    @property
    def served(self) -> tuple[str, ...]:
        """Return the application places that are no hub themselves."""
        hubs = set(self.layout.hubs)
        return tuple(place for place in self.layout.with_role("application") if place not in hubs)


def check_hubs(problem: HubProblem) -> None:
    """Refuse unknown places, bad figures and places without a hub; every problem is collected first.

    Raises
    ------
    InputError
        With one problem a bad line.
    """
    role_counts(problem.layout)
    nodes, places = set(problem.nodes), {*problem.layout.zones, *problem.layout.with_role("gateway")}
    problems: list[Problem] = []
    for corridor in problem.corridors:
        problems += [
            Problem(
                "error", "hub_corridor_end", table="corridors", value=end, params={"corridor": corridor.corridor_id}
            )
            for end in (corridor.start, corridor.end)
            if end not in nodes
        ]
        for column in ("fixed_cny_per_day", "cny_per_unit", "minutes"):
            problems += _bad("corridors", corridor.corridor_id, column, getattr(corridor, column))
        if not corridor.capacity_per_day >= 0.0:
            problems += _bad("corridors", corridor.corridor_id, "capacity_per_day", math.nan)
    if len({c.corridor_id for c in problem.corridors}) != len(problem.corridors):
        problems.append(Problem("error", "hub_corridor_twice", table="corridors"))
    tables = (("flows", "units_per_day", problem.flows), ("access", "cny_per_unit", problem.access_cny_per_unit))
    for table, column, figures in tables:
        for pair, figure in figures.items():
            problems += _bad(table, " → ".join(pair), column, figure)
            problems += [
                Problem("error", "hub_place_unknown", table=table, value=place) for place in pair if place not in places
            ]
    reachable = {place for place, _ in problem.access_cny_per_unit}
    problems += [
        Problem("error", "hub_place_without_access", table="access", value=place)
        for place in problem.served
        if place not in reachable
    ]
    if problems:
        raise InputError(Message("hub_input_refused", {"count": len(problems)}), problems)


def _bad(table: str, name: str, column: str, value: float) -> list[Problem]:
    """Return the problem of a figure that is missing, negative or not finite."""
    if math.isfinite(value) and value >= 0.0:
        return []
    return [Problem("error", "hub_bad_number", table=table, column=column, value=f"{value:g}", params={"id": name})]
