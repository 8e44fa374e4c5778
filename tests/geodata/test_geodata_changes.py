"""What-if changes of a county, by hand on the reference county."""

import dataclasses

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.changes import CountyChanges, apply_changes
from geodata.changes_direct import with_direct_service
from geodata.completion import complete
from geodata.errors import InputError
from geodata.reference import reference_county

FLOWS = ["inbound_parcels_per_day", "outbound_parcels_per_day"]


@pytest.fixture(scope="module")
def county():
    return complete(reference_county(townships=3, villages=15, seed=1), seed=1)


def changed(county, **values):
    return apply_changes(county, CountyChanges(**values))[0]


def test_nothing_asked_changes_nothing(county):
    same = changed(county)
    assert same.content_hash() == county.content_hash()
    assert same.assumptions == county.assumptions


@given(first=st.floats(0.1, 3), second=st.floats(0.1, 3))
def test_volumes_scale_and_compose(county, first, second):
    once = changed(county, volume_factor=first * second).demand[FLOWS].to_numpy(dtype=float)
    twice = changed(changed(county, volume_factor=first), volume_factor=second).demand[FLOWS].to_numpy(dtype=float)
    assert twice == pytest.approx(once)
    assert once.sum() == pytest.approx(first * second * county.demand[FLOWS].to_numpy(dtype=float).sum())


def test_seasons_touch_their_direction_only(county):
    before = county.demand[FLOWS].astype(float).sum()
    peak = county.parameters["peak_day_factor"]
    festival = changed(county, season="spring_festival").demand[FLOWS].astype(float).sum()
    eleven = changed(county, season="double_eleven").demand[FLOWS].astype(float).sum()
    assert festival.tolist() == pytest.approx([peak * before.iloc[0], before.iloc[1]])
    assert eleven.tolist() == pytest.approx((peak * before).tolist())


def test_harvest_adds_the_months_produce_as_parcels(county):
    village = str(county.villages["village_code"].iloc[0])
    row = {"village_code": village, "product": "柠檬", "first_month": 11, "last_month": 2, "kg_per_day": 70.0}
    produce = pd.DataFrame([{**row, "temperature_class": "ambient"}], columns=county.produce.columns)
    grown = county.replace(produce=produce)
    added = changed(grown, harvest_month=1).demand.set_index(["village_code", "operator_id"])[FLOWS[1]].astype(float)
    before = county.demand.set_index(["village_code", "operator_id"])[FLOWS[1]].astype(float)
    assert (added - before).sum() == pytest.approx(70.0 / county.parameters["outbound_parcel_kg"])
    assert (added - before).groupby("village_code").sum()[village] == pytest.approx((added - before).sum())
    assert changed(grown, harvest_month=6).demand.equals(changed(county, harvest_month=6).demand)


@pytest.mark.parametrize("word", ["@largest", "@smallest"])
def test_an_operator_leaves_with_its_parcels_and_sites(county, word):
    parcels = county.demand.groupby("operator_id")[FLOWS].sum().sum(axis=1)
    gone = parcels.idxmax() if word == "@largest" else parcels.idxmin()
    left = changed(county, operators_leave=(word,))
    assert gone not in set(left.operators["operator_id"])
    assert gone not in set(left.demand["operator_id"])
    assert left.operators["parcel_share"].sum() == pytest.approx(1.0)
    theirs = left.facilities[(left.facilities["operator_id"] == gone)]
    assert not (theirs["lock"] == "free").any()
    assert left.assumptions[-1].key == "change_operators_leave"


def test_brands_share_a_joint_networks_parcels(county):
    total = county.demand.groupby("village_code", sort=True)[FLOWS].sum()
    joint = county.replace(
        operators=county.operators.head(1).assign(operator_id="joint", kind="joint", parcel_share=1.0),
        demand=total.reset_index().assign(operator_id="joint")[list(county.demand.columns)],
    )
    split = changed(joint, brands=True)
    assert len(split.operators) == 8
    assert split.operators["parcel_share"].sum() == pytest.approx(1.0)
    again = split.demand.groupby("village_code", sort=True)[FLOWS].sum()
    assert again.to_numpy(dtype=float) == pytest.approx(total.to_numpy(dtype=float))
    without = changed(joint, brands=True, operators_leave=("@largest",))
    assert "zto" not in set(without.demand["operator_id"])
    assert changed(county, brands=True).operators.equals(county.operators), "its own operators stay"
    with pytest.raises(InputError) as caught:
        changed(joint, operators_leave=("@largest",))
    assert caught.value.problems[0].code == "change_last_operator"


