"""Map and report in a real browser with the network cut: what is drawn is what the legend says, and text stays text."""

import base64
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scenarios.outputs.map import write_map
from scenarios.outputs.map_layers import COLOURS, map_layers
from scenarios.outputs.report import write_report
from scenarios.outputs.tables import run_tables

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def has_chinese_font() -> bool:
    """Tell whether fontconfig knows a Chinese font; Windows and macOS bring one."""
    if sys.platform in ("win32", "darwin"):
        return True
    tool = shutil.which("fc-list")
    if tool is None:
        return False
    return bool(subprocess.run([tool, ":lang=zh"], capture_output=True, check=False).stdout.strip())


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not has_chinese_font(), reason="no font with Chinese glyphs is installed"),
]


def hand_made() -> ModuleType:
    path = Path(__file__).parents[1] / "scenarios" / "outputs_content.py"
    spec = importlib.util.spec_from_file_location("outputs_content", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HAND = hand_made()
CONTENT = HAND.make_content(size=HAND.Size(4, 12))
HOSTILE = HAND.make_content("en", names=dict(enumerate(HAND.HOSTILE)), title=HAND.HOSTILE[4])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visit:
    """A page opened from a file, with everything it said and asked for."""

    def __init__(self, browser: Browser, path: Path) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 860})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.route("**/*", self._answer)
        self.page.goto(path.as_uri())

    def _answer(self, route: Any) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        elif not route.request.url.startswith("data:"):
            self.asked.append(route.request.url)
            route.abort()

    def check(self) -> None:
        assert self.asked == []
        assert self.said == []


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    visits: list[Visit] = []

    def opened(writer: Any, content: Any) -> Visit:
        path = tmp_path / "page.html"
        writer(content, path)
        visits.append(Visit(browser, path))
        return visits[-1]

    yield opened
    for one in visits:
        one.page.close()


def pixels(browser: Browser, png: bytes) -> dict[str, int]:
    """Return how many pixels of a screenshot have each colour (``#rrggbb``)."""
    page = browser.new_page()
    counts: dict[str, int] = page.evaluate(
        """async (data) => {
            const image = new Image(); image.src = "data:image/png;base64," + data; await image.decode();
            const canvas = document.createElement("canvas"); canvas.width = image.width; canvas.height = image.height;
            const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
            const values = context.getImageData(0, 0, image.width, image.height).data, counts = {};
            for (let i = 0; i < values.length; i += 4) {
                const key = "#" + [0, 1, 2].map(k => values[i + k].toString(16).padStart(2, "0")).join("");
                counts[key] = (counts[key] || 0) + 1;
            }
            return counts;
        }""",
        base64.b64encode(png).decode(),
    )
    page.close()
    return counts


