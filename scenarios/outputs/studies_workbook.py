"""The studies in the workbook: a sheet each with answer, figures and native charts, and a sheet for every table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import xlsxwriter

from scenarios.content import RunContent
from scenarios.outputs.sheet_parts import (
    CHART_ROWS,
    CHART_SIZE,
    DATA_COLUMN,
    Formats,
    text_width,
    write_head,
    write_lines,
)
from scenarios.outputs.studies_charts import axis_rule
from scenarios.outputs.studies_sheets import reason_rows, sheet_names, with_township_names
from scenarios.outputs.studies_waterfall import write_waterfall
from scenarios.outputs.studies_words import (
    NUMERIC_KINDS,
    answers,
    cell_text,
    column_heading,
    fact_text,
    fact_title,
    is_figure,
    proof_line,
    status_sentence,
    status_word,
    study_title,
    table_title,
    unit_of,
)
from scenarios.outputs.terms import say, sentence
from scenarios.outputs.xy_chart import LOOKS, Series, finite
from scenarios.studies.study import Cell, Study, StudyChart, StudyColumn, StudyTable

_DASHES = ("solid", "dash", "round_dot", "dash_dot", "long_dash", "long_dash_dot")
_MARKS = ("circle", "square", "triangle", "diamond", "circle", "x")
_PATTERNS = ("", "wide_upward_diagonal", "dark_vertical", "dark_horizontal", "diagonal_brick", "wide_downward_diagonal")
_MAX_WIDTH = 60
_MAX_ROWS = 1_048_575


def write_study_list(sheet: Any, row: int, formats: Formats, content: RunContent) -> int:
    """Write question, first answer and how sure it is of every study, linked to its sheet; return the next free row."""
    lang = content.lang
    names = sheet_names(content)
    sheet.write_string(row, 0, say("workbook_studies", lang), formats.strong)
    for number, study in enumerate(content.studies, start=1):
        row += 1
        target = names[number, 0].replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{target}'!A1", formats.link, string=study_title(study, lang))
        sheet.write_string(row, 1, status_word(study, lang), formats.wrapped)
        first = (answers(study, lang) or [""])[0]
        sheet.write_string(row, 2, first, formats.wrapped)
        sheet.set_row(row, 15.0 * max(1, -(-text_width(first) // 44)))
    return row + 2


def write_studies(book: xlsxwriter.Workbook, formats: Formats, content: RunContent) -> None:
    """Add all sheets of the studies."""
    names = sheet_names(content)
    for number, study in enumerate(content.studies, start=1):
        _own_sheet(book, formats, content, (study, names[number, 0]))
        for part, table in enumerate(study.tables, start=1):
            _table_sheet(book.add_worksheet(names[number, part]), formats, table, content)
        if (number, -1) in names:
            _reason_sheet(book.add_worksheet(names[number, -1]), formats, study, content)


def _own_sheet(book: xlsxwriter.Workbook, formats: Formats, content: RunContent, named: tuple[Study, str]) -> None:
    study, name = named
    lang = content.lang
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 46)
    sheet.set_column(DATA_COLUMN, DATA_COLUMN + 12, 16)
    sheet.write_string(0, 0, study_title(study, lang), formats.title)
    lines = [*answers(study, lang), status_sentence(study, lang), proof_line(study, lang)]
    row = write_lines(sheet, 2, [line for line in lines if line], formats)
    for key, value in study.figures.items():
        sheet.write_string(row, 0, fact_title(key, lang), formats.text)
        sheet.write_string(row, 1, fact_text(key, value, lang), formats.strong)
        row += 1
    row += 1
    if study.assumptions:
        sheet.write_string(row, 0, say("report_study_assumptions", lang), formats.strong)
        row = write_lines(sheet, row + 1, [sentence(message, lang) for message in study.assumptions], formats) + 1
    data_row = 1
    for chart in study.charts:
        if chart.kind == "waterfall" and _has_points(chart):
            data_row = write_waterfall(book, sheet, (row, data_row), chart, (name, formats, content))
            row += CHART_ROWS
        elif _has_points(chart):
            data_row = _chart(book, sheet, (row, data_row), chart, (name, formats, content))
            row += CHART_ROWS


def _has_points(chart: StudyChart) -> bool:
    return bool(finite([Series(s.key, s.points) for s in chart.series]))


def _stepped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points of a staircase: each value is kept until the next."""
    out = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        out += [(x, before), (x, y)]
    return out


