"""Monitoring: indicators, index, gates, late projects, savings, sampling, against figures made by hand."""

import json
import math
import tempfile
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from scipy import stats

from geodata.messages import LANGS, label, text
from geodata.parameters import default_parameters
from loading import load
from scenarios.monitor.index import development_index
from scenarios.monitor.indicators import DEFINITION_VERSION, Indicator, definitions, indicators
from scenarios.monitor.outputs import BOOK, DATA, PAGE, monitor_page, write_monitor
from scenarios.monitor.projects import projects
from scenarios.monitor.quarter import Quarter, parse_quarter
from scenarios.monitor.report import MonitorOptions, MonitorReport, monitor_report, sections
from scenarios.monitor.returns import read_returns
from scenarios.monitor.run_facts import PlannedSite, RunFacts
from scenarios.monitor.sampling import draw_sample
from scenarios.monitor.savings import savings

COUNTY = load("scenarios/monitor_county.py")
RUN: RunFacts = COUNTY.plan()
Frames = dict[str, pd.DataFrame]


def report(frames: Frames, run: RunFacts = RUN, **options: Any) -> MonitorReport:
    chosen = MonitorOptions(**{"seed": 1, "targets": {}, **options})
    return monitor_report(run, COUNTY.returned(run, frames), default_parameters(), chosen)


def by_key(found: MonitorReport) -> dict[str, Indicator]:
    return {one.definition.key: one for one in found.indicators}


def changed(frames: Frames, sheet: str, **columns: Any) -> Frames:
    return {**frames, sheet: frames[sheet].assign(**columns)}


def test_indicators_are_those_made_by_hand() -> None:
    frames = changed(COUNTY.filled(RUN), "return_villages", visits_per_week=[7.0, 5.0, 4.0, 3.0, 2.0, math.nan])
    found = by_key(report(frames))
    assert (found["reach"].numerator, found["reach"].denominator, found["reach"].unanswered) == (4, 6, 1)
    assert found["frequency"].value == pytest.approx(2 / 6)
    assert found["direct"].value == pytest.approx(0.8)
    assert found["on_time"].value == pytest.approx(900 / 950)
    assert found["recovery"].value == pytest.approx(0.4)
    assert found["online"].value == pytest.approx(0.9)
    assert found["records"].value == pytest.approx(0.99)
    assert found["interface"].value == pytest.approx(1.0)
    assert found["reach"].gap == pytest.approx(1 - 4 / 6)
    assert found["direct"].target is None
    assert found["direct"].sources == {"scan_system": 6}
    assert {one.list_id for one in found.values()} == {"villages 990001@2024-01-01", "townships 990001@2024-01-01"}
    assert {one.definition.kpi_id for one in found.values()} >= {"K10", "K11", "K26", "K31"}


def test_a_village_without_an_answer_stays_in_the_denominator() -> None:
    answers = ["true", "true", "true", "", "", ""]
    found = by_key(report(changed(COUNTY.filled(RUN), "return_villages", is_active=answers)))["active_points"]
    assert (found.value, found.denominator, found.unanswered) == (0.5, 6, 3)
    nobody = by_key(report(changed(COUNTY.filled(RUN), "return_villages", is_active="")))["active_points"]
    assert (nobody.value, nobody.unanswered) == (None, 6)


def test_own_targets_go_before_the_plans() -> None:
    found = by_key(report(COUNTY.filled(RUN), targets={"direct": 0.9, "reach": 0.5}))
    assert found["direct"].gap == pytest.approx(0.1)
    assert found["reach"].gap == pytest.approx(-0.5)
    assert found["active_points"].target == 0.9


def test_the_index_is_its_published_formula() -> None:
    found = report(COUNTY.filled(RUN))
    value = found.index.value
    by_hand = 0.2 * 1 + 0.15 * 1 + 0.1 * 1 + 0.25 * 0.8 + 0.1 * 900 / 950 + 0.05 * (0.4 + 0.9 + 0.99 + 1.0)
    assert value == pytest.approx(100 * by_hand)
    assert math.fsum(d.weight for d in definitions()) == pytest.approx(1.0)
    assert all(d.low < d.high for d in definitions())
    for one in definitions():
        assert all(label(f"indicator_{one.key}", lang) for lang in LANGS)
        if one.weight:
            assert all(text(f"indicator_formula_{one.key}", lang) for lang in LANGS)


def test_no_index_while_a_figure_is_missing() -> None:
    found = report(changed(COUNTY.filled(RUN), "return_townships", online_share=math.nan))
    assert found.index.value is None
    assert found.index.missing == ("online",)
    assert "monitor_no_index" in [m.key for m in sections(found)[0].sentences]


