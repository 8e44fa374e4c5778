"""The files of a run: complete, offline, the same bytes twice, and input text never more than text."""

import importlib.util
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import folium
import openpyxl
import pyogrio
import pytest
from branca.element import CssLink, JavascriptLink

from geodata.messages import Lang
from scenarios.outputs.geopackage import write_geopackage
from scenarios.outputs.map import write_map
from scenarios.outputs.map_layers import map_layers
from scenarios.outputs.offline import json_block, render_offline
from scenarios.outputs.report import write_report
from scenarios.outputs.tables import run_tables
from scenarios.outputs.workbook import write_workbook


def hand_made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outputs_content", Path(__file__).parent / "outputs_content.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HAND = hand_made()
CONTENT = HAND.make_content()
TABLES = run_tables(CONTENT)
HOSTILE = HAND.make_content("en", names=dict(enumerate(HAND.HOSTILE)), title=HAND.HOSTILE[4])
WRITERS = {"map.html": write_map, "report.html": write_report, "summary.xlsx": write_workbook}


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script element."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def written(writer: Any, content: Any, path: Path) -> str:
    writer(content, path)
    return path.read_text(encoding="utf-8")


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="xiangyou-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    payload: dict[str, Any] = json.loads(found.group(1))
    return payload


def test_json_block_cannot_be_left() -> None:
    hostile = "</script><script>alert(1)</script>&amp;`${x}`\u2028\u2029{{7*7}}"
    block = json_block("d", {"name": hostile})
    inside = block.removeprefix('<script type="application/json" id="d">').removesuffix("</script>")
    assert not set("<>&`\u2028\u2029") & set(inside)
    assert json.loads(inside) == {"name": hostile}
    with pytest.raises(ValueError, match="JSON"):
        json_block("d", [float("nan")])


@pytest.mark.parametrize("link", [JavascriptLink("https://cdn.example/x.js"), CssLink("https://cdn.example/x.css")])
def test_unknown_link_is_refused(link: Any) -> None:
    page = folium.Map(tiles=None)
    page.get_root().header.add_child(link, name="x")
    with pytest.raises(ValueError, match=r"cdn\.example"):
        render_offline(page.get_root())


@pytest.mark.parametrize("writer", [write_map, write_report])
@pytest.mark.parametrize("content", [CONTENT, HOSTILE], ids=["plain", "hostile"])
def test_pages_ask_nobody_for_anything(writer: Any, content: Any, tmp_path: Path) -> None:
    page = Page(written(writer, content, tmp_path / "page.html"))
    assert not [tag for tag, _ in page.tags if tag in {"link", "iframe", "img", "object", "embed", "base", "form"}]
    for _, attributes in page.tags:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert not (attributes.get("href") or "").startswith("http")
    policies = [
        a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies and all((policy or "").startswith("default-src 'none'") for policy in policies)


def test_hostile_names_reach_the_map_only_as_data(tmp_path: Path) -> None:
    html = written(write_map, HOSTILE, tmp_path / "map.html")
    plain = written(write_map, HAND.make_content("en"), tmp_path / "plain.html")
    names = [name for layer in data_of(html)["layers"] for name in layer["names"]]
    assert set(HAND.HOSTILE) <= set(names)
    without_data = [re.sub(r'(?s)<script type="application/json".*?</script>', "", page) for page in (html, plain)]
    assert without_data[0] == without_data[1]
    assert "49" not in without_data[0][-2000:]


def test_hostile_names_reach_the_report_only_as_text(tmp_path: Path) -> None:
    names = {2 * i: name for i, name in enumerate(HAND.HOSTILE)}  # villages with a point, which the report names
    content = HAND.make_content("en", HAND.Size(2, 8), names, title=HAND.HOSTILE[4])
    page = Page(written(write_report, content, tmp_path / "report.html"))
    assert not [tag for tag, _ in page.tags if tag == "script"]
    text = "".join(page.text)
    assert [name for name in HAND.HOSTILE if name not in text] == []
    assert "49村级服务点" not in text


@pytest.mark.parametrize("name", WRITERS)
def test_same_run_same_bytes(name: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        WRITERS[name](HAND.make_content(), tmp_path / folder / name)
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_report_has_every_section_and_no_clock(lang: Lang, tmp_path: Path) -> None:
    html = written(write_report, HAND.make_content(lang), tmp_path / "report.html")
    sections = re.findall(r'<section id="(\w+)"', html)
    assert sections == [
        "answer", "kpis", "costs", "access", "sites", "routes", "unserved", "proof", "assumptions", "sources", "settings",
    ]  # fmt: skip
    assert "out_" not in html and "{{" not in html
    assert "0a1b2c3d" in html and "© OpenStreetMap contributors" in html
    assert ("虚构" if lang == "zh" else "INVENTED") in html
    assert html.count("<svg") > 4


def test_legend_counts_are_those_of_the_tables() -> None:
    counts = {layer.layer_id: layer.count for layer in map_layers(CONTENT, TABLES)}
    placed = TABLES.villages["lon"].notna()
    served = TABLES.villages["is_served"].astype(bool)
    assert counts["villages_served"] == int((served & placed).sum()) == 10
    assert counts["villages_unserved"] == int((~served & placed).sum()) == 1
    assert counts["county_centre_kept"] == 1
    assert counts["village_point_kept"] + counts["village_point_new"] == 5
    assert counts["routes_county_township"] == 1 and counts["routes_township_village"] == 2
    assert counts["coverage"] == 5
    assert counts["boundary_township"] == 2


def test_map_carries_a_tooltip_row_for_every_village() -> None:
    layers = {layer.layer_id: layer for layer in map_layers(CONTENT, TABLES)}
    unserved = layers["villages_unserved"]
    rows = dict(unserved.tips)
    assert all(len(values) == unserved.count for values in rows.values())
    assert any("未服务原因" in heading and all(values) for heading, values in rows.items())
    assert unserved.style["shape"] != layers["villages_served"].style["shape"]


def test_twenty_thousand_villages(tmp_path: Path) -> None:
    content = HAND.make_content(size=HAND.Size(100, 200, has_travel=False))
    html = written(write_map, content, tmp_path / "map.html")
    counts = {layer["id"]: layer["count"] for layer in data_of(html)["layers"]}
    assert counts["villages_served"] + counts["villages_unserved"] == 19_999
    assert len(html) < 12_000_000
    assert html.count("xiangyou.add(") == len(counts)


def test_workbook_sheets_and_text_cells(tmp_path: Path) -> None:
    path = tmp_path / "summary.xlsx"
    write_workbook(HOSTILE, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        "Summary", "Key figures", "Villages", "Sites", "Rounds", "Stops", "Costs", "Without service", "Proof",
        "Figures in force", "Assumptions", "Sources", "Settings",
    ]  # fmt: skip
    villages = book["Villages"]
    assert villages.max_row == 13 and villages.freeze_panes == "B2" and villages.auto_filter.ref is not None
    names = [row[1] for row in villages.iter_rows(min_row=2)]
    assert {cell.value for cell in names} >= set(HAND.HOSTILE)
    assert {cell.data_type for cell in names} == {"s"}
    assert all(cell.hyperlink is None for cell in names)
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    codes = [row[0].value for row in villages.iter_rows(min_row=2)]
    assert codes[0] == "990000001000"
    head = [cell.value for cell in villages[1]]
    assert "Distance to point (km)" in head
    distance = villages.cell(3, head.index("Distance to point (km)") + 1)
    assert distance.data_type == "n" and distance.number_format == "#,##0.00"
    assert book.properties.created.year == 2000


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "http://example.org", "\t=1"])
def test_workbook_never_reads_text_as_anything_else(name: str, tmp_path: Path) -> None:
    path = tmp_path / "summary.xlsx"
    write_workbook(HAND.make_content(names={0: name}), path)
    sheet = openpyxl.load_workbook(path)["村庄"]
    assert (sheet["B2"].value, sheet["B2"].data_type, sheet["B2"].hyperlink) == (name, "s", None)


