"""Chargers by range: where the plan's electric vehicles must be able to charge, and with how many plugs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.siting.charger_fixes import tour_fixes
from planner.siting.charger_input import (
    ChargerRules,
    ChargeSite,
    ElectricVehicle,
    Tour,
    charger_rules,
    usable_km,
)
from planner.siting.chargers import ChargerPlan, plan_chargers
from planner.verification.facts import gather
from planner.verification.measures import Trip, drive
from planner.verification.trips import vehicles_used
from scenarios.studies.options import Options
from scenarios.studies.shown import rounded, status_message
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyPlace, StudyTable

_STATION_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("night_vehicles", "count"),
    StudyColumn("slow_plugs", "count"),
    StudyColumn("fast_plugs", "count"),
    StudyColumn("power_kw", "number"),
    StudyColumn("night_kwh", "number"),
    StudyColumn("day_kwh", "number"),
    StudyColumn("cost_cny_per_year", "cny"),
)


def answer_chargers(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a charger study over the tours of the plan's electric vehicles."""
    options, problem = Options(given.options), given.problem
    rules = charger_rules(problem.county.parameters, is_winter=options.switch("winter"))
    vehicles = _vehicles(problem, options)
    tours = _tours(given, vehicles)
    sites = _sites(given, options)
    plan = plan_chargers(tours, vehicles, sites, rules, limits=given.limits)
    if plan.report.objective is None:
        raise NoSolutionError(Message("siting_no_solution"), [Message("study_fix_limits")])
    left = {found.tour_id: Message(found.reason, found.params) for found in plan.infeasible}
    facilities = problem.county.facilities.set_index("facility_id")
    ranges = sorted({round(usable_km(vehicles[tour.vehicle_type_id], rules), 1) for tour in tours})
    return Study(
        name=given.name,
        kind="chargers",
        report=plan.report,
        answer=_sentences(plan, tours, left, ranges),
        reasons=left,
        figures=_figures(plan, tours),
        tables=_tables(plan, left, _fixes(left, tours, vehicles, sites, rules), facilities),
        places=_places(plan, facilities),
        assumptions=(Message("study_assumption_chargers"),),
    )


def _vehicles(problem: PlanProblem, options: Options) -> dict[str, ElectricVehicle]:
    """Return the vehicle types that run on electricity, or shall: those named in `electrify` with the range given."""
    found = {}
    asked = options.names("electrify")
    parameters = problem.county.parameters
    for _, row in problem.county.vehicles.sort_values("vehicle_type_id", kind="stable").iterrows():
        name, is_electric = str(row["vehicle_type_id"]), str(row["energy_kind"]) == "electric"
        if not is_electric and name not in asked:
            continue
        full = float(row["range_km"]) if is_electric and math.isfinite(float(row["range_km"])) else None
        per_km = float(row["energy_per_km"]) if is_electric else options.figure("kwh_per_km")
        range_km = options.figure("range_km") if full is None else full
        known = parameters.get(f"{name}_range_winter_km")
        share = options.figure("winter_range_share")
        winter = range_km * share if known is None else min(float(known), range_km)
        found[name] = ElectricVehicle(range_km, winter, per_km)
    return found


def _tours(given: StudyInput, vehicles: Mapping[str, ElectricVehicle]) -> list[Tour]:
    """Return one tour a vehicle: its trips of a day after each other, out of the verified plan."""
    facts = gather(given.problem)
    trips = drive(given.problem, facts, given.verified.plan.routing.routes)
    tours = []
    for (type_id, number), own in vehicles_used(trips).items():
        if type_id in vehicles:
            spare = 60.0 * facts.vehicles[type_id].shift_h - math.fsum(trip.minutes for trip in own)
            tours.append(Tour(f"{type_id} {number}", type_id, _way(own), max(0.0, spare)))
    return tours


def _way(trips: list[Trip]) -> tuple[tuple[str, float], ...]:
    places: list[tuple[str, float]] = [(trips[0].route.depot_id, 0.0)]
    for trip in trips:
        for leg in trip.legs:
            places.append((leg.destination_id, places[-1][1] + leg.km))
    return tuple(places)


def _sites(given: StudyInput, options: Options) -> list[ChargeSite]:
    """Return the plan's open sites; those with a charger today cost nothing more."""
    existing, closed = set(options.names("existing")), set(options.names("closed"))
    fixed = options.figure("connection_cny_per_year")
    return [
        ChargeSite(name, fixed, is_existing=name in existing, is_allowed=name not in closed)
        for name in given.verified.plan.siting.open_ids
    ]


