"""Studies in report, map, workbook and GeoPackage: complete, honest, offline, text only as text."""

import dataclasses
import importlib.util
import json
import math
import re
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import openpyxl
import pandas as pd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.messages import Lang, Message
from planner.plan import KpiSet
from planner.reports import SolveReport
from scenarios.outputs.geopackage import write_geopackage
from scenarios.outputs.in_force import IN_FORCE_OF_STUDIES, figures_in_force
from scenarios.outputs.map import write_map
from scenarios.outputs.map_layers import map_layers
from scenarios.outputs.report import write_report
from scenarios.outputs.report_charts import kpi_chart
from scenarios.outputs.report_tables import FOLD_FROM, FOLD_SHOWN, fold_at
from scenarios.outputs.shared_places import mark_shifts
from scenarios.outputs.studies_charts import axis_rule
from scenarios.outputs.studies_json import study_document
from scenarios.outputs.studies_map import LOOKS, MARKS, study_layers, unplaced_notes
from scenarios.outputs.studies_sheets import MAX_NAME, sheet_names
from scenarios.outputs.studies_words import (
    amount,
    answers,
    cell_text,
    fact_text,
    fact_title,
    heading,
    status_sentence,
    unit_of,
)
from scenarios.outputs.svg import text_width, wrap
from scenarios.outputs.tables import run_tables
from scenarios.outputs.terms import sentence
from scenarios.outputs.workbook import write_workbook
from scenarios.outputs.xy_chart import Axis, Series, nice_ticks, xy_chart
from scenarios.plan_json import plain
from scenarios.studies.study import Study, StudyChart, StudyColumn, StudyPlace, StudySeries, StudyTable


