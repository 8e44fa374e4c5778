"""The run's tables: counts, distances, loads and costs against figures worked out by hand."""

import dataclasses
import importlib.util
import math
import re
from pathlib import Path
from types import ModuleType

import pytest

from geodata.messages import Lang
from planner.costs import annuity_factor
from planner.reports import SolveReport
from scenarios.content import RunContent
from scenarios.outputs.answer import (
    Target,
    answer_sentences,
    lowered_sentence,
    routing_sentence,
    siting_sentence,
    targets,
)
from scenarios.outputs.columns import COLUMNS, cell, header, words
from scenarios.outputs.facts import headline_facts, map_notes, source_lines
from scenarios.outputs.in_force import IN_FORCE, IN_FORCE_OF_STUDIES, figures_in_force
from scenarios.outputs.reach import persons_by_distance
from scenarios.outputs.report_tables import report_tables
from scenarios.outputs.sensitivity_note import sensitivity_note
from scenarios.outputs.studies_sheets import with_township_names
from scenarios.outputs.studies_words import column_heading, fact_text, proof_line
from scenarios.outputs.tables import run_tables
from scenarios.outputs.terms import figure, number, plain, readable, share, term
from scenarios.studies.study import Study, StudyColumn, StudyTable

ROOT = Path(__file__).parents[2]


def hand_made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outputs_content", Path(__file__).parent / "outputs_content.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HAND = hand_made()
CONTENT = HAND.make_content()
TABLES = run_tables(CONTENT)


def test_every_village_stands_once_and_served_plus_unserved_is_all() -> None:
    villages = CONTENT.problem.county.villages
    assert TABLES.villages["village_code"].tolist() == villages["village_code"].tolist()
    assert int(TABLES.villages["is_served"].sum()) == 10
    assert len(TABLES.unserved) == 2
    assert TABLES.unserved["reason"].str.len().min() > 0
    assert set(TABLES.villages.loc[~TABLES.villages["is_served"], "point_id"]) == {""}


def test_own_point_is_the_point_that_stands_in_the_village() -> None:
    own = TABLES.villages.set_index("name")["has_own_point"]
    assert own["村1-1"] and not own["村1-2"] and own["村1-3"]


def test_distance_is_that_of_the_travel_matrix() -> None:
    row = TABLES.villages.set_index("name").loc["村1-2"]
    (x0, y0), (x1, y1) = HAND.place(0, 1, HAND.Size()), HAND.place(0, 0, HAND.Size())
    km = 1.3 * math.hypot((x0 - x1) * 111.195 * math.cos(math.radians(27.7)), (y0 - y1) * 111.195)
    assert row["access_km"] == pytest.approx(km)
    assert row["access_min"] == pytest.approx(2 * km)


def test_sites_are_kept_new_closed_or_not_chosen() -> None:
    decisions = TABLES.sites.set_index("facility_id")["decision"]
    assert decisions["C1"] == "kept"
    assert decisions["S0000"] == "kept"
    assert decisions["S0001"] == "new"
    assert decisions["X-closed"] == "closed"
    assert decisions["X-unused"] == "not_chosen"
    assert "X-unused" not in set(TABLES.used_sites["facility_id"])


def test_parcels_add_up_through_the_tiers() -> None:
    sites = TABLES.sites.set_index("facility_id")
    assert sites.loc["P0000-0000", "parcels_per_day"] == pytest.approx(72.0)
    assert sites.loc["S0000", "parcels_per_day"] == pytest.approx(6 * 36.0)
    assert sites.loc["C1", "parcels_per_day"] == pytest.approx(10 * 36.0)
    assert sites.loc["C1", "served_villages"] == 10