def test_workbook_totals_are_those_of_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "summary.xlsx"
    write_workbook(CONTENT, path)
    book = openpyxl.load_workbook(path)
    costs = [row[2] for row in book["成本"].iter_rows(min_row=2, values_only=True)]
    assert sum(costs) == pytest.approx(CONTENT.verified.cost_cny_per_day)
    assert book["未服务的村"].max_row == 3


def geopackage(content: Any, path: Path) -> Path:
    write_geopackage(content, path)
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def test_geopackage_layers_and_values(tmp_path: Path) -> None:
    path = geopackage(HOSTILE, tmp_path / "plan.gpkg")
    layers = dict(pyogrio.list_layers(path))
    assert layers["villages"] == layers["village_points"] == layers["county_centres"] == "Point"
    assert layers["routes"] == "LineString"
    assert {"boundary", "roads", "water_areas", "water_lines", "bus_lines", "kpis", "sources"} <= set(layers)
    villages = pyogrio.read_dataframe(path, layer="villages")
    assert villages["name"].tolist() == HOSTILE.problem.county.villages["name"].tolist()
    assert villages.crs.to_epsg() == 4326
    assert villages["is_served"].dtype == bool and int(villages["is_served"].sum()) == 10
    assert int(villages.geometry.isna().sum()) == 1
    kpis = pyogrio.read_dataframe(path, layer="kpis")
    assert kpis["kpi_id"].tolist() == [row.kpi_id for row in HOSTILE.verified.kpis.rows]
    assert "ODbL 1.0" in pyogrio.read_dataframe(path, layer="sources")["licence"].tolist()


def test_geopackage_styles_are_found_by_qgis(tmp_path: Path) -> None:
    path = geopackage(CONTENT, tmp_path / "plan.gpkg")
    with closing(sqlite3.connect(path)) as database:
        contents = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
        geometry = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        styles = database.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
    assert contents["layer_styles"] == "attributes"
    assert {name for name, *_ in styles} == set(geometry)
    for name, column, is_default, qml in styles:
        assert column == geometry[name] and is_default == 1
        root = ET.fromstring(qml)  # noqa: S314  our own text
        renderer = root.find("renderer-v2")
        assert renderer is not None
        fields = set(pyogrio.read_info(path, layer=name)["fields"])
        assert renderer.get("attr") in fields
        symbols = {symbol.get("name") for symbol in renderer.iter("symbol")}
        assert {category.get("symbol") for category in renderer.iter("category")} == symbols
        assert {alias.get("field") for alias in root.iter("alias")} <= fields
    qml_of = {name: qml for name, _, _, qml in styles}
    assert "未服务的村" in qml_of["villages"]


def test_geopackage_content_is_the_same_twice(tmp_path: Path) -> None:
    first, second = geopackage(CONTENT, tmp_path / "a.gpkg"), geopackage(HAND.make_content(), tmp_path / "b.gpkg")
    assert dump(first) == dump(second)
    geopackage(CONTENT, first)
    assert dump(first) == dump(second)