def test_signs_are_not_service_and_never_one_number() -> None:
    """Ziyang, June 2021: 963 points in about 1,015 villages, 188 of them on a bus line."""
    run = COUNTY.plan(1015, 3)
    frames = COUNTY.filled(run)
    signs = ["true" if i < 963 else "false" for i in range(1015)]
    buses = ["true" if i < 188 else "false" for i in range(1015)]
    visits = [3.0 if i < 188 else 0.0 for i in range(1015)]
    columns = {"has_sign": signs, "has_bus": buses, "is_active": buses, "visits_per_week": visits}
    with_signs = report(changed(frames, "return_villages", **columns), run)
    found = by_key(with_signs)
    assert round(100 * (found["signs"].value or 0), 1) == 94.9
    assert round(100 * (found["bus"].value or 0), 1) == 18.5
    assert found["signs"].definition.weight == found["bus"].definition.weight == 0.0
    assert found["signs"].definition.kpi_id == ""
    bare = report(changed(frames, "return_villages", **{**columns, "has_sign": "false"}), run)
    assert with_signs.index.value == bare.index.value
    assert with_signs.index.data_hash != bare.index.data_hash
    table = next(t for s in sections(with_signs) for t in s.tables if t.key == "table_monitor_sign_only")
    assert len(table.rows) == 963 - 188
    page = monitor_page(with_signs, "en")
    assert "94.9%" in page
    assert "18.5%" in page
    assert "of 1,015 villages 963 have a sign, 188 are called at" in page


@pytest.mark.parametrize(
    ("sheet", "column", "values", "gate", "state"),
    [
        ("return_villages", "complaints", 0.0, "complaints", "passed"),
        ("return_villages", "complaints", [1.0, 0, 0, 0, 0, 0], "complaints", "failed"),
        ("return_villages", "complaints", math.nan, "complaints", "unknown"),
        ("return_villages", "complaints", [1.0, *[math.nan] * 5], "complaints", "failed"),
        ("return_townships", "accidents", [1.0, 0.0], "accidents", "failed"),
        ("return_townships", "accidents", [math.nan, 0.0], "accidents", "unknown"),
    ],
)
def test_gates_are_passed_or_not_and_never_weighed(sheet: str, column: str, values: Any, gate: str, state: str) -> None:
    good = report(COUNTY.filled(RUN)).index
    found = report(changed(COUNTY.filled(RUN), sheet, **{column: values})).index
    assert {g.key: g.state for g in found.gates}[gate] == state
    assert found.value == good.value
    assert not {score.key for score in found.scores} & {g.key for g in found.gates}


def test_the_complaint_gate_counts_by_100000_parcels() -> None:
    frames = changed(COUNTY.filled(RUN), "return_villages", complaints=[3.0, 0, 0, 0, 0, 0])
    gate = report(frames, complaint_limit=50.0).index.gates[0]
    assert (gate.rate, gate.state) == (50.0, "passed")
    assert report(frames, complaint_limit=49.9).index.gates[0].state == "failed"


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(6)), st.permutations(range(2)), st.randoms(use_true_random=False))
def test_row_order_changes_neither_index_nor_hash(order: list[int], towns: list[int], random: Any) -> None:
    frames = COUNTY.filled(RUN)
    villages = frames["return_villages"].assign(
        quarter_parcels=[1000.0 + random.random() for _ in range(6)],
        village_parcels=[800 * random.random() for _ in range(6)],
    )
    frames = {**frames, "return_villages": villages}
    mixed = {
        **frames,
        "return_villages": villages.iloc[order].reset_index(drop=True),
        "return_townships": frames["return_townships"].iloc[towns].reset_index(drop=True),
    }
    one, other = report(frames), report(mixed)
    assert one.index == other.index
    assert [i.value for i in one.indicators] == [i.value for i in other.indicators]
    assert one.savings == other.savings


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 999), st.integers(0, 100))
def test_units_change_neither_index_nor_hash(parcels: int, percent: int) -> None:
    """The same figures in parcels and in ten thousands of parcels, as shares and as percentages."""
    frames = changed(COUNTY.filled(RUN), "return_villages", quarter_parcels=1000.0 + parcels)
    frames = changed(frames, "return_townships", online_share=percent / 100, quarter_parcels=1e6)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        plain = COUNTY.through_file(RUN, frames, path, "zh")
        book = openpyxl.load_workbook(path)
        sheet = book["村级填报"]
        for column in sheet.iter_cols():
            if column[0].value == "季度应到件量（件）":
                column[0].value = "季度应到件量（万件）"
                for cell in column[2:]:
                    cell.value = cell.value / 10_000
        for column in book["乡镇填报"].iter_cols():
            if str(column[0].value).startswith("在线率"):
                for cell in column[2:]:
                    cell.value = f"{percent}%"
        other = Path(folder) / "b.xlsx"
        book.save(other)
        converted = read_returns(other, RUN, as_of=COUNTY.AS_OF)
    assert [p.code for p in converted.warnings] == ["unit_converted"]
    indexes = [
        monitor_report(RUN, found, default_parameters(), MonitorOptions(1, {})).index for found in (plain, converted)
    ]
    assert indexes[0].data_hash == indexes[1].data_hash
    assert indexes[0].value == pytest.approx(indexes[1].value)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 5), st.sampled_from(["village_parcels", "on_time_parcels", "visits_per_week", "complaints"]))