def hand_made() -> ModuleType:
    path = Path(__file__).parent / "outputs_studies_content.py"
    spec = importlib.util.spec_from_file_location("outputs_studies_content", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUDIES = hand_made()
HOSTILE: tuple[str, ...] = STUDIES.HAND.HOSTILE


@pytest.fixture(autouse=True)
def terms() -> Iterator[None]:
    with STUDIES.with_terms():
        yield


class Page(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def written(writer: Any, content: Any, path: Path) -> str:
    writer(content, path)
    return path.read_text(encoding="utf-8")


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="xiangyou-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    payload: dict[str, Any] = json.loads(found.group(1))
    return payload


# ---- report


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_report_shows_every_part_of_every_study(lang: Lang, tmp_path: Path) -> None:
    content = STUDIES.studied(lang)
    html = written(write_report, content, tmp_path / "report.html")
    assert re.findall(r'id="(study-\d)"', html) == [f"study-{i}" for i in range(1, 6)]
    text = Page(html).text
    for study in content.studies:
        for message in (*study.answer, *study.assumptions):
            assert sentence(message, lang) in text
        assert "350,000" in text and "350000" not in text
        assert status_sentence(study, lang) in text
    i = 0 if lang == "en" else 1
    for key in ("t_table_lockers", "t_chart_frontier", "t_bound_share", "t_overflow_share", "t_host"):
        assert STUDIES.TERMS[key][i] in text
    assert ("万元" if lang == "zh" else "thousand CNY") in text
    assert "out_" not in html and ">t_" not in html
    assert not [1 for tag, _ in Page(html).tags if tag in {"script", "img", "link"}]


def test_sections_are_numbered_through(tmp_path: Path) -> None:
    for content, last in ((STUDIES.studied("en"), 12), (STUDIES.studied("en", ()), 11)):
        html = written(write_report, content, tmp_path / "report.html")
        assert [int(n) for n in re.findall(r"<h2>(\d+)　", html)] == list(range(1, last + 1))
        assert ('id="studies"' in html) == (last == 12)
        number = re.search(r"<h2>(\d+)　Assumptions", html)
        assert number is not None and f"see section {number.group(1)}." in html


def test_long_tables_open_with_their_head_and_lose_nothing(tmp_path: Path) -> None:
    html = written(write_report, STUDIES.studied("en", (STUDIES.long_list(130),)), tmp_path / "report.html")
    table = html[html.index('id="fold-study-1-1"') :]
    first, rest = table[: table.index('<tbody class="rest">')], table[table.index('<tbody class="rest">') :]
    rest = rest[: rest.index("</table>")]
    assert first.count("<tr><td") == FOLD_SHOWN and rest.count("<tr><td") == 130 - FOLD_SHOWN
    assert "村129" in rest
    assert 'for="fold-study-1-1"' in html and "S1 Plans side by side" in html
    ids = re.findall(r'id="([^"]+)"', re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL))
    assert len(ids) == len(set(ids))


def test_paper_has_all_rows() -> None:
    css = (Path(__file__).parents[2] / "scenarios/outputs/assets/report.css").read_text(encoding="utf-8")
    hiding = [line for line in css.splitlines() if ".rest" in line]
    assert hiding and all(line.startswith("@media screen") for line in hiding)


@pytest.mark.parametrize(("rows", "shown"), [(0, 0), (FOLD_FROM, 0), (FOLD_FROM + 1, FOLD_SHOWN)])
def test_only_long_tables_fold(rows: int, shown: int) -> None:
    assert fold_at(rows) == shown


def test_hostile_studies_reach_the_report_only_as_text(tmp_path: Path) -> None:
    page = Page(written(write_report, STUDIES.studied("en", (STUDIES.hostile(),)), tmp_path / "report.html"))
    assert not [
        1 for tag, attributes in page.tags if tag in {"script", "img"} or any(n[:2] == "on" for n in attributes)
    ]
    assert [text for text in HOSTILE if text not in page.text] == []
    assert "49" not in re.sub(r"[\d,.]{4,}", "", page.text.split("Studies")[-1][:600])


def test_missing_term_is_a_mistake(tmp_path: Path) -> None:
    for study in (
        Study("a", "unheard_of", None, ()),
        Study("a", "t_empty", None, (), figures={"unheard_of": 1}),
        Study("a", "t_empty", None, (), tables=(StudyTable("unheard_of", (), ()),)),
        Study("a", "t_empty", None, (Message("unheard_of"),)),
    ):
        with pytest.raises(KeyError, match="unheard_of"):
            write_report(STUDIES.studied("en", (study,)), tmp_path / "report.html")


def test_status_never_says_more_than_is_proved() -> None:
    def said(report: SolveReport | None) -> str:
        return status_sentence(Study("a", "t_empty", report, ()), "en")

    assert "proved" in said(SolveReport("optimal", 5.0, 5.0, "e"))
    bounded = said(SolveReport("feasible", 100.0, 97.0, "e"))
    assert "3.00%" in bounded and "not proved" in bounded
    assert "not known" in said(SolveReport("feasible", 5.0, None, "e"))
    assert "not known" in said(SolveReport("feasible", 5.0, -math.inf, "e"))
    assert "impossible" in said(SolveReport("infeasible", None, None, "e"))
    assert "counted" in said(None)
    assert len({said(SolveReport("unknown", None, None, "e")), said(None), bounded}) == 3


def test_key_figure_bars_keep_their_parts() -> None:
    content = STUDIES.studied("en")
    row = next(k for k in content.verified.kpis.rows if k.kpi_id == "K6")
    rows = [dataclasses.replace(row, part=p) for p in ("within_1_km", "within_2_km", "within_standard")]
    verified = dataclasses.replace(content.verified, kpis=KpiSet((content.verified.kpis.rows[0], *rows)))
    chart = str(kpi_chart(dataclasses.replace(content, verified=verified)))
    assert chart.count("Population within reach of a point<") == 1
    for part in ("within 1 km", "within 2 km", "within the standard"):
        assert f">{part}</text>" in chart
    assert "…" not in chart


# ---- words and figures


def test_units_come_from_the_names_of_figures() -> None:
    assert unit_of("budget_cny") == "cny" and unit_of("cost_cny_per_day") == "cny_per_day" and unit_of("km") == "km"
    assert unit_of("covered_share") == "share" and unit_of("rank") == "" and unit_of("rank", "km") == "km"
    assert unit_of("share_within") == "share" and unit_of("share_of_cost_cny") == "cny"
    assert unit_of("alarm") == "" and unit_of("served_population") == "people"
    assert heading("t_mean_km", "en") == "Mean way (km)" and heading("t_covered_share", "en") == "Residents within 3 km"
    assert heading("t_way_km", "en") == "Mean way (km)" and fact_title("t_way_km", "zh") == "平均距离"


def test_figures_are_printed_with_unit_and_fitting_digits() -> None:
    assert fact_text("t_budget_cny", 350000, "zh") == "350,000元" and fact_text("t_budget_cny", 1.5, "en") == "CNY 1.50"
    assert fact_text("t_mean_km", 2.456, "en") == "2.46 km" and fact_text("t_gap_share", 0.1234, "en") == "12.3%"
    assert fact_text("t_mean_km", math.nan, "en") == fact_text("t_mean_km", None, "en") == "—"
    assert fact_text("t_mean_km", math.inf, "en") == "—" and fact_text("t_rank", 7, "zh") == "7"
    assert fact_text("t_host", "<b>", "en") == "<b>" and fact_text("t_is_host", False, "zh") == "否"
    assert amount(1234.5, "cny") == "1,234" and amount(0.25, "cny_per_parcel") == "0.25"


def test_cells_by_kind() -> None:
    cases: list[tuple[Any, str, str]] = [
        (3.0, "count", "3"),
        (None, "count", "—"),
        (math.nan, "km", "—"),
        (None, "text", ""),
        ("kind_shop", "label", "shop or supermarket"),
        ("kind_shop", "text", "kind_shop"),
        ("", "label", ""),
        (Message("t_kept"), "message", "This site is kept."),
        (True, "text", "yes"),
        (0.5, "share", "50.0%"),
        (12, "text", "12"),
    ]
    for value, kind, text in cases:
        assert cell_text(value, StudyColumn("t_rank", kind), "en") == text  # type: ignore[arg-type]


# ---- charts


@given(
    st.floats(-1e9, 1e9, allow_nan=False),
    st.floats(1e-6, 1e9),
    st.sampled_from(["whole", "any"]),
)
def test_ticks_enclose_the_values_with_round_steps(low: float, width: float, step: str) -> None:
    is_whole = step == "whole"
    ticks = nice_ticks(low, low + width, is_whole=is_whole)
    slack = 1e-6 * max(1.0, abs(low) + width)
    assert ticks[0] <= low + slack and ticks[-1] >= low + width - slack
    assert (ticks == sorted(set(ticks)) and len(ticks) <= 9) or width < 1e-6 * abs(low)
    assert not is_whole or all(float(t).is_integer() for t in ticks)


def axes() -> tuple[Axis, Axis]:
    return Axis("x", lambda v: f"{v:g}"), Axis("y", lambda v: f"{v:g}")


def paths(chart: str) -> list[str]:
    return re.findall(r'<path d="([^"]+)" fill="none" stroke="#[0-9A-F]+" stroke-width="2.2"', chart)


def test_steps_keep_their_value_and_lines_join() -> None:
    series = [Series("a", ((0.0, 0.0), (1.0, 10.0), (2.0, 20.0)))]
    line, step = (str(xy_chart(kind, series, *axes(), "t")) for kind in ("line", "step"))  # type: ignore[arg-type]
    assert re.fullmatch(r"M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+", paths(line)[0])
    assert re.fullmatch(r"M[\d.]+ [\d.]+(H[\d.]+V[\d.]+){2}", paths(step)[0])


def test_series_differ_without_colour() -> None:
    series = [Series(str(i), ((0.0, float(i)), (1.0, 2.0 * i))) for i in range(6)]
    chart = str(xy_chart("line", series, *axes(), "t"))
    grey = re.sub(r"#[0-9A-Fa-f]{6}", "#000000", chart)
    dashes = set(re.findall(r'stroke-width="2.2" stroke-linejoin="round"( stroke-dasharray="[^"]+")?', grey))
    assert len(dashes) == 6
    bars = str(xy_chart("bar", series[:3], *axes(), "t"))
    assert len(set(re.findall(r'<pattern id="([^"]+)"', bars))) == 2
    assert set(re.findall(r"url\(#([^)]+)\)", bars)) == set(re.findall(r'<pattern id="([^"]+)"', bars))


def test_bars_stand_on_zero_and_are_as_tall_as_their_values() -> None:
    chart = str(xy_chart("bar", [Series("a", ((1.0, 10.0), (2.0, 20.0), (3.0, -5.0)))], *axes(), "t"))
    boxes = [
        (float(y), float(h))
        for y, h in re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', chart)
    ]
    (y1, h1), (y2, h2), (y3, h3) = boxes
    assert h2 == pytest.approx(2 * h1, abs=0.2) and h3 == pytest.approx(h1 / 2, abs=0.2)
    assert y1 + h1 == pytest.approx(y2 + h2, abs=0.2) and y3 == pytest.approx(y1 + h1, abs=0.2)
    assert all(f">{value}</text>" in chart for value in ("10", "20", "-5"))


@pytest.mark.parametrize("kind", ["line", "step", "bar"])
@pytest.mark.parametrize(
    "points",
    [((5.0, 5.0),), ((0.0, 0.0), (0.0, 0.0)), ((1.0, math.nan), (2.0, 3.0)), tuple((i, i % 7) for i in range(500))],
)
def test_odd_points_are_drawn_without_breaking(kind: Any, points: Any) -> None:
    chart = str(xy_chart(kind, [Series("a", points), Series("b", ())], *axes(), "t"))
    assert "nan" not in chart and "inf" not in chart
    ET.fromstring(chart)  # noqa: S314  our own text


def test_nothing_to_draw_is_no_chart() -> None:
    assert xy_chart("line", [Series("a", ((math.nan, 1.0),))], *axes(), "t") is None
    assert xy_chart("bar", [], *axes(), "t") is None


def test_text_in_charts_is_escaped() -> None:
    series = [Series(text, ((0.0, 1.0),)) for text in HOSTILE]
    chart = str(xy_chart("bar", series, Axis(HOSTILE[2], str), Axis(HOSTILE[4], str), HOSTILE[2]))
    root = ET.fromstring(chart)  # noqa: S314  our own text
    assert {child.tag for child in root.iter()} <= {"svg", "title", "text", "rect", "path", "defs", "pattern"}
    assert HOSTILE[2] in "".join(root.itertext())


def test_large_sums_are_shown_in_spoken_units() -> None:
    small, large = axis_rule("t_budget_cny", [10.0, 500.0], "zh"), axis_rule("t_budget_cny", [0.0, 2e6], "zh")
    assert small.divisor == 1 and small.words == "预算（元）"
    assert large.divisor == 10_000 and large.words == "预算（万元）"
    assert axis_rule("t_budget_cny", [2e6], "en").words == "Budget (thousand CNY)"
    assert axis_rule("t_covered_share", [0.0, 0.5], "en").text(0.5) == "50%"
    assert axis_rule("t_rank", [1.0, 4.0], "en").is_whole and not axis_rule("t_rank", [1.5], "en").is_whole


@given(st.text(alphabet="ab 村点，", max_size=60), st.floats(30, 300))
def test_wrapped_words_lose_nothing(text: str, width: float) -> None:
    lines = wrap(text, width, 13)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line, 13) <= width or " " not in line for line in lines)


