"""Cost rates by hand, and the engines' rates equal to the checker's on any figures."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import InputError
from geodata.parameters import default_parameters
from planner.costs import (
    annuity_factor,
    closing_cny_per_day,
    driver_cny_per_h,
    site_cny_per_day,
    site_investment_cny,
    trip_cny,
    vehicle_cny_per_h,
    vehicle_cny_per_km,
)
from planner.verification.facts import Site
from planner.verification.money import closing_day, instalment_per_year, site_day

GIVEN = default_parameters().with_values(
    {
        "discount_rate_share": 0.05,
        "site_life_years": 10.0,
        "driver_cny_per_month": 4800.0,
        "social_insurance_share": 0.28,
        "diesel_cny_per_l": 7.2,
        "petrol_cny_per_l": 7.8,
        "electricity_cny_per_kwh": 0.75,
    },
    "test",
)
NEW = {"status": "candidate", "annual_cost_cny": 3650.0, "capex_cny": 10_000.0, "closing_cost_cny": 500.0}
OLD = {**NEW, "status": "existing"}
VAN = {
    "energy_kind": "electric",
    "energy_per_km": 0.25,
    "wear_cny_per_km": 0.25,
    "fixed_cny_per_day": 40.0,
    "shift_h": 8.0,
}


def test_annuity_by_hand():
    assert annuity_factor(0.05, 10.0) == pytest.approx(0.1295045750)
    assert annuity_factor(0.10, 1.0) == pytest.approx(1.10)
    assert annuity_factor(0.0, 8.0) == 0.125
    assert annuity_factor(1e-9, 8.0) == pytest.approx(0.125, rel=1e-6)


def test_site_pays_its_capex_only_when_new():
    assert site_cny_per_day(OLD, GIVEN) == pytest.approx(10.0)
    assert site_cny_per_day(NEW, GIVEN) == pytest.approx(10.0 + 1295.04575 / 365.0)
    assert closing_cny_per_day(OLD, GIVEN) == pytest.approx(64.7522875 / 365.0)


@pytest.mark.parametrize(
    ("site", "is_open", "spent"), [(NEW, True, 10_000.0), (NEW, False, 0.0), (OLD, True, 0.0), (OLD, False, 500.0)]
)
def test_investment(site, is_open, spent):
    assert site_investment_cny(site, is_open=is_open) == spent


@pytest.mark.parametrize(("kind", "per_unit"), [("diesel", 7.2), ("petrol", 7.8), ("electric", 0.75), ("human", 0.0)])
def test_kilometre_is_energy_and_wear(kind, per_unit):
    assert vehicle_cny_per_km({**VAN, "energy_kind": kind}, GIVEN) == pytest.approx(0.25 + 0.25 * per_unit)


def test_hour_is_driver_and_vehicle_day():
    assert driver_cny_per_h(GIVEN) == pytest.approx(6144.0 / 174.0)
    assert vehicle_cny_per_h(VAN, GIVEN) == pytest.approx(6144.0 / 174.0 + 5.0)


def test_trip_by_hand():
    assert trip_cny(VAN, GIVEN, km=20.0, minutes=72.0) == pytest.approx(20.0 * 0.4375 + 1.2 * (6144.0 / 174.0 + 5.0))


@given(rate=st.floats(0.0, 0.3), years=st.floats(1.0, 50.0), capex=st.floats(0.0, 1e7))
def test_annuity_pays_back_the_capex_and_equals_the_checkers(rate, years, capex):
    given_ = GIVEN.with_values({"discount_rate_share": rate, "site_life_years": years}, "test")
    yearly = instalment_per_year(capex, given_)
    assert yearly == pytest.approx(capex * annuity_factor(rate, years), rel=1e-6, abs=1e-9)
    whole_years = math.floor(years)
    if whole_years == years:
        worth = sum(yearly / (1.0 + rate) ** t for t in range(1, whole_years + 1))
        assert worth == pytest.approx(capex, rel=1e-9, abs=1e-6)


@given(years=st.integers(1, 50), rate=st.floats(0.001, 0.3))
def test_instalments_are_worth_the_capex(years, rate):
    yearly = annuity_factor(rate, float(years))
    assert sum(yearly / (1.0 + rate) ** t for t in range(1, years + 1)) == pytest.approx(1.0)


@given(annual=st.floats(0.0, 1e6), capex=st.floats(0.0, 1e7), closing=st.floats(0.0, 1e6), is_new=st.booleans())
def test_engines_and_checker_agree_on_sites(annual, capex, closing, is_new):
    row = {
        "status": "candidate" if is_new else "existing",
        "annual_cost_cny": annual,
        "capex_cny": capex,
        "closing_cost_cny": closing,
    }
    site = Site("S", "village_point", not is_new, "free", "", "", math.inf, capex, annual, closing, (0.0, 0.0))
    assert site_day(site, GIVEN) == pytest.approx(site_cny_per_day(row, GIVEN))
    assert closing_day(site, GIVEN) == pytest.approx(closing_cny_per_day(row, GIVEN))


@pytest.mark.parametrize(("rate", "years"), [(0.05, 0.0), (0.05, -1.0), (-1.0, 8.0), (-2.0, 8.0), (math.nan, 8.0)])
def test_an_instalment_without_meaning_is_refused_in_words(rate, years):
    with pytest.raises(InputError) as caught:
        annuity_factor(rate, years)
    assert caught.value.text("en") != caught.value.text("zh")
