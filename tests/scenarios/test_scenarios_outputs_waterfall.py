"""Waterfalls: blocks that stand on what came before, in the report and in the workbook; names that fit below them."""

import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from scenarios.outputs.sheet_parts import DATA_COLUMN, Formats
from scenarios.outputs.studies_charts import study_charts
from scenarios.outputs.studies_waterfall import write_waterfall
from scenarios.outputs.xy_chart import wrapped
from scenarios.studies.study import StudyChart, waterfall_series

TOTALS = [("block_today", 100.0), ("block_reach", 160.0), ("block_joint", 60.0), ("block_plan", 60.0)]
CHART = StudyChart("chart_saving_steps", "waterfall", "block", "total_cny_per_day", waterfall_series(TOTALS))


def boxes(picture: str) -> list[tuple[float, float]]:
    """Return (top, height) of the solid bars from left to right."""
    found = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" fill="#', picture)
    return [(float(y), float(h)) for _, y, h in sorted(found, key=lambda box: float(box[0]))]


def test_blocks_start_where_the_one_before_ended() -> None:
    (shown,) = study_charts((CHART,), "en")
    (today_y, today_h), (reach_y, reach_h), (joint_y, joint_h), (plan_y, plan_h) = boxes(str(shown.picture))
    foot = today_y + today_h
    assert plan_y + plan_h == pytest.approx(foot, abs=0.2)
    assert reach_y + reach_h == pytest.approx(today_y, abs=0.2)  # +60 stands on 100
    assert joint_y == pytest.approx(reach_y, abs=0.2)  # -100 hangs from 160
    assert joint_y + joint_h == pytest.approx(plan_y, abs=0.2)
    assert reach_h / today_h == pytest.approx(0.6, abs=0.02)
    text = str(shown.picture)
    assert ">+60<" in text
    assert ">-100<" in text
    assert text.count(">100<") >= 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_block_is_named_below_it(lang: Any) -> None:
    (shown,) = study_charts((CHART,), lang)
    words = re.sub(r"<[^>]+>", "", str(shown.picture))
    assert ("联合方案" if lang == "zh" else "The plan") in words


def test_names_wrap_between_words_or_characters_in_three_lines() -> None:
    lines = wrapped("Own lines to every village with parcels", 90.0)
    assert 1 < len(lines) <= 3
    assert " ".join(lines) == "Own lines to every village with parcels"
    lines = wrapped("各自通达全部有件村的线路", 60.0)
    assert 1 < len(lines) <= 3
    assert "".join(lines) == "各自通达全部有件村的线路"
    assert wrapped("short", 500.0) == ["short"]


def test_the_workbook_holds_where_each_block_stands(tmp_path: Path) -> None:
    class Content:
        lang = "en"

    with xlsxwriter.Workbook(str(tmp_path / "w.xlsx")) as book:
        sheet = book.add_worksheet("S")
        free = write_waterfall(book, sheet, (0, 1), CHART, ("S", Formats(book), Content()))  # type: ignore[arg-type]
    assert free == 1 + 4 + 3
    rows = openpyxl.load_workbook(tmp_path / "w.xlsx")["S"].iter_rows(
        min_row=3, max_row=6, min_col=DATA_COLUMN + 1, max_col=DATA_COLUMN + 4, values_only=True
    )
    figures = [tuple(row[1:]) for row in rows]
    assert figures == [(0, 100, 100), (100, 60, 160), (60, 100, 60), (0, 60, 60)]