# ---- map


def test_legend_counts_are_those_of_the_places() -> None:
    content = STUDIES.studied("en")
    layers = {layer.layer_id: layer for layer in study_layers(content)}
    assert set(layers) == {"study_2", "study_3", "study_4"}
    for number in (2, 3, 4):
        layer, study = layers[f"study_{number}"], content.studies[number - 1]
        assert layer.count == sum(math.isfinite(p.lon) for p in study.places) == sum(c.count for c in layer.classes)
        assert [layer.data["look"].count(i) for i in range(len(layer.classes))] == [c.count for c in layer.classes]
        assert not layer.is_shown and layer.group == "studies"
        assert all(len(values) == layer.count for _, values in layer.tips)
    locker = layers["study_2"]
    cells = dict(locker.tips)["Compartments"]
    by_name = dict(zip(locker.names, cells, strict=True))
    assert by_name["第2小区"] == "46"
    assert by_name["第2小区"] == str(content.studies[1].tables[0].rows[1][3])
    assert unplaced_notes(content) == ["Study 4: 1 place(s) have no known position and cannot be drawn."]


def test_every_mark_has_its_own_look() -> None:
    assert set(LOOKS) == set(MARKS) == set(get_args(get_type_hints(StudyPlace)["mark"]))
    assert len({(style["shape"], style["size"], bool(style.get("is_struck"))) for style in LOOKS.values()}) == len(
        LOOKS
    )


