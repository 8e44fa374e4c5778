"""Studies in a real browser with the network cut: what is drawn is what the legend says, long tables fold and print."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scenarios.outputs.map import write_map
from scenarios.outputs.report import write_report
from scenarios.outputs.report_tables import FOLD_SHOWN
from scenarios.outputs.studies_map import study_layers


def module_at(*parts: str) -> ModuleType:
    path = Path(__file__).parents[1].joinpath(*parts)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SHARED = module_at("browser", "test_browser_outputs.py")
STUDIES = module_at("scenarios", "outputs_studies_content.py")
pytestmark = SHARED.pytestmark


@pytest.fixture(autouse=True)
def terms() -> Iterator[None]:
    with STUDIES.with_terms():
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=SHARED.CHROMIUM, args=SHARED.ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    visits: list[Any] = []

    def opened(writer: Any, content: Any) -> Any:
        path = tmp_path / "page.html"
        writer(content, path)
        visits.append(SHARED.Visit(browser, path))
        return visits[-1]

    yield opened
    for one in visits:
        one.page.close()


def show_studies(page: Page) -> None:
    page.evaluate("""() => document.querySelectorAll(".xy-row input[data-layer^=study]").forEach(box => box.click())""")


def test_study_layers_draw_what_the_legend_says(visit: Any) -> None:
    content = STUDIES.studied("zh")
    seen = visit(write_map, content)
    expected = {layer.layer_id: layer for layer in study_layers(content)}
    shown = (
        "() => xiangyou.layers().filter(e => e.layer.group === 'studies').map(e => xiangyou.map().hasLayer(e.group))"
    )
    assert seen.page.evaluate(shown) == [False] * 3
    show_studies(seen.page)
    assert seen.page.evaluate(shown) == [True] * 3
    rows = {key: count for key, count in SHARED.legend(seen.page).items() if key.startswith("study")}
    assert rows == {key: layer.count for key, layer in expected.items()}
    for key, layer in expected.items():
        drawn = seen.page.evaluate("id => xiangyou.classCounts(id)", key)
        assert drawn == [one.count for one in layer.classes]
        marks = """id => xiangyou.layers().find(e => e.layer.id === id).group.getLayers()
            .filter(m => m._radius > 0 && m._point && m._renderer).length"""
        assert seen.page.evaluate(marks, key) == layer.count
    texts = seen.page.eval_on_selector_all(
        ".xy-class", "rows => rows.map(r => r.innerText.replace(/\\s+/g, ' ').trim())"
    )
    wanted = [f"{c.label} {c.count}" for key in sorted(expected) for c in reversed(expected[key].classes)]
    assert texts == wanted
    seen.check()


def test_study_marks_are_seen(visit: Any, browser: Browser) -> None:
    seen = visit(write_map, STUDIES.studied("zh", (STUDIES.lockers(),)))
    area = {"x": 348, "y": 0, "width": 932, "height": 860}
    before = SHARED.pixels(browser, seen.page.screenshot(clip=area))
    show_studies(seen.page)
    after = SHARED.pixels(browser, seen.page.screenshot(clip=area))
    assert before.get("#7b3f98", 0) == 0 and after.get("#7b3f98", 0) > 6 * 40
    seen.check()


def test_tooltip_tells_the_facts_of_a_place(visit: Any) -> None:
    seen = visit(write_map, STUDIES.studied("en", (STUDIES.lockers(),)))
    show_studies(seen.page)
    SHARED.only(seen.page, "study_1")
    text = SHARED.hover(seen.page, "study_1", 3)
    assert "第2小区" in text and "Compartments" in text and "46" in text and "0.4%" in text and "0.21 km" in text
    seen.check()


def test_hostile_places_show_as_text(visit: Any) -> None:
    seen = visit(write_map, STUDIES.studied("en", (STUDIES.hostile(),)))
    show_studies(seen.page)
    SHARED.only(seen.page, "study_1")
    for index, name in enumerate(STUDIES.HAND.HOSTILE):
        shown = SHARED.hover(seen.page, "study_1", index).split("\n")[0]
        assert shown.split() == name.split()
    assert seen.page.query_selector("img") is None and seen.page.title() == "Sample county plan"
    seen.check()


def test_shared_place_shows_every_village(visit: Any) -> None:
    content = STUDIES.studied("zh", ())
    villages = content.problem.county.villages.copy()
    villages.loc[1:10, ["lon", "lat"]] = villages.loc[1, ["lon", "lat"]].tolist()
    county = content.problem.county.replace(villages=villages)
    content = STUDIES.replace(content, problem=STUDIES.replace(content.problem, county=county))
    seen = visit(write_map, content)
    points = seen.page.evaluate(
        """() => xiangyou.layers().filter(e => e.layer.group === "villages").flatMap(
            e => e.group.getLayers().map(m => [m._point.x, m._point.y]))"""
    )
    assert len(points) == 11
    for i, a in enumerate(points):
        for b in points[i + 1 :]:
            assert abs(a[0] - b[0]) + abs(a[1] - b[1]) > 4
    seen.check()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_report_of_studies_opens_offline_and_fits(visit: Any, lang: str) -> None:
    seen = visit(write_report, STUDIES.studied(lang))
    page = seen.page
    assert len(page.query_selector_all("article.study")) == 5
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    for chart in page.query_selector_all(".study-chart svg"):
        texts = chart.evaluate(
            """svg => { const frame = svg.getBoundingClientRect();
                return [...svg.querySelectorAll("text")].filter(t => { const b = t.getBoundingClientRect();
                    return b.left < frame.left - 1 || b.right > frame.right + 1 || b.bottom > frame.bottom + 1; })
                    .map(t => t.textContent); }"""
        )
        assert texts == []
    background = page.evaluate(
        """() => [...document.querySelectorAll(".study-map use")].map(u => u.getBoundingClientRect().width > 100)"""
    )
    assert background and any(background)
    seen.check()


def test_long_tables_fold_on_the_screen_and_print_whole(visit: Any) -> None:
    seen = visit(write_report, STUDIES.studied("en", (STUDIES.long_list(130),)))
    page = seen.page
    visible = """() => [...document.querySelectorAll("#study-1 table:has(.rest)")].map(
        t => [...t.querySelectorAll("tbody tr")].filter(r => r.getClientRects().length).length)"""
    assert page.evaluate(visible) == [FOLD_SHOWN, FOLD_SHOWN]
    page.emulate_media(media="print")
    assert page.evaluate(visible) == [130, 130]
    assert not page.locator(".fold label").first.is_visible()
    page.emulate_media(media="screen")
    page.locator("label[for=fold-study-1-1]").click()
    assert page.evaluate(visible) == [130, FOLD_SHOWN]
    page.locator("label[for=fold-study-1-1]").click()
    assert page.evaluate(visible) == [FOLD_SHOWN, FOLD_SHOWN]
    seen.check()


def test_long_runs_stay_short_on_the_screen(visit: Any) -> None:
    size = STUDIES.HAND.Size(40, 12)
    seen = visit(write_report, STUDIES.studied("en", STUDIES.all_studies(), size))
    assert seen.page.evaluate("document.documentElement.scrollHeight") < 22_000
    seen.check()
