"""A county on one line, planned by hand: every figure below can be checked with a pencil.

Places on the line (km):  V4 -24 · P3 V3 -22 · SB -20 · C1 0 · SA 10 · P1 V1 12 · P5 13 · P2 V2 14 · hamlet H2 18.
Every vehicle and every villager moves at 30 km/h (2 minutes a kilometre). V5 has no known place.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from geodata.county import County, empty_table
from geodata.parameters import default_parameters
from networks.matrix import TravelMatrix
from planner.plan import Plan, PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.routing.result import Route, RoutingResult, Stop
from planner.siting.result import SitingResult, Unserved

NAN = float("nan")
KM_OF = {
    "C1": 0.0, "C2": 40.0, "SA": 10.0, "SB": -20.0,
    "P1": 12.0, "P2": 14.0, "P3": -22.0, "P4": -24.0, "P5": 13.0,
    "V1": 12.0, "V2": 14.0, "V3": -22.0, "V4": -24.0, "H1": 14.0, "H2": 18.0,
}  # fmt: skip
#: Chosen so that hours, kilometres and instalments come out round.
FIGURES = {
    "discount_rate_share": 0.0,
    "site_life_years": 10.0,
    "driver_cny_per_month": 1740.0,
    "social_insurance_share": 0.0,
    "diesel_cny_per_l": 4.0,
    "electricity_cny_per_kwh": 0.8,
    "sorting_cny_per_parcel": 0.1,
    "stop_base_min": 4.0,
    "stop_s_per_parcel": 3.0,
    "inbound_parcel_kg": 1.5,
    "outbound_parcel_kg": 3.5,
    "parcel_volume_m3": 0.0083,
}


def frame(name: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(empty_table(name).columns))


def matrix(origins: list[str], destinations: list[str], profile: str) -> TravelMatrix:
    metres = np.array([[abs(KM_OF[a] - KM_OF[b]) * 1000.0 for b in destinations] for a in origins])
    return TravelMatrix(tuple(origins), tuple(destinations), metres / 500.0, metres, profile, "straight line", 1.0)


def _facilities() -> pd.DataFrame:
    def row(facility_id, kind, status, township, village, *figures):
        place = (109.0 + KM_OF[facility_id] / 100.0, 27.0)
        return (
            facility_id, facility_id, kind, status, "free", "post", township, village, *place,
            *figures, NAN, "",
        )  # fmt: skip

    return frame(
        "facilities",
        [
            row("C1", "county_centre", "existing", "990001100", NAN, 1000.0, 0.0, 36_500.0, 0.0),
            row("C2", "county_centre", "candidate", "990001100", NAN, NAN, 365_000.0, 36_500.0, 0.0),
            row("SA", "township_station", "existing", "990001100", NAN, 100.0, 0.0, 7_300.0, 0.0),
            row("SB", "township_station", "candidate", "990001200", NAN, NAN, 73_000.0, 3_650.0, 0.0),
            row("P1", "village_point", "existing", "990001100", "V1", NAN, 0.0, 730.0, 365.0),
            row("P2", "village_point", "candidate", "990001100", "V2", NAN, 3_650.0, 365.0, 0.0),
            row("P3", "village_point", "existing", "990001200", "V3", 60.0, 0.0, 1_095.0, 365.0),
            row("P4", "village_point", "candidate", "990001200", "V4", NAN, 3_650.0, 365.0, 0.0),
            row("P5", "village_point", "existing", "990001100", NAN, NAN, 0.0, 1_460.0, 3_650.0),
        ],
    )


def _county() -> County:
    def village(code, township, population, *, is_located=True):
        place = (109.0 + KM_OF[code] / 100.0, 27.0) if is_located else (NAN, NAN)
        return (code, code, township, population, *place, "220", "")

    tables = {name: empty_table(name) for name in ("bus_lines", "bus_departures", "produce")}
    return County(
        county_code="990001",
        name="Hand",
        village_list_id="hand",
        village_list_date="2026",
        villages=frame(
            "villages",
            [
                village("V1", "990001100", 1000.0),
                village("V2", "990001100", 500.0),
                village("V3", "990001200", 800.0),
                village("V4", "990001200", 200.0),
                village("V5", "990001200", 100.0, is_located=False),
            ],
        ),
        hamlets=frame("hamlets", [("H1", "V2", "H1", 100.0, 109.1, 27.0), ("H2", "V2", "H2", 300.0, 109.2, 27.0)]),
        townships=frame(
            "townships", [("990001100", "A", 1500.0, 109.1, 27.0), ("990001200", "B", 1100.0, 108.8, 27.0)]
        ),
        facilities=_facilities(),
        operators=frame("operators", [("post", "Post", "post", 0.5), ("zto", "ZTO", "courier", 0.5)]),
        demand=frame(
            "demand",
            [
                ("V1", "post", 30.0, 10.0),
                ("V1", "zto", 10.0, 0.0),
                ("V2", "post", 20.0, 4.0),
                ("V3", "post", 32.0, 8.0),
                ("V4", "zto", 8.0, 2.0),
                ("V5", "post", 4.0, 0.0),
            ],
        ),
        vehicles=frame(
            "vehicles",
            [
                ("truck", "Truck", "county_township", 2.0, 1500.0, 16.0, 80.0, 0.6, "diesel", 0.1, NAN, NAN, 8.0),
                ("van", "Van", "township_village", 3.0, 800.0, 4.5, 40.0, 0.3, "electric", 0.25, 150.0, NAN, 8.0),
            ],
        ),
        bus_stops=frame(
            "bus_stops",
            [("L1", 1, "a", 109.0, 27.0, 0.0, NAN, NAN, NAN), ("L1", 2, "b", 109.1, 27.0, 9.0, "V1", NAN, NAN)],
        ),
        **tables,
        roads=None,
        boundary=None,
        water=None,
        parameters=default_parameters().with_values(FIGURES, "hand"),
    )


def _problem() -> PlanProblem:
    sites = sorted(place for place in KM_OF if place[0] in "CSP")
    people = sorted(place for place in KM_OF if place[0] in "VH")
    travel: Mapping[str, TravelMatrix] = {
        "access": matrix(people, [site for site in sites if site[0] == "P"], "access"),
        "truck": matrix(sites, sites, "truck"),
        "van": matrix(sites, sites, "van"),
    }
    return PlanProblem(
        county=_county(),
        travel=travel,
        standard=ServiceStandard(access_km=3.0, population_share=0.8, village_point_share=0.6, visits_per_week=5),
        siting=SitingSettings(budget_cny=90_000.0),
        routing=RoutingSettings(depot_loading_min=15.0),
    )


def proved(cost: float) -> SolveReport:
    return SolveReport("optimal", cost, cost, "by hand")


#: 60 km · 1 CNY + 149.2 min · 20 CNY/h; 8 km · 0.5 + 44.18 min · 15 CNY/h; 4 km · 0.5 + 30.5 min · 15 CNY/h; the last
#: two on five days of seven.
ROUND_CNY = {"C1": 60.0 + 149.2 / 3.0, "SA": (4.0 + 44.18 / 4.0) * 5.0 / 7.0, "SB": (2.0 + 30.5 / 4.0) * 5.0 / 7.0}


def _plan() -> Plan:
    siting = SitingResult(
        open_ids=("C1", "P1", "P2", "P3", "SA", "SB"),
        closed_ids=("P5",),
        point_of_village={"V1": "P1", "V2": "P2", "V3": "P3", "V4": "P3"},
        station_of_point={"P1": "SA", "P2": "SA", "P3": "SB"},
        centre_of_station={"SA": "C1", "SB": "C1"},
        unserved=(Unserved("V5", "no_location", {}),),
        report=SolveReport("feasible", 300.0, 290.0, "by hand"),
    )
    routes = (
        Route("a1", "county_township", "C1", "truck", 1, 7, (Stop("SA", 60.0, 14.0), Stop("SB", 40.0, 10.0))),
        Route("b1", "township_village", "SA", "van", 1, 5, (Stop("P1", 56.0, 14.0), Stop("P2", 28.0, 5.6))),
        Route("b2", "township_village", "SB", "van", 2, 5, (Stop("P3", 56.0, 14.0),)),
    )
    reports = {depot: proved(cost) for depot, cost in ROUND_CNY.items()}
    return Plan(siting, RoutingResult(routes, reports, proved(sum(ROUND_CNY.values())), {}))


@pytest.fixture(scope="session")
def hand_problem() -> PlanProblem:
    return _problem()


@pytest.fixture(scope="session")
def hand_plan() -> Plan:
    return _plan()


@pytest.fixture(scope="session")
def change():
    """Return a copy of a problem with cells of one table changed: ``change(problem, table, id, column=value)``."""

    def changed(problem: PlanProblem, table: str, key: str, **cells: object) -> PlanProblem:
        frame_ = problem.county.table(table).copy()
        row = frame_.index[frame_.iloc[:, 0] == key][0]
        for column, value in cells.items():
            frame_[column] = frame_[column].astype(object)
            frame_.loc[row, column] = value
        return dataclasses.replace(problem, county=problem.county.replace(**{table: frame_}))

    return changed