def test_hostile_places_reach_the_map_only_as_data(tmp_path: Path) -> None:
    pages = {}
    for name, study in (("hostile", STUDIES.hostile()), ("plain", dataclasses.replace(STUDIES.hostile(), name="x"))):
        places = tuple(
            dataclasses.replace(p, name="x", place_id=str(i), facts={"t_host": "y"}) for i, p in enumerate(study.places)
        )
        shown = study if name == "hostile" else dataclasses.replace(study, places=places)
        pages[name] = written(write_map, STUDIES.studied("en", (shown,)), tmp_path / "map.html")
    names = [name for layer in data_of(pages["hostile"])["layers"] for name in layer["names"]]
    assert set(HOSTILE) <= set(names)
    bare = [re.sub(r'(?s)<script type="application/json".*?</script>', "", page) for page in pages.values()]
    assert bare[0] == bare[1]


def test_villages_at_one_place_stand_side_by_side_unserved_first() -> None:
    villages = pd.DataFrame(
        {
            "village_code": list("abcdefg"),
            "is_served": [True, True, False, True, False, True, True],
            "lon": [1.0, 1.0, 1.00001, 2.0, 3.0, 4.0, math.nan],
            "lat": [1.0, 1.0, 1.0, 2.0, 3.0, 4.0, math.nan],
        }
    )
    sites = pd.DataFrame({"kind": ["township_station", "village_point"], "lon": [3.0, 4.0], "lat": [3.0, 4.0]})
    shifts = mark_shifts(villages, sites)
    assert set(shifts) == {"a", "b", "e"}  # c, without service, keeps the place; e stands beside the station
    assert all(math.hypot(*shift) > 6 for shift in shifts.values())
    assert math.dist(shifts["a"], shifts["b"]) > 6
    assert math.hypot(*shifts["e"]) > 13


