"""Every kind of study on the three-township county, its numbers against direct calls of the models or enumeration."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geodata.errors import InfeasibleError, InputError, UsageError
from geodata.messages import LANGS
from loading import load
from planner.siting.land import land_of_plan
from planner.siting.lockers.evaluate import LockerEvaluator
from planner.siting.registry import solve_model
from planner.siting.selection import SolveLimits
from planner.siting.three_tier import solve_three_tier
from scenarios.studies.county_problem import county_problem
from scenarios.studies.locker_input import locker_question
from scenarios.studies.options import Options
from scenarios.studies.plan_changes import with_locks
from scenarios.studies.registry import study_kinds
from scenarios.studies.study import Study

COUNTY = load("scenarios/studies_county.py")
MILP = {"engine": "milp"}
STATIONS = {"sites": "township_stations", "demand": "villages"}
#: Options with which every kind has an answer within a second.
ASKED: dict[str, dict[str, Any]] = {
    "max_coverage": {"p": 3, **MILP},
    "set_coverage": MILP,
    "backup_coverage": {"p": 3, **MILP},
    "p_median": {"p": 4, **MILP},
    "p_center": {"p": 4, **MILP},
    "p_dispersion": {"p": 4, **MILP},
    "uncapacitated": MILP,
    "facility_location": {"sites": "township_stations", **MILP},
    "capacitated_p_median": {"p": 10, **MILP},
    "equity": {"p": 4},
    "covering_plan": {"p": 3, "requires": []},
    "frontier": {"steps_count": 4, **MILP},
    "alternatives": {"model": "set_coverage", "within_share": 0.2, "count": 3, **MILP},
    "importance": {"model": "p_median", "p": 4, **MILP},
    "shadow": {"model": "max_coverage", "p": 3, "budget_cny": 12_000, **MILP},
    "plan_importance": {"sites_count": 2},
    "plan_shadow": {},
    "lockers": {"campuses": ["学院;109.13;27.03;2000"], "closed": [], "relative_gap": 0.01},
    "chargers": {"electrify": ["box_truck"]},
    "land": {},
    "rules": {},
    "settlement": {"gap": 0.05},
    "post_offer": {"gap": 0.05},
    "cooperation": {"relative_gap": 0.001},
    "merge_stations": {},
    "location_routing": {"search_iterations": 8_000, "bound_iterations": 30},
    "compliance": {},
    "buses": {},
    "day_rounds": {"iterations": 100},
    "robustness": {"scenarios": ["usual", "more;volume=1.2", "road;road=@main"], "near_plans": 1},
    "rollout": {"years": [1, 2], "rounds": False},
    "frequency": {"patterns": ["135", "12345", "123456"], "case_limit": 2},
    "hub_roles": {
        "places": [
            "990001101;core",
            "990001201;cooperation",
            "990001202;application",
            "port;gateway;港 port;109.4;27.2",
        ]
    },
}


def answer(kind: str, **changes: Any) -> Study:
    study: Study = COUNTY.small().ask(kind, **{**ASKED[kind], **changes})
    return study


def test_every_kind_is_asked() -> None:
    assert set(ASKED) >= set(study_kinds())


@pytest.mark.parametrize("kind", list(ASKED))
def test_every_kind_answers_in_words_and_adds_up(kind: str) -> None:
    study = answer(kind)
    assert study.kind == kind
    assert study.answer
    COUNTY.check_words(study)
    if study.report is not None:
        assert study.report.status in ("optimal", "feasible")
        assert study.report.bound is not None


def ways(radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each hamlet lies within the radius of each point, and its persons, apart from the product's code."""
    problem = COUNTY.small().problem
    county = problem.county
    hamlets = county.hamlets.sort_values("hamlet_id")
    listed = county.villages.set_index("village_code")["population"].astype(float)
    sums = hamlets.groupby("village_code")["population"].transform("sum").astype(float)
    persons = (
        hamlets["population"].astype(float) / sums * hamlets["village_code"].map(listed).astype(float)
    ).to_numpy()
    points = sorted(county.facilities.loc[county.facilities["kind"] == "village_point", "facility_id"])
    metres = problem.travel["access"].sub(list(hamlets["hamlet_id"]), points)[1]
    return metres <= radius * 1000.0, persons


