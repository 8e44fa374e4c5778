"""Floor and land of every site of the plan: the list in m² for the spatial plan."""

from __future__ import annotations

from geodata.messages import Message
from planner.progress import ProgressListener
from planner.siting.land import LandRow, land_of_plan
from scenarios.studies.options import Options
from scenarios.studies.study import Cell, Study, StudyColumn, StudyInput, StudyKind, StudyOption, StudyPlace, StudyTable

_COLUMNS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("kind", "label"),
    StudyColumn("design_parcels_per_day", "number"),
    StudyColumn("floor_m2", "number"),
    StudyColumn("existing_floor_m2", "number"),
    StudyColumn("missing_floor_m2", "number"),
    StudyColumn("land_m2", "number"),
    StudyColumn("land_way", "label"),
)


def answer_land(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a land study: nothing is optimised, the plan's sites are measured."""
    options, county = Options(given.options), given.problem.county
    asked = options.number("design_day_factor")
    factor = county.parameters["peak_day_factor"] if asked is None else asked
    rows = land_of_plan(county, given.verified.plan.siting, design_day_factor=factor)
    facilities = county.facilities.set_index("facility_id")
    names = {str(f): str(n) or str(f) for f, n in facilities["name"].items()}
    totals = {
        "sites": len(rows),
        "short": sum(row.missing_floor_m2 > 0.0 for row in rows),
        "missing_m2": round(sum(row.missing_floor_m2 for row in rows)),
        "land_m2": round(sum(row.land_m2 for row in rows)),
        "factor": round(factor, 2),
    }
    figures: dict[str, Cell] = {
        "open_sites": len(rows),
        "floor_m2": sum(row.floor_m2 for row in rows),
        "existing_floor_m2": sum(row.existing_floor_m2 for row in rows),
        "missing_floor_m2": sum(row.missing_floor_m2 for row in rows),
        "land_m2": sum(row.land_m2 for row in rows),
    }
    places = tuple(_place(row, names, facilities.loc[row.facility_id]) for row in rows)
    table = StudyTable("table_study_land", _COLUMNS, tuple(_row(row, names) for row in rows))
    return Study(
        name=given.name,
        kind="land",
        report=None,
        answer=(Message("study_answer_land", totals),),
        figures=figures,
        tables=(table,),
        places=places,
        assumptions=(Message("study_assumption_land"),),
    )


def _row(row: LandRow, names: dict[str, str]) -> tuple[Cell, ...]:
    areas = (row.floor_m2, row.existing_floor_m2, row.missing_floor_m2, row.land_m2)
    told = (row.facility_id, names[row.facility_id], f"kind_{row.kind}", row.design_parcels_per_day)
    return (*told, *areas, f"land_way_{row.way}")


def _place(row: LandRow, names: dict[str, str], site: object) -> StudyPlace:
    lon, lat = float(site["lon"]), float(site["lat"])  # type: ignore[index]
    facts: dict[str, Cell] = {"floor_m2": row.floor_m2, "missing_floor_m2": row.missing_floor_m2}
    mark = "chosen" if row.missing_floor_m2 > 0.0 else "kept"
    return StudyPlace(row.facility_id, names[row.facility_id], lon, lat, mark, facts)  # type: ignore[arg-type]


KINDS = (
    StudyKind("land", (StudyOption("design_day_factor", "number", None, above=0, is_optional=True),), answer_land),
)
