"""Stations and rounds decided together, beside the plan's answer in two steps: stations by estimate, rounds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from geodata.changes_direct import DIRECT
from geodata.errors import InputError, NoSolutionError, Problem
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.problems.location_routing import LocationRoute, LocationRoutingDecision, LocationRoutingLimits
from planner.progress import ProgressListener
from planner.reports import SolveReport
from planner.routing.location.checks import problems as model_problems
from planner.routing.location.choice import route_cost
from planner.routing.location.engine import solve_location_routing
from planner.routing.packing import pack
from planner.routing.result import RoutingResult
from planner.routing.rounds import solve_rounds
from planner.routing.rounds_build import vehicle_counts
from planner.verification.location_routing import faults
from scenarios.studies.location_routing_input import CountyLocation, county_location
from scenarios.studies.options import AUTO, Options
from scenarios.studies.shown import rounded, status_message
from scenarios.studies.study import (
    Cell,
    Study,
    StudyColumn,
    StudyInput,
    StudyKind,
    StudyOption,
    StudyPlace,
    StudyTable,
)

#: A difference below this is none (CNY a day).
_SAME_CNY = 0.005
_COST_COLUMNS = (
    StudyColumn("cost_line", "label"),
    StudyColumn("plan_cny_per_day", "number"),
    StudyColumn("joint_cny_per_day", "number"),
    StudyColumn("difference_cny_per_day", "number"),
)
_STATION_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("decision", "label"),
    StudyColumn("points_in_plan", "count"),
    StudyColumn("points_joint", "count"),
    StudyColumn("parcels_per_day", "number"),
)
_MOVE_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("depot_in_plan"),
    StudyColumn("depot_joint"),
    StudyColumn("parcels_per_day", "number"),
)


@dataclass(frozen=True, slots=True)
class Costed:
    """What stations and transport cost a day, by glossary key of the line, with what no vehicle can serve."""

    lines: Mapping[str, float]
    dropped: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def total(self) -> float:
        """Return the sum."""
        return sum(self.lines.values())


def answer_location_routing(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer which stations open and which rounds run when both are decided together.

    The joint answer is searched with one vehicle type a tier; what it sends through stations is then costed by the plan's own rounds.
    """
    options = Options(given.options)
    county = county_location(given.problem, given.verified, options)
    wrong = model_problems(county.problem)
    if wrong:
        listed = [Problem("error", message.key, params=message.params) for message in wrong]
        raise InputError(Message("study_entries_bad", {"count": len(wrong)}), listed)
    limits = LocationRoutingLimits(
        iterations=min(options.whole("search_iterations") or 1, given.limits.iteration_limit),
        bound_iterations=options.whole("bound_iterations") or 0,
        node_limit=given.limits.node_limit,
        time_limit_s=given.limits.time_limit_s,
        seed=given.limits.seed,
    )
    found = solve_location_routing(county.problem, limits)
    if found.decision is None or faults(county.problem, found.decision):
        raise NoSolutionError(Message("study_location_nothing"), [Message("study_fix_limits")])
    depot_of = _depot_of(county, found.decision)
    direct = tuple(route for route in found.decision.routes if county.depots[route.depot] in county.centres)
    plan, joint = _plan_costs(given, county), _joint_costs(given, county, depot_of, direct)
    return _shown(given, county, _with_constant(found.report, county.constant_cny), (plan, joint), depot_of)


def _with_constant(report: SolveReport, constant: float) -> SolveReport:
    """Return the report with what stations cost whatever is decided."""
    objective = None if report.objective is None else report.objective + constant
    bound = None if report.bound is None else report.bound + constant
    return replace(report, objective=objective, bound=bound)


def _depot_of(county: CountyLocation, decision: LocationRoutingDecision) -> dict[str, str]:
    """Return the depot of each point; a point with several loads goes to a station if any load comes from one."""
    load: dict[str, Counter[str]] = {}
    for route in decision.routes:
        for part in route.customers:
            load.setdefault(county.parts[part], Counter())[county.depots[route.depot]] += 1
    return {
        point: max(sorted(depots), key=lambda d: (d in county.stations, depots[d]))
        for point, depots in sorted(load.items())
    }


def _plan_costs(given: StudyInput, county: CountyLocation) -> Costed:
    transport = {line.tier: line.cny_per_day for line in given.verified.costs if line.item == "transport"}
    open_ids = set(given.verified.plan.siting.open_ids)
    lines = {
        "location_stations": _station_cost(county, open_ids),
        "location_trunk": transport.get("county_township", 0.0),
        "location_rounds": transport.get("township_village", 0.0),
        "location_direct": 0.0,
    }
    return Costed(lines, (), ())


def _station_cost(county: CountyLocation, open_ids: set[str]) -> float:
    return sum(opened if s in open_ids else closed for s, (opened, closed) in county.station_cny.items())