def test_site_costs_and_investment() -> None:
    sites = TABLES.sites.set_index("facility_id")
    parameters = CONTENT.problem.county.parameters
    factor = annuity_factor(parameters["discount_rate_share"], parameters["site_life_years"])
    assert sites.loc["C1", "site_cost_cny_per_day"] == pytest.approx(400000 / 365)
    assert sites.loc["S0001", "site_cost_cny_per_day"] == pytest.approx((60000 + 80000 * factor) / 365)
    assert sites.loc["S0001", "site_investment_cny"] == 80000
    assert sites.loc["X-closed", "site_investment_cny"] == 1000
    assert sites.loc["X-closed", "closing_cost_cny_per_day"] == pytest.approx(1000 * factor / 365)


def test_trip_is_driven_through() -> None:
    """T1: C1 → S0000 (same place) → S0001 (0.12° east) → back, 42 parcels out and 8.4 back at each stop."""
    row = TABLES.routes.set_index("route_id").loc["T1"]
    km = 2 * 1.3 * 0.12 * 111.195 * math.cos(math.radians(27.7))
    p = CONTENT.problem.county.parameters
    stops = 2 * (p["stop_base_min"] + p["stop_s_per_parcel"] / 60 * 50.4)
    assert row["trip_km"] == pytest.approx(km)
    assert row["trip_min"] == pytest.approx(15 + 2 * km + stops)
    assert row["max_load_kg"] == pytest.approx(84 * p["inbound_parcel_kg"])
    assert row["load_share"] == pytest.approx(max(84 * 1.5 / 1500, 84 * p["parcel_volume_m3"] / 16))
    stops_of_t1 = TABLES.stops[TABLES.stops["route_id"] == "T1"]
    assert stops_of_t1["arrival_min"].tolist() == pytest.approx([15.0, 15 + stops / 2 + km])


def test_peak_load_counts_pick_ups_on_board() -> None:
    """One stop, 10 out and 40 back: on the way home 40 × 3.5 kg outweigh 10 × 1.5 kg."""
    from planner.routing.result import Route, Stop
    from scenarios.outputs.route_tables import peak_load

    route = Route("R", "township_village", "S0000", "van", 1, 5, (Stop("P0000-0000", 10.0, 40.0),))
    kg, load_share = peak_load(route, CONTENT.problem, {"payload_kg": 200.0, "volume_m3": 100.0})
    assert kg == pytest.approx(40 * CONTENT.problem.county.parameters["outbound_parcel_kg"])
    assert load_share == pytest.approx(kg / 200.0)


def test_persons_by_distance_add_up_to_all_persons() -> None:
    persons, unknown = persons_by_distance(CONTENT, TABLES)
    assert sum(persons) + unknown == pytest.approx(float(TABLES.villages["population"].sum()))
    unserved = TABLES.unserved["population"].sum()
    assert unknown == pytest.approx(float(unserved))


def test_hamlets_stand_for_their_village_and_are_scaled() -> None:
    county = CONTENT.problem.county
    point = TABLES.villages.iloc[0]
    hamlets = HAND.frame(
        "hamlets",
        [
            {"hamlet_id": "X-closed", "village_code": point["village_code"], "name": "a", "population": 1.0},
            {"hamlet_id": "nowhere", "village_code": point["village_code"], "name": "b", "population": 3.0},
        ],
    )
    import dataclasses

    problem = dataclasses.replace(CONTENT.problem, county=county.replace(hamlets=hamlets))
    content = dataclasses.replace(CONTENT, problem=problem)
    before, _ = persons_by_distance(CONTENT, TABLES)
    after, unknown = persons_by_distance(content, run_tables(content))
    whole = float(point["population"])
    assert unknown == pytest.approx(float(TABLES.unserved["population"].sum()) + 0.75 * whole)
    assert sum(after) == pytest.approx(sum(before) - 0.75 * whole)