def _chart(
    book: xlsxwriter.Workbook,
    sheet: Any,
    rows: tuple[int, int],
    chart: StudyChart,
    where: tuple[str, Formats, RunContent],
) -> int:
    """Write the figures of a chart and the chart itself; return the next free row of the figures."""
    name, formats, content = where
    lang = content.lang
    is_bar = chart.kind == "bar"
    kind = {"type": "column"} if is_bar else {"type": "scatter", "subtype": "straight_with_markers"}
    picture = book.add_chart(kind)
    series = finite([Series(table_title(s.key, lang), s.points) for s in chart.series])
    x_rule = axis_rule(chart.x_key, [x for s in series for x, _ in s.points], lang)
    y_rule = axis_rule(chart.y_key, [y for s in series for _, y in s.points], lang)
    title = table_title(chart.key, lang)
    top = rows[1]
    sheet.write_string(top - 1, DATA_COLUMN, say("workbook_chart_data", lang, {"title": title}), formats.strong)
    last = top
    for i, one in enumerate(series):
        points = sorted(one.points)
        points = _stepped(points) if chart.kind == "step" else points
        column = DATA_COLUMN + 2 * i
        sheet.write_string(top, column, x_rule.words, formats.head)
        sheet.write_string(top, column + 1, one.words, formats.head)
        for j, (x, y) in enumerate(points, start=1):
            sheet.write_number(top + j, column, x / x_rule.divisor, formats.number(_pattern(chart.x_key)))
            sheet.write_number(top + j, column + 1, y / y_rule.divisor, formats.number(_pattern(chart.y_key)))
        end = top + len(points)
        picture.add_series(
            {
                "name": [name, top, column + 1],
                "categories": [name, top + 1, column, end, column],
                "values": [name, top + 1, column + 1, end, column + 1],
                **_series_look(i, is_bar=is_bar),
            }
        )
        last = max(last, end)
    picture.set_title({"name": title, "name_font": {"size": 12}})
    picture.set_x_axis({"name": x_rule.words, "num_format": _pattern(chart.x_key)})
    picture.set_y_axis({"name": y_rule.words, "num_format": _pattern(chart.y_key)})
    picture.set_legend({"none": True} if len(series) == 1 else {"position": "bottom"})
    picture.set_size(CHART_SIZE)
    sheet.insert_chart(rows[0], 0, picture)
    return last + 3


def _series_look(i: int, *, is_bar: bool) -> dict[str, Any]:
    """Return the look of a series, told apart by dash, mark and pattern as well as by colour."""
    i %= len(LOOKS)
    colour = LOOKS[i].colour
    if is_bar:
        if not _PATTERNS[i]:
            return {"fill": {"color": colour}}
        return {"pattern": {"pattern": _PATTERNS[i], "fg_color": colour, "bg_color": "#FFFFFF"}}
    return {
        "line": {"color": colour, "width": 1.75, "dash_type": _DASHES[i]},
        "marker": {"type": _MARKS[i], "size": 5, "fill": {"color": colour}, "border": {"color": colour}},
    }


def _pattern(key: str, kind: str = "") -> str:
    """Return the number pattern of a figure."""
    if kind == "count":
        return "#,##0"
    unit = unit_of(key, kind)
    return {"share": "0.0%", "km": "#,##0.00"}.get(
        unit, "#,##0" if unit == "cny" else "#,##0.##" if unit else "General"
    )


def _table_sheet(sheet: Any, formats: Formats, table: StudyTable, content: RunContent) -> None:
    lang = content.lang
    table = with_township_names(table, content)
    rows = table.rows[:_MAX_ROWS]
    write_head(sheet, [column_heading(column, lang) for column in table.columns], len(rows), formats)
    for i, column in enumerate(table.columns):
        texts = [_write(sheet, (j, i), row[i], column, (formats, content)) for j, row in enumerate(rows, start=1)]
        longest = max((text_width(text) for text in texts), default=0)
        sheet.set_column(i, i, min(max(longest + 2, 12), _MAX_WIDTH))


def _write(
    sheet: Any, where: tuple[int, int], value: Cell, column: StudyColumn, how: tuple[Formats, RunContent]
) -> str:
    """Write one cell, figures as figures; return its text."""
    formats, content = how
    text = cell_text(value, column, content.lang)
    if is_figure(value) and abs(float(value)) < float("inf"):
        sheet.write_number(*where, float(value), formats.number(_pattern(column.key, column.kind)))
    elif value is None or (column.kind in NUMERIC_KINDS and isinstance(value, float)):
        sheet.write_blank(*where, None, formats.text)
    else:
        sheet.write_string(*where, text, formats.wrapped if text_width(text) > _MAX_WIDTH else formats.text)
    return text


def _reason_sheet(sheet: Any, formats: Formats, study: Study, content: RunContent) -> None:
    rows = reason_rows(study, content)[:_MAX_ROWS]
    heads = [say(f"report_study_{key}", content.lang) for key in ("demand", "demand_name", "reason")]
    write_head(sheet, heads, len(rows), formats)
    for i, width in enumerate((18, 24, 100)):
        sheet.set_column(i, i, width)
    for j, row in enumerate(rows, start=1):
        for i, text in enumerate(row):
            sheet.write_string(j, i, text, formats.wrapped if i == len(row) - 1 else formats.text)