def test_most_coverage_is_the_best_of_all_choices_of_three() -> None:
    near, persons = ways(3.0)
    assert persons.sum() == pytest.approx(COUNTY.small().problem.county.villages["population"].astype(float).sum())
    best = max(
        persons[near[:, list(choice)].any(axis=1)].sum() for choice in itertools.combinations(range(near.shape[1]), 3)
    )
    study = answer("max_coverage")
    assert study.figures["served_population"] == pytest.approx(best)
    assert study.report is not None
    assert study.report.status == "optimal"
    assert study.figures["total_population"] == pytest.approx(persons.sum())
    out = sum(float(row[3]) for row in study.tables[1].rows)  # type: ignore[arg-type]
    assert out + best == pytest.approx(persons.sum())
    assert len(study.reasons) == len(study.tables[1].rows)


def test_fewest_sites_is_the_least_number_that_covers_all() -> None:
    near, _ = ways(3.0)
    reached = near[near.any(axis=1)]
    least = next(
        k
        for k in range(1, near.shape[1] + 1)
        if any(reached[:, list(c)].any(axis=1).all() for c in itertools.combinations(range(near.shape[1]), k))
    )
    assert answer("set_coverage").figures["open_sites"] == least


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("p_median", {"demand": "hamlets"}),
        ("p_center", {"demand": "hamlets"}),
        ("equity", {"demand": "hamlets"}),
        ("backup_coverage", {"demand": "hamlets"}),
        ("uncapacitated", {"demand": "villages", "weight": "parcels", "fixed_cost": "day"}),
    ],
)
def test_models_are_the_registrys(kind: str, values: dict[str, Any]) -> None:
    county = county_problem(COUNTY.small().problem, {"capacity_factor": 1.0, **values, "p": ASKED[kind].get("p")})
    options = {"radius": 3.0} if kind == "backup_coverage" else {}
    found = solve_model(kind, county.siting, engine="milp", limits=SolveLimits(), **options)
    report = answer(kind).report
    assert report is not None
    assert report.objective == pytest.approx(found.report.objective, rel=1e-6)


def test_side_constraints_of_the_scenario_reach_the_model() -> None:
    points = sorted(row[0] for row in answer("p_median", p=12).tables[0].rows if row[3] != "decision_closed")
    shut, forced = points[2], points[5]
    study = answer("p_median", p=3, open=[forced], closed=[shut], exclusion_km=4.0, township_maximum=2)
    opened = {row[0] for row in study.tables[0].rows if row[3] != "decision_closed"}
    assert forced in opened
    assert shut not in opened
    county = county_problem(COUNTY.small().problem, {"capacity_factor": 1.0})
    at = [county.siting.site_ids.index(name) for name in opened]
    metres = county.siting.site_metres
    assert metres is not None
    assert min(metres[a, b] for a in at for b in at if a != b) >= 4000.0
    free = answer("p_median", p=3)
    assert free.report is not None
    assert study.report is not None
    assert float(study.report.objective or 0) >= float(free.report.objective or 0)


def test_keeping_existing_sites_costs_coverage_or_nothing() -> None:
    kept = answer("max_coverage", keep_existing=True)
    assert kept.figures["closed_sites"] == 0
    assert float(kept.figures["served_share"]) <= float(answer("max_coverage").figures["served_share"])  # type: ignore[arg-type]


def test_a_village_without_a_place_stays_in_the_denominator() -> None:
    code = sorted(COUNTY.small().problem.county.villages["village_code"])[3]
    less = COUNTY.small().without_place(code).ask("max_coverage", **{**ASKED["max_coverage"], "p": 12, "radius": 15.0})
    assert less.figures["total_population"] == pytest.approx(float(answer("max_coverage").figures["total_population"]))  # type: ignore[arg-type]
    assert list(less.reasons) == [code]
    assert less.reasons[code].key == "study_reason_no_location"
    assert float(less.figures["served_share"]) < 1.0  # type: ignore[arg-type]
    assert less.answer[0].params["percent"] != 100
    COUNTY.check_words(less)


def test_minutes_and_kilometres_agree_with_the_matrix() -> None:
    small = COUNTY.small()
    km = county_problem(small.problem, {"unit": "km", "demand": "villages", "capacity_factor": 1.0})
    minutes = county_problem(small.problem, {"unit": "min", "demand": "villages", "capacity_factor": 1.0})
    village, point = km.siting.demand_ids[0], km.siting.site_ids[3]
    matrix = small.problem.travel["access"]
    assert km.dense()[0, 3] == pytest.approx(matrix.metres_between(village, point) / 1000.0)
    assert minutes.dense()[0, 3] == pytest.approx(matrix.minutes_between(village, point))
    vans = county_problem(
        small.problem, {"sites": "township_stations", "travel": "minivan", "demand": "villages", "capacity_factor": 1.0}
    )
    own = small.problem.county.facilities
    home = min(own.loc[(own["village_code"] == village) & (own["kind"] == "village_point"), "facility_id"])
    driven = small.problem.travel["minivan"].metres_between(vans.siting.site_ids[0], home) / 1000.0
    assert vans.dense()[0, 0] == pytest.approx(driven)


