"""A waterfall in the workbook: blocks standing on what came before, first and last from zero, with their figures beside."""

from __future__ import annotations

from typing import Any

import xlsxwriter

from scenarios.content import RunContent
from scenarios.outputs.sheet_parts import CHART_SIZE, DATA_COLUMN, Formats
from scenarios.outputs.studies_charts import axis_rule
from scenarios.outputs.studies_words import table_title
from scenarios.outputs.terms import say
from scenarios.outputs.xy_chart import LOOKS
from scenarios.studies.study import StudyChart


def write_waterfall(
    book: xlsxwriter.Workbook,
    sheet: Any,
    rows: tuple[int, int],
    chart: StudyChart,
    where: tuple[str, Formats, RunContent],
) -> int:
    """Write the figures of a waterfall and the chart itself; return the next free row of the figures.

    Excel has no waterfall in files of this kind: a stacked column whose lower part is not filled stands for it.
    """
    name, formats, content = where
    lang, top = content.lang, rows[1]
    totals = [series.points[0][1] for series in chart.series]
    rule = axis_rule(chart.y_key, totals, lang)
    title = table_title(chart.key, lang)
    sheet.write_string(top - 1, DATA_COLUMN, say("workbook_chart_data", lang, {"title": title}), formats.strong)
    heads = (
        table_title(chart.x_key, lang),
        say("workbook_block_from", lang),
        say("workbook_block_height", lang),
        rule.words,
    )
    for k, head in enumerate(heads):
        sheet.write_string(top, DATA_COLUMN + k, head, formats.head)
    before = 0.0
    for j, (series, total) in enumerate(zip(chart.series, totals, strict=True), start=1):
        is_whole = j in (1, len(totals))
        low, high = sorted((0.0 if is_whole else before, total))
        sheet.write_string(top + j, DATA_COLUMN, table_title(series.key, lang), formats.text)
        for k, figure in enumerate((low, high - low, total), start=1):
            sheet.write_number(top + j, DATA_COLUMN + k, figure / rule.divisor, formats.number("#,##0"))
        before = total
    end = top + len(totals)
    picture = book.add_chart({"type": "column", "subtype": "stacked"})
    for k, fill in ((1, {"none": True}), (2, {"color": LOOKS[0].colour})):
        picture.add_series(
            {
                "name": [name, top, DATA_COLUMN + k],
                "categories": [name, top + 1, DATA_COLUMN, end, DATA_COLUMN],
                "values": [name, top + 1, DATA_COLUMN + k, end, DATA_COLUMN + k],
                "fill": fill,
                "gap": 60,
            }
        )
    picture.set_title({"name": title, "name_font": {"size": 12}})
    picture.set_y_axis({"name": rule.words, "num_format": "#,##0"})
    picture.set_legend({"none": True})
    picture.set_size(CHART_SIZE)
    sheet.insert_chart(rows[0], 0, picture)
    return end + 3
