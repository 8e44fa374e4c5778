"""Hub layouts with roles (1+2+7, 1+3+8): roles counted, every township given its hub, corridors that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from geodata.errors import InfeasibleError, InputError, NoSolutionError, Problem
from geodata.frames import haversine_km
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.siting.demand import village_demand
from planner.siting.hub_layout import ROLES, Corridor, HubProblem, HubRole, RoleLayout, known_layouts, role_counts
from planner.siting.hub_roles import HubPlan, plan_hubs
from scenarios.studies.options import Options
from scenarios.studies.shown import rounded, status_message
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyPlace, StudyTable

OWN = "own"


@dataclass(frozen=True, slots=True)
class HubPlace:
    """A place of the layout."""

    place_id: str
    name: str
    lon: float
    lat: float


def answer_hub_roles(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a study of a layout with roles."""
    options = Options(given.options)
    chosen = options.text("layout", OWN)
    if chosen != OWN:
        return _counted(given.name, known_layouts()[chosen])
    layout, places = _layout(given.problem, options)
    problem = _problem(given.problem, options, layout, places)
    plan = plan_hubs(problem, limits=given.limits)
    if plan.report.status == "infeasible":
        raise InfeasibleError(Message(plan.report.note_key))
    if plan.report.objective is None:
        raise NoSolutionError(Message(plan.report.note_key), [Message("study_fix_limits")])
    return _planned(given.name, problem, plan, places)


def _counted(name: str, layout: RoleLayout) -> Study:
    """Return roles and places of a published layout, counted apart: without figures nothing can be optimised."""
    return Study(
        name=name,
        kind="hub_roles",
        report=None,
        answer=(_count_message(layout), Message("study_hubs_counted")),
        figures=_count_figures(layout),
        tables=(_role_table(layout, {place: zh for place, (zh, _) in layout.names.items()}),),
    )


def _count_message(layout: RoleLayout) -> Message:
    counts = role_counts(layout)
    told = {"pattern": counts.pattern, "roles": counts.role_count, "places": counts.place_count}
    return Message("study_answer_hub_roles", {**told, "hubs": len(layout.hubs), "overlaps": len(counts.overlaps)})


def _count_figures(layout: RoleLayout) -> dict[str, Cell]:
    counts = role_counts(layout)
    return {
        "hub_pattern": counts.pattern,
        "hub_roles": counts.role_count,
        "hub_places": counts.place_count,
        "hub_gateways": len(layout.with_role("gateway")),
    }


def _role_table(layout: RoleLayout, names: dict[str, str]) -> StudyTable:
    columns = (StudyColumn("place_id"), StudyColumn("name"), StudyColumn("hub_role", "label"))
    rows = tuple((place, names.get(place, place), f"role_{role}") for place, role in layout.roles)
    return StudyTable("table_study_roles", columns, rows)


def _layout(problem: PlanProblem, options: Options) -> tuple[RoleLayout, dict[str, HubPlace]]:
    """Read ``place;role`` (a township by its code) or ``place;role;name;lon;lat``.

    Raises
    ------
    InputError
        With every entry that cannot be read.
    """
    rows = problem.county.townships
    known = {
        str(r["township_code"]): HubPlace(str(r["township_code"]), str(r["name"]), float(r["lon"]), float(r["lat"]))
        for _, r in rows.iterrows()
    }
    roles: list[tuple[str, HubRole]] = []
    places: dict[str, HubPlace] = {}
    problems: list[Problem] = []
    for entry in options.names("places"):
        parts = [part.strip() for part in entry.split(";")]
        place = _place(parts, known)
        role = next((known_role for known_role in ROLES if known_role == parts[1]), None) if place else None
        if place is None or role is None:
            params = {"roles": ", ".join(ROLES)}
            problems.append(Problem("error", "study_hub_form", column="places", value=entry, params=params))
            continue
        places.setdefault(place.place_id, place)
        roles.append((place.place_id, role))
    if not options.names("places"):
        params = {"roles": ", ".join(ROLES)}
        problems.append(Problem("error", "study_hub_form", column="places", value="[]", params=params))
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return RoleLayout(OWN, tuple(roles)), places


def _place(parts: Sequence[str], known: dict[str, HubPlace]) -> HubPlace | None:
    if len(parts) == 2:  # noqa: PLR2004 - place and role
        return known.get(parts[0])
    if len(parts) != 5:  # noqa: PLR2004 - place, role, name, lon, lat
        return None
    try:
        lon, lat = float(parts[3]), float(parts[4])
    except ValueError:
        return None
    return HubPlace(parts[0], parts[2], lon, lat) if np.isfinite([lon, lat]).all() else None