def test_headline_facts() -> None:
    values = [fact.value for fact in headline_facts(CONTENT, TABLES)]
    assert values == ["10 / 12", "1,840元/天", "5.11元", "250,000元", "1个／2个／5个"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_answer_says_the_figures(lang: Lang) -> None:
    content = HAND.make_content(lang)
    answer = " ".join(answer_sentences(content, run_tables(content)))
    for figure_text in ("10", "12", "83.3%", "1,840", "5.11", "250,000", "1.00%"):
        assert figure_text in answer
    assert "out_" not in answer and "{" not in answer


def test_bound_is_said_as_what_it_proves() -> None:
    from planner.reports import SolveReport

    def with_report(report: SolveReport) -> str:
        import dataclasses

        siting = dataclasses.replace(CONTENT.verified.plan.siting, report=report)
        plan = dataclasses.replace(CONTENT.verified.plan, siting=siting)
        return siting_sentence(dataclasses.replace(CONTENT, verified=dataclasses.replace(CONTENT.verified, plan=plan)))

    texts = {
        with_report(SolveReport("optimal", 10.0, 10.0, "e")),
        with_report(SolveReport("feasible", 10.0, 9.0, "e")),
        with_report(SolveReport("feasible", 10.0, None, "e")),
    }
    assert len(texts) == 3
    assert any("10.00%" in text for text in texts)
    assert "proved" in routing_sentence(HAND.make_content("en"))


def test_targets_hold_the_standard_against_the_kpis() -> None:
    rows = {target.wanted: target.is_met for target in targets(CONTENT)}
    assert rows == {0.9: False, 1.0: True, 0.0: True}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_villages_served_are_a_condition_of_their_own(lang) -> None:
    """Ten of twelve villages are served, whatever the number of services a week."""
    content = HAND.make_content(lang)
    standard = dataclasses.replace(content.problem.standard, village_served_share=0.95)
    content = dataclasses.replace(content, problem=dataclasses.replace(content.problem, standard=standard))
    target = targets(content)[-1]
    assert (target.wanted, target.reached, target.is_met) == (0.95, pytest.approx(10 / 12), False)
    assert target.detail == "10 / 12"
    label = {"en": "Villages served, from a point of their own or another's", "zh": "得到服务的村（本村或邻村设点）"}
    assert target.label == label[lang]
    assert any(target.label in sentence and "83.3%" in sentence for sentence in answer_sentences(content, TABLES))


def test_map_notes_say_provider_drawing_and_what_is_missing() -> None:
    notes = " ".join(map_notes(CONTENT, TABLES))
    assert "1.30" in notes and "直线" in notes and "虚构" in notes
    assert "1个村没有已知位置" in notes


def test_sources_are_grouped_and_attributed() -> None:
    lines = source_lines(HAND.make_content("en"))
    assert any("© OpenStreetMap contributors" in line and "ODbL 1.0" in line for line in lines)
    assert len(lines) == 3


def test_assumption_that_moves_most_is_named_with_its_range() -> None:
    swings = sensitivity_note(CONTENT)
    assert swings is not None
    assert len(swings.headers) == len(swings.rows[0])
    assert swings.rows[0][0].split(" [")[0] in swings.sentence


def test_figures_in_force_cover_what_the_code_reads() -> None:
    read = set()
    for package in ("geodata", "networks", "planner", "scenarios/studies"):
        for path in (ROOT / package).rglob("*.py"):
            if "reference" in path.name or "importers" in path.parts:  # they make a county, with figures of their own
                continue
            read |= set(re.findall(r"""\b(?:parameters|p)\[["'](\w+)["']\]""", path.read_text(encoding="utf-8")))
    known = set(CONTENT.problem.county.parameters)
    assert read & known
    listed = IN_FORCE.union(*IN_FORCE_OF_STUDIES.values())
    assert (read & known) - listed == set()
    assert listed - known == set()


def test_a_replaced_figure_is_always_printed() -> None:
    import dataclasses

    county = CONTENT.problem.county
    unread = next(i for i in county.parameters if i not in IN_FORCE and not i.startswith(("truck_", "van_")))
    changed = county.replace(parameters=county.parameters.with_values({unread: 5.0}, "test"))
    content = dataclasses.replace(CONTENT, problem=dataclasses.replace(CONTENT.problem, county=changed))
    kept = figures_in_force(run_tables(content).parameters, [])
    assert unread in set(kept["parameter_id"])
    assert unread not in set(figures_in_force(TABLES.parameters, [])["parameter_id"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_column_has_words(lang: Lang) -> None:
    missing = [name for name in COLUMNS if term(name, lang) == name and lang == "zh"]
    assert missing == []
    assert all(header(name, lang) for name in COLUMNS)
    units = [c.unit for c in COLUMNS.values() if c.unit]
    assert [unit for unit in units if term(f"unit_{unit}", lang) == f"unit_{unit}"] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_code_in_a_table_has_words(lang: Lang) -> None:
    for name, frame in (
        ("kind", TABLES.sites),
        ("decision", TABLES.sites),
        ("cost_tier", TABLES.costs),
        ("item", TABLES.costs),
    ):
        for value in set(frame[name]):
            assert words(name, value, lang) != value or (lang, value) == ("en", "new")
    for unit in set(TABLES.parameters["unit"]):
        if lang == "zh":
            assert words("unit", unit, lang) != unit or re.fullmatch(r"[a-z]", unit)
    assert words("kind", "unheard_of", lang) == "unheard_of"


def test_report_tables_say_what_they_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.outputs.report_tables.MAX_ROWS", 3)
    sites = report_tables(CONTENT, TABLES)["sites"]
    assert len(sites.rows) == 3
    assert "3" in sites.left_out and str(len(TABLES.used_sites)) in sites.left_out
    assert report_tables(CONTENT, TABLES)["unserved"].left_out == ""


def test_printed_figures() -> None:
    assert number(1234.56) == "1,235"
    assert number(-0.001, 1) == "0.0"
    assert number(math.nan) == number(None) == number(math.inf) == "—"
    assert share(0.9999) == "99.9%" and share(1.0) == "100.0%" and share(0.00001) == "0.1%" and share(0.0) == "0.0%"
    assert figure(0.08, "") == "0.08" and figure(1.42, "km") == "1.42" and figure(12345.6, "") == "12,346"
    assert figure(0.5, "share") == "50.0%" and figure(None, "km") == "—"
    assert plain(True) == "true" and plain(3.0) == "3" and plain(None) == "—"
    assert cell("is_served", True, "en") == "yes" and cell("reason", None, "en") == ""


def with_reports(lang: Lang, siting: SolveReport, routing: SolveReport | None = None) -> RunContent:
    """Return the hand-made run with other solve reports."""
    content = HAND.make_content(lang)
    plan = content.verified.plan
    routes = dataclasses.replace(plan.routing, report=routing or plan.routing.report)
    plan = dataclasses.replace(plan, siting=dataclasses.replace(plan.siting, report=siting), routing=routes)
    return dataclasses.replace(content, verified=dataclasses.replace(content.verified, plan=plan))


@pytest.mark.parametrize(
    ("report", "printed"),
    [
        (SolveReport("optimal", 10_000_000.0, 9_999_999.0, "e"), "0%"),
        (SolveReport("feasible", 10_000_000.0, 9_999_999.0, "e"), "< 0.01%"),
        (SolveReport("feasible", 10.0, 10.0, "e"), "< 0.01%"),
        (SolveReport("feasible", 10_000.0, 9_996.0, "e"), "0.04%"),
        (SolveReport("feasible", 10.0, 9.0, "e"), "10.00%"),
        (SolveReport("feasible", 10.0, None, "e"), "—"),
    ],
)
def test_a_gap_is_printed_alike_everywhere_and_0_only_where_proved(report: SolveReport, printed: str) -> None:
    content = with_reports("en", report)
    table = report_tables(content, run_tables(content))["reports"]
    column = table.headers.index(header("gap", "en"))
    assert table.rows[0][column] == printed
    if report.status == "feasible" and report.bound is not None:
        assert printed in siting_sentence(content)
        assert siting_sentence(content) in answer_sentences(content, run_tables(content))


def test_what_all_rounds_could_save_is_the_gap_of_their_common_report() -> None:
    content = with_reports("en", SolveReport("optimal", 1.0, 1.0, "e"), SolveReport("feasible", 200.0, 190.0, "e"))
    assert "at most 5.00%" in routing_sentence(content)
    assert header("objective", "zh") == "目标值（元/日）"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_depot_is_told_by_tier_and_id(lang: Lang) -> None:
    content = HAND.make_content(lang)
    facilities = content.problem.county.facilities.assign(name="同名")
    county = content.problem.county.replace(facilities=facilities)
    content = dataclasses.replace(content, problem=dataclasses.replace(content.problem, county=county))
    depots = [depot for depot in run_tables(content).reports["depot"] if depot]
    assert len(depots) > 1 and len(set(depots)) == len(depots)
    assert all("同名" in depot for depot in depots)
    assert any(term("kind_county_centre", lang) in depot and "C1" in depot for depot in depots)


def test_a_column_with_the_instalment_says_so() -> None:
    assert "折旧" in header("site_cost_cny_per_day", "zh") and "depreciation" in header("site_cost_cny_per_day", "en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_standard_below_the_base_is_said_beside_the_answer(lang: Lang) -> None:
    content = HAND.make_content(lang)
    lowered = dataclasses.replace(content.problem.standard, village_point_share=0.45, village_served_share=0.7399)
    content = dataclasses.replace(content, problem=dataclasses.replace(content.problem, standard=lowered))
    answer = " ".join(answer_sentences(content, TABLES))
    assert "45.0%" in answer and "73.99%" in answer and "90%" in answer and "95%" in answer
    kept = dataclasses.replace(lowered, village_point_share=0.9, village_served_share=0.95)
    content = dataclasses.replace(content, problem=dataclasses.replace(content.problem, standard=kept))
    assert lowered_sentence(targets(content), lang) == ""


def test_two_digits_where_one_hides_the_difference() -> None:
    assert (Target("", 0.7399, 0.7399, "").wanted_text, Target("", 0.7399, 0.7399, "").reached_text) == (
        "73.99%",
        "73.99%",
    )
    assert (Target("", 0.9, 0.9333, "").wanted_text, Target("", 0.9, 0.9333, "").reached_text) == ("90.0%", "93.3%")


def test_figures_in_sentences_have_groups_of_thousands_but_years_have_none() -> None:
    shown = readable({"persons": 313300, "year": 2023, "name": "1234", "few": 12, "is": True})
    assert "{persons} {year} {name} {few} {is}".format_map(dict(shown)) == "313,300 2023 1234 12 True"
    assert "{persons:.1f}".format_map(dict(shown)) == "313300.0"


def test_a_maximising_study_is_not_printed_with_negative_figures() -> None:
    report = SolveReport("feasible", -311571.0, -313300.0, "e")
    line = proof_line(Study("a", "max_coverage", report, ()), "en")
    assert "311,571" in line and "-311" not in line and "as large as possible" in line
    assert "as small as possible" in proof_line(Study("a", "p_median", report, ()), "en")
    assert fact_text("k22_utilisation", 0.5, "en") == "50.0%"


def test_studies_name_townships() -> None:
    code, name = CONTENT.problem.county.townships[["township_code", "name"]].iloc[0]
    table = StudyTable("table_study_sites", (StudyColumn("name"), StudyColumn("township_code")), (("a", code),))
    named = with_township_names(table, CONTENT)
    assert named.rows == (("a", name),) and column_heading(named.columns[1], "zh") == "所属乡镇"
