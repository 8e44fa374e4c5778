"""The compliance table: every requirement answered, no encouragement or draft broken, and each reading trap."""

import csv
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from geodata.errors import InputError
from geodata.messages import LANGS, Message, label, text
from loading import load
from planner.siting.hub_layout import known_layouts, role_counts
from planner.verification.facts import gather
from scenarios.compliance.finding import STATUSES, Case, Finding, Outcome, status_of
from scenarios.compliance.given_facts import GivenFact, conditions, given_facts
from scenarios.compliance.judge import CHECKS, Result, counts, fact_keys, judge
from scenarios.compliance.requirements import FORCES, policy_documents, requirements
from scenarios.overrides import DEFAULT_ORIGIN, Setting
from scenarios.studies.run import run_studies
from scenarios.studies.settings import chosen_studies, decide_studies
from scenarios.studies.study import Study

ROOT = Path(__file__).parents[2]
SOURCE = ROOT.parent / "shared" / "domain" / "requirements.tsv"
OUTCOMES: tuple[Outcome, ...] = ("yes", "no", "unknown", "outside")


COUNTY = load("scenarios/studies_county.py")


@cache
def case() -> Case:
    small = COUNTY.small()
    return Case(small.problem, small.verified, gather(small.problem), {}, {})


def results(given: Case, **options: Any) -> dict[str, Result]:
    return {result.requirement.requirement_id: result for result in judge(given, **options)}


def stating(*facts: str, year: int | None = None) -> dict[str, Result]:
    return results(replace(case(), given=given_facts(facts, fact_keys()), year=year))


def in_county(code: str, **changes: Any) -> Case:
    problem = replace(case().problem, county=case().problem.county.replace(county_code=code, **changes))
    return replace(case(), problem=problem)


def answered(**studies: dict[str, Any]) -> tuple[Study, ...]:
    given = {
        f"studies.{name}.{key}": Setting(value, DEFAULT_ORIGIN)
        for name, options in studies.items()
        for key, value in options.items()
    }
    decided, problems = decide_studies(given)
    assert not problems
    small = COUNTY.small()
    return run_studies(small.problem, small.verified, chosen_studies(decided, seed=1), lang="en")


def test_the_table_is_whole_and_every_check_exists() -> None:
    ids = [r.requirement_id for r in requirements()]
    assert ids == sorted(set(ids))
    for asked in requirements():
        assert asked.check in CHECKS
        assert asked.force in FORCES
        assert asked.kind in ("H", "D")
        assert not asked.same_as or asked.same_as in ids
        for lang in LANGS:
            assert text(asked.requirement_id, lang)
            assert label(f"policy_document_{asked.document.document_id}", lang)
            assert not asked.lead or label(f"lead_{asked.lead}", lang)
    assert {r.check for r in requirements()} == set(CHECKS)


@pytest.mark.data
def test_all_requirements_of_both_kinds_are_carried_in_own_words() -> None:
    if not SOURCE.exists():
        pytest.skip("no requirements table")
    with SOURCE.open(encoding="utf-8") as handle:
        source = {row["id"]: row for row in csv.DictReader(handle, delimiter="\t")}
    carried = {r.requirement_id: r for r in requirements()}
    assert set(carried) == {key for key, row in source.items() if row["kind"] in "HD"}
    for key, asked in carried.items():
        row = source[key]
        assert (asked.section, asked.kind) == (row["section"], row["kind"])
        assert asked.document.document_id == row["file"][:3]
        own = text(key, "zh")
        same = [own[i : i + 8] for i in range(len(own) - 7) if own[i : i + 8] in row["quote"]]
        assert not same, key
        if all(re.search("争取|力争|鼓励|探索", clause) for clause in re.split("[,，]", row["quote"])):
            assert asked.force != "must", key


def test_every_result_has_words_and_the_counts_add_up() -> None:
    found = judge(case())
    assert len(found) == len(requirements())
    for result in found:
        assert result.status in STATUSES
        assert all(result.finding.evidence.text(lang) for lang in LANGS)
        assert all(label(f"compliance_{result.status}", lang) for lang in LANGS)
    repeated = sum(bool(r.same_as) for r in requirements())
    assert sum(counts(found).values()) == len(found) - repeated
    assert repeated == 3


