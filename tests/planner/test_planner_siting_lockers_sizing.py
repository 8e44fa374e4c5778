"""Days, sizes and prices of lockers: by hand, by properties, and the doubling from 80 % to 100 % of the parcels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from geodata.parameters import default_parameters
from planner.siting.lockers.days import DayVariation, cv_of_peak
from planner.siting.lockers.places import campus, community, household_ratio, place_of, village
from planner.siting.lockers.queue import erlang_b, erlangs, overflow_bounds, round_overflow
from planner.siting.lockers.sizing import (
    LockerLoad,
    cells_for_served_share,
    describe,
    design_overflow_in_rounds,
    exact_design_overflow,
    fill_up,
    largest_mean,
    locker_mix,
    locker_prices,
    needed_cells,
    overflow_of_year,
    size_locker,
)

P = default_parameters()


def test_days_are_poisson_negative_binomial_or_normal():
    assert DayVariation().quantile(40.0, 0.95) == stats.poisson.ppf(0.95, 40.0)
    size = 1 / 0.3**2
    assert DayVariation(0.3).quantile(40.0, 0.95) == stats.nbinom.ppf(0.95, size, size / (size + 40.0))
    spread = math.sqrt(40.0 + (0.3 * 40.0) ** 2)
    normal = DayVariation(0.3, kind="normal").quantile(40.0, 0.95)
    assert abs(normal - (40.0 + 1.645 * spread)) <= 1.0
    assert DayVariation().quantile(0.0, 0.95) == 0


def test_days_of_a_season_are_a_mixture():
    # Half the year nothing comes, half the year 40 a day: the mean is 20, the 95 % day is the 90 % day of the busy half.
    term = DayVariation(season=(0.0, 3.0))
    assert term.season == (0.0, 2.0)
    assert term.quantile(20.0, 0.95) == stats.poisson.ppf(0.90, 40.0)
    assert term.quantile(20.0, 0.4) == 0


@given(st.floats(0.1, 400.0), st.floats(0.0, 0.8), st.sampled_from([0.5, 0.9, 0.95, 0.997]))
@settings(max_examples=50, deadline=None)
def test_quantile_is_the_least_count_and_days_keep_the_mean(mean, cv, share):
    days = DayVariation(cv)
    q = days.quantile(mean, share)
    assert days.share_up_to(q, mean) >= share
    assert days.share_up_to(q - 1, mean) < share
    assert np.mean(days.days(mean, 20)) == pytest.approx(mean)
    top = days.largest_mean(q, share)
    assert top >= mean * (1 - 1e-9)
    assert days.quantile(top, share) <= q


@pytest.mark.parametrize("peak", [1.3, 1.5, 2.0, 3.0])
def test_peak_day_gives_the_variation(peak):
    cv = cv_of_peak(peak)
    assert stats.gamma.ppf(1 - 1 / 365, 1 / cv**2, scale=cv**2) == pytest.approx(peak, rel=1e-6)
    assert cv_of_peak(1.0) == 0.0


def test_impossible_days_are_refused():
    for fields in ({"cv": -1.0}, {"season": ()}, {"season": (0.0, 0.0)}, {"cv": math.nan}):
        with pytest.raises(ValueError, match="variation"):
            DayVariation(**fields)
    with pytest.raises(ValueError, match="share strictly"):
        DayVariation().quantile(10.0, 1.0)
    with pytest.raises(ValueError, match="no day-to-day"):
        cv_of_peak(1e6)


def test_sizes_by_hand():
    # 24 parcels on the design day, 12 h each: 12 erlangs, half small, a quarter medium, a quarter large.
    load = LockerLoad(24.0, 12.0, mix=(0.5, 0.25, 0.25))
    design = load.design_parcels(0.95)
    assert design == stats.poisson.ppf(0.95, 24.0) == 32.0
    assert load.loads(design) == pytest.approx((8.0, 4.0, 4.0))
    assert needed_cells(load, 0.05) == (
        13,
        8,
        8,
    )  # B(13, 8) = 3.1 %, B(12, 8) = 5.1 %; B(8, 4) = 3.0 %, B(7, 4) = 6.3 %
    assert erlang_b(12, 8.0) > 0.05 >= erlang_b(13, 8.0)
    found = size_locker(load, 0.05)
    lower, upper = overflow_bounds((13, 8, 8), (8.0, 4.0, 4.0))
    assert (found.overflow_lower_share, found.overflow_upper_share) == (lower, upper)
    assert found.turns_per_day == pytest.approx(24.0 * (1 - found.overflow_year_share) / 29)
    assert found.utilisation_share == pytest.approx(found.turns_per_day * 12.0 / 24.0)
    assert lower <= exact_design_overflow(load, (13, 8, 8)) <= upper


def test_surplus_of_the_smallest_set_follows_the_mix():
    assert fill_up((1, 1, 1), 3, (0.5, 0.35, 0.15)) == (1, 1, 1)
    assert fill_up((0, 0, 0), 40, (0.5, 0.35, 0.15)) == (20, 14, 6)
    assert fill_up((1, 0, 0), 4, (0.5, 0.35, 0.15)) == (3, 1, 0)
    assert sum(size_locker(LockerLoad(2.0, 14.0), 0.05, minimum_cells=40).cells) == 40


def test_no_room_is_said_and_the_largest_mean_just_fits():
    load = LockerLoad(400.0, 14.0, DayVariation(0.2))
    assert size_locker(load, 0.05, maximum_cells=84) is None
    most = largest_mean(load.days, 14.0, load.mix, 84)
    assert sum(needed_cells(LockerLoad(most, 14.0, load.days), 0.05)) <= 84
    assert sum(needed_cells(LockerLoad(most + 2.0, 14.0, load.days), 0.05)) > 84


@given(st.floats(0.5, 300.0), st.floats(4.0, 72.0), st.floats(0.0, 0.5))
@settings(max_examples=30, deadline=None)
def test_sized_lockers_keep_the_rule(mean, dwell, cv):
    load = LockerLoad(mean, dwell, DayVariation(cv))
    found = size_locker(load, 0.05)
    assert found.overflow_lower_share <= found.overflow_upper_share <= 0.05
    assert 0.0 <= found.overflow_year_share <= 0.06
    assert 0.0 < found.utilisation_share < 1.0
    # More parcels, longer dwell or stricter target never need fewer compartments.
    for other in (LockerLoad(mean * 1.3, dwell, load.days), LockerLoad(mean, dwell * 1.3, load.days)):
        assert all(a >= b for a, b in zip(needed_cells(other, 0.05), found.cells, strict=True))
    assert all(a >= b for a, b in zip(needed_cells(load, 0.01), found.cells, strict=True))


def test_year_overflow_is_the_mean_over_days():
    load = LockerLoad(30.0, 14.0, DayVariation(0.4), (1.0, 0.0, 0.0))
    rng = np.random.default_rng(2)
    days = rng.poisson(30.0 * rng.gamma(1 / 0.16, 0.16, 40_000))
    curve = np.array([erlang_b(20, erlangs(float(d), 14.0)) for d in range(days.max() + 1)])
    direct = float((days * curve[days]).sum() / days.sum())
    assert overflow_of_year(load, (20, 0, 0), days=200) == pytest.approx(direct, abs=0.004)
    assert describe(load, (20, 0, 0)).overflow_year_share == pytest.approx(direct, abs=0.012)


def doubling(parcels, peak, dwell=14.0):
    load = LockerLoad(parcels, dwell, DayVariation(cv_of_peak(peak)))
    return cells_for_served_share(load, 1.0) / cells_for_served_share(load, 0.8)


@given(st.floats(40.0, 300.0), st.floats(1.3, 2.0), st.sampled_from([14.0, 36.0]))
@settings(max_examples=12, deadline=None)
def test_all_parcels_instead_of_four_in_five_about_double_the_compartments(parcels, peak, dwell):
    """Holds for 40–300 lockable parcels a day and a peak day of 1.3–2 times the mean, whatever the dwell."""
    assert 1.65 <= doubling(parcels, peak, dwell) <= 2.8


def test_where_the_doubling_does_not_hold():
    # Thousands of parcels and all days alike: little chance is left, 1/0.8 remains.
    assert 1.25 <= doubling(3000.0, 1.0) < 1.4
    # Wild days: more than double.
    assert doubling(100.0, 3.0) > 3.0
    # And the variation of days is the reason: the ratio grows with the peak.
    ratios = [doubling(100.0, peak) for peak in (1.0, 1.3, 1.6, 2.0)]
    assert ratios == sorted(ratios)
    assert ratios[-1] - ratios[0] > 0.5


def test_served_share_is_met_with_the_fewest():
    load = LockerLoad(60.0, 14.0, DayVariation(0.25), (1.0, 0.0, 0.0))
    cells = cells_for_served_share(load, 0.8)
    assert overflow_of_year(load, (cells, 0, 0), days=365) <= 0.2 < overflow_of_year(load, (cells - 1, 0, 0), days=365)


def test_prices_of_the_usual_set_are_the_parameter():
    prices, mix = locker_prices(P), locker_mix(P)
    assert sum(mix) == pytest.approx(1.0)
    count = P["locker_compartments_count"]
    usual = prices.control_cny + count * sum(m * c for m, c in zip(mix, prices.cell_cny, strict=True))
    assert usual == pytest.approx(P["locker_price_cny"])
    assert prices.price_cny((1, 0, 0)) == pytest.approx(prices.control_cny + prices.cell_cny[0])
    assert (prices.minimum_cells, prices.maximum_cells) == (40, 200)


def test_campus_is_sized_for_term_and_lives_through_vacation():
    draft = campus("university", 10_000, P, vacation_months=(1, 2, 7, 8))
    term, level = 10_000 * P["campus_parcels_per_student_day"], P["campus_vacation_level_share"]
    assert draft.parcels_per_day == pytest.approx(term * (8 + 4 * level) / 12)
    load = LockerLoad(draft.parcels_per_day * 0.1, 14.0, draft.place.days)
    flat = LockerLoad(draft.parcels_per_day * 0.1, 14.0, DayVariation(draft.place.days.cv))
    assert load.design_parcels() > 0.1 * term > draft.parcels_per_day * 0.1
    assert load.design_parcels() > flat.design_parcels()
    with pytest.raises(ValueError, match="between 1 and 12"):
        campus("university", 10, P, vacation_months=(0,))


def test_places_take_town_or_village_figures():
    assert community("c", 1000, P).parcels_per_day == pytest.approx(1000 * 2.6 * 0.3)
    assert place_of("town_seat", P).consent_share == P["locker_consent_city_share"]
    assert village("v", 20.0, P).place.dwell_h == P["locker_dwell_village_h"]
    assert village("v", 20.0, P).place.lockable_share == pytest.approx(0.8 * 0.4)


def test_ratio_to_households():
    ratio = household_ratio([], [community("c", 500, P).place])
    assert (ratio.cells, ratio.cells_per_100_households) == (0, 0.0)
    assert household_ratio([], []).cells_per_100_households is None


def test_lockers_filled_in_rounds_need_more_and_keep_the_rule():
    spread = LockerLoad(30.0, 14.0, mix=(1.0, 0.0, 0.0))
    cells = [sum(needed_cells(LockerLoad(30.0, 14.0, spread.days, spread.mix, rounds), 0.05)) for rounds in (1, 2, 4)]
    assert cells == sorted(cells, reverse=True)
    assert cells[-1] > sum(needed_cells(spread, 0.05))
    assert design_overflow_in_rounds(spread, needed_cells(spread, 0.05)) > 0.2
    one_load = LockerLoad(30.0, 14.0, spread.days, spread.mix, 1)
    one = size_locker(one_load, 0.05)
    design = one.design_parcels
    kept = [round_overflow(one.cells[0], design, 14.0)]
    assert one.overflow_upper_share == pytest.approx(kept[0])
    assert kept[0] <= 0.05
    assert round_overflow(cells[0] - 1, design, 14.0) > 0.05
    most = largest_mean(spread.days, 14.0, spread.mix, 60, (0.05, 0.95), 1)
    assert sum(needed_cells(LockerLoad(most, 14.0, spread.days, spread.mix, 1), 0.05)) <= 60
    assert most < largest_mean(spread.days, 14.0, spread.mix, 60)