def test_frontier_is_the_best_choice_at_every_number_of_sites() -> None:
    near, persons = ways(3.0)
    facilities = COUNTY.small().problem.county.facilities
    points = facilities[facilities["kind"] == "village_point"].sort_values("facility_id")
    kept = np.flatnonzero((points["status"] == "existing").to_numpy())
    new = [j for j in range(near.shape[1]) if j not in kept]
    study = answer("frontier", budget_axis="sites", steps_count=10)
    assert [row[0] for row in study.tables[0].rows] == list(range(11))
    for allowed, covered, bound, _, _, nested, regret in study.tables[0].rows:
        best = max(
            persons[near[:, [*kept, *choice]].any(axis=1)].sum()
            for choice in itertools.combinations(new, int(allowed))  # type: ignore[arg-type]
        )
        assert covered == pytest.approx(best)
        assert float(bound) >= best - 1e-6  # type: ignore[arg-type]
        assert regret == pytest.approx(1 - float(nested) / best)  # type: ignore[arg-type]
    order = [float(row[4]) for row in study.tables[1].rows]  # type: ignore[arg-type]
    assert order == sorted(order)


def test_frontier_without_prices_is_refused() -> None:
    with pytest.raises(UsageError, match="no frontier"):
        answer("frontier", closed=[*_candidates()])


def _candidates() -> list[str]:
    facilities = COUNTY.small().problem.county.facilities
    chosen = facilities[(facilities["kind"] == "village_point") & (facilities["status"] == "candidate")]
    return sorted(chosen["facility_id"])


# ---- around a model


def test_alternatives_stay_within_their_tolerance_and_differ() -> None:
    study = answer("alternatives")
    plans = study.tables[0].rows
    assert len(plans) > 1
    assert all(float(row[2]) <= 0.2 + 1e-9 for row in plans)  # type: ignore[arg-type]
    assert all(int(row[4]) > 0 for row in plans[1:])  # type: ignore[call-overload]
    shares = {row[0]: float(row[2]) for row in study.tables[1].rows}  # type: ignore[arg-type]
    assert {row[0] for row in study.tables[2].rows} == {site for site, share in shares.items() if share >= 0.9}
    assert all(str(row[3]).count("●") == round(shares[row[0]] * len(plans)) for row in study.tables[1].rows)


def test_importance_is_the_loss_of_solving_without_the_site() -> None:
    study = answer("importance")
    site, loss = study.tables[0].rows[0][0], study.tables[0].rows[0][4]
    whole, without = answer("p_median"), answer("p_median", closed=[site])
    assert whole.report is not None
    assert without.report is not None
    assert loss == pytest.approx(float(without.report.objective or 0) - float(whole.report.objective or 0))


def test_shadow_price_is_the_gain_of_the_next_site() -> None:
    study = answer("shadow")
    gains = {row[0].key: row[2] for row in study.tables[0].rows}  # type: ignore[union-attr]
    now = answer("max_coverage", budget_cny=12_000).figures["served_population"]
    more = answer("max_coverage", p=4, budget_cny=12_000).figures["served_population"]
    assert gains["study_step_p"] == pytest.approx(float(more) - float(now))  # type: ignore[arg-type]
    richer = answer("max_coverage", budget_cny=112_000).figures["served_population"]
    assert gains["study_step_capex_budget_cny"] == pytest.approx(float(richer) - float(now))  # type: ignore[arg-type]


def test_nothing_limited_has_no_shadow_price() -> None:
    with pytest.raises(UsageError, match="Nothing is limited"):
        answer("shadow", model="uncapacitated", p="none", budget_cny="none", radius=3.0)


# ---- the three-tier plan


def test_importance_of_a_station_is_the_plan_without_it() -> None:
    study = answer("plan_importance", gap=0.0)
    problem = COUNTY.small().problem
    exact = replace(problem, siting=replace(problem.siting, relative_gap=0.0))
    row = study.tables[0].rows[0]
    without = solve_three_tier(with_locks(exact, {str(row[0]): "closed"})).report.objective
    assert row[3] == pytest.approx(float(without or 0) - float(solve_three_tier(exact).report.objective or 0), abs=1e-3)
    assert float(row[4]) <= float(row[3]) + 1e-6  # type: ignore[arg-type]


