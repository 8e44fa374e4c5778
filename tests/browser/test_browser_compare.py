"""The page of compared runs in a real browser with the network cut: panes move together, the switches do what they say."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from scenarios.comparison import outputs
from scenarios.comparison.runs import read_runs
from scenarios.runner import RunRequest, run_scenario

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
SETS = ("county.townships=2", "county.villages=8")
LOOSE = ("standard.village_served_share=0.5", "standard.population_share=0.4", "standard.village_point_share=0.3")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = tmp_path_factory.mktemp("runs")
    folders = [
        run_scenario(RunRequest("reference", out=root / str(i), sets=(*SETS, *more)))
        for i, more in enumerate(((), LOOSE))
    ]
    target = root / "compare.html"
    outputs.write_comparison_page(outputs.compare(read_runs(folders, "en"), "en"), target, "en")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        found = browser.new_page(viewport={"width": 1400, "height": 1000})
        problems: list[str] = []
        found.on("pageerror", lambda error: problems.append(str(error)))
        found.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        found.on(
            "request",
            lambda request: problems.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
        )
        found.goto(target.as_uri())
        found.wait_for_selector("html[data-ready=yes]")
        yield found
        assert problems == []
        browser.close()


def test_panes_move_together(page: Page) -> None:
    assert page.evaluate("xiangyouCompare.panes.length") == 2
    page.evaluate("xiangyouCompare.panes[1].map.setZoom(14, {animate: false})")
    places = page.evaluate(
        "xiangyouCompare.panes.map(p => [p.map.getZoom(), p.map.getCenter().lat, p.map.getCenter().lng])"
    )
    assert places[0] == pytest.approx(places[1])
    assert places[0][0] == 14


def test_colours_follow_the_choice_and_count_every_village(page: Page) -> None:
    for key in ("service", "cost", "verdict"):
        page.select_option("#xiangyou-switches select", key)
        counts = page.evaluate("xiangyouCompare.panes.map(p => p.counts)")
        assert [sum(count.values()) for count in counts] == [8, 8]
        shown = page.evaluate(
            "xiangyouCompare.data.runs[1].villages.map(v => v.by['" + key + "'] || (v.served ? 'same' : 'unserved'))"
        )
        assert {word: shown.count(word) for word in set(shown)} == counts[1]


def test_layers_are_switched_in_every_pane(page: Page) -> None:
    has = "xiangyouCompare.panes.map(p => p.map.hasLayer(p.groups.rounds))"
    assert page.evaluate(has) == [False, False]
    page.check("input[data-layer=rounds]")
    assert page.evaluate(has) == [True, True]


def test_differences_only_hides_what_is_alike(page: Page) -> None:
    alike, differs = page.locator("#settings tr.same"), page.locator("#settings tr.differs")
    assert alike.count() > 0
    assert differs.count() == 3
    assert alike.first.is_visible()
    page.click("label[for=only]")
    assert not alike.first.is_visible()
    assert differs.first.is_visible()


def test_a_tip_tells_the_villages_figures(page: Page) -> None:
    words = page.evaluate(
        "(() => { const m = xiangyouCompare.panes[1].groups.villages.getLayers()[0]; m.fire('mouseover', {latlng: m.getLatLng()}, true);"
        " return document.querySelector('.leaflet-tooltip').textContent; })()"
    )
    run = page.evaluate("xiangyouCompare.data.runs[1].villages[0]")
    heads = page.evaluate("xiangyouCompare.data.heads.villages")
    assert run["name"] in words
    assert all(head + told in words for head, told in zip(heads, run["rows"], strict=True) if told)