def _joint_costs(
    given: StudyInput, county: CountyLocation, depot_of: Mapping[str, str], direct: tuple[LocationRoute, ...]
) -> Costed:
    """Return the joint answer's cost: what goes through stations by the plan's own rounds, the rest by the routes found."""
    problem, siting = given.problem, given.verified.plan.siting
    normal = {p: d for p, d in depot_of.items() if d in set(county.stations)}
    centre = dict(siting.centre_of_station)
    own = {s: centre.get(s, _nearest_centre(problem, county, s)) for s in sorted(set(normal.values()))}
    villages = {v: p for v, p in siting.point_of_village.items() if p in normal}
    through = replace(siting, point_of_village=villages, station_of_point=normal, centre_of_station=own)
    routing = solve_rounds(problem, through)
    transport = _by_depot(routing)
    lines = {
        "location_stations": _station_cost(county, _open_stations(county, depot_of)),
        "location_trunk": sum(cny for depot, cny in transport.items() if depot in county.centres),
        "location_rounds": sum(cny for depot, cny in transport.items() if depot not in county.centres),
        "location_direct": sum(route_cost(county.problem, route) for route in direct),
    }
    return Costed(lines, tuple(sorted(routing.dropped)), _lacking(problem, routing, county, direct))


def _by_depot(routing: RoutingResult) -> dict[str, float]:
    return {depot: report.objective or 0.0 for depot, report in routing.reports.items()}


def _nearest_centre(problem: PlanProblem, county: CountyLocation, station: str) -> str:
    """Return the centre a station that the plan does not use would belong to."""
    minutes = problem.travel[county.truck].sub(list(county.centres), [station])[0][:, 0]
    return county.centres[int(minutes.argmin())]


def _lacking(
    problem: PlanProblem, routing: RoutingResult, county: CountyLocation, direct: tuple[LocationRoute, ...]
) -> tuple[str, ...]:
    """Return vehicle types of which the rounds of stations and centres together use more than there are."""
    used = Counter[str]()
    for kind, _ in sorted({(r.vehicle_type_id, r.vehicle_number) for r in routing.routes}):
        used[kind] += 1
    used[county.vehicle] += _vehicles_of(problem, county, direct)
    return tuple(k for k, count in sorted(vehicle_counts(problem).items()) if count is not None and used[k] > count)


def _vehicles_of(problem: PlanProblem, county: CountyLocation, routes: tuple[LocationRoute, ...]) -> int:
    """Return the vehicles that run these routes, several a shift where they fit."""
    minutes, m = county.problem.minutes, county.problem.depot_count
    if minutes is None or not routes:
        return 0
    spent = []
    for route in routes:
        nodes = [route.depot, *(m + i for i in route.customers), route.depot]
        spent.append(problem.routing.depot_loading_min + float(minutes[nodes[:-1], nodes[1:]].sum()))
    return max(pack(spent, county.problem.longest_min + problem.routing.depot_loading_min)) + 1


def _open_stations(county: CountyLocation, depot_of: Mapping[str, str]) -> set[str]:
    return {d for d in depot_of.values() if d in county.station_cny} | set(county.kept)


def _shown(
    given: StudyInput,
    county: CountyLocation,
    report: SolveReport,
    costs: tuple[Costed, Costed],
    depot_of: Mapping[str, str],
) -> Study:
    plan, joint = costs
    station_of = given.verified.plan.siting.station_of_point
    moved = [p for p, d in depot_of.items() if d != station_of[p]]
    skipped = [p for p, d in depot_of.items() if d in county.centres]
    told = {"plan": rounded(plan.total), "joint": rounded(joint.total), "saving": rounded(plan.total - joint.total)}
    open_joint = _open_stations(county, depot_of)
    doubts = _doubts(given.problem, joint, open_joint)
    headline = "study_answer_location_routing_same"
    if plan.total - joint.total > _SAME_CNY:
        headline = "study_answer_location_routing_doubtful" if doubts else "study_answer_location_routing"
    before = set(given.verified.plan.siting.centre_of_station)
    changes = {"opened": len(open_joint), "before": len(before), "moved": len(moved), "skipped": len(skipped)}
    answer = [
        Message(headline, told),
        Message("study_location_changes", changes),
        Message(
            "study_location_model", {"value": rounded(report.objective or 0.0), "bound": rounded(report.bound or 0.0)}
        ),
        status_message(report),
        *doubts,
    ]
    idle = [s for s in sorted(open_joint) if s not in set(depot_of.values())]
    if idle:
        answer.append(Message("study_location_idle", {"count": len(idle)}))
    if skipped and not any(site.endswith(DIRECT) for site in given.problem.county.facilities["facility_id"]):
        answer.insert(2, Message("study_location_direct_not_in_plan"))
    if report.note_key:
        answer.append(Message(report.note_key))
    return Study(
        name=given.name,
        kind="location_routing",
        report=report,
        answer=tuple(answer),
        figures={
            "plan_cny_per_day": plan.total,
            "joint_cny_per_day": joint.total,
            "open_stations": len(open_joint),
            "points_moved": len(moved),
            "points_skipping": len(skipped),
        },
        tables=(
            _cost_table(plan, joint),
            _station_table(given, county, depot_of, open_joint),
            _move_table(given, county, moved, depot_of),
        ),
        places=_places(given.problem, county, open_joint, before, depot_of),
        assumptions=(
            Message("study_location_assumption_vehicles", {"truck": county.truck, "vehicle": county.vehicle}),
            Message("study_location_assumption_points"),
        ),
    )