def test_shifts_reach_map_and_report(tmp_path: Path) -> None:
    content = STUDIES.studied("zh")
    villages = content.problem.county.villages.copy()
    villages.loc[1:4, ["lon", "lat"]] = villages.loc[1, ["lon", "lat"]].tolist()
    problem = dataclasses.replace(content.problem, county=content.problem.county.replace(villages=villages))
    content = dataclasses.replace(content, problem=problem)
    layers = {layer.layer_id: layer for layer in map_layers(content, run_tables(content))}
    data = layers["villages_served"].data
    assert sum(1 for dx, dy in zip(data["dx"], data["dy"], strict=True) if dx or dy) == 3
    notes = data_of(written(write_map, content, tmp_path / "map.html"))["notes"]
    assert any("并排" in note and "4个" in note for note in notes)


# ---- workbook


def test_workbook_has_a_sheet_for_every_table_and_native_charts(tmp_path: Path) -> None:
    content = STUDIES.studied("en")
    write_workbook(content, tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    names = sheet_names(content)
    assert set(names.values()) <= set(book.sheetnames)
    assert len(names) == 5 + 3 + 1 + 1 + 1 + 2
    assert book.sheetnames.index("Study 1") == book.sheetnames.index("Without service") + 1
    assert [len(book[names[i, 0]]._charts) for i in range(1, 6)] == [1, 1, 1, 0, 0]
    sheet = book["S2 Lockers and their cells"]
    assert [c.value for c in sheet[1]][:4] == ["Site id", "Name", "Host", "Compartments"]
    assert sheet.max_row == 10 and sheet.freeze_panes == "B2" and sheet.auto_filter.ref is not None
    assert (sheet["D2"].value, sheet["D2"].data_type) == (24, "n") and sheet["C2"].value == "shop or supermarket"
    assert sheet["I3"].value == pytest.approx(0.004) and sheet["I3"].number_format == "0.0%"
    assert book["S4 reasons"].max_row == 131
    assert book["S1 Every budget and what it (2)"]["A2"].value is None
    linked = [c.hyperlink.location for c in book["Summary"]["A"] if c.hyperlink]
    assert linked == [f"'Study {i}'!A1" for i in range(1, 6)]


def test_step_chart_of_the_workbook_has_steps(tmp_path: Path) -> None:
    write_workbook(STUDIES.studied("en", (STUDIES.frontier(4),)), tmp_path / "s.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "s.xlsx")["Study 1"]
    heads = {cell.value: cell for row in sheet.iter_rows() for cell in row if cell.value == "Budget (thousand CNY)"}
    first = heads["Budget (thousand CNY)"].column - 4  # the last series is the third
    rows = [(r[0].value, r[1].value) for r in sheet.iter_rows(min_row=3, max_row=9, min_col=first, max_col=first + 1)]
    assert [x for x, _ in rows] == [0, 50, 50, 100, 100, 150, 150]
    assert rows[0][1] == rows[1][1] != rows[2][1] == rows[3][1]


@given(st.lists(st.sampled_from(["预算/[1]", "a" * 40, "A" * 40, "x:y?", "'q'"]), min_size=1, max_size=12))
def test_sheet_names_are_unique_and_taken_by_excel(titles: list[str]) -> None:
    terms = {f"t_title_{i}": (title, title) for i, title in enumerate(titles)}
    STUDIES.TERMS.update(terms)
    try:
        with STUDIES.with_terms():
            tables = tuple(StudyTable(key, (), ()) for key in terms)
            names = list(sheet_names(STUDIES.studied("zh", (Study("a", "t_empty", None, (), tables=tables),))).values())
    finally:
        for key in terms:
            del STUDIES.TERMS[key]
    assert len({name.casefold() for name in names}) == len(names) == len(titles) + 1
    assert all(0 < len(name) <= MAX_NAME and not set(name) & set("[]:*?/\\") for name in names)


def test_reasons_are_not_listed_twice() -> None:
    reasons = {"a": Message("t_kept")}
    table = StudyTable("t_table_alternatives", (StudyColumn("reason", "message"),), ((reasons["a"],),))
    once = Study("a", "t_empty", None, (), reasons=reasons, tables=(table,))
    assert (1, -1) not in sheet_names(STUDIES.studied("en", (once,)))
    assert (1, -1) in sheet_names(STUDIES.studied("en", (dataclasses.replace(once, tables=()),)))


def test_hostile_text_stays_text_in_the_workbook(tmp_path: Path) -> None:
    write_workbook(STUDIES.studied("en", (STUDIES.hostile(),)), tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    cells = [cell for row in book["S1 Plans side by side"].iter_rows(min_row=2) for cell in row]
    assert [cell.value for cell in cells] == list(HOSTILE) and {cell.data_type for cell in cells} == {"s"}
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]


# ---- GeoPackage and plan.json


def test_geopackage_layer_a_study(tmp_path: Path) -> None:
    content = STUDIES.studied("zh")
    write_geopackage(content, tmp_path / "p.gpkg")
    layers = dict(pyogrio.list_layers(tmp_path / "p.gpkg"))
    found = {name for name in layers if name.startswith("study_")}
    assert found == {"study_2_t_lockers", "study_3_t_alternatives", "study_4_t_fleet"}
    lockers = pyogrio.read_dataframe(tmp_path / "p.gpkg", layer="study_2_t_lockers")
    assert lockers["t_cells_count"].tolist() == [p.facts["t_cells_count"] for p in content.studies[1].places]
    assert lockers["t_host"].tolist() == ["超市"] * 9 and lockers.geometry.notna().all()
    assert pyogrio.read_dataframe(tmp_path / "p.gpkg", layer="study_4_t_fleet").geometry.isna().sum() == 1
    with closing(sqlite3.connect(tmp_path / "p.gpkg")) as database:
        styles = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        words = dict(database.execute("SELECT table_name, description FROM gpkg_contents"))
    assert found <= set(styles) and words["study_2_t_lockers"] == "专题2：智能快件箱选址"
    root = ET.fromstring(styles["study_3_t_alternatives"])  # noqa: S314  our own text
    assert {c.get("value") for c in root.iter("category")} == {p.mark for p in content.studies[2].places} <= set(MARKS)
    aliases = {a.get("field"): a.get("name") for a in ET.fromstring(styles["study_2_t_lockers"]).iter("alias")}  # noqa: S314
    assert aliases["t_mean_km"] == "平均距离（公里）"


def test_facts_named_like_columns_keep_apart(tmp_path: Path) -> None:
    place = StudyPlace(
        "a",
        "A",
        109.7,
        27.7,
        "chosen",
        {"name": "B", "t_is_host": True, "t_rank": 3, "t_note": Message("t_kept")},
    )
    study = Study("a", "t_empty", None, (), places=(place, dataclasses.replace(place, place_id="b", facts={})))
    write_geopackage(STUDIES.studied("en", (study,)), tmp_path / "p.gpkg")
    frame = pyogrio.read_dataframe(tmp_path / "p.gpkg", layer="study_1_t_empty")
    assert frame["name"].tolist() == ["A", "A"] and frame["fact_name"].tolist() == ["B", ""]
    assert frame["t_rank"].iloc[0] == 3.0 and math.isnan(frame["t_rank"].iloc[1])
    assert frame["t_note"].iloc[0] == "This site is kept."


@pytest.mark.parametrize(
    ("name", "writer"), [("map.html", write_map), ("report.html", write_report), ("s.xlsx", write_workbook)]
)
def test_same_studies_same_bytes(name: str, writer: Any, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        writer(STUDIES.studied("zh"), tmp_path / folder / name)
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_study_as_data_is_complete_json() -> None:
    for study in (*STUDIES.all_studies(), STUDIES.hostile()):
        document = plain(study_document(study))
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert document["kind"] == study.kind and len(document["places"]) == len(study.places)
        assert [len(t["rows"]) for t in document["tables"]] == [len(t.rows) for t in study.tables]
    document = plain(study_document(STUDIES.frontier()))
    assert document["answer"][1] == {"key": "t_money", "params": {"closed": 2, "once": 350000, "yearly": 41000}}
    assert document["report"]["gap"] == 0.012 and document["charts"][0]["series"][0]["points"][1][0] == 50000.0


def test_figures_of_a_study_are_printed_only_with_it() -> None:
    parameters = run_tables(STUDIES.studied("en")).parameters
    alone = set(figures_in_force(parameters, [])["parameter_id"])
    asked = set(figures_in_force(parameters, [], ["lockers"])["parameter_id"])
    assert asked - alone == IN_FORCE_OF_STUDIES["locker"] & set(parameters["parameter_id"])


def test_chart_of_a_study_leaves_out_what_is_not_finite(tmp_path: Path) -> None:
    series = (StudySeries("t_morning", ((0.0, 1.0), (1.0, math.inf), (2.0, 3.0))),)
    chart = StudyChart("t_chart_queue", "line", "t_hour_h", "t_waiting", series)
    html = written(
        write_report, STUDIES.studied("en", (Study("a", "t_empty", None, (), charts=(chart,)),)), tmp_path / "r"
    )
    assert "Waiting parcels over the day" in html and "inf" not in re.findall(r'd="([^"]*)"', html)
    write_workbook(STUDIES.studied("en", (Study("a", "t_empty", None, (), charts=(chart,)),)), tmp_path / "s.xlsx")


def test_bars_that_share_no_place_stand_in_the_middle_under_their_names() -> None:
    series = [Series("small", ((0.0, 4.0),)), Series("large", ((1.0, 2.0),))]
    chart = str(xy_chart("bar", series, *axes(), "t"))
    found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*fill="#', chart)
    middles = [float(x) + float(width) / 2 for x, width in found[-2:]]
    names = [float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="middle"[^>]*>(?:small|large)<', chart)]
    assert middles == pytest.approx(names, abs=0.2) and len(names) == 2


def test_proof_is_said_once() -> None:
    report = SolveReport("optimal", 1.0, 1.0, "e")
    answer = (Message("t_kept"), Message("study_status_optimal"))
    assert answers(Study("a", "t_empty", report, answer), "en") == ["This site is kept."]
    assert len(answers(Study("a", "t_empty", None, answer), "en")) == 2
