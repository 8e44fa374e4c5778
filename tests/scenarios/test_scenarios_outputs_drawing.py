"""Trips drawn along the roads: as long as the travel times say, on the road, and straight where there is none."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import shapely

from geodata.completion import complete
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.plan import Kpi, KpiSet, Plan, PlanProblem, VerifiedPlan
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.routing.result import Route, RoutingResult, Stop
from planner.siting.result import SitingResult
from scenarios.content import RunContent
from scenarios.outputs.answer import routing_sentence
from scenarios.outputs.drawing import along_roads, draw
from scenarios.outputs.facts import map_notes
from scenarios.outputs.map import write_map
from scenarios.outputs.tables import run_tables
from scenarios.studies.study import Study, StudyLine


def content_on_roads() -> RunContent:
    """One station of the reference county serves its three nearest points on one trip."""
    county = complete(reference_county(townships=3), seed=1)
    travel = build_travel(county)
    vehicle = next(v for v in travel.matrices if v != "access")
    matrix = travel.matrices[vehicle]
    facilities = county.facilities
    station = facilities.loc[facilities["kind"] == "township_station", "facility_id"].iloc[0]
    centre = facilities.loc[facilities["kind"] == "county_centre", "facility_id"].iloc[0]
    points = facilities.loc[facilities["kind"] == "village_point", ["facility_id", "village_code"]]
    km = {p: matrix.metres_between(station, p) for p in points["facility_id"]}
    near = sorted(km, key=lambda p: (km[p], p))[:3]
    village = dict(zip(points["facility_id"], points["village_code"], strict=True))
    report = SolveReport("feasible", 1.0, None, "hand")
    siting = SitingResult(
        tuple(sorted([*near, station, centre])),
        (),
        {str(village[p]): p for p in near},
        dict.fromkeys(near, station),
        {station: centre},
        (),
        report,
    )
    stops = tuple(Stop(p, 5.0, 1.0) for p in near)
    route = Route("R1", "township_village", station, vehicle, 1, 5, stops)
    routing = RoutingResult((route,), {station: report}, report, {})
    problem = PlanProblem(county, travel.matrices, ServiceStandard(), SitingSettings(), RoutingSettings())
    kpis = KpiSet((Kpi("K1", "total", 0.1, "share", 3, 30, "villages"),))
    verified = VerifiedPlan(Plan(siting, routing), (), 0.0, 0.0, kpis)
    return RunContent("test", "00000000", "", "en", problem, verified, {}, "0")


@pytest.fixture(scope="module")
def content() -> RunContent:
    return content_on_roads()


def length_m(line: list[tuple[float, float]]) -> float:
    xy = np.array(line) * [111_195 * math.cos(math.radians(line[0][1])), 111_195]
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def test_trip_is_as_long_as_the_travel_times_say(content: RunContent) -> None:
    drawing = draw(content)
    tables = run_tables(content)
    assert drawing.follows_roads
    line = drawing.trips["R1"]
    assert len(line) > 10
    assert line[0] == line[-1]
    assert length_m(line) == pytest.approx(float(tables.routes["trip_km"].iloc[0]) * 1000.0, rel=0.02)


def test_trip_lies_on_the_roads(content: RunContent) -> None:
    roads = content.problem.county.roads
    assert roads is not None
    near_roads = shapely.union_all(shapely.buffer(roads.geometry.to_numpy(), 0.0002))
    facilities = content.problem.county.facilities
    stops = facilities[facilities["facility_id"].isin(content.verified.plan.siting.open_ids)]
    legs = shapely.buffer(shapely.points(stops[["lon", "lat"]].astype(float).to_numpy()), 0.005)
    allowed = shapely.union_all([near_roads, *legs])
    assert shapely.covers(allowed, shapely.LineString(draw(content).trips["R1"]))


def test_every_stop_is_passed_in_order(content: RunContent) -> None:
    line = draw(content).trips["R1"]
    route = content.verified.plan.routing.routes[0]
    places = content.problem.county.facilities.set_index("facility_id")
    positions = []
    for stop in route.stops:
        place = (float(places.loc[stop.facility_id, "lon"]), float(places.loc[stop.facility_id, "lat"]))
        positions.append(line.index(place))
    assert positions == sorted(positions)


def test_lines_of_a_study_follow_the_same_roads(content: RunContent) -> None:
    route = content.verified.plan.routing.routes[0]
    ids = (route.depot_id, *(stop.facility_id for stop in route.stops), route.depot_id)
    at = content.problem.county.facilities.set_index("facility_id")
    path = tuple((float(at.loc[i, "lon"]), float(at.loc[i, "lat"])) for i in ids)
    lines = (StudyLine("R1", path, 0, {}, route.vehicle_type_id, ids), StudyLine("free", path))
    study = Study("day", "day_rounds", None, (), lines=lines)
    with_study = dataclasses.replace(content, studies=(study,))
    drawing = draw(with_study)
    [drawn] = along_roads((study,), drawing)
    assert list(drawn.lines[0].path) == drawing.trips["R1"]
    assert drawn.lines[1].path == path
    straight = dataclasses.replace(drawing, legs={})
    assert along_roads((study,), straight) == (study,)


def test_map_says_how_rounds_are_drawn(content: RunContent, tmp_path: Path) -> None:
    notes = " ".join(map_notes(content, run_tables(content)))
    assert "along the fastest way on the roads" in notes
    assert "straight line ×" not in notes
    write_map(content, tmp_path / "map.html")
    assert "detour factor" not in (tmp_path / "map.html").read_text(encoding="utf-8")


def test_without_roads_trips_are_straight_and_said_to_be(content: RunContent) -> None:
    county = content.problem.county.replace(roads=None)
    travel = build_travel(county)
    problem = dataclasses.replace(content.problem, county=county, travel=travel.matrices)
    straight = dataclasses.replace(content, problem=problem)
    drawing = draw(straight)
    assert not drawing.follows_roads
    assert len(drawing.trips["R1"]) == 5
    notes = " ".join(map_notes(straight, run_tables(straight)))
    assert "straight line × 1.30" in notes and "in the order of the stops" in notes


def test_trip_of_a_site_without_a_place_is_left_out(content: RunContent) -> None:
    facilities = content.problem.county.facilities.copy()
    facilities[["lon", "lat"]] = math.nan
    county = content.problem.county.replace(facilities=facilities)
    lost = dataclasses.replace(content, problem=dataclasses.replace(content.problem, county=county))
    assert draw(lost).trips["R1"] == []


def test_a_bound_that_is_not_known_is_said_so(content: RunContent) -> None:
    assert "not known" in routing_sentence(content)