def _doubts(problem: PlanProblem, joint: Costed, open_joint: set[str]) -> list[Message]:
    """Return what speaks against the joint answer: townships without a station, points and vehicles that fail."""
    rows = problem.county.facilities.set_index("facility_id")
    with_station = {str(rows.loc[s, "township_code"]) for s in open_joint}
    listed = {str(code) for code in problem.county.townships["township_code"]}
    missing = len(listed - with_station)
    found: list[Message] = []
    if len(listed) - missing < problem.standard.township_station_share * len(listed) - 1e-9:
        share = round(100.0 * problem.standard.township_station_share, 1)
        found.append(Message("study_location_townships", {"count": missing, "share_percent": share}))
    if joint.dropped:
        found.append(Message("study_location_dropped", {"points": ", ".join(joint.dropped)}))
    if joint.lacking:
        found.append(Message("study_location_lacking", {"vehicles": ", ".join(joint.lacking)}))
    return found


def _cost_table(plan: Costed, joint: Costed) -> StudyTable:
    lines = [(key, plan.lines[key], joint.lines[key]) for key in plan.lines]
    lines.append(("location_total", plan.total, joint.total))
    rows = tuple((key, a, b, b - a) for key, a, b in lines)
    return StudyTable("table_location_cost", _COST_COLUMNS, rows)


def _station_table(
    given: StudyInput, county: CountyLocation, depot_of: Mapping[str, str], open_joint: set[str]
) -> StudyTable:
    rows = given.problem.county.facilities.set_index("facility_id")
    before, after = Counter(given.verified.plan.siting.station_of_point.values()), Counter(depot_of.values())
    shown: list[tuple[Cell, ...]] = []
    for facility in (*county.direct, *county.stations):
        is_open = facility in open_joint or facility in county.direct
        existing = rows.loc[facility, "status"] == "existing"
        if not (is_open or existing or before[facility]):
            continue
        told = "decision_kept" if is_open and existing else "decision_chosen" if is_open else "decision_closed"
        if not is_open and not existing:
            told = "decision_not_chosen"
        load = sum(
            county.parcels[p].delivery + county.parcels[p].pickup for p, depot in depot_of.items() if depot == facility
        )
        name, township = str(rows.loc[facility, "name"]), str(rows.loc[facility, "township_code"])
        shown.append((facility, name, township, told, before[facility], after[facility], load))
    return StudyTable("table_location_stations", _STATION_COLUMNS, tuple(shown))


def _move_table(given: StudyInput, county: CountyLocation, moved: list[str], depot_of: Mapping[str, str]) -> StudyTable:
    names = given.problem.county.facilities.set_index("facility_id")["name"].astype(str)
    station_of = given.verified.plan.siting.station_of_point
    rows = tuple(
        (p, names[p], names[station_of[p]], names[depot_of[p]], county.parcels[p].delivery + county.parcels[p].pickup)
        for p in moved
    )
    return StudyTable("table_location_moves", _MOVE_COLUMNS, rows)


def _places(
    problem: PlanProblem, county: CountyLocation, open_joint: set[str], before: set[str], depot_of: Mapping[str, str]
) -> tuple[StudyPlace, ...]:
    rows = problem.county.facilities.set_index("facility_id")
    names = rows["name"].astype(str)
    shown: list[StudyPlace] = []
    for facility in county.stations:
        lon, lat = float(rows.loc[facility, "lon"]), float(rows.loc[facility, "lat"])
        is_open = facility in open_joint
        mark = (
            ("kept" if facility in before else "chosen") if is_open else "closed" if facility in before else "candidate"
        )
        shown.append(StudyPlace(facility, names[facility], lon, lat, mark))  # type: ignore[arg-type]
    for point, depot in depot_of.items():
        lon, lat = float(rows.loc[point, "lon"]), float(rows.loc[point, "lat"])
        shown.append(StudyPlace(point, names[point], lon, lat, "served", {"depot_joint": names[depot]}))
    return tuple(shown)


KINDS = (
    StudyKind(
        "location_routing",
        (
            StudyOption("skip_tier", "switch", True),
            StudyOption(
                "stations", "choice", "plan", choices=("free", "plan"), meaning="study_option_location_stations"
            ),
            StudyOption("truck", "text", AUTO, meaning="study_option_location_truck"),
            StudyOption("vehicle", "text", AUTO, meaning="study_option_location_vehicle"),
            StudyOption("search_iterations", "whole", 50_000, low=1),
            StudyOption("bound_iterations", "whole", 60, low=1),
        ),
        answer_location_routing,
    ),
)
