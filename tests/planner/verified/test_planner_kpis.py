"""KPIs of the hand-made plan, figure by figure, and what must hold for any order of the tables."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.county import TABLE_COLUMNS
from geodata.messages import label, text
from planner.emissions import emission_factor, energy_use, regional_grid_factors
from planner.kpi.money import village_costs
from planner.kpi.rows import open_case
from planner.kpi.statistics import gini, mean, percentile, worst_tenth
from planner.kpis import HEADLINE_PARTS, compute_kpis
from planner.routing.result import Stop
from planner.sensitivity import COST_PARAMETERS, assumption_that_moves_most, cost_swings
from planner.verify import recompute_costs, verify

TRUNK = 60.0 + 149.2 / 3.0
AT_SA, AT_SB = 15.045 * 5.0 / 7.0, 9.625 * 5.0 / 7.0
TOTAL = 100.0 + 50.0 + 7.0 + 1.0 + 12.4 + TRUNK + AT_SA + AT_SB
LIST = "villages 990001@2026"
BY_HAND = {
    ("K1", "total"): (0.8, 4, 5),
    ("K2", "total"): (0.8, 8, 10),
    ("K3", "total"): (1.0, 2, 2),
    ("K4", "total"): (0.6, 3, 5),
    ("K5", "total"): (0.0, 0, 5),
    ("K5", "bus_line"): (0.2, 1, 5),
    ("K6", "within_1_km"): (1925.0 / 2600.0, 1925, 2600),
    ("K6", "within_2_km"): (2125.0 / 2600.0, 2125, 2600),
    ("K6", "within_3_km"): (2125.0 / 2600.0, 2125, 2600),
    ("K6", "within_5_km"): (2500.0 / 2600.0, 2500, 2600),
    ("K6", "within_standard"): (2125.0 / 2600.0, 2125, 2600),
    ("K7", "mean"): (0.76, 1900, 2500),
    ("K7", "p90"): (4.0, 2500.0, 2500.0),
    ("K7", "left_out"): (100.0 / 2600.0, 100, 2600),
    ("K8", "visits_ge_3"): (0.8, 4, 5),
    ("K8", "visits_ge_5"): (0.8, 4, 5),
    ("K8", "visits_ge_7"): (0.0, 0, 5),
    ("K13", "centre"): (100.0 / 124.0, 100.0, 124.0),
    ("K13", "sorting"): (0.1, 12.4, 124.0),
    ("K13", "line_haul"): (TRUNK / 124.0, TRUNK, 124.0),
    ("K13", "station"): (50.0 / 124.0, 50.0, 124.0),
    ("K13", "last_mile"): ((AT_SA + AT_SB) / 124.0, AT_SA + AT_SB, 124.0),
    ("K13", "point"): (8.0 / 124.0, 8.0, 124.0),
    ("K13", "total"): (TOTAL / 124.0, TOTAL, 124.0),
    # 150 kg out, 109 kg between, 84 kg home, of 1,500 kg
    ("K16", "county_township_fullest"): (0.1, 150.0, 1500.0),
    ("K16", "county_township_outbound"): (0.1, 150.0, 1500.0),
    ("K16", "county_township_return"): (0.056, 84.0, 1500.0),
    ("K16", "county_township_by_km"): (6450.0 / 90000.0, 6450.0, 90000.0),
    # SA: 126, 91, 68.6 kg over 2, 2, 4 km; SB: 84, 49 kg over 2, 2 km; 800 kg each, 5 days of 7
    ("K16", "township_village_fullest"): (210.0 / 1600.0, 150.0, 1600.0 * 5 / 7),
    ("K16", "township_village_outbound"): (210.0 / 1600.0, 150.0, 1600.0 * 5 / 7),
    ("K16", "township_village_return"): (117.6 / 1600.0, 84.0, 1600.0 * 5 / 7),
    ("K16", "township_village_by_km"): (974.4 / 9600.0, 696.0, 9600.0 * 5 / 7),
    ("K17", "total"): (0.0, 0.0, 60.0 + 12.0 * 5 / 7),
    ("K18", "county_township_vehicle_day"): (124.0, 124.0, 1.0),
    ("K18", "county_township_km"): (124.0 / 60.0, 124.0, 60.0),
    ("K18", "township_village_vehicle_day"): (86.8, 124.0, 10 / 7),
    ("K18", "township_village_km"): (124.0 / (60 / 7), 124.0, 60 / 7),
    ("K18", "total_vehicle_day"): (124.0 / (17 / 7), 124.0, 17 / 7),
    ("K18", "total_km"): (124.0 / (480 / 7), 124.0, 480 / 7),
    ("K19", "total"): (0.24, 24.0, 100.0),
    ("K19", "all_villages"): (24.0 / 104.0, 24.0, 104.0),
    ("K24", "diesel"): (6.0 * 2.67, 7 * 6.0 * 2.67, 7.0),
    ("K24", "electric"): (15.0 / 7.0 * 0.5306, 15.0 * 0.5306, 7.0),
    ("K24", "total"): (16.02 + 15.0 / 7.0 * 0.5306, 7 * 16.02 + 15.0 * 0.5306, 7.0),
    ("K24", "per_parcel"): ((16.02 + 15.0 / 7.0 * 0.5306) / 124.0, 16.02 + 15.0 / 7.0 * 0.5306, 124.0),
    ("K27", "access_gini"): (3_520_000.0 / (2500.0**2 * 0.76), 3_520_000.0, 2500.0 * 1900.0),
    ("K27", "access_worst_tenth"): (3.0, 750.0, 250.0),
    # 1,000 and 800 persons at 0 km, 200 at 2 km, 500 at 3 km: 1900·2·0 … see test_gini_by_hand
    ("K27", "frequency_gini"): (100.0 / 2600.0, 2500.0 * 100.0 * 5.0, 2600.0 * 2500.0 * 5.0),
    # the worst 260 persons: 100 without service, 160 with five visits
    ("K27", "frequency_worst_tenth"): (160.0 * 5.0 / 260.0, 800.0, 260.0),
}


@pytest.fixture(scope="module")
def kpis(hand_problem, hand_plan):
    return verify(hand_problem, hand_plan).kpis


@pytest.mark.parametrize(("kpi_id", "part"), BY_HAND)
def test_kpi_equals_the_figure_by_hand(kpis, kpi_id, part):
    row = kpis.get(kpi_id, part)
    value, numerator, denominator = BY_HAND[kpi_id, part]
    assert row.value == pytest.approx(value)
    assert row.numerator == pytest.approx(numerator)
    assert row.denominator == pytest.approx(denominator)
    assert row.list_id == ("townships 990001@2026" if kpi_id == "K3" else LIST)


def test_all_kpis_are_there_in_order_and_named_in_both_languages(kpis):
    ids = [kpi_id for kpi_id, _ in itertools.groupby(row.kpi_id for row in kpis.rows)]
    assert ids == ["K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K13", "K16", "K17", "K18", "K19", "K24", "K27"]
    assert len({(row.kpi_id, row.part) for row in kpis.rows}) == len(kpis.rows)
    for row in kpis.rows:
        for lang in ("en", "zh"):
            assert label(f"kpi_{row.kpi_id}", lang)
            assert label(f"kpi_part_{row.part}", lang)
            assert label(f"unit_{row.unit}", lang)
            assert not row.note_key or text(row.note_key, lang)
    for kpi_id in ids:
        assert kpis.get(kpi_id, HEADLINE_PARTS.get(kpi_id, "total"))


def test_every_given_value_has_numerator_and_denominator(kpis):
    assert any(row.value is not None for row in kpis.rows)
    assert [
        row for row in kpis.rows if row.value is not None and (row.numerator is None or row.denominator is None)
    ] == []
    for row in kpis.rows:
        if row.value is not None and row.denominator and row.part != "p90":
            assert row.value == pytest.approx(row.numerator / row.denominator), (row.kpi_id, row.part)


def test_notes_say_what_stands_in_for_hamlets_and_that_a_sign_is_no_service(kpis, hand_problem, hand_plan):
    assert kpis.get("K4").note_key == "kpi_note_k4"
    assert kpis.get("K6", "within_3_km").note_key == "kpi_note_some_hamlets"
    bare = hand_problem.county.replace(hamlets=hand_problem.county.hamlets.iloc[:0])
    problem = dataclasses.replace(hand_problem, county=bare)
    without = compute_kpis(problem, hand_plan, recompute_costs(problem, hand_plan))
    assert without.get("K6", "within_3_km").note_key == "kpi_note_no_hamlets"
    assert without.get("K6", "within_1_km").numerator == pytest.approx(2300.0)  # all 500 of V2 stand at the point


def test_volume_binds_when_parcels_are_light(hand_problem, hand_plan):
    figures = {"inbound_parcel_kg": 0.1, "outbound_parcel_kg": 0.1}
    county = hand_problem.county.replace(parameters=hand_problem.county.parameters.with_values(figures, "test"))
    problem = dataclasses.replace(hand_problem, county=county)
    row = compute_kpis(problem, hand_plan, ()).get("K16", "county_township_outbound")
    assert row.note_key == "kpi_note_k16_m3"
    assert row.value == pytest.approx(100 * 0.0083 / 16.0)


def test_empty_kilometres_are_those_without_any_parcel(hand_problem, hand_plan):
    """Fetching only: out to P1 empty (2 km of 8)."""
    routes = list(hand_plan.routing.routes)
    routes[1] = dataclasses.replace(routes[1], stops=(Stop("P1", 0.0, 14.0), Stop("P2", 0.0, 5.6)))
    routing = dataclasses.replace(hand_plan.routing, routes=tuple(routes))
    row = compute_kpis(hand_problem, dataclasses.replace(hand_plan, routing=routing), ()).get("K17", "township_village")
    assert row.value == pytest.approx(2.0 / 12.0)


def test_seldom_service_reaches_nobody(hand_problem, hand_plan):
    problem = dataclasses.replace(hand_problem, standard=dataclasses.replace(hand_problem.standard, visits_per_week=2))
    kpis = compute_kpis(problem, hand_plan, ())
    assert kpis.get("K1").value == 0.0
    assert kpis.get("K8", "visits_ge_3").value == 0.0


def test_dropped_point_is_only_a_sign(hand_problem, hand_plan):
    routing = dataclasses.replace(hand_plan.routing, dropped={"P2": "reason", "SB": "reason"})
    kpis = compute_kpis(hand_problem, dataclasses.replace(hand_plan, routing=routing), ())
    assert kpis.get("K4").numerator == 2
    assert kpis.get("K3").numerator == 1


def test_without_parcels_the_costs_per_parcel_are_undefined(hand_problem, hand_plan):
    demand = hand_problem.county.demand.assign(inbound_parcels_per_day=0.0, outbound_parcels_per_day=0.0)
    problem = dataclasses.replace(hand_problem, county=hand_problem.county.replace(demand=demand))
    kpis = compute_kpis(problem, hand_plan, ())
    assert kpis.get("K13").value is None
    assert kpis.get("K19").value is None
    assert kpis.get("K2").value is None
    assert kpis.get("K27", "cost_gini").value is None


def test_village_costs_by_hand_and_in_sum(hand_problem, hand_plan):
    case = open_case(hand_problem, hand_plan, recompute_costs(hand_problem, hand_plan))
    costs = village_costs(case)
    assert sum(costs.values()) == pytest.approx(TOTAL)
    common = 100.0 + 12.4 + 1.0
    v1 = common * 50 / 124 + (20.0 + TRUNK / 2) * 50 / 74 + AT_SA / 2 + 2.0
    v4 = common * 10 / 124 + (30.0 + TRUNK / 2 + AT_SB + 3.0) * 10 / 50
    assert costs["V1"] == pytest.approx(v1)
    assert costs["V4"] == pytest.approx(v4)


# ------------------------------------------------------------------ statistics


def test_gini_by_hand(kpis):
    # Σᵢ<ⱼ wᵢ wⱼ |xᵢ - xⱼ| = 1800·200·2 + 1800·500·3 + 200·500·1 = 3,520,000 over W² μ = 2500² · 0.76
    assert kpis.get("K27", "access_gini").value == pytest.approx(3_520_000.0 / (2500.0**2 * 0.76))
    assert gini([(1.0, 1.0), (3.0, 1.0)]) == pytest.approx(0.25)
    assert gini([(5.0, 2.0), (5.0, 7.0)]) == pytest.approx(0.0)
    assert gini([(0.0, 2.0)]) == 0.0
    assert gini([]) is None


def test_percentile_is_the_smallest_that_reaches_the_share():
    tens = [(float(x), 1.0) for x in range(1, 11)]
    assert percentile(tens, 0.9) == 9.0
    assert percentile(tens, 0.91) == 10.0
    assert percentile([(1.0, 0.1)] * 9 + [(2.0, 0.1)], 0.9) == 1.0
    assert percentile([(7.0, 3.0), (9.0, 0.0)], 0.9) == 7.0
    assert percentile([], 0.9) is None


def test_worst_tenth_counts_the_edge_in_part():
    sample = [(1.0, 15.0), (2.0, 4.0), (9.0, 1.0)]
    assert worst_tenth(sample, is_high_bad=True) == pytest.approx((9.0 + 2.0) / 2.0)
    assert worst_tenth(sample, is_high_bad=False) == pytest.approx(1.0)
    assert worst_tenth([], is_high_bad=True) is None
    assert mean([]) is None


samples = st.lists(
    st.tuples(st.floats(0.0, 1e3), st.floats(0.0, 1e3)).map(lambda p: (round(p[0], 3), round(p[1], 3))), max_size=12
)


@given(samples)
def test_statistics_keep_their_bounds(sample):
    weighted = [x for x, w in sample if w > 0.0]
    found = gini(sample)
    if not weighted:
        assert found is None
        return
    assert 0.0 <= found < 1.0
    x, w = np.array([s[0] for s in sample]), np.array([s[1] for s in sample])
    average = float((x * w).sum() / w.sum())
    pairs = float((w[:, None] * w[None, :] * np.abs(x[:, None] - x[None, :])).sum())
    assert found == pytest.approx(pairs / (2.0 * w.sum() ** 2 * average) if average else 0.0, abs=1e-9)
    assert min(weighted) <= percentile(sample, 0.9) <= max(weighted)
    assert percentile(sample, 0.5) <= percentile(sample, 0.9)
    tolerance = 1e-9 * (1.0 + max(weighted))
    worst = worst_tenth(sample, is_high_bad=True)
    assert mean(sample) - tolerance <= worst <= max(weighted) + tolerance
    assert percentile(sample, 0.9) <= worst + tolerance


# ------------------------------------------------------------------ properties of the set


def rows_of(problem, plan):
    return compute_kpis(problem, plan, recompute_costs(problem, plan)).rows


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_kpis_do_not_depend_on_the_order_of_rows(hand_problem, hand_plan, seed):
    rng = np.random.default_rng(seed)
    county = hand_problem.county
    shuffled = {}
    for name in TABLE_COLUMNS:
        table = county.table(name)
        shuffled[name] = table.iloc[rng.permutation(len(table))].reset_index(drop=True)
    problem = dataclasses.replace(hand_problem, county=county.replace(**shuffled))
    assert rows_of(problem, hand_plan) == rows_of(hand_problem, hand_plan)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_shares_and_sums_hold_for_any_county(hand_problem, hand_plan, data):
    """Any populations and parcels: shares in 0..1, K1 plus the unserved share is 1, Ginis in [0, 1)."""
    county = hand_problem.county
    people = data.draw(st.lists(st.integers(0, 5000), min_size=5, max_size=5))
    parcels = data.draw(st.lists(st.floats(0.0, 500.0), min_size=12, max_size=12))
    villages = county.villages.assign(population=[float(n) for n in people])
    demand = county.demand.assign(inbound_parcels_per_day=parcels[:6], outbound_parcels_per_day=parcels[6:])
    problem = dataclasses.replace(hand_problem, county=county.replace(villages=villages, demand=demand))
    rows = rows_of(problem, hand_plan)
    for row in rows:
        if row.value is None:
            continue
        assert row.value >= 0.0
        if row.unit == "share" and row.kpi_id != "K16":
            assert row.value <= 1.0 + 1e-12, row
        if row.unit == "gini":
            assert row.value < 1.0
    found = {(row.kpi_id, row.part): row for row in rows}
    unserved = len(hand_plan.siting.unserved) / len(county.villages)
    assert found["K1", "total"].value + unserved == pytest.approx(1.0)
    bands = [found["K6", f"within_{km}_km"].numerator for km in (1, 2, 3, 5)]
    assert bands == sorted(bands)
    parts = [row.numerator for row in rows if row.kpi_id == "K13" and row.part != "total"]
    assert sum(parts) == pytest.approx(found["K13", "total"].numerator)


# ------------------------------------------------------------------ emissions and sensitivity


def test_energy_and_factors(hand_problem, hand_plan):
    uses = {use.energy_kind: use for use in energy_use(hand_problem, hand_plan)}
    assert uses["diesel"].units_per_day == pytest.approx(6.0)
    assert uses["electric"].units_per_day == pytest.approx(15.0 / 7.0)
    factor = uses["electric"].factor
    assert (factor.kg_co2_per_unit, factor.year, factor.unit) == (0.5306, 2023, "kwh")
    assert emission_factor("human", hand_problem.county.parameters).kg_co2_per_unit == 0.0


def test_province_can_choose_its_grid_factor(hand_problem, hand_plan):
    given_ = hand_problem.county.parameters
    known = regional_grid_factors(given_)
    assert known["grid_sichuan_kg_co2_per_kwh"] < known["grid_kg_co2_per_kwh"]
    own = given_.with_values({"grid_kg_co2_per_kwh": known["grid_sichuan_kg_co2_per_kwh"]}, "scenario")
    problem = dataclasses.replace(hand_problem, county=hand_problem.county.replace(parameters=own))
    row = compute_kpis(problem, hand_plan, ()).get("K24", "electric")
    assert row.value == pytest.approx(15.0 / 7.0 * known["grid_sichuan_kg_co2_per_kwh"])
    assert emission_factor("electric", own).year is None


class Recorder(dict):
    """Remember which figures are asked for."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)