def _sentences(
    plan: ChargerPlan, tours: list[Tour], left: Mapping[str, Message], ranges: list[float]
) -> tuple[Message, ...]:
    if not tours:
        return (Message("study_answer_chargers_none"),)
    slow = sum(station.slow_plugs for station in plan.stations)
    fast = sum(station.fast_plugs for station in plan.stations)
    told = {
        "sites": len(plan.stations),
        "vehicles": len(tours) - len(left),
        "slow": slow,
        "fast": fast,
        "cost": round(sum(station.yearly_cny for station in plan.stations)),
    }
    longest = {"km": rounded(max(tour.km for tour in tours)), "range": ", ".join(f"{km:g}" for km in ranges)}
    said = [Message("study_answer_chargers", told), Message("study_chargers_range", longest)]
    if left:
        said.append(Message("study_chargers_left", {"count": len(left)}))
    return (*said, status_message(plan.report))


def _fixes(
    left: Mapping[str, Message],
    tours: list[Tour],
    vehicles: Mapping[str, ElectricVehicle],
    sites: list[ChargeSite],
    rules: ChargerRules,
) -> dict[str, tuple[Message, ...]]:
    """Return for each vehicle's day that is left out the single changes that are enough."""
    allowed, closed = ({s.place_id for s in sites if s.is_allowed is wanted} for wanted in (True, False))
    return {
        tour.tour_id: tour_fixes(tour, vehicles[tour.vehicle_type_id], allowed, closed, rules)
        for tour in tours
        if tour.tour_id in left
    }


def _figures(plan: ChargerPlan, tours: list[Tour]) -> dict[str, Cell]:
    return {
        "charger_sites": len(plan.stations),
        "slow_plugs": sum(station.slow_plugs for station in plan.stations),
        "fast_plugs": sum(station.fast_plugs for station in plan.stations),
        "power_kw": sum(station.kw for station in plan.stations),
        "cost_cny_per_year": sum(station.yearly_cny for station in plan.stations),
        "electric_vehicles": len(tours),
        "longest_day_km": max((tour.km for tour in tours), default=0.0),
    }


def _tables(
    plan: ChargerPlan,
    left: Mapping[str, Message],
    fixes: Mapping[str, tuple[Message, ...]],
    facilities: pd.DataFrame,
) -> tuple[StudyTable, ...]:
    rows = tuple(
        (
            s.place_id,
            str(facilities.loc[s.place_id, "name"]),
            s.night_vehicles,
            s.slow_plugs,
            s.fast_plugs,
            s.kw,
            s.night_kwh,
            s.day_kwh,
            s.yearly_cny,
        )
        for s in plan.stations
    )
    tables = [StudyTable("table_study_chargers", _STATION_COLUMNS, rows)] if rows else []
    if left:
        columns = (StudyColumn("vehicle_day"), StudyColumn("reason", "message"), StudyColumn("enough_alone", "message"))
        nothing = (Message("charger_fix_none"),)
        told = tuple((day, reason, fix) for day, reason in left.items() for fix in fixes[day] or nothing)
        tables.append(StudyTable("table_study_not_electric", columns, told))
    return tuple(tables)


def _places(plan: ChargerPlan, facilities: pd.DataFrame) -> tuple[StudyPlace, ...]:
    shown = []
    for s in plan.stations:
        row = facilities.loc[s.place_id]
        facts: dict[str, Cell] = {"slow_plugs": s.slow_plugs, "fast_plugs": s.fast_plugs, "power_kw": s.kw}
        at = s.place_id, str(row["name"]), float(row["lon"]), float(row["lat"])
        shown.append(StudyPlace(*at, "charger", facts))
    return tuple(shown)


KINDS = (
    StudyKind(
        "chargers",
        (
            StudyOption("winter", "switch", True),
            StudyOption("electrify", "names", ()),
            StudyOption("range_km", "number", 150.0, above=0),
            StudyOption("winter_range_share", "number", 0.67, above=0, high=1),
            StudyOption("kwh_per_km", "number", 0.35, above=0),
            StudyOption("connection_cny_per_year", "number", 1000.0, low=0),
            StudyOption("existing", "names", (), meaning="study_option_existing_chargers"),
            StudyOption("closed", "names", (), meaning="study_option_closed_chargers"),
        ),
        answer_chargers,
    ),
)
