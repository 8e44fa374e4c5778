"""Covering plan with a revenue test: p sites that cover the most parcels, and which of them pay."""

from __future__ import annotations

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.progress import ProgressListener
from planner.siting.covering_plan import CentreEconomy, plan_covering
from planner.siting.refusals import check_problem
from planner.siting.registry import checked_options, model_spec
from scenarios.studies.county_problem import county_problem
from scenarios.studies.options import PLACE_OPTIONS, SIDE_OPTIONS, Options, with_defaults, without
from scenarios.studies.relax import infeasible_error
from scenarios.studies.shown import map_places, percent, rounded, status_message
from scenarios.studies.study import Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyTable

_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("balance_cny_per_year", "cny"),
    StudyColumn("pays", "label"),
)


def answer_covering_plan(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a covering plan with the balance of every chosen site."""
    options = Options(given.options)
    county = county_problem(given.problem, {**given.options, "weight": "parcels"})
    radius = options.figure("radius")
    check_problem(county.siting, model_spec("max_coverage").needs, checked_options("max_coverage", {"radius": radius}))
    economy = CentreEconomy(
        options.figure("margin_cny_per_parcel"),
        options.figure("base_cny_per_year"),
        options.figure("step_cny_per_year"),
        options.figure("step_parcels_per_day"),
    )
    plan = plan_covering(county.siting, radius, economy, limits=given.limits)
    report = plan.selection.report
    if report.status == "infeasible":
        raise infeasible_error("max_coverage", county.siting, {"radius": radius}, given.limits)
    if report.objective is None:
        raise NoSolutionError(Message("siting_no_solution"), [Message("study_fix_limits")])
    covered = sum(centre.parcels_per_day for centre in plan.centres)
    balance = sum(centre.balance_cny_per_year for centre in plan.centres)
    told = {
        "sites": len(plan.centres),
        "radius": rounded(radius),
        "unit": county.unit,
        "percent": percent(covered / max(county.total_weight, 1e-12)),
        "pays": plan.profitable_count,
        "balance": round(balance),
    }
    rows = tuple(
        (
            county.sites[centre.site].place_id,
            county.sites[centre.site].name,
            centre.parcels_per_day,
            centre.balance_cny_per_year,
            "pays_yes" if centre.is_profitable else "pays_no",
        )
        for centre in plan.centres
    )
    return Study(
        name=given.name,
        kind="covering_plan",
        report=report,
        answer=(Message("study_answer_covering_plan", told), status_message(report)),
        reasons=county.reasons,
        figures={
            "open_sites": len(plan.centres),
            "served_parcels": covered,
            "total_parcels": county.total_weight,
            "served_share": covered / max(county.total_weight, 1e-12),
            "paying_sites": plan.profitable_count,
            "balance_cny_per_year": balance,
        },
        tables=(StudyTable("table_study_balances", _COLUMNS, rows),),
        places=map_places(county, plan.selection),
        assumptions=(Message("study_assumption_weight_parcels"), Message("study_assumption_economy")),
    )


KINDS = (
    StudyKind(
        "covering_plan",
        (
            *with_defaults(without(PLACE_OPTIONS, "weight"), demand="villages"),
            *SIDE_OPTIONS,
            StudyOption("radius", "number", 8.0, above=0),
            StudyOption("margin_cny_per_parcel", "number", 0.3),
            StudyOption("base_cny_per_year", "number", 6000.0, low=0),
            StudyOption("step_cny_per_year", "number", 36000.0, low=0),
            StudyOption("step_parcels_per_day", "number", 300.0, above=0),
        ),
        answer_covering_plan,
    ),
)
