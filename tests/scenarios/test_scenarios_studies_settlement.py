"""The settlement and the rules as studies: figures that add up, verdicts with their reasons, refusals that name rule and items."""

import textwrap
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geodata.changes import CountyChanges, apply_changes
from geodata.errors import InfeasibleError, InputError, UsageError
from geodata.frames import canonical_frame
from geodata.messages import LANGS
from geodata.reference import reference_county
from loading import load
from planner.cooperation.subsidy import Investment, grants, schemes
from planner.rules.check import RuleCheck, RuleInput
from planner.rules.facts import FACTS, read_facts
from planner.rules.registry import RULES, check_rules
from scenarios.resolve import resolve_scenario
from scenarios.studies.study import Study

COUNTY = load("scenarios/studies_county.py")


@cache
def three() -> Any:
    """Return the small county with two couriers and the post, beside its bus lines."""
    small = COUNTY.small()
    county = small.problem.county
    rows = [("zto", "courier", 0.5), ("yto", "courier", 0.3), ("china_post", "post", 0.2)]
    operators = [{"operator_id": o, "name": o, "kind": kind, "parcel_share": share} for o, kind, share in rows]
    parts = []
    for name, _, share in rows:
        part = county.demand.assign(operator_id=name)
        for column in ("inbound_parcels_per_day", "outbound_parcels_per_day"):
            part[column] = part[column].astype(float) * share
        parts.append(part)
    county = county.replace(
        operators=canonical_frame(operators, "operators"), demand=pd.concat(parts, ignore_index=True)
    )
    return replace(small, problem=replace(small.problem, county=county))


@cache
def settled() -> Study:
    """Return one settlement with everything switched on."""
    study: Study = three().ask(
        "settlement",
        scheme="henan_2025",
        performance=["5000;0.1", "none;0.05"],
        weights=["zto;2"],
        claims=["X1;township_seat_station;30000;2026"],
        facts=["income_payer;couriers;contract", "same_tariff;yes;draft"],
    )
    return study


def table(study: Study, key: str) -> list[dict[str, Any]]:
    """Return a table's rows by column key."""
    found = next(t for t in study.tables if t.key == key)
    return [dict(zip([c.key for c in found.columns], row, strict=True)) for row in found.rows]


def test_all_words_are_there_in_both_languages() -> None:
    COUNTY.check_words(settled())
    for row in settled().kpis:
        assert row.list_id
    # Gaps stay below what was asked for, and the report says how sure the whole is.
    assert float(str(settled().figures["coalition_gap_share"])) <= 0.001
    report = settled().report
    assert report is not None
    assert report.gap is not None
    assert report.gap <= 0.001


def test_shares_clearing_and_waterfall_sum_exactly() -> None:
    study = settled()
    together, alone = study.figures["together_cny_per_day"], study.figures["alone_cny_per_day"]
    shares = table(study, "table_study_shares")
    assert sum(row["share_cny_per_day"] for row in shares) == pytest.approx(together)
    assert sum(row["alone_cny_per_day"] for row in shares) == pytest.approx(alone)
    assert all(row["share_at_least_cny_per_day"] <= row["share_cny_per_day"] + 1e-9 for row in shares)
    rules = next(t for t in study.tables if t.key == "table_study_shares_by_rule")
    assert np.array([row[1:] for row in rules.rows], dtype=float).sum(axis=0) == pytest.approx([together] * 7)
    blocks = table(study, "table_study_settlement_waterfall")
    assert sum(row["block_cny_per_day"] for row in blocks) == pytest.approx(together, abs=1e-9)
    assert blocks[0]["after_block_cny_per_day"] == pytest.approx(alone)
    assert blocks[-1]["after_block_cny_per_day"] == together
    clearing = table(study, "table_study_clearing")
    assert sum(row["due_cny_per_day"] for row in clearing) == pytest.approx(study.figures["joint_company_cny_per_day"])
    fees = table(study, "table_study_fees")
    for row in clearing:
        paid = sum(fee["fee_cny_per_day"] for fee in fees if fee["operator_id"] == row["operator_id"])
        assert paid == pytest.approx(max(0.0, row["due_cny_per_day"]))


def under(**changes: Any) -> Any:
    """Return the county with changes made as a scenario makes them."""
    given = three()
    county, _ = apply_changes(given.problem.county, CountyChanges(**changes))
    return replace(given, problem=replace(given.problem, county=county))


