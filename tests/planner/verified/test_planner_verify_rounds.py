"""Engines against checker: the rounds of random counties, with missing roads and scarce vehicles, break no rule."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from networks.matrix import TravelMatrix
from planner.design_settle import settle
from planner.plan import Plan, PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.routing.rounds import solve_rounds
from planner.siting.result import SitingResult
from planner.verify import recompute_costs, violations

NAN = float("nan")
SPEEDS_KMH = {"truck": 40.0, "van": 30.0, "trike": 15.0}
KINDS = {"C": "county_centre", "S": "township_station", "P": "village_point"}


class RandomCounty:
    """A county with one centre, up to three stations and up to a dozen villages with a point each."""

    def __init__(self, seed: int, base: PlanProblem) -> None:
        self.rng = np.random.default_rng(seed)
        self.base = base
        stations = [f"S{i}" for i in range(int(self.rng.integers(1, 4)))]
        points = [f"P{i:02d}" for i in range(int(self.rng.integers(2, 13)))]
        self.sites = ["C1", *stations, *points]
        self.station_of_point = {point: stations[int(self.rng.integers(len(stations)))] for point in points}
        self.place = {site: self.rng.uniform(-25.0, 25.0, 2) for site in ["C1", *stations]}
        for point, station in self.station_of_point.items():
            self.place[point] = self.place[station] + self.rng.normal(0.0, 6.0, 2)
        self.centre_of_station = dict.fromkeys(stations, "C1")

    def matrix(self, profile: str, missing_share: float) -> TravelMatrix:
        xy = np.array([self.place[site] for site in self.sites])
        km = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1)) * self.rng.uniform(
            1.0, 1.3, (len(xy),) * 2
        )
        km[(self.rng.random(km.shape) < missing_share) & ~np.eye(len(xy), dtype=bool)] = np.inf
        labels = tuple(self.sites)
        return TravelMatrix(labels, labels, km / SPEEDS_KMH[profile] * 60.0, km * 1000.0, profile, "straight line")

    def table(self, name: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=list(self.base.county.table(name).columns))

    def _tables(self) -> dict[str, pd.DataFrame]:
        rng, place = self.rng, (109.0, 27.0)
        villages = {f"V{point[1:]}": point for point in self.station_of_point}
        scale = float(rng.choice([0.5, 5.0, 80.0]))  # from a few parcels to many full loads
        return {
            "villages": self.table("villages", [(v, v, "T", 900.0, *place, "220", "") for v in villages]),
            "townships": self.table("townships", [("T", "T", 1.0, *place)]),
            "demand": self.table(
                "demand",
                [(v, "post", rng.uniform(0.0, 40.0) * scale, rng.uniform(0.0, 15.0) * scale) for v in villages],
            ),
            "facilities": self.table(
                "facilities",
                [
                    (
                        *(site, site, KINDS[site[0]], str(rng.choice(["existing", "candidate"]))),
                        *(str(rng.choice(["free", "free", "open"])), "post", "T", "V" + site[1:], *place),
                        *(NAN, 1000.0, 3650.0, 365.0, NAN, ""),
                    )
                    for site in self.sites
                ],
            ),
            "vehicles": self.table(
                "vehicles",
                [
                    ("truck", "", "county_township", rng.integers(1, 4), 1500.0, 16.0, 80.0, 0.6, "diesel", 0.1, NAN, NAN, 8.0),
                    ("van", "", str(rng.choice(["both", "township_village"])), rng.integers(0, 6), 800.0, 4.5, 40.0, 0.3, "electric", 0.2, 150.0, NAN, 8.0),
                    ("trike", "", "township_village", rng.choice([1.0, 4.0, NAN]), 180.0, 1.4, 10.0, 0.1, "electric", 0.05, 60.0, NAN, 8.0),
                ],
            ),
        }  # fmt: skip

    def problem(self) -> PlanProblem:
        base = self.base.county
        empty = {name: base.table(name).iloc[:0] for name in ("hamlets", "bus_stops")}
        missing = float(self.rng.choice([0.0, 0.0, 0.15]))
        to_own_point = np.zeros((len(self.station_of_point),) * 2)
        to_own_point[~np.eye(len(to_own_point), dtype=bool)] = np.inf
        points = tuple(self.station_of_point)
        access = TravelMatrix(tuple("V" + p[1:] for p in points), points, to_own_point, to_own_point.copy(), "a", "x")
        return PlanProblem(
            county=base.replace(**empty, **self._tables()),
            travel={"access": access, **{kind: self.matrix(kind, missing) for kind in SPEEDS_KMH}},
            standard=ServiceStandard(
                population_share=0.0,
                village_point_share=0.0,
                township_station_share=0.0,
                visits_per_week=int(self.rng.choice([3, 5, 7])),
            ),
            siting=SitingSettings(),
            routing=RoutingSettings(solution_limit=10, exact_stops=5),
        )

    def siting(self) -> SitingResult:
        return SitingResult(
            open_ids=tuple(sorted(self.sites)),
            closed_ids=(),
            point_of_village={"V" + point[1:]: point for point in self.station_of_point},
            station_of_point=self.station_of_point,
            centre_of_station=self.centre_of_station,
            unserved=(),
            report=SolveReport("feasible", 1.0, None, "drawn by lot"),
        )


@pytest.fixture(scope="module")
def planned(hand_problem):
    """Sixteen random counties with their rounds."""
    cases = []
    for seed in range(16):
        county = RandomCounty(seed, hand_problem)
        problem, siting = county.problem(), county.siting()
        cases.append((problem, Plan(siting, solve_rounds(problem, siting))))
    return cases


def test_rounds_of_random_counties_break_no_rule(planned):
    for problem, plan in planned:
        found = violations(problem, settle(problem, plan))
        assert [message.text("en") for message in found] == []


def test_random_counties_are_varied_enough_to_mean_something(planned):
    dropped = [bool(plan.routing.dropped) for _, plan in planned]
    assert any(dropped)
    assert not all(dropped)
    stops = [[stop.facility_id for route in plan.routing.routes for stop in route.stops] for _, plan in planned]
    assert any(len(visited) > len(set(visited)) for visited in stops), "no load was split"


def test_trip_turned_round_is_noticed(planned):
    """Ways differ by direction here, so a turned trip costs more or less than its report says."""
    noticed = 0
    for problem, plan in planned:
        stated = daily_cost(problem, plan)
        for i, route in enumerate(plan.routing.routes):
            routes = list(plan.routing.routes)
            routes[i] = dataclasses.replace(route, stops=route.stops[::-1])
            turned = dataclasses.replace(plan, routing=dataclasses.replace(plan.routing, routes=tuple(routes)))
            if abs(daily_cost(problem, turned) - stated) > 1e-3:
                keys = {message.key for message in violations(problem, settle(problem, turned))}
                assert "check_round_cost" in keys
                noticed += 1
    assert noticed > 3


def daily_cost(problem, plan):
    return sum(line.cny_per_day for line in recompute_costs(problem, plan))