def test_price_of_the_standard_never_falls_below_what_is_proved() -> None:
    study = answer("plan_shadow", gap=0.0)
    for message in study.answer[1:]:
        if "least" in message.params:
            assert message.params["least"] <= message.params["cny"] + 0.01  # type: ignore[operator]
    assert study.tables[0].rows[0][2] == 0.0


# ---- lockers, chargers, land, hubs


def test_lockers_are_priced_by_the_evaluator_and_mix_sums_to_one() -> None:
    study = answer("lockers")
    problem = COUNTY.small().problem
    from scenarios.studies.lockers import KINDS

    values = {o.key: o.default for o in KINDS[0].options} | {"campuses": ASKED["lockers"]["campuses"]}
    question = locker_question(problem, Options(values))
    opened = [question.problem.siting.site_ids.index(str(row[0])) for row in study.tables[0].rows]
    assert study.report is not None
    assert LockerEvaluator(question.problem).yearly_cny(opened) == pytest.approx(study.report.objective)
    mix = [row for row in study.kpis if row.kpi_id == "K12"]
    assert sum(row.value or 0.0 for row in mix) == pytest.approx(1.0)
    assert all(0.0 <= (row.value or 0.0) <= 1.0 for row in mix)
    use = {row.part: row for row in study.kpis if row.kpi_id == "K22"}
    assert use["utilisation"].denominator == study.figures["cells"]
    assert 0.0 < float(use["overflow_p95"].value or 0.0) <= 0.05 + 1e-9
    assert study.figures["k22_turns"] == use["turns"].value
    assert all(row[2] == sum(row[3:6]) for row in study.tables[0].rows)  # type: ignore[arg-type]


def test_no_locker_is_an_answer_with_its_loss() -> None:
    study = answer("lockers", rent_cny_per_year=1e6, campuses=[])
    assert study.figures["lockers"] == 0
    assert [m.key for m in study.answer[:2]] == ["study_answer_lockers_none", "study_lockers_least_loss"]
    assert study.places == ()
    assert study.figures["k22_utilisation"] is None
    assert study.figures["k12_locker"] == 0.0
    COUNTY.check_words(study)


def test_chargers_count_the_electric_vehicles_of_the_plan() -> None:
    plan = COUNTY.small().verified.plan
    types = COUNTY.small().problem.county.vehicles.set_index("vehicle_type_id")["energy_kind"]
    used = {(route.vehicle_type_id, route.vehicle_number) for route in plan.routing.routes}
    electric = {key for key in used if types[key[0]] == "electric"}
    assert answer("chargers", electrify=[]).figures["electric_vehicles"] == len(electric)
    assert answer("chargers").figures["electric_vehicles"] == len(used)
    short = answer("chargers", electrify=["box_truck"], range_km=5.0)
    assert set(short.reasons) <= {" ".join(map(str, key)) for key in used}
    assert short.reasons


def test_land_is_the_list_of_the_plan() -> None:
    small = COUNTY.small()
    factor = small.problem.county.parameters["peak_day_factor"]
    rows = land_of_plan(small.problem.county, small.verified.plan.siting, design_day_factor=factor)
    study = answer("land")
    assert study.figures["floor_m2"] == pytest.approx(sum(row.floor_m2 for row in rows))
    assert [row[0] for row in study.tables[0].rows] == [row.facility_id for row in rows]


def test_published_layouts_are_counted() -> None:
    study = answer("hub_roles", layout="deyang_1_2_7", places=[])
    assert study.figures["hub_pattern"] == "1+2+7"
    assert study.report is None


def test_covering_plan_is_max_coverage_of_parcels() -> None:
    study = answer("covering_plan")
    other = answer("max_coverage", weight="parcels", demand="villages", radius=8.0)
    assert study.figures["served_parcels"] == pytest.approx(other.figures["served_parcels"])
    balances = [float(row[3]) for row in study.tables[0].rows]  # type: ignore[arg-type]
    assert study.figures["paying_sites"] == sum(balance >= 0 for balance in balances)


def test_stations_and_rounds_together_add_up_and_compare_like_with_like() -> None:
    verified = COUNTY.small().verified
    transport = sum(line.cny_per_day for line in verified.costs if line.item == "transport")
    for options in ({}, {"skip_tier": False}, {"stations": "free"}):
        study = answer("location_routing", **options)
        costs = {str(row[0]): [float(v) for v in row[1:]] for row in study.tables[0].rows}  # type: ignore[arg-type]
        total = costs.pop("location_total")
        assert total == pytest.approx([sum(column) for column in zip(*costs.values(), strict=True)])
        assert costs["location_trunk"][0] + costs["location_rounds"][0] == pytest.approx(transport)
        assert study.report is not None
        assert study.report.bound is not None
        assert study.report.bound <= study.report.objective  # type: ignore[operator]
        points = sum(int(row[5]) for row in study.tables[1].rows)  # type: ignore[arg-type]
        assert points == len(verified.plan.siting.station_of_point)


