"""A county's stations as a merger: ways by road, needs of functions, hours, partners, who hosts whom, shares that sum to one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from geodata.completion import complete
from geodata.county import County
from geodata.frames import canonical_frame, haversine_km
from geodata.parameters import default_parameters
from geodata.reference import reference_county
from networks.providers import build_travel
from networks.walking import walking_matrix
from planner.cooperation.merge_build import LOOK, MergeCase, build_merge
from planner.cooperation.merge_functions import forbidden_ways, function_need, may_be_guest
from planner.cooperation.merge_shares import merge_blocks, moves_of, nearest, services_of, shares_of
from planner.cooperation.stations_merge import MergePlan, check_merge, merge_effect, merge_stations


@cache
def county() -> County:
    return complete(reference_county(townships=3, villages=15, seed=1), seed=1)


def on_a_line(*stations: dict[str, Any], demand: float = 10.0, **terms: Any) -> County:
    """Return two villages 1 km apart without roads, one operator, and the stations listed; parameters are the defaults."""
    base = county()
    villages = base.villages.head(2).copy()
    villages["lon"], villages["lat"] = [109.0, 109.0], [27.0, 27.0 + 1.0 / 111.195]
    villages["population"] = [100.0, 50.0]
    codes = villages["village_code"].tolist()
    rows = [
        {"lon": 109.0, "lat": villages["lat"].iloc[s["at"]], "village_code": codes[s["at"]], "township_code": ""}
        | {key: value for key, value in s.items() if key != "at"}
        for s in stations
    ]
    flows = [
        {"village_code": code, "operator_id": "zto", "inbound_parcels_per_day": demand, "outbound_parcels_per_day": 0.0}
        for code in codes
    ]
    return replace(
        base,
        villages=villages,
        roads=None,
        demand=canonical_frame(flows, "demand"),
        facilities=base.facilities[base.facilities["status"] != "existing"],
        operator_stations=canonical_frame(rows, "operator_stations"),
        operator_terms=canonical_frame([{"operator_id": "zto", **terms}] if terms else [], "operator_terms"),
    )


SHOP = {
    "station_id": "S",
    "functions": "shop",
    "rent_cny_per_year": 3650.0,
    "keeper_cny_per_month": 0.0,
    "area_m2": 60.0,
}
COUNTER = {
    "station_id": "Z", "functions": "courier", "operator_id": "zto", "rent_cny_per_year": 7300.0, "keeper_cny_per_month": 0.0,
    "area_m2": 30.0,
}  # fmt: skip


def solved(case: MergeCase) -> MergePlan:
    plan = merge_stations(case.problem)
    assert plan.report.status == "optimal"
    assert check_merge(case.problem, plan) == ()
    return plan


# ---- ways


def test_ways_are_those_of_the_roads_where_there_are_roads() -> None:
    case = build_merge(county(), standard_km=3.0)
    assert case.provider == "road graph"
    assert "merge_assumed_road" in [note.key for note in case.assumptions]
    access = build_travel(county(), access_cutoff_km=3.0 * LOOK).matrices["access"]
    stations = case.problem.station_ids
    points = [j for j, name in enumerate(stations) if name in access.destination_ids]
    assert points
    seen = 0
    dense = case.problem.metres.toarray()
    for i, code in enumerate(case.customers["village_code"]):
        for j in points:
            by_road = access.metres_between(code, stations[j])
            assert dense[i, j] == pytest.approx(max(1.0, by_road) if np.isfinite(by_road) else 0.0)
            seen += dense[i, j] > 0.0
    assert seen > 50
    # Roads are no straight lines: somewhere the way is longer than any usual detour factor would say.
    villages = county().villages.set_index("village_code").loc[case.customers["village_code"], ["lon", "lat"]]
    at = case.stations[["lon", "lat"]].to_numpy(dtype=float)
    lonlat = villages.to_numpy(dtype=float)
    straight = 1000.0 * haversine_km(lonlat[:, :1], lonlat[:, 1:], at[None, :, 0], at[None, :, 1])
    far = (dense > 0.0) & (straight > 200.0)
    ratio = dense[far] / straight[far]
    assert ratio.min() >= 1.0 - 1e-6
    assert ratio.max() > 1.5


def test_ways_without_roads_are_straight_lines_times_the_factor() -> None:
    case = build_merge(on_a_line({**SHOP, "at": 0}, {**COUNTER, "at": 1}), standard_km=2.0, detour_factor=1.4)
    assert case.provider == "straight line"
    assert "merge_assumed_ways" in [note.key for note in case.assumptions]
    dense = case.problem.metres.toarray()
    other = [("S", 1), ("Z", 0)]
    for name, village in other:
        j = case.problem.station_ids.index(name)
        rows = case.customers["village_code"] == county().villages["village_code"].iloc[village]
        assert dense[rows.to_numpy(), j] == pytest.approx(1400.0, rel=1e-4)
    assert dense.min() == 1.0  # a village's own station


def test_a_walking_matrix_is_cut_off() -> None:
    places = pd.DataFrame({"place_id": ["a", "b"], "lon": [109.0, 109.0], "lat": [27.0, 27.1]})
    found = walking_matrix(replace(county(), roads=None), places, places, cutoff_km=5.0, detour_factor=1.0)
    assert np.isinf(found.metres_between("a", "b"))
    assert found.metres_between("a", "a") == 0.0


# ---- needs


def test_needs_of_a_counter_grow_with_its_parcels() -> None:
    parameters = default_parameters()
    need = function_need(parameters, "courier:zto", 40.0)
    assert need.counter_m2 == 2.0
    # 40 a day for 1.5 days, 0.0083 m³ each, half a cubic metre on a square metre.
    assert need.shelf_m2 == pytest.approx(0.5 + 40 * 1.5 * parameters["parcel_volume_m3"] / 0.5)
    assert need.keeper_h == pytest.approx(0.5 + 40 * 0.5 / 60)
    assert need.open_h == 6.0
    assert function_need(parameters, "info", 0.0).keeper_h == 0.5


def test_a_counter_moves_into_the_shop_and_the_money_is_that_of_the_parts() -> None:
    case = build_merge(on_a_line({**SHOP, "at": 0}, {**COUNTER, "at": 1}), standard_km=2.0, detour_factor=1.0)
    plan = solved(case)
    problem = case.problem
    s, z = (problem.station_ids.index(name) for name in ("S", "Z"))
    assert plan.stays[s]
    assert not plan.stays[z]
    # Today 10 + 20. After: 10, the keeper's half hour at 12, and a commission of 0.3 on 20 parcels.
    assert plan.today_cny == pytest.approx(30.0)
    assert plan.report.objective == pytest.approx(10.0 + 6.0 + 0.3 * 20.0)
    assert dict(merge_blocks(case, plan)) == pytest.approx(
        {"merge_today": 30.0, "merge_rent": -20.0, "merge_keeper": 0.0, "merge_hosting": 12.0}
    )
    (move,) = moves_of(problem, plan)
    assert (move.station, move.host, problem.function_ids[move.function]) == (z, s, "courier:zto")
    assert move.weight == 20.0
    # The village with the counter walks a kilometre now, the other one less: it has the shop.
    assert (move.before_m, move.after_m) == pytest.approx((500.5, 500.5), rel=1e-3)
    longer = merge_effect(problem, plan).longer_m
    assert longer.max() == pytest.approx(999.0, rel=1e-3)
    shares = shares_of(case, plan)
    assert sum(share.cny_per_day for share in shares) == pytest.approx(float(plan.report.objective or 0.0))
    assert sum(share.floor_share for share in shares) == pytest.approx(1.0)
    assert sum(share.time_share for share in shares) == pytest.approx(1.0)
    counter = next(
        service
        for service in services_of(problem, plan)
        if service.stations_before == 1 and move.function == service.function
    )
    assert (counter.stations_after, counter.near_before, counter.near_after) == (1, 1.0, 1.0)


@pytest.mark.parametrize(
    "binding",
    [
        {"area_m2": 24.0},  # the shop takes 23 of them
        {"shelf_m2": 8.2},  # and 8 of shelf
        {"keeper_h_per_day": 4.5},  # and 4 of the keeper's hours; the counter asks for 0.5 and its parcels
        {"opens_at": "09:00", "closes_at": "13:00"},  # open four hours; a counter asks for six
    ],
)
def test_floor_shelf_keeper_and_hours_each_keep_the_counter_out(binding: dict[str, Any]) -> None:
    rows = {**SHOP, "at": 0, **binding}, {**COUNTER, "at": 1}
    plan = solved(build_merge(on_a_line(*rows), standard_km=2.0, detour_factor=1.0))
    assert plan.stays.all()
    assert plan.report.objective == pytest.approx(30.0)


def test_a_head_office_that_shares_with_no_shop_keeps_its_counter() -> None:
    shops = on_a_line({**SHOP, "at": 0}, {**COUNTER, "at": 1}, not_shared="shop；bus")
    assert solved(build_merge(shops, standard_km=2.0, detour_factor=1.0)).stays.all()
    with_post = on_a_line({**SHOP, "functions": "shop;post_office", "at": 0}, {**COUNTER, "at": 1}, not_shared="shop")
    assert not solved(build_merge(with_post, standard_km=2.0, detour_factor=1.0)).stays.all()
    forbidden = forbidden_ways(shops.operator_terms)
    assert may_be_guest("info", ["shop"], forbidden)
    assert not may_be_guest("courier:zto", ["shop", "bus_stop"], forbidden)
    assert may_be_guest("courier:zto", ["post_office:china_post"], forbidden)
    assert may_be_guest("courier:yto", ["shop"], forbidden)


# ---- the reference county


def test_shares_moves_and_blocks_of_a_county_sum() -> None:
    case = build_merge(county(), standard_km=3.0)
    plan = solved(case)
    problem = case.problem
    assert not plan.stays.all()
    objective = float(plan.report.objective or 0.0)
    blocks = merge_blocks(case, plan)
    assert sum(blocks.values()) == pytest.approx(objective)
    shares = shares_of(case, plan)
    assert sum(share.cny_per_day for share in shares) == pytest.approx(objective)
    for j in np.flatnonzero(plan.stays):
        own = [share for share in shares if share.station == j]
        assert sum(share.floor_share for share in own) == pytest.approx(1.0)
        assert sum(share.time_share for share in own) == pytest.approx(1.0)
    before, ways = nearest(problem, problem.has_today)
    assert ways == pytest.approx(merge_effect(problem, plan).before_m)
    moves = moves_of(problem, plan)
    leaving = {(m.station, m.function) for m in moves}
    gone = problem.has_today & ~(plan.hosts & plan.stays[:, None])
    assert leaving == {(int(j), int(k)) for j, k in zip(*np.nonzero(gone), strict=True)}
    for j, k in leaving:
        came = problem.weight[(before == j) & (problem.customer_function == k)].sum()
        assert sum(m.weight for m in moves if (m.station, m.function) == (j, k)) == pytest.approx(came)
    for service in services_of(problem, plan):
        assert service.near_after >= service.near_before - 1e-12


def test_nobody_in_sight_is_told_as_such() -> None:
    problem = replace(
        build_merge(on_a_line({**SHOP, "at": 0}, {**COUNTER, "at": 1}), standard_km=2.0).problem,
        metres=sparse.csr_array(np.zeros((4, 2))),
    )
    found, ways = nearest(problem, problem.has_today)
    assert (found == -1).all()
    assert np.isinf(ways).all()