def legend(page: Page) -> dict[str, int]:
    rows: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".xy-row")].map(
            row => [row.dataset.layer, row.querySelector(".xy-count").textContent]))"""
    )
    return {layer: int(text.replace(",", "")) for layer, text in rows.items()}


def test_map_opens_offline_and_draws_what_the_legend_says(visit: Any) -> None:
    seen = visit(write_map, CONTENT)
    page = seen.page
    assert page.evaluate("document.documentElement.dataset.ready") == "yes"
    expected = {layer.layer_id: layer.count for layer in map_layers(CONTENT, run_tables(CONTENT))}
    assert legend(page) == page.evaluate("xiangyou.counts()") == expected
    marks = page.evaluate(
        """() => Object.fromEntries(xiangyou.layers().filter(e => e.layer.kind === "marks").map(
            e => [e.layer.id, e.group.getLayers().filter(m => m._radius > 0 && m._point).length]))"""
    )
    assert marks == {layer: count for layer, count in expected.items() if layer in marks}
    assert expected["villages_served"] == 46 and expected["villages_unserved"] == 1
    seen.check()


def test_screenshot_shows_served_and_unserved_villages(visit: Any, browser: Browser) -> None:
    seen = visit(write_map, CONTENT)
    shown = pixels(browser, seen.page.screenshot(clip={"x": 348, "y": 0, "width": 932, "height": 860}))
    assert len(shown) > 200
    for key, least in (("served", 300), ("unserved", 8), ("kept", 100), ("new", 100), ("tier1", 50), ("ground", 1000)):
        assert shown.get(COLOURS[key].lower(), 0) >= least, key
    seen.page.evaluate("""document.querySelectorAll("input[data-layer^=villages]").forEach(box => box.click())""")
    hidden = pixels(browser, seen.page.screenshot(clip={"x": 348, "y": 0, "width": 932, "height": 860}))
    assert hidden.get(COLOURS["served"].lower(), 0) == 0
    assert hidden.get(COLOURS["unserved"].lower(), 0) == 0
    seen.check()


def test_every_layer_can_be_switched_off_and_on(visit: Any) -> None:
    seen = visit(write_map, CONTENT)
    shown = "() => xiangyou.layers().map(e => [e.layer.id, xiangyou.map().hasLayer(e.group)])"
    before = dict(seen.page.evaluate(shown))
    assert before["villages_served"] and not before["bus_lines"]
    for box in seen.page.query_selector_all(".xy-row input"):
        box.click()
    assert dict(seen.page.evaluate(shown)) == {layer: not was for layer, was in before.items()}
    for box in seen.page.query_selector_all(".xy-row input"):
        box.click()
    assert dict(seen.page.evaluate(shown)) == before
    seen.check()


def move(page: Page, x: float, y: float) -> None:
    """Move the mouse as a hand does: the map looks at a moving mouse only every 32 ms."""
    for step in (2, 1, 0):
        page.mouse.move(x - step, y)
        page.wait_for_timeout(50)


def away(page: Page) -> None:
    """Move the mouse off everything and wait until the tooltip has faded out."""
    move(page, 400, 4)
    page.wait_for_selector(".leaflet-tooltip", state="detached")


def hover(page: Page, layer: str, index: int) -> str:
    """Move the mouse over a mark and return the text of the tooltip."""
    x, y = page.evaluate(
        """([layer, index]) => {
            const mark = xiangyou.layers().find(e => e.layer.id === layer).group.getLayers()[index];
            const box = xiangyou.map().getContainer().getBoundingClientRect();
            const point = xiangyou.map().latLngToContainerPoint(mark.getLatLng());
            return [box.left + point.x, box.top + point.y];
        }""",
        [layer, index],
    )
    away(page)
    move(page, x, y)
    page.wait_for_selector(".leaflet-tooltip")
    return str(page.inner_text(".leaflet-tooltip"))


def only(page: Page, layer: str) -> None:
    page.evaluate(
        """(layer) => document.querySelectorAll(".xy-row input").forEach(
            box => { if (box.checked !== (box.dataset.layer === layer)) { box.click(); } })""",
        layer,
    )


def test_tooltip_tells_about_the_village(visit: Any) -> None:
    seen = visit(write_map, CONTENT)
    only(seen.page, "villages_unserved")
    text = hover(seen.page, "villages_unserved", 0)
    assert "村4-11" in text and "未服务原因" in text and "人口" in text
    only(seen.page, "villages_served")
    text = hover(seen.page, "villages_served", 1)
    assert "村1-2" in text and "村1-1村级服务点" in text and "到村点距离" in text
    seen.check()


def test_hostile_names_show_as_text(visit: Any) -> None:
    seen = visit(write_map, HOSTILE)
    only(seen.page, "villages_served")
    for index, name in enumerate(HAND.HOSTILE):
        shown = hover(seen.page, "villages_served", index).split("\n")[0]
        assert shown.split() == name.split()
    assert seen.page.title() == HAND.HOSTILE[4]
    assert seen.page.query_selector("img") is None
    assert seen.page.inner_text("h1") == HAND.HOSTILE[4]
    seen.check()


def test_no_label_lies_over_another(visit: Any) -> None:
    seen = visit(write_map, CONTENT)
    for closer in range(4):
        seen.page.evaluate(
            "closer => void xiangyou.map().setView([27.65, 109.66], 10 + closer, {animate: false})", closer
        )
        boxes = seen.page.evaluate(
            """() => [...document.querySelectorAll(".xy-label")].map(node => {
                const b = node.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"""
        )
        assert len(boxes) > 1
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                assert a[0] >= b[2] - 1 or b[0] >= a[2] - 1 or a[1] >= b[3] - 1 or b[1] >= a[3] - 1
    seen.check()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_report_opens_offline(visit: Any, browser: Browser, lang: str) -> None:
    content = HAND.make_content(lang, HAND.Size(4, 12))
    seen = visit(write_report, content)
    assert seen.page.inner_text("h1") == content.title
    assert len(seen.page.query_selector_all("section")) == 11
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280
    shown = pixels(browser, seen.page.locator("figure.map").screenshot())
    assert shown.get(COLOURS["served"].lower(), 0) > 100 and shown.get(COLOURS["new"].lower(), 0) > 100
    seen.check()


def test_hostile_names_show_as_text_in_the_report(visit: Any) -> None:
    seen = visit(write_report, HOSTILE)
    assert seen.page.title() == HAND.HOSTILE[4]
    assert "<img src=x onerror=" in seen.page.inner_text("#sites")
    assert seen.page.query_selector("img") is None and seen.page.query_selector("script") is None
    seen.check()


@pytest.mark.parametrize("writer", [write_map, write_report])
def test_chinese_glyphs_are_drawn(visit: Any, writer: Any) -> None:
    seen = visit(writer, CONTENT)
    drawn = seen.page.evaluate(
        """() => {
            const family = getComputedStyle(document.querySelector("h1")).fontFamily;
            return ["村", "镇", "邮", "\\ue123"].map(text => {
                const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
                canvas.width = canvas.height = 60; context.font = "40px " + family; context.fillText(text, 8, 46);
                return Array.from(context.getImageData(0, 0, 60, 60).data).filter((_, i) => i % 4 === 3).join(",");
            });
        }"""
    )
    assert len(set(drawn)) == 4
    assert all(set(glyph.split(",")) != {"0"} for glyph in drawn[:3])
    seen.check()