def test_cost_parameters_are_exactly_those_the_costs_are_read_from(hand_problem, hand_plan, change):
    petrol = change(hand_problem, "vehicles", "van", energy_kind="petrol")
    asked = set()
    for problem in (hand_problem, petrol):
        recorder = Recorder(problem.county.parameters)
        recompute_costs(dataclasses.replace(problem, county=problem.county.replace(parameters=recorder)), hand_plan)
        asked |= recorder.asked
    not_money = {"inbound_parcel_kg", "outbound_parcel_kg", "parcel_volume_m3"}  # loads are weighed on every leg
    assert asked - not_money == set(COST_PARAMETERS)


def test_swings_are_ranked_and_keep_the_decisions(hand_problem, hand_plan):
    defaults = hand_problem.county.parameters.entries
    assert not cost_swings(hand_problem, hand_plan) or all(
        defaults[s.parameter_id].tag != "U" for s in cost_swings(hand_problem, hand_plan)
    )
    assumed = {key: dataclasses.replace(defaults[key], tag="X") for key in COST_PARAMETERS}
    parameters = dataclasses.replace(hand_problem.county.parameters, entries={**defaults, **assumed})
    problem = dataclasses.replace(hand_problem, county=hand_problem.county.replace(parameters=parameters))
    swings = {swing.parameter_id: swing for swing in cost_swings(problem, hand_plan)}
    widths = [swing.swing_cny_per_day for swing in swings.values()]
    assert widths == sorted(widths, reverse=True)
    sorting = swings["sorting_cny_per_parcel"]
    assert sorting.low_cny_per_day == pytest.approx(TOTAL + 124.0 * (0.08 - 0.1))
    assert sorting.high_cny_per_day == pytest.approx(TOTAL + 124.0 * (0.30 - 0.1))
    # 149.2 min daily and 74.68 min five days in seven, in hours, at 1,740 CNY/174 h a month
    hours = 149.2 / 60.0 + 74.68 / 60.0 * 5.0 / 7.0
    wage = swings["driver_cny_per_month"]
    assert wage.swing_cny_per_day == pytest.approx(hours * (6500.0 - 4000.0) / 174.0)
    assert "petrol_cny_per_l" not in swings  # no vehicle burns it
    assert "stop_base_min" not in swings  # no source gives a range
    assert assumption_that_moves_most(problem, hand_plan).parameter_id == next(iter(swings))
