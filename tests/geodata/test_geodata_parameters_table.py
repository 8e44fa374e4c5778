"""Every default figure is well formed, and every row of the domain table is carried, value by value."""

from __future__ import annotations

import csv
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from geodata.parameters import Tag, default_parameters

DOMAIN = Path(__file__).parents[2].parent / "shared" / "domain" / "parameters.tsv"
#: Ids that carry each row of the domain table, in its order.
ROW_IDS = json.loads((Path(__file__).parent / "parameter_rows.json").read_text(encoding="utf-8"))
#: Figures whose unit differs from the domain table's by this factor.
SCALE = {
    "box_truck_payload_kg": 1000,
    "minivan_payload_kg": 1000,
    "box_truck_diesel_l_per_km": 0.01,
    "minivan_kwh_per_km": 0.01,
    "centre_new_capex_cny": 1e6,
}
#: Figures whose own tag the row states in words.
OWN_TAG = {"tricycle_volume_m3": "X", "motorcycle_range_km": "B", "locker_compartments_count": "X"}
MIDDLES = {"courier_rural_parcels_per_day", "rent_village_cny_per_m2_month", "village_point_area_m2"}


@pytest.fixture(scope="module")
def rows():
    text = (files("geodata") / "data" / "parameters.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_row_is_well_formed(rows):
    wrong = []
    for row in rows:
        value = float(row["value"])
        low = float(row["low"]) if row["low"] else value
        high = float(row["high"]) if row["high"] else value
        fine = (
            re.fullmatch(r"[a-z][a-z0-9_]*", row["parameter_id"])
            and row["tag"] in set(get_args(Tag)) - {"U"}
            and low <= value <= high
            and row["label_en"].strip()
            and re.search(r"[\u4e00-\u9fff]", row["label_zh"])
            and not re.search(r"[\u4e00-\u9fff]", row["label_en"])
            and row["unit"]
            and row["group"]
            and row["source"]
        )
        if not fine:
            wrong.append(row["parameter_id"])
    assert wrong == []


def test_no_id_and_no_label_twice(rows):
    for column in ("parameter_id", "label_en", "label_zh"):
        values = [row[column] for row in rows]
        assert sorted({v for v in values if values.count(v) > 1}) == []


def test_an_assumption_never_claims_a_source_alone(rows):
    assert [r["parameter_id"] for r in rows if r["tag"] in "AB" and not re.search(r"S\d\d", r["source"])] == []


def test_brand_and_package_shares_sum_to_one():
    parameters = default_parameters()
    brands = [value for key, value in parameters.items() if key.startswith("brand_share_")]
    assert len(brands) == 8
    assert sum(brands) == pytest.approx(1.0)
    assert sum(parameters[f"{kind}_share"] for kind in ("carton", "plastic_bag", "document")) == pytest.approx(1.0)


def test_derived_figures_follow_from_their_parts():
    p = default_parameters()
    assert p["access_cny_per_parcel_km"] == pytest.approx(p["villager_trip_saved_cny"] / 10 / 2)
    assert p["parcel_volume_m3"] == pytest.approx(1 / p["parcels_per_m3"], abs=5e-5)
    assert p["motorcycle_volume_m3"] == pytest.approx(
        p["motorcycle_parcels_per_trip"] * p["parcel_volume_m3"], abs=0.005
    )


@pytest.mark.data
@pytest.mark.skipif(not DOMAIN.exists(), reason="the domain table is absent")
def test_every_row_of_the_domain_table_is_carried():
    with DOMAIN.open(encoding="utf-8", newline="") as handle:
        table = list(csv.DictReader(handle, delimiter="\t"))
    assert len(table) == len(ROW_IDS)
    parameters = default_parameters()
    wrong = []
    for row, ids in zip(table, ROW_IDS, strict=True):
        if not ids:
            wrong.append(row["parameter"])
        shown = [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", f"{row['default']} {row['source']}")]
        # Shares are written as percentages in places, sums in millions.
        known = {round(n * k, 9) for n in shown for k in (1, 0.01, 1e6, 1e9)}
        for name in ids:
            entry = parameters.entry(name)
            value = round(entry.value / SCALE.get(name, 1), 9)
            if name not in MIDDLES and shown and value not in known:
                wrong.append((name, entry.value))
            if entry.tag != OWN_TAG.get(name, row["tag"]) and name not in MIDDLES:
                wrong.append((name, entry.tag))
    # The row without a figure (agricultural tariff applies) is carried as a yes.
    assert [w for w in wrong if w[0] != "cold_store_agricultural_tariff_flag"] == []
