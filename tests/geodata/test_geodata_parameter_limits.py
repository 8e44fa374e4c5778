"""Figures that make no sense are refused, whether a sheet, a scenario or a program gives them."""

from __future__ import annotations

import pytest

from geodata.errors import InputError, UsageError
from geodata.parameters import default_parameters
from geodata.read import read_county
from scenarios.resolve import resolve_scenario
from scenarios.spec import ScenarioError

SENSELESS = [
    ("site_life_years", 0),
    ("site_life_years", -1),
    ("discount_rate_share", -1),
    ("discount_rate_share", -2),
    ("parcel_volume_m3", 0),
    ("access_speed_kmh", 0),
    ("detour_factor_plains", 0),
    ("detour_factor_plains", -1),
    ("speed_county_road_kmh", 0),
    ("speed_county_road_kmh", -10),
    ("village_outbound_share", 1),
    ("village_outbound_share", 1.5),
    ("stop_s_per_parcel", -100),
    ("driver_cny_per_month", -9000),
    ("diesel_cny_per_l", -7),
    ("diesel_cny_per_l", 1e300),
    ("inbound_parcel_kg", -1),
]


@pytest.mark.parametrize(("key", "value"), SENSELESS)
def test_sheet_refused_with_its_cell(grids, book, key, value):
    grids["parameters"] = [["parameter_id", "value", "source"], [key, value, "x"]]
    with pytest.raises(InputError) as caught:
        read_county(book(grids))
    found = [p for p in caught.value.problems if p.severity == "error"]
    assert [(p.code, p.cell) for p in found] == [("parameter_impossible", "B2")]
    assert key in found[0].text("zh")


@pytest.mark.parametrize(("key", "value"), SENSELESS)
def test_scenario_refused_with_its_key(tmp_path, key, value):
    path = tmp_path / "own.toml"
    path.write_text(f'name = "own"\n[parameters]\n{key} = {value}\n', encoding="utf-8")
    for options in ({"scenario": path}, {"scenario": "reference", "sets": [f"parameters.{key}={value}"]}):
        with pytest.raises(ScenarioError) as caught:
            resolve_scenario(**options)
        assert [p.key for p in caught.value.problems] == [f"parameters.{key}"]
        assert caught.value.exit_code == 2


@pytest.mark.parametrize(("key", "value"), [*SENSELESS, ("stop_base_min", float("nan"))])
def test_program_refused(key, value):
    with pytest.raises(UsageError, match=key):
        default_parameters().with_values({key: value}, "test")


def test_every_default_and_its_range_can_be():
    entries = [default_parameters().entry(key) for key in default_parameters()]
    given = [(e, v) for e in entries for v in (e.low, e.value, e.high) if v is not None]
    assert [(e.parameter_id, v) for e, v in given if not e.can_be(v)] == []


def test_limits_are_never_open():
    limits = [(e.minimum, e.maximum) for e in map(default_parameters().entry, default_parameters())]
    assert all(low < high <= 1e12 for low, high in limits)