def test_the_hash_changes_with_any_figure(row: int, column: str) -> None:
    frames = COUNTY.filled(RUN)
    values = frames["return_villages"][column].to_numpy().copy()
    values[row] += 1.0
    other = report(changed(frames, "return_villages", **{column: values}))
    assert other.index.data_hash != report(frames).index.data_hash


def test_the_hash_names_county_and_quarter() -> None:
    frames = COUNTY.filled(RUN)
    sheets = (frames["return_villages"], frames["return_townships"])
    found = indicators(*sheets, RUN, {})
    hashes = {
        development_index(found, sheets, (county, quarter)).data_hash
        for county in ("990001", "990002")
        for quarter in (Quarter(2026, 1), Quarter(2026, 2))
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("planned", "status", "done", "state", "late"),
    [
        ("2026Q1", "done", "2026Q1", "done", 0),
        ("2025Q4", "done", "2026Q1", "done_late", 1),
        ("2026Q1", "running", "", "late", 1),
        ("2025Q1", "", "", "late", 5),
        ("2026Q2", "running", "", "not_due", 0),
        ("2025Q4", "stopped", "", "stopped", 1),
    ],
)
def test_projects_are_late_when_their_quarter_is_over(
    planned: str, status: str, done: str, state: str, late: int
) -> None:
    frame = COUNTY.filled(RUN)["return_projects"].head(1)
    frame = frame.assign(planned_quarter=planned, project_status=status, done_quarter=done)
    (found,) = projects(frame, Quarter(2026, 1))
    assert (found.state, found.quarters_late) == (state, late)


def test_projects_are_the_sites_that_open_or_close() -> None:
    found = report(COUNTY.filled(RUN)).projects
    actions = Counter(p.action for p in found)
    assert actions == {"open_site": 3, "close_site": 1}


def test_quarters_are_read_as_people_write_them() -> None:
    same = [
        parse_quarter(words)
        for words in ("2026Q1", "2026q1", "2026年第1季度", "２０２６Ｑ１", "2026年1季度", " 2026 Q1 ")
    ]
    assert same == [Quarter(2026, 1)] * 6
    assert [parse_quarter(words) for words in ("2026", "2026Q5", "Q1", "", "2026-01")] == [None] * 5
    assert Quarter(2026, 4).later(1) == Quarter(2027, 1)
    assert Quarter(2026, 1).later(4) == Quarter(2027, 1)


def test_savings_are_the_paired_difference_less_the_comparison() -> None:
    villages = COUNTY.filled(RUN)["return_villages"].assign(
        compared_as=["changed"] * 3 + ["comparison"] * 3,
        baseline_cny_per_parcel=[3.0, 4.0, 5.0, 3.0, 3.0, 3.0],
        now_cny_per_parcel=[2.0, 2.5, 3.0, 2.9, 3.0, 2.8],
    )
    found = savings(villages)
    drops, others = np.array([1.0, 1.5, 2.0]), np.array([0.1, 0.0, 0.2])
    assert found.saving_cny_per_parcel == pytest.approx(1.5 - 0.1)
    reference = stats.ttest_ind(drops, others, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(reference.low), pytest.approx(reference.high))
    assert (found.changed, found.comparison, found.left_out, found.is_shown) == (3, 3, 0, True)


def test_savings_without_comparison_are_the_plain_paired_interval() -> None:
    villages = COUNTY.filled(RUN)["return_villages"].assign(
        compared_as="changed",
        baseline_cny_per_parcel=[3.0, 4.0, 5.0, 3.0, math.nan, 2.0],
        now_cny_per_parcel=[2.0, 2.5, 5.5, 3.0, 1.0, math.nan],
    )
    found = savings(villages)
    reference = stats.ttest_rel([3.0, 4.0, 5.0, 3.0], [2.0, 2.5, 5.5, 3.0]).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(reference.low), pytest.approx(reference.high))
    assert (found.changed, found.comparison, found.left_out) == (4, 0, 2)
    assert (found.is_shown, found.uses_comparison) == (False, False)
    one = villages.assign(baseline_cny_per_parcel=[3.0, *[math.nan] * 5])
    assert savings(one).saving_cny_per_parcel is None