def kpis_of(study: Study) -> dict[tuple[str, str], Any]:
    return {(row.kpi_id, row.part): row for row in study.kpis}


def test_a_hand_over_alone_says_the_same_as_the_settlement() -> None:
    whole, alone = settled(), three().ask("post_offer", performance=["5000;0.1", "none;0.05"])
    COUNTY.check_words(alone)
    for key in ("table_study_offers", "table_study_relapse", "table_study_point_balances"):
        assert table(alone, key) == table(whole, key)
    mine, theirs = kpis_of(alone), kpis_of(whole)
    assert {name for name, _ in mine} == {"K20", "K21", "K28", "K29"}
    assert all(row == theirs[key] for key, row in mine.items())
    assert alone.answer == tuple(m for m in whole.answer if m in alone.answer)


def test_the_end_of_subsidies_loses_the_lines_that_live_on_them() -> None:
    options = {"performance": ["5000;0.1"], "subsidy_cny_per_year": 1e6}
    before, after = three().ask("post_offer", **options), under(subsidy_ends=True).ask("post_offer", **options)
    COUNTY.check_words(after)
    lost = {row["village_code"] for row in table(before, "table_study_relapse") if row["fate"] != "fate_line_holds"}
    gone = {row["village_code"] for row in table(after, "table_study_relapse") if row["fate"] == "fate_line_never"}
    assert lost
    assert gone == lost
    assert kpis_of(before)["K21", "subsidy_ends"].numerator > 0.0
    assert kpis_of(after)["K21", "subsidy_ends"].numerator == 0.0
    assert kpis_of(after)["K21", "subsidy_ends"].denominator == after.figures["lines_holding"]
    assert all(row["subsidy_cny_per_year"] == 0.0 for row in table(after, "table_study_point_balances"))
    assert "settlement_ended" in [message.key for message in after.answer]
    assert "settlement_ended" not in [message.key for message in before.answer]
    # The settlement reads the same switch: no grant of the scheme is paid.
    grants_paid = under(subsidy_ends=True).ask(
        "settlement", scheme="henan_2025", claims=["X1;township_seat_station;30000;2026"], enforce=False, gap=0.05
    )
    assert [row["grant_paid_cny"] for row in table(grants_paid, "table_study_grants")] == [0.0]


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_the_fee_in_force_moves_money_between_the_sides_only(factor: float) -> None:
    before, after = three().ask("post_offer"), under(handover_fee_factor=factor).ask("post_offer")
    fee = three().problem.county.parameters["post_handover_fee_cny_per_parcel"]
    parcels = sum(row["parcels_per_day"] for row in table(before, "table_study_offers")[:-1])
    moved = (factor - 1.0) * fee * parcels
    assert after.figures["fee_in_force_cny_per_parcel"] == pytest.approx(factor * fee)
    gains = [float(str(s.figures["post_gain_cny_per_day"])) for s in (before, after)]
    assert gains[1] - gains[0] == pytest.approx(moved)
    costs = [float(str(s.figures["couriers_gain_cny_per_day"])) for s in (before, after)]
    assert costs[1] - costs[0] == pytest.approx(-moved)
    assert table(before, "table_study_offers") == table(after, "table_study_offers")
    assert before.report == after.report


def test_kpis_carry_numerator_and_denominator() -> None:
    kpis = {(row.kpi_id, row.part): row for row in settled().kpis}
    assert {kpi_id for kpi_id, _ in kpis} == {"K20", "K21", "K28", "K29", "K30"}
    for row in kpis.values():
        if row.value is not None:
            assert row.numerator is not None
            assert row.denominator
            assert row.value == pytest.approx(row.numerator / row.denominator)
    assert kpis["K29", "least"].value == pytest.approx(1.0)
    assert kpis["K30", "total"].value is None
    points = table(settled(), "table_study_point_balances")
    held = sum(row["balance_cny_per_year"] >= 0.0 for row in points)
    assert kpis["K20", "without_subsidy"].numerator == held
    fates = table(settled(), "table_study_relapse")
    assert kpis["K21", "subsidy_ends"].numerator == sum(row["fate"] == "fate_line_relapses" for row in fates)
    assert kpis["K28", "public_part"].value + kpis["K28", "commercial_part"].value == pytest.approx(1.0)  # type: ignore[operator]


