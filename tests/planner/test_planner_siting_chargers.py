"""Charger siting by hand and against enumeration with an independent drive; infeasible tours are named."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from geodata.errors import InputError
from geodata.messages import text
from geodata.parameters import default_parameters
from planner.siting.charger_input import (
    ChargerRules,
    ChargeSite,
    ElectricVehicle,
    Tour,
    charger_rules,
    kwh_per_km,
    usable_km,
)
from planner.siting.chargers import charges, charging_minutes, plan_chargers

P = default_parameters()
RULES = ChargerRules(7.0, 60.0, 3000.0, 45_000.0, 0.2, 10.0, 0.1, 0.0, is_winter=False)
VAN = {"van": ElectricVehicle(100.0, 60.0, 0.25)}


def sites(**costs):
    return [ChargeSite(place, cost) for place, cost in costs.items()]


def test_a_tour_within_range_needs_its_depot_only():
    tour = Tour("t", "van", (("D", 0), ("A", 40), ("D", 80)))
    plan = plan_chargers([tour], VAN, sites(D=1000.0, A=1.0), RULES)
    assert plan.open_places == ("D",)
    assert (plan.report.status, plan.report.objective) == ("optimal", 1000.0)
    (station,) = plan.stations
    assert station.night_vehicles == 1
    assert station.night_kwh == pytest.approx(80 * 0.25 / 0.9)
    assert (station.slow_plugs, station.fast_plugs, station.kw) == (1, 0, 7.0)
    assert station.yearly_cny == pytest.approx(1000 + 0.2 * 3000)


def test_a_long_tour_charges_where_it_is_cheapest():
    tour = Tour("t", "van", (("D", 0), ("A", 30), ("B", 70), ("C", 95), ("D", 160)), spare_min=60)
    plan = plan_chargers([tour], VAN, sites(D=0.0, A=10.0, B=500.0, C=400.0), RULES)
    # From A the vehicle would have to come home 130 km: B or C; C is cheaper.
    assert plan.open_places == ("C", "D")
    assert charges(tour, VAN["van"], {"C", "D"}, RULES) == ((("C", 60.0),), 100.0)
    by_place = {station.place_id: station for station in plan.stations}
    assert by_place["C"].day_kwh == pytest.approx(60 * 0.25 / 0.9)
    assert (by_place["C"].fast_plugs, by_place["C"].slow_plugs) == (1, 0)
    assert charging_minutes(tour, VAN["van"], RULES) == pytest.approx(60 * 0.25 / 60 * 60)


def test_winter_shortens_the_range_and_raises_consumption():
    winter = replace(RULES, is_winter=True, reserve_share=0.1)
    assert usable_km(VAN["van"], winter) == pytest.approx(54.0)
    assert kwh_per_km(VAN["van"], winter) == pytest.approx(0.25 * 100 / 60)
    tour = Tour("t", "van", (("D", 0), ("A", 40), ("D", 80)), spare_min=60)
    assert plan_chargers([tour], VAN, sites(D=1.0, A=1.0), winter).open_places == ("A", "D")


@pytest.mark.parametrize(
    ("tour", "reason"),
    [
        (Tour("far", "van", (("D", 0), ("A", 40), ("D", 150)), 600), "charger_gap_too_long"),
        (Tour("late", "van", (("D", 0), ("A", 90), ("D", 180)), 5), "charger_no_time"),
        (Tour("home", "van", (("X", 0), ("A", 40), ("X", 80)), 60), "charger_depot_closed"),
    ],
)
def test_impossible_tours_are_named_and_the_others_planned(tour, reason):
    good = Tour("good", "van", (("D", 0), ("D", 50)))
    plan = plan_chargers([good, tour], VAN, [*sites(D=5.0, A=5.0), ChargeSite("X", 1.0, is_allowed=False)], RULES)
    (left_out,) = plan.infeasible
    assert (left_out.tour_id, left_out.reason) == (tour.tour_id, reason)
    assert all(text(reason, lang, left_out.params) for lang in ("en", "zh"))
    assert plan.open_places == ("D",)
    assert plan.report.status == "optimal"


def test_existing_sites_cost_nothing_more_and_idle_ones_stay_out():
    tour = Tour("t", "van", (("D", 0), ("A", 60), ("B", 60), ("D", 120)), 60)
    given = [
        ChargeSite("D", 9.0),
        ChargeSite("A", 5.0, is_existing=True),
        ChargeSite("B", 4.0),
        ChargeSite("Z", 3.0, is_existing=True),
    ]
    plan = plan_chargers([tour], VAN, given, RULES)
    assert plan.open_places == ("A", "D")
    assert plan.report.objective == 9.0


def drive(tour, km, opened):
    """Tell whether a vehicle that fills up at every open place comes home."""
    if tour.depot not in opened:
        return False
    left, at = km, 0.0
    for place, here in tour.places[1:]:
        left -= here - at
        at = here
        if left < -1e-9:
            return False
        if place in opened:
            left = km
    return True


@pytest.mark.parametrize("seed", range(8))
def test_plans_match_enumeration_with_a_simulated_drive(seed):
    rng = np.random.default_rng(seed)
    names = [f"p{k}" for k in range(8)]
    tours = []
    for number in range(6):
        steps = np.cumsum(rng.uniform(10, 45, 5))
        stops = [(str(place), float(km)) for place, km in zip(rng.choice(names, 5), steps, strict=True)]
        depot = str(rng.choice(names[:2]))
        tours.append(
            Tour(f"t{number}", "van", ((depot, 0.0), *stops, (depot, float(steps[-1] + rng.uniform(5, 30)))), 600.0)
        )
    costs = {name: float(rng.integers(1, 50)) for name in names}
    plan = plan_chargers(tours, VAN, sites(**costs), RULES)
    left_out = {tour.tour_id for tour in plan.infeasible}
    kept = [tour for tour in tours if tour.tour_id not in left_out]
    assert all(not drive(t, 100.0, set(names)) for t in tours if t.tour_id in left_out)
    best = min(
        sum(costs[n] for n in chosen)
        for k in range(len(names) + 1)
        for chosen in itertools.combinations(names, k)
        if all(drive(tour, 100.0, set(chosen)) for tour in kept)
    )
    assert plan.report.status == "optimal"
    assert plan.report.objective == pytest.approx(best)
    for tour in kept:
        assert drive(tour, 100.0, set(plan.open_places))
        on_way, night = charges(tour, VAN["van"], set(plan.open_places), RULES)
        assert sum(km for _, km in on_way) + night == pytest.approx(tour.km)
        assert sum(km for _, km in on_way) == pytest.approx(max(0.0, tour.km - 100.0))


def test_no_tours_no_chargers():
    plan = plan_chargers([], VAN, sites(D=1.0), RULES)
    assert (plan.open_places, plan.stations, plan.report.objective) == ((), (), 0.0)


def test_plugs_follow_the_energy_of_the_night():
    tours = [Tour(f"t{k}", "van", (("D", 0), ("D", 100))) for k in range(6)]
    (station,) = plan_chargers(tours, VAN, sites(D=0.0), RULES).stations
    # 6 · 100 km · 0.25 kWh / 0.9 = 167 kWh in 10 h at 7 kW: three chargers take turns.
    assert station.night_kwh == pytest.approx(166.67, abs=0.01)
    assert (station.night_vehicles, station.slow_plugs) == (6, 3)


def test_rules_come_from_the_parameters():
    rules = charger_rules(P)
    assert (rules.slow_kw, rules.fast_kw, rules.is_winter) == (7.0, 60.0, True)
    assert rules.yearly_share > 1 / P["charger_life_years"]


@pytest.mark.parametrize(
    ("tour", "vehicles", "given", "code"),
    [
        (Tour("t", "van", (("D", 0), ("A", 5))), VAN, sites(D=1.0), "charger_tour_bad"),
        (Tour("t", "van", (("D", 0), ("A", 9), ("B", 5), ("D", 20))), VAN, sites(D=1.0), "charger_tour_bad"),
        (Tour("t", "bus", (("D", 0), ("D", 5))), VAN, sites(D=1.0), "charger_vehicle_unknown"),
        (
            Tour("t", "van", (("D", 0), ("D", 5))),
            {"van": ElectricVehicle(50.0, 60.0, 0.2)},
            sites(D=1.0),
            "charger_vehicle_bad",
        ),
        (Tour("t", "van", (("D", 0), ("D", 5))), VAN, sites(D=-1.0), "charger_site_bad"),
        (Tour("t", "van", (("D", 0), ("D", 5))), VAN, [*sites(D=1.0), *sites(D=1.0)], "charger_site_bad"),
    ],
)
def test_bad_input_is_refused(tour, vehicles, given, code):
    with pytest.raises(InputError) as error:
        plan_chargers([tour], vehicles, given, RULES)
    assert [p.code for p in error.value.problems] == [code]
    assert all(error.value.problems[0].text(lang) for lang in ("en", "zh"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("slow_kw", 0.0),
        ("fast_kw", 60_000.0),
        ("slow_cny", -1.0),
        ("fast_cny", math.inf),
        ("yearly_share", math.nan),
        ("night_h", 480.0),
        ("loss_share", 1.0),
        ("reserve_share", 20.0),
    ],
)
def test_impossible_rules_are_refused(column, value):
    with pytest.raises(InputError) as error:
        plan_chargers([], VAN, sites(D=1.0), replace(RULES, **{column: value}))
    assert [(p.code, p.column) for p in error.value.problems] == [("charger_rule_bad", column)]
    assert all(error.value.problems[0].text(lang) for lang in ("en", "zh"))


def test_figures_in_another_unit_and_negative_spare_time_are_refused_together():
    per_100_km, metres = ElectricVehicle(200.0, 150.0, 25.0), ElectricVehicle(200_000.0, 150_000.0, 0.25)
    tour = Tour("t", "a", (("D", 0.0), ("D", 5.0)), spare_min=-1.0)
    with pytest.raises(InputError) as error:
        plan_chargers([tour], {"a": per_100_km, "b": metres}, sites(D=1.0), RULES)
    found = {(p.code, p.column, p.value) for p in error.value.problems}
    assert found == {
        ("charger_unit", "kwh_per_km", "25"),
        ("charger_unit", "range_km", "200000"),
        ("charger_tour_bad", "", "t"),
    }
    assert all(p.text(lang) for p in error.value.problems for lang in ("en", "zh"))