def test_bus_lines_go_from_every_table(county):
    stops = county.bus_stops.groupby("line_id").size()
    left = changed(county, bus_lines_cut=("@largest",))
    gone = set(county.bus_lines["line_id"]) - set(left.bus_lines["line_id"])
    assert gone == {stops.idxmax()}
    for table in ("bus_stops", "bus_departures"):
        assert not gone & set(left.table(table)["line_id"])


def test_sites_are_locked_and_added(county):
    first = str(county.facilities["facility_id"].iloc[0])
    done = changed(county, sites_closed=(first,), sites_added=("village_point 109.2 27.1 新点",))
    rows = done.facilities.set_index("facility_id")
    assert rows.loc[first, "lock"] == "closed"
    assert rows.loc["added-1", ["name", "status", "lock"]].tolist() == ["新点", "candidate", "free"]
    assert changed(county, sites_opened=(first,)).facilities.set_index("facility_id").loc[first, "lock"] == "open"


def test_every_impossible_change_is_named_at_once(county):
    with pytest.raises(InputError) as caught:
        changed(
            county,
            operators_leave=("nobody",),
            bus_lines_cut=("no line",),
            sites_closed=("nowhere",),
            sites_added=("village_point here", "moon 1 2"),
            roads_closed=("no road",),
        )
    found = {(p.column, p.value) for p in caught.value.problems}
    assert found == {
        ("operators_leave", "nobody"),
        ("bus_lines_cut", "no line"),
        ("sites_closed", "nowhere"),
        ("sites_added", "village_point here"),
        ("sites_added", "moon 1 2"),
        ("roads_closed", "no road"),
    }
    assert all(p.text(lang) for p in caught.value.problems for lang in ("en", "zh"))


def test_the_main_road_is_cut_half_way_to_the_largest_far_township(county):
    done, cuts = apply_changes(county, CountyChanges(roads_closed=("@main",)))
    ((a, b), (c, d)) = cuts[0]
    assert abs(a - c) + abs(b - d) > 0.01
    if county.roads is not None:
        assert len(done.roads) < len(county.roads)


def test_direct_service_is_a_free_counter_at_every_centre(county):
    direct = with_direct_service(county).facilities
    added = direct[direct["facility_id"].str.endswith("-direct")]
    centres = county.facilities[county.facilities["kind"] == "county_centre"]
    assert list(added["host"]) == list(centres["facility_id"])
    assert added[["lon", "lat"]].to_numpy().tolist() == centres[["lon", "lat"]].to_numpy().tolist()
    assert (added[["capex_cny", "annual_cost_cny"]].to_numpy() == 0).all()
    assert len(with_direct_service(with_direct_service(county)).facilities) == len(direct)


def test_two_tiers_close_every_ordinary_station(county):
    done = changed(county, two_tiers=True).facilities
    stations = done[done["kind"] == "township_station"]
    is_direct = stations["facility_id"].str.endswith("-direct")
    assert (stations.loc[~is_direct, "lock"] == "closed").all()
    assert (stations.loc[is_direct, "lock"] == "free").all()


def test_changes_are_frozen_values():
    assert dataclasses.is_dataclass(CountyChanges)
    assert CountyChanges() == CountyChanges()


def test_fee_and_subsidy_change_parameters_only(county):
    cheap = changed(county, handover_fee_factor=0.8)
    fee = "post_handover_fee_cny_per_parcel"
    assert cheap.parameters[fee] == pytest.approx(0.8 * county.parameters[fee])
    assert cheap.parameters["subsidy_paid_share"] == 1.0
    assert [note.key for note in cheap.assumptions[len(county.assumptions) :]] == ["change_handover_fee"]
    ended = changed(county, subsidy_ends=True)
    assert ended.parameters["subsidy_paid_share"] == 0.0
    assert ended.parameters[fee] == county.parameters[fee]
    assert ended.demand.equals(county.demand)
    assert [note.key for note in ended.assumptions[len(county.assumptions) :]] == ["change_subsidy_ends"]