def test_the_interval_holds_the_true_saving_as_often_as_it_says() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    base = COUNTY.filled(COUNTY.plan(20))["return_villages"]
    is_changed = (base["compared_as"] == "changed").to_numpy()
    hits = 0
    for _ in range(200):
        before = 3 + rng.normal(0, 0.5, 20)
        now = before - 0.2 - 0.7 * is_changed + rng.normal(0, np.where(is_changed, 0.4, 0.2))
        found = savings(base.assign(baseline_cny_per_parcel=before, now_cny_per_parcel=now))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.7 <= found.high
    assert 0.91 <= hits / 200 <= 0.985


def sites(sizes: list[int]) -> tuple[PlannedSite, ...]:
    points = [
        PlannedSite(f"P{t:02}{i:03}", "", "village_point", f"T{t}", is_open=True, is_existing=True)
        for t, size in enumerate(sizes)
        for i in range(size)
    ]
    stations = [
        PlannedSite(f"S{t:02}", "", "township_station", f"T{t}", is_open=True, is_existing=True)
        for t in range(len(sizes))
    ]
    centres = [PlannedSite(f"C{k}", "", "county_centre", "T0", is_open=True, is_existing=True) for k in range(3)]
    return (*points, *stations, *centres, PlannedSite("X", "", "village_point", "T0", is_open=False, is_existing=True))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_sample_keeps_its_shares_and_does_not_hang_on_order(sizes: list[int], seed: int, random: Any) -> None:
    all_sites = sites(sizes)
    drawn, counts = draw_sample(all_sites, default_parameters(), seed=seed)
    least = {("city", "county_centre"): 1.0, ("city", "township_station"): 0.35, ("city", "village_point"): 0.05}
    least |= {
        ("province", "county_centre"): 0.5,
        ("province", "township_station"): 0.1,
        ("province", "village_point"): 0.01,
    }
    for count in counts:
        share = least[count.level, count.tier]
        assert count.drawn == math.ceil(share * count.sites - 1e-9)
        own = [s.site for s in drawn if (s.level, s.site.kind) == (count.level, count.tier)]
        assert len({s.facility_id for s in own}) == len(own) == count.drawn
        assert all(site.is_open for site in own)
        per_town = Counter(site.township for site in own)
        whole = Counter(s.township for s in all_sites if s.kind == count.tier and s.is_open)
        for town, size in whole.items():
            assert abs(per_town[town] - count.drawn * size / count.sites) < 1.0 + 1e-9
    mixed = list(all_sites)
    random.shuffle(mixed)
    assert draw_sample(mixed, default_parameters(), seed=seed)[0] == drawn


def test_every_site_can_be_drawn_and_the_seed_decides() -> None:
    all_sites = sites([10, 10])
    seen = Counter(
        s.site.facility_id
        for seed in range(300)
        for s in draw_sample(all_sites, default_parameters(), seed=seed)[0]
        if s.level == "city" and s.site.kind == "village_point"
    )
    assert len(seen) == 20
    assert sum(seen.values()) == 300
    assert max(seen.values()) < 40


@pytest.mark.parametrize("lang", LANGS)
def test_page_and_workbook_say_the_same_in_both_languages(lang: Any, tmp_path: Path) -> None:
    frames = changed(COUNTY.filled(RUN), "return_villages", is_active=["false", *["true"] * 5])
    found = report(frames)
    write_monitor(found, tmp_path, lang)
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "default-src 'none'" in unescape(page)
    assert not any(word in page for word in ("http://", "https://", "<script", "url("))
    assert found.index.data_hash in page
    book = CalamineWorkbook.from_path(tmp_path / BOOK)
    tables = [table for section in sections(found) for table in section.tables]
    assert len(book.sheet_names) == len(tables) + 1
    for name, table in zip(book.sheet_names[1:], tables, strict=True):
        assert len(book.get_sheet_by_name(name).to_python()) == len(table.rows) + 1
        assert label(table.key, lang).lower() in page.lower()
    data = json.loads((tmp_path / DATA).read_text(encoding="utf-8"))
    assert data["definition_version"] == DEFINITION_VERSION
    assert data["index"]["value"] == pytest.approx(found.index.value)
    first = [(tmp_path / name).read_bytes() for name in (PAGE, DATA, BOOK)]
    write_monitor(report(frames), tmp_path, lang)
    assert first == [(tmp_path / name).read_bytes() for name in (PAGE, DATA, BOOK)]


def test_names_on_the_page_are_text_only() -> None:
    villages = {code: replace(v, name="<b>x</b>") for code, v in RUN.villages.items()}
    run = replace(RUN, villages=villages, county_name="<i>county</i>")
    page = monitor_page(report(changed(COUNTY.filled(run), "return_villages", is_active="false"), run), "en")
    assert "<b>x" not in page
    assert "<i>county" not in page
    assert "&lt;b&gt;x" in page