def test_every_missing_input_and_reason_has_its_sentence() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "scenarios" / "compliance").glob("checks_*.py"))
    keys = [f"compliance_missing_{key}" for key in re.findall(r'missing\("(\w+)"\)', code)]
    keys += [f"compliance_outside_{r.argument}" for r in requirements() if r.check == "outside"]
    assert len(keys) > 20
    assert all(text(key, lang) for key in keys for lang in LANGS)


def test_t1_two_readings_are_kept_apart() -> None:
    (lemons, shoes) = conditions("lemon_firms>=5|10;shoe_firms>=5")
    assert (lemons.readings, shoes.readings) == ((5.0, 10.0), (5.0,))
    told = {n: stating(f"lemon_firms;{n};x", "shoe_firms;5;x")["R000-14"] for n in (4, 7, 10)}
    assert [told[n].status for n in (4, 7, 10)] == ["not_met", "not_checked", "met"]
    assert told[7].finding.evidence.key == "compliance_fact_readings"
    assert stating("lemon_firms;10;x", "shoe_firms;4;x")["R000-14"].status == "not_met"
    assert stating("lemon_firms;10;x")["R000-14"].status == "not_checked"


@pytest.mark.parametrize(
    ("names", "status", "count"),
    [
        (("安岳电商物流产业功能区", "农产品直批电商博览园"), "met", 2),
        (("安岳电商物流产业功能区", "农产品直批电商物流园"), "met", 2),
        (("农产品直批电商博览园", "农产品直批电商物流园"), "not_met", 1),
    ],
)
def test_t2_one_project_with_two_names_counts_once(names: tuple[str, ...], status: str, count: int) -> None:
    facilities = case().problem.county.facilities.copy()
    opened = case().verified.plan.siting.open_ids[: len(names)]
    for name, facility in zip(names, opened, strict=True):
        facilities.loc[facilities["facility_id"] == facility, "name"] = name
    result = results(in_county("512021", facilities=facilities))["R000-20"]
    assert (result.status, result.finding.numerator, result.finding.denominator) == (status, count, 2)


def test_t3_the_wider_list_of_the_annex_stands_apart() -> None:
    found = results(case())
    assert found["R000-06"].status == "met"
    assert found["R000-27"].status == "not_checked"
    assert found["R000-27"].finding.evidence == Message("compliance_missing_lockers")


def test_t4_the_yearly_pilot_is_counted_once_and_never_broken() -> None:
    found = stating("pilots_this_year;0;x")
    assert found["R000-10"].status == found["R000-29"].status == "not_taken_up"
    assert (found["R000-10"].is_counted, found["R000-29"].is_counted) == (True, False)
    assert stating("pilots_this_year;1;x")["R000-29"].status == "met"


def test_t5_terminals_of_the_province_are_not_compared_with_a_county() -> None:
    for code in ("990001", "512021"):
        result = results(in_county(code))["R002-12"]
        assert result.status == "not_applicable"
        assert result.finding.evidence.params["target"] == 4000
        assert result.finding.numerator is None


def test_t6_roles_and_places_are_counted_apart() -> None:
    (study,) = (
        s
        for s in answered(
            hubs={"kind": "hub_roles", "layout": "deyang_1_2_7"}, policy={"kind": "compliance", "documents": ["004"]}
        )
        if s.kind == "compliance"
    )
    rows = {row[0]: row for row in study.tables[1].rows}
    assert (rows["R004-03"][7], rows["R004-03"][6]) == (10.0, 9.0)
    assert {row[0]: row[3] for row in study.tables[0].rows}["R004-06"] == "compliance_met"
    assert rows["R004-28"][5] == "compliance_not_checked"
    mianyang = role_counts(known_layouts()["mianyang_1_3_8"])
    assert (mianyang.role_count, mianyang.place_count) == (12, 12)


@pytest.mark.parametrize(
    ("parks", "year", "status"),
    [
        (2, 2023, "met"),
        (1, 2023, "not_met"),
        (3, 2025, "met"),
        (2, 2025, "not_met"),
        (3, None, "met"),
        (0, 2022, "out"),
    ],
)
def test_t7_running_totals_are_not_added(parks: int, year: int | None, status: str) -> None:
    result = stating(f"mianyang_parks;{parks};x", year=year)["R004-27"]
    assert result.status == {"out": "not_applicable"}.get(status, status)


def test_t8_no_requirement_stands_twice() -> None:
    places = Counter((r.requirement_id, r.document.document_id, r.section) for r in requirements())
    assert max(places.values()) == 1
    assert len({text(r.requirement_id, "zh") for r in requirements()}) == len(requirements())