def test_offers_for_named_villages_and_without_a_ceiling() -> None:
    code = str(COUNTY.small().problem.county.villages["village_code"].iloc[3])
    study = three().ask("settlement", villages=[code], offer_part=0.0, enforce=False)
    row, whole = table(study, "table_study_offers")
    assert row["village_code"] == code
    assert row["fee_offer_cny_per_parcel"] == pytest.approx(row["fee_floor_cny_per_parcel"])
    assert whole["fee_together_cny_per_parcel"] == pytest.approx(row["fee_together_cny_per_parcel"])
    assert any(message.key.startswith("settlement_offer") for message in study.answer)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"villages": ["000000000000"]}, "settlement_village_unknown"),
        ({"weights": ["nobody;1"]}, "settlement_weight_bad"),
        ({"weights": ["zto;-1"]}, "settlement_weight_bad"),
        ({"performance": ["100;0.1", "50;0.2"]}, "settlement_tier_bad"),
        ({"scheme": "henan_2025", "claims": ["C1;castle;5"]}, "settlement_claim_bad"),
        ({"scheme": "henan_2025", "claims": ["C1"]}, "settlement_claim_bad"),
        ({"facts": ["consent_shore;0.5"]}, "rule_fact_unknown"),
        ({"facts": ["consent_share;1.5"]}, "rule_fact_share"),
        ({"facts": ["complaints;many"]}, "rule_fact_number"),
        ({"facts": ["bus_sealed;perhaps"]}, "rule_fact_switch"),
        ({"facts": ["appointed;"]}, "rule_fact_empty"),
    ],
)
def test_bad_input_names_entry_and_remedy(options: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        three().ask("settlement", **options)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert all(problem.text(lang) for problem in caught.value.problems for lang in LANGS)


def test_a_weighted_rule_needs_weights() -> None:
    with pytest.raises(UsageError):
        three().ask("settlement", rule="weighted_shapley")


# Rules.


def checks(*facts: str, **changes: Any) -> dict[str, RuleCheck]:
    small = COUNTY.small()
    given = RuleInput(small.problem, small.verified, read_facts(facts))
    return {check.rule_id: check for check in check_rules(replace(given, **changes))}


def with_county(**tables: Any) -> Any:
    small = COUNTY.small()
    return replace(small.problem, county=small.problem.county.replace(**tables))


def test_there_are_twenty_rules_in_order_and_nothing_is_met_without_its_inputs() -> None:
    found = checks()
    assert list(found) == [f"Q{i}" for i in range(1, 21)]
    assert len(RULES) == 20
    needs = {"Q1", "Q2", "Q3", "Q5", "Q9", "Q10", "Q11", "Q13", "Q15", "Q16", "Q17", "Q18"}
    for rule_id in needs:
        assert found[rule_id].status == "not_checked", rule_id
        assert found[rule_id].missing, rule_id
    named = {name for check in found.values() for name in check.missing}
    assert named - set(FACTS) <= {"table_produce", "max_speed_kmh", "range_km"}
    for check in found.values():
        assert all(check.evidence.text(lang) for lang in LANGS)


@pytest.mark.parametrize(
    ("rule_id", "met", "failed", "item"),
    [
        ("Q1", ["income_payer;couriers"], ["income_payer;村民"], "村民"),
        ("Q1", ["recipient_charge_cny;0"], ["recipient_charge_cny;1"], "recipient_charge_cny"),
        ("Q2", ["consent_share;0.9", "door_share;0.1"], ["consent_share;0.8", "door_share;0.1"], "door_share"),
        ("Q3", ["mail_access;yes"], ["no_mail_access;v9"], "v9"),
        ("Q5", ["within_24h_share;1"], ["within_24h_share;0.9"], "within_24h_share"),
        (
            "Q9",
            ["inspection_real_name;yes", "inspection_opened;yes", "inspection_screened;yes"],
            ["not_inspected;C1"],
            "C1",
        ),
        ("Q10", ["same_tariff;yes", "appointed;post", "tender;post"], ["same_tariff;yes", "appointed;post"], "post"),
        ("Q10", ["same_tariff;yes"], ["same_tariff;no"], "same_tariff"),
        ("Q11", ["workers_insured;yes"], ["workers_insured;no"], "workers_insured"),
        ("Q13", ["permits;yes"], ["no_permit;minivan"], "minivan"),
        ("Q15", ["recovery_bins;yes", "no_plastic;yes"], ["recovery_bins;no"], "recovery_bins"),
        (
            "Q16",
            [f"point_{k};yes" for k in ("sign", "shelf", "scanner", "camera", "extinguisher")],
            ["point_camera;no"],
            "point_camera",
        ),
        ("Q17", ["village_address_share;1"], ["village_address_share;0.7"], "village_address_share"),
        ("Q18", ["hold_h;24", "return_flow;yes"], ["hold_h;24", "return_flow;no"], "return_flow"),
    ],
)
def test_declared_facts_decide_a_rule(rule_id: str, met: list[str], failed: list[str], item: str) -> None:
    assert checks(*met)[rule_id].status == "met"
    found = checks(*failed)[rule_id]
    assert found.status == ("broken" if found.force == "hard" else "missed")
    assert found.items == (item,)
    assert all(found.evidence.text(lang) for lang in LANGS)


def test_mail_duty_says_nothing_about_parcels_and_parcels_nothing_about_mail() -> None:
    small = COUNTY.small()
    siting = small.verified.plan.siting
    fewer = dict(list(siting.point_of_village.items())[1:])
    verified = replace(
        small.verified, plan=replace(small.verified.plan, siting=replace(siting, point_of_village=fewer))
    )
    assert checks("mail_access;yes", verified=verified)["Q3"].status == "met"
    assert checks(verified=verified)["Q3"].status == "not_checked"


def test_a_post_without_the_universal_duty_leaves_direct_mail_unchecked() -> None:
    problem = three().problem
    assert checks("mail_access;yes;bureau", problem=problem)["Q3"].status == "met"
    row = {"operator_id": "china_post", "has_universal_duty": "false"}
    county = problem.county.replace(operator_terms=canonical_frame([row], "operator_terms"))
    check = checks("mail_access;yes;bureau", problem=replace(problem, county=county))["Q3"]
    assert (check.status, check.missing) == ("not_checked", ("has_universal_duty",))


def test_frequency_below_three_is_broken_with_the_villages_named() -> None:
    problem = COUNTY.small().problem
    slow = checks(problem=replace(problem, standard=replace(problem.standard, visits_per_week=2)))["Q4"]
    assert slow.status == "broken"
    assert set(slow.items) == set(COUNTY.small().verified.plan.siting.point_of_village)
    assert checks()["Q4"].evidence.params["five"] == len(slow.items)


def test_buses_are_asked_for_only_where_they_carry() -> None:
    assert checks()["Q8"].status == "not_applicable"
    conditions = ("segregated", "sealed", "goods_checked", "weight_limited", "aisle_clear", "tracked")
    yes = [f"bus_{name};yes" for name in conditions]
    assert checks(*yes, bus_villages=("v",))["Q8"].status == "met"
    assert checks(*yes[1:], bus_villages=("v",))["Q8"].missing == ("bus_segregated",)
    assert checks(*yes[1:], "bus_segregated;no", bus_villages=("v",))["Q8"].items == ("bus_segregated",)


def test_vehicles_are_held_to_hours_and_tricycles_to_their_limits() -> None:
    small = COUNTY.small()
    used = small.verified.plan.routing.routes[0].vehicle_type_id
    vehicles = small.problem.county.vehicles.copy()
    row = vehicles["vehicle_type_id"] == used
    vehicles.loc[row, "shift_h"] = 11.0
    vehicles.loc[row, "name"] = "电动三轮车"
    found = checks("workers_insured;yes", problem=with_county(vehicles=vehicles))
    assert found["Q11"].items == (used,)
    assert found["Q12"].items == (used,)
    vehicles.loc[row, ["shift_h", "max_speed_kmh", "payload_kg", "range_km"]] = [8.0, 15.0, 180.0, 60.0]
    found = checks("workers_insured;yes", problem=with_county(vehicles=vehicles))
    assert (found["Q11"].status, found["Q12"].status) == ("met", "met")
    vehicles.loc[row, "range_km"] = np.nan
    assert checks(problem=with_county(vehicles=vehicles))["Q12"].missing == ("range_km",)


def test_chilled_produce_needs_its_time() -> None:
    code = str(COUNTY.small().problem.county.villages["village_code"].iloc[0])
    row = {"village_code": code, "product": "橙", "first_month": 10, "last_month": 11, "kg_per_day": 100.0}
    for kind, status in (("ambient", "not_applicable"), ("chilled", "not_checked")):
        problem = with_county(produce=canonical_frame([{**row, "temperature_class": kind}], "produce"))
        assert checks(problem=problem)["Q14"].status == status
    facts = ("cold_limit_h;6", "cold_insulated;yes")
    assert checks(*facts, "cold_h;5", problem=problem)["Q14"].status == "met"
    assert checks(*facts, "cold_h;7", problem=problem)["Q14"].items == ("cold_h",)
    problem = with_county(produce=canonical_frame([], "produce"))
    assert checks(problem=problem)["Q14"].missing == ("table_produce",)


def test_a_telephone_number_in_a_name_is_found() -> None:
    assert checks()["Q19"].status == "met"
    facilities = COUNTY.small().problem.county.facilities.copy()
    facilities.loc[2, "name"] = "小卖部 13812345678"
    found = checks(problem=with_county(facilities=facilities))["Q19"]
    assert (found.status, found.items) == ("broken", ("facilities.name:4",))
    facilities.loc[2, "name"] = "张三 11010519491231002X"
    assert checks(problem=with_county(facilities=facilities))["Q19"].status == "broken"


def test_subsidies_are_paid_once_and_only_for_what_is_new() -> None:
    henan = schemes()["henan_2025"]
    fine = Investment("S", "township_station", 100_000.0, 2026)
    assert checks(grants=grants(henan, [fine], "A"))["Q20"].status == "met"
    assert checks(grants=grants(henan, [fine], "D"))["Q20"].evidence.params["paid"] == 0
    twice = checks(grants=grants(henan, [fine, fine, replace(fine, investment_id="old", year=2024)], "A"))["Q20"]
    assert twice.items == ("S (township_station)", "old (township_station)")
    assert checks()["Q20"].status == "not_applicable"


def test_a_broken_hard_rule_refuses_the_plan_by_name_and_item() -> None:
    with pytest.raises(InfeasibleError) as caught:
        COUNTY.small().ask("rules", facts=["income_payer;recipient", "appointed;zto"])
    told = " ".join(message.text("en") for message in caught.value.fixes)
    assert "Q1" in told
    assert "recipient" in told
    assert "Q10" in told
    assert "zto" in told
    assert all(message.text("zh") for message in caught.value.fixes)
    shown = COUNTY.small().ask("rules", facts=["income_payer;recipient"], enforce=False)
    COUNTY.check_words(shown)
    assert shown.figures["rules_broken"] == 1
    assert table(shown, "table_study_rules")[0]["rule_status"] == "rule_status_broken"


def test_a_contract_that_names_a_carrier_needs_a_tender() -> None:
    with pytest.raises(InfeasibleError) as caught:
        three().ask("settlement", carriers=["china_post"])
    assert "china_post" in " ".join(message.text("en") for message in caught.value.fixes)
    facts = ["tender;china_post;2026-3", "same_tariff;yes;contract"]
    study = three().ask("settlement", carriers=["china_post"], facts=facts)
    assert {row["rule_id"]: row["rule_status"] for row in table(study, "table_study_rules")}["Q10"] == "rule_status_met"


def test_complaints_are_a_rate_of_their_own_parcels() -> None:
    study = COUNTY.small().ask("rules", facts=["complaints;3", "complaint_parcels;60000"])
    (row,) = study.kpis
    assert row.value == pytest.approx(5.0)


def test_the_walk_of_the_documents_is_a_question_of_thirteen_known_villages(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "settlement.md").read_text(encoding="utf-8")
    block = page.split("```toml", 1)[1].split("```", 1)[0]
    (tmp_path / "offer.toml").write_text(textwrap.dedent(block), encoding="utf-8")
    (study,) = resolve_scenario(tmp_path / "offer.toml").studies
    assert study.kind.kind == "post_offer"
    villages = study.options["villages"]
    known = set(reference_county().villages["village_code"])
    assert len(set(villages)) == 13  # type: ignore[call-overload]
    assert set(villages) <= known  # type: ignore[call-overload]
