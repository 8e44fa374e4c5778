"""What completion fills, by hand; that it says so; and that a second run changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.clusters import default_cluster_count, weighted_clusters
from geodata.completion import complete
from geodata.county import TABLE_COLUMNS, County, empty_table
from geodata.default_vehicles import default_vehicles, ownership_cny_per_day
from geodata.demand import scaled_demand, village_parcels
from geodata.frames import canonical_frame
from geodata.messages import LANGS
from geodata.parameters import default_parameters

PARAMETERS = default_parameters()
COST_COLUMNS = ["capex_cny", "annual_cost_cny", "closing_cost_cny"]


def _county(code: str = "431299", **rows: list[dict[str, object]]) -> County:
    tables = {name: canonical_frame(rows[name], name) if name in rows else empty_table(name) for name in TABLE_COLUMNS}
    return County(
        county_code=code,
        name="test",
        village_list_id=f"villages {code}@2024",
        village_list_date="2024",
        roads=None,
        boundary=None,
        water=None,
        parameters=PARAMETERS,
        **tables,
    )


def _village(number: int, town: int = 1, **columns: object) -> dict[str, object]:
    code = f"4312991{town:02d}"
    place = {"lon": 110 + number / 100, "lat": 28 + town / 10}
    return {"village_code": f"{code}{number:03d}", "name": f"v{number}", "township_code": code, **place, **columns}


def _towns(*population: float) -> list[dict[str, object]]:
    return [
        {
            "township_code": f"4312991{i + 1:02d}",
            "name": f"t{i + 1}",
            "population": p,
            "lon": 110.0,
            "lat": 28 + (i + 1) / 10,
        }
        for i, p in enumerate(population)
    ]


def _keys(county: County) -> list[str]:
    return [message.key for message in county.assumptions]


def test_township_census_is_shared_equally_over_villages_without_a_figure():
    villages = [_village(1, population=500), _village(2), _village(3), _village(4, town=2)]
    done = complete(_county(villages=villages, townships=_towns(1500, 800)))
    assert done.villages["population"].tolist() == [500, 500, 500, 800]
    message = next(m for m in done.assumptions if m.key == "assumed_population_township")
    assert message.params == {"villages": 3, "townships": 2}


def test_used_up_township_figure_gives_the_mean_of_the_other_villages():
    villages = [_village(1, population=900), _village(2, population=300), _village(3)]
    done = complete(_county(villages=villages, townships=_towns(1000)))
    assert done.villages["population"].tolist() == [900, 300, 600]
    assert "assumed_population_mean" in _keys(done)


def test_county_figure_is_shared_where_no_township_has_one():
    villages = [_village(1, population=400), _village(2), _village(3)]
    done = complete(_county(villages=villages, townships=_towns(float("nan"))), county_population=1000)
    assert done.villages["population"].tolist() == [400, 300, 300]
    assert done.townships["population"].tolist() == [1000]
    assert "assumed_population_county" in _keys(done)


def test_without_any_figure_the_default_village_is_assumed():
    done = complete(_county(villages=[_village(1)], townships=_towns(float("nan"))))
    assert done.villages["population"].tolist() == [PARAMETERS["unlisted_village_residents"]]
    assert "assumed_population_default" in _keys(done)


def test_demand_follows_the_model():
    done = complete(_county(villages=[_village(1, population=1000)], townships=_towns(1000)))
    flows = village_parcels(done.demand).iloc[0]
    assert flows["inbound_parcels_per_day"] == pytest.approx(40.0)
    # Total 40 / 0.85 = 47.0588, so 7.0588 go out.
    assert flows["outbound_parcels_per_day"] == pytest.approx(40 / 0.85 - 40)
    assert done.operators["operator_id"].tolist() == ["joint"]


def test_given_demand_is_kept_and_gaps_are_filled():
    demand = [{"village_code": _village(1)["village_code"], "operator_id": "a", "inbound_parcels_per_day": 17}]
    villages = [_village(1, population=1000), _village(2, population=500)]
    done = complete(_county(villages=villages, townships=_towns(1500), demand=demand))
    assert done.operators[["operator_id", "parcel_share"]].to_numpy().tolist() == [["a", 1.0]]
    flows = village_parcels(done.demand)
    assert flows["inbound_parcels_per_day"].tolist() == pytest.approx([17, 20])
    assert flows["outbound_parcels_per_day"].tolist() == pytest.approx([17 * 3 / 17, 20 * 3 / 17])


def test_operator_shares_are_completed_and_scaled():
    operators = [{"operator_id": "a", "name": "A", "parcel_share": 0.5}, {"operator_id": "b", "name": "B"}]
    done = complete(_county(villages=[_village(1)], townships=_towns(1000), operators=operators))
    assert done.operators["parcel_share"].tolist() == [0.5, 0.5]
    whole = [{"operator_id": "a", "name": "A", "parcel_share": 2}, {"operator_id": "b", "name": "B", "parcel_share": 6}]
    done = complete(_county(villages=[_village(1)], townships=_towns(1000), operators=whole))
    assert done.operators["parcel_share"].tolist() == [0.25, 0.75]
    assert "assumed_operator_scaled" in _keys(done)


def test_centre_candidates_are_the_three_most_populous_towns():
    villages = [_village(1, town=town, population=10) for town in (1, 2, 3, 4)]
    done = complete(_county(villages=villages, townships=_towns(100, 400, 300, 200)))
    centres = done.facilities[done.facilities["kind"] == "county_centre"]
    assert centres["name"].tolist() == ["t2", "t3", "t4"]
    assert centres["status"].tolist() == ["candidate"] * 3


def test_sites_get_candidates_and_costs():
    done = complete(_county(villages=[_village(1), _village(2)], townships=_towns(1000)))
    kinds = done.facilities["kind"].value_counts().to_dict()
    assert kinds == {"village_point": 2, "township_station": 1, "county_centre": 1}
    assert not done.facilities[COST_COLUMNS].isna().any().any()
    assert done.facilities["capacity_parcels_per_day"].isna().all()
    sites = done.facilities.set_index("kind")
    # 12 months × (1 yuan × 15 m² + 450 yuan keeper); 12 × (6 × 120 + 4,800 × 1.28); 12 × 12 × 1,639.
    assert sites.loc["village_point", "annual_cost_cny"].tolist() == [5580.0, 5580.0]
    assert sites.loc["township_station", "annual_cost_cny"] == pytest.approx(82_368.0)
    assert sites.loc["county_centre", "annual_cost_cny"] == pytest.approx(236_016.0)
    assert sites["capex_cny"].unique().tolist() == [4_000_000.0, 600_000.0, 5_000.0]


def test_existing_sites_keep_their_figures_and_cost_no_investment():
    point = {
        "facility_id": "X",
        "kind": "village_point",
        "status": "existing",
        "village_code": _village(1)["village_code"],
    }
    station = {"facility_id": "Y", "kind": "township_station", "status": "existing", "township_code": "431299101"}
    facilities = [{**point, "annual_cost_cny": 77}, station]
    done = complete(_county(villages=[_village(1), _village(2)], townships=_towns(1000), facilities=facilities))
    sites = done.facilities.set_index("facility_id")
    assert sites.loc["X", ["capex_cny", "annual_cost_cny", "township_code"]].tolist() == [0.0, 77.0, "431299101"]
    assert sites.loc["Y", "capex_cny"] == 0.0
    assert sites.loc["X", ["lon", "lat"]].tolist() == [110.01, 28.1]
    assert sorted(sites.index) == ["C431299101", "P431299101002", "S431299101", "X", "Y"]


def test_listed_candidates_are_the_full_list_of_their_kind():
    point = {
        "facility_id": "X",
        "kind": "village_point",
        "status": "candidate",
        "village_code": _village(1)["village_code"],
    }
    done = complete(_county(villages=[_village(1), _village(2)], townships=_towns(1000), facilities=[point]))
    assert done.facilities.loc[done.facilities["kind"] == "village_point", "facility_id"].tolist() == ["X"]


def test_unlocated_village_stays_without_place_unless_asked():
    villages = [_village(1), _village(2, lon=np.nan, lat=np.nan)]
    plain = complete(_county(villages=villages, townships=_towns(1000)))
    assert plain.villages["lon"].isna().tolist() == [False, True]
    assert "P431299101002" not in set(plain.facilities["facility_id"])
    placed = complete(_county(villages=villages, townships=_towns(1000)), place_unlocated="township_seat")
    assert placed.villages[["lon", "lat"]].to_numpy()[1].tolist() == [110.0, 28.1]
    assert placed.villages["location_note"][1] != ""
    assert "P431299101002" in set(placed.facilities["facility_id"])
    note = next(m for m in placed.assumptions if m.key == "assumed_unlocated_at_seat")
    assert note.params == {"villages": 1}


def test_townships_come_from_codes_before_clusters():
    villages = [{**_village(i, town), "township_code": ""} for i, town in ((1, 1), (2, 1), (3, 2))]
    done = complete(_county(villages=villages))
    assert done.townships["township_code"].tolist() == ["431299101", "431299102"]
    assert done.villages["township_code"].tolist() == ["431299101", "431299101", "431299102"]
    assert done.townships["lon"].tolist() == pytest.approx([110.015, 110.03])
    assert "assumed_townships_clusters" not in _keys(done)


def test_absent_township_tier_becomes_seeded_clusters():
    # Two groups of six villages, 50 km apart: two clusters whatever the seed.
    villages = [
        {
            "village_code": f"990009{i:06d}",
            "name": f"v{i}",
            "lon": 110 + i % 6 / 100 + i // 6 / 2,
            "lat": 28.0,
            "population": 100,
        }
        for i in range(12)
    ]
    for seed in range(5):
        done = complete(_county("990009", villages=villages), seed=seed)
        assert done.townships["township_code"].tolist() == ["990009001", "990009002"]
        assert done.villages["township_code"].tolist() == ["990009001"] * 6 + ["990009002"] * 6
        assert done.townships["population"].tolist() == [600, 600]
        # The seat is the member nearest to the middle of 0…5.
        assert done.townships["name"].isin(["v2", "v3", "v8", "v9"]).all()
        note = next(m for m in done.assumptions if m.key == "assumed_townships_clusters")
        assert (note.params["townships"], note.params["seed"]) == (2, seed)
    # Clusters are no populous places: centres are villages.
    centres = done.facilities[done.facilities["kind"] == "county_centre"]
    assert centres["facility_id"].tolist() == ["C990009000000", "C990009000001", "C990009000002"]
    three = complete(_county("990009", villages=villages), township_cluster_count=3)
    assert len(three.townships) == 3


def test_cluster_count_is_one_for_about_twelve_villages():
    assert [default_cluster_count(n) for n in (1, 2, 24, 36, 72, 223)] == [1, 2, 2, 3, 6, 19]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 99))
def test_clusters_cover_everything_and_none_is_empty(count, k, seed):
    rng = np.random.Generator(np.random.PCG64(seed))
    points = rng.random((count, 2))
    weights = rng.uniform(1, 9, count)
    k = min(k, count)
    labels, centres = weighted_clusters(points, weights, k, seed=seed)
    assert sorted(set(labels.tolist())) == list(range(k))
    assert centres.shape == (k, 2)
    again, _ = weighted_clusters(points, weights, k, seed=seed)
    assert np.array_equal(labels, again)


def test_default_fleet_serves_both_legs():
    done = complete(_county(villages=[_village(1)], townships=_towns(1000)))
    assert done.vehicles.set_index("vehicle_type_id")["tier"].to_dict() == {
        "box_truck": "county_township",
        "minivan": "township_village",
        "tricycle": "township_village",
    }
    assert done.vehicles["vehicle_count"].isna().all()
    own = [{"vehicle_type_id": "v", "tier": "both", "payload_kg": 1000, "volume_m3": 6}]
    kept = complete(_county(villages=[_village(1)], townships=_towns(1000), vehicles=own)).vehicles
    assert kept["vehicle_type_id"].tolist() == ["v"]
    assert kept["payload_kg"].tolist() == [1000]
    minivan = default_vehicles(PARAMETERS).set_index("vehicle_type_id").loc["minivan"]
    assert kept.loc[0, "energy_per_km"] == minivan["energy_per_km"]
    assert kept.loc[0, "energy_kind"] == "electric"


def test_ownership_is_the_annuity_of_the_price():
    free = PARAMETERS.with_values({"discount_rate_share": 0.0}, "test")
    assert ownership_cny_per_day(73_000, 4, free) == pytest.approx(50.0)
    # 5 %, one year: the whole price and its interest in one instalment.
    assert ownership_cny_per_day(36_500, 1, PARAMETERS) == pytest.approx(105.0)


def test_completing_twice_changes_nothing_and_keeps_the_assumptions():
    once = complete(_county(villages=[_village(1), _village(2, lon=np.nan, lat=np.nan)], townships=_towns(1000)))
    twice = complete(once)
    assert twice.content_hash() == once.content_hash()
    assert twice.assumptions == once.assumptions


def test_every_assumption_can_be_said_in_both_languages_and_filled_tables_say_so():
    villages = [{**_village(i), "township_code": "", "village_code": f"990009{i:06d}"} for i in range(1, 30)]
    done = complete(_county("990009", villages=villages))
    for message in done.assumptions:
        for lang in LANGS:
            assert "{" not in message.text(lang)
    kinds = {name: provenance.kind for name, provenance in done.provenance.items()}
    assert kinds == dict.fromkeys(("townships", "facilities", "operators", "demand", "vehicles"), "assumed")


def test_the_given_county_is_not_changed():
    county = _county(villages=[_village(1)], townships=_towns(1000))
    before = county.content_hash()
    complete(county)
    assert county.content_hash() == before


def test_scaled_demand():
    done = complete(_county(villages=[_village(1, population=1000)], townships=_towns(1000)))
    assert scaled_demand(done.demand, 2.0)["inbound_parcels_per_day"].tolist() == pytest.approx([80.0])
    for factor in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="factor"):
            scaled_demand(done.demand, factor)