def test_without_tier_skipping_no_point_is_served_from_the_centre() -> None:
    study = answer("location_routing", skip_tier=False)
    assert study.figures["points_skipping"] == 0
    assert float(study.tables[0].rows[3][2]) == 0.0  # type: ignore[arg-type]
    assert answer("location_routing").report.objective <= study.report.objective + 1e-6  # type: ignore[union-attr, operator]


def test_closing_all_stations_says_that_the_standard_is_missed() -> None:
    study = answer("location_routing", stations="free")
    keys = [message.key for message in study.answer]
    assert study.figures["open_stations"] == 0
    assert keys[0] == "study_answer_location_routing_doubtful"
    assert "study_location_townships" in keys


# ---- no answer


@pytest.mark.parametrize(
    ("kind", "options", "fix"),
    [
        ("max_coverage", {"p": 2, "township_floor_share": 1.0}, "study_fix_p"),
        ("p_median", {"p": 4, "budget_cny": 3000.0}, "study_fix_budget_cny"),
        ("p_median", {"p": 6, "exclusion_km": 20.0}, "study_fix_exclusion_km"),
        ("p_median", {"p": 6, "yearly_budget_cny": 30_000.0}, "study_fix_yearly_budget_cny"),
    ],
)
def test_what_cannot_be_names_the_study_and_a_fix_that_holds(kind: str, options: dict[str, Any], fix: str) -> None:
    with pytest.raises(InfeasibleError) as caught:
        answer(kind, **options)
    assert caught.value.message.params["study"] == "one"
    fixes = {message.key: message.params["enough"] for message in caught.value.fixes}
    assert fix in fixes
    key = fix.removeprefix("study_fix_")
    enough: Any = fixes[fix]
    mended = answer(kind, **{**options, key: enough * 0.999 if key == "exclusion_km" else enough})
    assert mended.report is not None
    assert mended.report.objective is not None
    assert all(error.text(lang) for error in (caught.value,) for lang in LANGS)


def test_a_study_may_report_its_failure() -> None:
    study = answer("max_coverage", p=2, township_floor_share=1.0, on_failure="report")
    assert study.report is None
    assert [m.key for m in study.answer[:2]] == ["study_failed", "study_cause_single"]
    assert any(m.key == "study_fix_p" for m in study.answer)
    COUNTY.check_words(study)
    refused = answer("p_median", open=["P9", "P8"], on_failure="report")
    assert [m.key for m in refused.answer] == [
        "study_failed",
        "study_sites_unknown",
        "study_site_unknown",
        "study_site_unknown",
    ]
    COUNTY.check_words(refused)


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        ("p_median", {"open": ["nowhere"]}, InputError),
        ("p_median", {"requires": ["P1"]}, InputError),
        ("p_median", {"p": 99}, InputError),
        ("p_median", {"travel": "tram"}, UsageError),
        ("p_median", {"travel": "access", "sites": "township_stations"}, UsageError),
        ("p_median", {"travel": "minivan", "demand": "hamlets"}, UsageError),
        ("lockers", {"campuses": ["学院;109.1;27"]}, InputError),
        ("hub_roles", {"places": ["990001101;king"]}, InputError),
        ("hub_roles", {"places": []}, InputError),
        ("location_routing", {"vehicle": "tram", "truck": "ship"}, InputError),
    ],
)
def test_wrong_questions_are_refused_and_name_the_study(kind: str, options: dict[str, Any], error: type) -> None:
    with pytest.raises(error) as caught:
        answer(kind, **options)
    raised: Any = caught.value
    assert raised.message.params["study"] == "one"
    assert all(raised.text(lang) for lang in LANGS)
    assert all(problem.text(lang) for problem in getattr(raised, "problems", ()) for lang in LANGS)


def test_frequency_without_villages_gives_the_curve_only() -> None:
    study = answer("frequency", by_village=False)
    COUNTY.check_words(study)
    assert [table.key for table in study.tables] == ["table_study_frequency"]
    assert not study.places
    (table,) = study.tables
    cost = [row[1] for row in table.rows]
    assert cost == sorted(cost)
    assert [row[2] for row in table.rows] == [None, None, pytest.approx(cost[2] - cost[1])]