def _problem(problem: PlanProblem, options: Options, layout: RoleLayout, places: dict[str, HubPlace]) -> HubProblem:
    """Return links between all hubs and gateways, access of all zones, and the county's parcels as flows.

    Ways are straight lines times ``detour_factor_plains``; inbound parcels of a township come from the first gateway
    (the first core where there is none), outbound ones go there.
    """
    per_km = options.figure("unit_cny_per_km")
    nodes = (*layout.hubs, *layout.with_role("gateway"))
    corridors = tuple(
        Corridor(
            f"{a}-{b}",
            a,
            b,
            options.figure("corridor_cny_per_km_day") * km,
            per_km * options.figure("scale_share") * km,
        )
        for a, b in combinations(nodes, 2)
        for km in (_km(problem, places[a], places[b]),)
    )
    access = {
        (place, hub): per_km * _km(problem, places[place], places[hub])
        for place in layout.with_role("application")
        for hub in layout.hubs
        if place not in layout.hubs
    }
    return HubProblem(layout, corridors, access, _flows(problem, layout))


def _km(problem: PlanProblem, a: HubPlace, b: HubPlace) -> float:
    return float(haversine_km(a.lon, a.lat, b.lon, b.lat)) * problem.county.parameters["detour_factor_plains"]


def _flows(problem: PlanProblem, layout: RoleLayout) -> dict[tuple[str, str], float]:
    demand = village_demand(problem.county)
    township = dict(
        zip(
            problem.county.villages["village_code"].astype(str),
            problem.county.villages["township_code"].astype(str),
            strict=True,
        )
    )
    source = next(iter((*layout.with_role("gateway"), *layout.with_role("core"), *layout.hubs)), "")
    flows: dict[tuple[str, str], float] = {}
    for code, inbound, outbound in zip(demand.codes, demand.inbound, demand.outbound, strict=True):
        zone = township[code]
        if zone in layout.zones and zone != source:
            flows[source, zone] = flows.get((source, zone), 0.0) + float(inbound)
            flows[zone, source] = flows.get((zone, source), 0.0) + float(outbound)
    return dict(sorted(flows.items()))


def _planned(name: str, problem: HubProblem, plan: HubPlan, places: dict[str, HubPlace]) -> Study:
    layout, names = problem.layout, {place: at.name for place, at in places.items()}
    carried = {c: plan.flow.get((c, True), 0.0) + plan.flow.get((c, False), 0.0) for c in plan.open_corridors}
    cost = float(plan.report.objective or 0.0)
    told = {"corridors": len(plan.open_corridors), "possible": len(problem.corridors), "cost": rounded(cost)}
    zones = tuple(
        (zone, names[zone], hub, names[hub]) for zone, hub in plan.hub_of_place.items() if zone in layout.zones
    )
    zone_columns = (StudyColumn("place_id"), StudyColumn("name"), StudyColumn("hub_id"), StudyColumn("hub_name"))
    columns = (StudyColumn("corridor_id"), StudyColumn("parcels_per_day", "number"))
    rows = tuple((_corridor_name(problem, c, names), carried[c]) for c in plan.open_corridors)
    return Study(
        name=name,
        kind="hub_roles",
        report=plan.report,
        answer=(_count_message(layout), Message("study_hubs_planned", told), status_message(plan.report)),
        figures={**_count_figures(layout), "corridors": len(plan.open_corridors), "cost_cny_per_day": cost},
        tables=(
            _role_table(layout, names),
            StudyTable("table_study_zones", zone_columns, zones),
            StudyTable("table_study_corridors", columns, rows),
        ),
        places=tuple(_shown(place, layout, plan, names) for place in places.values()),
        assumptions=(Message("study_assumption_hubs"),),
    )


def _corridor_name(problem: HubProblem, corridor_id: str, names: dict[str, str]) -> str:
    corridor = next(c for c in problem.corridors if c.corridor_id == corridor_id)
    return f"{names[corridor.start]} – {names[corridor.end]}"


def _shown(place: HubPlace, layout: RoleLayout, plan: HubPlan, names: dict[str, str]) -> StudyPlace:
    facts: dict[str, Cell] = {"hub_name": names.get(plan.hub_of_place.get(place.place_id, ""), place.name)}
    mark = "chosen" if place.place_id in layout.hubs else "served"
    return StudyPlace(place.place_id, place.name, place.lon, place.lat, mark, facts)  # type: ignore[arg-type]


KINDS = (
    StudyKind(
        "hub_roles",
        (
            StudyOption("layout", "choice", OWN, choices=(OWN, "deyang_1_2_7", "mianyang_1_3_8")),
            StudyOption("places", "names", ()),
            StudyOption("unit_cny_per_km", "number", 0.02, low=0),
            StudyOption("scale_share", "number", 0.6, above=0, high=1),
            StudyOption("corridor_cny_per_km_day", "number", 2.0, low=0),
        ),
        answer_hub_roles,
    ),
)