def test_t9_and_t10_no_draft_and_no_soft_verb_is_ever_broken() -> None:
    assert [name for name, document in policy_documents().items() if document.is_draft] == ["001"]
    soft = [r for r in requirements() if r.document.is_draft or r.force != "must"]
    assert len(soft) > 30
    for asked in soft:
        assert "not_met" not in [status_of(asked, outcome) for outcome in OUTCOMES]
    hard = next(r for r in requirements() if r.force == "must" and not r.document.is_draft)
    assert [status_of(hard, outcome) for outcome in OUTCOMES] == ["met", "not_met", "not_checked", "not_applicable"]


def test_t11_lead_units_are_those_of_each_document() -> None:
    leads = {r.requirement_id: r.lead for r in requirements()}
    assert {leads[f"R000-{n:02}"] for n in range(5, 14)} == {"postal"}
    assert leads["R003-17"] == leads["R003-22"] == leads["R003-29"] == "split"
    assert leads["R004-03"] == ""


def test_a_duty_that_fails_is_not_met_and_an_encouragement_is_not() -> None:
    vehicles = case().problem.county.vehicles.assign(energy_kind="diesel")
    problem = replace(case().problem, county=case().problem.county.replace(vehicles=vehicles))
    found = results(replace(case(), problem=problem, facts=gather(problem)))
    assert found["R000-12"].finding.numerator == 0.0
    assert found["R000-12"].status == "not_taken_up"
    unserved = replace(case().verified.plan.siting, point_of_village={})
    plan = replace(case().verified.plan, siting=unserved)
    broken = results(replace(case(), verified=replace(case().verified, plan=plan)))
    assert broken["R002-08"].status == "not_met"
    assert broken["R003-12"].status == "not_taken_up"
    assert (broken["R002-08"].finding.numerator, broken["R002-08"].finding.denominator) == (0, 4)


def test_documents_apply_where_they_are_addressed() -> None:
    ziyang, hunan = results(in_county("512021")), results(in_county("431226"))
    assert {key[:4] for key, r in ziyang.items() if r.finding.evidence.key != "compliance_elsewhere"} == {
        "R000",
        "R001",
        "R002",
    }
    assert {r.status for r in hunan.values()} == {"not_applicable"}
    chosen = results(in_county("431226"), chosen=("000",))
    assert {key[:4] for key, r in chosen.items() if r.status != "not_applicable"} == {"R000"}


def test_other_studies_are_read_and_a_failed_one_is_not() -> None:
    found = answered(
        zz_chargers={"kind": "chargers", "electrify": ["box_truck"]},
        policy={"kind": "compliance"},
        lockers={"kind": "lockers", "on_failure": "report", "minimum_lockers": 10_000},
    )
    assert [study.name for study in found] == ["lockers", "policy", "zz_chargers"]
    assert found[0].has_failed
    rows = {row[0]: row[3] for row in found[1].tables[0].rows}
    assert rows["R003-22"] == "compliance_met"
    assert rows["R000-27"] == "compliance_not_checked"


def test_bad_facts_and_documents_are_refused_all_at_once() -> None:
    entries = ["lemon_firms;x;y", "lemons;5;y", "shoe_firms;5;", "shared_centres;1;a", "shared_centres;2;b", "x"]
    with pytest.raises(InputError) as caught:
        given_facts(entries, fact_keys())
    assert [p.value for p in caught.value.problems] == [entries[k] for k in (0, 1, 2, 4, 5)]
    assert all(p.text(lang) for p in caught.value.problems for lang in LANGS)
    with pytest.raises(InputError) as caught:
        COUNTY.small().ask("compliance", documents=["000", "005", "x"])
    assert [p.value for p in caught.value.problems] == ["005", "x"]
    assert given_facts(["lemon_firms; 7 ; a;b"], fact_keys()) == {"lemon_firms": GivenFact("lemon_firms", 7.0, "a;b")}


def test_the_documented_facts_are_those_that_are_read() -> None:
    page = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", page.partition("## Facts a bureau may state")[2])
    assert sorted(listed) == list(fact_keys())
    assert all(text("R000-14", lang) for lang in LANGS)
    assert isinstance(case().studies, dict)
    assert Finding("yes", Message("compliance_campuses")).list_id == ""
